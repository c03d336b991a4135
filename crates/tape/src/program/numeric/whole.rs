//! Programs of other outputs on the values that a program's leaves have: the values of a whole list.

use crate::program::Program;
use crate::tape::ids::Id;
use crate::{Error, LeafKind, Options, Result, Scalar, Tape, Var};

impl<T: Scalar> Program<T> {
    /// How it was compiled.
    pub(crate) fn options(&self) -> Options {
        self.options
    }

    /// For each entry of the list, whether it can be computed from the values of this program's
    /// leaves, and of the other leaves as the tape has them.
    ///
    /// # Errors
    /// [`Error::ForeignVariable`] if the program is of another tape; [`Error::Unbound`] if a leaf of
    /// its own has no value yet.
    pub(crate) fn computable(&self, tape: &Tape<T>) -> Result<Vec<bool>> {
        let m = self.m();
        let mut computable: Vec<bool> = Vec::with_capacity(tape.len());
        for entry in tape.entries() {
            let var = entry.var();
            let is_known = match entry.leaf_kind() {
                None => entry.operands().all(|operand| computable[operand.index()]),
                Some(kind) => match (self.view(var), entry.leaf_value()) {
                    (Ok(_), _) => true,
                    (Err(Error::NotInProgram { .. }), Some(value)) => {
                        let has_m = entry.shape().columns.at(m.unwrap_or(0)) == value.columns();
                        kind != LeafKind::Examples || m.is_none() || has_m
                    }
                    (Err(Error::NotInProgram { .. }), None) => false,
                    (Err(error), _) => return Err(error),
                },
            };
            computable.push(is_known);
        }
        Ok(computable)
    }

    /// Lets a run that no leaf tells the number of examples be on m.
    pub(crate) fn examples_if_none(&mut self, m: usize) {
        self.set_default_m(m);
    }

    /// A program of these outputs, whose leaves have the values that this program's have.
    pub(crate) fn of_outputs(
        &self,
        tape: &Tape<T>,
        outputs: &[Var<'_, T>],
        options: Options,
    ) -> Result<Program<T>> {
        let mut program =
            tape.compile_with(outputs.iter().map(|&output| tape.at(output.id.index()).var()), options)?;
        program.keep_noise();
        for leaf in program.leaves.states.ids() {
            let entry = program.graph.origins[program.leaves.states[leaf].node].0;
            let own = self.leaves.found.get(&entry).filter(|found| found.is_leaf);
            if let Some(own) = own.and_then(|found| found.leaf) {
                program.fill_leaf(leaf, self.value_of(&self.leaves.states[own])?)?;
            }
        }
        if let Some(m) = self.m() {
            program.set_default_m(m);
        }
        Ok(program)
    }
}
