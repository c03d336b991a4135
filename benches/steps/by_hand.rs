//! The closed form (eq. 8, 23–28) by hand, on the same kernels as programs, preallocated and in tiles of columns; with
//! several threads each has a part of the examples, and the gradients of the parts are added.

use std::ops::Range;

use mlp::Scalar;
use tape::kernels::{Aligned, Epilogue, Operand, Product};
use tape::{Matrix, MatrixMut, MatrixRef, kernels};

use crate::cases::{Case, Hidden, Start};

/// The step of a case.
#[derive(Debug)]
pub(crate) struct ByHand<T: Scalar> {
    data: Data<T>,
    parts: Vec<Part<T>>,
    pub(crate) j: T,
}

#[derive(Debug)]
struct Data<T: Scalar> {
    hidden: Hidden,
    x: Matrix<T>,
    y: Matrix<T>,
    parameters: Vec<(Matrix<T>, Matrix<T>)>,
}

/// What one thread has: some of the examples, and the gradients that come from them.
#[derive(Debug)]
struct Part<T: Scalar> {
    examples: Range<usize>,
    layers: Vec<Layer<T>>,
    losses: Aligned<T>,
    tile: usize,
    j: T,
}

#[derive(Debug)]
struct Layer<T: Scalar> {
    dw: Matrix<T>,
    db: Matrix<T>,
    /// Z, A, g′(Z) and ∂ℒ/∂Z of a tile.
    z: Aligned<T>,
    a: Aligned<T>,
    slope: Aligned<T>,
    dz: Aligned<T>,
    /// Σ of the columns of ∂ℒ/∂Z.
    sums: Aligned<T>,
}

impl<T: Scalar> ByHand<T> {
    pub(crate) fn new(case: &Case, threads: usize) -> Self {
        let Start { network, x, y } = case.start::<T>();
        let parameter = |name: String| network.parameters()[&name].clone();
        let layers = 1..case.sizes.len();
        let parameters =
            layers.map(|l| (parameter(format!("W[{l}]")), parameter(format!("b[{l}]")))).collect();
        let data = Data { hidden: case.hidden, x, y, parameters };
        let share = case.m.div_ceil(threads);
        let part = |start| Part::new(case, &data, start..case.m.min(start + share));
        let parts = (0..case.m).step_by(share).map(part).collect();
        ByHand { data, parts, j: T::ZERO }
    }

    /// ∂J/∂W[l] and ∂J/∂b[l], in the order of the network's parameters.
    pub(crate) fn gradients(&self) -> impl Iterator<Item = &Matrix<T>> {
        self.parts[0].layers.iter().flat_map(|layer| [&layer.dw, &layer.db])
    }

    /// J and all gradients, on the threads of the caller.
    pub(crate) fn step(&mut self) {
        let ByHand { data, parts, j } = self;
        step_all(data, parts);
        let (first, others) = parts.split_first_mut().expect("there are examples");
        others.iter().for_each(|other| first.add(other));
        *j = first.j / T::from_usize(data.x.columns());
    }
}

fn step_all<T: Scalar>(data: &Data<T>, parts: &mut [Part<T>]) {
    if let [part] = parts {
        return part.step(data);
    }
    let (left, right) = parts.split_at_mut(parts.len() / 2);
    kernels::join(|| step_all(data, left), || step_all(data, right));
}

impl<T: Scalar> Part<T> {
    fn new(case: &Case, data: &Data<T>, examples: Range<usize>) -> Self {
        let widest = case.sizes.iter().copied().max().unwrap_or(1);
        let tile = widest.next_power_of_two().clamp(256, 1024).min(examples.len());
        let layer = |(w, b): &(Matrix<T>, Matrix<T>)| {
            let (dw, db) = (Matrix::zeros(w.rows(), w.columns()), Matrix::zeros(b.rows(), 1));
            let values = || Aligned::new(w.rows() * tile, T::ZERO);
            let (z, a, slope, dz) = (values(), values(), values(), values());
            Layer { dw, db, z, a, slope, dz, sums: Aligned::new(w.rows(), T::ZERO) }
        };
        let layers = data.parameters.iter().map(layer).collect();
        let losses = Aligned::new(data.y.rows() * tile, T::ZERO);
        Part { examples, layers, losses, tile, j: T::ZERO }
    }

    fn step(&mut self, data: &Data<T>) {
        self.j = T::ZERO;
        let mut start = self.examples.start;
        while start < self.examples.end {
            let count = self.tile.min(self.examples.end - start);
            self.forward(data, start, count);
            self.backward(data, start, count);
            start += count;
        }
    }

    /// Adds what comes from other examples.
    fn add(&mut self, other: &Self) {
        self.j += other.j;
        for (layer, other) in self.layers.iter_mut().zip(&other.layers) {
            for (sum, part) in [(&mut layer.dw, &other.dw), (&mut layer.db, &other.db)] {
                add(sum.as_mut_slice(), part.as_slice());
            }
        }
    }

    fn forward(&mut self, data: &Data<T>, start: usize, count: usize) {
        let last = self.layers.len() - 1;
        for l in 0..=last {
            let (before, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            let (w, b) = &data.parameters[l];
            let n = w.rows();
            let input = input(before, data, l, start, count);
            let length = n * count;
            let z = &mut layer.z[..length];
            let mut out = MatrixMut::new(n, count, z).expect("a tile of Z");
            let bias = Epilogue::Bias(b.as_slice());
            Product::new(w.view(), input).epilogue(bias).write_to(&mut out);
            let (a, slope) = (&mut layer.a[..length], &mut layer.slope[..length]);
            match data.hidden {
                _ if l == last => {} // its A is not needed
                Hidden::Sigmoid => kernels::sigmoid_and_derivative(z, a, slope),
                Hidden::Tanh => kernels::tanh_and_derivative(z, a, slope),
                Hidden::Relu => relu(z, a),
            }
        }
    }

    fn backward(&mut self, data: &Data<T>, start: usize, count: usize) {
        let last = self.layers.len() - 1;
        let over_m = T::ONE / T::from_usize(data.x.columns());
        self.output(data, start, count);
        for l in (0..=last).rev() {
            let (before, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            let w = &data.parameters[l].0;
            let n = w.rows();
            let dz = MatrixRef::new(n, count, &layer.dz[..n * count]).expect("a tile of ∂ℒ/∂Z");
            let input = input(before, data, l, start, count);
            let accumulate = start > self.examples.start;
            let dw = &mut layer.dw.view_mut();
            let product = Product::new(dz, Operand::transposed(input)).scaled(over_m); // eq. 26
            if accumulate {
                product.add_to(dw);
            } else {
                product.write_to(dw);
            }
            add_sums(over_m, dz, (&mut layer.sums, layer.db.as_mut_slice()), accumulate); // eq. 27
            if let Some(below) = before.last_mut() {
                let length = w.columns() * count;
                let da = &mut below.dz[..length];
                let mut out = MatrixMut::new(w.columns(), count, da).expect("a tile of ∂ℒ/∂A");
                let slope = match data.hidden {
                    Hidden::Relu => Epilogue::None,
                    Hidden::Tanh | Hidden::Sigmoid => Epilogue::Multiply(&below.slope[..length]),
                };
                let product = Product::new(Operand::transposed(w.view()), dz); // eq. 28
                product.epilogue(slope).write_to(&mut out);
                if data.hidden == Hidden::Relu {
                    mask(da, &below.a[..length]);
                }
            }
        }
    }

    /// J's part of a tile, and eq. 8 ⊙ eq. 10 = A − Y of the last layer.
    fn output(&mut self, data: &Data<T>, start: usize, count: usize) {
        let layer = self.layers.last_mut().expect("a network has layers");
        let n = data.y.rows();
        let y = &data.y.as_slice()[start * n..(start + count) * n];
        let (z, losses) = (&layer.z[..n * count], &mut self.losses[..n * count]);
        let dz = &mut layer.dz[..n * count];
        kernels::log_loss_and_derivative(y, z, losses, dz).expect("labels are 0 or 1");
        self.j += kernels::sum(losses);
    }
}

/// A[l−1] of a tile, or the columns of X.
fn input<'a, T: Scalar>(
    before: &'a [Layer<T>],
    data: &'a Data<T>,
    l: usize,
    start: usize,
    count: usize,
) -> MatrixRef<'a, T> {
    let rows = data.parameters[l].0.columns();
    let values = match before.last() {
        Some(layer) => &layer.a[..rows * count],
        None => &data.x.as_slice()[start * rows..(start + count) * rows],
    };
    MatrixRef::new(rows, count, values).expect("a tile")
}

fn add<T: Scalar>(sum: &mut [T], part: &[T]) {
    kernels::vectorised(
        #[inline(always)]
        || {
            for (sum, &part) in sum.iter_mut().zip(part) {
                *sum += part;
            }
        },
    );
}

fn relu<T: Scalar>(z: &[T], a: &mut [T]) {
    kernels::vectorised(
        #[inline(always)]
        || {
            for (a, &z) in a.iter_mut().zip(z) {
                *a = if z > T::ZERO { z } else { T::ZERO };
            }
        },
    );
}

fn mask<T: Scalar>(da: &mut [T], a: &[T]) {
    kernels::vectorised(
        #[inline(always)]
        || {
            for (da, &a) in da.iter_mut().zip(a) {
                *da = if a > T::ZERO { *da } else { T::ZERO };
            }
        },
    );
}

fn add_sums<T: Scalar>(alpha: T, dz: MatrixRef<'_, T>, (sums, db): (&mut [T], &mut [T]), accumulate: bool) {
    if let [sum] = sums {
        *sum = kernels::sum(dz.as_slice());
    } else {
        sums.fill(T::ZERO);
        kernels::add_columns(dz, sums);
    }
    for (db, &sum) in db.iter_mut().zip(&*sums) {
        *db = if accumulate { *db + alpha * sum } else { alpha * sum };
    }
}
