//! How good a network is on examples it was not trained on.

use mlp::{ConfusionMatrix, Mlp, metrics};
use tape::{Matrix, Scalar};

use super::data::{Data, Task};

/// The results on the test part.
#[derive(Debug, Clone)]
pub(crate) enum Score {
    /// Of two classes; there is no AUC where the test part holds only one of them.
    TwoClasses { accuracy: f64, log_loss: f64, auc: Option<f64>, confusion: ConfusionMatrix },
    /// Of several classes.
    Classes { accuracy: f64, cross_entropy: f64, confusion: ConfusionMatrix },
    /// Of a quantity, in its own unit.
    Quantity { error: f64, r2: f64 },
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
            Task::Quantity => Score::Quantity { error: j.sqrt() * data.unit, r2: 1.0 - j / variance(y) },
        })
    }

    /// The figures under [`headings`](Score::headings).
    pub(crate) fn figures(&self) -> String {
        match self {
            Score::TwoClasses { accuracy, log_loss, auc, .. } => {
                let auc = auc.map_or("–".to_string(), |auc| format!("{auc:.4}"));
                format!("{accuracy:>13.4}{log_loss:>13.4}{auc:>13}")
            }
            Score::Classes { accuracy, cross_entropy, .. } => {
                format!("{accuracy:>13.4}{cross_entropy:>15.4}")
            }
            Score::Quantity { error, r2 } => format!("{error:>24.5}{r2:>10.4}"),
        }
    }

    /// What the figures are.
    pub(crate) fn headings(task: Task) -> &'static str {
        match task {
            Task::TwoClasses => "     accuracy     log-loss      ROC AUC",
            Task::Classes => "     accuracy  cross-entropy",
            Task::Quantity => "  root mean square error        R²",
        }
    }
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
            let log_loss = -(q * p.ln() + (1.0 - q) * (1.0 - p).ln());
            format!("{accuracy:>13.4}{log_loss:>13.4}{:>13.4}", 0.5)
        }
        Task::Classes => {
            let most = rows.clone().max_by(|&i, &k| share(train, i).total_cmp(&share(train, k)));
            let accuracy = most.map_or(0.0, |row| share(test, row));
            let term = |q: f64, p: f64| if q == 0.0 { 0.0 } else { -q * p.ln() };
            let loss: f64 = rows.map(|row| term(share(test, row), share(train, row))).sum();
            format!("{accuracy:>13.4}{loss:>15.4}")
        }
        Task::Quantity => {
            let mean_square = test.iter().map(|y| y.to_f64().powi(2)).sum::<f64>() / test.columns() as f64;
            let r2 = 1.0 - mean_square / variance(test);
            format!("{:>24.5}{r2:>10.4}", mean_square.sqrt() * data.unit)
        }
    }
}

/// 1/m · Σ (y − mean)².
fn variance<T: Scalar>(y: &Matrix<T>) -> f64 {
    let m = y.columns() as f64;
    let mean = y.iter().map(|y| y.to_f64()).sum::<f64>() / m;
    y.iter().map(|y| (y.to_f64() - mean).powi(2)).sum::<f64>() / m
}
