//! Random numbers that a program draws anew for each run.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use crate::Scalar;

/// What the numbers of a [noise](crate::Tape::noise) are drawn from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Noise {
    /// The standard normal distribution.
    Normal,
    /// The uniform distribution on [0, 1).
    Uniform,
    /// 1 with this probability, else 0.
    Bernoulli(f64),
}

impl PartialEq for Noise {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Noise {}

impl Hash for Noise {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Noise {
    fn key(self) -> (u8, u64) {
        match self {
            Noise::Normal => (0, 0),
            Noise::Uniform => (1, 0),
            Noise::Bernoulli(p) => (2, p.to_bits()),
        }
    }

    /// As listings show it, and as it is read again.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match self {
            Noise::Normal => "normal noise".into(),
            Noise::Uniform => "uniform noise".into(),
            Noise::Bernoulli(p) => format!("bernoulli noise {p:?}").into(),
        }
    }

    /// The noise of this name.
    #[cfg_attr(not(feature = "json"), allow(dead_code))]
    pub(crate) fn of_name(name: &str) -> Option<Noise> {
        let noise = match name {
            "normal noise" => Noise::Normal,
            "uniform noise" => Noise::Uniform,
            _ => Noise::Bernoulli(name.strip_prefix("bernoulli noise ")?.parse().ok()?),
        };
        noise.mistake().is_none().then_some(noise)
    }

    /// What is wrong with its parameter.
    pub(crate) fn mistake(self) -> Option<String> {
        match self {
            Noise::Bernoulli(p) if !(0.0..=1.0).contains(&p) => {
                Some(format!("{p} is no probability: it is not in [0, 1]"))
            }
            Noise::Normal | Noise::Uniform | Noise::Bernoulli(_) => None,
        }
    }

    /// The expectation.
    pub(crate) fn mean(self) -> f64 {
        match self {
            Noise::Normal => 0.0,
            Noise::Uniform => 0.5,
            Noise::Bernoulli(p) => p,
        }
    }

    /// The number at a place, of the stream of a key: no number depends on another.
    pub(crate) fn draw<T: Scalar>(self, key: u64, place: u64) -> T {
        let uniform = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
        match self {
            Noise::Normal => {
                // Box–Muller; ln and cos are libm's, the same on every platform.
                let (bits, angle) = (mixed(key, 2 * place), mixed(key, 2 * place + 1));
                let radius = (-2.0 * libm::log(1.0 - uniform(bits))).sqrt();
                T::from_f64(radius * libm::cos(std::f64::consts::TAU * uniform(angle)))
            }
            Noise::Uniform => {
                // Rounded to the type it must stay below 1.
                let x = T::from_f64(uniform(mixed(key, place)));
                if x < T::ONE { x } else { T::ONE - T::EPSILON }
            }
            Noise::Bernoulli(p) => {
                if uniform(mixed(key, place)) < p {
                    T::ONE
                } else {
                    T::ZERO
                }
            }
        }
    }
}

/// The key of a noise: of the seed, the run's number and the noise's number in its list.
pub(crate) fn key(seed: u64, run: u64, noise: u64) -> u64 {
    mixed(mixed(mixed(0, seed), run), noise)
}

/// SplitMix64 (Steele, Lea, Flood 2014) as a function of a counter.
fn mixed(key: u64, counter: u64) -> u64 {
    let mut z = key.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
