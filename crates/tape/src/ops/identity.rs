//! The identity matrix, and what lies on diagonals.

use std::borrow::Cow;

use crate::tape::describe::described;
use crate::tape::notation::{Notation, Over};
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, MatrixMut, Scalar, Shape, Tape, Var};

/// I, n × n or m × m.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) extent: Dim,
}

impl<T: Scalar> Operation<T> for Identity {
    fn name(&self) -> Cow<'_, str> {
        "identity".into()
    }
    fn shape(&self, _: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(Shape { rows: self.extent, columns: self.extent })
    }
    fn eval(&self, _: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let rows = out.rows();
        out.as_mut_slice().fill(T::ZERO);
        out.as_mut_slice().iter_mut().step_by(rows + 1).for_each(|x| *x = T::ONE);
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {}
    fn notation(&self) -> Notation {
        Notation::Call(format!("I[{}]", self.extent))
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

described!(Identity [0] { extent: "extent" });

/// # Matrices that are known
impl<T: Scalar> Tape<T> {
    /// The identity matrix I, n × n, or m × m with [`Dim::M`].
    ///
    /// ```
    /// use tape::{Dim, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("x", &matrix![[1.0, 2.0]]);
    /// let k = x.t().matmul(x) + tape.identity(Dim::M) * 0.5;
    /// assert_eq!(k.value()?, matrix![[1.5, 2.0], [2.0, 4.5]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn identity(&self, extent: impl Into<Dim>) -> Var<'_, T> {
        self.push(Identity { extent: extent.into() }, &[])
    }
}

/// # Diagonals
impl<'t, T: Scalar> Var<'t, T> {
    /// The square matrix with this column, n × 1 or m × 1, on its diagonal: I ⊙ a.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("a", &matrix![[1.0], [2.0]]);
    /// assert_eq!(a.diag().value()?, matrix![[1.0, 0.0], [0.0, 2.0]]);
    /// assert_eq!(a.diag().diagonal().value()?, matrix![[1.0], [2.0]]);
    /// assert_eq!(a.diag().trace().value()?, matrix![[3.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn diag(self) -> Self {
        if self.is_void() {
            return self;
        }
        let shape = self.known_shape();
        match shape.columns == Dim::ONE {
            true => self.tape.identity(shape.rows) * self,
            false => self.tape.refused("diag", format!("{} is {shape}, and no column", self.label())),
        }
    }

    /// The diagonal of a square matrix as a column: (A ⊙ I) summed over the columns.
    #[track_caller]
    pub fn diagonal(self) -> Self {
        self.on_diagonal("diagonal").sum_over(Over::Columns)
    }

    /// The sum of the diagonal.
    #[track_caller]
    pub fn trace(self) -> Self {
        self.on_diagonal("trace").sum()
    }

    /// A ⊙ I.
    #[track_caller]
    fn on_diagonal(self, operation: &'static str) -> Self {
        if self.is_void() {
            return self;
        }
        let shape = self.known_shape();
        // A row or a column would be repeated.
        match shape.rows == shape.columns {
            true => self * self.tape.identity(shape.rows),
            false => self.tape.refused(operation, format!("{} is {shape}, and not square", self.label())),
        }
    }
}
