//! Functions of one number, and sums, of the kind activations and losses are made of.
//!
//! Every function is accurate *relative to its result* wherever that result is representable: at
//! both ends of the exponent range no digit is lost to `1 − (nearly 1)`, to a subnormal
//! intermediate value or to a rounded argument of `exp`, nor next to a root (of silu′, say) to
//! terms that cancel there. NaN in gives NaN out, which is why `max` and `min` of the standard
//! library are not used here.

use crate::Scalar;
use crate::numbers::kernel::simd::vectorised;
use crate::numbers::kernel::vector_math::zeros;

/// Beyond this, e^(−x²/4) is 0: the tails of φ, Φ and of the two GELUs are reached.
const NORMAL_LIMIT: f64 = 64.0;

#[inline]
fn number<T: Scalar>(x: f64) -> T {
    T::from_f64(x)
}

/// A function of one number for each of a slice, compiled for the best instruction set.
#[inline(always)]
pub(crate) fn each<T: Scalar>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    vectorised(
        #[inline(always)]
        move || {
            for (out, &x) in out.iter_mut().zip(x) {
                *out = f(x);
            }
        },
    );
}

// ---- Arithmetic in twice the precision
// --------------------------------------------------------------------
//
// e^z turns a relative error ε of z into |z|·ε, some hundreds of ulps at the far ends. Where z is
// itself computed, its rounding error is therefore carried along and applied as a factor: e^(z + ε)
// ≈ e^z·(1 + ε).

/// x + y and its rounding error (Knuth).
#[inline]
fn two_sum<T: Scalar>(x: T, y: T) -> (T, T) {
    let sum = x + y;
    let y_part = sum - x;
    (sum, (x - (sum - y_part)) + (y - y_part))
}

/// x·y and its rounding error (Dekker, Veltkamp); exact unless something overflows or underflows.
#[inline]
fn two_product<T: Scalar>(x: T, y: T) -> (T, T) {
    let (x_high, x_low) = halves(x);
    let (y_high, y_low) = halves(y);
    let product = x * y;
    let error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low;
    (product, error)
}

/// x as the sum of two numbers of half as many digits.
#[inline]
fn halves<T: Scalar>(x: T) -> (T, T) {
    // 2^⌈digits/2⌉ + 1, for the 53 digits of an f64 and the 24 of an f32.
    let splitter = number::<T>(if T::EPSILON.to_f64() < 1e-10 { 134_217_729.0 } else { 4097.0 });
    let scaled = splitter * x;
    let high = scaled - (scaled - x);
    (high, x - high)
}

/// `(h, g)` with h = e^(−|z+ε|/2) and g = h for z < 0, else 1, so that σ(z+ε) = g·g/(1 + h·h).
///
/// The root of e^z, as e^z itself may be subnormal where x·e^z is not: multiply by one g, then by
/// the other.
#[inline]
fn sigmoid_roots(z: f64, error: f64) -> (f64, f64) {
    let h = (-0.5 * z.abs()).exp();
    if z < 0.0 {
        let h = h + h * (0.5 * error);
        (h, h)
    } else {
        (h - h * (0.5 * error), 1.0)
    }
}

/// σ(z) + v·σ(z)·σ(−z), the derivative of x·σ(z) where v = x·z′, of the roots of σ(z).
#[inline]
fn gate_derivative(v: f64, h: f64, g: f64, z: f64) -> f64 {
    let t = h * h;
    let v = if z < 0.0 { v } else { v * t };
    let d = 1.0 + t;
    g * (((1.0 + v) + t) / (d * d)) * g
}

// ---- The logistic function and its relatives
// --------------------------------------------------------------

/// ln(1 + eˣ).
#[inline]
pub(crate) fn softplus<T: Scalar>(x: T) -> T {
    let log = (-x.abs()).exp().ln_1p();
    if x > T::ZERO { x + log } else { log }
}

// ---- Piecewise functions
// ----------------------------------------------------------------------------------

/// x if x > 0, else 0.
#[inline]
pub(crate) fn relu<T: Scalar>(x: T) -> T {
    if x <= T::ZERO { T::ZERO } else { x }
}

/// 1 if x > 0, else 0; 0 at 0.
#[inline]
pub(crate) fn relu_derivative<T: Scalar>(x: T) -> T {
    leaky_relu_derivative(x, T::ZERO)
}

/// x if x > 0, else slope·x, which for a slope of 0 is −0 even at −∞.
#[inline]
pub(crate) fn leaky_relu<T: Scalar>(x: T, slope: T) -> T {
    let left = if slope == T::ZERO && x == -T::INFINITY { -slope } else { slope * x };
    if x > T::ZERO { x } else { left }
}

/// 1 if x > 0, else slope; slope at 0.
#[inline]
pub(crate) fn leaky_relu_derivative<T: Scalar>(x: T, slope: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x <= T::ZERO {
        slope
    } else {
        x
    }
}

/// x, and 0 where it is subnormal.
#[inline]
pub(crate) fn normal_or_zero<T: Scalar>(x: T) -> T {
    let least = if T::EPSILON.to_f64() < 1e-10 { f64::MIN_POSITIVE } else { f32::MIN_POSITIVE.into() };
    if x.abs() < number(least) { T::ZERO } else { x }
}

/// −1, ±0 or 1, as x is; ±0 keeps its sign.
#[inline]
pub(crate) fn sign<T: Scalar>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        x
    }
}

/// The number of `[low, high]` nearest to x; NaN stays NaN.
#[inline]
pub(crate) fn clamp<T: Scalar>(x: T, low: T, high: T) -> T {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// 1 if x is in `[low, high]`, else 0; NaN stays NaN.
#[inline]
pub(crate) fn in_range<T: Scalar>(x: T, low: T, high: T) -> T {
    if x < low || x > high {
        T::ZERO
    } else if x.is_nan() {
        x
    } else {
        T::ONE
    }
}

// ---- Powers
// -----------------------------------------------------------------------------------------------

/// xᵖ. The powers that have an operation of their own are computed by it.
#[inline]
pub(crate) fn power_into<T: Scalar>(x: &[T], p: T, out: &mut [T]) {
    if p == number(2.0) {
        each(
            x,
            out,
            #[inline(always)]
            |x| x * x,
        );
    } else if p == number(-1.0) {
        each(
            x,
            out,
            #[inline(always)]
            |x| T::ONE / x,
        );
    } else {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = x.powf(p));
    }
}

/// xⁿ. Up to |n| = 4 by multiplications, of which each adds half an ulp; beyond by a power in f64,
/// which has n exactly: f32 ends with 2²⁴, from where on it does not tell odd from even.
#[inline]
pub(crate) fn whole_power_into<T: Scalar>(x: &[T], n: i64, out: &mut [T]) {
    #[inline(always)]
    fn square<T: Scalar>(x: T) -> T {
        x * x
    }
    #[inline(always)]
    fn inverse<T: Scalar>(x: T) -> T {
        T::ONE / x
    }
    match n {
        1 => out.copy_from_slice(x),
        2 => each(x, out, square),
        3 => each(
            x,
            out,
            #[inline(always)]
            |x| square(x) * x,
        ),
        4 => each(
            x,
            out,
            #[inline(always)]
            |x| square(square(x)),
        ),
        -1 => each(x, out, inverse),
        // The square of x may be subnormal where that of its inverse is finite.
        -2 => each(
            x,
            out,
            #[inline(always)]
            |x| square(inverse(x)),
        ),
        _ => out.iter_mut().zip(x).for_each(|(out, x)| *out = number(x.to_f64().powf(n as f64))),
    }
}

// ---- GELU by tanh
// -----------------------------------------------------------------------------------------

/// 2·√(2/π).
const GELU_LINEAR: (f64, f64) = (1.5957691216057308, -9.96930880911092e-17);
/// 2·√(2/π)·0.044715, of the decimal number and not of its nearest `f32`.
const GELU_CUBIC: (f64, f64) = (0.07135481627260025, -6.175149918155315e-19);

/// z(x) = 2u = 2·√(2/π)·(x + 0.044715·x³) and its rounding error.
#[inline]
fn gelu_exponent(x: f64) -> (f64, f64) {
    let (square, square_error) = two_product(x, x);
    let (product, error) = two_product(GELU_CUBIC.0, square);
    let product_error = error + GELU_CUBIC.0 * square_error + GELU_CUBIC.1 * square;
    let (sum, error) = two_sum(GELU_LINEAR.0, product);
    let sum_error = error + GELU_LINEAR.1 + product_error;
    let (z, error) = two_product(x, sum);
    (z, error + x * sum_error)
}

/// z′(x) = 2·√(2/π)·(1 + 3·0.044715·x²).
#[inline]
fn gelu_exponent_derivative(x: f64) -> f64 {
    GELU_LINEAR.0 + 3.0 * GELU_CUBIC.0 * (x * x)
}

/// x·σ(2u) = ½x·(1 + tanh u), u = √(2/π)·(x + 0.044715·x³). Like its derivatives in f64 for both
/// types: the exponential is that of the standard library in either.
#[inline]
pub(crate) fn gelu_tanh<T: Scalar>(x: T) -> T {
    let x = x.to_f64();
    let y = clamp(x, -NORMAL_LIMIT, NORMAL_LIMIT);
    let (z, error) = gelu_exponent(y);
    let (h, g) = sigmoid_roots(z, error);
    let factor = if x < 0.0 { y } else { x };
    number(factor * g / (1.0 + h * h) * g)
}

/// σ(z) + x·σ(z)·σ(−z)·z′, z = 2u.
#[inline]
pub(crate) fn gelu_tanh_derivative<T: Scalar>(x: T) -> T {
    number(zeros::GELU_TANH_DERIVATIVE.or(x.to_f64(), |x| {
        let y = clamp(x, -NORMAL_LIMIT, NORMAL_LIMIT);
        let (z, error) = gelu_exponent(y);
        let (h, g) = sigmoid_roots(z, error);
        gate_derivative(y * gelu_exponent_derivative(y), h, g, z)
    }))
}

/// σ(z)·σ(−z)·(2z′ + x·z″ + x·z′²·(σ(−z) − σ(z))), z = 2u.
#[inline]
pub(crate) fn gelu_tanh_second_derivative<T: Scalar>(x: T) -> T {
    number(zeros::GELU_TANH_SECOND_DERIVATIVE.or(x.to_f64().abs(), |x| {
        let y = clamp(x, 0.0, NORMAL_LIMIT);
        let (z, error) = gelu_exponent(y);
        let (h, _) = sigmoid_roots(z, error);
        let t = h * h;
        let d = 1.0 + t;
        // The terms are up to three times the sum: what rounding takes from z′² is given back.
        let (square, square_error) = two_product(y, y);
        let (product, error) = two_product(3.0 * GELU_CUBIC.0, square);
        let (first, lost) = two_sum(GELU_LINEAR.0, product);
        let lost = lost + (error + 3.0 * GELU_CUBIC.0 * square_error + GELU_LINEAR.1);
        let (first_square, error) = two_product(first, first);
        let (factor, lost_of_factor) = two_product(y, first_square);
        let factor_error = lost_of_factor + y * (error + 2.0 * first * lost);
        let difference = 2.0 * t / d - 1.0;
        let (negative, error) = two_product(factor, difference);
        let (sum, rest) = two_sum(2.0 * (first + product), negative);
        let bracket = sum + (rest + (error + factor_error * difference + 2.0 * lost));
        h * (bracket / (d * d)) * h
    }))
}

// ---- The normal distribution
// ------------------------------------------------------------------------------

/// e^(−c·x²), with the rounding error of x² put right.
#[inline]
fn gaussian<T: Scalar>(x: T, c: f64) -> T {
    let y = clamp(x, number(-NORMAL_LIMIT), number(NORMAL_LIMIT));
    let (square, error) = two_product(y, y);
    let c = number::<T>(c);
    let e = (-(c * square)).exp();
    e - e * (c * error)
}

/// 1/√(2π).
const PHI_0: f64 = 0.3989422804014327;

/// φ(x) = e^(−x²/2)/√(2π).
#[inline]
pub(crate) fn normal_pdf<T: Scalar>(x: T) -> T {
    number::<T>(PHI_0) * gaussian(x, 0.5)
}

/// erf′(x) = 2/√π·e^(−x²).
#[inline]
pub(crate) fn erf_derivative<T: Scalar>(x: T) -> T {
    number::<T>(std::f64::consts::FRAC_2_SQRT_PI) * gaussian(x, 1.0)
}

/// √2, √3 and √½ to twice the digits.
const ROOT_2: (f64, f64) = (std::f64::consts::SQRT_2, -9.667293313452913e-17);
const ROOT_3: (f64, f64) = (1.7320508075688772, 1.0035084221806903e-16);
const ROOT_HALF: (f64, f64) = (std::f64::consts::FRAC_1_SQRT_2, -4.833646656726457e-17);

/// x² − r², next to its zeros too.
#[inline]
fn square_minus(x: f64, (high, low): (f64, f64)) -> f64 {
    let x = x.abs();
    ((x - high) - low) * (x + high)
}

/// Hermite's polynomials of degrees n and n + 2: h₀ = 1, h₁ = s·x, h₂ = s·(x·h₁ − h₀), h₃ = s·(x·h₂
/// − 2·h₁), …
#[inline]
fn hermite(n: u32, s: f64, x: f64) -> (f64, f64) {
    let (mut before, mut h) = (0.0, 1.0);
    let mut next = |k: u32| {
        (before, h) = (h, s * (x * h - f64::from(k) * before));
        before
    };
    (0..n).for_each(|k| _ = next(k));
    let low = next(n);
    next(n + 1);
    (low, h)
}

/// ±c·p(x)·e^(−bx²), 0 where e^(−bx²) is. Far out the exponential comes as two roots: it may be
/// subnormal where the product is not. In f64 for both types, as the exponential is that of the
/// standard library in either.
#[inline]
fn damped<T: Scalar>(x: T, b: f64, is_negative: bool, c: f64, p: impl Fn(f64) -> f64) -> T {
    let y = clamp(x.to_f64(), -NORMAL_LIMIT, NORMAL_LIMIT);
    let product = if y.abs() < 20.0 {
        c * p(y) * gaussian(y, b)
    } else {
        let root = gaussian(y, b / 2.0);
        root * (c * p(y) * root)
    };
    number(if is_negative { -product } else { product })
}

/// The derivative of order 1 + k of φ: (−1)¹⁺ᵏ·He₁₊ₖ(x)·φ(x).
#[inline]
pub(crate) fn normal_pdf_higher<T: Scalar>(x: T, k: u32) -> T {
    damped(x, 0.5, k.is_multiple_of(2), PHI_0, |x| match k {
        0 => x,
        1 => (x - 1.0) * (x + 1.0),
        2 => x * square_minus(x, ROOT_3),
        _ => hermite(k - 1, 1.0, x).1,
    })
}

/// The derivative of order 2 + k of erf: (−1)¹⁺ᵏ·H₁₊ₖ(x)·2/√π·e^(−x²).
#[inline]
pub(crate) fn erf_higher<T: Scalar>(x: T, k: u32) -> T {
    damped(x, 1.0, k.is_multiple_of(2), std::f64::consts::FRAC_2_SQRT_PI, |x| match k {
        0 => x + x,
        1 => 4.0 * square_minus(x, ROOT_HALF),
        _ => hermite(k - 1, 2.0, x).1,
    })
}

/// The derivative of order 2 + k of x·Φ(x): (−1)¹⁺ᵏ·(He₂₊ₖ(x) − Heₖ(x))·φ(x).
#[inline]
pub(crate) fn gelu_erf_higher<T: Scalar>(x: T, k: u32) -> T {
    damped(x, 0.5, k.is_multiple_of(2), PHI_0, |x| match k {
        0 => square_minus(x, ROOT_2),
        1 => x * (x - 2.0) * (x + 2.0),
        _ => {
            let (low, high) = hermite(k, 1.0, x);
            high - low
        }
    })
}

/// x·Φ(x) = ½x·erfc(−x/√2).
#[inline]
pub(crate) fn gelu_erf<T: Scalar>(x: T) -> T {
    let x = x.to_f64();
    T::from_f64(if x < TAIL { tail(x, |_, series| -series) } else { x * cdf(x) })
}

/// Φ(x) + x·φ(x).
#[inline]
pub(crate) fn gelu_erf_derivative<T: Scalar>(x: T) -> T {
    number(zeros::GELU_DERIVATIVE.or(x.to_f64(), |x| {
        let x = clamp(x, -NORMAL_LIMIT, NORMAL_LIMIT);
        if x < TAIL { tail(x, |x, series| x - series / x) } else { cdf(x) + x * normal_pdf(x) }
    }))
}

/// Below this the series of [`tail`] is exact to the last digit.
const TAIL: f64 = -30.0;

/// Φ(x), in f64 for both number types: its cost is that of `erfc` in either.
#[inline]
fn cdf(x: f64) -> f64 {
    let y = clamp(-x, -NORMAL_LIMIT, NORMAL_LIMIT);
    let (z, error) = two_product(y, std::f64::consts::FRAC_1_SQRT_2);
    let error = error + y * -4.833646656726457e-17; // 1/√2 is known to twice as many digits
    let erfc = Scalar::erfc(z);
    // erfc′/erfc is about −2z where the error counts, which is at large z.
    let correction = if z > 0.0 { 2.0 * z * error } else { 0.0 };
    0.5 * (erfc - erfc * correction)
}

/// φ(x)·f(x, S) for x < [`TAIL`], where Φ(x) = φ(x)·S/|x| and S = 1 − 1/x² + 3/x⁴ − 15/x⁶ + …
///
/// φ is multiplied in as two roots: Φ(x) and φ(x) are subnormal where x·Φ(x) and x·φ(x) are not.
#[inline]
fn tail(x: f64, f: impl Fn(f64, f64) -> f64) -> f64 {
    let y = clamp(x, -NORMAL_LIMIT, NORMAL_LIMIT);
    let r = 1.0 / (y * y);
    let mut series = 1.0;
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = 1.0 - odd * r * series;
    }
    let root = gaussian(y, 0.25);
    root * (PHI_0 * f(y, series)) * root
}

// ---- Losses
// -----------------------------------------------------------------------------------------------

/// −(y·ln a + (1−y)·ln(1−a)), where 0·ln 0 = 0.
#[inline]
pub(crate) fn log_loss<T: Scalar>(y: T, a: T) -> T {
    let term = |c: T, log: T| if c == T::ZERO && log == -T::INFINITY { T::ZERO } else { c * log };
    T::ZERO - (term(y, a.ln()) + term(T::ONE - y, (-a).ln_1p()))
}

/// The log-loss of a = σ(z): (1−y)·ln(1 + eᶻ) + y·ln(1 + e⁻ᶻ), where a coefficient 0 makes its term
/// 0.
#[inline]
#[cfg_attr(not(test), expect(dead_code, reason = "the reference of the loop over slices"))]
pub(crate) fn log_loss_logits<T: Scalar>(y: T, z: T) -> T {
    log_loss_terms(y, softplus(z), softplus(-z))
}

/// The log-loss from `up` = ln(1 + eᶻ) and `down` = ln(1 + e⁻ᶻ).
#[inline]
pub(crate) fn log_loss_terms<T: Scalar>(y: T, up: T, down: T) -> T {
    let term = |c: T, log: T| if c == T::ZERO && log == T::INFINITY { T::ZERO } else { c * log };
    term(T::ONE - y, up) + term(y, down)
}

// ---- Sums
// -------------------------------------------------------------------------------------------------

/// Numbers that are summed side by side, so that the compiler can use vectors.
pub(super) const LANES: usize = 16;
/// The longest slice that is summed without being cut in two.
const BLOCK: usize = 512;

/// Σ f(x). Blocks of [`BLOCK`] are summed in [`LANES`] lanes and the blocks in pairs, an order that
/// depends on the length alone; the error grows with the logarithm of the length.
#[inline]
pub(crate) fn sum_of<T: Scalar>(x: &[T], f: impl Fn(T) -> T + Copy) -> T {
    if x.len() > BLOCK {
        let (left, right) = x.split_at(middle(x.len()));
        return sum_of(left, f) + sum_of(right, f);
    }
    let mut lanes = [T::ZERO; LANES];
    let mut chunks = x.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    let rest = chunks.remainder();
    // A loop of known length keeps the lanes in registers.
    for (i, lane) in lanes.iter_mut().enumerate() {
        if let Some(&x) = rest.get(i) {
            *lane += f(x);
        }
    }
    sum_of_lanes(lanes)
}

/// Where a slice longer than a block is cut: after a whole number of blocks.
#[inline]
fn middle(length: usize) -> usize {
    (length / 2).next_multiple_of(BLOCK)
}

#[inline]
fn sum_of_lanes<T: Scalar>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Σ x; 0 of nothing.
#[inline]
pub(crate) fn sum<T: Scalar>(x: &[T]) -> T {
    sum_of(x, |x| x)
}

/// The greater of two, NaN if one is.
#[inline(always)]
pub(crate) fn greater<T: Scalar>(m: T, x: T) -> T {
    if m > x || m.is_nan() { m } else { x }
}

/// The smaller of two, NaN if one is.
#[inline(always)]
pub(crate) fn smaller<T: Scalar>(m: T, x: T) -> T {
    if m < x || m.is_nan() { m } else { x }
}

/// The size of x, if it is greater than m, a size.
#[inline(always)]
pub(crate) fn greater_size<T: Scalar>(m: T, x: T) -> T {
    greater(m, x.abs())
}

/// All of x, one after the other, in lanes that are put together in the end.
#[inline(always)]
pub(super) fn folded<T: Scalar>(x: &[T], start: T, with: impl Fn(T, T) -> T) -> T {
    let mut lanes = [start; LANES];
    let mut chunks = x.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = with(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = with(*lane, x);
    }
    lanes.into_iter().fold(start, with)
}

#[cfg(test)]
#[path = "functions_tests.rs"]
#[allow(clippy::approx_constant)] // a reference value is data, even where it is ln 2
mod tests;
