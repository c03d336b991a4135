//! Matrices of numbers, column-major.

use crate::{Error, Result, Scalar};

/// A matrix of numbers, column-major.
#[derive(Clone, PartialEq, Debug)]
pub struct Matrix<T> {
    rows: usize,
    columns: usize,
    data: Vec<T>,
}

/// A read-only view of a matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixRef<'a, T> {
    rows: usize,
    columns: usize,
    data: &'a [T],
}

/// A writable view of a matrix.
#[derive(Debug, PartialEq)]
pub struct MatrixMut<'a, T> {
    rows: usize,
    columns: usize,
    data: &'a mut [T],
}

impl<T: Scalar> Matrix<T> {
    /// From values in column-major order.
    ///
    /// # Errors
    /// [`Error::DataLength`] if `data` does not hold `rows · columns` values.
    pub fn from_vec(rows: usize, columns: usize, data: Vec<T>) -> Result<Self> {
        match rows.checked_mul(columns) {
            None => Err(Error::SizeOverflow { rows, columns }),
            Some(n) if n != data.len() => Err(Error::DataLength { rows, columns, found: data.len() }),
            Some(_) => Ok(Matrix { rows, columns, data }),
        }
    }
    /// All entries `value`.
    pub fn filled(rows: usize, columns: usize, value: T) -> Self {
        Matrix { rows, columns, data: vec![value; rows * columns] }
    }
    /// All entries 0.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self::filled(rows, columns, T::ZERO)
    }
    /// Entry (i, j) is `f(i, j)`.
    pub fn from_fn(rows: usize, columns: usize, mut f: impl FnMut(usize, usize) -> T) -> Self {
        let mut data = Vec::with_capacity(rows * columns);
        for j in 0..columns {
            for i in 0..rows {
                data.push(f(i, j));
            }
        }
        Matrix { rows, columns, data }
    }
    /// 1 × 1.
    pub fn scalar(value: T) -> Self {
        Self::filled(1, 1, value)
    }
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }
    /// (rows, columns)
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    /// Values, column-major.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }
    /// Values, column-major.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }
    /// View.
    pub fn view(&self) -> MatrixRef<'_, T> {
        MatrixRef { rows: self.rows, columns: self.columns, data: &self.data }
    }
    /// View.
    pub fn view_mut(&mut self) -> MatrixMut<'_, T> {
        MatrixMut { rows: self.rows, columns: self.columns, data: &mut self.data }
    }
    /// Frobenius norm.
    pub fn norm(&self) -> T {
        self.data.iter().map(|&x| x * x).sum::<T>().sqrt()
    }
}

impl<'a, T: Scalar> MatrixRef<'a, T> {
    /// From values in column-major order.
    pub fn new(rows: usize, columns: usize, data: &'a [T]) -> Result<Self> {
        match rows.checked_mul(columns) {
            None => Err(Error::SizeOverflow { rows, columns }),
            Some(n) if n != data.len() => Err(Error::DataLength { rows, columns, found: data.len() }),
            Some(_) => Ok(MatrixRef { rows, columns, data }),
        }
    }
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }
    /// (rows, columns)
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    /// Values, column-major.
    pub fn as_slice(&self) -> &'a [T] {
        self.data
    }
    /// Column j.
    pub fn column(&self, j: usize) -> &'a [T] {
        &self.data[j * self.rows..][..self.rows]
    }
    /// A copy.
    pub fn to_matrix(&self) -> Matrix<T> {
        Matrix { rows: self.rows, columns: self.columns, data: self.data.to_vec() }
    }
}

impl<'a, T: Scalar> MatrixMut<'a, T> {
    /// From values in column-major order.
    pub fn new(rows: usize, columns: usize, data: &'a mut [T]) -> Result<Self> {
        match rows.checked_mul(columns) {
            None => Err(Error::SizeOverflow { rows, columns }),
            Some(n) if n != data.len() => Err(Error::DataLength { rows, columns, found: data.len() }),
            Some(_) => Ok(MatrixMut { rows, columns, data }),
        }
    }
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }
    /// (rows, columns)
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    /// Values, column-major.
    pub fn as_slice(&self) -> &[T] {
        self.data
    }
    /// Values, column-major.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.data
    }
    /// Column j.
    pub fn column_mut(&mut self, j: usize) -> &mut [T] {
        &mut self.data[j * self.rows..][..self.rows]
    }
}

impl<T> std::ops::Index<(usize, usize)> for Matrix<T> {
    type Output = T;
    fn index(&self, (i, j): (usize, usize)) -> &T {
        assert!(i < self.rows && j < self.columns, "index out of bounds");
        &self.data[j * self.rows + i]
    }
}

impl<T: Scalar> Matrix<T> {
    /// zeros.
    pub fn try_zeros(rows: usize, columns: usize) -> Result<Self> {
        Ok(Self::zeros(rows, columns))
    }
    /// transpose.
    pub fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |i, j| self[(j, i)])
    }
    /// rows.
    pub fn from_rows<R: AsRef<[T]>>(rows: &[R]) -> Result<Self> {
        let c = rows.first().map_or(0, |r| r.as_ref().len());
        Ok(Self::from_fn(rows.len(), c, |i, j| rows[i].as_ref()[j]))
    }
}
impl<'a, T: Scalar> From<&'a Matrix<T>> for MatrixRef<'a, T> {
    fn from(m: &'a Matrix<T>) -> Self {
        m.view()
    }
}
/// rows
#[macro_export]
macro_rules! matrix {
    ($([$($x:expr),* $(,)?]),* $(,)?) => { $crate::Matrix::from_rows(&[$([$($x),*]),*]).expect("rows of one length") };
}
