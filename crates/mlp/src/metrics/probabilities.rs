//! How good predicted probabilities of classes are.

use tape::Matrix;

use super::calibration::{Calibration, CalibrationBin};
use super::pairs::{Pairs, log_loss_of, times_ln};
use crate::shuffle::with_room;
use crate::sum::{RunningSum, sum};
use crate::{Error, Loss, Result, Scalar};

/// Predicted probabilities `a` of classes beside the labels `y`, both n × m, with the weights w(i)
/// of the examples.
///
/// One row is two classes: a is the probability of class 1, and y its label. Several rows are as
/// many classes, and the probabilities of an example add up to 1, as those of
/// [`Mlp::predict_probabilities`](crate::Mlp::predict_probabilities) do. Labels are one-hot, or
/// shares of the classes, which a metric takes as they are unless it says otherwise.
///
/// ```
/// use mlp::metrics::{Average, ClassProbabilities};
/// use mlp::one_hot;
/// use tape::matrix;
/// let a = matrix![[0.5, 0.25, 0.25], [0.25, 0.5, 0.5], [0.25, 0.25, 0.25]];
/// let probabilities = ClassProbabilities::new(&a, &one_hot(&[0, 1, 2], 3)?)?;
/// assert_eq!(probabilities.cross_entropy(), 4.0 / 3.0 * 2.0_f64.ln());
/// assert_eq!(probabilities.top_k_accuracy(1)?, 2.0 / 3.0);
/// assert_eq!(probabilities.top_k_accuracy(3)?, 1.0);
/// assert_eq!(probabilities.roc_auc_one_vs_rest(Average::Macro)?, 0.75);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClassProbabilities {
    pub(super) pairs: Pairs,
}

/// # Making
impl ClassProbabilities {
    /// Each example counts 1.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ or have no rows; [`Error::NoExamples`] if m is 0;
    /// [`Error::Probability`] or [`Error::Label`] where an element is not in [0, 1];
    /// [`Error::ProbabilitySum`] or [`Error::LabelSum`] if those of an example do not add up to 1,
    /// within [`LABEL_SUM_TOLERANCE`](Loss::LABEL_SUM_TOLERANCE), in several rows;
    /// [`Error::Memory`].
    pub fn new<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        ClassProbabilities::of(Pairs::new(a, y, None, "class probabilities")?)
    }

    /// Example i counts `weights[i]`.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Length`] if there are not m weights; [`Error::Weight`] if
    /// one is negative, NaN or ∞; [`Error::WeightSum`] if all are 0, or their sum is ∞.
    pub fn weighted<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: &[f64]) -> Result<Self> {
        ClassProbabilities::of(Pairs::new(a, y, Some(weights), "class probabilities")?)
    }

    fn of(pairs: Pairs) -> Result<Self> {
        pairs.check_probabilities()?;
        if pairs.rows > 1 {
            (0..pairs.columns).try_for_each(|column| check_sums(&pairs, column))?;
        }
        Ok(ClassProbabilities { pairs })
    }
}

/// The probabilities of an example add up to 1, and so do its labels.
fn check_sums(pairs: &Pairs, column: usize) -> Result<()> {
    let wrong = |of: &[f64]| {
        let total = sum(0..of.len(), &|k| of[k]);
        ((total - 1.0).abs() > Loss::LABEL_SUM_TOLERANCE).then_some(total)
    };
    if let Some(sum) = wrong(pairs.a(column)) {
        return Err(Error::ProbabilitySum { sum, column });
    }
    match wrong(pairs.y(column)) {
        None => Ok(()),
        Some(sum) => Err(Error::LabelSum { sum, column }),
    }
}

/// # Losses of the probabilities
impl ClassProbabilities {
    /// The cross-entropy, or log-loss: Σ w ℒ / Σ w, with ℒ = −Σₖ yₖ ln aₖ of several rows, and that
    /// of eq. 5 of one, −(y ln a + (1 − y) ln(1 − a)).
    ///
    /// Nothing is clipped: 0 · ln 0 is 0, its limit, and a certain prediction that is wrong costs
    /// ∞. (scikit-learn clips at the rounding unit.)
    pub fn cross_entropy(&self) -> f64 {
        self.pairs.mean(|i| match (self.pairs.a(i), self.pairs.y(i)) {
            (&[a], &[y]) => log_loss_of(a, y),
            // Added to 0, since −ln 1 is −0.
            (a, y) => 0.0 - sum(0..a.len(), &|k| times_ln(y[k], a[k].ln())),
        })
    }

    /// The Brier score: Σ w Σₖ (aₖ − yₖ)² / Σ w over the n rows (Brier 1950).
    ///
    /// Of one row it is the mean of (a − y)², half of what the two classes would give as two rows:
    /// this is usual for two classes, and scikit-learn's choice. So it is in [0, 1] for one row,
    /// and in [0, 2] for several.
    ///
    /// ```
    /// use mlp::metrics::ClassProbabilities;
    /// use tape::matrix;
    /// let one = ClassProbabilities::new(&matrix![[0.75]], &matrix![[1.0]])?;
    /// assert_eq!(one.brier(), 0.0625);
    /// let two = ClassProbabilities::new(&matrix![[0.25], [0.75]], &matrix![[0.0], [1.0]])?;
    /// assert_eq!(two.brier(), 0.125);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn brier(&self) -> f64 {
        self.pairs.mean(|i| {
            let (a, y) = (self.pairs.a(i), self.pairs.y(i));
            sum(0..a.len(), &|k| (a[k] - y[k]) * (a[k] - y[k]))
        })
    }
}

/// # Ranks of the classes
impl ClassProbabilities {
    /// The share of the examples whose class is among the `k` most probable ones; of labels that
    /// are shares, what the `k` have of them. Of equal probabilities the first class is taken, as
    /// [`classes`](crate::classes()) does.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if k is 0.
    pub fn top_k_accuracy(&self, k: usize) -> Result<f64> {
        if k == 0 {
            return Err(Error::Hyperparameter { name: "k", value: 0.0, expected: "at least 1" });
        }
        let mut of_each = with_room("top-k accuracy", self.pairs.columns)?;
        let mut order: Vec<usize> = with_room("top-k accuracy", self.pairs.rows)?;
        for i in 0..self.pairs.columns {
            let (a, y) = (self.pairs.a(i), self.pairs.y(i));
            of_each.push(match (a, y) {
                (&[_], &[_]) if k > 1 => 1.0,
                (&[a], &[y]) if a > 0.5 => y,
                (&[_], &[y]) => 1.0 - y,
                (a, y) => {
                    order.clear();
                    order.extend(0..self.pairs.rows);
                    // Stable: of equals the first stays in front.
                    order.sort_by(|&i, &j| a[j].total_cmp(&a[i]));
                    sum(0..k.min(self.pairs.rows), &|place| y[order[place]])
                }
            });
        }
        Ok(self.pairs.mean(|i| of_each[i]))
    }
}

/// # Calibration
impl ClassProbabilities {
    /// The predicted probabilities beside the shares that came true, in `bins` bins of equal width.
    ///
    /// Of one row, the prediction is the probability of class 1. Of several rows it is that of the
    /// most probable class (its confidence), and it comes true if this is the example's class.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if there are no bins; [`Error::Memory`].
    pub fn calibration(&self, bins: usize) -> Result<Calibration> {
        self.calibration_by(bins, |i| match self.pairs.a(i) {
            [_] => 0,
            // The first of equals.
            a => (0..a.len()).fold(0, |best, k| if a[k] > a[best] { k } else { best }),
        })
    }

    /// The same of the probability of one class.
    ///
    /// # Errors
    /// As [`calibration`](Self::calibration).
    ///
    /// # Panics
    /// If `class` is not below the number of rows.
    pub fn calibration_of(&self, class: usize, bins: usize) -> Result<Calibration> {
        assert!(class < self.pairs.rows, "calibration_of: class {class} of {} rows", self.pairs.rows);
        self.calibration_by(bins, |_| class)
    }

    /// Of the row of each example that `row` tells.
    fn calibration_by(&self, bins: usize, row: impl Fn(usize) -> usize) -> Result<Calibration> {
        if bins == 0 {
            return Err(Error::Hyperparameter { name: "bins", value: 0.0, expected: "at least 1" });
        }
        /// The examples, and the sums of weights, of weighted probabilities and labels.
        #[derive(Clone, Default)]
        struct Bin(usize, RunningSum, RunningSum, RunningSum);
        let edge = |k: usize| k as f64 / bins as f64;
        let mut filled: Vec<Bin> = with_room("calibration", bins)?;
        filled.resize(bins, Bin::default());
        for i in 0..self.pairs.columns {
            let k = row(i);
            let (a, y, weight) = (self.pairs.a(i)[k], self.pairs.y(i)[k], self.pairs.weights.at(i));
            // The product may be off by a rounding: the edges decide.
            let mut at = ((a * bins as f64).ceil() as usize).clamp(1, bins) - 1;
            while at > 0 && a <= edge(at) {
                at -= 1;
            }
            while at + 1 < bins && a > edge(at + 1) {
                at += 1;
            }
            let Bin(examples, of_weights, of_a, of_y) = &mut filled[at];
            *examples += 1;
            of_weights.add(weight);
            of_a.add(weight * a);
            of_y.add(weight * y);
        }
        let bin = |(k, Bin(examples, weight, a, y)): (usize, Bin)| {
            let weight = weight.value();
            let mean = |of: RunningSum| (weight > 0.0).then(|| of.value() / weight);
            CalibrationBin {
                low: edge(k),
                high: edge(k + 1),
                examples,
                share: weight / self.pairs.weights.total(),
                predicted: mean(a),
                observed: mean(y),
            }
        };
        Ok(Calibration { bins: filled.into_iter().enumerate().map(bin).collect() })
    }
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;
    use crate::metrics::Average;
    use crate::one_hot;

    #[test]
    fn certain_predictions_are_taken_at_their_word() {
        let y = one_hot::<f64>(&[0, 1], 2).unwrap();
        assert_eq!(ClassProbabilities::new(&y, &y).unwrap().cross_entropy(), 0.0);
        let wrong = one_hot(&[1, 1], 2).unwrap();
        let wrong = ClassProbabilities::new(&wrong, &y).unwrap();
        assert_eq!((wrong.cross_entropy(), wrong.brier()), (f64::INFINITY, 1.0));
        // It does not count.
        let uncounted = ClassProbabilities::weighted(&one_hot(&[1, 1], 2).unwrap(), &y, &[0.0, 1.0]);
        assert_eq!(uncounted.unwrap().cross_entropy(), 0.0);
    }

    /// By the law of the total: shares y of labels cost what examples with those labels cost.
    #[test]
    fn soft_labels_are_weights_of_hard_ones() {
        let a = matrix![[0.2, 0.7], [0.5, 0.2], [0.3, 0.1]];
        let y = matrix![[0.5, 0.0], [0.25, 0.75], [0.25, 0.25]];
        let soft = ClassProbabilities::new(&a, &y).unwrap();
        let columns: Vec<usize> = (0..6).map(|at| at / 3).collect();
        let classes: Vec<usize> = (0..6).map(|at| at % 3).collect();
        let weights: Vec<f64> = y.iter().copied().collect();
        let a = a.select_columns(&columns);
        let hard = ClassProbabilities::weighted(&a, &one_hot(&classes, 3).unwrap(), &weights).unwrap();
        assert!((soft.cross_entropy() - hard.cross_entropy()).abs() < 1e-15);
        for k in 1..=3 {
            let (soft, hard) = (soft.top_k_accuracy(k).unwrap(), hard.top_k_accuracy(k).unwrap());
            assert!((soft - hard).abs() < 1e-15);
        }
        let (soft, hard) = (soft.calibration(5).unwrap(), hard.calibration(5).unwrap());
        assert!((soft.expected_error() - hard.expected_error()).abs() < 1e-15);
    }

    #[test]
    fn an_edge_belongs_to_the_bin_below_it() {
        let a = Matrix::from_fn(1, 11, |_, i| i as f64 / 10.0);
        let calibration = ClassProbabilities::new(&a, &a).unwrap().calibration(10).unwrap();
        let counts: Vec<usize> = calibration.bins().iter().map(|bin| bin.examples).collect();
        assert_eq!(counts, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        assert!(calibration.expected_error() < 1e-15 && calibration.largest_error() < 1e-15);
        let one = ClassProbabilities::new(&matrix![[5e-324]], &matrix![[0.0]]).unwrap();
        assert_eq!(one.calibration(3).unwrap().bins()[0].examples, 1);
        assert_eq!(one.calibration(3).unwrap().bins()[1].predicted, None);
    }

    #[test]
    fn two_classes_in_one_row_are_two_rows() {
        let a = matrix![[0.75, 0.25, 0.5, 1.0]];
        let y = matrix![[1.0, 1.0, 0.0, 1.0]];
        let both =
            |a: &Matrix<f64>| Matrix::from_fn(2, 4, |k, i| if k == 1 { a[(0, i)] } else { 1.0 - a[(0, i)] });
        let one = ClassProbabilities::new(&a, &y).unwrap();
        let two = ClassProbabilities::new(&both(&a), &both(&y)).unwrap();
        assert!((one.cross_entropy() - two.cross_entropy()).abs() < 1e-15);
        assert_eq!(2.0 * one.brier(), two.brier());
        assert_eq!(one.top_k_accuracy(1), two.top_k_accuracy(1));
        assert_eq!(one.top_k_accuracy(2), Ok(1.0));
        let area = one.roc_auc_one_vs_rest(Average::Macro);
        for average in [Average::Macro, Average::Weighted] {
            assert_eq!(two.roc_auc_one_vs_rest(average), area);
            assert_eq!(two.roc_auc_one_vs_one(average), area);
            assert_eq!(one.roc_auc_one_vs_one(average), area);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let y = one_hot::<f64>(&[0, 1, 1], 3).unwrap();
        let a = Matrix::from_fn(3, 3, |k, i| if k == i { 0.5 } else { 0.25 });
        let found = ClassProbabilities::new(&a, &y).unwrap();
        assert_eq!(
            found.roc_auc_one_vs_rest(Average::Macro).unwrap_err().to_string(),
            "ROC AUC one-vs-rest: no example is of class 2, one of each class is needed"
        );
        assert!(matches!(found.roc_auc_one_vs_one(Average::Macro), Err(Error::AbsentClass { class: 2, .. })));
        assert!(matches!(found.roc_auc_one_vs_one(Average::Micro), Err(Error::Undefined { .. })));
        assert!(matches!(found.top_k_accuracy(0), Err(Error::Hyperparameter { .. })));
        assert!(matches!(found.calibration(0), Err(Error::Hyperparameter { .. })));
        let shares = ClassProbabilities::new(&a, &a).unwrap();
        assert!(matches!(
            shares.roc_auc_one_vs_rest(Average::Macro),
            Err(Error::Label { row: 0, column: 0, .. })
        ));
        let error = ClassProbabilities::new(&Matrix::filled(3, 3, 0.5), &y).unwrap_err();
        assert_eq!(error.to_string(), "the probabilities in column 0 add up to 1.5, not to 1 (within 0.001)");
        let error = ClassProbabilities::new(&a, &Matrix::filled(3, 3, 0.5)).unwrap_err();
        assert!(matches!(error, Error::LabelSum { column: 0, .. }));
        let error = ClassProbabilities::new(&matrix![[0.5, f64::NAN]], &matrix![[0.0, 1.0]]).unwrap_err();
        assert!(matches!(error, Error::Probability { column: 1, .. }));
        let error = ClassProbabilities::new(&matrix![[0.5, 0.5]], &matrix![[0.0, 1.5]]).unwrap_err();
        assert!(matches!(error, Error::Label { column: 1, .. }));
        let none = Matrix::<f64>::zeros(1, 0);
        assert!(matches!(ClassProbabilities::new(&none, &none), Err(Error::NoExamples { .. })));
        let rowless = Matrix::<f64>::zeros(0, 2);
        assert!(matches!(ClassProbabilities::new(&rowless, &rowless), Err(Error::Shape { .. })));
        let one = ClassProbabilities::new(&matrix![[0.5, 0.5]], &matrix![[1.0, 1.0]]).unwrap();
        assert!(matches!(one.roc_auc_one_vs_rest(Average::Macro), Err(Error::OneClass { label: 1, .. })));
    }
}
