//! The two number types a tape computes with.

use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::compiled::Compiled;
use crate::numbers::kernel::column_sums::ColumnSums;
use crate::numbers::kernel::log_loss::LogLossMath;
use crate::numbers::kernel::product::Multiply;
use crate::numbers::kernel::simd::Lanes;
use crate::numbers::kernel::softmax::SoftmaxMath;
use crate::numbers::kernel::vector_math::VectorMath;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point type that matrices, tapes and programs are generic over: `f32` or `f64`.
///
/// The trait is sealed. Its methods are those of the standard library's floats, under the same
/// names, plus [`erf`](Scalar::erf) and [`erfc`](Scalar::erfc).
///
/// ```
/// use tape::Scalar;
/// fn half<T: Scalar>(x: T) -> T {
///     T::from_f64(0.5) * x
/// }
/// assert_eq!(half(3.0_f32), 1.5);
/// ```
pub trait Scalar:
    sealed::Sealed
    + Compiled
    + Lanes
    + Multiply
    + VectorMath
    + LogLossMath
    + ColumnSums
    + SoftmaxMath
    + Copy
    + PartialEq
    + PartialOrd
    + Debug
    + Display
    + LowerExp
    + Default
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// +∞.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// The type's name, `"f32"` or `"f64"`.
    const NAME: &'static str;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number as an `f64`; exact.
    fn to_f64(self) -> f64;
    /// The nearest number of this type to a count.
    fn from_usize(n: usize) -> Self {
        Self::from_f64(n as f64)
    }
    /// The number's bits, for hashing and for comparing bit by bit.
    fn bits(self) -> u64;
    /// The number with these [`bits`](Scalar::bits); of `f32`, the lower 32 of them.
    fn of_bits(bits: u64) -> Self;
    /// Whether this is NaN.
    fn is_nan(self) -> bool;
    /// Whether this is neither NaN nor ±∞.
    fn is_finite(self) -> bool;
    /// Whether the sign bit is set; true for −0.
    fn is_sign_negative(self) -> bool;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// eˣ − 1, accurate near 0.
    fn exp_m1(self) -> Self;
    /// ln x.
    fn ln(self) -> Self;
    /// ln(1 + x), accurate near 0.
    fn ln_1p(self) -> Self;
    /// sin x, x in radians.
    fn sin(self) -> Self;
    /// cos x, x in radians.
    fn cos(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// x^p.
    fn powf(self, p: Self) -> Self;
    /// x^n.
    fn powi(self, n: i32) -> Self;
    /// The angle of the point (x, y), where y is this number.
    fn atan2(self, x: Self) -> Self;
    /// The error function, 2/√π · ∫₀ˣ e^(−t²) dt.
    fn erf(self) -> Self;
    /// 1 − erf x, accurate where erf x is close to 1.
    fn erfc(self) -> Self;
}

macro_rules! scalar {
    ($t:ident, $erf:path, $erfc:path) => {
        impl Scalar for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;
            const INFINITY: Self = $t::INFINITY;
            const NAN: Self = $t::NAN;
            const NAME: &'static str = stringify!($t);

            #[inline]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn bits(self) -> u64 {
                self.to_bits().into()
            }
            #[inline]
            fn of_bits(bits: u64) -> Self {
                $t::from_bits(bits as _)
            }
            #[inline]
            fn is_nan(self) -> bool {
                $t::is_nan(self)
            }
            #[inline]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline]
            fn is_sign_negative(self) -> bool {
                $t::is_sign_negative(self)
            }
            #[inline]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline]
            fn exp(self) -> Self {
                $t::exp(self)
            }
            #[inline]
            fn exp_m1(self) -> Self {
                $t::exp_m1(self)
            }
            #[inline]
            fn ln(self) -> Self {
                $t::ln(self)
            }
            #[inline]
            fn ln_1p(self) -> Self {
                $t::ln_1p(self)
            }
            #[inline]
            fn sin(self) -> Self {
                $t::sin(self)
            }
            #[inline]
            fn cos(self) -> Self {
                $t::cos(self)
            }
            #[inline]
            fn tanh(self) -> Self {
                $t::tanh(self)
            }
            #[inline]
            fn powf(self, p: Self) -> Self {
                $t::powf(self, p)
            }
            #[inline]
            fn powi(self, n: i32) -> Self {
                $t::powi(self, n)
            }
            #[inline]
            fn atan2(self, x: Self) -> Self {
                $t::atan2(self, x)
            }
            #[inline]
            fn erf(self) -> Self {
                $erf(self)
            }
            #[inline]
            fn erfc(self) -> Self {
                $erfc(self)
            }
        }
    };
}

scalar!(f32, libm::erff, libm::erfcf);
scalar!(f64, libm::erf, libm::erfc);
