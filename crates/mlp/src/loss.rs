//! The losses ℒ.

use std::fmt;
use std::str::FromStr;

use crate::{Activation, Error, Result, Scalar};

/// The loss ℒ of one example, summed over the outputs; J is its mean over the examples (eq. 25).
///
/// | loss | ℒ(y, a) | output activation it is meant for | labels |
/// |---|---|---|---|
/// | log-loss | −Σₖ (yₖ ln aₖ + (1 − yₖ) ln(1 − aₖ)), eq. 5 | sigmoid | in [0, 1] |
/// | squared error | Σₖ (aₖ − yₖ)² | identity | finite |
/// | softmax cross-entropy | −Σₖ yₖ ln softmax(a)ₖ | identity: a holds logits | finite, not negative, each column adds up to 1 |
///
/// Labels that are no such are refused by whatever takes them, with their row and column. The
/// labels of a column may miss 1 by [`LABEL_SUM_TOLERANCE`](Loss::LABEL_SUM_TOLERANCE).
///
/// Classes 0, 1, …, n − 1 are labels for softmax cross-entropy as [`one_hot`](crate::one_hot) makes
/// them. **It has to be asked for**: of a network whose [loss is left out](crate::MlpBuilder::loss)
/// the last layer decides, and the identity may as well mean a quantity. Such a network refuses
/// one-hot labels with [`Error::ForgottenLoss`].
///
/// ```
/// use mlp::{Activation, Loss};
/// assert_eq!(Loss::LogLoss.output_activation::<f64>(), Activation::Sigmoid);
/// assert_eq!("squared_error".parse(), Ok(Loss::SquaredError));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Eq. 5 on probabilities a ∈ [0, 1], with labels y ∈ [0, 1]; for n_L > 1 each output answers
    /// its own question.
    LogLoss,
    /// (a − y)², without a factor ½.
    SquaredError,
    /// Cross-entropy of the softmax of a column of logits; a column of Y is one-hot or a
    /// distribution.
    SoftmaxCrossEntropy,
}

impl Loss {
    /// How far from 1 the labels of a column may add up for softmax cross-entropy: room for shares
    /// that were rounded to three or more digits, or computed in `f32`, and none for a second
    /// class, a missing one or percents.
    pub const LABEL_SUM_TOLERANCE: f64 = 1e-3;

    /// Every loss.
    pub const ALL: [Loss; 3] = [Loss::LogLoss, Loss::SquaredError, Loss::SoftmaxCrossEntropy];

    /// Its name, which is parsed back.
    pub fn name(self) -> &'static str {
        match self {
            Loss::LogLoss => "log_loss",
            Loss::SquaredError => "squared_error",
            Loss::SoftmaxCrossEntropy => "softmax_cross_entropy",
        }
    }

    /// The output activation that the loss is meant for.
    /// [`MlpBuilder::build`](crate::MlpBuilder::build) tells which others are possible.
    pub fn output_activation<T: Scalar>(self) -> Activation<T> {
        match self {
            Loss::LogLoss => Activation::Sigmoid,
            Loss::SquaredError | Loss::SoftmaxCrossEntropy => Activation::Identity,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Loss {
    type Err = Error;

    /// Case does not matter, and a space or hyphen stands for the underscore.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim().to_lowercase().replace([' ', '-'], "_");
        Loss::ALL.into_iter().find(|loss| loss.name() == name).ok_or_else(|| Error::UnknownName {
            what: "loss",
            name: text.to_string(),
            known: Loss::ALL.map(Loss::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_parsed_back() {
        for loss in Loss::ALL {
            assert_eq!(loss.to_string().parse(), Ok(loss));
        }
        assert_eq!("Log-Loss".parse(), Ok(Loss::LogLoss));
        assert_eq!(
            "hinge".parse::<Loss>().unwrap_err().to_string(),
            "loss: \"hinge\" is not known, known are log_loss, squared_error, softmax_cross_entropy"
        );
    }
}
