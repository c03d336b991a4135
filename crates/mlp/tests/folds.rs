//! Folds partition the examples, and are as even as they can be.

use std::collections::{BTreeMap, BTreeSet};

use mlp::{Folds, Split};
use proptest::prelude::*;

fn assert_partition(splits: &[Split], k: usize, m: usize) {
    for part in splits.chunks(k) {
        let mut tested: Vec<usize> = part.iter().flat_map(|split| split.test.clone()).collect();
        tested.sort_unstable();
        assert!(tested.into_iter().eq(0..m));
        for split in part {
            let mut all = [split.train.clone(), split.test.clone()].concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..m));
            assert!(split.train.is_sorted() && split.test.is_sorted());
        }
    }
}

/// The most and the fewest.
fn extremes(counts: impl Iterator<Item = usize> + Clone) -> (usize, usize) {
    (counts.clone().max().unwrap(), counts.min().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn folds_are_parts_of_equal_size(k in 2..9_usize, more in 0..40_usize, times in 1..4_usize, seed: u64) {
        let m = k + more;
        let splits = Folds::new(k, seed).unwrap().repeated(times).unwrap().of(m).unwrap();
        prop_assert_eq!(splits.len(), k * times);
        assert_partition(&splits, k, m);
        let (most, fewest) = extremes(splits.iter().map(|split| split.test.len()));
        prop_assert!(most <= fewest + 1);
        let again = Folds::new(k, seed).unwrap().repeated(times).unwrap().of(m).unwrap();
        prop_assert_eq!(splits, again);
    }

    #[test]
    fn strata_differ_by_one_at_most(k in 2..6_usize, drawn in prop::collection::vec(0..4_usize, 0..40), seed: u64) {
        // k of each class that is there, at least.
        let mut classes: Vec<usize> = drawn.iter().flat_map(|&class| vec![3 * class; if class == 1 { k } else { 1 }]).collect();
        for class in [0, 3, 6, 9] {
            classes.extend(vec![class; k]);
        }
        let splits = Folds::new(k, seed).unwrap().stratified(&classes).unwrap();
        assert_partition(&splits, k, classes.len());
        let (most, fewest) = extremes(splits.iter().map(|split| split.test.len()));
        prop_assert!(most <= fewest + 1);
        for class in [0, 3, 6, 9] {
            let of = |split: &Split| split.test.iter().filter(|&&i| classes[i] == class).count();
            let (most, fewest) = extremes(splits.iter().map(of));
            prop_assert!(most <= fewest + 1 && fewest >= 1);
        }
    }

    #[test]
    fn groups_stay_together(k in 2..5_usize, mut groups in prop::collection::vec(0..12_usize, 0..60), seed: u64) {
        groups.extend(0..k);
        let splits = Folds::new(k, seed).unwrap().grouped(&groups).unwrap();
        assert_partition(&splits, k, groups.len());
        for split in &splits {
            let of = |part: &[usize]| part.iter().map(|&i| groups[i]).collect::<BTreeSet<usize>>();
            prop_assert!(of(&split.train).is_disjoint(&of(&split.test)));
        }
        // By taking the largest group to the smallest fold, none is more than one group ahead.
        let mut sizes = BTreeMap::<usize, usize>::new();
        groups.iter().for_each(|&group| *sizes.entry(group).or_default() += 1);
        let (most, fewest) = extremes(splits.iter().map(|split| split.test.len()));
        prop_assert!(most - fewest <= *sizes.values().max().unwrap());
    }
}
