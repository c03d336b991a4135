//! What is found, and how it is said.

use std::fmt;

use tape::{EquationError, Matrix, Shape};

use super::catalogue::{Mistake, of_layer};
use super::{Kind, Quantity};
use crate::{Loss, Scalar};

/// A mistake, the quantity in whose equation it was made, and the one that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Finding {
    /// The mistake.
    pub mistake: Mistake,
    /// In whose equation it was made.
    pub made_in: Quantity,
    /// What was typed or computed, and is wrong because of it.
    pub target: Quantity,
    pub(super) layers: usize,
}

impl Finding {
    /// The number of the equation that was not followed: 26 where the slope is missing in ∂J/∂W\[l\], 28 where
    /// it is missing in what is propagated from layer l to the one before. `None` for the derivative of
    /// a loss that the textbook does not have.
    pub fn equation(&self, loss: Loss) -> Option<u8> {
        Some(match (self.made_in.kind(self.layers), self.target) {
            (Kind::Z, _) => 23,
            (Kind::A, _) => 24,
            (Kind::OutputDerivative, _) => return (loss == Loss::LogLoss).then_some(8),
            (Kind::ActivationDerivative, _) => 28,
            (Kind::Delta, target) if target.layer() < self.made_in.layer() => 28,
            (Kind::Delta, Quantity::Weights(_)) => 26,
            (Kind::Delta, Quantity::Bias(_)) => 27,
            (Kind::Delta, _) => 16,
            (Kind::Weights, _) => 26,
            (Kind::Bias, _) => 27,
        })
    }

    /// What was done, after the number of the equation: `without g′(Z[1])`.
    pub fn words(&self) -> String {
        let l = self.made_in.layer();
        let words = of_layer(self.mistake.words(), l, self.layers);
        match (self.mistake, self.made_in) {
            (Mistake::WithoutTranspose, Quantity::Weights(_)) => format!("{words}, which A[{}] needs", l - 1),
            (Mistake::WithoutTranspose, _) => format!("{words}, which W[{}] needs", l + 1),
            _ => words,
        }
    }

    /// `eq. 26 without g′(Z[1])`, with the quantity if it is another than the target.
    pub(super) fn sentence(&self, loss: Loss) -> String {
        let equation = match self.equation(loss) {
            Some(number) => format!("eq. {number}"),
            None => format!("the derivative of {loss}"),
        };
        let follows = self.made_in.layer() != self.target.layer()
            || matches!(self.made_in, Quantity::ActivationDerivative(_)) && self.made_in != self.target;
        let of = if follows { format!(" for {}", self.propagated()) } else { String::new() };
        format!("{equation}{of} {}", self.words())
    }

    /// What eq. 28 gives, where δ of a later layer is a part of it.
    fn propagated(&self) -> Quantity {
        match self.made_in {
            Quantity::Delta(l) if l > self.target.layer() => Quantity::ActivationDerivative(l - 1),
            other => other,
        }
    }
}

/// Where two matrices differ, on as small a network as shows it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Example<T: Scalar> {
    /// n_0, …, n_L.
    pub sizes: Vec<usize>,
    /// The number of examples.
    pub m: usize,
    /// X, Y and the parameters by name.
    pub leaves: Vec<(String, Matrix<T>)>,
    /// What it is about.
    pub quantity: Quantity,
    /// What the right equation gives.
    pub expected: Matrix<T>,
    /// What was found.
    pub found: Matrix<T>,
}

impl<T: Scalar> fmt::Display for Example<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::example_display(self, f)
    }
}

impl<T: Scalar> Example<T> {
    pub(crate) fn display_here(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.sizes.iter().map(usize::to_string).collect();
        write!(f, "on a network {} with m = {}", sizes.join("-"), self.m)?;
        for (name, value) in self.leaves.iter().filter(|(_, value)| value.as_slice().len() <= 4) {
            write!(f, ", {name} = {}", on_a_line(value))?;
        }
        let (expected, found) = (on_a_line(&self.expected), on_a_line(&self.found));
        write!(f, ": {} is {expected}, and not {found}", self.quantity)
    }
}

/// `[1 2; 3 4]`, of at most a few elements.
fn on_a_line<T: Scalar>(a: &Matrix<T>) -> String {
    const MOST: usize = 4;
    let number = |x: T| {
        let rounded = format!("{:.4}", x.to_f64());
        if rounded.contains('.') {
            rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            rounded
        }
    };
    if a.shape() == (1, 1) {
        return number(a[(0, 0)]);
    }
    let row = |i: usize| {
        let shown: Vec<String> = (0..a.columns().min(MOST)).map(|j| number(a[(i, j)])).collect();
        shown.join(" ") + if a.columns() > MOST { " …" } else { "" }
    };
    let rows: Vec<String> = (0..a.rows().min(MOST)).map(row).collect();
    format!("[{}{}]", rows.join("; "), if a.rows() > MOST { "; …" } else { "" })
}

/// What an equation is, beside the right one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Verdict<T: Scalar> {
    /// The very entry.
    Same,
    /// Another entry, with the same values on random networks and data: right, and written otherwise.
    EqualInValue {
        /// What is defined.
        quantity: Quantity,
    },
    /// A mistake that has a name.
    Mistake {
        /// Which, and where.
        finding: Finding,
        /// The loss, which decides about the number of the equation.
        loss: Loss,
    },
    /// The shapes do not fit.
    Shape {
        /// What is defined.
        quantity: Quantity,
        /// The shape that it would have, if it has one.
        would_be: Option<Shape>,
        /// The shape that it must have.
        must_be: Shape,
        /// What cannot be recorded, if that is so.
        error: Option<EquationError>,
        /// The mistake, if it has a name.
        finding: Option<Finding>,
        /// The loss.
        loss: Loss,
    },
    /// Something else.
    Different {
        /// What is defined.
        quantity: Quantity,
        /// The first quantity in it, from the output on, that is not as its equation says.
        first: Quantity,
        /// What stands there.
        stands: String,
        /// What belongs there.
        belongs: String,
        /// A small network on which the values differ.
        example: Option<Box<Example<T>>>,
    },
}

impl<T: Scalar> Verdict<T> {
    /// Whether the equation is right.
    pub fn is_right(&self) -> bool {
        matches!(self, Verdict::Same | Verdict::EqualInValue { .. })
    }

    /// The mistake, if it has a name.
    pub fn mistake(&self) -> Option<Mistake> {
        self.finding().map(|finding| finding.mistake)
    }

    /// The mistake with its place, if it has a name.
    pub fn finding(&self) -> Option<Finding> {
        match self {
            Verdict::Mistake { finding, .. } => Some(*finding),
            Verdict::Shape { finding, .. } => *finding,
            Verdict::Same | Verdict::EqualInValue { .. } | Verdict::Different { .. } => None,
        }
    }
}

/// A sentence.
impl<T: Scalar> fmt::Display for Verdict<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::verdict_display(self, f)
    }
}

impl<T: Scalar> Verdict<T> {
    pub(crate) fn display_here(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Same => f.write_str("the same entry: it is right"),
            Verdict::EqualInValue { quantity } => {
                write!(f, "{quantity} is equal in value, not in form: it is right, and written otherwise")
            }
            Verdict::Mistake { finding, loss } => {
                write!(f, "{} is {}", finding.target, finding.sentence(*loss))
            }
            Verdict::Shape { quantity, would_be, must_be, error, finding, loss } => {
                match (would_be, error) {
                    (Some(would_be), _) => {
                        write!(f, "{quantity} would be {would_be}, and must be {must_be}")?
                    }
                    (None, Some(error)) => write!(f, "{quantity} must be {must_be}, and cannot be computed")
                        .and_then(|()| if finding.is_none() { write!(f, ": {error}") } else { Ok(()) })?,
                    (None, None) => write!(f, "{quantity} must be {must_be}")?,
                }
                match finding {
                    Some(finding) => write!(f, ": it is {}", finding.sentence(*loss)),
                    None => Ok(()),
                }
            }
            Verdict::Different { quantity, first, stands, belongs, example } => {
                write!(f, "{quantity} is another one")?;
                write!(f, ": in {first} stands {stands} where {belongs} belongs")?;
                match example {
                    Some(example) => write!(f, "; {example}"),
                    None => Ok(()),
                }
            }
        }
    }
}
