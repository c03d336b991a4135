//! Walks over the elements and the columns of a matrix.

use std::slice::{Iter, IterMut};

use super::Matrix;
use crate::Scalar;

/// # Rows and columns
impl<T: Scalar> Matrix<T> {
    /// The elements, column by column.
    pub fn iter(&self) -> Iter<'_, T> {
        self.data.iter()
    }

    /// The elements, column by column, to be written.
    pub fn iter_mut(&mut self) -> IterMut<'_, T> {
        self.data.iter_mut()
    }

    /// The elements, column by column, each with its row and column.
    ///
    /// ```
    /// # use tape::matrix;
    /// let trace: f64 = matrix![[1.0, 2.0], [3.0, 4.0]]
    ///     .iter_indexed()
    ///     .filter(|((i, j), _)| i == j)
    ///     .map(|(_, x)| x)
    ///     .sum();
    /// assert_eq!(trace, 5.0);
    /// ```
    pub fn iter_indexed(&self) -> impl Iterator<Item = ((usize, usize), T)> + '_ {
        self.iter_columns()
            .enumerate()
            .flat_map(|(j, column)| column.iter().enumerate().map(move |(i, &x)| ((i, j), x)))
    }

    /// The columns from left to right; as many empty slices as there are columns if there are no
    /// rows.
    ///
    /// ```
    /// # use tape::matrix;
    /// let a = matrix![[1.0, 2.0], [3.0, 4.0]];
    /// let sums: Vec<f64> = a.iter_columns().map(|column| column.iter().sum()).collect();
    /// assert_eq!(sums, [4.0, 6.0]);
    /// ```
    pub fn iter_columns(&self) -> impl DoubleEndedIterator<Item = &[T]> + ExactSizeIterator + '_ {
        (0..self.columns).map(|j| self.column(j))
    }

    /// The columns from left to right, to be written.
    pub fn iter_columns_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [T]> + '_ {
        // chunks_exact_mut does not know how many chunks of length 0 there are.
        let (rows, mut rest) = (self.rows, self.data.as_mut_slice());
        (0..self.columns).map(move |_| {
            let (column, others) = std::mem::take(&mut rest).split_at_mut(rows);
            rest = others;
            column
        })
    }
}

impl<'a, T: Scalar> IntoIterator for &'a Matrix<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Scalar> IntoIterator for &'a mut Matrix<T> {
    type Item = &'a mut T;
    type IntoIter = IterMut<'a, T>;

    fn into_iter(self) -> IterMut<'a, T> {
        self.iter_mut()
    }
}
