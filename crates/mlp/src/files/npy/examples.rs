//! Arrays whose rows are examples, straight from a file into the columns of a matrix.

use std::fs::File;
use std::path::Path;

use tape::Matrix;

use super::header::Header;
use super::{ELEMENTS, LAST, Npy};
use crate::data::first_not_finite;
use crate::files::bounded::Bounded;
use crate::files::tensor::{NumberKind, Place, same_bits};
use crate::files::{FileError, FileProblem};
use crate::{Error, Result, Scalar};

/// The bytes that are read at a time: they stay in the second-level cache.
const PIECE: usize = 1 << 18;

impl Npy {
    /// Reads a file whose rows are examples, as numpy's users mostly have them: each becomes a
    /// column.
    ///
    /// The elements go where the matrix has them while they are read; there is no second copy, and
    /// nothing is transposed.
    ///
    /// ```
    /// use mlp::files::Npy;
    /// use tape::matrix;
    /// # let folder = std::env::temp_dir().join(format!("mlp-npy-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// # let path = folder.join("x.npy");
    /// Npy::of_matrix(&matrix![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).write(&path)?; // three examples
    /// let x = Npy::read_examples::<f64>(&path)?;
    /// assert_eq!(x, matrix![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`read`](Npy::read) and [`matrix`](Npy::matrix).
    pub fn read_examples<T: Scalar>(path: impl AsRef<Path>) -> Result<Matrix<T>> {
        T::npy_read_examples(path.as_ref())
    }

    pub(crate) fn read_examples_here<T: Scalar>(path: &Path) -> Result<Matrix<T>> {
        let mut file = File::open(path).map_err(|error| FileError::io(path, "open", &error))?;
        let header = Header::read(&mut Bounded::new(&mut file, Some(path)), Some(path))?;
        if header.is_fortran {
            return Ok(Npy::read(path)?.matrix::<T>()?.transposed());
        }
        let at = Place { path: Some(path), name: "array" };
        let expected = NumberKind::of::<T>();
        if header.kind != expected {
            let (expected, found) = (expected.name(), header.kind.name().to_string());
            return at.fail(FileProblem::NumberKind { expected, found });
        }
        let length = header.bytes(Some(path))?;
        let [examples, features] = header.shape[..] else {
            return at.fail(FileProblem::Rank { expected: 2, found: header.shape });
        };
        let values = values::<T>(&mut file, path, length, header.is_big)?;
        match first_not_finite(&values) {
            None => Ok(Matrix::from_vec(features, examples, values)?),
            Some(k) => {
                let index = vec![k / features, k % features];
                at.fail(FileProblem::NonFinite { value: values[k].to_f64(), index })
            }
        }
    }
}

/// The elements. Memory grows with what is there, whatever was announced.
fn values<T: Scalar>(file: &mut File, path: &Path, length: u64, is_big: bool) -> Result<Vec<T>> {
    let size = size_of::<T>();
    let mut reader = Bounded::new(file, Some(path));
    let mut values = Vec::new();
    let mut piece = vec![0; PIECE];
    let mut left = length;
    while left > 0 {
        let part = &mut piece[..left.min(PIECE as u64) as usize];
        reader.fill(part, ELEMENTS, (length - left, length))?;
        let count = part.len() / size;
        let no_memory = |_| Error::Memory { what: "an array".to_string(), bytes: length.into() };
        values.try_reserve(count).map_err(no_memory)?;
        if is_big {
            part.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        values.extend(part.chunks_exact(size).map(same_bits::<T>));
        left -= part.len() as u64;
    }
    reader.nothing(LAST)?;
    values.shrink_to_fit();
    Ok(values)
}
