//! Work that threads share by halves.

use crate::numbers::kernel::threads::join;

/// Work on a list of things, which can be cut in two anywhere between them.
#[allow(unreachable_pub)] // the feature `kernels` exports it
pub trait Divide: Sized + Send {
    /// What is said of the work when it is done.
    type Done: Send;

    /// Number of things.
    fn count(&self) -> usize;

    /// Things between places where it may be cut.
    fn step(&self) -> usize {
        1
    }

    /// Whether it is worth a second thread.
    fn is_worth_sharing(&self) -> bool;

    /// How much work it is beside others.
    fn weight(&self) -> usize {
        self.count()
    }

    /// The first things, for so many threads, and the others.
    fn cut(self, count: usize, threads: usize) -> (Self, Self);

    /// Does the work on this thread.
    fn run(self) -> Self::Done;

    /// What is said of two halves.
    fn both(first: Self::Done, second: Self::Done) -> Self::Done;
}

/// Does the work on so many threads, the caller's among them, which is one of a team or of a pool
/// if they are more than one.
#[allow(unreachable_pub)] // the feature `kernels` exports it
pub fn among<W: Divide>(work: W, threads: usize) -> W::Done {
    let count = match threads > 1 && work.is_worth_sharing() {
        true => cut(work.count(), threads, work.step()),
        false => 0,
    };
    if count == 0 {
        return work.run();
    }
    let (first, second) = work.cut(count, threads / 2);
    // The first of a pair begins at once, on this thread, and the other a little later: that should
    // have less to do.
    let second_is_more = second.weight() > first.weight();
    let first = || among(first, threads / 2);
    let second = || among(second, threads - threads / 2);
    let (first, second) = match second_is_more {
        true => {
            let (second, first) = join(second, first);
            (first, second)
        }
        false => join(first, second),
    };
    W::both(first, second)
}

/// Where to cut `count` things for two groups of threads, at a multiple of `step`; the second group
/// has as many threads as the first, or one more.
pub(crate) fn cut(count: usize, threads: usize, step: usize) -> usize {
    let steps = count.div_ceil(step);
    (steps * (threads / 2) / threads * step).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::kernel::threads;

    /// Numbers to be added up, some at a time.
    struct Sum<'a> {
        numbers: &'a [u64],
        step: usize,
    }

    impl Divide for Sum<'_> {
        type Done = (u64, usize);
        fn count(&self) -> usize {
            self.numbers.len()
        }
        fn step(&self) -> usize {
            self.step
        }
        fn is_worth_sharing(&self) -> bool {
            self.numbers.len() > 5
        }
        fn cut(self, count: usize, threads: usize) -> (Self, Self) {
            assert!(threads > 0 && count.is_multiple_of(self.step));
            let (first, second) = self.numbers.split_at(count);
            (Sum { numbers: first, ..self }, Sum { numbers: second, ..self })
        }
        fn run(self) -> (u64, usize) {
            (self.numbers.iter().sum(), 1)
        }
        fn both(first: (u64, usize), second: (u64, usize)) -> (u64, usize) {
            (first.0 + second.0, first.1 + second.1)
        }
    }

    #[test]
    fn work_is_done_once_whatever_the_threads() {
        let numbers: Vec<u64> = (1..=100).collect();
        let pool = threads::pool(4, || Ok(())).unwrap();
        for threads in 1..=9 {
            for (count, step) in [(0, 1), (1, 1), (5, 1), (6, 1), (100, 1), (100, 8), (99, 50), (100, 200)] {
                let sum = Sum { numbers: &numbers[..count], step };
                let (sum, parts) = pool.get().install(|| among(sum, threads));
                assert_eq!(sum, numbers[..count].iter().sum::<u64>());
                assert!(parts <= threads, "{parts} parts for {threads} threads");
                assert!(threads == 1 || count < 100 || step > 50 || parts > 1, "{threads} threads share");
            }
        }
    }

    #[test]
    fn a_cut_is_at_a_whole_step() {
        assert_eq!(cut(64, 2, 8), 32);
        assert_eq!(cut(10, 2, 8), 8);
        assert_eq!(cut(7, 2, 8), 0);
        assert_eq!(cut(700, 7, 1), 300);
        assert_eq!(cut(0, 2, 8), 0);
    }
}
