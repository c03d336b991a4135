//! How the parameters follow their gradients.

mod columns;
mod elements;
mod held;
mod state;
#[cfg(test)]
mod tests;

use tape::kernels::Aligned;

use crate::optimizer::held::{check_beta, check_beta_in, check_positive, check_rate};
use crate::optimizer::state::Memory;
use crate::sum::sum;
use crate::{Error, Result, Scalar};

pub(crate) use crate::optimizer::columns::ColumnStep;
pub(crate) use crate::optimizer::held::check_held;
pub use crate::optimizer::state::OptimizerState;

/// A rule that changes parameters by their gradients, with its hyperparameters.
///
/// | rule | with gradient g and rate η, at step t = 1, 2, … |
/// |---|---|
/// | gradient descent | θ ← θ − η g |
/// | momentum (Polyak 1964) | v ← β v + g; θ ← θ − η v |
/// | Adam (Kingma, Ba 2015, algorithm 1) | m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; θ ← θ − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) |
///
/// With [`l2`](Self::with_l2), J has the additional term λ/2 · Σ_l ‖W\[l\]‖²: the gradient of a
/// *weight* is g + λ W before the rule sees it. Biases have no such term.
///
/// ```
/// use mlp::{ParameterKind, Optimizer};
/// let mut state = Optimizer::gradient_descent(0.1)?.state::<f64>(&[(2, ParameterKind::Weight)]);
/// let mut w = [1.0, -2.0];
/// state.step(0, &mut w, &[5.0, 0.0])?;
/// assert_eq!(w, [0.5, -2.0]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    rate: f64,
    l2: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    GradientDescent,
    Momentum { beta: f64 },
    Adam { beta_1: f64, beta_2: f64, epsilon: f64 },
}

/// What a parameter is, since L2 is about weights only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// A W, to which L2 applies.
    Weight,
    /// A b, to which it does not.
    Bias,
}

/// # Rules
impl Optimizer {
    /// Gradient descent with rate η.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0.
    pub fn gradient_descent(rate: f64) -> Result<Self> {
        Self::new(Rule::GradientDescent, rate)
    }

    /// Momentum with rate η and decay β.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0, or β not in [0,
    /// 1).
    pub fn momentum(rate: f64, beta: f64) -> Result<Self> {
        check_beta("momentum β", beta)?;
        Self::new(Rule::Momentum { beta }, rate)
    }

    /// Adam with rate η, and β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸ as its authors propose.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0.
    pub fn adam(rate: f64) -> Result<Self> {
        Self::adam_with(rate, 0.9, 0.999, 1e-8)
    }

    /// Adam with all its hyperparameters.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate or ε is not a finite number greater than 0, or a β not
    /// in [0, 1).
    pub fn adam_with(rate: f64, beta_1: f64, beta_2: f64, epsilon: f64) -> Result<Self> {
        check_beta("Adam's β₁", beta_1)?;
        check_beta("Adam's β₂", beta_2)?;
        check_positive("Adam's ε", epsilon)?;
        Self::new(Rule::Adam { beta_1, beta_2, epsilon }, rate)
    }

    /// The same rule with the term λ/2 · Σ_l ‖W\[l\]‖² in J.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if λ is not a finite number from 0 on.
    pub fn with_l2(mut self, lambda: f64) -> Result<Self> {
        if !(lambda >= 0.0 && lambda.is_finite()) {
            let expected = "a finite number, at least 0";
            return Err(Error::Hyperparameter { name: "L2 λ", value: lambda, expected });
        }
        self.l2 = lambda;
        Ok(self)
    }

    fn new(rule: Rule, rate: f64) -> Result<Self> {
        check_positive("rate", rate)?;
        Ok(Optimizer { rule, rate, l2: 0.0 })
    }
}

/// # Hyperparameters
impl Optimizer {
    /// η.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// λ of L2, 0 if there is none.
    pub fn l2(&self) -> f64 {
        self.l2
    }

    /// λ/2 · ‖W‖², what one weight matrix adds to J. It is computed in `f64`, where it errs by some
    /// roundings however many weights there are, and then rounded.
    pub fn penalty<T: Scalar>(&self, w: &[T]) -> T {
        T::optimizer_penalty(self, w)
    }

    pub(crate) fn penalty_here<T: Scalar>(&self, w: &[T]) -> T {
        let largest = w.iter().fold(0.0, |largest: f64, w| largest.max(w.to_f64().abs()));
        // Squares of the weights themselves could overflow, or vanish.
        let unit = if (1e-140..1e140).contains(&largest) || largest == 0.0 || largest.is_infinite() {
            1.0
        } else {
            largest
        };
        let squares = sum(0..w.len(), &|i| (w[i].to_f64() / unit).powi(2));
        T::from_f64(self.l2 / 2.0 * unit * squares * unit)
    }
}

/// # At work
impl Optimizer {
    /// Begins: what the rule remembers, for parameters of the given sizes and kinds.
    ///
    /// The hyperparameters are those of type T from here on. What T cannot hold is an
    /// [`Error::Hyperparameter`] of the first [`step`](OptimizerState::step), but for an ε of Adam
    /// that would round to 0: it is there to keep 0/0 away, and is the least positive normal number
    /// then. [`try_state`](Self::try_state) refuses either.
    ///
    /// # Panics
    /// If there is no memory for what is remembered. See [`try_state`](Self::try_state).
    #[track_caller]
    pub fn state<T: Scalar>(self, parameters: &[(usize, ParameterKind)]) -> OptimizerState<T> {
        match self.begin(parameters) {
            Ok(state) => state,
            Err(error) => panic!("{error}"),
        }
    }

    /// Like [`state`](Self::state), for hyperparameters that are not yet known to suit the type,
    /// and parameters of any size.
    ///
    /// ```
    /// use mlp::{Error, ParameterKind, Optimizer};
    /// let tiny = Optimizer::gradient_descent(1e-60)?;
    /// assert!(tiny.try_state::<f64>(&[(2, ParameterKind::Weight)]).is_ok());
    /// let error = tiny.try_state::<f32>(&[(2, ParameterKind::Weight)]).unwrap_err();
    /// assert_eq!(error.to_string(), "rate is 1e-60, it must be a number that f32 holds, from 1.2e-38 to 3.4e38");
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if T rounds one of them to 0 or ∞, or a β to 1; [`Error::Memory`]
    /// if there is no memory for what is remembered.
    pub fn try_state<T: Scalar>(self, parameters: &[(usize, ParameterKind)]) -> Result<OptimizerState<T>> {
        self.check::<T>()?;
        self.begin(parameters)
    }

    fn begin<T: Scalar>(self, parameters: &[(usize, ParameterKind)]) -> Result<OptimizerState<T>> {
        T::optimizer_begin(self, parameters)
    }

    pub(crate) fn begin_here<T: Scalar>(
        self,
        parameters: &[(usize, ParameterKind)],
    ) -> Result<OptimizerState<T>> {
        let remembered = match self.rule {
            Rule::GradientDescent => 0,
            Rule::Momentum { .. } => 1,
            Rule::Adam { .. } => 2,
        };
        let memory = |(k, &(size, kind)): (usize, &(usize, ParameterKind))| {
            let no_memory = |_| Error::Memory {
                what: format!("what the optimizer remembers of parameter {k}"),
                bytes: size as u128 * size_of::<T>() as u128,
            };
            let vector = |of: usize| {
                Aligned::try_new(if of < remembered { size } else { 0 }, T::ZERO).map_err(no_memory)
            };
            let l2 = match kind {
                ParameterKind::Weight => self.l2,
                ParameterKind::Bias => 0.0,
            };
            Ok(Memory { size, l2, first: vector(0)?, second: vector(1)?, powers: (1.0, 1.0) })
        };
        let memories = parameters.iter().enumerate().map(memory).collect::<Result<_>>()?;
        Ok(OptimizerState { optimizer: self, unsuited: self.without_epsilon().check::<T>().err(), memories })
    }

    /// Whether type T can compute with every hyperparameter.
    pub(crate) fn check<T: Scalar>(&self) -> Result<()> {
        T::optimizer_check(self)
    }

    pub(crate) fn check_here<T: Scalar>(&self) -> Result<()> {
        check_rate::<T>(self.rule, self.rate)?;
        if self.l2 != 0.0 {
            check_held::<T>("L2 λ", self.l2, self.l2)?;
        }
        match self.rule {
            Rule::GradientDescent => Ok(()),
            Rule::Momentum { beta } => check_beta_in::<T>("momentum β", beta),
            Rule::Adam { beta_1, beta_2, epsilon } => {
                check_beta_in::<T>("Adam's β₁", beta_1)?;
                check_beta_in::<T>("Adam's β₂", beta_2)?;
                check_held::<T>("Adam's ε", epsilon, epsilon)
            }
        }
    }

    /// The same, with an ε that every type holds.
    fn without_epsilon(mut self) -> Self {
        if let Rule::Adam { epsilon, .. } = &mut self.rule {
            // One that is too large is refused all the same.
            *epsilon = epsilon.max(1.0);
        }
        self
    }
}
