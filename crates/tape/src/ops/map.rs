//! Functions g applied to each entry, built in and of the user's own, each beside its derivative.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::Arc;

use crate::error::printable;
use crate::numbers::kernel::functions as k;
pub(crate) use crate::numbers::kernel::functions::each;
use crate::ops::{Op, Paired};
use crate::tape::describe::{Described, Given, InWords, Parameters};
use crate::tape::notation::Notation;
use crate::tape::operation::{Elementwise, Fault, Mismatch, Operands, Operation, equal_by};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

/// The derivative of a function at a variable.
enum Derivative<'t, T: Scalar> {
    Is(Var<'t, T>),
    /// Constant between jumps.
    Zero,
    /// The user gave none; the function's name.
    Missing(String),
}

impl<'t, T: Scalar> From<Var<'t, T>> for Derivative<'t, T> {
    fn from(var: Var<'t, T>) -> Self {
        Derivative::Is(var)
    }
}

/// A parameter of a built-in function.
trait Parameter: Copy {
    /// What tells it from others.
    fn key(self) -> u64;
    /// Whether it is a number.
    fn is_a_number(self) -> bool;
}

impl<T: Scalar> Parameter for T {
    fn key(self) -> u64 {
        self.bits()
    }
    fn is_a_number(self) -> bool {
        !self.is_nan()
    }
}

impl Parameter for i64 {
    fn key(self) -> u64 {
        self.cast_unsigned()
    }
    fn is_a_number(self) -> bool {
        true
    }
}

impl Parameter for u32 {
    fn key(self) -> u64 {
        self.into()
    }
    fn is_a_number(self) -> bool {
        true
    }
}

/// One row a function: its name, how it is printed, its value at a number or of slices, its
/// derivative at a variable `x`, where `y` is the function's own entry, and, where a kernel
/// computes both from one exponential, the derivative with that kernel.
macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($p:ident: $t:ty),+))? { $notation:expr, $(slices $into:ident $(($of:ident))?,)? $(all $all:ident($for_all:ident),)? $(each |$x:ident| $value:expr,)? |$vx:ident, $vy:ident| $derivative:expr $(; with $paired:expr => $both:ident $(($both_of:ident))?)? }
    )*) => {
        /// A function g of one number that is applied to each element: a built-in one, or one of
        /// the user's as a value.
        ///
        /// ```
        /// use tape::{Function, Tape, matrix};
        /// // x ↦ x³ with its derivative 3x², whose derivative is 6x, which has none: asking for it is a typed error.
        /// let cube = Function::new("cube", |x: f64| x * x * x).with_derivative(
        ///     Function::new("cube′", |x| 3.0 * x * x).with_derivative(Function::new("cube″", |x| 6.0 * x)),
        /// );
        /// let tape = Tape::new();
        /// let x = tape.parameter("x", &matrix![[2.0]]);
        /// let y = x.map(&cube);
        /// let [dy] = y.gradients([x]);
        /// let [ddy] = dy.gradients([x]);
        /// let [dddy] = ddy.gradients([x]);
        /// assert_eq!((dy.value()?[(0, 0)], ddy.value()?[(0, 0)]), (12.0, 12.0));
        /// assert!(dddy.value().unwrap_err().to_string().contains("cube″ gives no derivative"));
        /// # Ok::<(), tape::Error>(())
        /// ```
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Function<T: Scalar> {
            $($(#[$doc])* $name $(($($t),+))?,)*
            /// A function of the user's, made by [`Function::new`].
            User(UserFunction<T>),
        }

        /// The kinds of functions, for tables that must have a row for every one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FunctionKind {
            $($(#[$doc])* $name,)*
            /// A function of the user's.
            User,
        }

        impl FunctionKind {
            /// Every kind.
            pub const ALL: &'static [FunctionKind] = &[$(FunctionKind::$name,)* FunctionKind::User];
        }

        impl<T: Scalar> Function<T> {
            /// Which function this is.
            pub fn kind(&self) -> FunctionKind {
                match self {
                    $(Function::$name $(($(functions!(@ignore $p)),+))? => FunctionKind::$name,)*
                    Function::User(_) => FunctionKind::User,
                }
            }

            /// The parameters' bits: with the kind, what makes two built-in functions equal.
            fn parameters(&self) -> [u64; 2] {
                match self {
                    $(Function::$name $(($($p),+))? => functions!(@bits $($($p),+)?),)*
                    Function::User(user) => [Arc::as_ptr(&user.parts).addr() as u64, 0],
                }
            }

            /// The function in words and numbers.
            fn described(&self) -> Parameters<T> {
                let function = Cow::from(match self {
                    $(Function::$name $(($(functions!(@ignore $p)),+))? => stringify!($name),)*
                    Function::User(_) => "User",
                });
                let parameters: Parameters<T> = match self {
                    $(Function::$name $(($($p),+))? => vec![$($((stringify!($p), $p.to_parameter()),)+)?],)*
                    Function::User(user) => vec![("name", Cow::from(user.parts.name.to_string()).to_parameter())],
                };
                [("function", function.to_parameter())].into_iter().chain(parameters).collect()
            }

            /// The function that is so described, or what is wrong with that.
            fn of_description(given: &mut Given<T>) -> Result<Self, String> {
                let name: Cow<'static, str> = given.take("function")?;
                match &*name {
                    $(stringify!($name) => Ok(Function::$name $(($(given.take::<$t>(stringify!($p))?),+))?),)*
                    "User" => {
                        let name: Cow<'static, str> = given.take("name")?;
                        Err(format!("the function {} is of the user's own and has no description", printable(&name)))
                    }
                    other => Err(format!("no function is called {}", printable(other))),
                }
            }

            /// Whether no parameter is NaN.
            fn has_numbers(&self) -> bool {
                match self {
                    $(Function::$name $(($($p),+))? => functions!(@numbers $($($p),+)?),)*
                    Function::User(_) => true,
                }
            }

            /// g(x) for a slice of numbers.
            ///
            /// # Panics
            /// If the slices differ in length.
            pub fn apply(&self, x: &[T], out: &mut [T]) {
                T::function_apply(self, x, out)
            }

            pub(crate) fn apply_here(&self, x: &[T], out: &mut [T]) {
                assert_eq!(x.len(), out.len(), "as many results as arguments");
                match self {
                    $(Function::$name $(($($p),+))? => {
                        $(let ($($p,)+) = ($(*$p,)+);)?
                        $(T::$into(x, $($of,)? out);)?
                        $(k::$all(x, $for_all, out);)?
                        $(each(x, out, #[inline(always)] move |$x: T| $value);)?
                    })*
                    Function::User(user) => {
                        for (out, &x) in out.iter_mut().zip(x) {
                            *out = (user.parts.value)(x);
                        }
                    }
                }
            }

            /// g′ where a kernel computes g and g′ together.
            #[allow(unused_variables)] // most rows have none
            pub(crate) fn paired_derivative(&self) -> Option<Self> {
                match self {
                    $(Function::$name $(($($p),+))? => {
                        $(let ($($p,)+) = ($(*$p,)+);)?
                        functions!(@paired $($paired)?)
                    })*
                    Function::User(_) => None,
                }
            }

            /// g(x) and g′(x) for a slice of numbers, for a function with a
            /// [`paired_derivative`](Self::paired_derivative).
            #[allow(unused_variables)] // most rows have none
            pub(crate) fn apply_with_derivative(&self, x: &[T], out: &mut [T], derivative: &mut [T]) {
                match self {
                    $(Function::$name $(($($p),+))? => {
                        $(let ($($p,)+) = ($(*$p,)+);)?
                        functions!(@both (x, out, derivative) $($both $(($both_of))?)?)
                    })*
                    Function::User(_) => unreachable!("it has no paired derivative"),
                }
            }

            /// How an equation shows it.
            fn notation(&self) -> Notation {
                match self {
                    $(Function::$name $(($(functions!(@ignore $p)),+))? => functions!(@notation self $notation $(, $($p),+)?),)*
                    Function::User(user) => user.notation(),
                }
            }

            /// The function's name, as listings and error messages show it.
            pub fn name(&self) -> Cow<'_, str> {
                T::function_name(self)
            }

            pub(crate) fn name_here(&self) -> Cow<'_, str> {
                match self {
                    $(Function::$name $(($(functions!(@ignore $p)),+))? => $notation.name(self, stringify!($name)),)*
                    Function::User(user) => (&*user.parts.name).into(),
                }
            }

            #[track_caller]
            #[allow(unused_variables)] // most derivatives need only one of x and y
            fn derivative_at<'t>(&self, x: Var<'t, T>, y: Var<'t, T>) -> Derivative<'t, T> {
                match self {
                    $(Function::$name $(($($p),+))? => {
                        $(let ($($p,)+) = ($(*$p,)+);)?
                        let ($vx, $vy) = (x, y);
                        $derivative.into()
                    })*
                    Function::User(user) => user.derivative_at(x),
                }
            }
        }
    };
    (@paired) => { None };
    (@paired $paired:expr) => { Some($paired) };
    (@both $on:tt) => { unreachable!("it has no paired derivative") };
    (@both ($x:ident, $out:ident, $derivative:ident) $both:ident) => { T::$both($x, $out, $derivative) };
    (@both ($x:ident, $out:ident, $derivative:ident) $both:ident ($of:expr)) => {
        T::$both($x, $of, $out, $derivative)
    };
    (@ignore $p:ident) => { _ };
    (@bits) => { [0, 0] };
    (@bits $p:ident) => { [Parameter::key(*$p), 0] };
    (@bits $p:ident, $q:ident) => { [Parameter::key(*$p), Parameter::key(*$q)] };
    (@numbers) => { true };
    (@numbers $($p:ident),+) => { $(Parameter::is_a_number(*$p))&&+ };
    (@notation $self:ident $notation:expr $(, $p:ident)*) => { $notation.notation($self) };
}

/// How a built-in function is shown.
enum Shown {
    /// An activation function: its name, and how often it was differentiated.
    Activation(&'static str, usize),
    /// The same, differentiated so often and as often as the function's parameter says besides.
    Higher(&'static str, usize),
    /// name(x).
    Call(&'static str),
    Exponential,
    Root,
    Absolute,
    /// x², or x to the power that is the function's parameter.
    Power,
}

impl Shown {
    fn notation<T: Scalar>(&self, function: &Function<T>) -> Notation {
        match self {
            Shown::Activation(name, primes) => Notation::Activation { name: (*name).into(), primes: *primes },
            Shown::Higher(name, least) => {
                Notation::Activation { name: (*name).into(), primes: least + function.times_more() }
            }
            Shown::Call(name) => Notation::Call((*name).into()),
            Shown::Exponential => Notation::Exponential,
            Shown::Root => Notation::Root,
            Shown::Absolute => Notation::Absolute,
            Shown::Power => Notation::PowerOf(match function {
                Function::Power(p) => format!("{p:?}"), // `2.0`, which 2 is not
                Function::WholePower(n) => n.to_string(),
                _ => "2".into(),
            }),
        }
    }

    fn name<T: Scalar>(&self, function: &Function<T>, variant: &'static str) -> Cow<'static, str> {
        match *self {
            Shown::Activation(name, primes) => primed(name, primes),
            Shown::Higher(name, least) => primed(name, least + function.times_more()),
            Shown::Call(name) => name.into(),
            Shown::Exponential => "exp".into(),
            Shown::Root => "sqrt".into(),
            Shown::Absolute => "abs".into(),
            Shown::Power if matches!(function, Function::WholePower(_)) => "power".into(),
            Shown::Power => variant.to_lowercase().into(),
        }
    }
}

impl<T: Scalar> Function<T> {
    /// How often a function of a family was differentiated, after the first one of the family.
    fn times_more(&self) -> usize {
        match *self {
            Function::ErfHigher(k) | Function::GeluHigher(k) | Function::NormalPdfHigher(k) => k as usize,
            _ => 0,
        }
    }
}

/// The name of a derivative.
fn primed(name: &'static str, primes: usize) -> Cow<'static, str> {
    match primes {
        0 => name.into(),
        1 => format!("{name}′").into(),
        2 => format!("{name}″").into(),
        3 => format!("{name}‴").into(),
        _ => format!("{name}⁽{primes}⁾").into(),
    }
}

use Derivative::Zero;
use Function as F;
use Shown::{Absolute, Activation, Call, Exponential, Higher, Power as PowerOf, Root};

functions! {
    /// x.
    Identity { Activation("identity", 0), each |x| x, |x, y| x.tape.scalar(T::ONE) }
    /// x, and 0 where it is subnormal; the derivative is 1.
    NormalOrZero { Activation("normal_or_zero", 0), each |x| k::normal_or_zero(x), |x, y| x.tape.scalar(T::ONE) }
    /// eˣ.
    Exp { Exponential, slices exp_into, |x, y| y }
    /// ln x.
    Ln { Call("ln"), slices ln_into, |x, y| T::ONE.into_operand(x) / x }
    /// ln(1 + x), accurate near 0.
    Ln1p { Call("ln_1p"), each |x| x.ln_1p(), |x, y| T::ONE.into_operand(x) / (x + T::ONE) }
    /// eˣ − 1, accurate near 0.
    ExpM1 { Call("exp_m1"), each |x| x.exp_m1(), |x, y| x.exp() }
    /// √x.
    Sqrt { Root, each |x| x.sqrt(), |x, y| T::from_f64(0.5).into_operand(x) / y }
    /// x².
    Square { PowerOf, each |x| x * x, |x, y| x * T::from_f64(2.0) }
    /// x^p for a number p.
    Power(p: T) { PowerOf, all power_into(p), |x, y| match p == T::ZERO {
        true => Zero,
        false => (below(x, p, |x, q| x.map(&F::Power(q))) * p).into(),
    } }
    /// xⁿ for a whole number n.
    WholePower(n: i64) { PowerOf, all whole_power_into(n), |x, y| match n {
        0 => Zero,
        _ => (below(x, T::from_f64(n as f64), |x, _| x.map(&F::WholePower(n.saturating_sub(1)))) * T::from_f64(n as f64)).into(),
    } }
    /// sin x.
    Sin { Call("sin"), slices sin_into, |x, y| x.cos() }
    /// cos x.
    Cos { Call("cos"), slices cos_into, |x, y| -x.sin() }
    /// |x|.
    Abs { Absolute, each |x| x.abs(), |x, y| x.sign() }
    /// −1, 0 or 1.
    Sign { Call("sign"), each |x| k::sign(x), |x, y| Zero }
    /// The error function.
    Erf { Call("erf"), slices erf_into, |x, y| x.map(&F::ErfDerivative) }
    /// 2/√π · e^(−x²).
    ErfDerivative { Activation("erf", 1), each |x| k::erf_derivative(x), |x, y| x.map(&F::ErfHigher(0)) }
    /// The derivative of order 2 + k of erf: (−1)¹⁺ᵏ·H₁₊ₖ(x)·2/√π·e^(−x²), H Hermite's polynomials;
    /// erf″(x) = −2x·erf′(x).
    ErfHigher(k: u32) { Higher("erf", 2), each |x| k::erf_higher(x, k), |x, y| x.map(&F::ErfHigher(k.saturating_add(1))) }
    /// x limited to [low, high]; the derivative is 1 inside and on the limits, 0 outside.
    Clamp(low: T, high: T) { Activation("clamp", 0), each |x| k::clamp(x, low, high), |x, y| x.map(&F::ClampDerivative(low, high)) }
    /// 1 in [low, high], else 0.
    ClampDerivative(low: T, high: T) { Activation("clamp", 1), each |x| k::in_range(x, low, high), |x, y| Zero }
    /// max(x, 0); the derivative at 0 is 0.
    Relu { Activation("relu", 0), each |x| k::relu(x), |x, y| x.map(&F::ReluDerivative) }
    /// 1 where x > 0, else 0.
    ReluDerivative { Activation("relu", 1), each |x| k::relu_derivative(x), |x, y| Zero }
    /// x where x > 0, else slope · x.
    LeakyRelu(slope: T) { Activation("leaky_relu", 0), each |x| k::leaky_relu(x, slope), |x, y| x.map(&F::LeakyReluDerivative(slope)) }
    /// 1 where x > 0, else the slope.
    LeakyReluDerivative(slope: T) { Activation("leaky_relu", 1), each |x| k::leaky_relu_derivative(x, slope), |x, y| Zero }
    /// x where x > 0, else α(eˣ − 1).
    Elu(alpha: T) { Activation("elu", 0), slices elu_into(alpha), |x, y| x.map(&F::EluDerivative(alpha)); with F::EluDerivative(alpha) => elu_and_derivative_into(alpha) }
    /// 1 where x > 0, else αeˣ.
    EluDerivative(alpha: T) { Activation("elu", 1), slices elu_derivative_into(alpha), |x, y| x.map(&F::EluSecondDerivative(alpha)) }
    /// 0 where x > 0, else αeˣ: also its own derivative.
    EluSecondDerivative(alpha: T) { Activation("elu", 2), slices elu_second_derivative_into(alpha), |x, y| y }
    /// σ(x) = 1/(1 + e^(−x)).
    Sigmoid { Activation("σ", 0), slices sigmoid_into, |x, y| x.map(&F::SigmoidDerivative); with F::SigmoidDerivative => sigmoid_and_derivative_into }
    /// σ′(x) = σ(x)·σ(−x); σ″(x) = −σ′(x)·tanh(x/2).
    SigmoidDerivative { Activation("σ", 1), slices sigmoid_derivative_into, |x, y| -(y * (x * T::from_f64(0.5)).tanh()) }
    /// ln σ(x).
    LogSigmoid { Activation("log_sigmoid", 0), slices log_sigmoid_into, |x, y| (-x).sigmoid() }
    /// tanh x.
    Tanh { Activation("tanh", 0), slices tanh_into, |x, y| x.map(&F::TanhDerivative); with F::TanhDerivative => tanh_and_derivative_into }
    /// tanh′ x = 1/cosh² x; tanh″ x = −2·tanh x·tanh′ x.
    TanhDerivative { Activation("tanh", 1), slices tanh_derivative_into, |x, y| x.tanh() * y * T::from_f64(-2.0) }
    /// ln(1 + eˣ).
    Softplus { Activation("softplus", 0), slices softplus_into, |x, y| x.sigmoid(); with F::Sigmoid => softplus_and_derivative_into }
    /// x·σ(x).
    Silu { Activation("silu", 0), slices silu_into, |x, y| x.map(&F::SiluDerivative); with F::SiluDerivative => silu_and_derivative_into }
    /// silu′ x = σ(x) + x·σ′(x).
    SiluDerivative { Activation("silu", 1), slices silu_derivative_into, |x, y| x.map(&F::SiluSecondDerivative) }
    /// silu″ x = σ′(x)·(2 − x·tanh(x/2)).
    SiluSecondDerivative { Activation("silu", 2), slices silu_second_derivative_into, |x, y| silu_third(x) }
    /// x·σ(2u), u = √(2/π)·(x + 0.044715x³): the tanh form of gelu.
    GeluTanh { Activation("gelu_tanh", 0), each |x| k::gelu_tanh(x), |x, y| x.map(&F::GeluTanhDerivative) }
    /// The derivative of gelu's tanh form.
    GeluTanhDerivative { Activation("gelu_tanh", 1), each |x| k::gelu_tanh_derivative(x), |x, y| x.map(&F::GeluTanhSecondDerivative) }
    /// The second derivative of gelu's tanh form.
    GeluTanhSecondDerivative { Activation("gelu_tanh", 2), each |x| k::gelu_tanh_second_derivative(x), |x, y| gelu_tanh_third(x) }
    /// x·Φ(x), Φ the normal distribution: gelu.
    Gelu { Activation("gelu", 0), each |x| k::gelu_erf(x), |x, y| x.map(&F::GeluDerivative) }
    /// gelu′ x = Φ(x) + x·φ(x).
    GeluDerivative { Activation("gelu", 1), each |x| k::gelu_erf_derivative(x), |x, y| x.map(&F::GeluHigher(0)) }
    /// The derivative of order 2 + k of gelu: (−1)ᵏ·(Heₖ(x) − Heₖ₊₂(x))·φ(x), He Hermite's
    /// polynomials; gelu″ x = (2 − x²)·φ(x).
    GeluHigher(k: u32) { Higher("gelu", 2), each |x| k::gelu_erf_higher(x, k), |x, y| x.map(&F::GeluHigher(k.saturating_add(1))) }
    /// φ(x) = e^(−x²/2)/√(2π).
    NormalPdf { Call("φ"), each |x| k::normal_pdf(x), |x, y| x.map(&F::NormalPdfHigher(0)) }
    /// The derivative of order 1 + k of φ: (−1)¹⁺ᵏ·He₁₊ₖ(x)·φ(x); φ′(x) = −x·φ(x).
    NormalPdfHigher(k: u32) { Higher("φ", 1), each |x| k::normal_pdf_higher(x, k), |x, y| x.map(&F::NormalPdfHigher(k.saturating_add(1))) }
}

use crate::ops::zip::IntoOperand;

/// x to the power before p, as it is written by hand: 1, x, x², else what `power` makes of p − 1.
#[track_caller]
fn below<'t, T: Scalar>(x: Var<'t, T>, p: T, power: impl FnOnce(Var<'t, T>, T) -> Var<'t, T>) -> Var<'t, T> {
    match p - T::ONE {
        q if q == T::ZERO => x.tape.scalar(T::ONE),
        q if q == T::ONE => x,
        q if q == T::from_f64(2.0) => x.square(),
        q => power(x, q),
    }
}

/// silu‴ x = σ′(x)·(x·(1 − 6σ′(x)) − 3·tanh(x/2)).
fn silu_third<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
    let number = T::from_f64;
    // Beyond ±1000 σ′ is 0; the clamp keeps ∞ · 0 away.
    let x = x.clamp(number(-1000.0), number(1000.0));
    let slope = x.map(&F::SigmoidDerivative);
    let one = T::ONE.into_operand(x);
    slope * (x * (one - slope * number(6.0)) - (x * number(0.5)).tanh() * number(3.0))
}

/// The third derivative of x·σ(v), v = 2√(2/π)·(x + 0.044715x³):
/// 3σ″v′² + 3σ′v″ + x·(σ‴v′³ + 3σ″v′v″ + σ′v‴), all at v.
fn gelu_tanh_third<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
    let number = T::from_f64;
    let c = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    let cubic = 0.044715;
    // Beyond ±30 every term is below the least positive number; the clamp keeps ∞ · 0 away.
    let x = x.clamp(number(-30.0), number(30.0));
    let v = (x + x.powi(3) * number(cubic)) * number(c);
    let (v1, v2, v3) = (
        (x.square() * number(3.0 * cubic) + number(1.0)) * number(c),
        x * number(6.0 * cubic * c),
        6.0 * cubic * c,
    );
    let t = (v * number(0.5)).tanh();
    let s1 = v.map(&F::SigmoidDerivative);
    let s2 = -(s1 * t);
    let s3 = s1 * t.square() - s1.square() * number(2.0);
    (s2 * v1.square() + s1 * v2) * number(3.0)
        + x * (s3 * v1.powi(3) + s2 * v1 * v2 * number(3.0) + s1 * number(v3))
}

/// A function of the user's own, with its derivative; made by [`Function::new`].
///
/// Two of them are equal if they are clones of one.
#[derive(Clone)]
pub struct UserFunction<T: Scalar> {
    /// Its address is what two functions are compared by.
    parts: Arc<UserParts<T>>,
    /// The function that this is a derivative of, and the number of ′ to print after that one's
    /// name. It belongs to the handle: to give a function a derivative changes nothing of that
    /// derivative, however long its own chain is.
    derivative_of: Option<Arc<(Arc<str>, usize)>>,
}

struct UserParts<T: Scalar> {
    name: Arc<str>,
    value: Arc<dyn Fn(T) -> T + Send + Sync>,
    derivative: UserDerivative<T>,
}

type DerivativeOf<T> = Arc<dyn Fn(&Function<T>) -> Function<T> + Send + Sync>;

enum UserDerivative<T: Scalar> {
    None,
    Function(Function<T>),
    /// Made when it is asked for, from the function itself: for derivatives that go on without end.
    OfItself(DerivativeOf<T>),
}

impl<T: Scalar> UserDerivative<T> {
    /// The derivative of the derivative, taken out of it if nobody else holds it.
    fn into_next(self) -> Self {
        let UserDerivative::Function(Function::User(user)) = self else { return UserDerivative::None };
        match Arc::into_inner(user.parts) {
            Some(mut parts) => mem::replace(&mut parts.derivative, UserDerivative::None),
            None => UserDerivative::None,
        }
    }
}

/// Drops a chain of derivatives link by link: it may be longer than the stack is deep.
impl<T: Scalar> Drop for UserParts<T> {
    fn drop(&mut self) {
        let mut next = mem::replace(&mut self.derivative, UserDerivative::None);
        while let UserDerivative::Function(Function::User(_)) = next {
            next = next.into_next();
        }
    }
}

impl<T: Scalar> PartialEq for UserFunction<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }
}

impl<T: Scalar> Eq for UserFunction<T> {}

impl<T: Scalar> Hash for UserFunction<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.parts).hash(state);
    }
}

impl<T: Scalar> fmt::Debug for UserFunction<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserFunction({:?})", self.parts.name)
    }
}

impl<T: Scalar> UserFunction<T> {
    /// The name to print, and how many ′ after it.
    fn printed(&self) -> (&Arc<str>, usize) {
        match &self.derivative_of {
            Some(of) => (&of.0, of.1),
            None => (&self.parts.name, 0),
        }
    }

    fn notation(&self) -> Notation {
        let (name, primes) = self.printed();
        Notation::Activation { name: name.to_string(), primes }
    }

    /// The derivative that was given, printed as a derivative of what this one is printed as.
    fn printed_derivative(&self, derivative: &Function<T>) -> Function<T> {
        let Function::User(user) = derivative else { return derivative.clone() };
        let (of, primes) = self.printed();
        let derivative_of = Some(Arc::new((of.clone(), primes + 1)));
        Function::User(UserFunction { parts: user.parts.clone(), derivative_of })
    }

    #[track_caller]
    fn derivative_at<'t>(&self, x: Var<'t, T>) -> Derivative<'t, T> {
        match &self.parts.derivative {
            UserDerivative::None => Derivative::Missing(self.parts.name.to_string()),
            UserDerivative::Function(derivative) => x.map(&self.printed_derivative(derivative)).into(),
            UserDerivative::OfItself(make) => {
                let g = Function::User(self.clone());
                // Once a tape: a function made anew would be another entry.
                let made = x.tape.made.borrow().get(&g).cloned();
                let derivative = made.unwrap_or_else(|| {
                    let derivative = made_of(&g, make);
                    x.tape.made.borrow_mut().insert(g, derivative.clone());
                    derivative
                });
                x.map(&derivative).into()
            }
        }
    }
}

thread_local! {
    /// How many derivatives this thread is making, each for the one before.
    static IN_THE_MAKING: Cell<usize> = const { Cell::new(0) };
}

/// The derivative that `make` makes of `g`.
///
/// # Panics
/// If it asks for a derivative that is to be made, which asks for another, and so on, more than 64
/// deep.
fn made_of<T: Scalar>(g: &Function<T>, make: &DerivativeOf<T>) -> Function<T> {
    const DEEPEST: usize = 64;
    /// Counts down where the user's function panics, too.
    struct Making;
    impl Drop for Making {
        fn drop(&mut self) {
            IN_THE_MAKING.set(IN_THE_MAKING.get() - 1);
        }
    }
    let depth = IN_THE_MAKING.get();
    assert!(
        depth < DEEPEST,
        "the derivative of {}, which is made when it is asked for, needs itself or other such derivatives without end",
        printable(&g.name())
    );
    IN_THE_MAKING.set(depth + 1);
    let _making = Making;
    make(g)
}

impl<T: Scalar> Function<T> {
    /// A function of the user's own.
    ///
    /// It has no derivative until [`with_derivative`](Function::with_derivative) gives it one.
    pub fn new(name: impl Into<String>, value: impl Fn(T) -> T + Send + Sync + 'static) -> Self {
        let name = name.into().into();
        Function::of_the_user(UserParts { name, value: Arc::new(value), derivative: UserDerivative::None })
    }

    /// The same function with a derivative, which is again a function: a built-in one or another of
    /// the user's.
    ///
    /// A chain of derivatives may be as long as the memory allows.
    ///
    /// # Panics
    /// If `self` is a built-in function: those know their derivatives.
    #[must_use]
    pub fn with_derivative(self, derivative: Function<T>) -> Self {
        self.differentiated(UserDerivative::Function(derivative))
    }

    /// The same function with a derivative that is made from the function itself when it is asked
    /// for.
    ///
    /// ```
    /// use tape::{Function, Tape, matrix};
    /// let my_exp = Function::new("my_exp", f64::exp).with_derivative_of_itself(|exp| exp.clone());
    /// let tape = Tape::new();
    /// let x = tape.parameter("x", &matrix![[1.0]]);
    /// let y = x.map(&my_exp);
    /// assert!(y.gradients([x]) == [y]);
    /// ```
    ///
    /// # Panics
    /// If `self` is a built-in function: those know their derivatives. Where the derivative is
    /// asked for, if making it asks for itself: `with_derivative_of_itself(|f|
    /// f.given_derivative().unwrap())` defines nothing.
    #[must_use]
    pub fn with_derivative_of_itself(
        self,
        derivative: impl Fn(&Function<T>) -> Function<T> + Send + Sync + 'static,
    ) -> Self {
        self.differentiated(UserDerivative::OfItself(Arc::new(derivative)))
    }

    /// The derivative that a function of the user's was given; `None` for built-in functions, whose
    /// derivatives are expressions.
    ///
    /// # Panics
    /// If the derivative is made when it is asked for, and making it asks for itself.
    pub fn given_derivative(&self) -> Option<Function<T>> {
        T::function_given_derivative(self)
    }

    pub(crate) fn given_derivative_here(&self) -> Option<Function<T>> {
        match self {
            Function::User(user) => match &user.parts.derivative {
                UserDerivative::None => None,
                UserDerivative::Function(derivative) => Some(user.printed_derivative(derivative)),
                UserDerivative::OfItself(make) => Some(made_of(self, make)),
            },
            _ => None,
        }
    }

    fn of_the_user(parts: UserParts<T>) -> Self {
        Function::User(UserFunction { parts: Arc::new(parts), derivative_of: None })
    }

    fn differentiated(self, derivative: UserDerivative<T>) -> Self {
        let Function::User(user) = &self else { panic!("{} knows its derivative", self.name()) };
        let (name, value) = (user.parts.name.clone(), user.parts.value.clone());
        let parts = Arc::new(UserParts { name, value, derivative });
        Function::User(UserFunction { parts, derivative_of: user.derivative_of.clone() })
    }
}

impl<T: Scalar> PartialEq for Function<T> {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.parameters() == other.parameters()
    }
}

impl<T: Scalar> Eq for Function<T> {}

impl<T: Scalar> Hash for Function<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind(), self.parameters()).hash(state);
    }
}

/// g(A), elementwise.
#[derive(Debug, Clone)]
pub(crate) struct Map<T: Scalar>(pub(crate) Function<T>);

equal_by!(Map: 0);

impl<T: Scalar> Operation<T> for Map<T> {
    fn name(&self) -> Cow<'_, str> {
        self.0.name()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match self.0 {
            _ if !self.0.has_numbers() => Err(Mismatch::new("a parameter of the function is NaN")),
            F::Clamp(low, high) | F::ClampDerivative(low, high) if low > high => {
                Err(Mismatch::new(format!("the lower limit {low} is above the upper limit {high}"))
                    .hint("did you exchange them?"))
            }
            _ => Ok(operands[0]),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.section(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    /// ∂/∂Z = G ⊙ g′(Z), eq. 10 for every element.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [z] = at.operands();
        match self.0.derivative_at(z, at.output()) {
            Derivative::Is(derivative) => at.contribute_elementwise(0, |g| g * derivative),
            Derivative::Zero => at.zero(0),
            Derivative::Missing(name) => at.missing(0, &name),
        }
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        self.0.notation()
    }
}

impl<T: Scalar> Described<T> for Map<T> {
    fn parameters(&self) -> Parameters<T> {
        self.0.described()
    }
    fn of_parameters(given: &mut Given<T>) -> Result<Self, String> {
        Function::of_description(given).map(Map)
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 1
    }
}

impl<T: Scalar> Elementwise<T> for Map<T> {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        self.0.apply(x[0], out);
        Ok(())
    }
}

impl<T: Scalar> Paired<T> for Map<T> {
    fn derivative(&self) -> Option<Op<T>> {
        self.0.paired_derivative().map(|derivative| Map(derivative).into())
    }
    fn section_with_derivative(&self, x: &[&[T]], out: &mut [T], derivative: &mut [T]) -> Result<(), Fault> {
        self.0.apply_with_derivative(x[0], out, derivative);
        Ok(())
    }
}

/// # Functions of one number
impl<'t, T: Scalar> Var<'t, T> {
    /// g(A), elementwise.
    #[track_caller]
    pub fn map(self, function: &Function<T>) -> Self {
        T::var_map(self, function)
    }

    #[track_caller]
    pub(crate) fn map_here(self, function: &Function<T>) -> Self {
        self.tape.push(Map(function.clone()), &[self])
    }

    /// g′(A), elementwise, as differentiation records it: for writing a closed form by hand.
    ///
    /// For g = identity it is the number 1.
    #[track_caller]
    pub fn map_derivative(self, function: &Function<T>) -> Self {
        T::var_map_derivative(self, function)
    }

    #[track_caller]
    pub(crate) fn map_derivative_here(self, function: &Function<T>) -> Self {
        let y = self.map(function);
        if y.is_void() {
            return y;
        }
        match function.derivative_at(self, y) {
            Derivative::Is(derivative) => derivative,
            Derivative::Zero => self.tape.scalar(T::ZERO),
            Derivative::Missing(function) => {
                let at = self.tape.place();
                self.tape.mistake(crate::Error::MissingDerivative { function, operand: 0, at })
            }
        }
    }

    /// A to the power of a number, elementwise; for a whole number see [`powi`](Var::powi).
    #[track_caller]
    pub fn powf(self, power: T) -> Self {
        self.map(&F::Power(power))
    }

    /// A to a whole power, elementwise.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f32>::new();
    /// let x = tape.parameter("x", &matrix![[-1.0, 2.0]]);
    /// assert_eq!(x.powi(3).value()?, matrix![[-1.0, 8.0]]);
    /// assert_eq!(x.powi(16_777_217).value()?[(0, 0)], -1.0); // an odd number that f32 has not
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn powi(self, power: i32) -> Self {
        self.map(&F::WholePower(power.into()))
    }

    /// 1 ⊘ A.
    #[track_caller]
    pub fn reciprocal(self) -> Self {
        T::ONE.into_operand(self) / self
    }

    /// A limited to [low, high]; NaN stays NaN. The derivative is 1 at the limits themselves. A lower
    /// limit above the upper one, or a limit that is NaN, is an error.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[-2.0, 0.5]]);
    /// assert_eq!(x.clamp(-1.0, 1.0).value()?, matrix![[-1.0, 0.5]]);
    /// assert!(x.clamp(1.0, -1.0).sound().is_err());
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn clamp(self, low: T, high: T) -> Self {
        self.map(&F::Clamp(low, high))
    }

    /// Leaky relu: a where a > 0, else slope · a.
    #[track_caller]
    pub fn leaky_relu(self, slope: T) -> Self {
        self.map(&F::LeakyRelu(slope))
    }

    /// Exponential linear unit: a where a > 0, else α(eᵃ − 1).
    #[track_caller]
    pub fn elu(self, alpha: T) -> Self {
        self.map(&F::Elu(alpha))
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $name:ident)*) => {
        impl<T: Scalar> Var<'_, T> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $method(self) -> Self {
                self.map(&F::$name)
            })*
        }
    };
}

methods! {
    /// A itself, as an entry of its own: the linear activation.
    identity Identity
    /// e to the power of each element.
    exp Exp
    /// The natural logarithm.
    ln Ln
    /// ln(1 + a), accurate near 0.
    ln_1p Ln1p
    /// eᵃ − 1, accurate near 0.
    exp_m1 ExpM1
    /// The square root.
    sqrt Sqrt
    /// The square.
    square Square
    /// The sine.
    sin Sin
    /// The cosine.
    cos Cos
    /// The absolute value; its derivative at 0 is 0.
    abs Abs
    /// −1, 0 or 1, the sign.
    sign Sign
    /// The error function.
    erf Erf
    /// Rectified linear unit max(a, 0); its derivative at 0 is 0.
    relu Relu
    /// The logistic function σ(a) = 1/(1 + e⁻ᵃ).
    sigmoid Sigmoid
    /// ln σ(a), accurate at both ends.
    log_sigmoid LogSigmoid
    /// The hyperbolic tangent.
    tanh Tanh
    /// ln(1 + eᵃ), accurate at both ends.
    softplus Softplus
    /// a·σ(a).
    silu Silu
    /// Gelu a·Φ(a), by the error function.
    gelu Gelu
    /// Gelu's tanh form a·σ(2u), u = √(2/π)·(a + 0.044715a³).
    gelu_tanh GeluTanh
}
