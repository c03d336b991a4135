//! What a file keeps of a matrix, a vector or a list of whole numbers: its bytes.

use std::fmt;
use std::path::Path;

use tape::Matrix;

use super::FileProblem;
use super::error::fail;
use crate::shuffle::with_room;
use crate::{Result, Scalar};

/// One row a number type: its name in safetensors and in npy, its size, and a number of it as whole
/// or not.
macro_rules! numbers {
    ($($(#[$doc:meta])* $Name:ident { $safetensors:literal, $npy:literal, $T:ty, $size:literal })*) => {
        /// The number types that are read from files. Networks have `F32` and `F64`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum NumberKind {
            $($(#[$doc])* $Name,)*
        }

        impl NumberKind {
            pub(super) const ALL: &'static [NumberKind] = &[$(NumberKind::$Name),*];

            /// The name that safetensors gives it, for instance `F64`.
            pub fn name(self) -> &'static str {
                match self {
                    $(NumberKind::$Name => $safetensors,)*
                }
            }

            /// The name that numpy gives it, without the order of its bytes, for instance `f8`.
            pub fn npy_name(self) -> &'static str {
                match self {
                    $(NumberKind::$Name => $npy,)*
                }
            }

            /// Its bytes.
            pub(super) fn size(self) -> usize {
                match self {
                    $(NumberKind::$Name => $size,)*
                }
            }

            /// A number of so many bytes.
            fn value(self, bytes: &[u8]) -> Number {
                match self {
                    $(NumberKind::$Name => {
                        let mut exactly = [0; $size];
                        exactly.copy_from_slice(bytes);
                        Number::from(<$T>::from_le_bytes(exactly))
                    })*
                }
            }
        }
    };
}

numbers! {
    /// `u8`.
    U8 { "U8", "u1", u8, 1 }
    /// `i8`.
    I8 { "I8", "i1", i8, 1 }
    /// `u16`.
    U16 { "U16", "u2", u16, 2 }
    /// `i16`.
    I16 { "I16", "i2", i16, 2 }
    /// `u32`.
    U32 { "U32", "u4", u32, 4 }
    /// `i32`.
    I32 { "I32", "i4", i32, 4 }
    /// `u64`.
    U64 { "U64", "u8", u64, 8 }
    /// `i64`.
    I64 { "I64", "i8", i64, 8 }
    /// `f32`.
    F32 { "F32", "f4", f32, 4 }
    /// `f64`.
    F64 { "F64", "f8", f64, 8 }
}

impl NumberKind {
    /// Of a number type that networks compute in.
    pub(super) fn of<T: Scalar>() -> Self {
        if size_of::<T>() == 4 { NumberKind::F32 } else { NumberKind::F64 }
    }

    fn is_whole(self) -> bool {
        !matches!(self, NumberKind::F32 | NumberKind::F64)
    }
}

impl fmt::Display for NumberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A number of a file, exactly.
#[derive(Debug, Clone, Copy)]
enum Number {
    Positive(u64),
    Negative(i64),
    Real(f64),
}

macro_rules! whole_numbers {
    ($($T:ident)*) => {
        $(impl From<$T> for Number {
            fn from(value: $T) -> Self {
                match u64::try_from(value) {
                    Ok(value) => Number::Positive(value),
                    Err(_) => Number::Negative(value as i64),
                }
            }
        })*
    };
}

whole_numbers! { u8 i8 u16 i16 u32 i32 u64 i64 }

impl From<f32> for Number {
    fn from(value: f32) -> Self {
        Number::Real(value.into())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Number::Real(value)
    }
}

impl Number {
    fn to_f64(self) -> f64 {
        match self {
            Number::Positive(value) => value as f64,
            Number::Negative(value) => value as f64,
            Number::Real(value) => value,
        }
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
        let known = NumberKind::ALL.iter().copied().find(|kind| kind.name() == name);
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
    /// They are finite, of whatever type, and round to finite numbers of the type.
    Rounded,
}

/// Where a tensor is, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: Option<&'a Path>,
    pub(super) name: &'a str,
}

impl Place<'_> {
    pub(super) fn fail<R>(self, problem: FileProblem) -> Result<R> {
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
        let kind = match self.kind {
            Kind::Known(kind) if kind.is_whole() => kind,
            Kind::Known(_) | Kind::Other(_) => return self.other_kind(at, "whole numbers"),
        };
        let length = self.length(at)?;
        let mut values = with_room("a list of an archive", length)?;
        for (k, bytes) in self.bytes.chunks_exact(kind.size()).enumerate() {
            match kind.value(bytes) {
                Number::Positive(value) => values.push(value),
                Number::Negative(value) => {
                    return at.fail(FileProblem::Negative { value, index: self.index(k) });
                }
                Number::Real(_) => return self.other_kind(at, "whole numbers"),
            }
        }
        Ok(values)
    }

    /// A number alone is a list of one.
    fn length(&self, at: Place<'_>) -> Result<usize> {
        match self.shape[..] {
            [] => Ok(1),
            [length] => Ok(length),
            [..] => at.fail(FileProblem::Rank { expected: 1, found: self.shape.clone() }),
        }
    }

    fn other_kind<R>(&self, at: Place<'_>, expected: &'static str) -> Result<R> {
        at.fail(FileProblem::NumberKind { expected, found: self.kind.name().to_string() })
    }

    /// The type that the numbers have here, if it suits what is asked.
    fn number_kind<T: Scalar>(&self, at: Place<'_>, ask: Ask) -> Result<NumberKind> {
        let asked = NumberKind::of::<T>();
        match self.kind {
            Kind::Known(kind) if kind == asked || ask == Ask::Rounded => Ok(kind),
            Kind::Known(_) | Kind::Other(_) => self.other_kind(at, asked.name()),
        }
    }

    /// The number at a place of the list: the same bits, or rounded.
    fn value<T: Scalar>(&self, kind: NumberKind, at: usize) -> T {
        let bytes = &self.bytes[at * kind.size()..(at + 1) * kind.size()];
        if kind == NumberKind::of::<T>() {
            return same_bits(bytes);
        }
        match kind.value(bytes) {
            // Once, and not first to f64.
            Number::Positive(value) if size_of::<T>() == 4 => T::from_f64((value as f32).into()),
            Number::Negative(value) if size_of::<T>() == 4 => T::from_f64((value as f32).into()),
            number => T::from_f64(number.to_f64()),
        }
    }

    /// Whether the numbers are finite, here and as T.
    fn check<T: Scalar>(&self, at: Place<'_>, ask: Ask, kind: NumberKind) -> Result<()> {
        if ask == Ask::Any {
            return Ok(());
        }
        for (k, bytes) in self.bytes.chunks_exact(kind.size()).enumerate() {
            let value = kind.value(bytes).to_f64();
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

/// The number of these bytes, which are as many as T has.
pub(super) fn same_bits<T: Scalar>(bytes: &[u8]) -> T {
    let mut eight = [0; 8];
    eight[..size_of::<T>()].copy_from_slice(bytes);
    T::of_bits(u64::from_le_bytes(eight))
}

fn push<T: Scalar>(bytes: &mut Vec<u8>, value: T) {
    bytes.extend_from_slice(&value.bits().to_le_bytes()[..size_of::<T>()]);
}
