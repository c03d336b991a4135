//! Linear changes of a matrix that no rule needs, but wrong ones.

use std::borrow::Cow;

use crate::{Dim, Fault, MatrixMut, Mismatch, Operands, Operation, Scalar, Shape, Var, Vjp};

/// A matrix of the same shape, each element of which is one or some of the operand's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Mangle {
    RowsReversed,
    ColumnsReversed,
    RowsRolled {
        back: bool,
    },
    ColumnsRolled {
        back: bool,
    },
    WithoutLastRow,
    WithoutLastColumn,
    WithoutFirstColumn,
    RowsAveraged,
    ColumnsAveraged,
    FirstColumnForAll,
    /// The transpose of the one before.
    SumInFirstColumn,
    UpperTriangle,
}

impl Mangle {
    /// The matrix changed like this; the matrix itself, where this changes nothing of its shape.
    pub(super) fn of<'t, T: Scalar>(self, x: Var<'t, T>) -> Var<'t, T> {
        let one = |dim: Dim| dim == Dim::ONE;
        let is_same = x.shape().is_ok_and(|Shape { rows, columns }| match self {
            Mangle::RowsReversed
            | Mangle::RowsRolled { .. }
            | Mangle::RowsAveraged
            | Mangle::UpperTriangle => one(rows),
            Mangle::ColumnsReversed
            | Mangle::ColumnsRolled { .. }
            | Mangle::ColumnsAveraged
            | Mangle::FirstColumnForAll
            | Mangle::SumInFirstColumn => one(columns),
            Mangle::WithoutLastRow | Mangle::WithoutLastColumn | Mangle::WithoutFirstColumn => false,
        });
        if is_same { x } else { x.tape().apply(self, [x]) }
    }

    /// The transpose of the linear map.
    fn transposed(self) -> Mangle {
        match self {
            Mangle::RowsRolled { back } => Mangle::RowsRolled { back: !back },
            Mangle::ColumnsRolled { back } => Mangle::ColumnsRolled { back: !back },
            Mangle::FirstColumnForAll => Mangle::SumInFirstColumn,
            Mangle::SumInFirstColumn => Mangle::FirstColumnForAll,
            Mangle::RowsReversed
            | Mangle::ColumnsReversed
            | Mangle::WithoutLastRow
            | Mangle::WithoutLastColumn
            | Mangle::WithoutFirstColumn
            | Mangle::RowsAveraged
            | Mangle::ColumnsAveraged
            | Mangle::UpperTriangle => self,
        }
    }
}

/// The place before, or after, among `n`, round the end.
fn rolled(at: usize, n: usize, back: bool) -> usize {
    (at + if back { 1 } else { n - 1 }) % n
}

impl<T: Scalar> Operation<T> for Mangle {
    fn name(&self) -> Cow<'_, str> {
        format!("{self:?}").into()
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        operands.first().copied().ok_or_else(|| Mismatch::new("takes a matrix"))
    }

    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        let (rows, columns) = a.shape();
        let mean = |sum: T, n: usize| sum / T::from_usize(n);
        for j in 0..columns {
            for i in 0..rows {
                out[(i, j)] = match *self {
                    Mangle::RowsReversed => a[(rows - 1 - i, j)],
                    Mangle::ColumnsReversed => a[(i, columns - 1 - j)],
                    Mangle::RowsRolled { back } => a[(rolled(i, rows, back), j)],
                    Mangle::ColumnsRolled { back } => a[(i, rolled(j, columns, back))],
                    Mangle::WithoutLastRow if i + 1 == rows => T::ZERO,
                    Mangle::WithoutLastColumn if j + 1 == columns => T::ZERO,
                    Mangle::WithoutFirstColumn if j == 0 => T::ZERO,
                    Mangle::UpperTriangle if i > j => T::ZERO,
                    Mangle::RowsAveraged => mean((0..rows).map(|i| a[(i, j)]).sum(), rows),
                    Mangle::ColumnsAveraged => mean((0..columns).map(|j| a[(i, j)]).sum(), columns),
                    Mangle::FirstColumnForAll => a[(i, 0)],
                    Mangle::SumInFirstColumn if j == 0 => (0..columns).map(|j| a[(i, j)]).sum(),
                    Mangle::SumInFirstColumn => T::ZERO,
                    Mangle::WithoutLastRow
                    | Mangle::WithoutLastColumn
                    | Mangle::WithoutFirstColumn
                    | Mangle::UpperTriangle => a[(i, j)],
                };
            }
        }
        Ok(())
    }

    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let tape = at.tape();
        at.contribute(0, |g| tape.apply(self.transposed(), [g]));
    }
}
