//! Reads tables of numbers: a row of the file is an example, and so a column of X.
//!
//! A mistake in a file is told with its line, its column (field) and the text that stands there; nothing is guessed, left
//! out or filled in.
#![allow(dead_code, reason = "every example uses a part of it")]

use std::fmt;
use std::io::Read;
use std::path::Path;

use tape::Matrix;

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
    /// It does if none of its fields is a number.
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
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Reads a file; see [`parse`].
pub(crate) fn read(path: &Path, target: Option<&str>, header: Header) -> Result<Table, CsvError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| whole(&file, error.to_string()))?;
    parse(&bytes, &file, target, header)
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
    let mut rows = rows(bytes, file)?;
    let is_number = |field: &String| field.parse::<f64>().is_ok();
    let has_header = match header {
        Header::Yes => true,
        Header::No => false,
        Header::Detect => !rows[0].fields.iter().any(is_number),
    };
    let names = has_header.then(|| rows.remove(0));
    let width = names.as_ref().or(rows.first()).map_or(0, |row| row.fields.len());
    let columns = Columns { file, names, width };
    if rows.is_empty() {
        return Err(whole(file, "there is a header, but no row after it".to_string()));
    }
    columns.table(&rows, target)
}

/// Reads the breast cancer data (examples/data/README.md): a line `569,30,malignant,benign`, then rows of 30 features and the
/// number of the class.
pub(crate) fn breast_cancer(bytes: &[u8], file: &str) -> Result<Table, CsvError> {
    let mut rows = rows(bytes, file)?;
    let first = rows.remove(0);
    let announced = |column: usize| first.fields.get(column).and_then(|field| field.parse::<usize>().ok());
    let (Some(m), Some(n), [_, _, _, _, ..]) = (announced(0), announced(1), &first.fields[..]) else {
        let reason =
            "examples, features and the names of the classes are expected, as 569,30,malignant,benign";
        return Err(CsvError { line: Some(first.line), ..whole(file, reason.to_string()) });
    };
    let classes = first.fields[2..].to_vec();
    if rows.len() != m {
        return Err(whole(file, format!("line 1 announces {m} examples, there are {}", rows.len())));
    }
    let columns = Columns { file, names: None, width: n.saturating_add(1) };
    let (x, y) = columns.features_and_classes(&rows, classes.len())?;
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
    let rows = rows(&bytes, file)?;
    let columns = Columns { file, names: None, width: 65 };
    let (x, y) = columns.features_and_classes(&rows, 10)?;
    let features = (0..64).map(|pixel| format!("pixel {},{}", pixel / 8, pixel % 8)).collect();
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Ok(Table { x, y, features, target: "digit".to_string(), classes })
}

fn whole(file: &str, reason: String) -> CsvError {
    CsvError { file: file.to_string(), line: None, column: None, name: None, reason }
}

struct Row {
    /// Where it begins, from 1.
    line: usize,
    fields: Vec<String>,
}

/// The rows of a text, of which there is at least one. Blank lines are none.
fn rows(bytes: &[u8], file: &str) -> Result<Vec<Row>, CsvError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Lines { bytes, at: 0, line: 1 };
    if let Err(error) = std::str::from_utf8(bytes) {
        let line = Some(lines.at(error.valid_up_to()));
        return Err(CsvError { line, ..whole(file, "the text is not UTF-8".to_string()) });
    }
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(::csv::Trim::All)
        .delimiter(delimiter(bytes))
        .from_reader(bytes);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| whole(file, error.to_string()))?;
        let start = record.position().map_or(0, |position| position.byte() as usize);
        rows.push(Row { line: lines.at(start), fields: record.iter().map(str::to_string).collect() });
    }
    if rows.is_empty() {
        return Err(whole(file, "the file is empty".to_string()));
    }
    Ok(rows)
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
    /// The header, if there is one.
    names: Option<Row>,
    width: usize,
}

impl Columns<'_> {
    fn table(&self, rows: &[Row], target: Option<&str>) -> Result<Table, CsvError> {
        if self.width < 2 {
            return Err(whole(self.file, "at least one feature and a target are needed".to_string()));
        }
        self.check_widths(rows)?;
        let target = self.find(target)?;
        let mut x = Vec::with_capacity(rows.len() * (self.width - 1));
        for row in rows {
            for column in (0..self.width).filter(|&column| column != target) {
                x.push(self.number(row, column)?);
            }
        }
        let (y, classes) = self.labels(rows, target)?;
        Ok(Table {
            x: self.matrix(self.width - 1, rows.len(), x)?,
            y: self.matrix(1, rows.len(), y)?,
            features: (0..self.width).filter(|&column| column != target).map(|c| self.name(c)).collect(),
            target: self.name(target),
            classes,
        })
    }

    /// X and Y of a file whose last column is the number of a class below `classes`.
    fn features_and_classes(
        &self,
        rows: &[Row],
        classes: usize,
    ) -> Result<(Matrix<f64>, Matrix<f64>), CsvError> {
        self.check_widths(rows)?;
        let last = self.width - 1;
        let (mut x, mut y) = (Vec::with_capacity(rows.len() * last), Vec::with_capacity(rows.len()));
        for row in rows {
            for column in 0..last {
                x.push(self.number(row, column)?);
            }
            let class = self.number(row, last)?;
            if !(0..classes).any(|number| number as f64 == class) {
                let text = quoted(&row.fields[last]);
                let reason = format!("{text} is not the number of a class, 0 to {}", classes - 1);
                return Err(self.at(row, last, reason));
            }
            y.push(class);
        }
        Ok((self.matrix(last, rows.len(), x)?, self.matrix(1, rows.len(), y)?))
    }

    fn matrix(&self, rows: usize, columns: usize, values: Vec<f64>) -> Result<Matrix<f64>, CsvError> {
        Matrix::from_vec(rows, columns, values).map_err(|error| whole(self.file, error.to_string()))
    }

    fn check_widths(&self, rows: &[Row]) -> Result<(), CsvError> {
        let Some(row) = rows.iter().find(|row| row.fields.len() != self.width) else { return Ok(()) };
        let reason = format!("the row has {} fields, {} are expected", row.fields.len(), self.width);
        Err(CsvError { line: Some(row.line), ..whole(self.file, reason) })
    }

    /// The target's position. A header's own name goes before a number.
    fn find(&self, target: Option<&str>) -> Result<usize, CsvError> {
        let Some(wanted) = target else { return Ok(self.width - 1) };
        let names = self.names.as_ref().map_or(&[][..], |row| &row.fields);
        let named: Vec<usize> = (0..names.len()).filter(|&column| names[column] == wanted).collect();
        match named[..] {
            [column] => return Ok(column),
            [] => {}
            [..] => {
                let reason = format!("{} columns have the name {wanted:?}: give the number", named.len());
                return Err(whole(self.file, reason));
            }
        }
        match wanted.parse::<usize>() {
            Ok(number) if (1..=self.width).contains(&number) => Ok(number - 1),
            _ => {
                let known = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
                let reason = format!("there is no column {wanted:?} among the {}{known}", self.width);
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
        let name = self.names.as_ref()?.fields.get(column)?;
        (!name.is_empty()).then_some(name.as_str())
    }

    fn at(&self, row: &Row, column: usize, reason: String) -> CsvError {
        CsvError {
            line: Some(row.line),
            column: Some(column + 1),
            name: self.header_name(column).map(str::to_string),
            ..whole(self.file, reason)
        }
    }

    /// A field that is not missing.
    fn text<'r>(&self, row: &'r Row, column: usize) -> Result<&'r str, CsvError> {
        let field = row.fields[column].as_str();
        match field {
            "" => Err(self.at(row, column, "the value is missing".to_string())),
            "?" | "-" | "NA" | "N/A" | "n/a" | "null" | "NULL" => {
                Err(self.at(row, column, format!("the value is missing: {field:?}")))
            }
            _ => Ok(field),
        }
    }

    fn number(&self, row: &Row, column: usize) -> Result<f64, CsvError> {
        let field = self.text(row, column)?;
        match field.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.at(row, column, format!("{} is not a finite number", quoted(field)))),
            Err(_) => Err(self.at(row, column, format!("{} is not a number", quoted(field)))),
        }
    }

    /// Y, and the names of the classes. The target is a quantity, or has classes that are numbers, if its first value is one.
    fn labels(&self, rows: &[Row], target: usize) -> Result<(Vec<f64>, Vec<String>), CsvError> {
        if self.text(&rows[0], target)?.parse::<f64>().is_err() {
            return self.text_labels(rows, target);
        }
        let y = rows.iter().map(|row| self.number(row, target)).collect::<Result<Vec<f64>, _>>()?;
        let mut values = y.clone();
        values.sort_by(f64::total_cmp);
        values.dedup();
        match values[..] {
            [zero, one] => {
                let y = y.iter().map(|&value| f64::from(value == one)).collect();
                Ok((y, vec![zero.to_string(), one.to_string()]))
            }
            _ => Ok((y, Vec::new())),
        }
    }

    fn text_labels(&self, rows: &[Row], target: usize) -> Result<(Vec<f64>, Vec<String>), CsvError> {
        let labels = rows.iter().map(|row| self.text(row, target)).collect::<Result<Vec<&str>, _>>()?;
        let mut classes = labels.clone();
        classes.sort_unstable();
        classes.dedup();
        // The labels are all among the classes, so this is the place of each: the number of classes before it.
        let y =
            labels.into_iter().map(|label| classes.partition_point(|class| *class < label) as f64).collect();
        Ok((y, classes.into_iter().map(str::to_string).collect()))
    }
}

/// The beginning of a text: a quotation mark that is never closed makes a field of the rest of the file.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        return format!("{text:?}");
    }
    format!("{:?}…", text.chars().take(LONGEST).collect::<String>())
}
