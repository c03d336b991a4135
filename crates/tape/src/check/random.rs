//! Random numbers for checks.

use crate::{Matrix, Scalar};

/// Random numbers for checks and tests, not for cryptography: the same seed gives the same numbers
/// on every platform, so that a failure can be run again.
///
/// The generator is SplitMix64 (Steele, Lea, Flood 2014): a counter in steps of the golden ratio,
/// each step mixed.
///
/// ```
/// use tape::Matrix;
/// use tape::check::Random;
/// let mut random = Random::new(7);
/// let w: Matrix<f64> = random.matrix(3, 2, -1.0, 1.0);
/// assert!(w.as_slice().iter().all(|w| (-1.0..1.0).contains(w)));
/// assert_eq!(Random::new(7).matrix::<f64>(3, 2, -1.0, 1.0), w);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number from 0 on, below `n`. Small numbers are more likely than others by no more
    /// than n / 2⁶⁴.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "there is no number below 0");
        (self.bits() % n as u64) as usize
    }

    /// A number in [low, high), one of 2⁵³ in equal steps.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// A matrix of numbers in [low, high), drawn column by column.
    ///
    /// # Panics
    /// If there is no memory for it.
    pub fn matrix<T: Scalar>(&mut self, rows: usize, columns: usize, low: f64, high: f64) -> Matrix<T> {
        Matrix::from_fn(rows, columns, |_, _| T::from_f64(self.between(low, high)))
    }

    /// The numbers below `n` in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// A direction or a cotangent: odd multiples of 2⁻¹⁰ in (−1, 1), never 0, so that no element
    /// escapes, and so short that the sum of two of them is exact in `f32`.
    pub(super) fn direction<T: Scalar>(&mut self, (rows, columns): (usize, usize)) -> Matrix<T> {
        let mut number = || {
            let k = (self.bits() >> 54) as f64; // 0 ..= 1023
            T::from_f64((2.0 * k - 1023.0) / 1024.0)
        };
        Matrix::from_fn(rows, columns, |_, _| number())
    }

    pub(super) fn directions<T: Scalar>(&mut self, like: &[Matrix<T>]) -> Vec<Matrix<T>> {
        like.iter().map(|matrix| self.direction(matrix.shape())).collect()
    }
}
