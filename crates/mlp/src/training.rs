//! Training: its settings, and of networks.

mod average;
mod batches;
mod best;
mod blocks;
mod checkpoint;
mod data;
mod evaluation;
mod fingerprint;
mod gradients;
mod group;
mod model;
mod network;
mod parameters;
mod rewind;
mod run;
mod schedule;
#[cfg(feature = "serde")]
mod serialised;
mod step;
mod trainer;
mod variables;
mod weights;

use std::path::PathBuf;

use tape::Matrix;

use crate::optimizer::{check_decay, check_held, check_positive};
use crate::training::checkpoint::Checkpoints;
use crate::training::gradients::GradientRules;
use crate::training::weights::Weights;
use crate::{EarlyStopping, Error, Losses, Optimizer, Result, Scalar};

pub use crate::training::group::ParameterGroup;
pub use crate::training::model::Model;
pub use crate::training::schedule::{Moment, Schedule};
pub use crate::training::trainer::{Batch, Trainer};

/// How a model is trained: by which rule, for how many epochs, on which batches, and when to stop.
///
/// [`fit`](Self::fit) trains a network; a [`Trainer`] takes the same settings for any model of a
/// tape, and runs in pieces.
///
/// ```
/// use mlp::{Activation, Mlp, Optimizer, Training};
/// use tape::matrix;
/// let mut xor = Mlp::<f64>::new(2)
///     .layer(4, Activation::Tanh)
///     .layer(1, Activation::Sigmoid)
///     .build()?;
/// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
/// let y = matrix![[0.0, 1.0, 1.0, 0.0]];
/// let history = Training::new(Optimizer::adam(0.05)?).epochs(300).fit(&mut xor, &x, &y)?;
/// assert!(history.last().unwrap().training < 0.05);
/// # Ok::<(), mlp::Error>(())
/// ```
#[must_use = "a training begins with fit"]
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "serialised::Form<T>", into = "serialised::Form<T>"),
    serde(bound = "T: Scalar + serde::Serialize + serde::de::DeserializeOwned")
)]
pub struct Training<T: Scalar> {
    optimizer: Optimizer,
    epochs: usize,
    batch: Option<usize>,
    seed: u64,
    validation: Option<(Matrix<T>, Matrix<T>)>,
    stopping: Option<EarlyStopping>,
    threads: usize,
    schedule: Schedule,
    gradients: GradientRules,
    l1: f64,
    average: Option<f64>,
    groups: Vec<ParameterGroup>,
    weights: Weights<T>,
    smoothing: f64,
    checkpoints: Option<Checkpoints>,
    resumed: Option<PathBuf>,
}

/// What a callback is told after every epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Epoch {
    /// Its number, from 0.
    pub number: usize,
    /// How many there are at most.
    pub of: usize,
    /// Its losses.
    pub losses: Losses,
    /// The rate η of its last step.
    pub rate: f64,
}

/// # Settings
impl<T: Scalar> Training<T> {
    /// Full-batch training for 100 epochs, with no validation.
    pub fn new(optimizer: Optimizer) -> Self {
        Training {
            optimizer,
            epochs: 100,
            batch: None,
            seed: 0,
            validation: None,
            stopping: None,
            threads: 0,
            schedule: Schedule::constant(),
            gradients: GradientRules::default(),
            l1: 0.0,
            average: None,
            groups: Vec::new(),
            weights: Weights::default(),
            smoothing: 0.0,
            checkpoints: None,
            resumed: None,
        }
    }

    /// The number of epochs; at most, if there is early stopping.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Mini-batches of `size` examples, the last one of an epoch of what is left, in an order that
    /// `seed` shuffles anew for every epoch.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the size is 0.
    pub fn batches(mut self, size: usize, seed: u64) -> Result<Self> {
        if size == 0 {
            return Err(Error::Hyperparameter { name: "batch size", value: 0.0, expected: "at least 1" });
        }
        self.batch = Some(size);
        self.seed = seed;
        Ok(self)
    }

    /// How many threads a step may use, 0 for as many as the processor runs at a time. The results
    /// have the same bits whatever their number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// What [`threads`](Training::threads) was given.
    pub(crate) fn most_threads(&self) -> usize {
        self.threads
    }

    /// The validation part: J on it is computed after every epoch.
    pub fn validation(mut self, x: Matrix<T>, y: Matrix<T>) -> Self {
        self.validation = Some((x, y));
        self
    }

    /// Stops when the deciding loss, that of the validation part if there is one, improves no more,
    /// and gives the network the parameters of its best epoch,
    /// [`History::best`](crate::History::best): those that its
    /// loss was computed with.
    ///
    /// With a validation part these are the parameters at the epoch's end. Without one they are
    /// those at its beginning, as a full batch's J is taken before its step. The loss of
    /// mini-batches is a mean over a whole epoch of steps: then it is the beginning or the end,
    /// whichever has the lower J on all examples.
    pub fn early_stopping(mut self, stopping: EarlyStopping) -> Self {
        self.stopping = Some(stopping);
        self
    }

    /// The seed of the shuffling and of the noise that a model draws; 0 if left out.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How the rate changes in the course of the training.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// The moving average of the parameters, θ̄ ← β θ̄ + (1 − β) θ after every step from the first
    /// values on: the validation part is computed with it, and it is what is learned in the end.
    /// Training goes on along θ.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if β is not in [0, 1), after it is rounded to T too.
    pub fn average(mut self, beta: f64) -> Result<Self> {
        if !((0.0..1.0).contains(&beta) && T::from_f64(beta) < T::ONE) {
            return Err(Error::Hyperparameter { name: "average's β", value: beta, expected: "in [0, 1)" });
        }
        self.average = Some(beta);
        Ok(self)
    }
}

/// # What the optimiser sees
///
/// A step's gradient is the mean over its batches, then clipped by value, then by norm; then L1 and
/// L2 add their terms, and the optimiser's rule follows.
impl<T: Scalar> Training<T> {
    /// One step for every `batches` batches, along the mean gradient of all their examples; the
    /// last one of an epoch is along that of what is left.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the number is 0.
    pub fn accumulate(mut self, batches: usize) -> Result<Self> {
        if batches == 0 {
            let (name, expected) = ("accumulated batches", "at least 1");
            return Err(Error::Hyperparameter { name, value: 0.0, expected });
        }
        self.gradients.accumulated = batches;
        Ok(self)
    }

    /// Gradients longer than c become c long, g ← g · c/‖g‖ with the norm over all parameters that
    /// are trained (Pascanu, Mikolov, Bengio 2013).
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if c is not a finite number greater than 0, in type T too.
    pub fn clip_norm(mut self, c: f64) -> Result<Self> {
        check_positive("gradients' greatest norm", c)?;
        check_held::<T>("gradients' greatest norm", c, c)?;
        self.gradients.most_norm = Some(c);
        Ok(self)
    }

    /// Each element of a gradient is brought into [−c, c].
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if c is not a finite number greater than 0, in type T too.
    pub fn clip_value(mut self, c: f64) -> Result<Self> {
        check_positive("gradients' greatest value", c)?;
        check_held::<T>("gradients' greatest value", c, c)?;
        self.gradients.most_value = Some(c);
        Ok(self)
    }

    /// The term λ Σ|W| in J, over all weights: g + λ sign W, with 0 at 0. [`Optimizer::with_l2`] has
    /// that of squares. The history's J has neither.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if λ is not a finite number from 0 on, in type T too.
    pub fn l1(mut self, lambda: f64) -> Result<Self> {
        check_decay("L1 λ", lambda)?;
        if lambda != 0.0 {
            check_held::<T>("L1 λ", lambda, lambda)?;
        }
        self.l1 = lambda;
        Ok(self)
    }

    /// Parameters that are trained in another way than the others.
    ///
    /// # Errors
    /// [`Error::Setting`] if one of them is in a group already.
    pub fn group(mut self, group: ParameterGroup) -> Result<Self> {
        for (at, name) in group.names.iter().enumerate() {
            if self.group_of(name).is_some() || group.names[..at].contains(name) {
                let reason = format!("{name:?} is in two groups, or twice in one");
                return Err(Error::Setting { setting: "groups", reason });
            }
        }
        self.groups.push(group);
        Ok(self)
    }
}

/// # What counts
///
/// Of networks alone: a model of one's own has what counts in its J.
impl<T: Scalar> Training<T> {
    /// Weights of the examples, 1 × m: J = 1/m Σ w_i ℒ_i, with w scaled so that its mean over all
    /// training examples is 1. The validation part has none.
    pub fn example_weights(mut self, weights: Matrix<T>) -> Self {
        self.weights.examples = Some(weights);
        self
    }

    /// Each class counts as much as the others: an example of a class that n_c of m examples have
    /// weighs m / (K n_c), with K classes that occur. They multiply the weights of the examples.
    pub fn balanced_classes(mut self) -> Self {
        self.weights.classes = weights::Classes::Balanced;
        self
    }

    /// The weight of each class, by its number; 0 and 1 are the classes of one output. They multiply
    /// the weights of the examples.
    pub fn class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.weights.classes = weights::Classes::Given(weights.into());
        self
    }

    /// Labels that are less sure: y ← (1 − ε) y + ε/K over K classes (Szegedy and others 2016), where
    /// one output has the two classes 0 and 1. The validation part keeps its labels.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if ε is not in [0, 1).
    pub fn label_smoothing(mut self, epsilon: f64) -> Result<Self> {
        if !(0.0..1.0).contains(&epsilon) {
            let (name, expected) = ("label smoothing's ε", "in [0, 1)");
            return Err(Error::Hyperparameter { name, value: epsilon, expected });
        }
        self.smoothing = epsilon;
        Ok(self)
    }
}

/// # Checkpoints
#[cfg(feature = "safetensors")]
impl<T: Scalar> Training<T> {
    /// Writes the training to a file after every `epochs` epochs, each time in the place of the last
    /// one, and whole or not at all: whenever it is killed, [`resuming`](Self::resuming) goes on
    /// from what is there, with the bits of a training that was not killed.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the number is 0.
    pub fn checkpoints(mut self, path: impl Into<PathBuf>, epochs: usize) -> Result<Self> {
        if epochs == 0 {
            let (name, expected) = ("epochs of a checkpoint", "at least 1");
            return Err(Error::Hyperparameter { name, value: 0.0, expected });
        }
        self.checkpoints = Some(Checkpoints { path: path.into(), every: epochs });
        Ok(self)
    }

    /// Goes on from a [checkpoint](Self::checkpoints) of the same training. What it has done counts:
    /// the number of epochs is that of both together. The errors of [`Trainer::resume`] are those of
    /// [`fit`](Self::fit) and of [`Trainer::new`] then.
    pub fn resuming(mut self, path: impl Into<PathBuf>) -> Self {
        self.resumed = Some(path.into());
        self
    }
}

impl<T: Scalar> Training<T> {
    /// The group that a parameter is in.
    fn group_of(&self, name: &str) -> Option<&ParameterGroup> {
        self.groups.iter().find(|group| group.names.iter().any(|other| other == name))
    }

    /// Whether all parameters of the groups are there.
    fn check_groups(&self, known: &[String]) -> Result<()> {
        match self.groups.iter().flat_map(|group| &group.names).find(|name| !known.contains(name)) {
            Some(name) => Err(Error::UnknownParameter { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Whether there is nothing that a model of one's own would not hear of.
    fn check_for_a_model(&self) -> Result<()> {
        let refuse = |setting, instead: &str| {
            let reason = format!("is of networks alone: {instead}");
            Err(Error::Setting { setting, reason })
        };
        if self.validation.is_some() {
            return refuse("validation", "the model has its examples by Model::validation");
        }
        if self.weights != Weights::default() {
            return refuse("weights", "let J of the model have them");
        }
        if self.smoothing != 0.0 {
            return refuse("label smoothing", "give the model such labels");
        }
        Ok(())
    }

    /// Whether the settings suit type T and each other.
    fn check_settings(&self, has_validation: bool) -> Result<()> {
        self.optimizer.check::<T>()?;
        match self.stopping.as_ref().map_or(0.0, EarlyStopping::min_delta) {
            0.0 => {}
            delta => check_held::<T>("min_delta", delta, delta)?,
        }
        if self.average.is_some() && self.stopping.is_some() && !has_validation {
            let reason = "J of the training is not that of averaged parameters: it takes a validation part";
            return Err(Error::Setting { setting: "early stopping", reason: reason.to_owned() });
        }
        Ok(())
    }
}
