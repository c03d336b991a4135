//! A matrix as it is typed: row by row.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tape::Matrix;

use crate::{Error, Result};

/// A matrix, row by row. JSON has no number for what is not finite: those are `"inf"`, `"-inf"` and `"NaN"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rows(pub Vec<Vec<Number>>);

/// An element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_finite() => serializer.serialize_f64(x),
            x if x.is_nan() => serializer.serialize_str("NaN"),
            x => serializer.serialize_str(if x > 0.0 { "inf" } else { "-inf" }),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f64),
            Word(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(x) => Ok(Number(x)),
            Either::Word(word) => match word.trim() {
                "NaN" => Ok(Number(f64::NAN)),
                "inf" | "∞" => Ok(Number(f64::INFINITY)),
                "-inf" | "−∞" | "-∞" => Ok(Number(f64::NEG_INFINITY)),
                _ => Err(serde::de::Error::custom(format_args!("{word:?} is no number"))),
            },
        }
    }
}

impl Rows {
    /// The rows of a matrix.
    pub fn of(matrix: &Matrix<f64>) -> Self {
        let row = |i| (0..matrix.columns()).map(|j| Number(matrix[(i, j)])).collect();
        Rows((0..matrix.rows()).map(row).collect())
    }

    /// The matrix, of this many rows and, if that is known, columns.
    ///
    /// # Errors
    /// If it has another shape, or rows of different lengths.
    pub fn matrix(&self, at: &str, rows: usize, columns: Option<usize>) -> Result<Matrix<f64>> {
        let width = self.0.first().map_or(0, Vec::len);
        let must_be = columns.unwrap_or(width);
        if self.0.len() != rows || self.0.iter().any(|row| row.len() != must_be) {
            let found = self.0.iter().map(Vec::len).max().unwrap_or(0);
            let must_be = columns.map_or("m".to_owned(), |n| n.to_string());
            let message = format!("must be {rows}×{must_be}, and is {}×{found}", self.0.len());
            return Err(Error::of(at, message));
        }
        Ok(Matrix::from_fn(rows, must_be, |i, j| self.0[i][j].0))
    }
}
