//! How good predicted probabilities of classes are.

use tape::Matrix;

use super::calibration::{Calibration, CalibrationBin};
use super::quantities::numbers;
use super::scores::Scores;
use super::weights::Weights;
use super::{Average, check};
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
    rows: usize,
    columns: usize,
    a: Vec<f64>,
    y: Vec<f64>,
    weights: Weights,
}

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
        ClassProbabilities::of(a, y, |m| Ok(Weights::equal(m)))
    }

    /// Example i counts `weights[i]`.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Length`] if there are not m weights; [`Error::Weight`] if
    /// one is negative, NaN or ∞; [`Error::WeightSum`] if all are 0, or their sum is ∞.
    pub fn weighted<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: &[f64]) -> Result<Self> {
        ClassProbabilities::of(a, y, |m| Weights::new(weights, m))
    }

    fn of<T: Scalar>(
        a: &Matrix<T>,
        y: &Matrix<T>,
        weights: impl FnOnce(usize) -> Result<Weights>,
    ) -> Result<Self> {
        check(a, y, "class probabilities")?;
        let (rows, columns) = a.shape();
        if rows == 0 {
            return Err(Error::Shape {
                matrix: "A".to_string(),
                expected: (1, columns),
                found: (0, columns),
            });
        }
        let weights = weights(columns)?;
        let found = ClassProbabilities { rows, columns, a: numbers(a)?, y: numbers(y)?, weights };
        found.check_elements()?;
        Ok(found)
    }

    fn check_elements(&self) -> Result<()> {
        let outside = |of: &[f64]| of.iter().position(|p| !(0.0..=1.0).contains(p));
        if let Some(at) = outside(&self.a) {
            let (row, column) = (at % self.rows, at / self.rows);
            return Err(Error::Probability { value: self.a[at], row, column });
        }
        if let Some(at) = outside(&self.y) {
            let (row, column) = (at % self.rows, at / self.rows);
            return Err(Error::Label { value: self.y[at], row, column, expected: "in [0, 1]" });
        }
        if self.rows == 1 {
            return Ok(());
        }
        let wrong = |of: &[f64]| {
            let total = sum(0..self.rows, &|k| of[k]);
            ((total - 1.0).abs() > Loss::LABEL_SUM_TOLERANCE).then_some(total)
        };
        for column in 0..self.columns {
            if let Some(sum) = wrong(self.a(column)) {
                return Err(Error::ProbabilitySum { sum, column });
            }
            if let Some(sum) = wrong(self.y(column)) {
                return Err(Error::LabelSum { sum, column });
            }
        }
        Ok(())
    }

    fn a(&self, i: usize) -> &[f64] {
        &self.a[i * self.rows..][..self.rows]
    }

    fn y(&self, i: usize) -> &[f64] {
        &self.y[i * self.rows..][..self.rows]
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
        let weighted = |y: f64, ln: f64| if y == 0.0 { 0.0 } else { y * ln };
        // Added to 0, since −ln 1 is −0.
        self.weights.mean(self.columns, |i| match (self.a(i), self.y(i)) {
            // ln(1 − a) as ln_1p(−a), which keeps the digits of a small a.
            (&[a], &[y]) => 0.0 - weighted(y, a.ln()) - weighted(1.0 - y, (-a).ln_1p()),
            (a, y) => 0.0 - sum(0..a.len(), &|k| weighted(y[k], a[k].ln())),
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
        self.weights.mean(self.columns, |i| {
            let (a, y) = (self.a(i), self.y(i));
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
        let mut of_each = with_room("top-k accuracy", self.columns)?;
        let mut order: Vec<usize> = with_room("top-k accuracy", self.rows)?;
        for i in 0..self.columns {
            let (a, y) = (self.a(i), self.y(i));
            of_each.push(match (a, y) {
                (&[_], &[_]) if k > 1 => 1.0,
                (&[a], &[y]) => {
                    if a > 0.5 {
                        y
                    } else {
                        1.0 - y
                    }
                }
                (a, y) => {
                    order.clear();
                    order.extend(0..self.rows);
                    // Stable: of equals the first stays in front.
                    order.sort_by(|&i, &j| a[j].total_cmp(&a[i]));
                    sum(0..k.min(self.rows), &|place| y[order[place]])
                }
            });
        }
        Ok(self.weights.mean(self.columns, |i| of_each[i]))
    }

    /// [ROC AUC](Scores::roc_auc) of each class against all others, averaged over the classes.
    ///
    /// Weighted, each class counts as much as its examples weigh; micro, the n · m single answers
    /// are taken together. Of one row it is the AUC of class 1 itself, whatever the average.
    ///
    /// # Errors
    /// [`Error::Label`] if the labels are shares, and not one-hot; [`Error::AbsentClass`] if no
    /// example (that counts) is of one of the classes; [`Error::OneClass`] of one row.
    pub fn roc_auc_one_vs_rest(&self, average: Average) -> Result<f64> {
        let actual = self.only_classes()?;
        if self.rows == 1 {
            return self.scores(0, |i| Some(actual[i] == 1))?.roc_auc();
        }
        let shares = self.shares(&actual, "ROC AUC one-vs-rest")?;
        match average {
            Average::Micro => {
                let mut answers = with_room("ROC AUC one-vs-rest", self.a.len())?;
                answers.extend((0..self.a.len()).map(|at| {
                    let (k, i) = (at % self.rows, at / self.rows);
                    (self.a[at], actual[i] == k, self.weights.at(i))
                }));
                Scores::of(answers)?.roc_auc()
            }
            Average::Macro | Average::Weighted => {
                let of_class = |k: usize| self.scores(k, |i| Some(actual[i] == k))?.roc_auc();
                let areas = (0..self.rows).map(of_class).collect::<Result<Vec<f64>>>()?;
                let weight = |k: usize| if average == Average::Macro { 1.0 } else { shares[k] };
                Ok(sum(0..self.rows, &|k| weight(k) * areas[k]) / sum(0..self.rows, &weight))
            }
        }
    }

    /// [ROC AUC](Scores::roc_auc) of each class against each other, on the examples of both,
    /// averaged over the pairs (Hand, Till 2001): that of a pair is the mean of the areas that the
    /// probabilities of the one and of the other give.
    ///
    /// Weighted, each pair counts as much as its examples weigh. Of one row it is the AUC of class
    /// 1 itself.
    ///
    /// # Errors
    /// As [`roc_auc_one_vs_rest`](Self::roc_auc_one_vs_rest); [`Error::Undefined`] for
    /// [`Average::Micro`].
    pub fn roc_auc_one_vs_one(&self, average: Average) -> Result<f64> {
        let what = "ROC AUC one-vs-one";
        let by_share = match average {
            Average::Micro => {
                return Err(Error::Undefined { what, reason: "pairs of classes have no micro average" });
            }
            Average::Macro => false,
            Average::Weighted => true,
        };
        let actual = self.only_classes()?;
        if self.rows == 1 {
            return self.scores(0, |i| Some(actual[i] == 1))?.roc_auc();
        }
        let shares = self.shares(&actual, what)?;
        let (mut areas, mut weights) = (Vec::new(), Vec::new());
        for j in 0..self.rows {
            for k in j + 1..self.rows {
                let of = |class: usize| {
                    let is_class = |i: usize| [j, k].contains(&actual[i]).then(|| actual[i] == class);
                    self.scores(class, is_class)?.roc_auc()
                };
                areas.push(0.5 * (of(j)? + of(k)?));
                weights.push(if by_share { shares[j] + shares[k] } else { 1.0 });
            }
        }
        let total = sum(0..areas.len(), &|pair| weights[pair]);
        Ok(sum(0..areas.len(), &|pair| weights[pair] * areas[pair]) / total)
    }

    /// The class of every example, of labels that are one-hot, or 0 and 1 in one row.
    fn only_classes(&self) -> Result<Vec<usize>> {
        if let Some(at) = self.y.iter().position(|&y| y != 0.0 && y != 1.0) {
            let (row, column) = (at % self.rows, at / self.rows);
            return Err(Error::Label { value: self.y[at], row, column, expected: "0 or 1" });
        }
        let mut actual = with_room("classes", self.columns)?;
        // The labels add up to 1: one of them is.
        actual.extend((0..self.columns).map(|i| match self.y(i) {
            &[y] => usize::from(y == 1.0),
            y => y.iter().position(|&y| y == 1.0).unwrap_or(0),
        }));
        Ok(actual)
    }

    /// What the examples of each class weigh; there have to be some.
    fn shares(&self, actual: &[usize], what: &'static str) -> Result<Vec<f64>> {
        let mut shares = vec![RunningSum::default(); self.rows];
        for (i, &class) in actual.iter().enumerate() {
            shares[class].add(self.weights.at(i));
        }
        let shares: Vec<f64> = shares.into_iter().map(RunningSum::value).collect();
        match shares.iter().position(|&share| share == 0.0) {
            None => Ok(shares),
            Some(class) => Err(Error::AbsentClass { what, class }),
        }
    }

    /// The probabilities of class k as scores, of those examples for which it is said whether they
    /// are ones.
    fn scores(&self, k: usize, is_one: impl Fn(usize) -> Option<bool>) -> Result<Scores> {
        let scored = |i: usize| Some((self.a(i)[k], is_one(i)?, self.weights.at(i)));
        Scores::of((0..self.columns).filter_map(scored).collect())
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
        self.calibration_by(bins, |i| match self.a(i) {
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
        assert!(class < self.rows, "calibration_of: class {class} of {} rows", self.rows);
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
        for i in 0..self.columns {
            let k = row(i);
            let (a, y, weight) = (self.a(i)[k], self.y(i)[k], self.weights.at(i));
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
                share: weight / self.weights.total(),
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
