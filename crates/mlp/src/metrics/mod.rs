//! How good predictions are.

mod auc;
mod confusion;

use tape::{Matrix, Scalar};

pub use auc::roc_auc;
pub use confusion::ConfusionMatrix;

use crate::{Error, Result, classes};

/// The share of the examples whose predicted class is the class of their label.
///
/// `a` holds the outputs and `y` the labels, both n_L × m. Their classes are as in [`classes`]: threshold 0.5 for one
/// output, the largest for several.
///
/// ```
/// use tape::Matrix;
/// let a = Matrix::from_vec(1, 4, vec![0.9, 0.2, 0.6, 0.4])?;
/// let y = Matrix::from_vec(1, 4, vec![1.0, 0.0, 0.0, 0.0])?;
/// assert_eq!(mlp::metrics::accuracy(&a, &y)?, 0.75);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if the shapes differ; [`Error::NoExamples`] if m is 0; [`Error::NonFinite`] where an entry is NaN.
pub fn accuracy<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    check(a, y, "accuracy")?;
    let (predicted, actual) = (classes(a)?, classes(y)?);
    let right = predicted.iter().zip(&actual).filter(|(p, y)| p == y).count();
    Ok(right as f64 / actual.len() as f64)
}

/// The mean over the examples of eq. 5, summed over the outputs: J of eq. 25.
///
/// `a` holds probabilities and `y` labels in [0, 1], both n_L × m. Nothing is clipped: 0 · ln 0 is 0, its limit, and a
/// certain prediction that is wrong costs ∞.
///
/// ```
/// use tape::Matrix;
/// let a = Matrix::from_vec(1, 2, vec![1.0, 0.25])?;
/// let y = Matrix::from_vec(1, 2, vec![1.0, 1.0])?;
/// assert_eq!(mlp::metrics::log_loss(&a, &y)?, 4.0_f64.ln() / 2.0);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if the shapes differ; [`Error::NoExamples`] if m is 0; [`Error::Probability`] or [`Error::Label`] where
/// an entry of `a` or `y` is not in [0, 1].
pub fn log_loss<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    check(a, y, "log-loss")?;
    let term = |weight: f64, p: f64| if weight == 0.0 { 0.0 } else { weight * p.ln() };
    let mut sum = 0.0;
    for column in 0..a.columns() {
        for row in 0..a.rows() {
            let (a, y) = (a[(row, column)].to_f64(), y[(row, column)].to_f64());
            if !(0.0..=1.0).contains(&a) {
                return Err(Error::Probability { value: a, row, column });
            }
            if !(0.0..=1.0).contains(&y) {
                return Err(Error::Label { value: y, row, column, expected: "in [0, 1]" });
            }
            sum -= term(y, a) + term(1.0 - y, 1.0 - a);
        }
    }
    Ok(sum / a.columns() as f64)
}

fn check<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, what: &'static str) -> Result<()> {
    if y.shape() != a.shape() {
        return Err(Error::Shape { matrix: "Y".to_string(), expected: a.shape(), found: y.shape() });
    }
    if a.columns() == 0 {
        return Err(Error::NoExamples { what });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64]) -> Matrix<f64> {
        Matrix::from_vec(1, values.len(), values.to_vec()).unwrap()
    }

    #[test]
    fn accuracy_of_several_outputs_is_that_of_the_largest() {
        let a = Matrix::from_vec(3, 2, vec![0.1, 0.5, 0.4, -3.0, -2.0, -1.0]).unwrap();
        let y = crate::one_hot(&[1, 0], 3).unwrap();
        assert_eq!(accuracy(&a, &y), Ok(0.5));
    }

    #[test]
    fn log_loss_takes_certain_predictions_at_their_word() {
        assert_eq!(log_loss(&row(&[0.0, 1.0]), &row(&[0.0, 1.0])), Ok(0.0));
        assert_eq!(log_loss(&row(&[0.0, 0.5]), &row(&[1.0, 1.0])), Ok(f64::INFINITY));
        let two = Matrix::from_vec(2, 1, vec![0.5, 0.5]).unwrap();
        assert_eq!(log_loss(&two, &two), Ok(2.0 * 2.0_f64.ln()));
        assert_eq!(log_loss(&Matrix::filled(1, 3, 0.5_f32), &Matrix::zeros(1, 3)), Ok(2.0_f64.ln()));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let y = row(&[1.0, 0.0]);
        assert!(matches!(accuracy(&row(&[1.0]), &y), Err(Error::Shape { .. })));
        assert!(matches!(accuracy(&row(&[]), &row(&[])), Err(Error::NoExamples { what: "accuracy" })));
        assert!(matches!(accuracy(&row(&[f64::NAN, 0.0]), &y), Err(Error::NonFinite { .. })));
        assert!(matches!(log_loss(&row(&[f64::NAN, 0.0]), &y), Err(Error::Probability { column: 0, .. })));
        assert!(matches!(log_loss(&row(&[1.0, 1.1]), &y), Err(Error::Probability { column: 1, .. })));
        assert!(matches!(log_loss(&y, &row(&[1.0, -1.0])), Err(Error::Label { column: 1, .. })));
    }
}
