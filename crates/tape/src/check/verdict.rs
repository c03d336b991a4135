//! What a check may say beside *passed* and *failed*: that it could not see.

use std::fmt;

use crate::check::{Failure, Law, Summary};

/// What a check found.
///
/// ```
/// use tape::check::{Check, Verdict};
/// use tape::matrix;
/// let at = |x: f64| Verdict::of(&Check::new().scalar(&[matrix![[x]]], |_, x| x[0].relu()));
/// assert_eq!(at(0.5), Verdict::Pass);
/// assert_eq!(at(0.0), Verdict::Unchecked); // its corner
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every law holds, and for each the same gradient with one wrong sign was rejected.
    Pass,
    /// A law is broken.
    Failure,
    /// No law is broken, but for some law and operand nothing was verified.
    Unchecked,
}

impl Verdict {
    /// The verdict of a check.
    pub fn of(checked: &Result<Summary, Failure>) -> Self {
        match checked {
            Err(_) => Verdict::Failure,
            Ok(summary) if summary.unchecked().is_empty() => Verdict::Pass,
            Ok(_) => Verdict::Unchecked,
        }
    }
}

/// A law that was not checked for an operand, in any of the directions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unchecked {
    /// The law.
    pub law: Law,
    /// The operand that was moved; `None` for a law of all of them.
    pub operand: Option<usize>,
    /// What was in the way.
    pub reason: Reason,
}

/// Why a law was not checked.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The function has a corner at x: the differences of both sides do not meet at any step, and
    /// the recorded derivative lies between them.
    Kink,
    /// The function jumps at x: the differences grow as the step shrinks.
    Jump,
    /// The gradient is so small beside the values of the function that rounding hides it.
    Small {
        /// The norm of the gradient along the direction.
        gradient: f64,
        /// What rounding may make of the differences.
        rounding: f64,
    },
    /// The result does not change at all when the operand moves, and its gradient is exactly 0. A
    /// gradient that is wrongly 0 somewhere else is not found here.
    Blind,
    /// At every step the moved operand left the domain: the result is NaN or infinite there.
    Domain,
    /// The operand or the result has no elements.
    Empty,
    /// The instrument does not measure: the same gradient with the sign of one element reversed
    /// would pass as well.
    Insensitive,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Kink => write!(f, "a kink is in the way: the differences of both sides do not meet"),
            Reason::Jump => write!(f, "a jump is in the way: the differences grow as the step shrinks"),
            Reason::Small { gradient, rounding } => {
                write!(f, "the gradient, {gradient:.1e}, is below what differences can see, {rounding:.1e}")
            }
            Reason::Blind => write!(f, "the result does not change here, and its gradient is 0"),
            Reason::Domain => write!(f, "every step from it leaves the domain of the function"),
            Reason::Empty => write!(f, "there are no elements"),
            Reason::Insensitive => write!(
                f,
                "the instrument does not measure: the gradient with one wrong sign would pass as well"
            ),
        }
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operand {
            Some(operand) => write!(f, "{}: unchecked for operand {operand}: {}", self.law, self.reason),
            None => write!(f, "{}: unchecked: {}", self.law, self.reason),
        }
    }
}
