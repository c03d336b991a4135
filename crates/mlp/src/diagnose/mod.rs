//! Which equation is wrong: what somebody has typed or computed, beside eq. 8, 16, 23, 24 and 26–28.
//!
//! An [`Exercise`] judges a typed equation **by identity**: it is recorded on a tape, and *is* the right entry, or the entry of a wrong
//! variant that has a name, or another one; no tolerance is in it. [`Numbers`] judges matrices that somebody has computed: it names the first
//! equation that does not hold given their own earlier matrices, so that one mistake gives one message.
//!
//! ```
//! use mlp::diagnose::{Exercise, Mistake, Verdict};
//! use mlp::{Activation, Mlp};
//! let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
//! let exercise = Exercise::new(&network);
//! assert_eq!(exercise.judge("dJ/dW[1] = 1/m * d[1] * A[0]'")?, Verdict::Same);
//! let wrong = exercise.judge("∂J/∂W[1] = 1/m · ∂ℒ/∂A[1] * Xᵀ")?;
//! assert_eq!(wrong.mistake(), Some(Mistake::WithoutSlope));
//! assert_eq!(wrong.to_string(), "∂J/∂W[1] is eq. 26 without g′(Z[1])");
//! let wrong = exercise.judge("∂J/∂W[2] = 1/m · δ[2] * A[1]")?;
//! assert_eq!(wrong.mistake(), Some(Mistake::WithoutTranspose)); // and has shapes that do not fit
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Which mistakes have a name, how an exercise is set, and what cannot be told apart, is in `docs/WHICH_EQUATION.md`.

mod board;
mod catalogue;
mod finding;
mod identity;
mod numbers;
mod point;
mod quantity;

pub use catalogue::Mistake;
pub use finding::{Example, Finding, Verdict};
pub use identity::{Exercise, NotJudged};
pub use numbers::{ByNumbers, Numbers};
use quantity::Kind;
pub use quantity::{Quantity, UnknownQuantity};
