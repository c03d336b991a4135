//! The quotient of eq. 8, where a certain and right prediction would make 0/0 of it.

use std::borrow::Cow;

use crate::numbers::kernel::simd::vectorised;
use crate::ops::zip::{zip, zip_column};
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape};

/// a / b, and 0 where both are 0: the derivative of y · ln a with 0 · ln 0 = 0. Programs make it of
/// the quotients of eq. 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Guarded;

#[inline(always)]
fn quotient<T: Scalar>(a: T, b: T) -> T {
    // Where both are 0 the divisor becomes 1; 0 = −0, and neither hides a NaN.
    let divisor = if (a == T::ZERO) & (b == T::ZERO) { T::ONE } else { b };
    a / divisor
}

impl<T: Scalar> Operation<T> for Guarded {
    fn name(&self) -> Cow<'_, str> {
        "divide".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        operands[0]
            .broadcast(operands[1])
            .ok_or_else(|| Mismatch::new("shapes do not go together element by element"))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        zip(x.get(0), x.get(1), out, quotient);
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {
        unreachable!("programs are not differentiated")
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
}

impl<T: Scalar> Elementwise<T> for Guarded {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        vectorised(
            #[inline(always)]
            move || zip_column(x[0], x[1], out, quotient),
        );
        Ok(())
    }
}
