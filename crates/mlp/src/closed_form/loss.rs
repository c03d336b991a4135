//! ℒ and where its derivative enters the network.

use tape::{Matrix, Scalar};

use super::function::{g_derivative, sigmoid, softplus};
use super::{map, zip};
use crate::{Activation, Error, Loss, Result};

/// What the loss sees of a network.
pub(super) struct Output<'a, T: Scalar> {
    pub(super) loss: Loss,
    /// g of the last layer.
    pub(super) g: &'a Activation<T>,
    /// Z\[L\].
    pub(super) z: &'a Matrix<T>,
    /// A\[L\].
    pub(super) a: &'a Matrix<T>,
    pub(super) y: &'a Matrix<T>,
}

impl<T: Scalar> Output<'_, T> {
    /// Whether this is log-loss on a sigmoid, where all is known from the logits z alone.
    ///
    /// Far from 0 a is 0 or 1 after rounding, and eq. 5 and 8 on a have lost what z still knows.
    fn is_sigmoid_log_loss(&self) -> bool {
        self.loss == Loss::LogLoss && *self.g == Activation::Sigmoid
    }

    /// J = 1/m · Σ_i ℒ (eq. 25).
    pub(super) fn j(&self) -> T {
        let sum: T = match self.loss {
            // −ln σ(z) = softplus(−z) and −ln(1 − σ(z)) = softplus(z).
            Loss::LogLoss if self.is_sigmoid_log_loss() => {
                total(&zip(self.y, self.z, |y, z| y * softplus(-z) + (T::ONE - y) * softplus(z)))
            }
            Loss::LogLoss => total(&zip(self.y, self.a, log_loss)),
            Loss::SquaredError => total(&zip(self.y, self.a, |y, a| (a - y) * (a - y))),
            // −ln softmax(a)ₖ = ln Σⱼ e^aⱼ − aₖ.
            Loss::SoftmaxCrossEntropy => {
                let normalizers = log_sum_exp(self.a);
                total(&Matrix::from_fn(self.a.rows(), self.a.columns(), |k, i| {
                    self.y[(k, i)] * (normalizers[i] - self.a[(k, i)])
                }))
            }
        };
        sum / T::from_usize(self.y.columns())
    }

    /// ∂ℒ/∂A\[L\]; for log-loss eq. 8.
    pub(super) fn da(&self) -> Matrix<T> {
        match self.loss {
            // Eq. 8 with 1 − a = σ(−z).
            Loss::LogLoss if self.is_sigmoid_log_loss() => {
                zip(self.y, self.z, |y, z| -(share(y, sigmoid(z)) - share(T::ONE - y, sigmoid(-z))))
            }
            Loss::LogLoss => zip(self.y, self.a, |y, a| -(share(y, a) - share(T::ONE - y, T::ONE - a))),
            Loss::SquaredError => zip(self.y, self.a, |y, a| (a - y) + (a - y)),
            // ∂/∂aₖ Σⱼ yⱼ (ln Σ e^a − aⱼ) = (Σⱼ yⱼ) softmax(a)ₖ − yₖ; Σⱼ yⱼ = 1 where Y is one-hot.
            Loss::SoftmaxCrossEntropy => {
                let normalizers = log_sum_exp(self.a);
                Matrix::from_fn(self.a.rows(), self.a.columns(), |k, i| {
                    let weight: T = self.y.view().column(i).iter().copied().sum();
                    weight * (self.a[(k, i)] - normalizers[i]).exp() - self.y[(k, i)]
                })
            }
        }
    }

    /// ∂ℒ/∂Z\[L\] = ∂ℒ/∂A\[L\] ⊙ g′(Z\[L\]) (eq. 16).
    ///
    /// For log-loss on a sigmoid this is eq. 8 ⊙ eq. 10, −(y/σ(z) − (1 − y)/σ(−z)) · σ(z)σ(−z), simplified to
    /// −(y σ(−z) − (1 − y) σ(z)) = a − y: the product would be ∞ · 0 from |z| ≈ 745 on, and a − y would round to 0 for
    /// y = 1 from z ≈ 37 on.
    pub(super) fn dz(&self) -> Matrix<T> {
        if self.is_sigmoid_log_loss() {
            return zip(self.y, self.z, |y, z| -(y * sigmoid(-z) - (T::ONE - y) * sigmoid(z)));
        }
        zip(&self.da(), &map(self.z, |z| g_derivative(self.g, z)), |da, dg| da * dg)
    }
}

/// Eq. 5 for one output, where 0 · ln 0 = 0.
fn log_loss<T: Scalar>(y: T, a: T) -> T {
    let term = |weight: T, p: T| if weight == T::ZERO { T::ZERO } else { weight * p.ln() };
    -(term(y, a) + term(T::ONE - y, T::ONE - a))
}

/// A term of eq. 8: weight / p, which is 0 where the weight is, as the derivative of 0 · ln p.
fn share<T: Scalar>(weight: T, p: T) -> T {
    if weight == T::ZERO { T::ZERO } else { weight / p }
}

/// ln Σₖ e^aₖ of every column: the largest is taken out, so that nothing overflows.
fn log_sum_exp<T: Scalar>(a: &Matrix<T>) -> Vec<T> {
    let of_column = |i: usize| {
        let column = a.view().column(i);
        let largest = column.iter().fold(-T::INFINITY, |largest, &a| if a > largest { a } else { largest });
        largest + column.iter().map(|&a| (a - largest).exp()).sum::<T>().ln()
    };
    (0..a.columns()).map(of_column).collect()
}

fn total<T: Scalar>(a: &Matrix<T>) -> T {
    a.as_slice().iter().copied().sum()
}

/// Log-loss is a loss only for labels in [0, 1].
pub(super) fn check_labels<T: Scalar>(y: &Matrix<T>, loss: Loss) -> Result<()> {
    if loss != Loss::LogLoss {
        return Ok(());
    }
    for column in 0..y.columns() {
        for row in 0..y.rows() {
            let value = y[(row, column)];
            if !(T::ZERO <= value && value <= T::ONE) {
                return Err(Error::Label { value: value.to_f64(), row, column, expected: "in [0, 1]" });
            }
        }
    }
    Ok(())
}
