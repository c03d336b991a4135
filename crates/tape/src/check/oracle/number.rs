//! What an oracle computes with: a trait, and plain numbers.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::special;

/// The functions of one number that every [`Number`] knows; all others are made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Elementary {
    /// eˣ.
    Exp,
    /// eˣ − 1.
    ExpM1,
    /// ln x.
    Ln,
    /// ln(1 + x).
    Ln1p,
    /// √x.
    Sqrt,
    /// sin x.
    Sin,
    /// cos x.
    Cos,
    /// tanh x.
    Tanh,
    /// σ(x) = 1/(1 + e⁻ˣ).
    Sigmoid,
    /// ln(1 + eˣ).
    Softplus,
    /// The error function, 2/√π · ∫₀ˣ e^(−t²) dt.
    Erf,
    /// The normal distribution Φ(x) = ½ · (1 + erf(x/√2)).
    NormalCdf,
}

impl Elementary {
    /// Every one of them.
    pub const ALL: &'static [Elementary] = &[
        Elementary::Exp,
        Elementary::ExpM1,
        Elementary::Ln,
        Elementary::Ln1p,
        Elementary::Sqrt,
        Elementary::Sin,
        Elementary::Cos,
        Elementary::Tanh,
        Elementary::Sigmoid,
        Elementary::Softplus,
        Elementary::Erf,
        Elementary::NormalCdf,
    ];
}

/// Why a number cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A complex number cannot be compared: the function is not analytic where it branches.
    NotAnalytic,
    /// No rational number is the value.
    NotRational,
    /// A quotient by 0.
    DivisionByZero,
    /// ±∞ or NaN, of which the number type has none.
    NotFinite,
    /// Anything else, of a number type of the user's.
    Other(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::NotAnalytic => "it compares numbers, and so is not analytic",
            Refusal::NotRational => "its value is no rational number",
            Refusal::DivisionByZero => "it divides by 0",
            Refusal::NotFinite => "its value is not finite",
            Refusal::Other(reason) => reason,
        })
    }
}

/// What an [`Oracle`](super::Oracle) computes with.
///
/// Operators and functions do not fail. A type that cannot give a value gives a number that tells
/// so in [`refusal`](Number::refusal), and stays so whatever is computed of it: the oracle looks
/// at every element that it computes, and returns
/// [`Error::Refused`](super::Error::Refused) with its place.
///
/// ```
/// use tape::check::oracle::{Number, Oracle};
/// use tape::{Tape, matrix};
/// let tape = Tape::<f32>::new();
/// let x = tape.parameter("x", &matrix![[0.5]]);
/// // The same entry, computed in f32 and in f64.
/// let (single, double) = (Oracle::new().value::<f32>(x.exp())?, Oracle::new().value::<f64>(x.exp())?);
/// assert!((f64::from(single[(0, 0)]) - double[(0, 0)]).abs() < 1e-6);
/// assert_eq!(double[(0, 0)].value(), 0.5_f64.exp());
/// # Ok::<(), tape::check::oracle::Error>(())
/// ```
pub trait Number:
    Clone
    + fmt::Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// This number.
    fn of(x: f64) -> Self;

    /// The number without its derivatives, as near as `f64` has it: to choose between formulas
    /// that are equal, and to be shown.
    fn value(&self) -> f64;

    /// Which of two is the greater one, to choose between formulas that are not equal; `None` if
    /// that is not known, as of NaN.
    fn compare(&self, other: &Self) -> Option<Ordering>;

    /// f(x).
    fn elementary(&self, f: Elementary) -> Self;

    /// x^p.
    fn power(&self, p: &Self) -> Self;

    /// The angle of the point (x, y), where y is this number.
    fn atan2(&self, x: &Self) -> Self;

    /// The same value, through which no derivative passes.
    fn constant(&self) -> Self {
        self.clone()
    }

    /// Whether it is 0, and with it all of its derivatives.
    fn vanishes(&self) -> bool {
        self.compare(&Self::of(0.0)) == Some(Ordering::Equal)
    }

    /// What comes of a branch that cannot be chosen, as [`compare`](Number::compare) gives `None`
    /// for this number.
    fn unordered(self) -> Self {
        self
    }

    /// Whether nothing is known of the number, so that it is neither NaN nor any other.
    fn is_unknown(&self) -> bool {
        false
    }

    /// Why there is no value.
    fn refusal(&self) -> Option<Refusal> {
        None
    }

    /// Σ of the terms, 0 of none.
    fn sum(terms: &[Self]) -> Self {
        terms.iter().cloned().reduce(|a, b| a + b).unwrap_or_else(|| Self::of(0.0))
    }

    /// Σ of the products of pairs.
    fn dot(pairs: &[(Self, Self)]) -> Self {
        let products: Vec<Self> = pairs.iter().map(|(a, b)| a.clone() * b.clone()).collect();
        Self::sum(&products)
    }
}

/// The sign of a number, if it is known.
pub(super) fn sign<N: Number>(x: &N) -> Option<Ordering> {
    x.compare(&N::of(0.0))
}

/// p/q, for constants that are no binary fractions.
pub(super) fn ratio<N: Number>(p: f64, q: f64) -> N {
    N::of(p) / N::of(q)
}

/// π.
pub(super) fn pi<N: Number>() -> N {
    N::of(4.0) * N::of(1.0).atan2(&N::of(1.0))
}

/// xⁿ by products alone, for what is closed under them.
pub(super) fn whole_power<N: Number>(x: &N, n: i64) -> N {
    let (mut power, mut square, mut left) = (None, x.clone(), n.unsigned_abs());
    while left > 0 {
        if left % 2 == 1 {
            power = Some(match power {
                None => square.clone(),
                Some(power) => power * square.clone(),
            });
        }
        left /= 2;
        if left > 0 {
            square = square.clone() * square;
        }
    }
    let power = power.unwrap_or_else(|| N::of(1.0));
    if n < 0 { N::of(1.0) / power } else { power }
}

/// φ(x) = e^(−x²/2)/√(2π).
pub(super) fn normal_density<N: Number>(x: &N) -> N {
    let exponent = -(x.clone() * x.clone()) * N::of(0.5);
    exponent.elementary(Elementary::Exp) / (pi::<N>() + pi()).elementary(Elementary::Sqrt)
}

/// f′(x), where y = f(x).
pub(super) fn slope<N: Number>(f: Elementary, x: &N, y: &N) -> N {
    let sigmoid = |x: N| x.elementary(Elementary::Sigmoid);
    match f {
        Elementary::Exp => y.clone(),
        Elementary::ExpM1 => x.elementary(Elementary::Exp),
        Elementary::Ln => N::of(1.0) / x.clone(),
        Elementary::Ln1p => N::of(1.0) / (N::of(1.0) + x.clone()),
        Elementary::Sqrt => N::of(0.5) / y.clone(),
        Elementary::Sin => x.elementary(Elementary::Cos),
        Elementary::Cos => -x.elementary(Elementary::Sin),
        // 1 − tanh² and 1 − σ cancel.
        Elementary::Tanh => {
            let twice = x.clone() + x.clone();
            N::of(4.0) * sigmoid(twice.clone()) * sigmoid(-twice)
        }
        Elementary::Sigmoid => y.clone() * sigmoid(-x.clone()),
        Elementary::Softplus => sigmoid(x.clone()),
        Elementary::Erf => {
            let exp = (-(x.clone() * x.clone())).elementary(Elementary::Exp);
            N::of(2.0) * exp / pi::<N>().elementary(Elementary::Sqrt)
        }
        Elementary::NormalCdf => normal_density(x),
    }
}

impl Number for f64 {
    fn of(x: f64) -> f64 {
        x
    }
    fn value(&self) -> f64 {
        *self
    }
    fn compare(&self, other: &f64) -> Option<Ordering> {
        self.partial_cmp(other)
    }
    fn elementary(&self, f: Elementary) -> f64 {
        let x = *self;
        match f {
            Elementary::Exp => x.exp(),
            Elementary::ExpM1 => x.exp_m1(),
            Elementary::Ln => x.ln(),
            Elementary::Ln1p => x.ln_1p(),
            Elementary::Sqrt => x.sqrt(),
            Elementary::Sin => x.sin(),
            Elementary::Cos => x.cos(),
            Elementary::Tanh => x.tanh(),
            Elementary::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
            Elementary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Elementary::Softplus if x > 0.0 => x + (-x).exp().ln_1p(),
            Elementary::Softplus => x.exp().ln_1p(),
            Elementary::Erf => special::erf(&x),
            Elementary::NormalCdf => special::normal_cdf(&x),
        }
    }
    fn power(&self, p: &f64) -> f64 {
        self.powf(*p)
    }
    fn atan2(&self, x: &f64) -> f64 {
        f64::atan2(*self, *x)
    }
}

/// Arithmetic in `f32`; functions are rounded from `f64`.
impl Number for f32 {
    fn of(x: f64) -> f32 {
        x as f32
    }
    fn value(&self) -> f64 {
        f64::from(*self)
    }
    fn compare(&self, other: &f32) -> Option<Ordering> {
        self.partial_cmp(other)
    }
    fn elementary(&self, f: Elementary) -> f32 {
        self.value().elementary(f) as f32
    }
    fn power(&self, p: &f32) -> f32 {
        self.value().powf(p.value()) as f32
    }
    fn atan2(&self, x: &f32) -> f32 {
        f64::atan2(self.value(), x.value()) as f32
    }
}
