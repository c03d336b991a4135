//! No NaN and no infinity goes unnoticed into a training run.

use tape::Matrix;

use crate::{Error, Result, Scalar};

/// Checks that every element is a finite number. `name` is what an error calls the matrix.
///
/// ```
/// use tape::Matrix;
/// let x = Matrix::from_vec(2, 2, vec![1.0, 2.0, f64::NAN, 4.0])?;
/// let error = mlp::check_finite("X", &x).unwrap_err();
/// assert_eq!(error.to_string(), "X: NaN at row 0, column 1 is not a finite number");
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::NonFinite`] with the place of the first element, in column-major order, that is NaN or
/// ±∞.
pub fn check_finite<T: Scalar>(name: &'static str, a: &Matrix<T>) -> Result<()> {
    T::data_check_finite(name, a)
}

pub(crate) fn check_finite_here<T: Scalar>(name: &'static str, a: &Matrix<T>) -> Result<()> {
    match a.as_slice().iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (row, column) = (at % a.rows(), at / a.rows());
            Err(Error::NonFinite { matrix: name, value: a.as_slice()[at].to_f64(), row, column })
        }
    }
}
