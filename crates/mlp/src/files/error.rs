//! What can be wrong with a file, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tape::printable;

use crate::text::Short;
use crate::{Error, Result};

/// What is wrong with a file or with what it holds, and where.
///
/// ```
/// use mlp::{Error, files::{Archive, FileProblem}};
/// let Err(Error::File(error)) = Archive::new().matrix::<f64>("W") else { panic!() };
/// assert_eq!(error.name(), Some("W"));
/// assert_eq!(error.problem(), &FileProblem::Missing);
/// assert_eq!(error.to_string(), "archive, W: is missing");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FileError {
    path: Option<PathBuf>,
    name: Option<String>,
    problem: FileProblem,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FileProblem {
    /// The operating system refused something.
    Io {
        /// What was tried, for instance `"open"`.
        doing: &'static str,
        /// What kind of refusal it was.
        kind: io::ErrorKind,
        /// The system's own words.
        text: String,
    },
    /// It is no file of the format, or a broken one.
    Format {
        /// What is wrong.
        reason: String,
    },
    /// A part is larger than what is read at most.
    TooLarge {
        /// The part.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The most that is read.
        most: u64,
    },
    /// The content is not what was written: its checksum is another one.
    Checksum {
        /// As the file gives it.
        given: u32,
        /// Of what the file holds.
        found: u32,
    },
    /// There is no matrix, vector or text of this name.
    Missing,
    /// There is one of this name, and nothing uses it.
    Unexpected,
    /// It holds numbers of another type.
    NumberKind {
        /// The type that was asked for.
        expected: &'static str,
        /// The type it has, by the name that its format gives it.
        found: String,
    },
    /// It has another number of dimensions.
    Rank {
        /// The number that it must have.
        expected: usize,
        /// Its shape.
        found: Vec<usize>,
    },
    /// It has another shape.
    Shape {
        /// The shape that it must have.
        expected: Vec<usize>,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// A value is NaN or infinite.
    NonFinite {
        /// The value.
        value: f64,
        /// Its index, one number a dimension, from 0.
        index: Vec<usize>,
    },
    /// A value does not fit the number type that was asked for.
    Overflow {
        /// The value.
        value: f64,
        /// Its index, one number a dimension, from 0.
        index: Vec<usize>,
        /// The number type.
        number: &'static str,
    },
    /// A value is below zero where a whole number from 0 on is asked for.
    Negative {
        /// The value.
        value: i64,
        /// Its index, one number a dimension, from 0.
        index: Vec<usize>,
    },
    /// A text says something that it cannot say.
    Text {
        /// The text.
        value: String,
        /// What it must be.
        expected: String,
    },
    /// The format is of a later version than this crate knows.
    Version {
        /// The file's.
        found: u64,
        /// The newest that is known.
        newest: u64,
    },
    /// The activation is a function of the user's own, which no file can hold.
    CustomActivation {
        /// Its name.
        function: String,
    },
}

impl FileError {
    /// An error that is about the file as a whole.
    pub(crate) fn new(path: Option<&Path>, problem: FileProblem) -> Self {
        FileError { path: path.map(Path::to_path_buf), name: None, problem }
    }

    /// An error of the operating system.
    pub(crate) fn io(path: &Path, doing: &'static str, error: &io::Error) -> Self {
        let problem = FileProblem::Io { doing, kind: error.kind(), text: error.to_string() };
        FileError::new(Some(path), problem)
    }

    /// A file that is none of the format.
    pub(crate) fn format(path: Option<&Path>, reason: impl Into<String>) -> Self {
        FileError::new(path, FileProblem::Format { reason: reason.into() })
    }

    /// The same, about what has this name.
    pub(crate) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same, of a file.
    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_path_buf());
        self
    }

    /// The file, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The matrix, vector or text that it is about.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What is wrong.
    pub fn problem(&self) -> &FileProblem {
        &self.problem
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Error::File(Box::new(error))
    }
}

impl std::error::Error for FileError {}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => f.write_str(&printable(&path.display().to_string()))?,
            None => f.write_str("archive")?,
        }
        if let Some(name) = &self.name {
            write!(f, ", {}", printable(name))?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileProblem::Io { doing, kind: _, text } => write!(f, "cannot {doing}: {}", printable(text)),
            FileProblem::Format { reason } => f.write_str(&printable(reason)),
            FileProblem::TooLarge { what, bytes, most } => {
                write!(f, "the {what} has {bytes} bytes, {most} are the most that is read")
            }
            FileProblem::Checksum { given, found } => write!(
                f,
                "the content has the checksum {found:08x} and not {given:08x}: it is damaged, or was changed on purpose \
                 without leaving out the text crc32"
            ),
            FileProblem::Missing => f.write_str("is missing"),
            FileProblem::Unexpected => f.write_str("nothing of this name is expected"),
            FileProblem::NumberKind { expected, found } => {
                write!(f, "holds numbers of type {}, {expected} is needed", printable(found))
            }
            FileProblem::Rank { expected, found } => {
                write!(f, "has shape {}, {expected} dimensions are needed", Sides(found))
            }
            FileProblem::Shape { expected, found } => {
                write!(f, "has shape {}, {} is needed", Sides(found), Sides(expected))
            }
            FileProblem::NonFinite { value, index } => {
                write!(f, "{} at {} is not a finite number", Short(*value), Sides(index))
            }
            FileProblem::Overflow { value, index, number } => {
                write!(f, "{} at {} is larger than {number} can hold", Short(*value), Sides(index))
            }
            FileProblem::Negative { value, index } => {
                write!(f, "{value} at {} is below zero", Sides(index))
            }
            FileProblem::Text { value, expected } => write!(f, "is {value:?}, it must be {expected}"),
            FileProblem::Version { found, newest } => {
                write!(f, "is of format version {found}, the newest that is known is {newest}")
            }
            FileProblem::CustomActivation { function } => write!(
                f,
                "{} is a function of the user's own, which is in no file: give it to load_with",
                printable(function)
            ),
        }
    }
}

/// A shape or an index as `[4, 2]`; of very many dimensions the first.
struct Sides<'a>(&'a [usize]);

impl fmt::Display for Sides<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 8;
        let shown: Vec<String> = self.0.iter().take(MOST).map(usize::to_string).collect();
        write!(f, "[{}{}]", shown.join(", "), if self.0.len() > MOST { ", …" } else { "" })
    }
}

/// Fails with what is wrong with a named part.
pub(crate) fn fail<R>(path: Option<&Path>, name: &str, problem: FileProblem) -> Result<R> {
    Err(FileError::new(path, problem).named(name).into())
}
