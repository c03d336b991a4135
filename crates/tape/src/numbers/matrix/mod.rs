//! Matrices of numbers, column-major.

mod build;
mod compare;
mod display;
mod foreign;
mod iter;
#[cfg(feature = "serde")]
mod serde;
mod view;

pub use view::{MatrixMut, MatrixRef};

pub(crate) use build::size;

use crate::numbers::kernel::functions::sum_of;
use crate::{Result, Scalar};
use build::{copied, or_panic, reserved};

/// A matrix of numbers, column-major: element (i, j) is `as_slice()[j * rows + i]`, so a column,
/// which holds one example, is a slice. Both sides may be 0.
///
/// ```
/// use tape::{Matrix, matrix};
/// let a = matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// assert_eq!(a.shape(), (2, 3));
/// assert_eq!(a[(1, 0)], 4.0);
/// assert_eq!(a.column(2), [3.0, 6.0]);
/// assert_eq!(a, Matrix::from_fn(2, 3, |i, j| (3 * i + j + 1) as f64));
/// ```
#[derive(PartialEq)]
pub struct Matrix<T> {
    rows: usize,
    columns: usize,
    data: Vec<T>,
}

/// # Panics
/// If there is no memory for the copy. See [`try_clone`](Matrix::try_clone).
impl<T: Clone> Clone for Matrix<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        let Matrix { rows, columns, ref data } = *self;
        Matrix { rows, columns, data: or_panic(copied(rows, columns, data)) }
    }
}

/// # Shape and elements
impl<T: Scalar> Matrix<T> {
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
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// All elements, column by column, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// All elements, column by column, without a copy.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    /// The whole matrix, to be read.
    pub fn view(&self) -> MatrixRef<'_, T> {
        MatrixRef { rows: self.rows, columns: self.columns, data: &self.data }
    }

    /// The whole matrix, to be written.
    pub fn view_mut(&mut self) -> MatrixMut<'_, T> {
        MatrixMut { rows: self.rows, columns: self.columns, data: &mut self.data }
    }

    /// Element (i, j), or `None` outside of the matrix.
    pub fn get(&self, i: usize, j: usize) -> Option<&T> {
        position(i, j, self.shape()).map(|at| &self.data[at])
    }

    /// Element (i, j), to be written, or `None` outside of the matrix.
    pub fn get_mut(&mut self, i: usize, j: usize) -> Option<&mut T> {
        position(i, j, self.shape()).map(|at| &mut self.data[at])
    }

    /// Column j.
    ///
    /// # Panics
    /// If there is no column j.
    #[track_caller]
    pub fn column(&self, j: usize) -> &[T] {
        self.view().column(j)
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

    /// The transpose: rows × columns becomes columns × rows.
    ///
    /// ```
    /// # use tape::matrix;
    /// assert_eq!(matrix![[1.0, 2.0, 3.0]].transposed(), matrix![[1.0], [2.0], [3.0]]);
    /// ```
    ///
    /// # Panics
    /// If there is no memory for it. See [`try_transposed`](Matrix::try_transposed).
    #[track_caller]
    pub fn transposed(&self) -> Self {
        or_panic(self.try_transposed())
    }

    /// The transpose: rows × columns becomes columns × rows.
    ///
    /// # Errors
    /// [`Error::Allocation`](crate::Error::Allocation) if there is no memory for it.
    pub fn try_transposed(&self) -> Result<Self> {
        let mut data = reserved(self.columns, self.rows)?;
        // There may be very many rows of no columns.
        for i in 0..if self.columns == 0 { 0 } else { self.rows } {
            data.extend(self.data.iter().skip(i).step_by(self.rows));
        }
        Ok(Matrix { rows: self.columns, columns: self.rows, data })
    }

    /// A copy.
    ///
    /// # Errors
    /// [`Error::Allocation`](crate::Error::Allocation) if there is no memory for it.
    pub fn try_clone(&self) -> Result<Self> {
        self.view().try_to_matrix()
    }

    /// `f` of every element, in the same shape.
    ///
    /// ```
    /// # use tape::matrix;
    /// assert_eq!(matrix![[1.0, 4.0]].map(f64::sqrt), matrix![[1.0, 2.0]]);
    /// ```
    ///
    /// # Panics
    /// If there is no memory for it.
    #[track_caller]
    pub fn map(&self, f: impl FnMut(T) -> T) -> Self {
        self.of_each(f)
    }

    /// Every element as the nearest number of type `U`.
    ///
    /// ```
    /// # use tape::matrix;
    /// assert_eq!(matrix![[0.1_f64]].cast::<f32>(), matrix![[0.1_f32]]);
    /// ```
    ///
    /// # Panics
    /// If there is no memory for it.
    #[track_caller]
    pub fn cast<U: Scalar>(&self) -> Matrix<U> {
        self.of_each(|x| U::from_f64(x.to_f64()))
    }

    #[track_caller]
    fn of_each<U>(&self, f: impl FnMut(T) -> U) -> Matrix<U> {
        let mut data = or_panic(reserved(self.rows, self.columns));
        data.extend(self.data.iter().copied().map(f));
        Matrix { rows: self.rows, columns: self.columns, data }
    }

    /// A copy of the columns `indices`, in that order; a column may be taken more than once. The
    /// result is rows × `indices.len()`.
    ///
    /// ```
    /// # use tape::matrix;
    /// let x = matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    /// assert_eq!(x.select_columns(&[2, 0]), matrix![[3.0, 1.0], [6.0, 4.0]]);
    /// ```
    ///
    /// # Panics
    /// If an index is not that of a column, or there is no memory for the copy. See
    /// [`try_select_columns`](Matrix::try_select_columns).
    #[track_caller]
    pub fn select_columns(&self, indices: &[usize]) -> Self {
        or_panic(self.try_select_columns(indices))
    }

    /// [`select_columns`](Matrix::select_columns), where there may be no memory for the copy.
    ///
    /// # Errors
    /// [`Error::Allocation`](crate::Error::Allocation) or
    /// [`Error::SizeOverflow`](crate::Error::SizeOverflow).
    ///
    /// # Panics
    /// If an index is not that of a column.
    #[track_caller]
    pub fn try_select_columns(&self, indices: &[usize]) -> Result<Self> {
        let data = reserved(self.rows, indices.len())?;
        let mut out = Matrix { rows: 0, columns: 0, data };
        self.select_columns_into(indices, &mut out);
        Ok(out)
    }

    /// [`select_columns`](Matrix::select_columns) into a matrix of any shape, which takes the new
    /// shape and keeps its memory: for a batch after a batch without allocation.
    ///
    /// # Panics
    /// If an index is not that of a column, or there is no memory for the copy; the other matrix is
    /// then as before.
    #[track_caller]
    pub fn select_columns_into(&self, indices: &[usize], out: &mut Self) {
        let wrong = indices.iter().find(|&&j| j >= self.columns);
        if let Some(&j) = wrong {
            no_column(j, self.shape());
        }
        let entries = or_panic(build::size::<T>(self.rows, indices.len()));
        if out.data.capacity() < entries {
            out.data = or_panic(reserved(self.rows, indices.len()));
        }
        out.data.clear();
        for &j in indices {
            out.data.extend_from_slice(self.column(j));
        }
        (out.rows, out.columns) = (self.rows, indices.len());
    }

    /// The Frobenius norm, the root of the sum of all squares; 0 without elements, NaN if an
    /// element is NaN. Squares that would overflow or underflow do no harm.
    ///
    /// ```
    /// # use tape::matrix;
    /// assert_eq!(matrix![[3.0], [4.0]].norm(), 5.0);
    /// assert!((matrix![[3e200], [4e200]].norm() / 5e200 - 1.0_f64).abs() < 1e-15);
    /// ```
    pub fn norm(&self) -> T {
        let greatest = self.max_abs();
        if greatest == T::ZERO || !greatest.is_finite() {
            return greatest;
        }
        let scale = scale_of(greatest);
        let scaled = |x: T| x / scale;
        scale * sum_of(&self.data, |x| scaled(x) * scaled(x)).sqrt()
    }

    /// The greatest absolute value; 0 without elements, NaN if an element is NaN.
    ///
    /// ```
    /// # use tape::matrix;
    /// assert_eq!(matrix![[1.0, -3.0], [2.0, 0.0]].max_abs(), 3.0);
    /// ```
    pub fn max_abs(&self) -> T {
        self.data.iter().fold(T::ZERO, |m, x| if m >= x.abs() || m.is_nan() { m } else { x.abs() })
    }
}

/// The power of two at or below a positive number: a division by it is exact. 1 where squares are
/// safe in either type, so that no time is lost there.
fn scale_of<T: Scalar>(x: T) -> T {
    const EXPONENT: u64 = 0x7ff << 52;
    let x = x.to_f64();
    if x > 1e-14 && x < 1e14 {
        return T::ONE;
    }
    // A subnormal f64 has no exponent of its own, a subnormal f32 is a normal f64.
    let power = f64::from_bits(x.to_bits() & EXPONENT);
    T::from_f64(if power == 0.0 { f64::MIN_POSITIVE } else { power })
}

/// Where element (i, j) is stored.
#[inline]
fn position(i: usize, j: usize, (rows, columns): (usize, usize)) -> Option<usize> {
    (i < rows && j < columns).then(|| j * rows + i)
}

/// Where element (i, j) is stored; panics outside of the matrix.
#[inline]
#[track_caller]
fn checked_position(i: usize, j: usize, (rows, columns): (usize, usize)) -> usize {
    match position(i, j, (rows, columns)) {
        Some(at) => at,
        None => panic!("matrix: index ({i}, {j}) is outside of a {rows}×{columns} matrix"),
    }
}

/// Where column j is stored; panics outside of the matrix.
#[inline]
#[track_caller]
fn column_range(j: usize, (rows, columns): (usize, usize)) -> std::ops::Range<usize> {
    if j >= columns {
        no_column(j, (rows, columns));
    }
    j * rows..(j + 1) * rows
}

#[cold]
#[track_caller]
fn no_column(j: usize, (rows, columns): (usize, usize)) -> ! {
    panic!("matrix: column {j} is outside of a {rows}×{columns} matrix")
}

impl<T> std::ops::Index<(usize, usize)> for Matrix<T> {
    type Output = T;

    #[track_caller]
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.data[checked_position(i, j, (self.rows, self.columns))]
    }
}

impl<T> std::ops::IndexMut<(usize, usize)> for Matrix<T> {
    #[track_caller]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut T {
        let at = checked_position(i, j, (self.rows, self.columns));
        &mut self.data[at]
    }
}
