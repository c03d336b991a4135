//! Choosing hyperparameters: candidates, and how good each is.
//!
//! A [`GridSearch`] tries all combinations of values, a [`RandomSearch`] as many as it is told. Each
//! candidate is evaluated on every fold, several at a time, by whatever the user does with it;
//! [`validate`] trains a network on a fold's training part and measures it on its test part. The
//! result is a [`SearchTable`].
//!
//! ```
//! use mlp::search::{Goal, GridSearch, validate};
//! use mlp::{Activation, Folds, Mlp, Optimizer, Preparation, Training, metrics};
//! use tape::Matrix;
//!
//! let x = Matrix::from_fn(2, 40, |k, i| ((i * (3 + 4 * k)) % 11) as f64);
//! let y = Matrix::from_fn(1, 40, |_, i| f64::from(x[(0, i)] > x[(1, i)]));
//! let folds = Folds::new(4, 1)?.of(40)?;
//!
//! let search = GridSearch::new().over("rate", [0.5, 1e-4]).over("neurons", [2, 4]);
//! let table = search.run(Goal::Smallest, folds.len(), |candidate, fold| {
//!     let training = Training::new(Optimizer::adam(candidate.number("rate")?)?).epochs(20).threads(1);
//!     let network = Mlp::<f64>::new(2)
//!         .layer(candidate.count("neurons")?, Activation::Tanh)
//!         .layer(1, Activation::Sigmoid);
//!     let log_loss = |network: &Mlp<f64>, x: &_, y: &_| network.loss(x, y);
//!     validate(&training, &network, &[Preparation::Standardize], &x, &y, &folds[fold], log_loss)
//! })?;
//! assert_eq!(table.best().map(|best| best.number("rate")), Some(Ok(0.5)));
//! println!("{table}");
//! # Ok::<(), mlp::Error>(())
//! ```
//!
//! A search looks at the folds' test parts again and again, so the best value of a table is too good:
//! what the chosen candidate is worth, examples tell that were in no fold.

mod candidate;
mod cross_validate;
mod grid;
mod random;
#[cfg(feature = "serde")]
mod serialised;
mod table;

pub use candidate::{Candidate, Value};
pub(crate) use cross_validate::{Metric, cross_validate_here, validate_here};
pub use cross_validate::{cross_validate, validate};
pub use grid::GridSearch;
pub use random::{Draw, RandomSearch};
pub use table::{FoldScores, Goal, SearchRow, SearchTable};
