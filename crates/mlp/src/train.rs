//! Training.

use std::ops::ControlFlow;

use tape::{EntryId, Matrix, Options, Program, Tape, Threads, Var};

use crate::closed_form::check_shape;
use crate::optimizer::check_held;
use crate::shuffle::with_room;
use crate::{
    EarlyStopping, Error, History, Losses, Mlp, Optimizer, OptimizerState, ParameterKind, Purpose, Random,
    Result, Scalar, Verdict, check_finite,
};

/// How a network is trained: by which rule, for how many epochs, on which batches, and when to
/// stop.
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
pub struct Training<T: Scalar> {
    optimizer: Optimizer,
    epochs: usize,
    batch: Option<usize>,
    seed: u64,
    validation: Option<(Matrix<T>, Matrix<T>)>,
    stopping: Option<EarlyStopping>,
    threads: usize,
}

/// What a callback is told after every epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Its number, from 0.
    pub number: usize,
    /// How many there are at most.
    pub of: usize,
    /// Its losses.
    pub losses: Losses,
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

    /// The validation part: J on it is computed after every epoch.
    pub fn validation(mut self, x: Matrix<T>, y: Matrix<T>) -> Self {
        self.validation = Some((x, y));
        self
    }

    /// Stops when the deciding loss, that of the validation part if there is one, improves no more,
    /// and gives the network the parameters of its best epoch, [`History::best`]: those that its
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
}

/// # Training
impl<T: Scalar> Training<T> {
    /// Trains the network on the examples (X, Y).
    ///
    /// The training loss of an epoch is the mean of J over its batches, each before its step; L2's
    /// term is not in it. The same network, data and settings give the same bits.
    ///
    /// All data are looked at before the first step. An error leaves the network as it was, but for
    /// [`Error::Diverged`]: it then has the last parameters that were finite numbers with a finite
    /// J, or, with early stopping, those of the best epoch before.
    ///
    /// # Errors
    /// [`Error::Shape`] if X or Y does not fit; [`Error::NonFinite`] or
    /// [`Error::NonFiniteParameter`] if X, Y or the network holds NaN or ±∞; the errors of
    /// [`Mlp::record`] for labels, with their place in Y; [`Error::Hyperparameter`] if type T
    /// cannot hold one of them; [`Error::Tape`] if there are no examples, or an activation has no
    /// derivative; [`Error::Memory`]; [`Error::Diverged`] if J or a parameter is no longer a finite
    /// number. What the validation part is at fault for is an [`Error::Validation`] of these.
    #[track_caller]
    pub fn fit(&self, network: &mut Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<History> {
        T::training_fit(self, network, x, y)
    }

    #[track_caller]
    pub(crate) fn fit_here(&self, network: &mut Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<History> {
        let (mut run, threads) = Run::new(self, network, (x, y))?;
        // All on one of the threads: the others help with every step, and none is handed over.
        let trained = threads.install(|| -> Result<()> {
            while run.epoch()?.is_some() {}
            Ok(())
        });
        threads.install(|| run.end(network, trained))
    }

    /// Like [`fit`](Training::fit), and calls `after_epoch` after every epoch, on the caller's
    /// thread; `ControlFlow::Break` ends the training there.
    ///
    /// # Errors
    /// As [`fit`](Training::fit).
    #[track_caller]
    pub fn fit_with(
        &self,
        network: &mut Mlp<T>,
        x: &Matrix<T>,
        y: &Matrix<T>,
        mut after_epoch: impl FnMut(&Epoch) -> ControlFlow<()>,
    ) -> Result<History> {
        T::training_fit_with(self, network, x, y, &mut after_epoch)
    }

    #[track_caller]
    pub(crate) fn fit_with_here(
        &self,
        network: &mut Mlp<T>,
        x: &Matrix<T>,
        y: &Matrix<T>,
        after_epoch: &mut dyn FnMut(&Epoch) -> ControlFlow<()>,
    ) -> Result<History> {
        let (mut run, threads) = Run::new(self, network, (x, y))?;
        let trained = loop {
            match threads.install(|| run.epoch()) {
                Ok(Some(epoch)) if after_epoch(&epoch).is_continue() => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        threads.install(|| run.end(network, trained))
    }
}

impl<T: Scalar> Training<T> {
    /// Whether the settings suit type T, and the network, the examples and the validation part each
    /// other.
    fn check(&self, network: &Mlp<T>, (x, y): (&Matrix<T>, &Matrix<T>)) -> Result<()> {
        self.optimizer.check::<T>()?;
        match self.stopping.as_ref().map_or(0.0, EarlyStopping::min_delta) {
            0.0 => {}
            delta => check_held::<T>("min_delta", delta, delta)?,
        }
        check_examples(network, (x, y))?;
        if let Some((x, y)) = &self.validation {
            let examples = if x.columns() == 0 { Err(Error::NoExamples { what: "J" }) } else { Ok(()) };
            // Shapes first: no examples of the right shape are another error.
            check_examples(network, (x, y)).and(examples).map_err(of_validation)?;
        }
        for (name, value) in network.parameters() {
            if let Some(((row, column), value)) = value.iter_indexed().find(|(_, value)| !value.is_finite()) {
                let (name, value) = (name.clone(), value.to_f64());
                return Err(Error::NonFiniteParameter { name, value, row, column });
            }
        }
        Ok(())
    }
}

fn check_examples<T: Scalar>(network: &Mlp<T>, (x, y): (&Matrix<T>, &Matrix<T>)) -> Result<()> {
    network.check_x(x)?;
    check_shape("Y", y, (network.sizes()[network.layers()], x.columns()))?;
    check_finite("X", x)?;
    network.check_y(y, x.columns())
}

fn of_validation(error: Error) -> Error {
    Error::Validation(Box::new(error))
}

/// A training on its way.
struct Run<T: Scalar> {
    batches: Batches,
    step: Step<T>,
    validation: Option<Evaluation<T>>,
    stopping: Option<EarlyStopping>,
    /// Whether early stopping has said so.
    stopped: bool,
    best: Option<Best<T>>,
    checkpoint: Option<Checkpoint<T>>,
    history: History,
    epochs: usize,
}

impl<T: Scalar> Run<T> {
    /// With the threads that its steps are worth.
    #[track_caller]
    fn new(
        training: &Training<T>,
        network: &Mlp<T>,
        (x, y): (&Matrix<T>, &Matrix<T>),
    ) -> Result<(Self, Threads)> {
        training.check(network, (x, y))?;
        let tape = Tape::new();
        let recorded = network.record(&tape, x, y)?;
        let options = Options::default().threads(training.threads);
        let step = Step::new(&tape, network, &recorded, training.optimizer, options)?;
        let batches = Batches::new(x.columns(), training.batch, training.seed)?;
        let validation = match &training.validation {
            Some(part) => {
                Some(Evaluation::of_another_part(&tape, &recorded, part, options).map_err(of_validation)?)
            }
            None => None,
        };
        let best = match &training.stopping {
            None => None,
            Some(_) if validation.is_some() => Some(Best::new(Keeps::End)),
            Some(_) if batches.is_one() => Some(Best::new(Keeps::Beginning)),
            Some(_) => Some(Best::new(Keeps::Either(Box::new(Evaluation::new(&tape, &recorded, options)?)))),
        };
        let threads = Threads::new(step.program.threads(batches.largest()))?;
        let stopping = training.stopping.clone();
        let (stopped, checkpoint, history, epochs) = (false, None, History::new(), training.epochs);
        let run = Run { batches, step, validation, stopping, stopped, best, checkpoint, history, epochs };
        Ok((run, threads))
    }

    /// The next epoch, if there is one.
    fn epoch(&mut self) -> Result<Option<Epoch>> {
        let number = self.history.len();
        if self.stopped || number == self.epochs {
            return Ok(None);
        }
        if let Some(best) = &mut self.best {
            best.before_an_epoch(&self.step)?;
        }
        let training = self.step.epoch(&mut self.batches, &mut self.checkpoint, number)?;
        let validation = match &mut self.validation {
            Some(part) => Some(part.finite_j(&self.step, number).map_err(of_validation)?),
            None => None,
        };
        let losses = Losses { training, validation };
        self.history.push(losses);
        if let Some(best) = &mut self.best
            && !best.after_an_epoch(&self.step, losses.deciding())?
        {
            return Err(overflow(number, training, &self.step));
        }
        let verdict = self.stopping.as_mut().map(|stopping| stopping.observe(losses.deciding()));
        self.stopped = verdict == Some(Verdict::Stop);
        Ok(Some(Epoch { number, of: self.epochs, losses }))
    }

    /// Whether the last step, whose J nobody has looked at, was none beyond all numbers.
    ///
    /// J can be a finite number where a parameter is none: tanh ∞ is 1. And where parameters are
    /// large, J may no longer be one: it is computed once more then, and not where they have a
    /// usual size, as that would take a short training half as long again.
    fn check_the_last_step(&mut self) -> Result<()> {
        const LARGE: f64 = 1e3;
        let Some(last) = self.history.last() else { return Ok(()) };
        let epoch = self.history.len() - 1;
        if !self.step.is_finite()? {
            return Err(overflow(epoch, last.training, &self.step));
        }
        if self.step.largest()? > LARGE {
            let batch = self.batches.iter().last().unwrap_or_default();
            let j = self.step.run(batch, &self.batches)?;
            if !j.is_finite() {
                return Err(overflow(epoch, j, &self.step));
            }
        }
        Ok(())
    }

    /// Gives the network what was learned, or, of a training that diverged, what was good.
    fn end(mut self, network: &mut Mlp<T>, trained: Result<()>) -> Result<History> {
        let best = self.best.take().filter(|best| best.found);
        let ended = match best {
            None => trained.and_then(|()| self.check_the_last_step()),
            Some(_) => trained,
        };
        let good = match (&ended, best) {
            (Err(error), _) if !is_divergence(error) => None,
            (_, Some(best)) => Some(best.choose(&mut self.step)?),
            (Ok(()), None) => Some(Parameters::of(&self.step)?),
            (Err(_), None) => {
                let checkpoint = match self.checkpoint {
                    Some(checkpoint) => checkpoint,
                    None => Checkpoint::of_the_beginning(network, &self.step, &self.batches)?,
                };
                Some(checkpoint.last_good(&mut self.step)?)
            }
        };
        if let Some(good) = good {
            good.give(network);
        }
        ended.map(|()| self.history)
    }
}

/// A step made a parameter overflow.
fn overflow<T: Scalar>(epoch: usize, j: f64, step: &Step<T>) -> Error {
    Error::Diverged { epoch, j, rate: step.rate() }
}

fn is_divergence(error: &Error) -> bool {
    match error {
        Error::Diverged { .. } => true,
        Error::Validation(error) => is_divergence(error),
        _ => false,
    }
}

/// The values of all parameters, one after the other: W\[1\], b\[1\], ….
#[derive(Debug, Clone)]
struct Parameters<T>(Vec<T>);

impl<T: Scalar> Parameters<T> {
    /// Those that the training has now.
    fn of(step: &Step<T>) -> Result<Self> {
        let mut values = Parameters(Vec::new());
        values.copy(step)?;
        Ok(values)
    }

    /// Like [`of`](Self::of), in the memory that it has.
    fn copy(&mut self, step: &Step<T>) -> Result<()> {
        self.0.clear();
        for &parameter in &step.parameters {
            let values = step.program.view(parameter)?.as_slice();
            if self.0.try_reserve(values.len()).is_err() {
                let bytes = values.len() as u128 * size_of::<T>() as u128;
                return Err(Error::Memory { what: "a copy of the parameters".to_string(), bytes });
            }
            self.0.extend_from_slice(values);
        }
        Ok(())
    }

    fn is_finite(&self) -> bool {
        self.0.iter().all(|value| value.is_finite())
    }

    /// Lets the training go on from here.
    fn give_back(&self, step: &mut Step<T>) -> Result<()> {
        let mut rest = &self.0[..];
        for &parameter in &step.parameters {
            let mut values = step.program.parameter_mut(parameter)?;
            let values = values.as_mut_slice();
            let (of_it, others) = rest.split_at(values.len());
            values.copy_from_slice(of_it);
            rest = others;
        }
        Ok(())
    }

    fn give(&self, network: &mut Mlp<T>) {
        let mut rest = &self.0[..];
        for parameter in network.parameters_mut() {
            let values = parameter.as_mut_slice();
            let (of_it, others) = rest.split_at(values.len());
            values.copy_from_slice(of_it);
            rest = others;
        }
    }
}

/// Which parameters of an epoch its loss is about.
enum Keeps<T: Scalar> {
    /// The validation part is looked at after the last step.
    End,
    /// J of a full batch is taken before its step.
    Beginning,
    /// Mini-batches are looked at all along the way; J on all examples decides.
    Either(Box<Evaluation<T>>),
}

/// The parameters of the best epoch so far, for early stopping.
struct Best<T: Scalar> {
    keeps: Keeps<T>,
    found: bool,
    /// The loss of that epoch.
    lowest: f64,
    /// Those that the epoch on its way began with.
    before: Parameters<T>,
    beginning: Parameters<T>,
    end: Parameters<T>,
}

impl<T: Scalar> Best<T> {
    fn new(keeps: Keeps<T>) -> Self {
        let none = Parameters(Vec::new());
        let (before, beginning, end) = (none.clone(), none.clone(), none);
        Best { keeps, found: false, lowest: f64::INFINITY, before, beginning, end }
    }

    fn before_an_epoch(&mut self, step: &Step<T>) -> Result<()> {
        match self.keeps {
            Keeps::End => Ok(()),
            Keeps::Beginning | Keeps::Either(_) => self.before.copy(step),
        }
    }

    /// Keeps the parameters of the epoch that has just passed if it is the best so far, unless one
    /// of them is no finite number: then it says `false`.
    fn after_an_epoch(&mut self, step: &Step<T>, loss: f64) -> Result<bool> {
        if self.found && loss >= self.lowest {
            return Ok(true);
        }
        let finite = match self.keeps {
            Keeps::End => step.is_finite()?,
            Keeps::Beginning | Keeps::Either(_) => self.before.is_finite(),
        };
        if !finite {
            return Ok(false);
        }
        match self.keeps {
            Keeps::End => self.end.copy(step)?,
            Keeps::Beginning => std::mem::swap(&mut self.beginning, &mut self.before),
            Keeps::Either(_) => {
                std::mem::swap(&mut self.beginning, &mut self.before);
                self.end.copy(step)?;
            }
        }
        (self.found, self.lowest) = (true, loss);
        Ok(true)
    }

    fn choose(self, step: &mut Step<T>) -> Result<Parameters<T>> {
        let Best { keeps, beginning, end, .. } = self;
        match keeps {
            Keeps::End => Ok(end),
            Keeps::Beginning => Ok(beginning),
            Keeps::Either(_) if !end.is_finite() => Ok(beginning),
            Keeps::Either(mut all) => {
                beginning.give_back(step)?;
                let at_the_beginning = all.j(step)?;
                end.give_back(step)?;
                // False where one is NaN.
                if all.j(step)? < at_the_beginning { Ok(end) } else { Ok(beginning) }
            }
        }
    }
}

/// Where the training was some steps ago, to find the last good parameters of one that diverged by
/// taking the steps once more: they have the same bits. So nothing has to be copied before every
/// step.
struct Checkpoint<T> {
    /// How many steps were taken then.
    taken: usize,
    parameters: Parameters<T>,
    optimizer: OptimizerState<T>,
    /// The order of the epoch that begins there, if it is already shuffled.
    batches: Batches,
    is_shuffled: bool,
}

impl<T: Scalar> Checkpoint<T> {
    /// So many steps are worth a copy, of a few times the parameters' size: it takes about a
    /// thousandth of their time. A training of fewer steps is taken once more from its beginning.
    const APART: usize = 256;

    /// To be made where J is known to be a finite number, at the first step of an epoch.
    fn new(step: &Step<T>, batches: &Batches) -> Result<Self> {
        let mut optimizer = step.optimizer.try_anew()?;
        optimizer.copy_from(&step.optimizer);
        let (taken, parameters, batches) = (step.taken, Parameters::of(step)?, batches.try_clone()?);
        Ok(Checkpoint { taken, parameters, optimizer, batches, is_shuffled: true })
    }

    /// Before the first step.
    fn of_the_beginning(network: &Mlp<T>, step: &Step<T>, batches: &Batches) -> Result<Self> {
        let mut parameters = Parameters(with_room("a copy of the parameters", network.parameter_count())?);
        network.parameters().values().for_each(|p| parameters.0.extend_from_slice(p.as_slice()));
        let (optimizer, batches) = (step.optimizer.try_anew()?, batches.try_anew()?);
        Ok(Checkpoint { taken: 0, parameters, optimizer, batches, is_shuffled: false })
    }

    /// The same, in the memory that it has.
    fn save(&mut self, step: &Step<T>, batches: &Batches) -> Result<()> {
        self.taken = step.taken;
        self.parameters.copy(step)?;
        self.optimizer.copy_from(&step.optimizer);
        self.batches.copy_from(batches);
        self.is_shuffled = true;
        Ok(())
    }

    /// The last parameters before those that the training has now that are finite numbers and have
    /// a finite J.
    fn last_good(self, step: &mut Step<T>) -> Result<Parameters<T>> {
        let Checkpoint { taken, mut parameters, optimizer, mut batches, mut is_shuffled } = self;
        let until = step.taken;
        parameters.give_back(step)?;
        (step.taken, step.optimizer) = (taken, optimizer);
        loop {
            if !is_shuffled {
                batches.shuffle();
            }
            is_shuffled = false;
            for batch in batches.iter() {
                if step.taken == until || !step.is_finite()? || !step.run(batch, &batches)?.is_finite() {
                    return Ok(parameters);
                }
                parameters.copy(step)?;
                step.descend()?;
            }
        }
    }
}

/// The program of a gradient step, and what the optimizer remembers.
struct Step<T: Scalar> {
    program: Program<T>,
    x: EntryId,
    y: EntryId,
    j: EntryId,
    parameters: Vec<EntryId>,
    gradients: Vec<EntryId>,
    optimizer: OptimizerState<T>,
    /// How many steps were taken.
    taken: usize,
}

impl<T: Scalar> Step<T> {
    #[track_caller]
    fn new(
        tape: &Tape<T>,
        network: &Mlp<T>,
        recorded: &crate::RecordedMlp<'_, T>,
        optimizer: Optimizer,
        options: Options,
    ) -> Result<Self> {
        let (parameters, gradients) = (recorded.parameters(), recorded.gradients());
        let outputs = gradients.iter().copied().chain([recorded.j]);
        let program = tape.compile_with(outputs, options)?;
        let kinds = [ParameterKind::Weight, ParameterKind::Bias].into_iter().cycle();
        let sizes: Vec<(usize, ParameterKind)> =
            network.parameters().values().map(|p| p.as_slice().len()).zip(kinds).collect();
        let (x, y, j) = (recorded.x().id()?, recorded.y.id()?, recorded.j.id()?);
        let entries = |list: Vec<Var<'_, T>>| list.into_iter().map(Var::id).collect::<tape::Result<_>>();
        let (parameters, gradients) = (entries(parameters)?, entries(gradients)?);
        let optimizer = optimizer.try_state(&sizes)?;
        Ok(Step { program, x, y, j, parameters, gradients, optimizer, taken: 0 })
    }

    /// One pass over the examples; the mean of J over them.
    fn epoch(
        &mut self,
        batches: &mut Batches,
        checkpoint: &mut Option<Checkpoint<T>>,
        number: usize,
    ) -> Result<f64> {
        batches.shuffle();
        let m = batches.order.len() as f64;
        let mut mean = 0.0;
        for (at, batch) in batches.iter().enumerate() {
            let j = self.run(batch, batches)?;
            if !j.is_finite() {
                return Err(Error::Diverged { epoch: number, j, rate: self.rate() });
            }
            let last = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.taken);
            if at == 0 && self.taken - last >= Checkpoint::<T>::APART {
                if !self.is_finite()? {
                    return Err(overflow(number.saturating_sub(1), j, self));
                }
                match checkpoint {
                    Some(checkpoint) => checkpoint.save(self, batches)?,
                    None => *checkpoint = Some(Checkpoint::new(self, batches)?),
                }
            }
            // The weights add up to 1, and so the mean is no larger than the largest J. Of one
            // batch it is J itself.
            mean += j * (batch.len() as f64 / m);
            self.descend()?;
        }
        Ok(mean)
    }

    /// J of a batch, and its gradients in the program.
    fn run(&mut self, batch: &[usize], batches: &Batches) -> Result<f64> {
        // Full batches are bound already: the program was made with X and Y.
        let selected = batch.len() < batches.order.len();
        if selected {
            self.program.select_columns(self.x, batch)?;
            self.program.select_columns(self.y, batch)?;
        }
        if let Err(error) = self.program.run() {
            return Err(if selected { in_the_users_columns(error, batch) } else { error.into() });
        }
        Ok(self.program.scalar(self.j)?.to_f64())
    }

    fn descend(&mut self) -> Result<()> {
        for (k, (&parameter, &gradient)) in self.parameters.iter().zip(&self.gradients).enumerate() {
            let optimizer = &mut self.optimizer;
            let mut stepped = Ok(());
            self.program.update(parameter, gradient, |values, gradient| {
                stepped = optimizer.step(k, values, gradient);
            })?;
            stepped?;
        }
        self.taken += 1;
        Ok(())
    }

    fn rate(&self) -> f64 {
        self.optimizer.optimizer().rate()
    }

    /// The greatest of all |W| and |b|.
    fn largest(&self) -> Result<f64> {
        let mut largest = 0.0_f64;
        for &parameter in &self.parameters {
            let values = self.program.view(parameter)?.as_slice();
            largest = values.iter().fold(largest, |largest, value| largest.max(value.to_f64().abs()));
        }
        Ok(largest)
    }

    /// Whether every parameter is a finite number.
    fn is_finite(&self) -> Result<bool> {
        for &parameter in &self.parameters {
            if !self.program.view(parameter)?.as_slice().iter().all(|value| value.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What is wrong in a column of a batch is wrong in a column of the user's data.
fn in_the_users_columns(mut error: tape::Error, batch: &[usize]) -> Error {
    if let tape::Error::Label { column, .. } = &mut error
        && let Some(&of_the_user) = batch.get(*column)
    {
        *column = of_the_user;
    }
    error.into()
}

/// The program of J, without gradients.
struct Evaluation<T: Scalar> {
    program: Program<T>,
    j: EntryId,
}

impl<T: Scalar> Evaluation<T> {
    /// On the examples of the training.
    fn new(tape: &Tape<T>, recorded: &crate::RecordedMlp<'_, T>, options: Options) -> Result<Self> {
        Ok(Evaluation { program: tape.compile_with([recorded.j], options)?, j: recorded.j.id()? })
    }

    fn of_another_part(
        tape: &Tape<T>,
        recorded: &crate::RecordedMlp<'_, T>,
        (x, y): &(Matrix<T>, Matrix<T>),
        options: Options,
    ) -> Result<Self> {
        let mut part = Self::new(tape, recorded, options)?;
        part.program.bind(recorded.x(), x)?;
        part.program.bind(recorded.y, y)?;
        Ok(part)
    }

    /// J with the parameters that the training has now.
    fn j(&mut self, step: &Step<T>) -> Result<f64> {
        for &parameter in &step.parameters {
            let mut values = self.program.parameter_mut(parameter)?;
            values.as_mut_slice().copy_from_slice(step.program.view(parameter)?.as_slice());
        }
        self.program.run()?;
        Ok(self.program.scalar(self.j)?.to_f64())
    }

    /// J, if it is a finite number.
    fn finite_j(&mut self, step: &Step<T>, epoch: usize) -> Result<f64> {
        let j = self.j(step)?;
        if j.is_finite() { Ok(j) } else { Err(Error::Diverged { epoch, j, rate: step.rate() }) }
    }
}

/// The order of the examples, cut into batches.
#[derive(Debug)]
struct Batches {
    order: Vec<usize>,
    /// `None` for one batch of all, in the order of the data.
    size: Option<usize>,
    seed: u64,
    random: Random,
}

impl Batches {
    fn new(m: usize, size: Option<usize>, seed: u64) -> Result<Self> {
        let mut order = with_room("an order of the examples", m)?;
        order.extend(0..m);
        Ok(Batches { order, size, seed, random: Random::new(seed, Purpose::Shuffle) })
    }

    /// As they were before the first epoch.
    fn try_anew(&self) -> Result<Self> {
        Batches::new(self.order.len(), self.size, self.seed)
    }

    fn try_clone(&self) -> Result<Self> {
        let mut copy = self.try_anew()?;
        copy.copy_from(self);
        Ok(copy)
    }

    /// Becomes the other, in the memory that it has.
    fn copy_from(&mut self, other: &Batches) {
        self.order.copy_from_slice(&other.order);
        self.random.clone_from(&other.random);
    }

    fn shuffle(&mut self) {
        if self.size.is_some() {
            self.random.shuffle(&mut self.order);
        }
    }

    /// The number of examples of all batches but the last.
    fn largest(&self) -> usize {
        self.size.unwrap_or(self.order.len()).min(self.order.len())
    }

    /// Whether an epoch has a single step.
    fn is_one(&self) -> bool {
        self.largest() == self.order.len()
    }

    fn iter(&self) -> impl Iterator<Item = &[usize]> {
        // Of no examples, the one empty batch lets the program say what is wrong.
        let size = self.size.unwrap_or(self.order.len()).max(1);
        let empty = self.order.is_empty().then_some(&self.order[..]);
        self.order.chunks(size).chain(empty)
    }
}
