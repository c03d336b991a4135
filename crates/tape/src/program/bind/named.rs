//! What names a value in a program.

use crate::program::ids::{LeafId, NodeId};
use crate::program::operand::Operand;
use crate::{EntryId, Error, Program, Result, Scalar, Var};

/// What names a leaf or an output of a program: its [`Var`], or its [`EntryId`].
pub trait Named<T: Scalar>: sealed::Find<T> {}

impl<T: Scalar> Named<T> for Var<'_, T> {}
impl<T: Scalar> Named<T> for EntryId {}

/// Where a program keeps an output or a leaf.
#[derive(Debug, Clone, Copy)]
pub(in crate::program) struct Found {
    pub(in crate::program) at: Operand,
    pub(in crate::program) node: NodeId,
    /// If the value is that of a leaf, the leaf's number among the leaves.
    pub(in crate::program) leaf: Option<LeafId>,
    /// Whether the entry is that leaf itself, and no other that has the same value.
    pub(in crate::program) is_leaf: bool,
    /// Whether the program was compiled for it.
    pub(in crate::program) is_output: bool,
}

mod sealed {
    use super::{Name, Scalar};

    pub trait Find<T: Scalar>: Copy {
        /// Which of the two it is.
        fn name(&self) -> Name<'_, T>;
    }
}

impl<T: Scalar> sealed::Find<T> for Var<'_, T> {
    fn name(&self) -> Name<'_, T> {
        Name::Variable(*self)
    }
}

impl<T: Scalar> sealed::Find<T> for EntryId {
    fn name(&self) -> Name<'_, T> {
        Name::Entry(*self)
    }
}

/// Either of what names a value, as one type: what looks for it is compiled once.
#[derive(Clone, Copy)]
#[allow(unreachable_pub)] // in the signatures of a public trait
pub enum Name<'t, T: Scalar> {
    Variable(Var<'t, T>),
    Entry(EntryId),
}

/// How it is found in a program, and what messages call it.
impl<T: Scalar> Name<'_, T> {
    pub(in crate::program) fn find(self, program: &Program<T>) -> Result<Found> {
        match self {
            Name::Variable(var) => find_variable(var, program),
            Name::Entry(entry) => find_entry(entry, program),
        }
    }

    pub(in crate::program) fn id(self) -> Result<EntryId> {
        match self {
            Name::Variable(var) => var.id(),
            Name::Entry(entry) => Ok(entry),
        }
    }

    /// Whether it was handed out as a derivative.
    pub(in crate::program) fn is_derivative(self) -> bool {
        match self {
            Name::Variable(var) => var.of_run,
            Name::Entry(entry) => entry.of_run,
        }
    }

    pub(in crate::program) fn label(self, program: &Program<T>) -> String {
        match self {
            Name::Variable(var) => var.label(),
            Name::Entry(entry) => label_of_entry(entry, program),
        }
    }
}

fn find_variable<T: Scalar>(var: Var<'_, T>, program: &Program<T>) -> Result<Found> {
    let entry = var.id()?;
    if entry.tape != program.graph.tape {
        return Err(Error::ForeignVariable {
            operation: "program".into(),
            variable: var.label(),
            at: var.tape.list.borrow().notes[entry.entry].place,
        });
    }
    let found = program.leaves.found.get(&entry.entry).copied();
    found.ok_or_else(|| Error::NotInProgram { variable: var.label() })
}

fn find_entry<T: Scalar>(entry: EntryId, program: &Program<T>) -> Result<Found> {
    let found = program.leaves.found.get(&entry.entry).filter(|_| entry.tape == program.graph.tape);
    found.copied().ok_or_else(|| Error::NotInProgram { variable: label_of_entry(entry, program) })
}

fn label_of_entry<T: Scalar>(entry: EntryId, program: &Program<T>) -> String {
    match program.leaves.found.get(&entry.entry) {
        _ if entry.tape != program.graph.tape => format!("%{} of another tape", entry.entry),
        Some(found) => program.graph.about[found.node].to_string(),
        None => format!("%{}", entry.entry),
    }
}
