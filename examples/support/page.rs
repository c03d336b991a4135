//! The report of the main example as a page.

use std::path::Path;

use mlp::metrics::{ClassProbabilities, Scores};
use mlp::report::Report;
use mlp::{ConfusionMatrix, Mlp, Result, Scalar};

use super::args::Args;
use super::data::{Data, Task};
use super::experiment::Outcome;
use super::score::{Score, columns};

/// Writes what was trained how, on what, and how good it is.
pub(crate) fn write<T: Scalar>(
    outcome: &Outcome<'_, T>,
    data: &Data<T>,
    args: &Args,
    path: &Path,
) -> Result<()> {
    let Outcome { network, history, norms, score, .. } = outcome;
    let mut page =
        Report::new(format!("{}: {}", data.source, data.target)).settings(&settings(network, data, args));
    if !history.is_empty() {
        let after = if args.resume.is_some() { "epoch since the checkpoint" } else { "epoch" };
        page = page.training(history).gradient_norms(after, norms);
    }
    let figures = score.figures();
    let pairs = Score::names(data.task).zip(columns(&figures));
    let rows: Vec<Vec<&str>> = pairs.map(|(name, figure)| vec![name, figure]).collect();
    page = page.part("test part").table("How good it is", &["figure", "value"], &rows)?;
    let (x, y) = (&data.test.x, &data.test.y);
    match data.task {
        Task::TwoClasses => {
            let a = network.predict_probabilities(x)?;
            page = page.confusion_matrix(&ConfusionMatrix::new(&a, y)?.with_names(&data.classes)?);
            page = page
                .scores(&Scores::new(&a, y)?)
                .calibration(&ClassProbabilities::new(&a, y)?.calibration(10)?);
        }
        Task::Classes => {
            let a = network.predict(x)?;
            page = page.confusion_matrix(&ConfusionMatrix::new(&a, y)?.with_names(&data.classes)?);
        }
        Task::Quantity => {}
    }
    if data.features() == 2 && data.task != Task::Quantity {
        page = page.boundary(network, x, y)?;
    }
    page.part("").weights(network).write(path)
}

fn settings<T: Scalar>(network: &Mlp<T>, data: &Data<T>, args: &Args) -> Vec<(&'static str, String)> {
    let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
    let g: Vec<String> = network.activations().iter().map(ToString::to_string).collect();
    let batches = args.batch.map_or("the full batch".to_string(), |size| format!("batches of {size}"));
    let training = match &args.load {
        Some(path) => format!("none: loaded from {}", path.display()),
        None => format!("{}, {batches}, {} epochs", args.optimizer, args.epochs),
    };
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    vec![
        ("data", data.source.clone()),
        ("test part", data.split.clone()),
        ("network", format!("{}, g = {}, {}", sizes.join("-"), g.join(", "), network.loss_function())),
        ("numbers", T::NAME.to_string()),
        ("training", training),
        ("seed", args.seed.to_string()),
        ("command", format!("cargo run --release --example breast_cancer -- {command}")),
    ]
}
