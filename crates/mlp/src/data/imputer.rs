//! Missing values.

use tape::{Matrix, MatrixRef};

use super::features::check_rows;
use super::finite::refuse;
use super::parts::{self, Parts};
use super::standardizer::moments;
use crate::shuffle::with_room;
use crate::{Error, Result, Scalar};

/// Puts the mean of the values that are there, of the examples that it was fitted to, in the place of
/// those that are missing. A missing value is NaN.
///
/// ```
/// use mlp::Imputer;
/// use tape::matrix;
/// let imputer = Imputer::fit(&matrix![[1.0, f64::NAN, 5.0], [2.0, 2.0, 2.0]])?;
/// assert_eq!(imputer.means(), [3.0, 2.0]);
/// let x = imputer.transform(&matrix![[f64::NAN, 0.0], [7.0, f64::NAN]])?;
/// assert_eq!(x, matrix![[3.0, 0.0], [7.0, 2.0]]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Imputer {
    means: Vec<f64>,
}

impl Imputer {
    /// Fits to X, n_0 × m: the mean of every feature (row), computed in `f64`.
    ///
    /// # Errors
    /// [`Error::NoExamples`] if m is 0; [`Error::AllMissing`] if all values of a feature are NaN;
    /// [`Error::NonFinite`] if one is ±∞.
    pub fn fit<T: Scalar>(x: &Matrix<T>) -> Result<Self> {
        if x.columns() == 0 {
            return Err(Error::NoExamples { what: "imputer" });
        }
        check_not_infinite(x.view())?;
        let (mut means, mut row) = (with_room("imputer", x.rows())?, with_room("imputer", x.columns())?);
        for feature in 0..x.rows() {
            row.clear();
            row.extend((0..x.columns()).map(|i| x[(feature, i)].to_f64()).filter(|x| !x.is_nan()));
            if row.is_empty() {
                return Err(Error::AllMissing { feature });
            }
            means.push(moments(&row).0);
        }
        Ok(Imputer { means })
    }

    /// The mean of every feature.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// X, n_0 × any number of examples, with the means in the place of NaN.
    ///
    /// # Errors
    /// [`Error::Shape`] if X has another number of features; [`Error::NonFinite`] if an element is
    /// ±∞; [`Error::FeatureOverflow`] if a mean is larger than the largest number of the type;
    /// [`Error::Tape`] if there is no memory for it.
    pub fn transform<T: Scalar>(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        let mut filled = Matrix::try_zeros(x.rows(), x.columns())?;
        self.transform_to(x.view(), filled.as_mut_slice())?;
        Ok(filled)
    }

    /// The same into memory of X's size.
    pub(super) fn transform_to<T: Scalar>(&self, x: MatrixRef<'_, T>, to: &mut [T]) -> Result<()> {
        check_rows(x, self.means.len())?;
        check_not_infinite(x)?;
        to.copy_from_slice(x.as_slice());
        for (column, values) in to.chunks_exact_mut(self.means.len().max(1)).enumerate() {
            for (feature, (value, &mean)) in values.iter_mut().zip(&self.means).enumerate() {
                if value.is_nan() {
                    *value = T::from_f64(mean);
                    // Only if it was fitted to another type.
                    if !value.is_finite() {
                        let (what, number) = ("imputer", T::NAME);
                        return Err(Error::FeatureOverflow { what, value: mean, feature, column, number });
                    }
                }
            }
        }
        Ok(())
    }

    /// Its numbers by name: `fill`, the mean of every feature.
    pub fn parts(&self) -> Parts {
        parts::named([("fill", self.means.clone())])
    }

    /// The one with these [`parts`](Self::parts).
    ///
    /// # Errors
    /// [`Error::Part`] if it is missing, another one is there, or a number is not finite.
    pub fn from_parts(parts: &Parts) -> Result<Self> {
        let [fill] = parts::take(parts, ["fill"])?;
        parts::check_each("fill", fill, "finite", f64::is_finite)?;
        Ok(Imputer { means: fill.to_vec() })
    }
}

fn check_not_infinite<T: Scalar>(x: MatrixRef<'_, T>) -> Result<()> {
    refuse("X", x, x.as_slice().iter().position(|x| !x.is_finite() && !x.is_nan()))
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;

    #[test]
    fn the_mean_of_what_is_there_takes_the_place() {
        fn check<T: Scalar>() {
            let x = Matrix::from_fn(2, 9, |i, j| {
                T::from_f64(if (i + j) % 3 == 0 { f64::NAN } else { (j * j) as f64 })
            });
            let imputer = Imputer::fit(&x).unwrap();
            // Without 0, 9, 36, and without 4, 25, 64.
            assert_eq!(imputer.means(), [(204.0 - 45.0) / 6.0, (204.0 - 93.0) / 6.0]);
            let filled = imputer.transform(&x).unwrap();
            for ((i, j), value) in filled.iter_indexed() {
                let expected = if (i + j) % 3 == 0 { imputer.means()[i] } else { (j * j) as f64 };
                assert_eq!(value, T::from_f64(expected));
            }
            assert_eq!(Imputer::from_parts(&imputer.parts()), Ok(imputer));
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let missing = matrix![[1.0, 2.0], [f64::NAN, f64::NAN]];
        assert_eq!(
            Imputer::fit(&missing).unwrap_err().to_string(),
            "imputer: every value of feature 1 is missing (NaN), and so is their mean"
        );
        assert!(matches!(Imputer::fit(&Matrix::<f64>::zeros(2, 0)), Err(Error::NoExamples { .. })));
        let infinite = matrix![[1.0, f64::INFINITY]];
        assert!(matches!(Imputer::fit(&infinite), Err(Error::NonFinite { column: 1, .. })));
        let imputer = Imputer::fit(&matrix![[1e300]]).unwrap();
        assert!(matches!(imputer.transform(&infinite), Err(Error::NonFinite { .. })));
        assert!(matches!(imputer.transform(&missing), Err(Error::Shape { .. })));
        // Numbers just below the largest one have a mean that is a number.
        let top = Matrix::from_fn(1, 12, |_, j| if j % 2 == 0 { f64::MAX } else { f64::MAX.next_down() });
        assert!(Imputer::fit(&top).unwrap().means()[0] >= f64::MAX.next_down());
        let other = Matrix::filled(1, 1, f32::NAN);
        assert!(matches!(imputer.transform(&other), Err(Error::FeatureOverflow { number: "f32", .. })));
        assert_eq!(imputer.transform(&Matrix::<f64>::zeros(1, 0)).unwrap().shape(), (1, 0));
        let mut parts = imputer.parts();
        parts.insert("fill".to_string(), vec![f64::INFINITY]);
        assert!(matches!(Imputer::from_parts(&parts), Err(Error::Part { .. })));
    }
}
