//! Numbers that know what is true of a formula, and how far from it the formula's own evaluation may be.

// A bound on the error of a product or a quotient is a sum.
#![allow(clippy::suspicious_arithmetic_impl)]

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::number::{Elementary, Number, slope};
use super::wide::Wide;

/// A true value, with two bounds on rounding.
///
/// The value has no limits of range, and where it is close to a whole number it knows by how much: 1 − σ(z) is σ(−z), as
/// far out as one likes. `off` bounds how far the formula as it is written may be from it in the tape's type, cancellation
/// and underflow included; it is infinite where the formula says nothing. `snug` does so for a formula that loses nothing
/// there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched<const SINGLE: bool> {
    pub(crate) v: Wide,
    pub(crate) off: Wide,
    pub(crate) snug: Wide,
    /// v as a number with few digits and a part, with the bound `snug` for the part.
    split: Option<(f64, Wide, Wide)>,
    /// Whether something on the way was beyond the tape's greatest number.
    pub(crate) overflowed: bool,
    /// Whether something was on the way of which a program may compute more than is written: a sigmoid, or eq. 8.
    pub(crate) promised: bool,
    /// Whether a sigmoid of ±∞ was on the way: a program may have the limit where the formula has none.
    pub(crate) limit: bool,
}

impl<const SINGLE: bool> Watched<SINGLE> {
    /// The rounding unit, the least positive number, the least normal number, the greatest number.
    fn limits() -> [Wide; 4] {
        match SINGLE {
            true => [5.960464477539063e-8, 1.4e-45, 1.18e-38, 3.4e38].map(Wide::new),
            false => [1.1102230246251565e-16, 5e-324, 2.3e-308, 1.79e308].map(Wide::new),
        }
    }

    /// A result that is rounded, of operands with these bounds handed on.
    fn rounded(v: Wide, [off, snug]: [Wide; 2], size: Wide, from: [&Self; 2]) -> Self {
        let [unit, least, normal, greatest] = Self::limits();
        let some = Wide::new(64.0);
        let vanishing = if !v.is_zero() && v.abs() < normal * some { least * some } else { Wide::ZERO };
        let rounding = unit * size + vanishing;
        let overflowed = v.is_finite() && v.abs() * some > greatest;
        let known = |x: Wide| if x.is_nan() { Wide::INFINITY } else { x };
        Watched {
            v,
            off: known(off + rounding),
            snug: known(snug + unit * v.abs() + vanishing),
            split: None,
            overflowed: overflowed || from[0].overflowed || from[1].overflowed,
            promised: from[0].promised || from[1].promised,
            limit: from[0].limit || from[1].limit,
        }
    }

    fn is_exact(&self) -> bool {
        self.off.is_zero()
    }

    /// v as a whole number and a part.
    fn parts(&self) -> (f64, Wide, Wide) {
        let x = self.v.to_f64();
        match self.split {
            Some(split) => split,
            // Numbers with few digits, whose sums are exact.
            None if self.is_exact() && x.abs() <= 64.0 && (x * 1024.0).fract() == 0.0 => {
                (x, Wide::ZERO, Wide::ZERO)
            }
            None => (0.0, self.v, self.snug),
        }
    }
}

/// A product of a bound, where 0 times what is not known is 0.
fn bound(a: Wide, b: Wide) -> Wide {
    if a.is_zero() || b.is_zero() { Wide::ZERO } else { a.abs() * b.abs() }
}

impl<const SINGLE: bool> Add for Watched<SINGLE> {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        let ((whole_a, part_a, snug_a), (whole_b, part_b, snug_b)) = (self.parts(), b.parts());
        let size = self.v.abs() + b.v.abs();
        if (self.split.is_some() || b.split.is_some()) && (self.v + b.v).is_finite() {
            let (whole, part) = (whole_a + whole_b, part_a + part_b);
            let [unit, ..] = Self::limits();
            let part_snug = snug_a + snug_b + unit * (part_a.abs() + part_b.abs());
            let v = Wide::new(whole) + part;
            let is_close = part.abs() + part.abs() < Wide::new(whole.abs());
            if whole == 0.0 || is_close {
                let mut sum = Self::rounded(v, [self.off + b.off, part_snug], size, [&self, &b]);
                sum.split = is_close.then_some((whole, part, part_snug));
                return sum;
            }
        }
        let mut sum = Self::rounded(self.v + b.v, [self.off + b.off, self.snug + b.snug], size, [&self, &b]);
        // What is left of a sum that cancels has the rounding of its terms.
        sum.snug = sum.snug + Self::limits()[0] * size;
        // 1 − x for a small x, which 1 − (1 − x) gives back.
        let (whole, part) = (whole_a + whole_b, part_a + part_b);
        let few_digits = (self.is_exact() && whole_a != 0.0) != (b.is_exact() && whole_b != 0.0);
        if few_digits && whole != 0.0 && part.abs() < Wide::new(0.5 * whole.abs()) {
            sum.split = Some((whole, part, snug_a + snug_b));
        }
        sum
    }
}

impl<const SINGLE: bool> Neg for Watched<SINGLE> {
    type Output = Self;
    fn neg(self) -> Self {
        Watched { v: -self.v, split: self.split.map(|(w, p, s)| (-w, -p, s)), ..self }
    }
}

impl<const SINGLE: bool> Sub for Watched<SINGLE> {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        self + -b
    }
}

impl<const SINGLE: bool> Mul for Watched<SINGLE> {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let v = self.v * b.v;
        let of = |x: Wide, y: Wide| bound(self.v, y) + bound(b.v, x) + bound(x, y);
        let handed_on = [of(self.off, b.off), of(self.snug, b.snug)];
        let mut product = Self::rounded(v, handed_on, v.abs(), [&self, &b]);
        let scaled = |x: &Self, by: &Self| {
            let c = by.v.to_f64();
            let (whole, part, snug) = x.split.filter(|_| by.is_exact() && c != 0.0 && c.is_finite())?;
            Some((whole * c, part * by.v, bound(snug, by.v)))
        };
        product.split = scaled(&self, &b).or(scaled(&b, &self));
        product
    }
}

impl<const SINGLE: bool> Div for Watched<SINGLE> {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let v = self.v / b.v;
        let of = |x: Wide, y: Wide| match y.is_zero() {
            true if x.is_zero() => Wide::ZERO,
            true => x / b.v.abs(),
            false if y < b.v.abs() => (x + bound(v, y)) / (b.v.abs() - y),
            false => Wide::INFINITY,
        };
        let handed_on = [of(self.off, b.off), of(self.snug, b.snug)];
        Self::rounded(v, handed_on, v.abs(), [&self, &b])
    }
}

impl<const SINGLE: bool> Number for Watched<SINGLE> {
    type Primal = Self;
    fn constant(primal: Self) -> Self {
        primal
    }
    fn of(x: f64) -> Self {
        let (v, zero) = (Wide::new(x), Wide::ZERO);
        Watched { v, off: zero, snug: zero, split: None, overflowed: false, promised: false, limit: false }
    }
    fn value(self) -> f64 {
        self.v.value()
    }
    fn without_parts(self) -> Self {
        Watched { split: None, ..self }
    }
    fn promised(self) -> Self {
        Watched { promised: true, ..self }
    }
    fn compared(self, a: Self, b: Self) -> Self {
        Watched {
            overflowed: self.overflowed || a.overflowed || b.overflowed,
            promised: self.promised || a.promised || b.promised,
            limit: self.limit || a.limit || b.limit,
            ..self
        }
    }
    fn elementary(self, f: Elementary) -> Self {
        let one_split = self.split.filter(|&(whole, ..)| whole == 1.0);
        let v = match (f, one_split) {
            (Elementary::Ln, Some((_, part, _))) => Wide::ln_of_one_plus(part),
            _ => self.v.elementary(f),
        };
        // How far f moves with a bound: by its slope where the bound is small, else by what f can do.
        let steep = slope(f, self.v, v).abs();
        let of = |x: Wide| -> Wide {
            if x.is_zero() {
                return Wide::ZERO;
            }
            let grown = || v.abs() * (x.exp() - Wide::new(1.0));
            match f {
                Elementary::Exp => grown(),
                Elementary::Ln | Elementary::Sqrt | Elementary::Power(_)
                    if x + x >= self.v.abs() || (x + x).is_nan() || self.v.is_nan() =>
                {
                    Wide::INFINITY
                }
                Elementary::Ln | Elementary::Sqrt | Elementary::Power(_) => bound(steep, x) * Wide::new(4.0),
                Elementary::Sigmoid => grown().min(x),
                _ => (bound(steep, x) * Wide::new(2.0)).max(bound(x, x)).min(x),
            }
        };
        let snug = match (f, one_split) {
            (Elementary::Ln, Some((_, part, snug))) if snug + snug < (Wide::new(1.0) + part).abs() => {
                snug / (Wide::new(1.0) + part - snug)
            }
            _ => of(self.snug),
        };
        let mut result = Self::rounded(v, [of(self.off), snug], v.abs(), [&self, &self]);
        if f == Elementary::Sigmoid {
            let (_, other) = self.v.sigmoids();
            let other_snug = (other * ((self.snug).exp() - Wide::new(1.0))).min(self.snug);
            let [unit, ..] = Self::limits();
            let is_close = other < Wide::new(0.5);
            result.split = is_close.then_some((1.0, -other, other_snug + unit * other));
        }
        if matches!(f, Elementary::Sigmoid | Elementary::Softplus) {
            result.promised = true;
            result.limit |= self.v.abs() == Wide::INFINITY;
        }
        result
    }
}
