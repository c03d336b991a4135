//! Features with mean 0 and standard deviation 1.

use tape::{Matrix, MatrixRef};

use super::check_finite;
use super::features::{map_features, map_features_to};
use super::parts::{self, Parts};
use crate::shuffle::with_room;
use crate::{Error, Result, Scalar};

/// What an error calls it.
const WHAT: &str = "standardizer";

/// Shifts and scales every feature (row of X) so that it has mean 0 and standard deviation 1 over
/// the examples (columns) that it was fitted to.
///
/// It is fitted to the training part alone: a test example must not have a say in how it is seen.
///
/// ```
/// use mlp::Standardizer;
/// use tape::Matrix;
/// let x = Matrix::from_vec(2, 2, vec![1.0, 7.0, 5.0, 7.0])?;
/// let standardizer = Standardizer::fit(&x)?;
/// assert_eq!(standardizer.mean(), [3.0, 7.0]);
/// assert_eq!(standardizer.scale(), [2.0, 1.0]); // the second feature is constant
/// let standardized = standardizer.transform(&x)?;
/// assert_eq!(standardized.as_slice(), [-1.0, 0.0, 1.0, 0.0]);
/// assert_eq!(standardizer.inverse(&standardized)?, x);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// It computes in `f64` from the mean as it was found: of features that are far from 0 and close
/// together, a mean that is rounded to `f32` would be off by more than they differ. What becomes
/// larger than the largest number is an error and not ∞.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "crate::serialised::Moments", into = "crate::serialised::Moments", bound = "T: Scalar")
)]
pub struct Standardizer<T> {
    /// μ and σ of every feature.
    moments: Vec<(f64, f64)>,
    /// The same, as they are shown.
    mean: Vec<T>,
    scale: Vec<T>,
}

impl<T: Scalar> Standardizer<T> {
    /// Fits to X, n_0 × m: mean μ = 1/m · Σ_i x(i) and standard deviation √(1/m · Σ_i (x(i) − μ)²)
    /// of every row, computed in `f64`.
    ///
    /// A constant feature has scale 1, so it becomes 0.
    ///
    /// # Errors
    /// [`Error::NoExamples`] if m is 0; [`Error::NonFinite`] if an element is NaN or ±∞;
    /// [`Error::FeatureRange`] if a mean or standard deviation is larger than the largest number,
    /// or its standard deviation rounds to 0.
    pub fn fit(x: &Matrix<T>) -> Result<Self> {
        T::standardizer_fit(x)
    }

    pub(crate) fn fit_here(x: &Matrix<T>) -> Result<Self> {
        if x.columns() == 0 {
            return Err(Error::NoExamples { what: "standardizer" });
        }
        check_finite("X", x)?;
        let mut all = Vec::new();
        let mut row = with_room("standardizer", x.columns())?;
        for feature in 0..x.rows() {
            row.clear();
            row.extend((0..x.columns()).map(|i| x[(feature, i)].to_f64()));
            all.push(moments(&row));
        }
        Standardizer::of_moments(all)
    }

    /// Of μ and σ of every feature.
    pub(crate) fn of_moments(moments: Vec<(f64, f64)>) -> Result<Self> {
        let (mut mean, mut scale) = (Vec::new(), Vec::new());
        for (feature, &(mu, sigma)) in moments.iter().enumerate() {
            let (mu, sigma) = (T::from_f64(mu), T::from_f64(sigma));
            if !mu.is_finite() || !sigma.is_finite() || sigma <= T::ZERO {
                return Err(Error::FeatureRange { feature, number: T::NAME });
            }
            mean.push(mu);
            scale.push(sigma);
        }
        Ok(Standardizer { moments, mean, scale })
    }

    /// μ and σ of every feature, as it computes with them.
    pub(crate) fn moments(&self) -> &[(f64, f64)] {
        &self.moments
    }

    /// The mean of every feature, rounded to T.
    pub fn mean(&self) -> &[T] {
        &self.mean
    }

    /// What every feature is divided by: its standard deviation, or 1 if it is constant; rounded to
    /// T.
    pub fn scale(&self) -> &[T] {
        &self.scale
    }

    /// (x − mean) / scale of every feature, for X of shape n_0 × any number of examples.
    ///
    /// # Errors
    /// [`Error::Shape`] if X has another number of features; [`Error::NonFinite`] if an element is
    /// NaN or ±∞; [`Error::FeatureOverflow`] if a result is larger than the largest number;
    /// [`Error::Tape`] if there is no memory for it.
    pub fn transform(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        T::standardizer_transform(self, x)
    }

    pub(crate) fn transform_here(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        map_features(WHAT, x, self.moments.len(), |x, feature| self.standardized(x, feature))
    }

    /// The same into memory of X's size.
    pub(super) fn transform_to(&self, x: MatrixRef<'_, T>, to: &mut [T]) -> Result<()> {
        map_features_to(WHAT, x, self.moments.len(), to, |x, feature| self.standardized(x, feature))
    }

    fn standardized(&self, x: f64, feature: usize) -> f64 {
        let (mean, scale) = self.moments[feature];
        let from_mean = x - mean;
        // Halves, where the difference alone would be ∞.
        if from_mean.is_finite() { from_mean / scale } else { (0.5 * x - 0.5 * mean) / scale * 2.0 }
    }

    /// What [`transform`](Self::transform) was given: x · scale + mean of every feature.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn inverse(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        T::standardizer_inverse(self, x)
    }

    pub(crate) fn inverse_here(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        map_features(WHAT, x, self.moments.len(), |x, feature| {
            let (mean, scale) = self.moments[feature];
            let from_mean = x * scale;
            if from_mean.is_finite() { from_mean + mean } else { (0.5 * x * scale + 0.5 * mean) * 2.0 }
        })
    }

    /// Its numbers by name, `mean` and `scale` of every feature, as they were found: in `f64`.
    ///
    /// ```
    /// use mlp::Standardizer;
    /// let standardizer = Standardizer::fit(&tape::matrix![[1.0_f32, 5.0]])?;
    /// let parts = standardizer.parts();
    /// assert_eq!((&parts["mean"], &parts["scale"]), (&vec![3.0], &vec![2.0]));
    /// assert_eq!(Standardizer::from_parts(&parts)?, standardizer);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn parts(&self) -> Parts {
        let (mean, scale) = self.moments.iter().copied().unzip();
        parts::named([("mean", mean), ("scale", scale)])
    }

    /// The standardizer with these [`parts`](Self::parts).
    ///
    /// # Errors
    /// [`Error::Part`] if one is missing, unknown, of another length, or holds what no standardizer
    /// of type T gives out: a number that is not finite in T, or a scale that is not positive.
    pub fn from_parts(parts: &Parts) -> Result<Self> {
        let [mean, scale] = parts::take(parts, ["mean", "scale"])?;
        parts::check_length("scale", scale, mean.len())?;
        let fits = |x: f64| T::from_f64(x).is_finite() && x.is_finite();
        parts::check_each("mean", mean, "finite", fits)?;
        let is_scale = |x: f64| x > 0.0 && fits(x) && T::from_f64(x) != T::ZERO;
        parts::check_each("scale", scale, "finite and greater than 0", is_scale)?;
        let rounded = |of: &[f64]| of.iter().map(|&x| T::from_f64(x)).collect();
        let moments = mean.iter().copied().zip(scale.iter().copied()).collect();
        Ok(Standardizer { moments, mean: rounded(mean), scale: rounded(scale) })
    }
}

/// Mean and standard deviation; (x, 1) if all values are x.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    // A constant is recognised by its values: their mean may be off by a rounding, and then their
    // deviation is not 0.
    if values.iter().all(|x| *x == values[0]) {
        return (values[0], 1.0);
    }
    let m = values.len() as f64;
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // By its roundings it may be beyond the values, and so beyond the largest number.
    let about = values.iter().map(|x| x / m).sum::<f64>().clamp(least, most);
    // The first mean has an error of some roundings; the mean of what is left takes most of it
    // away.
    let mean = (about + values.iter().map(|x| (x - about) / m).sum::<f64>()).clamp(least, most);
    // Squares of the deviations themselves could overflow or vanish.
    let largest = values.iter().fold(0.0, |largest: f64, x| largest.max((x - mean).abs()));
    let squares = values.iter().map(|x| ((x - mean) / largest).powi(2)).sum::<f64>();
    (mean, largest * (squares / m).sqrt())
}

#[cfg(test)]
mod tests {
    use tape::Scalar as _;

    use super::*;

    fn row(values: &[f64]) -> Matrix<f64> {
        Matrix::from_vec(1, values.len(), values.to_vec()).unwrap()
    }

    #[test]
    fn the_training_part_gets_mean_0_and_deviation_1() {
        let x = Matrix::from_fn(3, 50, |i, j| 1000.0 * i as f64 + ((i + 2) * j) as f64 % 17.0);
        let z = Standardizer::fit(&x).unwrap().transform(&x).unwrap();
        for i in 0..3 {
            let (mean, deviation) = moments(&(0..50).map(|j| z[(i, j)]).collect::<Vec<_>>());
            // The mean, up to 2000, is itself rounded by up to 1.1e-13, and the deviation is about
            // 5.
            assert!(mean.abs() < 1e-13 && (deviation - 1.0).abs() < 1e-14, "{mean:e} {deviation}");
        }
    }

    #[test]
    fn a_constant_feature_becomes_zero() {
        // 0.1 added 455 times and divided is not 0.1.
        let standardizer = Standardizer::fit(&Matrix::filled(1, 455, 0.1)).unwrap();
        assert_eq!((standardizer.mean(), standardizer.scale()), (&[0.1][..], &[1.0][..]));
        assert_eq!(standardizer.transform(&row(&[0.1, 2.1])).unwrap().as_slice(), [0.0, 2.0]);
    }

    #[test]
    fn inverse_undoes_transform() {
        let x = Matrix::from_fn(4, 9, |i, j| ((3 * i + 5 * j) as f64).sin() * 10.0_f64.powi(i as i32));
        let standardizer = Standardizer::fit(&x).unwrap();
        let back = standardizer.inverse(&standardizer.transform(&x).unwrap()).unwrap();
        for (a, b) in back.as_slice().iter().zip(x.as_slice()) {
            assert!((a - b).abs() < 1e-12 * b.abs().max(1.0));
        }
    }

    #[test]
    fn huge_and_tiny_features_keep_their_deviation() {
        for size in [1e-300, 1e300] {
            let standardizer = Standardizer::fit(&row(&[-size, size])).unwrap();
            assert!((standardizer.scale()[0] / size - 1.0).abs() < 1e-15);
        }
        for m in [2, 12, 17, 100] {
            let top = |i: usize| if i.is_multiple_of(2) { f64::MAX } else { f64::MAX.next_down() };
            let found = Standardizer::fit(&row(&(0..m).map(top).collect::<Vec<_>>())).unwrap();
            assert!(found.mean()[0] >= f64::MAX.next_down(), "{m}: {:?}", found.mean());
        }
        let error = Standardizer::fit(&row(&[f64::MAX, f64::MIN, f64::MIN])).unwrap_err();
        assert!(matches!(error, Error::FeatureRange { feature: 0, number: "f64" }));
        let narrow = Matrix::from_vec(1, 2, vec![1.0_f32, 1.0 + f32::EPSILON]).unwrap();
        assert!(Standardizer::fit(&narrow).unwrap().scale()[0] > 0.0);
    }

    /// A million and some sixteenths: the mean is none of the numbers that f32 has there.
    #[test]
    fn a_mean_between_two_numbers_is_kept() {
        let x = Matrix::from_fn(1, 3, |_, j| 1e6 + 0.0625 * [0.0, 1.0, 1.0][j] as f32);
        let z = Standardizer::fit(&x).unwrap().transform(&x).unwrap();
        let mean = z.iter().map(|z| z.to_f64()).sum::<f64>() / 3.0;
        assert!(mean.abs() < 1e-7, "{mean:e}");
        // −√2 and twice 1/√2.
        assert!((z[(0, 0)] + std::f32::consts::SQRT_2).abs() < 1e-6, "{z}");
    }

    #[test]
    fn nothing_finite_becomes_infinite() {
        let narrow = Standardizer::fit(&row(&[0.0, 1e-300])).unwrap();
        let error = narrow.transform(&row(&[0.0, 1e300])).unwrap_err();
        assert!(matches!(error, Error::FeatureOverflow { feature: 0, column: 1, number: "f64", .. }));
        assert_eq!(
            error.to_string(),
            "standardizer: 1e300 at row 0, column 1 of X becomes larger than f64 can hold: it is too far from what feature 0 \
             was fitted to"
        );
        let wide = Standardizer::fit(&row(&[-1.5e308, 1.5e308, -1.5e308, 1.5e308])).unwrap();
        // The difference, and the product, are ∞ on the way.
        assert_eq!(wide.transform(&row(&[1.5e308])).unwrap().as_slice(), [1.0]);
        assert!(matches!(wide.inverse(&row(&[1e10])), Err(Error::FeatureOverflow { .. })));
        let low = Standardizer::fit(&row(&[-1.7e308, -0.1e308])).unwrap();
        let far = low.transform(&row(&[1.7e308])).unwrap();
        assert!((far[(0, 0)] / (2.6 / 0.8) - 1.0).abs() < 1e-14, "{far}");
        let back = low.inverse(&far).unwrap();
        assert!((back[(0, 0)] / 1.7e308 - 1.0).abs() < 1e-14, "{back}");
        let single = Standardizer::fit(&Matrix::from([[0.0, 1e-30_f32]])).unwrap();
        assert!(single.transform(&Matrix::from([[1e20_f32]])).is_err());
    }

    #[test]
    fn bad_data_is_named() {
        assert_eq!(Standardizer::fit(&row(&[])), Err(Error::NoExamples { what: "standardizer" }));
        assert_eq!(
            Standardizer::fit(&row(&[1.0, f64::INFINITY])).unwrap_err().to_string(),
            "X: inf at row 0, column 1 is not a finite number"
        );
        let standardizer = Standardizer::fit(&row(&[1.0, 2.0])).unwrap();
        assert_eq!(
            standardizer.transform(&Matrix::zeros(2, 3)).unwrap_err().to_string(),
            "X is 2×3, 1×3 is needed"
        );
        assert!(matches!(standardizer.transform(&row(&[f64::NAN])), Err(Error::NonFinite { .. })));
    }
}
