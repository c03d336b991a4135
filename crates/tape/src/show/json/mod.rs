//! A list written down as JSON, and read back.
//!
//! What is written is what the view of an entry tells ([`Entry`](crate::Entry)). What is read is
//! recorded as it stands, by the rules of the operations.

mod number;
mod read;
pub(crate) mod write;

use crate::{Result, Scalar, Tape};

/// The word by which a text says what it is.
const FORMAT: &str = "tape";
/// A text of another version is refused.
const VERSION: u64 = 1;

/// Which values of leaves are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(unreachable_pub)] // in the signature of a supertrait of a public trait
pub enum Values {
    All,
    /// Those of constants alone, which cannot be bound.
    OfConstants,
}

/// # Saving and reading
///
/// With the feature `json`.
impl<T: Scalar> Tape<T> {
    /// The whole list as JSON, from which [`from_json`](Tape::from_json) makes it again.
    ///
    /// The text is an object:
    ///
    /// | name | what it is |
    /// |---|---|
    /// | `format`, `version` | `"tape"`, 1 |
    /// | `scalar` | `"f32"` or `"f64"` |
    /// | `m` | the number of examples that the leaves hold, or null |
    /// | `differentiations` | how many there were |
    /// | `probes` | the leaves that stand for unit vectors, which a later Jacobian uses again |
    /// | `mistakes` | what went wrong while recording, in words; its entries are not in the list |
    /// | `entries` | the entries in their order, one a line |
    ///
    /// Of an entry it has `id`, `label`, `name`, `operation` (`kind`, `name` and `parameters`: see
    /// [`Entry::parameters`](crate::Entry::parameters)), `notation`, `operands`, `shape` (with
    /// `"m"` for the number of examples), `place` (`file`, `line`, `column`), `derivative_of` and
    /// `differentiation`, and of a leaf `kind` and `value` (`rows`, `columns`, and `data` column by
    /// column). What an entry has not is left out. `label`, the operation's `name` and `notation`
    /// are for the reader; they follow from the rest, and `from_json` does not look at them.
    ///
    /// Numbers keep their bits: a finite one is written as the decimal of its `f64`, others as
    /// `"inf"`, `"-inf"` or `"NaN 7ff8000000000000"`, with the bits.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[1.0, 2.0]]);
    /// let w = tape.parameter("W", &matrix![[0.5]]);
    /// let [dw] = w.matmul(x).square().mean().gradients([w]);
    ///
    /// let again = Tape::<f64>::from_json(&tape.to_json())?;
    /// assert_eq!(again.to_string(), tape.to_string());
    /// let same = again.entry(dw.entry()?.index()).unwrap();
    /// assert_eq!((same.label(), same.var().value()?), ("∂J/∂W".to_owned(), dw.value()?));
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn to_json(&self) -> String {
        T::tape_to_json(self, Values::All)
    }

    /// Like [`to_json`](Tape::to_json), without the values of parameters and examples: read back,
    /// they are unbound, as [`parameter_unbound`](Tape::parameter_unbound) makes them.
    pub fn to_json_unbound(&self) -> String {
        T::tape_to_json(self, Values::OfConstants)
    }

    /// Reads a list that [`to_json`](Tape::to_json) has written.
    ///
    /// The tape has the same entries under the same numbers, and what is recorded or differentiated
    /// from here on is as it would have been on the first one: equal expressions are found. What it
    /// shows is the same, places included ([`Entry::place`](crate::Entry::place)). An error that
    /// has a [`Place`](crate::Place) of the program's own source tells, for an entry that was read,
    /// where `from_json` was called. The order of the names in an object does not matter.
    ///
    /// An operation or function of the user's own has no description, and cannot be read.
    ///
    /// # Errors
    /// [`Error::Unreadable`](crate::Error::Unreadable), with what is wrong and where in the text:
    /// no JSON, a name that is missing, unknown or there twice, another version or number type, an
    /// operation that is unknown or the user's own, an operand that is no earlier entry, a shape
    /// that the operation does not give, an entry that equals an earlier one. Memory and time grow
    /// with the length of the text alone.
    ///
    /// ```
    /// use tape::{Error, Tape};
    /// let Err(Error::Unreadable(found)) = Tape::<f64>::from_json("{\"format\": \"tape\",\n  oops}") else { panic!() };
    /// assert_eq!((found.line, found.column), (2, 3));
    /// ```
    #[track_caller]
    pub fn from_json(json: &str) -> Result<Self> {
        T::tape_from_json(json)
    }
}
