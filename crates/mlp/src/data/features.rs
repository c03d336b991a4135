//! What is done to each feature (row) of X.

use tape::Matrix;

use super::check_finite;
use crate::{Error, Result, Scalar};

/// f(x, feature) of every element of X, which has so many features, computed in `f64`. `what` is
/// what does it, in an error.
pub(super) fn map_features<T: Scalar>(
    what: &'static str,
    x: &Matrix<T>,
    features: usize,
    f: impl Fn(f64, usize) -> f64,
) -> Result<Matrix<T>> {
    check_rows(x, features)?;
    check_finite("X", x)?;
    let of = |i: usize, j: usize| T::from_f64(f(x[(i, j)].to_f64(), i));
    let result = Matrix::try_from_fn(x.rows(), x.columns(), of)?;
    if let Some(((feature, column), _)) = result.iter_indexed().find(|(_, x)| !x.is_finite()) {
        let value = x[(feature, column)].to_f64();
        return Err(Error::FeatureOverflow { what, value, feature, column, number: T::NAME });
    }
    Ok(result)
}

/// Whether X has so many features.
pub(super) fn check_rows<T: Scalar>(x: &Matrix<T>, features: usize) -> Result<()> {
    let found = x.shape();
    if found.0 != features {
        return Err(Error::Shape { matrix: "X".to_string(), expected: (features, found.1), found });
    }
    Ok(())
}
