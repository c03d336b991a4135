//! Sums of many numbers.

use std::ops::Range;

use tape::Scalar;

/// Terms that are added one after the other.
const BLOCK: usize = 16;

/// Σ term(i) for i in the range, halved again and again: it errs by some (16 + log₂ n) roundings of
/// the terms' size, where a sum from left to right errs by n of them, and in `f32` comes to a stop
/// at 2²⁴ ones.
pub(crate) fn sum<T: Scalar>(range: Range<usize>, term: &impl Fn(usize) -> T) -> T {
    if range.len() <= BLOCK {
        let mut sum = T::ZERO;
        for i in range {
            sum += term(i);
        }
        return sum;
    }
    let middle = range.start + range.len() / 2;
    sum(range.start..middle, term) + sum(middle..range.end, term)
}

/// A sum that is looked at on its way. What each addition loses is kept beside it (Neumaier 1974),
/// so it errs by some two roundings however many terms there are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunningSum {
    sum: f64,
    lost: f64,
}

impl RunningSum {
    pub(crate) fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.lost +=
            if self.sum.abs() >= term.abs() { (self.sum - sum) + term } else { (term - sum) + self.sum };
        self.sum = sum;
    }

    pub(crate) fn value(self) -> f64 {
        self.sum + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::{RunningSum, sum};

    #[test]
    fn a_running_sum_keeps_what_additions_lose() {
        let mut running = RunningSum::default();
        assert_eq!(running.value(), 0.0);
        for term in [1.0, 1e100, 1.0, -1e100] {
            running.add(term);
        }
        assert_eq!(running.value(), 2.0);
        let mut tenths = RunningSum::default();
        (0..1_000_000).for_each(|_| tenths.add(0.1));
        assert!((tenths.value() / 1e5 - 1.0).abs() < 3e-16, "{}", tenths.value());
    }

    #[test]
    fn every_term_is_taken_once() {
        for n in [0, 1, 2, 15, 16, 17, 31, 33, 1000] {
            assert_eq!(sum(0..n, &|i| i as f64), (n * n.saturating_sub(1) / 2) as f64);
            assert_eq!(sum(5..5 + n, &|_| 1.0_f32), n as f32);
        }
    }

    #[test]
    fn many_terms_do_not_come_to_a_stop() {
        assert_eq!(sum(0..1 << 25, &|_| 1.0_f32), 33_554_432.0);
        // 0.1 in f32 is off by 1.5e-8, relative to itself; 16 + 20 roundings are at most 2.2e-6,
        // and hardly all one way.
        let found = f64::from(sum(0..10_000_000, &|_| 0.1_f32));
        assert!((found / 1e6 - 1.0).abs() < 3e-7, "{found}");
    }
}
