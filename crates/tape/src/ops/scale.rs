//! Scalar factors, hoisted to the outside of products and sums, and the negative.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use crate::op::{Entrywise, Fault, Mismatch, Notation, Op, Operands, Operation, equal_by};
use crate::ops::map::each;
use crate::vjp::Vjp;
use crate::{Dim, MatrixMut, Scalar, Shape, Var};

/// The scalar factor c · mᵏ; `mean` over the examples records 1/m, that is c = 1 and k = −1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Factor<T> {
    pub(crate) c: T,
    pub(crate) m: i32,
}

impl<T: Scalar> Factor<T> {
    pub(crate) const ONE: Self = Factor { c: T::ONE, m: 0 };

    pub(crate) fn number(c: T) -> Self {
        Factor { c, m: 0 }
    }

    /// The factor that repeating along `dim` multiplies a sum by.
    pub(crate) fn extent(dim: Dim) -> Self {
        match dim {
            Dim::Fixed(n) => Factor::number(T::from_usize(n)),
            Dim::M => Factor { c: T::ONE, m: 1 },
        }
    }

    /// The reciprocal.
    pub(crate) fn inverse(self) -> Self {
        Factor { c: T::ONE / self.c, m: -self.m }
    }

    /// The product, unless it would overflow or vanish where the two factors one after the other may not.
    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let c = self.c * other.c;
        let exact_enough = c.is_finite() && c.abs() >= T::EPSILON * T::EPSILON;
        (exact_enough || self.is_one() || other.is_one()).then_some(Factor { c, m: self.m + other.m })
    }

    pub(crate) fn negated(self) -> Self {
        Factor { c: -self.c, m: self.m }
    }

    pub(crate) fn is_one(self) -> bool {
        self == Factor::ONE
    }

    /// The value for `m` examples.
    pub(crate) fn at(self, m: usize) -> T {
        let m = T::from_usize(m);
        match self.m {
            0 => self.c,
            1 => self.c * m,
            -1 => self.c / m,
            k => self.c * m.powi(k),
        }
    }
}

impl<T: Scalar> PartialEq for Factor<T> {
    fn eq(&self, other: &Self) -> bool {
        self.c.bits() == other.c.bits() && self.m == other.m
    }
}

impl<T: Scalar> Eq for Factor<T> {}

impl<T: Scalar> Hash for Factor<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.c.bits(), self.m).hash(state);
    }
}

/// `c·mᵏ`, as a fraction where c is the reciprocal of a whole number: `1/m`, `1/(3·m)`, `0.5·m`.
impl<T: Scalar> std::fmt::Display for Factor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let c = self.c.to_f64();
        let inverse = (1.0 / c).round();
        let is_fraction =
            inverse.abs() > 1.0 && inverse.abs() < 1e9 && T::from_f64(1.0 / inverse).bits() == self.c.bits();
        let power = |k: i32| if k == 1 { "m".to_owned() } else { format!("m^{k}") };
        let (top, bottom) = match is_fraction {
            true => (c.signum().to_string(), Some(inverse.abs().to_string())),
            false => (self.c.to_string(), None),
        };
        match (self.m, bottom) {
            (0, None) => write!(f, "{top}"),
            (0, Some(n)) => write!(f, "{top}/{n}"),
            (k, None) if k < 0 => write!(f, "{top}/{}", power(-k)),
            (k, Some(n)) if k < 0 => write!(f, "{top}/({n}·{})", power(-k)),
            (k, None) if c == 1.0 => write!(f, "{}", power(k)),
            (k, None) => write!(f, "{top}·{}", power(k)),
            (k, Some(n)) => write!(f, "{top}/{n}·{}", power(k)),
        }
    }
}

/// c · mᵏ · A.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale<T: Scalar>(pub(crate) Factor<T>);

equal_by!(Scale: 0);

impl<T: Scalar> Operation<T> for Scale<T> {
    fn name(&self) -> Cow<'_, str> {
        "scale".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.block(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute_entrywise(0, |g| g.scaled(self.0)); // ∂/∂A: c·mᵏ · G
    }
    fn entrywise(&self) -> Option<&dyn Entrywise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Factor(self.0.to_string())
    }
    fn keeps_columns_apart(&self, _: &[Shape]) -> bool {
        true
    }
}

impl<T: Scalar> Entrywise<T> for Scale<T> {
    fn block(&self, x: &[&[T]], out: &mut [T], m: usize) -> Result<(), Fault> {
        let factor = self.0.at(m);
        each(
            x[0],
            out,
            #[inline(always)]
            |x| factor * x,
        );
        Ok(())
    }
}

/// −A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Negate;

impl<T: Scalar> Operation<T> for Negate {
    fn name(&self) -> Cow<'_, str> {
        "negate".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.block(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute_entrywise(0, |g| -g); // ∂/∂A: −G
    }
    fn entrywise(&self) -> Option<&dyn Entrywise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Minus
    }
    fn keeps_columns_apart(&self, _: &[Shape]) -> bool {
        true
    }
}

impl<T: Scalar> Entrywise<T> for Negate {
    fn block(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        each(
            x[0],
            out,
            #[inline(always)]
            |x: T| -x,
        );
        Ok(())
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// factor · A, merged with a factor that A has already.
    #[track_caller]
    pub(crate) fn scaled(self, factor: Factor<T>) -> Self {
        if factor.is_one() || self.is_void() {
            return self;
        }
        if factor == Factor::number(-T::ONE) {
            return self.negated();
        }
        if let (inner, Some(a)) = self.factored()
            && let Some(product) = inner.times(factor)
        {
            return a.scaled(product);
        }
        if let (Some(number), 0) = (self.as_number(), factor.m) {
            return self.tape.scalar(number * factor.c);
        }
        match self.operand_of_negate() {
            Some(a) if factor.c < T::ZERO => a.scaled(factor.negated()),
            Some(_) | None => self.tape.push(Scale(factor), &[self]),
        }
    }

    /// −A.
    #[track_caller]
    pub(crate) fn negated(self) -> Self {
        if self.is_void() {
            return self;
        }
        if let Some(number) = self.as_number() {
            return self.tape.scalar(-number);
        }
        if let Some(a) = self.operand_of_negate() {
            return a;
        }
        match self.factored() {
            (factor, Some(a)) => a.scaled(factor.negated()),
            (_, None) => self.tape.push(Negate, &[self]),
        }
    }

    /// The factor and what it scales; `(1, None)` if the entry is not a scaled one.
    #[track_caller]
    pub(crate) fn factored(self) -> (Factor<T>, Option<Self>) {
        if self.is_transposed() {
            let (factor, a) = self.flipped().factored();
            return (factor, a.map(Var::t));
        }
        self.inspect(|op, operands| match op {
            Op::Scale(Scale(factor)) => (*factor, Some(self.sibling(operands[0]))),
            _ => (Factor::ONE, None),
        })
        .unwrap_or((Factor::ONE, None))
    }

    /// Splits into the scalar factor and the rest.
    #[track_caller]
    pub(crate) fn split_factor(self) -> (Factor<T>, Self) {
        let (factor, rest) = self.factored();
        (factor, rest.unwrap_or(self))
    }

    pub(crate) fn as_number(self) -> Option<T> {
        self.inspect(|op, _| match op {
            Op::Number(number) => Some(number.0),
            _ => None,
        })
        .flatten()
    }

    pub(crate) fn operand_of_negate(self) -> Option<Self> {
        self.inspect(|op, operands| match op {
            Op::Negate(_) => Some(self.sibling(operands[0])),
            _ => None,
        })
        .flatten()
    }
}

impl<T: Scalar> std::ops::Neg for Var<'_, T> {
    type Output = Self;
    #[track_caller]
    fn neg(self) -> Self {
        self.negated()
    }
}
