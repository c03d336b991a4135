//! Reverse-mode automatic differentiation of matrix operations on one list.
//!
//! A [`Tape`] is a Wengert list of matrix operations. Differentiation appends the vector–Jacobian products to the same
//! list, so a gradient is an ordinary entry: print it, compile it, differentiate it again. A [`Program`] computes entries
//! again and again, for any number of examples.

mod aligned;
pub mod check;
mod derivatives;
mod error;
mod gradient;
mod kernel;
#[cfg(feature = "kernels")]
pub mod kernels;
mod matrix;
mod op;
mod ops;
mod program;
mod scalar;
mod shape;
mod show;
mod storage;
#[allow(clippy::module_inception)] // the crate is named after its main type
mod tape;
mod threads;
mod var;
mod vjp;

pub use error::{Error, NonFinite, OperandRange, Place, Result, TooLarge};
pub use matrix::{Matrix, MatrixMut, MatrixRef};
pub use op::{Entrywise, Fault, Identity, Mismatch, Notation, Operands, Operation, OperationKind, Over};
pub use ops::leaf::LeafKind;
pub use ops::map::{Function, FunctionKind, UserFunction};
pub use ops::reduce::Reduction;
pub use ops::zip::{IntoOperand, Zip};
pub use program::{EntryId, Named, Options, Program, Rewrite, Step};
pub use scalar::Scalar;
pub use shape::{Dim, Shape};
pub use show::equation::Equation;
pub use show::printable;
pub use show::system::Equations;
pub use tape::Tape;
pub use threads::Threads;
pub use var::Var;
pub use vjp::Vjp;

/// Runs the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct ReadmeDoctests;
