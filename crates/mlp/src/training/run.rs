//! A training on its way: batch by batch, epoch by epoch, to its end or its divergence.

use tape::{EntryId, Options};

use crate::data::check_parameter;
use crate::training::batches::Batches;
use crate::training::best::{Best, Keeps};
use crate::training::checkpoint::Checkpoints;
use crate::training::data::Data;
use crate::training::evaluation::Evaluation;
use crate::training::fingerprint::Fingerprints;
use crate::training::model::{Model, On};
use crate::training::parameters::Parameters;
use crate::training::rewind::Rewind;
use crate::training::schedule::Moment;
use crate::training::step::{Step, overflow};
use crate::{EarlyStopping, Epoch, Error, History, Losses, Result, Scalar, Training, Verdict};

/// A training on its way.
pub(super) struct Run<T: Scalar> {
    pub(super) step: Step<T>,
    pub(super) data: Data<T>,
    pub(super) fingerprints: Fingerprints,
    pub(super) place: Place,
    validation: Option<Evaluation<T>>,
    pub(super) stopping: Option<EarlyStopping>,
    /// Whether early stopping has said so.
    pub(super) is_stopped: bool,
    pub(super) best: Option<Best<T>>,
    pub(super) rewind: Option<Rewind<T>>,
    /// Of epochs over blocks, which cannot be seen again: what was learned where J was a finite
    /// number last.
    pub(super) good: Option<Parameters<T>>,
    /// Whether the rate has changed in a way that the rewind does not know.
    rewind_is_due: bool,
    pub(super) history: History,
    pub(super) epochs: usize,
    pub(super) checkpoints: Option<Checkpoints>,
    /// Whether the parameters are those that were learned, for good.
    has_ended: bool,
    /// Whether there were epochs over blocks.
    pub(super) is_over_blocks: bool,
    /// The leaves that blocks are of.
    pub(super) leaves_of_blocks: Vec<EntryId>,
    /// Whether one of them has begun, and not come to its end.
    pub(super) is_among_blocks: bool,
}

/// Where in an epoch a training is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Place {
    /// The batches of the epoch that are behind.
    pub(super) batches: usize,
    /// What they have added to the epoch's mean of J.
    pub(super) mean: f64,
}

impl<T: Scalar> Run<T> {
    #[track_caller]
    pub(super) fn new(model: Model<'_, T>, training: &Training<T>) -> Result<Self> {
        model.check()?;
        training.check_settings(model.has_validation())?;
        let options = Options::default().threads(training.threads);
        let step = Step::new(&model, training, options)?;
        for followed in &step.followed {
            // One without a value is told by the run.
            if let Ok(value) = step.program.view(followed.parameter) {
                check_parameter(&followed.name, value)?;
            }
        }
        let judged = model.judged();
        let validation = match model.has_validation() {
            true => {
                let bound = model.bound(On::Validation)?;
                Some(Evaluation::new(judged, &bound, options).map_err(of_validation)?)
            }
            false => None,
        };
        // Without examples of its own an epoch is a step on what the tape has bound.
        let batches = Batches::new(model.m().unwrap_or(1), training.batch, training.seed)?;
        let best = match &training.stopping {
            None => None,
            Some(_) if validation.is_some() => Some(Best::new(Keeps::End)),
            Some(_) if batches.count() <= 1 => Some(Best::new(Keeps::Beginning)),
            Some(_) => {
                let all = Evaluation::new(model.j, &model.bound(On::Training)?, options)?;
                Some(Best::new(Keeps::Either(Box::new(all))))
            }
        };
        let fingerprints = Fingerprints::of(&model, &step.program, |parameter| {
            step.followed.iter().any(|followed| followed.parameter == parameter)
        })?;
        let held = model.held()?;
        if held.is_empty() && training.batch.is_some() {
            let reason = "the model has no examples to cut into batches".to_owned();
            return Err(Error::Setting { setting: "batches", reason });
        }
        let stopping = training.stopping.clone();
        Ok(Run {
            step,
            data: Data::new(held, batches),
            fingerprints,
            place: Place::default(),
            validation,
            stopping,
            is_stopped: false,
            best,
            rewind: None,
            good: None,
            rewind_is_due: false,
            history: History::new(),
            epochs: training.epochs,
            checkpoints: training.checkpoints.clone(),
            has_ended: false,
            is_over_blocks: false,
            leaves_of_blocks: Vec::new(),
            is_among_blocks: false,
        })
    }

    pub(super) fn has_validation(&self) -> bool {
        self.validation.is_some()
    }

    /// The greatest number of examples of a batch.
    pub(super) fn largest_batch(&self) -> usize {
        match self.data.is_own() {
            true => self.data.batches.largest(),
            false => self.step.program.m().unwrap_or(1),
        }
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended || self.is_stopped || (self.place.batches == 0 && self.history.len() >= self.epochs)
    }

    /// Whether the parameters are those that were learned, for good.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The rest of the epoch on its way, or the next one, if there is one.
    pub(super) fn epoch(&mut self) -> Result<Option<Epoch>> {
        while !self.is_over() {
            if let Some(epoch) = self.batch()?.1 {
                return Ok(Some(epoch));
            }
        }
        Ok(None)
    }

    /// The next batch; its J, and the epoch whose last it was. A training that diverges there gets
    /// its last good parameters back.
    pub(super) fn batch(&mut self) -> Result<(f64, Option<Epoch>)> {
        let done = self.next_batch();
        self.recovered(done)
    }

    fn recovered<V>(&mut self, done: Result<V>) -> Result<V> {
        if let Err(error) = &done
            && is_divergence(error)
            && !self.has_ended
        {
            self.recover()?;
        }
        done
    }

    fn next_batch(&mut self) -> Result<(f64, Option<Epoch>)> {
        if self.is_over_blocks {
            let reason = "its examples came in blocks: go on with epoch_over, or finish".to_owned();
            return Err(Error::Setting { setting: "epoch", reason });
        }
        let epoch = self.history.len();
        if self.place.batches == 0 {
            self.begin_epoch()?;
        }
        let number = self.place.batches;
        let j = j_of_batch(&mut self.step, &mut self.data, number)?;
        // A J that is a sum has a value all the same, and an epoch's mean has none.
        if self.data.batches.m() == 0 {
            return Err(Error::NoExamples { what: "J" });
        }
        if !j.is_finite() {
            return Err(Error::Diverged { epoch, j, rate: self.step.rate() });
        }
        if number == 0 {
            self.keep_for_a_rewind(epoch, j)?;
        }
        let batches = &self.data.batches;
        let (m, count) = (batches.batch(number).len(), batches.count());
        // The weights add up to 1, and so the mean is no larger than the largest J. Of one batch it
        // is J itself.
        self.place.mean += j * (m as f64 / batches.m() as f64);
        let moment = Moment { epoch, step: number, steps: Some(count), epochs: self.epochs };
        self.step.follow(&moment, m, number + 1 == count)?;
        self.place.batches += 1;
        let ended = if self.place.batches == count { Some(self.end_epoch(false)?) } else { None };
        Ok((j, ended))
    }

    fn begin_epoch(&mut self) -> Result<()> {
        let epoch = self.history.len();
        if self.rewind.is_none() {
            self.rewind = Some(Rewind::new(&self.step, &self.data.batches, epoch, false)?);
        }
        if let Some(best) = &mut self.best {
            best.before_an_epoch(&self.step)?;
        }
        self.step.begin_epoch();
        self.data.batches.shuffle();
        Ok(())
    }

    /// Now and then, at the first batch of an epoch, whose J is a finite number.
    fn keep_for_a_rewind(&mut self, epoch: usize, j: f64) -> Result<()> {
        let Some(rewind) = &mut self.rewind else { return Ok(()) };
        let is_due = self.step.taken - rewind.taken >= Rewind::<T>::APART || self.rewind_is_due;
        if !is_due {
            return Ok(());
        }
        if !self.step.is_finite()? {
            return Err(overflow(epoch.saturating_sub(1), j, &self.step));
        }
        rewind.save(&self.step, &self.data.batches, epoch)?;
        self.rewind_is_due = false;
        Ok(())
    }

    /// Ends an epoch, of several blocks or of batches.
    pub(super) fn end_epoch(&mut self, is_of_blocks: bool) -> Result<Epoch> {
        let number = self.history.len();
        let training = std::mem::take(&mut self.place).mean;
        let validation = match &mut self.validation {
            Some(part) => Some(part.finite_j(&self.step, number).map_err(of_validation)?),
            None => None,
        };
        let losses = Losses { training, validation };
        self.history.push(losses);
        if let Some(best) = &mut self.best
            && !best.after_an_epoch(&self.step, losses.deciding(), is_of_blocks)?
        {
            return Err(overflow(number, training, &self.step));
        }
        if let Some(plateau) = &mut self.step.plateau {
            self.rewind_is_due |= plateau.observe(losses.deciding());
        }
        let verdict = self.stopping.as_mut().map(|stopping| stopping.observe(losses.deciding()));
        self.is_stopped = verdict == Some(Verdict::Stop);
        self.write_if_due(number + 1)?;
        Ok(Epoch { number, of: self.epochs, losses, rate: self.step.rate() })
    }

    /// Gives the parameters what was learned, for good.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.has_ended {
            return Ok(());
        }
        if let Some(best) = self.best.take().filter(|best| best.found) {
            self.has_ended = true;
            return best.choose(&self.step)?.give_back(&mut self.step);
        }
        let checked = self.check_the_last_step();
        self.recovered(checked)?;
        self.has_ended = true;
        let mut learned = Parameters::none();
        if self.step.average.is_some() {
            self.step.learned(&mut learned)?;
            learned.give_back(&mut self.step)?;
        }
        Ok(())
    }

    /// Whether the last step, whose J nobody has looked at, was none beyond all numbers.
    ///
    /// J can be a finite number where a parameter is none: tanh ∞ is 1. And where parameters are
    /// large, J may no longer be one: it is computed once more then, and not where they have a
    /// usual size, as that would take a short training half as long again.
    fn check_the_last_step(&mut self) -> Result<()> {
        const LARGE: f64 = 1e3;
        let Some(last) = self.history.last() else { return Ok(()) };
        let (epoch, j) = (self.history.len() - 1, last.training);
        if !self.step.is_finite()? {
            return Err(overflow(epoch, j, &self.step));
        }
        if self.step.largest()? > LARGE {
            let last = self.data.batches.count() - 1;
            let j = j_of_batch(&mut self.step, &mut self.data, last)?;
            if !j.is_finite() {
                return Err(overflow(epoch, j, &self.step));
            }
        }
        Ok(())
    }

    /// Puts the parameters of a training that diverged back to what was good.
    fn recover(&mut self) -> Result<()> {
        self.go_back(|run| match run.rewind.take() {
            Some(rewind) => last_good(rewind, &mut run.step, &mut run.data, run.epochs).map(Some),
            None => Ok(run.good.take()),
        })
    }

    /// Ends with the parameters of the best epoch, or else with others that are good.
    pub(super) fn go_back(
        &mut self,
        others: impl FnOnce(&mut Self) -> Result<Option<Parameters<T>>>,
    ) -> Result<()> {
        self.has_ended = true;
        let good = match self.best.take().filter(|best| best.found) {
            Some(best) => Some(best.choose(&self.step)?),
            None => others(self)?,
        };
        good.map_or(Ok(()), |good| good.give_back(&mut self.step))
    }
}

/// J of a batch, and its gradients in the program.
fn j_of_batch<T: Scalar>(step: &mut Step<T>, data: &mut Data<T>, number: usize) -> Result<f64> {
    data.select(&mut step.program, number)?;
    step.run().map_err(|error| data.in_the_users_columns(error, number))
}

/// What was learned before the step that made the training diverge: the last parameters that are
/// finite numbers and have a finite J.
fn last_good<T: Scalar>(
    rewind: Rewind<T>,
    step: &mut Step<T>,
    data: &mut Data<T>,
    epochs: usize,
) -> Result<Parameters<T>> {
    let (until, mut epoch) = (step.taken, rewind.epoch);
    let mut is_shuffled;
    (data.batches, is_shuffled) = rewind.go_back(step)?;
    let mut good = Parameters::none();
    step.learned(&mut good)?;
    loop {
        if !is_shuffled {
            data.batches.shuffle();
        }
        is_shuffled = false;
        step.begin_epoch();
        let count = data.batches.count();
        for number in 0..count {
            if step.taken == until || !step.is_finite()? || !j_of_batch(step, data, number)?.is_finite() {
                return Ok(good);
            }
            step.learned(&mut good)?;
            let moment = Moment { epoch, step: number, steps: Some(count), epochs };
            step.follow(&moment, data.batches.batch(number).len(), number + 1 == count)?;
        }
        epoch += 1;
    }
}

pub(super) fn of_validation(error: Error) -> Error {
    Error::Validation(Box::new(error))
}

pub(super) fn is_divergence(error: &Error) -> bool {
    match error {
        Error::Diverged { .. } => true,
        Error::Validation(error) => is_divergence(error),
        _ => false,
    }
}
