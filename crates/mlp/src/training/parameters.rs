//! The values of all trained parameters, copied out of a program and back.

use crate::training::step::Step;
use crate::{Error, Result, Scalar};

/// The values of all trained parameters, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters<T>(pub(super) Vec<T>);

impl<T: Scalar> Parameters<T> {
    pub(super) fn none() -> Self {
        Parameters(Vec::new())
    }

    /// Those that the program has now.
    pub(super) fn of(step: &Step<T>) -> Result<Self> {
        let mut values = Self::none();
        values.copy(step)?;
        Ok(values)
    }

    /// Like [`of`](Self::of), in the memory that it has.
    pub(super) fn copy(&mut self, step: &Step<T>) -> Result<()> {
        self.0.clear();
        for followed in &step.followed {
            self.extend(step.program.view(followed.parameter)?.as_slice())?;
        }
        Ok(())
    }

    /// Becomes the other, in the memory that it has.
    pub(super) fn copy_from(&mut self, other: &Self) -> Result<()> {
        self.0.clear();
        self.extend(&other.0)
    }

    fn extend(&mut self, values: &[T]) -> Result<()> {
        if self.0.try_reserve(values.len()).is_err() {
            let bytes = values.len() as u128 * size_of::<T>() as u128;
            return Err(Error::Memory { what: "a copy of the parameters".to_string(), bytes });
        }
        self.0.extend_from_slice(values);
        Ok(())
    }

    pub(super) fn is_finite(&self) -> bool {
        self.0.iter().all(|value| value.is_finite())
    }

    /// Lets the training go on from here.
    pub(super) fn give_back(&self, step: &mut Step<T>) -> Result<()> {
        let mut rest = &self.0[..];
        for followed in &step.followed {
            let mut values = step.program.parameter_mut(followed.parameter)?;
            let values = values.as_mut_slice();
            let (of_it, others) = rest.split_at(values.len());
            values.copy_from_slice(of_it);
            rest = others;
        }
        Ok(())
    }
}
