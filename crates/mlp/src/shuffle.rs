//! Unbiased integers, shuffles and permutations.

use crate::{Error, Random, Result, Scalar};

impl Random {
    /// A number below `n`, all equally likely.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "below: there is no number below 0");
        // 2⁶⁴ is in general no multiple of n: the topmost incomplete run of n values would favour
        // small remainders.
        let incomplete = (u64::MAX % n + 1) % n;
        loop {
            let bits = self.bits();
            if bits <= u64::MAX - incomplete {
                return bits % n;
            }
        }
    }

    /// Puts the items in a random order, all orders equally likely (Fisher–Yates; Durstenfeld
    /// 1964).
    pub fn shuffle<I>(&mut self, items: &mut [I]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1);
            // j ≤ i, which is a usize.
            items.swap(i, j as usize);
        }
    }

    /// The numbers 0, 1, …, n − 1 in a random order.
    ///
    /// # Panics
    /// If there is no memory for so many numbers.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        match self.try_permutation(n) {
            Ok(order) => order,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn try_permutation(&mut self, n: usize) -> Result<Vec<usize>> {
        let mut order = with_room("an order of the examples", n)?;
        order.extend(0..n);
        self.shuffle(&mut order);
        Ok(order)
    }
}

/// An empty list with memory for n values.
pub(crate) fn with_room<V>(what: &'static str, n: usize) -> Result<Vec<V>> {
    let mut list = Vec::new();
    match list.try_reserve_exact(n) {
        Ok(()) => Ok(list),
        Err(_) => Err(Error::Memory { what: what.to_string(), bytes: n as u128 * size_of::<V>() as u128 }),
    }
}

/// n zeros.
pub(crate) fn zeros<T: Scalar>(what: &'static str, n: usize) -> Result<Vec<T>> {
    let mut list = with_room(what, n)?;
    list.resize(n, T::ZERO);
    Ok(list)
}

#[cfg(test)]
mod tests {
    use crate::{Purpose, Random};

    fn random() -> Random {
        Random::new(5, Purpose::Shuffle)
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        for n in [0, 1, 2, 3, 100, 1000] {
            let mut order = random().permutation(n);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..n));
        }
    }

    #[test]
    fn the_first_permutation_of_a_seed_stays() {
        assert_eq!(random().permutation(8), [2, 7, 3, 0, 5, 4, 6, 1]);
    }

    #[test]
    fn the_orders_of_four_are_equally_likely() {
        let mut random = random();
        let mut counts = std::collections::HashMap::new();
        for _ in 0..24_000 {
            *counts.entry(random.permutation(4)).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // A count is binomial with mean 1000 and standard deviation 31.
        assert!(counts.values().all(|count| (count - 1000).abs() < 6 * 31), "{counts:?}");
    }

    #[test]
    fn bounded_numbers_stay_below_their_bound() {
        let mut random = random();
        for n in [1, 2, 3, 10, (1 << 63) + 1, u64::MAX] {
            assert!((0..100).all(|_| random.below(n) < n));
        }
    }

    /// 2⁶⁴ is 4/3 of this bound: without rejection the lowest third would come up half of the time.
    #[test]
    fn bounded_numbers_are_equally_likely() {
        let mut random = random();
        let low = (0..30_000).filter(|_| random.below(3 << 62) < 1 << 62).count();
        // Binomial with mean 10 000 and standard deviation 82.
        assert!(low.abs_diff(10_000) < 6 * 82, "{low}");
    }

    #[test]
    #[should_panic(expected = "an order of the examples: no memory for 9223372036854775808 bytes")]
    fn an_order_of_more_than_there_can_be() {
        random().permutation(1 << 60);
    }

    #[test]
    #[should_panic(expected = "no number below 0")]
    fn nothing_is_below_zero() {
        random().below(0);
    }
}
