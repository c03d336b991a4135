//! One step, J and every ∂J/∂W[l] and ∂J/∂b[l], in each library.
//!
//! All start from the same numbers, in the layout that is the library's faster one. The tape's matrices are column-major with
//! an example a column; read row by row, the same memory is X with an example a row, and W[l] as n_(l−1) × n_l.

pub(crate) mod burn;
pub(crate) mod candle;
pub(crate) mod dfdx;
pub(crate) mod tape;

use crate::arguments::{Library, Threads};
use crate::cases::Case;
use crate::failure::Failure;
use crate::number::Number;

/// A case in a library, ready to run.
pub(crate) trait Peer<T> {
    /// Computes J and all gradients, and keeps them until the next step.
    fn step(&mut self) -> Result<(), Failure>;

    /// What the last step computed.
    fn read(&self) -> Result<Outcome<T>, Failure>;
}

/// J and the gradients, in the order W[1], b[1], W[2], …, each as the tape stores it.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    pub(crate) j: T,
    pub(crate) gradients: Vec<Vec<T>>,
}

/// The case in that library.
pub(crate) fn build<T: Number>(
    library: Library,
    case: &Case,
    threads: Threads,
) -> Result<Box<dyn Peer<T>>, Failure> {
    let start = case.start::<T>();
    Ok(match library {
        Library::Tape => Box::new(tape::Step::new(&start, threads)?),
        Library::Candle => Box::new(candle::Step::new(&start, case.hidden)?),
        Library::Burn => Box::new(burn::Step::new(&start, case.hidden)),
        Library::Dfdx => T::dfdx(&start, case.hidden),
    })
}
