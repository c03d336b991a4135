//! Numbers that the tests of series walk.

use crate::Scalar;
use crate::check::Random;

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
