//! The functions to about a hundred binary digits: numbers are unevaluated sums of two f64.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// high + low, where low is less than half an ulp of high.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double(pub(super) f64, pub(super) f64);

/// m·2ᵏ, of any magnitude.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    pub(super) m: Double,
    pub(super) k: i32,
}

pub(super) const ONE: Double = Double(1.0, 0.0);
const LN_2: [f64; 3] =
    [0.693_147_180_369_123_816, 1.908_214_929_270_587_700e-10, 1.161_222_722_936_253_2e-26];
const HALF_PI: [f64; 4] = [
    1.570_796_326_734_125_614_17,
    6.077_100_506_303_965_976_60e-11,
    2.022_266_248_711_166_455_80e-21,
    8.478_427_660_368_899_569_97e-32,
];
const TWO_BY_ROOT_PI: Double = Double(1.128_379_167_095_512_6, 1.533_545_961_316_588_2e-17);

fn two_sum(x: f64, y: f64) -> Double {
    let sum = x + y;
    let y_part = sum - x;
    Double(sum, (x - (sum - y_part)) + (y - y_part))
}

fn two_product(x: f64, y: f64) -> Double {
    let product = x * y;
    Double(product, x.mul_add(y, -product))
}

impl From<f64> for Double {
    fn from(x: f64) -> Self {
        Double(x, 0.0)
    }
}

impl Add for Double {
    type Output = Double;
    fn add(self, y: Double) -> Double {
        let (high, low) = (two_sum(self.0, y.0), two_sum(self.1, y.1));
        let sum = two_sum(high.0, high.1 + low.0);
        two_sum(sum.0, sum.1 + low.1)
    }
}

impl Neg for Double {
    type Output = Double;
    fn neg(self) -> Double {
        Double(-self.0, -self.1)
    }
}

impl Sub for Double {
    type Output = Double;
    fn sub(self, y: Double) -> Double {
        self + -y
    }
}

impl Mul for Double {
    type Output = Double;
    fn mul(self, y: Double) -> Double {
        let product = two_product(self.0, y.0);
        two_sum(product.0, product.1 + (self.0 * y.1 + self.1 * y.0))
    }
}

impl Div for Double {
    type Output = Double;
    fn div(self, y: Double) -> Double {
        let first = self.0 / y.0;
        let rest = self - y * first.into();
        let second = rest.0 / y.0;
        let rest = rest - y * second.into();
        two_sum(first, second) + (rest.0 / y.0).into()
    }
}

/// 2ᵏ·x, where the result is not subnormal.
pub(super) fn scale(x: f64, k: i32) -> f64 {
    let half = k / 2;
    x * 2.0_f64.powi(half) * 2.0_f64.powi(k - half)
}

impl Double {
    fn times(self, x: f64) -> Double {
        self * x.into()
    }
    fn scaled(self) -> Scaled {
        Scaled { m: self, k: 0 }
    }
}

impl Scaled {
    fn over(self, d: Double) -> Scaled {
        Scaled { m: self.m / d, ..self }
    }
    fn times(self, d: Double) -> Scaled {
        Scaled { m: self.m * d, ..self }
    }
    /// The number, or 0 if it is tiny.
    fn value(self) -> Double {
        if self.k < -900 {
            Double(0.0, 0.0)
        } else {
            Double(scale(self.m.0, self.k), scale(self.m.1, self.k))
        }
    }
}

pub(super) fn from(x: f64) -> Scaled {
    Double::from(x).scaled()
}

/// eˣ = (1 + p)·2ᵏ. Where that is far beyond all numbers, of a number that is so too.
fn exponential(x: Double) -> (Double, i32) {
    let x = if x.0.abs() > 1200.0 { Double(1200.0_f64.copysign(x.0), 0.0) } else { x };
    let k = (x.0 / std::f64::consts::LN_2).round();
    let r = LN_2.iter().fold(x, |r, &part| r - two_product(k, part));
    // e^(r/256) − 1 by Taylor's series, and eight times (1 + p)² − 1 = 2p + p².
    let r = r.times(1.0 / 256.0);
    let mut p = Double(0.0, 0.0);
    for n in (1..=12).rev() {
        p = (p + ONE) * (r / f64::from(n).into());
    }
    for _ in 0..8 {
        p = p.times(2.0) + p * p;
    }
    (p, k as i32)
}

pub(super) fn exp(x: f64) -> Scaled {
    let (p, k) = exponential(x.into());
    Scaled { m: ONE + p, k }
}

pub(super) fn exp_m1(x: f64) -> Scaled {
    let (p, k) = exponential(x.into());
    if k < -100 {
        return (exp(x).value() - ONE).scaled();
    }
    let one = Scaled { m: ONE, k: -k };
    Scaled { m: p + (ONE - one.value()), k }
}

/// ln(1 + f) = 2·artanh(f/(2 + f)) for small f.
fn log_near_one(f: Double) -> Double {
    let s = f / (f + 2.0.into());
    let square = s * s;
    let mut sum = Double(0.0, 0.0);
    for n in (0..40).rev() {
        sum = sum * square + ONE / f64::from(2 * n + 1).into();
    }
    (s * sum).times(2.0)
}

/// ln(1 + f): Newton's step from the logarithm in f64.
fn log_of_one_plus(f: Double) -> Double {
    let x = ONE + f;
    if f.0.abs() < 0.2 {
        return log_near_one(f);
    }
    let y = x.0.ln();
    let (p, k) = exponential(y.into());
    let ratio = Double(scale(x.0, -k), scale(x.1, -k)) / (ONE + p);
    Double::from(y) + log_near_one(ratio - ONE)
}

pub(super) fn ln(x: f64) -> Scaled {
    let lift = if x < 1e-290 { 100.0 } else { 0.0 };
    let x = scale(x, lift as i32);
    let ln_2 = Double(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
    (log_of_one_plus(Double::from(x) - ONE) - ln_2.times(lift)).scaled()
}

pub(super) fn ln_1p(x: f64) -> Scaled {
    log_of_one_plus(x.into()).scaled()
}

pub(super) fn tanh(x: f64) -> Scaled {
    let t = exp_m1(-2.0 * x.abs()).value();
    let tanh = -t / (t + 2.0.into());
    if x < 0.0 { -tanh } else { tanh }.scaled()
}

pub(super) fn tanh_derivative(x: f64) -> Scaled {
    let t = exp(-2.0 * x.abs());
    let d = ONE + t.value();
    t.times(4.0.into()).over(d * d)
}

pub(super) fn sigmoid(x: f64) -> Scaled {
    let t = exp(-x.abs());
    if x < 0.0 { t } else { ONE.scaled() }.over(ONE + t.value())
}

pub(super) fn sigmoid_derivative(x: f64) -> Scaled {
    let t = exp(-x.abs());
    let d = ONE + t.value();
    t.over(d * d)
}

pub(super) fn softplus(x: f64) -> Scaled {
    let t = exp(-x.abs());
    if x < -40.0 {
        // ln(1 + t) = t − t²/2 + …
        return t.times(ONE - t.value().times(0.5));
    }
    let log = log_of_one_plus(t.value());
    if x > 0.0 { log + x.into() } else { log }.scaled()
}

pub(super) fn log_sigmoid(x: f64) -> Scaled {
    softplus(-x).times((-1.0).into())
}

pub(super) fn silu(x: f64) -> Scaled {
    if x < -1100.0 {
        return from(0.0);
    }
    sigmoid(x).times(x.into())
}

pub(super) fn silu_derivative(x: f64) -> Scaled {
    if x < -1100.0 {
        return from(0.0);
    }
    sigmoid(x).times(ONE + sigmoid(-x).value().times(x))
}

/// σ′(x)·(2 + x·(1 − 2σ(x))).
pub(super) fn silu_second_derivative(x: f64) -> Scaled {
    if x.abs() > 1100.0 {
        return from(0.0);
    }
    let tilt = sigmoid(-x).value() - sigmoid(x).value();
    sigmoid_derivative(x).times(ONE + ONE + tilt.times(x))
}

/// By Taylor's series up to 3, beyond that from erfc in f64, where it is less than 2⁻¹⁵.
pub(super) fn erf(x: f64) -> Scaled {
    if x.abs() > 3.0 {
        return two_sum(x.signum(), -x.signum() * libm::erfc(x.abs())).scaled();
    }
    let square = two_product(x, x);
    let mut term = Double::from(x);
    let mut sum = term;
    for n in 1..120 {
        term = -(term * square) / f64::from(n).into();
        sum = sum + term / f64::from(2 * n + 1).into();
    }
    (sum * TWO_BY_ROOT_PI).scaled()
}

/// sin(x + n·π/2) for |x| ≤ 10⁶.
fn sine_turned(x: f64, n: i64) -> Scaled {
    let k = (x * std::f64::consts::FRAC_2_PI).round();
    let r = HALF_PI.iter().fold(Double::from(x), |r, &part| r - two_product(k, part));
    let square = r * r;
    let quadrant = k as i64 + n;
    let mut sum = Double(0.0, 0.0);
    for i in (1..=14).rev() {
        let i = f64::from(2 * i);
        let divisor = if quadrant & 1 == 0 { i * (i + 1.0) } else { i * (i - 1.0) };
        sum = -((ONE + sum) * square) / divisor.into();
    }
    let value = if quadrant & 1 == 0 { r * (ONE + sum) } else { ONE + sum };
    if quadrant & 2 == 0 { value } else { -value }.scaled()
}

pub(super) fn sin(x: f64) -> Scaled {
    sine_turned(x, 0)
}

pub(super) fn cos(x: f64) -> Scaled {
    sine_turned(x, 1)
}
