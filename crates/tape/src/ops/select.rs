//! Choice by mask.

use std::borrow::Cow;

use crate::ops::zip::IntoOperand;
use crate::tape::describe::described;
use crate::tape::notation::Notation;
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, MatrixRef, Scalar, Shape, Var};

/// a where the mask is not 0, else b; the operands are mask, A and B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Select;

impl<T: Scalar> Operation<T> for Select {
    fn name(&self) -> Cow<'_, str> {
        "select".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let both = operands[1].broadcast(operands[2]);
        both.and_then(|both| both.broadcast(operands[0]))
            .ok_or_else(|| Mismatch::new("mask and choices do not go together elementwise"))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let (mask, a, b) = (x.get(0), x.get(1), x.get(2));
        for j in 0..out.columns() {
            for (i, out) in out.column_mut(j).iter_mut().enumerate() {
                *out = repeated(if repeated(mask, i, j) == T::ZERO { b } else { a }, i, j);
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [mask, _, _] = at.operands();
        at.zero(0); // a choice does not move with its mask
        at.contribute_elementwise(1, |g| mask.select(g, T::ZERO)); // ∂/∂A: G where chosen
        at.contribute_elementwise(2, |g| mask.select(T::ZERO, g)); // ∂/∂B: G elsewhere
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Call("select".into())
    }
}

described!(Select [3] {});

impl<T: Scalar> Elementwise<T> for Select {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        let choices = x[0].iter().zip(x[1]).zip(x[2]);
        for (out, ((&mask, &a), &b)) in out.iter_mut().zip(choices) {
            *out = if mask == T::ZERO { b } else { a };
        }
        Ok(())
    }
}

fn repeated<T: Scalar>(a: MatrixRef<'_, T>, i: usize, j: usize) -> T {
    let column = a.column(if a.columns() == 1 { 0 } else { j });
    column[if column.len() == 1 { 0 } else { i }]
}

/// # Choosing
impl<'t, T: Scalar> Var<'t, T> {
    /// Where this mask is not 0, the element of A, elsewhere that of B; NaN counts as not 0.
    ///
    /// What is not chosen takes no part in the value, and the gradient with respect to it is 0,
    /// even where it is NaN. Further down 0 · NaN is NaN, as everywhere: to keep a NaN out of the
    /// gradient of x too, choose before the function as well.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[4.0, -4.0]]);
    /// let positive = x.greater(0.0);
    /// let root_or_zero = positive.select(positive.select(x, 1.0).sqrt(), 0.0);
    /// let [dx] = root_or_zero.sum().gradients([x]);
    /// assert_eq!(root_or_zero.value()?, matrix![[2.0, 0.0]]);
    /// assert_eq!(dx.value()?, matrix![[0.25, 0.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn select(self, a: impl IntoOperand<'t, T>, b: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(Select, &[self, a.into_operand(self), b.into_operand(self)])
    }
}
