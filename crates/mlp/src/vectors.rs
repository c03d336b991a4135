//! Sums over vectors, in `f64` whatever their type.

use tape::kernels;

use crate::Scalar;

/// Sums side by side, which the compiler makes vectors of.
const LANES: usize = 16;

/// aᵀb, in an order that depends on the length alone.
pub(crate) fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    kernels::vectorised(
        #[inline(always)]
        || {
            let mut sums = [0.0; LANES];
            let (a, a_rest) = a.as_chunks::<LANES>();
            let (b, b_rest) = b.as_chunks::<LANES>();
            for (a, b) in a.iter().zip(b) {
                for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += a.to_f64() * b.to_f64();
                }
            }
            let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a.to_f64() * b.to_f64());
            sums.into_iter().chain(rest).sum()
        },
    )
}

/// ‖a‖₂, also where a square would be ∞ or 0.
pub(crate) fn norm<T: Scalar>(a: &[T]) -> f64 {
    norm_of_all([a].into_iter())
}

/// √Σ‖a‖² over several vectors, also where a square would be ∞ or 0.
pub(crate) fn norm_of_all<'a, T: Scalar>(all: impl Iterator<Item = &'a [T]> + Clone) -> f64 {
    let greater = |a: f64, b: f64| if a > b || a.is_nan() { a } else { b };
    let largest = all.clone().map(max_norm).fold(0.0, greater);
    if (1e-140..1e140).contains(&largest) || largest == 0.0 || !largest.is_finite() {
        return all.map(|a| dot(a, a)).sum::<f64>().sqrt();
    }
    let squares: f64 = all.flatten().map(|x| (x.to_f64() / largest).powi(2)).sum();
    largest * squares.sqrt()
}

/// A power of two: so small a part of any finite numbers has a norm in `f64`, as many as there may be.
pub(crate) const SMALL: f64 = 1.0 / (1_u64 << 34) as f64;

/// The standard deviation from a mean, √(Σ (aᵢ − mean)² / (n − 1)), also where a difference or a square
/// would be ∞ or 0.
pub(crate) fn deviation(a: &[f64], mean: f64) -> f64 {
    let away = |unit: f64| a.iter().map(|x| unit * x - unit * mean).collect::<Vec<_>>();
    let of = |unit: f64| norm(&away(unit)) / ((a.len() - 1) as f64).sqrt() / unit;
    let whole = of(1.0);
    if whole.is_finite() { whole } else { of(SMALL) }
}

/// The greatest |aᵢ|; NaN if there is one.
pub(crate) fn max_norm<T: Scalar>(a: &[T]) -> f64 {
    a.iter().fold(0.0, |largest: f64, x| {
        let x = x.to_f64().abs();
        if x > largest || x.is_nan() { x } else { largest }
    })
}

/// y ← y + α x.
pub(crate) fn add_scaled<T: Scalar>(y: &mut [T], alpha: f64, x: &[T]) {
    let alpha = T::from_f64(alpha);
    kernels::vectorised(
        #[inline(always)]
        move || y.iter_mut().zip(x).for_each(|(y, &x)| *y += alpha * x),
    );
}

/// out ← x + α d, each rounded once.
pub(crate) fn along<T: Scalar>(out: &mut [T], x: &[T], alpha: f64, d: &[T]) {
    kernels::vectorised(
        #[inline(always)]
        move || {
            for ((out, x), d) in out.iter_mut().zip(x).zip(d) {
                *out = T::from_f64(x.to_f64() + alpha * d.to_f64());
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_take_every_element_once() {
        for n in [0_usize, 1, 2, 15, 16, 17, 33, 100] {
            let a: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let expected: f64 = (0..n).map(|i| (i * i) as f64).sum();
            assert_eq!(dot(&a, &a), expected);
            assert!((norm(&a) - expected.sqrt()).abs() <= 1e-15 * expected);
            assert_eq!(max_norm(&a), n.saturating_sub(1) as f64);
        }
    }

    #[test]
    fn deviations_of_extreme_numbers() {
        for size in [1e-305, 1e-200, 1.0, 1e200, 0.8e308] {
            let found = deviation(&[size, -size, 0.0], 0.0);
            assert!((found / size - 1.0).abs() < 1e-14, "{size:e}: {found:e}");
        }
        // The difference is larger than the largest number.
        let [high, low] = [1.7e308, -1.7e308];
        let found = deviation(&[low, high, high, high, high, high, high, high, high, high], 1.36e308);
        assert!((found / (1.7e308 * 0.4_f64.sqrt()) - 1.0).abs() < 1e-14, "{found:e}");
        assert!(deviation(&[f64::INFINITY, 1.0], f64::INFINITY).is_nan());
        // The sum of many squares is, and their mean is not.
        let many: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { high } else { low }).collect();
        let found = deviation(&many, 0.0);
        assert!((found / (high * (1000.0_f64 / 999.0).sqrt()) - 1.0).abs() < 1e-14, "{found:e}");
    }

    #[test]
    fn norms_of_extreme_and_of_no_numbers() {
        assert!((norm(&[3e200, -4e200]) / 5e200 - 1.0).abs() < 1e-15);
        assert!((norm(&[3e-200, 4e-200]) / 5e-200 - 1.0).abs() < 1e-15);
        assert_eq!(norm::<f64>(&[0.0]), 0.0);
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
        let apart = |a: &[f64], b: &[f64]| norm_of_all([a, b].into_iter());
        for (a, b) in [(3e200, -4e200), (3e-200, 4e-200), (3.0, 4.0), (-4e-320, 3e-320)] {
            assert!((apart(&[a], &[b, 0.0]) / f64::hypot(a, b) - 1.0).abs() < 1e-3, "{a} {b}");
            assert_eq!(apart(&[], &[a]), a.abs());
        }
        assert_eq!([apart(&[], &[]), apart(&[0.0], &[-0.0])], [0.0, 0.0]);
        for (a, b) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, f64::NAN), (f64::NAN, f64::INFINITY)]
        {
            assert!(apart(&[a], &[b]).is_nan(), "{a} {b}");
        }
        assert_eq!(apart(&[1.0], &[f64::NEG_INFINITY]), f64::INFINITY);
        let list: Vec<f64> = (0..100).map(|i| (i as f64).sin()).collect();
        for cut in [0, 16, 48, 100] {
            assert!((apart(&list[..cut], &list[cut..]) / norm(&list) - 1.0).abs() < 1e-15);
        }
        assert!(norm(&[f64::NAN, 1.0]).is_nan() && norm(&[1.0, f64::NAN]).is_nan());
        assert!(max_norm(&[f64::NAN, 1.0]).is_nan() && max_norm(&[1.0, f64::NAN, 2.0]).is_nan());
    }
}
