//! What stands still when something is differentiated.

use std::borrow::Cow;

use crate::tape::describe::described;
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

/// A, through which no derivative passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stop;

impl<T: Scalar> Operation<T> for Stop {
    fn name(&self) -> Cow<'_, str> {
        "stop_gradient".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.zero(0); // that is what it is for
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

described!(Stop [1] {});

impl<T: Scalar> Elementwise<T> for Stop {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        out.copy_from_slice(x[0]);
        Ok(())
    }
}

/// # What stands still
impl<'t, T: Scalar> Var<'t, T> {
    /// The same value, as a constant: no derivative passes through it. The gradient with respect to
    /// what is reached by no other way is 0, as it is through [`greater`](Var::greater).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[3.0]]);
    /// let [dx] = (x * x.stop_gradient()).gradients([x]);
    /// assert_eq!(dx.value()?, matrix![[3.0]]); // and not 6
    /// let [none] = x.stop_gradient().gradients([x]);
    /// assert_eq!(none.value()?, matrix![[0.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn stop_gradient(self) -> Self {
        self.tape.push(Stop, &[self])
    }
}
