//! Points at which equations are compared: parameters and data drawn at random.

use tape::Matrix;

use super::board::{Architecture, Leaves};
use crate::{Loss, Purpose, Random, Scalar};

/// Draws all leaves; every number is a multiple of 1/8 in ±(0, 2], of labels in (0, 1), so that an example is legible.
pub(super) fn leaves<T: Scalar>(architecture: &Architecture<T>, m: usize, seed: u64) -> Leaves<T> {
    let mut random = Random::new(seed, Purpose::Init);
    let mut eighths = |most: u64| {
        let size = 1 + random.bits() % most;
        let sign = if random.bits().is_multiple_of(2) { 1.0 } else { -1.0 };
        T::from_f64(sign * size as f64 / 8.0)
    };
    let sizes = &architecture.sizes;
    let (inputs, outputs) = (sizes[0], sizes[architecture.layers()]);
    let x = Matrix::from_fn(inputs, m, |_, _| eighths(12));
    let w = sizes.windows(2).map(|n| Matrix::from_fn(n[1], n[0], |_, _| eighths(10))).collect();
    let b = sizes[1..].iter().map(|&n| Matrix::from_fn(n, 1, |_, _| eighths(8))).collect();
    let drawn = Matrix::from_fn(outputs, m, |_, _| eighths(7).abs());
    Leaves { x, y: labels(architecture.loss, &drawn), w, b }
}

/// Labels that the loss takes.
fn labels<T: Scalar>(loss: Loss, drawn: &Matrix<T>) -> Matrix<T> {
    match loss {
        Loss::LogLoss | Loss::SquaredError => drawn.clone(),
        Loss::SoftmaxCrossEntropy => Matrix::from_fn(drawn.rows(), drawn.columns(), |i, j| {
            let sum: T = (0..drawn.rows()).map(|k| drawn[(k, j)]).sum();
            drawn[(i, j)] / sum
        }),
    }
}

/// The largest finite element: beside ∞ every difference is nothing.
pub(super) fn scale<T: Scalar>(a: &Matrix<T>) -> f64 {
    a.as_slice().iter().map(|x| x.to_f64().abs()).filter(|x| x.is_finite()).fold(0.0, f64::max)
}

/// The largest difference beside the largest element of both, or beside `least` if that is more; and where
/// it is.
pub(super) fn difference<T: Scalar>(
    found: &Matrix<T>,
    expected: &Matrix<T>,
    least: f64,
) -> (f64, (usize, usize)) {
    let scale = scale(expected).max(scale(found)).max(least);
    let mut worst = (0.0, (0, 0));
    for j in 0..expected.columns() {
        for i in 0..expected.rows() {
            let (a, b) = (found[(i, j)].to_f64(), expected[(i, j)].to_f64());
            let apart = if a == b || a.is_nan() && b.is_nan() { 0.0 } else { (a - b).abs() / scale };
            // What is NaN on one side alone is as far apart as can be.
            let apart = if apart.is_nan() { f64::INFINITY } else { apart };
            if apart > worst.0 {
                worst = (apart, (i, j));
            }
        }
    }
    worst
}
