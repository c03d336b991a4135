//! Small dense linear algebra: factors of a matrix, and systems of equations by them. A factor is an
//! entry of its own, which value and derivatives share.

pub(crate) mod cholesky;
pub(crate) mod lu;

use crate::numbers::kernel::linear_algebra::BadPivot;
use crate::tape::operation::{Fault, Mismatch};
use crate::{Scalar, Shape};

/// A square shape, or what is wrong.
fn square(shape: Shape) -> Result<(), Mismatch> {
    match shape.rows == shape.columns {
        true => Ok(()),
        false => Err(Mismatch::new(format!("{shape} is not square"))),
    }
}

/// A square matrix and a right side that has as many rows.
fn system(a: Shape, b: Shape) -> Result<Shape, Mismatch> {
    square(a)?;
    match a.columns == b.rows {
        true => Ok(b),
        false => Err(Mismatch::new("the right side has another number of rows")),
    }
}

fn fault<T: Scalar>(what: &str, BadPivot { at, value }: BadPivot<T>) -> Fault {
    Fault::Other(format!("{what}: pivot {at} is {value}"))
}
