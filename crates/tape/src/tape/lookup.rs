//! From a name or a number back to an entry.

use crate::error::Error;
use crate::tape::ids::Id;
use crate::{EntryId, Result, Scalar, Tape, Var};

/// # Finding entries
impl<T: Scalar> Tape<T> {
    /// The entry that the user gave this name, of a structure that keeps names instead of variables.
    ///
    /// ```
    /// use tape::{Error, Shape, Tape};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter_unbound("W", Shape::new(2, 2));
    /// assert_eq!(tape.named("W")?, w);
    /// assert!(matches!(tape.named("V"), Err(Error::NotNamed { found: 0, .. })));
    /// let _ = tape.parameter_unbound("W", Shape::new(3, 3));
    /// assert!(matches!(tape.named("W"), Err(Error::NotNamed { found: 2, .. })));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotNamed`] if no entry has the name, or several have it.
    pub fn named(&self, name: &str) -> Result<Var<'_, T>> {
        let list = self.list.borrow();
        let has_name = |note: &crate::tape::Note| note.name.as_deref() == Some(name);
        let mut found = list.notes.enumerated().filter(|(_, note)| has_name(note)).map(|(id, _)| id);
        match (found.next(), found.count()) {
            (Some(id), 0) => Ok(Var { tape: self, id, of_run: false }),
            (first, others) => {
                Err(Error::NotNamed { name: name.to_owned(), found: usize::from(first.is_some()) + others })
            }
        }
    }

    /// The variable that an [`EntryId`] of this tape names: a structure can keep ids, which borrow
    /// nothing.
    ///
    /// ```
    /// use tape::{EntryId, Shape, Tape, Var};
    /// struct Layer {
    ///     w: EntryId,
    ///     b: EntryId,
    /// }
    /// impl Layer {
    ///     fn new(tape: &Tape<f64>, name: &str, rows: usize, columns: usize) -> tape::Result<Self> {
    ///         let w = tape.parameter_unbound(&format!("W[{name}]"), Shape::new(rows, columns)).id()?;
    ///         Ok(Layer { w, b: tape.parameter_unbound(&format!("b[{name}]"), Shape::new(rows, 1)).id()? })
    ///     }
    ///     fn apply<'t>(&self, a: Var<'t, f64>) -> tape::Result<Var<'t, f64>> {
    ///         Ok(a.tape().var(self.w)?.matmul(a) + a.tape().var(self.b)?)
    ///     }
    /// }
    /// let tape = Tape::new();
    /// let layer = Layer::new(&tape, "1", 3, 3)?;
    /// let x = tape.examples_unbound("X", 3);
    /// let twice = layer.apply(layer.apply(x)?.tanh())?.named("Z"); // the same weights in both
    /// assert_eq!(twice.equation().to_string(), "Z = W[1] * tanh(W[1] * X + b[1]) + b[1]");
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ForeignVariable`] if it is of another tape.
    #[track_caller]
    pub fn var(&self, id: EntryId) -> Result<Var<'_, T>> {
        if id.tape == self.id {
            return Ok(Var { tape: self, id: id.entry, of_run: id.of_run });
        }
        Err(Error::ForeignVariable {
            operation: "var".into(),
            variable: format!("%{}", id.entry.index()),
            at: self.place(),
        })
    }
}
