//! Curves of what a threshold between yes and no trades for what, and their areas.

use tape::Matrix;

use super::scores::Scores;
use crate::{Result, Scalar};

/// A point of the receiver operating characteristic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// What is taken for a one: a score that is not below this. ∞ for the first point, even if a
    /// score is ∞.
    pub threshold: f64,
    /// The share of the zeros that are taken for ones.
    pub false_positive_rate: f64,
    /// The share of the ones that are taken for ones: recall.
    pub true_positive_rate: f64,
}

/// A point of the precision–recall curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecallPoint {
    /// What is taken for a one: a score that is not below this. ∞ for the first point, even if a
    /// score is ∞.
    pub threshold: f64,
    /// Of what is taken for a one, the share that is.
    pub precision: f64,
    /// Of the ones, the share that is taken for one.
    pub recall: f64,
}

/// The area under the ROC curve of scores `a` and labels `y`, 0 or 1, both 1 × m: see
/// [`Scores::roc_auc`].
///
/// ```
/// use tape::Matrix;
/// let a = Matrix::from_vec(1, 4, vec![0.1, 0.4, 0.35, 0.8])?;
/// let y = Matrix::from_vec(1, 4, vec![0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!(mlp::metrics::roc_auc(&a, &y)?, 0.75);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Scores::new`] and [`Scores::roc_auc`].
pub fn roc_auc<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    of(a, y, "ROC AUC")?.roc_auc()
}

/// The average precision of scores `a` and labels `y`, 0 or 1, both 1 × m: see
/// [`Scores::average_precision`].
///
/// ```
/// use mlp::metrics::average_precision;
/// use tape::matrix;
/// let ap = average_precision(&matrix![[0.9, 0.8, 0.1]], &matrix![[0.0, 1.0, 0.0]])?;
/// assert_eq!(ap, 0.5); // the one that is a one comes second
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Scores::new`] and [`Scores::average_precision`].
pub fn average_precision<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    of(a, y, "average precision")?.average_precision()
}

/// The receiver operating characteristic of scores `a` and labels `y`, 0 or 1, both 1 × m, from
/// above all scores down: see [`Scores::roc_curve`].
///
/// ```
/// use mlp::metrics::roc_curve;
/// use tape::matrix;
/// let curve = roc_curve(&matrix![[0.9, 0.6, 0.6, 0.1]], &matrix![[1.0, 1.0, 0.0, 0.0]])?;
/// let rates: Vec<(f64, f64)> =
///     curve.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect();
/// assert_eq!(rates, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Scores::new`] and [`Scores::roc_curve`].
pub fn roc_curve<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Vec<RocPoint>> {
    of(a, y, "ROC curve")?.roc_curve()
}

/// Precision and recall of scores `a` and labels `y`, 0 or 1, both 1 × m, from above all scores
/// down: see [`Scores::precision_recall_curve`].
///
/// ```
/// use mlp::metrics::precision_recall_curve;
/// use tape::matrix;
/// let curve = precision_recall_curve(&matrix![[0.9, 0.6, 0.1]], &matrix![[1.0, 0.0, 1.0]])?;
/// assert_eq!((curve[1].threshold, curve[1].precision, curve[1].recall), (0.9, 1.0, 0.5));
/// assert_eq!((curve[3].precision, curve[3].recall), (2.0 / 3.0, 1.0));
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// Those of [`Scores::new`] and [`Scores::precision_recall_curve`].
pub fn precision_recall_curve<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Vec<PrecisionRecallPoint>> {
    of(a, y, "precision-recall curve")?.precision_recall_curve()
}

fn of<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, what: &'static str) -> Result<Scores> {
    Scores::of_matrices(a, y, None, what)
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn row(values: &[f64]) -> Matrix<f64> {
        Matrix::from_vec(1, values.len(), values.to_vec()).unwrap()
    }

    #[test]
    fn the_extremes_are_right_wrong_and_undecided() {
        let y = row(&[0.0, 1.0, 0.0, 1.0]);
        assert_eq!(roc_auc(&row(&[-2.0, 3.0, -1.0, 9.0]), &y), Ok(1.0));
        assert_eq!(roc_auc(&row(&[2.0, -3.0, 1.0, -9.0]), &y), Ok(0.0));
        assert_eq!(roc_auc(&row(&[0.5; 4]), &y), Ok(0.5));
        assert_eq!(roc_auc(&row(&[0.0, -0.0, 0.0, -0.0]), &y), Ok(0.5));
        assert_eq!(roc_auc(&row(&[f64::NEG_INFINITY, f64::INFINITY, 0.0, 1.0]), &y), Ok(1.0));
    }

    /// Against the definition: all pairs are counted.
    #[test]
    fn ranks_agree_with_counting_pairs() {
        let a = Matrix::from_fn(1, 60, |_, i| ((i * i) % 23) as f64);
        let y = Matrix::from_fn(1, 60, |_, i| f64::from((i * 7) % 5 < 2));
        let (mut won, mut pairs) = (0.0, 0.0);
        for i in (0..60).filter(|&i| y[(0, i)] == 1.0) {
            for j in (0..60).filter(|&j| y[(0, j)] == 0.0) {
                pairs += 1.0;
                won += match a[(0, i)].total_cmp(&a[(0, j)]) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        assert!((roc_auc(&a, &y).unwrap() - won / pairs).abs() < 1e-15);
    }

    #[test]
    fn one_class_has_no_area() {
        let a = row(&[0.1, 0.2]);
        assert_eq!(
            roc_auc(&a, &row(&[1.0, 1.0])).unwrap_err().to_string(),
            "ROC AUC: every example has label 1, both 0 and 1 are needed"
        );
        assert!(matches!(roc_auc(&a, &row(&[0.0, 0.0])), Err(Error::OneClass { label: 0, .. })));
        assert!(matches!(roc_auc(&a, &row(&[0.0, 0.5])), Err(Error::Label { column: 1, .. })));
        let error = roc_auc(&row(&[0.0, f64::NAN]), &row(&[0.0, 1.0]));
        assert!(matches!(error, Err(Error::NonFinite { column: 1, .. })));
        let two = Matrix::<f64>::zeros(2, 2);
        assert!(matches!(roc_auc(&two, &two), Err(Error::Shape { .. })));
    }
}
