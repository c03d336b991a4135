//! Classes as numbers 0, 1, …, as one row of labels, and as one-hot columns.

use tape::Matrix;

use crate::{Error, Result, Scalar};

/// The class of every column of `a`, which holds outputs of a network or labels.
///
/// One row: class 1 where the element is greater than 0.5, otherwise class 0. Several rows: the row
/// of the largest element, the first one of equals. (So 0.5 in one row, and ½, ½ in two, are both
/// class 0.)
///
/// ```
/// use tape::Matrix;
/// assert_eq!(mlp::classes(&Matrix::from_vec(1, 3, vec![0.2, 0.5, 0.9])?)?, [0, 0, 1]);
/// let a = Matrix::from_vec(3, 2, vec![0.1, 0.7, 0.2, 3.0, -1.0, 3.0])?;
/// assert_eq!(mlp::classes(&a)?, [1, 0]);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::NonFinite`] where an element is NaN; [`Error::Shape`] if `a` has no rows.
pub fn classes<T: Scalar>(a: &Matrix<T>) -> Result<Vec<usize>> {
    T::data_classes(a)
}

pub(crate) fn classes_here<T: Scalar>(a: &Matrix<T>) -> Result<Vec<usize>> {
    let (rows, columns) = a.shape();
    if rows == 0 {
        let matrix = "the matrix of classes".to_string();
        return Err(Error::Shape { matrix, expected: (1, columns), found: (rows, columns) });
    }
    (0..columns).map(|column| class(a.view().column(column), column)).collect()
}

fn class<T: Scalar>(values: &[T], column: usize) -> Result<usize> {
    if let Some(row) = values.iter().position(|a| a.is_nan()) {
        return Err(Error::NonFinite { matrix: "the matrix of classes", value: f64::NAN, row, column });
    }
    if let [a] = values {
        return Ok(usize::from(*a > T::from_f64(0.5)));
    }
    let mut best = 0;
    for (row, &a) in values.iter().enumerate() {
        if a > values[best] {
            best = row;
        }
    }
    Ok(best)
}

/// The labels Y of `n` classes, n × m: column i is 0 but for a 1 in row `classes[i]`.
///
/// ```
/// let y = mlp::one_hot::<f64>(&[2, 0], 3)?;
/// assert_eq!(y.as_slice(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::Class`] if a class is not below `n`; [`Error::Tape`] if the matrix is larger than the
/// memory or the address space.
pub fn one_hot<T: Scalar>(classes: &[usize], n: usize) -> Result<Matrix<T>> {
    T::data_one_hot(classes, n)
}

pub(crate) fn one_hot_here<T: Scalar>(classes: &[usize], n: usize) -> Result<Matrix<T>> {
    let m = classes.len();
    if let Some(example) = classes.iter().position(|&class| class >= n) {
        return Err(Error::Class { class: classes[example], classes: n, example });
    }
    let mut y = Matrix::try_zeros(n, m)?;
    for (i, &class) in classes.iter().enumerate() {
        y[(class, i)] = T::ONE;
    }
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hot_columns_give_their_classes_back() {
        let of = [3, 0, 2, 2, 1];
        assert_eq!(classes(&one_hot::<f32>(&of, 4).unwrap()).unwrap(), of);
        assert_eq!(one_hot::<f64>(&[], 4).unwrap().shape(), (4, 0));
    }

    #[test]
    fn more_classes_than_memory_are_an_error() {
        for n in [1 << 62, 1 << 61, usize::MAX, 1 << 50] {
            assert!(matches!(one_hot::<f64>(&[0, 0], n), Err(Error::Tape(_))), "{n}");
        }
        // Not even without examples: nothing could count so many rows.
        assert!(matches!(one_hot::<f64>(&[], usize::MAX), Err(Error::Tape(_))));
        assert_eq!(one_hot::<f64>(&[], 1 << 20).unwrap().shape(), (1 << 20, 0));
    }

    #[test]
    fn what_is_no_class_is_an_error() {
        let error = one_hot::<f64>(&[0, 3], 3).unwrap_err();
        assert_eq!(error.to_string(), "class 3 of example 1 is not below 3, the number of classes");
        let nan = Matrix::from_vec(2, 2, vec![0.0, 1.0, 1.0, f64::NAN]).unwrap();
        assert!(matches!(classes(&nan), Err(Error::NonFinite { row: 1, column: 1, .. })));
        assert!(matches!(classes(&Matrix::<f64>::zeros(0, 3)), Err(Error::Shape { .. })));
    }
}
