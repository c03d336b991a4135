//! Rules that know no tape, by the same laws.

use std::panic::Location;

use crate::check::case::Case;
use crate::check::subject::{Result, Subject};
use crate::check::{Broken, Check, Failure, Summary, laws};
use crate::{Matrix, Scalar};

/// A function of matrices with its vector–Jacobian product, written by hand or in another library.
///
/// ```
/// use tape::Matrix;
/// use tape::check::{Check, Rule};
/// use tape::matrix;
///
/// /// Each element squared.
/// struct Square;
/// impl Rule<f64> for Square {
///     fn value(&self, x: &[Matrix<f64>]) -> Matrix<f64> {
///         x[0].map(|x| x * x)
///     }
///     fn vjp(&self, x: &[Matrix<f64>], u: &Matrix<f64>) -> Vec<Matrix<f64>> {
///         let (rows, columns) = u.shape();
///         vec![Matrix::from_fn(rows, columns, |i, j| 2.0 * x[0][(i, j)] * u[(i, j)])]
///     }
/// }
/// Check::new().rule(&[matrix![[0.5, -1.0]]], &Square)?;
/// # Ok::<(), tape::check::Failure>(())
/// ```
pub trait Rule<T: Scalar> {
    /// f(x).
    fn value(&self, x: &[Matrix<T>]) -> Matrix<T>;

    /// Jᵀ·u for each operand, of the operand's shape; u has the shape of f(x).
    fn vjp(&self, x: &[Matrix<T>], u: &Matrix<T>) -> Vec<Matrix<T>>;
}

struct OfRule<'a, R> {
    rule: &'a R,
    /// Of f(x).
    shape: (usize, usize),
}

impl<T: Scalar, R: Rule<T>> Subject<T> for OfRule<'_, R> {
    /// A rule may give another number of matrices, or other shapes, at every call.
    fn first(&mut self, x: &[Matrix<T>], u: &Matrix<T>) -> Result<Vec<Matrix<T>>> {
        let mut all = vec![self.rule.value(x)];
        all.extend(self.rule.vjp(x, u));
        let (operands, gradients) = (x.len(), all.len() - 1);
        if gradients != operands {
            return Err(Broken::Count { operands, gradients }.into());
        }
        let shapes = [self.shape].into_iter().chain(x.iter().map(Matrix::shape));
        let pairs = all.iter().map(Matrix::shape).zip(shapes).enumerate();
        let broken = pairs.filter(|(_, (found, expected))| found != expected);
        let broken: Vec<_> = broken
            .map(|(i, (found, expected))| Broken::Shape { operand: i.checked_sub(1), expected, found })
            .collect();
        if broken.is_empty() { Ok(all) } else { Err(broken.into()) }
    }

    fn higher(&mut self, _: &[Matrix<T>], _: &Matrix<T>, _: &[Vec<Matrix<T>>]) -> Result<Vec<Matrix<T>>> {
        unreachable!("a rule is checked to order 1: it has no other derivatives")
    }
}

/// # Without a tape
impl Check {
    /// Checks a function and its vector–Jacobian product that know no tape: reproducibility, shapes,
    /// zero cotangent, linearity, and the derivative of order 1.
    ///
    /// # Errors
    /// The broken laws; [`Broken::Count`] if the rule gives another number of gradients than there are
    /// operands.
    #[track_caller]
    pub fn rule<T: Scalar>(&self, inputs: &[Matrix<T>], rule: &impl Rule<T>) -> Result<Summary, Failure> {
        let place = Location::caller();
        self.rule_at(inputs, rule)
            .map_err(|failure| failure.of(|| Case::new(self, place, Vec::new(), inputs, "rule(&inputs, …)")))
    }

    fn rule_at<T: Scalar>(&self, inputs: &[Matrix<T>], rule: &impl Rule<T>) -> Result<Summary, Failure> {
        let shape = rule.value(inputs).shape();
        laws::run_rule(self, inputs, OfRule { rule, shape }, shape)
    }
}
