//! What names an entry without its tape.

use std::hash::{Hash, Hasher};

use crate::tape::ids::EntryIndex;

/// An entry of a tape by its number: what a [`Var`](crate::Var) says, without borrowing the tape,
/// so that it can go to another thread with a program.
///
/// ```
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let x = tape.examples("x", &matrix![[1.0, 2.0]]);
/// let j = x.square().sum();
/// let mut program = tape.compile([j])?;
/// let (x, j) = (x.id()?, j.id()?);
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
    pub(crate) entry: EntryIndex,
    /// As [`Var`] has it.
    pub(crate) of_run: bool,
}

impl EntryId {
    fn pair(self) -> (u64, EntryIndex) {
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
