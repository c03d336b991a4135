//! Minimisers that know more of J than its gradient: its curvature, learned or asked for.
//!
//! An [`Optimizer`](crate::Optimizer) takes step after step along gradients, also those of batches.
//! A minimiser is given J itself, and goes to a minimum: for J of all examples, or of anything else
//! that a tape has recorded.
//!
//! | minimiser | for | needs | an iteration costs |
//! |---|---|---|---|
//! | [`Lbfgs`] | any J | J and ∇J: [`Objective`], [`Recorded`] | about one J and ∇J |
//! | [`NewtonCg`] | J that is hard to get down | products ∇²J · v too: [`Curvature`], [`RecordedCurvature`] | some ten products |
//! | [`LevenbergMarquardt`] | J = ½ ‖r‖² of few parameters | r and ∂r/∂θ: [`Residuals`], [`RecordedResiduals`] | as many products as parameters |
//!
//! θ is one list of numbers, of `f32` or `f64`. Sums over it are made in `f64`. A minimiser stops
//! at the first of its [`Tolerances`] that is met, or where its [`Budget`] ends, and [tells
//! why](Stop). Where J is not finite it takes a shorter step; at the start that is an error. It
//! never leaves a θ behind at which J is greater than at the start, beyond rounding.
//!
//! ```
//! use mlp::minimize::{Budget, Lbfgs, Recorded, Tolerances};
//! use tape::{Tape, matrix};
//! let tape = Tape::<f64>::new();
//! let x = tape.parameter("x", &matrix![[4.0], [-3.0]]);
//! let a = tape.constant("a", &matrix![[1.0], [100.0]]);
//! let j = (x.square() * a).sum() * 0.5 - x.sum(); // its minimum is at 1/a
//! let mut objective = Recorded::new(j, [x])?;
//! let mut theta = objective.theta()?;
//! let exact = Lbfgs::new()
//!     .tolerances(Tolerances { gradient: 1e-10, ..Tolerances::default() })
//!     .budget(Budget { iterations: 50, ..Budget::default() });
//! let minimum = exact.minimize(&mut objective, &mut theta)?;
//! assert!(minimum.stop.is_converged());
//! assert!((theta[0] - 1.0).abs() < 1e-9 && (theta[1] - 0.01).abs() < 1e-9);
//! assert_eq!(objective.program().view(x)?.as_slice(), &theta[..]);
//! # Ok::<(), mlp::Error>(())
//! ```

mod cholesky;
mod descent;
mod lbfgs;
mod levenberg;
mod limits;
mod newton;
mod objective;
mod outcome;
mod recorded;
mod search;

pub use crate::minimize::lbfgs::Lbfgs;
pub use crate::minimize::levenberg::LevenbergMarquardt;
pub use crate::minimize::newton::NewtonCg;
pub use crate::minimize::objective::{Curvature, Objective, Residuals};
pub use crate::minimize::outcome::{Budget, Iteration, Minimum, Stop, Tolerances};
pub use crate::minimize::recorded::{Recorded, RecordedCurvature, RecordedResiduals};
