//! Exact rational numbers.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;

use super::number::{Elementary, Number, Refusal, whole_power};

/// A quotient of two whole numbers of any length: what is closed under +, −, ·, / and comparisons is
/// computed exactly, and derivatives of it can be compared with `==`.
///
/// Any other function is refused, and so are quotients by 0, numbers that are not finite, and those
/// of more than 2¹⁸ binary digits, which would take minutes.
///
/// ```
/// use tape::check::oracle::{Oracle, Rational};
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let x = tape.parameter("x", &matrix![[3.0, -7.0]]);
/// let j = (x.relu().square() / (x * x * x + 2.0)).sum();
/// let [dx] = j.gradients([x]);
/// let oracle = Oracle::new();
/// // The recorded gradient is the derivative, digit for digit.
/// assert_eq!(oracle.value::<Rational>(dx)?, oracle.gradient::<Rational>(j, x)?);
/// assert_eq!(oracle.value::<Rational>(j)?[(0, 0)].to_string(), "9/29");
/// assert!(oracle.value::<Rational>(x.exp()).unwrap_err().to_string().contains("rational"));
/// # Ok::<(), tape::check::oracle::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rational(Result<BigRational, Refusal>);

/// Binary digits of two numbers that are computed with.
const MOST_DIGITS: u64 = 1 << 18;

impl Rational {
    /// p/q.
    pub fn new(p: i64, q: i64) -> Self {
        Rational::of_whole(p) / Rational::of_whole(q)
    }

    /// The number, if there is one.
    pub fn get(&self) -> Result<&BigRational, Refusal> {
        self.0.as_ref().map_err(|&refusal| refusal)
    }

    fn of_whole(n: i64) -> Self {
        Rational(Ok(BigRational::from_integer(BigInt::from(n))))
    }

    fn refused(refusal: Refusal) -> Self {
        Rational(Err(refusal))
    }

    fn with(self, other: Self, f: impl FnOnce(BigRational, BigRational) -> BigRational) -> Self {
        let digits = |x: &BigRational| x.numer().bits() + x.denom().bits();
        let (a, b) = match (self.0, other.0) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(refusal), _) | (_, Err(refusal)) => return Rational::refused(refusal),
        };
        // To reduce a quotient takes time as the square of its digits.
        match digits(&a) + digits(&b) > MOST_DIGITS {
            true => Rational::refused(Refusal::Other("it is too long to be written down")),
            false => Rational(Ok(f(a, b))),
        }
    }

    fn is_zero(&self) -> bool {
        self.0.as_ref().is_ok_and(|x| *x.numer() == BigInt::ZERO)
    }
}

/// `-2/3`, or why there is none.
impl std::fmt::Display for Rational {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Ok(x) => write!(f, "{x}"),
            Err(refusal) => write!(f, "{refusal}"),
        }
    }
}

impl Add for Rational {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        self.with(b, |a, b| a + b)
    }
}

impl Sub for Rational {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        self.with(b, |a, b| a - b)
    }
}

impl Mul for Rational {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        self.with(b, |a, b| a * b)
    }
}

impl Div for Rational {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        if b.is_zero() {
            return Rational(self.0.and(Err(Refusal::DivisionByZero)));
        }
        self.with(b, |a, b| a / b)
    }
}

impl Neg for Rational {
    type Output = Self;
    fn neg(self) -> Self {
        Rational(self.0.map(|x| -x))
    }
}

impl Number for Rational {
    fn of(x: f64) -> Self {
        Rational(BigRational::from_float(x).ok_or(Refusal::NotFinite))
    }
    fn value(&self) -> f64 {
        self.0.as_ref().map_or(f64::NAN, to_f64)
    }
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.0.as_ref().ok()?.cmp(other.0.as_ref().ok()?))
    }
    fn elementary(&self, _: Elementary) -> Self {
        Rational(self.0.clone().and(Err(Refusal::NotRational)))
    }
    /// Of whole powers.
    fn power(&self, p: &Self) -> Self {
        let whole = match &p.0 {
            Err(refusal) => return Rational::refused(*refusal),
            Ok(p) if !p.is_integer() => return Rational(self.0.clone().and(Err(Refusal::NotRational))),
            Ok(p) => i64::try_from(p.numer().clone()),
        };
        match whole {
            Ok(n) if n.unsigned_abs() <= 1 << 20 => whole_power(self, n),
            _ => Rational::refused(Refusal::Other("its power is too large to be written down")),
        }
    }
    fn atan2(&self, _: &Self) -> Self {
        Rational(self.0.clone().and(Err(Refusal::NotRational)))
    }
    fn refusal(&self) -> Option<Refusal> {
        self.0.as_ref().err().copied()
    }
}

/// The number to about 50 bits, however long its parts are.
fn to_f64(x: &BigRational) -> f64 {
    let (p, q) = (x.numer(), x.denom());
    // Both shortened to 1000 bits at most, with what is shifted out beside.
    let shift = |n: &BigInt| n.bits().saturating_sub(1000);
    let (of_p, of_q) = (shift(p), shift(q));
    let shortened = |n: &BigInt, by: u64| {
        let (sign, digits) = (n >> by).to_u64_digits();
        let size = digits.iter().rev().fold(0.0, |x, &digit| x * 2f64.powi(64) + digit as f64);
        if sign == num_bigint::Sign::Minus { -size } else { size }
    };
    let exponent = i64::try_from(of_p).unwrap_or(i64::MAX) - i64::try_from(of_q).unwrap_or(i64::MAX);
    let power = exponent.clamp(-4000, 4000) as i32;
    shortened(p, of_p) / shortened(q, of_q) * 2f64.powi(power)
}
