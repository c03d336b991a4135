//! Handles to entries.

use std::fmt;

use crate::ops::matmul::Transpose;
use crate::tape::{TRANSPOSED, VOID};
use crate::{EntryId, Matrix, Result, Scalar, Shape, Tape};

/// A handle to an entry of a [`Tape`]; cheap to copy.
///
/// Its methods and operators record operations. `+`, `-`, `*` and `/` work entry by entry and repeat rows, columns and
/// 1 × 1 operands as needed; the matrix product is [`matmul`](Var::matmul).
///
/// Recording cannot fail in the middle of an expression: a mistake makes the result void, everything that depends on it is
/// void too, and [`value`](Var::value), [`Tape::compile`] and [`Tape::check`] return it.
pub struct Var<'t, T: Scalar> {
    pub(crate) tape: &'t Tape<T>,
    /// The entry's number, which [`TRANSPOSED`] may mark, or [`VOID`] with the mistake's number.
    pub(crate) id: u32,
}

impl<T: Scalar> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar> Copy for Var<'_, T> {}

/// Two variables are equal if they are the same entry of the same tape.
impl<T: Scalar> PartialEq for Var<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tape, other.tape) && self.id == other.id
    }
}

impl<T: Scalar> Eq for Var<'_, T> {}

impl<T: Scalar> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sound() {
            Ok(()) => write!(f, "Var({}, {})", self.label(), self.known_shape()),
            Err(mistake) => write!(f, "Var(void: {mistake})"),
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The tape.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The entry's number in its tape, from 0; `None` if the variable is void.
    pub fn index(self) -> Option<usize> {
        (!self.is_void()).then(|| self.settled().id as usize)
    }

    /// What names the entry without the tape, for a program on another thread.
    ///
    /// # Errors
    /// The mistake that made the variable void.
    #[track_caller]
    pub fn entry(self) -> Result<EntryId> {
        self.sound()?;
        Ok(EntryId { tape: self.tape.id, entry: self.settled().id })
    }

    /// Names the entry; error messages, listings and equations use the name. A later name takes its place.
    #[must_use = "naming gives the variable back"]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        let settled = self.settled();
        if !self.is_void() {
            self.tape.list.borrow_mut().notes[settled.id as usize].name = Some(name.as_ref().into());
        }
        settled
    }

    /// The name that the entry was given.
    pub fn name(self) -> Option<String> {
        if self.is_void() {
            return None;
        }
        let id = self.settled().id as usize;
        self.tape.list.borrow().notes[id].name.as_deref().map(str::to_owned)
    }

    /// The entry's shape.
    ///
    /// # Errors
    /// The mistake that made the variable void.
    pub fn shape(self) -> Result<Shape> {
        self.sound()?;
        Ok(self.known_shape())
    }

    /// Whether the variable and all it depends on were recorded without a mistake.
    ///
    /// # Errors
    /// The mistake.
    pub fn sound(self) -> Result<()> {
        if !self.is_void() {
            return Ok(());
        }
        Err(self.tape.list.borrow().mistakes[(self.id & !VOID) as usize].clone())
    }

    /// The value: compiles the entry and runs it once, with the values that the leaves were made with.
    ///
    /// # Errors
    /// The mistake that the variable depends on, or what [`Program::run`](crate::Program::run) returns.
    #[track_caller]
    pub fn value(self) -> Result<Matrix<T>> {
        let mut program = self.tape.compile([self])?;
        program.run()?;
        Ok(program.view(self)?.to_matrix())
    }

    pub(crate) fn is_void(self) -> bool {
        self.id & VOID != 0
    }

    /// The shape of a variable that is not void.
    pub(crate) fn known_shape(self) -> Shape {
        let shape = self.tape.list.borrow().entry(self.id & !TRANSPOSED).shape;
        if self.is_transposed() { shape.transposed() } else { shape }
    }

    /// Whether this handle is the transpose of an entry, with no entry of its own yet.
    pub(crate) fn is_transposed(self) -> bool {
        self.id & (VOID | TRANSPOSED) == TRANSPOSED
    }

    /// The same handle with or without the mark of a transpose.
    pub(crate) fn flipped(self) -> Self {
        self.sibling(self.id ^ TRANSPOSED)
    }

    /// The variable as an entry: a transpose that no product took up is recorded.
    #[track_caller]
    pub(crate) fn settled(self) -> Self {
        if !self.is_transposed() {
            return self;
        }
        let (factor, a) = self.flipped().split_factor();
        self.tape.push(Transpose, &[a]).scaled(factor)
    }

    /// Makes the variable of the same tape with this number.
    pub(crate) fn sibling(self, id: u32) -> Self {
        Var { tape: self.tape, id }
    }

    /// The entry's name, or its number with its operation.
    pub(crate) fn label(self) -> String {
        self.tape.label(self.settled().id)
    }

    /// Looks at the operation and its operands; `None` for what is void or only marked as a transpose.
    pub(crate) fn inspect<R>(self, look: impl FnOnce(&crate::op::Op<T>, &[u32]) -> R) -> Option<R> {
        if self.is_void() || self.is_transposed() {
            return None;
        }
        let list = self.tape.list.borrow();
        let entry = list.entry(self.id);
        Some(look(&entry.op, &entry.operands))
    }
}
