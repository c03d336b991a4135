//! Matrices of other libraries: element (i, j) is element (i, j), there and back, of matrices whose rows and columns cannot be
//! taken for each other.
#![cfg(any(feature = "faer_0_24", feature = "nalgebra_0_35", feature = "ndarray_0_17"))]

use tape::{Matrix, Scalar};

/// Every element another one, of sides that differ, and sides of 0 and 1.
fn matrices<T: Scalar>() -> Vec<Matrix<T>> {
    let shapes = [(2, 3), (3, 2), (1, 4), (4, 1), (1, 1), (0, 0), (0, 3), (3, 0), (17, 5)];
    shapes.map(|(n, m)| Matrix::from_fn(n, m, |i, j| T::from_f64(1.0 + 100.0 * i as f64 + j as f64))).to_vec()
}

/// Whether element (i, j) is element (i, j).
#[track_caller]
fn is_same<T: Scalar>(matrix: &Matrix<T>, shape: (usize, usize), at: impl Fn(usize, usize) -> T) {
    assert_eq!(matrix.shape(), shape);
    for ((i, j), value) in matrix.iter_indexed() {
        assert!(value == at(i, j), "({i}, {j})");
    }
}

#[cfg(feature = "ndarray_0_17")]
mod ndarray {
    use ndarray_0_17::{Array2, ShapeBuilder, s};

    use super::*;

    fn there_and_back<T: Scalar>() {
        for matrix in matrices::<T>() {
            let array = Array2::from(&matrix);
            is_same(&matrix, array.dim(), |i, j| array[(i, j)]);
            assert_eq!(Array2::from(matrix.clone()), array);
            assert_eq!(Matrix::from(&array), matrix);
            assert_eq!(Matrix::from(array.t()), matrix.transposed());
            assert_eq!(Matrix::from(array), matrix);
        }
    }

    #[test]
    fn arrays_keep_their_elements() {
        there_and_back::<f32>();
        there_and_back::<f64>();
    }

    #[test]
    fn every_order_and_view_is_read() {
        let values: Vec<f64> = (0..12).map(f64::from).collect();
        let rows = Array2::from_shape_vec((3, 4), values.clone()).unwrap();
        let columns = Array2::from_shape_vec((3, 4).f(), values).unwrap();
        is_same(&Matrix::from(&rows), (3, 4), |i, j| (4 * i + j) as f64);
        is_same(&Matrix::from(&columns), (3, 4), |i, j| (i + 3 * j) as f64);
        let part = rows.slice(s![1..;-1, ..;2]); // the last row first, every other column
        is_same(&Matrix::from(&part), (2, 2), |i, j| (4 * (2 - i) + 2 * j) as f64);
    }
}

#[cfg(feature = "nalgebra_0_35")]
mod nalgebra {
    use nalgebra_0_35::{DMatrix, Matrix2x3, Vector3};

    use super::*;

    fn there_and_back<T: Scalar>() {
        for matrix in matrices::<T>() {
            let theirs = DMatrix::from(&matrix);
            is_same(&matrix, theirs.shape(), |i, j| theirs[(i, j)]);
            assert_eq!(DMatrix::from(matrix.clone()), theirs);
            assert_eq!(Matrix::from(&theirs), matrix);
            assert_eq!(Matrix::from(theirs.transpose()), matrix.transposed());
            assert_eq!(Matrix::from(theirs), matrix);
        }
    }

    #[test]
    fn matrices_keep_their_elements() {
        there_and_back::<f32>();
        there_and_back::<f64>();
    }

    #[test]
    fn every_size_and_view_is_read() {
        let fixed = Matrix2x3::new(1.0, 2.0, 3.0, 4.0, 5.0, 6.0); // row by row
        is_same(&Matrix::from(fixed), (2, 3), |i, j| (3 * i + j + 1) as f64);
        is_same(&Matrix::from(Vector3::new(1.0_f32, 2.0, 3.0)), (3, 1), |i, _| (i + 1) as f32);
        let row = fixed.row(1);
        is_same(&Matrix::from(&row), (1, 3), |_, j| (j + 4) as f64);
    }
}

#[cfg(feature = "faer_0_24")]
mod faer {
    use faer_0_24::Mat;

    use super::*;

    fn there_and_back<T: Scalar>() {
        for matrix in matrices::<T>() {
            let theirs: Mat<T> = Mat::from(&matrix);
            is_same(&matrix, (theirs.nrows(), theirs.ncols()), |i, j| theirs[(i, j)]);
            let again: Mat<T> = Mat::from(matrix.clone());
            assert_eq!(Matrix::from(again), matrix);
            assert_eq!(Matrix::from(&theirs), matrix);
            assert_eq!(Matrix::from(theirs.transpose()), matrix.transposed());
            assert_eq!(Matrix::from(theirs), matrix);
        }
    }

    #[test]
    fn matrices_keep_their_elements() {
        there_and_back::<f32>();
        there_and_back::<f64>();
    }

    #[test]
    fn views_are_read_by_their_strides() {
        let whole = Mat::from_fn(4, 3, |i, j| (10 * i + j) as f64);
        let part = whole.as_ref().submatrix(1, 1, 2, 2).reverse_rows();
        is_same(&Matrix::from(part), (2, 2), |i, j| (10 * (2 - i) + j + 1) as f64);
    }
}
