//! An optimizer at work, on whole parameters.

use tape::kernels::Aligned;

use crate::optimizer::elements::{Adam, Elements, Following};
use crate::optimizer::held::{check_positive, check_rate, least};
use crate::optimizer::{Optimizer, ParameterKind, Rule};
use crate::{Error, Result, Scalar};

/// An optimizer at work: what it remembers of every parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState<T> {
    pub(super) optimizer: Optimizer,
    /// What is wrong with the hyperparameters in type T.
    pub(super) unsuited: Option<Error>,
    pub(super) memories: Vec<Memory<T>>,
}

/// What is remembered of one parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Memory<T> {
    pub(super) size: usize,
    /// λ, 0 for a bias.
    pub(super) l2: f64,
    /// v of momentum or m of Adam.
    pub(super) first: Aligned<T>,
    /// v of Adam.
    pub(super) second: Aligned<T>,
    /// β₁ᵗ and β₂ᵗ.
    pub(super) powers: (f64, f64),
}

impl<T: Scalar> OptimizerState<T> {
    /// The rule and its hyperparameters.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// Changes η from the next step on; what is remembered stays.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0, in type T too.
    /// It is then as it was.
    pub fn set_rate(&mut self, rate: f64) -> Result<()> {
        T::state_set_rate(self, rate)
    }

    pub(crate) fn set_rate_here(&mut self, rate: f64) -> Result<()> {
        check_positive("rate", rate)?;
        check_rate::<T>(self.optimizer.rule, rate)?;
        self.optimizer.rate = rate;
        self.unsuited = self.optimizer.without_epsilon().check::<T>().err();
        Ok(())
    }

    /// As it was before the first step, with memory of its own.
    pub(crate) fn try_anew(&self) -> Result<Self> {
        let kind =
            |memory: &Memory<T>| if memory.l2 == 0.0 { ParameterKind::Bias } else { ParameterKind::Weight };
        let sizes: Vec<_> = self.memories.iter().map(|memory| (memory.size, kind(memory))).collect();
        self.optimizer.begin(&sizes)
    }

    /// Becomes the other, of as many parameters of the same sizes.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        (self.optimizer, self.unsuited) = (other.optimizer, other.unsuited.clone());
        for (memory, other) in self.memories.iter_mut().zip(&other.memories) {
            memory.first.copy_from_slice(&other.first);
            memory.second.copy_from_slice(&other.second);
            memory.powers = other.powers;
        }
    }

    /// One step of parameter `k`, numbered as in [`Optimizer::state`], along its gradient.
    /// Allocates nothing.
    ///
    /// Each parameter counts its own steps t. Inside [`Threads::install`](tape::Threads::install)
    /// all threads have a part of a large parameter, with the same bits.
    ///
    /// # Errors
    /// [`Error::Length`] if a slice has not the size that was announced; [`Error::Hyperparameter`]
    /// if type T cannot hold one of them. The parameter is then as it was.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn step(&mut self, k: usize, parameter: &mut [T], gradient: &[T]) -> Result<()> {
        T::state_step(self, k, parameter, gradient)
    }

    pub(crate) fn step_here(&mut self, k: usize, parameter: &mut [T], gradient: &[T]) -> Result<()> {
        self.suits()?;
        let memory = &mut self.memories[k];
        check_length("parameter", memory.size, parameter.len())?;
        check_length("gradient", memory.size, gradient.len())?;
        let (by, powers) = memory.next_step(&self.optimizer);
        memory.powers = powers;
        memory.elements(parameter, gradient).share(&|part| part.follow(by));
        Ok(())
    }
}

impl<T: Scalar> OptimizerState<T> {
    /// Whether the type can compute with the hyperparameters.
    pub(super) fn suits(&self) -> Result<()> {
        self.unsuited.clone().map_or(Ok(()), Err)
    }
}

pub(super) fn check_length(list: &'static str, expected: usize, found: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Length { list, expected, found }) }
}

impl<T: Scalar> Memory<T> {
    fn elements<'a>(&'a mut self, parameter: &'a mut [T], gradient: &'a [T]) -> Elements<'a, T> {
        Elements { parameter, gradient, first: &mut self.first, second: &mut self.second }
    }

    /// The rule with the factors of the next step, and β₁ᵗ and β₂ᵗ of it. What depends on t alone
    /// is taken out of the loop over the elements, in f64 since 1 − β₂ᵗ is small at first.
    pub(super) fn next_step(&self, optimizer: &Optimizer) -> (Following<T>, (f64, f64)) {
        let (rate, l2) = (optimizer.rate, T::from_f64(self.l2));
        match optimizer.rule {
            Rule::GradientDescent => (Following::Descent { rate: T::from_f64(rate), l2 }, self.powers),
            Rule::Momentum { beta } => {
                let (rate, beta) = (T::from_f64(rate), T::from_f64(beta));
                (Following::Momentum { rate, beta, l2 }, self.powers)
            }
            Rule::Adam { beta_1, beta_2, epsilon } => {
                let powers = (self.powers.0 * beta_1, self.powers.1 * beta_2);
                let by = Adam {
                    rate: T::from_f64(rate / (1.0 - powers.0)),
                    second_scale: T::from_f64(1.0 / (1.0 - powers.1)),
                    beta_1: T::from_f64(beta_1),
                    rest_1: T::from_f64(1.0 - beta_1),
                    beta_2: T::from_f64(beta_2),
                    rest_2: T::from_f64(1.0 - beta_2),
                    epsilon: T::from_f64(epsilon.max(least::<T>())),
                };
                (Following::Adam { by, l2 }, powers)
            }
        }
    }
}
