//! A matrix as `{ rows, columns, data }`, the data column by column.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::Matrix;
use crate::Scalar;

#[derive(Serialize)]
#[serde(rename = "Matrix")]
struct Borrowed<'a, T> {
    rows: usize,
    columns: usize,
    data: &'a [T],
}

#[derive(Deserialize)]
#[serde(rename = "Matrix")]
struct Unchecked<T> {
    rows: usize,
    columns: usize,
    data: Vec<T>,
}

/// As `{ rows, columns, data }`, the data column by column. Some formats (JSON) cannot hold NaN and
/// ±∞.
impl<T: Scalar + Serialize> Serialize for Matrix<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed { rows: self.rows, columns: self.columns, data: &self.data }.serialize(serializer)
    }
}

/// From `{ rows, columns, data }`; fails unless there are rows · columns values, and as
/// [`from_vec`](Matrix::from_vec) for sides that no matrix has.
impl<'de, T: Scalar + Deserialize<'de>> Deserialize<'de> for Matrix<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Unchecked { rows, columns, data } = Unchecked::deserialize(deserializer)?;
        Matrix::from_vec(rows, columns, data).map_err(D::Error::custom)
    }
}
