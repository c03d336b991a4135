//! How large the rounding errors of a gradient may be.
//!
//! Near a minimum of J a gradient is a small sum of large terms. They cancel, their rounding errors do not; so that error is
//! compared with what the sum would be if nothing cancelled, wherever that says more than the gradient itself.

use mlp::closed_form::ClosedForm;
use mlp::{Loss, Mlp, Scalar};
use tape::Matrix;

/// Norms of ∂ℒ/∂A\[l\], ∂ℒ/∂Z\[l\], ∂J/∂W\[l\] and ∂J/∂b\[l\] of one layer, with absolute values in place of all terms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norms {
    pub(crate) a: f64,
    pub(crate) z: f64,
    pub(crate) w: f64,
    pub(crate) b: f64,
}

/// Eq. 26–28 on absolute values, from the last layer to the first.
pub(crate) fn without_cancellation<T: Scalar>(
    network: &Mlp<T>,
    closed: &ClosedForm<T>,
    y: &Matrix<T>,
) -> Vec<Norms> {
    // (8) has quotients, which cancel nothing; the other losses begin with a difference from Y.
    let difference = if network.loss_function() == Loss::LogLoss { 0.0 } else { 2.0 };
    let mut da = zip(&absolute(closed.da(network.layers())), &absolute(y), |da, y| da + difference * y);
    let mut norms = Vec::new();
    for l in (1..=network.layers()).rev() {
        // |g′(Z[l])|, from eq. 16.
        let slope =
            zip(
                &absolute(closed.dz(l)),
                &absolute(closed.da(l)),
                |dz, da| {
                    if da == 0.0 { 0.0 } else { dz / da }
                },
            );
        let dz = zip(&da, &slope, |da, slope| da * slope);
        let m = dz.columns() as f64;
        let dw = product(&dz, &absolute(closed.forward.a(l - 1)).transposed());
        let db = product(&dz, &Matrix::filled(dz.columns(), 1, 1.0));
        norms.push(Norms { a: da.norm(), z: dz.norm(), w: dw.norm() / m, b: db.norm() / m });
        da = product(&absolute(&network.parameters()[&format!("W[{l}]")]).transposed(), &dz);
    }
    norms
}

fn absolute<T: Scalar>(a: &Matrix<T>) -> Matrix<f64> {
    a.cast::<f64>().map(f64::abs)
}

fn zip(a: &Matrix<f64>, b: &Matrix<f64>, f: impl Fn(f64, f64) -> f64) -> Matrix<f64> {
    Matrix::from_fn(a.rows(), a.columns(), |i, j| f(a[(i, j)], b[(i, j)]))
}

fn product(a: &Matrix<f64>, b: &Matrix<f64>) -> Matrix<f64> {
    Matrix::from_fn(a.rows(), b.columns(), |i, j| (0..a.columns()).map(|k| a[(i, k)] * b[(k, j)]).sum())
}
