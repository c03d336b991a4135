//! Numbers in code that is generic over the number type.

use std::ops::{Add, Div, Mul, Sub};

use crate::ops::zip::IntoOperand;
use crate::{Scalar, Var};

/// A number that stands beside a variable of either type; made by [`num`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Num(f64);

/// A number for code that is generic over the number type: rounded to the type of the variable
/// beside it, on the left or on the right.
///
/// ```
/// use tape::{Scalar, Tape, Var, matrix, num};
/// fn smooth<T: Scalar>(x: Var<'_, T>) -> Var<'_, T> {
///     num(0.5) * x * (num(1.0) + (x * num(2.0)).tanh())
/// }
/// let tape = Tape::<f32>::new();
/// let x = tape.parameter("x", &matrix![[0.0, 40.0]]);
/// assert_eq!(smooth(x).value()?, matrix![[0.0, 40.0]]);
/// # Ok::<(), tape::Error>(())
/// ```
pub fn num(x: f64) -> Num {
    Num(x)
}

impl<'t, T: Scalar> IntoOperand<'t, T> for Num {
    #[track_caller]
    fn into_operand(self, other: Var<'t, T>) -> Var<'t, T> {
        T::from_f64(self.0).into_operand(other)
    }
}

macro_rules! left {
    ($($Trait:ident $method:ident)*) => {$(
        impl<'t, T: Scalar> $Trait<Var<'t, T>> for Num {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Var<'t, T>) -> Var<'t, T> {
                $Trait::$method(self.into_operand(other), other)
            }
        }
    )*};
}

left!(Add add Sub sub Mul mul Div div);
