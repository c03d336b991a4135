//! How good answers to several questions are.

use tape::Matrix;

use super::pairs::{Pairs, log_loss_of};
use super::{Average, ClassProbabilities, ConfusionMatrix, Scores};
use crate::shuffle::with_room;
use crate::sum::sum;
use crate::{Result, Scalar};

/// Predicted probabilities `a` of a yes to several questions beside the labels `y`, both n × m, with
/// the weights w(i) of the examples: the outputs of a network with log-loss.
///
/// Each row is a question of its own, so an example may have several ones, or none (several labels,
/// as this is called too). An answer is a yes where a > ½.
///
/// ```
/// use mlp::metrics::{Average, Questions};
/// use tape::matrix;
/// let (a, y) = (matrix![[0.9, 0.2], [0.8, 0.7]], matrix![[1.0, 0.0], [1.0, 0.0]]);
/// let questions = Questions::new(&a, &y)?;
/// assert_eq!(questions.accuracy(), 0.75);
/// assert_eq!(questions.all_right(), 0.5); // of two examples, one
/// assert_eq!(questions.mean_f1(Average::Micro)?, Some(0.8));
/// assert_eq!(questions.confusion(1)?.precision(1), Some(0.5));
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Questions {
    pairs: Pairs,
}

/// # Making
impl Questions {
    /// Each example counts 1.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes differ or have no rows;
    /// [`Error::NoExamples`](crate::Error::NoExamples) if m is 0;
    /// [`Error::Probability`](crate::Error::Probability) or [`Error::Label`](crate::Error::Label)
    /// where an element is not in [0, 1]; [`Error::Memory`](crate::Error::Memory).
    pub fn new<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        Questions::of(Pairs::new(a, y, None, "questions")?)
    }

    /// Example i counts `weights[i]`.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Length`](crate::Error::Length) if there are not m weights;
    /// [`Error::Weight`](crate::Error::Weight) if one is negative, NaN or ∞;
    /// [`Error::WeightSum`](crate::Error::WeightSum) if all are 0, or their sum is ∞.
    pub fn weighted<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: &[f64]) -> Result<Self> {
        Questions::of(Pairs::new(a, y, Some(weights), "questions")?)
    }

    fn of(pairs: Pairs) -> Result<Self> {
        pairs.check_probabilities()?;
        Ok(Questions { pairs })
    }
}

/// # Of all questions together
impl Questions {
    /// Σ w · (right answers) / (n Σ w), where an answer is right if it and the label are on the same
    /// side of ½.
    pub fn accuracy(&self) -> f64 {
        self.pairs.mean(|i| self.right(i) as f64 / self.pairs.rows as f64)
    }

    /// The share of the examples all of whose answers are right.
    pub fn all_right(&self) -> f64 {
        self.pairs.mean(|i| f64::from(u8::from(self.right(i) == self.pairs.rows)))
    }

    /// Σ w ℒ / Σ w with ℒ of eq. 5 summed over the questions: J of eq. 25, and
    /// [`log_loss`](super::log_loss()).
    pub fn log_loss(&self) -> f64 {
        self.pairs.mean(|i| {
            let (a, y) = (self.pairs.a(i), self.pairs.y(i));
            sum(0..a.len(), &|k| log_loss_of(a[k], y[k]))
        })
    }

    /// The average of the questions' precision of a yes: macro, of each question; weighted, of each
    /// as much as its ones weigh; micro, of all answers taken together.
    ///
    /// 0/0 counts as 0 in an average; micro it is `None`, as is the weighted average if there are no
    /// ones.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn mean_precision(&self, average: Average) -> Result<Option<f64>> {
        self.average(average, ConfusionMatrix::precision)
    }

    /// The average of the questions' recall of a yes, as for
    /// [`mean_precision`](Self::mean_precision).
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn mean_recall(&self, average: Average) -> Result<Option<f64>> {
        self.average(average, ConfusionMatrix::recall)
    }

    /// The average of the questions' F1 of a yes, as for [`mean_precision`](Self::mean_precision).
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn mean_f1(&self, average: Average) -> Result<Option<f64>> {
        self.average(average, ConfusionMatrix::f1)
    }

    /// The average of the questions' [ROC AUC](Scores::roc_auc); micro, that of all answers taken
    /// together.
    ///
    /// # Errors
    /// [`Error::Label`](crate::Error::Label) if a label is neither 0 nor 1;
    /// [`Error::OneClass`](crate::Error::OneClass) if all labels of a question are equal.
    pub fn roc_auc(&self, average: Average) -> Result<f64> {
        self.average_of_scores(average, Scores::roc_auc)
    }

    /// The average of the questions' [average precision](Scores::average_precision), mAP; micro,
    /// that of all answers taken together.
    ///
    /// # Errors
    /// [`Error::Label`](crate::Error::Label) if a label is neither 0 nor 1;
    /// [`Error::OneClass`](crate::Error::OneClass) if all labels of a question are 0.
    pub fn average_precision(&self, average: Average) -> Result<f64> {
        self.average_of_scores(average, Scores::average_precision)
    }

    fn right(&self, i: usize) -> usize {
        let (a, y) = (self.pairs.a(i), self.pairs.y(i));
        a.iter().zip(y).filter(|(a, y)| is_yes(a) == is_yes(y)).count()
    }

    fn average(
        &self,
        average: Average,
        of: fn(&ConfusionMatrix, usize) -> Option<f64>,
    ) -> Result<Option<f64>> {
        let n = self.pairs.rows;
        if average == Average::Micro {
            return Ok(of(&self.confusion_of(0..n, |i| self.pairs.weights.at(i))?, 1));
        }
        let (mut shares, mut weights) = (Vec::new(), Vec::new());
        for k in 0..n {
            let confusion = self.confusion_of(k..k + 1, |i| self.pairs.weights.at(i))?;
            shares.push(of(&confusion, 1).unwrap_or(0.0));
            weights.push(match average {
                Average::Weighted => confusion.weight(1, 0) + confusion.weight(1, 1),
                Average::Macro | Average::Micro => 1.0,
            });
        }
        let total = sum(0..n, &|k| weights[k]);
        Ok((total > 0.0).then(|| sum(0..n, &|k| weights[k] * shares[k]) / total))
    }

    fn average_of_scores(&self, average: Average, of: fn(&Scores) -> Result<f64>) -> Result<f64> {
        self.pairs.check_no_shares()?;
        let n = self.pairs.rows;
        if average == Average::Micro {
            return of(&self.scores_of(0..n)?);
        }
        let (mut values, mut weights) = (Vec::new(), Vec::new());
        for k in 0..n {
            values.push(of(&self.scores_of(k..k + 1)?)?);
            weights.push(match average {
                Average::Weighted => self.pairs.weights.sum(self.pairs.columns, |i| self.pairs.y(i)[k]),
                Average::Macro | Average::Micro => 1.0,
            });
        }
        Ok(sum(0..n, &|k| weights[k] * values[k]) / sum(0..n, &|k| weights[k]))
    }
}

/// # Of one question
impl Questions {
    /// The probabilities of question k alone, which are those of two classes.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    ///
    /// # Panics
    /// If `k` is not below the number of rows.
    pub fn question(&self, k: usize) -> Result<ClassProbabilities> {
        self.check_question(k);
        let row = |of: &[f64]| -> Result<Vec<f64>> {
            let mut row = with_room("a question", self.pairs.columns)?;
            row.extend(of.iter().skip(k).step_by(self.pairs.rows));
            Ok(row)
        };
        let Pairs { columns, a, y, weights, .. } = &self.pairs;
        let pairs = Pairs { rows: 1, columns: *columns, a: row(a)?, y: row(y)?, weights: weights.clone() };
        Ok(ClassProbabilities { pairs })
    }

    /// How often question k was answered right and wrong: class 1 is a yes.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    ///
    /// # Panics
    /// If `k` is not below the number of rows.
    pub fn confusion(&self, k: usize) -> Result<ConfusionMatrix> {
        self.check_question(k);
        self.confusion_of(k..k + 1, |i| self.pairs.weights.given(i))
    }

    fn check_question(&self, k: usize) {
        assert!(k < self.pairs.rows, "question {k} of {}", self.pairs.rows);
    }

    /// Of the answers to some questions, taken together, with these weights of the examples: as they
    /// were given, those of several questions may add up to ∞.
    fn confusion_of(
        &self,
        questions: std::ops::Range<usize>,
        weight: impl Fn(usize) -> f64,
    ) -> Result<ConfusionMatrix> {
        let room = || with_room("answers", self.pairs.columns * questions.len());
        let (mut actual, mut predicted) = (room()?, room()?);
        let mut weights = with_room("answers", self.pairs.columns * questions.len())?;
        for i in 0..self.pairs.columns {
            for k in questions.clone() {
                actual.push(usize::from(is_yes(&self.pairs.y(i)[k])));
                predicted.push(usize::from(is_yes(&self.pairs.a(i)[k])));
                weights.push(weight(i));
            }
        }
        ConfusionMatrix::from_weighted_classes(&actual, &predicted, &weights, 2)
    }

    /// The answers to some questions as scores; the labels are 0 and 1.
    fn scores_of(&self, questions: std::ops::Range<usize>) -> Result<Scores> {
        let mut scored = with_room("answers", self.pairs.columns * questions.len())?;
        for i in 0..self.pairs.columns {
            let (a, y, weight) = (self.pairs.a(i), self.pairs.y(i), self.pairs.weights.at(i));
            scored.extend(questions.clone().map(|k| (a[k], y[k] == 1.0, weight)));
        }
        Scores::of(scored)
    }
}

fn is_yes(probability: &f64) -> bool {
    *probability > 0.5
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;
    use crate::Error;
    use crate::metrics::{accuracy, log_loss};

    #[test]
    fn without_weights_they_are_the_functions_of_the_module() {
        fn check<T: Scalar>() {
            let a = Matrix::from_fn(3, 11, |k, i| T::from_f64(((k + 2) * i % 10) as f64 / 10.0 + 0.03));
            let y = Matrix::from_fn(3, 11, |k, i| T::from_f64(((k * i + i) % 3 % 2) as f64));
            let questions = Questions::new(&a, &y).unwrap();
            assert!((questions.accuracy() - accuracy(&a, &y).unwrap()).abs() < 1e-15);
            assert!((questions.log_loss() / log_loss(&a, &y).unwrap() - 1.0).abs() < 1e-14);
            let of_each: f64 = (0..3).map(|k| questions.question(k).unwrap().cross_entropy()).sum();
            assert!((questions.log_loss() / of_each - 1.0).abs() < 1e-14);
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn a_confusion_matrix_has_the_weights_as_they_were_given() {
        let (a, y) = (matrix![[0.9, 0.2, 0.7]], matrix![[1.0, 1.0, 0.0]]);
        let confusion = Questions::weighted(&a, &y, &[3.0, 5.5, 0.1]).unwrap().confusion(0).unwrap();
        assert_eq!((confusion.weight(1, 1), confusion.weight(1, 0), confusion.weight(0, 1)), (3.0, 5.5, 0.1));
        assert_eq!(confusion.count(1, 0), 1);
    }

    #[test]
    fn a_common_factor_of_the_weights_cancels_however_large_it_is() {
        let a = matrix![[0.9, 0.2, 0.7], [0.1, 0.8, 0.6], [0.4, 0.9, 0.6]];
        let y = matrix![[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0]];
        let all = |factor: f64| {
            let questions = Questions::weighted(&a, &y, &[1.0, 2.0, 1.0].map(|w| w * factor)).unwrap();
            let averages = [Average::Macro, Average::Micro, Average::Weighted];
            let of = |average| {
                [
                    questions.mean_precision(average),
                    questions.mean_recall(average),
                    questions.mean_f1(average),
                ]
            };
            averages.map(of)
        };
        // Of answers yes that weigh 2, 3 and 3, what weighs 1, 3 and 0 is right.
        assert_eq!(all(1.0)[1][0], Ok(Some(0.5)));
        for factor in [4e307, 1e300, 1e-300, 5e-324] {
            for (found, expected) in all(factor).iter().flatten().zip(all(1.0).iter().flatten()) {
                let (found, expected) = (found.clone().unwrap().unwrap(), expected.clone().unwrap().unwrap());
                assert!((found - expected).abs() < 1e-15, "{factor:e}: {found} {expected}");
            }
        }
    }

    #[test]
    fn what_is_undefined_is_said_to_be() {
        let (a, y) = (matrix![[0.1, 0.2], [0.3, 0.4]], matrix![[0.0, 0.0], [0.0, 0.0]]);
        let none = Questions::new(&a, &y).unwrap();
        assert_eq!(none.mean_precision(Average::Micro), Ok(None));
        assert_eq!(none.mean_recall(Average::Weighted), Ok(None));
        assert_eq!(none.mean_f1(Average::Macro), Ok(Some(0.0)));
        assert!(matches!(none.roc_auc(Average::Macro), Err(Error::OneClass { label: 0, .. })));
        assert!(matches!(none.average_precision(Average::Micro), Err(Error::OneClass { .. })));
        let shares = Questions::new(&a, &a).unwrap();
        assert!(matches!(shares.roc_auc(Average::Micro), Err(Error::Label { row: 0, column: 0, .. })));
        assert!(matches!(Questions::new(&a, &matrix![[2.0, 0.0], [0.0, 0.0]]), Err(Error::Label { .. })));
        assert!(matches!(
            Questions::new(&matrix![[f64::NAN]], &matrix![[1.0]]),
            Err(Error::Probability { .. })
        ));
        let empty = Matrix::<f64>::zeros(2, 0);
        assert_eq!(Questions::new(&empty, &empty), Err(Error::NoExamples { what: "questions" }));
        assert!(matches!(Questions::weighted(&a, &y, &[0.0, 0.0]), Err(Error::WeightSum { .. })));
    }

    #[test]
    #[should_panic(expected = "question 2 of 2")]
    fn there_is_no_question_beyond_the_last() {
        let _ = Questions::new(&Matrix::filled(2, 1, 0.5), &Matrix::filled(2, 1, 0.5)).unwrap().confusion(2);
    }
}
