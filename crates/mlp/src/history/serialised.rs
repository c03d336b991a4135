//! Losses, and early stopping, in the middle of a training too, as serde has them.

use serde::{Deserialize, Serialize};

use super::{EarlyStopping, MOST_STEPS};
use crate::serialised::Number;
use crate::{Error, Result};

#[derive(Serialize, Deserialize)]
#[serde(rename = "EarlyStopping", deny_unknown_fields)]
pub(super) struct Form {
    patience: usize,
    min_delta: f64,
    observed: usize,
    best: Option<(usize, Number)>,
}

impl From<EarlyStopping> for Form {
    fn from(EarlyStopping { patience, min_delta, observed, best }: EarlyStopping) -> Self {
        Form { patience, min_delta, observed, best: best.map(|(epoch, loss)| (epoch, Number(loss))) }
    }
}

impl TryFrom<Form> for EarlyStopping {
    type Error = Error;

    fn try_from(Form { patience, min_delta, observed, best }: Form) -> Result<Self> {
        let stopping = EarlyStopping::new(patience, min_delta)?;
        match best {
            // It is to go on growing.
            _ if observed as u64 > MOST_STEPS => {
                Err(wrong("the number of epochs observed", observed as f64, "at most 2⁵³"))
            }
            Some((epoch, _)) if epoch >= observed => {
                Err(wrong("the best epoch", epoch as f64, "one that was observed"))
            }
            Some((_, Number(loss))) if loss.is_nan() => Err(wrong("the best loss", loss, "a number")),
            Some((epoch, Number(loss))) => {
                Ok(EarlyStopping { observed, best: Some((epoch, loss)), ..stopping })
            }
            None => Ok(EarlyStopping { observed, ..stopping }),
        }
    }
}

fn wrong(name: &'static str, value: f64, expected: &'static str) -> Error {
    Error::Hyperparameter { name, value, expected }
}

/// For a field: a [`Number`], if there is one.
pub(super) mod number_or_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::serialised::Number;

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Number>::deserialize(deserializer)?.map(|Number(value)| value))
    }
}
