//! The parameters of the best epoch, for early stopping.

use crate::training::evaluation::Evaluation;
use crate::training::parameters::Parameters;
use crate::training::step::Step;
use crate::{Result, Scalar};

/// Which parameters of an epoch its loss is about.
pub(super) enum Keeps<T: Scalar> {
    /// The validation part is looked at after the last step.
    End,
    /// J of a full batch is taken before its step.
    Beginning,
    /// Mini-batches are looked at all along the way; J on all examples decides.
    Either(Box<Evaluation<T>>),
}

/// The parameters of the best epoch so far, for early stopping.
pub(super) struct Best<T: Scalar> {
    keeps: Keeps<T>,
    pub(super) found: bool,
    /// The loss of that epoch.
    pub(super) lowest: f64,
    /// Those that the epoch on its way began with.
    before: Parameters<T>,
    /// Those of the beginning of the best epoch, or of the end of one over blocks.
    pub(super) beginning: Parameters<T>,
    pub(super) end: Parameters<T>,
}

impl<T: Scalar> Best<T> {
    pub(super) fn new(keeps: Keeps<T>) -> Self {
        let none = Parameters::none();
        let (before, beginning, end) = (none.clone(), none.clone(), none);
        Best { keeps, found: false, lowest: f64::INFINITY, before, beginning, end }
    }

    /// Whether these, of a checkpoint, are what it would have kept of so many elements.
    pub(super) fn goes_on_from(&self, size: usize, beginning: &[T], end: &[T]) -> bool {
        match self.keeps {
            Keeps::End => end.len() == size,
            Keeps::Beginning => beginning.len() == size,
            Keeps::Either(_) => beginning.len() == size && end.len() == size,
        }
    }

    pub(super) fn before_an_epoch(&mut self, step: &Step<T>) -> Result<()> {
        match self.keeps {
            Keeps::End => Ok(()),
            Keeps::Beginning | Keeps::Either(_) => self.before.copy(step),
        }
    }

    /// Keeps the parameters of the epoch that has just passed if it is the best so far, unless one
    /// of them is no finite number: then it says `false`.
    ///
    /// The loss of several blocks is a mean over their steps, and they cannot be seen again: what
    /// is kept are the parameters that these steps have led to.
    pub(super) fn after_an_epoch(&mut self, step: &Step<T>, loss: f64, is_of_blocks: bool) -> Result<bool> {
        if self.found && loss >= self.lowest {
            return Ok(true);
        }
        let finite = match self.keeps {
            Keeps::End => step.is_finite()?,
            Keeps::Beginning if is_of_blocks => step.is_finite()?,
            Keeps::Beginning | Keeps::Either(_) => self.before.is_finite(),
        };
        if !finite {
            return Ok(false);
        }
        match self.keeps {
            Keeps::End => step.learned(&mut self.end)?,
            Keeps::Beginning if is_of_blocks => self.beginning.copy(step)?,
            Keeps::Beginning => std::mem::swap(&mut self.beginning, &mut self.before),
            Keeps::Either(_) => {
                std::mem::swap(&mut self.beginning, &mut self.before);
                self.end.copy(step)?;
            }
        }
        (self.found, self.lowest) = (true, loss);
        Ok(true)
    }

    pub(super) fn choose(self, step: &Step<T>) -> Result<Parameters<T>> {
        let Best { keeps, beginning, end, .. } = self;
        match keeps {
            Keeps::End => Ok(end),
            Keeps::Beginning => Ok(beginning),
            Keeps::Either(_) if !end.is_finite() => Ok(beginning),
            Keeps::Either(mut all) => {
                let at_the_beginning = all.j_of(&beginning, step)?;
                // False where one is NaN.
                if all.j_of(&end, step)? < at_the_beginning { Ok(end) } else { Ok(beginning) }
            }
        }
    }
}
