//! Comma-, semicolon- and tab-separated values.

use std::fmt;
use std::path::Path;

use super::columns::Columns;
use super::fields::is_number;
use super::limits::bytes_of;
use super::rows::{Row, Rows};
use super::{Table, TableError};
use crate::Result;

/// Whether the first row holds the names of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Header {
    /// It does if none of its fields is a number; where that leaves a doubt, an error asks.
    #[default]
    Detect,
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What stands between the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Separator {
    /// What the first row has most of, outside of quotation marks; where that leaves a doubt, an
    /// error asks.
    #[default]
    Detect,
    /// `,`.
    Comma,
    /// `;`.
    Semicolon,
    /// A tab.
    Tab,
}

impl Separator {
    pub(super) const ALL: [Separator; 3] = [Separator::Comma, Separator::Semicolon, Separator::Tab];

    /// `None` if it is to be found out.
    pub(super) fn byte(self) -> Option<u8> {
        match self {
            Separator::Detect => None,
            Separator::Comma => Some(b','),
            Separator::Semicolon => Some(b';'),
            Separator::Tab => Some(b'\t'),
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Separator::Detect => "detect",
            Separator::Comma => "comma",
            Separator::Semicolon => "semicolon",
            Separator::Tab => "tab",
        })
    }
}

/// Reads comma-, semicolon- or tab-separated text, with or without a byte order mark and carriage
/// returns.
///
/// A field may be in quotation marks, from its first byte to its last. Blanks around a field are
/// left out, but a blank before such a mark is an error, and so is text behind it: `1, "cat"` and
/// `1,"cat"s`.
///
/// ```
/// use mlp::tables::{Csv, Header};
/// let text = b"4 examples of iris\n5.1;3.5;0\n4.9;3.0;0\n7.0;3.2;1\n6.3;3.3;2\n";
/// let csv = Csv::new().header(Header::No).skip(1);
/// assert_eq!(csv.parse(text, "iris.csv")?.y.as_slice(), [0.0, 0.0, 1.0, 2.0]); // a quantity
/// let classes = ["setosa", "versicolor", "virginica"].map(String::from);
/// assert_eq!(csv.numbered_classes(classes).parse(text, "iris.csv")?.classes[2], "virginica");
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "a file is read by read or parse"]
pub struct Csv {
    target: Option<String>,
    header: Header,
    separator: Separator,
    skip: usize,
    width: Option<usize>,
    classes: Option<Vec<String>>,
}

impl Csv {
    /// With a header if there is one, and the last column as the target.
    pub fn new() -> Self {
        Csv::default()
    }

    /// The column to learn, by its name or by its number from 1; the last, if left out.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Whether the first row holds names; found out, if left out.
    pub fn header(mut self, header: Header) -> Self {
        self.header = header;
        self
    }

    /// What stands between the fields; found out, if left out.
    ///
    /// ```
    /// use mlp::tables::{Csv, Separator};
    /// let text = b"1;cat,tame\n2;dog,tame\n"; // as many commas as semicolons
    /// assert!(Csv::new().parse(text, "pets.csv").is_err());
    /// let table = Csv::new().separator(Separator::Semicolon).parse(text, "pets.csv")?;
    /// assert_eq!(table.classes, ["cat,tame", "dog,tame"]);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn separator(mut self, separator: Separator) -> Self {
        self.separator = separator;
        self
    }

    /// Leaves out so many rows in the beginning, which may be of any width.
    pub fn skip(mut self, rows: usize) -> Self {
        self.skip = rows;
        self
    }

    /// How many columns there have to be; as many as in the first row, if left out.
    pub fn columns(mut self, columns: usize) -> Self {
        self.width = Some(columns);
        self
    }

    /// The target is the number of a class, from 0, of the classes with these names.
    pub fn numbered_classes(mut self, names: impl Into<Vec<String>>) -> Self {
        self.classes = Some(names.into());
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) if it cannot be read, holds too much or nothing, or if
    /// a field is no finite number, missing, or not the number of a class, with its line and
    /// column; if it is in doubt what separates the fields, or whether there is a header.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        self.parse(&bytes_of(path)?, path)
    }

    /// Reads a text; `file` is what errors call it.
    ///
    /// # Errors
    /// As [`read`](Csv::read).
    pub fn parse(&self, bytes: &[u8], file: impl AsRef<Path>) -> Result<Table> {
        Ok(self.table(bytes, file.as_ref())?)
    }

    fn table(&self, bytes: &[u8], file: &Path) -> Result<Table, TableError> {
        let mut rows = Rows::of(bytes, file, (self.skip, self.separator))?;
        for _ in 0..self.skip {
            rows.skip()?;
        }
        let first = rows.first()?;
        let has_header = match self.header {
            Header::Yes => true,
            Header::No => false,
            Header::Detect => !first.fields.iter().any(is_number),
        };
        let columns = Columns {
            file,
            width: self.width.unwrap_or(first.fields.len()),
            names: has_header.then(|| first.fields.clone()),
            doubtful: (self.header == Header::Detect).then_some(&first),
        };
        if has_header {
            columns.check_width(&first)?;
        }
        if self.header == Header::Detect && has_header {
            columns.check_that_names_are_no_values(&first)?;
        }
        let data = if has_header { rows.next()? } else { Some(first.clone()) };
        let Some(data) = data else {
            return Err(TableError::whole(file, "there is a header, but no row after it"));
        };
        self.table_of(&columns, data, &mut rows)
    }

    fn table_of(&self, columns: &Columns<'_>, data: Row, rows: &mut Rows<'_>) -> Result<Table, TableError> {
        columns.table(data, rows, self.target.as_deref(), self.classes.as_deref())
    }
}
