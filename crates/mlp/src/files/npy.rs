//! Arrays of numpy's format npy.

mod examples;
mod header;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tape::Matrix;

use super::bounded::Bounded;
use header::{Header, MAGIC};

use super::tensor::{Ask, Kind, Place, Tensor};
use super::{FileError, write_whole};
use crate::{Result, Scalar};

/// What errors call the parts of a file.
const ELEMENTS: &str = "the elements";
const LAST: &str = "the last element";

/// An array of numbers as numpy's `.npy` files keep it.
///
/// Read are versions 1 to 3, numbers of every [kind](super::NumberKind) in either order of their bytes,
/// and elements in C and Fortran order; written is version 1, little-endian, in C order, as
/// `numpy.save` does. Rows of the matrix are rows of the array. Note that numpy's users mostly have
/// an example in a row, where a network takes it as a column.
///
/// ```
/// use mlp::files::Npy;
/// use tape::matrix;
/// let a = matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let bytes = Npy::of_matrix(&a).to_bytes();
/// let array = Npy::from_bytes(&bytes)?;
/// assert_eq!(array.shape(), [2, 3]);
/// assert_eq!(array.matrix::<f64>()?, a);
/// assert!(array.matrix::<f32>().is_err());
/// assert_eq!(array.matrix_rounded::<f32>()?[(1, 0)], 4.0);
/// assert_eq!(Npy::of_whole(&[3, 1, 4]).whole()?, [3, 1, 4]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Npy {
    tensor: Tensor,
    /// Where it was read from, for errors.
    path: Option<PathBuf>,
}

/// Two are equal if they have the same type, shape and bits, wherever they were read from.
impl PartialEq for Npy {
    fn eq(&self, other: &Self) -> bool {
        self.tensor == other.tensor
    }
}

/// # Making
impl Npy {
    /// An array of two dimensions.
    pub fn of_matrix<T: Scalar>(matrix: &Matrix<T>) -> Self {
        Npy { tensor: Tensor::of_matrix(matrix), path: None }
    }

    /// An array of one dimension.
    pub fn of_vector<T: Scalar>(values: &[T]) -> Self {
        Npy { tensor: Tensor::of_vector(values), path: None }
    }

    /// An array of one dimension, of type `uint64`.
    pub fn of_whole(values: &[u64]) -> Self {
        Npy { tensor: Tensor::of_whole(values), path: None }
    }
}

/// # What it holds
impl Npy {
    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    /// Its rows and columns as a matrix.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if it holds another number type, has another number of
    /// dimensions than two, or if a value is NaN or ±∞; [`Error::Tape`](crate::Error::Tape) if
    /// there is no memory for it.
    pub fn matrix<T: Scalar>(&self) -> Result<Matrix<T>> {
        self.tensor.matrix(self.place(), Ask::Finite)
    }

    /// As [`matrix`](Npy::matrix), where NaN and ±∞ are values like others.
    ///
    /// # Errors
    /// As [`matrix`](Npy::matrix), but for the values.
    pub fn matrix_of_any_values<T: Scalar>(&self) -> Result<Matrix<T>> {
        self.tensor.matrix(self.place(), Ask::Any)
    }

    /// As [`matrix`](Npy::matrix), of any number type, each value rounded to T.
    ///
    /// # Errors
    /// As [`matrix`](Npy::matrix), and if a value is larger than T can hold.
    pub fn matrix_rounded<T: Scalar>(&self) -> Result<Matrix<T>> {
        self.tensor.matrix(self.place(), Ask::Rounded)
    }

    /// The values of an array of one dimension; of a number alone, a list of one.
    ///
    /// # Errors
    /// As [`matrix`](Npy::matrix), for one dimension.
    pub fn vector<T: Scalar>(&self) -> Result<Vec<T>> {
        self.tensor.vector(self.place(), Ask::Finite)
    }

    /// As [`vector`](Npy::vector), of any number type, each value rounded to T.
    ///
    /// # Errors
    /// As [`matrix_rounded`](Npy::matrix_rounded), for one dimension.
    pub fn vector_rounded<T: Scalar>(&self) -> Result<Vec<T>> {
        self.tensor.vector(self.place(), Ask::Rounded)
    }

    /// The whole numbers of an array of one dimension, for instance the numbers of classes; of a
    /// number alone, a list of one.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if it holds no whole numbers, has another number of
    /// dimensions, or if one is below zero.
    pub fn whole(&self) -> Result<Vec<u64>> {
        self.tensor.whole(self.place())
    }

    fn place(&self) -> Place<'_> {
        Place { path: self.path.as_deref(), name: "array" }
    }
}

/// # As a file
impl Npy {
    /// The bytes of a file, which are those that `numpy.save` writes.
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes_of(&self.tensor)
    }

    /// The array of a file's bytes.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if they are none, if there are more or less of them than
    /// the header says, or if the elements are no numbers that are known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Npy { tensor: read(bytes, None)?, path: None })
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// As [`write_whole`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path, &self.to_bytes())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`from_bytes`](Npy::from_bytes), or what the system refuses, with the path.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| FileError::io(path, "open", &error))?;
        Ok(Npy { tensor: read(file, Some(path))?, path: Some(path.to_path_buf()) })
    }
}

/// The bytes of a file. The type is one of npy.
pub(super) fn bytes_of(tensor: &Tensor) -> Vec<u8> {
    let (order, kind) = match &tensor.kind {
        Kind::Known(kind) if kind.size() == 1 => ('|', kind.npy_name()),
        Kind::Known(kind) => ('<', kind.npy_name()),
        Kind::Other(_) => unreachable!("an array is of a known type, and an archive is looked at before"),
    };
    let mut header = format!("{{'descr': '{order}{kind}', 'fortran_order': False, 'shape': (");
    for (axis, side) in tensor.shape.iter().enumerate() {
        let separator = if axis == 0 { "" } else { ", " };
        let _ = write!(header, "{separator}{side}"); // a text takes all
    }
    header.push_str(if tensor.shape.len() == 1 { ",), }" } else { "), }" });
    // Version 1 has two bytes for the header's length, version 2 four.
    let is_long = header.len() + 64 > usize::from(u16::MAX);
    let before = MAGIC.len() + 2 + if is_long { 4 } else { 2 };
    // numpy ends the header at a multiple of 64, with an end of a line.
    let length = (before + header.len() + 1).next_multiple_of(64) - before;
    let mut bytes = Vec::with_capacity(before + length + tensor.bytes.len());
    bytes.extend_from_slice(MAGIC);
    if is_long {
        bytes.extend_from_slice(&[2, 0]);
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&[1, 0]);
        bytes.extend_from_slice(&(length as u16).to_le_bytes());
    }
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(before + length - 1, b' ');
    bytes.push(b'\n');
    bytes.extend_from_slice(&tensor.bytes);
    bytes
}

/// Reads an array and no further.
pub(super) fn read(mut from: impl Read, path: Option<&Path>) -> Result<Tensor> {
    let mut reader = Bounded::new(&mut from, path);
    let header = Header::read(&mut reader, path)?;
    let length = header.bytes(path)?;
    let Header { kind, is_big, is_fortran, shape } = header;
    let mut bytes = reader.exactly(length, ELEMENTS)?;
    reader.nothing(LAST)?;
    if is_big {
        bytes.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
    }
    if is_fortran && shape.len() > 1 && !bytes.is_empty() {
        bytes = with_the_last_index_fastest(&bytes, &shape, kind.size()).ok_or_else(|| {
            FileError::format(path, "there is no memory to bring the elements into order".to_string())
        })?;
    }
    Ok(Tensor { kind: Kind::Known(kind), shape, bytes })
}

/// The elements in C order, of which the first index ran fastest.
fn with_the_last_index_fastest(bytes: &[u8], shape: &[usize], size: usize) -> Option<Vec<u8>> {
    let mut ordered = Vec::new();
    ordered.try_reserve_exact(bytes.len()).ok()?;
    let mut index = vec![0; shape.len()];
    loop {
        let at = index.iter().zip(shape).rev().fold(0, |at, (i, side)| at * side + i);
        ordered.extend_from_slice(&bytes[at * size..(at + 1) * size]);
        // The next index, as an odometer.
        let Some(axis) = (0..shape.len()).rev().find(|&axis| index[axis] + 1 < shape[axis]) else {
            return Some(ordered);
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}
