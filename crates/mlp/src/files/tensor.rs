//! What a file keeps of a matrix, a vector or a list of whole numbers: its bytes.

use std::fmt;
use std::path::Path;

use tape::Matrix;

use super::FileProblem;
use super::error::fail;
use crate::shuffle::with_room;
use crate::{Result, Scalar};

/// The number types that this crate keeps in an [`Archive`](super::Archive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `u64`.
    U64,
}

impl NumberKind {
    pub(super) const ALL: [NumberKind; 3] = [NumberKind::F32, NumberKind::F64, NumberKind::U64];

    /// Of a number type that networks compute in.
    pub(super) fn of<T: Scalar>() -> Self {
        if size_of::<T>() == 4 { NumberKind::F32 } else { NumberKind::F64 }
    }

    /// The name that safetensors gives it.
    pub fn name(self) -> &'static str {
        match self {
            NumberKind::F32 => "F32",
            NumberKind::F64 => "F64",
            NumberKind::U64 => "U64",
        }
    }
}

impl fmt::Display for NumberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The type of a tensor's numbers, also of those that others write and this crate only carries.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Known(NumberKind),
    Other(String),
}

impl Kind {
    #[cfg_attr(not(feature = "safetensors"), allow(dead_code))]
    pub(super) fn of_name(name: String) -> Self {
        let known = NumberKind::ALL.into_iter().find(|kind| kind.name() == name);
        known.map_or(Kind::Other(name), Kind::Known)
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Kind::Known(kind) => kind.name(),
            Kind::Other(name) => name,
        }
    }
}

/// Numbers of any number of dimensions: the last index runs fastest, and each number is
/// little-endian.
///
/// The bytes are as many as the shape and the type say; whoever makes one sees to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub(super) kind: Kind,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

/// What is asked of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// They are of the type and finite.
    Finite,
    /// They are of the type.
    Any,
    /// They are finite, of either type, and round to finite numbers of the type.
    Rounded,
}

/// Where a tensor is, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: Option<&'a Path>,
    pub(super) name: &'a str,
}

impl Place<'_> {
    fn fail<R>(self, problem: FileProblem) -> Result<R> {
        fail(self.path, self.name, problem)
    }
}

impl Tensor {
    pub(super) fn of_matrix<T: Scalar>(matrix: &Matrix<T>) -> Self {
        let (rows, columns) = matrix.shape();
        let mut bytes = Vec::with_capacity(rows * columns * size_of::<T>());
        if columns > 0 {
            for i in 0..rows {
                (0..columns).for_each(|j| push(&mut bytes, matrix[(i, j)]));
            }
        }
        Tensor { kind: Kind::Known(NumberKind::of::<T>()), shape: vec![rows, columns], bytes }
    }

    pub(super) fn of_vector<T: Scalar>(values: &[T]) -> Self {
        let mut bytes = Vec::with_capacity(size_of_val(values));
        values.iter().for_each(|&value| push(&mut bytes, value));
        Tensor { kind: Kind::Known(NumberKind::of::<T>()), shape: vec![values.len()], bytes }
    }

    pub(super) fn of_whole(values: &[u64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor { kind: Kind::Known(NumberKind::U64), shape: vec![values.len()], bytes }
    }

    pub(super) fn matrix<T: Scalar>(&self, at: Place<'_>, ask: Ask) -> Result<Matrix<T>> {
        let kind = self.number_kind::<T>(at, ask)?;
        let &[rows, columns] = &self.shape[..] else {
            return at.fail(FileProblem::Rank { expected: 2, found: self.shape.clone() });
        };
        let matrix = Matrix::try_from_fn(rows, columns, |i, j| self.value(kind, i * columns + j))?;
        self.check::<T>(at, ask, kind)?;
        Ok(matrix)
    }

    pub(super) fn vector<T: Scalar>(&self, at: Place<'_>, ask: Ask) -> Result<Vec<T>> {
        let kind = self.number_kind::<T>(at, ask)?;
        let length = self.length(at)?;
        let mut values = with_room("a list of an archive", length)?;
        values.extend((0..length).map(|i| self.value::<T>(kind, i)));
        self.check::<T>(at, ask, kind)?;
        Ok(values)
    }

    pub(super) fn whole(&self, at: Place<'_>) -> Result<Vec<u64>> {
        if self.kind != Kind::Known(NumberKind::U64) {
            return self.other_kind(at, NumberKind::U64);
        }
        let length = self.length(at)?;
        let mut values = with_room("a list of an archive", length)?;
        values.extend(self.bytes.as_chunks::<8>().0.iter().map(|&eight| u64::from_le_bytes(eight)));
        Ok(values)
    }

    fn length(&self, at: Place<'_>) -> Result<usize> {
        match self.shape[..] {
            [length] => Ok(length),
            [..] => at.fail(FileProblem::Rank { expected: 1, found: self.shape.clone() }),
        }
    }

    fn other_kind<R>(&self, at: Place<'_>, expected: NumberKind) -> Result<R> {
        at.fail(FileProblem::NumberKind { expected, found: self.kind.name().to_string() })
    }

    /// The type that the numbers have here, if it suits what is asked.
    fn number_kind<T: Scalar>(&self, at: Place<'_>, ask: Ask) -> Result<NumberKind> {
        let asked = NumberKind::of::<T>();
        match self.kind {
            Kind::Known(kind) if kind == asked => Ok(kind),
            Kind::Known(kind) if ask == Ask::Rounded && kind != NumberKind::U64 => Ok(kind),
            Kind::Known(_) | Kind::Other(_) => self.other_kind(at, asked),
        }
    }

    /// The number at a place of the list, of a tensor of `f32` or `f64`.
    fn value<T: Scalar>(&self, kind: NumberKind, at: usize) -> T {
        if kind == NumberKind::of::<T>() {
            T::of_bits(self.bits(at, size_of::<T>()))
        } else if kind == NumberKind::F32 {
            T::from_f64(f32::from_bits(self.bits(at, 4) as u32).into())
        } else {
            T::from_f64(f64::from_bits(self.bits(at, 8)))
        }
    }

    fn bits(&self, at: usize, size: usize) -> u64 {
        let mut eight = [0; 8];
        eight[..size].copy_from_slice(&self.bytes[at * size..(at + 1) * size]);
        u64::from_le_bytes(eight)
    }

    /// Whether the numbers are finite, here and as T.
    fn check<T: Scalar>(&self, at: Place<'_>, ask: Ask, kind: NumberKind) -> Result<()> {
        if ask == Ask::Any {
            return Ok(());
        }
        let size = if kind == NumberKind::F32 { 4 } else { 8 };
        for k in 0..self.bytes.len() / size {
            let value = self.value::<f64>(kind, k);
            if !value.is_finite() {
                return at.fail(FileProblem::NonFinite { value, index: self.index(k) });
            }
            if !T::from_f64(value).is_finite() {
                let index = self.index(k);
                return at.fail(FileProblem::Overflow { value, index, number: T::NAME });
            }
        }
        Ok(())
    }

    /// One number a dimension for a place of the list.
    fn index(&self, mut at: usize) -> Vec<usize> {
        let mut index: Vec<usize> = Vec::with_capacity(self.shape.len());
        for &side in self.shape.iter().rev() {
            index.push(at % side);
            at /= side;
        }
        index.reverse();
        index
    }
}

fn push<T: Scalar>(bytes: &mut Vec<u8>, value: T) {
    bytes.extend_from_slice(&value.bits().to_le_bytes()[..size_of::<T>()]);
}
