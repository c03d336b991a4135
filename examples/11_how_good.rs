//! How good is it, and is it better than a linear model?
//!
//! The number of neurons and the rate are chosen by cross-validation inside the training rows; the test rows are looked at once, in
//! the end. What a difference of two models there means, the bootstrap tells: an interval that holds 0 says that other test rows
//! could have turned it around.
//!
//! Run it with `cargo run --release --example 11_how_good`.

#[path = "support/data_sets.rs"]
mod data_sets;

use std::error::Error;

use mlp::metrics::{self, Bootstrap, ClassProbabilities, Interval};
use mlp::search::{Goal, GridSearch, validate};
use mlp::{
    Activation, ConfusionMatrix, Folds, Mlp, MlpBuilder, Optimizer, Pipeline, Preparation, Progress, Split,
    Training,
};
use tape::Matrix;

const PREPARATIONS: [Preparation; 1] = [Preparation::Standardize];

type Metric = fn(&Matrix<f64>, &Matrix<f64>) -> mlp::Result<f64>;
const METRICS: [(&str, Metric); 3] =
    [("accuracy", metrics::accuracy), ("log-loss", metrics::log_loss), ("ROC AUC", metrics::roc_auc)];

fn main() -> Result<(), Box<dyn Error>> {
    let table = data_sets::breast_cancer(include_bytes!("data/breast_cancer.csv"))?;
    let split = Split::every(table.x.columns(), 5)?;
    let part = |of: &Matrix<f64>, examples: &[usize]| of.select_columns(examples);
    let (x, y) = (part(&table.x, &split.train), part(&table.y, &split.train));

    let folds = Folds::new(5, 1)?.stratified(&mlp::classes(&y)?)?;
    let search = GridSearch::new().over("neurons", [0, 4, 16]).over("rate", [0.003, 0.03, 0.3]);
    let log_loss = |network: &Mlp<f64>, x: &Matrix<f64>, y: &Matrix<f64>| network.loss(x, y);
    let progress = Progress::of("cross-validation", search.candidates()?.len() * folds.len());
    let found = search.run(Goal::Smallest, folds.len(), |candidate, fold| {
        let training = training(candidate.number("rate")?)?;
        let network = network(candidate.count("neurons")?);
        let value = validate(&training, &network, &PREPARATIONS, &x, &y, &folds[fold], log_loss);
        progress.piece();
        value
    })?;
    drop(progress);
    println!("Log-loss on five folds of the {} training rows; 0 neurons are a linear model:\n", x.columns());
    println!("{found}");

    let linear = found.rows().iter().map(|row| &row.candidate).find(|row| row.count("neurons") == Ok(0));
    let hidden = found.rows().iter().map(|row| &row.candidate).find(|row| row.count("neurons") != Ok(0));
    let (Some(linear), Some(hidden)) = (linear, hidden) else { return Err("a search without rows".into()) };
    let (x_test, y_test) = (part(&table.x, &split.test), part(&table.y, &split.test));
    let predict = |candidate: &mlp::search::Candidate| -> mlp::Result<Matrix<f64>> {
        let pipeline = Pipeline::fit(&PREPARATIONS, &x)?;
        let mut network = network(candidate.count("neurons")?).build()?;
        training(candidate.number("rate")?)?.fit(&mut network, &pipeline.transform(&x)?, &y)?;
        network.predict_probabilities(&pipeline.transform(&x_test)?)
    };
    let (one, other) = (predict(hidden)?, predict(linear)?);
    println!("On {} test rows, the best of each: {hidden}; {linear}.\n", y_test.columns());
    println!("{:<10}{:<35}{:<35}difference", "", "with neurons", "linear");
    for (name, metric) in METRICS {
        let [one, other, difference] = intervals(metric, &one, &other, &y_test)?;
        println!("{name:<10}{:<35}{:<35}{difference}", one.to_string(), other.to_string());
    }

    println!("\n{}", ConfusionMatrix::new(&one, &y_test)?.with_names(&["malignant", "benign"])?);
    println!("{}", ClassProbabilities::new(&one, &y_test)?.calibration(5)?);
    let [.., difference] = intervals(metrics::log_loss, &one, &other, &y_test)?;
    assert!(difference.contains(0.0), "the rows tell the two apart: {difference}");
    let area = metrics::roc_auc(&one, &y_test)?;
    assert!(area > 0.98, "the area under the ROC curve is {area}");
    println!("Malignant or benign: the linear model is as good, as far as 114 rows can tell.");
    Ok(())
}

fn training(rate: f64) -> mlp::Result<Training<f64>> {
    Ok(Training::new(Optimizer::adam(rate)?).epochs(60).threads(1))
}

/// 30 features, one hidden layer if there are neurons, and the probability of class 1.
fn network(neurons: usize) -> MlpBuilder<f64> {
    let features = Mlp::new(30);
    let hidden = if neurons > 0 { features.layer(neurons, Activation::Tanh) } else { features };
    hidden.layer(1, Activation::Sigmoid)
}

/// Of two predictions and of their difference, on the same replicates.
fn intervals(
    metric: Metric,
    one: &Matrix<f64>,
    other: &Matrix<f64>,
    y: &Matrix<f64>,
) -> mlp::Result<[Interval; 3]> {
    let (bootstrap, m) = (Bootstrap::new(1), y.columns());
    let of = |a: &Matrix<f64>, examples: &[usize]| {
        metric(&a.select_columns(examples), &y.select_columns(examples))
    };
    Ok([
        bootstrap.interval(m, |examples| of(one, examples))?,
        bootstrap.interval(m, |examples| of(other, examples))?,
        bootstrap.difference(m, |examples| of(one, examples), |examples| of(other, examples))?,
    ])
}
