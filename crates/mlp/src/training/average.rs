//! A moving average of the parameters.

use crate::training::parameters::Parameters;
use crate::training::step::Followed;
use crate::{Result, Scalar};
use tape::Program;

/// θ̄ ← β θ̄ + (1 − β) θ after every step, from the first parameters on.
#[derive(Debug, Clone)]
pub(super) struct Average<T> {
    beta: T,
    rest: T,
    values: Parameters<T>,
}

impl<T: Scalar> Average<T> {
    pub(super) fn new(beta: f64, first: Parameters<T>) -> Self {
        Average { beta: T::from_f64(beta), rest: T::from_f64(1.0 - beta), values: first }
    }

    pub(super) fn values(&self) -> &Parameters<T> {
        &self.values
    }

    pub(super) fn values_mut(&mut self) -> &mut Parameters<T> {
        &mut self.values
    }

    /// After a step.
    pub(super) fn follow(&mut self, program: &Program<T>, followed: &[Followed]) -> Result<()> {
        let mut rest = &mut self.values.0[..];
        for followed in followed {
            let (of_it, others) = rest.split_at_mut(followed.size());
            rest = others;
            let now = program.view(followed.parameter)?;
            for (mean, &value) in of_it.iter_mut().zip(now.as_slice()) {
                *mean = self.beta * *mean + self.rest * value;
            }
        }
        Ok(())
    }
}
