//! What is tried.

use std::fmt;

use indexmap::IndexMap;
use tape::printable;

use crate::text::Short;
use crate::{Error, Result};

/// A value of a hyperparameter.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Value {
    /// A number, such as a rate.
    Number(#[cfg_attr(feature = "serde", serde(with = "crate::serialised::number"))] f64),
    /// A count, such as of neurons.
    Count(usize),
    /// A name, such as of an activation.
    Text(String),
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Value::Count(count)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_string())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => f.pad(&Short(*number).to_string()),
            Value::Count(count) => f.pad(&count.to_string()),
            Value::Text(text) => f.pad(&printable(text)),
        }
    }
}

/// One choice of all hyperparameters, by name.
///
/// ```
/// use mlp::search::{Candidate, Value};
/// let candidate = Candidate::from_iter([("rate", Value::from(0.01)), ("neurons", Value::from(8))]);
/// assert_eq!(candidate.number("rate"), Ok(0.01));
/// assert_eq!(candidate.count("neurons"), Ok(8));
/// assert_eq!(candidate.to_string(), "rate = 0.01, neurons = 8");
/// assert!(candidate.number("decay").is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    values: IndexMap<String, Value>,
}

impl<N: Into<String>> FromIterator<(N, Value)> for Candidate {
    /// Of values with the same name the last one stays.
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(values: I) -> Self {
        Candidate { values: values.into_iter().map(|(name, value)| (name.into(), value)).collect() }
    }
}

impl Candidate {
    /// The values by name, in the order in which the search was told of them.
    pub fn values(&self) -> &IndexMap<String, Value> {
        &self.values
    }

    /// A value that is a number; a count is one too.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no such name; [`Error::Value`] if it is of a text.
    pub fn number(&self, name: &str) -> Result<f64> {
        match self.value(name)? {
            Value::Number(number) => Ok(*number),
            Value::Count(count) => Ok(*count as f64),
            value @ Value::Text(_) => Err(no(name, value, "number")),
        }
    }

    /// A value that is a count.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no such name; [`Error::Value`] if it is of none.
    pub fn count(&self, name: &str) -> Result<usize> {
        match self.value(name)? {
            Value::Count(count) => Ok(*count),
            value @ (Value::Number(_) | Value::Text(_)) => Err(no(name, value, "count")),
        }
    }

    /// A value that is a text.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no such name; [`Error::Value`] if it is of none.
    pub fn text(&self, name: &str) -> Result<&str> {
        match self.value(name)? {
            Value::Text(text) => Ok(text),
            value @ (Value::Number(_) | Value::Count(_)) => Err(no(name, value, "text")),
        }
    }

    fn value(&self, name: &str) -> Result<&Value> {
        self.values.get(name).ok_or_else(|| Error::UnknownName {
            what: "hyperparameter",
            name: name.to_string(),
            known: self.values.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }
}

fn no(name: &str, value: &Value, expected: &'static str) -> Error {
    Error::Value { name: name.to_string(), value: value.to_string(), expected }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, (name, value)) in self.values.iter().enumerate() {
            let comma = if k > 0 { ", " } else { "" };
            write!(f, "{comma}{} = {value}", printable(name))?;
        }
        Ok(())
    }
}

/// Whether a search can have hyperparameters of these names.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut known: Vec<&String> = Vec::new();
    for name in names {
        if known.contains(&name) {
            return Err(Error::Space { name: name.clone(), reason: "stands twice" });
        }
        known.push(name);
    }
    Ok(())
}

/// Whether a search can choose among these values.
pub(super) fn check_values(name: &str, values: &[Value]) -> Result<()> {
    if values.is_empty() {
        return Err(Error::Space { name: name.to_string(), reason: "has no values" });
    }
    for value in values {
        match value {
            Value::Number(number) if number.is_nan() => {
                return Err(Error::Space { name: name.to_string(), reason: "has the value NaN" });
            }
            Value::Number(_) | Value::Count(_) | Value::Text(_) => {}
        }
    }
    Ok(())
}
