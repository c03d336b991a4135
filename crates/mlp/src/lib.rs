//! Fully connected networks.

mod activation;
pub mod closed_form;
mod data;
mod error;
mod history;
mod init;
mod loss;
pub mod metrics;
mod network;
mod optimizer;
mod random;
mod shuffle;
mod train;

pub use activation::Activation;
pub use data::{Split, Standardizer, check_finite, classes, one_hot};
pub use error::{Error, Result};
pub use history::{EarlyStopping, History, Losses, Verdict};
pub use init::Init;
pub use loss::Loss;
pub use metrics::ConfusionMatrix;
pub use network::{Builder, Mlp, Recorded};
pub use optimizer::{Kind, Optimizer, OptimizerState};
pub use random::{Purpose, Random};
pub use train::{Epoch, Training};
