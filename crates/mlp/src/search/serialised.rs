//! Tables of a search as serde has them: nothing comes back that no search can give.

use std::cmp::Ordering;
use std::fmt;

use indexmap::IndexMap;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::candidate::check_values;
use super::{Candidate, FoldScores, SearchRow, SearchTable, Value};
use crate::serialised::Number;
use crate::{Error, Result};

/// By name, in the order of the search.
impl Serialize for Candidate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.values())
    }
}

impl<'de> Deserialize<'de> for Candidate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Candidate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values of hyperparameters by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Candidate, A::Error> {
        // As many as there are, whatever is announced.
        let mut values: IndexMap<String, Value> = IndexMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            check_values(&name, std::slice::from_ref(&value)).map_err(de::Error::custom)?;
            if values.contains_key(&name) {
                return Err(de::Error::custom(Error::Space { name, reason: "stands twice" }));
            }
            values.insert(name, value);
        }
        Ok(values.into_iter().collect())
    }
}

impl TryFrom<Vec<Number>> for FoldScores {
    type Error = Error;

    fn try_from(values: Vec<Number>) -> Result<Self> {
        FoldScores::new(values.into_iter().map(|Number(value)| value).collect())
    }
}

impl From<FoldScores> for Vec<Number> {
    fn from(scores: FoldScores) -> Self {
        scores.values().iter().copied().map(Number).collect()
    }
}

/// A row: an error is kept in its words.
#[derive(Serialize, Deserialize)]
#[serde(rename = "SearchRow", deny_unknown_fields)]
pub(super) struct Row {
    candidate: Candidate,
    scores: Scores,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Scores {
    Folds(FoldScores),
    Error { fold: Option<usize>, text: String },
}

impl From<SearchRow> for Row {
    fn from(SearchRow { candidate, scores }: SearchRow) -> Self {
        let scores = match scores {
            Ok(scores) => Scores::Folds(scores),
            Err(Error::Fold { fold, error }) => Scores::Error { fold: Some(fold), text: error.to_string() },
            Err(error) => Scores::Error { fold: None, text: error.to_string() },
        };
        Row { candidate, scores }
    }
}

impl From<Row> for SearchRow {
    fn from(Row { candidate, scores }: Row) -> Self {
        let scores = match scores {
            Scores::Folds(scores) => Ok(scores),
            Scores::Error { fold: Some(fold), text } => {
                Err(Error::Fold { fold, error: Box::new(Error::Told { text }) })
            }
            Scores::Error { fold: None, text } => Err(Error::Told { text }),
        };
        SearchRow { candidate, scores }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "SearchTable", deny_unknown_fields)]
pub(super) struct Form {
    rows: Vec<SearchRow>,
}

impl From<SearchTable> for Form {
    fn from(table: SearchTable) -> Self {
        Form { rows: table.rows }
    }
}

impl TryFrom<Form> for SearchTable {
    type Error = Error;

    fn try_from(Form { rows }: Form) -> Result<Self> {
        let wrong = |reason| Err(Error::SearchTable { reason });
        let mut pairs = rows.windows(2);
        if pairs.any(|pair| !pair[0].candidate.values().keys().eq(pair[1].candidate.values().keys())) {
            return wrong("its candidates have other hyperparameters than each other");
        }
        let scores = rows.iter().map_while(|row| row.scores.as_ref().ok());
        let scores: Vec<&FoldScores> = scores.collect();
        if rows[scores.len()..].iter().any(|row| row.scores.is_ok()) {
            return wrong("a candidate with an error stands before one without");
        }
        if scores.windows(2).any(|pair| pair[0].values().len() != pair[1].values().len()) {
            return wrong("its candidates were not evaluated on as many folds");
        }
        let orders = || scores.windows(2).map(|pair| pair[0].mean().total_cmp(&pair[1].mean()));
        if orders().any(Ordering::is_lt) && orders().any(Ordering::is_gt) {
            return wrong("its means are in no order");
        }
        Ok(SearchTable { rows })
    }
}
