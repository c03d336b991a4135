//! Losses: eq. 5 on probabilities and on logits as operations, the others as expressions.

use std::borrow::Cow;

use crate::numbers::kernel::functions as k;
use crate::numbers::kernel::log_loss::are_soft;
use crate::ops::labels::{Labels, Weights};
use crate::ops::map::Function;
use crate::ops::zip::{IntoOperand, Zip};
use crate::ops::{Op, Paired};
use crate::tape::describe::described;
use crate::tape::notation::Notation;
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

/// −(y · ln a + (1 − y) · ln(1 − a)) elementwise (eq. 5); the operands are Y and A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LogLoss;

/// (1 − y) · softplus(z) + y · softplus(−z) elementwise: eq. 5 with a = σ(z); the operands are Y
/// and Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LogLossOnLogits;

/// σ(z) − y elementwise, the derivative of [`LogLossOnLogits`] with respect to z (eq. 8 ⊙ eq. 10);
/// the operands are Y and Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SigmoidMinus(pub(crate) Weights);

/// The loss and its derivative with respect to the logits.
impl<T: Scalar> Paired<T> for LogLossOnLogits {
    fn derivative(&self) -> Option<Op<T>> {
        Some(SigmoidMinus(Weights::Labels).into())
    }
    fn section_with_derivative(&self, x: &[&[T]], out: &mut [T], derivative: &mut [T]) -> Result<(), Fault> {
        let soft = check_labels(x[0])?;
        T::log_loss_and_derivative_into(x[0], x[1], soft, out, derivative);
        Ok(())
    }
}

fn labels_of_one_shape(operands: &[Shape]) -> Result<Shape, Mismatch> {
    if operands[0] == operands[1] {
        Ok(operands[0])
    } else {
        Err(Mismatch::new("labels and predictions differ in shape"))
    }
}

/// Whether a label is neither 0 nor 1. One outside [0, 1], NaN included, is a fault.
fn check_labels<T: Scalar>(y: &[T]) -> Result<bool, Fault> {
    are_soft(y).map_err(|(row, value)| Fault::Label { operand: 0, value, row, column: 0 })
}

/// A probability outside [0, 1], NaN included, is a fault.
fn check_probabilities<T: Scalar>(a: &[T]) -> Result<(), Fault> {
    match Labels::Probabilities.first_unfit(a) {
        None => Ok(()),
        Some((row, value)) => Err(Fault::Probability { operand: 1, value, row, column: 0 }),
    }
}

/// Evaluates a loss on whole matrices, labels first.
fn on_matrices<T: Scalar>(
    loss: &impl Elementwise<T>,
    x: &Operands<'_, T>,
    out: &mut MatrixMut<'_, T>,
) -> Result<(), Fault> {
    let (y, a) = (x.get(0), x.get(1));
    let done = loss.section(&[y.as_slice(), a.as_slice()], out.as_mut_slice(), x.m());
    done.map_err(|fault| fault.placed(y.rows(), 0))
}

impl<T: Scalar> Elementwise<T> for LogLoss {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        check_labels(x[0])?;
        check_probabilities(x[1])?;
        out.iter_mut().zip(x[0].iter().zip(x[1])).for_each(|(out, (&y, &a))| *out = k::log_loss(y, a));
        Ok(())
    }
}

impl<T: Scalar> Elementwise<T> for LogLossOnLogits {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        check_labels(x[0])?;
        T::log_loss_into(x[0], x[1], out);
        Ok(())
    }
}

impl<T: Scalar> Elementwise<T> for SigmoidMinus {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        let soft = match self.0 {
            Weights::Labels => check_labels(x[0])?,
            Weights::Any => true,
        };
        T::sigmoid_minus_into(x[0], x[1], soft, out);
        Ok(())
    }
}

impl<T: Scalar> Operation<T> for LogLoss {
    fn name(&self) -> Cow<'_, str> {
        "log_loss".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        labels_of_one_shape(operands)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        on_matrices(self, x, out)
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [y, a] = at.operands();
        let one = T::ONE.into_operand(y);
        at.contribute_elementwise(0, |g| g * ((one - a).ln() - a.ln())); // ∂ℒ/∂y = ln(1 − a) − ln a
        at.contribute_elementwise(1, |g| g * -(y / a - (one - y) / (one - a))); // eq. 8
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Call("ℒ".into())
    }
    fn flops(&self, _: &[(usize, usize)], out: (usize, usize)) -> u64 {
        5u64.saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
    }
}

impl<T: Scalar> Operation<T> for LogLossOnLogits {
    fn name(&self) -> Cow<'_, str> {
        "log_loss_on_logits".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        labels_of_one_shape(operands)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        on_matrices(self, x, out)
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [y, z] = at.operands();
        at.contribute_elementwise(0, |g| -(g * z)); // ∂ℒ/∂y = −z
        at.contribute_elementwise(1, |g| g * z.sigmoid_minus(y)); // ∂ℒ/∂z = σ(z) − y
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Call("log_loss_on_logits".into())
    }
    fn flops(&self, _: &[(usize, usize)], out: (usize, usize)) -> u64 {
        5u64.saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
    }
}

impl<T: Scalar> Operation<T> for SigmoidMinus {
    fn name(&self) -> Cow<'_, str> {
        "sigmoid_minus".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        labels_of_one_shape(operands)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        on_matrices(self, x, out)
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [_, z] = at.operands();
        at.contribute_negated(0); // ∂/∂y = −1
        at.contribute_elementwise(1, |g| g * z.map(&Function::SigmoidDerivative)); // ∂/∂z = σ′(z)
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Call("sigmoid_minus".into())
    }
    fn flops(&self, _: &[(usize, usize)], out: (usize, usize)) -> u64 {
        5u64.saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
    }
}

described! {
    LogLoss [2] {}
    LogLossOnLogits [2] {}
    SigmoidMinus [2] { 0: "weights" }
}

/// Labels of the log-loss beside what they are for.
#[track_caller]
fn beside<'t, T: Scalar>(
    labels: impl IntoOperand<'t, T>,
    other: Var<'t, T>,
    operation: &'static str,
) -> [Var<'t, T>; 2] {
    [Labels::Probabilities.or_mistake(labels.into_operand(other), other, operation), other]
}

/// # Losses
impl<'t, T: Scalar> Var<'t, T> {
    /// The log-loss of the probabilities A for labels Y in [0, 1], eq. 5, summed over the outputs:
    /// n × m becomes 1 × m.
    ///
    /// With 0 · ln 0 = 0. Over a sigmoid, programs compute it and its gradient from the logits, so
    /// that they are right where the sigmoid rounds to 0 or 1. A label outside [0, 1] is an error
    /// when the loss or its gradient is evaluated, and so is a probability outside [0, 1], NaN
    /// included; logits may be any numbers.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.parameter("z", &matrix![[1000.0]]);
    /// let y = tape.constant("y", &matrix![[0.0]]);
    /// let j = z.sigmoid().log_loss(y).mean();
    /// let [dz] = j.gradients([z]);
    /// assert_eq!((j.value()?[(0, 0)], dz.value()?[(0, 0)]), (1000.0, 1.0));
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn log_loss(self, labels: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(LogLoss, &beside(labels, self, "log_loss")).sum_of_rows()
    }

    /// The log-loss of σ(Z) for labels Y in [0, 1], from the logits Z: n × m becomes 1 × m.
    #[track_caller]
    pub fn log_loss_on_logits(self, labels: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(LogLossOnLogits, &beside(labels, self, "log_loss_on_logits")).sum_of_rows()
    }

    /// σ(Z) − Y, elementwise: the derivative of the log-loss with respect to the logits Z, eq. 8 ⊙
    /// eq. 10.
    ///
    /// No digit is lost where σ(z) is close to y, for labels between 0 and 1 too. A label outside
    /// [0, 1] is an error when it is evaluated.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.parameter("z", &matrix![[40.0]]);
    /// let error = z.sigmoid_minus(1.0);
    /// assert_eq!(error.value()?[(0, 0)], -4.248354255291589e-18);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn sigmoid_minus(self, labels: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(SigmoidMinus(Weights::Labels), &beside(labels, self, "sigmoid_minus"))
    }

    /// The squared error Σ (a − y)² over the outputs: n × m becomes 1 × m.
    #[track_caller]
    pub fn squared_error(self, targets: impl IntoOperand<'t, T>) -> Self {
        let operands = [self, targets.into_operand(self)];
        let difference = self.tape.push_called(Some(("squared_error", &operands)), Zip::Subtract, &operands);
        difference.square().sum_of_rows()
    }
}
