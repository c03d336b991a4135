//! What is printed.

use std::fmt::Write;

use mlp::{History, Loss, Mlp, Scalar};

use super::args::Args;
use super::data::{Data, Part, Task};
use super::experiment::Outcome;
use super::proof::{Proof, bound};
use super::score::{Score, baseline};
use super::text::short;

/// Results of scikit-learn 1.9.1 on the same split: accuracy, log-loss, ROC AUC.
const REFERENCE: [(&str, [&str; 3]); 4] = [
    ("logistic regression, C = 1", ["0.9649", "0.0942", "0.9963"]),
    ("30-16-1, logistic, Adam, mean of 10 seeds", ["0.9746", "0.0904", "0.9960"]),
    ("30-16-1, relu, Adam, mean of 10 seeds", ["0.9640", "0.1194", "0.9902"]),
    ("30-16-1, tanh, gradient descent, 3 seeds", ["0.974–0.982", "0.089–0.097", "0.994–0.996"]),
];

/// The width of what is printed.
const WIDTH: usize = 100;
/// The widest table that is printed.
const WIDEST: usize = 200;
/// The width of the names in the table of results.
const NAMES: usize = 44;

/// The title of a part.
pub(crate) fn heading(title: &str) -> String {
    format!("── {title} {}\n", "─".repeat(WIDTH.saturating_sub(title.chars().count() + 4)))
}

/// The data and their split.
pub(crate) fn data<T: Scalar>(data: &Data<T>) -> String {
    let mut text = heading(&format!("Data: {}", data.source));
    let (m_train, m_test) = (data.train.x.columns(), data.test.x.columns());
    let kind = match data.task {
        Task::TwoClasses if are_numbers(&data.classes) => data.classes.join(" or "),
        Task::TwoClasses => format!("0 {}, 1 {}", data.classes[0], data.classes[1]),
        Task::Classes => format!("{} classes", data.classes.len()),
        Task::Quantity => "a quantity".to_string(),
    };
    let (m, n_0, target) = (m_train + m_test, data.features(), &data.target);
    let (m, n_0) = (counted(m, "example"), counted(n_0, "feature"));
    let _ = writeln!(text, "{m}, {n_0}; target {target}: {kind}");
    let _ = writeln!(text, "  to train on {m_train:>6}{}", members(data, &data.train));
    let _ = writeln!(text, "  to test on  {m_test:>6}{}; {}", members(data, &data.test), data.split);
    let what = if data.task == Task::Quantity { "Features and target" } else { "Features" };
    let _ = writeln!(text, "{what} standardised with mean and standard deviation of the training part.");
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
    // "16 0" would not say which is the number.
    let of = if are_numbers(&data.classes) { "of " } else { "" };
    let named = data.classes.iter().zip(counts).map(|(name, count)| format!("{count} {of}{name}"));
    let shown: Vec<String> = named.take(6).collect();
    let more = if data.classes.len() > shown.len() { ", …" } else { "" };
    format!(" ({}{more})", shown.join(", "))
}

fn are_numbers(names: &[String]) -> bool {
    names.iter().all(|name| name.parse::<f64>().is_ok())
}

/// 1 example, 2 examples.
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The network and how it is trained.
pub(crate) fn plan<T: Scalar>(network: &Mlp<T>, args: &Args) -> String {
    let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
    let g: Vec<String> = network.activations().iter().map(ToString::to_string).collect();
    let loss = match network.loss_function() {
        Loss::LogLoss => "log-loss (eq. 5)",
        Loss::SquaredError => "squared error",
        Loss::SoftmaxCrossEntropy => "softmax cross-entropy",
    };
    let batches = args.batch.map_or("the full batch".to_string(), |size| format!("batches of {size}"));
    let (rate, l2) = (short(args.optimizer.rate()), short(args.optimizer.l2()));
    format!(
        "{}Network {}, g = {}; {loss}; {} parameters, {}\n{} on {batches}, rate {rate}, L2 λ = {l2}, {} epochs, {}\n",
        heading("Training"),
        sizes.join("-"),
        g.join(", "),
        network.parameter_count(),
        T::NAME,
        args.rule,
        args.epochs,
        if args.seeds { "seeds 0 to 9".to_string() } else { format!("seed {}", args.seed) },
    )
}

/// J at some epochs: the first, the last, and 1, 2, 5, 10, … between them.
pub(crate) fn training(history: &History, seconds: f64) -> String {
    let last = history.len();
    let decades = (0..).map(|e| 10_usize.pow(e)).take_while(|&decade| decade < last);
    let mut shown: Vec<usize> = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]).collect();
    shown.retain(|&epoch| epoch < last);
    shown.push(last);
    // The last ones are worth more than the first ones, where the line is full.
    let shown = &shown[shown.len().saturating_sub((WIDTH - 9) / 8)..];
    let epochs: String = shown.iter().map(|epoch| format!("{epoch:>8}")).collect();
    let losses = shown.iter().map(|epoch| history.epochs()[epoch - 1].training);
    let losses: String = losses.map(|j| format!("{:>8}", brief(j))).collect();
    format!("  epoch  {epochs}\n  J      {losses}\n{last} epochs in {seconds:.2} s\n")
}

/// In at most seven characters.
fn brief(x: f64) -> String {
    if (1e-4..100.0).contains(&x) { format!("{x:.4}") } else { format!("{x:.1e}") }
}

/// The results on the test part, beside those of others.
pub(crate) fn test<T: Scalar>(data: &Data<T>, score: &Score) -> String {
    let m = data.test.x.columns();
    let mut text = heading(&format!("Test: {} that training never saw", counted(m, "example")));
    let mut row = |name: &str, figures: &str| {
        let line = format!("  {name:<NAMES$}{figures}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    row("", Score::headings(data.task));
    row("this network", &score.figures());
    if data.is_reference {
        row("  has to reach", &figures(["≥ 0.96", "≤ 0.11", "≥ 0.99"]));
    }
    row("knowing only the training targets", &baseline(data));
    if data.is_reference {
        row("scikit-learn 1.9.1 on the same split", "");
        for (name, of) in REFERENCE {
            row(&format!("  {name}"), &figures(of));
        }
        let _ = writeln!(
            text,
            "One test example is 0.9 % of the accuracy: no smaller difference means anything."
        );
    }
    text
}

fn figures(of: [&str; 3]) -> String {
    of.iter().map(|figure| format!("{figure:>13}")).collect()
}

/// Row by row, what was taken for what.
pub(crate) fn confusion(score: &Score) -> String {
    match score {
        Score::TwoClasses { confusion, .. } | Score::Classes { confusion, .. } => {
            let table = indented(&confusion.to_string());
            match table.lines().map(|line| line.chars().count()).max() {
                Some(width) if width > WIDEST => format!(
                    "  The table of what was taken for what has {} rows and columns: too many to print.\n",
                    confusion.classes()
                ),
                _ => table,
            }
        }
        Score::Quantity { .. } => String::new(),
    }
}

/// The equations of every layer, as the tape has them.
pub(crate) fn equations<T: Scalar>(proof: &Proof<'_, T>) -> String {
    let mut text = heading("The equations, read off the tape");
    let _ = writeln!(text, "Recorded, from the examples to J:\n");
    let _ = writeln!(text, "{}", indented(&proof.forward.to_string()));
    let _ =
        writeln!(text, "Derived, from J back to the first layer; δ[l] is what (26), (27) and (28) share:\n");
    let _ = write!(text, "{}", indented(&proof.backward.to_string()));
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Every derived gradient, its equation, and how far it is from the closed form.
pub(crate) fn proof<T: Scalar>(proof: &Proof<'_, T>) -> String {
    let mut text = heading("The same entries, the same values");
    text += &explanation(proof);
    let _ = writeln!(text, "\n  {:<36}{:<22}tape − closed form, relative", "derived", "the same entry as");
    let _ = writeln!(text, "  {:<10}{:>8}  {:<40}{:>12}{:>14}", "", "entry", "shape", "at first", "trained");
    for line in &proof.lines {
        let shape = line.derived.shape().map_or(String::new(), |shape| shape.to_string());
        let entry = line.derived.index().map_or(String::new(), |index| format!("%{index}"));
        let same = match (line.equation, line.is_same_entry()) {
            (Some(equation), true) => format!("eq. {equation:>2}: yes"),
            (Some(equation), false) => format!("eq. {equation:>2}: NO"),
            (None, _) => "–".to_string(),
        };
        let _ = write!(text, "  {:<10}{entry:>8}  {shape:<16}{same:<24}", line.name);
        let _ = writeln!(text, "{:>12.1e}{:>14.1e}", line.differences[0], line.differences[1]);
    }
    text
}

fn explanation<T: Scalar>(proof: &Proof<'_, T>) -> String {
    let [derived, by_hand] = proof.entries;
    let grown = match by_hand - derived {
        0 => "none was added".to_string(),
        n => format!("{n} were added"),
    };
    let from =
        if proof.begins_with_eq_8 { "W, b, Z, A and Y alone" } else { "W, b, Z, A and ∂ℒ/∂A[L]" };
    format!(
        "Equal expressions are one entry of the tape. Differentiation left it with {derived} entries. Then the\n\
         equations were recorded by hand, from {from}: {by_hand} entries, {grown}.\n\
         The values are compared with the equations in plain loops, which share no code with the tape;\n\
         at most {:e} is allowed.\n",
        bound::<T>(),
    )
}

/// Above the lines of the seeds.
pub(crate) fn seeds_heading(task: Task) -> String {
    let headings = Score::headings(task);
    format!("  seed{headings}  same entries  tape − closed form: at first, trained    time\n")
}

/// The line of a seed.
pub(crate) fn seed<T: Scalar>(seed: u64, outcome: &Outcome<'_, T>) -> String {
    let (score, proof, seconds) = (&outcome.score, &outcome.proof, outcome.time.as_secs_f64());
    let same = proof.lines.iter().filter(|line| line.is_same_entry()).count();
    let same = format!("{same} of {}", proof.lines.len());
    let (first, trained) = (proof.largest(0), proof.largest(1));
    format!("  {seed:>4}{}  {same:>12}{first:>29.1e}{trained:>10.1e}{seconds:>6.2} s\n", score.figures())
}
