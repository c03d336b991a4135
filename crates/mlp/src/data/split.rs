//! Which examples are for training and which for testing.

use super::folds::members;
use crate::shuffle::with_room;
use crate::{Error, Purpose, Random, Result};

/// The indices of the examples to train on and of those to test on, both in ascending order;
/// neither is empty.
///
/// ```
/// use mlp::Split;
/// let split = Split::every(12, 5)?;
/// assert_eq!(split.test, [0, 5, 10]);
/// assert_eq!(split.train, [1, 2, 3, 4, 6, 7, 8, 9, 11]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Split {
    /// The examples to train on.
    pub train: Vec<usize>,
    /// The examples to test on, or to validate with.
    pub test: Vec<usize>,
}

impl Split {
    /// A fixed split of `m` examples: example i is for testing iff i mod `k` is 0.
    ///
    /// # Errors
    /// [`Error::Split`] if one of the two parts would be empty; [`Error::Memory`] if there is no
    /// memory for both.
    pub fn every(m: usize, k: usize) -> Result<Split> {
        if k == 0 {
            return Err(Error::Split { reason: "every 0th example is no rule".to_string() });
        }
        Split::by(m, |i| i % k == 0)
    }

    /// A random split of `m` examples, of which the nearest number to `test_fraction` · m is for
    /// testing, but at least one and not all.
    ///
    /// The same seed gives the same split, on every platform and in every release.
    ///
    /// ```
    /// # use mlp::Split;
    /// let split = Split::random(10, 0.3, 1)?;
    /// assert_eq!((split.train.len(), split.test.len()), (7, 3));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Split`] if m is less than 2; [`Error::Hyperparameter`] if the fraction is not
    /// between 0 and 1; [`Error::Memory`] if there is no memory for both parts.
    pub fn random(m: usize, test_fraction: f64, seed: u64) -> Result<Split> {
        let n = test_size(m, test_fraction)?;
        let order = Random::new(seed, Purpose::Split).try_permutation(m)?;
        Split::of_test_examples(m, &order[..n])
    }

    /// A random split in which every class keeps its share, to the nearest example. `classes[i]` is
    /// the class of example i.
    ///
    /// As many examples are for testing as with [`random`](Self::random). Of the classes whose
    /// share is not whole, those with the largest remainders get one more, the first of equals.
    ///
    /// ```
    /// # use mlp::Split;
    /// let split = Split::stratified(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 0.5, 1)?;
    /// assert_eq!(split.test.iter().filter(|&&i| i < 6).count(), 3);
    /// assert_eq!(split.test.iter().filter(|&&i| i >= 6).count(), 2);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`random`](Self::random).
    pub fn stratified(classes: &[usize], test_fraction: f64, seed: u64) -> Result<Split> {
        let m = classes.len();
        let n = test_size(m, test_fraction)?;
        let mut random = Random::new(seed, Purpose::Split);
        let mut members: Vec<Vec<usize>> = members(classes).into_values().collect();
        let counts: Vec<usize> = members.iter().map(Vec::len).collect();
        let mut test = Vec::with_capacity(n);
        for (class, share) in members.iter_mut().zip(shares(&counts, n)) {
            random.shuffle(class);
            test.extend_from_slice(&class[..share]);
        }
        Split::of_test_examples(m, &test)
    }

    fn of_test_examples(m: usize, test: &[usize]) -> Result<Split> {
        let mut is_test = with_room("a split", m)?;
        is_test.resize(m, false);
        for &i in test {
            is_test[i] = true;
        }
        Split::by(m, |i| is_test[i])
    }

    pub(super) fn by(m: usize, is_test: impl Fn(usize) -> bool) -> Result<Split> {
        let (mut test, mut train) = (with_room("a split", m)?, with_room("a split", m)?);
        (0..m).for_each(|i| if is_test(i) { test.push(i) } else { train.push(i) });
        test.shrink_to_fit();
        train.shrink_to_fit();
        if test.is_empty() {
            return Err(Error::Split { reason: format!("none of {m} examples would be a test example") });
        }
        if train.is_empty() {
            let reason =
                format!("all {m} examples would be test examples, one at least is needed to train on");
            return Err(Error::Split { reason });
        }
        Ok(Split { train, test })
    }
}

/// The number of test examples: the nearest to fraction · m that leaves both parts an example.
fn test_size(m: usize, fraction: f64) -> Result<usize> {
    if !(fraction > 0.0 && fraction < 1.0) {
        let expected = "greater than 0 and less than 1";
        return Err(Error::Hyperparameter { name: "test fraction", value: fraction, expected });
    }
    if m < 2 {
        return Err(Error::Split { reason: format!("two examples at least are needed, there is {m}") });
    }
    Ok(((fraction * m as f64).round() as usize).clamp(1, m - 1))
}

/// n · count / m for every class, rounded so that they add up to n.
fn shares(counts: &[usize], n: usize) -> Vec<usize> {
    // u128, as n · count may leave the usize.
    let m = counts.iter().sum::<usize>() as u128;
    let exact = |count: usize| n as u128 * count as u128;
    let mut shares: Vec<usize> = counts.iter().map(|&count| (exact(count) / m) as usize).collect();
    let missing = n - shares.iter().sum::<usize>();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(exact(counts[class]) % m));
    for &class in &by_remainder[..missing] {
        shares[class] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_splits(split: &Split, m: usize) {
        let mut all = [split.train.clone(), split.test.clone()].concat();
        assert!(split.train.is_sorted() && split.test.is_sorted());
        all.sort_unstable();
        assert!(all.into_iter().eq(0..m));
    }

    #[test]
    fn the_reference_split_has_455_and_114_examples() {
        let split = Split::every(569, 5).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (455, 114));
        assert_splits(&split, 569);
    }

    #[test]
    fn a_random_split_takes_every_example_once() {
        for (m, fraction, n) in [(2, 0.01, 1), (2, 0.99, 1), (10, 0.25, 3), (569, 0.2, 114)] {
            let split = Split::random(m, fraction, 3).unwrap();
            assert_eq!(split.test.len(), n);
            assert_splits(&split, m);
            assert_eq!(split, Split::random(m, fraction, 3).unwrap());
        }
        assert_ne!(Split::random(100, 0.5, 0), Split::random(100, 0.5, 1));
    }

    #[test]
    fn the_first_split_of_a_seed_stays() {
        assert_eq!(Split::random(10, 0.3, 1).unwrap().test, [0, 5, 6]);
        assert_eq!(Split::stratified(&[0, 1, 0, 1, 0, 1, 0, 1], 0.5, 1).unwrap().test, [1, 2, 6, 7]);
    }

    #[test]
    fn a_stratified_split_keeps_every_share() {
        let classes: Vec<usize> = (0..100).map(|i| if i < 61 { 7 } else { i % 3 }).collect();
        let split = Split::stratified(&classes, 0.2, 5).unwrap();
        assert_splits(&split, 100);
        assert_eq!(split.test.len(), 20);
        for class in [0, 1, 2, 7] {
            let count = |of: &[usize]| of.iter().filter(|&&i| classes[i] == class).count() as f64;
            assert!((count(&split.test) - 0.2 * (count(&split.test) + count(&split.train))).abs() < 1.0);
        }
    }

    #[test]
    fn shares_add_up_and_never_exceed_their_class() {
        assert_eq!(shares(&[3, 3, 3], 5), [2, 2, 1]);
        assert_eq!(shares(&[1, 1, 8], 9), [1, 1, 7]);
        assert_eq!(shares(&[5], 2), [2]);
    }

    #[test]
    fn more_examples_than_memory_are_an_error() {
        for m in [usize::MAX, 1 << 60] {
            assert!(matches!(Split::every(m, 2), Err(Error::Memory { .. })));
            assert!(matches!(Split::random(m, 0.5, 0), Err(Error::Memory { .. })));
        }
    }

    #[test]
    fn splits_with_an_empty_part_are_errors() {
        for split in [Split::every(10, 0), Split::every(10, 1), Split::every(0, 5), Split::every(1, 5)] {
            assert!(matches!(split, Err(Error::Split { .. })), "{split:?}");
        }
        for m in [0, 1] {
            assert!(matches!(Split::random(m, 0.5, 0), Err(Error::Split { .. })));
        }
        for fraction in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(matches!(Split::stratified(&[0, 1], fraction, 0), Err(Error::Hyperparameter { .. })));
        }
    }
}
