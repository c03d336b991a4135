//! Fully connected networks, in the letters of the textbook: W, b, Z, A, g, Y, J, ℒ, l, L, m, n_l.
//!
//! An example is a *column*: X = A\[0\] is n_0 × m, Y is n_L × m. Layer l has weights W\[l\], n_l × n_(l−1), and a bias b\[l\],
//! n_l × 1, and computes Z\[l\] = W\[l\] * A\[l−1\] + b\[l\] (eq. 23) and A\[l\] = g(Z\[l\]) (eq. 24). J is the mean of ℒ over the m
//! examples (eq. 25).
//!
//! | what | where |
//! |---|---|
//! | g and ℒ | [`Activation`], [`Loss`] |
//! | the first W\[l\] and b\[l\], from a seed | [`Init`], [`Random`] |
//! | J, ∂J/∂W\[l\], ∂J/∂b\[l\], ∂ℒ/∂A\[l\] as plain code, eq. 8 and 26–28 | [`closed_form`] |
//! | a network, and following its gradients | [`Mlp`], [`Training`], [`Optimizer`], [`History`], [`EarlyStopping`] |
//! | data | [`Split`], [`Standardizer`], [`one_hot`], [`classes()`], [`check_finite`] |
//! | how good it is | [`metrics`], [`ConfusionMatrix`] |
//!
//! The same seed gives the same random numbers on every platform and in every release, and with the same data the same network,
//! bit for bit, on processors with the same instructions.
//!
//! What is no number, no label of the loss, or no hyperparameter of the number type is refused with its place before anything is
//! learned from it, and so is a loss that cannot follow the last layer. A training that diverges is an error, and keeps the last
//! good parameters.
//!
//! XOR, learned with the closed form alone:
//!
//! ```
//! use mlp::{Activation, Init, ParameterKind, Loss, Optimizer, closed_form};
//! use tape::Matrix;
//!
//! let x = Matrix::from_vec(2, 4, vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?;
//! let y = Matrix::from_vec(1, 4, vec![0.0, 1.0, 1.0, 0.0])?;
//! let g = [Activation::Tanh, Activation::Sigmoid];
//! let mut layers = Init::Glorot.parameters::<f64>(&[2, 4, 1], 0)?;
//! // W[1], b[1], W[2], b[2].
//! let sizes = [(8, ParameterKind::Weight), (4, ParameterKind::Bias), (4, ParameterKind::Weight), (1, ParameterKind::Bias)];
//! let mut optimizer = Optimizer::adam(0.1)?.state(&sizes);
//! let mut j = f64::INFINITY;
//! for _ in 0..200 {
//!     let network: Vec<_> =
//!         layers.iter().zip(&g).map(|((w, b), g)| closed_form::Layer::new(w, b, g)).collect();
//!     let found = closed_form::backward(&network, &x, &y, Loss::LogLoss)?;
//!     j = found.j;
//!     for (l, (w, b)) in (1..).zip(&mut layers) {
//!         optimizer.step(2 * l - 2, w.as_mut_slice(), found.dw(l).as_slice())?;
//!         optimizer.step(2 * l - 1, b.as_mut_slice(), found.db(l).as_slice())?;
//!     }
//! }
//! assert!(j < 0.02, "{j}");
//! # Ok::<(), mlp::Error>(())
//! ```

mod activation;
pub mod closed_form;
mod compiled;
mod data;
mod error;
mod history;
mod init;
mod labels;
mod loss;
pub mod metrics;
mod network;
mod optimizer;
mod random;
mod shuffle;
mod sum;
mod text;
mod train;

pub use activation::Activation;
pub use compiled::Scalar;
pub use data::{Split, Standardizer, check_finite, classes, one_hot};
pub use error::{Error, Result};
pub use history::{EarlyStopping, History, Losses, Verdict};
pub use init::Init;
pub use loss::Loss;
pub use metrics::ConfusionMatrix;
pub use network::{Mlp, MlpBuilder, RecordedMlp};
pub use optimizer::{Optimizer, OptimizerState, ParameterKind};
pub use random::{Purpose, Random};
pub use train::{Epoch, Training};
