//! Matrices as a user makes, reads, writes, compares, prints and stores them.

use approx::{AbsDiffEq, RelativeEq, UlpsEq, assert_relative_eq};
use proptest::prelude::*;
use tape::{Error, Matrix, MatrixMut, MatrixRef, Scalar, matrix};

/// What a panic said.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("this should have panicked"),
        Err(payload) => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
    }
}

#[test]
fn all_ways_to_make_one_agree() {
    let a = matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let by_columns = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
    assert_eq!(a.as_slice(), by_columns);
    assert_eq!(a, Matrix::from_slice(2, 3, &by_columns).unwrap());
    assert_eq!(a, Matrix::from_vec(2, 3, by_columns.to_vec()).unwrap());
    assert_eq!(a, Matrix::from_columns(&[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]).unwrap());
    assert_eq!(a, Matrix::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).unwrap());
    assert_eq!(a, Matrix::from_rows(&[&[1.0, 2.0, 3.0][..], &[4.0, 5.0, 6.0]]).unwrap());
    assert_eq!(a, Matrix::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    assert_eq!(a, Matrix::from_fn(2, 3, |i, j| (3 * i + j + 1) as f64));
    assert_eq!(a, Matrix::try_from_fn(2, 3, |i, j| (3 * i + j + 1) as f64).unwrap());
    assert_eq!(a.clone().into_vec(), by_columns);
    assert_eq!(Matrix::row(&[1.0, 2.0]), matrix![[1.0, 2.0]]);
    assert_eq!(Matrix::column_vector(&[1.0, 2.0]), matrix![[1.0], [2.0]]);
    assert_eq!(Matrix::scalar(7.0), matrix![[7.0]]);
    assert_eq!(Matrix::identity(2), matrix![[1.0, 0.0], [0.0, 1.0]]);
    assert_eq!(Matrix::filled(1, 2, 0.0), Matrix::<f64>::zeros(1, 2));
    assert_eq!(Matrix::try_filled(1, 2, 0.0), Matrix::<f64>::try_zeros(1, 2));
}

#[test]
fn sides_of_length_zero_can_be_made() {
    let shapes = [
        Matrix::<f64>::from_rows::<[f64; 0]>(&[]).unwrap().shape(),
        Matrix::<f64>::from_rows(&[[], []]).unwrap().shape(),
        Matrix::<f64>::from_columns(&[[], [], []]).unwrap().shape(),
        Matrix::<f64>::from([[0.0; 4]; 0]).shape(),
        Matrix::<f64>::from_vec(0, 5, vec![]).unwrap().shape(),
        Matrix::<f64>::row(&[]).shape(),
        Matrix::<f64>::column_vector(&[]).shape(),
        Matrix::<f64>::identity(0).shape(),
    ];
    assert_eq!(shapes, [(0, 0), (2, 0), (0, 3), (0, 4), (0, 5), (1, 0), (0, 1), (0, 0)]);
}

#[test]
fn sides_of_length_zero_are_legal_everywhere() {
    for (rows, columns) in [(0, 0), (0, 3), (3, 0)] {
        let mut a = Matrix::<f32>::zeros(rows, columns);
        assert_eq!(a.transposed().shape(), (columns, rows));
        assert_eq!(a.iter_columns().len(), columns);
        assert_eq!(a.iter_columns_mut().count(), columns);
        assert_eq!((a.iter().count(), a.iter_indexed().count()), (0, 0));
        assert_eq!((a.norm(), a.max_abs()), (0.0, 0.0));
        assert_eq!(a.map(f32::sqrt).shape(), (rows, columns));
        assert_eq!(a.cast::<f64>().view().to_matrix().shape(), (rows, columns));
        assert_eq!(a.to_string(), format!("({rows}×{columns})"));
        assert!(a.get(0, 0).is_none());
        assert!(a.relative_eq(&a.clone(), 0.0, 0.0));
    }
    assert_eq!(format!("{:?}", Matrix::<f64>::zeros(2, 0)), "Matrix 2×0 [[], []]");
    assert_eq!(Matrix::<f64>::zeros(0, 3).select_columns(&[2, 2]).shape(), (0, 2));
    assert_ne!(Matrix::<f64>::zeros(0, 3), Matrix::zeros(3, 0));
}

#[test]
fn what_does_not_fit_is_a_typed_error() {
    let found = Matrix::from_vec(2, 3, vec![0.0; 5]).unwrap_err();
    assert_eq!(found, Error::DataLength { rows: 2, columns: 3, found: 5 });
    assert_eq!(found, Matrix::from_slice(2, 3, &[0.0; 5]).unwrap_err());
    assert_eq!(found, MatrixRef::new(2, 3, &[0.0; 5]).unwrap_err());
    assert_eq!(found, MatrixMut::new(2, 3, &mut [0.0; 5]).unwrap_err());

    let ragged = |what, index| Error::Ragged { what, index, expected: 2, found: 1 };
    let lines = [vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0]];
    assert_eq!(Matrix::from_rows(&lines).unwrap_err(), ragged("row", 2));
    assert_eq!(Matrix::from_columns(&lines).unwrap_err(), ragged("column", 2));
    assert_eq!(Matrix::from_rows(&lines).unwrap_err().to_string(), "matrix: row 2 has 1 values, row 0 has 2");
}

#[test]
fn what_no_machine_holds_is_a_typed_error() {
    // The number of entries overflows; the number of bytes does; it is larger than any object may be.
    for (rows, columns) in [(usize::MAX, 2), (usize::MAX / 4, 2), (usize::MAX / 12, 1)] {
        let overflow = Error::SizeOverflow { rows, columns };
        assert_eq!(Matrix::<f64>::try_zeros(rows, columns).unwrap_err(), overflow);
        assert_eq!(Matrix::try_filled(rows, columns, 1.0).unwrap_err(), overflow);
        assert_eq!(Matrix::try_from_fn(rows, columns, |_, _| 1.0).unwrap_err(), overflow);
        assert_eq!(Matrix::<f64>::from_vec(rows, columns, vec![]).unwrap_err(), overflow);
        assert_eq!(panic_of(|| Matrix::<f64>::zeros(rows, columns)), overflow.to_string());
        assert_eq!(panic_of(|| Matrix::from_fn(rows, columns, |_, _| 0.0)), overflow.to_string());
    }
    let rows = isize::MAX as usize / 8;
    let none = Error::Allocation { rows, columns: 1, bytes: rows * 8 };
    assert_eq!(Matrix::<f64>::try_zeros(rows, 1).unwrap_err(), none);
    assert_eq!(Matrix::<f64>::try_from_fn(rows, 1, |_, _| unreachable!()).unwrap_err(), none);
}

#[test]
fn entries_are_read_and_written_by_row_and_column() {
    let mut a = matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    a[(0, 1)] = 20.0;
    a.column_mut(2)[1] = 60.0;
    *a.get_mut(1, 0).unwrap() += 36.0;
    assert_eq!(a, matrix![[1.0, 20.0, 3.0], [40.0, 5.0, 60.0]]);
    assert_eq!((a[(1, 2)], a.view()[(1, 2)], a.view_mut()[(1, 2)]), (60.0, 60.0, 60.0));
    assert_eq!((a.get(1, 2), a.get(2, 1), a.get(1, 3)), (Some(&60.0), None, None));
    assert_eq!((a.column(1), a.view().column(1)), (&[20.0, 5.0][..], &[20.0, 5.0][..]));
    a.view_mut()[(0, 0)] = 0.0;
    assert_eq!(a.view_mut().view(), MatrixRef::from(&matrix![[0.0, 20.0, 3.0], [40.0, 5.0, 60.0]]));
}

#[test]
fn a_wrong_index_is_named_with_the_shape() {
    let a = Matrix::<f64>::zeros(2, 3);
    let outside = "matrix: index (2, 1) is outside of a 2×3 matrix";
    assert_eq!(panic_of(|| a[(2, 1)]), outside);
    assert_eq!(panic_of(|| a.view()[(2, 1)]), outside);
    assert_eq!(panic_of(|| a.clone().view_mut()[(2, 1)] = 0.0), outside);
    assert_eq!(panic_of(|| a.clone()[(2, 1)] = 0.0), outside);
    let no_column = "matrix: column 3 is outside of a 2×3 matrix";
    assert_eq!(panic_of(|| a.column(3).len()), no_column);
    assert_eq!(panic_of(|| a.clone().column_mut(3).len()), no_column);
    assert_eq!(panic_of(|| a.view().column(3).len()), no_column);
    assert_eq!(panic_of(|| a.clone().view_mut().column_mut(3).len()), no_column);
    assert_eq!(panic_of(|| a.select_columns(&[0, 3])), no_column);
    assert_eq!(panic_of(|| Matrix::<f64>::zeros(0, 3).column(3).len()), no_column.replace("2×3", "0×3"));
}

#[test]
fn walks_go_column_by_column() {
    let mut a = matrix![[1.0, 2.0], [3.0, 4.0]];
    let indexed: Vec<_> = a.iter_indexed().collect();
    assert_eq!(indexed, [((0, 0), 1.0), ((1, 0), 3.0), ((0, 1), 2.0), ((1, 1), 4.0)]);
    assert_eq!((&a).into_iter().copied().collect::<Vec<_>>(), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(a.iter_columns().rev().collect::<Vec<_>>(), [[2.0, 4.0], [1.0, 3.0]]);
    for x in &mut a {
        *x *= 2.0;
    }
    for (j, column) in a.iter_columns_mut().enumerate() {
        column[0] = j as f64;
    }
    a.iter_mut().for_each(|x| *x += 1.0);
    assert_eq!(a, matrix![[1.0, 2.0], [7.0, 9.0]]);
}

#[test]
fn selected_columns_reuse_memory() {
    let a = Matrix::from_fn(2, 4, |i, j| (10 * i + j) as f32);
    let mut batch = Matrix::zeros(7, 9);
    let memory = batch.as_slice().as_ptr();
    for indices in [&[3, 1, 1][..], &[], &[0]] {
        a.select_columns_into(indices, &mut batch);
        assert_eq!(batch, a.select_columns(indices));
        assert_eq!(batch, Matrix::from_fn(2, indices.len(), |i, j| a[(i, indices[j])]));
        assert_eq!(batch.as_slice().as_ptr(), memory);
    }
}

fn norms<T: Scalar>(extremes: [f64; 4]) {
    for unit in extremes.into_iter().chain([1.0, 1e-13, 1e-15, 1e13, 1e15]) {
        let a = Matrix::from_fn(2, 1, |i, _| T::from_f64(unit * [3.0, -4.0][i]));
        let error = a.norm().to_f64() / a.max_abs().to_f64() - 1.25;
        assert!(error.abs() <= 4.0 * T::EPSILON.to_f64(), "{unit:e}: {error:e}");
    }
    assert_eq!(Matrix::filled(3, 1, -T::INFINITY).norm(), T::INFINITY);
    for a in [[T::NAN, T::INFINITY], [T::INFINITY, T::NAN], [T::NAN, T::ZERO], [T::ZERO, T::NAN]] {
        assert!(Matrix::row(&a).norm().is_nan() && Matrix::row(&a).max_abs().is_nan());
    }
}

#[test]
fn norm_neither_overflows_nor_underflows() {
    // Powers of two, so that the least ones, which are subnormal, are exact.
    let power = |n: i32| 2.0_f64.powi(n / 2) * 2.0_f64.powi(n - n / 2);
    norms::<f64>([1020, -1022, -1074, -540].map(power));
    norms::<f32>([125, -126, -149, -70].map(power));
    let million = Matrix::filled(1000, 1000, 0.1_f32);
    assert_relative_eq!(million.norm(), 100.0, max_relative = 1e-6);
}

#[test]
fn casts_round_to_nearest() {
    let a = matrix![[0.1, 1e300, -0.0], [1e-50, f64::NEG_INFINITY, 1.0]];
    let b = a.cast::<f32>();
    assert_eq!(b, matrix![[0.1, f32::INFINITY, -0.0], [0.0, f32::NEG_INFINITY, 1.0]]);
    assert!(b[(0, 2)].is_sign_negative());
    assert_eq!(b.cast::<f64>()[(0, 0)], f64::from(0.1_f32));
    assert!(Matrix::scalar(f32::NAN).cast::<f64>()[(0, 0)].is_nan());
}

#[test]
fn approximate_equality_needs_the_same_shape() {
    let (a, b) = (matrix![[1.0, 2.0]], matrix![[1.0, 2.0 + 1e-9]]);
    assert!(a.abs_diff_eq(&b, 1e-8) && !a.abs_diff_eq(&b, 1e-10));
    assert!(a.relative_eq(&b, 0.0, 1e-9) && !a.relative_eq(&b, 0.0, 1e-10));
    assert!(a.ulps_eq(&matrix![[1.0, 2.0 + 2.0 * f64::EPSILON]], 0.0, 1) && !a.ulps_eq(&b, 0.0, 4));
    let other = a.transposed();
    assert!(!a.abs_diff_eq(&other, 1e9) && !a.relative_eq(&other, 1e9, 1e9) && !a.ulps_eq(&other, 1e9, 9));
    assert!(!Matrix::<f64>::zeros(0, 2).relative_eq(&Matrix::zeros(2, 0), 1.0, 1.0));
    let nan = Matrix::scalar(f32::NAN);
    assert!(!nan.abs_diff_eq(&nan, 1.0) && !nan.relative_eq(&nan, 1.0, 1.0) && !nan.ulps_eq(&nan, 1.0, 1));
}

#[test]
fn text_is_aligned_and_honours_the_precision() {
    let a = matrix![[1.0, -200.25], [1.0 / 3.0, f64::NAN]];
    assert_eq!(a.to_string(), "[       1  -200.25]\n[0.333333      NaN]");
    assert_eq!(format!("{a:.1}"), "[1.0  -200.2]\n[0.3     NaN]");
    assert_eq!(format!("{:6.0}", a.view()), "[     1    -200]\n[     0     NaN]");
    assert_eq!(a.clone().view_mut().to_string(), a.to_string());
    assert_eq!(a.cast::<f32>().to_string(), a.to_string());
    let extremes = matrix![[1e300, 1.0 / 3e9, 123456789.0, f64::NEG_INFINITY, -0.0, 999999.96, 0.1 + 0.2]];
    assert_eq!(extremes.to_string(), "[1e300  3.33333e-10  1.23457e8  -inf  -0  1000000  0.3]");
    assert_eq!(format!("{extremes:.2}"), "[1.00e300  0.00  123456789.00  -inf  -0.00  999999.96  0.30]");
}

#[test]
fn text_of_a_large_matrix_is_short_and_tells_the_shape() {
    let a = Matrix::from_fn(100, 9, |i, j| (i * j) as f32);
    let text = a.to_string();
    assert_eq!(text.lines().count(), 9);
    assert_eq!(text.lines().nth(1), Some("[0   1    2    3  …    6    7    8]"));
    assert_eq!(text.lines().nth(4), Some("[…   …    …    …  …    …    …    …]"));
    assert_eq!(text.lines().last(), Some("(100×9)"));
    assert!(format!("{a:?}").len() < 700);
    assert_eq!(Matrix::<f64>::zeros(8, 8).to_string().lines().count(), 8);
    assert!(!Matrix::<f64>::zeros(8, 8).to_string().contains('…'));
    assert_eq!(format!("{:?}", matrix![[0.1], [1e300]]), "Matrix 2×1 [[0.1], [1e300]]");
    assert!(!format!("{:?}", Matrix::<f64>::zeros(30, 1)).contains('…'));
}

#[cfg(feature = "serde")]
#[test]
fn serde_keeps_the_shape_and_checks_it() {
    let a = matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]];
    let text = serde_json::to_string(&a).unwrap();
    assert_eq!(text, r#"{"rows":2,"columns":3,"data":[1.0,4.0,2.0,5.0,3.0,6.5]}"#);
    assert_eq!(serde_json::from_str::<Matrix<f64>>(&text).unwrap(), a);
    assert_eq!(serde_json::from_str::<Matrix<f32>>(&text).unwrap(), a.cast());
    let overflow = format!(r#"{{"rows":{},"columns":9,"data":[]}}"#, usize::MAX);
    for wrong in [r#"{"rows":2,"columns":3,"data":[1.0]}"#, &overflow] {
        let error = serde_json::from_str::<Matrix<f64>>(wrong).unwrap_err();
        assert!(error.to_string().starts_with("matrix: "), "{error}");
    }
    let empty = Matrix::<f64>::zeros(0, 4);
    let value = serde_json::to_value(&empty).unwrap();
    assert_eq!(serde_json::from_value::<Matrix<f64>>(value).unwrap(), empty);
}

fn any_matrix() -> impl Strategy<Value = Matrix<f64>> {
    (0..12_usize, 0..12_usize).prop_flat_map(|(rows, columns)| {
        proptest::collection::vec(proptest::num::f64::ANY, rows * columns)
            .prop_map(move |data| Matrix::from_vec(rows, columns, data).unwrap())
    })
}

fn bits(a: &Matrix<f64>) -> Vec<u64> {
    a.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #[test]
    fn transposing_twice_changes_nothing(a in any_matrix()) {
        let t = a.transposed();
        prop_assert_eq!(t.shape(), (a.columns(), a.rows()));
        prop_assert!(a.iter_indexed().all(|((i, j), x)| t[(j, i)].to_bits() == x.to_bits()));
        prop_assert_eq!(bits(&t.transposed()), bits(&a));
    }

    #[test]
    fn columns_make_the_matrix_again(a in any_matrix()) {
        let columns: Vec<&[f64]> = a.iter_columns().collect();
        let b = Matrix::from_columns(&columns).unwrap();
        prop_assert_eq!(bits(&b), bits(&a));
        prop_assert_eq!(b.columns(), a.columns());
        let all: Vec<usize> = (0..a.columns()).collect();
        prop_assert_eq!(bits(&a.select_columns(&all)), bits(&a));
    }

    #[test]
    fn text_has_lines_of_one_moderate_length(
        a in any_matrix(),
        precision in proptest::option::of(0..6_usize),
    ) {
        let text = match precision {
            Some(precision) => format!("{a:.precision$}"),
            None => a.to_string(),
        };
        let rows = text.lines().filter(|line| line.starts_with('['));
        let lengths: Vec<usize> = rows.map(|line| line.chars().count()).collect();
        prop_assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{}", text);
        prop_assert!(lengths.iter().all(|&length| length <= 8 * 26), "{}", text);
    }
}
