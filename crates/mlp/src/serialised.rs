//! What serde reads and writes by another form than its fields: by name, or by a constructor that
//! looks at what is read.

use std::borrow::Cow;

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
