//! A confusion matrix as serde has it: names, counts row by row, and weights if there are any.

use serde::{Deserialize, Serialize};

use super::ConfusionMatrix;
use crate::sum::sum;
use crate::{Error, Result};

#[derive(Serialize, Deserialize)]
#[serde(rename = "ConfusionMatrix", deny_unknown_fields)]
pub(super) struct Form {
    names: Vec<String>,
    /// A row for every actual class, with a count for every predicted one.
    counts: Vec<Vec<usize>>,
    /// The same with the examples' weights, if they have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<Vec<Vec<f64>>>,
}

impl From<ConfusionMatrix> for Form {
    fn from(confusion: ConfusionMatrix) -> Self {
        let n = confusion.classes();
        let counts = confusion.counts.chunks(n.max(1)).map(<[usize]>::to_vec).collect();
        let is_weighted = confusion.weights.iter().zip(&confusion.counts).any(|(w, &n)| *w != n as f64);
        let weights = confusion.weights.chunks(n.max(1)).map(<[f64]>::to_vec);
        Form { names: confusion.names, counts, weights: is_weighted.then(|| weights.collect()) }
    }
}

impl TryFrom<Form> for ConfusionMatrix {
    type Error = Error;

    fn try_from(Form { names, counts, weights }: Form) -> Result<Self> {
        let expected = names.len();
        let lengths = std::iter::once(counts.len()).chain(counts.iter().map(Vec::len));
        let of_weights =
            weights.iter().flat_map(|rows| std::iter::once(rows.len()).chain(rows.iter().map(Vec::len)));
        let lengths = lengths.chain(of_weights);
        if let Some(found) = lengths.into_iter().find(|&length| length != expected) {
            return Err(Error::Length { list: "counts of the classes", expected, found });
        }
        let counts = counts.concat();
        if counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count)).is_none() {
            let what = "the examples of a confusion matrix".to_string();
            return Err(Error::Memory { what, bytes: u128::MAX });
        }
        let weights = match weights {
            Some(rows) => rows.concat(),
            None => counts.iter().map(|&count| count as f64).collect(),
        };
        if let Some(example) = weights.iter().position(|weight| !(*weight >= 0.0 && weight.is_finite())) {
            return Err(Error::Weight { value: weights[example], example });
        }
        let sum = sum(0..weights.len(), &|k| weights[k]);
        if !sum.is_finite() {
            return Err(Error::WeightSum { sum });
        }
        Ok(ConfusionMatrix { names, counts, weights })
    }
}
