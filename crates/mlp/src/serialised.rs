//! What serde reads and writes by another form than its fields: by name, or by a constructor that
//! looks at what is read.

use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::files::{CUSTOM, text_of};
use crate::{Activation, Error, Init, Loss, Result, Scalar, Standardizer};

/// By the name, which is parsed back.
macro_rules! by_name {
    ($($Type:ty)*) => {
        $(
            impl Serialize for $Type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.name())
                }
            }

            impl<'de> Deserialize<'de> for $Type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                }
            }
        )*
    };
}

by_name! { Loss Init }

/// By its name with its parameter, as text. Fails for a function of the user's own.
impl<T: Scalar> Serialize for Activation<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = text_of(self);
        if text.starts_with(CUSTOM) {
            let reason = format!("activation {} is a function of the user's own", self.name());
            return Err(ser::Error::custom(reason));
        }
        serializer.serialize_str(&text)
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Activation<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Standardizer", deny_unknown_fields)]
pub(crate) struct Moments {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl<T: Scalar> From<Standardizer<T>> for Moments {
    fn from(standardizer: Standardizer<T>) -> Self {
        let (mean, scale) = standardizer.moments().iter().copied().unzip();
        Moments { mean, scale }
    }
}

impl<T: Scalar> TryFrom<Moments> for Standardizer<T> {
    type Error = Error;

    fn try_from(Moments { mean, scale }: Moments) -> Result<Self> {
        if mean.len() != scale.len() {
            return Err(Error::Length { list: "scale", expected: mean.len(), found: scale.len() });
        }
        Standardizer::of_moments(mean.into_iter().zip(scale).collect())
    }
}

/// Any number, also one that JSON has no number for: there it is a text, `inf`, `-inf` or `NaN`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Formats that are not for people have all numbers.
        if self.0.is_finite() || !serializer.is_human_readable() {
            return serializer.serialize_f64(self.0);
        }
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NumberOrText)
        } else {
            f64::deserialize(deserializer).map(Number)
        }
    }
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"inf\", \"-inf\" or \"NaN\"")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        let numbers = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let number = numbers.into_iter().find(|number| number.to_string() == text);
        number.map(Number).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// For a field: a [`Number`].
pub(crate) mod number {
    use super::{Deserialize, Deserializer, Number, Result, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Number(*value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Number::deserialize(deserializer).map(|Number(value)| value)
    }
}
