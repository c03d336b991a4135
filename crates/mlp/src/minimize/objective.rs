//! What is minimised: functions of a list of numbers.

use crate::{Error, Result, Scalar};

/// J as a function of θ, with its gradient.
///
/// A closure that computes both is one, and so is [`Recorded`](crate::minimize::Recorded), J of a
/// tape. J or a gradient that is not finite is no error: a minimiser takes a shorter step then.
pub trait Objective<T: Scalar> {
    /// J at θ; `gradient`, as long as θ, gets ∇J.
    ///
    /// # Errors
    /// What keeps it from being computed; it ends the minimisation.
    fn evaluate(&mut self, theta: &[T], gradient: &mut [T]) -> Result<T>;

    /// How many numbers θ has, if that is known.
    fn dimension(&self) -> Option<usize> {
        None
    }

    /// Told at the end which θ a minimiser returns, if it was not the last one.
    ///
    /// # Errors
    /// What keeps it from being told.
    fn finish(&mut self, theta: &[T]) -> Result<()> {
        let _ = theta;
        Ok(())
    }
}

impl<T: Scalar, F: FnMut(&[T], &mut [T]) -> T> Objective<T> for F {
    fn evaluate(&mut self, theta: &[T], gradient: &mut [T]) -> Result<T> {
        Ok(self(theta, gradient))
    }
}

/// J with products of its Hessian.
///
/// [`RecordedCurvature`](crate::minimize::RecordedCurvature) is one of a tape.
pub trait Curvature<T: Scalar>: Objective<T> {
    /// ∇²J(θ) · v, in `product`. It is asked for at the θ that was evaluated last, often with one v
    /// after the other.
    ///
    /// # Errors
    /// What keeps it from being computed; it ends the minimisation.
    fn hessian_product(&mut self, theta: &[T], v: &[T], product: &mut [T]) -> Result<()>;
}

/// Residuals r as a function of θ, whose squares are to be small: J = ½ ‖r‖².
///
/// [`RecordedResiduals`](crate::minimize::RecordedResiduals) is one of a tape.
pub trait Residuals<T: Scalar> {
    /// How many residuals there are.
    fn count(&self) -> usize;

    /// How many numbers θ has, if that is known.
    fn dimension(&self) -> Option<usize> {
        None
    }

    /// r at θ, in `residuals`.
    ///
    /// # Errors
    /// What keeps it from being computed; it ends the minimisation.
    fn residuals(&mut self, theta: &[T], residuals: &mut [T]) -> Result<()>;

    /// ∂r/∂θ, column by column: `jacobian[count · k + i]` = ∂rᵢ/∂θₖ. It is asked for at the θ whose
    /// residuals were computed last.
    ///
    /// # Errors
    /// What keeps it from being computed; it ends the minimisation.
    fn jacobian(&mut self, theta: &[T], jacobian: &mut [T]) -> Result<()>;

    /// Told at the end which θ a minimiser returns, if it was not the last one.
    ///
    /// # Errors
    /// What keeps it from being told.
    fn finish(&mut self, theta: &[T]) -> Result<()> {
        let _ = theta;
        Ok(())
    }
}

/// Whether a list of numbers to start from has no NaN and no ∞.
pub(super) fn check_finite<T: Scalar>(matrix: &'static str, list: &[T]) -> Result<()> {
    match list.iter().position(|x| !x.is_finite()) {
        Some(row) => Err(Error::NonFinite { matrix, value: list[row].to_f64(), row, column: 0 }),
        None => Ok(()),
    }
}

pub(super) fn check_dimension(expected: Option<usize>, found: usize) -> Result<()> {
    match expected {
        Some(expected) if expected != found => Err(Error::Length { list: "θ", expected, found }),
        Some(_) | None => Ok(()),
    }
}

/// n zeros.
pub(super) fn zeros<T: Scalar>(n: usize) -> Result<Vec<T>> {
    crate::shuffle::zeros("what a minimiser remembers", n)
}
