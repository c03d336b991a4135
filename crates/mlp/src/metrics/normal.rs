//! The standard normal distribution.

use tape::Scalar;

/// Φ(x) = ½ erfc(−x/√2), the share of the distribution below x.
pub(super) fn below(x: f64) -> f64 {
    0.5 * Scalar::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Φ⁻¹: where the share `p` of the distribution is below; ∓∞ for 0 and 1.
pub(super) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    // Φ(−39) is less than the smallest number.
    let (mut low, mut high) = (-39.0, 0.0);
    if p <= below(low) {
        return f64::NEG_INFINITY;
    }
    loop {
        let middle: f64 = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return high;
        }
        if below(middle) < p { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of tables, of scipy.stats.norm.
    #[test]
    fn quantiles_are_those_of_tables() {
        for (p, x) in [
            (0.5, 0.0),
            (0.025, -1.959963984540054),
            (0.975, 1.959963984540054),
            (0.05, -1.6448536269514729),
            (1e-10, -6.361340902404056),
        ] {
            assert!((quantile(p) - x).abs() < 1e-14 * x.abs().max(1.0), "{p}: {}", quantile(p));
            assert!((below(x) / p - 1.0).abs() < 1e-13);
        }
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }
}
