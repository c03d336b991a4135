//! Every function against a reference, at special values, in slices of all lengths and in place.

#![allow(clippy::excessive_precision, clippy::approx_constant)] // constants keep the digits of their sources
#![allow(clippy::type_complexity)] // tables of functions with their values
#![allow(clippy::neg_cmp_op_on_partial_ord)] // NaN has to fail a bound

mod accuracy;
mod reference;

use super::VectorMath;
use crate::Scalar;

const INFINITY: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// A slice function on one number.
fn at<T: Scalar>(f: fn(&[T], &mut [T]), x: T) -> T {
    let mut out = [T::ZERO];
    f(&[x], &mut out);
    out[0]
}

/// Equal bits, or both NaN.
fn same<T: Scalar>(x: T, y: T) -> bool {
    x.bits() == y.bits() || (x.is_nan() && y.is_nan())
}

type Into<T> = fn(&[T], &mut [T]);
type InPlace<T> = fn(&mut [T]);

/// All functions of one slice, with their forms in place.
fn functions<T: Scalar + VectorMath>() -> Vec<(&'static str, Into<T>, InPlace<T>)> {
    vec![
        ("exp", T::exp_into, T::exp_in_place),
        ("exp_m1", T::exp_m1_into, T::exp_m1_in_place),
        ("ln", T::ln_into, T::ln_in_place),
        ("ln_1p", T::ln_1p_into, T::ln_1p_in_place),
        ("sin", T::sin_into, T::sin_in_place),
        ("cos", T::cos_into, T::cos_in_place),
        ("erf", T::erf_into, T::erf_in_place),
        ("tanh", T::tanh_into, T::tanh_in_place),
        ("tanh_derivative", T::tanh_derivative_into, T::tanh_derivative_in_place),
        ("sigmoid", T::sigmoid_into, T::sigmoid_in_place),
        ("sigmoid_derivative", T::sigmoid_derivative_into, T::sigmoid_derivative_in_place),
        ("log_sigmoid", T::log_sigmoid_into, T::log_sigmoid_in_place),
        ("softplus", T::softplus_into, T::softplus_in_place),
        ("silu", T::silu_into, T::silu_in_place),
        ("silu_derivative", T::silu_derivative_into, T::silu_derivative_in_place),
        ("silu_second_derivative", T::silu_second_derivative_into, T::silu_second_derivative_in_place),
        ("elu", |x, out| T::elu_into(x, T::ONE, out), |x| T::elu_in_place(x, T::ONE)),
        (
            "elu_derivative",
            |x, out| T::elu_derivative_into(x, T::ONE, out),
            |x| T::elu_derivative_in_place(x, T::ONE),
        ),
        (
            "elu_second_derivative",
            |x, out| T::elu_second_derivative_into(x, T::ONE, out),
            |x| T::elu_second_derivative_in_place(x, T::ONE),
        ),
    ]
}

type PairInto<T> = fn(&[T], &mut [T], &mut [T]);
type PairInPlace<T> = fn(&mut [T], &mut [T]);

/// All functions that give a value and a derivative, with their forms in place.
fn pairs<T: Scalar + VectorMath>() -> Vec<(&'static str, PairInto<T>, PairInPlace<T>)> {
    vec![
        ("tanh", T::tanh_and_derivative_into, T::tanh_and_derivative_in_place),
        ("sigmoid", T::sigmoid_and_derivative_into, T::sigmoid_and_derivative_in_place),
        ("softplus", T::softplus_and_derivative_into, T::softplus_and_derivative_in_place),
        ("silu", T::silu_and_derivative_into, T::silu_and_derivative_in_place),
        (
            "elu",
            |x, value, slope| T::elu_and_derivative_into(x, T::ONE, value, slope),
            |x, slope| T::elu_and_derivative_in_place(x, T::ONE, slope),
        ),
    ]
}

/// Numbers of all kinds, special ones among them, so that they fall on every place of a vector.
fn mixture<T: Scalar>(length: usize) -> Vec<T> {
    let special = [0.0, -0.0, INFINITY, -INFINITY, NAN, 1.0, -1.0, 1e-42, 1e30, -1e7, 88.9, -745.0];
    (0..length)
        .map(|i| if i % 5 == 2 { special[i / 5 % special.len()] } else { ((i * 37) as f64).sin() * 20.0 })
        .map(T::from_f64)
        .collect()
}

fn bits_are_the_same_everywhere<T: Scalar + VectorMath>() {
    let x = mixture::<T>(75);
    for (name, into, in_place) in functions::<T>() {
        let alone: Vec<T> = x.iter().map(|&x| at(into, x)).collect();
        for (begin, end) in (0..4).flat_map(|begin| (begin..=x.len()).map(move |end| (begin, end))) {
            let mut out = vec![T::ONE; end - begin];
            into(&x[begin..end], &mut out);
            let mut replaced = x[begin..end].to_vec();
            in_place(&mut replaced);
            for (i, alone) in alone[begin..end].iter().enumerate() {
                assert!(same(out[i], *alone) && same(replaced[i], *alone), "{name}, {i} of {begin}..{end}");
            }
        }
    }
}

fn pairs_are_the_same_everywhere<T: Scalar + VectorMath>() {
    let x = mixture::<T>(75);
    for (name, into, in_place) in pairs::<T>() {
        let (mut values, mut slopes) = (vec![T::ZERO; x.len()], vec![T::ZERO; x.len()]);
        into(&x, &mut values, &mut slopes);
        for length in 0..x.len() {
            let (mut value, mut slope) = (vec![T::ONE; length], vec![T::ONE; length]);
            into(&x[..length], &mut value, &mut slope);
            let (mut replaced, mut slope_beside) = (x[..length].to_vec(), vec![T::ONE; length]);
            in_place(&mut replaced, &mut slope_beside);
            for i in 0..length {
                assert!(same(value[i], values[i]) && same(replaced[i], values[i]), "{name}, {i} of {length}");
                assert!(
                    same(slope[i], slopes[i]) && same(slope_beside[i], slopes[i]),
                    "{name}′, {i} of {length}"
                );
            }
        }
    }
}

#[test]
fn a_number_gives_the_same_bits_wherever_it_stands() {
    bits_are_the_same_everywhere::<f32>();
    bits_are_the_same_everywhere::<f64>();
    pairs_are_the_same_everywhere::<f32>();
    pairs_are_the_same_everywhere::<f64>();
}

/// A pair is made of the functions that have names of their own.
#[test]
fn pairs_agree_with_their_parts() {
    let x = mixture::<f64>(75);
    let (mut value, mut slope) = (vec![0.0; 75], vec![0.0; 75]);
    let mut check = |pair: PairInto<f64>, parts: [Option<Into<f64>>; 2]| {
        pair(&x, &mut value, &mut slope);
        for (part, found) in parts.into_iter().zip([&value, &slope]) {
            let Some(part) = part else { continue };
            let mut expected = vec![0.0; 75];
            part(&x, &mut expected);
            assert!(expected.iter().zip(found).all(|(&x, &y)| same(x, y)), "{expected:?} {found:?}");
        }
    };
    check(f64::tanh_and_derivative_into, [Some(f64::tanh_into), Some(f64::tanh_derivative_into)]);
    check(f64::sigmoid_and_derivative_into, [Some(f64::sigmoid_into), Some(f64::sigmoid_derivative_into)]);
    check(f64::softplus_and_derivative_into, [Some(f64::softplus_into), Some(f64::sigmoid_into)]);
    check(f64::silu_and_derivative_into, [Some(f64::silu_into), Some(f64::silu_derivative_into)]);
    check(
        |x, value, slope| f64::elu_and_derivative_into(x, 1.5, value, slope),
        [Some(|x, out| f64::elu_into(x, 1.5, out)), Some(|x, out| f64::elu_derivative_into(x, 1.5, out))],
    );
}

fn special_values<T: Scalar + VectorMath>(tiny: f64) {
    let cases: [(Into<T>, &[(f64, f64)]); 15] = [
        (
            T::exp_into,
            &[(0.0, 1.0), (-0.0, 1.0), (INFINITY, INFINITY), (-INFINITY, 0.0), (1e4, INFINITY), (-1e4, 0.0)],
        ),
        (
            T::exp_m1_into,
            &[
                (0.0, 0.0),
                (-0.0, -0.0),
                (INFINITY, INFINITY),
                (-INFINITY, -1.0),
                (tiny, tiny),
                (-tiny, -tiny),
            ],
        ),
        (
            T::ln_into,
            &[
                (1.0, 0.0),
                (0.0, -INFINITY),
                (-0.0, -INFINITY),
                (INFINITY, INFINITY),
                (-1.0, NAN),
                (-tiny, NAN),
                (-INFINITY, NAN),
            ],
        ),
        (
            T::ln_1p_into,
            &[
                (0.0, 0.0),
                (-0.0, -0.0),
                (-1.0, -INFINITY),
                (INFINITY, INFINITY),
                (-1.5, NAN),
                (-INFINITY, NAN),
                (tiny, tiny),
                (-tiny, -tiny),
            ],
        ),
        (
            T::sin_into,
            &[(0.0, 0.0), (-0.0, -0.0), (INFINITY, NAN), (-INFINITY, NAN), (tiny, tiny), (-tiny, -tiny)],
        ),
        (T::cos_into, &[(0.0, 1.0), (-0.0, 1.0), (INFINITY, NAN), (-INFINITY, NAN), (tiny, 1.0)]),
        (
            T::erf_into,
            &[(0.0, 0.0), (-0.0, -0.0), (INFINITY, 1.0), (-INFINITY, -1.0), (9.0, 1.0), (-9.0, -1.0)],
        ),
        (
            T::tanh_into,
            &[(0.0, 0.0), (-0.0, -0.0), (INFINITY, 1.0), (-INFINITY, -1.0), (tiny, tiny), (-tiny, -tiny)],
        ),
        (T::tanh_derivative_into, &[(0.0, 1.0), (-0.0, 1.0), (INFINITY, 0.0), (-INFINITY, 0.0), (tiny, 1.0)]),
        (
            T::sigmoid_into,
            &[(0.0, 0.5), (-0.0, 0.5), (INFINITY, 1.0), (-INFINITY, 0.0), (1e4, 1.0), (-1e4, 0.0)],
        ),
        (T::sigmoid_derivative_into, &[(0.0, 0.25), (-0.0, 0.25), (INFINITY, 0.0), (-INFINITY, 0.0)]),
        (T::log_sigmoid_into, &[(INFINITY, -0.0), (-INFINITY, -INFINITY), (1e4, -0.0), (-1e4, -1e4)]),
        (T::softplus_into, &[(INFINITY, INFINITY), (-INFINITY, 0.0), (1e4, 1e4), (-1e4, 0.0)]),
        (
            T::silu_into,
            &[(0.0, 0.0), (-0.0, -0.0), (INFINITY, INFINITY), (-INFINITY, -0.0), (1e4, 1e4), (-1e4, -0.0)],
        ),
        (
            |x, out| T::elu_into(x, T::ONE, out),
            &[(0.0, 0.0), (-0.0, -0.0), (INFINITY, INFINITY), (-INFINITY, -1.0), (-tiny, -tiny)],
        ),
    ];
    for (f, values) in cases {
        assert!(at(f, T::NAN).is_nan());
        for &(x, y) in values {
            let found = at(f, T::from_f64(x));
            assert!(same(found, T::from_f64(y)), "f({x:e}) = {y:e}, not {found:e}");
        }
    }
}

#[test]
fn special_values_are_exact() {
    special_values::<f32>(f64::from(f32::from_bits(1)));
    special_values::<f32>(1e-40);
    special_values::<f64>(f64::from_bits(1));
    special_values::<f64>(1e-310);
}

#[test]
fn slopes_at_special_values_are_exact() {
    let x = [0.0, INFINITY, -INFINITY, NAN, 1e4, -1e4];
    let expected: [(PairInto<f64>, [f64; 6]); 5] = [
        (f64::tanh_and_derivative_into, [1.0, 0.0, 0.0, NAN, 0.0, 0.0]),
        (f64::sigmoid_and_derivative_into, [0.25, 0.0, 0.0, NAN, 0.0, 0.0]),
        (f64::softplus_and_derivative_into, [0.5, 1.0, 0.0, NAN, 1.0, 0.0]),
        (f64::silu_and_derivative_into, [0.5, 1.0, -0.0, NAN, 1.0, -0.0]),
        (
            |x, value, slope| f64::elu_and_derivative_into(x, 2.0, value, slope),
            [2.0, 1.0, 0.0, NAN, 1.0, 0.0],
        ),
    ];
    for (pair, expected) in expected {
        let (mut value, mut slope) = ([0.0; 6], [0.0; 6]);
        pair(&x, &mut value, &mut slope);
        assert!(slope.iter().zip(expected).all(|(&x, y)| same(x, y)), "{slope:?}, not {expected:?}");
    }
}

/// Where the exponential is subnormal, the functions made of it are as exact as subnormal numbers
/// can be.
#[test]
fn underflow_is_gradual() {
    // From a calculation with 60 digits.
    for (x, sigmoid) in [(-700.0, 9.859676543759770e-305), (-745.0, 5e-324), (-746.0, 0.0), (40.0, 1.0)] {
        assert_eq!(at(f64::sigmoid_into, x), sigmoid);
        assert_eq!(at(f64::exp_into, x.min(0.0)), if x > 0.0 { 1.0 } else { sigmoid });
    }
    assert_eq!(at(f64::sigmoid_derivative_into, 40.0), 4.248354255291589e-18);
    assert_eq!(at(f64::sigmoid_derivative_into, -40.0), 4.248354255291589e-18);
    assert_eq!(at(f32::exp_into, -103.0), 1.4e-45);
    assert_eq!(at(f32::exp_into, -104.0), 0.0);
    assert_eq!(at(f32::sigmoid_into, -100.0), 3.8e-44);
}

#[test]
#[should_panic(expected = "exp: the lengths differ")]
fn slices_of_two_lengths_are_a_mistake() {
    f64::exp_into(&[1.0], &mut [0.0; 2]);
}
