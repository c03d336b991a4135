//! Errors in units in the last place.

use super::reference::{self, Scaled, scale};
use super::{Into, PairInto, VectorMath, functions, pairs};
use crate::numbers::kernel::vector_math::{Real, lane};

/// What every function keeps to, but for a second derivative, which is a product of three.
const MOST: f64 = 2.5;
const MOST_OF_SECOND: f64 = 3.5;

/// The slope of the other functions is never 0, that of x·σ(x) is at −1.278, and the slope of that
/// at ±2.4: near there the error is in relation to this, since the sum that vanishes has terms near
/// 1.
const SILU_FLOOR: f64 = 0.25;

/// A function to more digits than an f64 has.
type Exact = fn(f64) -> Scaled;

fn exact(name: &str) -> (Exact, f64) {
    let f: Exact = match name {
        "exp" => reference::exp,
        "exp_m1" => reference::exp_m1,
        "ln" => reference::ln,
        "ln_1p" => reference::ln_1p,
        "sin" => reference::sin,
        "cos" => reference::cos,
        "erf" => reference::erf,
        "tanh" => reference::tanh,
        "tanh_derivative" => reference::tanh_derivative,
        "sigmoid" => reference::sigmoid,
        "sigmoid_derivative" => reference::sigmoid_derivative,
        "log_sigmoid" => reference::log_sigmoid,
        "softplus" => reference::softplus,
        "silu" => reference::silu,
        "silu_derivative" => reference::silu_derivative,
        "elu" => |x| if x > 0.0 { reference::from(x) } else { reference::exp_m1(x) },
        "elu_derivative" => |x| if x > 0.0 { reference::from(1.0) } else { reference::exp(x) },
        "silu_second_derivative" => reference::silu_second_derivative,
        "elu_second_derivative" => |x| if x > 0.0 { reference::from(0.0) } else { reference::exp(x) },
        _ => panic!("no reference for {name}"),
    };
    (f, if name.starts_with("silu_") { SILU_FLOOR } else { 0.0 })
}

/// The distance of `found` from the exact value, in units in the last place of the latter; one is
/// 2^(e − digits), where 2ᵉ is the greatest power of 2 in it, or the least normal one.
fn error(found: f64, exact: Scaled, floor: f64, digits: i32, least: i32, greatest: f64) -> f64 {
    let of_m = if exact.m.0 == 0.0 { least } else { exact.m.0.abs().log2().floor() as i32 };
    let exponent = (of_m + exact.k).max(least);
    let exponent = if floor > 0.0 { exponent.max(floor.log2() as i32) } else { exponent };
    if found.is_infinite() {
        // The first number that rounds to ∞ lies half a unit above the greatest.
        return if exact.k > 1100 || scale(exact.m.0, exact.k - 2) * found.signum() > greatest / 4.0 {
            0.0
        } else {
            f64::INFINITY
        };
    }
    let difference = (scale(found, -exact.k) - exact.m.0) - exact.m.1;
    scale(difference, exact.k - exponent + digits).abs()
}

trait Sampled: Real + VectorMath + crate::Scalar {
    const DIGITS: i32;
    const LEAST: i32;
    const GREATEST: f64;
    /// Numbers of all exponents and both signs, `dense` for each.
    fn sample(dense: u64) -> Vec<Self>;

    fn error(self, exact: Scaled, floor: f64) -> f64 {
        error(crate::Scalar::to_f64(self), exact, floor, Self::DIGITS, Self::LEAST, Self::GREATEST)
    }
}

/// A sequence of well-spread bits.
fn spread(i: u64) -> u64 {
    i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

impl Sampled for f32 {
    const DIGITS: i32 = 23;
    const LEAST: i32 = -126;
    const GREATEST: f64 = f32::MAX as f64;
    fn sample(dense: u64) -> Vec<f32> {
        (0..510 * dense)
            .map(|i| {
                f32::from_bits(
                    (((i % 510) << 23) + if i % 510 >= 255 { 1 << 23 } else { 0 }) as u32
                        | (spread(i) as u32 >> 9),
                )
            })
            .filter(|x| x.is_finite() && *x != 0.0)
            .collect()
    }
}

impl Sampled for f64 {
    const DIGITS: i32 = 52;
    const LEAST: i32 = -1022;
    const GREATEST: f64 = f64::MAX;
    /// Exponents from −60 to 12 are sampled more often: outside, the functions are trivial. And a
    /// number where an earlier tanh was wrong by 2.66 ulp, which is rarely found.
    fn sample(dense: u64) -> Vec<f64> {
        (0..4 * dense * 73)
            .map(|i| f64::from_bits(((963 + i % 73) << 52) | (spread(i) >> 12)))
            .chain((0..2046 * dense / 8).map(|i| f64::from_bits(((i % 2046) << 52) | (spread(i) >> 12))))
            .chain([0.207_519_947_535_492_36])
            .flat_map(|x| [x, -x])
            .filter(|x| x.is_finite() && *x != 0.0)
            .collect()
    }
}

fn is_defined(name: &str, x: f64) -> bool {
    match name {
        "ln" => x > 0.0,
        "ln_1p" => x > -1.0,
        // Beyond, they are the standard library's.
        "sin" | "cos" => x.abs() <= lane::TURNS_KNOWN,
        _ => true,
    }
}

/// Where f(x) = x to more digits than the reference is computed with, which cannot take the
/// smallest numbers.
fn is_identity(name: &str, x: f64) -> bool {
    x.abs() < 1e-200 && matches!(name, "exp_m1" | "ln_1p" | "sin" | "tanh" | "elu")
}

/// The greatest error of some values, and where it is.
fn greatest_error<T: Sampled>(name: &str, x: &[T], values: &[T]) -> (f64, T) {
    let (f, floor) = exact(name);
    let mut greatest = (0.0, T::of(0.0));
    for (&x, &value) in x.iter().zip(values) {
        let number = crate::Scalar::to_f64(x);
        if !is_defined(name, number) {
            continue;
        }
        let e = if is_identity(name, number) {
            if value == x { 0.0 } else { f64::INFINITY }
        } else {
            value.error(f(number), floor)
        };
        if !(e <= greatest.0) {
            greatest = (e, x);
        }
    }
    greatest
}

fn report<T: Sampled>(name: &str, (error, x): (f64, T)) {
    println!("{} {name}: {error:.3} ulp at {x:e}", T::NAME);
    let most = if name.ends_with("second_derivative") { MOST_OF_SECOND } else { MOST };
    assert!(error <= most, "{} {name}: {error} ulp at {x:e}", T::NAME);
}

fn slices_are_accurate<T: Sampled>(x: &[T]) {
    let (mut value, mut slope) = (vec![T::of(0.0); x.len()], vec![T::of(0.0); x.len()]);
    for (name, into, _) in functions::<T>() {
        let into: Into<T> = into;
        into(x, &mut value);
        report(name, greatest_error(name, x, &value));
    }
    for (name, into, _) in pairs::<T>() {
        let into: PairInto<T> = into;
        into(x, &mut value, &mut slope);
        report(name, greatest_error(name, x, &value));
        let derivative = if name == "softplus" { "sigmoid".into() } else { format!("{name}_derivative") };
        report(&derivative, greatest_error(&derivative, x, &slope));
    }
}

#[test]
fn slices_of_f32_are_accurate() {
    slices_are_accurate(&f32::sample(20));
}

#[test]
fn slices_of_f64_are_accurate() {
    slices_are_accurate(&f64::sample(20));
}

/// The distance of a number from the value of the same function in f64, in units in the last place
/// of f32.
fn error_of_single(found: f32, exact: f64, floor: f64) -> f64 {
    if exact.is_nan() || found.is_nan() {
        return if exact.is_nan() && found.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if exact.is_infinite() {
        return if f64::from(found) == exact { 0.0 } else { f64::INFINITY };
    }
    // The number after the greatest finite one stands for ∞, and for all that is greater.
    let beyond = 2.0_f64.powi(128);
    let found = if found.is_infinite() { beyond.copysign(found.into()) } else { found.into() };
    let exact = if exact.abs() > beyond { beyond.copysign(exact) } else { exact };
    let size = exact.abs().max(floor).max(f32::MIN_POSITIVE.into());
    let unit = f64::from_bits((size.to_bits() & (0x7ff << 52)) - (23 << 52));
    (found - exact).abs() / unit
}

fn add_to_greatest(greatest: &mut (f64, f32), x: &[f32], found: &[f32], exact: &[f64], floor: f64) {
    for ((&x, &found), &exact) in x.iter().zip(found).zip(exact) {
        let error = error_of_single(found, exact, floor);
        if error > greatest.0 {
            *greatest = (error, x);
        }
    }
}

/// Every number that f32 has, against the same function in f64.
///
/// Measured with fused multiply-add, in ulp: exp 0.99, exp_m1 1.46, ln 0.84, ln_1p 1.39, sin 1.57,
/// cos 1.57, erf 1.13, tanh 2.46, tanh′ 2.40, sigmoid 1.65, sigmoid′ 2.40, softplus 1.66, silu
/// 1.83, silu′ 2.48, elu 0.94.
#[test]
#[ignore = "takes minutes in a release build, and hours in another"]
fn slices_of_all_f32_are_accurate() {
    let all =
        || (0..=0xffff_u32).map(|high| (0..=0xffff).map(|low| f32::from_bits(high << 16 | low)).collect());
    let (mut single, mut single_slope) = (vec![0.0; 1 << 16], vec![0.0; 1 << 16]);
    let (mut double, mut double_slope) = (vec![0.0; 1 << 16], vec![0.0; 1 << 16]);
    for ((name, into, _), (_, into_double, _)) in functions::<f32>().into_iter().zip(functions::<f64>()) {
        let mut greatest = (0.0, 0.0);
        for x in all() {
            let x: Vec<f32> = x;
            into(&x, &mut single);
            into_double(&x.iter().map(|&x| x.into()).collect::<Vec<_>>(), &mut double);
            add_to_greatest(&mut greatest, &x, &single, &double, 0.0);
        }
        report(name, greatest);
    }
    for ((name, into, _), (_, into_double, _)) in pairs::<f32>().into_iter().zip(pairs::<f64>()) {
        let (mut greatest, mut greatest_slope) = ((0.0, 0.0), (0.0, 0.0));
        let floor = if name == "silu" { SILU_FLOOR } else { 0.0 };
        for x in all() {
            let x: Vec<f32> = x;
            into(&x, &mut single, &mut single_slope);
            let x_double: Vec<f64> = x.iter().map(|&x| x.into()).collect();
            into_double(&x_double, &mut double, &mut double_slope);
            add_to_greatest(&mut greatest, &x, &single, &double, 0.0);
            add_to_greatest(&mut greatest_slope, &x, &single_slope, &double_slope, floor);
        }
        report(name, greatest);
        report(&format!("{name}′"), greatest_slope);
    }
}

/// The functions as a processor without fused multiply-add computes them, and as one with it does.
fn lanes_are_accurate<T: Sampled, const F: bool>(x: &[T]) {
    let check = |name: &str, f: fn(T) -> T| {
        let value: Vec<T> = x.iter().map(|&x| f(x)).collect();
        report(name, greatest_error(name, x, &value));
    };
    check("exp", lane::exp::<T, F>);
    check("exp_m1", lane::exp_m1::<T, F>);
    check("ln", lane::ln::<T, F>);
    check("ln_1p", lane::ln_1p::<T, F>);
    check("sin", lane::sin::<T, F>);
    check("cos", lane::cos::<T, F>);
    check("erf", lane::erf::<T, F>);
    check("tanh", lane::tanh::<T, F>);
    check("tanh_derivative", lane::tanh_derivative::<T, F>);
    check("sigmoid", lane::sigmoid::<T, F>);
    check("sigmoid_derivative", lane::sigmoid_derivative::<T, F>);
    check("softplus", lane::softplus::<T, F>);
    check("silu", lane::silu::<T, F>);
    check("silu_derivative", |x| lane::silu_and_derivative::<T, F>(x).1);
}

#[test]
fn lanes_are_accurate_without_fused_multiply_add() {
    lanes_are_accurate::<f32, false>(&f32::sample(10));
    lanes_are_accurate::<f64, false>(&f64::sample(10));
}

#[test]
fn lanes_are_accurate_with_fused_multiply_add() {
    lanes_are_accurate::<f32, true>(&f32::sample(10));
    lanes_are_accurate::<f64, true>(&f64::sample(10));
}
