//! The difference quotient of a function of one number.
//!
//! Of the central quotients D with steps h and h/2, (4·D(h/2) − D(h))/3 is of order h⁴ (Richardson)
//! where the function is smooth. It is taken where both agree, or where it is the same with a quarter
//! of the step; else, as near a pole or a corner, shorter steps are tried.

use crate::Scalar;

/// The most steps that are tried, each a quarter of the one before.
const MOST_STEPS: usize = 9;

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

/// The quotient at x of `function`, which is `here` there, as exactly as is allowed of a derivative
/// whose largest element is `scale` or more. `may_go_on` is asked before a further step is tried,
/// which takes four values.
pub(super) fn quotient<T: Scalar>(
    x: T,
    here: f64,
    scale: f64,
    mut function: impl FnMut(T) -> crate::Result<f64>,
    mut may_go_on: impl FnMut() -> bool,
) -> Found {
    let mut h = T::EPSILON.to_f64().powf(0.2) * (1.0 + x.to_f64().abs());
    let (mut before, mut why) = (None, Reason::Domain);
    for _ in 0..MOST_STEPS {
        let step = Step::tried(x, here, h, &mut function);
        let bound = |step: &Step| allowed::<T>() * scale.max(step.value.abs());
        match &step {
            None => why = Reason::Domain,
            Some(step) if !step.is_settled(before, bound(step) + step.noise) => why = Reason::Steep,
            Some(step) => match step.sides() {
                Sides::Meet => {
                    // Where rounding hides how far the quotients are apart, it may hide a corner.
                    let is_hidden = !step.is_settled(before, bound(step));
                    let noise = if is_hidden { step.noise.max(step.gap) } else { step.noise };
                    return Ok(Quotient { value: step.value, noise });
                }
                Sides::Apart => return Err(Reason::Corner),
                Sides::Parting => why = Reason::Steep,
            },
        }
        before = step.map(|step| step.value);
        if !may_go_on() {
            return Err(if why == Reason::Steep { Reason::Cost } else { why });
        }
        h /= 4.0;
    }
    Err(why)
}

/// What one step h and its half say.
struct Step {
    value: f64,
    noise: f64,
    /// How far the quotients with h and h/2 are apart.
    apart: f64,
    /// How far the quotients to both sides are apart, with h and h/2, and the larger of those with h.
    gap: f64,
    half_gap: f64,
    size: f64,
}

/// The quotients to both sides, as the step shortens.
enum Sides {
    Meet,
    /// As at a corner.
    Apart,
    /// As beside a pole within the step.
    Parting,
}

impl Step {
    /// `None` where the function is not finite.
    fn tried<T: Scalar>(
        x: T,
        here: f64,
        h: f64,
        function: &mut impl FnMut(T) -> crate::Result<f64>,
    ) -> Option<Self> {
        // The step that is there after rounding, and the function's change over it.
        let mut change = |by: f64| {
            let moved = T::from_f64(x.to_f64() + by);
            Some((moved.to_f64() - x.to_f64(), function(moved).ok()? - here))
        };
        let mut both = |h: f64| Some([change(h)?, change(-h)?]);
        let (whole, half) = (both(h)?, both(h / 2.0)?);
        let central = |[(up, above), (down, below)]: [(f64, f64); 2]| (above - below) / (up - down);
        let gap = |[(up, above), (down, below)]: [(f64, f64); 2]| (above / up - below / down).abs();
        let largest = |of: fn((f64, f64)) -> f64| whole.map(of).into_iter().fold(0.0, f64::max);
        let highest = here.abs() + largest(|(_, change)| change.abs());
        let step = Step {
            value: (4.0 * central(half) - central(whole)) / 3.0,
            noise: 64.0 * T::EPSILON.to_f64() * (highest + 1.0) / h,
            apart: (central(half) - central(whole)).abs(),
            gap: gap(whole),
            half_gap: gap(half),
            size: largest(|(by, change)| (change / by).abs()),
        };
        step.value.is_finite().then_some(step)
    }

    /// Whether the value is within a bound, as the quotients, or the value with the step before, say.
    fn is_settled(&self, before: Option<f64>, bound: f64) -> bool {
        let is_near = |apart: f64| apart <= bound;
        is_near(self.apart) || before.is_some_and(|before| is_near((self.value - before).abs()))
    }

    fn sides(&self) -> Sides {
        let Step { gap, half_gap, size, noise, .. } = *self;
        // On a smooth function the gap is halved with the step; at a corner it stays.
        if half_gap <= 0.8 * gap || gap <= 1e-2 * size + noise {
            Sides::Meet
        } else if half_gap <= 1.5 * gap {
            Sides::Apart
        } else {
            Sides::Parting
        }
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
        let found = quotient(x, function(x), 0.0, counted, may_go_on);
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
        assert_derivative(f64::ln, 0.8, 1.25, 1);
    }

    #[test]
    fn steps_shorten_near_a_pole() {
        assert_derivative(f64::ln, 0.1, 10.0, 2);
        assert_derivative(f64::ln, 1e-2, 1e2, 3);
        assert_derivative(f64::ln, 1e-4, 1e4, 6);
        assert_derivative(f64::ln, 1e-6, 1e6, 9);
        assert_derivative(f64::recip, 1e-4, -1e8, 6);
        assert_derivative(f64::recip, -1e-3, -1e6, 5);
    }

    /// Where the second derivative jumps, and where the function is higher around than here.
    #[test]
    fn what_is_smooth_once_has_a_derivative() {
        let elu = |x: f64| if x > 0.0 { x } else { x.exp_m1() };
        let (found, _) = tried_at(elu, 0.0, usize::MAX);
        assert!((found.unwrap().value - 1.0).abs() <= allowed::<f64>());
        let (found, _) = tried_at(|x| 1e20 * x * x, 1e-25, usize::MAX);
        let Quotient { value, noise } = found.unwrap();
        assert!((value - 2e-5).abs() <= noise, "{value}");
    }

    /// In f32 a corner within the step that changes a small slope by less than rounding shows.
    #[test]
    fn what_rounding_hides_is_noise() {
        for corner in [0.001, 0.005, 0.01, 0.013, 0.02, 0.03, 0.05] {
            let function = |x: f32| {
                let by = f64::from(x) - 0.5;
                Ok(f64::from((0.1 + 3e-3 * by + 1.3e-3 * (by - corner).max(0.0)) as f32))
            };
            let here = function(0.5).unwrap();
            if let Ok(Quotient { value, noise }) = quotient(0.5_f32, here, 0.0, function, || true) {
                let error = (value - 3e-3).abs();
                assert!(error <= allowed::<f32>() * 3e-3 + noise, "{corner}: {error:e} {noise:e}");
            }
        }
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
        let (found, tried) = tried_at(f64::ln, 1e-3, 2);
        assert_eq!((found.map(|found| found.value), tried), (Err(Reason::Cost), 2));
    }
}
