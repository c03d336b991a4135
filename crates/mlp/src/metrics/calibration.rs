//! Whether what is said to be 70 % likely happens seven times in ten.

use std::fmt;

use crate::sum::sum;

/// The examples whose predicted probability is in (low, high\], or in \[0, high\] for the first
/// bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationBin {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How many examples there are. Those of weight 0 count too.
    pub examples: usize,
    /// The share of all examples' weight that they have.
    pub share: f64,
    /// The mean of their predicted probabilities; `None` if they have no weight.
    pub predicted: Option<f64>,
    /// The share of them for which the prediction came true; `None` if they have no weight.
    pub observed: Option<f64>,
}

/// A table of predicted probabilities beside the shares that came true, in bins of equal width;
/// made by [`ClassProbabilities::calibration`](super::ClassProbabilities::calibration).
///
/// ```
/// use mlp::metrics::ClassProbabilities;
/// use tape::matrix;
/// let (a, y) = (matrix![[0.1, 0.2, 0.3, 0.9]], matrix![[0.0, 1.0, 0.0, 1.0]]);
/// let calibration = ClassProbabilities::new(&a, &y)?.calibration(2)?;
/// assert_eq!(calibration.to_string(), "\
/// predicted      examples    mean  came true
/// 0.000 – 0.500         3  0.2000     0.3333
/// 0.500 – 1.000         1  0.9000     1.0000
/// expected calibration error 0.1250
/// ");
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub(super) bins: Vec<CalibrationBin>,
}

impl Calibration {
    /// The bins, from 0 to 1.
    pub fn bins(&self) -> &[CalibrationBin] {
        &self.bins
    }

    /// ECE = Σ share · |observed − predicted| over the bins (Naeini, Cooper, Hauskrecht 2015; Guo,
    /// Pleiss, Sun, Weinberger 2017).
    pub fn expected_error(&self) -> f64 {
        sum(0..self.bins.len(), &|k| self.bins[k].share * self.bins[k].error())
    }

    /// The largest |observed − predicted| of the bins.
    pub fn largest_error(&self) -> f64 {
        self.bins.iter().map(CalibrationBin::error).fold(0.0, f64::max)
    }
}

impl CalibrationBin {
    fn error(&self) -> f64 {
        match (self.observed, self.predicted) {
            (Some(observed), Some(predicted)) => (observed - predicted).abs(),
            (None, _) | (_, None) => 0.0,
        }
    }
}

impl fmt::Display for Calibration {
    /// A row for every bin with examples, and the expected calibration error below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "predicted      examples    mean  came true")?;
        for bin in &self.bins {
            let (Some(predicted), Some(observed)) = (bin.predicted, bin.observed) else { continue };
            let (low, high, examples) = (bin.low, bin.high, bin.examples);
            writeln!(f, "{low:.3} – {high:.3}  {examples:>8}  {predicted:.4}     {observed:.4}")?;
        }
        writeln!(f, "expected calibration error {:.4}", self.expected_error())
    }
}
