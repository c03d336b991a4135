//! Numbers by plain loops, to compare the entries' with: nothing here knows of a tape.

use mlp::{Activation, Loss, Result, closed_form};
use tape::Matrix;

use super::Finding;

/// Relative to the largest number of a matrix: some thousand roundings, for what went through all layers twice in different orders.
const THROUGH_THE_NETWORK: f64 = 1e-12;

/// The entry's numbers against those of `closed_form`.
pub(crate) fn against(found: &Matrix<f64>, expected: &Matrix<f64>) -> Finding {
    assert_eq!(found.shape(), expected.shape());
    let scale = expected.max_abs();
    let apart = found.iter().zip(expected.iter()).map(|(a, b)| (a - b).abs());
    // 0 against 0 is 0 apart, and else the scale is not 0 or the difference is ∞.
    let largest = largest(apart.map(|apart| if apart == 0.0 { 0.0 } else { apart / scale }));
    let compared = found.as_slice().len();
    Finding::Numbers { by: "the closed form", compared, largest, bound: THROUGH_THE_NETWORK }
}

/// The entry's numbers against a sum of products over c, for every j and k. Both are within n + 2 roundings of Σ |terms|.
pub(crate) fn against_sums(
    found: &Matrix<f64>,
    terms: usize,
    mut term: impl FnMut(usize, usize, usize) -> f64,
) -> Finding {
    let mut differences = Vec::new();
    for k in 0..found.columns() {
        for j in 0..found.rows() {
            let of: Vec<f64> = (0..terms).map(|c| term(j, k, c)).collect();
            let (sum, size): (f64, f64) = (of.iter().sum(), of.iter().map(|term| term.abs()).sum());
            let apart = (found[(j, k)] - sum).abs();
            differences.push(if apart == 0.0 { 0.0 } else { apart / size });
        }
    }
    let bound = (2 * terms + 4) as f64 * f64::EPSILON;
    let compared = differences.len();
    Finding::Numbers { by: "a loop", compared, largest: largest(differences.into_iter()), bound }
}

/// `f64::max` would swallow a NaN.
fn largest(of: impl Iterator<Item = f64>) -> f64 {
    of.fold(0.0, |a, b| if b <= a { a } else { b })
}

/// g(z) of the closed form: a layer whose W is 1 and whose b is 0.
///
/// # Errors
/// None for what is finite.
pub(crate) fn g(activation: &Activation<f64>, z: &Matrix<f64>) -> Result<Matrix<f64>> {
    let (w, b) = (Matrix::identity(z.rows()), Matrix::zeros(z.rows(), 1));
    let layer = closed_form::Layer::new(&w, &b, activation);
    Ok(closed_form::forward(&[layer], z)?.a(1).clone())
}

/// g′(z) of the closed form: with such a layer ∂ℒ/∂z is ∂ℒ/∂a · g′(z), and y is chosen so that ∂ℒ/∂a is not 0.
///
/// # Errors
/// None for what is finite.
pub(crate) fn g_prime(activation: &Activation<f64>, z: &Matrix<f64>) -> Result<Matrix<f64>> {
    let (w, b) = (Matrix::identity(z.rows()), Matrix::zeros(z.rows(), 1));
    let layer = closed_form::Layer::new(&w, &b, activation);
    let y = g(activation, z)?.map(|a| a / 2.0 - 1f64.copysign(a)); // ∂ℒ/∂a = 2 (a − y) = a ± 2
    let found = closed_form::backward(&[layer], z, &y, Loss::SquaredError)?;
    let (dz, da) = (found.dz(1), found.da(1));
    Ok(Matrix::from_fn(z.rows(), z.columns(), |j, k| dz[(j, k)] / da[(j, k)]))
}

/// An element of a matrix that is repeated to whatever size it is needed in, as a number is.
pub(crate) fn repeated(a: &Matrix<f64>, j: usize, k: usize) -> f64 {
    a[(j % a.rows(), k % a.columns())]
}
