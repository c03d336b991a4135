//! No NaN and no infinity goes unnoticed into a training run.

use tape::{Matrix, MatrixRef};

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
    check_finite_view(name, a.view())
}

pub(crate) fn check_finite_view<T: Scalar>(name: &'static str, a: MatrixRef<'_, T>) -> Result<()> {
    refuse(name, a, first_not_finite(a.as_slice()))
}

/// Refuses the element at this place of the list, if there is one.
pub(super) fn refuse<T: Scalar>(matrix: &'static str, a: MatrixRef<'_, T>, at: Option<usize>) -> Result<()> {
    at.map(|at| element(a, at))
        .map_or(Ok(()), |(value, row, column)| Err(Error::NonFinite { matrix, value, row, column }))
}

/// The element at this place of the list, with its row and column.
fn element<T: Scalar>(a: MatrixRef<'_, T>, at: usize) -> (f64, usize, usize) {
    (a.as_slice()[at].to_f64(), at % a.rows(), at / a.rows())
}

/// Checks that a parameter is made of finite numbers.
pub(crate) fn check_parameter<T: Scalar>(name: &str, value: MatrixRef<'_, T>) -> Result<()> {
    match first_not_finite(value.as_slice()) {
        None => Ok(()),
        Some(at) => {
            let (value, row, column) = element(value, at);
            Err(Error::NonFiniteParameter { name: name.to_owned(), value, row, column })
        }
    }
}

/// The place of the first value that is NaN or ±∞.
///
/// A part is looked at as a whole, several values at a time: a search that may end at every value
/// looks at one after the other.
pub(crate) fn first_not_finite<T: Scalar>(values: &[T]) -> Option<usize> {
    const PART: usize = 1024;
    let is_finite = |part: &[T]| part.iter().fold(true, |all, x| all & x.is_finite());
    let part = values.chunks(PART).position(|part| !is_finite(part))?;
    let begin = part * PART;
    Some(begin + values[begin..].iter().position(|x| !x.is_finite())?)
}

#[cfg(test)]
mod tests {
    use super::first_not_finite;

    #[test]
    fn the_first_of_any_place_is_found() {
        for length in [0, 1, 2, 1023, 1024, 1025, 3000] {
            let mut values = vec![f32::MAX; length];
            assert_eq!(first_not_finite(&values), None);
            for (at, value) in [(length.saturating_sub(1), f32::INFINITY), (length / 2, f32::NAN)] {
                if let Some(place) = values.get_mut(at) {
                    *place = value;
                    assert_eq!(first_not_finite(&values), Some(at), "{length}");
                }
            }
        }
    }
}
