//! Epochs over blocks of columns from elsewhere.

use tape::{EntryId, Matrix};

use crate::training::parameters::Parameters;
use crate::training::run::{Run, is_divergence};
use crate::training::schedule::Moment;
use crate::{Epoch, Error, Result, Scalar};

/// An epoch over blocks, on its way.
pub(super) struct Blocks {
    /// J of each block, times its examples.
    sum: f64,
    examples: f64,
    /// The blocks that are behind.
    number: usize,
}

impl<T: Scalar> Run<T> {
    /// Begins an epoch over blocks; `None` if the training is over.
    pub(super) fn begin_blocks(&mut self) -> Result<Option<Blocks>> {
        if self.data.is_own() {
            let reason = "the model has examples of its own".to_owned();
            return Err(Error::Setting { setting: "epoch over blocks", reason });
        }
        if self.is_over() {
            return Ok(None);
        }
        (self.rewind, self.is_over_blocks) = (None, true); // blocks cannot be seen again
        if let Some(best) = &mut self.best {
            best.before_an_epoch(&self.step)?;
        }
        self.step.begin_epoch();
        if self.good.is_none() {
            let mut good = Parameters::none();
            self.step.learned(&mut good)?;
            self.good = Some(good);
        }
        Ok(Some(Blocks { sum: 0.0, examples: 0.0, number: 0 }))
    }

    /// Binds a block, and tells how many examples it has.
    pub(super) fn bind_block(&mut self, leaves: &[EntryId], block: &[Matrix<T>]) -> Result<usize> {
        if block.len() != leaves.len() {
            let (expected, found) = (leaves.len(), block.len());
            return Err(Error::Length { list: "matrices of a block", expected, found });
        }
        // One that is missing would have the values of an earlier block.
        if self.leaves_of_blocks.iter().any(|leaf| !leaves.contains(leaf)) {
            let reason = "a leaf is missing that blocks had a matrix for before".to_owned();
            return Err(Error::Setting { setting: "epoch over blocks", reason });
        }
        for (leaf, values) in leaves.iter().zip(block) {
            self.step.program.bind(*leaf, values)?;
        }
        if self.leaves_of_blocks.len() < leaves.len() {
            self.leaves_of_blocks = leaves.to_vec();
        }
        Ok(self.step.program.m().unwrap_or(1))
    }

    /// J of the block that is bound, of m examples, and the step that it makes due.
    pub(super) fn block(&mut self, blocks: &mut Blocks, m: usize, is_last: bool) -> Result<()> {
        let done = self.step_on_block(blocks, m, is_last);
        self.kept_good(done)
    }

    fn step_on_block(&mut self, blocks: &mut Blocks, m: usize, is_last: bool) -> Result<()> {
        let epoch = self.history.len();
        self.is_among_blocks = true;
        let j = self.step.run()?;
        if m == 0 {
            return Err(Error::NoExamples { what: "J" });
        }
        if !j.is_finite() || !self.step.is_finite()? {
            return Err(Error::Diverged { epoch, j, rate: self.step.rate() });
        }
        if let Some(good) = &mut self.good {
            self.step.learned(good)?;
        }
        blocks.sum += j * m as f64;
        blocks.examples += m as f64;
        let moment = Moment { epoch, step: blocks.number, steps: None, epochs: self.epochs };
        self.step.follow(&moment, m, is_last)?;
        blocks.number += 1;
        Ok(())
    }

    /// Ends the epoch after its last block.
    pub(super) fn end_blocks(&mut self, blocks: &Blocks) -> Result<Epoch> {
        if blocks.number == 0 {
            return Err(Error::NoExamples { what: "epoch over blocks" });
        }
        self.place.mean = blocks.sum / blocks.examples;
        self.is_among_blocks = false;
        let done = self.end_epoch(blocks.number > 1);
        self.kept_good(done)
    }

    /// Of a training that diverges there, the parameters before.
    fn kept_good<V>(&mut self, done: Result<V>) -> Result<V> {
        if done.as_ref().is_err_and(is_divergence) {
            self.go_back(|run| Ok(run.good.take()))?;
        }
        done
    }
}
