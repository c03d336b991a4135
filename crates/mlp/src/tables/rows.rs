//! The rows of a text of separated values.

use std::path::Path;

use ::csv::StringRecord;

use super::limits::{MOST_COLUMNS, MOST_VALUES};
use super::{Question, Separator, TableError};

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
    /// Where the row begins that was read last.
    last: usize,
    delimiter: u8,
    reader: ::csv::Reader<&'a [u8]>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(
        bytes: &'a [u8],
        file: &'a Path,
        (skip, separator): (usize, Separator),
    ) -> Result<Self, TableError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut lines = Lines { bytes, at: 0, line: 1 };
        if let Err(error) = std::str::from_utf8(bytes) {
            let line = lines.at(error.valid_up_to());
            return Err(TableError::whole(file, "the text is not UTF-8").at_line(line));
        }
        let delimiter = match separator.byte() {
            Some(delimiter) => delimiter,
            None => {
                let (start, first) = line_at(bytes, skip);
                most_of(first).map_err(|[one, other]| {
                    let reason = format!("the first row has as many {one}s as {other}s");
                    let line = Lines { bytes, at: 0, line: 1 }.at(start);
                    TableError::whole(file, reason).at_line(line).asking(Question::Separator)
                })?
            }
        };
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
        Ok(Rows { file, lines, last: 0, delimiter, reader })
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

    /// Leaves out a row, whatever stands in it.
    pub(super) fn skip(&mut self) -> Result<(), TableError> {
        let mut row = Row { line: 0, fields: StringRecord::new() };
        match self.read(&mut row)? {
            true => Ok(()),
            false => Err(TableError::whole(self.file, "the file is empty")),
        }
    }

    /// Reads the next row; says whether there was one.
    pub(super) fn read_into(&mut self, row: &mut Row) -> Result<bool, TableError> {
        let is_row = self.read(row)?;
        let text = &self.lines.bytes[self.last..self.reader.position().byte() as usize];
        if is_row && let Some((at, column, reason)) = misplaced_mark(text, self.delimiter) {
            let line = self.lines.at(self.last + at);
            return Err(TableError::whole(self.file, reason).at_line(line).at_column(column));
        }
        Ok(is_row)
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, TableError> {
        let read = self.reader.read_record(&mut row.fields);
        let is_row = read.map_err(|error| TableError::whole(self.file, error.to_string()))?;
        if is_row {
            self.last = row.fields.position().map_or(0, |position| position.byte() as usize);
            row.line = self.lines.at(self.last);
        } else if let Some(open) = open_quotation(&self.lines.bytes[self.last..], self.delimiter) {
            // The last row would have the rest of the file in a field.
            let line = self.lines.at(self.last + open);
            let reason = "a quotation mark that begins a field is never closed";
            return Err(TableError::whole(self.file, reason).at_line(line));
        }
        Ok(is_row)
    }
}

/// The separator that a line has most of, outside of quotation marks; two that it has as many of, if
/// none has more.
fn most_of(line: &[u8]) -> Result<u8, [Separator; 2]> {
    let bytes = Separator::ALL.map(Separator::byte);
    let (mut counts, mut place) = ([0_usize; 3], Place::Begin);
    for &byte in line {
        let separator = bytes.iter().position(|&separator| separator == Some(byte));
        place = place.after(byte, separator.is_some());
        if let (Place::Begin, Some(k)) = (place, separator) {
            counts[k] += 1;
        }
    }
    let most = counts.into_iter().fold(0, usize::max);
    if most == 0 {
        return Ok(b','); // a column alone
    }
    let mut all = (0..counts.len()).filter(|&k| counts[k] == most);
    match (all.next(), all.next()) {
        (Some(one), Some(other)) => Err([Separator::ALL[one], Separator::ALL[other]]),
        (one, _) => Ok(one.and_then(|one| bytes[one]).unwrap_or(b',')),
    }
}

/// A line of those that are not blank, counted from 0, and where it begins; an empty one if there are
/// fewer.
fn line_at(bytes: &[u8], number: usize) -> (usize, &[u8]) {
    let mut next = 0;
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(|line| {
        let start = next;
        next += line.len() + 1;
        (start, line)
    });
    lines.filter(|(_, line)| !line.is_empty()).nth(number).unwrap_or_default()
}

/// Where in the last row, up to the end of the text, the quotation mark is that begins a field and is
/// never closed, if there is one.
fn open_quotation(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let (mut place, mut open) = (Place::Begin, 0);
    for (at, &byte) in bytes.iter().enumerate() {
        if place == Place::Begin {
            open = at;
        }
        place = place.after(byte, byte == delimiter || matches!(byte, b'\n' | b'\r'));
    }
    (place == Place::Quoted).then_some(open)
}

/// The first quotation mark of a row that is not where it would be read as one: its place, its column
/// from 1, and what is wrong.
fn misplaced_mark(row: &[u8], delimiter: u8) -> Option<(usize, usize, &'static str)> {
    if !row.contains(&b'"') {
        return None;
    }
    let text = std::str::from_utf8(row).ok()?;
    let (mut place, mut start, mut column) = (Place::Begin, 0, 1);
    for (at, &byte) in row.iter().enumerate() {
        place = place.after(byte, byte == delimiter || matches!(byte, b'\n' | b'\r'));
        if place == Place::Begin {
            if let Some((mark, reason)) = misplaced_in(&text[start..at]) {
                return Some((start + mark, column, reason));
            }
            (start, column) = (at + 1, column + usize::from(byte == delimiter));
        }
    }
    misplaced_in(&text[start..]).map(|(mark, reason)| (start + mark, column, reason))
}

/// The same of a field: the csv crate takes `"1"2` for 12, and the marks of a field that begins with
/// a blank for a part of its text.
fn misplaced_in(field: &str) -> Option<(usize, &'static str)> {
    const BEHIND: &str = "text stands behind the quotation mark that ends the field";
    const BLANK: &str = "a blank stands before the quotation mark that begins the field";
    let is_last = |&at: &usize| field[at + 1..].trim().is_empty();
    if field.starts_with('"') {
        return closing_mark(field).filter(|at| !is_last(at)).map(|at| (at, BEHIND));
    }
    let first = field.find(|c: char| !c.is_whitespace()).filter(|&at| field[at..].starts_with('"'))?;
    let last = field.rfind('"').filter(|at| *at > first && is_last(at));
    last.map(|_| (first, BLANK))
}

/// The mark that ends a field which begins with one: two of them are one of the text.
fn closing_mark(field: &str) -> Option<usize> {
    let mut marks = field.match_indices('"').map(|(at, _)| at).skip(1);
    while let Some(at) = marks.next() {
        if !field[at + 1..].starts_with('"') {
            return Some(at);
        }
        marks.next();
    }
    None
}

/// Where in a field a byte is, as the csv crate takes quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before its first byte: only here a quotation mark opens.
    Begin,
    Plain,
    Quoted,
    /// After a quotation mark in a quotation: a second one is one of the text.
    Mark,
}

impl Place {
    fn after(self, byte: u8, ends_field: bool) -> Place {
        match (self, byte) {
            (Place::Quoted, b'"') => Place::Mark,
            (Place::Quoted, _) | (Place::Begin | Place::Mark, b'"') => Place::Quoted,
            (Place::Begin | Place::Plain | Place::Mark, _) if ends_field => Place::Begin,
            (Place::Begin | Place::Plain | Place::Mark, _) => Place::Plain,
        }
    }
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
