//! ROC AUC of several classes.

use super::scores::Scores;
use super::{Average, ClassProbabilities};
use crate::shuffle::with_room;
use crate::sum::{RunningSum, sum};
use crate::{Error, Result};

/// # Areas of several classes
impl ClassProbabilities {
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
        if self.pairs.rows == 1 {
            return self.scores(0, |i| Some(actual[i] == 1))?.roc_auc();
        }
        let shares = self.shares(&actual, "ROC AUC one-vs-rest")?;
        match average {
            Average::Micro => {
                let mut answers = with_room("ROC AUC one-vs-rest", self.pairs.a.len())?;
                answers.extend((0..self.pairs.a.len()).map(|at| {
                    let (k, i) = (at % self.pairs.rows, at / self.pairs.rows);
                    (self.pairs.a[at], actual[i] == k, self.pairs.weights.at(i))
                }));
                Scores::of(answers)?.roc_auc()
            }
            Average::Macro | Average::Weighted => {
                let of_class = |k: usize| self.scores(k, |i| Some(actual[i] == k))?.roc_auc();
                let areas = (0..self.pairs.rows).map(of_class).collect::<Result<Vec<f64>>>()?;
                let weight = |k: usize| if average == Average::Macro { 1.0 } else { shares[k] };
                Ok(sum(0..self.pairs.rows, &|k| weight(k) * areas[k]) / sum(0..self.pairs.rows, &weight))
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
        if self.pairs.rows == 1 {
            return self.scores(0, |i| Some(actual[i] == 1))?.roc_auc();
        }
        let shares = self.shares(&actual, what)?;
        let (mut areas, mut weights) = (Vec::new(), Vec::new());
        for j in 0..self.pairs.rows {
            for k in j + 1..self.pairs.rows {
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
        self.pairs.check_no_shares()?;
        let mut actual = with_room("classes", self.pairs.columns)?;
        // The labels add up to 1: one of them is.
        actual.extend((0..self.pairs.columns).map(|i| match self.pairs.y(i) {
            &[y] => usize::from(y == 1.0),
            y => y.iter().position(|&y| y == 1.0).unwrap_or(0),
        }));
        Ok(actual)
    }

    /// What the examples of each class weigh; there have to be some.
    fn shares(&self, actual: &[usize], what: &'static str) -> Result<Vec<f64>> {
        let mut shares = vec![RunningSum::default(); self.pairs.rows];
        for (i, &class) in actual.iter().enumerate() {
            shares[class].add(self.pairs.weights.at(i));
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
        let scored = |i: usize| Some((self.pairs.a(i)[k], is_one(i)?, self.pairs.weights.at(i)));
        Scores::of((0..self.pairs.columns).filter_map(scored).collect())
    }
}
