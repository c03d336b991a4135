//! Random directions and cotangents.

use crate::{Matrix, Scalar};

/// The generator SplitMix64 (Steele, Lea, Flood 2014): a counter in steps of the golden ratio, each step mixed. The same seed
/// gives the same directions on every platform, and a failure can be run again.
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    pub(super) fn new(seed: u64) -> Self {
        SplitMix64(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An odd multiple of 2⁻¹⁰ in (−1, 1): never 0, so that no entry escapes, and so short that the sum of two of them is
    /// exact in `f32`.
    fn number(&mut self) -> f64 {
        let k = (self.next() >> 54) as f64; // 0 ..= 1023
        (2.0 * k - 1023.0) / 1024.0
    }

    pub(super) fn matrix<T: Scalar>(&mut self, (rows, columns): (usize, usize)) -> Matrix<T> {
        Matrix::from_fn(rows, columns, |_, _| T::from_f64(self.number()))
    }

    pub(super) fn matrices<T: Scalar>(&mut self, like: &[Matrix<T>]) -> Vec<Matrix<T>> {
        like.iter().map(|matrix| self.matrix(matrix.shape())).collect()
    }
}
