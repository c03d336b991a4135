//! Entries that are recorded already.

use std::panic::Location;

use crate::check::case::{self, Case};
use crate::check::{Check, Failure, Summary, laws};
use crate::{Error, Matrix, OperationKind, Scalar, Tape, Var};

/// # As recorded
impl Check {
    /// Checks an entry as a function of some of its leaves, as it was recorded and at the values that
    /// the leaves were made with; every other leaf keeps its value. A copy of the list is
    /// differentiated: nothing is appended to the tape.
    ///
    /// ```
    /// use tape::check::Check;
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[0.5, -1.0, 2.0]]);
    /// let y = tape.examples("Y", &matrix![[0.0, 1.0, 1.0]]);
    /// let w = tape.parameter("w", &matrix![[0.25]]);
    /// let j = w.matmul(x).sigmoid().log_loss(y).mean();
    /// let entries = tape.len();
    /// Check::new().nothing_unchecked().entry(j, &[w, x])?;
    /// assert_eq!(tape.len(), entries);
    /// # Ok::<(), tape::check::Failure>(())
    /// ```
    ///
    /// # Errors
    /// The broken laws; [`Error::NotBindable`] for what is no leaf or stands twice, [`Error::Unbound`] for a leaf
    /// without a value, [`Error::ForeignVariable`] for one of another tape.
    #[track_caller]
    pub fn entry<'t, T: Scalar>(&self, entry: Var<'t, T>, leaves: &[Var<'t, T>]) -> Result<Summary, Failure> {
        let place = Location::caller();
        let values = leaves.iter().map(|leaf| leaf.value()).collect::<Result<Vec<_>, Error>>()?;
        let operands = || leaves.iter().map(|leaf| leaf.label()).collect();
        T::check_entry(self, entry, leaves, &values)
            .map_err(|failure| failure.of(|| Case::new(self, place, operands(), &values, case::OPERATION)))
    }

    pub(crate) fn entry_here<'t, T: Scalar>(
        &self,
        entry: Var<'t, T>,
        leaves: &[Var<'t, T>],
        values: &[Matrix<T>],
    ) -> Result<Summary, Failure> {
        entry.sound()?;
        let copy: Tape<T> = entry.tape().copied();
        let of_copy = |var: &Var<'t, T>| -> Result<Var<'_, T>, Error> {
            let var = entry.tape().var(var.id()?)?; // of this tape
            Ok(Var { tape: &copy, id: var.id, of_run: false })
        };
        let variables = leaves.iter().map(of_copy).collect::<Result<Vec<_>, Error>>()?;
        for (i, leaf) in leaves.iter().enumerate() {
            let is_leaf = matches!(leaf.entry()?.kind(), OperationKind::Leaf);
            let reason = match (is_leaf, leaves[..i].contains(leaf)) {
                (false, _) => "is not a leaf",
                (true, true) => "stands twice among the leaves, and cannot move alone",
                (true, false) => continue,
            };
            return Err(Error::NotBindable { method: "check", variable: leaf.label(), reason }.into());
        }
        laws::run(self, &copy, values, &variables, of_copy(&entry)?)
    }
}
