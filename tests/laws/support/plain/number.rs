//! Numbers of the plain interpreter: with a bound on rounding, and with derivatives.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::support::reference;

/// The functions of one number that every number type knows; all others are made of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Elementary {
    Exp,
    Ln,
    Sqrt,
    Sin,
    Cos,
    Sigmoid,
    Softplus,
    Tanh,
    Erf,
    /// The normal distribution Φ.
    Phi,
    Power(f64),
}

/// What the interpreter computes with.
pub(crate) trait Number:
    Copy
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The number without derivatives.
    type Primal: Number;
    /// A number whose derivatives are 0.
    fn constant(primal: Self::Primal) -> Self;
    fn of(x: f64) -> Self;
    /// The value alone, to branch on.
    fn value(self) -> f64;
    fn elementary(self, f: Elementary) -> Self;
    /// The same number, of which nothing is known but its value.
    fn without_parts(self) -> Self {
        self
    }
    /// The same number, noted as one that a program may compute better than it is written.
    fn promised(self) -> Self {
        self
    }
    /// The same number, with what is noted of two others that were compared for it.
    fn compared(self, _: Self, _: Self) -> Self {
        self
    }
}

/// f′(x), where y = f(x).
pub(crate) fn slope<N: Number>(f: Elementary, x: N, y: N) -> N {
    let at = |f: Elementary, x: N| x.elementary(f);
    match f {
        Elementary::Exp => y,
        Elementary::Ln => N::of(1.0) / x,
        Elementary::Sqrt => N::of(0.5) / y,
        Elementary::Sin => at(Elementary::Cos, x),
        Elementary::Cos => -at(Elementary::Sin, x),
        Elementary::Sigmoid => y * at(Elementary::Sigmoid, -x),
        Elementary::Softplus => at(Elementary::Sigmoid, x),
        Elementary::Tanh => {
            let twice = x + x;
            N::of(4.0) * at(Elementary::Sigmoid, twice) * at(Elementary::Sigmoid, -twice)
        }
        Elementary::Erf => N::of(std::f64::consts::FRAC_2_SQRT_PI) * at(Elementary::Exp, -(x * x)),
        Elementary::Phi => {
            let density = at(Elementary::Exp, -(x * x) * N::of(0.5));
            density * N::of(0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2)
        }
        Elementary::Power(0.0) => N::of(0.0),
        Elementary::Power(p) => N::of(p) * at(Elementary::Power(p - 1.0), x),
    }
}

pub(crate) fn elementary(f: Elementary, x: f64) -> f64 {
    match f {
        Elementary::Exp => x.exp(),
        Elementary::Ln => x.ln(),
        Elementary::Sqrt => x.sqrt(),
        Elementary::Sin => x.sin(),
        Elementary::Cos => x.cos(),
        Elementary::Sigmoid => reference::sigmoid(x),
        Elementary::Softplus => reference::softplus(x),
        Elementary::Tanh => x.tanh(),
        Elementary::Erf => reference::erf(x),
        Elementary::Phi => phi(x),
        Elementary::Power(p) => x.powf(p),
    }
}

/// Φ(x); far to the left by the continued fraction of Mills' ratio, times a density whose x² is exact.
fn phi(x: f64) -> f64 {
    if !(x < -3.0 && x > -40.0) {
        return reference::normal_cdf(x);
    }
    let square = x * x;
    let rest = x.mul_add(x, -square);
    let fraction = (1..200).rev().fold(-x, |f, k| -x + f64::from(k) / f);
    (-0.5 * square).exp() * (-0.5 * rest).exp() / fraction / (2.0 * std::f64::consts::PI).sqrt()
}

/// A number and, to first order, how far rounding may have moved it, in units of the rounding unit u.
///
/// Every operation rounds its result once, and hands on what its operands are off by. A sum is taken to be rounded as its
/// terms are, not as what is left of them: the tape adds the same terms in another order, and part of them may cancel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ball {
    pub(crate) v: f64,
    pub(crate) units: f64,
}

impl Add for Ball {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Ball { v: self.v + b.v, units: self.units + b.units + self.v.abs() + b.v.abs() }
    }
}

impl Sub for Ball {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        self + -b
    }
}

impl Mul for Ball {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let v = self.v * b.v;
        Ball { v, units: self.v.abs() * b.units + b.v.abs() * self.units + v.abs() }
    }
}

impl Div for Ball {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let v = self.v / b.v;
        Ball { v, units: (self.units + v.abs() * b.units) / b.v.abs() + v.abs() }
    }
}

impl Neg for Ball {
    type Output = Self;
    fn neg(self) -> Self {
        Ball { v: -self.v, ..self }
    }
}

/// f64, for [`slope`] of plain numbers.
impl Number for f64 {
    type Primal = f64;
    fn constant(primal: f64) -> f64 {
        primal
    }
    fn of(x: f64) -> f64 {
        x
    }
    fn value(self) -> f64 {
        self
    }
    fn elementary(self, f: Elementary) -> f64 {
        elementary(f, self)
    }
}

impl Number for Ball {
    type Primal = Ball;
    fn constant(primal: Ball) -> Ball {
        primal
    }
    fn of(x: f64) -> Ball {
        Ball { v: x, units: 0.0 }
    }
    fn value(self) -> f64 {
        self.v
    }
    fn elementary(self, f: Elementary) -> Ball {
        let v = elementary(f, self.v);
        let steep = if self.units == 0.0 { 0.0 } else { slope(f, self.v, v).abs() * self.units };
        Ball { v, units: steep + v.abs() }
    }
}

/// A number with a derivative; of itself again, with two and the mixed second one.
///
/// Not [`tape::check::oracle::Dual`]: that one is judged here, by an interpreter that shares nothing with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dual<N> {
    pub(crate) v: N,
    pub(crate) d: N,
}

impl<N: Number> Add for Dual<N> {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Dual { v: self.v + b.v, d: self.d + b.d }
    }
}

impl<N: Number> Sub for Dual<N> {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Dual { v: self.v - b.v, d: self.d - b.d }
    }
}

impl<N: Number> Mul for Dual<N> {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        Dual { v: self.v * b.v, d: self.d * b.v + self.v * b.d }
    }
}

impl<N: Number> Div for Dual<N> {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let v = self.v / b.v;
        Dual { v, d: self.d / b.v - v * b.d / b.v }
    }
}

impl<N: Number> Neg for Dual<N> {
    type Output = Self;
    fn neg(self) -> Self {
        Dual { v: -self.v, d: -self.d }
    }
}

impl<N: Number> Number for Dual<N> {
    type Primal = N::Primal;
    fn constant(primal: N::Primal) -> Self {
        Dual { v: N::constant(primal), d: N::of(0.0) }
    }
    fn of(x: f64) -> Self {
        Dual { v: N::of(x), d: N::of(0.0) }
    }
    fn value(self) -> f64 {
        self.v.value()
    }
    fn elementary(self, f: Elementary) -> Self {
        let v = self.v.elementary(f);
        Dual { v, d: slope(f, self.v, v) * self.d }
    }
    fn without_parts(self) -> Self {
        Dual { v: self.v.without_parts(), d: self.d.without_parts() }
    }
    fn promised(self) -> Self {
        Dual { v: self.v.promised(), d: self.d.promised() }
    }
}
