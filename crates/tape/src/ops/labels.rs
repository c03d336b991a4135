//! What the labels of a loss have to be.

use crate::Scalar;
use crate::numbers::kernel::log_loss::{first_outside_0_to_1, first_without};
use crate::ops::Op;
use crate::ops::log_loss::SigmoidMinus;
use crate::ops::softmax::{Of, Softmax};
use crate::tape::describe::words;
use crate::{Error, Var};

/// What labels have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labels {
    /// In [0, 1], as for the log-loss.
    Probabilities,
    /// Not negative, as for the cross-entropy.
    Shares,
}

/// What the Y of a difference σ(z) − y or softmax(z)·Σy − y are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Weights {
    /// Labels, which are looked at.
    Labels,
    /// Any numbers: a cotangent, or what a formula that is spelled out has in the place of labels.
    Any,
}

words!(Weights { Labels "labels", Any "any" });

impl Labels {
    /// What an operation asks of its first operand, if that are labels.
    pub(crate) fn asked_by<T: Scalar>(op: &Op<T>) -> Option<Self> {
        match op {
            Op::LogLoss(_) | Op::LogLossOnLogits(_) | Op::SigmoidMinus(SigmoidMinus(Weights::Labels)) => {
                Some(Labels::Probabilities)
            }
            Op::Softmax(Softmax { of: Of::CrossEntropy | Of::Minus(Weights::Labels), .. }) => {
                Some(Labels::Shares)
            }
            _ => None,
        }
    }

    /// The loss that messages name.
    pub(crate) fn loss(self) -> &'static str {
        match self {
            Labels::Probabilities => "log_loss",
            Labels::Shares => "softmax_cross_entropy",
        }
    }

    /// What messages say that a label has to be.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Labels::Probabilities => "in [0, 1]",
            Labels::Shares => "a finite number from 0 on",
        }
    }

    /// The first number that is no label, NaN included.
    pub(crate) fn first_unfit<T: Scalar>(self, y: &[T]) -> Option<(usize, f64)> {
        match self {
            Labels::Probabilities => first_outside_0_to_1(y),
            Labels::Shares => first_without(y, |y| (y >= T::ZERO) & (y < T::INFINITY)),
        }
    }

    /// The labels, or the mistake that they are a number that is none: it is known when the loss is
    /// recorded. A number of another tape is left to be refused as such.
    #[track_caller]
    pub(crate) fn or_mistake<'t, T: Scalar>(
        self,
        labels: Var<'t, T>,
        beside: Var<'t, T>,
        operation: &'static str,
    ) -> Var<'t, T> {
        let of_one_tape = std::ptr::eq(labels.tape, beside.tape);
        let number = labels.as_number().filter(|number| of_one_tape && number.m == 0);
        match number.and_then(|number| self.first_unfit(&[number.c])) {
            None => labels,
            Some((_, value)) => labels.tape.mistake(Error::Label {
                operation,
                value,
                row: 0,
                column: 0,
                labels: labels.label(),
                expected: self.expected(),
                at: labels.tape.place(),
            }),
        }
    }
}
