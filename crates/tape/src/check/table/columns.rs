//! Repeated operands, and examples alone, in parts, twice, and in another order.

use crate::check::Random;
use crate::check::table::plain::{first_apart, tolerance};
use crate::check::table::recorded::{Evaluator, output_name};
use crate::check::table::{RowBench, RowLaw, Sample};
use crate::{Dim, Matrix, Result, Scalar, Shape, Tape};

/// How many examples the laws of columns are checked with.
const M: usize = 17;

impl<T: Scalar> RowBench<'_, T> {
    /// A row, a column and a number in the place of each operand.
    pub(super) fn broadcast(&mut self, sample: &Sample<T>) {
        if !self.row.broadcasts {
            return;
        }
        for operand in 0..sample.inputs.len() {
            let (rows, columns) = sample.inputs[operand].shape();
            for (r, c) in [(1, columns), (rows, 1), (1, 1)] {
                if (r, c) == (rows, columns) || rows * columns == 0 {
                    continue;
                }
                if let Some(what) = self.repeated(sample, operand, (r, c)) {
                    self.broken(RowLaw::Broadcast, sample, what);
                }
            }
        }
    }

    fn repeated(&self, sample: &Sample<T>, operand: usize, (r, c): (usize, usize)) -> Option<String> {
        let whole = &sample.inputs[operand];
        let part = Matrix::from_fn(r, c, |i, j| whole[(i, j)]);
        let full = Matrix::from_fn(whole.rows(), whole.columns(), |i, j| part[(i.min(r - 1), j.min(c - 1))]);
        let with = |x: Matrix<T>| {
            let mut inputs = sample.inputs.clone();
            inputs[operand] = x;
            inputs
        };
        let (small, large) = match (self.at_fixed(&with(part)), self.at_fixed(&with(full))) {
            (Ok(small), Ok(large)) => (small, large),
            (Err(error), _) | (_, Err(error)) => {
                return Some(format!("operand {operand} of {r}×{c} is not repeated: {error}"));
            }
        };
        let sum = &large[operand + 1];
        let summed = |of_each: fn(f64) -> f64| {
            Matrix::from_fn(r, c, |i, j| {
                let of = |index: usize, extent: usize, all: usize| {
                    if extent == 1 { 0..all } else { index..index + 1 }
                };
                let columns = || of(j, c, sum.columns());
                let places = of(i, r, sum.rows()).flat_map(|i| columns().map(move |j| (i, j)));
                places.map(|at| of_each(sum[at].to_f64())).sum()
            })
        };
        let (summed, terms): (Matrix<f64>, Matrix<f64>) = (summed(|x| x), summed(f64::abs));
        let tolerance = 16.0 * tolerance::<T>();
        let value = &small[0];
        let last = |extent: usize, at: usize| at.min(extent.max(1) - 1);
        let expected = Matrix::from_fn(large[0].rows(), large[0].columns(), |i, j| {
            value[(last(value.rows(), i), last(value.columns(), j))].to_f64()
        });
        if first_apart(&large[0], &expected, tolerance, 0.0).is_some() {
            return Some(format!("operand {operand} of {r}×{c} does not give what its repetition gives"));
        }
        // Of a smaller result there is another cotangent.
        if value.shape() != large[0].shape() {
            return None;
        }
        let apart = first_apart(&small[operand + 1], &summed, tolerance, terms.max_abs());
        apart.map(|(i, j)| {
            let (found, expected) = (small[operand + 1][(i, j)], summed[(i, j)]);
            format!("the gradient of operand {operand} of {r}×{c} is {found:e} at row {i}, column {j}, not the sum {expected:e}")
        })
    }

    /// Value and gradients of operands of known shapes.
    fn at_fixed(&self, inputs: &[Matrix<T>]) -> Result<Vec<Matrix<T>>> {
        let tape = Tape::new();
        let shapes: Vec<Shape> = inputs.iter().map(|x| Shape::new(x.rows(), x.columns())).collect();
        let evaluator = Evaluator::of_shapes(self.row, &tape, &shapes)?;
        let (rows, columns) = evaluator.shape().at(0);
        evaluator.at(inputs, &Random::new(7).direction((rows, columns)))
    }

    /// The laws of examples.
    pub(super) fn columns(&mut self, evaluator: &Evaluator<'_, T>, n: usize, seed: u64) {
        if self.row.mixes_columns || evaluator.shape().columns != Dim::M {
            return;
        }
        let sample = self.row.sample(n, M, seed);
        let u = Random::new(seed).direction((evaluator.shape().at(M).0, M));
        let Ok(whole) = evaluator.at(&sample.inputs, &u) else { return };
        let shapes = (self.row.shapes)(n);
        let batches = Batches { evaluator, shapes, sample: &sample, u: &u, whole: &whole };
        let terms = batches.terms();
        let order = Random::new(!seed).permutation(M);
        let all: Vec<usize> = (0..M).collect();
        let twice: Vec<usize> = all.iter().chain(&all).copied().collect();
        let alone: Vec<&[usize]> = all.chunks(1).collect();
        for (law, parts) in [
            (RowLaw::ColumnsAlone, alone),
            (RowLaw::Split, vec![&all[..5], &all[5..]]),
            (RowLaw::Duplication, vec![&twice[..]]),
            (RowLaw::Permutation, vec![&order[..]]),
        ] {
            if let Some(what) = batches.apart(&parts, &terms) {
                self.broken(law, &sample, what);
            }
        }
    }
}

/// The examples of a sample, and what they give together.
struct Batches<'a, 't, T: Scalar> {
    evaluator: &'a Evaluator<'t, T>,
    shapes: Vec<Shape>,
    sample: &'a Sample<T>,
    u: &'a Matrix<T>,
    whole: &'a [Matrix<T>],
}

impl<T: Scalar> Batches<'_, '_, T> {
    /// What a part of the batch gives.
    fn part(&self, part: &[usize]) -> crate::Result<Vec<Matrix<T>>> {
        let pairs = self.shapes.iter().zip(&self.sample.inputs);
        let inputs: Vec<Matrix<T>> = pairs.map(|(shape, x)| chosen(shape.columns, x, part)).collect();
        self.evaluator.at(&inputs, &chosen(Dim::M, self.u, part))
    }

    /// A zero for each element of the outputs.
    fn zeros(&self) -> Vec<Matrix<f64>> {
        self.whole.iter().map(|x| Matrix::zeros(x.rows(), x.columns())).collect()
    }

    /// For each output the largest element of Σ |what an example alone gives|: how large the sums over
    /// the examples are, were nothing to cancel.
    fn terms(&self) -> Vec<f64> {
        let mut sums = self.zeros();
        for found in (0..M).filter_map(|example| self.part(&[example]).ok()) {
            for (sum, found) in
                sums.iter_mut().zip(&found).filter(|(sum, found)| sum.shape() == found.shape())
            {
                sum.iter_mut().zip(found.iter()).for_each(|(sum, x)| *sum += x.to_f64().abs());
            }
        }
        sums.iter().map(Matrix::max_abs).collect()
    }

    /// Where the parts of the batch give something else than the whole: columns as they are, and
    /// gradients of shared operands as their sum over the parts, by how often each example is there;
    /// `terms` is how large those sums are before anything cancels.
    fn apart(&self, parts: &[&[usize]], terms: &[f64]) -> Option<String> {
        let times = parts.iter().map(|part| part.len()).sum::<usize>() as f64 / M as f64;
        let tolerance = 16.0 * tolerance::<T>();
        let mut sums = self.zeros();
        for part in parts {
            let found = match self.part(part) {
                Ok(found) => found,
                Err(error) => return Some(format!("{} examples of {M}: {error}", part.len())),
            };
            for (k, found) in found.iter().enumerate() {
                let columns = if k == 0 { Dim::M } else { self.shapes[k - 1].columns };
                if columns.depends_on_m() {
                    let expected: Matrix<f64> = chosen(columns, &self.whole[k], part).cast();
                    let apart = first_apart(found, &expected, tolerance, 0.0);
                    if let Some((i, j)) = apart {
                        let (found, expected) = (found[(i, j)], expected[(i, j)]);
                        return Some(format!(
                            "{} at row {i}, column {j} of {} examples is {found:e}, and {expected:e} among all",
                            output_name(k),
                            part.len()
                        ));
                    }
                } else {
                    sums[k].iter_mut().zip(found.iter()).for_each(|(sum, x)| *sum += x.to_f64());
                }
            }
        }
        let shared = (1..self.whole.len()).filter(|&k| !self.shapes[k - 1].columns.depends_on_m());
        for k in shared {
            let expected: Matrix<f64> = self.whole[k].cast::<f64>().map(|x| times * x);
            if let Some((i, j)) = first_apart(&sums[k], &expected, tolerance, times * terms[k]) {
                let (found, expected) = (sums[k][(i, j)], expected[(i, j)]);
                return Some(format!(
                    "{} at row {i}, column {j} is {found:e} in parts, and {expected:e} together",
                    output_name(k)
                ));
            }
        }
        None
    }
}

/// The columns of these examples, several for each where the operand has several; a shared operand
/// as it is.
fn chosen<T: Scalar>(columns: Dim, x: &Matrix<T>, examples: &[usize]) -> Matrix<T> {
    match columns.per_example() {
        None => x.clone(),
        Some(k) => {
            let all: Vec<usize> = examples.iter().flat_map(|&j| j * k..(j + 1) * k).collect();
            x.select_columns(&all)
        }
    }
}
