//! Losses of predictions and targets.

use crate::ops::zip::{IntoOperand, Zip};
use crate::{Scalar, Var};

/// # Losses for regression
impl<'t, T: Scalar> Var<'t, T> {
    /// Huber's loss elementwise: with r = |a − y| it is r²/2 where r ≤ δ, else δ·(r − δ/2).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[0.5, -3.0]]);
    /// let loss = a.huber_loss(0.0, 1.0);
    /// assert_eq!(loss.value()?, matrix![[0.125, 2.5]]);
    /// assert_eq!(loss.sum().gradients([a])[0].value()?, matrix![[0.5, -1.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// A δ that is not positive is an error. Where r is ∞ the derivative is NaN.
    #[track_caller]
    pub fn huber_loss(self, targets: impl IntoOperand<'t, T>, delta: T) -> Self {
        if delta.is_nan() || delta <= T::ZERO {
            return self.tape.refused("huber_loss", format!("δ = {delta} is not positive"));
        }
        let error = self - targets.into_operand(self);
        // With c = a − y limited to [−δ, δ] it is c²/2 + δ·(|a − y| − |c|).
        let limited = error.clamp(-delta, delta);
        let half = T::from_f64(0.5);
        limited * (error - limited * half)
    }

    /// The quantile loss elementwise: with r = y − a it is τ·r where r ≥ 0, else (τ − 1)·r. Its mean
    /// is least where a is the τ-quantile of y (Koenker and Bassett 1978).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[1.0, 1.0]]);
    /// let y = tape.constant("y", &matrix![[3.0, -1.0]]);
    /// assert_eq!(a.quantile_loss(y, 0.75).value()?, matrix![[1.5, 0.5]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// A τ that is not in (0, 1) is an error.
    #[track_caller]
    pub fn quantile_loss(self, targets: impl IntoOperand<'t, T>, tau: T) -> Self {
        let is_share = tau > T::ZERO && tau < T::ONE;
        if !is_share {
            return self.tape.refused("quantile_loss", format!("τ = {tau} is not in (0, 1)"));
        }
        let error = self.tape.push(Zip::Subtract, &[targets.into_operand(self), self]);
        (error * tau).maximum(error * (tau - T::ONE))
    }
}
