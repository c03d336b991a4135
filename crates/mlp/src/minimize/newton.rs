//! Newton's method, with directions by conjugate gradients.

use std::ops::ControlFlow;

use crate::minimize::descent::{AfterIteration, Descent, Stepped};
use crate::minimize::limits::Limits;
use crate::minimize::objective::zeros;
use crate::minimize::{Curvature, Iteration, Minimum, Stop};
use crate::vectors::{add_scaled, dot, norm};
use crate::{Result, Scalar};

/// Newton–CG: a minimiser that asks for products with the Hessian, and so for as much curvature as
/// it needs (Dembo, Steihaug 1983; Nocedal, Wright 2006, algorithm 7.1).
///
/// The direction d nearly solves ∇²J · d = −∇J, by conjugate gradients that begin at 0 and end
/// where the residual is below min(½, √(‖∇J‖ / ‖∇J₀‖)) ‖∇J‖, with ∇J₀ the gradient at the start:
/// roughly at first, and ever more exactly, so that it converges faster than linearly. (The book
/// has √‖∇J‖, which depends on the unit of J.) Along a direction of negative curvature they end at
/// once, with what they have so far, and with −∇J if that is nothing. The step along d meets the
/// strong Wolfe conditions. An iteration allocates nothing.
///
/// ```
/// use mlp::minimize::{NewtonCg, RecordedCurvature};
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let [x, y] = [("x", 3.0), ("y", -2.0)].map(|(name, value)| tape.parameter(name, &matrix![[value]]));
/// let j = (x.square() + y - 11.0).square() + (x + y.square() - 7.0).square(); // Himmelblau's
/// let mut himmelblau = RecordedCurvature::new(j, [x, y])?;
/// let mut theta = himmelblau.theta()?;
/// let minimum = NewtonCg::new().minimize(&mut himmelblau, &mut theta)?;
/// assert!(minimum.stop.is_converged());
/// assert!((theta[0] - 3.584428340330).abs() < 1e-9 && (theta[1] + 1.848126526964).abs() < 1e-9);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NewtonCg {
    pub(super) limits: Limits,
}

impl NewtonCg {
    /// With the default budget and tolerances.
    pub fn new() -> Self {
        NewtonCg::default()
    }

    /// Changes θ until J is at a minimum.
    ///
    /// # Errors
    /// As [`Lbfgs::minimize`](crate::minimize::Lbfgs::minimize).
    pub fn minimize<T: Scalar>(&self, objective: &mut impl Curvature<T>, theta: &mut [T]) -> Result<Minimum> {
        self.minimize_with(objective, theta, |_| ControlFlow::Continue(()))
    }

    /// The same, with a function that sees each iteration and may stop it.
    ///
    /// # Errors
    /// As [`Lbfgs::minimize`](crate::minimize::Lbfgs::minimize).
    pub fn minimize_with<T: Scalar>(
        &self,
        objective: &mut impl Curvature<T>,
        theta: &mut [T],
        mut after_iteration: impl FnMut(&Iteration<'_, T>) -> ControlFlow<()>,
    ) -> Result<Minimum> {
        T::newton_minimize(self, objective, theta, &mut after_iteration)
    }

    pub(crate) fn minimize_here<T: Scalar>(
        &self,
        objective: &mut dyn Curvature<T>,
        theta: &mut [T],
        after_iteration: AfterIteration<'_, T>,
    ) -> Result<Minimum> {
        let mut descent = Descent::new(objective, theta, self.limits)?;
        let mut inner = Inner::new(descent.theta.len(), norm(&descent.gradient))?;
        loop {
            if let Some(stop) = descent.stop_before() {
                return descent.end(stop);
            }
            let mut along = inner.direction(&mut descent)?;
            let mut stepped = descent.step(&inner.z, along.slope, along.first)?;
            if matches!(stepped, Stepped::No) && !along.is_gradient {
                // Rounding may have made it useless.
                along = inner.gradient(&descent.gradient, f64::INFINITY);
                stepped = descent.step(&inner.z, along.slope, along.first)?;
            }
            match stepped {
                Stepped::Yes => {}
                Stepped::No => return descent.end(Stop::LineSearch),
                Stepped::OutOfBudget => return descent.end(Stop::Evaluations),
            }
            if let Some(stop) = descent.stop_after(after_iteration) {
                return descent.end(stop);
            }
        }
    }
}

/// Conjugate gradients for ∇²J · z = −∇J.
struct Inner<T> {
    z: Vec<T>,
    residual: Vec<T>,
    d: Vec<T>,
    /// ∇²J · d.
    product: Vec<T>,
    /// ‖∇J₀‖.
    at_start: f64,
}

impl<T: Scalar> Inner<T> {
    fn new(n: usize, at_start: f64) -> Result<Self> {
        Ok(Inner { z: zeros(n)?, residual: zeros(n)?, d: zeros(n)?, product: zeros(n)?, at_start })
    }

    /// The direction, in z.
    fn direction(&mut self, descent: &mut Descent<'_, T, dyn Curvature<T> + '_>) -> Result<Along> {
        self.z.fill(T::ZERO);
        self.residual.copy_from_slice(&descent.gradient);
        self.d.iter_mut().zip(&descent.gradient).for_each(|(d, &g)| *d = -g);
        let of_gradient = norm(&descent.gradient);
        let enough = (of_gradient / self.at_start).sqrt().min(0.5) * of_gradient;
        let mut rr = dot(&self.residual, &self.residual);
        // Rounding may make some more necessary than θ has numbers.
        for step in 0..2 * self.z.len() {
            if descent.is_out_of_budget() {
                break;
            }
            descent.products += 1;
            descent.objective.hessian_product(descent.theta, &self.d, &mut self.product)?;
            let curvature = dot(&self.d, &self.product);
            if !(curvature > 0.0 && curvature.is_finite()) {
                if step == 0 {
                    return Ok(self.gradient(&descent.gradient, curvature));
                }
                break;
            }
            let alpha = rr / curvature;
            add_scaled(&mut self.z, alpha, &self.d);
            add_scaled(&mut self.residual, alpha, &self.product);
            let next = dot(&self.residual, &self.residual);
            if next.sqrt() < enough {
                break;
            }
            let beta = T::from_f64(next / rr);
            self.d.iter_mut().zip(&self.residual).for_each(|(d, &r)| *d = beta * *d - r);
            rr = next;
        }
        let slope = dot(&self.z, &descent.gradient);
        if slope < 0.0 && slope.is_finite() {
            return Ok(Along { slope, first: 1.0, is_gradient: false });
        }
        Ok(self.gradient(&descent.gradient, f64::INFINITY))
    }

    /// −∇J, along which J has a curvature: first as far as its size says, or by 1.
    fn gradient(&mut self, gradient: &[T], curvature: f64) -> Along {
        self.z.iter_mut().zip(gradient).for_each(|(z, &g)| *z = -g);
        let gg = dot(gradient, gradient);
        let by_curvature = gg / curvature.abs();
        let is_known = by_curvature > 0.0 && by_curvature.is_finite();
        Along {
            slope: -gg,
            first: if is_known { by_curvature } else { 1.0 / norm(gradient) },
            is_gradient: true,
        }
    }
}

/// How to go along a direction.
struct Along {
    slope: f64,
    first: f64,
    /// Whether it is −∇J.
    is_gradient: bool,
}
