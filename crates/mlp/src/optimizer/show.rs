//! Optimizers in words.

use std::fmt;

use crate::Optimizer;
use crate::optimizer::rule::{RmsProp, Rule};
use crate::text::Short;

/// The rule with all its hyperparameters, for instance `Adam: η = 0.001, β₁ = 0.9, β₂ = 0.999, ε =
/// 1e-8`. Numbers are exact, so that two optimizers with the same text are equal.
impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Optimizer { rule, rate, l2, decay } = *self;
        let (name, numbers) = rule.in_words();
        write!(f, "{name}: η = {}", Short(rate))?;
        for (letter, number) in numbers.into_iter().flatten() {
            write!(f, ", {letter} = {}", Short(number))?;
        }
        for (number, which) in [(l2, "of L2"), (decay, "decoupled")] {
            if number != 0.0 {
                write!(f, ", λ = {} {which}", Short(number))?;
            }
        }
        Ok(())
    }
}

impl Rule {
    fn in_words(self) -> (&'static str, [Option<(&'static str, f64)>; 3]) {
        match self {
            Rule::GradientDescent => ("gradient descent", [None; 3]),
            Rule::Momentum { beta } => ("momentum", [Some(("β", beta)), None, None]),
            Rule::Nesterov { beta } => ("Nesterov", [Some(("β", beta)), None, None]),
            Rule::RmsProp(RmsProp { alpha, epsilon, momentum, is_centred }) => (
                if is_centred { "RMSProp, centred" } else { "RMSProp" },
                [Some(("α", alpha)), Some(("ε", epsilon)), (momentum != 0.0).then_some(("β", momentum))],
            ),
            Rule::Adagrad { epsilon } => ("Adagrad", [Some(("ε", epsilon)), None, None]),
            Rule::Adam { beta_1, beta_2, epsilon } => {
                ("Adam", [Some(("β₁", beta_1)), Some(("β₂", beta_2)), Some(("ε", epsilon))])
            }
            Rule::Lion { beta_1, beta_2 } => ("Lion", [Some(("β₁", beta_1)), Some(("β₂", beta_2)), None]),
        }
    }
}
