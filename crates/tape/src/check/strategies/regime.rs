//! What elements are drawn as, and the ladder on which they become simpler.

use super::grid::Place;
use crate::Scalar;
use crate::check::Random;
use crate::check::values::least_normal;

/// What the elements of a matrix are like.
///
/// ```
/// use tape::check::strategies::Regime;
/// assert!(Regime::ALL.contains(&Regime::Saturating) && !Regime::FINITE.contains(&Regime::NonFinite));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Regime {
    /// In (−2, 2), with all digits of the number type.
    Normal,
    /// No more than two different values in the matrix, most often one.
    Tied,
    /// 0 and −0.
    Zeros,
    /// Below the least normal number in size: any of them, the least and the greatest among them.
    Subnormal,
    /// Near overflow: between 1/256 of the greatest number and that number itself, in size.
    Huge,
    /// Where σ, tanh and exp are at their ends: ±40, ±1000 and ±10⁴.
    Saturating,
    /// Finite ones of any of the regimes above, each of another.
    Mixed,
    /// One in three is NaN, ∞ or −∞; the others are as in [`Normal`](Regime::Normal).
    NonFinite,
}

impl Regime {
    /// Every regime.
    pub const ALL: [Regime; 8] = [
        Regime::Normal,
        Regime::Tied,
        Regime::Zeros,
        Regime::Subnormal,
        Regime::Huge,
        Regime::Saturating,
        Regime::Mixed,
        Regime::NonFinite,
    ];

    /// Those whose elements are finite.
    pub const FINITE: [Regime; 7] = [
        Regime::Normal,
        Regime::Tied,
        Regime::Zeros,
        Regime::Subnormal,
        Regime::Huge,
        Regime::Saturating,
        Regime::Mixed,
    ];

    /// Those whose elements are not so large or small that a product of a few of them overflows or
    /// vanishes.
    pub const MODERATE: [Regime; 3] = [Regime::Normal, Regime::Tied, Regime::Zeros];

    /// The element that `random` gives, of a matrix whose elements share `common`.
    fn element<T: Scalar>(self, random: &mut Random, common: &mut Random) -> T {
        let sign = if random.below(2) == 0 { 1.0 } else { -1.0 };
        match self {
            Regime::Normal => T::from_f64(random.between(-2.0, 2.0)),
            Regime::Tied => {
                let [a, b] = [common.between(-2.0, 2.0), common.between(-2.0, 2.0)].map(T::from_f64);
                let one_value = common.below(3) > 0;
                if one_value || random.below(2) == 0 { a } else { b }
            }
            Regime::Zeros => T::from_f64(sign * 0.0),
            Regime::Subnormal => {
                let greatest = least_normal::<T>().bits() - 1;
                let bits = match random.below(4) {
                    0 => 1,
                    1 => greatest,
                    _ => 1 + random.bits() % greatest,
                };
                with_sign(T::of_bits(bits), sign)
            }
            Regime::Huge => {
                let size = T::from_f64(f64::from(1_u32 << random.below(8)) * random.between(1.0, 2.0));
                with_sign(if random.below(4) == 0 { greatest::<T>() } else { greatest::<T>() / size }, sign)
            }
            Regime::Saturating => T::from_f64(sign * [40.0, 1e3, 1e4][random.below(3)]),
            Regime::Mixed => Regime::FINITE[random.below(6)].element(random, common),
            Regime::NonFinite => match random.below(9) {
                0 => T::NAN,
                1 => T::INFINITY,
                2 => -T::INFINITY,
                _ => Regime::Normal.element(random, common),
            },
        }
    }
}

fn with_sign<T: Scalar>(x: T, sign: f64) -> T {
    if sign < 0.0 { -x } else { x }
}

/// The greatest finite number: its bits come just before those of ∞.
fn greatest<T: Scalar>() -> T {
    T::of_bits(T::INFINITY.bits() - 1)
}

/// What the elements of a matrix may be.
///
/// ```
/// use tape::check::strategies::{Elements, Regime};
/// let any: Elements = Regime::ALL.into(); // a regime for each matrix
/// let probabilities = Elements::Between(0.0, 1.0);
/// # let _ = (any, probabilities);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Of one of these regimes, drawn for each matrix.
    Of(Vec<Regime>),
    /// In \[low, high\]. The rungs of the ladder that are not in there are left out.
    Between(f64, f64),
    /// Labels 0 and 1.
    Binary,
    /// Labels in \[0, 1\]: one in four is none of 0 and 1.
    Soft,
    /// Whole numbers from 0 below this one, which repeat: [indices](crate::Tape::indices).
    Indices(usize),
}

impl From<Regime> for Elements {
    fn from(regime: Regime) -> Self {
        Elements::Of(vec![regime])
    }
}

impl<const N: usize> From<[Regime; N]> for Elements {
    fn from(regimes: [Regime; N]) -> Self {
        Elements::Of(regimes.into())
    }
}

impl Elements {
    /// # Panics
    /// If nothing can be drawn: no regime, or no number between the bounds.
    #[track_caller]
    pub(super) fn checked(self) -> Self {
        match &self {
            Elements::Of(regimes) => assert!(!regimes.is_empty(), "there is no regime to draw from"),
            Elements::Between(low, high) => {
                let is_range = low <= high && (high - low).is_finite();
                assert!(is_range, "there is nothing between {low} and {high}");
            }
            Elements::Indices(below) => assert!(*below > 0, "there is no index below 0"),
            Elements::Binary | Elements::Soft => {}
        }
        self
    }

    /// One of them for a matrix.
    pub(super) fn drawn(&self, random: &mut Random) -> Source {
        match self {
            Elements::Of(regimes) => Source::Of(regimes[random.below(regimes.len())]),
            Elements::Between(low, high) => Source::Between(*low, *high),
            Elements::Binary => Source::Binary,
            Elements::Soft => Source::Soft,
            Elements::Indices(below) => Source::Indices(*below),
        }
    }
}

/// What the elements of one matrix are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    Of(Regime),
    Between(f64, f64),
    Binary,
    Soft,
    Indices(usize),
}

/// The rungs from the lowest: numbers to take in the place of an element, with its sign.
pub(super) const RUNGS: [f64; 4] = [0.0, 0.5, 1.0, 2.0];

impl Source {
    /// The element as it was drawn: a function of seed and place.
    pub(super) fn element<T: Scalar>(self, seed: u64, place: Place) -> T {
        let mut random = Random::new(seed ^ place.mixed());
        let mut common = Random::new(seed ^ Place { row: u32::MAX, column: u32::MAX, ..place }.mixed());
        match self {
            Source::Of(regime) => regime.element(&mut random, &mut common),
            Source::Between(low, high) => {
                let x = T::from_f64(random.between(low, high)).to_f64();
                T::from_f64(x.clamp(low, high))
            }
            Source::Binary => T::from_usize(random.below(2)),
            Source::Soft => match random.below(4) {
                0 => T::from_f64(random.between(0.0, 1.0)),
                _ => T::from_usize(random.below(2)),
            },
            Source::Indices(below) => T::from_usize(random.below(below)),
        }
    }

    /// Which rungs are below the element, as bits.
    pub(super) fn rungs(self, seed: u64, place: Place) -> u8 {
        let x: f64 = self.element(seed, place);
        (0..RUNGS.len() as u8).filter(|&rung| self.is_below(rung, x)).fold(0, |bits, rung| bits | 1 << rung)
    }

    fn is_below(self, rung: u8, x: f64) -> bool {
        let own = RUNGS.iter().position(|&rung| rung == x.abs());
        // −0 may still become 0.
        let is_simpler =
            own.is_none_or(|own| usize::from(rung) < own) || own == Some(0) && x.is_sign_negative();
        let is_simpler = is_simpler && (own != Some(0) || rung == 0);
        let fits = match self {
            Source::Of(_) => true,
            Source::Between(low, high) => (low..=high).contains(&at_rung(rung, x)),
            Source::Binary => rung == 0,
            Source::Soft => rung < 3,
            Source::Indices(_) => rung != 1, // ½ is no index
        };
        is_simpler && fits
    }
}

/// What stands in the place of x: 0, ±½, ±1 or ±2. NaN has no sign.
pub(super) fn at_rung(rung: u8, x: f64) -> f64 {
    let size = RUNGS[usize::from(rung)];
    if x < 0.0 && rung > 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each<T: Scalar>(regime: Regime) -> Vec<T> {
        let place = |k: u32| Place { matrix: 3, row: k % 40, column: k / 40 };
        (0..2000).map(|k| Source::Of(regime).element(17, place(k))).collect()
    }

    fn keep_what_they_say<T: Scalar>(least: f64, greatest: f64) {
        let all = |regime, holds: fn(f64, f64, f64) -> bool| {
            let found = each::<T>(regime).into_iter().find(|x| !holds(x.to_f64(), least, greatest));
            assert_eq!(found, None, "{regime:?} in {}", T::NAME);
        };
        all(Regime::Normal, |x, _, _| x.abs() <= 2.0);
        all(Regime::Zeros, |x, _, _| x == 0.0);
        all(Regime::Subnormal, |x, least, _| x != 0.0 && x.abs() < least);
        all(Regime::Huge, |x, _, greatest| (greatest / 257.0..=greatest).contains(&x.abs()));
        all(Regime::Saturating, |x, _, _| [40.0, 1e3, 1e4].contains(&x.abs()));
        all(Regime::Mixed, |x, _, _| x.is_finite());
        let mut tied = each::<T>(Regime::Tied);
        tied.dedup();
        tied.sort_by(|a, b| a.partial_cmp(b).unwrap());
        tied.dedup();
        assert!(tied.len() <= 2);
        let special = each::<T>(Regime::NonFinite).into_iter().filter(|x| !x.is_finite()).count();
        assert!((500..840).contains(&special), "a third of 2000, within six deviations: {special}");
        let has = |regime, x: T| each::<T>(regime).iter().any(|y| y.bits() == x.bits());
        for x in [T::NAN, T::INFINITY, -T::INFINITY] {
            assert!(has(Regime::NonFinite, x));
        }
        assert!(has(Regime::Zeros, -T::ZERO) && has(Regime::Zeros, T::ZERO));
        assert!(has(Regime::Subnormal, T::of_bits(1)) && has(Regime::Huge, T::from_f64(greatest)));
    }

    #[test]
    fn regimes_are_what_they_say() {
        keep_what_they_say::<f32>(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX));
        keep_what_they_say::<f64>(f64::MIN_POSITIVE, f64::MAX);
    }

    #[test]
    fn the_ladder_goes_down_inside_of_the_bounds() {
        let rungs = |source: Source, x| (0..4).filter(|&r| source.is_below(r, x)).collect::<Vec<u8>>();
        let any = Source::Of(Regime::Normal);
        for x in [3.7, -3.7, f64::NAN, f64::INFINITY, 1e-310, 0.3] {
            assert_eq!(rungs(any, x), [0, 1, 2, 3], "{x}");
        }
        assert_eq!(rungs(any, -2.0), [0, 1, 2]);
        assert_eq!(rungs(any, 0.5), [0]);
        assert_eq!((rungs(any, 0.0), rungs(any, -0.0)), (vec![], vec![0]));
        assert_eq!(rungs(Source::Between(0.25, 1.5), 0.7), [1, 2]);
        assert_eq!(rungs(Source::Between(-1.0, -0.75), -0.8), [2]);
        assert_eq!((rungs(Source::Binary, 1.0), rungs(Source::Soft, 0.3)), (vec![0], vec![0, 1, 2]));
        assert_eq!(
            (rungs(Source::Indices(4), 3.0), rungs(Source::Indices(4), 1.0)),
            (vec![0, 2, 3], vec![0])
        );
        assert_eq!([at_rung(1, -3.0), at_rung(3, 0.1), at_rung(0, -1.0)], [-0.5, 2.0, 0.0]);
        assert!(at_rung(0, -1.0).is_sign_positive());
    }
}
