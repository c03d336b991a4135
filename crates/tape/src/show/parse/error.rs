//! What is wrong with an equation that was typed.

use std::fmt;

use crate::Error;
use crate::error::printable;

/// Why a text is no equation on a tape, and where: see [`EquationReader::read`](super::EquationReader::read).
///
/// ```
/// use tape::{EquationMistake, Matrix, Tape};
/// let tape = Tape::<f64>::new();
/// let _ = tape.parameter("W[1]", &Matrix::zeros(4, 2));
/// let error = tape.reader().read("W[1]ᵀ * W[2]").unwrap_err();
/// assert_eq!(error.at(), 8);
/// assert!(matches!(error.mistake(), EquationMistake::UnknownName { .. }));
/// assert_eq!(error.to_string(), "character 9: nothing is called W[2] (did you mean W[1]?)");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EquationError {
    pub(super) at: usize,
    pub(super) mistake: EquationMistake,
}

/// What is wrong with the text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EquationMistake {
    /// Something else has to stand here.
    Expected {
        /// What could stand here.
        what: &'static str,
        /// What stands here; empty at the end of the text.
        found: String,
    },
    /// No entry and no alias has this name.
    UnknownName {
        /// The name.
        name: String,
        /// The known name that is nearest to it, if one is near.
        nearest: Option<String>,
    },
    /// No function and no operation has this name.
    UnknownFunction {
        /// The name, with its ′.
        name: String,
        /// The known name that is nearest to it, if one is near.
        nearest: Option<String>,
    },
    /// Several entries have the name.
    SharedName {
        /// The name.
        name: String,
        /// Their numbers; `%3` names the third one.
        entries: Vec<usize>,
    },
    /// The name, such as g′, stands for several functions here.
    WhichFunction {
        /// The name, with its ′.
        name: String,
        /// What it could stand for.
        candidates: Vec<String>,
    },
    /// A function or operation is not for so many operands, or what stands in its brackets is no
    /// parameter of it.
    Operands {
        /// Its name.
        name: String,
        /// How many were given.
        found: usize,
    },
    /// The operation cannot be recorded: what a tape says of it, shapes above all.
    Operation(Box<Error>),
    /// The text has more characters than [`EquationReader::LONGEST`](super::EquationReader::LONGEST).
    TooLong {
        /// How many it has.
        characters: usize,
    },
    /// Parentheses are nested deeper than [`EquationReader::DEEPEST`](super::EquationReader::DEEPEST).
    TooDeep,
    /// A printed equation was too long, and has `…` in the place of what was left out.
    Cut,
}

impl EquationError {
    pub(super) fn new(at: usize, mistake: EquationMistake) -> Self {
        EquationError { at, mistake }
    }

    /// The place in the text, in characters from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is wrong there.
    pub fn mistake(&self) -> &EquationMistake {
        &self.mistake
    }
}

impl std::error::Error for EquationError {}

impl fmt::Display for EquationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "character {}: {}", self.at + 1, self.mistake)
    }
}

impl fmt::Display for EquationMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = |nearest: &Option<String>| match nearest {
            Some(nearest) => format!(" (did you mean {}?)", printable(nearest)),
            None => String::new(),
        };
        match self {
            EquationMistake::Expected { what, found } if found.is_empty() => {
                write!(f, "the text ends where {what} is expected")
            }
            EquationMistake::Expected { what, found } => {
                write!(f, "{what} is expected, not {}", printable(found))
            }
            EquationMistake::UnknownName { name, nearest } => {
                write!(f, "nothing is called {}{}", printable(name), hint(nearest))
            }
            EquationMistake::UnknownFunction { name, nearest } => {
                write!(f, "no function is called {}{}", printable(name), hint(nearest))
            }
            EquationMistake::SharedName { name, entries } => {
                let entries: Vec<String> = entries.iter().map(|entry| format!("%{entry}")).collect();
                write!(f, "several entries are called {}: write {}", printable(name), entries.join(" or "))
            }
            EquationMistake::WhichFunction { name, candidates } => {
                write!(f, "{} could be {}: write which", printable(name), candidates.join(" or "))
            }
            EquationMistake::Operands { name, found } => {
                write!(f, "{} is not for {found} operands, or has other parameters", printable(name))
            }
            EquationMistake::Operation(error) => error.fmt(f),
            EquationMistake::TooLong { characters } => write!(f, "{characters} characters are too many"),
            EquationMistake::TooDeep => write!(f, "parentheses are nested too deep"),
            EquationMistake::Cut => write!(f, "this was left out of a printed equation that was too long"),
        }
    }
}

/// The nearest of some names, if it is near: half of its characters are there.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let name: Vec<char> = name.chars().take(LONGEST_COMPARED).collect();
    let distance = |known: &str| changes(&name, &known.chars().take(LONGEST_COMPARED).collect::<Vec<_>>());
    let (distance, known) = known.map(|known| (distance(known), known)).min()?;
    (distance <= name.len() / 2).then(|| known.to_owned())
}

/// Longer names are compared by their beginnings: the time is the product of the lengths.
const LONGEST_COMPARED: usize = 40;

/// How many characters have to be put in, left out or changed to make one of the other (Levenshtein).
fn changes(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
