//! What limits a minimisation, and how a minimiser is told.

use crate::minimize::{Budget, Lbfgs, LevenbergMarquardt, NewtonCg, Tolerances};

/// What limits a minimisation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Limits {
    pub(super) budget: Budget,
    pub(super) tolerances: Tolerances,
}

/// Methods of minimisers that have `limits`; a trait would have to be imported.
macro_rules! limited {
    ($($Minimizer:ident)*) => {
        $(
            /// # Limits
            impl $Minimizer {
                /// With a budget.
                #[must_use]
                pub fn budget(mut self, budget: Budget) -> Self {
                    self.limits.budget = budget;
                    self
                }

                /// With tolerances.
                #[must_use]
                pub fn tolerances(mut self, tolerances: Tolerances) -> Self {
                    self.limits.tolerances = tolerances;
                    self
                }
            }
        )*
    };
}

limited! { Lbfgs NewtonCg LevenbergMarquardt }
