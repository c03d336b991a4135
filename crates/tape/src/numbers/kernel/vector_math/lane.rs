//! Functions of one number, without branches: a loop over one of them, in a function that is
//! compiled for an instruction set, becomes a loop over vectors. Only [`sin`] and [`cos`] branch,
//! where the angle is large.

use super::real::Real;
use super::zeros;

/// The greater of x and 0; NaN stays NaN.
#[inline(always)]
fn positive_part<T: Real>(x: T) -> T {
    if x < T::of(0.0) { T::of(0.0) } else { x }
}

/// eˣ.
#[inline(always)]
pub(crate) fn exp<T: Real, const F: bool>(x: T) -> T {
    x.exponential::<F>().value::<F>()
}

/// eˣ − 1.
#[inline(always)]
pub(crate) fn exp_m1<T: Real, const F: bool>(x: T) -> T {
    let e = x.exponential::<F>();
    let value = if x > T::ONE_IS_LOST { e.value::<F>() } else { e.minus_one::<F>() };
    value.with_sign_of(x)
}

/// ln x.
#[inline(always)]
pub(crate) fn ln<T: Real, const F: bool>(x: T) -> T {
    let (zero, infinity) = (T::of(0.0), T::of(f64::INFINITY));
    let at_ends = if x == zero { -infinity } else { T::of(f64::NAN) };
    let log = if x < infinity { x.log_positive::<F>() } else { x };
    if x > zero { log } else { at_ends }
}

/// ln(1 + x).
#[inline(always)]
pub(crate) fn ln_1p<T: Real, const F: bool>(x: T) -> T {
    let (one, infinity) = (T::of(1.0), T::of(f64::INFINITY));
    let at_ends = if x == -one { -infinity } else { T::of(f64::NAN) };
    let sum = one + x;
    let lost = if x < one { x - (sum - one) } else { one - (sum - x) };
    let log = if x < infinity { sum.log_plus::<F>(lost).with_sign_of(x) } else { x };
    if x > -one { log } else { at_ends }
}

/// 1 + t for 0 ≤ t ≤ 1, and the part of its square that rounding has lost, in relation to the
/// square.
#[inline(always)]
fn one_plus<T: Real>(t: T) -> (T, T) {
    let d = T::of(1.0) + t;
    let lost = t - (d - T::of(1.0));
    // Within 5 % of 2/d, which is enough for a correction.
    (d, lost * (T::of(2.914) - d))
}

/// c·q = n/(1 + t), where t = e^x for a negative x and n is c·t: so σ(x) is q and σ(−x) is 1 − q.
/// What rounding does to the sum and the quotient is multiplied by t, as c·q = n − t·(c·q).
#[inline(always)]
fn over_one_plus<T: Real, const F: bool>(n: T, t: T) -> T {
    (-t).fused::<F>(n / (T::of(1.0) + t), n)
}

/// tanh x, and 1/(1 + e^(−2|x|)), where m = e^(−2|x|) − 1. tanh |x| = −m/(2 + m) is h + h·tanh |x|
/// with h = −m/2: so what rounding does to the quotient is multiplied by h, which is at most ½.
#[inline(always)]
fn tanh_of<T: Real, const F: bool>(x: T, m: T) -> (T, T) {
    let (h, reciprocal) = (m * T::of(-0.5), T::of(1.0) / (T::of(2.0) + m));
    ((-h).fused::<F>(m * reciprocal, h).with_sign_of(x), reciprocal)
}

/// −2|x|, as a sum: multipliers are what the functions are short of.
#[inline(always)]
fn minus_twice_magnitude<T: Real>(x: T) -> T {
    let negative = -x.magnitude();
    negative + negative
}

/// tanh x.
#[inline(always)]
pub(crate) fn tanh<T: Real, const F: bool>(x: T) -> T {
    tanh_of::<T, F>(x, minus_twice_magnitude(x).exp_m1_of_negative::<F>()).0
}

/// tanh′(x) = 4·q·(1 − q), where q = σ(−2|x|).
#[inline(always)]
pub(crate) fn tanh_derivative<T: Real, const F: bool>(x: T) -> T {
    tanh_and_derivative::<T, F>(x).1
}

/// tanh x and tanh′(x).
#[inline(always)]
pub(crate) fn tanh_and_derivative<T: Real, const F: bool>(x: T) -> (T, T) {
    let e = minus_twice_magnitude(x).exponential_of_negative::<F>();
    let (tanh, reciprocal) = tanh_of::<T, F>(x, e.minus_one::<F>());
    // 4·q, which may be normal where q is not.
    let (n, t) = (e.times_value::<F>(T::of(4.0)), e.value::<F>());
    let q = (-t).fused::<F>(n * reciprocal, n);
    (tanh, (q * T::of(-0.25)).fused::<F>(q, q))
}

/// σ(x) for x ≤ 0.
#[inline(always)]
pub(crate) fn sigmoid_of_negative<T: Real, const F: bool>(x: T) -> T {
    let t = x.exponential_of_negative::<F>().value::<F>();
    over_one_plus::<T, F>(t, t)
}

/// σ(x) = 1/(1 + e⁻ˣ) = eˣ/(1 + eˣ), whichever has a negative exponent.
#[inline(always)]
pub(crate) fn sigmoid<T: Real, const F: bool>(x: T) -> T {
    either_side(x, sigmoid_of_negative::<T, F>(-x.magnitude()))
}

/// σ(x), where q = σ(−|x|).
#[inline(always)]
fn either_side<T: Real>(x: T, q: T) -> T {
    if x < T::of(0.0) { q } else { T::of(1.0) - q }
}

/// σ′(x) = σ(x)·σ(−x).
#[inline(always)]
pub(crate) fn sigmoid_derivative<T: Real, const F: bool>(x: T) -> T {
    sigmoid_and_derivative::<T, F>(x).1
}

/// σ(x) and σ′(x) = q·(1 − q). An error ε of q is one of ε·(1 − 2q)/(1 − q) there.
#[inline(always)]
pub(crate) fn sigmoid_and_derivative<T: Real, const F: bool>(x: T) -> (T, T) {
    let q = sigmoid_of_negative::<T, F>(-x.magnitude());
    (either_side(x, q), (-q).fused::<F>(q, q))
}

/// ln(1 + eˣ).
#[inline(always)]
pub(crate) fn softplus<T: Real, const F: bool>(x: T) -> T {
    softplus_and_derivative::<T, F>(x).0
}

/// ln σ(x) = −ln(1 + e⁻ˣ).
#[inline(always)]
pub(crate) fn log_sigmoid<T: Real, const F: bool>(x: T) -> T {
    -softplus::<T, F>(-x)
}

/// ln(1 + eˣ) and its derivative σ(x).
#[inline(always)]
pub(crate) fn softplus_and_derivative<T: Real, const F: bool>(x: T) -> (T, T) {
    let parts = softplus_parts::<T, F>(x);
    (parts.up, parts.sigmoid)
}

/// What one exponential of x gives.
pub(crate) struct SoftplusParts<T> {
    /// ln(1 + eˣ).
    pub(crate) up: T,
    /// ln(1 + e⁻ˣ).
    pub(crate) down: T,
    /// σ(x).
    pub(crate) sigmoid: T,
    /// σ(−x).
    pub(crate) sigmoid_of_negative: T,
}

/// ln(1 + e^±x) and their derivatives, from e^−|x|.
#[inline(always)]
pub(crate) fn softplus_parts<T: Real, const F: bool>(x: T) -> SoftplusParts<T> {
    let t = (-x.magnitude()).exponential_of_negative::<F>().value::<F>();
    let log = t.log_1p_of_unit::<F>();
    let q = over_one_plus::<T, F>(t, t);
    let (left, rest) = (x < T::of(0.0), T::of(1.0) - q);
    SoftplusParts {
        up: positive_part(x) + log,
        down: positive_part(-x) + log,
        sigmoid: if left { q } else { rest },
        sigmoid_of_negative: if left { rest } else { q },
    }
}

/// x·σ(x) and its derivative σ(x)·(1 + x·σ(−x)).
///
/// Left of 0 both are multiplied by the last factor of e^x at the end, since x·eˣ is not yet
/// subnormal where eˣ is.
#[inline(always)]
pub(crate) fn silu_and_derivative<T: Real, const F: bool>(x: T) -> (T, T) {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    let e = (-x.magnitude()).exponential_of_negative::<F>();
    let t = e.value::<F>();
    let (d, lost_of_square) = one_plus(t);
    let (left, right) = (x < zero, x > -T::EXP_IS_LOST);
    let y = if x < T::EXP_IS_LOST { T::EXP_IS_LOST } else { x };
    let root = one + e.p;
    // What rounding loses of the root and, divided by it, of 1 + t.
    let lost = (e.p - (root - one)) - root * (T::of(0.5) * lost_of_square);
    let value = if left { y.fused::<F>(root, y * lost) * e.a } else { x } / d;
    // 1 + y + t on the left, 1 + (y·t + t) on the right.
    let tilt = if left { one + y } else { y.fused::<F>(t, t) };
    let tilt = if right { zero } else { tilt };
    let sum = tilt + if left { t } else { one };
    let slope = (-lost_of_square).fused::<F>(sum, sum) / (d * d);
    let slope = if left { root * e.a * slope } else { slope };
    let last = if left { e.b } else { one };
    let (near, around) = zeros::SILU_DERIVATIVE.around::<T, F>(x);
    (value * last, if near { around } else { slope * last })
}

/// x·σ(x).
#[inline(always)]
pub(crate) fn silu<T: Real, const F: bool>(x: T) -> T {
    silu_and_derivative::<T, F>(x).0
}

/// silu′(x).
#[inline(always)]
pub(crate) fn silu_derivative<T: Real, const F: bool>(x: T) -> T {
    silu_and_derivative::<T, F>(x).1
}

/// silu″(x) = q·(1 − q)·(2 − |x|·(1 − 2q)), where q = σ(−|x|), since tanh(|x|/2) = 1 − 2q.
///
/// The last factor of q comes last: x·q is not yet subnormal where q is.
#[inline(always)]
pub(crate) fn silu_second_derivative<T: Real, const F: bool>(x: T) -> T {
    let (one, two) = (T::of(1.0), T::of(2.0));
    let x = x.magnitude();
    let x = if x > -T::EXP_IS_LOST { -T::EXP_IS_LOST } else { x };
    let e = (-x).exponential_of_negative::<F>();
    let n = e.p.fused::<F>(e.a, e.a);
    let scaled_q = over_one_plus::<T, F>(n, n * e.b);
    let q = scaled_q * e.b;
    let tilt = (-x).fused::<F>(one - two * q, two);
    let (near, around) = zeros::SILU_SECOND_DERIVATIVE.around::<T, F>(x);
    if near { around } else { (-q).fused::<F>(scaled_q, scaled_q) * tilt * e.b }
}

/// x if x > 0, else α·(eˣ − 1).
#[inline(always)]
pub(crate) fn elu<T: Real, const F: bool>(x: T, alpha: T) -> T {
    elu_and_derivative::<T, F>(x, alpha).0
}

/// 1 if x > 0, else α·eˣ.
#[inline(always)]
pub(crate) fn elu_derivative<T: Real, const F: bool>(x: T, alpha: T) -> T {
    elu_and_derivative::<T, F>(x, alpha).1
}

/// 0 if x > 0, else α·eˣ.
#[inline(always)]
pub(crate) fn elu_second_derivative<T: Real, const F: bool>(x: T, alpha: T) -> T {
    let slope = elu_derivative::<T, F>(x, alpha);
    if x > T::of(0.0) { T::of(0.0) } else { slope }
}

/// x if x > 0, else α·(eˣ − 1), and its derivative 1 or α·eˣ.
#[inline(always)]
pub(crate) fn elu_and_derivative<T: Real, const F: bool>(x: T, alpha: T) -> (T, T) {
    let right = x > T::of(0.0);
    let e = if right { T::of(0.0) } else { x }.exponential::<F>();
    let left = alpha * e.minus_one::<F>().with_sign_of(x);
    (if right { x } else { left }, if right { T::of(1.0) } else { alpha * e.value::<F>() })
}

/// Beyond this, sin and cos are those of the standard library, which are no vector instructions.
pub(crate) const TURNS_KNOWN: f64 = 1e6;

/// Functions of angles up to [`TURNS_KNOWN`].
pub(crate) mod known {
    use super::Real;

    /// sin x.
    #[inline(always)]
    pub(crate) fn sin<T: Real, const F: bool>(x: T) -> T {
        if x == T::of(0.0) { x } else { x.sine_turned::<F>(0) }
    }

    /// cos x.
    #[inline(always)]
    pub(crate) fn cos<T: Real, const F: bool>(x: T) -> T {
        x.sine_turned::<F>(1)
    }
}

/// sin x.
#[inline(always)]
pub(crate) fn sin<T: Real, const F: bool>(x: T) -> T {
    if x.magnitude() > T::of(TURNS_KNOWN) { x.far_sine() } else { known::sin::<T, F>(x) }
}

/// cos x.
#[inline(always)]
pub(crate) fn cos<T: Real, const F: bool>(x: T) -> T {
    if x.magnitude() > T::of(TURNS_KNOWN) { x.far_cosine() } else { known::cos::<T, F>(x) }
}

/// 2/√π · ∫₀ˣ e^(−t²) dt.
#[inline(always)]
pub(crate) fn erf<T: Real, const F: bool>(x: T) -> T {
    x.erf_magnitude::<F>().with_sign_of(x)
}
