//! Limited-memory BFGS.

use std::ops::ControlFlow;

use crate::minimize::descent::{AfterIteration, Descent, Stepped};
use crate::minimize::limits::Limits;
use crate::minimize::objective::zeros;
use crate::minimize::{Iteration, Minimum, Objective, Stop};
use crate::vectors::{add_scaled, dot, norm};
use crate::{Error, Result, Scalar};

/// L-BFGS: a minimiser that learns the curvature from the last n steps (Nocedal 1980; Nocedal,
/// Wright 2006, algorithms 7.4 and 7.5).
///
/// With s = Δθ and y = Δ∇J of a step and ρ = 1/yᵀs, it goes along d = −H ∇J, where H is made of the
/// last n pairs (s, y), beginning with γ I, γ = sᵀy/yᵀy (eq. 7.20). The step along d meets the
/// strong Wolfe conditions (Moré, Thuente 1994). An iteration costs one evaluation of J as a rule,
/// and 4 n times the size of θ beside it; it allocates nothing.
///
/// It wants J and ∇J of all examples: with batches, of which each has a J of its own, the pairs say
/// nothing.
///
/// ```
/// use mlp::minimize::{Lbfgs, Stop};
/// // Rosenbrock's valley, whose minimum is at (1, 1).
/// let mut rosenbrock = |x: &[f64], gradient: &mut [f64]| {
///     let valley = x[1] - x[0] * x[0];
///     gradient[0] = -400.0 * x[0] * valley - 2.0 * (1.0 - x[0]);
///     gradient[1] = 200.0 * valley;
///     100.0 * valley * valley + (1.0 - x[0]) * (1.0 - x[0])
/// };
/// let mut x = [-1.2, 1.0];
/// let minimum = Lbfgs::new().minimize(&mut rosenbrock, &mut x)?;
/// assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 1.0).abs() < 1e-6);
/// assert_eq!(minimum.stop, Stop::Gradient);
/// assert!(minimum.evaluations < 60);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lbfgs {
    memory: usize,
    pub(super) limits: Limits,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Lbfgs::new()
    }
}

impl Lbfgs {
    /// With a memory of 10 steps.
    pub fn new() -> Self {
        Lbfgs { memory: 10, limits: Limits::default() }
    }

    /// With a memory of n steps: 3 to 20 are of use. It takes 2 n times the size of θ.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if it is 0.
    pub fn memory(self, steps: usize) -> Result<Self> {
        if steps == 0 {
            let expected = "at least 1";
            return Err(Error::Hyperparameter { name: "memory of L-BFGS", value: 0.0, expected });
        }
        Ok(Lbfgs { memory: steps, ..self })
    }

    /// Changes θ until J is at a minimum.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if θ, J or its gradient is no finite number at the start;
    /// [`Error::Length`] if the objective has another number of parameters;
    /// [`Error::Hyperparameter`] for a tolerance; [`Error::Memory`]; what the objective returns.
    pub fn minimize<T: Scalar>(&self, objective: &mut impl Objective<T>, theta: &mut [T]) -> Result<Minimum> {
        self.minimize_with(objective, theta, |_| ControlFlow::Continue(()))
    }

    /// The same, with a function that sees each iteration and may stop it.
    ///
    /// # Errors
    /// As [`minimize`](Self::minimize).
    pub fn minimize_with<T: Scalar>(
        &self,
        objective: &mut impl Objective<T>,
        theta: &mut [T],
        mut after_iteration: impl FnMut(&Iteration<'_, T>) -> ControlFlow<()>,
    ) -> Result<Minimum> {
        T::lbfgs_minimize(self, objective, theta, &mut after_iteration)
    }

    pub(crate) fn minimize_here<T: Scalar>(
        &self,
        objective: &mut dyn Objective<T>,
        theta: &mut [T],
        after_iteration: AfterIteration<'_, T>,
    ) -> Result<Minimum> {
        let mut descent = Descent::new(objective, theta, self.limits)?;
        let mut direction = zeros(descent.theta.len())?;
        let mut pairs = Pairs::new(self.memory);
        loop {
            if let Some(stop) = descent.stop_before() {
                return descent.end(stop);
            }
            let (slope, first) = pairs.direction(&descent.gradient, &mut direction);
            match descent.step(&direction, slope, first)? {
                Stepped::Yes => {}
                Stepped::No if pairs.is_empty() => return descent.end(Stop::LineSearch),
                // What was learned may be of no use here: along −∇J once more.
                Stepped::No => {
                    pairs.clear();
                    continue;
                }
                Stepped::OutOfBudget => return descent.end(Stop::Evaluations),
            }
            if let Some(stop) = descent.stop_after(after_iteration) {
                return descent.end(stop);
            }
            pairs.learn(&descent)?;
        }
    }
}

/// The last pairs, the oldest first from `next` on.
struct Pairs<T> {
    list: Vec<Pair<T>>,
    most: usize,
    /// How many of the list are of use.
    count: usize,
    /// The place of the next one.
    next: usize,
}

struct Pair<T> {
    s: Vec<T>,
    y: Vec<T>,
    /// yᵀs.
    ys: f64,
    /// γ = sᵀy / yᵀy.
    gamma: f64,
    /// ρ sᵀq of the first loop.
    alpha: f64,
}

impl<T: Scalar> Pairs<T> {
    fn new(most: usize) -> Self {
        Pairs { list: Vec::new(), most, count: 0, next: 0 }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn clear(&mut self) {
        (self.count, self.next) = (0, 0);
    }

    /// The place of the pair that was learned `age` steps before the last one.
    fn place(&self, age: usize) -> usize {
        if age < self.next { self.next - 1 - age } else { self.most - 1 - (age - self.next) }
    }

    /// −H ∇J, with its slope and the first step along it: algorithm 7.4, the two loops.
    fn direction(&mut self, gradient: &[T], direction: &mut [T]) -> (f64, f64) {
        direction.iter_mut().zip(gradient).for_each(|(d, &g)| *d = -g);
        if self.count > 0 {
            for age in 0..self.count {
                let place = self.place(age);
                let Pair { s, y, ys, alpha, .. } = &mut self.list[place];
                *alpha = dot(s, direction) / *ys;
                add_scaled(direction, -*alpha, y);
            }
            let gamma = T::from_f64(self.list[self.place(0)].gamma);
            direction.iter_mut().for_each(|d| *d *= gamma);
            for age in (0..self.count).rev() {
                let Pair { s, y, ys, alpha, .. } = &self.list[self.place(age)];
                let beta = dot(y, direction) / *ys;
                add_scaled(direction, *alpha - beta, s);
            }
            let slope = dot(gradient, direction);
            if slope < 0.0 && slope.is_finite() {
                return (slope, 1.0);
            }
            // Rounding has made it useless.
            self.clear();
            direction.iter_mut().zip(gradient).for_each(|(d, &g)| *d = -g);
        }
        (dot(gradient, direction), (1.0 / norm(gradient)).min(1.0))
    }

    /// Remembers the last step, if J was curved upwards along it.
    fn learn<O: ?Sized>(&mut self, descent: &Descent<'_, T, O>) -> Result<()> {
        let n = descent.theta.len();
        if self.list.len() == self.next {
            self.list.push(Pair { s: zeros(n)?, y: zeros(n)?, ys: 0.0, gamma: 0.0, alpha: 0.0 });
        }
        let pair = &mut self.list[self.next];
        difference(&mut pair.s, descent.theta, &descent.other_theta);
        difference(&mut pair.y, &descent.gradient, &descent.other_gradient);
        let (ys, yy) = (dot(&pair.y, &pair.s), dot(&pair.y, &pair.y));
        if ys > f64::EPSILON * yy && T::from_f64(ys / yy).is_finite() {
            (pair.ys, pair.gamma) = (ys, ys / yy);
            self.count = (self.count + 1).min(self.most);
            self.next = (self.next + 1) % self.most;
        }
        Ok(())
    }
}

fn difference<T: Scalar>(out: &mut [T], a: &[T], b: &[T]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = a - b;
    }
}
