//! What the minimisers that go along a line have in common.

use std::ops::ControlFlow;

use crate::minimize::limits::Limits;
use crate::minimize::objective::{check_dimension, check_finite, zeros};
use crate::minimize::search::{At, Found, search};
use crate::minimize::{Iteration, Minimum, Objective, Stop, Tolerances};
use crate::vectors::{along, dot, max_norm, norm};
use crate::{Result, Scalar};

/// The caller's function, after each iteration.
pub(super) type AfterIteration<'f, T> = &'f mut dyn FnMut(&Iteration<'_, T>) -> ControlFlow<()>;

/// A minimisation on its way, at θ.
pub(super) struct Descent<'a, T, O: ?Sized> {
    pub(super) objective: &'a mut O,
    limits: Limits,
    pub(super) theta: &'a mut [T],
    pub(super) gradient: Vec<T>,
    pub(super) j: f64,
    /// The θ before, with its gradient and J; or that of a search.
    pub(super) other_theta: Vec<T>,
    pub(super) other_gradient: Vec<T>,
    other_j: f64,
    iterations: usize,
    evaluations: usize,
    pub(super) products: usize,
    /// Whether the objective was evaluated at θ last.
    is_at_theta: bool,
}

/// Whether θ has changed.
pub(super) enum Stepped {
    Yes,
    /// No step makes J smaller.
    No,
    OutOfBudget,
}

impl<'a, T: Scalar, O: Objective<T> + ?Sized> Descent<'a, T, O> {
    pub(super) fn new(objective: &'a mut O, theta: &'a mut [T], limits: Limits) -> Result<Self> {
        limits.tolerances.check()?;
        check_dimension(objective.dimension(), theta.len())?;
        check_finite("θ at the start", theta)?;
        let n = theta.len();
        let mut gradient = zeros(n)?;
        let j = objective.evaluate(theta, &mut gradient)?;
        check_finite("J at the start", &[j])?;
        check_finite("∇J at the start", &gradient)?;
        let j = j.to_f64();
        Ok(Descent {
            objective,
            limits,
            theta,
            gradient,
            j,
            other_theta: zeros(n)?,
            other_gradient: zeros(n)?,
            other_j: j,
            iterations: 0,
            evaluations: 1,
            products: 0,
            is_at_theta: true,
        })
    }

    /// What stops it before the next iteration.
    pub(super) fn stop_before(&self) -> Option<Stop> {
        let Limits { budget, tolerances } = &self.limits;
        if max_norm(&self.gradient) <= tolerances.gradient {
            Some(Stop::Gradient)
        } else if self.iterations >= budget.iterations {
            Some(Stop::Iterations)
        } else if self.is_out_of_budget() {
            Some(Stop::Evaluations)
        } else {
            None
        }
    }

    pub(super) fn is_out_of_budget(&self) -> bool {
        self.evaluations + self.products >= self.limits.budget.evaluations
    }

    /// Goes along a direction with slope φ′(0) < 0, by `first` times it if that is enough.
    pub(super) fn step(&mut self, direction: &[T], slope: f64, first: f64) -> Result<Stepped> {
        let start = At { step: 0.0, value: self.j, slope };
        let mut last = 0.0;
        let found = search(start, first, self.noise(), |step| {
            if self.is_out_of_budget() {
                return Ok(None);
            }
            last = step;
            self.look(direction, step).map(Some)
        })?;
        match found {
            Found::Step(at) => {
                if at.step != last {
                    self.look(direction, at.step)?;
                }
                self.theta.swap_with_slice(&mut self.other_theta);
                std::mem::swap(&mut self.gradient, &mut self.other_gradient);
                std::mem::swap(&mut self.j, &mut self.other_j);
                self.iterations += 1;
                self.is_at_theta = true;
                Ok(Stepped::Yes)
            }
            Found::Nothing => Ok(Stepped::No),
            Found::OutOfBudget => Ok(Stepped::OutOfBudget),
        }
    }

    /// φ and φ′ at a step.
    fn look(&mut self, direction: &[T], step: f64) -> Result<At> {
        along(&mut self.other_theta, self.theta, step, direction);
        self.is_at_theta = false;
        self.evaluations += 1;
        let j = self.objective.evaluate(&self.other_theta, &mut self.other_gradient)?;
        self.other_j = j.to_f64();
        Ok(At { step, value: self.other_j, slope: dot(&self.other_gradient, direction) })
    }

    /// What rounding may make of J.
    fn noise(&self) -> f64 {
        let epsilon = if T::NAME == "f32" { f64::from(f32::EPSILON) } else { f64::EPSILON };
        4.0 * epsilon * self.j.abs()
    }

    /// What stops it after an iteration.
    pub(super) fn stop_after(&mut self, after_iteration: AfterIteration<'_, T>) -> Option<Stop> {
        let shown = Iteration {
            number: self.iterations,
            theta: self.theta,
            j: self.j,
            gradient_norm: max_norm(&self.gradient),
            evaluations: self.evaluations,
            products: self.products,
        };
        if after_iteration(&shown).is_break() {
            return Some(Stop::Caller);
        }
        let Tolerances { gradient, decrease, step } = self.limits.tolerances;
        if shown.gradient_norm <= gradient {
            return Some(Stop::Gradient);
        }
        if self.other_j - self.j <= decrease * self.j.abs().max(self.other_j.abs()) {
            return Some(Stop::Decrease);
        }
        // What the step was is of no more use than its length.
        let norm_of_theta = norm(self.theta);
        let moved = self.theta.iter().zip(&self.other_theta).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2));
        (moved.sum::<f64>().sqrt() <= step * norm_of_theta).then_some(Stop::Step)
    }

    pub(super) fn end(self, stop: Stop) -> Result<Minimum> {
        if !self.is_at_theta {
            self.objective.finish(self.theta)?;
        }
        Ok(Minimum {
            j: self.j,
            gradient_norm: max_norm(&self.gradient),
            iterations: self.iterations,
            evaluations: self.evaluations,
            products: self.products,
            stop,
        })
    }
}
