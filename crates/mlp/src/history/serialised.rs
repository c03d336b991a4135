//! Early stopping as serde has it, in the middle of a training too.

use serde::{Deserialize, Serialize};

use super::EarlyStopping;
use crate::{Error, Result};

#[derive(Serialize, Deserialize)]
#[serde(rename = "EarlyStopping", deny_unknown_fields)]
pub(super) struct Form {
    patience: usize,
    min_delta: f64,
    observed: usize,
    best: Option<(usize, f64)>,
}

impl From<EarlyStopping> for Form {
    fn from(EarlyStopping { patience, min_delta, observed, best }: EarlyStopping) -> Self {
        Form { patience, min_delta, observed, best }
    }
}

impl TryFrom<Form> for EarlyStopping {
    type Error = Error;

    fn try_from(Form { patience, min_delta, observed, best }: Form) -> Result<Self> {
        let stopping = EarlyStopping::new(patience, min_delta)?;
        match best {
            Some((epoch, _)) if epoch >= observed => {
                Err(wrong("the best epoch", epoch as f64, "one that was observed"))
            }
            Some((_, loss)) if loss.is_nan() => Err(wrong("the best loss", loss, "a number")),
            Some(_) | None => Ok(EarlyStopping { observed, best, ..stopping }),
        }
    }
}

fn wrong(name: &'static str, value: f64, expected: &'static str) -> Error {
    Error::Hyperparameter { name, value, expected }
}
