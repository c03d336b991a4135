//! How well scores put examples with label 1 above those with label 0.

use tape::Matrix;

use super::curves::{PrecisionRecallPoint, RocPoint};
use super::weights::Weights;
use super::{check, check_one_row};
use crate::shuffle::with_room;
use crate::sum::{RunningSum, sum};
use crate::{Error, Result, Scalar};

/// Scores of examples of two classes: what ranks them, whatever the threshold between yes and no.
///
/// A score is a probability, a logit, or any number that is larger for what is more likely of class
/// 1; ±∞ too. Equal scores are one step of a curve. An example of weight 0 is left out.
///
/// ```
/// use mlp::metrics::Scores;
/// use tape::matrix;
/// let (a, y) = (matrix![[0.1, 0.4, 0.35, 0.8]], matrix![[0.0, 0.0, 1.0, 1.0]]);
/// let scores = Scores::new(&a, &y)?;
/// assert_eq!(scores.roc_auc()?, 0.75);
/// assert_eq!(scores.average_precision()?, 0.5 * 1.0 + 0.5 * (2.0 / 3.0));
/// // The second example counts for nothing.
/// assert_eq!(Scores::weighted(&a, &y, &[1.0, 0.0, 1.0, 2.0])?.roc_auc()?, 1.0);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// From the largest score down, one of a kind.
    steps: Vec<Step>,
    zeros: f64,
    ones: f64,
}

/// The examples of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    score: f64,
    /// The weights of those with label 0, added up.
    zeros: f64,
    /// The weights of those with label 1.
    ones: f64,
}

/// One example.
struct Scored {
    score: f64,
    is_one: bool,
    weight: f64,
}

impl Scores {
    /// The scores `a` of examples with labels `y`, 0 or 1, both 1 × m.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ or have several rows; [`Error::NoExamples`] if m is 0;
    /// [`Error::NonFinite`] where a score is NaN; [`Error::Label`] where a label is neither 0 nor
    /// 1; [`Error::Memory`].
    pub fn new<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        Scores::of_matrices(a, y, None, "scores")
    }

    /// The same, where example i counts `weights[i]`.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Length`] if there are not m weights; [`Error::Weight`] if
    /// one is negative, NaN or ∞; [`Error::WeightSum`] if all are 0, or their sum is ∞.
    pub fn weighted<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: &[f64]) -> Result<Self> {
        Scores::of_matrices(a, y, Some(weights), "scores")
    }

    pub(super) fn of_matrices<T: Scalar>(
        a: &Matrix<T>,
        y: &Matrix<T>,
        weights: Option<&[f64]>,
        what: &'static str,
    ) -> Result<Self> {
        check_one_row(a)?;
        check(a, y, what)?;
        let weights = match weights {
            None => Weights::equal(a.columns()),
            Some(weights) => Weights::new(weights, a.columns())?,
        };
        let mut examples = with_room("scores", a.columns())?;
        for (column, (&a, &y)) in a.iter().zip(y).enumerate() {
            if a.is_nan() {
                return Err(Error::NonFinite { matrix: "A", value: f64::NAN, row: 0, column });
            }
            if y != T::ZERO && y != T::ONE {
                return Err(Error::Label { value: y.to_f64(), row: 0, column, expected: "0 or 1" });
            }
            examples.push((a.to_f64(), y == T::ONE, weights.at(column)));
        }
        Scores::of(examples)
    }

    /// Of numbers that were looked at: score, whether the label is 1, and weight.
    pub(super) fn of(examples: Vec<(f64, bool, f64)>) -> Result<Self> {
        let mut scored: Vec<Scored> = with_room("scores", examples.len())?;
        // Added to 0, −0 is 0: they are equal scores, which `total_cmp` would rank.
        scored.extend(
            examples.into_iter().filter(|(.., weight)| *weight > 0.0).map(|(score, is_one, weight)| Scored {
                score: score + 0.0,
                is_one,
                weight,
            }),
        );
        // By label and weight too: the order in which the examples came then decides no rounding.
        let key = |a: &Scored, b: &Scored| {
            let score = b.score.total_cmp(&a.score);
            score.then(a.is_one.cmp(&b.is_one)).then(a.weight.total_cmp(&b.weight))
        };
        scored.sort_unstable_by(key);
        let mut steps = Vec::new();
        let (mut zeros, mut ones) = (RunningSum::default(), RunningSum::default());
        for tied in scored.chunk_by(|a, b| a.score == b.score) {
            let (of_zeros, of_ones) = tied.split_at(tied.partition_point(|example| !example.is_one));
            let total = |examples: &[Scored]| sum(0..examples.len(), &|i| examples[i].weight);
            let step = Step { score: tied[0].score, zeros: total(of_zeros), ones: total(of_ones) };
            zeros.add(step.zeros);
            ones.add(step.ones);
            steps.push(step);
        }
        Ok(Scores { steps, zeros: zeros.value(), ones: ones.value() })
    }

    /// The area under the ROC curve: how likely an example with label 1 gets a higher score than
    /// one with label 0, where a tie counts one half (Mann, Whitney 1947; Hanley, McNeil 1982).
    ///
    /// AUC = Σ w₁ w₀ (\[s₁ > s₀\] + ½ \[s₁ = s₀\]) / (Σ w₁ · Σ w₀), over all pairs of an example
    /// with label 1, of score s₁ and weight w₁, and one with label 0.
    ///
    /// # Errors
    /// [`Error::OneClass`] if all labels are equal.
    pub fn roc_auc(&self) -> Result<f64> {
        self.check_both("ROC AUC")?;
        let mut above = RunningSum::default();
        let mut won = with_room("ROC AUC", self.steps.len())?;
        for step in &self.steps {
            // Twice the zeros below, and once those of the same score.
            won.push(step.ones * (2.0 * (self.zeros - above.value()) - step.zeros));
            above.add(step.zeros);
        }
        Ok(sum(0..won.len(), &|i| won[i]) / (2.0 * self.zeros * self.ones))
    }

    /// The average precision: Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds from the largest score down,
    /// with precision Pₙ and recall Rₙ at the nth (Zhu 2004). Nothing is interpolated.
    ///
    /// # Errors
    /// [`Error::OneClass`] if all labels are 0.
    pub fn average_precision(&self) -> Result<f64> {
        let points = self.points("average precision")?;
        let mut gained = with_room("average precision", self.steps.len())?;
        gained.extend(self.steps.iter().zip(points).map(|(step, (zeros, ones))| {
            // A step without ones adds nothing.
            if step.ones == 0.0 { 0.0 } else { step.ones * (ones / (zeros + ones)) }
        }));
        Ok(sum(0..gained.len(), &|i| gained[i]) / self.ones)
    }

    /// The receiver operating characteristic: for every threshold, from above all scores down to
    /// the smallest, the shares of the zeros and of the ones whose score is not below it.
    ///
    /// It begins at (0, 0) and ends at (1, 1). Every score that occurs is a threshold, also where
    /// the curve goes straight on.
    ///
    /// # Errors
    /// [`Error::OneClass`] if all labels are equal.
    pub fn roc_curve(&self) -> Result<Vec<RocPoint>> {
        self.check_both("ROC curve")?;
        let points = self.points("ROC curve")?;
        let above_all = (f64::INFINITY, (0.0, 0.0));
        let at = |(threshold, (zeros, ones)): (f64, (f64, f64))| RocPoint {
            threshold,
            false_positive_rate: zeros / self.zeros,
            true_positive_rate: ones / self.ones,
        };
        let steps = self.steps.iter().map(|step| step.score).zip(points);
        Ok(std::iter::once(above_all).chain(steps).map(at).collect())
    }

    /// Precision and recall for every threshold, from above all scores down to the smallest.
    ///
    /// It begins with recall 0, where precision is said to be 1, as no example is taken for a one.
    ///
    /// # Errors
    /// [`Error::OneClass`] if all labels are 0.
    pub fn precision_recall_curve(&self) -> Result<Vec<PrecisionRecallPoint>> {
        let points = self.points("precision-recall curve")?;
        let above_all = PrecisionRecallPoint { threshold: f64::INFINITY, precision: 1.0, recall: 0.0 };
        let at = |(step, (zeros, ones)): (&Step, (f64, f64))| PrecisionRecallPoint {
            threshold: step.score,
            precision: ones / (zeros + ones),
            recall: ones / self.ones,
        };
        Ok(std::iter::once(above_all).chain(self.steps.iter().zip(points).map(at)).collect())
    }

    /// The weights of the zeros and of the ones whose score is not below each step's. There have to
    /// be ones.
    fn points(&self, what: &'static str) -> Result<Vec<(f64, f64)>> {
        if self.ones == 0.0 {
            return Err(Error::OneClass { what, label: 0 });
        }
        let (mut zeros, mut ones) = (RunningSum::default(), RunningSum::default());
        let mut points = with_room(what, self.steps.len())?;
        for step in &self.steps {
            zeros.add(step.zeros);
            ones.add(step.ones);
            points.push((zeros.value(), ones.value()));
        }
        Ok(points)
    }

    fn check_both(&self, what: &'static str) -> Result<()> {
        match (self.zeros == 0.0, self.ones == 0.0) {
            (false, false) => Ok(()),
            (is_one, _) => Err(Error::OneClass { what, label: u8::from(is_one) }),
        }
    }
}
