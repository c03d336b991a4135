//! Complex numbers, for derivatives by a complex step.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::number::{Elementary, Number, Refusal};
use super::special;

/// A complex number: f(x + ih) has h·f′(x) as its imaginary part, with no difference taken and
/// nothing cancelled, where f is analytic (Squire and Trapp 1998, *Using Complex Variables to
/// Estimate Derivatives of Real Functions*).
///
/// Where f is not analytic, as |x|, relu, max and comparisons, it is refused, unless the numbers
/// that are compared are real. So it is where a logarithm, a root or a quotient is so near to its
/// singularity that the step is not small beside the distance; where it has no real value, as
/// ln(−1), it is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
    refused: Option<Refusal>,
}

/// How many steps away a singularity does not matter: beside the square of this a square of 1 is
/// less than a rounding.
const FAR: f64 = (1_u64 << 27) as f64;

const NO_NUMBER: Complex = Complex { re: f64::NAN, im: f64::NAN, refused: None };
const TOO_NEAR: Refusal = Refusal::Other("it is too near to a singularity for a complex step");

impl Complex {
    /// re + i·im.
    pub fn new(re: f64, im: f64) -> Self {
        Complex { re, im, refused: None }
    }

    fn refused_with(self, other: &Self) -> Self {
        Complex { refused: self.refused.or(other.refused), ..self }
    }

    /// The same, with what was refused of the number that it is made from.
    fn of_one(self, from: &Self) -> Self {
        Complex { refused: from.refused, ..self }
    }

    /// The same, refused if it is so near to a singularity that the square of the step does not
    /// vanish beside that of the distance.
    fn at_distance(self, distance: f64, step: f64) -> Self {
        let is_far = step == 0.0 || distance.abs() >= FAR * step.abs() || distance.is_nan();
        let reason = if is_far { None } else { Some(TOO_NEAR) };
        Complex { refused: self.refused.or(reason), ..self }
    }

    fn exp(self) -> Self {
        let size = self.re.exp();
        Complex::new(size * self.im.cos(), times(size, self.im.sin())).of_one(&self)
    }

    fn ln(self) -> Self {
        Complex::new(self.re.hypot(self.im).ln(), self.im.atan2(self.re)).of_one(&self)
    }

    /// ln(1 + z), with its digits near 0.
    fn ln_1p(self) -> Self {
        let square = self.re * (2.0 + self.re) + self.im * self.im;
        Complex::new(0.5 * square.ln_1p(), self.im.atan2(1.0 + self.re)).of_one(&self)
    }

    fn sqrt(self) -> Self {
        if self.im == 0.0 {
            return Complex::new(self.re.sqrt(), 0.0).of_one(&self);
        }
        let size = self.re.hypot(self.im);
        let re = (0.5 * (size + self.re.abs())).sqrt();
        let (re, im) = match self.re >= 0.0 {
            true => (re, 0.5 * self.im / re),
            false => (0.5 * self.im.abs() / re, re.copysign(self.im)),
        };
        Complex::new(re, im).of_one(&self)
    }

    /// tanh(x + iy) = (tanh x + i·tan y)/(1 + i·tanh x·tan y).
    fn tanh(self) -> Self {
        let (t, slope) = (self.re.tanh(), self.re.cosh().powi(-2));
        let tan = self.im.tan();
        let below = 1.0 + t * t * tan * tan;
        Complex::new(t * (1.0 + tan * tan) / below, tan * slope / below).of_one(&self)
    }
}

/// Im atan(a + ib) = ¼·ln((a² + (1 + b)²)/(a² + (1 − b)²)).
fn imaginary_of_atan(z: Complex) -> f64 {
    let below = z.re * z.re + (1.0 - z.im) * (1.0 - z.im);
    0.25 * (4.0 * z.im / below).ln_1p()
}

/// x·y, where a real number has the imaginary part 0 whatever its size.
fn times(x: f64, y: f64) -> f64 {
    if y == 0.0 { 0.0 } else { x * y }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Complex::new(self.re + b.re, self.im + b.im).refused_with(&self).refused_with(&b)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Complex::new(self.re - b.re, self.im - b.im).refused_with(&self).refused_with(&b)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let re = match self.im == 0.0 || b.im == 0.0 {
            true => self.re * b.re,
            false => self.re * b.re - self.im * b.im,
        };
        let im = times(self.re, b.im) + times(b.re, self.im);
        Complex::new(re, im).refused_with(&self).refused_with(&b)
    }
}

/// By Smith's method, which does not overflow on the way.
impl Div for Complex {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let quotient = if b.im == 0.0 {
            Complex::new(self.re / b.re, if self.im == 0.0 { 0.0 } else { self.im / b.re })
        } else if b.re.abs() >= b.im.abs() {
            let r = b.im / b.re;
            let below = b.re + b.im * r;
            Complex::new((self.re + self.im * r) / below, (self.im - self.re * r) / below)
        } else {
            let r = b.re / b.im;
            let below = b.re * r + b.im;
            Complex::new((self.re * r + self.im) / below, (self.im * r - self.re) / below)
        };
        quotient.refused_with(&self).refused_with(&b).at_distance(b.re, b.im)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Complex { re: -self.re, im: -self.im, ..self }
    }
}

impl Number for Complex {
    fn of(x: f64) -> Self {
        Complex::new(x, 0.0)
    }
    fn value(&self) -> f64 {
        self.re
    }
    /// Of real numbers alone.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.im == 0.0 && other.im == 0.0 { self.re.partial_cmp(&other.re) } else { None }
    }
    fn elementary(&self, f: Elementary) -> Self {
        let (x, one) = (*self, Complex::new(1.0, 0.0));
        if x.im == 0.0 {
            return Complex::new(x.re.elementary(f), 0.0).of_one(self);
        }
        match f {
            Elementary::Exp => x.exp(),
            // e^x·cos y − 1 = (e^x − 1)·cos y − 2·sin²(y/2).
            Elementary::ExpM1 => {
                let half = (0.5 * x.im).sin();
                let re = x.re.exp_m1() * x.im.cos() - 2.0 * half * half;
                Complex::new(re, x.re.exp() * x.im.sin()).of_one(self)
            }
            // The logarithm and the root of a negative number are no real numbers.
            Elementary::Ln | Elementary::Sqrt if x.re < 0.0 => NO_NUMBER.of_one(self),
            Elementary::Ln1p if x.re < -1.0 => NO_NUMBER.of_one(self),
            Elementary::Ln => x.ln().at_distance(x.re, x.im),
            Elementary::Ln1p => x.ln_1p().at_distance(1.0 + x.re, x.im),
            Elementary::Sqrt => x.sqrt().at_distance(x.re, x.im),
            Elementary::Sin => Complex::new(x.re.sin() * x.im.cosh(), x.re.cos() * x.im.sinh()).of_one(self),
            Elementary::Cos => Complex::new(x.re.cos() * x.im.cosh(), -x.re.sin() * x.im.sinh()).of_one(self),
            Elementary::Tanh => x.tanh(),
            Elementary::Sigmoid if x.re < 0.0 => x.exp() / (one + x.exp()),
            Elementary::Sigmoid => one / (one + (-x).exp()),
            Elementary::Softplus if x.re > 0.0 => x + (-x).exp().ln_1p(),
            Elementary::Softplus => x.exp().ln_1p(),
            Elementary::Erf => special::erf(self),
            Elementary::NormalCdf => special::normal_cdf(self),
        }
    }
    fn power(&self, p: &Self) -> Self {
        if self.im == 0.0 && p.im == 0.0 {
            return Complex::new(self.re.powf(p.re), 0.0).refused_with(self).refused_with(p);
        }
        // Of a negative base a whole power is real, and its logarithm is not.
        if p.im == 0.0 && p.re.fract() == 0.0 && p.re.abs() < 1e15 {
            return super::number::whole_power(self, p.re as i64).refused_with(p);
        }
        if self.re < 0.0 {
            return NO_NUMBER.refused_with(self).refused_with(p);
        }
        let power = (*p * self.ln()).exp();
        if p.re < 1.0 { power.at_distance(self.re, self.im) } else { power }
    }
    /// By the arc tangent of the quotient that is not above 1.
    fn atan2(&self, x: &Self) -> Self {
        let angle = match (self.im == 0.0 && x.im == 0.0, x.re.abs() >= self.re.abs()) {
            (true, _) => 0.0,
            (false, true) => imaginary_of_atan(*self / *x),
            (false, false) => -imaginary_of_atan(*x / *self),
        };
        Complex::new(self.re.atan2(x.re), angle).refused_with(self).refused_with(x)
    }
    fn constant(&self) -> Self {
        Complex { im: 0.0, ..*self }
    }
    fn vanishes(&self) -> bool {
        self.re == 0.0 && self.im == 0.0
    }
    fn unordered(self) -> Self {
        match self.im == 0.0 && self.re.is_nan() {
            true => self,
            false => Complex { refused: self.refused.or(Some(Refusal::NotAnalytic)), ..self },
        }
    }
    fn refusal(&self) -> Option<Refusal> {
        self.refused
    }
}
