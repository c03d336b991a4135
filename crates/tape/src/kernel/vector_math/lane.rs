//! Functions of one number, without branches: a loop over one of them, in a function that is compiled for an instruction
//! set, becomes a loop over vectors. Only [`sin`] and [`cos`] branch, where the angle is large.

use super::real::Real;

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

/// tanh x = −t/(2 + t), t = e^(−2|x|) − 1.
#[inline(always)]
pub(crate) fn tanh<T: Real, const F: bool>(x: T) -> T {
    let t = (T::of(-2.0) * x.magnitude()).exponential::<F>().minus_one::<F>();
    (t / (T::of(2.0) + t)).with_sign_of(x)
}

/// tanh′(x) = 4·e^(−2|x|)/(1 + e^(−2|x|))².
#[inline(always)]
pub(crate) fn tanh_derivative<T: Real, const F: bool>(x: T) -> T {
    tanh_and_derivative::<T, F>(x).1
}

/// tanh x and tanh′(x).
#[inline(always)]
pub(crate) fn tanh_and_derivative<T: Real, const F: bool>(x: T) -> (T, T) {
    let e = (T::of(-2.0) * x.magnitude()).exponential::<F>();
    let t = e.minus_one::<F>();
    let d = T::of(2.0) + t;
    ((t / d).with_sign_of(x), e.times::<F>(T::of(4.0)) / (d * d))
}

/// σ(x) = 1/(1 + e⁻ˣ) = eˣ/(1 + eˣ), whichever has a negative exponent.
#[inline(always)]
pub(crate) fn sigmoid<T: Real, const F: bool>(x: T) -> T {
    let t = (-x.magnitude()).exponential::<F>().value::<F>();
    let numerator = if x < T::of(0.0) { t } else { T::of(1.0) };
    numerator / (T::of(1.0) + t)
}

/// σ′(x) = σ(x)·σ(−x).
#[inline(always)]
pub(crate) fn sigmoid_derivative<T: Real, const F: bool>(x: T) -> T {
    sigmoid_and_derivative::<T, F>(x).1
}

/// σ(x) and σ′(x).
#[inline(always)]
pub(crate) fn sigmoid_and_derivative<T: Real, const F: bool>(x: T) -> (T, T) {
    let t = (-x.magnitude()).exponential::<F>().value::<F>();
    let numerator = if x < T::of(0.0) { t } else { T::of(1.0) };
    let d = T::of(1.0) + t;
    (numerator / d, t / (d * d))
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
    let one = T::of(1.0);
    let t = (-x.magnitude()).exponential::<F>().value::<F>();
    let numerator = if x < T::of(0.0) { t } else { one };
    (positive_part(x) + t.log_1p_of_unit::<F>(), numerator / (one + t))
}

/// x·σ(x) and its derivative σ(x)·(1 + x·σ(−x)).
///
/// Left of 0 both are multiplied by the last factor of e^x at the end, since x·eˣ is not yet subnormal where eˣ is.
#[inline(always)]
pub(crate) fn silu_and_derivative<T: Real, const F: bool>(x: T) -> (T, T) {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    let e = (-x.magnitude()).exponential::<F>();
    let t = e.value::<F>();
    let d = one + t;
    let (left, right) = (x < zero, x > -T::EXP_IS_LOST);
    let y = if x < T::EXP_IS_LOST { T::EXP_IS_LOST } else { x };
    let root = e.p.fused::<F>(e.a, e.a);
    let value = if left { y * root } else { x } / d;
    let tilt = if left { y } else { y * t };
    let tilt = if right { zero } else { tilt };
    let slope = ((one + tilt) + t) / (d * d);
    let slope = if left { root * slope } else { slope };
    let last = if left { e.b } else { one };
    (value * last, slope * last)
}

/// x·σ(x).
#[inline(always)]
pub(crate) fn silu<T: Real, const F: bool>(x: T) -> T {
    silu_and_derivative::<T, F>(x).0
}

/// x if x > 0, else α·(eˣ − 1).
#[inline(always)]
pub(crate) fn elu<T: Real, const F: bool>(x: T, alpha: T) -> T {
    elu_and_derivative::<T, F>(x, alpha).0
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
