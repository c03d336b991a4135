//! Numbers that the tests of series walk, and large directions.

use crate::Scalar;
use crate::check::Random;
use crate::numbers::kernel::softmax::{Series, Wanted};

/// Numbers of a magnitude, and in between masks, ties, zeros of either sign, and what is none.
pub(super) fn numbers<T: Scalar>(count: usize, magnitude: f64, random: &mut Random) -> Vec<T> {
    let mut number = || match random.below(60) {
        0..3 if magnitude > 1.0 => -f64::INFINITY,
        3 => 0.0,
        4 => -0.0,
        5..9 => magnitude,
        9 if magnitude > 1e3 => [f64::NAN, f64::INFINITY][random.below(2)],
        _ => random.between(-magnitude, magnitude),
    };
    (0..count).map(|_| T::from_f64(number())).collect()
}

/// The product of two directions may be too large where the share that it is multiplied by is next
/// to nothing, or nothing.
fn second_derivatives_of_large_directions<T: Scalar>(large: f64, near: f64) {
    let second = |z: [f64; 2], g: [f64; 2], h: [f64; 2]| {
        let [z, g, h] = [z, g, h].map(|x| x.map(T::from_f64));
        let mut out = [T::ONE; 2];
        let series = Series { count: 1, length: 2, across: false };
        T::softmax_into(Wanted::Second(&g, &h), &z, series, &mut out);
        out.map(Scalar::to_f64)
    };
    for sign in [1.0, -1.0] {
        assert_eq!(second([1e4, -large], [-9e7, sign * large], [-0.95, 100.0]).map(f64::abs), [0.0, 0.0]);
        // Of two logits D²s₂ is s₁·s₂·(s₁ − s₂)·(g₂ − g₁)·(h₂ − h₁), and s₁ is 1 here.
        let found = second([0.0, -near], [0.0, sign * large], [0.0, 10.0]);
        let expected = sign * (-near).exp() * large * 10.0;
        assert!((found[1] - expected).abs() <= 1e-5 * expected.abs(), "{found:?}, not {expected:e}");
        assert_eq!(found[0], -found[1]);
    }
    // What is no number stays none.
    assert!(second([0.0, 1.0], [f64::NAN, 0.0], [1.0, 2.0]).iter().all(|x| x.is_nan()));
    assert!(second([0.0, 1.0], [f64::INFINITY, 0.0], [1.0, 2.0]).iter().any(|x| x.is_nan()));
}

#[test]
fn second_derivatives_of_large_directions_are_finite_in_both_types() {
    second_derivatives_of_large_directions::<f32>(1e38, 60.0);
    second_derivatives_of_large_directions::<f64>(1e308, 700.0);
}
