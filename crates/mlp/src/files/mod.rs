//! What is kept in files: networks, what prepares their data, and matrices and texts of one's own.
//!
//! [`Mlp::save`](crate::Mlp#method.save) and [`Mlp::load`](crate::Mlp#method.load) are all that a
//! network needs. What goes with it goes into the same [`Archive`]:
//!
//! ```
//! # #[cfg(feature = "safetensors")] {
//! use mlp::{Activation, Mlp, Standardizer, files::Archive};
//! use tape::matrix;
//! let x = matrix![[150.0, 170.0, 190.0], [0.1, 0.4, 0.1]];
//! let standardizer = Standardizer::fit(&x)?;
//! let network = Mlp::<f64>::new(2).layer(1, Activation::Sigmoid).build()?;
//! let mut archive = network.to_archive()?;
//! archive.insert_standardizer(&standardizer);
//! archive.set_text("description", "who is tall, by height in cm and share of basketball");
//!
//! # let bytes = archive.to_bytes()?; // as write and read do
//! # let read = |_: &str| Archive::from_bytes(&bytes);
//! let archive = read("tall.safetensors")?; // Archive::read, in another process
//! let (network, standardizer) = (Mlp::<f64>::from_archive(&archive)?, archive.standardizer()?.unwrap());
//! assert_eq!(network.predict(&standardizer.transform(&x)?)?.shape(), (1, 3));
//! # }
//! # Ok::<(), mlp::Error>(())
//! ```
//!
//! # The format
//!
//! A file is one of [safetensors](https://github.com/huggingface/safetensors), which Python's
//! package of this name reads. Version 1 of a network's has these tensors and texts
//! (`__metadata__`):
//!
//! | name | shape or text |
//! |---|---|
//! | `layers.k.weight` | W\[k + 1\], (n_(k+1), n_k), row by row as in PyTorch |
//! | `layers.k.bias` | b\[k + 1\], (n_(k+1)) |
//! | `layers.k.activation` | g, as it is printed, its parameter exactly: `leaky_relu(0.01)`; `custom: name` for one of the user's |
//! | `sizes` | n_0,n_1,…,n_L |
//! | `loss`, `loss_is_chosen` | its name; `true` or `false` |
//! | `number` | `f32` or `f64` |
//! | `kind`, `format_version`, `description`, `format` | `mlp`, `1`, for people, `pt` (PyTorch's layout) |
//! | `preprocessing.mean`, `preprocessing.scale` | of a standardiser, if there is one: (n_0), f64 |
//! | `preprocessing.k.…` | of step k of a pipeline, if there is one: its [parts](crate::Pipeline::parts), f64 |
//! | `preprocessing.steps`, `preprocessing.format_version` | the number of steps; `1` |
//! | `crc32` | of all that is in the file, in the order of the names; who changes a file by hand leaves it out |
//!
//! Files of a version stay readable. Those of a later one than this crate knows are refused.

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
#[cfg(feature = "serde")]
pub(crate) use network::{CUSTOM, text_of};
pub use npy::Npy;
pub use tensor::NumberKind;
