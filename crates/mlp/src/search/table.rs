//! What candidates are worth, side by side.

use std::cmp::Ordering;
use std::fmt;

use tape::printable;

use super::Candidate;
use crate::parallel::in_parallel;
use crate::sum::sum;
use crate::{Error, Result};

/// Which values are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Goal {
    /// The smallest, as of a loss.
    Smallest,
    /// The largest, as of an accuracy.
    Largest,
}

/// A metric's values on several folds.
///
/// ```
/// use mlp::search::FoldScores;
/// let scores = FoldScores::new(vec![0.5, 1.0, 0.75])?;
/// assert_eq!((scores.mean(), scores.spread()), (0.75, Some(0.25)));
/// assert_eq!(FoldScores::new(vec![0.5])?.spread(), None);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Vec<crate::serialised::Number>", into = "Vec<crate::serialised::Number>")
)]
pub struct FoldScores {
    values: Vec<f64>,
}

impl FoldScores {
    /// The values, by fold.
    ///
    /// # Errors
    /// [`Error::NoExamples`] if there are none; [`Error::Fold`] if one is NaN;
    /// [`Error::Undefined`] if their mean is, as of ∞ and −∞: no order has a place for it.
    pub fn new(values: Vec<f64>) -> Result<Self> {
        if values.is_empty() {
            return Err(Error::NoExamples { what: "scores of folds" });
        }
        let undefined = |what| Error::Undefined { what, reason: "it is NaN" };
        if let Some(fold) = values.iter().position(|value| value.is_nan()) {
            return Err(of_fold(fold, undefined("the metric")));
        }
        let scores = FoldScores { values };
        if scores.mean().is_nan() { Err(undefined("the mean of the folds")) } else { Ok(scores) }
    }

    /// The value of each fold.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Their mean, also where their sum would be ∞.
    pub fn mean(&self) -> f64 {
        let n = self.values.len();
        match sum(0..n, &|fold| self.values[fold]) / n as f64 {
            mean if mean.is_finite() => mean,
            _ => sum(0..n, &|fold| self.values[fold] / n as f64),
        }
    }

    /// Their standard deviation, with n − 1, also where a square would be ∞ or 0; `None` of one fold.
    /// It is NaN where a value is infinite.
    pub fn spread(&self) -> Option<f64> {
        (self.values.len() > 1).then(|| crate::vectors::deviation(&self.values, self.mean()))
    }
}

/// A candidate with what it is worth.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "super::serialised::Row", into = "super::serialised::Row")
)]
pub struct SearchRow {
    /// The candidate.
    pub candidate: Candidate,
    /// Its values, or the error of the first fold that has one, an [`Error::Fold`], or that of
    /// [`FoldScores::new`].
    pub scores: Result<FoldScores>,
}

/// All candidates of a search: the best mean first, of equal ones in the order of the candidates,
/// and those with an error last.
///
/// ```
/// use mlp::Error;
/// use mlp::search::{Goal, GridSearch};
/// let table = GridSearch::new().over("rate", [0.1, 10.0, 1.0]).run(Goal::Smallest, 2, |candidate, fold| {
///     match candidate.number("rate")? {
///         rate if rate > 5.0 => Err(Error::Diverged { epoch: 3, j: f64::INFINITY, rate }),
///         rate => Ok((rate - 0.5).abs() + fold as f64),
///     }
/// })?;
/// assert_eq!(table.to_string(), "\
/// rate     mean   spread
///  0.1  0.90000  0.70711
///    1  1.00000  0.70711
///   10  fold 0: training: J is inf in epoch 3 with rate 10: try a smaller rate, or features and labels of a smaller scale
/// ");
/// # Ok::<(), Error>(())
/// ```
///
/// With the feature `serde` it is written and read; of an error what is read is
/// [its words](Error::Told), and in JSON ±∞ is `"inf"` or `"-inf"`. What no search gives is refused: rows in no order, of other
/// hyperparameters than each other, or of other numbers of folds.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "super::serialised::Form", into = "super::serialised::Form")
)]
pub struct SearchTable {
    pub(super) rows: Vec<SearchRow>,
}

impl SearchTable {
    /// The rows, from the best on.
    pub fn rows(&self) -> &[SearchRow] {
        &self.rows
    }

    /// The best candidate; `None` if none has a value.
    pub fn best(&self) -> Option<&Candidate> {
        self.rows.first().filter(|row| row.scores.is_ok()).map(|row| &row.candidate)
    }
}

/// Evaluates each candidate on each fold.
pub(super) fn evaluate(
    candidates: Vec<Candidate>,
    goal: Goal,
    folds: usize,
    threads: usize,
    one: &(dyn Fn(&Candidate, usize) -> Result<f64> + Sync),
) -> Result<SearchTable> {
    if folds == 0 {
        return Err(Error::Hyperparameter { name: "folds", value: 0.0, expected: "at least 1" });
    }
    let piece = |k: usize| one(&candidates[k / folds], k % folds);
    let mut values = in_parallel(threads, candidates.len().saturating_mul(folds), &piece).into_iter();
    let mut rows = Vec::new();
    for candidate in &candidates {
        // All of a candidate's, also behind an error.
        let of_it: Vec<Result<f64>> = values.by_ref().take(folds).collect();
        let in_fold = |(fold, value): (usize, Result<f64>)| value.map_err(|error| of_fold(fold, error));
        let scores = of_it.into_iter().enumerate().map(in_fold).collect::<Result<Vec<f64>>>();
        rows.push(SearchRow { candidate: candidate.clone(), scores: scores.and_then(FoldScores::new) });
    }
    rows.sort_by(|a, b| match (&a.scores, &b.scores) {
        (Ok(a), Ok(b)) => match goal {
            Goal::Smallest => a.mean().total_cmp(&b.mean()),
            Goal::Largest => b.mean().total_cmp(&a.mean()),
        },
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => Ordering::Equal,
    });
    Ok(SearchTable { rows })
}

pub(super) fn of_fold(fold: usize, error: Error) -> Error {
    Error::Fold { fold, error: Box::new(error) }
}

impl fmt::Display for SearchTable {
    /// An aligned row for every candidate: its values, and mean and spread, or its error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: &str| text.chars().count();
        let names: Vec<String> = match self.rows.first() {
            None => Vec::new(),
            Some(row) => row.candidate.values().keys().map(|name| printable(name).to_string()).collect(),
        };
        let of_row = |row: &SearchRow| {
            row.candidate.values().values().map(ToString::to_string).collect::<Vec<String>>()
        };
        let cells: Vec<Vec<String>> = self.rows.iter().map(of_row).collect();
        let widths: Vec<usize> = (0..names.len())
            .map(|k| cells.iter().map(|row| width(&row[k])).fold(width(&names[k]), usize::max))
            .collect();
        let mut line = |cells: &[String], last: &str| {
            for (cell, width) in cells.iter().zip(&widths) {
                write!(f, "{cell:>width$}  ")?;
            }
            writeln!(f, "{last}")
        };
        line(&names, "   mean   spread")?;
        for (row, cells) in self.rows.iter().zip(&cells) {
            line(
                cells,
                &match &row.scores {
                    Ok(scores) => match scores.spread() {
                        Some(spread) => format!("{:>7}  {:>7}", figure(scores.mean()), figure(spread)),
                        None => format!("{:>7}        –", figure(scores.mean())),
                    },
                    Err(error) => printable(&error.to_string()).to_string(),
                },
            )?;
        }
        Ok(())
    }
}

/// With as many digits as there is room for.
fn figure(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e4).contains(&size) {
        let text = format!("{value:.5}");
        text[..text.len().min(7 + usize::from(value < 0.0))].trim_end_matches('.').to_string()
    } else {
        format!("{value:.1e}")
    }
}
