//! The columns of a text of separated values.

use std::path::Path;

use ::csv::StringRecord;
use tape::Matrix;

use super::error::quoted;
use super::fields::{is_missing, is_number, listed};
use super::labels::{Labels, MOST_CLASSES, Texts, with_two_classes};
use super::rows::{Row, Rows};
use super::{Question, Table, TableError};

/// What is known of the columns of a file.
pub(super) struct Columns<'a> {
    pub(super) file: &'a Path,
    pub(super) width: usize,
    /// The header, if there is one.
    pub(super) names: Option<StringRecord>,
    /// The first row, if nobody said whether it is a header.
    pub(super) doubtful: Option<&'a Row>,
}

impl Columns<'_> {
    /// The table of a row and of those that follow it.
    pub(super) fn table(
        &self,
        first: Row,
        rows: &mut Rows<'_>,
        target: Option<&str>,
        numbered: Option<&[String]>,
    ) -> Result<Table, TableError> {
        if self.width < 2 {
            return Err(TableError::whole(self.file, "at least one feature and a target are needed"));
        }
        if numbered.is_some_and(<[String]>::is_empty) {
            return Err(TableError::whole(self.file, "no class has a name: there is none to have a number"));
        }
        let target = self.find(target)?;
        let features = || (0..self.width).filter(move |&column| column != target);
        self.check_width(&first)?;
        let mut labels = match numbered {
            Some(_) => Labels::Numbers(Vec::new()),
            None => Labels::beginning_with(self.text(&first, target)?),
        };
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
                    y.push(self.number_or_class(&row, target, numbered)?);
                }
                Labels::Texts(texts) => {
                    let label = self.label(&row, target)?;
                    if !texts.add(label) {
                        self.check_that_labels_are_no_header(texts, target)?;
                        let reason = format!("there are more than {MOST_CLASSES} different labels");
                        return Err(self.at(&row, target, reason).asking(Question::Target));
                    }
                }
            }
            if !rows.read_into(&mut row)? {
                break;
            }
        }
        let (y, classes) = match labels {
            Labels::Numbers(y) if let Some(classes) = numbered => (y, classes.to_vec()),
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

    /// The number of a class, if there are classes.
    fn number_or_class(
        &self,
        row: &Row,
        column: usize,
        classes: Option<&[String]>,
    ) -> Result<f64, TableError> {
        let number = self.number(row, column)?;
        let Some(classes) = classes else { return Ok(number) };
        if number < 0.0 || number.fract() != 0.0 || number >= classes.len() as f64 {
            let text = quoted(&row.fields[column]);
            let last = classes.len() - 1;
            return Err(self.wrong(
                row,
                column,
                &format!("{text} is not the number of a class, 0 to {last}"),
            ));
        }
        Ok(number)
    }

    fn matrix(&self, rows: usize, columns: usize, values: Vec<f64>) -> Result<Matrix<f64>, TableError> {
        Matrix::from_vec(rows, columns, values)
            .map_err(|error| TableError::whole(self.file, error.to_string()))
    }

    fn make_room(&self, values: &mut Vec<f64>, more: usize) -> Result<(), TableError> {
        let room = values.try_reserve(more);
        room.map_err(|_| {
            TableError::whole(self.file, format!("there is no memory for {} numbers", values.len() + more))
        })
    }

    pub(super) fn check_width(&self, row: &Row) -> Result<(), TableError> {
        if row.fields.len() == self.width {
            return Ok(());
        }
        let reason = format!("the row has {} fields, {} are expected", row.fields.len(), self.width);
        Err(TableError::whole(self.file, reason).at_line(row.line))
    }

    /// A row in which values are missing looks like one of names: it would be left out.
    pub(super) fn check_that_names_are_no_values(&self, first: &Row) -> Result<(), TableError> {
        let empty = first.fields.iter().filter(|field| field.is_empty()).count();
        let missing = (0..self.width).find(|&column| {
            let field = &first.fields[column];
            if field.is_empty() { self.width > 2 && empty + 1 >= self.width } else { is_missing(field) }
        });
        let Some(column) = missing else { return Ok(()) };
        let field = quoted(&first.fields[column]);
        let reason = format!("{field} is a name or a missing value");
        let error = self.at(first, column, reason).asking(Question::Header);
        Err(TableError { name: None, ..error })
    }

    /// A header of which only some names are numbers looks like a row, if the target's name is
    /// text: that name would be a class, which no other row has.
    fn check_that_labels_are_no_header(&self, labels: &Texts, target: usize) -> Result<(), TableError> {
        let (Some(first), None) = (self.doubtful, &self.names) else { return Ok(()) };
        let others = || labels.counts().filter(|(label, _)| *label != &first.fields[target]);
        let alone = labels.count(&first.fields[target]) == 1 && others().next().is_some();
        let what = match alone {
            true if others().all(|(label, _)| is_number(label)) => "text, and every other target is a number",
            true if others().all(|(_, count)| count > 1) => "the only label that is in no other row",
            _ => return Ok(()),
        };
        let label = quoted(&first.fields[target]);
        Err(self.at(first, target, format!("{label} is {what}")).asking(Question::Header))
    }

    /// The target's position. A header's own name goes before a number.
    fn find(&self, target: Option<&str>) -> Result<usize, TableError> {
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
                return Err(TableError::whole(self.file, reason));
            }
        }
        match wanted.parse::<usize>() {
            Ok(number) if (1..=self.width).contains(&number) => Ok(number - 1),
            _ => {
                let whole = |more| {
                    let reason =
                        format!("there is no column {} among the {}{more}", quoted(wanted), self.width);
                    TableError::whole(self.file, reason)
                };
                Err(match (&self.names, self.doubtful) {
                    (Some(names), _) => whole(format!(": {}", listed(names))),
                    (None, Some(first)) if !among(&first.fields).is_empty() => {
                        whole(format!("; line {} has it", first.line)).asking(Question::Header)
                    }
                    (None, _) => whole(String::new()),
                })
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

    fn at(&self, row: &Row, column: usize, reason: String) -> TableError {
        let error = TableError::whole(self.file, reason).at_line(row.line).at_column(column + 1);
        TableError { name: self.header_name(column).map(str::to_string), ..error }
    }

    /// What is wrong with a field; in a first row that may as well be a header, with the question
    /// whether it is one.
    fn wrong(&self, row: &Row, column: usize, what: &str) -> TableError {
        let may_be_header = self.names.is_none() && self.doubtful.is_some_and(|first| first.line == row.line);
        let error = self.at(row, column, what.to_string());
        if may_be_header { error.asking(Question::Header) } else { error }
    }

    /// A field that is not missing.
    fn text<'r>(&self, row: &'r Row, column: usize) -> Result<&'r str, TableError> {
        match &row.fields[column] {
            "" => Err(self.wrong(row, column, "the value is missing")),
            field if is_missing(field) => {
                Err(self.wrong(row, column, &format!("the value is missing: {field:?}")))
            }
            field => Ok(field),
        }
    }

    /// A name of a class, which NaN is none of.
    fn label<'r>(&self, row: &'r Row, column: usize) -> Result<&'r str, TableError> {
        match self.text(row, column)? {
            field @ ("NaN" | "nan" | "NAN") => {
                Err(self.wrong(row, column, &format!("the value is missing: {field:?}")))
            }
            field => Ok(field),
        }
    }

    fn number(&self, row: &Row, column: usize) -> Result<f64, TableError> {
        let field = self.text(row, column)?;
        match field.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.wrong(row, column, &format!("{} is not a finite number", quoted(field)))),
            Err(_) => Err(self.wrong(row, column, &format!("{} is not a number", quoted(field)))),
        }
    }
}
