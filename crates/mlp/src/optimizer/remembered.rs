//! What an optimizer remembers, out and in.

use std::fmt;

use indexmap::IndexMap;

use crate::optimizer::OptimizerState;
use crate::optimizer::rule::{MOST, Rule};
use crate::text::Short;
use crate::{Error, Result, Scalar};

/// A part of what an optimizer remembers of a parameter, as [`OptimizerState::remembered`] gives
/// it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Remembered<'a, T> {
    /// A vector of a number for each element, column by column as the parameter.
    Elements(&'a [T]),
    /// Numbers that do not depend on the parameter's size.
    Numbers(&'a [f64]),
}

/// Why [`OptimizerState::restore`] refuses a part of what is to be remembered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RestoreFault {
    /// It is not there.
    Missing,
    /// The rule remembers nothing of this name.
    Unknown,
    /// It is there twice.
    Twice,
    /// It is [`Elements`](Remembered::Elements), where [`Numbers`](Remembered::Numbers) are needed,
    /// or the other way round.
    Kind {
        /// What it must be.
        expected: &'static str,
    },
    /// It has another length than it must have.
    Length {
        /// The length it must have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// A value is none that the rule could have left there.
    Value {
        /// The value.
        value: f64,
        /// Its place, from 0.
        at: usize,
        /// What it must be.
        expected: &'static str,
    },
}

impl fmt::Display for RestoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreFault::Missing => write!(f, "is missing"),
            RestoreFault::Unknown => write!(f, "is nothing that the rule remembers"),
            RestoreFault::Twice => write!(f, "is there twice"),
            RestoreFault::Kind { expected } => write!(f, "must be {expected}"),
            RestoreFault::Length { expected, found } => {
                write!(f, "needs {expected} values, {found} were given")
            }
            RestoreFault::Value { value, at, expected } => {
                write!(f, "is {} at place {at}, it must be {expected}", Short(*value))
            }
        }
    }
}

/// # Written down and read back
impl<T: Scalar> OptimizerState<T> {
    /// All that the rule remembers, by names: `"0.m"` is m of parameter 0.
    ///
    /// | rule | of parameter k |
    /// |---|---|
    /// | gradient descent | nothing |
    /// | momentum, Nesterov | `k.v` |
    /// | RMSProp | `k.s`; with momentum `k.v`; centred `k.m` |
    /// | Adagrad | `k.s` |
    /// | Adam, AdamW | `k.m`, `k.v`, and `k.powers`: β₁ᵗ and β₂ᵗ |
    /// | Lion | `k.m` |
    ///
    /// The rule, its hyperparameters, rates and decays are not among it: who writes these down
    /// makes the optimizer from them again. (An optimizer's text tells whether it is the same.)
    ///
    /// ```
    /// use mlp::{Optimizer, ParameterKind, Remembered};
    /// let momentum = Optimizer::momentum(0.1, 0.5)?;
    /// let mut state = momentum.state::<f64>(&[(2, ParameterKind::Weight)]);
    /// let mut w = [1.0, 2.0];
    /// state.step(0, &mut w, &[4.0, -4.0])?;
    /// let mut other = momentum.state::<f64>(&[(2, ParameterKind::Weight)]);
    /// other.restore(state.remembered())?;
    /// assert_eq!(other.remembered().collect::<Vec<_>>(), [
    ///     ("0.v".to_owned(), Remembered::Elements(&[4.0, -4.0])),
    /// ]);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn remembered(&self) -> impl Iterator<Item = (String, Remembered<'_, T>)> {
        let rule = self.optimizer.rule;
        self.memories.iter().enumerate().flat_map(move |(k, memory)| {
            let vectors = rule.names().into_iter().zip(&memory.vectors);
            let vectors = vectors.filter_map(move |(name, vector)| {
                Some((format!("{k}.{}", name?), Remembered::Elements(&vector[..])))
            });
            let powers = || (format!("{k}.{POWERS}"), Remembered::Numbers(&memory.powers[..]));
            vectors.chain(rule.counts().then(powers))
        })
    }

    /// Remembers what [`remembered`](Self::remembered) gave, in any order. From then on every step
    /// has the bits that it would have had there, if the rule and its hyperparameters are the same.
    ///
    /// # Errors
    /// [`Error::Restore`] if something is missing, unknown, of another length, or no number that
    /// the rule could have left there. All is then as it was.
    pub fn restore<'a>(
        &mut self,
        remembered: impl IntoIterator<Item = (String, Remembered<'a, T>)>,
    ) -> Result<()>
    where
        T: 'a,
    {
        T::state_restore(self, remembered.into_iter().collect())
    }

    pub(crate) fn restore_here(&mut self, given: Vec<(String, Remembered<'_, T>)>) -> Result<()> {
        let mut by_name = IndexMap::with_capacity(given.len());
        for (name, remembered) in given {
            let fault = |name| Error::Restore { name, fault: RestoreFault::Twice };
            if by_name.contains_key(&name) {
                return Err(fault(name));
            }
            by_name.insert(name, remembered);
        }
        let rule = self.optimizer.rule;
        let sizes = self.memories.iter().map(|memory| memory.size).enumerate();
        let found = sizes.map(|(k, size)| Found::take(rule, (k, size), &mut by_name));
        let found = found.collect::<Result<Vec<Found<'_, T>>>>()?;
        if let Some((name, _)) = by_name.into_iter().next() {
            return Err(Error::Restore { name, fault: RestoreFault::Unknown });
        }
        for (memory, found) in self.memories.iter_mut().zip(found) {
            for (vector, found) in memory.vectors.iter_mut().zip(found.vectors) {
                vector.copy_from_slice(found);
            }
            memory.powers = found.powers.unwrap_or(memory.powers);
        }
        Ok(())
    }
}

const POWERS: &str = "powers";

/// What there is to be remembered of one parameter, with nothing wrong in it.
struct Found<'a, T> {
    vectors: [&'a [T]; MOST],
    powers: Option<[f64; 2]>,
}

impl<'a, T: Scalar> Found<'a, T> {
    fn take(
        rule: Rule,
        (k, size): (usize, usize),
        from: &mut IndexMap<String, Remembered<'a, T>>,
    ) -> Result<Self> {
        let mut take = |name: &str| {
            let name = format!("{k}.{name}");
            match from.swap_remove(&name) {
                Some(found) => Ok((name, found)),
                None => Err(Error::Restore { name, fault: RestoreFault::Missing }),
            }
        };
        let mut vectors: [&[T]; MOST] = [&[]; MOST];
        for (vector, part) in vectors.iter_mut().zip(rule.names()) {
            let Some(part) = part else { continue };
            let (name, found) = take(part)?;
            *vector = elements(found, size, rule.is_of_squares(part))
                .map_err(|fault| Error::Restore { name, fault })?;
        }
        let mut powers = None;
        if rule.counts() {
            let (name, found) = take(POWERS)?;
            powers = Some(powers_of(found).map_err(|fault| Error::Restore { name, fault })?);
        }
        Ok(Found { vectors, powers })
    }
}

fn elements<T: Scalar>(
    found: Remembered<'_, T>,
    size: usize,
    is_of_squares: bool,
) -> Result<&[T], RestoreFault> {
    let Remembered::Elements(found) = found else {
        return Err(RestoreFault::Kind { expected: "a number for each element" });
    };
    check_length(size, found.len())?;
    let expected = if is_of_squares { "a finite number, at least 0" } else { "a finite number" };
    let is_wrong = |x: &T| !x.is_finite() || (is_of_squares && *x < T::ZERO);
    match found.iter().position(is_wrong) {
        Some(at) => Err(RestoreFault::Value { value: found[at].to_f64(), at, expected }),
        None => Ok(found),
    }
}

fn powers_of<T>(found: Remembered<'_, T>) -> Result<[f64; 2], RestoreFault> {
    let Remembered::Numbers(found) = found else {
        return Err(RestoreFault::Kind { expected: "numbers in f64" });
    };
    let powers: [f64; 2] =
        found.try_into().map_err(|_| RestoreFault::Length { expected: 2, found: found.len() })?;
    match powers.iter().position(|power| !(0.0..=1.0).contains(power)) {
        Some(at) => Err(RestoreFault::Value { value: powers[at], at, expected: "in [0, 1]" }),
        None => Ok(powers),
    }
}

fn check_length(expected: usize, found: usize) -> Result<(), RestoreFault> {
    if found == expected { Ok(()) } else { Err(RestoreFault::Length { expected, found }) }
}
