//! Which laws a row breaks.

use std::fmt;

/// A law of a [`Row`](crate::check::Row).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RowLaw {
    /// The function is recorded and run without an error where the plain one gives a value, and
    /// refuses what the plain one refuses.
    Error,
    /// Shape and value are those of the plain function.
    Value,
    /// Differences of the plain function are the recorded gradient.
    PlainDerivative,
    /// The laws of [`Check`](crate::check::Check).
    Derivative,
    /// What is NaN, infinite or finite is so in the plain function.
    NonFinite,
    /// A repeated operand gives what its repetition gives.
    Broadcast,
    /// Each column alone is what it is among the others.
    ColumnsAlone,
    /// A batch in two parts gives the same as the whole.
    Split,
    /// A batch twice gives everything twice.
    Duplication,
    /// Examples in another order give their columns in that order.
    Permutation,
    /// The same bits twice, whatever the result's memory held.
    Memory,
    /// The same bits for any number of threads and size of a tile.
    Threads,
    /// Something was not checked at any size.
    Unchecked,
}

impl fmt::Display for RowLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RowLaw::Error => "errors",
            RowLaw::Value => "value",
            RowLaw::PlainDerivative => "derivative of the plain function",
            RowLaw::Derivative => "derivative",
            RowLaw::NonFinite => "non-finite",
            RowLaw::Broadcast => "broadcast",
            RowLaw::ColumnsAlone => "columns alone",
            RowLaw::Split => "split batch",
            RowLaw::Duplication => "doubled batch",
            RowLaw::Permutation => "permuted batch",
            RowLaw::Memory => "memory",
            RowLaw::Threads => "threads and tiles",
            RowLaw::Unchecked => "unchecked",
        })
    }
}

/// The laws that a row breaks, each with the first case that does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFailure {
    broken: Vec<(RowLaw, String)>,
}

impl RowFailure {
    /// The broken laws, each once, with what was found.
    pub fn broken(&self) -> &[(RowLaw, String)] {
        &self.broken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.broken.is_empty()
    }

    pub(super) fn has(&self, law: RowLaw) -> bool {
        self.broken.iter().any(|(known, _)| *known == law)
    }

    pub(super) fn note(&mut self, law: RowLaw, what: String) {
        if !self.has(law) {
            self.broken.push((law, what));
        }
    }
}

/// A message for each broken law.
impl fmt::Display for RowFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (law, what)) in self.broken.iter().enumerate() {
            write!(f, "{}{law}: {what}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for RowFailure {}
