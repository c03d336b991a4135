//! Difference quotients on a ladder of steps h, h/2, h/4, …, and what their errors say.

use std::fmt;

use crate::check::subject::Result;

/// The ladder has these many steps at most: the last is h/4096.
const STEPS: usize = 13;

/// How many errors decide between a wrong rule, truncation and rounding.
pub(super) const SHOWN: usize = 4;

/// How the value along a direction changes over one step to both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quotients {
    /// (φ(h) − φ(0))/h.
    pub(super) right: f64,
    /// (φ(0) − φ(−h))/h.
    pub(super) left: f64,
    /// Σ |uᵢ| · |rightᵢ − leftᵢ|, over the elements of the result.
    pub(super) spread: f64,
}

impl Quotients {
    fn central(&self) -> f64 {
        (self.right + self.left) / 2.0
    }
    fn gap(&self) -> f64 {
        (self.right - self.left).abs()
    }
}

/// What is compared along one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    /// ⟨Jᵀ·u, v⟩ as it is recorded.
    pub(super) recorded: f64,
    /// ‖Jᵀ·u‖·‖v‖.
    pub(super) size: f64,
    /// The largest change of `recorded` by the sign of one element of the gradient.
    pub(super) one_sign: f64,
    /// The tolerance, relative to the size.
    pub(super) tolerance: f64,
    /// Rounding of φ, so that a quotient over the step h may be wrong by `rounding` / h.
    pub(super) rounding: f64,
    /// The first step.
    pub(super) h: f64,
    /// Whether the errors have to fall as the step shrinks.
    pub(super) converging: bool,
    /// Whether to go on where rounding is more than the tolerance, while the error falls.
    pub(super) bends: bool,
}

/// What the ladder found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// The extrapolated difference that is nearest to the recorded derivative.
    pub(super) differences: f64,
    /// Its distance from the recorded derivative, relative to the size.
    pub(super) relative: f64,
    /// The step that it is of.
    pub(super) step: f64,
    /// What rounding may make of it.
    pub(super) floor: f64,
    pub(super) finding: Finding,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Finding {
    /// The differences agree with the recorded derivative, and would not with a wrong sign.
    Agrees,
    /// They agree, but so they would with the sign of one element reversed.
    Insensitive,
    /// No step stays in the domain.
    Domain,
    /// A corner between whose sides the recorded derivative lies.
    Kink,
    /// A jump.
    Jump,
    /// They do not agree.
    Differs(Errors),
}

/// The errors of the extrapolated differences at h, h/2, h/4, h/8, and what they say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Errors {
    /// The step h.
    pub h: f64,
    /// |differences − recorded| at h, h/2, h/4 and h/8.
    pub errors: [f64; SHOWN],
    /// What follows from them.
    pub cause: Cause,
}

/// Why differences and the recorded derivative do not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The error stays as the step shrinks: the rule is wrong.
    Rule,
    /// The error falls with the step: it is the truncation of the differences.
    Truncation,
    /// The error rises as the step shrinks: it is rounding.
    Rounding,
    /// The differences of both sides do not meet: the function has a corner, and the recorded
    /// derivative is outside of what its sides allow.
    Kink,
    /// None of these.
    Unclear,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Rule => "it stays as the step shrinks, so the rule is wrong",
            Cause::Truncation => {
                "it falls with the step, so it is truncation: take a smaller step or a larger tolerance"
            }
            Cause::Rounding => {
                "it rises as the step shrinks, so it is rounding: take a larger step or a larger tolerance"
            }
            Cause::Kink => {
                "looks like a kink: the differences of both sides do not meet, and the recorded one is not between them"
            }
            Cause::Unclear => "it neither stays nor falls nor rises: look at the function between x − h and x + h",
        })
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.errors;
        write!(
            f,
            "at h = {:.1e}, h/2, h/4, h/8 the error is {a:.1e}, {b:.1e}, {c:.1e}, {d:.1e}: {}",
            self.h, self.cause
        )
    }
}

/// Quotients at h, h/2, …, as far as they are asked for.
struct Ladder<F> {
    quotients: F,
    known: Vec<Quotients>,
    h: f64,
}

impl<F: FnMut(f64) -> Result<Quotients>> Ladder<F> {
    fn step(&self, k: usize) -> f64 {
        self.h / (1_u64 << k) as f64
    }

    fn at(&mut self, k: usize) -> Result<Quotients> {
        while self.known.len() <= k {
            let step = self.step(self.known.len());
            let next = (self.quotients)(step)?;
            self.known.push(next);
        }
        Ok(self.known[k])
    }

    /// (4·D(h/2) − D(h))/3 at the k-th step.
    fn extrapolated(&mut self, k: usize) -> Result<f64> {
        let (whole, half) = (self.at(k)?.central(), self.at(k + 1)?.central());
        Ok((4.0 * half - whole) / 3.0)
    }
}

/// Goes down the ladder until differences and the recorded derivative agree or rounding hides what
/// is left.
pub(super) fn compare(compared: &Compared, quotients: impl FnMut(f64) -> Result<Quotients>) -> Result<Found> {
    let mut ladder = Ladder { quotients, known: Vec::new(), h: compared.h };
    let mut best: Option<(usize, Found, f64)> = None;
    let mut largest = 0.0_f64;
    let (mut before, mut vanishes) = (f64::INFINITY, compared.size == 0.0);
    // Where a rule is wrong by less than the tolerance the error stays.
    let least = if compared.converging { 1e-3 } else { 1.0 } * compared.tolerance;
    for k in 0..STEPS {
        let differences = ladder.extrapolated(k)?;
        if !differences.is_finite() {
            continue;
        }
        let step = ladder.step(k);
        // A derivative that is wrongly zero has no norm to be compared with.
        let size = compared.size.max(differences.abs());
        let floor = 64.0 * compared.rounding / step;
        largest = largest.max(size);
        let is_rough = floor > least * largest;
        let goes_on = compared.bends || vanishes;
        if is_rough && best.is_some_and(|(_, _, error)| !goes_on || floor > error) {
            break;
        }
        let allowed = compared.tolerance * size + floor;
        let error = (differences - compared.recorded).abs();
        let relative = if error == 0.0 { 0.0 } else { error / allowed * compared.tolerance };
        let finding =
            if compared.one_sign - error > allowed { Finding::Agrees } else { Finding::Insensitive };
        let found = Found { differences, relative, step, floor, finding };
        // Rounding may hide the mistake of a rule, but none that falls with the step.
        let falls = best.is_none_or(|(_, _, before)| error < before / 4.0);
        if error <= least * size + floor && (falls || !is_rough) {
            return Ok(found);
        }
        vanishes &= error <= 0.6 * before;
        before = error;
        // Of errors that are the same the first, where rounding is smallest.
        if best.is_none_or(|(_, _, least)| error < 0.9 * least) {
            best = Some((k, found, error));
        }
    }
    let Some((k, found, _)) = best else {
        let nothing = Found {
            differences: f64::NAN,
            relative: 0.0,
            step: compared.h,
            floor: 0.0,
            finding: Finding::Domain,
        };
        return Ok(nothing);
    };
    if vanishes && k + 1 >= SHOWN {
        // Of a gradient that is 0 where the second derivative jumps: the sides do not meet at any step,
        // and tend to it.
        return Ok(Found { finding: Finding::Kink, ..found });
    }
    let finding = disagreement(compared, &mut ladder, k, &found)?;
    Ok(Found { finding, ..found })
}

fn disagreement<F: FnMut(f64) -> Result<Quotients>>(
    compared: &Compared,
    ladder: &mut Ladder<F>,
    nearest: usize,
    found: &Found,
) -> Result<Finding> {
    let size = compared.size.max(found.differences.abs());
    let allowed = compared.tolerance * size + found.floor;
    let mut errors = errors(compared, ladder)?;
    let first = nearest.saturating_sub(1);
    let sides = [ladder.at(first)?, ladder.at(first + 1)?, ladder.at(first + 2)?];
    if is_jump(&sides, allowed) {
        return Ok(Finding::Jump);
    }
    if is_kink(&sides, allowed) {
        let from_middle = (compared.recorded - sides[2].central()).abs();
        // Without what the sides bend between x and x ± h.
        let spread = (2.0 * sides[2].spread - sides[1].spread).max(sides[2].spread);
        if from_middle <= spread / 2.0 * (1.0 + compared.tolerance) + allowed {
            return Ok(Finding::Kink);
        }
        errors.cause = Cause::Kink;
    }
    Ok(Finding::Differs(errors))
}

/// Across a corner the sides stay apart by the same as the step shrinks; where a function is smooth
/// they approach each other like h or faster, and rounding moves them apart like 1/h.
fn is_kink(sides: &[Quotients; 3], least: f64) -> bool {
    let stays = |pair: &[Quotients]| (0.8..1.25).contains(&(pair[1].gap() / pair[0].gap()));
    sides[2].gap() > least && sides.windows(2).all(stays)
}

/// Across a jump the change is the same for every step, so that a side grows like 1/h, beside what is
/// smooth; far beyond what rounding does.
fn is_jump(sides: &[Quotients; 3], least: f64) -> bool {
    let [a, b, c] = sides.each_ref().map(|of| of.right.abs().max(of.left.abs()));
    a > least && b > 1.2 * a && c > 1.2 * b && (1.9..2.1).contains(&((c - b) / (b - a)))
}

/// What eight neighbours tell of the rounding of φ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    pub(super) size: f64,
    /// Whether φ bends over these distances, so that the size is not that of roundings.
    pub(super) bends: bool,
}

/// The rounding of φ by itself, measured where φ is all but a line: the third differences of eight
/// neighbours, which amplify what is random in them by √20 (Moré and Wild, *Estimating computational
/// noise*, 2011). What cancels inside of φ is seen here, and not from its value. The largest of three
/// distances, as roundings may be in step with one of them.
pub(super) fn noise(mut phi: impl FnMut(f64) -> Result<f64>, step: f64) -> Result<Noise> {
    let mut largest = Noise { size: 0.0, bends: true };
    for distance in [step, 0.618 * step, 0.382 * step] {
        let mut values = [0.0; 8];
        for (i, value) in values.iter_mut().enumerate() {
            *value = phi(i as f64 * distance)?;
        }
        let mut thirds = [0.0; 5];
        for (third, w) in thirds.iter_mut().zip(values.windows(4)) {
            *third = (w[3] - 3.0 * w[2]) + (3.0 * w[1] - w[0]);
        }
        // No square, which overflows or vanishes; and ∞ beside NaN is NaN.
        let root = thirds.into_iter().fold(0.0, f64::hypot);
        let size = if thirds.iter().any(|x| x.is_nan()) { f64::NAN } else { root / 10.0 };
        // Not `max`, which a NaN passes by.
        largest.size = if size > largest.size || size.is_nan() { size } else { largest.size };
        largest.bends &= keep_their_sign(&thirds);
    }
    Ok(largest)
}

/// Those of roundings alternate, three of four times; those of a function that bends change once at
/// most.
fn keep_their_sign(thirds: &[f64; 5]) -> bool {
    let same = |pair: &&[f64]| pair.iter().all(|&x| x > 0.0) || pair.iter().all(|&x| x < 0.0);
    thirds.windows(2).filter(same).count() >= 3
}

/// The rounding of φ, from neighbours that move nearer, to an eighth each time, until it does not
/// bend between them.
pub(super) fn noise_without_bends(mut phi: impl FnMut(f64) -> Result<f64>, step: f64) -> Result<f64> {
    let mut found = noise(&mut phi, step)?;
    for eighth in 1..=4 {
        if !found.bends {
            break;
        }
        found = noise(&mut phi, step / f64::from(1 << (3 * eighth)))?;
    }
    Ok(found.size)
}

/// The errors of four steps: the first ones after which the error no longer falls, so that a small
/// mistake is not taken for the truncation that hides it at large steps.
fn errors<F: FnMut(f64) -> Result<Quotients>>(compared: &Compared, ladder: &mut Ladder<F>) -> Result<Errors> {
    let mut first = 0;
    loop {
        let mut errors = [0.0; SHOWN];
        for (i, error) in errors.iter_mut().enumerate() {
            *error = (ladder.extrapolated(first + i)? - compared.recorded).abs();
        }
        let shown = Errors { h: ladder.step(first), errors, cause: cause(&errors) };
        let last = first + SHOWN >= STEPS || {
            let floor = 64.0 * compared.rounding / ladder.step(first + SHOWN);
            floor > compared.tolerance * compared.size.max(compared.recorded.abs())
        };
        let settled = matches!(shown.cause, Cause::Rule | Cause::Rounding);
        if settled || last {
            return Ok(shown);
        }
        first += 1;
    }
}

fn cause(errors: &[f64; SHOWN]) -> Cause {
    let ratios = || errors.windows(2).map(|pair| pair[1] / pair[0]);
    if ratios().all(|ratio| (0.8..1.25).contains(&ratio)) {
        Cause::Rule
    } else if ratios().all(|ratio| ratio < 0.5) {
        Cause::Truncation
    } else if ratios().all(|ratio| ratio > 1.25) {
        Cause::Rounding
    } else {
        Cause::Unclear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_errors() {
        for (errors, expected) in [
            ([1e-3, 1.1e-3, 1e-3, 0.9e-3], Cause::Rule),
            ([1e-3, 2.5e-4, 6e-5, 1.5e-5], Cause::Truncation),
            ([1.6e-2, 1e-3, 6e-5, 4e-6], Cause::Truncation),
            ([1e-9, 3e-9, 5e-9, 1.1e-8], Cause::Rounding),
            ([1e-3, 1e-5, 1e-3, 1e-5], Cause::Unclear),
            ([f64::NAN; 4], Cause::Unclear),
        ] {
            assert_eq!(cause(&errors), expected, "{errors:?}");
        }
    }

    #[test]
    fn noise_is_that_of_the_digits_alone() {
        let smooth = noise(|s| Ok((0.3 + s).sin()), 1.5e-8).unwrap().size;
        assert!(smooth < 4.0 * f64::EPSILON, "{smooth:e}");
        // Rounded to multiples of 2⁻²⁰: uniform, of the standard deviation 2⁻²⁰/√12.
        let rounded = |s: f64| Ok(((0.3 + 1e5 * s).sin() * 2f64.powi(20)).round() / 2f64.powi(20));
        for scale in [1e-250, 1e250] {
            let scaled = noise(|s| Ok(scale * rounded(s)?), 1.5e-8).unwrap().size / scale;
            let plain = noise(rounded, 1.5e-8).unwrap().size;
            assert!((scaled / plain - 1.0).abs() < 1e-6, "{scaled:e} {plain:e}");
        }
        // What bends over the distances is no noise.
        let bends = noise_without_bends(|s| Ok((1e4 * (0.3 + s)).sin()), 6e-6).unwrap();
        assert!(bends < 1e-10, "{bends:e}");
        let of_digits = noise(rounded, 1.5e-8).unwrap().size * 12f64.sqrt() * 2f64.powi(20);
        assert!((0.2..4.0).contains(&of_digits), "{of_digits}");
    }
}
