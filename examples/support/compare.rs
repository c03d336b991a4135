//! An honest comparison: settings chosen inside the training rows, ten seeds, and the linear model beside it.

use std::fmt::Write;

use mlp::metrics::{Bootstrap, Interval};
use mlp::search::{Candidate, Goal, GridSearch, SearchTable, validate};
use mlp::{Folds, Mlp, Preparation, Progress, Scalar, Training, classes};

use super::args::Args;
use super::checks::Checks;
use super::data::{Data, Task};
use super::experiment;
use super::report::heading;
use super::run::say;
use super::score::{Score, check_bars};

/// Widths of the hidden layer; without one, the model is linear.
const NEURONS: [usize; 4] = [0, 4, 16, 32];
/// λ of L2.
const LAMBDAS: [f64; 3] = [0.001, 0.01, 0.1];
const FOLDS: usize = 5;
const SEEDS: usize = 10;
/// Of Student's distribution with nine degrees of freedom, what 2.5 % are above.
const T_9: f64 = 2.262;

/// Chooses by cross-validation, trains with ten seeds, and looks at the test rows once.
pub(crate) fn run<T: Scalar>(args: &Args) -> Result<Checks, String> {
    let told = |error: mlp::Error| error.to_string();
    let data = Data::<T>::load(args, args.seed, None)?;
    say(&super::report::data(&data))?;
    let found = chosen(args, &data)?;
    let m = data.train.x.columns();
    say(&heading(&format!(
        "Settings: J on {FOLDS} folds of the {m} training rows; 0 neurons are a linear model"
    )))?;
    say(&found.to_string())?;
    let best = |is_linear: bool| {
        let mut rows = found.rows().iter().filter(|row| row.scores.is_ok()).map(|row| &row.candidate);
        let found = rows.find(|row| (row.count("neurons") == Ok(0)) == is_linear);
        found.ok_or_else(|| "no candidate could be trained".to_string())
    };
    let (with_neurons, linear) = (best(false)?, best(true)?);
    let progress = Progress::of("seeds", 2 * SEEDS);
    let both = [of_seeds(with_neurons, args, &data, &progress)?, of_seeds(linear, args, &data, &progress)?];
    drop(progress);
    let difference = difference(&both).map_err(told)?;
    say(&printed(&data, [with_neurons, linear], &both, &difference))?;
    let mut checks = Checks::default();
    if data.is_reference {
        let means = both[0].means().into_iter().map(|(mean, _)| mean);
        check_bars(&mut checks, "the mean ", means);
    }
    Ok(checks)
}

/// All candidates, by J on the folds. Features are standardised anew in every fold.
fn chosen<T: Scalar>(args: &Args, data: &Data<T>) -> Result<SearchTable, String> {
    let told = |error: mlp::Error| error.to_string();
    let (x, y) = (&data.train.x, &data.train.y);
    let folds = Folds::new(FOLDS, args.seed).map_err(told)?;
    let folds = match data.task {
        Task::Quantity => folds.of(x.columns()),
        Task::TwoClasses | Task::Classes => classes(y).and_then(|classes| folds.stratified(&classes)),
    };
    let folds = folds.map_err(told)?;
    let search = GridSearch::new().over("neurons", NEURONS).over("λ", LAMBDAS);
    let progress = Progress::of("folds", NEURONS.len() * LAMBDAS.len() * FOLDS);
    let found = search.run(Goal::Smallest, FOLDS, |candidate, fold| {
        let training = training(candidate, args, args.seed)?.threads(1);
        let network = experiment::builder(args, data, &hidden(candidate)?)?.seed(args.seed);
        let loss = |network: &Mlp<T>, x: &_, y: &_| Ok(network.loss(x, y)?.to_f64());
        let found = validate(&training, &network, &[Preparation::Standardize], x, y, &folds[fold], loss);
        progress.piece();
        found
    });
    drop(progress);
    found.map_err(told)
}

fn hidden(candidate: &Candidate) -> mlp::Result<Vec<usize>> {
    Ok(Some(candidate.count("neurons")?).into_iter().filter(|&neurons| neurons > 0).collect())
}

fn training<T: Scalar>(candidate: &Candidate, args: &Args, seed: u64) -> mlp::Result<Training<T>> {
    let training = Training::new(args.optimizer.with_l2(candidate.number("λ")?)?).epochs(args.epochs);
    args.batch.map_or(Ok(training.clone()), |size| training.batches(size, seed))
}

/// The results of all seeds on the test rows.
struct OfSeeds {
    /// The figures of each seed.
    figures: Vec<Vec<f64>>,
    /// ℒ of each test row, the mean over the seeds.
    losses: Vec<f64>,
}

fn of_seeds<T: Scalar>(
    candidate: &Candidate,
    args: &Args,
    data: &Data<T>,
    progress: &Progress,
) -> Result<OfSeeds, String> {
    let told = |error: mlp::Error| error.to_string();
    let (x, y) = (&data.test.x, &data.test.y);
    let mut all = OfSeeds { figures: Vec::new(), losses: vec![0.0; y.columns()] };
    for seed in 0..SEEDS as u64 {
        let hidden = hidden(candidate).map_err(told)?;
        let network = experiment::builder(args, data, &hidden).and_then(|builder| builder.seed(seed).build());
        let mut network = network.map_err(told)?;
        let training = training(candidate, args, seed).map_err(told)?;
        training.fit(&mut network, &data.train.x, &data.train.y).map_err(told)?;
        all.figures.push(Score::new(&network, data).map_err(told)?.values());
        for (i, sum) in all.losses.iter_mut().enumerate() {
            let loss = network.loss(&x.select_columns(&[i]), &y.select_columns(&[i])).map_err(told)?;
            *sum += loss.to_f64() / SEEDS as f64;
        }
        progress.piece();
    }
    Ok(all)
}

/// J with neurons less that of the linear model, if other test rows had been drawn.
fn difference([with_neurons, linear]: &[OfSeeds; 2]) -> mlp::Result<Interval> {
    let mean =
        |losses: &[f64], rows: &[usize]| Ok(rows.iter().map(|&i| losses[i]).sum::<f64>() / rows.len() as f64);
    let (one, other) = (&with_neurons.losses, &linear.losses);
    Bootstrap::new(0).difference(one.len(), |rows| mean(one, rows), |rows| mean(other, rows))
}

impl OfSeeds {
    /// The mean of each figure over the seeds, with the half of its interval at 95 %: what other seeds would change.
    fn means(&self) -> Vec<(f64, f64)> {
        let n = self.figures.len() as f64;
        let of = |k: usize| self.figures.iter().map(move |figures| figures[k]);
        let figures = 0..self.figures.first().map_or(0, Vec::len);
        let moments = figures.map(|k| {
            let mean = of(k).sum::<f64>() / n;
            let variance = of(k).map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
            (mean, T_9 * (variance / n).sqrt())
        });
        moments.collect()
    }
}

fn printed<T: Scalar>(
    data: &Data<T>,
    candidates: [&Candidate; 2],
    both: &[OfSeeds; 2],
    difference: &Interval,
) -> String {
    let m = data.test.y.columns();
    let mut text =
        heading(&format!("Test: {m} rows that nothing was chosen by; mean of {SEEDS} seeds, ± 95 %"));
    let headings: String = Score::names(data.task).map(|name| format!("{name:>24}")).collect();
    let _ = writeln!(text, "  {:<28}{headings}", "");
    for (candidate, of) in candidates.into_iter().zip(both) {
        let figures = of.means().into_iter().map(|(mean, half)| {
            if mean.is_nan() {
                format!("{:>24}", "undefined")
            } else {
                format!("{:>24}", format!("{mean:.4} ± {half:.4}"))
            }
        });
        let _ = writeln!(text, "  {:<28}{}", candidate.to_string(), figures.collect::<String>());
    }
    let _ = writeln!(
        text,
        "\nJ with neurons less J of the linear model: {difference}, by the bootstrap over the test rows:"
    );
    let verdict = match (difference.contains(0.0), difference.estimate < 0.0) {
        (true, _) => "these rows cannot tell the two apart.",
        (false, true) => "the neurons are worth their while.",
        (false, false) => "the linear model is better.",
    };
    let _ = writeln!(text, "{verdict}");
    text
}
