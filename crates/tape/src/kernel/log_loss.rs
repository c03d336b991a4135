//! The log-loss of a = σ(z) and its derivative, entry by entry, from one exponential.

use super::simd::{Loops, run};
use super::vector_math::Real;
use super::vector_math::lane::softplus_parts;

/// A number type with the log-loss of slices.
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait LogLossMath: Real {
    /// (1 − y)·ln(1 + eᶻ) + y·ln(1 + e⁻ᶻ), where a coefficient 0 makes its term 0.
    fn log_loss_into(y: &[Self], z: &[Self], loss: &mut [Self]);
    /// σ(z) − y as (1 − y)·σ(z) − y·σ(−z), with no digit lost where σ(z) is close to y.
    fn sigmoid_minus_into(y: &[Self], z: &[Self], slope: &mut [Self]);
    /// The loss, and its derivative σ(z) − y.
    fn log_loss_and_derivative_into(y: &[Self], z: &[Self], loss: &mut [Self], slope: &mut [Self]);
}

/// Compiled here and not, as generic functions would be, in the crate that uses them, with its optimisation.
macro_rules! log_loss {
    ($($t:ident),*) => {
        $(impl LogLossMath for $t {
            fn log_loss_into(y: &[Self], z: &[Self], loss: &mut [Self]) {
                assert_eq!([y.len(), z.len()], [loss.len(); 2], "log_loss: the lengths differ");
                run(Loss(y, z, loss));
            }
            fn sigmoid_minus_into(y: &[Self], z: &[Self], slope: &mut [Self]) {
                assert_eq!([y.len(), z.len()], [slope.len(); 2], "σ(z) − y: the lengths differ");
                run(Slope(y, z, slope));
            }
            fn log_loss_and_derivative_into(y: &[Self], z: &[Self], loss: &mut [Self], slope: &mut [Self]) {
                assert_eq!([y.len(), z.len(), slope.len()], [loss.len(); 3], "log_loss: the lengths differ");
                run(Both(y, z, loss, slope));
            }
        })*
    };
}

log_loss!(f32, f64);

struct Loss<'a, T>(&'a [T], &'a [T], &'a mut [T]);
struct Slope<'a, T>(&'a [T], &'a [T], &'a mut [T]);
struct Both<'a, T>(&'a [T], &'a [T], &'a mut [T], &'a mut [T]);

/// The loss and its derivative.
#[inline(always)]
fn lane<T: Real, const F: bool>(y: T, z: T) -> (T, T) {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    let parts = softplus_parts::<T, F>(z);
    // A loss that a label of 0 or 1 rules out is no term, even if it is infinite.
    let term = |c: T, log: T| if (c == zero) & (log == T::of(f64::INFINITY)) { zero } else { c * log };
    let loss = term(one - y, parts.up) + term(y, parts.down);
    let slope = (one - y) * parts.sigmoid - y * parts.sigmoid_of_negative;
    (loss, slope)
}

impl<T: Real> Loops for Loss<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const F: bool>(self) {
        let Loss(y, z, loss) = self;
        for ((&y, &z), loss) in y.iter().zip(z).zip(loss) {
            *loss = lane::<T, F>(y, z).0;
        }
    }
}

impl<T: Real> Loops for Slope<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const F: bool>(self) {
        let Slope(y, z, slope) = self;
        for ((&y, &z), slope) in y.iter().zip(z).zip(slope) {
            *slope = lane::<T, F>(y, z).1;
        }
    }
}

impl<T: Real> Loops for Both<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const F: bool>(self) {
        let Both(y, z, loss, slope) = self;
        for (((&y, &z), loss), slope) in y.iter().zip(z).zip(loss).zip(slope) {
            (*loss, *slope) = lane::<T, F>(y, z);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::functions::log_loss_logits;

    fn sigmoid(z: f64) -> f64 {
        let t = (-z.abs()).exp();
        if z < 0.0 { t / (1.0 + t) } else { 1.0 / (1.0 + t) }
    }

    #[test]
    fn loss_and_slope_agree_with_the_functions_of_one_number() {
        let z = [-1e4, -745.0, -40.0, -1.0, -1e-300, 0.0, 1e-9, 0.5, 20.0, 40.0, 745.0, 1e4, f64::INFINITY];
        for y in [0.0, 0.25, 0.5, 1.0] {
            let (mut loss, mut slope) = ([f64::NAN; 13], [f64::NAN; 13]);
            f64::log_loss_and_derivative_into(&[y; 13], &z, &mut loss, &mut slope);
            let (mut alone, mut slope_alone) = ([f64::NAN; 13], [f64::NAN; 13]);
            f64::log_loss_into(&[y; 13], &z, &mut alone);
            f64::sigmoid_minus_into(&[y; 13], &z, &mut slope_alone);
            assert_eq!((loss, slope), (alone, slope_alone));
            for (i, &z) in z.iter().enumerate() {
                let expected = log_loss_logits(y, z);
                let close = (loss[i] - expected).abs() <= 4.0 * f64::EPSILON * expected.abs();
                assert!(loss[i] == expected || close, "y = {y}, z = {z}: {}, not {expected}", loss[i]);
                let expected = (1.0 - y) * sigmoid(z) - y * sigmoid(-z);
                let size = (1.0 - y) * sigmoid(z) + y * sigmoid(-z);
                assert!((slope[i] - expected).abs() <= 4.0 * f64::EPSILON * size, "y = {y}, z = {z}");
            }
        }
        let mut slope = [0.0];
        f64::sigmoid_minus_into(&[1.0], &[40.0], &mut slope);
        assert_eq!(slope, [-4.248354255291589e-18]);
        let (mut loss, mut slope) = ([0.0_f32; 2], [0.0_f32; 2]);
        f32::log_loss_and_derivative_into(&[f32::NAN, 0.5], &[1.0, f32::NAN], &mut loss, &mut slope);
        assert!(loss.iter().chain(&slope).all(|x| x.is_nan()));
    }
}
