//! placeholder
mod error;
mod kernel;
mod matrix;
mod scalar;
mod shape;
pub use error::{Error, NonFinite, OperandRange, Place, Result};
pub use matrix::{Matrix, MatrixMut, MatrixRef};
pub use scalar::Scalar;
pub use shape::{Dim, Shape};
