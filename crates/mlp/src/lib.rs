//! Fully connected networks, in the letters of the textbook: W, b, Z, A, g, Y, J, ℒ, l, L, m, n_l.
//!
//! An example is a *column*: X = A\[0\] is n_0 × m, Y is n_L × m. Layer l has weights W\[l\], n_l ×
//! n_(l−1), and a bias b\[l\], n_l × 1, and computes Z\[l\] = W\[l\] * A\[l−1\] + b\[l\] (eq. 23)
//! and A\[l\] = g(Z\[l\]) (eq. 24). J is the mean of ℒ over the m examples (eq. 25).
//!
//! A network is recorded on a tape of [`tape`], which derives the gradients; a [`Training`]
//! compiles them once and follows them. The textbook's equations come out of the derivation as its
//! very entries, and stand once more as plain code, as [`closed_form`]: each checks the other.
//!
//! ```
//! use mlp::{Activation, Mlp, Optimizer, Training};
//! use tape::{Tape, matrix};
//!
//! let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]; // an example is a column
//! let y = matrix![[0.0, 1.0, 1.0, 0.0]];
//! let mut xor = Mlp::<f64>::new(2)
//!     .layer(4, Activation::Tanh)
//!     .layer(1, Activation::Sigmoid)
//!     .build()?;
//!
//! let tape = Tape::new();
//! let recorded = xor.record(&tape, &x, &y)?; // W, b, Z, A, ℒ and J as entries of the tape
//! let dw = recorded.gradients()[2]; // of W[1], b[1], W[2], b[2]
//! let eq_26 = "∂J/∂W[2] = 1/m · (∂ℒ/∂A[2] ⊙ g′(Z[2])) * A[1]ᵀ";
//! assert_eq!(dw.equation().to_string(), eq_26);
//! let plain = xor.closed_form(&x, &y)?; // the same without a tape
//! assert!(dw.value()?.iter().zip(plain.dw(2).iter()).all(|(a, b)| (a - b).abs() < 1e-15));
//!
//! let history = Training::new(Optimizer::adam(0.05)?).epochs(300).fit(&mut xor, &x, &y)?;
//! assert!(history.last().is_some_and(|losses| losses.training < 0.05));
//! assert_eq!(xor.accuracy(&x, &y)?, 1.0);
//! # Ok::<(), mlp::Error>(())
//! ```
//!
//! # I want to …
//!
//! | … | see |
//! |---|---|
//! | read the theory, with code that runs | [`guide`], in English and Spanish |
//! | describe a network | [`Mlp::new`], [`MlpBuilder`]; [`Activation`], [`Loss`] |
//! | draw the first W\[l\] and b\[l\] | [`MlpBuilder::seed`], [`Init`], [`Random`] |
//! | prepare data | [`Pipeline`]: [`Standardizer`], [`MinMax`], [`OneHot`], [`Imputer`]; [`one_hot`], [`check_finite`] |
//! | split data | [`Split`], [`Folds`] |
//! | train | [`Training`], [`Training::fit`]; [`Training::batches`] for mini-batches |
//! | train any model of a tape, or in pieces | [`Trainer`], [`Model`]; [`Training::begin`] |
//! | change the rate on the way | [`Schedule`]; [`ParameterGroup`] for some parameters |
//! | choose an optimiser | [`Optimizer`]; [`OptimizerState`] for a loop of one's own, also of a table's touched columns |
//! | give parameters rates and decays of their own | [`OptimizerState::set_rate_factor`], [`OptimizerState::set_l2`], [`OptimizerState::set_weight_decay`] |
//! | keep what an optimiser remembers | [`OptimizerState::remembered`], [`OptimizerState::restore`] |
//! | go to a minimum of any J, or fit by least squares | [`minimize`]: [`Lbfgs`](minimize::Lbfgs), [`NewtonCg`](minimize::NewtonCg), [`LevenbergMarquardt`](minimize::LevenbergMarquardt) |
//! | watch a training | [`Training::fit_with`], [`Training::validation`], [`History`] |
//! | see how far it is, and a curve on the terminal | `Progress`, of the feature `progress`; [`History::curve`] |
//! | choose hyperparameters | [`search`]: [`GridSearch`](search::GridSearch), [`RandomSearch`](search::RandomSearch), [`cross_validate`](search::cross_validate) |
//! | stop it early | [`Training::early_stopping`], [`EarlyStopping`] |
//! | use a network | [`Mlp::predict`], [`Mlp::predict_classes`], [`Mlp::predict_probabilities`], [`classes()`]; [`Predictor`] without allocating |
//! | know how good it is | [`Mlp::accuracy`], [`Mlp::loss`]; [`metrics`]: [`ConfusionMatrix`], [`ClassProbabilities`](metrics::ClassProbabilities), [`Scores`](metrics::Scores), [`Quantities`](metrics::Quantities) |
//! | know what a difference means | [`Bootstrap`](metrics::Bootstrap) |
//! | step through it in a browser, with the textbook's equations marked | `Mlp::page`, of the feature `html` |
//! | show others what was trained and how good it is | `report`, of the feature `report` |
//! | save a network and load it, here, in another process or in Python | [`Mlp::save`](Mlp#method.save), [`Mlp::load`](Mlp#method.load), [`files`] |
//! | keep what prepares its data with it, and predict for data as they are | [`Mlp::save_with_pipeline`], [`Mlp::load_with_pipeline`], [`Mlp::predictor_with`] |
//! | keep matrices of one's own | [`Archive`](files::Archive) |
//! | have numpy's files, or PyTorch's parameters | [`Npy`](files::Npy), [`Npy::read_examples`](files::Npy::read_examples), [`Archive::read_npz`](files::Archive::read_npz), [`Mlp::set_parameters_from`] |
//! | read tables of CSV and libsvm | `tables`, of the feature `csv` |
//! | have settings and results as JSON or in another format of serde's | the feature `serde` |
//! | look at or set parameters | [`Mlp::parameters`], [`Mlp::set_parameter`] |
//! | carry a network over: to ONNX, to Rust source | `Mlp::export`, of the features `onnx` and `rust-source` |
//! | read a network of another library | `Mlp::from_onnx`, of the feature `onnx` |
//! | have gradients | [`Mlp::gradients`] |
//! | differentiate further | [`Mlp::record`], [`RecordedMlp`] |
//! | read eq. 8 and 26–28 as plain code | [`closed_form`], [`Mlp::closed_form`] |
//! | draw networks with data for property tests | `strategies`, of the feature `proptest` |
//! | be told which of one's own equations is wrong | [`diagnose`], [`Exercise`](diagnose::Exercise), [`Numbers`](diagnose::Numbers) |
//! | write code for `f32` and `f64` | [`Scalar`] |
//! | understand an error | [`Error`] |
//!
//! # How a training runs
//!
//! [`Training::fit`] looks at all data, labels and hyperparameters first. What is no number, no
//! label of the loss, or no hyperparameter of the number type is refused with its place before
//! anything is learned from it, and so is a loss that cannot follow the last layer. It records the
//! network, compiles J and all gradients to one program, and runs that for every batch: the batches
//! of an epoch are columns of X and Y that the program reads where they are. After each run the
//! optimizer changes the program's own parameters in place. No step allocates. At the end, the
//! network gets what was learned: with early stopping, the parameters of the best epoch. A training
//! that diverges is an error, and the network keeps its last good parameters.
//!
//! The same seed gives the same random numbers on every platform and in every release. With the
//! same data it gives the same network, bit for bit, on processors with the same instructions,
//! whatever the number of threads.
//!
//! # How it is tested
//!
//! The gradients of networks of every depth, width, activation and loss are the entries that eq.
//! 26–28 make by hand on the tape, and have the values of [`closed_form`], of networks that JAX and
//! PyTorch computed, and of differences. `closed_form` shares no operation, kernel or derivative
//! with the tape. Optimizers are compared with PyTorch's trajectories, minimisers with scipy's
//! and NIST's certified minima, optimizers and metrics with values worked out by hand, random
//! numbers with published ones, and trainings that go wrong with the parameters they have to leave
//! behind.

mod activation;
pub mod closed_form;
mod compiled;
mod data;
pub mod diagnose;
mod error;
mod export;
pub mod files;
#[cfg(any(doc, doctest))]
pub mod guide;
mod history;
#[cfg(feature = "onnx")]
mod import;
mod init;
mod labels;
mod loss;
pub mod metrics;
pub mod minimize;
mod network;
mod optimizer;
#[cfg(feature = "html")]
mod page;
mod parallel;
mod predictor;
#[cfg(feature = "progress")]
mod progress;
mod random;
#[cfg(feature = "report")]
pub mod report;
pub mod search;
#[cfg(feature = "serde")]
mod serialised;
mod shuffle;
#[cfg(feature = "proptest")]
pub mod strategies;
mod sum;
#[cfg(feature = "csv")]
pub mod tables;
mod text;
mod training;
mod vectors;

pub use activation::Activation;
pub use compiled::Scalar;
pub use data::{
    Folds, Imputer, MinMax, OneHot, Parts, Pipeline, Preparation, Split, Standardizer, Unseen, check_finite,
    classes, one_hot,
};
pub use error::{Error, Result};
pub use export::Export;
pub use history::{EarlyStopping, History, Losses, Verdict};
pub use init::Init;
pub use loss::Loss;
pub use metrics::ConfusionMatrix;
pub use network::{Mlp, MlpBuilder, RecordedMlp};
pub use optimizer::{Optimizer, OptimizerState, ParameterKind, Remembered, RestoreFault, RmsProp};
pub use predictor::Predictor;
#[cfg(feature = "progress")]
pub use progress::Progress;
pub use random::{Purpose, Random};
pub use training::{Batch, Epoch, Model, Moment, ParameterGroup, Schedule, Trainer, Training};
