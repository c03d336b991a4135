//! How matrices are made.

use super::Matrix;
use crate::{Error, Result, Scalar};

/// The number of elements of a matrix that fits the address space. A side may not be longer either
/// than a matrix of one row or column could be: without elements it would take no memory, but what
/// goes through it would never end.
pub(crate) fn size<T>(rows: usize, columns: usize) -> Result<usize> {
    let entries = rows.max(1).checked_mul(columns.max(1));
    let bytes = entries.and_then(|n| n.checked_mul(size_of::<T>()));
    match bytes {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(rows * columns),
        _ => Err(Error::SizeOverflow { rows, columns }),
    }
}

/// Fails unless `found` values fill a matrix.
#[inline]
pub(super) fn check_length<T>(rows: usize, columns: usize, found: usize) -> Result<()> {
    // What fills a slice fits the address space: kernels come here for every operand.
    if found > 0 && rows.checked_mul(columns) == Some(found) {
        return Ok(());
    }
    if size::<T>(rows, columns)? == found { Ok(()) } else { Err(Error::DataLength { rows, columns, found }) }
}

/// An empty vector with the memory of a matrix.
pub(super) fn reserved<T>(rows: usize, columns: usize) -> Result<Vec<T>> {
    let entries = size::<T>(rows, columns)?;
    let mut data = Vec::new();
    match data.try_reserve_exact(entries) {
        Ok(()) => Ok(data),
        Err(_) => Err(Error::Allocation { rows, columns, bytes: entries * size_of::<T>() }),
    }
}

/// A copy of a matrix's elements.
pub(super) fn copied<T: Clone>(rows: usize, columns: usize, entries: &[T]) -> Result<Vec<T>> {
    let mut data = reserved(rows, columns)?;
    data.extend_from_slice(entries);
    Ok(data)
}

/// What was made, for the methods that have no other way to say that there is no memory.
#[track_caller]
pub(super) fn or_panic<M>(made: Result<M>) -> M {
    match made {
        Ok(made) => made,
        Err(error) => panic!("{error}"),
    }
}

/// The common length of all lines, 0 if there are none.
fn common_length<T, L: AsRef<[T]>>(what: &'static str, lines: &[L]) -> Result<usize> {
    let expected = lines.first().map_or(0, |line| line.as_ref().len());
    // Lines without elements take no memory: there may be more of them than can be gone through.
    size::<T>(lines.len(), expected)?;
    match lines.iter().map(|line| line.as_ref().len()).enumerate().find(|&(_, found)| found != expected) {
        None => Ok(expected),
        Some((index, found)) => Err(Error::Ragged { what, index, expected, found }),
    }
}

/// # Making a matrix
impl<T: Scalar> Matrix<T> {
    /// A rows × columns matrix of values in column-major order.
    ///
    /// ```
    /// # use tape::{Matrix, matrix};
    /// let a = Matrix::from_vec(2, 2, vec![1.0, 2.0, 3.0, 4.0])?;
    /// assert_eq!(a, matrix![[1.0, 3.0], [2.0, 4.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::DataLength`] if `data` does not hold rows · columns values, [`Error::SizeOverflow`]
    /// if no vector can.
    pub fn from_vec(rows: usize, columns: usize, data: Vec<T>) -> Result<Self> {
        check_length::<T>(rows, columns, data.len())?;
        Ok(Matrix { rows, columns, data })
    }

    /// A rows × columns matrix of a copy of values in column-major order.
    ///
    /// # Errors
    /// Those of [`from_vec`](Matrix::from_vec), and [`Error::Allocation`] if there is no memory for
    /// the copy.
    pub fn from_slice(rows: usize, columns: usize, data: &[T]) -> Result<Self> {
        check_length::<T>(rows, columns, data.len())?;
        Ok(Matrix { rows, columns, data: copied(rows, columns, data)? })
    }

    /// A matrix with these rows: arrays, slices or vectors. No rows make a 0 × 0 matrix, n empty
    /// ones an n × 0 matrix.
    ///
    /// ```
    /// # use tape::Matrix;
    /// let rows = [vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]];
    /// assert_eq!(Matrix::from_rows(&rows)?.shape(), (2, 3));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Ragged`] if the rows differ in length, and those of
    /// [`try_zeros`](Matrix::try_zeros).
    pub fn from_rows<R: AsRef<[T]>>(rows: &[R]) -> Result<Self> {
        let columns = common_length("row", rows)?;
        Self::try_from_fn(rows.len(), columns, |i, j| rows[i].as_ref()[j])
    }

    /// A matrix with these columns: arrays, slices or vectors. No columns make a 0 × 0 matrix, n
    /// empty ones a 0 × n matrix.
    ///
    /// ```
    /// # use tape::{Matrix, matrix};
    /// let examples = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
    /// assert_eq!(Matrix::from_columns(&examples)?, matrix![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]);
    /// assert_eq!(Matrix::<f64>::from_columns(&[[], [], []])?.shape(), (0, 3));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Ragged`] if the columns differ in length, and those of
    /// [`try_zeros`](Matrix::try_zeros).
    pub fn from_columns<C: AsRef<[T]>>(columns: &[C]) -> Result<Self> {
        let rows = common_length("column", columns)?;
        let mut data = reserved(rows, columns.len())?;
        if rows > 0 {
            columns.iter().for_each(|column| data.extend_from_slice(column.as_ref()));
        }
        Ok(Matrix { rows, columns: columns.len(), data })
    }

    /// The 1 × n matrix of n values.
    ///
    /// # Panics
    /// If there is no memory for it. See [`from_slice`](Matrix::from_slice).
    #[track_caller]
    pub fn row(values: &[T]) -> Self {
        or_panic(Self::from_slice(1, values.len(), values))
    }

    /// The n × 1 matrix of n values.
    ///
    /// # Panics
    /// If there is no memory for it. See [`from_slice`](Matrix::from_slice).
    #[track_caller]
    pub fn column_vector(values: &[T]) -> Self {
        or_panic(Self::from_slice(values.len(), 1, values))
    }

    /// The 1 × 1 matrix of a value.
    pub fn scalar(value: T) -> Self {
        Matrix { rows: 1, columns: 1, data: vec![value] }
    }

    /// A rows × columns matrix, every element `value`.
    ///
    /// # Panics
    /// If that many elements do not fit the address space or the memory. See
    /// [`try_filled`](Matrix::try_filled).
    #[track_caller]
    pub fn filled(rows: usize, columns: usize, value: T) -> Self {
        or_panic(Self::try_filled(rows, columns, value))
    }

    /// A rows × columns matrix, every element 0.
    ///
    /// # Panics
    /// If that many elements do not fit the address space or the memory. See
    /// [`try_zeros`](Matrix::try_zeros).
    #[track_caller]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self::filled(rows, columns, T::ZERO)
    }

    /// The n × n matrix with ones on the diagonal and zeros elsewhere.
    ///
    /// # Panics
    /// If n · n elements do not fit the address space or the memory. See
    /// [`try_identity`](Matrix::try_identity).
    #[track_caller]
    pub fn identity(n: usize) -> Self {
        or_panic(Self::try_identity(n))
    }

    /// A rows × columns matrix, element (i, j) `f(i, j)`. Called column by column, from the top
    /// down.
    ///
    /// ```
    /// # use tape::{Matrix, matrix};
    /// let a = Matrix::from_fn(2, 2, |i, j| (10 * i + j) as f32);
    /// assert_eq!(a, matrix![[0.0, 1.0], [10.0, 11.0]]);
    /// ```
    ///
    /// # Panics
    /// If that many elements do not fit the address space or the memory. See
    /// [`try_from_fn`](Matrix::try_from_fn).
    #[track_caller]
    pub fn from_fn(rows: usize, columns: usize, f: impl FnMut(usize, usize) -> T) -> Self {
        or_panic(Self::try_from_fn(rows, columns, f))
    }

    /// A rows × columns matrix, every element 0.
    ///
    /// ```
    /// # use tape::{Error, Matrix};
    /// let error = Matrix::<f64>::try_zeros(usize::MAX, 2).unwrap_err();
    /// assert_eq!(error, Error::SizeOverflow { rows: usize::MAX, columns: 2 });
    /// ```
    ///
    /// # Errors
    /// [`Error::SizeOverflow`] if that many elements do not fit the address space, or a side is
    /// longer than it alone could be there; [`Error::Allocation`] if there is no memory for them.
    pub fn try_zeros(rows: usize, columns: usize) -> Result<Self> {
        Self::try_filled(rows, columns, T::ZERO)
    }

    /// A rows × columns matrix, every element `value`.
    ///
    /// # Errors
    /// Those of [`try_zeros`](Matrix::try_zeros).
    pub fn try_filled(rows: usize, columns: usize, value: T) -> Result<Self> {
        let mut data = reserved(rows, columns)?;
        data.resize(rows * columns, value);
        Ok(Matrix { rows, columns, data })
    }

    /// The n × n matrix with ones on the diagonal and zeros elsewhere.
    ///
    /// # Errors
    /// Those of [`try_zeros`](Matrix::try_zeros).
    pub fn try_identity(n: usize) -> Result<Self> {
        let mut identity = Self::try_zeros(n, n)?;
        for i in 0..n {
            identity[(i, i)] = T::ONE;
        }
        Ok(identity)
    }

    /// A rows × columns matrix, element (i, j) `f(i, j)`. Called column by column, from the top
    /// down.
    ///
    /// # Errors
    /// Those of [`try_zeros`](Matrix::try_zeros), before the first call.
    pub fn try_from_fn(rows: usize, columns: usize, mut f: impl FnMut(usize, usize) -> T) -> Result<Self> {
        let mut data = reserved(rows, columns)?;
        // There may be very many columns of no rows.
        for j in 0..if rows == 0 { 0 } else { columns } {
            data.extend((0..rows).map(|i| f(i, j)));
        }
        Ok(Matrix { rows, columns, data })
    }
}

/// Of an array of rows, all of one length by their type. The way to a 0 × n matrix by value:
/// `Matrix::from([[0.0; n]; 0])`.
impl<T: Scalar, const ROWS: usize, const COLUMNS: usize> From<[[T; COLUMNS]; ROWS]> for Matrix<T> {
    fn from(rows: [[T; COLUMNS]; ROWS]) -> Self {
        Self::from_fn(ROWS, COLUMNS, |i, j| rows[i][j])
    }
}

/// A [`Matrix`](crate::Matrix) written down row by row. Rows of different lengths do not compile.
///
/// ```
/// use tape::{Matrix, matrix};
/// let a = matrix![
///     [1.0, 2.0],
///     [3.0, 4.0],
///     [5.0, 6.0],
/// ];
/// assert_eq!(a.shape(), (3, 2));
/// assert_eq!(a.column(1), [2.0, 4.0, 6.0]);
///
/// let single: Matrix<f32> = matrix![[0.5]];
/// let nothing: Matrix<f32> = matrix![];
/// assert_eq!(nothing.shape(), (0, 0));
/// ```
///
/// ```compile_fail
/// tape::matrix![[1.0, 2.0], [3.0]];
/// ```
#[macro_export]
macro_rules! matrix {
    () => {
        $crate::Matrix::zeros(0, 0)
    };
    ($([$($x:expr),* $(,)?]),+ $(,)?) => {
        $crate::Matrix::from([$([$($x),*]),+])
    };
}
