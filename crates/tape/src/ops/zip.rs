//! Elementwise operations of two operands, with rows, columns and numbers repeated as needed.

use std::borrow::Cow;
use std::ops::{Add, Div, Mul, Sub};

use crate::numbers::kernel::simd::vectorised;
use crate::ops::power::PowerDerivative;
use crate::tape::describe::{Described, Given, InWords, Parameters, words};
use crate::tape::notation::Notation;
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, MatrixRef, Scalar, Shape, Var};

/// An elementwise operation of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Zip {
    /// a + b.
    Add,
    /// a − b.
    Subtract,
    /// a · b.
    Multiply,
    /// a / b.
    Divide,
    /// aᵇ.
    Power,
    /// 1 where a > b, else 0.
    Greater,
    /// 1 where a = b, else 0.
    Equal,
    /// The greater of a and b.
    Maximum,
    /// The smaller of a and b.
    Minimum,
    /// The angle of the point (b, a) from the first axis.
    Atan2,
}

/// Calls the code with the function of two numbers that the operation is.
macro_rules! with_function {
    ($zip:expr, $f:ident => $code:expr) => {
        match $zip {
            Zip::Add => {
                let $f = |a: T, b: T| a + b;
                $code
            }
            Zip::Subtract => {
                let $f = |a: T, b: T| a - b;
                $code
            }
            Zip::Multiply => {
                let $f = |a: T, b: T| a * b;
                $code
            }
            Zip::Divide => {
                let $f = |a: T, b: T| a / b;
                $code
            }
            Zip::Power => {
                let $f = T::powf;
                $code
            }
            Zip::Greater => {
                let $f = |a: T, b: T| relation(a, b, |a, b| a > b);
                $code
            }
            Zip::Equal => {
                let $f = |a: T, b: T| relation(a, b, |a, b| a == b);
                $code
            }
            Zip::Maximum => {
                let $f = |a: T, b: T| maximum(a, b);
                $code
            }
            Zip::Minimum => {
                let $f = |a: T, b: T| -maximum(-a, -b);
                $code
            }
            Zip::Atan2 => {
                let $f = T::atan2;
                $code
            }
        }
    };
}

impl Zip {
    /// Every one of them.
    pub const ALL: &'static [Zip] = &[
        Zip::Add,
        Zip::Subtract,
        Zip::Multiply,
        Zip::Divide,
        Zip::Power,
        Zip::Greater,
        Zip::Equal,
        Zip::Maximum,
        Zip::Minimum,
        Zip::Atan2,
    ];

    /// Computes it, with an operand of one row or one column repeated.
    pub(crate) fn apply<T: Scalar>(
        self,
        a: MatrixRef<'_, T>,
        b: MatrixRef<'_, T>,
        out: &mut MatrixMut<'_, T>,
    ) {
        with_function!(self, f => zip(a, b, out, f));
    }

    /// Whether the operands may change places, to the same bits.
    pub(crate) fn commutes(self) -> bool {
        match self {
            Zip::Add | Zip::Multiply | Zip::Equal | Zip::Maximum | Zip::Minimum => true,
            Zip::Subtract | Zip::Divide | Zip::Power | Zip::Greater | Zip::Atan2 => false,
        }
    }
}

fn indicator<T: Scalar>(holds: bool) -> T {
    if holds { T::ONE } else { T::ZERO }
}

/// 1 where the relation holds, 0 elsewhere, NaN where an operand is: a comparison does not hide a
/// NaN.
fn relation<T: Scalar>(a: T, b: T, holds: impl Fn(T, T) -> bool) -> T {
    if a.is_nan() || b.is_nan() { T::NAN } else { indicator(holds(a, b)) }
}

/// The greater, NaN if one is NaN, and 0 of 0 and −0.
#[inline(always)]
fn maximum<T: Scalar>(a: T, b: T) -> T {
    let unordered_or_equal = if a == b { if a.is_sign_negative() { b } else { a } } else { a + b };
    let not_greater = if b > a { b } else { unordered_or_equal };
    if a > b { a } else { not_greater }
}

impl<T: Scalar> Operation<T> for Zip {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Zip::Add => "add",
            Zip::Subtract => "subtract",
            Zip::Multiply => "multiply",
            Zip::Divide => "divide",
            Zip::Power => "power",
            Zip::Greater => "greater",
            Zip::Equal => "equal",
            Zip::Maximum => "maximum",
            Zip::Minimum => "minimum",
            Zip::Atan2 => "atan2",
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        operands[0]
            .broadcast(operands[1])
            .ok_or_else(|| Mismatch::new("shapes do not go together elementwise"))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.apply(x.get(0), x.get(1), out);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        let y = at.output();
        match self {
            Zip::Add => {
                at.contribute_elementwise(0, |g| g); // ∂/∂A: G
                at.contribute_elementwise(1, |g| g); // ∂/∂B: G
            }
            Zip::Subtract => {
                at.contribute_elementwise(0, |g| g); //  ∂/∂A: G
                at.contribute_negated(1); //            ∂/∂B: −G
            }
            Zip::Multiply => {
                at.contribute_product(0, 1); // ∂/∂A: G ⊙ B
                at.contribute_product(1, 0); // ∂/∂B: G ⊙ A
            }
            Zip::Divide => {
                at.contribute_quotient(0, 1); //                 ∂/∂A: G ⊘ B
                at.contribute_elementwise(1, |g| -(g * y / b)); // ∂/∂B: −(G ⊙ A⊘B) ⊘ B
            }
            Zip::Power => {
                // ∂/∂A: G ⊙ B ⊙ A^(B−1), and 0 at a⁰; ∂/∂B: G ⊙ Aᴮ ⊙ ln A, and 0 at 0ᵇ.
                at.contribute_elementwise(0, |g| g * a.power_derivative(b, PowerDerivative::BY_BASE));
                at.contribute_elementwise(1, |g| g * a.power_derivative(b, PowerDerivative::BY_EXPONENT));
            }
            Zip::Greater | Zip::Equal => {
                at.zero(0); // constant between the jumps
                at.zero(1);
            }
            Zip::Maximum | Zip::Minimum => {
                // ∂/∂A: G ⊙ ([A > B] + ½·[A = B]): equal ones share; ∂/∂B likewise
                let share = |greater: Var<'t, T>, tied: Var<'t, T>| greater + tied * T::from_f64(0.5);
                let (high, low) = if *self == Zip::Maximum { (a, b) } else { (b, a) };
                at.contribute_elementwise(0, |g| g * share(high.greater(low), a.equal(b)));
                at.contribute_elementwise(1, |g| g * share(low.greater(high), a.equal(b)));
            }
            Zip::Atan2 => {
                // ∂/∂A: G ⊙ B ⊘ (A² + B²), ∂/∂B: −G ⊙ A ⊘ (A² + B²), with A and B over the greater of both
                let scale = || a.abs().maximum(b.abs()).stop_gradient();
                let slope =
                    |leg: Var<'t, T>, s: Var<'t, T>| leg / s / ((a / s).square() + (b / s).square()) / s;
                at.contribute_elementwise(0, |g| g * slope(b, scale()));
                at.contribute_elementwise(1, |g| -(g * slope(a, scale())));
            }
        }
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        match self {
            Zip::Add => Notation::Plus,
            Zip::Subtract => Notation::Difference,
            Zip::Multiply => Notation::Hadamard,
            Zip::Divide => Notation::Quotient,
            Zip::Power => Notation::Power,
            Zip::Greater => Notation::Indicator(">"),
            Zip::Equal => Notation::Indicator("="),
            Zip::Maximum | Zip::Minimum | Zip::Atan2 => {
                Notation::Call(Operation::<T>::name(self).into_owned())
            }
        }
    }
}

words!(Zip {
    Add "add", Subtract "subtract", Multiply "multiply", Divide "divide", Power "power", Greater "greater", Equal "equal",
    Maximum "maximum", Minimum "minimum", Atan2 "atan2"
});

impl<T: Scalar> Described<T> for Zip {
    fn parameters(&self) -> Parameters<T> {
        vec![("of", self.to_parameter())]
    }
    fn of_parameters(given: &mut Given<T>) -> Result<Self, String> {
        given.take("of")
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 2
    }
}

impl<T: Scalar> Elementwise<T> for Zip {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        with_function!(self, f => vectorised(
            #[inline(always)]
            move || zip_column(x[0], x[1], out, f),
        ));
        Ok(())
    }
}

/// Applies `f` elementwise; an operand with one row or one column repeats it.
pub(crate) fn zip<T: Scalar>(
    a: MatrixRef<'_, T>,
    b: MatrixRef<'_, T>,
    out: &mut MatrixMut<'_, T>,
    f: impl Fn(T, T) -> T,
) {
    vectorised(
        #[inline(always)]
        || {
            if a.shape() == out.shape() && b.shape() == out.shape() {
                return zip_column(a.as_slice(), b.as_slice(), out.as_mut_slice(), f);
            }
            for j in 0..out.columns() {
                let a = a.column(if a.columns() == 1 { 0 } else { j });
                let b = b.column(if b.columns() == 1 { 0 } else { j });
                zip_column(a, b, out.column_mut(j), &f);
            }
        },
    );
}

#[inline(always)]
pub(crate) fn zip_column<T: Scalar>(a: &[T], b: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    match (a, b) {
        (_, _) if a.len() == out.len() && b.len() == out.len() => {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = f(a, b);
            }
        }
        (&[a], _) if b.len() == out.len() => {
            for (out, &b) in out.iter_mut().zip(b) {
                *out = f(a, b);
            }
        }
        (_, &[b]) if a.len() == out.len() => {
            for (out, &a) in out.iter_mut().zip(a) {
                *out = f(a, b);
            }
        }
        (&[a], &[b]) => out.fill(f(a, b)),
        (_, _) => unreachable!("the shape rule lets no other lengths through"),
    }
}

/// # Powers and comparisons
impl<'t, T: Scalar> Var<'t, T> {
    /// Aᴮ elementwise; for a power that is a number see [`powf`](Var::powf) and
    /// [`powi`](Var::powi).
    #[track_caller]
    pub fn pow(self, power: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(Zip::Power, &[self, power.into_operand(self)])
    }

    /// 1 where A > B, else 0, and NaN where either is NaN. Its derivative is zero.
    #[track_caller]
    pub fn greater(self, other: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(Zip::Greater, &[self, other.into_operand(self)])
    }

    /// 1 where A < B, else 0, and NaN where either is NaN. Its derivative is zero.
    #[track_caller]
    pub fn less(self, other: impl IntoOperand<'t, T>) -> Self {
        let other = other.into_operand(self);
        self.tape.push_called(Some(("less", &[self, other])), Zip::Greater, &[other, self])
    }

    /// 1 where A = B, else 0, and NaN where either is NaN. Its derivative is zero.
    #[track_caller]
    pub fn equal(self, other: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(Zip::Equal, &[self, other.into_operand(self)])
    }
}

/// # The greater, the smaller, the angle
impl<'t, T: Scalar> Var<'t, T> {
    /// The greater of A and B elementwise, NaN where one is NaN. Where both are equal, each gets half
    /// of the gradient.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[-1.0, 0.5, 2.0]]);
    /// assert_eq!(x.maximum(0.0).value()?, matrix![[0.0, 0.5, 2.0]]);
    /// assert_eq!(x.minimum(1.0).value()?, matrix![[-1.0, 0.5, 1.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn maximum(self, other: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(Zip::Maximum, &[self, other.into_operand(self)])
    }

    /// The smaller of A and B elementwise, as [`maximum`](Var::maximum).
    #[track_caller]
    pub fn minimum(self, other: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(Zip::Minimum, &[self, other.into_operand(self)])
    }

    /// The angle in (−π, π] of the point (x, y), where y is this entry: the y ⊘ x of which it is the
    /// arc tangent may be infinite. At (0, 0), and where x or y is infinite, the derivative is NaN.
    ///
    /// ```
    /// use std::f64::consts::PI;
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let y = tape.parameter("y", &matrix![[1.0, 0.0]]);
    /// let x = tape.parameter("x", &matrix![[0.0, -2.0]]);
    /// assert_eq!(y.atan2(x).value()?, matrix![[PI / 2.0, PI]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn atan2(self, x: impl IntoOperand<'t, T>) -> Self {
        self.tape.push(Zip::Atan2, &[self, x.into_operand(self)])
    }
}

/// What can stand on the right of an operator: a variable or a number.
pub trait IntoOperand<'t, T: Scalar> {
    /// The operand as a variable of the tape of `other`.
    fn into_operand(self, other: Var<'t, T>) -> Var<'t, T>;
}

impl<'t, T: Scalar> IntoOperand<'t, T> for Var<'t, T> {
    fn into_operand(self, _: Var<'t, T>) -> Var<'t, T> {
        self
    }
}

impl<'t, T: Scalar> IntoOperand<'t, T> for T {
    #[track_caller]
    fn into_operand(self, other: Var<'t, T>) -> Var<'t, T> {
        other.tape.scalar(self)
    }
}

macro_rules! operator {
    ($Trait:ident $method:ident $zip:ident) => {
        impl<'t, T: Scalar, R: IntoOperand<'t, T>> $Trait<R> for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: R) -> Var<'t, T> {
                self.tape.push(Zip::$zip, &[self, other.into_operand(self)])
            }
        }
        operator!(@left $Trait $method f32);
        operator!(@left $Trait $method f64);
    };
    (@left $Trait:ident $method:ident $t:ty) => {
        impl<'t> $Trait<Var<'t, $t>> for $t {
            type Output = Var<'t, $t>;
            #[track_caller]
            fn $method(self, other: Var<'t, $t>) -> Var<'t, $t> {
                $Trait::$method(other.tape.scalar(self), other)
            }
        }
    };
}

operator!(Add add Add);
operator!(Sub sub Subtract);
operator!(Mul mul Multiply);
operator!(Div div Divide);
