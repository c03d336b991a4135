//! The laws, each compared on values.

use crate::check::columnwise;
use crate::check::random::Random;
use crate::check::values::{Function, Slope, dot, dots, exceeds, norm, ratio};
use crate::check::{Broken, Check, Failure, Law, Summary};
use crate::{Matrix, Result, Scalar, Tape, Var};

/// The inputs as parameters of a tape.
pub(super) fn parameters<'t, T: Scalar>(tape: &'t Tape<T>, inputs: &[Matrix<T>]) -> Vec<Var<'t, T>> {
    inputs.iter().enumerate().map(|(i, value)| tape.parameter(&format!("x[{i}]"), value)).collect()
}

/// Checks all laws of `result` as a function of `variables` at `inputs`.
pub(crate) fn run<'t, T: Scalar>(
    check: &Check,
    tape: &'t Tape<T>,
    inputs: &[Matrix<T>],
    variables: &[Var<'t, T>],
    result: Var<'t, T>,
) -> Result<Summary, Failure> {
    let shape = result.shape()?;
    let cotangent = tape.parameter_unbound("u", shape);
    let gradients = result.vjp(variables, cotangent);
    let leaves: Vec<_> = variables.iter().copied().chain([cotangent]).collect();
    let outputs: Vec<_> = [result].into_iter().chain(gradients.iter().copied()).collect();
    let first = Function::compile(tape, &leaves, &outputs)?;
    let (rows, columns) = shape.at(first.m());
    let mut bench = Bench {
        check,
        inputs,
        first,
        value: Matrix::try_zeros(rows, columns)?,
        epsilon: T::EPSILON.to_f64(),
        random: Random::new(check.seed),
        summary: Summary::default(),
        broken: Vec::new(),
    };
    bench.same_bits()?;
    bench.columnwise(tape, &leaves, &outputs)?;
    bench.cotangent_laws()?;
    bench.transpose(tape, variables, result)?;
    bench.derivative()?;
    bench.stop()?;
    if check.orders == 2 {
        let directions = directions(variables);
        let second = second_derivatives(variables, &gradients, &directions);
        let leaves: Vec<_> = leaves.iter().chain(&directions).copied().collect();
        bench.second_derivative(Function::compile(tape, &leaves, &second)?)?;
    }
    bench.stop()?;
    Ok(bench.summary)
}

/// Leaves of the shapes of the variables.
fn directions<'t, T: Scalar>(variables: &[Var<'t, T>]) -> Vec<Var<'t, T>> {
    variables.iter().map(|x| x.tape().parameter_unbound("v", x.known_shape())).collect()
}

/// H·w: the gradients of ⟨Jᵀ·u, w⟩.
fn second_derivatives<'t, T: Scalar>(
    variables: &[Var<'t, T>],
    gradients: &[Var<'t, T>],
    directions: &[Var<'t, T>],
) -> Vec<Var<'t, T>> {
    let products = gradients.iter().zip(directions).map(|(&g, &w)| (g * w).sum());
    let Some(along) = products.reduce(|a, b| a + b) else { return Vec::new() };
    // A gradient that does not depend on the variable is constant: zeros, not a mistake.
    variables.iter().map(|&x| along.gradients_or_zeros([x])[0]).collect()
}

struct Bench<'a, 't, T: Scalar> {
    check: &'a Check,
    inputs: &'a [Matrix<T>],
    /// (x, u) ↦ (f(x), Jᵀ·u).
    first: Function<'t, T>,
    /// f(x); zeros of the promised shape until it is computed.
    value: Matrix<T>,
    epsilon: f64,
    random: Random,
    summary: Summary,
    broken: Vec<Broken>,
}

impl<'t, T: Scalar> Bench<'_, 't, T> {
    fn stop(&mut self) -> Result<(), Failure> {
        if self.broken.is_empty() {
            Ok(())
        } else {
            Err(Failure { broken: std::mem::take(&mut self.broken) })
        }
    }

    fn cotangent(&mut self) -> Matrix<T> {
        self.random.direction(self.value.shape())
    }

    fn first_at(&mut self, u: &Matrix<T>) -> Result<Vec<Matrix<T>>> {
        self.first.at(self.inputs.iter().chain([u]))
    }

    /// The tolerance of laws that hold but for rounding.
    fn rounding(&self) -> f64 {
        self.epsilon.powf(2.0 / 3.0)
    }

    /// The derivative that a function of the size of f would have that changes wholly over the
    /// length of x: what cancels to much less than this is rounding.
    fn usual_slope(&self, of: f64) -> f64 {
        of / (1.0 + self.inputs.iter().map(|x| x.max_abs().to_f64()).fold(0.0, f64::max))
    }

    /// Law 1.
    fn same_bits(&mut self) -> Result<(), Failure> {
        let u = self.cotangent();
        let (before, found) = (self.first_at(&u)?, self.first_at(&u)?);
        for (before, found) in before.iter().zip(&found) {
            let mut pairs = before.iter_indexed().zip(found.iter());
            if let Some((((row, column), a), b)) = pairs.find(|((_, a), b)| a.bits() != b.bits()) {
                let (first, second) = (a.to_f64(), b.to_f64());
                return Err(Broken::NotReproducible { row, column, first, second }.into());
            }
        }
        let shapes = [self.value.shape()].into_iter().chain(self.inputs.iter().map(Matrix::shape));
        for (i, (found, expected)) in found.iter().zip(shapes).enumerate() {
            let operand = i.checked_sub(1);
            if found.shape() != expected {
                self.broken.push(Broken::Shape { operand, expected, found: found.shape() });
            } else if let Some(value) = found.iter().find(|x| !x.is_finite()) {
                self.broken.push(Broken::NotFinite { operand, value: value.to_f64() });
            }
        }
        self.value = found.into_iter().next().expect("the result is the first output");
        self.stop()
    }

    /// Law 8: before those that compare what the kernels compute.
    fn columnwise(
        &mut self,
        tape: &'t Tape<T>,
        leaves: &[Var<'t, T>],
        outputs: &[Var<'t, T>],
    ) -> Result<(), Failure> {
        // Drawn apart, so that the other laws are checked with what they always were.
        let cotangent = Random::new(!self.check.seed).direction(self.value.shape());
        let values: Vec<Matrix<T>> = self.inputs.iter().cloned().chain([cotangent]).collect();
        self.broken = columnwise::broken(tape, (leaves, &values), outputs, self.rounding())?;
        self.stop()
    }

    /// Laws 2 and 3.
    fn cotangent_laws(&mut self) -> Result<(), Failure> {
        let zero = Matrix::zeros(self.value.rows(), self.value.columns());
        for (operand, gradient) in self.first_at(&zero)?[1..].iter().enumerate() {
            if let Some(value) = gradient.iter().find(|&&x| x != T::ZERO) {
                self.broken.push(Broken::ZeroCotangent { operand, value: value.to_f64() });
            }
        }
        self.stop()?;
        for _ in 0..self.check.directions {
            self.linearity()?;
            self.stop()?;
        }
        Ok(())
    }

    fn linearity(&mut self) -> Result<()> {
        let (u, other) = (self.cotangent(), self.cotangent());
        let two = T::from_f64(2.0);
        let sum = Matrix::from_fn(u.rows(), u.columns(), |i, j| u[(i, j)] + other[(i, j)]);
        let of_u = self.first_at(&u)?;
        let of_double = self.first_at(&u.map(|x| two * x))?;
        let (of_other, of_sum) = (self.first_at(&other)?, self.first_at(&sum)?);
        let tolerance = self.rounding();
        for operand in 0..self.inputs.len() {
            let [g, double, other, sum] =
                [&of_u, &of_double, &of_other, &of_sum].map(|all| &all[operand + 1]);
            let mut pairs = double.iter().zip(g.iter());
            if let Some((&found, &g)) = pairs.find(|&(&double, &g)| double.bits() != (two * g).bits()) {
                let (found, expected) = (found.to_f64(), 2.0 * g.to_f64());
                self.broken.push(Broken::Doubling { operand, found, expected });
                continue;
            }
            let triples = sum.iter().zip(g.iter()).zip(other.iter());
            let rests = triples.map(|((sum, a), b)| sum.to_f64() - (a.to_f64() + b.to_f64()));
            let difference = rests.map(|rest| rest * rest).sum::<f64>().sqrt();
            let scale = norm([g]) + norm([other]) + self.usual_slope(norm([&u]) * norm([&self.value]));
            let relative = ratio(difference, scale);
            self.summary.note(Law::Additivity, relative, tolerance);
            if exceeds(relative, tolerance) {
                self.broken.push(Broken::Additivity { operand, relative, tolerance });
            }
        }
        Ok(())
    }

    /// Law 4.
    fn transpose(
        &mut self,
        tape: &'t Tape<T>,
        variables: &[Var<'t, T>],
        result: Var<'t, T>,
    ) -> Result<(), Failure> {
        let directions = directions(variables);
        let pushed = result.jvp(variables, &directions);
        let leaves: Vec<_> = variables.iter().chain(&directions).copied().collect();
        let mut forward = Function::compile(tape, &leaves, &[pushed])?;
        let tolerance = self.rounding();
        for _ in 0..self.check.directions {
            let (u, v) = (self.cotangent(), self.random.directions(self.inputs));
            let jv = forward.at(self.inputs.iter().chain(&v))?.swap_remove(0);
            let pulled = self.first_at(&u)?.split_off(1);
            let (forward, reverse) = (dot(&u, &jv), dots(&pulled, &v));
            let sizes = norm([&u]) * norm([&jv]) + norm(&pulled) * norm(&v);
            let scale = sizes + self.usual_slope(norm([&u]) * norm([&self.value]) * norm(&v));
            let relative = ratio((forward - reverse).abs(), scale);
            self.summary.note(Law::Transpose, relative, tolerance);
            if exceeds(relative, tolerance) {
                self.broken.push(Broken::Transpose { forward, reverse, relative, tolerance });
                break;
            }
        }
        Ok(())
    }

    /// Law 5.
    fn derivative(&mut self) -> Result<()> {
        for operand in 0..self.inputs.len() {
            for _ in 0..self.check.directions {
                let (u, v) = (self.cotangent(), self.random.direction(self.inputs[operand].shape()));
                let gradient = self.first_at(&u)?.swap_remove(operand + 1);
                let slope =
                    self.slope(&u, operand, &v, |outputs| &outputs[..1], std::slice::from_ref(&u), 0.0)?;
                if !self.compare(1, operand, &slope, &gradient, &v) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Laws 6 and 7.
    fn second_derivative(&mut self, mut second: Function<'t, T>) -> Result<()> {
        for operand in 0..self.inputs.len() {
            for _ in 0..self.check.directions {
                let (u, w) = (self.cotangent(), self.random.directions(self.inputs));
                let v = self.random.direction(self.inputs[operand].shape());
                let product = second.at(self.inputs.iter().chain([&u]).chain(&w))?.swap_remove(operand);
                let hidden = self.usual_slope(norm([&u]) * norm([&self.value])) * norm(&w);
                let slope = self.slope(&u, operand, &v, |outputs| &outputs[1..], &w, hidden)?;
                if !self.compare(2, operand, &slope, &product, &v) {
                    break;
                }
            }
        }
        self.symmetry(&mut second)
    }

    fn symmetry(&mut self, second: &mut Function<'t, T>) -> Result<()> {
        let tolerance = self.rounding();
        for _ in 0..self.check.directions {
            let u = self.cotangent();
            let (v, w) = (self.random.directions(self.inputs), self.random.directions(self.inputs));
            let hw = second.at(self.inputs.iter().chain([&u]).chain(&w))?;
            let hv = second.at(self.inputs.iter().chain([&u]).chain(&v))?;
            let (vhw, whv) = (dots(&v, &hw), dots(&w, &hv));
            let gradient =
                norm(&self.first_at(&u)?[1..]) + self.usual_slope(norm([&u]) * norm([&self.value]));
            let sizes = norm(&v) * norm(&hw) + norm(&w) * norm(&hv);
            let scale = sizes + self.usual_slope(gradient * norm(&v) * norm(&w));
            let relative = ratio((vhw - whv).abs(), scale);
            self.summary.note(Law::Symmetry, relative, tolerance);
            if exceeds(relative, tolerance) {
                self.broken.push(Broken::Symmetry { vhw, whv, relative, tolerance });
                break;
            }
        }
        Ok(())
    }

    /// How ⟨weights, outputs⟩ changes when an operand moves along v; `hidden` is the size of what
    /// cancels in it.
    fn slope(
        &mut self,
        u: &Matrix<T>,
        operand: usize,
        v: &Matrix<T>,
        of: impl Fn(&[Matrix<T>]) -> &[Matrix<T>],
        weights: &[Matrix<T>],
        hidden: f64,
    ) -> Result<Slope> {
        let x = &self.inputs[operand];
        let step = self.check.step.unwrap_or(self.epsilon.powf(0.2));
        let h = step * (1.0 + x.max_abs().to_f64());
        let center = self.first_at(u)?;
        // Differences are taken before they are weighed and summed, in f64: the sum adds no
        // rounding of its own.
        let mut change = |s: f64| -> Result<f64> {
            let moved = Matrix::from_fn(x.rows(), x.columns(), |i, j| x[(i, j)] + T::from_f64(s) * v[(i, j)]);
            let others = self.inputs.iter().enumerate().map(|(i, x)| if i == operand { &moved } else { x });
            let outputs = self.first.at(others.chain([u]))?;
            let changes = of(&outputs).iter().zip(of(&center)).zip(weights);
            Ok(changes.map(|((to, from), weight)| dot(weight, to) - dot(weight, from)).sum::<f64>() / s)
        };
        let (right, left) = (change(h)?, change(-h)?);
        let (near_right, near_left) = (change(h / 2.0)?, change(-h / 2.0)?);
        let sizes = of(&center).iter().zip(weights).map(|(output, weight)| {
            output.iter().zip(weight.iter()).map(|(a, b)| (a.to_f64() * b.to_f64()).abs()).sum::<f64>()
        });
        Ok(Slope {
            value: (4.0 * (near_right + near_left) - (right + left)) / 6.0,
            noise: self.epsilon * (sizes.sum::<f64>() + hidden) / h,
            gaps: [(right - left).abs(), (near_right - near_left).abs()],
        })
    }

    /// Compares a slope with the recorded derivative; whether they agree.
    fn compare(
        &mut self,
        order: u8,
        operand: usize,
        slope: &Slope,
        derivative: &Matrix<T>,
        v: &Matrix<T>,
    ) -> bool {
        let tolerance = self.check.tolerance.unwrap_or(2.0 * self.epsilon.powf(0.4));
        let (differences, recorded) = (slope.value, dot(derivative, v));
        // A derivative that is wrongly zero has no norm to be compared with.
        let size = (norm([derivative]) * norm([v])).max(differences.abs());
        let relative = ratio((differences - recorded).abs(), size + 64.0 * slope.noise / tolerance);
        let law = if order == 1 { Law::Derivative } else { Law::SecondDerivative };
        self.summary.note(law, relative, tolerance);
        if !exceeds(relative, tolerance) {
            return true;
        }
        let kink = slope.is_kink(tolerance * size);
        self.broken.push(Broken::Derivative {
            order,
            operand,
            differences,
            recorded,
            relative,
            tolerance,
            kink,
        });
        false
    }
}
