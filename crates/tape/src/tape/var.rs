//! Handles to entries.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::error::printable;
use crate::ops::Op;
use crate::tape::VOID;
use crate::tape::entry::Entry;
use crate::tape::ids::{EntryIndex, Id};
use crate::{EntryId, Error, Result, Scalar, Shape, Tape};

/// A handle to an entry of a [`Tape`]; cheap to copy.
///
/// Its methods and operators record operations. `+`, `-`, `*` and `/` work elementwise and repeat
/// rows, columns and 1 × 1 operands as needed; the matrix product is [`matmul`](Var::matmul).
///
/// Recording is literal: each of them records exactly the entry that it names, on exactly the
/// handles that it was given, or finds the equal one. So `2.0 * x`, `-x`, `x + 0.0` and `x.t().t()`
/// are entries, and a derivative with respect to any of them is the total one.
///
/// Recording cannot fail in the middle of an expression: an error poisons the result and everything
/// that depends on it, and [`value`](Var::value), [`Tape::compile`] and [`Tape::check`] return the
/// error.
#[must_use = "an entry that is neither computed nor differentiated is of no use"]
pub struct Var<'t, T: Scalar> {
    pub(crate) tape: &'t Tape<T>,
    /// The entry's number, or [`VOID`] with the mistake's number.
    pub(crate) id: EntryIndex,
    /// Whether it was handed out as a derivative: then a program shows its value in the last run,
    /// also if the entry is a leaf that has changed since. No part of what the variable is.
    pub(crate) of_run: bool,
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

/// As [equality](PartialEq): variables can be keys of a map.
impl<T: Scalar> Hash for Var<'_, T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (std::ptr::from_ref(self.tape), self.id).hash(state);
    }
}

impl<T: Scalar> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::var_debug(*self, f)
    }
}

impl<T: Scalar> Var<'_, T> {
    pub(crate) fn debug_here(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sound() {
            Ok(()) => write!(f, "Var({}, {})", printable(&self.label()), self.known_shape()),
            Err(mistake) => write!(f, "Var(void: {mistake})"),
        }
    }
}

/// # The entry itself
impl<'t, T: Scalar> Var<'t, T> {
    /// The tape.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The entry's number in its tape, from 0; `None` if the variable is poisoned.
    pub fn index(self) -> Option<usize> {
        (!self.is_void()).then_some(self.id.index())
    }

    /// What names the entry without the tape, for a program on another thread.
    ///
    /// # Errors
    /// The error that poisoned the variable.
    pub fn id(self) -> Result<EntryId> {
        self.sound()?;
        Ok(EntryId { tape: self.tape.id, entry: self.id, of_run: self.of_run })
    }

    /// What can be read of the entry: operation, operands, shape, place, of what it is a
    /// derivative.
    ///
    /// # Errors
    /// The error that poisoned the variable.
    pub fn entry(self) -> Result<Entry<'t, T>> {
        self.sound()?;
        Ok(Entry::of(self))
    }

    /// Names the entry; error messages, listings and equations use the name. A later name takes its
    /// place; an empty one takes it away.
    #[must_use = "naming gives the variable back"]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        T::var_give_name(self, name.as_ref());
        self
    }

    pub(crate) fn give_name_here(self, name: &str) {
        if !self.is_void() {
            self.tape.list.borrow_mut().give_name(self.id, name);
        }
    }

    /// The name that the user gave the entry; `None` for others, derivatives among them: see
    /// [`label`](Var::label).
    pub fn name(self) -> Option<String> {
        T::var_name(self)
    }

    pub(crate) fn name_here(self) -> Option<String> {
        if self.is_void() {
            return None;
        }
        self.tape.list.borrow().notes[self.id].name.as_deref().map(str::to_owned)
    }

    /// What the entry is called, by error messages too: the name that the user gave, or else the
    /// one that follows from a differentiation, as ∂J/∂W\[1\]; a number itself; or the entry's
    /// number with its operation.
    ///
    /// A name is as it was given: to show it on a line, see [`printable`].
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter("W", &matrix![[1.0, 2.0]]);
    /// let h = w.square();
    /// let [dw] = h.sum().named("J").gradients([w]);
    /// assert_eq!([w, h, dw].map(|v| v.label()), ["W", "%1 (square)", "∂J/∂W"]);
    /// assert_eq!(dw.name(), None); // nobody has named it
    /// ```
    pub fn label(self) -> String {
        T::var_label(self)
    }

    pub(crate) fn label_here(self) -> String {
        if self.is_void() { "a void variable".into() } else { self.tape.list.borrow().label(self.id) }
    }

    /// The entry's shape.
    ///
    /// # Errors
    /// The error that poisoned the variable.
    pub fn shape(self) -> Result<Shape> {
        self.sound()?;
        Ok(self.known_shape())
    }

    /// Whether the variable and all it depends on were recorded without an error.
    ///
    /// # Errors
    /// The error that poisoned it.
    pub fn sound(self) -> Result<()> {
        if self.is_void() { Err(T::var_mistake(self)) } else { Ok(()) }
    }

    /// The mistake of a void variable.
    pub(crate) fn mistake_here(self) -> Error {
        self.tape.list.borrow().mistakes[self.id.index() & !VOID].clone()
    }

    pub(crate) fn is_void(self) -> bool {
        self.id.index() & VOID != 0
    }

    /// The shape of a variable that is not void.
    pub(crate) fn known_shape(self) -> Shape {
        T::var_known_shape(self)
    }

    pub(crate) fn known_shape_here(self) -> Shape {
        self.tape.list.borrow().entry(self.id).shape
    }

    /// Looks at the operation and its operands; `None` for what is void.
    pub(crate) fn inspect<R>(self, look: impl FnOnce(&Op<T>, &[EntryIndex]) -> R) -> Option<R> {
        if self.is_void() {
            return None;
        }
        let list = self.tape.list.borrow();
        let entry = list.entry(self.id);
        Some(look(&entry.op, &entry.operands))
    }
}
