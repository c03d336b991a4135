//! An optimizer at work, on whole parameters.

use tape::kernels::Aligned;

use crate::optimizer::elements::{Adam, Elements, Factors, Following, Mean, RmsProp};
use crate::optimizer::held::{check_decay, check_held, check_positive, least};
use crate::optimizer::rule::{MOST, Rule};
use crate::optimizer::{Optimizer, ParameterKind};
use crate::{Error, Result, Scalar};

/// An optimizer at work: what it remembers of every parameter.
///
/// Every parameter has the optimizer's rate, and every weight its λ. A parameter can have others of
/// its own, for instance all those of a group: [`set_rate_factor`](Self::set_rate_factor),
/// [`set_l2`](Self::set_l2), [`set_weight_decay`](Self::set_weight_decay).
///
/// What it remembers can be written down and read back:
/// [`remembered`](OptimizerState::remembered), [`restore`](OptimizerState::restore).
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState<T> {
    pub(super) optimizer: Optimizer,
    /// What is wrong with the hyperparameters in type T.
    pub(super) unsuited: Option<Error>,
    /// The least and the greatest factor of the rate.
    factors: [f64; 2],
    pub(super) memories: Vec<Memory<T>>,
}

/// What is remembered of one parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Memory<T> {
    pub(super) size: usize,
    own: Own,
    /// In the places of [`Rule::names`].
    pub(super) vectors: [Aligned<T>; MOST],
    /// β₁ᵗ and β₂ᵗ.
    pub(super) powers: [f64; 2],
}

/// What a parameter has of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Own {
    rate_factor: f64,
    l2: f64,
    decay: f64,
}

/// # At work
impl<T: Scalar> OptimizerState<T> {
    pub(super) fn new(optimizer: Optimizer, parameters: &[(usize, ParameterKind)]) -> Result<Self> {
        let memory = |(k, &(size, kind)): (usize, &(usize, ParameterKind))| {
            let (l2, decay) = match kind {
                ParameterKind::Weight => (optimizer.l2, optimizer.decay),
                ParameterKind::Bias => (0.0, 0.0),
            };
            Memory::new(k, size, Own { rate_factor: 1.0, l2, decay }, optimizer.rule)
        };
        let memories = parameters.iter().enumerate().map(memory).collect::<Result<_>>()?;
        let unsuited = optimizer.without_epsilon().check::<T>().err();
        Ok(OptimizerState { optimizer, unsuited, factors: [1.0; 2], memories })
    }

    /// The rule and its hyperparameters.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
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

    /// As it was before the first step, with memory of its own.
    pub(crate) fn try_anew(&self) -> Result<Self> {
        let anew =
            |(k, memory): (usize, &Memory<T>)| Memory::new(k, memory.size, memory.own, self.optimizer.rule);
        let memories = self.memories.iter().enumerate().map(anew).collect::<Result<_>>()?;
        let OptimizerState { optimizer, ref unsuited, factors, .. } = *self;
        Ok(OptimizerState { optimizer, unsuited: unsuited.clone(), factors, memories })
    }

    /// Becomes the other, of as many parameters of the same sizes.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        (self.optimizer, self.unsuited, self.factors) =
            (other.optimizer, other.unsuited.clone(), other.factors);
        for (memory, other) in self.memories.iter_mut().zip(&other.memories) {
            for (vector, other) in memory.vectors.iter_mut().zip(&other.vectors) {
                vector.copy_from_slice(other);
            }
            (memory.own, memory.powers) = (other.own, other.powers);
        }
    }

    /// Whether the type can compute with the hyperparameters.
    pub(super) fn suits(&self) -> Result<()> {
        self.unsuited.clone().map_or(Ok(()), Err)
    }
}

/// # Rates and decays
///
/// They hold from the next step on; what is remembered stays.
impl<T: Scalar> OptimizerState<T> {
    /// Changes η, of all parameters. It takes some nanoseconds, for a schedule to be called at
    /// every step.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate, also with the factor of each parameter, is not a
    /// finite number greater than 0, in type T too. It is then as it was.
    pub fn set_rate(&mut self, rate: f64) -> Result<()> {
        T::state_set_rate(self, rate)
    }

    /// The least rate with which type T computes every step.
    pub(crate) fn least_rate(&self) -> f64 {
        const ROUNDED: f64 = 1.0 + 4.0 * f64::EPSILON;
        let greatest = self.optimizer.rule.greatest_factor();
        let factors = self.factors.into_iter().flat_map(|factor| [factor, factor * greatest]);
        least::<T>() / factors.fold(1.0, f64::min) * ROUNDED
    }

    pub(crate) fn set_rate_here(&mut self, rate: f64) -> Result<()> {
        check_positive("rate", rate)?;
        let greatest = self.optimizer.rule.greatest_factor();
        for factor in self.factors {
            check_held::<T>("rate", rate, rate * factor)?;
            check_held::<T>("rate", rate, rate * factor * greatest)?;
        }
        self.optimizer.rate = rate;
        if self.unsuited.is_some() {
            self.unsuited = self.optimizer.without_epsilon().check::<T>().err();
        }
        Ok(())
    }

    /// Gives parameter `k` the rate η times a factor, which is 1 at first.
    ///
    /// ```
    /// use mlp::{ParameterKind, Optimizer};
    /// let two = [(1, ParameterKind::Weight), (1, ParameterKind::Weight)];
    /// let mut state = Optimizer::gradient_descent(0.5)?.state::<f64>(&two);
    /// state.set_rate_factor(1, 0.1)?; // a layer that is to learn slowly
    /// let (mut fast, mut slow) = ([1.0], [1.0]);
    /// state.step(0, &mut fast, &[1.0])?;
    /// state.step(1, &mut slow, &[1.0])?;
    /// assert_eq!((fast, slow), ([0.5], [0.95]));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the factor, or η times it in type T, is not a finite number
    /// greater than 0. It is then as it was.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn set_rate_factor(&mut self, k: usize, factor: f64) -> Result<()> {
        const NAME: &str = "rate factor";
        check_positive(NAME, factor)?;
        let Optimizer { rule, rate, .. } = self.optimizer;
        check_held::<T>(NAME, factor, rate * factor)?;
        check_held::<T>(NAME, factor, rate * factor * rule.greatest_factor())?;
        self.memories[k].own.rate_factor = factor;
        let factors = self.memories.iter().map(|memory| memory.own.rate_factor);
        self.factors = factors.fold([f64::INFINITY, 0.0], |[l, g], f| [l.min(f), g.max(f)]);
        Ok(())
    }

    /// Gives parameter `k`, a weight or a bias, a λ of its own in the place of that of
    /// [`with_l2`](Optimizer::with_l2).
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if λ is not a finite number from 0 on, in type T too. It is then
    /// as it was.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn set_l2(&mut self, k: usize, lambda: f64) -> Result<()> {
        check_decay_in::<T>("L2 λ", lambda)?;
        self.memories[k].own.l2 = lambda;
        Ok(())
    }

    /// Gives parameter `k`, a weight or a bias, a λ of its own in the place of that of
    /// [`with_weight_decay`](Optimizer::with_weight_decay).
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if λ is not a finite number from 0 on, in type T too. It is then
    /// as it was.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn set_weight_decay(&mut self, k: usize, lambda: f64) -> Result<()> {
        check_decay_in::<T>("weight decay λ", lambda)?;
        self.memories[k].own.decay = lambda;
        Ok(())
    }

    /// The factor of η that parameter `k` has.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn rate_factor(&self, k: usize) -> f64 {
        self.memories[k].own.rate_factor
    }

    /// λ of L2 that parameter `k` has, 0 if there is none.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn l2(&self, k: usize) -> f64 {
        self.memories[k].own.l2
    }

    /// λ of the decoupled decay that parameter `k` has, 0 if there is none.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn weight_decay(&self, k: usize) -> f64 {
        self.memories[k].own.decay
    }
}

/// Whether type T can compute with a λ.
pub(super) fn check_decay_in<T: Scalar>(name: &'static str, lambda: f64) -> Result<()> {
    check_decay(name, lambda)?;
    if lambda == 0.0 { Ok(()) } else { check_held::<T>(name, lambda, lambda) }
}

pub(super) fn check_length(list: &'static str, expected: usize, found: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Length { list, expected, found }) }
}

impl<T: Scalar> Memory<T> {
    fn new(k: usize, size: usize, own: Own, rule: Rule) -> Result<Self> {
        let mut vectors = [const { None }; MOST];
        for (vector, name) in vectors.iter_mut().zip(rule.names()) {
            let size = if name.is_some() { size } else { 0 };
            *vector = Some(Aligned::try_new(size, T::ZERO).map_err(|_| Error::Memory {
                what: format!("what the optimizer remembers of parameter {k}"),
                bytes: size as u128 * size_of::<T>() as u128,
            })?);
        }
        let vectors = vectors.map(Option::unwrap_or_default);
        Ok(Memory { size, own, vectors, powers: [1.0; 2] })
    }

    fn elements<'a>(&'a mut self, parameter: &'a mut [T], gradient: &'a [T]) -> Elements<'a, T> {
        let remembered = self.vectors.each_mut().map(|vector| &mut vector[..]);
        Elements { parameter, gradient, remembered }
    }

    /// The rule with the factors of the next step, and β₁ᵗ and β₂ᵗ of it. What depends on t alone
    /// is taken out of the loop over the elements, in f64 since 1 − β₂ᵗ is small at first.
    pub(super) fn next_step(&self, optimizer: &Optimizer) -> (Following<T>, [f64; 2]) {
        let mut powers = self.powers;
        let exact_rate = optimizer.rate * self.own.rate_factor;
        let rate = T::from_f64(exact_rate);
        let at_least = |epsilon: f64| T::from_f64(epsilon.max(least::<T>()));
        let rule = match optimizer.rule {
            Rule::GradientDescent => Factors::Descent { rate },
            Rule::Momentum { beta } => Factors::Momentum { rate, beta: T::from_f64(beta) },
            Rule::Nesterov { beta } => Factors::Nesterov { rate, beta: T::from_f64(beta) },
            Rule::RmsProp(with) => Factors::RmsProp(RmsProp {
                rate,
                mean: Mean::new(with.alpha),
                beta: T::from_f64(with.momentum),
                epsilon: at_least(with.epsilon),
                is_centred: with.is_centred,
            }),
            Rule::Adagrad { epsilon } => Factors::Adagrad { rate, epsilon: at_least(epsilon) },
            Rule::Adam { beta_1, beta_2, epsilon } => {
                powers = [powers[0] * beta_1, powers[1] * beta_2];
                Factors::Adam(Adam {
                    rate: T::from_f64(exact_rate / (1.0 - powers[0])),
                    second_scale: T::from_f64(1.0 / (1.0 - powers[1])),
                    one: Mean::new(beta_1),
                    two: Mean::new(beta_2),
                    epsilon: at_least(epsilon),
                })
            }
            Rule::Lion { beta_1, beta_2 } => {
                Factors::Lion { rate, one: Mean::new(beta_1), two: Mean::new(beta_2) }
            }
        };
        let shrink = T::from_f64(exact_rate * self.own.decay);
        (Following { rule, l2: T::from_f64(self.own.l2), shrink }, powers)
    }
}
