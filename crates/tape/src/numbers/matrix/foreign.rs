//! Matrices from and to those of other libraries: copies, of which element (i, j) is element (i,
//! j).
//!
//! Where a matrix is given away, its memory is used where both have the columns one after the
//! other. The names of the features carry the version of the library.

#[cfg(feature = "ndarray_0_17")]
mod ndarray {
    use ndarray_0_17::{Array2, ArrayBase, Data, Ix2, ShapeBuilder};

    use super::super::Matrix;
    use super::super::build::or_panic;
    use crate::Scalar;

    /// Of the feature `ndarray_0_17`. The array has the columns one after the other (Fortran
    /// order).
    ///
    /// ```
    /// use ndarray_0_17::{Array2, array};
    /// use tape::{Matrix, matrix};
    /// let a = Array2::from(matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(a, array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(Matrix::from(&a.t()), matrix![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]); // a view
    /// ```
    impl<T: Scalar> From<Matrix<T>> for Array2<T> {
        fn from(matrix: Matrix<T>) -> Self {
            let shape = matrix.shape();
            Array2::from_shape_vec(shape.f(), matrix.into_vec())
                .expect("a matrix has rows · columns elements")
        }
    }

    /// Of the feature `ndarray_0_17`: a copy.
    impl<T: Scalar> From<&Matrix<T>> for Array2<T> {
        fn from(matrix: &Matrix<T>) -> Self {
            matrix.clone().into()
        }
    }

    /// Of the feature `ndarray_0_17`: a copy of an array or a view, whatever its order.
    ///
    /// # Panics
    /// If there is no memory for it.
    impl<T: Scalar, S: Data<Elem = T>> From<&ArrayBase<S, Ix2>> for Matrix<T> {
        fn from(array: &ArrayBase<S, Ix2>) -> Self {
            let (rows, columns) = array.dim();
            or_panic(Matrix::try_from_fn(rows, columns, |i, j| array[(i, j)]))
        }
    }

    /// Of the feature `ndarray_0_17`.
    ///
    /// # Panics
    /// If there is no memory for it.
    impl<T: Scalar, S: Data<Elem = T>> From<ArrayBase<S, Ix2>> for Matrix<T> {
        fn from(array: ArrayBase<S, Ix2>) -> Self {
            Matrix::from(&array)
        }
    }
}

#[cfg(feature = "nalgebra_0_35")]
mod nalgebra {
    use nalgebra_0_35::{DMatrix, Dim, RawStorage};

    use super::super::Matrix;
    use super::super::build::or_panic;
    use crate::Scalar;

    /// Of the feature `nalgebra_0_35`.
    ///
    /// ```
    /// use nalgebra_0_35::DMatrix;
    /// use tape::{Matrix, matrix};
    /// let a = DMatrix::from(matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(a, DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    /// assert_eq!(Matrix::from(&a.columns(1, 2)), matrix![[2.0, 3.0], [5.0, 6.0]]); // a view
    /// ```
    impl<T: Scalar> From<Matrix<T>> for DMatrix<T> {
        fn from(matrix: Matrix<T>) -> Self {
            let (rows, columns) = matrix.shape();
            DMatrix::from_vec(rows, columns, matrix.into_vec())
        }
    }

    /// Of the feature `nalgebra_0_35`: a copy.
    impl<T: Scalar> From<&Matrix<T>> for DMatrix<T> {
        fn from(matrix: &Matrix<T>) -> Self {
            matrix.clone().into()
        }
    }

    /// Of the feature `nalgebra_0_35`: a copy of a matrix, a vector or a view, of a size that is
    /// known when it is compiled or not.
    ///
    /// # Panics
    /// If there is no memory for it.
    impl<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>> From<&nalgebra_0_35::Matrix<T, R, C, S>>
        for Matrix<T>
    {
        fn from(matrix: &nalgebra_0_35::Matrix<T, R, C, S>) -> Self {
            or_panic(Matrix::try_from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)]))
        }
    }

    /// Of the feature `nalgebra_0_35`.
    ///
    /// # Panics
    /// If there is no memory for it.
    impl<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>> From<nalgebra_0_35::Matrix<T, R, C, S>>
        for Matrix<T>
    {
        fn from(matrix: nalgebra_0_35::Matrix<T, R, C, S>) -> Self {
            Matrix::from(&matrix)
        }
    }
}

#[cfg(feature = "faer_0_24")]
mod faer {
    use faer_0_24::{Mat, MatRef};

    use super::super::Matrix;
    use super::super::build::or_panic;
    use crate::Scalar;

    /// Of the feature `faer_0_24`: a copy.
    ///
    /// ```
    /// use faer_0_24::{Mat, mat};
    /// use tape::{Matrix, matrix};
    /// let a = Mat::from(&matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(a, mat![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(Matrix::from(a.transpose()), matrix![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]); // a view
    /// ```
    impl<T: Scalar> From<&Matrix<T>> for Mat<T> {
        fn from(matrix: &Matrix<T>) -> Self {
            Mat::from_fn(matrix.rows(), matrix.columns(), |i, j| matrix[(i, j)])
        }
    }

    /// Of the feature `faer_0_24`.
    impl<T: Scalar> From<Matrix<T>> for Mat<T> {
        fn from(matrix: Matrix<T>) -> Self {
            Mat::from(&matrix)
        }
    }

    /// Of the feature `faer_0_24`: a copy of a view, whatever its strides.
    ///
    /// # Panics
    /// If there is no memory for it.
    impl<T: Scalar> From<MatRef<'_, T>> for Matrix<T> {
        fn from(matrix: MatRef<'_, T>) -> Self {
            or_panic(Matrix::try_from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)]))
        }
    }

    /// Of the feature `faer_0_24`: a copy.
    ///
    /// # Panics
    /// If there is no memory for it.
    impl<T: Scalar> From<&Mat<T>> for Matrix<T> {
        fn from(matrix: &Mat<T>) -> Self {
            Matrix::from(matrix.as_ref())
        }
    }

    /// Of the feature `faer_0_24`.
    ///
    /// # Panics
    /// If there is no memory for it.
    impl<T: Scalar> From<Mat<T>> for Matrix<T> {
        fn from(matrix: Mat<T>) -> Self {
            Matrix::from(matrix.as_ref())
        }
    }
}
