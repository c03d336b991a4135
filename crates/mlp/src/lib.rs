//! Fully connected networks.

mod activation;
pub mod closed_form;
mod error;
mod init;
mod loss;
mod random;
mod shuffle;

pub use activation::Activation;
pub use error::{Error, Result};
pub use init::Init;
pub use loss::Loss;
pub use random::{Purpose, Random};
