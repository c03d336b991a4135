//! The difference quotient of a function of one number.
//!
//! Of the central quotients D with steps h and h/2, (4·D(h/2) − D(h))/3 is of order h⁴ (Richardson).
//! Where they are far apart, as near a pole, a smaller step is taken.

use crate::Scalar;

/// The most steps that are tried, each a quarter of the one before.
const MOST_STEPS: usize = 8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Quotient {
    pub(super) value: f64,
    /// What the rounding of the function's values may change of it.
    pub(super) noise: f64,
}

/// A quotient, or why there is none.
pub(super) type Found = Result<Quotient, Reason>;

/// Why there is no quotient, or why it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// Both sides of a difference do not meet.
    Corner,
    /// Rounding is larger than the derivative.
    TooSmall,
    /// A step leaves where the function is finite.
    Domain,
    /// The function changes much within the smallest step.
    Steep,
    /// There is no element, or no example.
    Empty,
    /// It would take too long.
    Cost,
}

/// The largest relative difference of a derivative and its quotient.
pub(super) fn allowed<T: Scalar>() -> f64 {
    2.0 * T::EPSILON.to_f64().powf(0.4)
}

/// The quotient at x of `function`, which is `here` there. `may_go_on` is asked before a further step
/// is tried, which takes four values.
pub(super) fn quotient<T: Scalar>(
    x: T,
    here: f64,
    mut function: impl FnMut(T) -> crate::Result<f64>,
    mut may_go_on: impl FnMut() -> bool,
) -> Found {
    let mut h = T::EPSILON.to_f64().powf(0.2) * (1.0 + x.to_f64().abs());
    let mut tried = tried(x, here, h, &mut function);
    for _ in 1..MOST_STEPS {
        if matches!(tried, Tried::Settled(_)) || !may_go_on() {
            break;
        }
        h /= 4.0;
        tried = self::tried(x, here, h, &mut function);
    }
    match tried {
        Tried::Settled(found) => found,
        Tried::Apart(reason) => Err(reason),
    }
}

/// What one step h and its half say.
enum Tried {
    Settled(Found),
    /// A smaller step may say more.
    Apart(Reason),
}

fn tried<T: Scalar>(x: T, here: f64, h: f64, function: &mut impl FnMut(T) -> crate::Result<f64>) -> Tried {
    // The step that is there after rounding, and the function's change over it.
    let mut change = |by: f64| -> crate::Result<(f64, f64)> {
        let moved = T::from_f64(x.to_f64() + by);
        Ok((moved.to_f64() - x.to_f64(), function(moved)? - here))
    };
    let mut both = |h: f64| -> crate::Result<[(f64, f64); 2]> { Ok([change(h)?, change(-h)?]) };
    let (Ok(whole), Ok(half)) = (both(h), both(h / 2.0)) else { return Tried::Apart(Reason::Domain) };
    let central = |[(up, above), (down, below)]: [(f64, f64); 2]| (above - below) / (up - down);
    let gap = |[(up, above), (down, below)]: [(f64, f64); 2]| (above / up - below / down).abs();
    let value = (4.0 * central(half) - central(whole)) / 3.0;
    if !value.is_finite() {
        return Tried::Apart(Reason::Domain);
    }
    let size = whole.map(|(by, change)| (change / by).abs()).into_iter().fold(0.0, f64::max);
    let noise = 64.0 * T::EPSILON.to_f64() * (here.abs() + 1.0) / h;
    // Near a pole the error of the value is below the square of this, and so below a quarter of
    // what is allowed.
    let apart = (central(half) - central(whole)).abs();
    let is_apart = apart > (allowed::<T>() / 4.0).sqrt() * size + noise;
    // With the step the gap between both sides falls on a smooth function, stays at a corner, and grows
    // beside a pole.
    let [gap, half_gap] = [gap(whole), gap(half)];
    let is_smooth = half_gap <= 0.8 * gap || gap <= 1e-2 * size + noise;
    if is_apart {
        Tried::Apart(Reason::Steep)
    } else if is_smooth {
        Tried::Settled(Ok(Quotient { value, noise }))
    } else if half_gap > 1.5 * gap {
        Tried::Apart(Reason::Corner)
    } else {
        Tried::Settled(Err(Reason::Corner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The quotient, and how many steps were tried, of which the first `paid` may be.
    fn tried_at(function: fn(f64) -> f64, x: f64, paid: usize) -> (Found, usize) {
        let (mut values, mut steps) = (0, 1);
        let counted = |x: f64| {
            values += 1;
            Ok(function(x))
        };
        let may_go_on = || {
            steps += 1;
            steps <= paid
        };
        let found = quotient(x, function(x), counted, may_go_on);
        (found, values / 4)
    }

    #[track_caller]
    fn assert_derivative(function: fn(f64) -> f64, x: f64, expected: f64, steps: usize) {
        let (found, tried) = tried_at(function, x, usize::MAX);
        let found = found.unwrap_or_else(|why| panic!("{why:?}"));
        assert!(
            (found.value - expected).abs() <= allowed::<f64>() * expected.abs() + found.noise,
            "{found:?}"
        );
        assert_eq!(tried, steps);
    }

    #[test]
    fn one_step_is_enough_for_what_is_smooth() {
        assert_derivative(f64::sin, 0.3, 0.3_f64.cos(), 1);
        assert_derivative(|x| x * x, 0.0, 0.0, 1);
        assert_derivative(|x| 3.0 * x, 1e6, 3.0, 1);
        assert_derivative(f64::ln, 0.1, 10.0, 1);
    }

    #[test]
    fn steps_shorten_near_a_pole() {
        assert_derivative(f64::ln, 1e-2, 1e2, 2);
        assert_derivative(f64::ln, 1e-4, 1e4, 5);
        assert_derivative(f64::ln, 1e-6, 1e6, 8);
        assert_derivative(f64::recip, 1e-4, -1e8, 6);
        assert_derivative(f64::recip, -1e-3, -1e6, 4);
    }

    #[test]
    fn what_no_step_shows_has_a_reason() {
        let why = |function, x| tried_at(function, x, usize::MAX).0.map(|found| found.value);
        assert_eq!(why(f64::abs, 0.0), Err(Reason::Corner));
        assert_eq!(why(|x| x.max(0.0) + x * x, 0.0), Err(Reason::Corner));
        assert_eq!(why(f64::sqrt, 0.0), Err(Reason::Domain));
        assert_eq!(why(|x| (1e9 * x).sin(), 0.3), Err(Reason::Steep));
        assert_eq!(tried_at(f64::abs, 0.0, usize::MAX).1, 1, "a corner needs no other step");
        assert_eq!(tried_at(|x| (1e9 * x).sin(), 0.3, usize::MAX).1, MOST_STEPS);
    }

    #[test]
    fn no_step_is_tried_that_is_not_paid() {
        let (found, tried) = tried_at(f64::ln, 1e-4, 1);
        assert_eq!((found.map(|found| found.value), tried), (Err(Reason::Domain), 1));
    }
}
