//! J of some examples, without gradients.

use tape::{EntryId, Matrix, MatrixRef, Options, Program, Var};

use crate::training::parameters::Parameters;
use crate::training::step::{Followed, Step};
use crate::{Error, Result, Scalar};

/// The program of J, without gradients. Noise is its expectation there.
pub(super) struct Evaluation<T: Scalar> {
    program: Program<T>,
    j: EntryId,
}

impl<T: Scalar> Evaluation<T> {
    /// Of J on what the tape has bound, with other values for some leaves.
    #[track_caller]
    pub(super) fn new<'t>(j: Var<'t, T>, bound: &[(EntryId, &Matrix<T>)], options: Options) -> Result<Self> {
        let mut program = j.tape().compile_with([j], options)?;
        for &(leaf, value) in bound {
            program.bind_if_needed(leaf, value)?;
        }
        program.expectation(true);
        Ok(Evaluation { program, j: j.id()? })
    }

    /// J with what the training has learned so far.
    pub(super) fn j(&mut self, step: &Step<T>) -> Result<f64> {
        if let Some(average) = &step.average {
            return self.j_of(average.values(), step);
        }
        for followed in &step.followed {
            self.give(followed, step.program.view(followed.parameter)?.as_slice())?;
        }
        self.run()
    }

    /// J with other parameters.
    pub(super) fn j_of(&mut self, parameters: &Parameters<T>, step: &Step<T>) -> Result<f64> {
        let mut rest = &parameters.0[..];
        for followed in &step.followed {
            let values = rest.split_off(..followed.size()).unwrap_or_default();
            self.give(followed, values)?;
        }
        self.run()
    }

    fn give(&mut self, followed: &Followed, values: &[T]) -> Result<()> {
        let (rows, columns) = followed.shape;
        self.program.bind_if_needed(followed.parameter, MatrixRef::new(rows, columns, values)?)?;
        Ok(())
    }

    fn run(&mut self) -> Result<f64> {
        self.program.run()?;
        Ok(self.program.scalar(self.j)?.to_f64())
    }

    /// J, if it is a finite number.
    pub(super) fn finite_j(&mut self, step: &Step<T>, epoch: usize) -> Result<f64> {
        let j = self.j(step)?;
        if j.is_finite() { Ok(j) } else { Err(Error::Diverged { epoch, j, rate: step.rate() }) }
    }
}
