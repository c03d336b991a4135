//! How good a network is on examples it was not trained on.

use mlp::{ConfusionMatrix, Mlp, Scalar, metrics};
use tape::Matrix;

use super::checks::Checks;
use super::data::{Data, Task};

/// What is printed in the place of a figure that is not defined.
const UNDEFINED: &str = "undefined";

/// The figures' names, what they have to reach on the reference split, and whether that is the least, or else the most.
const BARS: [(&str, f64, bool); 3] =
    [("accuracy", 0.96, true), ("log-loss", 0.11, false), ("ROC AUC", 0.99, true)];

/// Checks these figures of two classes; `of` is what they are of.
pub(crate) fn check_bars(checks: &mut Checks, of: &str, figures: impl IntoIterator<Item = f64>) {
    for ((name, bar, is_least), figure) in BARS.into_iter().zip(figures) {
        let holds = if is_least { figure >= bar } else { figure <= bar };
        checks.check(holds, || format!("{of}{name} is {figure:.4}, {bar} has to be reached"));
    }
}

/// The results on the test part.
#[derive(Debug, Clone)]
pub(crate) enum Score {
    /// Of two classes; the AUC is not defined where the test part holds only one of them.
    TwoClasses { accuracy: f64, log_loss: f64, auc: Option<f64>, confusion: ConfusionMatrix },
    /// Of several classes.
    Classes { accuracy: f64, cross_entropy: f64, confusion: ConfusionMatrix },
    /// Of a quantity, in its own unit; there is no R² where all of the test part has the same target, as a single example.
    Quantity { error: f64, r2: Option<f64> },
}

impl Score {
    pub(crate) fn new<T: Scalar>(network: &Mlp<T>, data: &Data<T>) -> mlp::Result<Self> {
        let (x, y) = (&data.test.x, &data.test.y);
        let a = network.predict(x)?;
        let j = network.loss(x, y)?.to_f64();
        Ok(match data.task {
            Task::TwoClasses => Score::TwoClasses {
                accuracy: metrics::accuracy(&a, y)?,
                log_loss: j,
                auc: area(&a, y)?,
                confusion: ConfusionMatrix::new(&a, y)?.with_names(&data.classes)?,
            },
            Task::Classes => Score::Classes {
                accuracy: metrics::accuracy(&a, y)?,
                cross_entropy: j,
                confusion: ConfusionMatrix::new(&a, y)?.with_names(&data.classes)?,
            },
            Task::Quantity => Score::Quantity { error: j.sqrt() * data.unit, r2: r2(j, y) },
        })
    }

    /// The figures under [`headings`](Score::headings).
    pub(crate) fn figures(&self) -> String {
        match self {
            Score::TwoClasses { accuracy, log_loss, auc, .. } => {
                format!("{:>13}{:>13}{:>13}", figure(*accuracy), figure(*log_loss), if_defined(*auc))
            }
            Score::Classes { accuracy, cross_entropy, .. } => {
                format!("{:>13}{:>15}", figure(*accuracy), figure(*cross_entropy))
            }
            Score::Quantity { error, r2 } => quantity(*error, *r2),
        }
    }

    /// The figures as numbers, in the order of [`names`](Score::names); NaN where one is not defined.
    pub(crate) fn values(&self) -> Vec<f64> {
        match *self {
            Score::TwoClasses { accuracy, log_loss, auc, .. } => {
                vec![accuracy, log_loss, auc.unwrap_or(f64::NAN)]
            }
            Score::Classes { accuracy, cross_entropy, .. } => vec![accuracy, cross_entropy],
            Score::Quantity { error, r2 } => vec![error, r2.unwrap_or(f64::NAN)],
        }
    }

    /// The names of the figures.
    pub(crate) fn names(task: Task) -> impl Iterator<Item = &'static str> {
        columns(Score::headings(task))
    }

    /// What the figures are.
    pub(crate) fn headings(task: Task) -> &'static str {
        match task {
            Task::TwoClasses => "     accuracy     log-loss      ROC AUC",
            Task::Classes => "     accuracy  cross-entropy",
            Task::Quantity => "  root mean square error         R²",
        }
    }
}

/// What stands in the columns of a line, between which are at least two spaces.
pub(crate) fn columns(line: &str) -> impl Iterator<Item = &str> {
    line.split("  ").map(str::trim).filter(|column| !column.is_empty())
}

/// The ROC AUC, unless the test part is of one class.
fn area<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> mlp::Result<Option<f64>> {
    match metrics::roc_auc(a, y) {
        Ok(area) => Ok(Some(area)),
        Err(mlp::Error::OneClass { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What one gets without looking at the features, from the shares of the classes, or the mean, of the training part.
pub(crate) fn baseline<T: Scalar>(data: &Data<T>) -> String {
    let share = |y: &Matrix<T>, row: usize| {
        (0..y.columns()).map(|i| y[(row, i)].to_f64()).sum::<f64>() / y.columns() as f64
    };
    let (train, test) = (&data.train.y, &data.test.y);
    let rows = 0..train.rows();
    match data.task {
        Task::TwoClasses => {
            let (p, q) = (share(train, 0), share(test, 0));
            let accuracy = if p > 0.5 { q } else { 1.0 - q };
            let log_loss = entropy(q, p) + entropy(1.0 - q, 1.0 - p);
            let auc = (0.0 < q && q < 1.0).then_some(0.5);
            format!("{:>13}{:>13}{:>13}", figure(accuracy), figure(log_loss), if_defined(auc))
        }
        Task::Classes => {
            let most = rows.clone().max_by(|&i, &k| share(train, i).total_cmp(&share(train, k)));
            let accuracy = most.map_or(0.0, |row| share(test, row));
            let loss: f64 = rows.map(|row| entropy(share(test, row), share(train, row))).sum();
            format!("{:>13}{:>15}", figure(accuracy), figure(loss))
        }
        Task::Quantity => {
            let mean_square = test.iter().map(|y| y.to_f64().powi(2)).sum::<f64>() / test.columns() as f64;
            quantity(mean_square.sqrt() * data.unit, r2(mean_square, test))
        }
    }
}

/// −q·ln p, what a share q of the examples costs that was taken for p; nothing if there are none.
fn entropy(q: f64, p: f64) -> f64 {
    if q == 0.0 { 0.0 } else { -q * p.ln() }
}

/// 1 − mean square error / variance; not defined where there is no variance.
fn r2<T: Scalar>(mean_square: f64, y: &Matrix<T>) -> Option<f64> {
    let values: Vec<f64> = y.iter().map(|y| y.to_f64()).collect();
    let first = values.first()?;
    if values.iter().all(|y| y == first) {
        return None;
    }
    let m = values.len() as f64;
    let mean = values.iter().sum::<f64>() / m;
    let variance = values.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / m;
    Some(1.0 - mean_square / variance)
}

fn quantity(error: f64, r2: Option<f64>) -> String {
    let error = if error == 0.0 || (1e-3..1e9).contains(&error) {
        format!("{error:.5}")
    } else {
        format!("{error:.5e}")
    };
    format!("{error:>24}{:>11}", if_defined(r2))
}

/// A figure with four decimals, as long as that is short.
fn figure(x: f64) -> String {
    if x.abs() < 1e5 { format!("{x:.4}") } else { format!("{x:.2e}") }
}

fn if_defined(x: Option<f64>) -> String {
    x.map_or(UNDEFINED.to_string(), figure)
}
