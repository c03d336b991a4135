//! Features between two ends.

use tape::{Matrix, MatrixRef};

use super::check_finite;
use super::features::{map_features, map_features_to};
use super::parts::{self, Parts};
use crate::shuffle::with_room;
use crate::{Error, Result, Scalar};

/// What an error calls it.
const WHAT: &str = "min-max";

/// Shifts and scales every feature (row of X) so that over the examples (columns) that it was fitted
/// to its smallest value becomes one end, and its largest the other: low + (high − low) · (x − min) /
/// (max − min).
///
/// A constant feature becomes the lower end. What is outside of the values that it was fitted to
/// becomes what is outside of the ends: nothing is clipped.
///
/// ```
/// use mlp::MinMax;
/// use tape::matrix;
/// let x = matrix![[1.0, 5.0, 3.0], [7.0, 7.0, 7.0]];
/// let min_max = MinMax::fit(&x, -1.0, 1.0)?;
/// assert_eq!(min_max.transform(&x)?, matrix![[-1.0, 1.0, 0.0], [-1.0, -1.0, -1.0]]);
/// assert_eq!(min_max.inverse(&min_max.transform(&x)?)?, x);
/// assert_eq!(min_max.transform(&matrix![[7.0], [7.0]])?, matrix![[2.0], [-1.0]]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MinMax {
    minimum: Vec<f64>,
    maximum: Vec<f64>,
    low: f64,
    high: f64,
}

impl MinMax {
    /// Fits to X, n_0 × m, for the ends `low` and `high`; 0 and 1 are usual.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the ends are not finite, or the first is not the lower one;
    /// [`Error::NoExamples`] if m is 0; [`Error::NonFinite`] if an element is NaN or ±∞.
    pub fn fit<T: Scalar>(x: &Matrix<T>, low: f64, high: f64) -> Result<Self> {
        check_ends(low, high)?;
        if x.columns() == 0 {
            return Err(Error::NoExamples { what: "min-max" });
        }
        check_finite("X", x)?;
        let (mut minimum, mut maximum) = (with_room("min-max", x.rows())?, with_room("min-max", x.rows())?);
        for feature in 0..x.rows() {
            let values = || (0..x.columns()).map(|i| x[(feature, i)].to_f64());
            minimum.push(values().fold(f64::INFINITY, f64::min));
            maximum.push(values().fold(f64::NEG_INFINITY, f64::max));
        }
        Ok(MinMax { minimum, maximum, low, high })
    }

    /// The smallest value of every feature.
    pub fn minimum(&self) -> &[f64] {
        &self.minimum
    }

    /// The largest value of every feature.
    pub fn maximum(&self) -> &[f64] {
        &self.maximum
    }

    /// What the smallest and the largest value become.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The features between the ends, for X of shape n_0 × any number of examples.
    ///
    /// # Errors
    /// [`Error::Shape`] if X has another number of features; [`Error::NonFinite`] if an element is
    /// NaN or ±∞; [`Error::FeatureOverflow`] if a result is larger than the largest number;
    /// [`Error::Tape`] if there is no memory for it.
    pub fn transform<T: Scalar>(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        map_features(WHAT, x, self.minimum.len(), |x, feature| self.between(x, feature))
    }

    /// The same into memory of X's size.
    pub(super) fn transform_to<T: Scalar>(&self, x: MatrixRef<'_, T>, to: &mut [T]) -> Result<()> {
        map_features_to(WHAT, x, self.minimum.len(), to, |x, feature| self.between(x, feature))
    }

    fn between(&self, x: f64, feature: usize) -> f64 {
        let (minimum, maximum) = (self.minimum[feature], self.maximum[feature]);
        let (above, span) = (x - minimum, maximum - minimum);
        let share = if span == 0.0 {
            above
        } else if above.is_finite() && span.is_finite() {
            above / span
        } else {
            // Halves, where a difference is ∞.
            (0.5 * x - 0.5 * minimum) / (0.5 * maximum - 0.5 * minimum)
        };
        // The ends themselves at 0 and 1.
        (1.0 - share) * self.low + share * self.high
    }

    /// What [`transform`](Self::transform) was given.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn inverse<T: Scalar>(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        map_features(WHAT, x, self.minimum.len(), |x, feature| {
            let (minimum, maximum) = (self.minimum[feature], self.maximum[feature]);
            let share = (x - self.low) / (self.high - self.low);
            if minimum == maximum { minimum + share } else { (1.0 - share) * minimum + share * maximum }
        })
    }

    /// Its numbers by name: `minimum` and `maximum` of every feature, and `ends`.
    pub fn parts(&self) -> Parts {
        parts::named([
            ("minimum", self.minimum.clone()),
            ("maximum", self.maximum.clone()),
            ("ends", vec![self.low, self.high]),
        ])
    }

    /// The one with these [`parts`](Self::parts).
    ///
    /// # Errors
    /// [`Error::Part`] if one is missing, unknown, of another length, or holds what none gives out.
    pub fn from_parts(parts: &Parts) -> Result<Self> {
        let [minimum, maximum, ends] = parts::take(parts, ["minimum", "maximum", "ends"])?;
        parts::check_length("maximum", maximum, minimum.len())?;
        parts::check_length("ends", ends, 2)?;
        parts::check_each("minimum", minimum, "finite", f64::is_finite)?;
        parts::check_each("maximum", maximum, "finite", f64::is_finite)?;
        if let Some(k) = (0..minimum.len()).find(|&k| minimum[k] > maximum[k]) {
            return Err(parts::wrong("maximum", format!("value {k} is less than the minimum")));
        }
        let (low, high) = (ends[0], ends[1]);
        check_ends(low, high).map_err(|error| parts::wrong("ends", error.to_string()))?;
        Ok(MinMax { minimum: minimum.to_vec(), maximum: maximum.to_vec(), low, high })
    }
}

fn check_ends(low: f64, high: f64) -> Result<()> {
    // Of two that are each finite, the lower one is to blame for their distance.
    let blamed = if low.is_finite() && !high.is_finite() { ("high", high) } else { ("low", low) };
    if !(high - low).is_finite() {
        let ((name, value), expected) = (blamed, "finite, as high − low is");
        return Err(Error::Hyperparameter { name, value, expected });
    }
    if low >= high {
        return Err(Error::Hyperparameter { name: "high", value: high, expected: "greater than low" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;

    #[test]
    fn the_training_part_fills_the_range() {
        fn check<T: Scalar>() {
            let x = Matrix::from_fn(3, 17, |i, j| T::from_f64(((i + 2) * j * j % 23) as f64 / 7.0 - 1.0));
            let min_max = MinMax::fit(&x, 0.1, 0.7).unwrap();
            let z = min_max.transform(&x).unwrap();
            for feature in 0..3 {
                let row: Vec<f64> = (0..17).map(|j| z[(feature, j)].to_f64()).collect();
                let (low, high) = (T::from_f64(0.1).to_f64(), T::from_f64(0.7).to_f64());
                assert_eq!(row.iter().copied().fold(f64::INFINITY, f64::min), low);
                assert_eq!(row.iter().copied().fold(0.0, f64::max), high);
            }
            let back = min_max.inverse(&z).unwrap();
            for (a, b) in back.iter().zip(&x) {
                assert!((a.to_f64() - b.to_f64()).abs() < 8.0 * T::EPSILON.to_f64());
            }
            assert_eq!(MinMax::from_parts(&min_max.parts()), Ok(min_max));
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn huge_features_have_a_span() {
        let x = matrix![[-1.7e308, 1.7e308]];
        let min_max = MinMax::fit(&x, 0.0, 1.0).unwrap();
        assert_eq!(min_max.transform(&matrix![[0.0, 1.7e308]]).unwrap(), matrix![[0.5, 1.0]]);
        assert_eq!(min_max.inverse(&matrix![[0.5, 1.0]]).unwrap(), matrix![[0.0, 1.7e308]]);
        let narrow = MinMax::fit(&matrix![[0.0, 1e-300]], 0.0, 1.0).unwrap();
        let error = narrow.transform(&matrix![[1e300]]).unwrap_err();
        assert!(
            error.to_string().starts_with("min-max: 1e300 at row 0, column 0 of X becomes larger"),
            "{error}"
        );
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let x = matrix![[1.0, 2.0]];
        for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (-1e308, 1e308)] {
            assert!(matches!(MinMax::fit(&x, low, high), Err(Error::Hyperparameter { .. })), "{low} {high}");
        }
        let reason = |low: f64, high: f64| MinMax::fit(&x, low, high).unwrap_err().to_string();
        assert_eq!(reason(0.0, f64::NAN), "high is NaN, it must be finite, as high − low is");
        assert_eq!(reason(0.0, f64::INFINITY), "high is inf, it must be finite, as high − low is");
        assert_eq!(reason(f64::NAN, f64::NAN), "low is NaN, it must be finite, as high − low is");
        assert_eq!(
            MinMax::fit(&Matrix::<f64>::zeros(1, 0), 0.0, 1.0),
            Err(Error::NoExamples { what: "min-max" })
        );
        assert!(matches!(MinMax::fit(&matrix![[f64::NAN]], 0.0, 1.0), Err(Error::NonFinite { .. })));
        let min_max = MinMax::fit(&x, 0.0, 1.0).unwrap();
        assert!(matches!(min_max.transform(&matrix![[1.0], [2.0]]), Err(Error::Shape { .. })));
        assert!(matches!(min_max.transform(&matrix![[f64::INFINITY]]), Err(Error::NonFinite { .. })));
        let broken = |name: &str, values: Vec<f64>| {
            let mut parts = min_max.parts();
            parts.insert(name.to_string(), values);
            MinMax::from_parts(&parts).unwrap_err().to_string()
        };
        assert_eq!(broken("minimum", vec![f64::NAN]), "minimum: value 0 is NaN, it must be finite");
        assert_eq!(broken("maximum", vec![1.0, 2.0]), "maximum: 1 values are needed, there are 2");
        assert_eq!(broken("maximum", vec![0.5]), "maximum: value 0 is less than the minimum");
        assert_eq!(broken("ends", vec![0.0, 0.0]), "ends: high is 0, it must be greater than low");
        assert_eq!(broken("end", vec![]), "end: is not known, known are minimum, maximum, ends");
        let mut parts = min_max.parts();
        parts.shift_remove("ends");
        assert_eq!(MinMax::from_parts(&parts).unwrap_err().to_string(), "ends: is missing");
    }
}
