//! Arrays of numpy's format npy.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tape::Matrix;

use super::bounded::Bounded;
use super::tensor::{Ask, Kind, NumberKind, Place, Tensor};
use super::{FileError, write_whole};
use crate::{Result, Scalar};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The bytes of a header are some hundred; numpy itself takes 10 000.
const MOST_HEADER: u64 = 1 << 16;

/// An array of numbers as numpy's `.npy` files keep it.
///
/// Read are versions 1 to 3, numbers of every [kind](NumberKind) in either order of their bytes,
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
    let broken = |reason: String| FileError::format(path, reason);
    let mut reader = Bounded::new(&mut from, path);
    let begin = reader.exactly(MAGIC.len() as u64 + 2, "its beginning")?;
    let Some(&[major, minor]) = begin.strip_prefix(MAGIC) else {
        return Err(broken("it is no npy file: it does not begin with \\x93NUMPY".to_string()).into());
    };
    let size = match (major, minor) {
        (1, 0) => 2,
        (2 | 3, 0) => 4,
        _ => return Err(broken(format!("version {major}.{minor} of the format npy is not known")).into()),
    };
    let mut length = reader.exactly(size, "the length of the header")?;
    length.resize(8, 0);
    let length = u64::from_le_bytes(length.try_into().unwrap_or([0xff; 8]));
    if length > MOST_HEADER {
        let problem = super::FileProblem::TooLarge { what: "header", bytes: length, most: MOST_HEADER };
        return Err(FileError::new(path, problem).into());
    }
    let header = reader.exactly(length, "the header")?;
    let header = std::str::from_utf8(&header).map_err(|_| broken("the header is not UTF-8".to_string()))?;
    let Header { kind, is_big, is_fortran, shape } = Header::parse(header).map_err(broken)?;
    let bytes = shape.iter().try_fold(kind.size() as u64, |bytes, &side| bytes.checked_mul(side as u64));
    let bytes = bytes.filter(|bytes| isize::try_from(*bytes).is_ok());
    let Some(bytes) = bytes else {
        return Err(broken("the shape has more elements than there is memory anywhere".to_string()).into());
    };
    let mut bytes = reader.exactly(bytes, "the elements")?;
    reader.nothing("the last element")?;
    if is_big {
        bytes.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
    }
    if is_fortran && shape.len() > 1 && !bytes.is_empty() {
        bytes = with_the_last_index_fastest(&bytes, &shape, kind.size())
            .ok_or_else(|| broken("there is no memory to bring the elements into order".to_string()))?;
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

/// What a header says: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
struct Header {
    kind: NumberKind,
    is_big: bool,
    is_fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Result<Self, String> {
        let mut rest = Rest(text.trim());
        let (mut descr, mut order, mut shape) = (None, None, None);
        rest.expect('{')?;
        while !rest.takes('}') {
            let key = rest.quoted()?;
            rest.expect(':')?;
            let is_first = match key {
                "descr" if rest.0.trim_start().starts_with('[') => {
                    return Err("the elements are no plain numbers (a structured type)".to_string());
                }
                "descr" => descr.replace(rest.quoted()?).is_none(),
                "fortran_order" => order.replace(rest.truth()?).is_none(),
                "shape" => shape.replace(rest.tuple()?).is_none(),
                key => return Err(format!("the header has the unknown key {key:?}")),
            };
            if !is_first {
                return Err(format!("the header has the key {key:?} twice"));
            }
            if !rest.takes(',') {
                rest.expect('}')?;
                break;
            }
        }
        let (Some(descr), Some(is_fortran), Some(shape), "") = (descr, order, shape, rest.0.trim()) else {
            return Err("the header has not all of descr, fortran_order and shape, or more".to_string());
        };
        let (kind, is_big) = number_kind(descr)?;
        Ok(Header { kind, is_big, is_fortran, shape })
    }
}

/// The type and whether the first byte of a number is its largest: of `<f8`, `>i4`, `|u1`.
fn number_kind(descr: &str) -> Result<(NumberKind, bool), String> {
    let (order, name) = descr.split_at_checked(1).unwrap_or_default();
    let kind = NumberKind::ALL.iter().copied().find(|kind| kind.npy_name() == name);
    match (kind, order) {
        (Some(kind), "<") => Ok((kind, false)),
        (Some(kind), ">") => Ok((kind, true)),
        (Some(kind), "|") if kind.size() == 1 => Ok((kind, false)),
        _ => {
            let descr: String = descr.chars().take(40).collect();
            let known: Vec<&str> = NumberKind::ALL.iter().map(|kind| kind.npy_name()).collect();
            Err(format!(
                "elements of type {descr:?} are not known, known are {} after < or >",
                known.join(", ")
            ))
        }
    }
}

/// What is left of a header.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn takes(&mut self, sign: char) -> bool {
        match self.0.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        let found: String = self.0.trim_start().chars().take(20).collect();
        Err(format!("the header has {found:?} where {sign} is needed"))
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        let sign = if self.takes('"') { '"' } else { '\'' };
        if sign == '\'' {
            self.expect('\'')?;
        }
        let (text, rest) = self.0.split_once(sign).ok_or("the header has a text without an end")?;
        self.0 = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, String> {
        let text = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = text.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err("fortran_order is neither True nor False".to_string())
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        let mut sides = Vec::new();
        self.expect('(')?;
        while !self.takes(')') {
            let text = self.0.trim_start();
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let side =
                text[..digits].parse().map_err(|_| "the shape has a side that is no size".to_string())?;
            sides.push(side);
            // Python 2 wrote 3L.
            self.0 = text[digits..].strip_prefix('L').unwrap_or(&text[digits..]);
            if !self.takes(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(sides)
    }
}
