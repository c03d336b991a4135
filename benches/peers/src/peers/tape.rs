//! Our own: the recorded network as a compiled program.

use ::tape::{Options, Program, Tape, Var};

use super::{Outcome, Peer};
use crate::arguments::Threads;
use crate::cases::Start;
use crate::failure::Failure;
use crate::number::Number;

/// The program, and its outputs on a tape that lives as long.
pub(crate) struct Step<T: Number> {
    program: Program<T>,
    j: Var<'static, T>,
    gradients: Vec<Var<'static, T>>,
}

impl<T: Number> Step<T> {
    pub(crate) fn new(start: &Start<T>, threads: Threads) -> Result<Self, Failure> {
        // A variable borrows its tape. The few kilobytes of a case's tape stay until the process ends.
        let tape: &'static Tape<T> = Box::leak(Box::new(Tape::new()));
        let recorded = start.network.record(tape, &start.x, &start.y).map_err(Failure::Network)?;
        let gradients = recorded.gradients();
        let program = compile_with_threads(tape, recorded.j, &gradients, threads)?;
        Ok(Step { program, j: recorded.j, gradients })
    }
}

/// Compiles J and the gradients for a number of threads: the one place where the tape is told it.
fn compile_with_threads<'t, T: Number>(
    tape: &'t Tape<T>,
    j: Var<'t, T>,
    gradients: &[Var<'t, T>],
    threads: Threads,
) -> Result<Program<T>, Failure> {
    let options = Options::default().threads(threads.count());
    let outputs = gradients.iter().copied().chain([j]);
    tape.compile_with(outputs, options).map_err(Failure::Tape)
}

impl<T: Number> Peer<T> for Step<T> {
    fn step(&mut self) -> Result<(), Failure> {
        self.program.run().map_err(Failure::Tape)
    }

    fn read(&self) -> Result<Outcome<T>, Failure> {
        let values = |&gradient| self.program.view(gradient).map(|view| view.as_slice().to_vec());
        let gradients = self.gradients.iter().map(values).collect::<Result<_, _>>();
        Ok(Outcome {
            j: self.program.scalar(self.j).map_err(Failure::Tape)?,
            gradients: gradients.map_err(Failure::Tape)?,
        })
    }
}
