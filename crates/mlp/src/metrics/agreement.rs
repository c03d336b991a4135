//! What a confusion matrix says in one number.

use super::ConfusionMatrix;
use super::weights::factor_of;
use crate::sum::sum;

/// How the classes' shares become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Average {
    /// Each class counts as much as any other.
    Macro,
    /// All answers are taken together, whatever their class. Of precision, recall and F1 this is
    /// the accuracy, as each example has one class and one answer.
    Micro,
    /// Each class counts as much as its examples weigh.
    Weighted,
}

/// How wrong it is to take class i for class j, for [`ConfusionMatrix::kappa`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disagreement {
    /// 1 for any i ≠ j.
    Equal,
    /// |i − j|, for classes that are in order.
    Linear,
    /// (i − j)².
    Quadratic,
}

/// # Shares
///
/// With C(i, j) the weight of the examples of class i that were predicted to be of class j.
impl ConfusionMatrix {
    /// The share of the examples on the diagonal, Σ C(k, k) / Σ C; `None` if there are no examples.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.right(), self.total_weight())
    }

    /// Of the examples predicted to be of class k, the share that is, C(k, k) / Σ_i C(i, k); `None`
    /// if there are none.
    ///
    /// # Panics
    /// If `class` is not below the number of classes.
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.weight(class, class), self.predicted(class))
    }

    /// Of the examples of class k, the share that was predicted to be, C(k, k) / Σ_j C(k, j);
    /// `None` if there are none.
    ///
    /// # Panics
    /// If `class` is not below the number of classes.
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.weight(class, class), self.actual(class))
    }

    /// F1 of class k, the harmonic mean of precision and recall: 2 C(k, k) / (Σ_j C(k, j) + Σ_i
    /// C(i, k)); `None` if no example is of the class, and none was predicted to be.
    ///
    /// # Panics
    /// If `class` is not below the number of classes.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let (right, actual, predicted) =
            (self.weight(class, class), self.actual(class), self.predicted(class));
        match actual + predicted {
            both if both.is_finite() => share(2.0 * right, both),
            // A sum of weights may be just below the largest number.
            _ => share(right, 0.5 * actual + 0.5 * predicted),
        }
    }

    /// The average of the classes' [`precision`](Self::precision); `None` if there are no examples.
    ///
    /// A class that no example is of, and that none was predicted to be of, is left out. For any
    /// other, 0/0 counts as 0.
    ///
    /// ```
    /// use mlp::ConfusionMatrix;
    /// use mlp::metrics::Average;
    /// let confusion = ConfusionMatrix::from_classes(&[0, 0, 1, 2], &[0, 1, 1, 1], 4)?;
    /// assert_eq!(confusion.precision(2), None); // nothing was predicted to be of class 2
    /// assert_eq!(confusion.mean_precision(Average::Macro), Some((1.0 + 1.0 / 3.0 + 0.0) / 3.0));
    /// assert_eq!(confusion.mean_precision(Average::Micro), confusion.accuracy());
    /// assert_eq!(confusion.mean_recall(Average::Weighted), Some(0.5));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn mean_precision(&self, average: Average) -> Option<f64> {
        self.average(average, |class| self.precision(class))
    }

    /// The average of the classes' [`recall`](Self::recall), as for
    /// [`mean_precision`](Self::mean_precision).
    pub fn mean_recall(&self, average: Average) -> Option<f64> {
        self.average(average, |class| self.recall(class))
    }

    /// The average of the classes' [`f1`](Self::f1), as for
    /// [`mean_precision`](Self::mean_precision).
    pub fn mean_f1(&self, average: Average) -> Option<f64> {
        self.average(average, |class| self.f1(class))
    }

    /// The mean recall of those classes that have examples; `None` if there are no examples. So
    /// that a rare class counts as much as a frequent one (Brodersen, Ong, Stephan, Buhmann 2010).
    pub fn balanced_accuracy(&self) -> Option<f64> {
        mean((0..self.classes()).filter_map(|class| self.recall(class)).collect())
    }

    /// Cohen's κ: 1 − Σ d(i, j) C(i, j) / Σ d(i, j) E(i, j), where E(i, j) = Σ_k C(i, k) · Σ_k C(k,
    /// j) / Σ C is what answers that have nothing to do with the classes would give, and d the
    /// disagreement (Cohen 1960, 1968).
    ///
    /// It is 1 for right answers only, 0 for such as chance gives. `None` if there are no examples,
    /// or all are of one class and were predicted to be of that.
    ///
    /// ```
    /// use mlp::ConfusionMatrix;
    /// use mlp::metrics::Disagreement;
    /// let confusion = ConfusionMatrix::from_classes(&[0, 0, 1, 1], &[0, 0, 1, 0], 2)?;
    /// assert_eq!(confusion.kappa(Disagreement::Equal), Some(0.5));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn kappa(&self, disagreement: Disagreement) -> Option<f64> {
        let n = self.classes();
        let total = self.total_weight();
        if total == 0.0 {
            return None;
        }
        let (actual, predicted) = self.margins();
        let d = |at: usize| {
            let apart = (at / n).abs_diff(at % n);
            match disagreement {
                Disagreement::Equal => f64::from(u8::from(apart > 0)),
                Disagreement::Linear => apart as f64,
                Disagreement::Quadratic => (apart as f64).powi(2),
            }
        };
        // A power of two out of all weights: no product overflows, and counts stay whole numbers.
        let unit = factor_of(total);
        let found = sum(0..n * n, &|at| d(at) * (unit * self.weight(at / n, at % n)));
        let by_chance = sum(0..n * n, &|at| d(at) * (unit * actual[at / n]) * (predicted[at % n] / total));
        share(found, by_chance).map(|share| 1.0 - share)
    }

    /// The correlation of classes and predictions, of Matthews (1975) for two classes and Gorodkin
    /// (2004) for any number: (c s − Σ p_k t_k) / √((s² − Σ p_k²) (s² − Σ t_k²)), with s = Σ C, c =
    /// Σ C(k, k), t_k = Σ_j C(k, j) and p_k = Σ_i C(i, k).
    ///
    /// It is 1 for right answers only, 0 for such as chance gives. `None` where that is 0/0: all
    /// examples are of one class, or all were predicted to be. (scikit-learn gives 0 there.)
    ///
    /// ```
    /// use mlp::ConfusionMatrix;
    /// let confusion = ConfusionMatrix::from_classes(&[0, 0, 1, 1], &[1, 1, 0, 0], 2)?;
    /// assert_eq!(confusion.matthews_correlation(), Some(-1.0));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn matthews_correlation(&self) -> Option<f64> {
        let s = self.total_weight();
        let (t, p) = self.margins();
        let n = self.classes();
        // In shares of s, and without differences of large numbers, in which rare classes would
        // drown: with Σ t_k = Σ p_k = s, s² − Σ p_k² = Σ p_k (s − p_k), and c s − Σ p_k t_k has
        // the terms C(k, k) · Σ C(i ≠ k, j ≠ k) − Σ C(i ≠ k, k) · Σ C(k, j ≠ k).
        let spread = |of: &[f64]| sum(0..n, &|k| of[k] / s * ((s - of[k]) / s));
        let covariance = sum(0..n, &|k| {
            let right = self.weight(k, k);
            let (missed, wrong) = (t[k] - right, p[k] - right);
            right / s * ((s - t[k] - wrong) / s) - missed / s * (wrong / s)
        });
        let (of_p, of_t) = (spread(&p), spread(&t));
        // Each is 0 exactly where one class has all; their product may vanish before.
        if s == 0.0 || of_p == 0.0 || of_t == 0.0 {
            return None;
        }
        let product = of_p * of_t;
        let root = if product.is_normal() { product.sqrt() } else { of_p.sqrt() * of_t.sqrt() };
        Some((covariance / root).clamp(-1.0, 1.0))
    }

    fn average(&self, average: Average, of: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let occurring = (0..self.classes()).filter(|&class| self.actual(class) + self.predicted(class) > 0.0);
        let or_zero = |class| of(class).unwrap_or(0.0);
        match average {
            Average::Micro => self.accuracy(),
            Average::Macro => mean(occurring.map(or_zero).collect()),
            Average::Weighted => {
                let weighted: Vec<f64> = occurring.map(|class| self.actual(class) * or_zero(class)).collect();
                share(sum(0..weighted.len(), &|k| weighted[k]), self.total_weight())
            }
        }
    }

    /// Σ_j C(k, j) and Σ_i C(i, k) of every class k.
    fn margins(&self) -> (Vec<f64>, Vec<f64>) {
        let classes = 0..self.classes();
        (classes.clone().map(|k| self.actual(k)).collect(), classes.map(|k| self.predicted(k)).collect())
    }

    fn actual(&self, class: usize) -> f64 {
        sum(0..self.classes(), &|predicted| self.weight(class, predicted))
    }

    fn predicted(&self, class: usize) -> f64 {
        sum(0..self.classes(), &|actual| self.weight(actual, class))
    }

    fn right(&self) -> f64 {
        sum(0..self.classes(), &|class| self.weight(class, class))
    }

    fn total_weight(&self) -> f64 {
        sum(0..self.classes(), &|class| self.actual(class))
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn mean(shares: Vec<f64>) -> Option<f64> {
    share(sum(0..shares.len(), &|k| shares[k]), shares.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(actual: &[usize], predicted: &[usize], n: usize) -> ConfusionMatrix {
        ConfusionMatrix::from_classes(actual, predicted, n).unwrap()
    }

    #[test]
    fn what_is_zero_by_zero_is_none() {
        let none = of(&[], &[], 3);
        let averages = [Average::Macro, Average::Micro, Average::Weighted];
        for average in averages {
            assert_eq!(none.mean_f1(average), None);
        }
        assert_eq!(none.balanced_accuracy(), None);
        assert_eq!(none.kappa(Disagreement::Equal), None);
        assert_eq!(none.matthews_correlation(), None);
        // All of one class, and right.
        let one = of(&[1, 1], &[1, 1], 2);
        assert_eq!(one.kappa(Disagreement::Linear), None);
        assert_eq!(one.matthews_correlation(), None);
        assert_eq!((one.f1(0), one.f1(1)), (None, Some(1.0)));
        assert_eq!(one.balanced_accuracy(), Some(1.0));
        // All taken for one class: chance is as right.
        let taken = of(&[0, 1], &[1, 1], 2);
        assert_eq!(taken.kappa(Disagreement::Equal), Some(0.0));
        assert_eq!(taken.matthews_correlation(), None);
        assert_eq!(taken.f1(0), Some(0.0));
    }

    #[test]
    fn classes_that_do_not_occur_change_nothing() {
        let (actual, predicted) = ([0, 1, 1, 2, 2, 2], [0, 1, 2, 2, 2, 0]);
        let (few, many) = (of(&actual, &predicted, 3), of(&actual, &predicted, 7));
        for average in [Average::Macro, Average::Micro, Average::Weighted] {
            assert_eq!(few.mean_precision(average), many.mean_precision(average));
            assert_eq!(few.mean_recall(average), many.mean_recall(average));
            assert_eq!(few.mean_f1(average), many.mean_f1(average));
        }
        assert_eq!(few.balanced_accuracy(), many.balanced_accuracy());
        for disagreement in [Disagreement::Equal, Disagreement::Linear, Disagreement::Quadratic] {
            assert_eq!(few.kappa(disagreement), many.kappa(disagreement));
        }
        assert_eq!(few.matthews_correlation(), many.matthews_correlation());
    }

    /// 5 of 10⁸ examples are of class 1, 4 of them found, with 3 false alarms: by whole numbers.
    #[test]
    fn a_rare_class_keeps_its_digits() {
        let (found, missed, wrong, rest) = (4.0, 1.0, 3.0, 99_999_992.0);
        let classes = ([1, 1, 0, 0], [1, 0, 1, 0]);
        let weights = [found, missed, wrong, rest];
        let rare = ConfusionMatrix::from_weighted_classes(&classes.0, &classes.1, &weights, 2).unwrap();
        // 4 · 99 999 992 − 3 = 399 999 965, over √(5 · 7 · 99 999 993 · 99 999 995).
        let expected =
            399_999_965.0 / (5.0 * 7.0_f64).sqrt() / 99_999_993.0_f64.sqrt() / 99_999_995.0_f64.sqrt();
        assert!((rare.matthews_correlation().unwrap() / expected - 1.0).abs() < 1e-14);
    }

    #[test]
    fn tiny_and_huge_weights_have_an_f1() {
        for weight in [5e-324, 1e-300, 1.0, 5e307] {
            let confusion =
                ConfusionMatrix::from_weighted_classes(&[0, 1, 1], &[0, 1, 0], &[weight; 3], 2).unwrap();
            // Of class 0, 1 of 1 was found, with a false alarm; of class 1, 1 of 2, with none.
            assert_eq!([confusion.f1(0), confusion.f1(1)], [Some(2.0 / 3.0); 2], "{weight:e}");
            let mean = confusion.mean_f1(Average::Macro).unwrap();
            assert!((mean - 2.0 / 3.0).abs() < 1e-15, "{weight:e}: {mean}");
        }
    }

    #[test]
    fn tiny_and_huge_weights_have_a_correlation() {
        for weight in [1e-300, 1.0, 1e300] {
            let confusion =
                ConfusionMatrix::from_weighted_classes(&[0, 0, 1, 1], &[0, 1, 1, 1], &[weight; 4], 2);
            let found = confusion.unwrap().matthews_correlation().unwrap();
            assert!((found - 1.0 / 3.0_f64.sqrt()).abs() < 1e-15, "{weight:e}: {found}");
        }
    }
}
