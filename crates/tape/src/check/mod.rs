//! A checker of derivatives: for functions g, operations and models of one's own, and for the
//! built-in ones.
//!
//! ```
//! use tape::check::{Check, Law};
//! use tape::matrix;
//! let (w, x) = (matrix![[0.5, -1.0], [0.25, 2.0]], matrix![[1.0], [-0.5]]);
//! let summary = Check::new().scalar(&[w, x], |_, v| v[0].matmul(v[1]).tanh().sum())?;
//! assert!(summary.largest(Law::Derivative) < Some(1e-9));
//! # Ok::<(), tape::check::Failure>(())
//! ```
//!
//! # The laws
//! For a function f of some operands x, its Jacobian J at x, random cotangents u and random
//! directions v and w:
//! 1. **reproducibility**: two runs give the same bits; values and gradients are finite and have
//!    their shapes;
//! 2. **zero cotangent**: u = 0 gives gradients that are exactly 0;
//! 3. **linearity**: 2u gives twice what u gives, bit for bit (unless numbers become subnormal); u
//!    + u′ gives the sum of what u and u′ give, within rounding;
//! 4. **transpose**: ⟨u, J·v⟩ = ⟨Jᵀ·u, v⟩ within rounding, with J·v from [`Var::jvp`];
//! 5. **derivative**, for each operand alone: ⟨u, (f(x + hv) − f(x − hv))/2h⟩ tends to ⟨Jᵀ·u, v⟩;
//! 6. **second derivative**: law 5 for the recorded gradient x ↦ Jᵀ·u in the place of f;
//! 7. **symmetry**: ⟨v, H·w⟩ = ⟨w, H·v⟩ within rounding, where H is the derivative of x ↦ Jᵀ·u;
//! 8. **columnwise**: an [operation](crate::Operation) of the user's that says it
//!    [is columnwise](crate::Operation::is_columnwise) gives each column the same value
//!    within rounding whether it gets all columns or a part of them, as programs do that go tile by
//!    tile; so does its [kernel for blocks](crate::Elementwise). It is looked at where operands
//!    have at least two columns.
//!
//! A law is checked if those that it rests on hold, so that one fault gives one message: a rule
//! that is not linear is not compared with differences, and the second derivative of a wrong first
//! one is not looked at.
//!
//! # Step and tolerance
//! The central difference D(h) has an error of order h². [`Check`] takes (4·D(h/2) − D(h))/3, which
//! leaves an error of order h⁴ (Richardson). Rounding adds one of order ε/h. Both are equal for h =
//! ε^(1/5), and this is the default step, 7.4e-4 in `f64` and 4.1e-2 in `f32`, times 1 + ‖x‖∞ of
//! the operand that moves.
//!
//! What remains is of order ε^(4/5), with a factor that depends on higher derivatives. The default
//! tolerance is twice the square root of that, 2·ε^(2/5): 1.1e-6 in `f64` and 3.4e-3 in `f32`. So
//! half of the digits that differences can give are left for functions that bend strongly, and the
//! other half still tell a wrong factor from a right one. The difference is relative to ‖Jᵀ·u‖·‖v‖;
//! 64 times what rounding the values of f makes of the quotient is granted besides, so that a
//! derivative of zero is no division by zero. A function with strong curvature near x, or whose
//! domain ends there, needs a smaller [`step`](Check::step).
//!
//! The laws that hold but for rounding, 3, 4, 7 and 8, have the tolerance ε^(2/3): 3.7e-11 and
//! 2.4e-5.
//!
//! Where f has a corner between x − hv and x + hv, as relu at 0, differences say nothing about the
//! derivative. Then the differences on both sides do not approach each other, and the message says
//! that it looks like a kink.
//!
//! [`Var::jvp`]: crate::Var::jvp

mod columnwise;
pub(crate) mod laws;
mod random;
mod report;
mod values;

pub use random::Random;
pub use report::{Broken, Failure, Law, Summary};

use crate::{Error, Function, Matrix, Scalar, Tape, Var};

/// What to check with: see the [module](self) for the laws, the step and the tolerance.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a check runs when it is given something to check"]
pub struct Check {
    seed: u64,
    step: Option<f64>,
    tolerance: Option<f64>,
    directions: usize,
    orders: u8,
}

impl Default for Check {
    fn default() -> Self {
        Check::new()
    }
}

impl Check {
    /// Seed 0, 3 directions, orders 1 and 2, step and tolerance by the number type.
    pub fn new() -> Self {
        Check { seed: 0, step: None, tolerance: None, directions: 3, orders: 2 }
    }

    /// Other random directions and cotangents. They come from [`Random`]: the same seed, the same
    /// check, on every platform.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The step h of the differences, to be multiplied by 1 + ‖x‖∞ of the operand that moves.
    ///
    /// # Panics
    /// If it is not positive and finite.
    pub fn step(mut self, h: f64) -> Self {
        assert!(h > 0.0 && h.is_finite(), "the step is {h}, not a positive number");
        self.step = Some(h);
        self
    }

    /// The tolerance of the derivative laws.
    ///
    /// # Panics
    /// If it is not positive and finite.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        let t = tolerance;
        assert!(t > 0.0 && t.is_finite(), "the tolerance is {t}, not a positive number");
        self.tolerance = Some(t);
        self
    }

    /// How many random directions and cotangents.
    ///
    /// # Panics
    /// If none.
    pub fn directions(mut self, n: usize) -> Self {
        assert!(n > 0, "at least one direction");
        self.directions = n;
        self
    }

    /// Check the first derivatives alone (1), or the second as well (2).
    ///
    /// # Panics
    /// If it is neither.
    pub fn orders(mut self, orders: u8) -> Self {
        assert!(matches!(orders, 1 | 2), "orders are 1 or 2, not {orders}");
        self.orders = orders;
        self
    }

    /// Checks a 1 × 1 function of the inputs, for instance the loss of a model.
    ///
    /// `record` gets a new tape and the inputs as its parameters, named `x[0]`, `x[1]`, …
    ///
    /// # Errors
    /// The broken laws.
    pub fn scalar<T: Scalar>(
        &self,
        inputs: &[Matrix<T>],
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>,
    ) -> Result<Summary, Failure> {
        let tape = Tape::new();
        let variables = laws::parameters(&tape, inputs);
        let result = record(&tape, &variables);
        let shape = result.shape()?;
        if !shape.is_scalar() {
            // The gradient itself says what is wrong with the shape.
            result.gradients(&variables).into_iter().try_for_each(Var::sound)?;
        }
        T::check_laws(self, &tape, inputs, &variables, result)
    }

    /// Checks an entry of any shape as a function of the inputs, for instance an operation of one's
    /// own.
    ///
    /// `record` gets a new tape and the inputs as its parameters, named `x[0]`, `x[1]`, …
    ///
    /// ```
    /// use tape::check::Check;
    /// use tape::matrix;
    /// let inputs = [matrix![[1.0, 2.0], [3.0, -4.0]], matrix![[2.0], [0.5]]];
    /// // Wrong: the factor is treated as a constant by recording its value.
    /// let failure = Check::new().operation(&inputs, |_, x| x[0].square() * x[1].value().unwrap()[(0, 0)]).unwrap_err();
    /// assert!(failure.to_string().contains("does not depend on x[1]"));
    /// assert!(Check::new().operation(&inputs, |_, x| x[0].square() * x[1]).is_ok());
    /// ```
    ///
    /// # Errors
    /// The broken laws.
    pub fn operation<T: Scalar>(
        &self,
        inputs: &[Matrix<T>],
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>,
    ) -> Result<Summary, Failure> {
        let tape = Tape::new();
        let variables = laws::parameters(&tape, inputs);
        let result = record(&tape, &variables);
        T::check_laws(self, &tape, inputs, &variables, result)
    }

    /// Checks a function g at each of the points: g′, and g″ if there is one.
    ///
    /// ```
    /// use tape::Function;
    /// use tape::check::Check;
    /// let cube = Function::new("cube", |x: f64| x * x * x).with_derivative(Function::new("cube′", |x| 2.0 * x * x));
    /// let failure = Check::new().function(&cube, &[0.5]).unwrap_err();
    /// assert!(failure.to_string().starts_with("at 0.5: derivative: for operand 0 differences give "));
    /// ```
    ///
    /// # Errors
    /// The broken laws, with the points. A function without a derivative is a missing derivative.
    pub fn function<T: Scalar>(&self, function: &Function<T>, points: &[T]) -> Result<Summary, Failure> {
        T::check_function(self, function, points)
    }

    pub(crate) fn function_here<T: Scalar>(
        &self,
        function: &Function<T>,
        points: &[T],
    ) -> Result<Summary, Failure> {
        let mut check = self.clone();
        if matches!(function.given_derivative(), Some(d @ Function::User(_)) if d.given_derivative().is_none())
        {
            check.orders = 1;
        }
        let (mut summary, mut broken) = (Summary::default(), Vec::new());
        for &point in points {
            match check.operation(&[Matrix::scalar(point)], |_, x| x[0].map(function)) {
                Ok(found) => summary.merge(&found),
                Err(found) => broken.extend(found.broken.into_iter().map(|b| (point.to_f64(), b))),
            }
            // A missing derivative is missing at every point.
            if let Some((_, Broken::Tape(error @ Error::MissingDerivative { .. }))) = broken.last() {
                return Err(error.clone().into());
            }
        }
        if broken.is_empty() {
            return Ok(summary);
        }
        let at = |(point, broken)| Broken::At { point, broken: Box::new(broken) };
        Err(Failure { broken: broken.into_iter().map(at).collect() })
    }
}
