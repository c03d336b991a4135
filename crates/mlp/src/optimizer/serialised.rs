//! An optimiser as serde has it: the rule with its hyperparameters, the rate and each λ.

use serde::{Deserialize, Serialize};

use super::Optimizer;
use super::rule::Rule;
use crate::{Error, Result};

#[derive(Serialize, Deserialize)]
#[serde(rename = "Optimizer", deny_unknown_fields)]
pub(super) struct Form {
    rule: Rule,
    rate: f64,
    l2: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    weight_decay: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl From<Optimizer> for Form {
    fn from(Optimizer { rule, rate, l2, decay }: Optimizer) -> Self {
        Form { rule, rate, l2, weight_decay: decay }
    }
}

/// By the constructor, which looks at every hyperparameter.
impl TryFrom<Form> for Optimizer {
    type Error = Error;

    fn try_from(Form { rule, rate, l2, weight_decay }: Form) -> Result<Self> {
        Optimizer::new(rule, rate)?.with_l2(l2)?.with_weight_decay(weight_decay)
    }
}
