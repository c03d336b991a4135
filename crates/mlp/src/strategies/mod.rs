//! Strategies for [proptest]: activations, and networks with their parameters and data; with the
//! feature `proptest`.
//!
//! They shrink as those of [`tape::check::strategies`] do: layers go first, and losses and
//! activations become simpler ones; then units, features and examples; then the elements of
//! W\[l\], b\[l\], X and Y. What stays keeps its elements.
//!
//! ```
//! use mlp::strategies::{BuiltIn, Networks};
//! use tape::check::strategies::Loud;
//! // The gradients of the tape are those of the textbook's equations.
//! let networks = Networks::new(BuiltIn).units(1..=9).examples(1..=20);
//! Loud::new().cases(32).run(&networks, |sample| {
//!     let (network, x, y) = (sample.network::<f64>(), sample.x(), sample.y());
//!     let (derived, plain) = (network.gradients(&x, &y)?, network.closed_form(&x, &y)?);
//!     let off = |l: usize| {
//!         let (a, b) = (&derived[&format!("W[{l}]")], plain.dw(l));
//!         let apart = a.iter().zip(b.iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
//!         apart / (1e-9 * (1.0 + b.max_abs()))
//!     };
//!     Ok((1..=network.layers()).map(off).fold(0.0, f64::max))
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod activations;
mod networks;
mod sample;

pub use activations::{Activations, BuiltIn, Drawn, DrawnDraft};
pub use networks::{Networks, NetworksDraft};
pub use sample::Sample;
