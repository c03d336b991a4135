//! Least squares by damped steps.

use std::ops::ControlFlow;

use crate::minimize::cholesky::solve;
use crate::minimize::descent::AfterIteration;
use crate::minimize::limits::Limits;
use crate::minimize::objective::{check_dimension, check_finite, zeros};
use crate::minimize::{Iteration, Minimum, Residuals, Stop, Tolerances};
use crate::vectors::dot;
use crate::{Result, Scalar};

/// Levenberg–Marquardt: a minimiser of J = ½ ‖r‖² for residuals r (Levenberg 1944, Marquardt 1963).
///
/// With the Jacobian A = ∂r/∂θ, a step solves (AᵀA + μ D) Δθ = −Aᵀr by Cholesky, where D has the
/// greatest diagonal of AᵀA so far, so that the unit of a parameter does not matter (Moré 1978).
/// The damping μ follows the gain ratio ϱ = (J(θ) − J(θ + Δθ)) / ½ Δθᵀ(μ D Δθ − Aᵀr): with ϱ > 0
/// the step is taken, and μ ← μ max(⅓, 1 − (2ϱ − 1)³); else μ ← μ ν with ν = 2, 4, 8, … (Nielsen
/// 1999; Madsen, Nielsen, Tingleff 2004, algorithm 3.16).
///
/// It stops where the angles between r and the columns of A are right ones, max |Aₖᵀr| / ‖Aₖ‖ ‖r‖
/// within the [gradient's tolerance](Tolerances::gradient): that does not depend on units either.
/// Where damping makes a step ever shorter, and none makes J smaller, [that is
/// told](Stop::LineSearch), unless the first of them was within a tolerance or had nothing to gain
/// but rounding.
///
/// AᵀA is summed in `f64` for either type: it has the square of A's condition, but the minimum is
/// where Aᵀr is 0, which does not suffer from that. It is dense: a thousand parameters are many.
///
/// ```
/// use mlp::minimize::{LevenbergMarquardt, RecordedResiduals};
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let x = tape.examples("x", &matrix![[0.0, 1.0, 2.0, 3.0]]);
/// let y = tape.examples("y", &matrix![[2.0, 1.0, 0.5, 0.25]]);
/// let (a, k) = (tape.parameter("a", &matrix![[1.0]]), tape.parameter("k", &matrix![[0.1]]));
/// let r = a * (-k * x).exp() - y; // is to be 2 · 2⁻ˣ
/// let mut residuals = RecordedResiduals::new(r, [a, k])?;
/// let mut theta = residuals.theta()?;
/// let minimum = LevenbergMarquardt::new().minimize(&mut residuals, &mut theta)?;
/// assert!(minimum.j < 1e-12);
/// assert!((theta[0] - 2.0).abs() < 1e-6 && (theta[1] - 2.0_f64.ln()).abs() < 1e-6);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LevenbergMarquardt {
    pub(super) limits: Limits,
}

impl LevenbergMarquardt {
    /// With the default budget and tolerances.
    pub fn new() -> Self {
        LevenbergMarquardt::default()
    }

    /// Changes θ until J is at a minimum.
    ///
    /// # Errors
    /// [`Error::NonFinite`](crate::Error::NonFinite) if θ, a residual or an element of the Jacobian
    /// is no finite number at the start, or a sum of their squares or products, in `f64`;
    /// [`Error::Length`](crate::Error::Length) if there is another number of parameters; [`Error::Hyperparameter`](crate::Error::Hyperparameter) for a
    /// tolerance; [`Error::Memory`](crate::Error::Memory); what the residuals return.
    pub fn minimize<T: Scalar>(&self, residuals: &mut impl Residuals<T>, theta: &mut [T]) -> Result<Minimum> {
        self.minimize_with(residuals, theta, |_| ControlFlow::Continue(()))
    }

    /// The same, with a function that sees each iteration and may stop it.
    ///
    /// # Errors
    /// As [`minimize`](Self::minimize).
    pub fn minimize_with<T: Scalar>(
        &self,
        residuals: &mut impl Residuals<T>,
        theta: &mut [T],
        mut after_iteration: impl FnMut(&Iteration<'_, T>) -> ControlFlow<()>,
    ) -> Result<Minimum> {
        T::levenberg_minimize(self, residuals, theta, &mut after_iteration)
    }

    pub(crate) fn minimize_here<T: Scalar>(
        &self,
        residuals: &mut dyn Residuals<T>,
        theta: &mut [T],
        after_iteration: AfterIteration<'_, T>,
    ) -> Result<Minimum> {
        let mut fit = Fit::new(residuals, theta, self.limits)?;
        if let Some(stop) = fit.stop_before() {
            return fit.end(stop);
        }
        loop {
            let moved = match fit.step()? {
                Damped::Stepped(moved) => moved,
                Damped::Stopped(stop) => return fit.end(stop),
            };
            if let Some(stop) = fit.stop_after(moved, after_iteration) {
                return fit.end(stop);
            }
        }
    }
}

/// A fit on its way, at θ.
struct Fit<'a, T> {
    residuals: &'a mut dyn Residuals<T>,
    limits: Limits,
    theta: &'a mut [T],
    r: Vec<T>,
    j: f64,
    /// J at the start.
    at_start: f64,
    /// A, column by column.
    jacobian: Vec<T>,
    /// AᵀA, Aᵀr and D.
    normal: Vec<f64>,
    gradient: Vec<f64>,
    scale: Vec<f64>,
    damping: Damping,
    trial: Vec<T>,
    trial_r: Vec<T>,
    step: Vec<f64>,
    damped: Vec<f64>,
    factor: Vec<f64>,
    iterations: usize,
    evaluations: usize,
    products: usize,
    /// Whether the residuals were computed at θ last.
    is_at_theta: bool,
}

/// μ and ν.
struct Damping {
    mu: f64,
    nu: f64,
}

impl Damping {
    /// μ of the first step, as the scaled diagonal of AᵀA is at most 1.
    const FIRST: f64 = 1e-3;

    fn follow(&mut self, gain: f64) {
        (self.mu, self.nu) = (self.mu * (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0), 2.0);
    }

    fn increase(&mut self) {
        (self.mu, self.nu) = (self.mu * self.nu, self.nu * 2.0);
    }
}

/// What became of a step.
enum Damped {
    Stepped(Moved),
    Stopped(Stop),
}

/// What a step has done, relative to what there was.
struct Moved {
    decrease: f64,
    foreseen: f64,
    step: f64,
}

impl<'a, T: Scalar> Fit<'a, T> {
    fn new(residuals: &'a mut dyn Residuals<T>, theta: &'a mut [T], limits: Limits) -> Result<Self> {
        limits.tolerances.check()?;
        check_dimension(residuals.dimension(), theta.len())?;
        check_finite("θ at the start", theta)?;
        let (n, count) = (theta.len(), residuals.count());
        let mut r = zeros(count)?;
        residuals.residuals(theta, &mut r)?;
        check_finite("r at the start", &r)?;
        let mut fit = Fit {
            residuals,
            limits,
            j: dot(&r, &r) / 2.0,
            at_start: dot(&r, &r) / 2.0,
            r,
            jacobian: zeros(n.saturating_mul(count))?,
            normal: zeros(n.saturating_mul(n))?,
            gradient: zeros(n)?,
            scale: zeros(n)?,
            damping: Damping { mu: Damping::FIRST, nu: 2.0 },
            trial: zeros(n)?,
            trial_r: zeros(count)?,
            step: zeros(n)?,
            damped: zeros(n)?,
            factor: zeros(n.saturating_mul(n))?,
            theta,
            iterations: 0,
            evaluations: 1,
            products: 0,
            is_at_theta: true,
        };
        fit.differentiate()?;
        check_finite("∂r/∂θ at the start", &fit.jacobian)?;
        check_finite("J at the start", &[fit.j])?;
        check_finite("‖∂r/∂θ‖² at the start", &fit.scale)?;
        Ok(fit)
    }

    /// AᵀA, Aᵀr and D at θ.
    fn differentiate(&mut self) -> Result<()> {
        let (n, count) = (self.theta.len(), self.r.len());
        self.residuals.jacobian(self.theta, &mut self.jacobian)?;
        self.products += n;
        let column = |k: usize| &self.jacobian[k * count..(k + 1) * count];
        for k in 0..n {
            self.gradient[k] = dot(column(k), &self.r);
            for i in k..n {
                self.normal[k * n + i] = dot(column(k), column(i));
            }
            let diagonal = self.normal[k * n + k];
            self.scale[k] = self.scale[k].max(diagonal);
        }
        Ok(())
    }

    fn gradient_norm(&self) -> f64 {
        crate::vectors::max_norm(&self.gradient)
    }

    /// The greatest cosine of an angle between r and a column of A, max |Aₖᵀr| / ‖Aₖ‖ ‖r‖; ∞ where
    /// one is no number, and 0 where r is 0.
    fn cosine(&self) -> f64 {
        let n = self.theta.len();
        let cosine = |k: usize| match (self.gradient[k].abs(), self.normal[k * n + k]) {
            (g, square) if !(g.is_finite() && square.is_finite()) => f64::INFINITY,
            (0.0, _) => 0.0,
            (g, square) => g / (square.sqrt() * (2.0 * self.j).sqrt()),
        };
        if self.j == 0.0 { 0.0 } else { (0..n).map(cosine).fold(0.0, f64::max) }
    }

    fn stop_before(&self) -> Option<Stop> {
        let Limits { budget, tolerances } = &self.limits;
        if self.cosine() <= tolerances.gradient {
            Some(Stop::Gradient)
        } else if self.iterations >= budget.iterations {
            Some(Stop::Iterations)
        } else {
            None
        }
    }

    /// Damps more and more, until a step makes J smaller.
    fn step(&mut self) -> Result<Damped> {
        let mut was_little = None;
        loop {
            if self.evaluations + self.products >= self.limits.budget.evaluations {
                return Ok(Damped::Stopped(Stop::Evaluations));
            }
            let Damping { mu, .. } = self.damping;
            if !mu.is_finite() || self.gradient.iter().any(|g| !g.is_finite()) {
                return Ok(Damped::Stopped(Stop::LineSearch));
            }
            // A parameter that nothing depends on, here, must not make the matrix singular.
            let scaled = |scale: f64| mu * if scale > 0.0 { scale } else { 1.0 };
            self.damped.iter_mut().zip(&self.scale).for_each(|(d, &scale)| *d = scaled(scale));
            if !solve(&self.normal, &self.damped, &self.gradient, &mut self.factor, &mut self.step) {
                self.damping.increase();
                continue;
            }
            let moved = self.look()?;
            if moved.decrease > 0.0 && moved.foreseen > 0.0 {
                self.theta.swap_with_slice(&mut self.trial);
                std::mem::swap(&mut self.r, &mut self.trial_r);
                self.j = dot(&self.r, &self.r) / 2.0;
                self.damping.follow(moved.decrease / moved.foreseen);
                self.iterations += 1;
                self.is_at_theta = true;
                self.differentiate()?;
                return Ok(Damped::Stepped(moved));
            }
            let Tolerances { step, .. } = self.limits.tolerances;
            // Damped enough, any step is short: the first tells whether there was something to gain.
            let is_little = moved.step <= step || moved.foreseen <= self.hidden();
            let was_little = *was_little.get_or_insert(is_little);
            if moved.step <= step {
                let stop = if was_little { Stop::Step } else { Stop::LineSearch };
                return Ok(Damped::Stopped(stop));
            }
            self.damping.increase();
        }
    }

    /// What the tolerance, or the rounding of r, takes for nothing in J. Where r is to be 0, its
    /// rounding is beside what it was at the start.
    fn hidden(&self) -> f64 {
        const ROUNDINGS: f64 = 4096.0;
        let share = self.limits.tolerances.decrease.max(ROUNDINGS * T::EPSILON.to_f64());
        (share * self.j).max(share * share * self.at_start)
    }

    /// The residuals after the step.
    fn look(&mut self) -> Result<Moved> {
        for ((trial, theta), step) in self.trial.iter_mut().zip(self.theta.iter()).zip(&self.step) {
            *trial = T::from_f64(theta.to_f64() - step);
        }
        self.evaluations += 1;
        self.is_at_theta = false;
        self.residuals.residuals(&self.trial, &mut self.trial_r)?;
        // ½ (‖r‖² − ‖r′‖²), without the rounding of either.
        let decrease = self.r.iter().zip(&self.trial_r);
        let decrease: f64 =
            decrease.map(|(r, trial)| (r.to_f64() - trial.to_f64()) * (r.to_f64() + trial.to_f64())).sum();
        let foreseen = self.step.iter().zip(&self.damped).zip(&self.gradient);
        let foreseen: f64 = foreseen.map(|((step, d), g)| step * (d * step + g)).sum();
        let moved = self.step.iter().map(|step| step * step).sum::<f64>().sqrt();
        let size = dot(self.theta, self.theta).sqrt();
        let step = if moved == 0.0 { 0.0 } else { moved / size };
        Ok(Moved { decrease: decrease / 2.0, foreseen: foreseen / 2.0, step })
    }

    fn stop_after(&mut self, moved: Moved, after_iteration: AfterIteration<'_, T>) -> Option<Stop> {
        let shown = Iteration {
            number: self.iterations,
            theta: self.theta,
            j: self.j,
            gradient_norm: self.gradient_norm(),
            evaluations: self.evaluations,
            products: self.products,
        };
        if after_iteration(&shown).is_break() {
            return Some(Stop::Caller);
        }
        let Tolerances { gradient, decrease, step } = self.limits.tolerances;
        if self.cosine() <= gradient {
            return Some(Stop::Gradient);
        }
        // Of the J before.
        let little = decrease * (self.j + moved.decrease);
        if moved.decrease <= little && moved.foreseen <= little {
            return Some(Stop::Decrease);
        }
        if moved.step <= step {
            return Some(Stop::Step);
        }
        self.stop_before()
    }

    fn end(self, stop: Stop) -> Result<Minimum> {
        if !self.is_at_theta {
            self.residuals.finish(self.theta)?;
        }
        Ok(Minimum {
            j: self.j,
            gradient_norm: self.gradient_norm(),
            iterations: self.iterations,
            evaluations: self.evaluations,
            products: self.products,
            stop,
        })
    }
}
