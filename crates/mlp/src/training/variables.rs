//! Whether each variable that a model was given can be what it is given as.

use std::collections::HashSet;

use tape::{Dim, Entry, LeafKind, OperationKind, Tape, Var};

use crate::data::check_parameter;
use crate::training::run::of_validation;
use crate::{Error, Model, Result, Scalar};

const FOREIGN: &str = "is of another tape than J";
const TWICE: &str = "stands there twice";
const NO_PARAMETER: &str = "is no parameter of the tape";
const NO_EXAMPLES: &str = "is no leaf whose columns are examples";
const UNUSED: &str = "is nothing that J depends on";

impl<T: Scalar> Model<'_, T> {
    /// All that a model can be at fault for before anything is recorded or compiled.
    pub(super) fn check(&self) -> Result<()> {
        let live = Live::of(self.j.tape(), std::iter::once(self.j).chain(self.judged))?;
        for parameter in &self.parameters {
            self.of_kind("parameters", *parameter, LeafKind::Parameter, NO_PARAMETER)?;
        }
        if let Some(judged) = self.judged {
            self.same_tape("judged_by", judged)?;
            if !judged.shape()?.is_scalar() {
                return refuse("judged_by", judged, "is not 1×1");
            }
        }
        self.check_biases()?;
        self.check_tables()?;
        self.check_first(&live)?;
        self.check_examples(&live)?;
        self.check_validation(&live).map_err(of_validation)
    }

    fn check_biases(&self) -> Result<()> {
        for &bias in &self.biases {
            self.same_tape("biases", bias)?;
            let is_table = self.tables.iter().any(|(table, _)| *table == bias);
            if !is_table && !self.parameters.contains(&bias) {
                return refuse("biases", bias, "is no parameter of the model");
            }
        }
        Ok(())
    }

    /// Of a table J knows nothing but what it gathers by these indices: the gradient would else be
    /// a part of it.
    fn check_tables(&self) -> Result<()> {
        if self.tables.is_empty() {
            return Ok(());
        }
        let live = Live::of(self.j.tape(), [self.j])?;
        let mut seen = HashSet::new();
        for &(table, indices) in &self.tables {
            self.of_kind("table", table, LeafKind::Parameter, NO_PARAMETER)?;
            self.same_tape("indices of a table", indices)?;
            if !seen.insert(table.index()) {
                return refuse("table", table, TWICE);
            }
            let (of, by) = (table.entry()?, indices.entry()?);
            let uses: Vec<_> = self
                .j
                .tape()
                .entries()
                .filter(|entry| live.has(entry.index()) && entry.operands().any(|operand| operand == of))
                .collect();
            let is_gather =
                |entry: &Entry<'_, T>| entry.kind() == OperationKind::Gather && entry.operands().eq([by, of]);
            if !uses.iter().any(is_gather) {
                return refuse("table", table, "is none that J gathers by these indices");
            }
            if !uses.iter().all(is_gather) {
                return refuse("table", table, "is used by J in another way than by these indices too");
            }
        }
        Ok(())
    }

    fn check_first(&self, live: &Live) -> Result<()> {
        let mut seen = HashSet::new();
        for &(parameter, ref value) in &self.first {
            self.of_kind("first", parameter, LeafKind::Parameter, NO_PARAMETER)?;
            if !seen.insert(parameter.index()) {
                return refuse("first", parameter, TWICE);
            }
            if !live.has_variable(parameter) {
                return refuse("first", parameter, UNUSED);
            }
            check_parameter(&parameter.label(), value.view())?;
        }
        Ok(())
    }

    fn check_examples(&self, live: &Live) -> Result<()> {
        for &(leaf, _) in &self.data {
            self.of_kind("examples", leaf, LeafKind::Examples, NO_EXAMPLES)?;
            if !live.has_variable(leaf) {
                return refuse("examples", leaf, UNUSED);
            }
        }
        Ok(())
    }

    /// The leaves of the validation part are as many examples each, and none of those that the
    /// training has is missing.
    fn check_validation(&self, live: &Live) -> Result<()> {
        let mut seen = HashSet::new();
        let mut m = None;
        for &(leaf, ref values) in &self.validation {
            self.of_kind("validation", leaf, LeafKind::Examples, NO_EXAMPLES)?;
            if !seen.insert(leaf.index()) {
                return refuse("validation", leaf, TWICE);
            }
            if !live.has_variable(leaf) {
                return refuse("validation", leaf, UNUSED);
            }
            if leaf.shape()?.columns == Dim::M {
                let (found, expected) = (values.columns(), *m.get_or_insert(values.columns()));
                if found != expected {
                    return Err(Error::Length { list: "examples of a leaf", expected, found });
                }
            }
        }
        if self.validation.is_empty() {
            return Ok(());
        }
        if m == Some(0) {
            return Err(Error::NoExamples { what: "J" });
        }
        let judged = Live::of(self.j.tape(), [self.judged()])?;
        let is_missing = |leaf: Var<'_, T>| judged.has_variable(leaf) && !seen.contains(&leaf.index());
        match self.data.iter().find(|(leaf, _)| is_missing(*leaf)) {
            Some((leaf, _)) => refuse("validation", *leaf, "has examples of the training alone"),
            None => Ok(()),
        }
    }

    fn same_tape(&self, role: &'static str, variable: Var<'_, T>) -> Result<()> {
        variable.id()?;
        match std::ptr::eq(variable.tape(), self.j.tape()) {
            true => Ok(()),
            false => refuse(role, variable, FOREIGN),
        }
    }

    fn of_kind(
        &self,
        role: &'static str,
        variable: Var<'_, T>,
        kind: LeafKind,
        fault: &'static str,
    ) -> Result<()> {
        self.same_tape(role, variable)?;
        match variable.entry()?.leaf_kind() == Some(kind) {
            true => Ok(()),
            false => refuse(role, variable, fault),
        }
    }
}

/// Whether each leaf of an epoch over blocks is one of examples, and there once.
pub(super) fn check_leaves<T: Scalar>(leaves: &[Var<'_, T>]) -> Result<()> {
    const ROLE: &str = "leaves of blocks";
    let mut seen = HashSet::new();
    for &leaf in leaves {
        if leaf.entry()?.leaf_kind() != Some(LeafKind::Examples) {
            return refuse(ROLE, leaf, NO_EXAMPLES);
        }
        // Of another tape, one with the same number is another one.
        if !seen.insert(leaf.id()?) {
            return refuse(ROLE, leaf, TWICE);
        }
    }
    Ok(())
}

fn refuse<V, T: Scalar>(role: &'static str, variable: Var<'_, T>, fault: &'static str) -> Result<V> {
    Err(Error::Variable { role, name: variable.label(), fault })
}

/// The entries that some outputs depend on, themselves among them.
pub(super) struct Live(Vec<bool>);

impl Live {
    pub(super) fn of<'t, T: Scalar>(
        tape: &'t Tape<T>,
        outputs: impl IntoIterator<Item = Var<'t, T>>,
    ) -> Result<Self> {
        let mut live = vec![false; tape.len()];
        for output in outputs {
            // An output of another tape is refused with its name later.
            if std::ptr::eq(output.tape(), tape) {
                live[output.entry()?.index()] = true;
            }
        }
        for entry in tape.entries().rev() {
            if live[entry.index()] {
                entry.operands().for_each(|operand| live[operand.index()] = true);
            }
        }
        Ok(Live(live))
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.0.get(index) == Some(&true)
    }

    fn has_variable<T: Scalar>(&self, variable: Var<'_, T>) -> bool {
        variable.index().is_some_and(|index| self.has(index))
    }
}
