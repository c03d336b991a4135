//! What the losses did, epoch by epoch, and when to stop.

#[cfg(feature = "serde")]
mod serialised;

use crate::{Error, Result};

/// The losses of one epoch.
///
/// With the feature `serde` they are written and read; in JSON a loss that is not finite is `"inf"`,
/// `"-inf"` or `"NaN"`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Losses {
    /// J on the training part.
    #[cfg_attr(feature = "serde", serde(with = "crate::serialised::number"))]
    pub training: f64,
    /// J on the validation part, if there is one.
    #[cfg_attr(feature = "serde", serde(default, with = "serialised::number_or_none"))]
    pub validation: Option<f64>,
}

impl Losses {
    /// The loss that tells how good the network is: that of the validation part, if there is one.
    pub fn deciding(&self) -> f64 {
        self.validation.unwrap_or(self.training)
    }
}

/// The losses of every epoch, in order; the first is epoch 0.
///
/// ```
/// use mlp::{History, Losses};
/// let mut history = History::new();
/// for (training, validation) in [(0.7, 0.6), (0.4, 0.5), (0.2, 0.8)] {
///     history.push(Losses { training, validation: Some(validation) });
/// }
/// assert_eq!(history.best(), Some(1));
/// assert_eq!(history.last().unwrap().training, 0.2);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct History {
    epochs: Vec<Losses>,
}

impl History {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the losses of the next epoch.
    pub fn push(&mut self, losses: Losses) {
        self.epochs.push(losses);
    }

    /// The losses of every epoch.
    pub fn epochs(&self) -> &[Losses] {
        &self.epochs
    }

    /// The losses of the last epoch.
    pub fn last(&self) -> Option<&Losses> {
        self.epochs.last()
    }

    /// The number of epochs.
    pub fn len(&self) -> usize {
        self.epochs.len()
    }

    /// Whether there are no epochs.
    pub fn is_empty(&self) -> bool {
        self.epochs.is_empty()
    }

    /// The epoch with the lowest [deciding](Losses::deciding) loss, the first of equals; `None` if
    /// none has a loss that is a number.
    pub fn best(&self) -> Option<usize> {
        let loss = |epoch: &usize| self.epochs[*epoch].deciding();
        let numbers = (0..self.len()).filter(|epoch| !loss(epoch).is_nan());
        numbers.min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }

    /// The [deciding](Losses::deciding) losses as a line of at most so many blocks, for a terminal:
    /// the taller, the greater, on a logarithmic scale if all are greater than 0. A block stands for
    /// the last of its epochs, and is empty where that has no finite loss.
    ///
    /// ```
    /// use mlp::{History, Losses};
    /// let mut history = History::new();
    /// for training in [0.8, 0.4, 0.2, 0.1] {
    ///     history.push(Losses { training, validation: None });
    /// }
    /// assert_eq!(history.curve(60), "█▆▃▁");
    /// assert_eq!(history.curve(2), "█▁");
    /// ```
    pub fn curve(&self, width: usize) -> String {
        const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let width = width.min(self.len());
        let shown = (1..=width).map(|k| self.epochs[k * self.len() / width - 1].deciding());
        let shown: Vec<f64> = shown.collect();
        let finite = || shown.iter().copied().filter(|loss| loss.is_finite());
        let is_logarithmic = finite().all(|loss| loss > 0.0);
        let height = |loss: f64| if is_logarithmic { loss.ln() } else { loss };
        let lowest = finite().map(height).fold(f64::INFINITY, f64::min);
        let range = finite().map(height).fold(f64::NEG_INFINITY, f64::max) - lowest;
        let block = |loss: f64| match ((height(loss) - lowest) / range * 7.0).round() {
            _ if !loss.is_finite() => ' ',
            level if level >= 0.0 && range.is_finite() => BLOCKS[level.min(7.0) as usize],
            _ => BLOCKS[0],
        };
        shown.into_iter().map(block).collect()
    }
}

/// What [`EarlyStopping`] makes of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// The loss is the best so far: the parameters are worth keeping.
    Improved,
    /// Not better, but patience lasts.
    Waiting,
    /// Patience is at its end.
    Stop,
}

/// No training has more steps or epochs: what counts them can go on growing.
pub(crate) const MOST_STEPS: u64 = 1 << 53;

/// Stops when the loss has not improved for some epochs in a row.
///
/// ```
/// use mlp::{EarlyStopping, Verdict::*};
/// let mut stopping = EarlyStopping::new(2, 0.0)?;
/// let verdicts = [0.5, 0.4, 0.6, 0.3, 0.3, 0.35].map(|loss| stopping.observe(loss));
/// assert_eq!(verdicts, [Improved, Improved, Waiting, Improved, Waiting, Stop]);
/// assert_eq!(stopping.best(), Some((3, 0.3)));
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "serialised::Form", into = "serialised::Form")
)]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    observed: usize,
    best: Option<(usize, f64)>,
}

impl EarlyStopping {
    /// Stops after `patience` epochs in a row none of which has a loss lower than the best one by
    /// more than `min_delta`.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the patience is 0, or `min_delta` not a finite number from 0
    /// on.
    pub fn new(patience: usize, min_delta: f64) -> Result<Self> {
        if patience == 0 {
            return Err(Error::Hyperparameter { name: "patience", value: 0.0, expected: "at least 1" });
        }
        if !(min_delta >= 0.0 && min_delta.is_finite()) {
            let expected = "a finite number, at least 0";
            return Err(Error::Hyperparameter { name: "min_delta", value: min_delta, expected });
        }
        Ok(EarlyStopping { patience, min_delta, observed: 0, best: None })
    }

    /// Takes the loss of the next epoch. NaN is no improvement.
    pub fn observe(&mut self, loss: f64) -> Verdict {
        let epoch = self.observed;
        self.observed += 1;
        let improved = match self.best {
            None => !loss.is_nan(),
            // An infinite loss minus anything is infinite: the comparison holds there too.
            Some((_, best)) => loss < best - self.min_delta,
        };
        if improved {
            self.best = Some((epoch, loss));
            return Verdict::Improved;
        }
        if self.is_over() { Verdict::Stop } else { Verdict::Waiting }
    }

    /// How many epochs it has seen, and the best of them.
    pub(crate) fn observed(&self) -> (usize, Option<(usize, f64)>) {
        (self.observed, self.best)
    }

    /// Whether its patience is at an end after what it has observed.
    pub(crate) fn is_over(&self) -> bool {
        let since = match self.best {
            None => self.observed,
            Some((best, _)) => self.observed - 1 - best,
        };
        since >= self.patience
    }

    /// Goes on after so many epochs.
    pub(crate) fn go_on(&mut self, observed: usize, best: Option<(usize, f64)>) {
        (self.observed, self.best) = (observed, best);
    }

    /// By how much a loss has to be lower to count.
    pub fn min_delta(&self) -> f64 {
        self.min_delta
    }

    /// The last epoch that improved, from 0, and its loss.
    pub fn best(&self) -> Option<(usize, f64)> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Improved, Stop, Waiting};
    use super::*;

    fn history(losses: &[(f64, Option<f64>)]) -> History {
        let mut history = History::new();
        for &(training, validation) in losses {
            history.push(Losses { training, validation });
        }
        history
    }

    #[test]
    fn the_validation_part_decides_where_there_is_one() {
        assert_eq!(history(&[(3.0, None), (1.0, None), (2.0, None)]).best(), Some(1));
        assert_eq!(history(&[(3.0, Some(0.1)), (1.0, Some(0.2))]).best(), Some(0));
        assert_eq!(history(&[(2.0, None), (2.0, None)]).best(), Some(0));
        assert_eq!(history(&[(f64::NAN, None), (-0.5, None), (f64::INFINITY, None)]).best(), Some(1));
        assert_eq!(history(&[(f64::NAN, None)]).best(), None);
        assert_eq!(History::new().best(), None);
    }

    #[test]
    fn curves_have_a_block_for_each_part() {
        let of = |losses: &[f64], width| {
            let losses: Vec<_> = losses.iter().map(|&loss| (loss, None)).collect();
            history(&losses).curve(width)
        };
        assert_eq!(of(&[], 10), "");
        assert_eq!(of(&[1.0, 2.0], 0), "");
        assert_eq!(of(&[3.0; 5], 3), "▁▁▁");
        assert_eq!([of(&[3.0], 9), of(&[0.0], 1), of(&[f64::NAN], 1)], ["▁", "▁", " "]);
        assert_eq!([of(&[1.0, 2.0], 9), of(&[2.0, 2.0], 9)], ["▁█", "▁▁"]);
        assert_eq!(of(&[f64::NAN, f64::INFINITY], 2), "  ");
        assert_eq!(of(&[1.0; 3], usize::MAX), "▁▁▁");
        // The last epoch of each part: 1, 3 and 5 of 0 … 5.
        assert_eq!(of(&[9.0, 4.0, 9.0, 2.0, 9.0, 1.0], 3), "█▅▁");
        // Not all are greater than 0: a linear scale.
        assert_eq!(of(&[7.0, 0.0, -7.0], 9), "█▅▁");
        assert_eq!(of(&[f64::NAN, 2.0, f64::INFINITY, 1.0], 4), " █ ▁");
        assert_eq!(of(&[f64::MAX, -f64::MAX], 2).chars().count(), 2);
        assert_eq!(of(&[5e-324, 1e308], 2), "▁█");
        let validated = history(&[(1.0, Some(1.0)), (0.1, Some(2.0))]);
        assert_eq!(validated.curve(2), "▁█");
    }

    #[test]
    fn small_improvements_do_not_count() {
        let mut stopping = EarlyStopping::new(2, 0.1).unwrap();
        let verdicts = [1.0, 0.95, 0.85, 0.8, 0.76].map(|loss| stopping.observe(loss));
        assert_eq!(verdicts, [Improved, Waiting, Improved, Waiting, Stop]);
    }

    #[test]
    fn patience_is_counted_anew_after_an_improvement() {
        let mut stopping = EarlyStopping::new(3, 0.0).unwrap();
        let verdicts = [1.0, 2.0, 2.0, 0.5, 2.0, 2.0, 2.0, 0.1].map(|loss| stopping.observe(loss));
        assert_eq!(verdicts, [Improved, Waiting, Waiting, Improved, Waiting, Waiting, Stop, Improved]);
        assert_eq!(stopping.best(), Some((7, 0.1)));
    }

    #[test]
    fn losses_that_are_no_numbers_stop_too() {
        let mut stopping = EarlyStopping::new(2, 0.0).unwrap();
        assert_eq!([f64::NAN; 2].map(|loss| stopping.observe(loss)), [Waiting, Stop]);
        assert_eq!(stopping.best(), None);
        let mut stopping = EarlyStopping::new(1, 0.0).unwrap();
        assert_eq!(
            [f64::INFINITY, 3.0, f64::NAN].map(|loss| stopping.observe(loss)),
            [Improved, Improved, Stop]
        );
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(EarlyStopping::new(0, 0.0).is_err());
        assert!(EarlyStopping::new(1, -1.0).is_err());
        assert!(EarlyStopping::new(1, f64::NAN).is_err());
    }
}
