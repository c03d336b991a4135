//! The derivatives of aᵇ.

use super::At;
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::{Elementary, Number};

impl<N: Number> At<'_, N> {
    /// ∂ⁿ⁺ᵏaᵇ/∂aⁿ∂bᵏ.
    pub(super) fn power_derivative(&mut self) -> Result<Grid<N>, Error> {
        let (n, k): (u32, u32) = (self.take("by_base")?, self.take("by_exponent")?);
        let (a, b) = (self.x[0], self.x[1]);
        Ok(self.made(|i, j| derivative(a.repeated(i, j), b.repeated(i, j), n, k)))
    }
}

/// By the Taylor series of aᵇ⁺ᵗ in t, differentiated n times by a: its coefficient of tᵏ, times k!.
fn derivative<N: Number>(a: &N, b: &N, n: u32, k: u32) -> N {
    let zero = || N::of(0.0);
    // 0⁰ is 1 for good.
    if a.vanishes() && b.vanishes() && n == 0 && k > 0 {
        return zero();
    }
    let power = a.power(&(b.clone() - N::of(f64::from(n))));
    // aᵗ = e^(t·ln a).
    let mut series = vec![N::of(1.0)];
    for i in 1..=k {
        let log = a.elementary(Elementary::Ln);
        series.push(series[i as usize - 1].clone() * log / N::of(f64::from(i)));
    }
    // ∂/∂a of a^(b + t − i) is (b + t − i)·a^(b + t − i − 1).
    for i in 0..n {
        let factor = b.clone() - N::of(f64::from(i));
        series = (0..series.len())
            .map(|at| {
                let before = if at == 0 { zero() } else { series[at - 1].clone() };
                let by_factor = if factor.vanishes() { zero() } else { series[at].clone() * factor.clone() };
                by_factor + before
            })
            .collect();
    }
    let coefficient = (1..=k).fold(series[k as usize].clone(), |c, i| c * N::of(f64::from(i)));
    // What is 0 for good stays so beside ∞, and a power that vanishes is faster than any logarithm.
    let is_settled = coefficient.vanishes() || power.vanishes() && a.vanishes();
    if is_settled { zero() } else { coefficient * power }
}
