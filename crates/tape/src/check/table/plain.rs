//! The recorded function beside the plain one: values, derivatives, what is not finite, errors.

use crate::check::Random;
use crate::check::difference;
use crate::check::table::recorded::Evaluator;
use crate::check::table::{RowBench, RowLaw, Sample};
use crate::check::values::{dot, norm};
use crate::{Matrix, Scalar, Shape, Tape, Var};

/// What takes the place of one element.
const SPECIAL: [f64; 8] =
    [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.0, -0.0, 1e3, -1e3, f32::MIN_POSITIVE as f64];

/// The first step of the differences of plain functions.
const STEP: f64 = 1.0 / 1024.0;
/// So many, each half of the one before: a pole near x, or what bends much, needs small ones.
const STEPS: u32 = 13;

/// 2⁻⁴⁰ in `f64`, 2⁻¹⁶ in `f32`.
pub(super) fn tolerance<T: Scalar>() -> f64 {
    if T::NAME == "f64" { 2f64.powi(-40) } else { 2f64.powi(-16) }
}

/// The first element that is farther from the other than the tolerance times the largest of them
/// and the size of the `terms` that each is a sum of.
pub(super) fn first_apart<T: Scalar>(
    found: &Matrix<T>,
    expected: &Matrix<f64>,
    tolerance: f64,
    terms: f64,
) -> Option<(usize, usize)> {
    let finite = |x: &f64| x.is_finite().then(|| x.abs());
    let scale = expected.iter().filter_map(finite).chain(finite(&terms)).fold(0.0, f64::max);
    let apart = |((i, j), found): ((usize, usize), T)| {
        let (found, expected) = (found.to_f64(), expected[(i, j)]);
        let near = (found - expected).abs() <= tolerance * scale.max(f64::from(f32::MIN_POSITIVE));
        let same = found == expected || found.is_nan() && expected.is_nan() || near;
        (!same).then_some((i, j))
    };
    found.iter_indexed().find_map(apart)
}

/// NaN, −∞, finite, ∞.
fn class(x: f64) -> &'static str {
    if x.is_nan() {
        "NaN"
    } else if x.is_finite() {
        "finite"
    } else if x > 0.0 {
        "∞"
    } else {
        "−∞"
    }
}

impl<T: Scalar> RowBench<'_, T> {
    /// The cotangent 1, of which the value does not depend.
    fn ones(evaluator: &Evaluator<'_, T>, m: usize) -> Matrix<T> {
        let (rows, columns) = evaluator.shape().at(m);
        Matrix::filled(rows, columns, T::ONE)
    }

    /// The law of the value; whether the plain function has one.
    pub(super) fn value(&mut self, evaluator: &Evaluator<'_, T>, sample: &Sample<T>) -> bool {
        let found = evaluator.at(&sample.inputs, &Self::ones(evaluator, sample.m));
        let expected = self.row.plain(&sample.inputs);
        let has_value = expected.is_some();
        match (found, expected) {
            (Err(error), Some(_)) => self.broken(RowLaw::Error, sample, error),
            (Ok(_), None) => {
                self.broken(
                    RowLaw::Error,
                    sample,
                    "the plain function refuses this, and the recorded one does not",
                );
            }
            (Err(_), None) => {}
            (Ok(found), Some(expected)) => self.same_value(sample, &found, &expected),
        }
        has_value
    }

    /// `all` are the value and the gradients of the sum of its elements.
    fn same_value(&mut self, sample: &Sample<T>, all: &[Matrix<T>], expected: &Matrix<f64>) {
        let found = &all[0];
        if found.shape() != expected.shape() {
            let ((rows, columns), (r, c)) = (found.shape(), expected.shape());
            let what = format!("the result is {rows}×{columns}, that of the plain function {r}×{c}");
            return self.broken(RowLaw::Value, sample, what);
        }
        // Σ |∂y/∂x · x| of an element y in the mean: what cancels in a sum is as large.
        let products = |(g, x): (&Matrix<T>, &Matrix<T>)| {
            let pairs = g.iter().zip(x.iter());
            pairs.map(|(g, x)| (g.to_f64() * x.to_f64()).abs()).filter(|x| x.is_finite()).sum::<f64>()
        };
        let terms = all[1..].iter().zip(&sample.inputs).map(products).sum::<f64>();
        let terms = terms / expected.as_slice().len().max(1) as f64;
        if let Some((i, j)) = first_apart(found, expected, tolerance::<T>(), terms) {
            let (found, expected) = (found[(i, j)], expected[(i, j)]);
            let what = format!("row {i}, column {j} is {found:e}, of the plain function {expected:e}");
            self.broken(RowLaw::Value, sample, what);
        }
    }

    /// Differences of the plain function in `f64`, beside the recorded gradient.
    pub(super) fn derivative_of_plain(&mut self, evaluator: &Evaluator<'_, T>, sample: &Sample<T>) {
        let mut random = Random::new(!sample.seed);
        let (rows, columns) = evaluator.shape().at(sample.m);
        let u: Matrix<T> = random.direction((rows, columns));
        let Ok(found) = evaluator.at(&sample.inputs, &u) else { return };
        let (u, x): (Matrix<f64>, Vec<Matrix<f64>>) =
            (u.cast(), sample.inputs.iter().map(Matrix::cast).collect());
        for (operand, gradient) in found[1..].iter().enumerate() {
            let gradient: Matrix<f64> = gradient.cast();
            let v: Matrix<f64> = random.direction(x[operand].shape());
            let recorded = dot(&gradient, &v);
            let value: Matrix<f64> = found[0].cast();
            // Differences at 2⁻¹⁰ leave 1e-12; f32 its own rounding, some hundred times, and ten
            // times that of terms that cancel in the gradient.
            let (tolerance, of_value) = if T::NAME == "f64" { (1e-8, 1e-3) } else { (2f64.powi(-17), 0.125) };
            let scale = norm([&gradient]) * norm([&v]) + of_value * norm([&u]) * norm([&value]);
            if let Some(differences) = self.other_slope(&x, (operand, &u, &v), recorded, (tolerance, scale)) {
                let what = format!(
                    "for operand {operand} differences of the plain function give {differences:.6e}, the recorded gradient {recorded:.6e}"
                );
                self.broken(RowLaw::PlainDerivative, sample, what);
            }
        }
    }

    /// The slope of the plain function along v, if it is another than the recorded one at every
    /// step: that which is nearest. Richardson's extrapolation of central differences, where the
    /// function is not refused and is finite; the step is halved while its rounding is less than
    /// the tolerance.
    fn other_slope(
        &self,
        x: &[Matrix<f64>],
        (operand, u, v): (usize, &Matrix<f64>, &Matrix<f64>),
        recorded: f64,
        (tolerance, scale): (f64, f64),
    ) -> Option<f64> {
        let mut moved = x.to_vec();
        let mut at = |s: f64| {
            let x = &x[operand];
            moved[operand] = Matrix::from_fn(x.rows(), x.columns(), |i, j| x[(i, j)] + s * v[(i, j)]);
            (self.row.plain)(&moved).map(|value| dot(u, &value)).filter(|slope| slope.is_finite())
        };
        let phi = |s: f64| Ok(at(s).unwrap_or(f64::NAN));
        let noise = difference::noise_without_bends(phi, f64::EPSILON.cbrt());
        let rounding = noise.ok().filter(|noise| !noise.is_nan()).unwrap_or(0.0);
        let mut central = |h: f64| Some((at(h)? - at(-h)?) / (2.0 * h));
        let mut nearest: Option<(f64, f64)> = None;
        for k in 0..STEPS {
            let h = STEP / f64::from(1 << k);
            let (Some(whole), Some(half)) = (central(h), central(h / 2.0)) else { continue };
            let differences = (4.0 * half - whole) / 3.0;
            let apart = (differences - recorded).abs();
            let (allowed, floor) = (tolerance * (scale + differences.abs()), 64.0 * rounding / h);
            if nearest.is_some() && floor > allowed {
                break;
            }
            if apart <= allowed + floor {
                return None;
            }
            if nearest.is_none_or(|(least, _)| apart < least || apart.is_nan()) {
                nearest = Some((apart, differences));
            }
        }
        nearest.map(|(_, differences)| differences)
    }

    /// What is not finite, and what is, with one element out of the ordinary.
    pub(super) fn non_finite(&mut self, evaluator: &Evaluator<'_, T>, sample: &Sample<T>) {
        for operand in 0..sample.inputs.len() {
            let x = &sample.inputs[operand];
            if x.as_slice().is_empty() {
                continue;
            }
            for (k, special) in SPECIAL.into_iter().enumerate() {
                let at = k % x.as_slice().len();
                let mut inputs = sample.inputs.clone();
                inputs[operand].as_mut_slice()[at] = T::from_f64(special);
                self.same_classes(evaluator, sample, operand, special, &inputs);
            }
        }
    }

    fn same_classes(
        &mut self,
        evaluator: &Evaluator<'_, T>,
        sample: &Sample<T>,
        operand: usize,
        special: f64,
        inputs: &[Matrix<T>],
    ) {
        let found = evaluator.at(inputs, &Self::ones(evaluator, sample.m));
        let (Ok(found), Some(expected)) = (found, self.row.plain(inputs)) else { return };
        let expected: Matrix<T> = expected.cast(); // what is too large for f32 is infinite there
        let apart = found[0]
            .iter_indexed()
            .find(|&((i, j), x)| class(x.to_f64()) != class(expected[(i, j)].to_f64()));
        if let Some(((i, j), x)) = apart {
            let of_plain = expected[(i, j)];
            let what = format!(
                "with {special:e} in operand {operand} row {i}, column {j} is {x:e}, of the plain function {of_plain:e}"
            );
            self.broken(RowLaw::NonFinite, sample, what);
        }
    }

    /// Shapes that are refused.
    pub(super) fn refusals(&mut self) {
        for shapes in &self.row.refused {
            let of = |&(rows, columns): &(usize, usize)| Shape::new(rows, columns);
            let tape = Tape::new();
            let variables: Vec<Var<'_, T>> = shapes
                .iter()
                .enumerate()
                .map(|(i, shape)| tape.parameter_unbound(&format!("x[{i}]"), of(shape)))
                .collect();
            // Of the value alone: that its rule fails refuses nothing.
            let recorded = (self.row.recorder)(&tape, &variables).sound();
            let zeros: Vec<Matrix<f64>> =
                shapes.iter().map(|&(rows, columns)| Matrix::zeros(rows, columns)).collect();
            if recorded.is_ok() {
                self.failure
                    .note(RowLaw::Error, format!("operands of the shapes {shapes:?} are not refused"));
            } else if (self.row.plain)(&zeros).is_some() {
                let what =
                    format!("operands of the shapes {shapes:?} are refused, and not by the plain function");
                self.failure.note(RowLaw::Error, what);
            }
        }
    }
}
