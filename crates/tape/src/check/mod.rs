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
//! 7. **third derivative**, if it is [asked for](Check::orders): law 5 for the recorded second
//!    derivative along a direction;
//! 8. **symmetry**: ⟨v, H·w⟩ = ⟨w, H·v⟩ within rounding, where H is the derivative of x ↦ Jᵀ·u;
//! 9. **columnwise**: an [operation](crate::Operation) of the user's that says it
//!    [is columnwise](crate::Operation::is_columnwise) gives each column the same value
//!    within rounding whether it gets all columns or a part of them, as programs do that go tile by
//!    tile; so does its [kernel for sections](crate::Elementwise). It is looked at where operands
//!    have at least two columns.
//!
//! A law is checked if those that it rests on hold, so that one fault gives one message: a rule
//! that is not linear is not compared with differences, and the second derivative of a wrong first
//! one is not looked at.
//!
//! # Verdicts
//! A check that compares 0 with 0 verifies nothing, and says so. Laws 4 to 7 are **unchecked** for
//! an operand ([`Summary::unchecked`]) if in no direction they could have failed: a kink or a jump is
//! in the way, the gradient is smaller than what rounding leaves of the differences, the result does not
//! depend on the operand, every step leaves the domain, or there are no elements. Whether they could
//! have failed is found out by a negative control: with the sign of one element of the gradient
//! reversed the same comparison has to reject it. [`Check::nothing_unchecked`] makes what is
//! unchecked a failure; [`Verdict`] is all three. A second derivative that is exactly 0 where the
//! gradient does not change is checked: such is a linear function's.
//!
//! # Step and tolerance
//! The central difference D(h) has an error of order h². [`Check`] takes (4·D(h/2) − D(h))/3, which
//! leaves an error of order h⁴ (Richardson). Rounding adds one of order ε/h. Both are equal for h =
//! ε^(1/5), and this is the first step, 7.4e-4 in `f64` and 4.1e-2 in `f32`, times 1 + ‖x‖∞ of
//! the operand that moves. Where differences and derivative do not agree there, the step is halved,
//! up to twelve times, until they do or rounding hides what is left: so a pole or a corner near x
//! does not matter.
//!
//! What remains is of order ε^(4/5), with a factor that depends on higher derivatives. The
//! tolerance is twice the square root of that, 2·ε^(2/5): 1.1e-6 in `f64` and 3.4e-3 in `f32`. So
//! half of the digits that differences can give are left for functions that bend strongly, and the
//! other half still tell a wrong factor from a right one. The difference is relative to ‖Jᵀ·u‖·‖v‖;
//! 64 times what rounding the values of f makes of the quotient is granted besides, so that a
//! derivative of zero is no division by zero. Before a rule is called wrong the rounding of f is
//! measured (Moré and Wild, 2011), so that what cancels inside of f is no mistake of the rule.
//!
//! The laws that hold but for rounding, 3, 4, 8 and 9, have the tolerance ε^(2/3): 3.7e-11 and
//! 2.4e-5.
//!
//! # Bug or tolerance?
//! A broken derivative comes with the errors at h, h/2, h/4 and h/8. An error that stays is the
//! rule's; one that falls like h² to h⁴ is truncation; one that rises like 1/h is rounding
//! ([`Cause`]). Where f has a corner at x, as relu at 0, the differences on both sides do not
//! approach each other: the law is unchecked if the recorded derivative lies between both, else it
//! is broken.
//!
//! In `f32` differences have three digits. [`Check::both`] takes them in `f64` alone, and compares
//! the derivatives in `f32` with those in `f64`, in roundings of `f32`.
//!
//! # Cases
//! With the feature `proptest`, `strategies` draws matrices, functions and whole tapes for property
//! tests, and shrinks what fails without making it look like rounding.
//!
//! # Oracles
//! What judges derivatives without a step and without a tolerance of one's own choice, by an
//! interpreter that shares nothing with the tape, is in [`oracle`].
//!
//! [`Var::jvp`]: crate::Var::jvp

mod bench;
mod both;
mod case;
mod columnwise;
mod difference;
mod entry;
pub(crate) mod laws;
mod mutants;
pub mod oracle;
mod random;
mod report;
mod rule;
#[cfg(feature = "proptest")]
pub mod strategies;
mod subject;
mod table;
mod values;
mod verdict;

pub use both::Record;
pub use case::rust_of;
pub use difference::{Cause, Errors};
pub use mutants::{KernelMutation, Mutant, Mutation, RuleMutation, Score, mutation_score};
pub use random::Random;
pub use report::{Broken, Failure, Law, Summary, Worst};
pub use rule::Rule;
pub use table::{Row, RowFailure, RowLaw};
pub use verdict::{Reason, Unchecked, Verdict};

use std::panic::Location;

use case::Case;

use crate::{Error, Function, Matrix, Place, Scalar, Tape, Var};

/// What to check with: see the [module](self) for the laws, the step and the tolerance.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a check runs when it is given something to check"]
pub struct Check {
    seed: u64,
    step: Option<f64>,
    tolerance: Option<f64>,
    directions: usize,
    orders: u8,
    nothing_unchecked: bool,
    /// Whether derivatives are compared with differences.
    differences: bool,
    /// Whether the errors of differences have to fall with the step.
    converging: bool,
}

impl Default for Check {
    fn default() -> Self {
        Check::new()
    }
}

impl Check {
    /// Seed 0, 3 directions, orders 1 and 2, step and tolerance by the number type.
    pub fn new() -> Self {
        Check {
            seed: 0,
            step: None,
            tolerance: None,
            directions: 3,
            orders: 2,
            nothing_unchecked: false,
            differences: true,
            converging: false,
        }
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

    /// Check the first derivatives alone (1), the second as well (2), or the third too (3).
    ///
    /// # Panics
    /// If it is none of these.
    pub fn orders(mut self, orders: u8) -> Self {
        assert!((1..=3).contains(&orders), "orders are 1, 2 or 3, not {orders}");
        self.orders = orders;
        self
    }

    /// The differences have to converge to the recorded derivative: as the step shrinks, their error
    /// has to fall until it is rounding or a thousandth of the tolerance. So a factor of 1 + 1e-8,
    /// which is within the tolerance, is told from a right one. A function whose own rounding is much
    /// more than that of its value, say a difference of large numbers, does not converge so far.
    ///
    /// ```
    /// use tape::Function;
    /// use tape::check::Check;
    /// let nearly = Function::new("1.00000001·cos", |x: f64| 1.000_000_01 * x.cos());
    /// let sine = Function::new("sin", f64::sin).with_derivative(nearly);
    /// assert!(Check::new().function(&sine, &[0.5]).is_ok());
    /// assert!(Check::new().converging().function(&sine, &[0.5]).is_err());
    /// assert!(Check::new().converging().function(&Function::<f64>::Sin, &[0.5]).is_ok());
    /// ```
    pub fn converging(mut self) -> Self {
        self.converging = true;
        self
    }

    /// What is unchecked is a failure.
    ///
    /// ```
    /// use tape::check::{Broken, Check, Reason};
    /// use tape::matrix;
    /// let check = Check::new().nothing_unchecked();
    /// let at = |x: f64| check.scalar(&[matrix![[x]]], |_, x| x[0].relu());
    /// assert!(at(0.25).is_ok());
    /// let failure = at(0.0).unwrap_err(); // its corner
    /// let is_kink = |broken: &Broken| matches!(broken, Broken::Unchecked(what) if what.reason == Reason::Kink);
    /// assert!(failure.broken().iter().any(is_kink));
    /// ```
    pub fn nothing_unchecked(mut self) -> Self {
        self.nothing_unchecked = true;
        self
    }

    /// The summary, if nothing has to be checked that was not.
    fn demand(&self, summary: Summary) -> Result<Summary, Failure> {
        let unchecked = summary.unchecked();
        if !self.nothing_unchecked || unchecked.is_empty() {
            return Ok(summary);
        }
        Err(unchecked.iter().copied().map(Broken::Unchecked).collect::<Vec<_>>().into())
    }

    /// The failure with what was checked.
    fn named<T: Scalar>(
        &self,
        checked: Result<Summary, Failure>,
        place: Place,
        inputs: &[Matrix<T>],
    ) -> Result<Summary, Failure> {
        checked.map_err(|failure| failure.of(|| Case::new(self, place, Vec::new(), inputs, case::OPERATION)))
    }

    /// Checks a 1 × 1 function of the inputs, for instance the loss of a model.
    ///
    /// `record` gets a new tape and the inputs as its parameters, named `x[0]`, `x[1]`, …
    ///
    /// # Errors
    /// The broken laws.
    #[track_caller]
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
        self.named(T::check_laws(self, &tape, inputs, &variables, result), Location::caller(), inputs)
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
    #[track_caller]
    pub fn operation<T: Scalar>(
        &self,
        inputs: &[Matrix<T>],
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>,
    ) -> Result<Summary, Failure> {
        let tape = Tape::new();
        let variables = laws::parameters(&tape, inputs);
        let result = record(&tape, &variables);
        self.named(T::check_laws(self, &tape, inputs, &variables, result), Location::caller(), inputs)
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
    #[track_caller]
    pub fn function<T: Scalar>(&self, function: &Function<T>, points: &[T]) -> Result<Summary, Failure> {
        let row = || Matrix::from_fn(1, points.len(), |_, j| points[j]);
        let place = Location::caller();
        T::check_function(self, function, points).map_err(|failure| {
            failure.of(|| {
                Case::new(
                    self,
                    place,
                    vec!["the points".into()],
                    &[row()],
                    "function(…, inputs[0].as_slice())",
                )
            })
        })
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
        check.nothing_unchecked = false; // of all points together
        let (mut summary, mut broken) = (None::<Summary>, Vec::new());
        for &point in points {
            match check.operation(&[Matrix::scalar(point)], |_, x| x[0].map(function)) {
                Ok(found) => match &mut summary {
                    None => summary = Some(found),
                    Some(summary) => summary.merge(&found),
                },
                Err(found) => broken.extend(found.broken.into_iter().map(|b| (point.to_f64(), b))),
            }
            // A missing derivative is missing at every point.
            if let Some((_, Broken::Tape(error @ Error::MissingDerivative { .. }))) = broken.last() {
                return Err(error.clone().into());
            }
        }
        if broken.is_empty() {
            let mut summary = summary.unwrap_or_default();
            if points.is_empty() {
                summary.miss(Law::Derivative, Some(0), Reason::Empty);
            }
            return self.demand(summary);
        }
        let at = |(point, broken)| Broken::At { point, broken: Box::new(broken) };
        Err(broken.into_iter().map(at).collect::<Vec<_>>().into())
    }
}
