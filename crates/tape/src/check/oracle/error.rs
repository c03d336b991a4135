//! What an oracle cannot tell, and why.

use std::fmt;

use super::number::Refusal;
use crate::printable;

/// What an oracle cannot tell. Entries are named by their labels.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The entry is void: recording it was a mistake.
    Tape(crate::Error),
    /// A leaf has no value.
    Unbound {
        /// The leaf.
        leaf: String,
    },
    /// A leaf is drawn anew for each run. Take its value from a run, and
    /// [bind](super::Oracle::bind) it.
    Noise {
        /// The leaf.
        leaf: String,
    },
    /// A value was bound to what is no leaf.
    NotLeaf {
        /// The entry.
        entry: String,
    },
    /// A matrix has another shape than what it is for.
    Shape {
        /// The leaf that it is bound to, or the entry that it is a direction of.
        entry: String,
        /// Rows and columns needed.
        expected: (usize, usize),
        /// Rows and columns found.
        found: (usize, usize),
    },
    /// The number of examples is not known. See [`Oracle::examples`](super::Oracle::examples).
    UnknownExamples {
        /// The first entry that depends on it.
        entry: String,
    },
    /// A direction, or what a gradient is with respect to, is of another tape.
    Foreign {
        /// The entry.
        entry: String,
    },
    /// A gradient was asked of an entry that is not 1 × 1.
    NotScalar {
        /// The entry.
        entry: String,
        /// Its rows and columns.
        shape: (usize, usize),
    },
    /// An operation or a function is of the user's own, and its
    /// [`Definitions`](super::Definitions) do not have it.
    NotDefined {
        /// The entry.
        entry: String,
        /// The name of the operation or function.
        name: String,
    },
    /// A definition of the user's gave a matrix of another shape than the entry has.
    Definition {
        /// The entry.
        entry: String,
        /// Rows and columns needed.
        expected: (usize, usize),
        /// Rows and columns found.
        found: (usize, usize),
    },
    /// The number type has no value for an element.
    Refused {
        /// The entry.
        entry: String,
        /// Its operation.
        operation: String,
        /// The row of the first element without a value, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// Why.
        reason: Refusal,
    },
    /// The operation has no value there: an index that names no column, a range beyond the
    /// examples, the maximum of nothing, a singular matrix.
    Domain {
        /// The entry.
        entry: String,
        /// Its operation.
        operation: String,
        /// What is wrong.
        reason: String,
    },
    /// The interpreter does not know an operation's parameters.
    Unknown {
        /// The entry.
        entry: String,
        /// Its operation.
        operation: String,
        /// What it does not know.
        reason: String,
    },
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Error::Tape(error)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Tape(error) => Some(error),
            _ => None,
        }
    }
}

/// Rows × columns.
struct Extents((usize, usize));

impl fmt::Display for Extents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.0.0, self.0.1)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = printable;
        match self {
            Error::Tape(error) => fmt::Display::fmt(error, f),
            Error::Unbound { leaf } => write!(f, "oracle: {} has no value", name(leaf)),
            Error::Noise { leaf } => {
                write!(f, "oracle: {} is drawn for each run: bind the value that a run had", name(leaf))
            }
            Error::NotLeaf { entry } => write!(f, "oracle: {} is no leaf, and cannot be bound", name(entry)),
            Error::Shape { entry, expected, found } => {
                let (expected, found) = (Extents(*expected), Extents(*found));
                write!(f, "oracle: {} is {expected}, the matrix given for it {found}", name(entry))
            }
            Error::UnknownExamples { entry } => {
                write!(f, "oracle: {} depends on the number of examples, which is not known", name(entry))
            }
            Error::Foreign { entry } => write!(f, "oracle: {} belongs to another tape", name(entry)),
            Error::NotScalar { entry, shape } => write!(
                f,
                "oracle: {} is {}, and a gradient is of a 1×1 entry: ask for the derivative along a direction",
                name(entry),
                Extents(*shape)
            ),
            Error::NotDefined { entry, name: of } => {
                write!(f, "oracle: {} needs {}, which is not defined", name(entry), name(of))
            }
            Error::Definition { entry, expected, found } => {
                let (expected, found) = (Extents(*expected), Extents(*found));
                write!(f, "oracle: {} is {expected}, its definition gave {found}", name(entry))
            }
            Error::Refused { entry, operation, row, column, reason } => write!(
                f,
                "oracle: {}, {}, has no value in these numbers at row {row}, column {column}: {reason}",
                name(entry),
                name(operation)
            ),
            Error::Domain { entry, operation, reason } | Error::Unknown { entry, operation, reason } => {
                write!(f, "oracle: {}, {}: {reason}", name(entry), name(operation))
            }
        }
    }
}
