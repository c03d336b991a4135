//! Predictions beside what they are of.

use tape::Matrix;

use super::check;
use super::weights::Weights;
use crate::shuffle::with_room;
use crate::{Error, Result, Scalar};

/// The predictions `a` and the labels `y`, of one shape with a row and a column at least, in `f64`,
/// with the weights of the examples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pairs {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Column by column.
    pub(super) a: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) weights: Weights,
}

impl Pairs {
    /// With the weights given, or else with equal ones.
    pub(super) fn new<T: Scalar>(
        a: &Matrix<T>,
        y: &Matrix<T>,
        weights: Option<&[f64]>,
        what: &'static str,
    ) -> Result<Self> {
        check(a, y, what)?;
        let (rows, columns) = a.shape();
        if rows == 0 {
            return Err(Error::Shape {
                matrix: "A".to_string(),
                expected: (1, columns),
                found: (0, columns),
            });
        }
        let weights = match weights {
            None => Weights::equal(columns),
            Some(weights) => Weights::new(weights, columns)?,
        };
        Ok(Pairs { rows, columns, a: numbers(a)?, y: numbers(y)?, weights })
    }

    /// The predictions of an example.
    pub(super) fn a(&self, i: usize) -> &[f64] {
        &self.a[i * self.rows..][..self.rows]
    }

    /// The labels of an example.
    pub(super) fn y(&self, i: usize) -> &[f64] {
        &self.y[i * self.rows..][..self.rows]
    }

    /// Whether the predictions and the labels are in [0, 1].
    pub(super) fn check_probabilities(&self) -> Result<()> {
        let is_probability = |p: f64| (0.0..=1.0).contains(&p);
        if let Some(at) = self.a.iter().position(|&a| !is_probability(a)) {
            let (row, column) = (at % self.rows, at / self.rows);
            return Err(Error::Probability { value: self.a[at], row, column });
        }
        self.check_labels("in [0, 1]", is_probability)
    }

    /// Whether the labels are 0 and 1.
    pub(super) fn check_no_shares(&self) -> Result<()> {
        self.check_labels("0 or 1", |y| y == 0.0 || y == 1.0)
    }

    fn check_labels(&self, expected: &'static str, fits: impl Fn(f64) -> bool) -> Result<()> {
        match self.y.iter().position(|&y| !fits(y)) {
            None => Ok(()),
            Some(at) => {
                let (row, column) = (at % self.rows, at / self.rows);
                Err(Error::Label { value: self.y[at], row, column, expected })
            }
        }
    }

    /// The weighted mean of f(example).
    pub(super) fn mean(&self, f: impl Fn(usize) -> f64) -> f64 {
        self.weights.mean(self.columns, f)
    }
}

/// −(y ln a + (1 − y) ln(1 − a)), eq. 5; 0 · ln 0 is 0.
pub(super) fn log_loss_of(a: f64, y: f64) -> f64 {
    // ln(1 − a) as ln_1p(−a), which keeps the digits of a small a. Added to 0, since −ln 1 is −0.
    0.0 - times_ln(y, a.ln()) - times_ln(1.0 - y, (-a).ln_1p())
}

/// y ln a, of ln a; 0 for y = 0, the limit.
pub(super) fn times_ln(y: f64, ln: f64) -> f64 {
    if y == 0.0 { 0.0 } else { y * ln }
}

/// The elements as `f64`, column by column.
fn numbers<T: Scalar>(a: &Matrix<T>) -> Result<Vec<f64>> {
    let mut numbers = with_room("metrics", a.as_slice().len())?;
    numbers.extend(a.iter().map(|x| x.to_f64()));
    Ok(numbers)
}
