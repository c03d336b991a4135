//! What is done to each feature (row) of X.

use tape::{Matrix, MatrixRef};

use super::finite::check_finite_view;
use crate::{Error, Result, Scalar};

/// f(x, feature) of every element of X, which has so many features, computed in `f64`. `what` is
/// what does it, in an error.
pub(super) fn map_features<T: Scalar>(
    what: &'static str,
    x: &Matrix<T>,
    features: usize,
    f: impl Fn(f64, usize) -> f64,
) -> Result<Matrix<T>> {
    check_rows(x.view(), features)?;
    let mut result = Matrix::try_zeros(x.rows(), x.columns())?;
    map_features_to(what, x.view(), features, result.as_mut_slice(), f)?;
    Ok(result)
}

/// The same into memory of X's size.
pub(super) fn map_features_to<T: Scalar>(
    what: &'static str,
    x: MatrixRef<'_, T>,
    features: usize,
    to: &mut [T],
    f: impl Fn(f64, usize) -> f64,
) -> Result<()> {
    check_rows(x, features)?;
    check_finite_view("X", x)?;
    if features == 0 {
        return Ok(());
    }
    let columns = x.as_slice().chunks_exact(features).zip(to.chunks_exact_mut(features));
    for (column, (x, to)) in columns.enumerate() {
        for (feature, (x, to)) in x.iter().zip(to).enumerate() {
            *to = T::from_f64(f(x.to_f64(), feature));
            if !to.is_finite() {
                let value = x.to_f64();
                return Err(Error::FeatureOverflow { what, value, feature, column, number: T::NAME });
            }
        }
    }
    Ok(())
}

/// Whether X has so many features.
pub(super) fn check_rows<T: Scalar>(x: MatrixRef<'_, T>, features: usize) -> Result<()> {
    let found = x.shape();
    if found.0 != features {
        return Err(Error::Shape { matrix: "X".to_string(), expected: (features, found.1), found });
    }
    Ok(())
}
