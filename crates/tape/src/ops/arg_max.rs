//! Where the greatest element is.

use std::borrow::Cow;

use crate::tape::describe::described;
use crate::tape::notation::Over;
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

/// The number of the row, or of the column, of the greatest element; of several the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ArgMax {
    pub(crate) over: Over,
}

/// The place of the greatest of some numbers, NaN if one is NaN.
fn place_of_greatest<T: Scalar>(mut numbers: impl Iterator<Item = T>) -> T {
    let Some(mut greatest) = numbers.next() else { return T::NAN };
    let mut place = T::ZERO;
    for (x, at) in numbers.zip(1..) {
        if x > greatest {
            (greatest, place) = (x, T::from_usize(at));
        } else if x.is_nan() {
            return T::NAN;
        }
    }
    if greatest.is_nan() { T::NAN } else { place }
}

impl<T: Scalar> Operation<T> for ArgMax {
    fn name(&self) -> Cow<'_, str> {
        match self.over {
            Over::Rows => "argmax_rows",
            Over::Columns => "argmax_columns",
            Over::All => "argmax",
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        if self.over == Over::All {
            return Err(Mismatch::new("the place in a matrix is two numbers: take it over rows or columns"));
        }
        if self.over.is_empty(operands[0]) {
            return Err(Mismatch::new("nothing has no maximum"));
        }
        Ok(self.over.reduced(operands[0]))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        if self.over == Over::Columns && a.columns() == 0 && a.rows() > 0 {
            return Err(Fault::Other("the maximum over m = 0 examples does not exist".into()));
        }
        for (i, out) in out.as_mut_slice().iter_mut().enumerate() {
            *out = match self.over {
                Over::Rows => place_of_greatest(a.column(i).iter().copied()),
                Over::Columns | Over::All => place_of_greatest((0..a.columns()).map(|j| a.column(j)[i])),
            };
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.missing(0, "argmax"); // a place does not move by a little
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.over == Over::Rows
    }
}

described!(ArgMax [1] { over: "over" });

/// # Places
impl<'t, T: Scalar> Var<'t, T> {
    /// In which row, from 0, each column has its greatest element, 1 × m; of several the first. Over
    /// the columns: in which column each row has it, n × 1. NaN where there is one.
    ///
    /// It has no derivative; asking for one is [`Error::MissingDerivative`](crate::Error::MissingDerivative).
    ///
    /// ```
    /// use tape::{Over, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let logits = tape.examples("Z", &matrix![[0.5, 2.0], [3.0, 1.0], [1.0, 2.0]]);
    /// assert_eq!(logits.argmax_over(Over::Rows).value()?, matrix![[1.0, 0.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn argmax_over(self, over: Over) -> Self {
        self.tape.push(ArgMax { over }, &[self])
    }
}
