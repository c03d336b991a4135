//! How the parameters follow their gradients.

mod columns;
mod elements;
mod held;
mod remembered;
mod rule;
#[cfg(feature = "serde")]
mod serialised;
mod show;
mod state;
#[cfg(test)]
mod tests;

use crate::optimizer::rule::Rule;
use crate::optimizer::state::check_decay_in;
use crate::sum::sum;
use crate::{Error, Result, Scalar};

pub(crate) use crate::optimizer::columns::ColumnStep;
pub(crate) use crate::optimizer::held::{check_decay, check_held, check_positive};
pub use crate::optimizer::remembered::{Remembered, RestoreFault};
pub use crate::optimizer::rule::RmsProp;
pub use crate::optimizer::state::OptimizerState;

/// A rule that changes parameters by their gradients, with its hyperparameters.
///
/// | rule | with gradient g and rate η, at step t = 1, 2, … |
/// |---|---|
/// | gradient descent | θ ← θ − η g |
/// | momentum (Polyak 1964) | v ← β v + g; θ ← θ − η v |
/// | Nesterov (Sutskever et al. 2013, in Bengio's form, from the point ahead) | v ← β v + g; θ ← θ − η (g + β v) |
/// | RMSProp (Tieleman, Hinton 2012, lecture 6e) | s ← α s + (1 − α) g²; θ ← θ − η g / (√s + ε) |
/// | … [centred](RmsProp::is_centred) (Graves 2013, eq. 38–45) | m ← α m + (1 − α) g; √(s − m²) in the place of √s |
/// | … with [momentum](RmsProp::momentum) | v ← β v + g / (√s + ε); θ ← θ − η v |
/// | Adagrad (Duchi, Hazan, Singer 2011, fig. 1, diagonal) | s ← s + g²; θ ← θ − η g / (√s + ε) |
/// | Adam (Kingma, Ba 2015, algorithm 1) | m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; θ ← θ − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) |
/// | AdamW (Loshchilov, Hutter 2019, algorithm 2) | Adam with [`with_weight_decay`](Self::with_weight_decay) |
/// | Lion (Chen et al. 2023, algorithm 2) | θ ← θ − η sign(β₁ m + (1 − β₁) g); m ← β₂ m + (1 − β₂) g |
///
/// v, m and s are 0 at first. Each rule is that of `torch.optim`, where it is there, with the same
/// steps: η stands outside of v, so that a change of it acts at once, on what is remembered too.
/// (Polyak and Sutskever have it inside, v ← β v − η g; θ ← θ + v, which is the same as long as η
/// does not change.)
///
/// Weights may be drawn to 0, biases are not. There are two ways, and they differ where a rule
/// divides by what it remembers of g:
/// - With [`l2`](Self::with_l2), J has the additional term λ/2 · Σ_l ‖W\[l\]‖²: the gradient of a
///   *weight* is g + λ W before the rule sees it. It is `weight_decay` of `torch.optim`'s `SGD`,
///   `RMSprop`, `Adagrad` and `Adam`.
/// - With [`weight_decay`](Self::with_weight_decay), a step also takes η λ W away from a weight W,
///   whatever the rule does: the *decoupled* decay. J has no such term. It is `weight_decay` of
///   `AdamW`, and of Lion.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "serialised::Form", into = "serialised::Form")
)]
pub struct Optimizer {
    rule: Rule,
    rate: f64,
    l2: f64,
    decay: f64,
}

/// What a parameter is, since L2 and the decoupled decay are about weights only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ParameterKind {
    /// A W, to which they apply.
    Weight,
    /// A b, to which they do not.
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
        Self::new(Rule::Momentum { beta }, rate)
    }

    /// Nesterov's momentum with rate η and decay β.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0, or β not in [0,
    /// 1).
    pub fn nesterov(rate: f64, beta: f64) -> Result<Self> {
        Self::new(Rule::Nesterov { beta }, rate)
    }

    /// RMSProp with rate η, and PyTorch's α = 0.99 and ε = 10⁻⁸.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0.
    pub fn rms_prop(rate: f64) -> Result<Self> {
        Self::rms_prop_with(rate, RmsProp::default())
    }

    /// RMSProp with all its hyperparameters.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate or ε is not a finite number greater than 0, or α or β
    /// not in [0, 1).
    pub fn rms_prop_with(rate: f64, with: RmsProp) -> Result<Self> {
        Self::new(Rule::RmsProp(with), rate)
    }

    /// Adagrad with rate η, and PyTorch's ε = 10⁻¹⁰.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0.
    pub fn adagrad(rate: f64) -> Result<Self> {
        Self::adagrad_with(rate, 1e-10)
    }

    /// Adagrad with all its hyperparameters.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate or ε is not a finite number greater than 0.
    pub fn adagrad_with(rate: f64, epsilon: f64) -> Result<Self> {
        Self::new(Rule::Adagrad { epsilon }, rate)
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
        Self::new(Rule::Adam { beta_1, beta_2, epsilon }, rate)
    }

    /// AdamW with rate η and decay λ: [`adam`](Self::adam) with
    /// [`with_weight_decay`](Self::with_weight_decay). PyTorch's λ is 0.01.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0, or λ not one
    /// from 0 on.
    pub fn adam_w(rate: f64, lambda: f64) -> Result<Self> {
        Self::adam(rate)?.with_weight_decay(lambda)
    }

    /// Lion with rate η, and β₁ = 0.9, β₂ = 0.99 as its authors propose. They take a rate that is 3
    /// to 10 times smaller than Adam's, and a λ of [`with_weight_decay`](Self::with_weight_decay)
    /// that is so much larger.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0.
    pub fn lion(rate: f64) -> Result<Self> {
        Self::lion_with(rate, 0.9, 0.99)
    }

    /// Lion with all its hyperparameters.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0, or a β not in
    /// [0, 1).
    pub fn lion_with(rate: f64, beta_1: f64, beta_2: f64) -> Result<Self> {
        Self::new(Rule::Lion { beta_1, beta_2 }, rate)
    }

    /// The same rule with the term λ/2 · Σ_l ‖W\[l\]‖² in J.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if λ is not a finite number from 0 on.
    pub fn with_l2(mut self, lambda: f64) -> Result<Self> {
        check_decay("L2 λ", lambda)?;
        self.l2 = lambda;
        Ok(self)
    }

    /// The same rule with the decoupled decay: at every step W ← W − η λ W − what the rule takes
    /// away. Both have the W from before the step.
    ///
    /// ```
    /// use mlp::{ParameterKind, Optimizer};
    /// let adam_w = Optimizer::adam(0.5)?.with_weight_decay(0.1)?;
    /// assert_eq!(adam_w, Optimizer::adam_w(0.5, 0.1)?);
    /// let mut state = adam_w.state::<f64>(&[(1, ParameterKind::Weight)]);
    /// let mut w = [2.0];
    /// state.step(0, &mut w, &[0.0])?; // no gradient: 2 − 0.5 · 0.1 · 2
    /// assert_eq!(w, [1.9]);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if λ is not a finite number from 0 on.
    pub fn with_weight_decay(mut self, lambda: f64) -> Result<Self> {
        check_decay("weight decay λ", lambda)?;
        self.decay = lambda;
        Ok(self)
    }

    fn new(rule: Rule, rate: f64) -> Result<Self> {
        rule.check()?;
        check_positive("rate", rate)?;
        Ok(Optimizer { rule, rate, l2: 0.0, decay: 0.0 })
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

    /// λ of the decoupled decay, 0 if there is none.
    pub fn weight_decay(&self) -> f64 {
        self.decay
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
    /// [`Error::Hyperparameter`] of the first [`step`](OptimizerState::step), but for an ε that
    /// would round to 0: it is there to keep 0/0 away, and is the least positive normal number then.
    /// [`try_state`](Self::try_state) refuses either.
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
    ) -> Result<OptimizerState<T>, Error> {
        OptimizerState::new(self, parameters)
    }

    /// Whether type T can compute with every hyperparameter.
    pub(crate) fn check<T: Scalar>(&self) -> Result<()> {
        T::optimizer_check(self)
    }

    pub(crate) fn check_here<T: Scalar>(&self) -> Result<()> {
        check_held::<T>("rate", self.rate, self.rate)?;
        check_held::<T>("rate", self.rate, self.rate * self.rule.greatest_factor())?;
        check_decay_in::<T>("L2 λ", self.l2)?;
        check_decay_in::<T>("weight decay λ", self.decay)?;
        self.rule.check_in::<T>()
    }

    /// The same, with an ε that every type holds.
    fn without_epsilon(self) -> Self {
        Optimizer { rule: self.rule.without_epsilon(), ..self }
    }
}
