//! Strategies for [proptest], whose cases shrink structure, then shape, then values; with the
//! feature `proptest`.
//!
//! ```
//! use tape::check::strategies::{Loud, Matrices, Regime, Side};
//! // (W * X)ᵀ = Xᵀ * Wᵀ, for all shapes.
//! let mut matrices = Matrices::<f64>::new();
//! let [n, k, m] = [Side::ROWS, Side::ROWS, Side::COLUMNS].map(|side| matrices.side(side));
//! let strategy = matrices.matrix(n, k, Regime::MODERATE).matrix(k, m, Regime::MODERATE);
//! Loud::new().cases(16).run(&strategy, |all| {
//!     let [w, x] = &all[..] else { unreachable!() };
//!     let tape = tape::Tape::new();
//!     let (w, x) = (tape.parameter("W", w), tape.examples("X", x));
//!     let (left, right) = (w.matmul(x).t().value()?, x.t().matmul(w.t()).value()?);
//!     let off = left.iter().zip(right.iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
//!     // A sum of k products, each of at most 4 and rounded once with its sum.
//!     Ok(off / (f64::EPSILON * 4.0 * 41.0 * 41.0))
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How a case shrinks
//!
//! All that is drawn follows from one seed, and an element of a matrix from that seed and from its
//! place: its row and its column in a matrix without end, of which a case shows a part. So there is
//! no `prop_flat_map`, after which a smaller shape has other elements and no longer fails:
//!
//! 1. **structure**: layers and steps are dropped, functions become simpler ones;
//! 2. **shape**: rows, columns, units and examples are dropped, from the end first, then halves,
//!    quarters, eighths and single ones from anywhere. What stays keeps its elements, and matrices
//!    that share a side lose the same of it. Numbers next to the ends of tiles are tried as such,
//!    so that a fault that only 257 columns show ends with 257;
//! 3. **values**: see below; all at once, then halves of them, down to single ones.
//!
//! Then all of it again, until nothing becomes simpler; a part that can only go while the elements
//! are as they were drawn goes with them. The case that is found is simplest in that no single one
//! of these steps keeps it failing. A negative element among 20 000 is found, alone, in some 30
//! attempts, 257 columns in 90; proptest's own runner gives up after 1024.
//!
//! # The ladder
//!
//! An element becomes 0, or else ±½, or ±1, or ±2, with the sign that it had, or it stays what was
//! drawn. There is nothing between: an element that went down by halves would stop where the error
//! is just above the tolerance. Where [bounds](Elements::Between) leave a rung out, it is not taken.
//!
//! # Whole tapes
//!
//! [`Scripts`] draws them from a list of [`Steps`]: the [`BuiltIn`] ones, [`Noisy`] ones, and the user's, which
//! [`step!`](crate::step) makes of a closure. A [`Script`] is recorded on any tape of either number
//! type. What failed prints as Rust code that records it again, leaves and all; with the feature
//! `json` it is written to a file that a program reads back and runs: as the list, by `write_tape` and
//! `read_tape`, or, where operations of the user's are among them, as steps by
//! `Script::write_steps` and `Script::read_steps`.
//!
//! | to draw | see |
//! |---|---|
//! | a matrix, or several that share sides | [`matrix`], [`Matrices`] |
//! | elements of a kind: ties, ±0, subnormal, huge, saturating, NaN and ∞ | [`Regime`], [`Elements`] |
//! | labels, classes, one-hot columns, shares, indices | [`Elements::Binary`], [`Elements::Soft`], [`Elements::Indices`], [`Matrices::classes`], [`Matrices::one_hot`], [`Matrices::shares`] |
//! | functions of one number | [`Functions`] |
//! | tapes | [`Scripts`] |
//! | networks with data | `mlp::strategies` |
//! | what is not here | [`Draft`], for a strategy of one's own |
//!
//! # Shrinking that does not lie
//!
//! [`Loud`] runs a property that gives its error, and takes a simpler case only while that is loud.
//! Measured on x² + 0.01·x⁶ in the place of x², whose first error is 10¹¹ tolerances: with rows of
//! multiples of 1/1024 proptest's own strategy and runner end at 1.3 tolerances, this one above
//! 10⁹. A smaller term, of 700 tolerances at most, ends at 28 with the ladder alone, and at 704
//! where it has to stay loud (`tests/strategies/loud.rs`).

mod built_in;
#[cfg(feature = "json")]
mod file;
mod functions;
mod grid;
mod loud;
mod matrices;
mod parts;
mod regime;
mod script;
#[cfg(feature = "json")]
mod script_file;
mod scripts;
mod side;
mod step;
mod tree;

pub use built_in::{BuiltIn, Noisy};
#[cfg(feature = "json")]
pub use file::{read_tape, write_tape};
pub use functions::{Functions, FunctionsDraft};
pub use grid::{Fill, Grid};
pub use loud::{Counterexample, Loud};
pub use matrices::{Matrices, MatricesDraft, Shared, matrix};
pub use parts::{ChoiceId, ListId, Parts, Stage};
pub use regime::{Elements, Regime};
pub use script::{Script, ScriptLeaf, ScriptVars};
pub use scripts::{ScriptDraft, Scripts};
pub use side::Side;
pub use step::{Step, Steps};
pub use tree::{Draft, Tree};

use proptest::prelude::RngCore;
use proptest::test_runner::TestRunner;

/// What all that is drawn follows from.
fn seed_of(runner: &mut TestRunner) -> u64 {
    runner.rng().next_u64()
}
