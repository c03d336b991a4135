//! Reads tables of numbers: a row of the file is an example, and so a column of X.
//!
//! A mistake in a file is told with its line, its column (field) and the text that stands there; nothing is guessed, left
//! out or filled in. A file is read row by row into numbers: besides its bytes there is nothing that grows with it but those.
#![allow(dead_code, reason = "every example uses a part of it")]

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::csv::StringRecord;
use tape::{Matrix, printable};

/// What is read at most: the examples hold all numbers in memory, in several copies.
pub(crate) const MOST_VALUES: usize = 50_000_000;
const MOST_BYTES: u64 = 1 << 30;
const MOST_COLUMNS: usize = 1_000_000;
const MOST_CLASSES: usize = 10_000;

/// Examples with their labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// n_0 × m.
    pub(crate) x: Matrix<f64>,
    /// 1 × m: the number of the class, or the number that the file gives.
    pub(crate) y: Matrix<f64>,
    /// The names of the n_0 features; `column 3` where the file gives none.
    pub(crate) features: Vec<String>,
    /// The name of the target.
    pub(crate) target: String,
    /// The names of the classes 0, 1, …; none if the target is a quantity.
    ///
    /// A target of text is one of classes, in alphabetical order; a target of exactly two different numbers too, the
    /// smaller one first.
    pub(crate) classes: Vec<String>,
}

/// Whether the first row holds the names of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Header {
    /// It does if none of its fields is a number; where that leaves a doubt, an error asks for `Yes` or `No`.
    #[default]
    Detect,
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CsvError {
    file: String,
    /// From 1.
    line: Option<usize>,
    /// From 1.
    column: Option<usize>,
    /// The column's name, if the file gives one.
    name: Option<String>,
    reason: String,
}

impl std::error::Error for CsvError {}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " ({})", shown(name))?;
        }
        write!(f, ": {}", printable(&self.reason))
    }
}

/// Reads a file; see [`parse`].
pub(crate) fn read(path: &Path, target: Option<&str>, header: Header) -> Result<Table, CsvError> {
    let file = path.display().to_string();
    let opened = File::open(path).map_err(|error| whole(&file, error.to_string()))?;
    let bytes = at_most(MOST_BYTES, opened, &file)?;
    parse(&bytes, &file, target, header)
}

/// Reads to the end, which some files do not have.
pub(crate) fn at_most(most: u64, from: impl Read, file: &str) -> Result<Vec<u8>, CsvError> {
    let mut bytes = Vec::new();
    let read = from.take(most.saturating_add(1)).read_to_end(&mut bytes);
    let length = read.map_err(|error| whole(file, error.to_string()))?;
    if length as u64 > most {
        return Err(whole(file, format!("there are more than {most} bytes, the most that is read")));
    }
    Ok(bytes)
}

/// Reads comma-, semicolon- or tab-separated text, with or without a byte order mark and carriage returns.
///
/// The target is named, or numbered from 1, or the last column. `file` is what errors call the text.
pub(crate) fn parse(
    bytes: &[u8],
    file: &str,
    target: Option<&str>,
    header: Header,
) -> Result<Table, CsvError> {
    let mut rows = Rows::of(bytes, file)?;
    let first = rows.first()?;
    let has_header = match header {
        Header::Yes => true,
        Header::No => false,
        Header::Detect => !first.fields.iter().any(is_number),
    };
    let columns = Columns {
        file,
        width: first.fields.len(),
        names: has_header.then(|| first.fields.clone()),
        doubtful: (header == Header::Detect).then_some(&first),
    };
    if header == Header::Detect && has_header {
        columns.check_that_names_are_no_values(&first)?;
    }
    let data = if has_header { rows.next()? } else { Some(first.clone()) };
    let Some(data) = data else {
        return Err(whole(file, "there is a header, but no row after it".to_string()));
    };
    columns.table(data, &mut rows, target)
}

/// Reads the breast cancer data (examples/data/README.md): a line `569,30,malignant,benign`, then rows of 30 features and the
/// number of the class.
pub(crate) fn breast_cancer(bytes: &[u8], file: &str) -> Result<Table, CsvError> {
    let mut rows = Rows::of(bytes, file)?;
    let Row { line, fields: first } = rows.first()?;
    let announced = |column: usize| first.get(column).and_then(|field| field.parse::<usize>().ok());
    let (Some(m), Some(n), 4..) = (announced(0), announced(1), first.len()) else {
        let reason =
            "examples, features and the names of the classes are expected, as 569,30,malignant,benign";
        return Err(CsvError { line: Some(line), ..whole(file, reason.to_string()) });
    };
    let classes: Vec<String> = first.iter().skip(2).map(str::to_string).collect();
    let columns = Columns { file, names: None, width: n.saturating_add(1), doubtful: None };
    let (x, y) = columns.features_and_classes(&mut rows, classes.len())?;
    if y.columns() != m {
        return Err(whole(file, format!("line 1 announces {m} examples, there are {}", y.columns())));
    }
    Ok(Table { x, y, features: breast_cancer_features(n), target: "diagnosis".to_string(), classes })
}

/// Ten measures of the cell nuclei in an image, each as mean, standard error and mean of the three largest.
fn breast_cancer_features(n: usize) -> Vec<String> {
    const MEASURES: [&str; 10] = [
        "radius",
        "texture",
        "perimeter",
        "area",
        "smoothness",
        "compactness",
        "concavity",
        "concave points",
        "symmetry",
        "fractal dimension",
    ];
    let of = |kind| MEASURES.iter().map(move |measure| format!("{kind} {measure}"));
    let names: Vec<String> = ["mean", "error of", "worst"].into_iter().flat_map(of).collect();
    if names.len() == n { names } else { (1..=n).map(|column| format!("column {column}")).collect() }
}

/// Reads the digits (examples/data/README.md), gzipped: rows of 8 × 8 pixels from 0 to 16, and the digit.
pub(crate) fn digits(gzipped: &[u8], file: &str) -> Result<Table, CsvError> {
    let mut bytes = Vec::new();
    let unpacked = flate2::read::GzDecoder::new(gzipped).read_to_end(&mut bytes);
    unpacked.map_err(|error| whole(file, format!("cannot be unpacked: {error}")))?;
    let mut rows = Rows::of(&bytes, file)?;
    let columns = Columns { file, names: None, width: 65, doubtful: None };
    let (x, y) = columns.features_and_classes(&mut rows, 10)?;
    let features = (0..64).map(|pixel| format!("pixel {},{}", pixel / 8, pixel % 8)).collect();
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Ok(Table { x, y, features, target: "digit".to_string(), classes })
}

fn whole(file: &str, reason: String) -> CsvError {
    CsvError { file: file.to_string(), line: None, column: None, name: None, reason }
}

fn is_number(field: &str) -> bool {
    field.parse::<f64>().is_ok()
}

#[derive(Debug, Clone)]
struct Row {
    /// Where it begins, from 1.
    line: usize,
    fields: StringRecord,
}

/// The rows of a text, from the first to the last. Blank lines are none.
struct Rows<'a> {
    file: &'a str,
    lines: Lines<'a>,
    reader: ::csv::Reader<&'a [u8]>,
}

impl<'a> Rows<'a> {
    fn of(bytes: &'a [u8], file: &'a str) -> Result<Self, CsvError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut lines = Lines { bytes, at: 0, line: 1 };
        if let Err(error) = std::str::from_utf8(bytes) {
            let line = Some(lines.at(error.valid_up_to()));
            return Err(CsvError { line, ..whole(file, "the text is not UTF-8".to_string()) });
        }
        let delimiter = delimiter(bytes);
        let ends_field = |byte: &&u8| **byte == delimiter || matches!(**byte, b'\n' | b'\r');
        let fields = bytes.iter().filter(ends_field).count();
        if fields > MOST_VALUES {
            let reason = format!("there are about {fields} fields, {MOST_VALUES} are the most that is read");
            return Err(whole(file, reason));
        }
        let reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(::csv::Trim::All)
            .delimiter(delimiter)
            .from_reader(bytes);
        Ok(Rows { file, lines, reader })
    }

    fn first(&mut self) -> Result<Row, CsvError> {
        let first = self.next()?.ok_or_else(|| whole(self.file, "the file is empty".to_string()))?;
        if first.fields.len() > MOST_COLUMNS {
            let reason = format!("there are more than {MOST_COLUMNS} columns, the most that is read");
            return Err(CsvError { line: Some(first.line), ..whole(self.file, reason) });
        }
        Ok(first)
    }

    fn next(&mut self) -> Result<Option<Row>, CsvError> {
        let mut row = Row { line: 0, fields: StringRecord::new() };
        Ok(self.read_into(&mut row)?.then_some(row))
    }

    /// Reads the next row; says whether there was one.
    fn read_into(&mut self, row: &mut Row) -> Result<bool, CsvError> {
        let read = self.reader.read_record(&mut row.fields);
        let is_row = read.map_err(|error| whole(self.file, error.to_string()))?;
        if is_row {
            let start = row.fields.position().map_or(0, |position| position.byte() as usize);
            row.line = self.lines.at(start);
        }
        Ok(is_row)
    }
}

/// The separator that the first line has most of: a comma, a semicolon or a tab.
fn delimiter(bytes: &[u8]) -> u8 {
    let first = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.is_empty());
    let count = |delimiter: u8| first.unwrap_or_default().iter().filter(|byte| **byte == delimiter).count();
    // The last of equals wins.
    [b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

/// Counts lines up to a place in a text, going forward.
///
/// The csv crate's own count is of no use here: it begins a record before the blank lines and the \n of \r\n that lead to it.
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

/// What is known of the columns of a file.
struct Columns<'a> {
    file: &'a str,
    width: usize,
    /// The header, if there is one.
    names: Option<StringRecord>,
    /// The first row, if nobody said whether it is a header.
    doubtful: Option<&'a Row>,
}

impl Columns<'_> {
    /// The table of a row and of those that follow it.
    fn table(&self, first: Row, rows: &mut Rows<'_>, target: Option<&str>) -> Result<Table, CsvError> {
        if self.width < 2 {
            return Err(whole(self.file, "at least one feature and a target are needed".to_string()));
        }
        let target = self.find(target)?;
        let features = || (0..self.width).filter(move |&column| column != target);
        self.check_width(&first)?;
        let mut labels = Labels::beginning_with(self.text(&first, target)?);
        let (mut x, mut row) = (Vec::new(), first);
        loop {
            self.check_width(&row)?;
            self.make_room(&mut x, self.width - 1)?;
            for column in features() {
                x.push(self.number(&row, column)?);
            }
            match &mut labels {
                Labels::Numbers(y) => {
                    self.make_room(y, 1)?;
                    y.push(self.number(&row, target)?);
                }
                Labels::Texts(texts) => {
                    let label = self.text(&row, target)?;
                    if !texts.add(label) {
                        self.check_that_labels_are_no_header(texts, target)?;
                        let reason = format!(
                            "there are more than {MOST_CLASSES} different labels: is this the column to learn? (--target COLUMN)"
                        );
                        return Err(self.at(&row, target, reason));
                    }
                }
            }
            if !rows.read_into(&mut row)? {
                break;
            }
        }
        let (y, classes) = match labels {
            Labels::Numbers(y) => with_two_classes(y),
            Labels::Texts(texts) => {
                self.check_that_labels_are_no_header(&texts, target)?;
                texts.in_order()
            }
        };
        Ok(Table {
            x: self.matrix(self.width - 1, y.len(), x)?,
            y: self.matrix(1, y.len(), y)?,
            features: features().map(|column| self.name(column)).collect(),
            target: self.name(target),
            classes,
        })
    }

    /// X and Y of a file whose last column is the number of a class below `classes`.
    fn features_and_classes(
        &self,
        rows: &mut Rows<'_>,
        classes: usize,
    ) -> Result<(Matrix<f64>, Matrix<f64>), CsvError> {
        let last = self.width - 1;
        let (mut x, mut y) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            self.check_width(&row)?;
            for column in 0..last {
                x.push(self.number(&row, column)?);
            }
            let class = self.number(&row, last)?;
            if !(0..classes).any(|number| number as f64 == class) {
                let text = quoted(&row.fields[last]);
                let reason = format!("{text} is not the number of a class, 0 to {}", classes - 1);
                return Err(self.at(&row, last, reason));
            }
            y.push(class);
        }
        Ok((self.matrix(last, y.len(), x)?, self.matrix(1, y.len(), y)?))
    }

    fn matrix(&self, rows: usize, columns: usize, values: Vec<f64>) -> Result<Matrix<f64>, CsvError> {
        Matrix::from_vec(rows, columns, values).map_err(|error| whole(self.file, error.to_string()))
    }

    fn make_room(&self, values: &mut Vec<f64>, more: usize) -> Result<(), CsvError> {
        let room = values.try_reserve(more);
        room.map_err(|_| whole(self.file, format!("there is no memory for {} numbers", values.len() + more)))
    }

    fn check_width(&self, row: &Row) -> Result<(), CsvError> {
        if row.fields.len() == self.width {
            return Ok(());
        }
        let reason = format!("the row has {} fields, {} are expected", row.fields.len(), self.width);
        Err(CsvError { line: Some(row.line), ..whole(self.file, reason) })
    }

    /// A row in which values are missing looks like one of names: it would be left out.
    fn check_that_names_are_no_values(&self, first: &Row) -> Result<(), CsvError> {
        let empty = first.fields.iter().filter(|field| field.is_empty()).count();
        let missing = (0..self.width).find(|&column| {
            let field = &first.fields[column];
            if field.is_empty() { self.width > 2 && empty + 1 >= self.width } else { is_missing(field) }
        });
        let Some(column) = missing else { return Ok(()) };
        let field = quoted(&first.fields[column]);
        let reason = format!("{field} is a name or a missing value: is this row a header? (--header yes|no)");
        Err(CsvError { name: None, ..self.at(first, column, reason) })
    }

    /// A header of which only some names are numbers looks like a row, if the target's name is text: that name would be a
    /// class, which no other row has.
    fn check_that_labels_are_no_header(&self, labels: &Texts, target: usize) -> Result<(), CsvError> {
        let (Some(first), None) = (self.doubtful, &self.names) else { return Ok(()) };
        let others = || labels.counts().filter(|(label, _)| *label != &first.fields[target]);
        let alone = labels.count(&first.fields[target]) == 1 && others().next().is_some();
        let what = match alone {
            true if others().all(|(label, _)| is_number(label)) => "text, and every other target is a number",
            true if others().all(|(_, count)| count > 1) => "the only label that is in no other row",
            _ => return Ok(()),
        };
        let label = quoted(&first.fields[target]);
        Err(self.at(first, target, format!("{label} is {what}: is this row a header? (--header yes|no)")))
    }

    /// The target's position. A header's own name goes before a number.
    fn find(&self, target: Option<&str>) -> Result<usize, CsvError> {
        let Some(wanted) = target else { return Ok(self.width - 1) };
        let among = |names: &StringRecord| -> Vec<usize> {
            (0..names.len()).filter(|&column| &names[column] == wanted).collect()
        };
        let named = self.names.as_ref().map_or(Vec::new(), among);
        match named[..] {
            [column] => return Ok(column),
            [] => {}
            [..] => {
                let reason =
                    format!("{} columns have the name {}: give the number", named.len(), quoted(wanted));
                return Err(whole(self.file, reason));
            }
        }
        match wanted.parse::<usize>() {
            Ok(number) if (1..=self.width).contains(&number) => Ok(number - 1),
            _ => {
                let more = match (&self.names, self.doubtful) {
                    (Some(names), _) => format!(": {}", listed(names)),
                    (None, Some(first)) if !among(&first.fields).is_empty() => {
                        format!("; line {} has it: is this row a header? (--header yes)", first.line)
                    }
                    (None, _) => String::new(),
                };
                let reason = format!("there is no column {} among the {}{more}", quoted(wanted), self.width);
                Err(whole(self.file, reason))
            }
        }
    }

    fn name(&self, column: usize) -> String {
        match self.header_name(column) {
            Some(name) => name.to_string(),
            None => format!("column {}", column + 1),
        }
    }

    fn header_name(&self, column: usize) -> Option<&str> {
        let name = self.names.as_ref()?.get(column)?;
        (!name.is_empty()).then_some(name)
    }

    fn at(&self, row: &Row, column: usize, reason: String) -> CsvError {
        CsvError {
            line: Some(row.line),
            column: Some(column + 1),
            name: self.header_name(column).map(str::to_string),
            ..whole(self.file, reason)
        }
    }

    /// What is wrong with a field; in a first row that may as well be a header, with the question whether it is one.
    fn wrong(&self, row: &Row, column: usize, what: &str) -> CsvError {
        let may_be_header = self.names.is_none() && self.doubtful.is_some_and(|first| first.line == row.line);
        let question = if may_be_header { ": is this row a header? (--header yes)" } else { "" };
        self.at(row, column, format!("{what}{question}"))
    }

    /// A field that is not missing.
    fn text<'r>(&self, row: &'r Row, column: usize) -> Result<&'r str, CsvError> {
        match &row.fields[column] {
            "" => Err(self.wrong(row, column, "the value is missing")),
            field if is_missing(field) => {
                Err(self.wrong(row, column, &format!("the value is missing: {field:?}")))
            }
            field => Ok(field),
        }
    }

    fn number(&self, row: &Row, column: usize) -> Result<f64, CsvError> {
        let field = self.text(row, column)?;
        match field.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.wrong(row, column, &format!("{} is not a finite number", quoted(field)))),
            Err(_) => Err(self.wrong(row, column, &format!("{} is not a number", quoted(field)))),
        }
    }
}

fn is_missing(field: &str) -> bool {
    matches!(field, "" | "?" | "-" | "NA" | "N/A" | "n/a" | "null" | "NULL")
}

/// The targets of the rows that were read. They are numbers, or have classes that are numbers, if the first one is a number.
enum Labels {
    Numbers(Vec<f64>),
    Texts(Texts),
}

impl Labels {
    fn beginning_with(first: &str) -> Self {
        if is_number(first) { Labels::Numbers(Vec::new()) } else { Labels::Texts(Texts::default()) }
    }
}

/// Targets that are names of classes.
#[derive(Default)]
struct Texts {
    /// For every row the class, numbered as they came.
    classes: Vec<usize>,
    /// The number of each class, and in how many rows it is.
    known: HashMap<String, (usize, usize)>,
}

impl Texts {
    /// Takes a label, unless it is one class too many.
    fn add(&mut self, label: &str) -> bool {
        let next = self.known.len();
        let class = match self.known.get_mut(label) {
            Some((class, count)) => {
                *count += 1;
                *class
            }
            None if next == MOST_CLASSES => return false,
            None => {
                self.known.insert(label.to_string(), (next, 1));
                next
            }
        };
        self.classes.push(class);
        true
    }

    fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.known.iter().map(|(label, (_, count))| (label.as_str(), *count))
    }

    fn count(&self, label: &str) -> usize {
        self.known.get(label).map_or(0, |(_, count)| *count)
    }

    /// Y and the names of the classes, in alphabetical order.
    fn in_order(self) -> (Vec<f64>, Vec<String>) {
        let mut names: Vec<(String, usize)> =
            self.known.into_iter().map(|(label, (class, _))| (label, class)).collect();
        names.sort_unstable();
        let mut place = vec![0.0; names.len()];
        for (i, (_, class)) in names.iter().enumerate() {
            place[*class] = i as f64;
        }
        let y = self.classes.into_iter().map(|class| place[class]).collect();
        (y, names.into_iter().map(|(label, _)| label).collect())
    }
}

/// Y and the names of the classes, if there are exactly two different numbers, else the numbers.
fn with_two_classes(mut y: Vec<f64>) -> (Vec<f64>, Vec<String>) {
    let least = y.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let most = y.iter().copied().reduce(f64::max).unwrap_or(0.0);
    if least == most || y.iter().any(|&value| value != least && value != most) {
        return (y, Vec::new());
    }
    for value in &mut y {
        *value = f64::from(*value == most);
    }
    (y, vec![short(least), short(most)])
}

/// A number as it is read, with an exponent where it would else be a row of digits: 0.5, 12, 1e300.
pub(crate) fn short(x: f64) -> String {
    if x == 0.0 || (1e-5..1e16).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

const LONGEST: usize = 40;

/// A name on one line: a quotation mark that is never closed makes a name of the rest of the file.
pub(crate) fn shown(name: &str) -> String {
    let begin: String = name.chars().take(LONGEST).collect();
    format!("{}{}", printable(&begin), if begin.len() < name.len() { "…" } else { "" })
}

/// The beginning of a text, in quotation marks.
fn quoted(text: &str) -> String {
    let begin: String = text.chars().take(LONGEST).collect();
    format!("{begin:?}{}", if begin.len() < text.len() { "…" } else { "" })
}

/// Names with commas between them.
fn listed(names: &StringRecord) -> String {
    const MOST: usize = 20;
    let some: Vec<String> = names.iter().take(MOST).map(shown).collect();
    format!("{}{}", some.join(", "), if names.len() > MOST { ", …" } else { "" })
}
