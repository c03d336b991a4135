//! Numbers of 53 digits whose exponent has no end: nothing overflows and nothing vanishes.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::number::{Elementary, Number, elementary};

/// m · 2ᵉ with 1 ≤ |m| < 2, or ±0, ±∞ and NaN in m.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wide {
    m: f64,
    e: f64,
}

/// 2ᵏ for |k| ≤ 1000.
fn two_to(k: i64) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

impl Wide {
    pub(crate) const ZERO: Wide = Wide { m: 0.0, e: 0.0 };
    pub(crate) const INFINITY: Wide = Wide { m: f64::INFINITY, e: 0.0 };

    fn normal(m: f64, e: f64) -> Wide {
        if m == 0.0 || !m.is_finite() {
            return Wide { m, e: 0.0 };
        }
        let (m, e) = if m.abs() < f64::MIN_POSITIVE { (m * two_to(64), e - 64.0) } else { (m, e) };
        let exponent = ((m.to_bits() >> 52) & 0x7ff) as i64 - 1023;
        Wide { m: m * two_to(-exponent / 2) * two_to(-exponent + exponent / 2), e: e + exponent as f64 }
    }

    pub(crate) fn new(x: f64) -> Wide {
        Wide::normal(x, 0.0)
    }

    /// The nearest f64, as far as there is one.
    pub(crate) fn to_f64(self) -> f64 {
        // In two steps, where one is beyond the range.
        let e = self.e.clamp(-2000.0, 2000.0) as i64;
        self.m * two_to(e / 2) * two_to(e - e / 2)
    }

    pub(crate) fn abs(self) -> Wide {
        Wide { m: self.m.abs(), ..self }
    }

    pub(crate) fn is_finite(self) -> bool {
        self.m.is_finite()
    }

    pub(crate) fn is_nan(self) -> bool {
        self.m.is_nan()
    }

    pub(crate) fn is_zero(self) -> bool {
        self.m == 0.0
    }

    pub(crate) fn min(self, other: Wide) -> Wide {
        if other < self { other } else { self }
    }

    pub(crate) fn max(self, other: Wide) -> Wide {
        if other > self { other } else { self }
    }

    /// eˣ.
    pub(crate) fn exp(self) -> Wide {
        let x = self.to_f64();
        if x.is_nan()
            || x == f64::NEG_INFINITY && !self.is_finite()
            || x == f64::INFINITY && !self.is_finite()
        {
            return Wide::new(x.exp());
        }
        let x = x.clamp(-f64::MAX, f64::MAX);
        let k = (x / std::f64::consts::LN_2).round();
        // ln 2 in two parts, of which the first has zeros at its end; far out nothing is known of the rest.
        let rest = (x - k * 6.931_471_803_691_238e-1) - k * 1.908_214_929_270_587_7e-10;
        Wide::normal(if k.abs() < 1e9 { rest.exp() } else { 1.0 }, k)
    }

    /// ln(1 + x), for x > −1.
    fn ln_1p(self) -> Wide {
        match self.e < -1000.0 {
            true => self,
            false => Wide::new(self.to_f64().ln_1p()),
        }
    }

    pub(crate) fn ln(self) -> Wide {
        match self.e {
            _ if self.m <= 0.0 || !self.is_finite() => Wide::new(self.m.ln()),
            e if e.abs() < 1000.0 => Wide::new(self.to_f64().ln()),
            e => Wide::new(self.m.ln() + e * std::f64::consts::LN_2),
        }
    }

    pub(crate) fn ln_of_one_plus(part: Wide) -> Wide {
        part.ln_1p()
    }

    fn sqrt(self) -> Wide {
        let odd = self.e.rem_euclid(2.0);
        let m = if odd == 1.0 { self.m * 2.0 } else { self.m };
        Wide::normal(m.sqrt(), (self.e - odd) / 2.0)
    }

    /// σ(x) and σ(−x).
    pub(crate) fn sigmoids(self) -> (Wide, Wide) {
        let t = (-self.abs()).exp();
        let one = Wide::new(1.0);
        let (great, small) = (one / (one + t), t / (one + t));
        if self.m < 0.0 { (small, great) } else { (great, small) }
    }

    fn softplus(self) -> Wide {
        let log = (-self.abs()).exp().ln_1p();
        if self.m > 0.0 { self + log } else { log }
    }
}

impl PartialEq for Wide {
    fn eq(&self, other: &Wide) -> bool {
        self.m == other.m && self.e == other.e
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Wide) -> Option<Ordering> {
        if self.is_nan() || other.is_nan() {
            return None;
        }
        (*self - *other).m.partial_cmp(&0.0).or(self.m.partial_cmp(&other.m))
    }
}

impl Add for Wide {
    type Output = Wide;
    fn add(self, b: Wide) -> Wide {
        if self.m == 0.0 || b.m == 0.0 || !self.is_finite() || !b.is_finite() {
            return match (self.m == 0.0, b.m == 0.0) {
                (true, false) => b,
                (false, true) => self,
                _ => Wide { m: self.m + b.m, e: 0.0 },
            };
        }
        let (a, b) = if self.e >= b.e { (self, b) } else { (b, self) };
        match a.e - b.e {
            shift if shift <= 120.0 => Wide::normal(a.m + b.m * two_to(-shift as i64), a.e),
            _ => a,
        }
    }
}

impl Neg for Wide {
    type Output = Wide;
    fn neg(self) -> Wide {
        Wide { m: -self.m, ..self }
    }
}

impl Sub for Wide {
    type Output = Wide;
    fn sub(self, b: Wide) -> Wide {
        self + -b
    }
}

impl Mul for Wide {
    type Output = Wide;
    fn mul(self, b: Wide) -> Wide {
        Wide::normal(self.m * b.m, self.e + b.e)
    }
}

impl Div for Wide {
    type Output = Wide;
    fn div(self, b: Wide) -> Wide {
        Wide::normal(self.m / b.m, self.e - b.e)
    }
}

impl Number for Wide {
    type Primal = Wide;
    fn constant(primal: Wide) -> Wide {
        primal
    }
    fn of(x: f64) -> Wide {
        Wide::new(x)
    }
    fn value(self) -> f64 {
        // What is not 0 must not look like it.
        let x = self.to_f64();
        if x == 0.0 && self.m != 0.0 { f64::MIN_POSITIVE.copysign(self.m) } else { x }
    }
    fn elementary(self, f: Elementary) -> Wide {
        match f {
            Elementary::Exp => self.exp(),
            Elementary::Ln => self.ln(),
            Elementary::Sqrt => self.sqrt(),
            Elementary::Sigmoid => self.sigmoids().0,
            Elementary::Softplus => self.softplus(),
            Elementary::Tanh if self.e < -30.0 => self,
            Elementary::Power(2.0) => self * self,
            f => Wide::new(elementary(f, self.to_f64())),
        }
    }
}
