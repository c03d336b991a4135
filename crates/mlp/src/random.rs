//! Random numbers that are the same on every platform and in every release.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for; each has a stream of its own.
///
/// One seed given to several of them therefore gives numbers that have nothing to do with each
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// The initial weights.
    Init,
    /// The order of the examples in an epoch.
    Shuffle,
    /// Which examples are for training and which for testing.
    Split,
    /// Which fold an example is in.
    Folds,
    /// The examples of a replicate.
    Bootstrap,
    /// The candidates of a random search.
    Search,
}

/// Random numbers from a seed: the same on every platform and in every release of this crate.
///
/// The generator is ChaCha with 8 rounds. What is made of its bits is written here and not taken
/// from a library, whose next release may draw in another order.
///
/// ```
/// use mlp::{Purpose, Random};
/// let mut random = Random::new(7, Purpose::Shuffle);
/// assert_eq!(random.permutation(10), [3, 7, 6, 4, 8, 1, 9, 5, 2, 0]);
/// ```
/// Two are equal if all numbers that they will give are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random {
    generator: ChaCha8Rng,
}

impl Random {
    /// The numbers of a seed for a purpose.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Random::numbered(seed, purpose, 0)
    }

    /// Those of one of many users with the same seed and purpose; [`new`](Self::new) is the first,
    /// 0.
    pub(crate) fn numbered(seed: u64, purpose: Purpose, number: u64) -> Self {
        // The key is spelled out: how `seed_from_u64` stretches a seed is the library's to change.
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&number.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(match purpose {
            Purpose::Init => 0,
            Purpose::Shuffle => 1,
            Purpose::Split => 2,
            Purpose::Folds => 10,
            Purpose::Bootstrap => 11,
            Purpose::Search => 12,
        });
        Random { generator }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// How many of the stream's 32-bit words are behind.
    pub(crate) fn position(&self) -> u128 {
        self.generator.get_word_pos()
    }

    /// The next 64 bits, which stay the next.
    pub(crate) fn bits_ahead(&self) -> u64 {
        self.clone().bits()
    }

    /// The same stream at another position, if these bits come next there.
    pub(crate) fn at(&self, position: u128, ahead: u64) -> Option<Self> {
        let mut other = self.clone();
        other.generator.set_word_pos(position);
        (other.bits_ahead() == ahead && other.position() == position).then_some(other)
    }

    /// A number in [0, 1): one of the multiples of 2⁻⁵³, all equally likely.
    pub fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.bits() >> 11) as f64 * STEP
    }

    /// A number in [−limit, limit).
    pub fn symmetric(&mut self, limit: f64) -> f64 {
        limit * (2.0 * self.unit() - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_of_a_seed_stay() {
        // The published key stream of ChaCha8 for a key of zeros, 3e 00 ef 2f 89 5f 40 d6 …
        let mut random = Random::new(0, Purpose::Init);
        assert_eq!([random.bits(), random.bits()], [0xd640_5f89_2fef_003e, 11647726043916688255]);
        let mut random = Random::new(42, Purpose::Init);
        assert_eq!([random.bits(), random.bits()], [6424161053832095879, 5270208426312333099]);
        let mut random = Random::new(42, Purpose::Split);
        assert_eq!([random.unit(), random.symmetric(2.0)], [0.22718578611838325, 0.17168869598235892]);
    }

    #[test]
    fn purposes_and_seeds_have_streams_of_their_own() {
        let first = |seed, purpose| Random::new(seed, purpose).bits();
        let all = [
            first(1, Purpose::Init),
            first(1, Purpose::Shuffle),
            first(1, Purpose::Split),
            first(2, Purpose::Init),
            first(1 << 63, Purpose::Init),
            first(1, Purpose::Folds),
            first(1, Purpose::Bootstrap),
            first(1, Purpose::Search),
            Random::numbered(1, Purpose::Init, 1).bits(),
            Random::numbered(1, Purpose::Init, 1 << 63).bits(),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b));
        }
    }

    #[test]
    fn unit_numbers_fill_their_interval_evenly() {
        let mut random = Random::new(3, Purpose::Init);
        let draws: Vec<f64> = (0..100_000).map(|_| random.unit()).collect();
        assert!(draws.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = draws.iter().sum::<f64>() / 1e5;
        // Six standard deviations of the mean: 6 · √(1/12) / √100 000.
        assert!((mean - 0.5).abs() < 0.0055, "{mean}");
    }
}
