//! g and g′ of every activation, from their definitions.
//!
//! Where the definition loses its value to rounding or overflow far from 0, an equal form that does
//! not is used: the oracle is to be right at z = ±40 and ±1000 too.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use tape::Function;

use super::Layer;
use crate::{Activation, Error, Result, Scalar};

/// g(z).
pub(super) fn g<T: Scalar>(g: &Activation<T>, z: T) -> T {
    definition(g, z, Which::Value)
}

/// g′(z).
pub(super) fn g_derivative<T: Scalar>(g: &Activation<T>, z: T) -> T {
    if z.is_nan() { z } else { definition(g, z, Which::Derivative) }
}

#[derive(Clone, Copy)]
enum Which {
    Value,
    Derivative,
}

impl Which {
    fn of<T>(self, value: impl FnOnce() -> T, derivative: impl FnOnce() -> T) -> T {
        match self {
            Which::Value => value(),
            Which::Derivative => derivative(),
        }
    }
}

/// g(z) or g′(z): an arm for each activation.
fn definition<T: Scalar>(g: &Activation<T>, z: T, which: Which) -> T {
    match g {
        Activation::Identity => which.of(|| z, || T::ONE),
        Activation::Relu => which.of(|| left_right(z, T::ZERO, z), || left_right(z, T::ZERO, T::ONE)),
        Activation::LeakyRelu(slope) => {
            which.of(|| left_right(z, *slope * z, z), || left_right(z, *slope, T::ONE))
        }
        Activation::Elu(alpha) => {
            which.of(|| left_right(z, *alpha * z.exp_m1(), z), || left_right(z, *alpha * z.exp(), T::ONE))
        }
        Activation::Sigmoid => which.of(|| sigmoid(z), || sigmoid_derivative(z)),
        // (ln σ)′ = σ′/σ = σ(−z).
        Activation::LogSigmoid => which.of(|| -softplus(-z), || sigmoid(-z)),
        // tanh z = 2σ(2z) − 1; 1 − tanh² z cancels.
        Activation::Tanh => which.of(|| z.tanh(), || T::from_f64(4.0) * sigmoid_derivative(z + z)),
        Activation::Softplus => which.of(|| softplus(z), || sigmoid(z)),
        // ½(1 + tanh u) = σ(2u), which keeps its digits where tanh u is near −1.
        Activation::GeluTanh => {
            let u = gelu_argument(z);
            let slope = || zero_or_product(sigmoid_derivative(u), || z * gelu_argument_derivative(z));
            which.of(|| z * sigmoid(u), || sigmoid(u) + slope())
        }
        // (zΦ)′ = Φ + zφ.
        Activation::GeluErf => which.of(
            || z * normal_distribution(z),
            || normal_distribution(z) + zero_or_product(normal_density(z), || z),
        ),
        Activation::Silu => {
            which.of(|| z * sigmoid(z), || sigmoid(z) + zero_or_product(sigmoid_derivative(z), || z))
        }
        Activation::Sin => which.of(|| z.sin(), || z.cos()),
        Activation::Cos => which.of(|| z.cos(), || -z.sin()),
        Activation::Abs => {
            which.of(|| z.abs(), || if z == T::ZERO { T::ZERO } else { left_right(z, -T::ONE, T::ONE) })
        }
        Activation::Custom(g) => which
            .of(|| of_the_user(g, z), || of_the_user(&g.given_derivative().unwrap_or_else(|| g.clone()), z)),
    }
}

/// A function that the user gave as a value: there is nothing to write once more.
fn of_the_user<T: Scalar>(g: &Function<T>, z: T) -> T {
    let mut value = [T::ZERO];
    g.apply(&[z], &mut value);
    value[0]
}

/// Whether every activation of the user's comes with a derivative.
pub(super) fn check_derivatives<T: Scalar>(layers: &[Layer<'_, T>]) -> Result<()> {
    for layer in layers {
        if let Activation::Custom(g) = layer.g
            && g.given_derivative().is_none()
        {
            return Err(Error::MissingDerivative { function: g.name().into_owned() });
        }
    }
    Ok(())
}

/// `left` for z ≤ 0, otherwise `right`, and so what `right` makes of NaN.
fn left_right<T: Scalar>(z: T, left: T, right: T) -> T {
    if z <= T::ZERO { left } else { right }
}

/// A product whose first factor vanishes far from 0 faster than the second grows, so that 0 · ∞ is
/// 0.
fn zero_or_product<T: Scalar>(vanishing: T, growing: impl FnOnce() -> T) -> T {
    if vanishing == T::ZERO { T::ZERO } else { vanishing * growing() }
}

/// σ(z) = 1 / (1 + e⁻ᶻ) = eᶻ / (1 + eᶻ); the exponent that is used is never positive, so nothing
/// overflows.
pub(super) fn sigmoid<T: Scalar>(z: T) -> T {
    if z >= T::ZERO {
        T::ONE / (T::ONE + (-z).exp())
    } else {
        let e = z.exp();
        e / (T::ONE + e)
    }
}

/// σ′(z) = σ(z) · σ(−z), since 1 − σ(z) = σ(−z); the difference would be 0 from z ≈ 37 on.
fn sigmoid_derivative<T: Scalar>(z: T) -> T {
    sigmoid(z) * sigmoid(-z)
}

/// ln(1 + eᶻ) = max(z, 0) + ln(1 + e^(−|z|)).
pub(super) fn softplus<T: Scalar>(z: T) -> T {
    left_right(z, T::ZERO, z) + (-z.abs()).exp().ln_1p()
}

/// 2√(2/π) · (z + 0.044715 z³).
fn gelu_argument<T: Scalar>(z: T) -> T {
    T::from_f64(2.0 * (2.0 / PI).sqrt()) * (z + T::from_f64(0.044715) * z * z * z)
}

/// 2√(2/π) · (1 + 3 · 0.044715 z²).
fn gelu_argument_derivative<T: Scalar>(z: T) -> T {
    T::from_f64(2.0 * (2.0 / PI).sqrt()) * (T::ONE + T::from_f64(3.0 * 0.044715) * z * z)
}

/// Φ(z) = ½ · (1 + erf(z / √2)) = ½ · erfc(−z / √2), which keeps its digits for negative z.
fn normal_distribution<T: Scalar>(z: T) -> T {
    T::from_f64(0.5) * (-z * T::from_f64(FRAC_1_SQRT_2)).erfc()
}

/// φ(z) = e^(−z²/2) / √(2π).
fn normal_density<T: Scalar>(z: T) -> T {
    T::from_f64(1.0 / (2.0 * PI).sqrt()) * (T::from_f64(-0.5) * z * z).exp()
}
