//! The error function and the normal distribution by arithmetic and an exponential alone, so that
//! real, complex and long numbers have them.

use super::number::{Elementary, Number, pi};

/// From here on erf is taken as 1 − erfc, and erfc by its continued fraction.
const FAR: f64 = 3.0;

/// erf by its series of terms of one sign, 2/√π·e^(−x²)·Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!; further out as 1 − erfc.
///
/// Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.6 and 7.1.14.
pub(super) fn erf<N: Number>(x: &N) -> N {
    let value = x.value();
    if value > FAR {
        return N::of(1.0) - far(x);
    }
    if value < -FAR {
        return far(&-x.clone()) - N::of(1.0);
    }
    if value.is_nan() {
        return x.clone();
    }
    let square = x.clone() * x.clone();
    let twice = square.clone() + square.clone();
    // So many terms that the last one is below 2⁻⁵³ of the first for |x| = 3.
    let terms = 70;
    let sum = (1..=terms)
        .rev()
        .fold(N::of(1.0), |sum, n| N::of(1.0) + twice.clone() / N::of(2.0 * f64::from(n) + 1.0) * sum);
    N::of(2.0) / pi::<N>().elementary(Elementary::Sqrt)
        * (-square).elementary(Elementary::Exp)
        * x.clone()
        * sum
}

/// erfc for x > [`FAR`] by its continued fraction, which keeps the relative accuracy.
fn far<N: Number>(x: &N) -> N {
    if x.value() > 1e10 {
        return N::of(0.0);
    }
    let fraction =
        (1..200).rev().fold(x.clone(), |fraction, k| x.clone() + N::of(0.5 * f64::from(k)) / fraction);
    let exp = (-(x.clone() * x.clone())).elementary(Elementary::Exp);
    exp / pi::<N>().elementary(Elementary::Sqrt) / fraction
}

/// Φ(x) = ½·(1 + erf(x/√2)); to the left, where that cancels, by a continued fraction.
pub(super) fn normal_cdf<N: Number>(x: &N) -> N {
    match x.value() {
        value if value < -1e10 => N::of(0.0),
        value if value < -1.0 => left(x),
        _ => {
            let scaled = x.clone() / N::of(2.0).elementary(Elementary::Sqrt);
            N::of(0.5) * (N::of(1.0) + erf(&scaled))
        }
    }
}

/// Φ(x) = φ(x)·(Mills' ratio of −x), for x < −1, where 400 terms of the fraction leave 2⁻⁵³ of it.
fn left<N: Number>(x: &N) -> N {
    let y = -x.clone();
    let fraction = (1..400).rev().fold(y.clone(), |fraction, k| y.clone() + N::of(f64::from(k)) / fraction);
    super::number::normal_density(x) / fraction
}
