//! Plain code for what the operations compute, sharing nothing with the tape.

use tape::{Matrix, Over};

/// f entry by entry, where a single row or column stands for all.
pub(crate) fn zip(a: &Matrix<f64>, b: &Matrix<f64>, f: impl Fn(f64, f64) -> f64) -> Matrix<f64> {
    let extent = |a: usize, b: usize| if a == 1 { b } else { a };
    let (rows, columns) = (extent(a.rows(), b.rows()), extent(a.columns(), b.columns()));
    Matrix::from_fn(rows, columns, |i, j| f(at(a, i, j), at(b, i, j)))
}

/// The entry at a row and a column, where a single one stands for all.
pub(crate) fn at(a: &Matrix<f64>, i: usize, j: usize) -> f64 {
    a[(if a.rows() == 1 { 0 } else { i }, if a.columns() == 1 { 0 } else { j })]
}

pub(crate) fn product(a: &Matrix<f64>, b: &Matrix<f64>) -> Matrix<f64> {
    assert_eq!(a.columns(), b.rows());
    Matrix::from_fn(a.rows(), b.columns(), |i, j| (0..a.columns()).map(|k| a[(i, k)] * b[(k, j)]).sum())
}

pub(crate) fn transposed(a: &Matrix<f64>) -> Matrix<f64> {
    Matrix::from_fn(a.columns(), a.rows(), |i, j| a[(j, i)])
}

/// `f` of every column, every row or all entries.
pub(crate) fn reduce(a: &Matrix<f64>, over: Over, f: impl Fn(&[f64]) -> f64) -> Matrix<f64> {
    let column = |j: usize| (0..a.rows()).map(|i| a[(i, j)]).collect::<Vec<f64>>();
    let row = |i: usize| (0..a.columns()).map(|j| a[(i, j)]).collect::<Vec<f64>>();
    match over {
        Over::Rows => Matrix::from_fn(1, a.columns(), |_, j| f(&column(j))),
        Over::Columns => Matrix::from_fn(a.rows(), 1, |i, _| f(&row(i))),
        Over::All => Matrix::scalar(f(&(0..a.columns()).flat_map(column).collect::<Vec<f64>>())),
    }
}

pub(crate) fn max(x: &[f64]) -> f64 {
    if x.iter().any(|x| x.is_nan()) { f64::NAN } else { x.iter().copied().fold(f64::NEG_INFINITY, f64::max) }
}

pub(crate) fn min(x: &[f64]) -> f64 {
    if x.iter().any(|x| x.is_nan()) { f64::NAN } else { x.iter().copied().fold(f64::INFINITY, f64::min) }
}

/// The greatest size, 0 of nothing.
pub(crate) fn max_norm(x: &[f64]) -> f64 {
    if x.is_empty() {
        0.0
    } else {
        f64::max(max(x), -min(x)) + 0.0 * x.iter().filter(|x| x.is_nan()).sum::<f64>()
    }
}

pub(crate) fn log_sum_exp(x: &[f64]) -> f64 {
    let greatest = max(x);
    if greatest.is_infinite() || greatest.is_nan() {
        return greatest;
    }
    greatest + x.iter().map(|x| (x - greatest).exp()).sum::<f64>().ln()
}

/// 0 where x ≤ 0, for functions that are 0 there.
pub(crate) fn positive_part(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    if x <= 0.0 { 0.0 } else { f(x) }
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
}

pub(crate) fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// x·t, where t decides if x is infinite and t vanishes.
pub(crate) fn damped(x: f64, t: f64) -> f64 {
    if t == 0.0 && !x.is_nan() { 0.0 } else { x * t }
}

/// erf by its series of positive terms, 2/√π·e^(−x²)·Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!; beyond 3 as 1 − erfc.
pub(crate) fn erf(x: f64) -> f64 {
    if x.is_nan() || x == 0.0 {
        return x;
    }
    if x.abs() > 3.0 {
        return x.signum() * (1.0 - erfc(x.abs()));
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while (term / sum).abs() > 1e-18 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// erfc: beyond 2 by its continued fraction, which keeps the relative accuracy.
pub(crate) fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 2.0 {
        return 1.0 - erf(x);
    }
    let fraction = (1..200).rev().fold(x, |f, k| x + 0.5 * f64::from(k) / f);
    damped(1.0 / fraction, (-x * x).exp()) * 0.5 * std::f64::consts::FRAC_2_SQRT_PI
}

pub(crate) fn normal_pdf(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

pub(crate) fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// v = 2√(2/π)·(x + 0.044715x³), v′ and v″: gelu's tanh form is x·σ(v).
pub(crate) fn gelu_argument(x: f64) -> (f64, f64, f64) {
    let c = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    (c * (x + 0.044715 * x * x * x), c * (1.0 + 3.0 * 0.044715 * x * x), c * 6.0 * 0.044715 * x)
}

/// −(y ln a + (1 − y) ln(1 − a)), where 0 · ln 0 = 0.
pub(crate) fn log_loss(y: f64, a: f64) -> f64 {
    let term = |c: f64, x: f64| if c == 0.0 && x == 0.0 { 0.0 } else { c * x.ln() };
    -(term(y, a) + term(1.0 - y, 1.0 - a))
}
