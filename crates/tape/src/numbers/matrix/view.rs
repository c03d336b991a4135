//! Matrices whose elements are stored elsewhere.

use std::ops::{Index, IndexMut, Range};

use super::build::{check_length, copied, or_panic};
use super::{Matrix, checked_position, column_range};
use crate::{Result, Scalar};

/// A read-only view of a matrix: a slice, column-major, and a shape.
///
/// ```
/// use tape::MatrixRef;
/// let view = MatrixRef::new(2, 2, &[1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!(view[(0, 1)], 3.0);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct MatrixRef<'a, T> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) data: &'a [T],
}

/// A writable view of a matrix: a slice, column-major, and a shape.
///
/// ```
/// use tape::MatrixMut;
/// let mut data = [1.0, 2.0, 3.0, 4.0];
/// let mut view = MatrixMut::new(2, 2, &mut data)?;
/// view[(0, 1)] = 0.0;
/// view.column_mut(0).fill(7.0);
/// assert_eq!(data, [7.0, 7.0, 0.0, 4.0]);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(PartialEq)]
pub struct MatrixMut<'a, T> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) data: &'a mut [T],
}

impl<'a, T: Scalar> MatrixRef<'a, T> {
    /// A rows × columns view of values in column-major order.
    ///
    /// # Errors
    /// [`Error::DataLength`](crate::Error::DataLength) if `data` does not hold rows · columns
    /// values, [`Error::SizeOverflow`](crate::Error::SizeOverflow) if no slice can.
    pub fn new(rows: usize, columns: usize, data: &'a [T]) -> Result<Self> {
        check_length::<T>(rows, columns, data.len())?;
        Ok(MatrixRef { rows, columns, data })
    }

    /// The same of values that were cut to rows · columns: small kernels would feel another look at
    /// their number.
    pub(crate) fn of_cut(rows: usize, columns: usize, data: &'a [T]) -> Self {
        debug_assert_eq!(data.len(), rows * columns);
        MatrixRef { rows, columns, data }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows and number of columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// All elements, column by column.
    pub fn as_slice(&self) -> &'a [T] {
        self.data
    }

    /// Column j.
    ///
    /// # Panics
    /// If there is no column j.
    #[track_caller]
    pub fn column(&self, j: usize) -> &'a [T] {
        &self.data[column_range(j, self.shape())]
    }

    /// Some columns that stand side by side, without a copy: a part of the examples.
    ///
    /// ```
    /// use tape::matrix;
    /// let x = matrix![[1.0, 2.0, 3.0]];
    /// assert_eq!(x.view().columns_in(1..3).as_slice(), [2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no such columns.
    #[track_caller]
    pub fn columns_in(&self, columns: Range<usize>) -> MatrixRef<'a, T> {
        let Range { start, end } = columns;
        assert!(start <= end && end <= self.columns, "columns {start}..{end} of {}", self.columns);
        let data = &self.data[start * self.rows..end * self.rows];
        MatrixRef { rows: self.rows, columns: end - start, data }
    }

    /// A copy that owns its elements.
    ///
    /// # Panics
    /// If there is no memory for it. See [`try_to_matrix`](MatrixRef::try_to_matrix).
    #[track_caller]
    pub fn to_matrix(&self) -> Matrix<T> {
        or_panic(self.try_to_matrix())
    }

    /// A copy that owns its elements.
    ///
    /// # Errors
    /// [`Error::Allocation`](crate::Error::Allocation) if there is no memory for it.
    pub fn try_to_matrix(&self) -> Result<Matrix<T>> {
        let MatrixRef { rows, columns, data } = *self;
        Ok(Matrix { rows, columns, data: copied(rows, columns, data)? })
    }
}

impl<'a, T: Scalar> MatrixMut<'a, T> {
    /// A rows × columns view of values in column-major order.
    ///
    /// # Errors
    /// [`Error::DataLength`](crate::Error::DataLength) if `data` does not hold rows · columns
    /// values, [`Error::SizeOverflow`](crate::Error::SizeOverflow) if no slice can.
    pub fn new(rows: usize, columns: usize, data: &'a mut [T]) -> Result<Self> {
        check_length::<T>(rows, columns, data.len())?;
        Ok(MatrixMut { rows, columns, data })
    }

    /// The same of values that were cut to rows · columns, as [`MatrixRef::of_cut`].
    pub(crate) fn of_cut(rows: usize, columns: usize, data: &'a mut [T]) -> Self {
        debug_assert_eq!(data.len(), rows * columns);
        MatrixMut { rows, columns, data }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows and number of columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The same view, to be read.
    pub fn view(&self) -> MatrixRef<'_, T> {
        MatrixRef { rows: self.rows, columns: self.columns, data: self.data }
    }

    /// All elements, column by column.
    pub fn as_slice(&self) -> &[T] {
        self.data
    }

    /// All elements, column by column, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.data
    }

    /// Column j.
    ///
    /// # Panics
    /// If there is no column j.
    #[track_caller]
    pub fn column(&self, j: usize) -> &[T] {
        &self.data[column_range(j, self.shape())]
    }

    /// Column j, to be written.
    ///
    /// # Panics
    /// If there is no column j.
    #[track_caller]
    pub fn column_mut(&mut self, j: usize) -> &mut [T] {
        let range = column_range(j, self.shape());
        &mut self.data[range]
    }

    /// A copy that owns its elements.
    ///
    /// # Panics
    /// If there is no memory for it.
    #[track_caller]
    pub fn to_matrix(&self) -> Matrix<T> {
        self.view().to_matrix()
    }
}

impl<'a, T: Scalar> From<&'a Matrix<T>> for MatrixRef<'a, T> {
    fn from(matrix: &'a Matrix<T>) -> Self {
        matrix.view()
    }
}

impl<T> Index<(usize, usize)> for MatrixRef<'_, T> {
    type Output = T;

    #[track_caller]
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.data[checked_position(i, j, (self.rows, self.columns))]
    }
}

impl<T> Index<(usize, usize)> for MatrixMut<'_, T> {
    type Output = T;

    #[track_caller]
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.data[checked_position(i, j, (self.rows, self.columns))]
    }
}

impl<T> IndexMut<(usize, usize)> for MatrixMut<'_, T> {
    #[track_caller]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut T {
        let at = checked_position(i, j, (self.rows, self.columns));
        &mut self.data[at]
    }
}
