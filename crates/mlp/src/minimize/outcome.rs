//! When a minimisation stops, and what it tells.

use std::fmt;

use crate::{Error, Result};

/// How much a minimisation may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Iterations, each of which changes θ: 1000 by default.
    pub iterations: usize,
    /// Values of J with gradients, and products with the Hessian or the Jacobian, all together:
    /// 10 000 by default. The first value is always computed, and a last one may be, to come back
    /// to the best θ.
    pub evaluations: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { iterations: 1000, evaluations: 10_000 }
    }
}

/// How exact a minimum has to be: a minimisation stops at the first of them that is met. With 0 one
/// is met only where nothing is left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    /// The greatest |∂J/∂θᵢ|, and of [`LevenbergMarquardt`](crate::minimize::LevenbergMarquardt) the
    /// greatest cosine between residuals and derivatives: 10⁻⁶ by default.
    pub gradient: f64,
    /// What an iteration takes away from J, relative to the greater of both |J|: 10⁻¹² by default.
    pub decrease: f64,
    /// ‖Δθ‖ of a step, relative to ‖θ‖: 10⁻¹² by default.
    pub step: f64,
}

impl Default for Tolerances {
    fn default() -> Self {
        Tolerances { gradient: 1e-6, decrease: 1e-12, step: 1e-12 }
    }
}

impl Tolerances {
    pub(super) fn check(&self) -> Result<()> {
        let each = [
            ("gradient tolerance", self.gradient),
            ("decrease tolerance", self.decrease),
            ("step tolerance", self.step),
        ];
        for (name, value) in each {
            if !(value >= 0.0 && value.is_finite()) {
                let expected = "a finite number, at least 0";
                return Err(Error::Hyperparameter { name, value, expected });
            }
        }
        Ok(())
    }
}

/// Why a minimisation stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stop {
    /// The gradient is within [its tolerance](Tolerances::gradient).
    Gradient,
    /// An iteration took no more than [its tolerance](Tolerances::decrease) away from J.
    Decrease,
    /// A step was within [its tolerance](Tolerances::step).
    Step,
    /// The [iterations](Budget::iterations) are used up.
    Iterations,
    /// The [evaluations](Budget::evaluations) are used up.
    Evaluations,
    /// No step is found that makes J smaller: the gradient is not that of J, J is not smooth, or
    /// the rounding of J hides what is left.
    LineSearch,
    /// The caller's function said so.
    Caller,
}

impl Stop {
    /// Whether a tolerance was met.
    pub fn is_converged(self) -> bool {
        match self {
            Stop::Gradient | Stop::Decrease | Stop::Step => true,
            Stop::Iterations | Stop::Evaluations | Stop::LineSearch | Stop::Caller => false,
        }
    }
}

/// For instance `the gradient is within its tolerance`.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stop::Gradient => "the gradient is within its tolerance",
            Stop::Decrease => "the decrease of J is within its tolerance",
            Stop::Step => "the step is within its tolerance",
            Stop::Iterations => "the iterations are used up",
            Stop::Evaluations => "the evaluations are used up",
            Stop::LineSearch => "no step makes J smaller",
            Stop::Caller => "the caller stopped it",
        })
    }
}

/// How a minimisation ended. θ itself is where it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Minimum {
    /// J at θ.
    pub j: f64,
    /// The greatest |∂J/∂θᵢ| at θ.
    pub gradient_norm: f64,
    /// Iterations that changed θ.
    pub iterations: usize,
    /// Values of J, with gradients or residuals.
    pub evaluations: usize,
    /// Products with the Hessian or the Jacobian.
    pub products: usize,
    /// Why it ended.
    pub stop: Stop,
}

/// What a minimisation shows after each iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Iteration<'a, T> {
    /// Its number, from 1.
    pub number: usize,
    /// θ after it.
    pub theta: &'a [T],
    /// J at θ.
    pub j: f64,
    /// The greatest |∂J/∂θᵢ| at θ.
    pub gradient_norm: f64,
    /// Values of J so far.
    pub evaluations: usize,
    /// Products so far.
    pub products: usize,
}
