//! How good predictions are.
//!
//! What was predicted, `a`, and the labels, `y`, are matrices of the same shape, in which an example
//! is a column. What they are decides what can be asked:
//!
//! | the predictions are | see | for instance |
//! |---|---|---|
//! | classes | [`ConfusionMatrix`] | accuracy, balanced accuracy, precision, recall, F1, Cohen's κ, Matthews |
//! | probabilities of classes | [`ClassProbabilities`] | cross-entropy, Brier, top-k, ROC AUC of several classes, [`Calibration`] |
//! | scores of two classes | [`Scores`] | ROC AUC, average precision, ROC and precision–recall curves |
//! | quantities | [`Quantities`] | R², MAE, RMSE, quantile loss |
//! | answers to several questions | [`Questions`] | accuracy, log-loss, averages of F1 and of ROC AUC |
//!
//! Each is made by `new`, or by `weighted` with a weight for each example; the functions of this
//! module are shorter ways to some of them. The formula of each metric stands with it, and so does
//! what it is where nothing can be divided: `None` of a share, or an error. Everything is computed
//! in `f64`, of `f32` too, and the order of the examples changes nothing beyond rounding. What a
//! difference of two numbers means, a [`Bootstrap`] tells.

mod agreement;
mod bootstrap;
mod calibration;
mod confusion;
mod curves;
mod interval;
mod normal;
mod one_vs;
mod pairs;
mod probabilities;
mod quantities;
mod questions;
mod scores;
mod weights;

use tape::Matrix;

pub use agreement::{Average, Disagreement};
pub use bootstrap::Bootstrap;
pub use calibration::{Calibration, CalibrationBin};
pub use confusion::ConfusionMatrix;
pub use curves::{
    PrecisionRecallPoint, RocPoint, average_precision, precision_recall_curve, roc_auc, roc_curve,
};
pub use interval::Interval;
pub use probabilities::ClassProbabilities;
pub use quantities::{Quantities, mean_absolute_error, quantile_loss, r_squared, root_mean_squared_error};
pub use questions::Questions;
pub use scores::Scores;

use self::pairs::log_loss_of;
use crate::labels::is_several_questions;
use crate::sum::sum;
use crate::{Error, Result, Scalar, classes};

/// The share of right answers: of the examples whose predicted class is the class of their label,
/// or of single outputs where each answers a question of its own.
///
/// `a` holds the outputs and `y` the labels, both n_L × m. Classes are as in [`classes`]: threshold
/// 0.5 for one output, the largest for several. Several outputs have questions of their own where
/// the labels say so: all are 0 or 1, and some example has several ones, or none. Then each of the
/// n_L · m answers counts, with threshold 0.5 as for one output. Where every example has a single
/// 1, Y cannot tell; [`Mlp::accuracy`](crate::Mlp::accuracy) goes by the network's loss.
///
/// ```
/// use mlp::metrics::accuracy;
/// use tape::matrix;
/// let (a, y) = (matrix![[0.9, 0.2, 0.6, 0.4]], matrix![[1.0, 0.0, 0.0, 0.0]]);
/// assert_eq!(accuracy(&a, &y)?, 0.75);
/// let a = matrix![[0.9, 0.2], [0.8, 0.7]];
/// // Of two classes, the larger is right.
/// assert_eq!(accuracy(&a, &matrix![[1.0, 0.0], [0.0, 1.0]])?, 1.0);
/// // Of four answers, three are.
/// assert_eq!(accuracy(&a, &matrix![[1.0, 1.0], [1.0, 1.0]])?, 0.75);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if the shapes differ; [`Error::NoExamples`] if m is 0; [`Error::NonFinite`]
/// where an element is NaN.
pub fn accuracy<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    T::metrics_accuracy(a, y)
}

pub(crate) fn accuracy_here<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    if is_several_questions(y) { accuracy_of_each_output(a, y) } else { accuracy_of_classes(a, y) }
}

/// Of the examples, the share whose class is right.
pub(crate) fn accuracy_of_classes<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    check_answers(a, y, "accuracy")?;
    let (predicted, actual) = (classes(a)?, classes(y)?);
    let right = predicted.iter().zip(&actual).filter(|(p, y)| p == y).count();
    Ok(right as f64 / actual.len() as f64)
}

/// Of the single outputs, the share that is on the right side of ½.
pub(crate) fn accuracy_of_each_output<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    check_answers(a, y, "accuracy")?;
    let yes = |a: &T| *a > T::from_f64(0.5);
    let right = a.iter().zip(y.iter()).filter(|(a, y)| yes(a) == yes(y)).count();
    Ok(right as f64 / a.as_slice().len() as f64)
}

/// The mean over the examples of eq. 5, summed over the outputs: J of eq. 25.
///
/// `a` holds probabilities and `y` labels in [0, 1], both n_L × m. Nothing is clipped: 0 · ln 0 is
/// 0, its limit, and a certain prediction that is wrong costs ∞.
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
/// [`Error::Shape`] if the shapes differ or have no rows; [`Error::NoExamples`] if m is 0;
/// [`Error::Probability`] or [`Error::Label`] where an element of `a` or `y` is not in [0, 1].
pub fn log_loss<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    T::metrics_log_loss(a, y)
}

pub(crate) fn log_loss_here<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    check(a, y, "log-loss")?;
    check_rows(a)?;
    for ((row, column), a) in a.iter_indexed() {
        let (a, y) = (a.to_f64(), y[(row, column)].to_f64());
        if !(0.0..=1.0).contains(&a) {
            return Err(Error::Probability { value: a, row, column });
        }
        if !(0.0..=1.0).contains(&y) {
            return Err(Error::Label { value: y, row, column, expected: "in [0, 1]" });
        }
    }
    let (values, labels) = (a.as_slice(), y.as_slice());
    let loss = |at: usize| log_loss_of(values[at].to_f64(), labels[at].to_f64());
    Ok(sum(0..values.len(), &loss) / a.columns() as f64)
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

/// Outputs and labels that have classes, or are answers.
fn check_answers<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, what: &'static str) -> Result<()> {
    check(a, y, what)?;
    check_rows(a)?;
    for (matrix, values) in [("A", a), ("Y", y)] {
        if let Some(((row, column), _)) = values.iter_indexed().find(|(_, value)| value.is_nan()) {
            return Err(Error::NonFinite { matrix, value: f64::NAN, row, column });
        }
    }
    Ok(())
}

fn check_rows<T: Scalar>(a: &Matrix<T>) -> Result<()> {
    if a.rows() == 0 {
        return Err(Error::Shape { matrix: "A".to_string(), expected: (1, a.columns()), found: a.shape() });
    }
    Ok(())
}

fn check_one_row<T: Scalar>(a: &Matrix<T>) -> Result<()> {
    let found = a.shape();
    if found.0 != 1 {
        return Err(Error::Shape { matrix: "A".to_string(), expected: (1, found.1), found });
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
    fn several_questions_are_counted_one_by_one() {
        let a = Matrix::from([[0.9, 0.2, 0.5], [0.8, 0.7, 0.1]]);
        // 0.5 is a no.
        assert_eq!(accuracy(&a, &Matrix::from([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])), Ok(5.0 / 6.0));
        assert_eq!(accuracy(&a, &Matrix::from([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])), Ok(0.0));
        // Each has one class here, and the larger output names it.
        assert_eq!(accuracy(&a, &Matrix::from([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])), Ok(1.0));
        let each = accuracy_of_each_output(&a, &Matrix::from([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]));
        assert_eq!(each, Ok(4.0 / 6.0));
        let nan = Matrix::from([[0.9, f64::NAN], [0.8, 0.7]]);
        let ones = Matrix::filled(2, 2, 1.0);
        assert!(matches!(
            accuracy(&nan, &ones),
            Err(Error::NonFinite { matrix: "A", row: 0, column: 1, .. })
        ));
        assert!(matches!(accuracy(&ones, &Matrix::filled(2, 3, 1.0)), Err(Error::Shape { .. })));
    }

    /// The mean of 10⁷ equal terms is the term: a sum from left to right is 10⁻¹⁰ off.
    #[test]
    fn log_loss_of_many_examples_keeps_its_digits() {
        let (a, y) = (Matrix::filled(1, 10_000_000, 0.3_f32), Matrix::zeros(1, 10_000_000));
        let expected = -(-f64::from(0.3_f32)).ln_1p();
        assert!((log_loss(&a, &y).unwrap() / expected - 1.0).abs() < 1e-14);
        // −ln(1 − 10⁻²⁰) = 10⁻²⁰, where 1 − 10⁻²⁰ rounds to 1.
        assert_eq!(log_loss(&row(&[1e-20]), &row(&[0.0])), Ok(1e-20));
        assert!(log_loss(&row(&[1.0]), &row(&[1.0])).unwrap().is_sign_positive());
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
        assert!(matches!(accuracy(&row(&[f64::NAN, 0.0]), &y), Err(Error::NonFinite { matrix: "A", .. })));
        let nan = row(&[1.0, f64::NAN]);
        assert!(matches!(accuracy(&y, &nan), Err(Error::NonFinite { matrix: "Y", column: 1, .. })));
        let confusion = crate::ConfusionMatrix::new(&y, &nan);
        assert!(matches!(confusion, Err(Error::NonFinite { matrix: "Y", column: 1, .. })));
        assert!(matches!(log_loss(&row(&[f64::NAN, 0.0]), &y), Err(Error::Probability { column: 0, .. })));
        let rowless = Matrix::<f32>::zeros(0, 2);
        assert!(matches!(log_loss(&rowless, &rowless), Err(Error::Shape { found: (0, 2), .. })));
        assert!(matches!(log_loss(&row(&[1.0, 1.1]), &y), Err(Error::Probability { column: 1, .. })));
        assert!(matches!(log_loss(&y, &row(&[1.0, -1.0])), Err(Error::Label { column: 1, .. })));
    }
}
