//! Numbers of twice the digits of an `f64`, for the places where a difference cancels.

use super::simd::{Loops, run};

/// The exact sum of two numbers, of which the second is less than an ulp of the first: some 106
/// binary digits, and more where there is a gap between the two, so that 1 + 10⁻²⁰⁰ is such a
/// number.
///
/// The constant `F` of a function says whether x·y + z is one instruction
/// ([`is_fused`](super::simd::is_fused)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wide {
    high: f64,
    low: f64,
}

/// x + y and what rounding has lost of it.
#[inline(always)]
fn two_sum(x: f64, y: f64) -> Wide {
    let high = x + y;
    let y_part = high - x;
    Wide { high, low: (x - (high - y_part)) + (y - y_part) }
}

/// The same for |x| ≥ |y|.
#[inline(always)]
fn fast_two_sum(x: f64, y: f64) -> Wide {
    let high = x + y;
    Wide { high, low: y - (high - x) }
}

/// x·y and what rounding has lost of it, unless something overflows or underflows.
#[inline(always)]
fn two_product<const F: bool>(x: f64, y: f64) -> Wide {
    let high = x * y;
    if F {
        return Wide { high, low: x.mul_add(y, -high) };
    }
    let halves = |x: f64| {
        let scaled = 134_217_729.0 * x; // 2²⁷ + 1
        let first = scaled - (scaled - x);
        (first, x - first)
    };
    let ((x, x_rest), (y, y_rest)) = (halves(x), halves(y));
    Wide { high, low: ((x * y - high) + x * y_rest + x_rest * y) + x_rest * y_rest }
}

impl Wide {
    pub(crate) const ZERO: Wide = Wide { high: 0.0, low: 0.0 };
    pub(crate) const ONE: Wide = Wide { high: 1.0, low: 0.0 };

    /// The number itself.
    #[inline(always)]
    pub(crate) fn of(x: f64) -> Self {
        Wide { high: x, low: 0.0 }
    }

    /// x − y, exactly.
    #[inline(always)]
    pub(crate) fn difference(x: f64, y: f64) -> Self {
        two_sum(x, -y)
    }

    /// The nearest `f64`.
    #[inline(always)]
    pub(crate) fn rounded(self) -> f64 {
        self.high + self.low
    }

    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        let (high, low) = (two_sum(self.high, other.high), two_sum(self.low, other.low));
        let sum = fast_two_sum(high.high, high.low + low.high);
        fast_two_sum(sum.high, sum.low + low.low)
    }

    #[inline(always)]
    pub(crate) fn negated(self) -> Self {
        Wide { high: -self.high, low: -self.low }
    }

    #[inline(always)]
    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    #[inline(always)]
    pub(crate) fn times<const F: bool>(self, other: Self) -> Self {
        let product = two_product::<F>(self.high, other.high);
        fast_two_sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }

    #[inline(always)]
    pub(crate) fn over<const F: bool>(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self.minus(other.times::<F>(Wide::of(first)));
        let second = rest.high / other.high;
        let rest = rest.minus(other.times::<F>(Wide::of(second)));
        fast_two_sum(first, second).plus(Wide::of(rest.high / other.high))
    }

    /// c·self, where c is a power of 2.
    #[inline(always)]
    fn scaled(self, c: f64) -> Self {
        Wide { high: c * self.high, low: c * self.low }
    }

    /// eˣ for x ≤ 0, within 2⁻⁹⁴ of it; next to 0 the digits of eˣ − 1 are kept.
    ///
    /// It is compiled once for an instruction set, and not where it is called.
    pub(crate) fn exp_of_negative(self) -> Self {
        struct Exponential(Wide);
        impl Loops for Exponential {
            type Output = Wide;
            #[inline(always)]
            fn run<const F: bool>(self) -> Wide {
                self.0.exp_of_negative_here::<F>()
            }
        }
        run(Exponential(self))
    }

    /// x = k·ln 2 + 256·r: eʳ − 1 by its series, from it e²ʳ − 1 = 2·(eʳ − 1) + (eʳ − 1)², and so
    /// on.
    #[inline(always)]
    fn exp_of_negative_here<const F: bool>(self) -> Self {
        /// ln 2 in three parts.
        const LN_2: [f64; 3] =
            [std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17, 5.707_708_438_416_212e-34];
        /// 1/5!, 1/4!, 1/3! and 1/2!, to twice the digits.
        const SERIES: [Wide; 4] = [
            Wide { high: 0.008_333_333_333_333_333, low: 1.156_482_317_317_871_4e-19 },
            Wide { high: 0.041_666_666_666_666_664, low: 2.312_964_634_635_742_7e-18 },
            Wide { high: 0.166_666_666_666_666_66, low: 9.251_858_538_542_97e-18 },
            Wide { high: 0.5, low: 0.0 },
        ];
        const LOWEST: f64 = -746.0; // eˣ is 0 there
        if self.high < LOWEST {
            return Wide::ZERO;
        }
        let k = (self.high * std::f64::consts::LOG2_E).round_ties_even();
        let reduced = self
            .minus(two_product::<F>(k, LN_2[0]))
            .minus(two_product::<F>(k, LN_2[1]))
            .minus(Wide::of(k * LN_2[2]));
        let r = reduced.scaled(1.0 / 256.0);
        // The terms from r⁶ on count less than the last digits of the others.
        let x = r.high;
        let tail = 1.0 / 720.0 + x * (1.0 / 5040.0 + x * (1.0 / 40_320.0 + x * (1.0 / 362_880.0)));
        let mut sum = Wide::of(tail);
        for c in SERIES {
            sum = sum.times::<F>(r).plus(c);
        }
        let mut less_one = r.plus(sum.times::<F>(r).times::<F>(r));
        for _ in 0..8 {
            less_one = less_one.scaled(2.0).plus(less_one.times::<F>(less_one));
        }
        // 2ᵏ in two factors: it may be subnormal.
        let half = (k / 2.0).floor();
        let power = |k: f64| f64::from_bits(((k as i64 + 1023) as u64) << 52);
        Wide::ONE.plus(less_one).scaled(power(half)).scaled(power(k - half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// e⁻ˣ to more digits than two `f64` hold, from `mpmath`.
    const EXPONENTIALS: [(f64, f64, f64); 6] = [
        (-0.5, 0.6065306597126334, 2.377_212_885_7e-18),
        (-1.0, 0.36787944117144233, 0.0),
        (-40.0, 4.248354255291589e-18, 0.0),
        (-700.0, 9.85967654375977e-305, 0.0),
        (-1e-9, 0.999999999, 0.0),
        (0.0, 1.0, 0.0),
    ];

    #[test]
    fn exponentials_are_those_of_the_standard_library_and_more() {
        for (x, expected, _) in EXPONENTIALS {
            for e in [Wide::of(x).exp_of_negative_here::<true>(), Wide::of(x).exp_of_negative_here::<false>()]
            {
                assert!((e.rounded() - expected).abs() <= f64::EPSILON * expected, "e^{x}: {e:?}");
            }
        }
        assert_eq!(Wide::of(-800.0).exp_of_negative_here::<true>(), Wide::ZERO);
        // e⁻ᵃ·e⁻ᵇ = e⁻⁽ᵃ⁺ᵇ⁾ to twice the digits.
        for (a, b) in [(0.1, 0.7), (3.3, 14.2), (100.5, 0.001), (1e-9, 1e-5), (300.0, 333.3)] {
            let e = |x: Wide| x.exp_of_negative_here::<true>();
            let product = e(Wide::of(-a)).times::<true>(e(Wide::of(-b)));
            let whole = e(Wide::of(-a).minus(Wide::of(b)));
            let error = product.minus(whole).over::<true>(whole).rounded();
            assert!(error.abs() < 2f64.powi(-93), "{a} + {b}: {error:e}");
        }
    }

    #[test]
    fn next_to_one_the_difference_is_kept() {
        for x in [1e-3, 1e-17, 4e-244] {
            let less_one = Wide::of(-x).exp_of_negative_here::<true>().minus(Wide::ONE).rounded();
            assert!((less_one - (-x).exp_m1()).abs() <= f64::EPSILON * x, "{x}: {less_one:e}");
        }
    }

    #[test]
    fn quotients_times_divisors() {
        for (a, b) in [(1.0, 3.0), (2.0, 7.0), (1e-200, 0.3), (5.0, 1e100)] {
            let (a, b) = (Wide::of(a), Wide::of(b));
            for (quotient, product) in [
                (a.over::<true>(b), a.over::<true>(b).times::<true>(b)),
                (a.over::<false>(b), a.over::<false>(b).times::<false>(b)),
            ] {
                let error = product.minus(a).rounded() / a.rounded();
                assert!(error.abs() < 2f64.powi(-102), "{quotient:?}: {error:e}");
            }
        }
    }
}
