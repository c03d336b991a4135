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
    /// The standard deviation of the replicates, with n − 1; ∞ if one of them is ±∞.
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

/// The standard deviation, with n − 1; ∞ if a value is ±∞ and another one is not.
pub(super) fn deviation(values: &[f64]) -> f64 {
    let n = values.len();
    if values.iter().all(|value| *value == values[0]) {
        return 0.0;
    }
    if values.iter().any(|value| value.is_infinite()) {
        return f64::INFINITY;
    }
    crate::vectors::deviation(values, sum(0..n, &|i| values[i] / n as f64))
}

/// The number below which the share `p` of the sorted values is, between two of them linearly: the
/// value at place p (n − 1), counted from 0.
pub(super) fn percentile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (before, after) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    let part = place - place.floor();
    if before == after || before.is_infinite() {
        before
    } else if (after - before).is_finite() || after.is_infinite() {
        before + part * (after - before)
    } else {
        (1.0 - part) * before + part * after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinite_and_huge_values_make_no_nan() {
        let (infinite, huge) = (f64::INFINITY, 1.5e308);
        assert_eq!(percentile(&[-infinite, 1.0, 2.0], 0.25), -infinite);
        assert_eq!(percentile(&[-infinite, infinite], 0.5), -infinite);
        assert_eq!(percentile(&[1.0, infinite], 0.25), infinite);
        assert_eq!(percentile(&[1.0, infinite], 0.0), 1.0);
        assert_eq!(percentile(&[-huge, huge], 0.75), 0.5 * huge);
        assert_eq!(deviation(&[1.0, infinite, 2.0]), infinite);
        assert_eq!(deviation(&[1.0, -infinite, infinite]), infinite);
        assert_eq!(deviation(&[infinite; 3]), 0.0);
        assert!((deviation(&[-0.5 * huge, 0.5 * huge]) / (huge * 0.5_f64.sqrt()) - 1.0).abs() < 1e-15);
        assert_eq!(deviation(&[1.0, 3.0]), 2.0_f64.sqrt());
        let some: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { huge } else { 0.0 }).collect();
        assert!((deviation(&some) / (0.5 * huge * (100.0_f64 / 99.0).sqrt()) - 1.0).abs() < 1e-13);
    }
}
