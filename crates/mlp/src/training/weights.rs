//! How much an example counts.

use tape::Matrix;

use crate::closed_form::check_shape;
use crate::labels::one_hot_class;
use crate::text::Short;
use crate::{Error, Loss, Mlp, Result, Scalar, Training, check_finite};

/// What an error calls them.
const WEIGHTS_OF_CLASSES: &str = "weights of the classes";

/// How much an example counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights<T> {
    pub(super) examples: Option<Matrix<T>>,
    pub(super) classes: Classes,
}

/// How much a class counts.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(super) enum Classes {
    /// As much as it has examples.
    #[default]
    AsTheyAre,
    /// As much as each other class.
    Balanced,
    Given(Vec<f64>),
}

impl<T> Default for Weights<T> {
    fn default() -> Self {
        Weights { examples: None, classes: Classes::default() }
    }
}

impl<T: Scalar> Weights<T> {
    /// The weight of every example, with a mean of 1; nothing if all count the same.
    pub(super) fn of_examples(&self, network: &Mlp<T>, y: &Matrix<T>) -> Result<Option<Matrix<T>>> {
        let m = y.columns();
        let mut weights = vec![1.0; m];
        let mut is_even = true;
        if let Some(given) = &self.examples {
            check_shape("weights of the examples", given, (1, m))?;
            check_finite("weights of the examples", given)?;
            // Before they meet those of the classes: two that are negative make one that is not.
            if let Some(example) = given.as_slice().iter().position(|weight| *weight < T::ZERO) {
                return Err(Error::Weight { value: given.as_slice()[example].to_f64(), example });
            }
            is_even = false;
            weights.iter_mut().zip(given.as_slice()).for_each(|(weight, given)| *weight = given.to_f64());
        }
        if self.classes != Classes::AsTheyAre {
            is_even = false;
            let (classes, count) = classes_of(network, y)?;
            let of_class = self.classes.weights(&classes, count)?;
            weights.iter_mut().zip(&classes).for_each(|(weight, &class)| *weight *= of_class[class]);
        }
        if is_even {
            return Ok(None);
        }
        if let Some(example) = weights.iter().position(|weight| !(*weight >= 0.0 && weight.is_finite())) {
            return Err(Error::Weight { value: weights[example], example });
        }
        let largest = weights.iter().copied().fold(0.0, f64::max);
        // Divided by the largest first: the sum neither overflows nor vanishes.
        let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
        if m > 0 && largest == 0.0 {
            return Err(Error::WeightSum { sum: 0.0 });
        }
        let scaled = |i: usize| T::from_f64(weights[i] / largest * (m as f64 / sum));
        Ok(Some(Matrix::from_fn(1, m, |_, i| scaled(i))))
    }
}

impl Classes {
    fn weights(&self, classes: &[usize], count: usize) -> Result<Vec<f64>> {
        match self {
            Classes::AsTheyAre => Ok(vec![1.0; count]),
            Classes::Given(weights) if weights.len() != count => {
                Err(Error::Length { list: WEIGHTS_OF_CLASSES, expected: count, found: weights.len() })
            }
            Classes::Given(weights) => {
                let is_wrong = |weight: &f64| !(weight.is_finite() && *weight >= 0.0);
                match weights.iter().position(is_wrong) {
                    None => Ok(weights.clone()),
                    Some(class) => {
                        let value = Short(weights[class]);
                        let reason = format!("that of class {class} is {value}, not finite and at least 0");
                        Err(Error::Setting { setting: WEIGHTS_OF_CLASSES, reason })
                    }
                }
            }
            Classes::Balanced => {
                let mut counts = vec![0_usize; count];
                classes.iter().for_each(|&class| counts[class] += 1);
                let occur = counts.iter().filter(|&&n| n > 0).count() as f64;
                Ok(counts.iter().map(|&n| classes.len() as f64 / (occur * n.max(1) as f64)).collect())
            }
        }
    }
}

/// The class of each example, and how many classes there are.
fn classes_of<T: Scalar>(network: &Mlp<T>, y: &Matrix<T>) -> Result<(Vec<usize>, usize)> {
    let refused = |reason: String| Err(Error::Setting { setting: WEIGHTS_OF_CLASSES, reason });
    let (loss, outputs) = (network.loss_function(), y.rows());
    match (loss, outputs) {
        (Loss::LogLoss, 1) | (Loss::SoftmaxCrossEntropy, _) => {}
        (Loss::LogLoss | Loss::SquaredError, _) => {
            return refused(format!("{loss} over {outputs} outputs has no classes"));
        }
    }
    let mut classes = Vec::with_capacity(y.columns());
    for i in 0..y.columns() {
        let column = y.column(i);
        let class = match column {
            [only] if *only == T::ZERO => Some(0),
            [only] if *only == T::ONE => Some(1),
            [_] => None,
            several => one_hot_class(several),
        };
        match class {
            Some(class) => classes.push(class),
            None => return refused(format!("example {i} has no single class")),
        }
    }
    Ok((classes, outputs.max(2)))
}

impl<T: Scalar> Training<T> {
    /// The labels after smoothing, if there is one.
    pub(super) fn smoothed(&self, network: &Mlp<T>, y: &Matrix<T>) -> Result<Option<Matrix<T>>> {
        if self.smoothing == 0.0 {
            return Ok(None);
        }
        let classes = match network.loss_function() {
            Loss::LogLoss => 2,
            Loss::SoftmaxCrossEntropy => y.rows(),
            Loss::SquaredError => {
                let reason = "squared_error has no classes".to_owned();
                return Err(Error::Setting { setting: "label smoothing", reason });
            }
        };
        let share = self.smoothing / classes as f64;
        Ok(Some(y.map(|label| T::from_f64(label.to_f64() * (1.0 - self.smoothing) + share))))
    }
}
