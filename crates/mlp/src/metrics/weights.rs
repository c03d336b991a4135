//! How much each example counts.

use crate::shuffle::with_room;
use crate::sum::sum;
use crate::{Error, Result};

/// The weights of m examples: finite, at least 0, and not all 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// None where each counts 1.
    of: Option<Vec<f64>>,
    total: f64,
    /// What was taken out of each.
    factor: f64,
}

impl Weights {
    /// Each of m examples counts 1.
    pub(super) fn equal(m: usize) -> Self {
        Weights { of: None, total: m as f64, factor: 1.0 }
    }

    /// A common factor of weights cancels in every metric. The power of two that brings their sum
    /// to [1, 2) is taken out, so that no product of weights overflows or vanishes.
    pub(super) fn new(weights: &[f64], m: usize) -> Result<Self> {
        let sum_of_all = check(weights, m)?;
        let factor = factor_of(sum_of_all);
        let mut of = with_room("weights of the examples", m)?;
        of.extend(weights.iter().map(|weight| weight * factor));
        Ok(Weights { of: Some(of), total: sum_of_all * factor, factor })
    }

    pub(super) fn at(&self, example: usize) -> f64 {
        self.of.as_ref().map_or(1.0, |of| of[example])
    }

    /// The weight as it was given.
    pub(super) fn given(&self, example: usize) -> f64 {
        self.at(example) / self.factor
    }

    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// Σ weight · term over the examples 0 … m − 1; where the weight is 0, so is the product, even
    /// if the term is ∞.
    pub(super) fn sum(&self, m: usize, term: impl Fn(usize) -> f64) -> f64 {
        match &self.of {
            None => sum(0..m, &term),
            Some(of) => sum(0..m, &|i| if of[i] == 0.0 { 0.0 } else { of[i] * term(i) }),
        }
    }

    /// Σ weight · term / Σ weight.
    pub(super) fn mean(&self, m: usize, term: impl Fn(usize) -> f64) -> f64 {
        self.sum(m, term) / self.total
    }
}

/// The power of two that brings a positive sum to [1, 2), or, if it is very small, near it.
pub(super) fn factor_of(sum: f64) -> f64 {
    2.0_f64.powi(-(sum.log2().floor().clamp(-1000.0, 1000.0) as i32))
}

/// Looks at weights, and adds them up.
pub(super) fn check(weights: &[f64], m: usize) -> Result<f64> {
    if weights.len() != m {
        return Err(Error::Length { list: "weights of the examples", expected: m, found: weights.len() });
    }
    if let Some(example) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        return Err(Error::Weight { value: weights[example], example });
    }
    let total = sum(0..m, &|i| weights[i]);
    if total == 0.0 || !total.is_finite() {
        return Err(Error::WeightSum { sum: total });
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_weights_are_refused_with_their_place() {
        let text = |weights: &[f64]| Weights::new(weights, 2).unwrap_err().to_string();
        assert_eq!(text(&[1.0]), "weights of the examples: 2 values are needed, 1 were given");
        assert_eq!(text(&[1.0, -0.5]), "weight -0.5 of example 1 is not finite and at least 0");
        assert_eq!(text(&[f64::NAN, 1.0]), "weight NaN of example 0 is not finite and at least 0");
        let sum = "the weights of the examples add up to";
        assert_eq!(text(&[0.0, 0.0]), format!("{sum} 0, not to a finite number above 0"));
        assert_eq!(text(&[1.7e308, 1.7e308]), format!("{sum} inf, not to a finite number above 0"));
    }

    #[test]
    fn a_common_factor_cancels_however_large_it_is() {
        let mean = |factor: f64| {
            let weights = [1.0 * factor, 3.0 * factor, 0.0];
            Weights::new(&weights, 3).unwrap().mean(3, |i| [5.0, 1.0, f64::INFINITY][i])
        };
        for factor in [1.0, 1e-300, 1e300, 0.1] {
            assert!((mean(factor) - 2.0).abs() < 1e-15, "{factor:e}");
        }
        assert_eq!(mean(5e-324), 2.0);
        assert_eq!(Weights::equal(4).mean(4, |i| i as f64), 1.5);
    }
}
