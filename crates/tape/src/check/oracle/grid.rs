//! Matrices of any numbers.

use std::ops::Index;

use super::number::Number;
use crate::{Matrix, Scalar};

/// A matrix of numbers of any type, column by column.
///
/// ```
/// use tape::check::oracle::Grid;
/// let grid = Grid::new(2, 2, |i, j| (10 * i + j) as f64);
/// assert_eq!((grid.shape(), grid[(1, 0)], grid.as_slice()), ((2, 2), 10.0, &[0.0, 10.0, 1.0, 11.0][..]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Grid<N> {
    rows: usize,
    columns: usize,
    data: Vec<N>,
}

impl<N> Grid<N> {
    /// The matrix with f(i, j) in row i and column j.
    pub fn new(rows: usize, columns: usize, mut f: impl FnMut(usize, usize) -> N) -> Self {
        Self::of_each(rows, columns, &mut f)
    }

    /// Compiled once for a type of numbers, not for each f: an interpreter of many operations, for
    /// many types of numbers, makes hundreds of them.
    fn of_each(rows: usize, columns: usize, f: &mut dyn FnMut(usize, usize) -> N) -> Self {
        let mut data = Vec::new();
        // There may be very many columns of no rows.
        for j in 0..if rows == 0 { 0 } else { columns } {
            data.extend((0..rows).map(|i| f(i, j)));
        }
        Grid { rows, columns, data }
    }

    /// The same numbers column by column in another shape.
    pub(super) fn of_data(rows: usize, columns: usize, data: Vec<N>) -> Self {
        debug_assert_eq!(data.len(), rows * columns);
        Grid { rows, columns, data }
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The numbers, column by column.
    pub fn as_slice(&self) -> &[N] {
        &self.data
    }

    /// f of each number.
    pub fn map<M>(&self, f: impl FnMut(&N) -> M) -> Grid<M> {
        Grid { rows: self.rows, columns: self.columns, data: self.data.iter().map(f).collect() }
    }

    /// The number, where a single row or column stands for all.
    pub(super) fn repeated(&self, i: usize, j: usize) -> &N {
        &self[(if self.rows == 1 { 0 } else { i }, if self.columns == 1 { 0 } else { j })]
    }
}

impl<N: Number> Grid<N> {
    /// The [values](Number::value) alone.
    ///
    /// # Panics
    /// If there is no memory for them.
    pub fn values(&self) -> Matrix<f64> {
        Matrix::from_fn(self.rows, self.columns, |i, j| self[(i, j)].value())
    }

    pub(super) fn of_matrix<T: Scalar>(matrix: &Matrix<T>) -> Self {
        Grid::new(matrix.rows(), matrix.columns(), |i, j| N::of(matrix[(i, j)].to_f64()))
    }
}

/// # Panics
/// If there is no such row or column.
impl<N> Index<(usize, usize)> for Grid<N> {
    type Output = N;
    fn index(&self, (i, j): (usize, usize)) -> &N {
        assert!(i < self.rows && j < self.columns, "({i}, {j}) of {}×{}", self.rows, self.columns);
        &self.data[i + j * self.rows]
    }
}
