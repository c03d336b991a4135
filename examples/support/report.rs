//! What is printed.

use std::fmt::Write;

use mlp::{History, Loss, Mlp};
use tape::{Matrix, Scalar};

use super::args::Args;
use super::data::{Data, Part, Task};
use super::experiment::Outcome;
use super::proof::Proof;
use super::score::{Score, baseline};

/// Results of scikit-learn 1.9.1 on the same split: accuracy, log-loss, ROC AUC.
const REFERENCE: [(&str, [&str; 3]); 4] = [
    ("LogisticRegression(C=1)", ["0.9649", "0.0942", "0.9963"]),
    ("MLPClassifier((16,), logistic, adam), 10 seeds", ["0.9746", "0.0904", "0.9960"]),
    ("MLPClassifier((16,), relu, adam), 10 seeds", ["0.9640", "0.1194", "0.9902"]),
    ("gradient descent, 30-16-1, tanh, 3 seeds", ["0.974–0.982", "0.089–0.097", "0.994–0.996"]),
];

const NAME_WIDTH: usize = 48;

/// The data and their split.
pub(crate) fn data<T: Scalar>(data: &Data<T>) -> String {
    let mut text = format!("Data: {}\n", data.source);
    let (m_train, m_test) = (data.train.x.columns(), data.test.x.columns());
    let what = match data.task {
        Task::TwoClasses => format!("of two classes, {} and {}", data.classes[0], data.classes[1]),
        Task::Classes => format!("of {} classes", data.classes.len()),
        Task::Quantity => "a quantity".to_string(),
    };
    let _ = writeln!(text, "  {} examples of {} features", m_train + m_test, data.features());
    let _ = writeln!(text, "  target: {}, {what}", data.target);
    let _ = writeln!(text, "  to train on: {m_train:>5} examples{}", members(data, &data.train));
    let _ =
        writeln!(text, "  to test on:  {m_test:>5} examples{}, {}", members(data, &data.test), data.split);
    let what = if data.task == Task::Quantity { "features and target" } else { "features" };
    let _ = writeln!(text, "  {what} standardised with mean and standard deviation of the training part");
    text
}

/// How many examples of each class a part has.
fn members<T: Scalar>(data: &Data<T>, part: &Part<T>) -> String {
    let ones = |row: usize| (0..part.y.columns()).filter(|&i| part.y[(row, i)] == T::ONE).count();
    let counts = match data.task {
        Task::Quantity => return String::new(),
        Task::TwoClasses => vec![part.y.columns() - ones(0), ones(0)],
        Task::Classes => (0..part.y.rows()).map(ones).collect(),
    };
    let named = data.classes.iter().zip(counts).map(|(name, count)| format!("{count} {name}"));
    let shown: Vec<String> = named.take(6).collect();
    let more = if data.classes.len() > shown.len() { ", …" } else { "" };
    format!(" ({}{more})", shown.join(", "))
}

/// The network and how it is trained.
pub(crate) fn plan<T: Scalar>(network: &Mlp<T>, args: &Args, seed: u64) -> String {
    let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
    let g: Vec<String> = network.activations().iter().map(ToString::to_string).collect();
    let loss = match network.loss_function() {
        Loss::LogLoss => "log-loss (eq. 5)",
        Loss::SquaredError => "squared error",
        Loss::SoftmaxCrossEntropy => "softmax cross-entropy",
    };
    let batches = args.batch.map_or("full batch".to_string(), |size| format!("batches of {size}"));
    let (rate, l2) = (args.optimizer.rate(), args.optimizer.l2());
    format!(
        "Network: {}, {}; {loss}; {} parameters, {}\n\
         Training: {}, rate {rate}, L2 λ = {l2}, {} epochs, {batches}, seed {seed}\n",
        sizes.join("-"),
        g.join(", "),
        network.parameter_count(),
        T::NAME,
        args.rule,
        args.epochs,
    )
}

/// J at some epochs, about as many for each doubling.
pub(crate) fn training(history: &History, seconds: f64) -> String {
    let last = history.len();
    let mut shown: Vec<usize> =
        [1, 2, 5].iter().flat_map(|k| (0..7).map(move |e| k * 10_usize.pow(e))).collect();
    shown.retain(|&epoch| epoch < last);
    shown.push(last);
    shown.sort_unstable();
    let epochs: String = shown.iter().map(|epoch| format!("{epoch:>8}")).collect();
    let losses = shown.iter().map(|epoch| history.epochs()[epoch - 1].training);
    let losses: String = losses.map(|j| format!("{j:>8.4}")).collect();
    format!("  epoch  {epochs}\n  J      {losses}\n  {last} epochs in {seconds:.2} s\n")
}

/// The results on the test part, beside those of others.
pub(crate) fn test<T: Scalar>(data: &Data<T>, score: &Score) -> String {
    let m = data.test.x.columns();
    let title = format!("Test: {m} examples");
    let mut text = format!("{title:<NAME_WIDTH$}  {}\n", Score::headings(data.task));
    let _ = writeln!(text, "  {:<NAME_WIDTH$}{}", "this network", score.figures());
    if data.is_reference {
        let _ = writeln!(text, "  {:<NAME_WIDTH$}{:>10}{:>10}{:>10}", "bars", "≥ 0.96", "≤ 0.11", "≥ 0.99");
        for (name, [accuracy, log_loss, auc]) in REFERENCE {
            let _ = writeln!(text, "  {name:<NAME_WIDTH$}{accuracy:>10}{log_loss:>10}{auc:>10}");
        }
    }
    let _ = writeln!(text, "  {:<NAME_WIDTH$}{}", "knowing only the training targets", baseline(data));
    text
}

/// Row by row, what was taken for what.
pub(crate) fn confusion(score: &Score) -> String {
    match score {
        Score::TwoClasses { confusion, .. } | Score::Classes { confusion, .. } => {
            confusion.to_string().lines().map(|line| format!("  {line}\n")).collect()
        }
        Score::Quantity { .. } => String::new(),
    }
}

/// Every derived gradient, its equation and how far it is from the closed form.
pub(crate) fn proof<T: Scalar>(proof: &Proof<'_, T>) -> String {
    let mut text = String::from(
        "  gradient   entry  shape   same entry as    tape − closed form, relative\n\
         \x20                                              before      after training\n",
    );
    for line in &proof.lines {
        let shape = line.derived.shape().map_or(String::new(), |shape| shape.to_string());
        let entry = line.derived.index().map_or(String::new(), |index| format!("%{index}"));
        let same = match (line.equation, line.is_same_entry()) {
            (Some(equation), true) => format!("eq. {equation:<2} yes"),
            (Some(equation), false) => format!("eq. {equation:<2} NO"),
            (None, _) => "(the loss)".to_string(),
        };
        let [before, after] = line.differences[..] else { continue };
        let _ = writeln!(
            text,
            "  {:<10} {entry:>5}  {shape:<6}  {same:<13}  {before:>12.1e}{after:>12.1e}",
            line.name
        );
    }
    text
}

/// One line of the table of seeds.
pub(crate) fn seed<T: Scalar>(seed: u64, outcome: &Outcome<'_, T>) -> String {
    let same = outcome.proof.lines.iter().filter(|line| line.is_same_entry()).count();
    format!(
        "  {seed:>4}{}  {same:>4} of {}  {:>9.1e}  {:>9.1e}  {:>6.2} s\n",
        outcome.score.figures(),
        outcome.proof.lines.len(),
        outcome.proof.largest(0),
        outcome.proof.largest(1),
        outcome.time.as_secs_f64(),
    )
}

#[allow(dead_code)]
fn unused(_: &Matrix<f64>) {}
