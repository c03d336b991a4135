//! Numbers of 256 bits, as a user brings a number type of their own.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use astro_float_num::{BigFloat, Consts, RoundingMode, Sign};
use tape::check::oracle::{Elementary, Number};

const BITS: usize = 256;
/// The last bits may be off: to round a power to the nearest number that is exact, the crate takes more and more bits
/// without end.
const LOOSE: RoundingMode = RoundingMode::None;

thread_local! {
    static CONSTANTS: RefCell<Consts> = RefCell::new(Consts::new().expect("memory for constants"));
}

/// A number of 256 bits.
#[derive(Debug, Clone)]
pub(crate) struct Long(BigFloat);

/// f with the cache of constants.
fn with(f: impl FnOnce(&mut Consts) -> BigFloat) -> Long {
    CONSTANTS.with(|constants| Long(f(&mut constants.borrow_mut())))
}

impl Long {
    fn exp(&self) -> Long {
        with(|c| self.0.exp(BITS, LOOSE, c))
    }

    fn ln(&self) -> Long {
        with(|c| self.0.ln(BITS, LOOSE, c))
    }

    fn sqrt(&self) -> Long {
        Long(self.0.sqrt(BITS, LOOSE))
    }

    fn pi() -> Long {
        with(|c| c.pi(BITS, LOOSE))
    }

    /// 2/√π·e^(−x²)·Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!.
    fn erf(&self) -> Long {
        let one = || Long::of(1.0);
        let square = self.clone() * self.clone();
        let twice = square.clone() + square.clone();
        let terms = 120 + (4.0 * square.value()).min(4000.0) as u32;
        let sum = (1..=terms)
            .rev()
            .fold(one(), |sum, n| one() + twice.clone() / Long::of(2.0 * f64::from(n) + 1.0) * sum);
        Long::of(2.0) / Long::pi().sqrt() * (-square).exp() * self.clone() * sum
    }
}

impl Add for Long {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Long(self.0.add(&b.0, BITS, LOOSE))
    }
}

impl Sub for Long {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Long(self.0.sub(&b.0, BITS, LOOSE))
    }
}

impl Mul for Long {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        Long(self.0.mul(&b.0, BITS, LOOSE))
    }
}

impl Div for Long {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        Long(self.0.div(&b.0, BITS, LOOSE))
    }
}

impl Neg for Long {
    type Output = Self;
    fn neg(self) -> Self {
        Long(BigFloat::neg(&self.0))
    }
}

impl Number for Long {
    fn of(x: f64) -> Self {
        Long(BigFloat::from_f64(x, BITS))
    }
    /// From the highest word.
    fn value(&self) -> f64 {
        if self.0.is_nan() {
            return f64::NAN;
        }
        let Some((words, _, sign, exponent, _)) = self.0.as_raw_parts() else {
            return if self.0.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY };
        };
        let top = words.last().map_or(0.0, |&word| word as f64 / 2f64.powi(64));
        let exponent = exponent.clamp(-2000, 2000);
        let size = top * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
        if sign == Sign::Neg { -size } else { size }
    }
    fn compare(&self, other: &Self) -> Option<Ordering> {
        self.0.cmp(&other.0).map(|order| order.cmp(&0))
    }
    fn elementary(&self, f: Elementary) -> Self {
        let one = || Long::of(1.0);
        match f {
            Elementary::Exp => self.exp(),
            Elementary::ExpM1 => self.exp() - one(),
            Elementary::Ln => self.ln(),
            Elementary::Ln1p => (one() + self.clone()).ln(),
            Elementary::Sqrt => self.sqrt(),
            Elementary::Sin => with(|c| self.0.sin(BITS, LOOSE, c)),
            Elementary::Cos => with(|c| self.0.cos(BITS, LOOSE, c)),
            Elementary::Tanh => with(|c| self.0.tanh(BITS, LOOSE, c)),
            Elementary::Sigmoid => one() / (one() + (-self.clone()).exp()),
            Elementary::Softplus => (one() + self.exp()).ln(),
            Elementary::Erf => self.erf(),
            Elementary::NormalCdf => {
                let scaled = self.clone() / Long::of(2.0).sqrt();
                Long::of(0.5) * (one() + scaled.erf())
            }
        }
    }
    fn power(&self, p: &Self) -> Self {
        with(|c| self.0.pow(&p.0, BITS, LOOSE, c))
    }
    fn atan2(&self, x: &Self) -> Self {
        let quotient = self.clone() / x.clone();
        let angle = with(|c| quotient.0.atan(BITS, LOOSE, c));
        match (x.0.is_negative(), self.0.is_negative()) {
            (false, _) => angle,
            (true, false) => angle + Long::pi(),
            (true, true) => angle - Long::pi(),
        }
    }
}

#[test]
fn numbers_of_256_bits_know_what_f64_has_lost() {
    let close = |found: &Long, expected: f64| (found.value() - expected).abs() <= 4e-16 * expected.abs();
    let at = |f: Elementary, x: f64| Long::of(x).elementary(f);
    // 1 − σ(40), and Φ(−6), from tables.
    assert!(close(&(Long::of(1.0) - at(Elementary::Sigmoid, 40.0)), 4.248354255291589e-18));
    assert!(close(&at(Elementary::NormalCdf, -6.0), 9.86587645037698e-10));
    assert!(close(&at(Elementary::Erf, 1.0), 0.842_700_792_949_714_9));
    assert!(close(&Long::of(-1.0).atan2(&Long::of(-1.0)), -2.356194490192345));
    assert_eq!(Long::of(-0.1).value(), -0.1);
    for &f in Elementary::ALL {
        for x in [0.1, 0.7, 1.5, 3.2, 5.0] {
            let (long, double) = (at(f, x).value(), x.elementary(f));
            assert!(
                (long - double).abs() <= 8.0 * f64::EPSILON * long.abs(),
                "{f:?} at {x}: {long:e}, {double:e}"
            );
        }
    }
}
