//! One network: made, compared with the equations, trained, compared again, tested.

use std::path::Path;
use std::time::{Duration, Instant};

use mlp::files::Archive;
use mlp::{Activation, History, Loss, Mlp, MlpBuilder, Progress, Scalar, Training};
use tape::Tape;

use super::args::Args;
use super::data::{Data, Task};
use super::proof::Proof;
use super::score::Score;
use super::text::short;

/// ‖∂J/∂W[l]‖ and ‖∂J/∂b[l]‖ of every epoch's last batch, by name; none if there is no report.
pub(crate) type Norms = Vec<(String, Vec<f64>)>;

/// What came out.
#[derive(Debug)]
pub(crate) struct Outcome<'t, T: Scalar> {
    pub(crate) network: Mlp<T>,
    pub(crate) history: History,
    pub(crate) norms: Norms,
    pub(crate) time: Duration,
    pub(crate) score: Score,
    pub(crate) proof: Proof<'t, T>,
}

/// After so many epochs each, the training is written down.
const EPOCHS_OF_A_CHECKPOINT: usize = 10;

/// The most parameters, and values of the neurons for all examples, that a network may have here: the proof holds about a dozen
/// matrices of each size, which are then 2 GB.
const MOST_VALUES: usize = 20_000_000;

/// Says how large a network would be that is too large for this example.
fn check_size(sizes: &[usize], m: usize) -> Result<(), String> {
    let layers = sizes.windows(2).map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]));
    let parameters = layers.fold(0, usize::saturating_add);
    let neurons = sizes[1..].iter().copied().fold(0, usize::saturating_add);
    for (count, what) in
        [(parameters, "parameters"), (neurons.saturating_mul(m), "values of neurons, for all examples")]
    {
        if count > MOST_VALUES {
            let count = if count == usize::MAX { "too many".to_string() } else { count.to_string() };
            return Err(format!(
                "--hidden: the network would have {count} {what}; this example trains networks with at most {MOST_VALUES}"
            ));
        }
    }
    Ok(())
}

/// The network of a file, if it fits the data.
pub(crate) fn loaded<T: Scalar>(archive: &Archive, data: &Data<T>) -> Result<Mlp<T>, String> {
    let network = Mlp::from_archive(archive).map_err(|error| format!("--load: {error}"))?;
    let (found, expected) = (network.sizes(), [data.features(), data.train.y.rows()]);
    if [found[0], found[found.len() - 1]] != expected {
        let [features, outputs] = expected;
        return Err(format!(
            "--load: the network has {} features and {} outputs, the data have {features} and {outputs}",
            found[0],
            found[found.len() - 1]
        ));
    }
    if network.loss_function() != loss_of(data) {
        return Err(format!(
            "--load: the network's loss is {}, the data need {}",
            network.loss_function(),
            loss_of(data)
        ));
    }
    Ok(network)
}

/// Writes the network with what its features are standardised by.
pub(crate) fn save<T: Scalar>(network: &Mlp<T>, data: &Data<T>, path: &Path) -> Result<(), String> {
    let mut archive = network.to_archive().map_err(|error| format!("--save: {error}"))?;
    archive.insert_standardizer(&data.standardizer);
    archive.write(path).map_err(|error| format!("--save: {error}"))
}

fn loss_of<T: Scalar>(data: &Data<T>) -> Loss {
    match data.task {
        Task::TwoClasses => Loss::LogLoss,
        Task::Classes => Loss::SoftmaxCrossEntropy,
        Task::Quantity => Loss::SquaredError,
    }
}

/// The network that was asked for, with its first weights.
pub(crate) fn network<T: Scalar>(args: &Args, data: &Data<T>, seed: u64) -> Result<Mlp<T>, String> {
    let outputs = data.train.y.rows();
    let sizes: Vec<usize> =
        [data.features()].into_iter().chain(args.hidden.iter().copied()).chain([outputs]).collect();
    check_size(&sizes, data.train.x.columns())?;
    let network = builder(args, data, &args.hidden).and_then(|builder| builder.seed(seed).build());
    network.map_err(|error| error.to_string())
}

/// A network for the data with these hidden layers.
pub(crate) fn builder<T: Scalar>(
    args: &Args,
    data: &Data<T>,
    hidden: &[usize],
) -> mlp::Result<MlpBuilder<T>> {
    let g: Activation<T> = args.activation.parse()?;
    let loss = loss_of(data);
    let network = hidden.iter().fold(Mlp::new(data.features()), |network, &n| network.layer(n, g.clone()));
    Ok(network.layer(data.train.y.rows(), loss.output_activation()).loss(loss))
}

/// Runs it all, on a tape for the proof.
pub(crate) fn run<'t, T: Scalar>(
    tape: &'t Tape<T>,
    mut network: Mlp<T>,
    args: &Args,
    data: &Data<T>,
    seed: u64,
    progress: &Progress,
) -> Result<Outcome<'t, T>, String> {
    let told = |error: mlp::Error| error.to_string();
    let mut proof = Proof::new(tape, &network, &data.train).map_err(told)?;
    proof.compare(&network, &data.train).map_err(told)?;
    let began = Instant::now();
    let (history, norms) = match args.load {
        Some(_) => (History::new(), Vec::new()),
        None => train(&mut network, args, data, seed, progress).map_err(|error| untrained(&error, args))?,
    };
    let time = began.elapsed();
    proof.compare(&network, &data.train).map_err(told)?;
    let score = Score::new(&network, data).map_err(told)?;
    Ok(Outcome { network, history, norms, time, score, proof })
}

/// Why a training ended, with the options that may help.
fn untrained(error: &mlp::Error, args: &Args) -> String {
    let mlp::Error::Diverged { epoch, j, .. } = error else { return error.to_string() };
    let (rate, l2) = (args.optimizer.rate(), args.optimizer.l2());
    // Beyond that, the regularisation's own step throws the weights to and fro.
    let or =
        if rate * l2 > 1.0 { format!(", or a smaller λ than {} (--l2)", short(l2)) } else { String::new() };
    let what = if j.is_finite() { "a parameter is no number after".into() } else { format!("J is {j} in") };
    format!("{what} epoch {}: a smaller rate than {} may help (--rate){or}", epoch + 1, short(rate))
}

fn train<T: Scalar>(
    network: &mut Mlp<T>,
    args: &Args,
    data: &Data<T>,
    seed: u64,
    progress: &Progress,
) -> mlp::Result<(History, Norms)> {
    let mut training = Training::new(args.optimizer).epochs(args.epochs);
    if let Some(size) = args.batch {
        training = training.batches(size, seed)?;
    }
    if let Some(path) = &args.checkpoint {
        training = training.checkpoints(path, EPOCHS_OF_A_CHECKPOINT)?;
    }
    if let Some(path) = &args.resume {
        training = training.resuming(path);
    }
    let mut trainer = training.begin(network, &data.train.x, &data.train.y)?;
    let mut norms = Norms::new();
    trainer.run_with(|epoch, trainer| {
        if args.report.is_some() {
            add(&mut norms, trainer.gradient_norms().unwrap_or_default()); // of the batch that is just behind
        }
        progress.epoch(epoch)
    })?;
    trainer.give(network)?;
    Ok((trainer.history().clone(), norms))
}

fn add(norms: &mut Norms, of_epoch: Vec<(String, f64)>) {
    if norms.is_empty() {
        *norms = of_epoch.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
    }
    norms.iter_mut().zip(of_epoch).for_each(|((_, norms), (_, norm))| norms.push(norm));
}
