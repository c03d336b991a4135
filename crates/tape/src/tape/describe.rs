//! An operation in words and numbers: its parameters by name, and the operation that is made of
//! them again.
//!
//! Each operation is described where its rule stands. One without a description does not compile.

use std::borrow::Cow;
use std::fmt;

use crate::error::printable;
use crate::{Dim, Over, Scalar, Shape};

/// A parameter of an operation, as [`Entry::parameters`](crate::Entry::parameters) tells it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Parameter<T> {
    /// A whole number: a power, an order, the end of a range.
    Whole(i128),
    /// A number of the tape's type.
    Number(T),
    /// One of some words, as `"rows"`.
    Word(Cow<'static, str>),
    /// A shape.
    Shape(Shape),
}

/// `2`, `0.5`, `rows`, `3×m`.
impl<T: Scalar> fmt::Display for Parameter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Parameter::Whole(n) => write!(f, "{n}"),
            Parameter::Number(x) => write!(f, "{x}"),
            Parameter::Word(word) => f.write_str(word),
            Parameter::Shape(shape) => write!(f, "{shape}"),
        }
    }
}

/// Names and values of an operation's parameters.
pub(crate) type Parameters<T> = Vec<(&'static str, Parameter<T>)>;

/// An operation that is known by its parameters.
#[cfg_attr(not(feature = "json"), allow(dead_code))] // half of it is for reading
pub(crate) trait Described<T: Scalar>: Sized {
    /// Its parameters.
    fn parameters(&self) -> Parameters<T>;

    /// The operation with these parameters, or what is wrong with them.
    fn of_parameters(given: &mut Given<T>) -> Result<Self, String>;

    /// Whether it can be on so many operands: a shape rule counts on that.
    fn takes(&self, operands: usize) -> bool;
}

/// What an operation has as a parameter.
#[cfg_attr(not(feature = "json"), allow(dead_code))]
pub(crate) trait InWords<T>: Sized {
    fn to_parameter(&self) -> Parameter<T>;
    /// `None` for what is no such value.
    fn of_parameter(parameter: Parameter<T>) -> Option<Self>;
}

/// The parameters that were given, of which an operation takes its own.
#[derive(Debug)]
#[cfg_attr(not(feature = "json"), allow(dead_code))]
pub(crate) struct Given<T>(pub(crate) Vec<(String, Parameter<T>)>);

#[cfg_attr(not(feature = "json"), allow(dead_code))]
impl<T: Scalar> Given<T> {
    /// Takes the parameter of this name.
    pub(crate) fn take<V: InWords<T>>(&mut self, name: &str) -> Result<V, String> {
        let Some(at) = self.0.iter().position(|(given, _)| given == name) else {
            return Err(format!("it has no parameter {name}"));
        };
        let parameter = self.0.swap_remove(at).1;
        V::of_parameter(parameter.clone())
            .ok_or_else(|| format!("its parameter {name} cannot be {}", printable(&parameter.to_string())))
    }

    /// Whether all of them were taken.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("it knows no parameter {name}")),
        }
    }
}

/// Describes an operation by its fields, each under a name; before them stands the number of its
/// operands, as a pattern.
macro_rules! described {
    ($($Type:ident [$operands:pat] { $($field:tt: $name:literal),* })*) => {$(
        impl<T: crate::Scalar> crate::tape::describe::Described<T> for $Type {
            fn parameters(&self) -> crate::tape::describe::Parameters<T> {
                vec![$(($name, crate::tape::describe::InWords::to_parameter(&self.$field)),)*]
            }
            #[allow(unused_variables)] // without fields, nothing is taken
            fn of_parameters(given: &mut crate::tape::describe::Given<T>) -> Result<Self, String> {
                Ok($Type { $($field: given.take($name)?),* })
            }
            fn takes(&self, operands: usize) -> bool {
                matches!(operands, $operands)
            }
        }
    )*};
}
pub(crate) use described;

/// A word for each variant.
macro_rules! words {
    ($Type:ident { $($variant:ident $word:literal),* }) => {
        impl<T> crate::tape::describe::InWords<T> for $Type {
            fn to_parameter(&self) -> crate::tape::describe::Parameter<T> {
                crate::tape::describe::Parameter::Word(match self { $($Type::$variant => $word.into(),)* })
            }
            fn of_parameter(parameter: crate::tape::describe::Parameter<T>) -> Option<Self> {
                match parameter {
                    $(crate::tape::describe::Parameter::Word(word) if word == $word => Some($Type::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use words;

words!(Over { Rows "rows", Columns "columns", All "all" });

impl<T> InWords<T> for bool {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Word(if *self { "yes" } else { "no" }.into())
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        match parameter {
            Parameter::Word(word) if word == "yes" => Some(true),
            Parameter::Word(word) if word == "no" => Some(false),
            _ => None,
        }
    }
}

impl<T> InWords<T> for Cow<'static, str> {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Word(self.clone())
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        match parameter {
            Parameter::Word(word) => Some(word),
            _ => None,
        }
    }
}

impl<T: Scalar> InWords<T> for T {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Number(*self)
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        match parameter {
            Parameter::Number(x) => Some(x),
            Parameter::Whole(n) => exactly(n as f64).filter(|x: &T| x.to_f64() as i128 == n),
            Parameter::Word(word) => special(&word),
            Parameter::Shape(_) => None,
        }
    }
}

/// The number of the type that is this one, if it has it.
#[cfg_attr(not(feature = "json"), allow(dead_code))]
pub(crate) fn exactly<T: Scalar>(x: f64) -> Option<T> {
    let number = T::from_f64(x);
    (number.to_f64().to_bits() == x.to_bits()).then_some(number)
}

/// What [`special`] reads again, of a number that JSON does not have.
#[cfg_attr(not(feature = "json"), allow(dead_code))]
pub(crate) fn word_of_special<T: Scalar>(x: T) -> String {
    if x.is_nan() { format!("NaN {:x}", x.bits()) } else { x.to_string() }
}

/// ±∞, or NaN with its bits.
#[cfg_attr(not(feature = "json"), allow(dead_code))]
pub(crate) fn special<T: Scalar>(word: &str) -> Option<T> {
    match word {
        "inf" => Some(T::INFINITY),
        "-inf" => Some(-T::INFINITY),
        _ => {
            let bits = u64::from_str_radix(word.strip_prefix("NaN ")?, 16).ok()?;
            let number = T::of_bits(bits);
            (number.is_nan() && number.bits() == bits).then_some(number)
        }
    }
}

/// How often a function was differentiated, or a power of m, is read up to here: beyond it, a name
/// or a kernel takes more time and memory than there is.
const MOST: u32 = 4096;

impl<T> InWords<T> for u32 {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Whole((*self).into())
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        whole(parameter).filter(|&order| order <= MOST)
    }
}

impl<T> InWords<T> for i32 {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Whole((*self).into())
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        whole(parameter).filter(|power: &i32| power.unsigned_abs() <= MOST)
    }
}

impl<T> InWords<T> for i64 {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Whole((*self).into())
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        whole(parameter)
    }
}

impl<T> InWords<T> for usize {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Whole(*self as i128)
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        whole(parameter)
    }
}

fn whole<T, N: TryFrom<i128>>(parameter: Parameter<T>) -> Option<N> {
    match parameter {
        Parameter::Whole(n) => n.try_into().ok(),
        _ => None,
    }
}

impl<T> InWords<T> for Dim {
    fn to_parameter(&self) -> Parameter<T> {
        match self {
            Dim::Fixed(n) => n.to_parameter(),
            Dim::M | Dim::Multiple(_) => Parameter::Word(self.to_string().into()),
        }
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        match parameter {
            Parameter::Word(word) => Dim::from_word(&word),
            other => whole(other).map(Dim::Fixed),
        }
    }
}

impl<T> InWords<T> for Shape {
    fn to_parameter(&self) -> Parameter<T> {
        Parameter::Shape(*self)
    }
    fn of_parameter(parameter: Parameter<T>) -> Option<Self> {
        match parameter {
            Parameter::Shape(shape) => Some(shape),
            _ => None,
        }
    }
}
