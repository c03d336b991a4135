//! Scalar factors c·mᵏ, what programs make of products with them, and the negative.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use crate::numbers::kernel::simd::vectorised;
use crate::ops::Op;
use crate::ops::map::each;
use crate::tape::describe::described;
use crate::tape::notation::Notation;
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation, equal_by};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

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

    pub(crate) fn is_one(self) -> bool {
        self == Factor::ONE
    }

    /// The value for `m` examples.
    pub(crate) fn at(self, m: usize) -> T {
        let m = T::from_usize(m);
        match self.m {
            0 => self.c,
            1 => self.c * m,
            k if k > 0 => self.c * m.powi(k),
            k => self.c / m.powi(-k),
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

/// `c·mᵏ`: `1/m`, `-2/m^2`, `0.5·m`.
impl<T: Scalar> std::fmt::Display for Factor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let power = |k: i32| if k == 1 { "m".to_owned() } else { format!("m^{k}") };
        match self.m {
            0 => write!(f, "{}", self.c),
            k if k < 0 => write!(f, "{}/{}", self.c, power(-k)),
            k if self.c == T::ONE => write!(f, "{}", power(k)),
            k => write!(f, "{}·{}", self.c, power(k)),
        }
    }
}

/// What a program scales by: c · mᵏ, or c · mᵏ below which stands a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scaling<T> {
    pub(crate) by: Factor<T>,
    pub(crate) over: T,
}

impl<T: Scalar> Scaling<T> {
    pub(crate) const ONE: Self = Scaling { by: Factor::ONE, over: T::ONE };

    pub(crate) fn by(by: Factor<T>) -> Self {
        Scaling { by, over: T::ONE }
    }

    /// The number to multiply by and the number to divide by, for `m` examples. What stands below
    /// the fraction bar is divided by, so that k/k is 1; a power of two has an exact inverse, and
    /// is multiplied by that. There is but one of the two: c·x may overflow where (c/m)·x does not.
    pub(crate) fn at(self, m: usize) -> Scaled<T> {
        let Factor { c, m: power } = self.by;
        let over = if power < 0 { self.over * T::from_usize(m).powi(-power) } else { self.over };
        let times = if power > 0 { c * T::from_usize(m).powi(power) } else { c };
        if over == T::ONE {
            return Scaled { times, over };
        }
        // x is divided by a number that is over/|times| without rounding, or the one that the list
        // has below its fraction bar.
        let divisor = over_power_of_two(over, times).or_else(|| (c == T::ONE).then(|| over / times));
        let Some(divisor) = divisor else { return Scaled { times: times / over, over: T::ONE } };
        let sign = if times < T::ZERO { -T::ONE } else { T::ONE };
        match exact_inverse(divisor) {
            Some(inverse) => Scaled { times: sign * inverse, over: T::ONE },
            None => Scaled { times: sign, over: divisor },
        }
    }
}

/// over/|x|, if x is ± a power of two and nothing is lost.
fn over_power_of_two<T: Scalar>(over: T, x: T) -> Option<T> {
    let quotient = over * exact_inverse(x.abs())?;
    (quotient.is_finite() && quotient * x.abs() == over).then_some(quotient)
}

impl<T: Scalar> Scaling<T> {
    /// The power of two that it multiplies by, whatever m is, if it is one.
    pub(crate) fn power_of_two(self) -> Option<T> {
        let Factor { c, m } = self.by;
        let (_, inverse) = (exact_inverse(c)?, exact_inverse(self.over)?);
        (m == 0).then_some(c * inverse)
    }
}

/// 1/x, if x is a power of two and 1/x a number too: to multiply by it is to divide by x.
fn exact_inverse<T: Scalar>(x: T) -> Option<T> {
    const MANTISSA: u64 = (1 << 52) - 1;
    let inverse = T::ONE / x;
    let is_power_of_two = x.to_f64().to_bits() & MANTISSA == 0;
    (is_power_of_two && inverse.is_finite() && T::ONE / inverse == x).then_some(inverse)
}

/// `1/m`, `1/49`, `2·m/3`.
impl<T: Scalar> std::fmt::Display for Scaling<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.over == T::ONE { write!(f, "{}", self.by) } else { write!(f, "{}/{}", self.by, self.over) }
    }
}

impl<T: Scalar> PartialEq for Scaling<T> {
    fn eq(&self, other: &Self) -> bool {
        self.by == other.by && self.over.bits() == other.over.bits()
    }
}

impl<T: Scalar> Eq for Scaling<T> {}

impl<T: Scalar> Hash for Scaling<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.by, self.over.bits()).hash(state);
    }
}

/// A scaling at a number of examples: x becomes `times` · x / `over`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaled<T> {
    pub(crate) times: T,
    pub(crate) over: T,
}

impl<T: Scalar> Scaled<T> {
    /// What a sum may be multiplied by part by part; what stands below a fraction bar divides the
    /// whole sum, in [`finish`](Self::finish).
    #[inline(always)]
    pub(crate) fn of_parts(self) -> T {
        if self.divides() { T::ONE } else { self.times }
    }

    /// Divides a whole sum, whose parts were multiplied by [`of_parts`](Self::of_parts).
    pub(crate) fn finish(self, sum: &mut [T]) {
        if self.divides() {
            vectorised(
                #[inline(always)]
                move || sum.iter_mut().for_each(|x| *x = self.of(*x)),
            );
        }
    }

    /// Whether anything stands below the fraction bar.
    pub(crate) fn divides(self) -> bool {
        self.over != T::ONE
    }

    #[inline(always)]
    pub(crate) fn of(self, x: T) -> T {
        self.times * x / self.over
    }
}

/// c · mᵏ · A, or that below which stands a number; a tape has the product with a number, or the
/// quotient by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale<T: Scalar>(pub(crate) Scaling<T>);

equal_by!(Scale: 0);

impl<T: Scalar> Operation<T> for Scale<T> {
    fn name(&self) -> Cow<'_, str> {
        if self.0.over == T::ONE { "multiply" } else { "divide" }.into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.section(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {
        unreachable!("programs are not differentiated")
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Factor(self.0.to_string())
    }
}

impl<T: Scalar> Elementwise<T> for Scale<T> {
    fn section(&self, x: &[&[T]], out: &mut [T], m: usize) -> Result<(), Fault> {
        let scaled = self.0.at(m);
        match scaled.over == T::ONE {
            true => each(
                x[0],
                out,
                #[inline(always)]
                move |x| scaled.times * x,
            ),
            false => each(
                x[0],
                out,
                #[inline(always)]
                move |x| scaled.of(x),
            ),
        }
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
        self.section(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute_negated(0); // ∂/∂A: −G
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Minus
    }
}

described!(Negate [1] {});

impl<T: Scalar> Elementwise<T> for Negate {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
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
    /// The number c·mᵏ that the entry is, if it is one.
    pub(crate) fn as_number(self) -> Option<Factor<T>> {
        self.inspect(|op, _| match op {
            Op::Number(number) => Some(number.0),
            _ => None,
        })
        .flatten()
    }
}

impl<T: Scalar> std::ops::Neg for Var<'_, T> {
    type Output = Self;
    #[track_caller]
    fn neg(self) -> Self {
        self.tape.push(Negate, &[self])
    }
}
