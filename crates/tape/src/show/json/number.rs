//! Numbers that keep their bits.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::Scalar;
use crate::tape::describe::{exactly, special, word_of_special};

/// A number of a matrix or an operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<T>(pub(super) T);

impl<T: Scalar> Serialize for Number<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.is_finite() {
            true => serializer.serialize_f64(self.0.to_f64()),
            false => serializer.serialize_str(&word_of_special(self.0)),
        }
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneNumber(std::marker::PhantomData))
    }
}

struct OneNumber<T>(std::marker::PhantomData<T>);

impl<T: Scalar> Visitor<'_> for OneNumber<T> {
    type Value = Number<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number of {}, \"inf\", \"-inf\" or \"NaN\" with its bits", T::NAME)
    }
    fn visit_f64<E: Error>(self, x: f64) -> Result<Number<T>, E> {
        let number = exactly(x).ok_or_else(|| E::custom(format!("{x:e} is no number of {}", T::NAME)))?;
        Ok(Number(number))
    }
    fn visit_u64<E: Error>(self, n: u64) -> Result<Number<T>, E> {
        match n as f64 {
            x if x as u128 == u128::from(n) => self.visit_f64(x),
            _ => Err(E::custom(format!("{n} is no number of {}", T::NAME))),
        }
    }
    fn visit_i64<E: Error>(self, n: i64) -> Result<Number<T>, E> {
        match n as f64 {
            x if x as i128 == i128::from(n) => self.visit_f64(x),
            _ => Err(E::custom(format!("{n} is no number of {}", T::NAME))),
        }
    }
    fn visit_str<E: Error>(self, word: &str) -> Result<Number<T>, E> {
        special(word).map(Number).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(word), &self))
    }
}
