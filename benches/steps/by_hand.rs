//! The closed form (eq. 8, 23–28) by hand, on the same kernels as programs, preallocated and in tiles of columns.

use tape::{Matrix, MatrixMut, MatrixRef, Scalar, kernels};

use crate::cases::{Case, Hidden, Start};

/// The step of a case.
#[derive(Debug)]
pub(crate) struct ByHand<T: Scalar> {
    hidden: Hidden,
    x: Matrix<T>,
    y: Matrix<T>,
    layers: Vec<Layer<T>>,
    losses: Vec<T>,
    tile: usize,
    pub(crate) j: T,
}

#[derive(Debug)]
struct Layer<T: Scalar> {
    w: Matrix<T>,
    b: Matrix<T>,
    dw: Matrix<T>,
    db: Matrix<T>,
    /// Z, A, g′(Z) and ∂ℒ/∂Z of a tile.
    z: Vec<T>,
    a: Vec<T>,
    slope: Vec<T>,
    dz: Vec<T>,
}

impl<T: Scalar> ByHand<T> {
    pub(crate) fn new(case: &Case) -> Self {
        let Start { network, x, y } = case.start::<T>();
        let widest = case.sizes.iter().copied().max().unwrap_or(1);
        let tile = widest.next_power_of_two().clamp(256, 1024).min(case.m);
        let layer = |l: usize| {
            let w = network.parameters()[&format!("W[{l}]")].clone();
            let b = network.parameters()[&format!("b[{l}]")].clone();
            let (dw, db) = (Matrix::zeros(w.rows(), w.columns()), Matrix::zeros(b.rows(), 1));
            let values = || vec![T::ZERO; w.rows() * tile];
            let (z, a, slope, dz) = (values(), values(), values(), values());
            Layer { w, b, dw, db, z, a, slope, dz }
        };
        let layers = (1..case.sizes.len()).map(layer).collect();
        let losses = vec![T::ZERO; y.rows() * tile];
        ByHand { hidden: case.hidden, x, y, layers, losses, tile, j: T::ZERO }
    }

    /// ∂J/∂W[l] and ∂J/∂b[l], in the order of the network's parameters.
    pub(crate) fn gradients(&self) -> impl Iterator<Item = &Matrix<T>> {
        self.layers.iter().flat_map(|layer| [&layer.dw, &layer.db])
    }

    /// J and all gradients.
    pub(crate) fn step(&mut self) {
        let m = self.x.columns();
        self.j = T::ZERO;
        let mut start = 0;
        while start < m {
            let count = self.tile.min(m - start);
            self.forward(start, count);
            self.backward(start, count);
            start += count;
        }
        self.j /= T::from_usize(m);
    }

    fn forward(&mut self, start: usize, count: usize) {
        let last = self.layers.len() - 1;
        for l in 0..=last {
            let (before, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            let n = layer.w.rows();
            let input = input(before, &self.x, start, count);
            let length = n * count;
            let z = &mut layer.z[..length];
            let mut out = MatrixMut::new(n, count, z).expect("a tile of Z");
            kernels::product(T::ONE, (layer.w.view(), false), (input, false), false, &mut out);
            add_bias(z, layer.b.as_slice());
            let (a, slope) = (&mut layer.a[..length], &mut layer.slope[..length]);
            match self.hidden {
                _ if l == last => {} // its A is not needed
                Hidden::Sigmoid => kernels::sigmoid_and_derivative(z, a, slope),
                Hidden::Tanh => kernels::tanh_and_derivative(z, a, slope),
                Hidden::Relu => relu(z, a),
            }
        }
    }

    fn backward(&mut self, start: usize, count: usize) {
        let last = self.layers.len() - 1;
        let over_m = T::ONE / T::from_usize(self.x.columns());
        self.output(start, count);
        for l in (0..=last).rev() {
            let (before, from) = self.layers.split_at_mut(l);
            let layer = &mut from[0];
            let n = layer.w.rows();
            let dz = MatrixRef::new(n, count, &layer.dz[..n * count]).expect("a tile of ∂ℒ/∂Z");
            let input = input(before, &self.x, start, count);
            kernels::product(over_m, (dz, false), (input, true), start > 0, &mut layer.dw.view_mut()); // eq. 26
            add_sums(over_m, dz, layer.db.as_mut_slice(), start > 0); // eq. 27
            if let Some(below) = before.last_mut() {
                let length = below.w.rows() * count;
                let da = &mut below.dz[..length];
                let mut out = MatrixMut::new(below.w.rows(), count, da).expect("a tile of ∂ℒ/∂A");
                kernels::product(T::ONE, (layer.w.view(), true), (dz, false), false, &mut out); // eq. 28
                match self.hidden {
                    Hidden::Relu => mask(da, &below.a[..length]),
                    Hidden::Tanh | Hidden::Sigmoid => multiply(da, &below.slope[..length]),
                }
            }
        }
    }

    /// J's part of a tile, and eq. 8 ⊙ eq. 10 = A − Y of the last layer.
    fn output(&mut self, start: usize, count: usize) {
        let layer = self.layers.last_mut().expect("a network has layers");
        let n = self.y.rows();
        let y = &self.y.as_slice()[start * n..(start + count) * n];
        let (z, losses) = (&layer.z[..n * count], &mut self.losses[..n * count]);
        let dz = &mut layer.dz[..n * count];
        kernels::log_loss_and_derivative(y, z, losses, dz).expect("labels are 0 or 1");
        self.j += kernels::sum(losses);
    }
}

/// A[l−1] of a tile, or the columns of X.
fn input<'a, T: Scalar>(
    before: &'a [Layer<T>],
    x: &'a Matrix<T>,
    start: usize,
    count: usize,
) -> MatrixRef<'a, T> {
    let (rows, data) = match before.last() {
        Some(layer) => (layer.w.rows(), &layer.a[..layer.w.rows() * count]),
        None => (x.rows(), &x.as_slice()[start * x.rows()..(start + count) * x.rows()]),
    };
    MatrixRef::new(rows, count, data).expect("a tile")
}

fn add_bias<T: Scalar>(z: &mut [T], b: &[T]) {
    kernels::vectorised(
        #[inline(always)]
        || {
            for column in z.chunks_exact_mut(b.len()) {
                for (z, &b) in column.iter_mut().zip(b) {
                    *z += b;
                }
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

fn multiply<T: Scalar>(da: &mut [T], slope: &[T]) {
    kernels::vectorised(
        #[inline(always)]
        || {
            for (da, &slope) in da.iter_mut().zip(slope) {
                *da *= slope;
            }
        },
    );
}

fn add_sums<T: Scalar>(alpha: T, dz: MatrixRef<'_, T>, db: &mut [T], accumulate: bool) {
    if !accumulate {
        db.fill(T::ZERO);
    }
    if let [db] = db {
        *db += alpha * kernels::sum(dz.as_slice());
        return;
    }
    kernels::vectorised(
        #[inline(always)]
        || {
            for column in dz.as_slice().chunks_exact(db.len()) {
                for (db, &dz) in db.iter_mut().zip(column) {
                    *db += alpha * dz;
                }
            }
        },
    );
}
