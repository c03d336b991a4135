//! The derivatives of aᵇ, which a formula of products would make NaN where a is 0.

use std::borrow::Cow;

use crate::ops::zip::zip;
use crate::tape::describe::described;
use crate::tape::notation::Notation;
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

/// ∂ⁿ⁺ᵏaᵇ/∂aⁿ∂bᵏ elementwise; the operands are A and B.
///
/// Its derivatives are of its own kind, so that they are right to any order: at a = 0 the
/// textbook's B ⊙ A^(B−1) and Aᴮ ⊙ ln A have 0 · ∞ where the limit is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PowerDerivative {
    /// n.
    by_base: u32,
    /// k.
    by_exponent: u32,
}

impl PowerDerivative {
    /// b·a^(b−1).
    pub(crate) const BY_BASE: Self = PowerDerivative { by_base: 1, by_exponent: 0 };
    /// aᵇ·ln a.
    pub(crate) const BY_EXPONENT: Self = PowerDerivative { by_base: 0, by_exponent: 1 };

    /// n and k.
    #[cfg(feature = "onnx")]
    pub(crate) fn orders(self) -> (u32, u32) {
        (self.by_base, self.by_exponent)
    }

    /// Of two numbers. In f64 for either type: of f32 no part overflows then.
    fn at(self, a: f64, b: f64) -> f64 {
        if a.is_nan() || b.is_nan() {
            return f64::NAN;
        }
        let log = a.ln();
        let sum = self.factor(b, log);
        // Where b has no power of a left, there is none of ln a either: 0⁰ is 1 for good, as for
        // those who fit an exponent to data with a 0 in it.
        if sum == 0.0 || a == 0.0 && b == 0.0 && self.by_base == 0 {
            return 0.0;
        }
        let power = self.power(a, b);
        if power == 0.0 && (a == 0.0 || a.is_infinite() || b.is_infinite()) {
            return if log.is_nan() { f64::NAN } else { 0.0 }; // it vanishes faster than any power of ln a and of b grows
        }
        if power.is_normal() || !(a > 0.0 && a.is_finite()) {
            return power * sum;
        }
        // A power beyond the ends of the range may come back by the other factor.
        let root = a.powf(0.5 * (b - f64::from(self.by_base)));
        root * sum * root
    }

    /// What a^(b−n) is multiplied by. ∂ⁿ/∂aⁿ is (b)ₙ·a^(b−n) with the falling factorial (b)ₙ =
    /// b·(b−1)⋯(b−n+1), a polynomial of b; by Leibniz the k-th derivative of that by b has the
    /// factor Σⱼ C(k, j)·(b)ₙ⁽ʲ⁾·(ln a)ᵏ⁻ʲ.
    fn factor(self, b: f64, log: f64) -> f64 {
        let (n, k) = (self.by_base, self.by_exponent);
        let (mut sum, mut binomial) = (0.0, 1.0);
        for j in 0..=k.min(n) {
            let factor = binomial * falling_factorial(b, n, j);
            if factor != 0.0 {
                sum += factor * log.powi((k - j).cast_signed());
                if log.is_infinite() {
                    break; // the others are less
                }
            }
            binomial *= f64::from(k - j) / f64::from(j + 1);
        }
        sum
    }

    /// a^(b−n). From aᵇ where that is a normal number: b − n may be rounded, which great powers
    /// make great.
    fn power(self, a: f64, b: f64) -> f64 {
        let whole = a.powf(b);
        let quotient = (0..self.by_base).fold(whole, |power, _| power / a);
        let is_good = whole.is_normal() && quotient.is_normal() && a.is_normal();
        if is_good { quotient } else { a.powf(b - f64::from(self.by_base)) }
    }
}

/// The j-th derivative of b·(b−1)⋯(b−n+1) by b: j! times the sum of the products of all n − j of
/// the factors.
fn falling_factorial(b: f64, n: u32, j: u32) -> f64 {
    // Of the first factors: the sums of the products without 0, 1, …, j of them. A factor that is
    // exactly 0 stays so.
    let mut sums = [0.0; MOST + 1];
    let j = j as usize;
    sums[0] = 1.0;
    for i in 0..n {
        for without in (0..=j).rev() {
            let left_out = if without > 0 { sums[without - 1] } else { 0.0 };
            sums[without] = sums[without] * (b - f64::from(i)) + left_out;
        }
    }
    (1..=j).fold(sums[j], |product, i| product * i as f64)
}

/// More derivatives by both operands take more time than there is.
const MOST: usize = 32;

impl<T: Scalar> Operation<T> for PowerDerivative {
    fn name(&self) -> Cow<'_, str> {
        let by = |operand: &str, times: u32| operand.repeat(times as usize);
        format!("power_{}{}", by("a", self.by_base), by("b", self.by_exponent)).into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let PowerDerivative { by_base, by_exponent } = *self;
        if by_base.min(by_exponent) as usize > MOST {
            let reason =
                format!("{by_base} derivatives by the base and {by_exponent} by the exponent are too many");
            return Err(Mismatch::new(reason));
        }
        operands[0]
            .broadcast(operands[1])
            .ok_or_else(|| Mismatch::new("shapes do not go together elementwise"))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        zip(x.get(0), x.get(1), out, |a, b| T::from_f64(self.at(a.to_f64(), b.to_f64())));
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        let by_base = PowerDerivative { by_base: self.by_base.saturating_add(1), ..*self };
        let by_exponent = PowerDerivative { by_exponent: self.by_exponent.saturating_add(1), ..*self };
        at.contribute_elementwise(0, |g| g * a.tape.push(by_base, &[a, b])); //     ∂/∂A: G ⊙ ∂ⁿ⁺¹⁺ᵏAᴮ/∂Aⁿ⁺¹∂Bᵏ
        at.contribute_elementwise(1, |g| g * a.tape.push(by_exponent, &[a, b])); // ∂/∂B: G ⊙ ∂ⁿ⁺ᵏ⁺¹Aᴮ/∂Aⁿ∂Bᵏ⁺¹
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Call(Operation::<T>::name(self).into_owned())
    }
}

described!(PowerDerivative [2] { by_base: "by_base", by_exponent: "by_exponent" });

impl<T: Scalar> Elementwise<T> for PowerDerivative {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        for (out, (a, b)) in out.iter_mut().zip(x[0].iter().zip(x[1])) {
            *out = T::from_f64(self.at(a.to_f64(), b.to_f64()));
        }
        Ok(())
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// A derivative of Aᴮ, of these two orders.
    #[track_caller]
    pub(crate) fn power_derivative(self, exponent: Self, of: PowerDerivative) -> Self {
        self.tape.push(of, &[self, exponent])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(by_base: u32, by_exponent: u32) -> impl Fn(f64, f64) -> f64 {
        move |a, b| PowerDerivative { by_base, by_exponent }.at(a, b)
    }

    #[test]
    fn limits_at_base_0() {
        let inf = f64::INFINITY;
        // (n, k, b, value at a = 0): where b > n it vanishes, where the polynomial of b is 0 too.
        for (n, k, b, value) in [
            (0, 1, 0.5, 0.0),
            (0, 1, 2.0, 0.0),
            (0, 2, 1e-3, 0.0),
            (0, 1, 0.0, 0.0),
            (0, 1, -1.0, -inf),
            (0, 2, -1.0, inf),
            (1, 0, 0.0, 0.0),
            (1, 0, 0.5, inf),
            (1, 0, 1.0, 1.0),
            (1, 0, 2.0, 0.0),
            (2, 0, 0.0, 0.0),
            (2, 0, 1.0, 0.0),
            (2, 0, 2.0, 2.0),
            (2, 0, 3.0, 0.0),
            (3, 0, 2.0, 0.0),
            (3, 0, 3.0, 6.0),
            (1, 1, 1.0, -inf), // 1 + ln a
            (1, 1, 2.0, 0.0),
            (1, 1, 0.0, inf), // 1/a
            (1, 2, 1.0, inf), // (ln a)² + 2·ln a
            (2, 1, 3.0, 0.0),
            (2, 1, 1.0, inf), // 1/a
        ] {
            assert_eq!(of(n, k)(0.0, b), value, "n = {n}, k = {k}, b = {b}");
        }
        assert_eq!([of(0, 1)(inf, -1.0), of(1, 0)(inf, 0.5), of(1, 0)(inf, 1.0)], [0.0, 0.0, 1.0]);
        assert_eq!([of(0, 1)(0.5, inf), of(1, 0)(0.5, inf), of(0, 1)(1.0, 7.0)], [0.0, 0.0, 0.0]);
        assert_eq!([of(1, 0)(-2.0, 3.0), of(2, 0)(-2.0, 3.0)], [12.0, -12.0]);
        assert!(of(0, 1)(-2.0, 3.0).is_nan() && of(1, 0)(-2.0, 0.5).is_nan());
        assert!(of(1, 0)(f64::NAN, 0.0).is_nan() && of(0, 1)(0.0, f64::NAN).is_nan());
    }

    #[test]
    fn each_is_the_difference_of_the_one_before() {
        for (n, k) in (0..4).flat_map(|n| (0..4).map(move |k| (n, k))) {
            for (a, b) in [(0.7, 1.3), (2.5, -0.75), (1.0, 4.0), (1.4, 0.0)] {
                // The stencil of order 4: its error is 1e-12 of fifth derivatives, its noise ε/h =
                // 2e-13 of values.
                let slope = |f: &dyn Fn(f64) -> f64| {
                    let h = 1e-3;
                    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
                };
                let by_a = slope(&|h| of(n, k)(a + h, b));
                let by_b = slope(&|h| of(n, k)(a, b + h));
                let (found_a, found_b) = (of(n + 1, k)(a, b), of(n, k + 1)(a, b));
                assert!(
                    (found_a - by_a).abs() < 1e-7 * (1.0 + by_a.abs()),
                    "{n} {k} at {a}, {b}: {found_a} {by_a}"
                );
                assert!(
                    (found_b - by_b).abs() < 1e-7 * (1.0 + by_b.abs()),
                    "{n} {k} at {a}, {b}: {found_b} {by_b}"
                );
            }
        }
    }

    #[test]
    fn no_digits_are_lost_at_the_ends_of_the_range() {
        // From a calculation with 60 digits; roundings of aᵇ's parts are some ulp.
        let near = |found: f64, expected: f64| ((found - expected) / expected).abs() < 4e-15;
        for (found, expected) in [
            (of(1, 0)(1e-200, 1.6), 1.5999999999999346e-120), // aᵇ is 1e-320, a subnormal number
            (of(1, 0)(1e200, 1.6), 1.6000000000000656e120),   // aᵇ is 10³²⁰
            (of(0, 2)(1e-300, 1.03), 4.771708299430471e-304), // aᵇ is 1e-309, and (ln a)² is 477 071
        ] {
            assert!(near(found, expected), "{found:e}, not {expected:e}");
        }
    }
}
