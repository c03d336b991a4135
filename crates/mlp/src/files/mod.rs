//! What is kept in files: archives of matrices and texts, and how they are written and read.

mod archive;
mod atomic;
mod bounded;
mod checksum;
mod error;
mod network;
mod npy;
mod npz;
mod preprocessing;
#[cfg(feature = "safetensors")]
mod safetensors;
mod tensor;

pub use archive::Archive;
pub use atomic::write_whole;
pub use error::{FileError, FileProblem};
pub use network::Loading;
pub use npy::Npy;
pub use tensor::NumberKind;
