//! Numbers with a derivative along a direction.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::number::{Elementary, Number, Refusal, slope};

/// v + d·ε with ε² = 0: a number with its derivative along a direction.
///
/// Clifford 1871; as a way to differentiate programs see Griewank and Walther, *Evaluating
/// Derivatives*, 2nd ed. 2008, chapter 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual<N> {
    /// The number.
    pub v: N,
    /// Its derivative.
    pub d: N,
}

/// A number with its derivatives along two directions, `v.d` and `d.v`, and the second one along
/// both, `d.d`: v + d₁ε₁ + d₂ε₂ + d₁₂ε₁ε₂ (Fike and Alonso 2011, *The Development of Hyper-Dual
/// Numbers for Exact Second-Derivative Calculations*).
pub type HyperDual<N> = Dual<Dual<N>>;

impl<N: Number> Dual<N> {
    /// The number that the derivative is with respect to.
    pub fn variable(v: N) -> Self {
        Dual { v, d: N::of(1.0) }
    }

    /// A number that does not move.
    pub fn still(v: N) -> Self {
        Dual { v, d: N::of(0.0) }
    }
}

/// d·f, where what does not move does not, however steep it is: 0·∞ is 0.
fn times<N: Number>(d: &N, f: impl FnOnce() -> N) -> N {
    if d.vanishes() { d.clone() } else { d.clone() * f() }
}

impl<N: Number> Add for Dual<N> {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Dual { v: self.v + b.v, d: self.d + b.d }
    }
}

impl<N: Number> Sub for Dual<N> {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Dual { v: self.v - b.v, d: self.d - b.d }
    }
}

impl<N: Number> Mul for Dual<N> {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let d = times(&self.d, || b.v.clone()) + times(&b.d, || self.v.clone());
        Dual { v: self.v * b.v, d }
    }
}

impl<N: Number> Div for Dual<N> {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let v = self.v / b.v.clone();
        let d = times(&self.d, || N::of(1.0) / b.v.clone()) - times(&b.d, || v.clone() / b.v.clone());
        Dual { v, d }
    }
}

impl<N: Number> Neg for Dual<N> {
    type Output = Self;
    fn neg(self) -> Self {
        Dual { v: -self.v, d: -self.d }
    }
}

impl<N: Number> Number for Dual<N> {
    fn of(x: f64) -> Self {
        Dual::still(N::of(x))
    }
    fn value(&self) -> f64 {
        self.v.value()
    }
    fn compare(&self, other: &Self) -> Option<Ordering> {
        self.v.compare(&other.v)
    }
    fn elementary(&self, f: Elementary) -> Self {
        let v = self.v.elementary(f);
        let d = times(&self.d, || slope(f, &self.v, &v));
        Dual { v, d }
    }
    fn power(&self, p: &Self) -> Self {
        let v = self.v.power(&p.v);
        // p·x^(p−1), and 0 of x⁰; x^p·ln x, and 0 of 0^p.
        let by_base = || match p.v.vanishes() {
            true => N::of(0.0),
            false => p.v.clone() * self.v.power(&(p.v.clone() - N::of(1.0))),
        };
        let by_exponent = || match self.v.vanishes() && p.v.value() >= 0.0 {
            true => N::of(0.0),
            false => v.clone() * self.v.elementary(Elementary::Ln),
        };
        let d = times(&self.d, by_base) + times(&p.d, by_exponent);
        Dual { v, d }
    }
    fn atan2(&self, x: &Self) -> Self {
        let v = self.v.atan2(&x.v);
        let square = N::dot(&[(x.v.clone(), x.v.clone()), (self.v.clone(), self.v.clone())]);
        let d =
            times(&self.d, || x.v.clone() / square.clone()) - times(&x.d, || self.v.clone() / square.clone());
        Dual { v, d }
    }
    fn constant(&self) -> Self {
        Dual::still(self.v.constant())
    }
    fn vanishes(&self) -> bool {
        self.v.vanishes() && self.d.vanishes()
    }
    fn unordered(self) -> Self {
        let v = self.v.unordered();
        Dual { d: v.clone(), v }
    }
    fn is_unknown(&self) -> bool {
        self.v.is_unknown()
    }
    fn refusal(&self) -> Option<Refusal> {
        self.v.refusal().or(self.d.refusal())
    }
    fn sum(terms: &[Self]) -> Self {
        let part = |of: fn(&Self) -> &N| N::sum(&terms.iter().map(|x| of(x).clone()).collect::<Vec<N>>());
        Dual { v: part(|x| &x.v), d: part(|x| &x.d) }
    }
    fn dot(pairs: &[(Self, Self)]) -> Self {
        let values: Vec<(N, N)> = pairs.iter().map(|(a, b)| (a.v.clone(), b.v.clone())).collect();
        let moving = |d: &N, v: &N| (!d.vanishes()).then(|| (d.clone(), v.clone()));
        let both = pairs.iter().flat_map(|(a, b)| [moving(&a.d, &b.v), moving(&b.d, &a.v)]);
        let derivatives: Vec<(N, N)> = both.flatten().collect();
        Dual { v: N::dot(&values), d: N::dot(&derivatives) }
    }
}
