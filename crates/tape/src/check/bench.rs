//! The laws, each compared on values.

use crate::check::difference::{self, Compared, Errors, Finding, Found, Quotients};
use crate::check::random::Random;
use crate::check::report::Worst;
use crate::check::subject::{Result, Subject};
use crate::check::values::{dot, dots, exceeds, first_other_bits, least_normal, norm, ratio};
use crate::check::{Broken, Check, Failure, Law, Reason, Summary};
use crate::{Matrix, Scalar};

/// Up to this many elements of an operand are looked at one by one for the one that is worst.
const MOST_SINGLE: usize = 64;

/// What is checked, and what was found so far.
pub(super) struct Bench<'a, S, T: Scalar> {
    check: &'a Check,
    inputs: &'a [Matrix<T>],
    pub(super) subject: S,
    /// f(x); zeros of the promised shape until it is computed.
    value: Matrix<T>,
    epsilon: f64,
    random: Random,
    pub(super) summary: Summary,
    pub(super) broken: Vec<Broken>,
}

/// What a derivative of some order is taken of: u, and the directions of the orders below.
struct Drawn<T> {
    u: Matrix<T>,
    along: Vec<Vec<Matrix<T>>>,
}

impl<T: Scalar> Drawn<T> {
    /// Of the function that is differentiated: u of f(x) itself, the last directions of its
    /// derivatives.
    fn weights(&self) -> &[Matrix<T>] {
        self.along.last().map_or(std::slice::from_ref(&self.u), Vec::as_slice)
    }
}

impl<'a, S: Subject<T>, T: Scalar> Bench<'a, S, T> {
    pub(super) fn new(
        check: &'a Check,
        inputs: &'a [Matrix<T>],
        subject: S,
        (rows, columns): (usize, usize),
    ) -> Result<Self> {
        Ok(Bench {
            check,
            inputs,
            subject,
            value: Matrix::try_zeros(rows, columns)?,
            epsilon: T::EPSILON.to_f64(),
            random: Random::new(check.seed),
            summary: Summary::default(),
            broken: Vec::new(),
        })
    }

    pub(super) fn stop(&mut self) -> Result<(), Failure> {
        if self.broken.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.broken).into()) }
    }

    fn cotangent(&mut self) -> Matrix<T> {
        self.random.direction(self.value.shape())
    }

    fn first_at(&mut self, u: &Matrix<T>) -> Result<Vec<Matrix<T>>> {
        self.subject.first(self.inputs, u)
    }

    /// The tolerance of laws that hold but for rounding.
    pub(super) fn rounding(&self) -> f64 {
        self.epsilon.powf(2.0 / 3.0)
    }

    /// The derivative that a function of the size of f would have that changes wholly over the
    /// length of x: what cancels to much less than this is rounding.
    fn usual_slope(&self, of: f64) -> f64 {
        of / (1.0 + self.inputs.iter().map(|x| x.max_abs().to_f64()).fold(0.0, f64::max))
    }

    /// The operands with a cotangent that is drawn apart, so that what is looked at with it leaves
    /// the numbers of the other laws as they are.
    pub(super) fn inputs_and_cotangent(&self) -> Vec<Matrix<T>> {
        let cotangent = Random::new(!self.check.seed).direction(self.value.shape());
        self.inputs.iter().cloned().chain([cotangent]).collect()
    }

    /// Law 1.
    pub(super) fn same_bits(&mut self) -> Result<(), Failure> {
        let u = self.cotangent();
        let (before, found) = (self.first_at(&u)?, self.first_at(&u)?);
        for (before, found) in before.iter().zip(&found) {
            if let Some(((row, column), a, b)) = first_other_bits(before, found) {
                let (first, second) = (a.to_f64(), b.to_f64());
                return Err(Broken::NotReproducible { row, column, first, second }.into());
            }
        }
        let shapes = [self.value.shape()].into_iter().chain(self.inputs.iter().map(Matrix::shape));
        for (i, (found, expected)) in found.iter().zip(shapes).enumerate() {
            let operand = i.checked_sub(1);
            if found.shape() != expected {
                self.broken.push(Broken::Shape { operand, expected, found: found.shape() });
            } else if let Some(value) = not_finite(found) {
                self.broken.push(Broken::NotFinite { operand, order: 1, value });
            }
        }
        self.value = found.into_iter().next().expect("the result is the first output");
        self.stop()
    }

    /// Laws 2 and 3.
    pub(super) fn cotangent_laws(&mut self) -> Result<(), Failure> {
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
            // Subnormal numbers lose digits that twice of them keep.
            let vanishes = |x: f64| x != 0.0 && x.abs() <= least_normal::<T>().to_f64();
            let differs = |double: T, twice: T| {
                double.bits() != twice.bits() && !vanishes(double.to_f64() - twice.to_f64())
            };
            if let Some((&found, &g)) = pairs.find(|&(&double, &g)| differs(double, two * g)) {
                let (found, expected) = (found.to_f64(), 2.0 * g.to_f64());
                self.broken.push(Broken::Doubling { operand, found, expected });
                continue;
            }
            let triples = sum.iter().zip(g.iter()).zip(other.iter());
            let rests = triples.map(|((sum, a), b)| sum.to_f64() - (a.to_f64() + b.to_f64()));
            let difference = rests.fold(0.0, f64::hypot);
            let scale = norm([g]) + norm([other]) + self.usual_slope(norm([&u]) * norm([&self.value]));
            let relative = relative::<T>(difference, scale);
            self.summary.note(Law::Additivity, relative, tolerance);
            if exceeds(relative, tolerance) {
                self.broken.push(Broken::Additivity { operand, relative, tolerance });
            }
        }
        Ok(())
    }

    /// Law 4, of the two sides for some directions.
    pub(super) fn transpose(
        &mut self,
        mut forward: impl FnMut(&[Matrix<T>]) -> Result<Matrix<T>>,
    ) -> Result<(), Failure> {
        let tolerance = self.rounding();
        let (mut would_see, mut zero) = (false, true);
        for _ in 0..self.check.directions {
            let (u, v) = (self.cotangent(), self.random.directions(self.inputs));
            let jv = forward(&v)?;
            let pulled = self.first_at(&u)?.split_off(1);
            let (forward, reverse) = (dot(&u, &jv), dots(&pulled, &v));
            let sizes = norm([&u]) * norm([&jv]) + norm(&pulled) * norm(&v);
            let scale = sizes + self.usual_slope(norm([&u]) * norm([&self.value]) * norm(&v));
            let relative = relative::<T>((forward - reverse).abs(), scale);
            self.summary.note(Law::Transpose, relative, tolerance);
            if exceeds(relative, tolerance) {
                self.broken.push(Broken::Transpose { forward, reverse, relative, tolerance });
                break;
            }
            zero &= forward == 0.0 && reverse == 0.0;
            would_see |= exceeds(self::relative::<T>((forward + reverse).abs(), scale), tolerance);
        }
        if !would_see && self.broken.is_empty() {
            let empty =
                self.value.as_slice().is_empty() || self.inputs.iter().all(|x| x.as_slice().is_empty());
            let reason = match (empty, zero) {
                (true, _) => Reason::Empty,
                (false, true) => Reason::Blind,
                (false, false) => Reason::Insensitive,
            };
            self.summary.miss(Law::Transpose, None, reason);
        }
        Ok(())
    }

    /// Laws 5, 6 and 7: the derivative of this order, for each operand.
    pub(super) fn derivative(&mut self, order: u8) -> Result<()> {
        for operand in 0..self.inputs.len() {
            let mut missed = None;
            let mut seen = false;
            for _ in 0..self.check.directions {
                match self.derivative_along(order, operand)? {
                    Outcome::Seen => seen = true,
                    Outcome::Missed(reason) => missed = missed.or(Some(reason)),
                    Outcome::Broken => {
                        seen = true;
                        break;
                    }
                }
            }
            if let (false, Some(reason)) = (seen, missed) {
                self.summary.miss(Law::of_order(order), Some(operand), reason);
            }
        }
        Ok(())
    }

    fn draw(&mut self, order: u8) -> Drawn<T> {
        let u = self.cotangent();
        let along = (1..order).map(|_| self.random.directions(self.inputs)).collect();
        Drawn { u, along }
    }

    /// The derivatives of this order, for each operand.
    fn derivatives(&mut self, drawn: &Drawn<T>) -> Result<Vec<Matrix<T>>> {
        if drawn.along.is_empty() {
            return Ok(self.first_at(&drawn.u)?.split_off(1));
        }
        self.subject.higher(self.inputs, &drawn.u, &drawn.along)
    }

    fn derivative_along(&mut self, order: u8, operand: usize) -> Result<Outcome> {
        let drawn = self.draw(order);
        let v = self.random.direction(self.inputs[operand].shape());
        let derivative = self.derivatives(&drawn)?.swap_remove(operand);
        if let Some(value) = not_finite(&derivative) {
            self.broken.push(Broken::NotFinite { operand: Some(operand), order, value });
            return Ok(Outcome::Broken);
        }
        if v.as_slice().is_empty() || self.value.as_slice().is_empty() {
            return Ok(Outcome::Missed(Reason::Empty));
        }
        let mut hidden = 0.0;
        if order > 1 {
            hidden = self.usual_slope(norm([&drawn.u]) * norm([&self.value]));
            hidden *= drawn.along.iter().map(norm).product::<f64>();
        }
        let mut slopes = Slopes::new(self, &drawn, operand, hidden)?;
        let found = slopes.compare(&v, &derivative)?;
        let law = Law::of_order(order);
        let tolerance = slopes.tolerance();
        let outcome = match found.finding {
            Finding::Agrees => Outcome::Seen,
            // Of a function that is linear in the operand.
            Finding::Insensitive if order > 1 && norm([&derivative]) == 0.0 => Outcome::Seen,
            Finding::Insensitive => Outcome::Missed(unseen(&found, &derivative, &v)),
            Finding::Domain => Outcome::Missed(Reason::Domain),
            Finding::Kink => Outcome::Missed(Reason::Kink),
            Finding::Jump => Outcome::Missed(Reason::Jump),
            Finding::Differs(errors) => {
                let worst = slopes.worst(&v, &derivative, found.step)?;
                let recorded = dot(&derivative, &v);
                self.broken.push(differs(order, operand, recorded, &found, errors, tolerance, worst));
                Outcome::Broken
            }
        };
        if !matches!(outcome, Outcome::Missed(Reason::Kink | Reason::Jump | Reason::Domain)) {
            self.summary.note(law, found.relative, tolerance);
        }
        Ok(outcome)
    }

    /// Law 8.
    pub(super) fn symmetry(&mut self) -> Result<()> {
        let tolerance = self.rounding();
        for _ in 0..self.check.directions {
            let u = self.cotangent();
            let (v, w) = (self.random.directions(self.inputs), self.random.directions(self.inputs));
            let hw = self.subject.higher(self.inputs, &u, std::slice::from_ref(&w))?;
            let hv = self.subject.higher(self.inputs, &u, std::slice::from_ref(&v))?;
            let found = hw.iter().zip(&hv).map(|(hw, hv)| not_finite(hw).or(not_finite(hv)));
            if let Some((operand, value)) = found.enumerate().find_map(|(at, value)| Some((at, value?))) {
                self.broken.push(Broken::NotFinite { operand: Some(operand), order: 2, value });
                break;
            }
            let (vhw, whv) = (dots(&v, &hw), dots(&w, &hv));
            let gradient =
                norm(&self.first_at(&u)?[1..]) + self.usual_slope(norm([&u]) * norm([&self.value]));
            let sizes = norm(&v) * norm(&hw) + norm(&w) * norm(&hv);
            let scale = sizes + self.usual_slope(gradient * norm(&v) * norm(&w));
            let relative = relative::<T>((vhw - whv).abs(), scale);
            self.summary.note(Law::Symmetry, relative, tolerance);
            if exceeds(relative, tolerance) {
                self.broken.push(Broken::Symmetry { vhw, whv, relative, tolerance });
                break;
            }
        }
        Ok(())
    }
}

/// A difference relative to the scale; below the least normal number there are no digits to
/// compare.
fn relative<T: Scalar>(difference: f64, scale: f64) -> f64 {
    if difference <= least_normal::<T>().to_f64() { 0.0 } else { ratio(difference, scale) }
}

/// An element that is NaN or infinite.
fn not_finite<T: Scalar>(x: &Matrix<T>) -> Option<f64> {
    x.iter().find(|x| !x.is_finite()).map(|x| x.to_f64())
}

enum Outcome {
    Seen,
    Missed(Reason),
    Broken,
}

/// Why a wrong sign would pass as well.
fn unseen<T: Scalar>(found: &Found, derivative: &Matrix<T>, v: &Matrix<T>) -> Reason {
    let gradient = norm([derivative]);
    if gradient == 0.0 && found.differences == 0.0 {
        Reason::Blind
    } else if gradient * norm([v]) <= found.floor {
        Reason::Small { gradient: gradient * norm([v]), rounding: found.floor }
    } else {
        Reason::Insensitive
    }
}

fn differs(
    order: u8,
    operand: usize,
    recorded: f64,
    found: &Found,
    errors: Errors,
    tolerance: f64,
    worst: Worst,
) -> Broken {
    let (differences, relative) = (found.differences, found.relative);
    Broken::Derivative { order, operand, differences, recorded, relative, tolerance, errors, worst }
}

/// How ⟨weights, outputs⟩ changes when an operand moves.
struct Slopes<'b, 'a, S, T: Scalar> {
    bench: &'b mut Bench<'a, S, T>,
    drawn: &'b Drawn<T>,
    operand: usize,
    /// The outputs at x.
    center: Vec<Matrix<T>>,
    /// The operands, one of which moves.
    moved: Vec<Matrix<T>>,
    /// What rounding may make of the sum.
    rounding: f64,
}

impl<'b, 'a, S: Subject<T>, T: Scalar> Slopes<'b, 'a, S, T> {
    /// `hidden` is the size of what cancels in the outputs.
    fn new(bench: &'b mut Bench<'a, S, T>, drawn: &'b Drawn<T>, operand: usize, hidden: f64) -> Result<Self> {
        let moved = bench.inputs.to_vec();
        let mut slopes = Slopes { bench, drawn, operand, center: Vec::new(), moved, rounding: 0.0 };
        slopes.center = slopes.outputs()?;
        let sizes = slopes.center.iter().zip(drawn.weights()).map(|(output, weight)| {
            output.iter().zip(weight.iter()).map(|(a, b)| (a.to_f64() * b.to_f64()).abs()).sum::<f64>()
        });
        // What is subnormal is rounded by the least number, and no less.
        let weights: f64 = drawn.weights().iter().flat_map(|w| w.iter()).map(|w| w.to_f64().abs()).sum();
        slopes.rounding =
            slopes.bench.epsilon * (sizes.sum::<f64>() + hidden) + T::of_bits(1).to_f64() * weights.max(1.0);
        Ok(slopes)
    }

    fn tolerance(&self) -> f64 {
        self.bench.check.tolerance.unwrap_or(2.0 * self.bench.epsilon.powf(0.4))
    }

    /// The first step.
    fn h(&self) -> f64 {
        let step = self.bench.check.step.unwrap_or(self.bench.epsilon.powf(0.2));
        step * (1.0 + self.bench.inputs[self.operand].max_abs().to_f64())
    }

    /// What is differentiated, at the moved operands: f, or its derivatives of the order below.
    fn outputs(&mut self) -> Result<Vec<Matrix<T>>> {
        let subject = &mut self.bench.subject;
        match self.drawn.along.split_last() {
            None => {
                let mut all = subject.first(&self.moved, &self.drawn.u)?;
                all.truncate(1);
                Ok(all)
            }
            Some((_, [])) => Ok(subject.first(&self.moved, &self.drawn.u)?.split_off(1)),
            Some((_, below)) => subject.higher(&self.moved, &self.drawn.u, below),
        }
    }

    /// The change of each element of the outputs, weighed, when the operand moves by s·v. Differences
    /// are taken before they are weighed and summed, in f64: the sum adds no rounding of its own.
    fn changes(&mut self, s: f64, v: &Matrix<T>) -> Result<Vec<f64>> {
        let x = &self.bench.inputs[self.operand];
        let by = T::from_f64(s);
        self.moved[self.operand] = Matrix::from_fn(x.rows(), x.columns(), |i, j| x[(i, j)] + by * v[(i, j)]);
        let outputs = self.outputs()?;
        let triples = outputs.iter().zip(&self.center).zip(self.drawn.weights());
        let changes = triples.flat_map(|((to, from), weight)| {
            let all = to.iter().zip(from.iter()).zip(weight.iter());
            all.map(|((to, from), weight)| (to.to_f64() - from.to_f64()) * weight.to_f64() / s)
        });
        Ok(changes.collect())
    }

    /// The change of all of them together.
    fn change(&mut self, s: f64, v: &Matrix<T>) -> Result<f64> {
        if s == 0.0 { Ok(0.0) } else { Ok(s * self.changes(s, v)?.iter().sum::<f64>()) }
    }

    fn quotients(&mut self, h: f64, v: &Matrix<T>) -> Result<Quotients> {
        let (right, left) = (self.changes(h, v)?, self.changes(-h, v)?);
        let spread = right.iter().zip(&left).map(|(right, left)| (right - left).abs()).sum();
        Ok(Quotients { right: right.iter().sum(), left: left.iter().sum(), spread })
    }

    fn compare(&mut self, v: &Matrix<T>, derivative: &Matrix<T>) -> Result<Found> {
        let parts = derivative.iter().zip(v.iter()).map(|(g, v)| (g.to_f64() * v.to_f64()).abs());
        let mut compared = Compared {
            recorded: dot(derivative, v),
            size: norm([derivative]) * norm([v]),
            one_sign: 2.0 * parts.fold(0.0, f64::max),
            tolerance: self.tolerance(),
            rounding: self.rounding,
            h: self.h(),
            converging: self.bench.check.converging,
            bends: false,
        };
        let found = difference::compare(&compared, |h| self.quotients(h, v))?;
        if !matches!(found.finding, Finding::Differs(_)) {
            return Ok(found);
        }
        // Before a rule is called wrong, what cancels inside of the function is measured.
        // Its cube is a rounding: what is left of a smooth function.
        let step = self.bench.epsilon.cbrt() * (1.0 + self.bench.inputs[self.operand].max_abs().to_f64());
        let noise = difference::noise(|s| self.change(s, v), step)?;
        if noise.size.is_nan() || noise.size <= compared.rounding {
            return Ok(found);
        }
        let of_value = std::mem::replace(&mut compared.rounding, noise.size);
        let found = difference::compare(&compared, |h| self.quotients(h, v))?;
        if !noise.bends || found.finding != Finding::Agrees {
            return Ok(found);
        }
        // It may agree because what bends was taken for rounding.
        compared.bends = true;
        compared.rounding = of_value.max(difference::noise_without_bends(|s| self.change(s, v), step)?);
        difference::compare(&compared, |h| self.quotients(h, v))
    }

    /// The element of the operand whose derivative is farthest from the differences, found by halves
    /// of v and then one by one.
    fn worst(&mut self, v: &Matrix<T>, derivative: &Matrix<T>, step: f64) -> Result<Worst> {
        let (mut low, mut high) = (0, v.as_slice().len());
        while high - low > MOST_SINGLE {
            let middle = low + (high - low) / 2;
            let [below, above] = [low..middle, middle..high].map(|range| {
                let part = part_of(v, range);
                let differences = self.central(step, &part)?;
                Ok::<f64, Failure>((differences - dot(derivative, &part)).abs())
            });
            if below? >= above? { high = middle } else { low = middle }
        }
        let mut worst: Option<(f64, Worst)> = None;
        for at in low..high {
            let unit = part_of(&Matrix::filled(v.rows(), v.columns(), T::ONE), at..at + 1);
            let differences = self.central(step, &unit)?;
            let recorded = derivative.as_slice()[at].to_f64();
            let error = (differences - recorded).abs();
            if worst.as_ref().is_none_or(|(most, _)| error > *most || most.is_nan()) {
                let (row, column) = (at % v.rows(), at / v.rows());
                worst = Some((error, Worst { row, column, differences, recorded }));
            }
        }
        Ok(worst.expect("an operand that moved has elements").1)
    }

    /// The extrapolated difference along v.
    fn central(&mut self, h: f64, v: &Matrix<T>) -> Result<f64> {
        let (whole, half) = (self.quotients(h, v)?, self.quotients(h / 2.0, v)?);
        Ok((4.0 * (half.right + half.left) - (whole.right + whole.left)) / 6.0)
    }
}

/// These elements, column by column, and zeros.
fn part_of<T: Scalar>(v: &Matrix<T>, range: std::ops::Range<usize>) -> Matrix<T> {
    let rows = v.rows();
    Matrix::from_fn(
        rows,
        v.columns(),
        |i, j| if range.contains(&(i + j * rows)) { v[(i, j)] } else { T::ZERO },
    )
}
