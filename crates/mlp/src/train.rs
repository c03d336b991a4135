//! Training.

use std::ops::ControlFlow;

use tape::{EntryId, Matrix, Options, Program, Scalar, Tape, Threads, Var};

use crate::{
    EarlyStopping, Error, History, Kind, Losses, Mlp, Optimizer, OptimizerState, Purpose, Random, Result,
    Verdict,
};

/// How a network is trained: by which rule, for how many epochs, on which batches, and when to stop.
///
/// ```
/// use mlp::{Activation, Mlp, Optimizer, Training};
/// use tape::matrix;
/// let mut xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
/// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
/// let y = matrix![[0.0, 1.0, 1.0, 0.0]];
/// let history = Training::new(Optimizer::adam(0.05)?).epochs(300).fit(&mut xor, &x, &y)?;
/// assert!(history.last().unwrap().training < 0.05);
/// # Ok::<(), mlp::Error>(())
/// ```
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
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Mini-batches of `size` examples, the last one of an epoch of what is left, in an order that `seed` shuffles anew for
    /// every epoch.
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

    /// How many threads a step may use, 0 for as many as the processor runs at a time. The results have the same bits
    /// whatever their number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The validation part: J on it is computed after every epoch.
    #[must_use]
    pub fn validation(mut self, x: Matrix<T>, y: Matrix<T>) -> Self {
        self.validation = Some((x, y));
        self
    }

    /// Stops when the deciding loss, that of the validation part if there is one, improves no more, and gives the network the
    /// parameters of its best epoch.
    #[must_use]
    pub fn early_stopping(mut self, stopping: EarlyStopping) -> Self {
        self.stopping = Some(stopping);
        self
    }

    /// Trains the network on the examples (X, Y).
    ///
    /// The training loss of an epoch is the mean of J over its batches, each before its step; L2's term is not in it. The same
    /// network, data and settings give the same bits.
    ///
    /// # Errors
    /// [`Error::Shape`] if X, Y or the validation part does not fit; [`Error::Tape`] if there are no examples, or a label is
    /// outside [0, 1]. The network then is as it was.
    #[track_caller]
    pub fn fit(&self, network: &mut Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<History> {
        let (mut run, threads) = Run::new(self, network, (x, y))?;
        // All on one of the threads: the others help with every step, and none is handed over.
        threads.install(|| -> Result<()> {
            while run.epoch()?.is_some() {}
            Ok(())
        })?;
        run.end(network)
    }

    /// Like [`fit`](Training::fit), and calls `after_epoch` after every epoch, on the caller's thread; `ControlFlow::Break` ends
    /// the training there.
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
        let (mut run, threads) = Run::new(self, network, (x, y))?;
        while let Some(epoch) = threads.install(|| run.epoch())? {
            if after_epoch(&epoch).is_break() {
                break;
            }
        }
        run.end(network)
    }
}

/// A training on its way.
struct Run<T: Scalar> {
    batches: Batches,
    step: Step<T>,
    validation: Option<Validation<T>>,
    stopping: Option<EarlyStopping>,
    /// Whether early stopping has said so.
    stopped: bool,
    best: Option<Vec<Matrix<T>>>,
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
        let tape = Tape::new();
        let recorded = network.record(&tape, x, y)?;
        let options = Options::default().threads(training.threads);
        let step = Step::new(&tape, network, &recorded, training.optimizer, options)?;
        let validation = match &training.validation {
            Some((x, y)) => Some(Validation::new(&tape, network, &recorded, (x, y), options)?),
            None => None,
        };
        let batches = Batches::new(x.columns(), training.batch, training.seed);
        let threads = Threads::new(step.program.threads(batches.largest()))?;
        let stopping = training.stopping.clone();
        let (stopped, best, history, epochs) = (false, None, History::new(), training.epochs);
        let run = Run { batches, step, validation, stopping, stopped, best, history, epochs };
        Ok((run, threads))
    }

    /// The next epoch, if there is one.
    fn epoch(&mut self) -> Result<Option<Epoch>> {
        let number = self.history.len();
        if self.stopped || number == self.epochs {
            return Ok(None);
        }
        let training = self.step.epoch(&mut self.batches)?;
        let validation = match &mut self.validation {
            Some(validation) => Some(validation.loss(&self.step)?),
            None => None,
        };
        let losses = Losses { training, validation };
        self.history.push(losses);
        match self.stopping.as_mut().map(|stopping| stopping.observe(losses.deciding())) {
            Some(Verdict::Improved) => self.best = Some(self.step.parameters()?),
            Some(Verdict::Stop) => self.stopped = true,
            Some(Verdict::Waiting) | None => {}
        }
        Ok(Some(Epoch { number, of: self.epochs, losses }))
    }

    /// Gives the network what was learned.
    fn end(self, network: &mut Mlp<T>) -> Result<History> {
        let trained = match self.best {
            Some(best) => best,
            None => self.step.parameters()?,
        };
        for (parameter, value) in network.parameters_mut().zip(trained) {
            *parameter = value;
        }
        Ok(self.history)
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
}

impl<T: Scalar> Step<T> {
    fn new(
        tape: &Tape<T>,
        network: &Mlp<T>,
        recorded: &crate::Recorded<'_, T>,
        optimizer: Optimizer,
        options: Options,
    ) -> Result<Self> {
        let (parameters, gradients) = (recorded.parameters(), recorded.gradients());
        let outputs = gradients.iter().copied().chain([recorded.j]);
        let program = tape.compile_with(outputs, options)?;
        let kinds = [Kind::Weight, Kind::Bias].into_iter().cycle();
        let sizes: Vec<(usize, Kind)> =
            network.parameters().values().map(|p| p.as_slice().len()).zip(kinds).collect();
        let (x, y, j) = (recorded.x().entry()?, recorded.y.entry()?, recorded.j.entry()?);
        let entries = |list: Vec<Var<'_, T>>| list.into_iter().map(Var::entry).collect::<tape::Result<_>>();
        let (parameters, gradients) = (entries(parameters)?, entries(gradients)?);
        Ok(Step { program, x, y, j, parameters, gradients, optimizer: optimizer.state(&sizes) })
    }

    /// One pass over the examples; the mean of J over them.
    fn epoch(&mut self, batches: &mut Batches) -> Result<f64> {
        batches.shuffle();
        let mut sum = 0.0;
        for batch in batches.iter() {
            // Full batches are bound already: the program was made with X and Y.
            if batch.len() < batches.order.len() {
                self.program.select_columns(self.x, batch)?;
                self.program.select_columns(self.y, batch)?;
            }
            self.program.run()?;
            sum += self.program.scalar(self.j)?.to_f64() * batch.len() as f64;
            self.descend()?;
        }
        Ok(sum / batches.order.len() as f64)
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
        Ok(())
    }

    fn parameters(&self) -> Result<Vec<Matrix<T>>> {
        self.parameters.iter().map(|&parameter| Ok(self.program.view(parameter)?.to_matrix())).collect()
    }
}

/// The program of J on the validation part.
struct Validation<T: Scalar> {
    program: Program<T>,
    j: EntryId,
}

impl<T: Scalar> Validation<T> {
    fn new(
        tape: &Tape<T>,
        network: &Mlp<T>,
        recorded: &crate::Recorded<'_, T>,
        (x, y): (&Matrix<T>, &Matrix<T>),
        options: Options,
    ) -> Result<Self> {
        network.check_x(x)?;
        network.check_y(y, x.columns())?;
        let mut program = tape.compile_with([recorded.j], options)?;
        program.bind(recorded.x(), x)?;
        program.bind(recorded.y, y)?;
        Ok(Validation { program, j: recorded.j.entry()? })
    }

    /// J with the parameters that the training has now.
    fn loss(&mut self, step: &Step<T>) -> Result<f64> {
        for &parameter in &step.parameters {
            let mut values = self.program.parameter_mut(parameter)?;
            values.as_mut_slice().copy_from_slice(step.program.view(parameter)?.as_slice());
        }
        self.program.run()?;
        Ok(self.program.scalar(self.j)?.to_f64())
    }
}

/// The order of the examples, cut into batches.
struct Batches {
    order: Vec<usize>,
    /// `None` for one batch of all, in the order of the data.
    size: Option<usize>,
    random: Random,
}

impl Batches {
    fn new(m: usize, size: Option<usize>, seed: u64) -> Self {
        Batches { order: (0..m).collect(), size, random: Random::new(seed, Purpose::Shuffle) }
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

    fn iter(&self) -> impl Iterator<Item = &[usize]> {
        // Of no examples, the one empty batch lets the program say what is wrong.
        let size = self.size.unwrap_or(self.order.len()).max(1);
        let empty = self.order.is_empty().then_some(&self.order[..]);
        self.order.chunks(size).chain(empty)
    }
}
