//! Sparse tables in the format of libsvm and svmlight.

use std::path::Path;

use tape::Matrix;

use super::error::quoted;
use super::labels::with_two_classes;
use super::limits::{MOST_COLUMNS, MOST_VALUES, bytes_of};
use super::{Table, TableError};
use crate::Result;

/// Reads lines `label index:value index:value …`, an example each, as libsvm and svmlight have
/// them.
///
/// Indices are from 1 and ascend; a feature that is left out is 0. What follows a `#` is a comment.
/// The table is dense. A target of exactly two different numbers, as −1 and 1, is one of classes.
///
/// ```
/// use mlp::{Error, tables::Libsvm};
/// let table = Libsvm::new().parse(b"+1 1:0.5 3:2\n-1 2:1e-3\n", "t.txt")?;
/// assert_eq!(table.x, tape::matrix![[0.5, 0.0], [0.0, 1e-3], [2.0, 0.0]]);
/// assert_eq!((table.y.as_slice(), table.classes), (&[1.0, 0.0][..], vec!["-1".into(), "1".into()]));
/// let Err(Error::Table(error)) = Libsvm::new().parse(b"1 1:2\n1 1:x\n", "t.txt") else { panic!() };
/// assert_eq!(error.to_string(), "t.txt, line 2, column 5: \"x\" is not a number");
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "a file is read by read or parse"]
pub struct Libsvm {
    features: Option<usize>,
}

/// The examples as they are read: a feature's row, from 0, and its value.
#[derive(Default)]
struct Sparse {
    labels: Vec<f64>,
    entries: Vec<(usize, f64)>,
    /// Where the entries of each example end.
    ends: Vec<usize>,
    features: usize,
}

impl Libsvm {
    /// With as many features as the largest index.
    pub fn new() -> Self {
        Libsvm::default()
    }

    /// With so many features: of a test part, as many as the training part has.
    pub fn features(mut self, features: usize) -> Self {
        self.features = Some(features);
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) if it cannot be read, holds too much or nothing, or if
    /// a label, an index or a value is none, with its line and the column of its first sign.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        self.parse(&bytes_of(path)?, path)
    }

    /// Reads a text; `file` is what errors call it.
    ///
    /// # Errors
    /// As [`read`](Libsvm::read).
    pub fn parse(&self, bytes: &[u8], file: impl AsRef<Path>) -> Result<Table> {
        Ok(self.table(bytes, file.as_ref())?)
    }

    fn table(&self, bytes: &[u8], file: &Path) -> Result<Table, TableError> {
        let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let text = text.map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            TableError::whole(file, "the text is not UTF-8").at_line(line)
        })?;
        let mut sparse = Sparse::default();
        for (line, number) in text.lines().zip(1..) {
            self.line(line, &mut sparse).map_err(|(at, reason)| {
                let column = line[..at].chars().count() + 1;
                TableError::whole(file, reason).at_line(number).at_column(column)
            })?;
        }
        self.dense(sparse, file)
    }

    /// Reads a line; where it is wrong, the byte and the reason.
    fn line(&self, line: &str, sparse: &mut Sparse) -> Result<(), (usize, String)> {
        let text = line.split('#').next().unwrap_or_default();
        let place = |part: &str| part.as_ptr().addr() - line.as_ptr().addr();
        let mut parts = text.split_ascii_whitespace();
        let Some(label) = parts.next() else { return Ok(()) };
        let number = |part: &str| match part.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err((place(part), format!("{} is not a finite number", quoted(part)))),
            Err(_) => Err((place(part), format!("{} is not a number", quoted(part)))),
        };
        sparse.labels.push(number(label)?);
        let mut before = 0;
        for part in parts {
            let wrong = |reason: String| (place(part), reason);
            let Some((index, value)) = part.split_once(':') else {
                return Err(wrong(format!("{} is not index:value", quoted(part))));
            };
            let digits = index.bytes().all(|byte| byte.is_ascii_digit());
            let Some(index) = index.parse::<usize>().ok().filter(|_| digits) else {
                return Err(wrong(format!("{} is not the number of a feature", quoted(index))));
            };
            let most = self.features.unwrap_or(MOST_COLUMNS);
            if index == 0 || index > most {
                return Err(wrong(format!("feature {index} is not between 1 and {most}")));
            }
            if index <= before {
                return Err(wrong(format!("feature {index} is not after feature {before}")));
            }
            if sparse.entries.len() == MOST_VALUES {
                return Err(wrong(format!(
                    "there are more than {MOST_VALUES} values, the most that is read"
                )));
            }
            sparse.entries.push((index - 1, number(value)?));
            before = index;
        }
        sparse.features = sparse.features.max(before);
        sparse.ends.push(sparse.entries.len());
        Ok(())
    }

    fn dense(&self, sparse: Sparse, file: &Path) -> Result<Table, TableError> {
        let (m, n) = (sparse.labels.len(), self.features.unwrap_or(sparse.features));
        if m == 0 {
            return Err(TableError::whole(file, "there is no example"));
        }
        if n == 0 {
            return Err(TableError::whole(file, "there is no feature in any line"));
        }
        let values = n.saturating_mul(m);
        if values > MOST_VALUES {
            let reason =
                format!("{m} examples with {n} features are {values} numbers, {MOST_VALUES} are the most");
            return Err(TableError::whole(file, reason));
        }
        let refused = |error: tape::Error| TableError::whole(file, error.to_string());
        let mut x = Matrix::try_zeros(n, m).map_err(refused)?;
        let mut begin = 0;
        for (example, &end) in sparse.ends.iter().enumerate() {
            let column = x.column_mut(example);
            sparse.entries[begin..end].iter().for_each(|&(feature, value)| column[feature] = value);
            begin = end;
        }
        let (y, classes) = with_two_classes(sparse.labels);
        Ok(Table {
            x,
            y: Matrix::from_vec(1, m, y).map_err(refused)?,
            features: (1..=n).map(|feature| format!("feature {feature}")).collect(),
            target: "label".to_string(),
            classes,
        })
    }
}
