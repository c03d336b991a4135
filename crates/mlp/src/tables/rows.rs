//! The rows of a text of separated values.

use std::path::Path;

use ::csv::StringRecord;

use super::TableError;
use super::limits::{MOST_COLUMNS, MOST_VALUES};

#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Where it begins, from 1.
    pub(super) line: usize,
    pub(super) fields: StringRecord,
}

/// The rows of a text, from the first to the last. Blank lines are none.
pub(super) struct Rows<'a> {
    file: &'a Path,
    lines: Lines<'a>,
    reader: ::csv::Reader<&'a [u8]>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(bytes: &'a [u8], file: &'a Path, skip: usize) -> Result<Self, TableError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut lines = Lines { bytes, at: 0, line: 1 };
        if let Err(error) = std::str::from_utf8(bytes) {
            let line = lines.at(error.valid_up_to());
            return Err(TableError::whole(file, "the text is not UTF-8").at_line(line));
        }
        let delimiter = delimiter(bytes, skip);
        let ends_field = |byte: &&u8| **byte == delimiter || matches!(**byte, b'\n' | b'\r');
        let fields = bytes.iter().filter(ends_field).count();
        if fields > MOST_VALUES {
            let reason = format!("there are about {fields} fields, {MOST_VALUES} are the most that is read");
            return Err(TableError::whole(file, reason));
        }
        let reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(::csv::Trim::All)
            .delimiter(delimiter)
            .from_reader(bytes);
        Ok(Rows { file, lines, reader })
    }

    pub(super) fn first(&mut self) -> Result<Row, TableError> {
        let first = self.next()?.ok_or_else(|| TableError::whole(self.file, "the file is empty"))?;
        if first.fields.len() > MOST_COLUMNS {
            let reason = format!("there are more than {MOST_COLUMNS} columns, the most that is read");
            return Err(TableError::whole(self.file, reason).at_line(first.line));
        }
        Ok(first)
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, TableError> {
        let mut row = Row { line: 0, fields: StringRecord::new() };
        Ok(self.read_into(&mut row)?.then_some(row))
    }

    /// Reads the next row; says whether there was one.
    pub(super) fn read_into(&mut self, row: &mut Row) -> Result<bool, TableError> {
        let read = self.reader.read_record(&mut row.fields);
        let is_row = read.map_err(|error| TableError::whole(self.file, error.to_string()))?;
        if is_row {
            let start = row.fields.position().map_or(0, |position| position.byte() as usize);
            row.line = self.lines.at(start);
        }
        Ok(is_row)
    }
}

/// The separator that the first line after those that are left out has most of: a comma, a
/// semicolon or a tab.
fn delimiter(bytes: &[u8], skip: usize) -> u8 {
    let first = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()).nth(skip);
    let count = |delimiter: u8| first.unwrap_or_default().iter().filter(|byte| **byte == delimiter).count();
    // The last of equals wins.
    [b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

/// Counts lines up to a place in a text, going forward.
///
/// The csv crate's own count is of no use here: it begins a record before the blank lines and the
/// \n of \r\n that lead to it.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line, from 1, of the first byte from `start` on that does not end a line.
    fn at(&mut self, start: usize) -> usize {
        while let Some(&byte) = self.bytes.get(self.at) {
            let ends_line = byte == b'\n' || byte == b'\r';
            if self.at >= start && !ends_line {
                break;
            }
            self.at += 1;
            let is_half = byte == b'\r' && self.bytes.get(self.at) == Some(&b'\n');
            self.line += usize::from(ends_line && !is_half);
        }
        self.line
    }
}
