//! All combinations.

use super::candidate::{check_names, check_values};
use super::table::evaluate;
use super::{Candidate, Goal, SearchTable, Value};
use crate::Result;
use crate::shuffle::with_room;

/// A search over all combinations of the values of each hyperparameter.
///
/// ```
/// use mlp::search::GridSearch;
/// let search = GridSearch::new().over("rate", [0.1, 0.01]).over("activation", ["relu", "tanh"]);
/// let candidates = search.candidates()?;
/// assert_eq!(candidates.len(), 4);
/// assert_eq!(candidates[1].to_string(), "rate = 0.1, activation = tanh");
/// # Ok::<(), mlp::Error>(())
/// ```
#[must_use = "a search begins with run"]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GridSearch {
    space: Vec<(String, Vec<Value>)>,
    threads: usize,
}

impl GridSearch {
    /// Over no hyperparameter yet: there is one candidate.
    pub fn new() -> Self {
        GridSearch::default()
    }

    /// Also over these values of another hyperparameter: numbers, counts or texts.
    pub fn over<V: Into<Value>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.space.push((name.into(), values.into_iter().map(Into::into).collect()));
        self
    }

    /// How many threads evaluate, 0 for as many as the processor runs at a time. The table is the
    /// same whatever their number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// All combinations; the values of the last hyperparameter change first.
    ///
    /// # Errors
    /// [`Error::Space`](crate::Error::Space) if a name stands twice, a list of values is empty, or a number is NaN;
    /// [`Error::Memory`](crate::Error::Memory) if there is no memory for so many.
    pub fn candidates(&self) -> Result<Vec<Candidate>> {
        check_names(self.space.iter().map(|(name, _)| name))?;
        self.space.iter().try_for_each(|(name, values)| check_values(name, values))?;
        let number =
            self.space.iter().fold(1_usize, |number, (_, values)| number.saturating_mul(values.len()));
        let mut candidates = with_room("candidates", number)?;
        candidates.extend((0..number).map(|k| {
            let mut rest = k;
            let mut values: Vec<(String, Value)> = Vec::new();
            for (name, of_it) in self.space.iter().rev() {
                values.push((name.clone(), of_it[rest % of_it.len()].clone()));
                rest /= of_it.len();
            }
            values.into_iter().rev().collect()
        }));
        Ok(candidates)
    }

    /// Evaluates each candidate on each of so many folds, several at a time; `evaluate` is given
    /// the number of the fold.
    ///
    /// A candidate whose evaluation is an error, or NaN, is listed with it.
    ///
    /// # Errors
    /// The errors of [`candidates`](Self::candidates); [`Error::Hyperparameter`](crate::Error::Hyperparameter) if there are no
    /// folds.
    ///
    /// # Panics
    /// If `evaluate` does.
    pub fn run(
        &self,
        goal: Goal,
        folds: usize,
        evaluate_one: impl Fn(&Candidate, usize) -> Result<f64> + Sync,
    ) -> Result<SearchTable> {
        evaluate(self.candidates()?, goal, folds, self.threads, &evaluate_one)
    }
}
