//! Checks in both number types, with differences in `f64` alone.

use std::panic::Location;

use crate::check::case::Case;
use crate::check::laws::{self, Derivatives};
use crate::check::values::{norm, ratio};
use crate::check::{Broken, Check, Failure, Summary};
use crate::{Matrix, Scalar, Tape, Var};

/// A function that can be recorded in either number type: what a closure cannot be.
///
/// [`record!`](crate::record) makes one of an expression.
pub trait Record {
    /// Records the function of the inputs.
    fn record<'t, T: Scalar>(&self, tape: &'t Tape<T>, inputs: &[Var<'t, T>]) -> Var<'t, T>;
}

/// A [`Record`](crate::check::Record) of an expression in a tape and its inputs, which stands for
/// `f32` and `f64`. It uses nothing from around it.
///
/// ```
/// use tape::check::Check;
/// use tape::{matrix, record};
/// let layer = record!(|_tape, x| x[0].matmul(x[1]).tanh());
/// Check::new().both(&[matrix![[0.5, -1.0]], matrix![[1.0], [0.25]]], &layer)?;
/// # Ok::<(), tape::check::Failure>(())
/// ```
#[macro_export]
macro_rules! record {
    (|$tape:ident, $inputs:ident| $body:expr) => {{
        struct Recorded;
        impl $crate::check::Record for Recorded {
            #[allow(unused_variables)]
            fn record<'t, T: $crate::Scalar>(
                &self,
                $tape: &'t $crate::Tape<T>,
                $inputs: &[$crate::Var<'t, T>],
            ) -> $crate::Var<'t, T> {
                $body
            }
        }
        Recorded
    }};
}

/// # In both number types
impl Check {
    /// Checks a function in `f64` with all laws, and in `f32` with those that need no differences;
    /// then compares value, gradient and second derivative in `f32` with those in `f64`.
    ///
    /// Differences in `f32` have three digits, so a wrong factor of 1.001 passes them. Here each
    /// derivative in `f32` has to be within ε^(−1/3) = 203 roundings of the one in `f64`, norm-wise
    /// for each operand, relative to ‖y‖ + ‖J‖·‖x‖: what a backward stable evaluation leaves. The
    /// inputs are rounded to `f32` first, so that both types see the same numbers.
    ///
    /// ```
    /// use tape::check::{Broken, Check};
    /// use tape::{matrix, num, record};
    /// // It loses in f32 what is exact in f64.
    /// let shifted = record!(|_tape, x| ((x[0] + num(1e5)) - num(1e5)).square());
    /// let failure = Check::new().both(&[matrix![[0.3, -0.7]]], &shifted).unwrap_err();
    /// assert!(matches!(failure.broken()[0], Broken::Rounding { order: 0, .. }));
    /// ```
    ///
    /// # Errors
    /// The broken laws, and what is not within rounding.
    #[track_caller]
    pub fn both(&self, inputs: &[Matrix<f64>], function: &impl Record) -> Result<Summary, Failure> {
        let place = Location::caller();
        let short: Vec<Matrix<f32>> = inputs.iter().map(Matrix::cast).collect();
        let inputs: Vec<Matrix<f64>> = short.iter().map(Matrix::cast).collect();
        self.both_rounded(&short, &inputs, function)
            .map_err(|failure| failure.of(|| Case::new(self, place, Vec::new(), &inputs, "both(&inputs, …)")))
    }

    fn both_rounded(
        &self,
        short: &[Matrix<f32>],
        inputs: &[Matrix<f64>],
        function: &impl Record,
    ) -> Result<Summary, Failure> {
        let (summary, of_f64) = self.one_type(inputs, function)?;
        let mut without = Check { differences: false, ..self.clone() };
        without.nothing_unchecked = false; // nothing is compared with differences there
        let (_, of_f32) = without.one_type(short, function)?;
        let broken = apart(inputs, &of_f32, &of_f64);
        if broken.is_empty() { Ok(summary) } else { Err(broken.into()) }
    }

    fn one_type<T: Scalar>(
        &self,
        inputs: &[Matrix<T>],
        function: &impl Record,
    ) -> Result<(Summary, Derivatives<T>), Failure> {
        let tape = Tape::new();
        let variables = laws::parameters(&tape, inputs);
        let result = function.record(&tape, &variables);
        let summary = T::check_laws(self, &tape, inputs, &variables, result)?;
        let drawn = T::check_derivatives(&tape, inputs, &variables, result, self.seed, self.orders)?;
        Ok((summary, drawn))
    }
}

/// What is not the same within rounding.
fn apart(inputs: &[Matrix<f64>], short: &Derivatives<f32>, full: &Derivatives<f64>) -> Vec<Broken> {
    let epsilon = f64::from(f32::EPSILON);
    let allowed = epsilon.powf(-1.0 / 3.0);
    let sizes: Vec<f64> = inputs.iter().map(|x| norm([x])).collect();
    // ‖J‖·‖x‖ and ‖H‖·‖x‖, estimated along what was drawn.
    let through = |derivatives: &[Matrix<f64>], along: f64| -> f64 {
        ratio(derivatives.iter().zip(&sizes).map(|(g, x)| norm([g]) * x).sum(), along)
    };
    let of_value = through(&full.gradients, norm([&full.u]));
    let of_gradient = through(&full.second, norm(&full.w))
        .max(ratio(norm([&full.u]) * norm([&full.value]), 1.0 + norm(inputs)));
    let mut broken = Vec::new();
    let mut look = |order: u8, operand: Option<usize>, a: &Matrix<f32>, b: &Matrix<f64>, beside: f64| {
        let difference = Matrix::from_fn(b.rows(), b.columns(), |i, j| f64::from(a[(i, j)]) - b[(i, j)]);
        let scale = norm([b]) + beside;
        let units = ratio(norm([&difference]), scale) / epsilon;
        // Numbers that f32 has no digits for.
        let vanishing = norm([&difference]) <= f64::from(f32::MIN_POSITIVE);
        if !vanishing && (units.is_nan() || units > allowed) {
            broken.push(Broken::Rounding { order, operand, units, allowed });
        }
    };
    look(0, None, &short.value, &full.value, of_value);
    for (i, (a, b)) in short.gradients.iter().zip(&full.gradients).enumerate() {
        look(1, Some(i), a, b, of_gradient);
    }
    for (i, (a, b)) in short.second.iter().zip(&full.second).enumerate() {
        look(2, Some(i), a, b, of_gradient * ratio(norm(&full.w), 1.0 + norm(inputs)));
    }
    broken
}
