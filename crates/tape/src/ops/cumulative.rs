//! Sums of all that stands above.

use std::borrow::Cow;

use crate::tape::describe::{described, words};
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

/// From where a cumulative sum runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum From {
    First,
    Last,
}

words!(From { First "first", Last "last" });

/// For each element the sum of its column from the first one down to it, or from the last one up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CumulativeSum {
    pub(crate) from: From,
}

impl<T: Scalar> Operation<T> for CumulativeSum {
    fn name(&self) -> Cow<'_, str> {
        match self.from {
            From::First => "cumulative_sum",
            From::Last => "cumulative_sum_from_last",
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            let mut sum = T::ZERO;
            let mut add = |(out, &x): (&mut T, &T)| {
                sum += x;
                *out = sum;
            };
            let elements = out.column_mut(j).iter_mut().zip(a.column(j));
            match self.from {
                From::First => elements.for_each(&mut add),
                From::Last => elements.rev().for_each(&mut add),
            }
        }
        Ok(())
    }
    /// ∂/∂A: what is summed from one end takes from all that stands toward the other.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let from = match self.from {
            From::First => From::Last,
            From::Last => From::First,
        };
        at.contribute(0, |g| g.tape.push(CumulativeSum { from }, &[g]));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
}

described!(CumulativeSum [1] { from: "from" });

/// # Cumulative sums
impl<'t, T: Scalar> Var<'t, T> {
    /// For each element the sum of its column down to it. For sums along the rows, transpose before
    /// and after.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("a", &matrix![[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]);
    /// assert_eq!(a.cumulative_sum().value()?, matrix![[1.0, 5.0], [3.0, 11.0], [6.0, 18.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn cumulative_sum(self) -> Self {
        self.tape.push(CumulativeSum { from: From::First }, &[self])
    }
}
