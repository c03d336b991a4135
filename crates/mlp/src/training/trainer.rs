//! One trainer for every model of a tape.

use std::fmt;
use std::ops::ControlFlow;

use indexmap::IndexMap;
use tape::{EntryId, Matrix, Named, Program, Threads, Var};

use crate::training::run::Run;
use crate::training::step::Followed;
use crate::training::variables::check_leaves;
use crate::{Epoch, Error, History, Mlp, Model, Result, Scalar, Training};

/// Trains any model of a tape: makes its [`Model`] small, in the way that a [`Training`] tells.
///
/// A trainer can be run in pieces, epoch by epoch or batch by batch, and gives the bits of a
/// training in one.
///
/// ```
/// use mlp::{Model, Optimizer, Schedule, Trainer, Training};
/// use tape::{Matrix, Shape, Tape};
/// // Two classes in a plane, without a network: logistic regression.
/// let tape = Tape::<f64>::new();
/// let (x, y) = (tape.examples_unbound("x", 2), tape.examples_unbound("y", 1));
/// let (w, b) = (tape.parameter("w", &Matrix::zeros(1, 2)), tape.parameter("b", &Matrix::zeros(1, 1)));
/// let j = (w.matmul(x) + b).sigmoid().log_loss(y).mean();
/// let points = Matrix::from_fn(2, 100, |i, k| ((7 * k + 31 * i) % 17) as f64 / 8.0 - 1.0);
/// let above = Matrix::from_fn(1, 100, |_, k| if points[(0, k)] > points[(1, k)] { 1.0 } else { 0.0 });
/// let model = Model::new(j, [w, b]).biases([b]).examples(x, points).examples(y, above);
/// let training = Training::new(Optimizer::adam(0.1)?)
///     .epochs(60)
///     .batches(20, 1)?
///     .schedule(Schedule::cosine(0.0)?)
///     .clip_norm(1.0)?;
/// let mut trainer = Trainer::new(model, &training)?;
/// trainer.run_for(30)?;
/// let half = trainer.history().last().unwrap().training;
/// trainer.run()?;
/// assert!(trainer.history().last().unwrap().training < half && trainer.history().len() == 60);
/// assert!(trainer.value(w)?[(0, 0)] > 1.0 && trainer.value(w)?[(0, 1)] < -1.0);
/// # Ok::<(), mlp::Error>(())
/// ```
pub struct Trainer<T: Scalar> {
    pub(super) run: Run<T>,
    threads: Threads,
}

/// Where it stands, without the values.
impl<T: Scalar> fmt::Debug for Trainer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.run.step.followed.iter().map(|followed| &*followed.name).collect();
        f.debug_struct("Trainer")
            .field("parameters", &names)
            .field("epochs", &self.history().len())
            .field("steps", &self.steps())
            .field("rate", &self.rate())
            .finish_non_exhaustive()
    }
}

/// What a trainer tells after a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch {
    /// J of the batch, before the step.
    pub j: f64,
    /// The epoch, if the batch was its last.
    pub epoch: Option<Epoch>,
}

/// # Beginning
impl<T: Scalar> Trainer<T> {
    /// Differentiates J, and compiles one program of J and its gradients.
    ///
    /// # Errors
    /// [`Error::Variable`](crate::Error::Variable) if a variable cannot be what the model was given
    /// it as: of another tape, no parameter, none that J depends on;
    /// [`Error::NonFiniteParameter`](crate::Error::NonFiniteParameter) if a first value is NaN or ±∞;
    /// [`Error::Setting`](crate::Error::Setting) if two settings do not go together, or one is of
    /// networks alone, a parameter is there twice or none is left to train;
    /// [`Error::UnknownParameter`](crate::Error::UnknownParameter) if a group names one that the
    /// model has not; [`Error::Length`](crate::Error::Length) if two leaves have not as many
    /// examples; [`Error::Hyperparameter`](crate::Error::Hyperparameter) if type T cannot hold one;
    /// [`Error::Tape`](crate::Error::Tape) for the tape's mistakes: a J that is not 1 × 1, an
    /// operation without derivative, an example of another shape;
    /// [`Error::Memory`](crate::Error::Memory). What the validation part is at fault for is an
    /// [`Error::Validation`](crate::Error::Validation).
    #[track_caller]
    pub fn new(model: Model<'_, T>, training: &Training<T>) -> Result<Self> {
        T::trainer_new(model, training)
    }

    #[track_caller]
    pub(crate) fn of_model_here(model: Model<'_, T>, training: &Training<T>) -> Result<Self> {
        training.check_for_a_model()?;
        Trainer::new_here(model, training)
    }

    /// With the threads that its steps are worth.
    #[track_caller]
    pub(crate) fn new_here(model: Model<'_, T>, training: &Training<T>) -> Result<Self> {
        let run = Run::new(model, training)?;
        let threads = Threads::new(run.step.program.threads(run.largest_batch()))?;
        #[cfg_attr(not(feature = "safetensors"), allow(unused_mut))]
        let mut trainer = Trainer { run, threads };
        #[cfg(feature = "safetensors")]
        if let Some(path) = &training.resumed {
            trainer.restore_here(&crate::files::Archive::read(path)?)?;
        }
        Ok(trainer)
    }
}

/// # Training
impl<T: Scalar> Trainer<T> {
    /// Runs all epochs that are left, and [finishes](Self::finish).
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged) if J or a parameter is no longer a finite number:
    /// the parameters are then the last good ones, or, with early stopping, those of the best epoch,
    /// and the training is over; [`Error::Tape`](crate::Error::Tape) if a parameter has no value, a
    /// label is none, or an operation refuses its operands;
    /// [`Error::NoExamples`](crate::Error::NoExamples) if the model has none.
    pub fn run(&mut self) -> Result<()> {
        T::trainer_run(self, usize::MAX)?;
        self.finish()
    }

    /// Runs so many epochs more, or fewer, if fewer are left.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_for(&mut self, epochs: usize) -> Result<()> {
        T::trainer_run(self, epochs)
    }

    pub(crate) fn run_here(&mut self, epochs: usize) -> Result<()> {
        let Trainer { run, threads } = self;
        // All on one of the threads: the others help with every step, and none is handed over.
        threads.install(|| {
            for _ in 0..epochs {
                if run.epoch()?.is_none() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Like [`run`](Self::run), and calls `after_epoch` after every epoch, on the caller's thread,
    /// with the trainer, which can be asked for [gradients](Self::gradient_norm) and
    /// [values](Self::value); `ControlFlow::Break` ends the training there.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use mlp::{Model, Optimizer, Trainer, Training};
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter("w", &matrix![[3.0]]);
    /// let j = w.square().sum();
    /// let settings = Training::new(Optimizer::gradient_descent(0.1)?).epochs(1000);
    /// let mut trainer = Trainer::new(Model::new(j, [w]), &settings)?;
    /// trainer.run_with(|epoch, trainer| {
    ///     match trainer.gradient_norm() {
    ///         Ok(norm) if norm > 1e-3 => ControlFlow::Continue(()),
    ///         _ => ControlFlow::Break(()),
    ///     }
    /// })?;
    /// assert!(trainer.history().len() < 50);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with(&mut self, mut after_epoch: impl FnMut(&Epoch, &Self) -> ControlFlow<()>) -> Result<()> {
        while let Some(epoch) = self.epoch()? {
            if after_epoch(&epoch, self).is_break() {
                break;
            }
        }
        self.finish()
    }

    /// The rest of the epoch on its way, or the next one; `None` if there is none.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn epoch(&mut self) -> Result<Option<Epoch>> {
        T::trainer_epoch(self)
    }

    pub(crate) fn epoch_here(&mut self) -> Result<Option<Epoch>> {
        let Trainer { run, threads } = self;
        threads.install(|| run.epoch())
    }

    /// The next batch, and the step that it makes due; `None` if the training is over.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn batch(&mut self) -> Result<Option<Batch>> {
        T::trainer_batch(self)
    }

    pub(crate) fn batch_here(&mut self) -> Result<Option<Batch>> {
        let Trainer { run, threads } = self;
        if run.is_over() {
            return Ok(None);
        }
        threads.install(|| run.batch()).map(|(j, epoch)| Some(Batch { j, epoch }))
    }

    /// An epoch over blocks of columns from elsewhere, of a file that is longer than the memory,
    /// say: each block has a matrix for every leaf, and is a batch. The model has no examples of
    /// its own then. `None` if the training is over.
    ///
    /// After it, the training goes on with other epochs over blocks, or [ends](Self::finish). With
    /// [early stopping](Training::early_stopping) and no validation part, an epoch of several blocks
    /// keeps the parameters at its end.
    ///
    /// Blocks are asked for on the caller's thread, one ahead of the one that is learned from; steps
    /// are taken on the trainer's threads, and have the same bits whatever their number.
    ///
    /// ```
    /// use mlp::{Model, Optimizer, Trainer, Training};
    /// use tape::{Matrix, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    /// let a = tape.parameter("a", &matrix![[0.0]]);
    /// let model = Model::new((a * x - y).square().mean(), [a]);
    /// let mut trainer = Trainer::new(model, &Training::new(Optimizer::gradient_descent(0.2)?))?;
    /// for _ in 0..20 {
    ///     let blocks = (0..10).map(|k| {
    ///         let x = Matrix::from_fn(1, 4, |_, i| (k + i) as f64 / 10.0);
    ///         let y = x.map(|x| 3.0 * x);
    ///         Ok(vec![x, y])
    ///     });
    ///     trainer.epoch_over(&[x, y], blocks)?;
    /// }
    /// assert!((trainer.value(a)?[(0, 0)] - 3.0).abs() < 1e-6);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); a block's own error;
    /// [`Error::NoExamples`](crate::Error::NoExamples) if there are no blocks, or one of no examples;
    /// [`Error::Length`](crate::Error::Length) if a block has not a matrix for each leaf;
    /// [`Error::Variable`](crate::Error::Variable) if a leaf is none of examples, or there twice;
    /// [`Error::Setting`](crate::Error::Setting) if the model has examples, or a leaf is missing that
    /// an earlier epoch had.
    pub fn epoch_over(
        &mut self,
        leaves: &[Var<'_, T>],
        blocks: impl IntoIterator<Item = Result<Vec<Matrix<T>>>>,
    ) -> Result<Option<Epoch>> {
        check_leaves(leaves)?;
        let leaves: Vec<EntryId> = leaves.iter().map(|leaf| leaf.id()).collect::<tape::Result<_>>()?;
        T::trainer_epoch_over(self, &leaves, &mut blocks.into_iter())
    }

    pub(crate) fn epoch_over_here(
        &mut self,
        leaves: &[EntryId],
        blocks: &mut dyn Iterator<Item = Result<Vec<Matrix<T>>>>,
    ) -> Result<Option<Epoch>> {
        let Some(mut epoch) = self.run.begin_blocks()? else { return Ok(None) };
        let mut blocks = blocks.peekable();
        // The blocks come on the caller's thread: what gives them may be bound to it.
        while let Some(block) = blocks.next() {
            let m = self.run.bind_block(leaves, &block?)?;
            let is_last = blocks.peek().is_none();
            self.take_threads_for(m)?;
            let Trainer { run, threads } = self;
            threads.install(|| run.block(&mut epoch, m, is_last))?;
        }
        let Trainer { run, threads } = self;
        threads.install(|| run.end_blocks(&epoch)).map(Some)
    }

    /// As many threads as a step on m examples is worth, unless there are so many.
    fn take_threads_for(&mut self, m: usize) -> Result<()> {
        let worth = self.run.step.program.threads(m);
        if worth > self.threads.count() {
            self.threads = Threads::new(worth)?;
        }
        Ok(())
    }

    /// Ends the training: the parameters are from here on what was learned, those of the best epoch
    /// with early stopping, or the moving average.
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged) if the last step made J or a parameter no finite
    /// number; the parameters are then the last good ones.
    pub fn finish(&mut self) -> Result<()> {
        T::trainer_finish(self)
    }

    pub(crate) fn finish_here(&mut self) -> Result<()> {
        let Trainer { run, threads } = self;
        threads.install(|| run.finish())
    }
}

/// # What it tells
impl<T: Scalar> Trainer<T> {
    /// The losses of every epoch.
    pub fn history(&self) -> &History {
        &self.run.history
    }

    /// The rate η of the last step.
    pub fn rate(&self) -> f64 {
        self.run.step.rate()
    }

    /// How many steps were taken.
    pub fn steps(&self) -> usize {
        self.run.step.taken
    }

    /// √Σ‖∂J/∂θ‖² over all parameters that are trained, of the last batch and before clipping.
    ///
    /// # Errors
    /// [`Error::Tape`](crate::Error::Tape) before the first batch.
    pub fn gradient_norm(&self) -> Result<f64> {
        self.run.step.gradient_norm()
    }

    /// ‖∂J/∂θ‖ of each parameter that is trained, with its name, of the last batch and before
    /// clipping: where a layer learns nothing, or too much at once.
    ///
    /// ```
    /// use mlp::{Model, Optimizer, Trainer, Training};
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (v, w) = (tape.parameter("v", &matrix![[1.5, 2.0]]), tape.parameter("w", &matrix![[0.5]]));
    /// let j = v.square().sum() + w.square().sum();
    /// let training = Training::new(Optimizer::gradient_descent(0.1)?).epochs(1);
    /// let mut trainer = Trainer::new(Model::new(j, [v, w]), &training)?;
    /// trainer.epoch()?;
    /// assert_eq!(trainer.gradient_norms()?, [("v".to_string(), 5.0), ("w".to_string(), 1.0)]);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tape`](crate::Error::Tape) before the first batch.
    pub fn gradient_norms(&self) -> Result<Vec<(String, f64)>> {
        self.run.step.gradient_norms()
    }

    /// The value of a parameter, as the next step finds it or, after [`finish`](Self::finish), as it
    /// was learned; or that of an output of the last batch: J, or what the model is
    /// [reading](Model::reading).
    ///
    /// # Errors
    /// [`Error::Tape`](crate::Error::Tape) as [`Program::view`].
    pub fn value(&self, variable: impl Named<T>) -> Result<Matrix<T>> {
        Ok(self.run.step.program.view(variable)?.to_matrix())
    }

    /// The values of all parameters that are trained, by their names, as [`value`](Self::value)
    /// gives them.
    ///
    /// # Errors
    /// [`Error::Tape`](crate::Error::Tape) if one has no value.
    pub fn parameters(&self) -> Result<IndexMap<String, Matrix<T>>> {
        let value = |followed: &Followed| {
            let value = self.run.step.program.view(followed.parameter)?;
            Ok((followed.name.clone(), value.to_matrix()))
        };
        self.run.step.followed.iter().map(value).collect()
    }

    /// The program of a step, for
    /// [`copy_parameters_from`](Program::copy_parameters_from) by a program of one's own.
    pub fn program(&self) -> &Program<T> {
        &self.run.step.program
    }

    /// [Finishes](Self::finish), and hands over the program of a step, with what was learned:
    /// compiled once, it has J, what the model is [reading](Model::reading), and the gradients.
    ///
    /// A run computes all of them. For predictions alone, which need neither labels nor gradients,
    /// there is [`compile`](Self::compile).
    ///
    /// ```
    /// use mlp::{Model, Optimizer, Trainer, Training};
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (x, a) = (tape.examples_unbound("x", 1), tape.parameter("a", &matrix![[0.0]]));
    /// let j = (a * x - 1.0).square().mean();
    /// let model = Model::new(j, [a]).examples(x, matrix![[0.5, 0.5]]);
    /// let mut trainer = Trainer::new(model, &Training::new(Optimizer::gradient_descent(1.0)?))?;
    /// trainer.run()?;
    /// let mut program = trainer.into_program()?;
    /// program.bind(x, &matrix![[0.25]])?; // J of other examples
    /// program.run()?;
    /// assert!((program.scalar(j)? - 0.25).abs() < 1e-6);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn into_program(mut self) -> Result<Program<T>> {
        self.finish()?;
        Ok(self.run.step.program)
    }

    /// A program of these entries of the model's tape, say of its prediction, with the parameters
    /// that the trainer has now and noise at its expectation. What J has nothing to do with is not
    /// bound.
    ///
    /// ```
    /// use mlp::{Model, Optimizer, Trainer, Training};
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    /// let a = tape.parameter("a", &matrix![[0.0]]);
    /// let prediction = a * x;
    /// let model = Model::new((prediction - y).square().mean(), [a]);
    /// let model = model.examples(x, matrix![[1.0, 2.0]]).examples(y, matrix![[3.0, 6.0]]);
    /// let mut trainer = Trainer::new(model, &Training::new(Optimizer::gradient_descent(0.2)?))?;
    /// trainer.run()?;
    /// let mut program = trainer.compile([prediction])?; // knows no y, and has no gradients
    /// program.bind(x, &matrix![[4.0]])?;
    /// program.run()?;
    /// assert!((program.scalar(prediction)? - 12.0).abs() < 1e-6);
    /// let mut other = program.clone(); // for another thread: nothing is compiled again
    /// # other.run()?;
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tape`](crate::Error::Tape) as [`Tape::compile`](tape::Tape::compile) and
    /// [`Program::copy_parameters_from`]; [`Error::Setting`](crate::Error::Setting) if there are no
    /// outputs.
    #[track_caller]
    pub fn compile<'t>(&self, outputs: impl IntoIterator<Item = Var<'t, T>>) -> Result<Program<T>> {
        let outputs: Vec<Var<'t, T>> = outputs.into_iter().collect();
        let Some(first) = outputs.first() else {
            let reason = "there are no outputs to compile".to_owned();
            return Err(Error::Setting { setting: "outputs", reason });
        };
        let mut program = first.tape().compile(outputs)?;
        program.copy_parameters_from(self.program())?;
        program.expectation(true);
        Ok(program)
    }

    /// Gives a network the parameters that the trainer has now.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`](crate::Error::UnknownParameter) or
    /// [`Error::Shape`](crate::Error::Shape) if it is another network than was trained. It then
    /// keeps all of its parameters.
    pub fn give(&self, network: &mut Mlp<T>) -> Result<()> {
        for followed in &self.run.step.followed {
            network.check_parameter(&followed.name, followed.shape)?;
        }
        for followed in &self.run.step.followed {
            network.set_parameter(&followed.name, self.value(followed.parameter)?)?;
        }
        Ok(())
    }
}
