//! Where a training was some steps ago, to find the last good parameters of one that diverged.

use crate::training::average::Average;
use crate::training::batches::Batches;
use crate::training::parameters::Parameters;
use crate::training::schedule::Plateau;
use crate::training::step::Step;
use crate::{OptimizerState, Result, Scalar};

/// Where the training was some steps ago, to find the last good parameters of one that diverged by
/// taking the steps once more: they have the same bits. So nothing has to be copied before every
/// step.
pub(super) struct Rewind<T: Scalar> {
    /// How many steps were taken then.
    pub(super) taken: usize,
    runs: u64,
    /// The epoch that begins there.
    pub(super) epoch: usize,
    parameters: Parameters<T>,
    average: Option<Average<T>>,
    optimizer: OptimizerState<T>,
    plateau: Option<Plateau>,
    /// The order of that epoch, if it is already shuffled.
    batches: Batches,
    is_shuffled: bool,
}

impl<T: Scalar> Rewind<T> {
    /// So many steps are worth a copy, of a few times the parameters' size: it takes about a
    /// thousandth of their time.
    pub(super) const APART: usize = 256;

    /// To be made where J is known to be a finite number, at the first step of an epoch, or before
    /// the first step of all.
    pub(super) fn new(step: &Step<T>, batches: &Batches, epoch: usize, is_shuffled: bool) -> Result<Self> {
        let mut optimizer = step.optimizer.try_anew()?;
        optimizer.copy_from(&step.optimizer);
        Ok(Rewind {
            taken: step.taken,
            runs: step.runs,
            epoch,
            parameters: Parameters::of(step)?,
            average: step.average.clone(),
            optimizer,
            plateau: step.plateau,
            batches: batches.try_clone()?,
            is_shuffled,
        })
    }

    /// The same, in the memory that it has.
    pub(super) fn save(&mut self, step: &Step<T>, batches: &Batches, epoch: usize) -> Result<()> {
        // The run of the epoch's first batch is behind.
        (self.taken, self.runs, self.epoch) = (step.taken, step.runs - 1, epoch);
        self.parameters.copy(step)?;
        if let (Some(kept), Some(average)) = (&mut self.average, &step.average) {
            kept.values_mut().copy_from(average.values())?;
        }
        self.optimizer.copy_from(&step.optimizer);
        self.plateau = step.plateau;
        self.batches.copy_from(batches);
        self.is_shuffled = true;
        Ok(())
    }

    /// Puts the training back to here. Gives the order of the epoch that begins, and whether it is
    /// already shuffled.
    pub(super) fn go_back(self, step: &mut Step<T>) -> Result<(Batches, bool)> {
        self.parameters.give_back(step)?;
        (step.taken, step.runs) = (self.taken, self.runs);
        (step.optimizer, step.average, step.plateau) = (self.optimizer, self.average, self.plateau);
        step.begin_epoch();
        Ok((self.batches, self.is_shuffled))
    }
}
