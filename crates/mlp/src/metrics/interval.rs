//! A number with the ends of an interval for it.

use std::fmt;

use crate::sum::sum;

/// A metric with an interval for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The metric of the examples as they are.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The standard deviation of the replicates, with n − 1.
    pub standard_error: f64,
    /// How often such an interval should hold the value of all examples that there could be.
    pub level: f64,
    /// How many replicates there were.
    pub replicates: usize,
    /// For how many of them the metric was undefined, as ROC AUC is without an example of a class.
    /// They are left out.
    pub undefined: usize,
}

impl Interval {
    /// Whether the value is in it, ends included. If the interval of a difference does not hold 0,
    /// the difference is more than the choice of the examples.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl fmt::Display for Interval {
    /// The metric and the ends, with 4 decimals if no other number is asked for.
    ///
    /// ```
    /// use mlp::metrics::Bootstrap;
    /// let interval = Bootstrap::new(0).interval(5, |_| Ok(0.5))?;
    /// assert_eq!(format!("{interval:.2}"), "0.50 [0.50, 0.50] at 95 %");
    /// # Ok::<(), mlp::Error>(())
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (decimals, level) = (f.precision().unwrap_or(4), (1e8 * self.level).round() / 1e6);
        let Interval { estimate, low, high, .. } = self;
        write!(f, "{estimate:.decimals$} [{low:.decimals$}, {high:.decimals$}] at {level} %")
    }
}

/// The standard deviation, with n − 1.
pub(super) fn deviation(values: &[f64]) -> f64 {
    let n = values.len();
    if values.iter().all(|value| *value == values[0]) {
        return 0.0;
    }
    let mean = sum(0..n, &|i| values[i] / n as f64);
    (sum(0..n, &|i| (values[i] - mean).powi(2)) / (n - 1) as f64).sqrt()
}

/// The number below which the share `p` of the sorted values is, between two of them linearly: the
/// value at place p (n − 1), counted from 0.
pub(super) fn percentile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (before, after) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    if before == after { before } else { before + (place - place.floor()) * (after - before) }
}
