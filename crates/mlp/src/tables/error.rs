//! What is wrong with a file of a table, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use tape::printable;

use crate::Error;

/// What is wrong with a file, and where.
///
/// ```
/// use mlp::{Error, tables::Csv};
/// let Err(Error::Table(error)) = Csv::new().parse(b"a,b\n1,2\n3,x\n", "t.csv") else { panic!() };
/// assert_eq!((error.line(), error.column()), (Some(3), Some(2)));
/// assert_eq!(error.to_string(), "t.csv, line 3, column 2 (b): \"x\" is not a number");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TableError {
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: Option<usize>,
    /// From 1.
    pub(super) column: Option<usize>,
    /// The column's name, if the file gives one.
    pub(super) name: Option<String>,
    pub(super) reason: String,
    pub(super) question: Option<Question>,
}

/// What the reader may have to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether the first row holds the names of the columns.
    Header,
    /// Which column is to be learned.
    Target,
    /// What stands between the fields.
    Separator,
}

impl TableError {
    /// An error that is about the file as a whole.
    pub(super) fn whole(file: &Path, reason: impl Into<String>) -> Self {
        let file = file.to_path_buf();
        TableError { file, line: None, column: None, name: None, reason: reason.into(), question: None }
    }

    pub(super) fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    pub(super) fn at_column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    pub(super) fn asking(mut self, question: Question) -> Self {
        self.question = Some(question);
        self
    }

    /// The file, as it was called.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The column, from 1: of CSV the field, of libsvm the sign.
    pub fn column(&self) -> Option<usize> {
        self.column
    }

    /// What the reader may have to be told, in order to read the file.
    pub fn question(&self) -> Option<Question> {
        self.question
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        Error::Table(Box::new(error))
    }
}

impl std::error::Error for TableError {}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.file.display().to_string()))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " ({})", shown(name))?;
        }
        write!(f, ": {}", printable(&self.reason))?;
        match self.question {
            Some(Question::Header) => write!(f, ": is this row a header?"),
            Some(Question::Target) => write!(f, ": is this the column to learn?"),
            Some(Question::Separator) => write!(f, ": which of them separates the fields?"),
            None => Ok(()),
        }
    }
}

const LONGEST: usize = 40;

/// A name on one line: a quotation mark that is never closed makes a name of the rest of the file.
pub(super) fn shown(name: &str) -> String {
    let begin: String = name.chars().take(LONGEST).collect();
    format!("{}{}", printable(&begin), if begin.len() < name.len() { "…" } else { "" })
}

/// The beginning of a text, in quotation marks.
pub(super) fn quoted(text: &str) -> String {
    let begin: String = text.chars().take(LONGEST).collect();
    format!("{begin:?}{}", if begin.len() < text.len() { "…" } else { "" })
}
