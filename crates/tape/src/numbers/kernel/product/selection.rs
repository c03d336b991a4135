//! Columns of a matrix that are somewhere among others.

use crate::{MatrixRef, Scalar};

/// A matrix, or some of the columns of a larger one, in any order and any number of times each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'a, T> {
    pub(crate) of: MatrixRef<'a, T>,
    /// The columns that are meant; `None` for all of them.
    pub(crate) chosen: Option<&'a [usize]>,
}

impl<T: Scalar> Selection<'_, T> {
    /// Rows, and columns that are meant.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.of.rows(), self.chosen.map_or(self.of.columns(), <[usize]>::len))
    }
}

impl<'a, T> From<MatrixRef<'a, T>> for Selection<'a, T> {
    fn from(of: MatrixRef<'a, T>) -> Self {
        Selection { of, chosen: None }
    }
}
