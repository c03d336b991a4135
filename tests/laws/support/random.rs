//! Random numbers that are the same on every machine.

use tape::{Matrix, Scalar};

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

#[allow(dead_code)] // not every test needs everything
impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in [0, n).
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// A number in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1u64 << 53) as f64)
    }

    pub(crate) fn matrix<T: Scalar>(
        &mut self,
        rows: usize,
        columns: usize,
        low: f64,
        high: f64,
    ) -> Matrix<T> {
        Matrix::from_fn(rows, columns, |_, _| T::from_f64(self.between(low, high)))
    }

    /// A permutation of 0..n.
    pub(crate) fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}
