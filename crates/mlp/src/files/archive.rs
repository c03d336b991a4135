//! Named matrices and texts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tape::Matrix;

use super::error::fail;
use super::tensor::{Ask, Place, Tensor};
use super::{FileError, FileProblem};
use crate::{Result, Scalar};

/// Named matrices, vectors, whole numbers and texts, as a file keeps them.
///
/// The bytes are those of [safetensors](https://github.com/huggingface/safetensors): Python's
/// `safetensors` reads them, and PyTorch's names and layouts are used. A matrix is a tensor of two
/// dimensions, rows and columns, a vector one of one. Two archives of the same content have the
/// same bytes, and files are [written whole or not at all](super::write_whole).
///
/// Nothing is believed of a file: names, types, shapes, places and the checksum are looked at
/// before memory is taken for what they announce, and a NaN is refused by whatever reads numbers,
/// unless it is asked for.
///
/// ```
/// use mlp::files::Archive;
/// use tape::matrix;
/// let mut archive = Archive::new();
/// archive.insert("table", &matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// archive.insert_vector("rates", &[0.1_f32, 0.01]);
/// archive.insert_whole("steps", &[120, 3]);
/// archive.set_text("description", "a table with two rates");
/// # #[cfg(feature = "safetensors")] {
/// let again = Archive::from_bytes(&archive.to_bytes()?)?;
/// assert_eq!(again, archive);
/// assert_eq!(again.matrix::<f64>("table")?[(1, 0)], 4.0);
/// assert_eq!(again.whole("steps")?, [120, 3]);
/// assert!(again.matrix::<f32>("table").is_err()); // it is kept in f64
/// # }
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Archive {
    pub(super) tensors: BTreeMap<String, Tensor>,
    pub(super) texts: BTreeMap<String, String>,
    /// Where it was read from, for errors.
    pub(super) path: Option<PathBuf>,
}

/// Two are equal if they have the same content, bit by bit, wherever it was read from.
impl PartialEq for Archive {
    fn eq(&self, other: &Self) -> bool {
        self.tensors == other.tensors && self.texts == other.texts
    }
}

/// # Putting in
///
/// What had the name before is replaced.
impl Archive {
    /// An archive of nothing.
    pub fn new() -> Self {
        Archive::default()
    }

    /// Puts in a matrix.
    pub fn insert<T: Scalar>(&mut self, name: impl Into<String>, matrix: &Matrix<T>) {
        self.tensors.insert(name.into(), Tensor::of_matrix(matrix));
    }

    /// Puts in a vector: a tensor of one dimension.
    pub fn insert_vector<T: Scalar>(&mut self, name: impl Into<String>, values: &[T]) {
        self.tensors.insert(name.into(), Tensor::of_vector(values));
    }

    /// Puts in whole numbers: a tensor of one dimension.
    pub fn insert_whole(&mut self, name: impl Into<String>, values: &[u64]) {
        self.tensors.insert(name.into(), Tensor::of_whole(values));
    }

    /// Puts in a text.
    pub fn set_text(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.texts.insert(key.into(), value.into());
    }

    /// Takes all texts out.
    pub fn clear_texts(&mut self) {
        self.texts.clear();
    }

    /// Says what the archive is: the texts `kind`, `format_version` and `description`.
    pub fn describe(&mut self, kind: &str, version: u64, description: &str) {
        self.set_text("kind", kind);
        self.set_text("format_version", version.to_string());
        self.set_text("description", description);
    }
}

/// # Taking out
impl Archive {
    /// The names of matrices, vectors and whole numbers, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The texts by their keys, in alphabetical order.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is a matrix, a vector or a list of whole numbers of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The shape of what has this name, if there is any.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| &tensor.shape[..])
    }

    /// The matrix of this name.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if there is none, if it holds another number type or has
    /// another number of dimensions, or if a value is NaN or ±∞;
    /// [`Error::Tape`](crate::Error::Tape) if there is no memory for it.
    pub fn matrix<T: Scalar>(&self, name: &str) -> Result<Matrix<T>> {
        self.tensor(name)?.matrix(self.place(name), Ask::Finite)
    }

    /// The matrix of this name, where NaN and ±∞ are values like others.
    ///
    /// # Errors
    /// As [`matrix`](Archive::matrix), but for the values.
    pub fn matrix_of_any_values<T: Scalar>(&self, name: &str) -> Result<Matrix<T>> {
        self.tensor(name)?.matrix(self.place(name), Ask::Any)
    }

    /// The matrix of this name, of any [number type](super::NumberKind), each value rounded to T.
    ///
    /// ```
    /// use mlp::files::Archive;
    /// let mut archive = Archive::new();
    /// archive.insert("third", &tape::matrix![[1.0 / 3.0]]); // f64
    /// assert_eq!(archive.matrix_rounded::<f32>("third")?[(0, 0)], 1.0 / 3.0);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`matrix`](Archive::matrix), and if a value is larger than T can hold.
    pub fn matrix_rounded<T: Scalar>(&self, name: &str) -> Result<Matrix<T>> {
        self.tensor(name)?.matrix(self.place(name), Ask::Rounded)
    }

    /// The vector of this name; of a number alone, a list of one.
    ///
    /// # Errors
    /// As [`matrix`](Archive::matrix).
    pub fn vector<T: Scalar>(&self, name: &str) -> Result<Vec<T>> {
        self.tensor(name)?.vector(self.place(name), Ask::Finite)
    }

    /// The vector of this name, where NaN and ±∞ are values like others.
    ///
    /// # Errors
    /// As [`matrix`](Archive::matrix), but for the values.
    pub fn vector_of_any_values<T: Scalar>(&self, name: &str) -> Result<Vec<T>> {
        self.tensor(name)?.vector(self.place(name), Ask::Any)
    }

    /// The vector of this name, of any [number type](super::NumberKind), each value rounded to T.
    ///
    /// # Errors
    /// As [`matrix_rounded`](Archive::matrix_rounded).
    pub fn vector_rounded<T: Scalar>(&self, name: &str) -> Result<Vec<T>> {
        self.tensor(name)?.vector(self.place(name), Ask::Rounded)
    }

    /// The whole numbers of this name, of any type that holds them; of a number alone, a list of
    /// one.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if there are none, if they have another number of
    /// dimensions, or if one is below zero; [`Error::Memory`](crate::Error::Memory).
    pub fn whole(&self, name: &str) -> Result<Vec<u64>> {
        self.tensor(name)?.whole(self.place(name))
    }

    /// The text of this key, if there is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// The text of this key.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if there is none.
    pub fn needed_text(&self, key: &str) -> Result<&str> {
        self.text(key).map_or_else(|| self.fail(key, FileProblem::Missing), Ok)
    }

    /// Checks that the archive was [described](Archive::describe) as of this kind, and gives its
    /// format version.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if it is of another kind, or of a version that is later
    /// than `newest` or none.
    pub fn check_kind(&self, kind: &str, newest: u64) -> Result<u64> {
        let found = self.needed_text("kind")?;
        if found != kind {
            return self.wrong_text("kind", format!("{kind:?}"));
        }
        self.check_version("format_version", newest)
    }

    /// The version that a text tells, if it is none that is later than `newest`.
    pub(crate) fn check_version(&self, key: &str, newest: u64) -> Result<u64> {
        match self.needed_text(key)?.parse::<u64>() {
            Ok(found) if found > newest => self.fail(key, FileProblem::Version { found, newest }),
            Ok(found) if found > 0 => Ok(found),
            Ok(_) | Err(_) => self.wrong_text(key, format!("a number from 1 to {newest}")),
        }
    }

    fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).map_or_else(|| self.fail(name, FileProblem::Missing), Ok)
    }

    fn place<'a>(&'a self, name: &'a str) -> Place<'a> {
        Place { path: self.path.as_deref(), name }
    }

    /// Fails with what is wrong with something of a name.
    pub(crate) fn fail<R>(&self, name: &str, problem: FileProblem) -> Result<R> {
        fail(self.path.as_deref(), name, problem)
    }

    /// Fails with what a text must be.
    pub(crate) fn wrong_text<R>(&self, key: &str, expected: impl Into<String>) -> Result<R> {
        let value = self.text(key).unwrap_or_default().chars().take(80).collect();
        self.fail(key, FileProblem::Text { value, expected: expected.into() })
    }

    /// Fails with what is wrong with the whole.
    pub(crate) fn fail_whole<R>(&self, problem: FileProblem) -> Result<R> {
        Err(FileError::new(self.path.as_deref(), problem).into())
    }
}
