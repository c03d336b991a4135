//! A step along a direction that meets the strong Wolfe conditions.
//!
//! Moré, Thuente 1994, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20:
//! sections 2 (the interval), 3 (its bounds) and 4 (the trial value). With φ(α) = J(θ + α d), a
//! step is sought with
//!
//! - φ(α) ≤ φ(0) + μ α φ′(0), the sufficient decrease (eq. 1.1), and
//! - |φ′(α)| ≤ η |φ′(0)|, the curvature condition (eq. 1.2).

use crate::Result;

/// μ.
const DECREASE: f64 = 1e-3;
/// η.
const CURVATURE: f64 = 0.9;
/// An interval so much shorter than its greatest step is not divided further.
const NARROW: f64 = 0.1;
/// δ: an interval has to become so much shorter in two steps, or it is halved.
const SHORTER: f64 = 0.66;
/// Trial values of a search, as in L-BFGS-B.
const MOST: usize = 20;
/// Beyond the first interval, the next trial value is so much further out at least, and at most.
const FURTHER: (f64, f64) = (1.1, 4.0);

/// φ and φ′ at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct At {
    pub(super) step: f64,
    pub(super) value: f64,
    pub(super) slope: f64,
}

impl At {
    fn is_finite(self) -> bool {
        self.value.is_finite() && self.slope.is_finite()
    }
}

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// A step that makes J smaller, and meets both conditions unless rounding is in the way.
    Step(At),
    /// None.
    Nothing,
    /// There were no more evaluations.
    OutOfBudget,
}

/// Searches from `start`, the step 0, where φ′ < 0. `phi` gives None if it must not be evaluated any
/// more. `noise` is the rounding of φ: below it nothing is told apart.
pub(super) fn search(
    start: At,
    first: f64,
    noise: f64,
    mut phi: impl FnMut(f64) -> Result<Option<At>>,
) -> Result<Found> {
    let mut interval = Interval::new(start, first);
    for _ in 0..MOST {
        let Some(trial) = phi(interval.trial)? else { return Ok(Found::OutOfBudget) };
        if !trial.is_finite() {
            interval.back_off();
            continue;
        }
        if is_wolfe(start, trial) || is_nearly_wolfe(start, trial, noise) {
            return Ok(Found::Step(trial));
        }
        if !interval.narrow(start, trial) {
            break;
        }
    }
    // The best step so far, which makes J smaller if it is not 0.
    let best = interval.best;
    Ok(if best.step > 0.0 && best.value < start.value { Found::Step(best) } else { Found::Nothing })
}

fn is_wolfe(start: At, trial: At) -> bool {
    let line = start.value + DECREASE * trial.step * start.slope;
    trial.value <= line && trial.slope.abs() <= -CURVATURE * start.slope
}

/// Where rounding hides the decrease, the slopes tell it: Hager, Zhang 2005, "A new conjugate
/// gradient method with guaranteed descent and an efficient line search", section 4.
fn is_nearly_wolfe(start: At, trial: At, noise: f64) -> bool {
    let slopes = (CURVATURE * start.slope)..=((2.0 * DECREASE - 1.0) * start.slope);
    (trial.value - start.value).abs() <= noise && slopes.contains(&trial.slope)
}

/// Where the step is looked for.
struct Interval {
    /// The end with the least φ.
    best: At,
    /// The other end.
    other: At,
    is_bracketed: bool,
    /// Whether a step with a sufficient decrease and a rising φ is still to be found: ψ, which is φ
    /// less the line of sufficient decrease, stands for φ until then.
    by_line: bool,
    /// The next value.
    trial: f64,
    bounds: (f64, f64),
    width: f64,
    width_before: f64,
}

impl Interval {
    fn new(start: At, first: f64) -> Self {
        Interval {
            best: start,
            other: start,
            is_bracketed: false,
            by_line: true,
            trial: first,
            bounds: (0.0, first * (1.0 + FURTHER.1)),
            width: f64::INFINITY,
            width_before: f64::INFINITY,
        }
    }

    /// Nothing is known of φ at the trial value and beyond.
    fn back_off(&mut self) {
        let outside = At { step: self.trial, value: f64::INFINITY, slope: f64::INFINITY };
        // The first is often far too long.
        let part = if self.is_bracketed { 0.5 } else { 0.1 };
        (self.other, self.is_bracketed) = (outside, true);
        self.trial = self.best.step + part * (outside.step - self.best.step);
        self.bounds = ordered(self.best.step, self.other.step);
    }

    /// Takes a trial value into account, and chooses the next; false if there is none.
    fn narrow(&mut self, start: At, trial: At) -> bool {
        let line = DECREASE * start.slope;
        let is_below = trial.value <= start.value + trial.step * line;
        if is_below && trial.slope >= 0.0 {
            self.by_line = false;
        }
        if self.by_line && trial.value <= self.best.value && !is_below {
            let less = |at: At| At { value: at.value - at.step * line, slope: at.slope - line, ..at };
            let more = |at: At| At { value: at.value + at.step * line, slope: at.slope + line, ..at };
            (self.best, self.other) = (less(self.best), less(self.other));
            self.divide(less(trial));
            (self.best, self.other) = (more(self.best), more(self.other));
        } else {
            self.divide(trial);
        }
        self.next_bounds()
    }

    /// The interval has to become shorter, by a third in two steps (section 3). False if it is too
    /// short.
    fn next_bounds(&mut self) -> bool {
        let Interval { best, other, .. } = *self;
        if !self.is_bracketed {
            let further = |factor: f64| self.trial + factor * (self.trial - best.step);
            self.bounds = (further(FURTHER.0), further(FURTHER.1));
            return self.trial.is_finite();
        }
        let width = (other.step - best.step).abs();
        if width >= SHORTER * self.width_before {
            self.trial = best.step + 0.5 * (other.step - best.step);
        }
        (self.width_before, self.width) = (self.width, width);
        let (least, greatest) = ordered(best.step, other.step);
        self.bounds = (least, greatest);
        greatest - least > NARROW * greatest && least < self.trial && self.trial < greatest
    }

    /// Section 4: the trial value becomes an end, and the next comes of cubics and quadratics
    /// through the ends.
    fn divide(&mut self, trial: At) {
        let Interval { best, other, .. } = *self;
        let (least, greatest) = self.bounds;
        let is_turned = trial.slope * best.slope < 0.0;
        let secant = trial.step + trial.slope / (trial.slope - best.slope) * (best.step - trial.step);
        let next = if trial.value > best.value {
            // Case 1: a higher value. The minimum is between.
            self.is_bracketed = true;
            let cubic = cubic(best, trial);
            let slope = (best.value - trial.value) / (trial.step - best.step) + best.slope;
            let quadratic = best.step + best.slope / slope / 2.0 * (trial.step - best.step);
            if (cubic - best.step).abs() < (quadratic - best.step).abs() {
                cubic
            } else {
                cubic + (quadratic - cubic) / 2.0
            }
        } else if is_turned {
            // Case 2: a lower value, and a slope of another sign. The minimum is between.
            self.is_bracketed = true;
            let cubic = cubic(trial, best);
            if (cubic - trial.step).abs() > (secant - trial.step).abs() { cubic } else { secant }
        } else if trial.slope.abs() < best.slope.abs() {
            // Case 3: a lower value, and a flatter slope of the same sign.
            let beyond = if trial.step > best.step { greatest } else { least };
            let cubic = cubic_beyond(best, trial).unwrap_or(beyond);
            if self.is_bracketed {
                let is_closer = (cubic - trial.step).abs() < (secant - trial.step).abs();
                let next = if is_closer { cubic } else { secant };
                let limit = trial.step + SHORTER * (other.step - trial.step);
                if trial.step > best.step { next.min(limit) } else { next.max(limit) }
            } else {
                let is_further = (cubic - trial.step).abs() > (secant - trial.step).abs();
                (if is_further { cubic } else { secant }).clamp(least, greatest)
            }
        } else if self.is_bracketed {
            // Case 4: a lower value, and no flatter slope.
            if other.is_finite() { cubic(trial, other) } else { trial.step + 0.5 * (other.step - trial.step) }
        } else if trial.step > best.step {
            greatest
        } else {
            least
        };
        if trial.value > best.value {
            self.other = trial;
        } else {
            self.other = if is_turned { best } else { other };
            self.best = trial;
        }
        self.trial = next;
    }
}

fn ordered(a: f64, b: f64) -> (f64, f64) {
    (a.min(b), a.max(b))
}

/// The minimum of the cubic through two values with their slopes, which is between them.
fn cubic(a: At, b: At) -> f64 {
    let theta = 3.0 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope;
    let largest = theta.abs().max(a.slope.abs()).max(b.slope.abs());
    let root = (theta / largest).powi(2) - a.slope / largest * (b.slope / largest);
    let gamma = largest * root.max(0.0).sqrt() * if b.step < a.step { -1.0 } else { 1.0 };
    let r = (gamma - a.slope + theta) / (gamma - a.slope + gamma + b.slope);
    a.step + r * (b.step - a.step)
}

/// The minimum of the cubic beyond b, seen from a; None if it has none there.
fn cubic_beyond(a: At, b: At) -> Option<f64> {
    let theta = 3.0 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope;
    let largest = theta.abs().max(a.slope.abs()).max(b.slope.abs());
    let root = (theta / largest).powi(2) - a.slope / largest * (b.slope / largest);
    let gamma = largest * root.max(0.0).sqrt() * if b.step > a.step { -1.0 } else { 1.0 };
    let r = (gamma - b.slope + theta) / (gamma + (a.slope - b.slope) + gamma);
    (r < 0.0 && gamma != 0.0).then_some(b.step + r * (a.step - b.step))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Phi = fn(f64) -> (f64, f64);

    /// Functions 1, 2 and 4 of the paper's section 5, with their slopes.
    const FUNCTIONS: [Phi; 3] = [
        |a| (-a / (a * a + 2.0), (a * a - 2.0) / (a * a + 2.0).powi(2)),
        |a| {
            let b = a + 0.004;
            (b.powi(5) - 2.0 * b.powi(4), 5.0 * b.powi(4) - 8.0 * b.powi(3))
        },
        |a| {
            let (one, two) = (0.001_f64, 0.001_f64);
            let gamma = |beta: f64| (1.0 + beta * beta).sqrt() - beta;
            let left = ((1.0 - a).powi(2) + two * two).sqrt();
            let right = (a * a + one * one).sqrt();
            (gamma(one) * left + gamma(two) * right, gamma(one) * (a - 1.0) / left + gamma(two) * a / right)
        },
    ];

    fn at(phi: Phi, step: f64) -> At {
        let (value, slope) = phi(step);
        At { step, value, slope }
    }

    #[test]
    fn steps_meet_both_conditions_from_any_first_one() {
        for (number, phi) in FUNCTIONS.into_iter().enumerate() {
            for first in [1e-3, 1e-1, 1.0, 10.0, 1e3] {
                let (start, mut count) = (at(phi, 0.0), 0);
                let found = search(start, first, 0.0, |step| {
                    count += 1;
                    Ok(Some(at(phi, step)))
                });
                let Ok(Found::Step(found)) = found else { panic!("{number} from {first}: {found:?}") };
                assert_eq!(found, at(phi, found.step));
                assert!(found.value <= start.value + 1e-3 * found.step * start.slope, "{found:?}");
                // The slope of the second is 5e-7 at 0, and steep about its minimum: the interval
                // becomes too narrow first.
                let is_flat = found.slope.abs() <= 0.9 * start.slope.abs();
                assert!(is_flat || number == 1, "{number} from {first}: {found:?}");
                assert!(count <= 12, "{number} from {first}: {count}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_beyond_the_end() {
        for edge in [1e-4, 0.3, 0.9] {
            let phi =
                |step: f64| if step < edge { at(FUNCTIONS[0], step) } else { at(|_| (f64::NAN, 1.0), step) };
            let found = search(phi(0.0), 1.0, 0.0, |step| Ok(Some(phi(step))));
            let Ok(Found::Step(found)) = found else { panic!("{found:?}") };
            assert!(0.0 < found.step && found.step < edge && found.value < 0.0, "{found:?}");
        }
    }

    #[test]
    fn there_may_be_nothing_to_find() {
        let rising = |step: f64| At { step, value: step, slope: -1.0 };
        assert_eq!(search(rising(0.0), 1.0, 0.0, |step| Ok(Some(rising(step)))), Ok(Found::Nothing));
        let nowhere = |step: f64| Ok(Some(At { step, value: f64::NAN, slope: f64::NAN }));
        assert_eq!(search(rising(0.0), 1.0, 0.0, nowhere), Ok(Found::Nothing));
        assert_eq!(search(rising(0.0), 1.0, 0.0, |_| Ok(None)), Ok(Found::OutOfBudget));
    }

    /// All that is left of the decrease is rounding, and the slopes tell.
    #[test]
    fn slopes_decide_where_values_cannot() {
        let start = At { step: 0.0, value: 1.0, slope: -1e-12 };
        let end = At { step: 1.0, value: 1.0 + 2e-16, slope: 1e-14 };
        assert_eq!(search(start, 1.0, 1e-15, |_| Ok(Some(end))), Ok(Found::Step(end)));
        assert_ne!(search(start, 1.0, 0.0, |step| Ok(Some(At { step, ..end }))), Ok(Found::Step(end)));
    }
}
