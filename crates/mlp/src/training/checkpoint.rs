//! A training written down between two epochs, and read back.

use std::path::PathBuf;

use tape::Matrix;

use crate::data::first_not_finite;
use crate::files::Archive;
use crate::history::MOST_STEPS;
use crate::text::Short;
use crate::training::fingerprint::{self, Fingerprint, Fingerprints};
use crate::training::run::Run;
use crate::{EarlyStopping, Error, Losses, Remembered, Result, Scalar, Trainer};

const TRAINING: &str = "examples.training";
const VALIDATION: &str = "examples.validation";
const FROZEN: &str = "frozen";
const KIND: &str = "training checkpoint";
/// Version 1 does not know its examples, version 2 what is frozen.
const VERSION: u64 = 3;

/// # Checkpoints
///
/// What a training has to know to go on: parameters, what the optimiser remembers, the order of the
/// examples and where the random numbers stand, the losses, and what early stopping, schedules and
/// averages keep. It goes on with the same bits, if the model and the settings are the same.
/// There may be more epochs, another schedule, or batches of another size. What early stopping has
/// ended goes on where it has more patience, or is none.
///
/// The examples are not in it, but a number that tells them from others, by shape and bits: a
/// training goes on with the examples that it was begun with, or not at all. Such a number is there
/// for each parameter that is not trained, too, as the frozen ones are not in it either. The blocks
/// of [`epoch_over`](Self::epoch_over) are not looked at, as those of every epoch may be others.
impl<T: Scalar> Trainer<T> {
    /// The training as it is after a whole number of epochs.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] in the middle of an epoch, after the end, or if the optimiser remembers a
    /// number that is not finite; [`Error::Diverged`] if a parameter is no finite number.
    pub fn to_archive(&self) -> Result<Archive> {
        T::trainer_to_archive(self)
    }

    pub(crate) fn to_archive_here(&self) -> Result<Archive> {
        self.run.to_archive()
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// [`Error::File`] if a part is missing, or of another shape or number type;
    /// [`Error::OtherExamples`] if it is of other examples than are at hand;
    /// [`Error::Restore`] if it is of another optimiser; [`Error::Checkpoint`] if it is of another
    /// seed, or of parameters that are not trained here; if one that is not trained has other values
    /// than the training was begun with; if other losses have decided than would
    /// decide here, those of the training or of a validation part; if early stopping has kept other
    /// parameters than it would with these batches; or if there were steps already. The training is
    /// then as it was.
    pub fn restore(&mut self, archive: &Archive) -> Result<()> {
        T::trainer_restore(self, archive)
    }

    pub(crate) fn restore_here(&mut self, archive: &Archive) -> Result<()> {
        // A batch that is run may wait for its step.
        let is_new = self.run.step.runs == 0 && self.run.history.is_empty() && !self.run.has_ended();
        if !is_new {
            return refuse("a training that has begun cannot become another: make a new trainer");
        }
        Kept::read(archive, &self.run)?.give(&mut self.run)
    }

    /// Writes the training to a file, whole or not at all.
    ///
    /// ```
    /// use mlp::{Activation, Mlp, Optimizer, Training};
    /// use tape::matrix;
    /// let mut xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    /// let y = matrix![[0.0, 1.0, 1.0, 0.0]];
    /// let training = Training::new(Optimizer::adam(0.05)?).epochs(100).batches(2, 7)?;
    /// # let folder = std::env::temp_dir().join(format!("mlp-checkpoint-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let file = folder.join("xor.safetensors");
    /// let mut killed = training.begin(&xor, &x, &y)?;
    /// killed.run_for(40)?;
    /// killed.save(&file)?;
    /// drop(killed);
    /// let mut resumed = training.begin(&xor, &x, &y)?;
    /// resumed.resume(&file)?;
    /// resumed.run()?; // the other 60 epochs
    /// resumed.give(&mut xor)?;
    /// # let mut in_one = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// # let history = training.fit(&mut in_one, &x, &y)?;
    /// assert_eq!(xor, in_one); // of a training in one
    /// assert_eq!(resumed.history(), &history);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`to_archive`](Self::to_archive); [`Error::File`] if it cannot be written. A file that was
    /// there stays.
    #[cfg(feature = "safetensors")]
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        self.to_archive()?.write(path)
    }

    /// Goes on from what [`save`](Self::save) has written.
    ///
    /// # Errors
    /// As [`restore`](Self::restore); [`Error::File`] if the file cannot be read, or is none.
    #[cfg(feature = "safetensors")]
    pub fn resume(&mut self, path: impl AsRef<std::path::Path>) -> Result<()> {
        self.restore(&Archive::read(path)?)
    }
}

/// Where and when a training is written down.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checkpoints {
    pub(super) path: PathBuf,
    /// After so many epochs each.
    pub(super) every: usize,
}

fn refuse<V>(reason: impl Into<String>) -> Result<V> {
    Err(Error::Checkpoint { reason: reason.into() })
}

impl<T: Scalar> Run<T> {
    /// Writes a checkpoint after so many epochs, if it is time for one.
    #[cfg_attr(not(feature = "safetensors"), allow(unused_variables))]
    pub(super) fn write_if_due(&self, epochs: usize) -> Result<()> {
        match &self.checkpoints {
            #[cfg(feature = "safetensors")]
            Some(Checkpoints { path, every }) if epochs.is_multiple_of(*every) => {
                self.to_archive()?.write(path)
            }
            Some(Checkpoints { path: _, every: _ }) | None => Ok(()),
        }
    }

    fn to_archive(&self) -> Result<Archive> {
        if self.place.batches != 0 || self.is_among_blocks {
            return refuse("the training is in the middle of an epoch");
        }
        if self.has_ended() {
            return refuse("the training is over: save the model");
        }
        if !self.step.is_finite()? {
            let epoch = self.history.len().saturating_sub(1);
            let j = self.history.last().map_or(f64::NAN, |last| last.training);
            return Err(Error::Diverged { epoch, j, rate: self.step.rate() });
        }
        self.check_optimizer()?;
        let mut archive = Archive::new();
        archive.describe(KIND, VERSION, "a training of the Rust crate mlp, after a whole number of epochs");
        for followed in &self.step.followed {
            let value = self.step.program.view(followed.parameter)?.to_matrix();
            archive.insert(format!("parameters.{}", followed.name), &value);
        }
        let numbers = |of: &[Fingerprint]| of.iter().map(|of| of.number).collect::<Vec<_>>();
        archive.insert_whole(TRAINING, &numbers(&self.fingerprints.training));
        archive.insert_whole(VALIDATION, &numbers(&self.fingerprints.validation));
        archive.insert_whole(FROZEN, &numbers(&self.fingerprints.frozen));
        self.write_optimizer(&mut archive);
        self.write_course(&mut archive);
        self.write_stopping(&mut archive);
        Ok(archive)
    }

    /// Squares of gradients may be ∞ where the parameters are not: they stand still then, and what
    /// the optimiser remembers would be refused when it is read.
    fn check_optimizer(&self) -> Result<()> {
        for (name, remembered) in self.step.optimizer.remembered() {
            let wrong = match remembered {
                Remembered::Elements(values) => first_not_finite(values).map(|at| values[at].to_f64()),
                Remembered::Numbers(values) => first_not_finite(values).map(|at| values[at]),
            };
            if let Some(value) = wrong {
                let what = format!("the optimiser remembers {} in {name}", Short(value));
                return refuse(format!("{what}: a gradient's square is larger than {} can hold", T::NAME));
            }
        }
        Ok(())
    }

    fn write_optimizer(&self, archive: &mut Archive) {
        for (name, remembered) in self.step.optimizer.remembered() {
            match remembered {
                Remembered::Elements(values) => archive.insert_vector(format!("optimizer.{name}"), values),
                Remembered::Numbers(values) => archive.insert_vector(format!("optimizer.{name}"), values),
            }
        }
        if let Some(average) = &self.step.average {
            archive.insert_vector("average", &average.values().0);
        }
    }

    fn write_course(&self, archive: &mut Archive) {
        let (order, random) = self.data.batches.order();
        let order: Vec<u64> = order.iter().map(|&example| example as u64).collect();
        archive.insert_whole("order", &order);
        let place = random.position();
        archive.insert_whole("random", &[place as u64, (place >> 64) as u64, random.bits_ahead()]);
        archive.insert_whole("steps", &[self.step.taken as u64, self.step.runs]);
        archive.insert_whole("stopped", &[u64::from(self.is_stopped)]);
        let epochs = self.history.epochs();
        archive.insert_vector("history.training", &losses(epochs, |losses| losses.training));
        let has_validation = epochs.iter().any(|losses| losses.validation.is_some());
        // NaN is that of an epoch without one.
        let validation = |losses: &Losses| losses.validation.unwrap_or(f64::NAN);
        let validated = if has_validation { epochs } else { &[] };
        archive.insert_vector("history.validation", &losses(validated, validation));
        archive.insert_vector("rate", &[self.step.rate()]);
        if let Some(plateau) = &self.step.plateau {
            archive.insert_vector("plateau", &[plateau.lowest, plateau.product]);
            archive.insert_whole("plateau.waited", &[plateau.waited as u64]);
        }
    }

    fn write_stopping(&self, archive: &mut Archive) {
        if let Some(stopping) = &self.stopping {
            let (observed, best) = stopping.observed();
            let (epoch, loss) = best.unwrap_or((usize::MAX, f64::INFINITY));
            archive.insert_whole("stopping", &[observed as u64, epoch as u64]);
            archive.insert_vector("stopping.best", &[loss]);
        }
        if let Some(best) = self.best.as_ref().filter(|best| best.found) {
            archive.insert_vector("best.loss", &[best.lowest]);
            archive.insert_vector("best.beginning", &best.beginning.0);
            archive.insert_vector("best.end", &best.end.0);
        }
    }
}

fn losses(epochs: &[Losses], of: impl Fn(&Losses) -> f64) -> Vec<f64> {
    epochs.iter().map(of).collect()
}

/// What a checkpoint holds, looked through.
struct Kept<T> {
    parameters: Vec<T>,
    optimizer: Vec<(String, Part<T>)>,
    average: Option<Vec<T>>,
    order: Vec<u64>,
    random: (u128, u64),
    steps: (usize, u64),
    is_stopped: bool,
    history: Vec<Losses>,
    rate: f64,
    plateau: Option<(f64, f64, usize)>,
    stopping: Option<(usize, Option<(usize, f64)>)>,
    best: Option<(f64, Vec<T>, Vec<T>)>,
}

/// A part of what an optimiser remembers.
enum Part<T> {
    Elements(Vec<T>),
    Numbers(Vec<f64>),
}

impl<T: Scalar> Kept<T> {
    fn read(archive: &Archive, run: &Run<T>) -> Result<Self> {
        let version = archive.check_kind(KIND, VERSION)?;
        let is_trained = |name: &str| run.step.followed.iter().any(|followed| followed.name == name);
        let mut kept = archive.names().filter_map(|name| name.strip_prefix("parameters."));
        if let Some(name) = kept.find(|name| !is_trained(name)) {
            return refuse(format!("{name} is not trained here"));
        }
        let mut parameters = Vec::new();
        for followed in &run.step.followed {
            let name = format!("parameters.{}", followed.name);
            let value: Matrix<T> = archive.matrix(&name)?;
            if value.shape() != followed.shape {
                let (expected, found) = (followed.shape, value.shape());
                return Err(Error::Shape { matrix: name, expected, found });
            }
            parameters.extend_from_slice(value.as_slice());
        }
        let order = archive.whole("order")?;
        if version > 1 {
            check_examples(archive, order.len(), run)?;
        }
        if version > 2 {
            fingerprint::check_frozen(&run.fingerprints.frozen, &archive.whole(FROZEN)?)?;
        }
        let history = history(archive)?;
        check_losses(&history, run)?;
        let size = parameters.len();
        let vector = |name: &str| {
            let values = archive.vector::<T>(name)?;
            let of_all = values.len() == size || values.is_empty();
            if of_all {
                Ok(values)
            } else {
                refuse(format!("{name} has {} values, not {size}", values.len()))
            }
        };
        let average = run.step.average.as_ref().map(|_| vector("average")).transpose()?;
        if average.as_ref().is_some_and(Vec::is_empty) {
            return refuse("average has no values");
        }
        let best = match run.best.is_some() && archive.contains("best.loss") {
            true => Some((number(archive, "best.loss")?, vector("best.beginning")?, vector("best.end")?)),
            false => None,
        };
        if let (Some(best), Some((_, beginning, end))) = (&run.best, &best)
            && !best.goes_on_from(size, beginning, end)
        {
            return refuse("it is of other batches, by which early stopping keeps other parameters");
        }
        let [low, high, ahead] = whole(archive, "random")?;
        let [is_stopped] = whole(archive, "stopped")?;
        let [taken, runs] = whole(archive, "steps")?;
        Ok(Kept {
            parameters,
            optimizer: optimizer(archive, run)?,
            average,
            order,
            random: (u128::from(low) | u128::from(high) << 64, ahead),
            steps: (count("steps", taken)?, count("steps", runs)? as u64),
            is_stopped: is_stopped != 0,
            history,
            rate: number(archive, "rate")?,
            plateau: run.step.plateau.map(|_| plateau(archive)).transpose()?,
            stopping: run.stopping.as_ref().map(|_| stopping(archive)).transpose()?,
            best,
        })
    }

    /// All that can be refused is refused before anything is changed.
    fn give(self, run: &mut Run<T>) -> Result<()> {
        let mut optimizer = run.step.optimizer.try_anew()?;
        optimizer.copy_from(&run.step.optimizer);
        optimizer.restore(self.optimizer.iter().map(|(name, part)| {
            let part = match part {
                Part::Elements(values) => Remembered::Elements(&values[..]),
                Part::Numbers(values) => Remembered::Numbers(&values[..]),
            };
            (name.clone(), part)
        }))?;
        if run.step.has_schedule() {
            optimizer.set_rate(self.rate)?;
        }
        let random = run.data.batches.order().1.at(self.random.0, self.random.1);
        let Some(random) = random else { return refuse("its random numbers are of another seed") };
        run.data.batches.set_order(&self.order, random)?;
        run.rewind = None; // there is one after a batch that could not be run
        run.step.optimizer = optimizer;
        (run.step.taken, run.step.runs) = self.steps;
        self.history.iter().for_each(|losses| run.history.push(*losses));
        if let (Some(plateau), Some((lowest, product, waited))) = (&mut run.step.plateau, self.plateau) {
            (plateau.lowest, plateau.product, plateau.waited) = (lowest, product, waited);
        }
        if let (Some(stopping), Some((observed, best))) = (&mut run.stopping, self.stopping) {
            stopping.go_on(observed, best);
        }
        run.is_stopped = self.is_stopped && run.stopping.as_ref().is_some_and(EarlyStopping::is_over);
        if let (Some(best), Some((lowest, beginning, end))) = (&mut run.best, self.best) {
            (best.found, best.lowest, best.beginning.0, best.end.0) = (true, lowest, beginning, end);
        }
        if let (Some(average), Some(values)) = (&mut run.step.average, self.average) {
            average.values_mut().0 = values;
        }
        super::parameters::Parameters(self.parameters).give_back(&mut run.step)
    }
}

/// Whether it is of the examples at hand, as many as it has put in order. A training may have got a
/// validation part since, or lost it.
fn check_examples<T: Scalar>(archive: &Archive, found: usize, run: &Run<T>) -> Result<()> {
    let expected = run.data.batches.m();
    if found != expected {
        return Err(Error::Length { list: "order of the examples", expected, found });
    }
    let Fingerprints { training, validation, frozen: _ } = &run.fingerprints;
    fingerprint::check("training", training, &archive.whole(TRAINING)?)?;
    let kept = archive.whole(VALIDATION)?;
    match kept.is_empty() || validation.is_empty() {
        true => Ok(()),
        false => fingerprint::check("validation", validation, &kept),
    }
}

/// Whether the losses that decided go on to decide: those of a training and of a validation part are
/// not to be compared.
fn check_losses<T: Scalar>(history: &[Losses], run: &Run<T>) -> Result<()> {
    let decides = run.stopping.is_some() || run.step.plateau.is_some();
    match history.last().map(|last| last.validation.is_some()) {
        Some(true) if decides && !run.has_validation() => {
            refuse("the losses of a validation part have decided, and there is none here")
        }
        Some(false) if decides && run.has_validation() => {
            refuse("the losses of the training have decided, and here those of a validation part would")
        }
        Some(_) | None => Ok(()),
    }
}

fn optimizer<T: Scalar>(archive: &Archive, run: &Run<T>) -> Result<Vec<(String, Part<T>)>> {
    let mut parts = Vec::new();
    for (name, remembered) in run.step.optimizer.remembered() {
        let tensor = format!("optimizer.{name}");
        let part = match remembered {
            Remembered::Elements(_) => Part::Elements(archive.vector(&tensor)?),
            Remembered::Numbers(_) => Part::Numbers(archive.vector(&tensor)?),
        };
        parts.push((name, part));
    }
    let others = archive.names().filter(|name| name.starts_with("optimizer."));
    match others.count() == parts.len() {
        true => Ok(parts),
        false => refuse("it is of an optimiser that remembers more than this one"),
    }
}

fn whole<const N: usize>(archive: &Archive, name: &str) -> Result<[u64; N]> {
    let values = archive.whole(name)?;
    <[u64; N]>::try_from(&values[..])
        .or_else(|_| refuse(format!("{name} has {} numbers, not {N}", values.len())))
}

/// A number, ∞ included.
fn number(archive: &Archive, name: &str) -> Result<f64> {
    let values = archive.vector_of_any_values::<f64>(name)?;
    match values[..] {
        [value] if !value.is_nan() => Ok(value),
        _ => refuse(format!("{name} is not one number")),
    }
}

fn history(archive: &Archive) -> Result<Vec<Losses>> {
    let training = archive.vector::<f64>("history.training")?;
    let validation = archive.vector_of_any_values::<f64>("history.validation")?;
    if validation.iter().any(|loss| loss.is_infinite()) {
        return refuse("history.validation has a loss that is infinite");
    }
    if !validation.is_empty() && validation.len() != training.len() {
        let (expected, found) = (training.len(), validation.len());
        return Err(Error::Length { list: "history.validation", expected, found });
    }
    let losses = |(epoch, training): (usize, &f64)| Losses {
        training: *training,
        validation: validation.get(epoch).copied().filter(|loss| !loss.is_nan()),
    };
    Ok(training.iter().enumerate().map(losses).collect())
}

/// A number of steps or epochs, which is to go on growing.
fn count(name: &str, n: u64) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) if n as u64 <= MOST_STEPS => Ok(n),
        Ok(_) | Err(_) => refuse(format!("{name} is {n}, more than a training can have")),
    }
}

fn plateau(archive: &Archive) -> Result<(f64, f64, usize)> {
    let [waited] = whole(archive, "plateau.waited")?;
    let waited = count("plateau.waited", waited)?;
    match archive.vector_of_any_values::<f64>("plateau")?[..] {
        [lowest, product] if !lowest.is_nan() && product > 0.0 && product <= 1.0 => {
            Ok((lowest, product, waited))
        }
        _ => refuse("plateau is not the lowest loss and a factor"),
    }
}

type Observed = (usize, Option<(usize, f64)>);

fn stopping(archive: &Archive) -> Result<Observed> {
    let [observed, epoch] = whole(archive, "stopping")?;
    let loss = number(archive, "stopping.best")?;
    let epoch = usize::try_from(epoch).unwrap_or(usize::MAX);
    match (count("stopping", observed)?, epoch) {
        (observed, usize::MAX) => Ok((observed, None)),
        (observed, epoch) if epoch < observed => Ok((observed, Some((epoch, loss)))),
        _ => refuse("its best epoch is yet to come"),
    }
}
