//! What names a value in a program.

use std::hash::{Hash, Hasher};

use crate::storage::Operand;
use crate::{Error, Program, Result, Scalar, Var};

/// An entry of a tape by its number: what a [`Var`] says, without borrowing the tape, so that it can go to another thread with
/// a program.
///
/// ```
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let x = tape.examples("x", &matrix![[1.0, 2.0]]);
/// let j = x.square().sum();
/// let mut program = tape.compile([j])?;
/// let (x, j) = (x.entry()?, j.entry()?);
/// let sum = std::thread::spawn(move || {
///     program.bind(x, &matrix![[3.0, 4.0]])?;
///     program.run()?;
///     program.scalar(j)
/// });
/// assert_eq!(sum.join().unwrap()?, 25.0);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct EntryId {
    /// The tape's number, unlike that of any other tape.
    pub(crate) tape: u64,
    pub(crate) entry: u32,
    /// As [`Var`] has it.
    pub(crate) of_run: bool,
}

impl EntryId {
    fn pair(self) -> (u64, u32) {
        (self.tape, self.entry)
    }
}

/// Two are equal if they name the same entry of the same tape.
impl PartialEq for EntryId {
    fn eq(&self, other: &Self) -> bool {
        self.pair() == other.pair()
    }
}

impl Eq for EntryId {}

impl Hash for EntryId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pair().hash(state);
    }
}

/// What names a leaf or an output of a program: its [`Var`], or its [`EntryId`].
pub trait Named<T: Scalar>: sealed::Find<T> {}

impl<T: Scalar> Named<T> for Var<'_, T> {}
impl<T: Scalar> Named<T> for EntryId {}

/// Where a program keeps an output or a leaf.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub(super) at: Operand,
    pub(super) node: u32,
    /// If the value is that of a leaf, the leaf's number among the leaves.
    pub(super) leaf: Option<u32>,
    /// Whether the entry is that leaf itself, and no other that has the same value.
    pub(super) is_leaf: bool,
    /// Whether the program was compiled for it.
    pub(super) is_output: bool,
}

pub(crate) mod sealed {
    use super::{EntryId, Found, Program, Result, Scalar};

    /// How it is found in a program, and what messages call it.
    pub trait Find<T: Scalar>: Copy {
        fn find(self, program: &Program<T>) -> Result<Found>;
        fn id(self) -> Result<EntryId>;
        /// Whether it was handed out as a derivative.
        fn is_derivative(self) -> bool;
        fn label(self, program: &Program<T>) -> String;
    }
}

impl<T: Scalar> sealed::Find<T> for Var<'_, T> {
    fn find(self, program: &Program<T>) -> Result<Found> {
        let entry = self.entry()?;
        if entry.tape != program.tape {
            return Err(Error::ForeignVariable {
                operation: "program".into(),
                variable: self.label(),
                at: self.tape.list.borrow().notes[entry.entry as usize].place,
            });
        }
        let found = program.found.get(&entry.entry).copied();
        found.ok_or_else(|| Error::NotInProgram { variable: self.label() })
    }

    fn id(self) -> Result<EntryId> {
        self.entry()
    }

    fn is_derivative(self) -> bool {
        self.of_run
    }

    fn label(self, _: &Program<T>) -> String {
        Var::label(self)
    }
}

impl<T: Scalar> sealed::Find<T> for EntryId {
    fn find(self, program: &Program<T>) -> Result<Found> {
        let found = program.found.get(&self.entry).filter(|_| self.tape == program.tape);
        found.copied().ok_or_else(|| Error::NotInProgram { variable: self.label(program) })
    }

    fn id(self) -> Result<EntryId> {
        Ok(self)
    }

    fn is_derivative(self) -> bool {
        self.of_run
    }

    fn label(self, program: &Program<T>) -> String {
        match program.found.get(&self.entry) {
            _ if self.tape != program.tape => format!("%{} of another tape", self.entry),
            Some(found) => program.about[found.node as usize].to_string(),
            None => format!("%{}", self.entry),
        }
    }
}
