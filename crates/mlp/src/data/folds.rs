//! Cross-validation: every example is for testing once.

use std::collections::BTreeMap;

use super::Split;
use crate::shuffle::with_room;
use crate::{Error, Purpose, Random, Result};

/// k folds: the examples are dealt to k parts, and each part is for testing in one [`Split`], whose
/// training part the other k − 1 are.
///
/// ```
/// use mlp::Folds;
/// let splits = Folds::new(3, 1)?.of(8)?;
/// assert_eq!(splits.iter().map(|split| split.test.len()).collect::<Vec<_>>(), [3, 3, 2]);
/// let mut tested: Vec<usize> = splits.iter().flat_map(|split| split.test.clone()).collect();
/// tested.sort_unstable();
/// assert_eq!(tested, [0, 1, 2, 3, 4, 5, 6, 7]);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// The same seed gives the same folds, on every platform and in every release.
#[must_use = "folds are made by of, stratified or grouped"]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Folds {
    k: usize,
    seed: u64,
    times: usize,
}

impl Folds {
    /// `k` folds, in an order of the examples that is drawn from `seed`.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if k is less than 2: one part alone leaves nothing to train on.
    pub fn new(k: usize, seed: u64) -> Result<Self> {
        if k < 2 {
            return Err(Error::Hyperparameter { name: "k", value: k as f64, expected: "at least 2" });
        }
        Ok(Folds { k, seed, times: 1 })
    }

    /// Deals so many times, each time in another order: there are k · `times` splits, those of the
    /// first time in front.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if `times` is 0.
    pub fn repeated(mut self, times: usize) -> Result<Self> {
        if times == 0 {
            return Err(Error::Hyperparameter { name: "times", value: 0.0, expected: "at least 1" });
        }
        self.times = times;
        Ok(self)
    }

    /// The folds of `m` examples, of m/k examples each, but for one.
    ///
    /// # Errors
    /// [`Error::Split`] if there are fewer examples than folds; [`Error::Memory`].
    pub fn of(self, m: usize) -> Result<Vec<Split>> {
        self.check("examples", m)?;
        self.deal(m, |random, folds| {
            let order = random.try_permutation(m)?;
            order.into_iter().enumerate().for_each(|(place, i)| folds[i] = place % self.k);
            Ok(())
        })
    }

    /// The folds of examples of which the ith is of class `classes[i]`: each has as many of a class
    /// as any other, but for one, and also as many examples.
    ///
    /// ```
    /// # use mlp::Folds;
    /// for split in Folds::new(2, 0)?.stratified(&[0, 0, 0, 0, 1, 1])? {
    ///     assert_eq!(split.test.iter().filter(|&&i| i < 4).count(), 2);
    ///     assert_eq!(split.test.len(), 3);
    /// }
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Split`] if a class has examples, but fewer than there are folds, since a fold would
    /// then know nothing of it, or if there are fewer examples than folds; [`Error::Memory`].
    pub fn stratified(self, classes: &[usize]) -> Result<Vec<Split>> {
        self.check("examples", classes.len())?;
        let members = members(classes);
        for (class, members) in &members {
            self.check(&format!("examples of class {class}"), members.len())?;
        }
        self.deal(classes.len(), |random, folds| {
            // Where one class ends, the next one begins: so all folds together differ by one too.
            let mut place = 0;
            for members in members.values() {
                let mut members = members.clone();
                random.shuffle(&mut members);
                for i in members {
                    folds[i] = place % self.k;
                    place += 1;
                }
            }
            Ok(())
        })
    }

    /// The folds of examples of which the ith belongs to group `groups[i]`, such as a person with
    /// several measurements: no group is in the training part and the test part of one split.
    ///
    /// The groups are dealt from the largest down, each to the fold that has the fewest examples;
    /// those of one size in an order that is drawn.
    ///
    /// ```
    /// # use mlp::Folds;
    /// for split in Folds::new(2, 0)?.grouped(&[7, 7, 7, 3, 3, 5])? {
    ///     assert!(split.test == [0, 1, 2] || split.test == [3, 4, 5]);
    /// }
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Split`] if there are fewer groups than folds; [`Error::Memory`].
    pub fn grouped(self, groups: &[usize]) -> Result<Vec<Split>> {
        let members: Vec<Vec<usize>> = members(groups).into_values().collect();
        self.check("groups", members.len())?;
        self.deal(groups.len(), |random, folds| {
            let mut order = random.try_permutation(members.len())?;
            order.sort_by_key(|&group| std::cmp::Reverse(members[group].len()));
            let mut sizes = with_room("folds", self.k)?;
            sizes.resize(self.k, 0);
            for group in order {
                let fewest =
                    (0..self.k).fold(0, |best, fold| if sizes[fold] < sizes[best] { fold } else { best });
                sizes[fewest] += members[group].len();
                members[group].iter().for_each(|&i| folds[i] = fewest);
            }
            Ok(())
        })
    }

    fn check(self, of: &str, n: usize) -> Result<()> {
        if n < self.k {
            let k = self.k;
            return Err(Error::Split { reason: format!("{k} folds need {k} {of} at least, there are {n}") });
        }
        Ok(())
    }

    /// The splits by the fold that `assign` gives each example.
    fn deal(self, m: usize, assign: impl Fn(&mut Random, &mut [usize]) -> Result<()>) -> Result<Vec<Split>> {
        let mut random = Random::new(self.seed, Purpose::Folds);
        let mut folds = with_room("folds", m)?;
        folds.resize(m, 0);
        let mut splits = with_room("folds", self.k.saturating_mul(self.times))?;
        for _ in 0..self.times {
            assign(&mut random, &mut folds)?;
            for fold in 0..self.k {
                splits.push(Split::by(m, |i| folds[i] == fold)?);
            }
        }
        Ok(splits)
    }
}

/// For every class that occurs, in ascending order, the examples of that class.
pub(crate) fn members(classes: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let mut members = BTreeMap::<usize, Vec<usize>>::new();
    for (i, &class) in classes.iter().enumerate() {
        members.entry(class).or_default().push(i);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_dealt_is_an_error() {
        for k in [0, 1] {
            assert!(matches!(Folds::new(k, 0), Err(Error::Hyperparameter { .. })));
        }
        let three = Folds::new(3, 0).unwrap();
        assert!(matches!(three.repeated(0), Err(Error::Hyperparameter { .. })));
        let text = |splits: Result<Vec<Split>>| splits.unwrap_err().to_string();
        assert_eq!(text(three.of(2)), "split: 3 folds need 3 examples at least, there are 2");
        assert_eq!(
            text(three.stratified(&[0, 0, 0, 4, 4])),
            "split: 3 folds need 3 examples of class 4 at least, there are 2"
        );
        assert_eq!(text(three.stratified(&[])), "split: 3 folds need 3 examples at least, there are 0");
        assert_eq!(text(three.grouped(&[0, 1, 1, 0])), "split: 3 folds need 3 groups at least, there are 2");
        assert!(matches!(three.of(usize::MAX), Err(Error::Memory { .. })));
        assert!(matches!(three.repeated(usize::MAX).unwrap().of(3), Err(Error::Memory { .. })));
    }

    #[test]
    fn the_first_folds_of_a_seed_stay() {
        let tests = |splits: Vec<Split>| splits.into_iter().map(|split| split.test).collect::<Vec<_>>();
        let two = Folds::new(2, 1).unwrap();
        assert_eq!(tests(two.of(6).unwrap()), [[1, 2, 3], [0, 4, 5]]);
        assert_eq!(tests(two.stratified(&[0, 1, 0, 1, 1]).unwrap()), [&[0, 1, 3][..], &[2, 4]]);
        assert_eq!(tests(two.grouped(&[0, 1, 2, 3]).unwrap()), [[0, 1], [2, 3]]);
    }

    #[test]
    fn another_time_is_another_order() {
        let folds = Folds::new(5, 3).unwrap();
        let (once, twice) = (folds.of(40).unwrap(), folds.repeated(2).unwrap().of(40).unwrap());
        assert_eq!((once.len(), twice.len()), (5, 10));
        assert_eq!(once, twice[..5]);
        assert_ne!(twice[..5], twice[5..]);
        assert_ne!(once, Folds::new(5, 4).unwrap().of(40).unwrap());
    }
}
