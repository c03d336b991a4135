//! What must hold at the end of a run.

use std::fmt;

/// The checks of a run: those that failed decide the exit code.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    held: usize,
    failed: Vec<String>,
}

impl Checks {
    /// Notes whether something holds; `what` is said if it does not.
    pub(crate) fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if holds {
            self.held += 1;
        } else {
            self.failed.push(what());
        }
    }

    /// Whether everything held.
    pub(crate) fn all_hold(&self) -> bool {
        self.failed.is_empty()
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.held + self.failed.len();
        if self.all_hold() {
            return write!(f, "All {all} checks hold.");
        }
        write!(f, "{} of {all} checks failed:", self.failed.len())?;
        self.failed.iter().try_for_each(|what| write!(f, "\n  - {what}"))
    }
}
