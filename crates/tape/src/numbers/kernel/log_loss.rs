//! The log-loss of a = σ(z) and its derivative, elementwise, from one exponential.
//!
//! σ(z) − y is (1 − y)·σ(z) − y·σ(−z), which for the labels 0 and 1 is one of the two and as exact
//! as the sigmoid. For labels between them it cancels where σ(z) is near y, and is computed with
//! twice the digits; where both are equal to many digits, with five times. In f32 an f64 has digits
//! enough, but where both are equal to a dozen binary digits. An element alone decides, and not
//! those beside it: a label of 0 gives the same bits among others of its kind and among soft ones.

use super::fixed;
use super::simd::{Loops, run};
use super::vector_math::Real;
use super::vector_math::lane::{sigmoid_of_negative, softplus_parts};
use crate::Scalar;

/// Whether a label is neither 0 nor 1.
///
/// # Errors
/// The place and the value of one outside [0, 1], NaN included.
pub(crate) fn are_soft<T: Scalar>(y: &[T]) -> Result<bool, (usize, f64)> {
    // Without a way out of the loops they are vector ones; the place is looked for only when there
    // is one.
    if y.iter().fold(true, |all, &y| all & ((y == T::ZERO) | (y == T::ONE))) {
        return Ok(false);
    }
    first_outside_0_to_1(y).map_or(Ok(true), Err)
}

/// The place and the value of the first number outside [0, 1], NaN included.
pub(crate) fn first_outside_0_to_1<T: Scalar>(x: &[T]) -> Option<(usize, f64)> {
    first_without(x, |x| (x >= T::ZERO) & (x <= T::ONE))
}

/// The first number that is not as asked.
#[inline(always)]
pub(crate) fn first_without<T: Scalar>(x: &[T], asked: impl Fn(T) -> bool) -> Option<(usize, f64)> {
    // Without a way out of the loop it is a vector one; the place is looked for only when there is
    // one.
    if x.iter().fold(true, |all, &x| all & asked(x)) {
        return None;
    }
    x.iter().position(|&x| !asked(x)).map(|at| (at, x[at].to_f64()))
}

/// A number type with the log-loss of slices.
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait LogLossMath: Real {
    /// (1 − y)·ln(1 + eᶻ) + y·ln(1 + e⁻ᶻ), where a coefficient 0 makes its term 0.
    fn log_loss_into(y: &[Self], z: &[Self], loss: &mut [Self]);
    /// σ(z) − y, with no digit lost where σ(z) is close to y. `soft` says whether a label may be
    /// neither 0 nor 1.
    fn sigmoid_minus_into(y: &[Self], z: &[Self], soft: bool, slope: &mut [Self]);
    /// The loss, and its derivative σ(z) − y; `soft` as there.
    fn log_loss_and_derivative_into(
        y: &[Self],
        z: &[Self],
        soft: bool,
        loss: &mut [Self],
        slope: &mut [Self],
    );
}

/// Compiled here and not, as generic functions would be, in the crate that uses them, with its
/// optimisation.
macro_rules! log_loss {
    ($($t:ident),*) => {
        $(impl LogLossMath for $t {
            fn log_loss_into(y: &[Self], z: &[Self], loss: &mut [Self]) {
                assert_eq!([y.len(), z.len()], [loss.len(); 2], "log_loss: the lengths differ");
                run(Loss(y, z, loss));
            }
            fn sigmoid_minus_into(y: &[Self], z: &[Self], soft: bool, slope: &mut [Self]) {
                assert_eq!([y.len(), z.len()], [slope.len(); 2], "σ(z) − y: the lengths differ");
                run(Slope(y, z, slope));
                if soft {
                    soften(y, z, slope);
                }
            }
            fn log_loss_and_derivative_into(
                y: &[Self],
                z: &[Self],
                soft: bool,
                loss: &mut [Self],
                slope: &mut [Self],
            ) {
                assert_eq!([y.len(), z.len(), slope.len()], [loss.len(); 3], "log_loss: the lengths differ");
                run(Both(y, z, loss, slope));
                if soft {
                    soften(y, z, slope);
                }
            }
        })*
    };
}

log_loss!(f32, f64);

struct Loss<'a, T>(&'a [T], &'a [T], &'a mut [T]);
struct Slope<'a, T>(&'a [T], &'a [T], &'a mut [T]);
struct Both<'a, T>(&'a [T], &'a [T], &'a mut [T], &'a mut [T]);
/// Gives the slope of soft labels their digits.
struct Soften<'a, T>(&'a [T], &'a [T], &'a mut [T]);

/// The loss and its derivative, the latter for labels that are 0 or 1.
#[inline(always)]
fn lane<T: Real, const F: bool>(y: T, z: T) -> (T, T) {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    let parts = softplus_parts::<T, F>(z);
    // A loss that a label of 0 or 1 rules out is no term, even if it is infinite.
    let term = |c: T, log: T| if (c == zero) & (log == T::of(f64::INFINITY)) { zero } else { c * log };
    let loss = term(one - y, parts.up) + term(y, parts.down);
    let slope = (one - y) * parts.sigmoid - y * parts.sigmoid_of_negative;
    (loss, slope)
}

impl<T: Real> Loops for Loss<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const F: bool>(self) {
        let Loss(y, z, loss) = self;
        for ((&y, &z), loss) in y.iter().zip(z).zip(loss) {
            *loss = lane::<T, F>(y, z).0;
        }
    }
}

impl<T: Real> Loops for Slope<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const F: bool>(self) {
        let Slope(y, z, slope) = self;
        for ((&y, &z), slope) in y.iter().zip(z).zip(slope) {
            *slope = lane::<T, F>(y, z).1;
        }
    }
}

impl<T: Real> Loops for Both<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const F: bool>(self) {
        let Both(y, z, loss, slope) = self;
        for (((&y, &z), loss), slope) in y.iter().zip(z).zip(loss).zip(slope) {
            (*loss, *slope) = lane::<T, F>(y, z);
        }
    }
}

/// σ(z) − y for labels between 0 and 1.
fn soften<T: Soft>(y: &[T], z: &[T], slope: &mut [T]) {
    run(Soften(y, z, slope));
    // What the loop has left open, which is next to nothing.
    for ((&y, &z), slope) in y.iter().zip(z).zip(slope) {
        if is_nan(*slope) && is_soft(y) && !is_nan(z) {
            *slope = T::cancelled(y, z);
        }
    }
}

#[inline(always)]
fn is_soft<T: Real>(y: T) -> bool {
    (y > T::of(0.0)) & (y < T::of(1.0))
}

#[allow(clippy::eq_op)]
fn is_nan<T: Real>(x: T) -> bool {
    x != x
}

/// So many numbers are computed again together, if one of them needs it.
const TOGETHER: usize = 64;

impl<T: Soft> Loops for Soften<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const F: bool>(self) {
        let Soften(y, z, slope) = self;
        for ((y, z), slope) in y.chunks(TOGETHER).zip(z.chunks(TOGETHER)).zip(slope.chunks_mut(TOGETHER)) {
            let mut open = T::of(0.0);
            for ((&y, &z), slope) in y.iter().zip(z).zip(&mut *slope) {
                let quick = T::quick::<F>(y, z);
                *slope = if is_soft(y) { quick } else { *slope };
                open = if is_nan(*slope) { T::of(1.0) } else { open };
            }
            if T::IS_QUICK && open > T::of(0.0) {
                for ((&y, &z), slope) in y.iter().zip(z).zip(slope) {
                    let soft = T::soft::<F>(y, z);
                    *slope = if is_soft(y) & is_nan(*slope) { soft } else { *slope };
                }
            }
        }
    }
}

/// A number type with σ(z) − y for any label y from 0 to 1.
trait Soft: Real {
    /// Whether [`quick`](Self::quick) is another way than [`soft`](Self::soft).
    const IS_QUICK: bool;
    /// NaN where so much cancels that it is left to [`soft`](Self::soft).
    fn quick<const F: bool>(y: Self, z: Self) -> Self;
    /// NaN where so much cancels that it is left to [`cancelled`](Self::cancelled).
    fn soft<const F: bool>(y: Self, z: Self) -> Self;
    fn cancelled(y: Self, z: Self) -> Self;
}

impl Soft for f32 {
    const IS_QUICK: bool = true;
    /// σ(−|z|) of an f64 is off by some 2⁻⁵²: where the label leaves 2⁻¹² of it, the difference is
    /// by 2⁻⁴⁰.
    #[inline(always)]
    fn quick<const F: bool>(y: f32, z: f32) -> f32 {
        let (y, z) = (f64::from(y), f64::from(z));
        let q = sigmoid_of_negative::<f64, F>(-z.abs());
        let left = z < 0.0;
        let difference = q - if left { y } else { 1.0 - y };
        let signed = if left { difference } else { -difference };
        if difference.abs() < q * (1.0 / 4096.0) { f32::NAN } else { signed as f32 }
    }
    /// 2⁻⁶⁸ leaves digits enough for all numbers of this type but for those that [`fixed`] is for.
    #[inline(always)]
    fn soft<const F: bool>(y: f32, z: f32) -> f32 {
        f64::soft::<F>(y.into(), z.into()) as f32
    }
    fn cancelled(y: f32, z: f32) -> f32 {
        f64::cancelled(y.into(), z.into()) as f32
    }
}

/// x as the sum of two numbers of half as many digits.
#[inline(always)]
fn halves(x: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * x; // 2²⁷ + 1
    let high = scaled - (scaled - x);
    (high, x - high)
}

/// 2ᵏ.
#[inline(always)]
fn power_of_two(k: i64) -> f64 {
    f64::from_bits(((k + 1023) << 52).cast_unsigned())
}

/// x·y and what rounding takes from it, for numbers near 1.
#[inline(always)]
fn two_product<const F: bool>(x: f64, y: f64) -> (f64, f64) {
    let product = x * y;
    if F {
        return (product, x.mul_add(y, -product));
    }
    let ((a, b), (c, d)) = (halves(x), halves(y));
    (product, ((a * c - product) + a * d + b * c) + b * d)
}

/// x + y and what rounding takes from it.
#[inline(always)]
fn two_sum(x: f64, y: f64) -> (f64, f64) {
    let sum = x + y;
    let of_y = sum - x;
    (sum, (x - (sum - of_y)) + (y - of_y))
}

/// The same, for |x| ≥ |y|.
#[inline(always)]
fn fast_two_sum(x: f64, y: f64) -> (f64, f64) {
    let sum = x + y;
    (sum, y - (sum - x))
}

/// What exceeds two numbers in ln 2.
const LN_2: [f64; 3] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10, 1.161_222_722_936_253_2e-26];

/// eˣ − 1 for |x| ≤ ½·ln 2, within 2⁻⁶⁸: for x/32 by the series, then (1 + p)² − 1 = 2p + p² five
/// times.
#[inline(always)]
fn exp_m1_of_small<const F: bool>(high: f64, low: f64) -> (f64, f64) {
    let (x, low) = (high / 32.0, low / 32.0);
    let mut series = 1.0 / 362_880.0;
    for c in [1.0 / 40_320.0, 1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0] {
        series = series * x + c;
    }
    let (square, error) = two_product::<F>(x, x);
    let (p, rest) = fast_two_sum(x, 0.5 * square);
    let (mut p, mut rest) = fast_two_sum(p, rest + ((low + x * low) + (0.5 * error + series * (square * x))));
    for _ in 0..5 {
        let (square, error) = two_product::<F>(p, p);
        let (sum, lost) = fast_two_sum(p + p, square);
        (p, rest) = fast_two_sum(sum, lost + ((rest + rest) + (error + (p + p) * rest)));
    }
    (p, rest)
}

impl Soft for f64 {
    const IS_QUICK: bool = false;
    #[inline(always)]
    fn quick<const F: bool>(y: f64, z: f64) -> f64 {
        Self::soft::<F>(y, z)
    }
    #[inline(always)]
    fn soft<const F: bool>(y: f64, z: f64) -> f64 {
        // −|z| = k·ln 2 + r, r in two parts.
        let x = if z.abs() > 760.0 { -760.0 } else { -z.abs() };
        const ROUND: f64 = 1.5 * (1_u64 << 52) as f64;
        let rounded = x * std::f64::consts::LOG2_E + ROUND;
        let k = rounded - ROUND;
        let (multiple, error) = two_product::<F>(k, LN_2[1]);
        let (r, rest) = two_sum(x - k * LN_2[0], -multiple);
        let (p, p_rest) = exp_m1_of_small::<F>(r, rest - (error + k * LN_2[2]));
        // t = e^(−|z|) = e·2ᵏ, and 2ᵏ as two factors, since k goes down to −1097.
        let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
        let half = exponent >> 1;
        let (first, second) = (power_of_two(half), power_of_two(exponent - half));
        let (e, e_rest) = fast_two_sum(1.0, p);
        let e_rest = e_rest + p_rest;
        // q = e/(1 + t), to be multiplied by 2ᵏ.
        let (d, d_rest) = two_sum(1.0, e * first * second);
        let d_rest = d_rest + e_rest * first * second;
        let q = e / d;
        let (back, error) = two_product::<F>(q, d);
        let q_rest = (((e - back) - error) + (e_rest - q * d_rest)) / d;
        let (q, q_rest) = (q * first * second, q_rest * first * second);
        // From q = σ(−|z|) that label is to be taken which belongs to it.
        let left = z < 0.0;
        let (label, label_rest) = if left {
            (y, 0.0)
        } else {
            let rest = 1.0 - y;
            (rest, (1.0 - rest) - y)
        };
        let (difference, lost) = two_sum(q, -label);
        let difference = difference + (lost + (q_rest - label_rest));
        let size = difference.abs();
        // Without a second part, q has its digits only as long as it is no smaller than these.
        let open = (size < q / 16_384.0) | ((q < 1e-289) & (size < 4.0 * q));
        // Around σ(0) = ½ it is p that counts, which keeps its digits.
        let open = open & (y != 0.5);
        let signed = if left { difference } else { -difference };
        if open { f64::NAN } else { signed }
    }
    #[inline(never)]
    fn cancelled(y: f64, z: f64) -> f64 {
        fixed::sigmoid_minus(y, z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::kernel::functions::log_loss_logits;

    fn sigmoid(z: f64) -> f64 {
        let t = (-z.abs()).exp();
        if z < 0.0 { t / (1.0 + t) } else { 1.0 / (1.0 + t) }
    }

    /// The number's bits. NaN has one sign here: a compiler chooses between those of two operands.
    fn bits<T: crate::Scalar>(x: T) -> u64 {
        if x.is_nan() { T::NAN.bits() } else { x.bits() }
    }

    /// The slope alone; it has the same bits beside the loss, and where others are soft.
    fn slope_of<T: LogLossMath + crate::Scalar>(y: &[T], z: &[T]) -> Vec<T> {
        let mut slope = vec![T::ONE; y.len()];
        T::sigmoid_minus_into(y, z, true, &mut slope);
        let (mut loss, mut beside) = (vec![T::ONE; y.len()], vec![T::ONE; y.len()]);
        T::log_loss_and_derivative_into(y, z, true, &mut loss, &mut beside);
        let mut alone = vec![T::ONE; y.len()];
        T::log_loss_into(y, z, &mut alone);
        for i in 0..y.len() {
            let hard = y[i] == T::ZERO || y[i] == T::ONE;
            let mut one = [T::ZERO];
            T::sigmoid_minus_into(&y[i..=i], &z[i..=i], !hard, &mut one);
            assert_eq!((bits(one[0]), bits(loss[i])), (bits(slope[i]), bits(alone[i])));
            assert_eq!(bits(slope[i]), bits(beside[i]));
        }
        slope
    }

    #[test]
    fn labels_that_cancel_keep_all_digits() {
        // From a calculation with 100 digits. The last four are the numbers next to ln(y/(1 − y)).
        for (y, z, expected) in
            [(0.5_f64, -1e-8, -2.5e-9_f64), (0.5, 4e-244, 1.0e-244), (0.5, 800.0, 0.5), (0.25, -800.0, -0.25)]
        {
            let found = slope_of(&[y], &[z])[0];
            assert!((found - expected).abs() <= 2.0 * f64::EPSILON * expected.abs(), "{y} {z}: {found:e}");
        }
        // σ(z) − ½ = ½·tanh(z/2).
        for i in 0..2000 {
            let z = f64::from(i - 1000) * 0.01 + 0.003;
            let expected = 0.5 * (0.5 * z).tanh();
            assert!(
                (slope_of(&[0.5], &[z])[0] - expected).abs() <= 2.0 * f64::EPSILON * expected.abs(),
                "{z}"
            );
        }
    }

    #[test]
    fn what_is_left_open_goes_on_where_it_ends() {
        // At the number next to ln(y/(1 − y)) and those beside it, the slope moves by σ′(z) = y·(1
        // − y) times their distance: half an ulp of each of the two is allowed to be lost, and the
        // change of σ′ between ln(y/(1 − y)) and z.
        for i in 1..4000 {
            let y = f64::from(i) / 4001.0 + 1e-9;
            let near = (y / (1.0 - y)).ln();
            let z: Vec<f64> = (0..5).map(|k| f64::from_bits(near.to_bits() + k)).collect();
            let slope = slope_of(&[y; 5], &z);
            for k in 0..4 {
                let (found, expected) = (slope[k + 1] - slope[k], (z[k + 1] - z[k]) * (y * (1.0 - y)));
                let bend = 8.0 * (z[k + 1] - z[k]).abs() * expected.abs();
                let allowed =
                    f64::EPSILON * (slope[k].abs() + slope[k + 1].abs() + 4.0 * expected.abs()) + bend;
                assert!((found - expected).abs() < allowed, "{y}, {k}: {found:e}, not {expected:e}");
            }
        }
    }

    #[test]
    fn both_ways_agree() {
        // Where little cancels both are right.
        for i in 0..3000 {
            let (y, z) = (f64::from(i % 97 + 1) / 99.0, f64::from(i % 89) * 0.3 - 13.0);
            let (found, exact) = (slope_of(&[y], &[z])[0], fixed::sigmoid_minus(y, z));
            assert!(
                (found - exact).abs() <= 2.0 * f64::EPSILON * exact.abs(),
                "{y} {z}: {found:e} {exact:e}"
            );
            let (y, z) = (y as f32, z as f32);
            let (found, exact) = (slope_of(&[y], &[z])[0], fixed::sigmoid_minus(y.into(), z.into()) as f32);
            assert!((found - exact).abs() <= f32::EPSILON * exact.abs(), "{y} {z}: {found:e} {exact:e}");
        }
        for (y, z) in [(1e-300, -690.0), (1e-300, -691.0), (3e-308, -707.0), (1e-290, -668.0)] {
            let (found, plain) = (slope_of(&[y], &[z])[0], f64::exp(z) - y);
            // eᶻ is within some hundred ulp, since z is rounded.
            assert!((found / plain - 1.0).abs() < 1e-11, "{y:e} {z}: {found:e} {plain:e}");
        }
    }

    /// Labels that are the share to 6, 11, 12, 13, … binary digits, and the share itself, rounded.
    #[test]
    fn of_few_digits_what_cancels_keeps_them_all() {
        let (mut y, mut z) = (Vec::new(), Vec::new());
        for i in 0..400_u32 {
            let of = f64::from(i % 61) * 0.47 - 14.0 + f64::from(i) * 1e-3;
            let share = sigmoid(f64::from(of as f32));
            for bits in [6, 11, 12, 13, 18, 23, 40] {
                y.push((share * (1.0 - 0.5_f64.powi(bits))) as f32);
                z.push(of as f32);
            }
        }
        for ((&y, &z), found) in y.iter().zip(&z).zip(slope_of(&y, &z)) {
            let exact = fixed::sigmoid_minus(y.into(), z.into()) as f32;
            assert!((found - exact).abs() <= f32::EPSILON * exact.abs(), "{y} {z}: {found:e} {exact:e}");
        }
    }

    #[test]
    fn without_fused_multiply_add_as_with_it() {
        for i in 0..3000 {
            let (y, z) = (f64::from(i % 97 + 1) / 99.0, f64::from(i % 89) * 0.3 - 13.0);
            let [with, without] = [f64::soft::<true>(y, z), f64::soft::<false>(y, z)];
            assert!(with.is_nan() || (with - without).abs() <= 2.0 * f64::EPSILON * with.abs(), "{y} {z}");
        }
    }

    #[test]
    fn other_labels_are_no_ones_business() {
        let y = [0.0, 1.0, 0.3, 0.0, 1.0, 0.5, f64::NAN, 0.25, 0.0];
        let z = [3.0, -40.0, -0.8472978603872036, f64::NAN, 745.0, 0.0, 1.0, f64::INFINITY, -f64::INFINITY];
        let slope = slope_of(&y, &z[..9]);
        assert!(slope[3].is_nan() && slope[6].is_nan() && slope[2].abs() < 1e-16 && slope[2] != 0.0);
        assert_eq!([slope[5], slope[7], slope[8]], [0.0, 0.75, 0.0]);
        let mut hard = [0.0; 2];
        f64::sigmoid_minus_into(&y[..2], &z[..2], false, &mut hard);
        assert_eq!(hard, slope[..2]);
    }

    #[test]
    fn loss_and_slope_agree_with_the_functions_of_one_number() {
        let z = [-1e4, -745.0, -40.0, -1.0, -1e-300, 0.0, 1e-9, 0.5, 20.0, 40.0, 745.0, 1e4, f64::INFINITY];
        for y in [0.0, 0.25, 0.5, 1.0] {
            let (mut loss, mut slope) = ([f64::NAN; 13], [f64::NAN; 13]);
            f64::log_loss_and_derivative_into(&[y; 13], &z, true, &mut loss, &mut slope);
            let (mut alone, mut slope_alone) = ([f64::NAN; 13], [f64::NAN; 13]);
            f64::log_loss_into(&[y; 13], &z, &mut alone);
            f64::sigmoid_minus_into(&[y; 13], &z, true, &mut slope_alone);
            assert_eq!((loss, slope), (alone, slope_alone));
            for (i, &z) in z.iter().enumerate() {
                let expected = log_loss_logits(y, z);
                let close = (loss[i] - expected).abs() <= 4.0 * f64::EPSILON * expected.abs();
                assert!(loss[i] == expected || close, "y = {y}, z = {z}: {}, not {expected}", loss[i]);
                let expected = (1.0 - y) * sigmoid(z) - y * sigmoid(-z);
                let size = (1.0 - y) * sigmoid(z) + y * sigmoid(-z);
                assert!((slope[i] - expected).abs() <= 4.0 * f64::EPSILON * size, "y = {y}, z = {z}");
            }
        }
        let mut slope = [0.0];
        f64::sigmoid_minus_into(&[1.0], &[40.0], false, &mut slope);
        assert_eq!(slope, [-4.248354255291589e-18]);
        let (mut loss, mut slope) = ([0.0_f32; 2], [0.0_f32; 2]);
        f32::log_loss_and_derivative_into(&[f32::NAN, 0.5], &[1.0, f32::NAN], true, &mut loss, &mut slope);
        assert!(loss.iter().chain(&slope).all(|x| x.is_nan()));
    }
}
