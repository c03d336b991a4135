//! The rules by name, and what each takes and remembers.

use crate::optimizer::held::{check_beta, check_beta_in, check_held, check_positive};
use crate::{Result, Scalar};

/// What RMSProp can be told. The default is PyTorch's: α = 0.99, ε = 10⁻⁸, without momentum, not
/// centred.
///
/// ```
/// use mlp::{Optimizer, RmsProp};
/// let centred = RmsProp { is_centred: true, ..RmsProp::default() };
/// let optimizer = Optimizer::rms_prop_with(0.01, centred)?;
/// assert_eq!(optimizer.rate(), 0.01);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RmsProp {
    /// α, the decay of the means, in [0, 1).
    pub alpha: f64,
    /// ε, greater than 0.
    pub epsilon: f64,
    /// β, in [0, 1): 0 is none.
    pub momentum: f64,
    /// Whether g² is taken about the mean of g (Graves 2013).
    pub is_centred: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, is_centred: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "name", rename_all = "snake_case", deny_unknown_fields))]
pub(super) enum Rule {
    GradientDescent,
    Momentum { beta: f64 },
    Nesterov { beta: f64 },
    RmsProp(RmsProp),
    Adagrad { epsilon: f64 },
    Adam { beta_1: f64, beta_2: f64, epsilon: f64 },
    Lion { beta_1: f64, beta_2: f64 },
}

/// The most vectors that a rule remembers.
pub(super) const MOST: usize = 3;

impl Rule {
    /// The names of the vectors that it remembers, each in its place.
    pub(super) fn names(self) -> [Option<&'static str>; MOST] {
        match self {
            Rule::GradientDescent => [None, None, None],
            Rule::Momentum { .. } | Rule::Nesterov { .. } => [Some("v"), None, None],
            Rule::RmsProp(RmsProp { momentum, is_centred, .. }) => {
                [Some("s"), (momentum != 0.0).then_some("v"), is_centred.then_some("m")]
            }
            Rule::Adagrad { .. } => [Some("s"), None, None],
            Rule::Adam { .. } => [Some("m"), Some("v"), None],
            Rule::Lion { .. } => [Some("m"), None, None],
        }
    }

    /// Whether a vector of this name is a mean or sum of squares.
    pub(super) fn is_of_squares(self, name: &str) -> bool {
        match self {
            Rule::RmsProp(_) | Rule::Adagrad { .. } => name == "s",
            Rule::Adam { .. } => name == "v",
            Rule::GradientDescent | Rule::Momentum { .. } | Rule::Nesterov { .. } | Rule::Lion { .. } => {
                false
            }
        }
    }

    /// Whether it depends on the number of the step.
    pub(super) fn counts(self) -> bool {
        match self {
            Rule::Adam { .. } => true,
            Rule::GradientDescent
            | Rule::Momentum { .. }
            | Rule::Nesterov { .. }
            | Rule::RmsProp(_)
            | Rule::Adagrad { .. }
            | Rule::Lion { .. } => false,
        }
    }

    /// What the rate is multiplied by at most.
    pub(super) fn greatest_factor(self) -> f64 {
        match self {
            // Of the first step: m̂ = m / (1 − β₁).
            Rule::Adam { beta_1, .. } => 1.0 / (1.0 - beta_1),
            Rule::GradientDescent
            | Rule::Momentum { .. }
            | Rule::Nesterov { .. }
            | Rule::RmsProp(_)
            | Rule::Adagrad { .. }
            | Rule::Lion { .. } => 1.0,
        }
    }

    /// The decays that it has, with their names.
    fn betas(self) -> [Option<(&'static str, f64)>; 2] {
        match self {
            Rule::GradientDescent | Rule::Adagrad { .. } => [None, None],
            Rule::Momentum { beta } => [Some(("momentum β", beta)), None],
            Rule::Nesterov { beta } => [Some(("Nesterov's β", beta)), None],
            Rule::RmsProp(RmsProp { alpha, momentum, .. }) => {
                [Some(("RMSProp's α", alpha)), Some(("RMSProp's momentum β", momentum))]
            }
            Rule::Adam { beta_1, beta_2, .. } => [Some(("Adam's β₁", beta_1)), Some(("Adam's β₂", beta_2))],
            Rule::Lion { beta_1, beta_2 } => [Some(("Lion's β₁", beta_1)), Some(("Lion's β₂", beta_2))],
        }
    }

    fn epsilon(mut self) -> Option<(&'static str, f64)> {
        self.epsilon_mut().map(|(name, epsilon)| (name, *epsilon))
    }

    fn epsilon_mut(&mut self) -> Option<(&'static str, &mut f64)> {
        match self {
            Rule::GradientDescent | Rule::Momentum { .. } | Rule::Nesterov { .. } | Rule::Lion { .. } => None,
            Rule::RmsProp(RmsProp { epsilon, .. }) => Some(("RMSProp's ε", epsilon)),
            Rule::Adagrad { epsilon } => Some(("Adagrad's ε", epsilon)),
            Rule::Adam { epsilon, .. } => Some(("Adam's ε", epsilon)),
        }
    }

    /// Whether its hyperparameters make sense.
    pub(super) fn check(self) -> Result<()> {
        self.betas().into_iter().flatten().try_for_each(|(name, beta)| check_beta(name, beta))?;
        self.epsilon().map_or(Ok(()), |(name, epsilon)| check_positive(name, epsilon))
    }

    /// Whether type T can compute with them.
    pub(super) fn check_in<T: Scalar>(self) -> Result<()> {
        self.betas().into_iter().flatten().try_for_each(|(name, beta)| check_beta_in::<T>(name, beta))?;
        self.epsilon().map_or(Ok(()), |(name, epsilon)| check_held::<T>(name, epsilon, epsilon))
    }

    /// The same, with an ε that is not too small for any type.
    pub(super) fn without_epsilon(mut self) -> Self {
        if let Some((_, epsilon)) = self.epsilon_mut() {
            // One that is too large is refused all the same.
            *epsilon = epsilon.max(1.0);
        }
        self
    }
}
