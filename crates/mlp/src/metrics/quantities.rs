//! How far predicted quantities are off.

use tape::Matrix;

use super::pairs::Pairs;
use crate::sum::sum;
use crate::{Error, Result, Scalar, check_finite};

/// Predicted quantities `a` beside the true ones `y`, both n_L × m, with the weights w(i) of the
/// examples.
///
/// Each metric is taken for every output (row) first, and the mean of the outputs is the result.
/// Everything is computed in `f64`; a result that is larger than its largest number is ∞.
///
/// ```
/// use mlp::metrics::Quantities;
/// use tape::matrix;
/// let (a, y) = (matrix![[2.5, 0.0, 2.0, 8.0]], matrix![[3.0, -0.5, 2.0, 7.0]]);
/// let quantities = Quantities::new(&a, &y)?;
/// assert_eq!(quantities.mean_absolute_error(), 0.5);
/// assert_eq!(quantities.mean_squared_error(), 0.375);
/// assert!((quantities.r_squared()? - 0.948608137045).abs() < 1e-12);
/// let last = Quantities::weighted(&a, &y, &[0.0, 0.0, 0.0, 2.0])?;
/// assert_eq!(last.mean_absolute_error(), 1.0);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Quantities {
    pairs: Pairs,
}

/// # Making
impl Quantities {
    /// Each example counts 1.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ or have no rows; [`Error::NoExamples`] if m is 0;
    /// [`Error::NonFinite`] where an element is NaN or ±∞; [`Error::Memory`].
    pub fn new<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        Quantities::of(a, y, None)
    }

    /// Example i counts `weights[i]`.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Length`] if there are not m weights; [`Error::Weight`] if
    /// one is negative, NaN or ∞; [`Error::WeightSum`] if all are 0, or their sum is ∞.
    pub fn weighted<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: &[f64]) -> Result<Self> {
        Quantities::of(a, y, Some(weights))
    }

    fn of<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: Option<&[f64]>) -> Result<Self> {
        let pairs = Pairs::new(a, y, weights, "quantities")?;
        check_finite("A", a)?;
        check_finite("Y", y)?;
        Ok(Quantities { pairs })
    }
}

/// # Errors and what they leave
impl Quantities {
    /// MAE = Σ w |y − a| / Σ w.
    pub fn mean_absolute_error(&self) -> f64 {
        self.mean_of_outputs(|k| self.mean_of_sizes(k, 1, |a, y| (y - a).abs()))
    }

    /// MSE = Σ w (y − a)² / Σ w.
    pub fn mean_squared_error(&self) -> f64 {
        self.mean_of_outputs(|k| self.mean_of_sizes(k, 2, |a, y| (y - a) * (y - a)))
    }

    /// RMSE = √(Σ w (y − a)² / Σ w).
    pub fn root_mean_squared_error(&self) -> f64 {
        self.mean_of_outputs(|k| {
            // Halves, where a difference is ∞.
            let largest = self.largest(|i| self.y(k, i) - self.a(k, i));
            let unit = if largest.is_finite() { 1.0 } else { 0.5 };
            let largest = self.largest(|i| unit * self.y(k, i) - unit * self.a(k, i));
            self.mean(k, |a, y| ((unit * y - unit * a) / largest).powi(2)).sqrt() * largest / unit
        })
    }

    /// R² = 1 − Σ w (y − a)² / Σ w (y − ȳ)², the share of the variance of the true quantities that
    /// the predictions account for; ȳ = Σ w y / Σ w is what a model without features would say.
    ///
    /// It is 1 for perfect predictions, 0 for ȳ, and has no lower bound.
    ///
    /// # Errors
    /// [`Error::Undefined`] if an output's true quantities are all equal, among them that of a
    /// single example.
    pub fn r_squared(&self) -> Result<f64> {
        let of_each = self.r_squared_of_each()?;
        Ok(self.mean_of_outputs(|k| of_each[k]))
    }

    /// R² of every output.
    ///
    /// # Errors
    /// As [`r_squared`](Self::r_squared).
    pub fn r_squared_of_each(&self) -> Result<Vec<f64>> {
        (0..self.pairs.rows).map(|k| self.r_squared_of(k)).collect()
    }

    fn r_squared_of(&self, k: usize) -> Result<f64> {
        let first =
            (0..self.pairs.columns).find(|&i| self.pairs.weights.at(i) > 0.0).map_or(0.0, |i| self.y(k, i));
        // By the values, as a mean of equal numbers may be off by a rounding.
        if (0..self.pairs.columns).all(|i| self.pairs.weights.at(i) == 0.0 || self.y(k, i) == first) {
            return Err(Error::Undefined { what: "R²", reason: "the true quantities are all equal" });
        }
        // From a number among them, and by their largest difference: no digits are lost to their
        // size, and no square overflows or vanishes.
        let difference = |unit: f64, y: f64, from: f64| unit * y - unit * from;
        let spread = |unit: f64| self.largest(|i| difference(unit, self.y(k, i), first));
        let error = self.largest(|i| self.y(k, i) - self.a(k, i));
        // Halves, where a difference is ∞.
        let unit = if spread(1.0).is_finite() && error.is_finite() { 1.0 } else { 0.5 };
        let spread = spread(unit);
        let mean = self.mean(k, |_, y| difference(unit, y, first) / spread);
        let variance = self.mean(k, |_, y| (difference(unit, y, first) / spread - mean).powi(2));
        let residual = self.mean(k, |a, y| (difference(unit, y, a) / spread).powi(2));
        Ok(1.0 - residual / variance)
    }

    /// The quantile loss, or pinball loss: Σ w ρ(y − a) / Σ w with ρ(r) = α r for r ≥ 0 and (α − 1)
    /// r for r < 0 (Koenker, Bassett 1978). Least for the quantile α of the true quantities.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if α is not in [0, 1].
    pub fn quantile_loss(&self, alpha: f64) -> Result<f64> {
        if !(0.0..=1.0).contains(&alpha) {
            return Err(Error::Hyperparameter { name: "quantile", value: alpha, expected: "in [0, 1]" });
        }
        let rho = |r: f64| if r >= 0.0 { alpha * r } else { (alpha - 1.0) * r };
        Ok(self.mean_of_outputs(|k| self.mean_of_sizes(k, 1, |a, y| rho(y - a))))
    }

    fn a(&self, k: usize, i: usize) -> f64 {
        self.pairs.a(i)[k]
    }

    fn y(&self, k: usize, i: usize) -> f64 {
        self.pairs.y(i)[k]
    }

    /// The weighted mean of f(a, y) over the examples, of output k.
    fn mean(&self, k: usize, f: impl Fn(f64, f64) -> f64) -> f64 {
        self.pairs.mean(|i| f(self.a(k, i), self.y(k, i)))
    }

    /// The same of an f of this degree, f(c a, c y) = c^degree f(a, y): it is ∞ only if the mean is, and
    /// not if something on the way to it is.
    fn mean_of_sizes(&self, k: usize, degree: i32, f: impl Fn(f64, f64) -> f64) -> f64 {
        const SMALL: f64 = 1.0 / (1_u128 << 66) as f64;
        match self.mean(k, &f) {
            mean if mean.is_finite() => mean,
            _ => self.mean(k, |a, y| f(SMALL * a, SMALL * y)) / SMALL.powi(degree),
        }
    }

    /// The largest |f(i)|, for examples that count; 1 if all are 0.
    fn largest(&self, f: impl Fn(usize) -> f64) -> f64 {
        let counted = (0..self.pairs.columns).filter(|&i| self.pairs.weights.at(i) > 0.0);
        match counted.map(|i| f(i).abs()).fold(0.0, f64::max) {
            0.0 => 1.0,
            largest => largest,
        }
    }

    fn mean_of_outputs(&self, f: impl Fn(usize) -> f64) -> f64 {
        let of_each: Vec<f64> = (0..self.pairs.rows).map(f).collect();
        let n = self.pairs.rows as f64;
        match sum(0..of_each.len(), &|k| of_each[k]) / n {
            mean if mean.is_finite() => mean,
            _ => sum(0..of_each.len(), &|k| of_each[k] / n),
        }
    }
}

/// The mean over the outputs of Σ |y − a| / m: see [`Quantities::mean_absolute_error`].
///
/// ```
/// use mlp::metrics::mean_absolute_error;
/// assert_eq!(mean_absolute_error(&tape::matrix![[1.0, 2.0]], &tape::matrix![[1.0, 5.0]])?, 1.5);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Quantities::new`].
pub fn mean_absolute_error<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    Ok(Quantities::new(a, y)?.mean_absolute_error())
}

/// The mean over the outputs of √(Σ (y − a)² / m): see [`Quantities::root_mean_squared_error`].
///
/// ```
/// use mlp::metrics::root_mean_squared_error;
/// assert_eq!(root_mean_squared_error(&tape::matrix![[1.0, 2.0]], &tape::matrix![[2.0, 3.0]])?, 1.0);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Quantities::new`].
pub fn root_mean_squared_error<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    Ok(Quantities::new(a, y)?.root_mean_squared_error())
}

/// R², the mean over the outputs: see [`Quantities::r_squared`].
///
/// ```
/// use mlp::metrics::r_squared;
/// assert_eq!(r_squared(&tape::matrix![[1.0, 2.0, 3.0]], &tape::matrix![[1.0, 2.0, 3.0]])?, 1.0);
/// assert_eq!(r_squared(&tape::matrix![[2.0, 2.0, 2.0]], &tape::matrix![[1.0, 2.0, 3.0]])?, 0.0);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Quantities::new`] and [`Quantities::r_squared`].
pub fn r_squared<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    Quantities::new(a, y)?.r_squared()
}

/// The quantile loss for α, the mean over the outputs: see [`Quantities::quantile_loss`].
///
/// ```
/// use mlp::metrics::quantile_loss;
/// // Too low costs three times as much as too high.
/// assert_eq!(quantile_loss(&tape::matrix![[0.0]], &tape::matrix![[1.0]], 0.75)?, 0.75);
/// assert_eq!(quantile_loss(&tape::matrix![[1.0]], &tape::matrix![[0.0]], 0.75)?, 0.25);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Quantities::new`] and [`Quantities::quantile_loss`].
pub fn quantile_loss<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, alpha: f64) -> Result<f64> {
    Quantities::new(a, y)?.quantile_loss(alpha)
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;

    #[test]
    fn equal_quantities_have_no_r_squared() {
        let y = Matrix::filled(1, 455, 0.1);
        let error = r_squared(&y, &y).unwrap_err();
        assert_eq!(error.to_string(), "R² is undefined: the true quantities are all equal");
        assert!(matches!(r_squared(&matrix![[1.0]], &matrix![[1.0]]), Err(Error::Undefined { .. })));
        // Of the examples that count.
        let (a, y) = (matrix![[1.0, 2.0, 5.0]], matrix![[3.0, 3.0, 4.0]]);
        let weighted = Quantities::weighted(&a, &y, &[1.0, 1.0, 0.0]).unwrap();
        assert!(matches!(weighted.r_squared(), Err(Error::Undefined { .. })));
    }

    #[test]
    fn far_from_zero_and_huge_and_tiny_quantities_keep_their_digits() {
        let (a, y) = (matrix![[1.0, 2.0, 4.0]], matrix![[1.0, 2.0, 3.0]]);
        assert_eq!(r_squared(&a, &y), Ok(0.5));
        for scale in [1e-200, 1e200] {
            let scaled = |x: &Matrix<f64>| x.map(|x| x * scale);
            assert!((r_squared(&scaled(&a), &scaled(&y)).unwrap() - 0.5).abs() < 1e-15);
            let rmse = root_mean_squared_error(&scaled(&a), &scaled(&y)).unwrap();
            assert!((rmse / scale - (1.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        }
        let far = |x: &Matrix<f64>| x.map(|x| x + 1e9);
        assert!((r_squared(&far(&a), &far(&y)).unwrap() - 0.5).abs() < 1e-15);
    }

    /// Only what is larger than the largest number is ∞, whatever is on the way to it.
    #[test]
    fn huge_quantities_have_errors_that_are_numbers() {
        let (high, low) = (matrix![[1.5e308, -1.5e308]], matrix![[-1.5e308, 1.5e308]]);
        let close = |found: f64, expected: f64| {
            assert!((found / expected - 1.0).abs() < 1e-15, "{found:e} {expected:e}");
        };
        // ȳ = 0, and each error is twice the quantity: 1 − 4.
        close(r_squared(&high, &low).unwrap(), -3.0);
        assert_eq!(quantile_loss(&matrix![[-1.5e308]], &matrix![[1.5e308]], 0.0), Ok(0.0));
        assert_eq!(quantile_loss(&matrix![[1.5e308]], &matrix![[-1.5e308]], 1.0), Ok(0.0));
        close(quantile_loss(&high, &low, 0.25).unwrap(), 1.5e308);
        assert_eq!(mean_absolute_error(&high, &low), Ok(f64::INFINITY));
        let zero = Matrix::zeros(1, 2);
        close(mean_absolute_error(&high, &zero).unwrap(), 1.5e308);
        close(Quantities::new(&zero.map(|_| 1.2e154), &zero).unwrap().mean_squared_error(), 1.44e308);
        let (a, y) = (matrix![[1.5e308], [1.0], [1.5e308]], Matrix::zeros(3, 1));
        close(mean_absolute_error(&a, &y).unwrap(), 1e308);
        let (a, y) = (matrix![[1.5e308, 0.0, 0.0, 0.0]], matrix![[-1.5e308, 0.0, 0.0, 0.0]]);
        close(root_mean_squared_error(&a, &y).unwrap(), 1.5e308);
        close(mean_absolute_error(&a, &y).unwrap(), 0.75e308);
        let weights = [1e300, 0.0, 0.0, 3e300];
        close(Quantities::weighted(&a, &y, &weights).unwrap().mean_absolute_error(), 0.75e308);
        // What was smaller than 1 stays as it is.
        assert_eq!(mean_absolute_error(&matrix![[5e-324]], &matrix![[0.0]]), Ok(5e-324));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let y = matrix![[1.0, 2.0]];
        let none = Matrix::<f64>::zeros(1, 0);
        assert_eq!(Quantities::new(&none, &none), Err(Error::NoExamples { what: "quantities" }));
        assert!(matches!(Quantities::new(&none, &y), Err(Error::Shape { .. })));
        let rowless = Matrix::<f64>::zeros(0, 2);
        assert!(matches!(Quantities::new(&rowless, &rowless), Err(Error::Shape { .. })));
        let error = Quantities::new(&matrix![[1.0, f64::NAN]], &y).unwrap_err();
        assert!(matches!(error, Error::NonFinite { matrix: "A", column: 1, .. }));
        let error = Quantities::new(&y, &matrix![[f64::INFINITY, 0.0]]).unwrap_err();
        assert!(matches!(error, Error::NonFinite { matrix: "Y", column: 0, .. }));
        for alpha in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(quantile_loss(&y, &y, alpha), Err(Error::Hyperparameter { .. })));
        }
        assert!(matches!(Quantities::weighted(&y, &y, &[1.0]), Err(Error::Length { .. })));
    }
}
