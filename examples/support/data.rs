//! From a table to what a network is trained and tested on.

use mlp::tables::{Csv, MOST_VALUES, Question, Table};
use mlp::{Error, Scalar, Split, Standardizer, one_hot};
use tape::{Matrix, printable};

use super::args::Args;
use super::data_sets;
use super::text::{short, shown};

const BREAST_CANCER: &[u8] = include_bytes!("../data/breast_cancer.csv");

/// What is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Class 0 or 1: one output, a probability.
    TwoClasses,
    /// One of several classes: a logit for each.
    Classes,
    /// A number.
    Quantity,
}

/// Examples, each a column of X and of Y.
#[derive(Debug, Clone)]
pub(crate) struct Part<T: Scalar> {
    pub(crate) x: Matrix<T>,
    pub(crate) y: Matrix<T>,
}

/// Examples to train on and to test on, standardised with what the training part alone says.
#[derive(Debug, Clone)]
pub(crate) struct Data<T: Scalar> {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) task: Task,
    /// Names of the classes 0, 1, …, as they can be printed; none for a quantity.
    pub(crate) classes: Vec<String>,
    /// Which examples are for the test, in words.
    pub(crate) split: String,
    pub(crate) train: Part<T>,
    pub(crate) test: Part<T>,
    /// Standard deviation of the target in the training part, in its own unit; 1 for classes.
    pub(crate) unit: f64,
    /// What the features are standardised by.
    pub(crate) standardizer: Standardizer<f64>,
    /// Whether these are the data and the split that the reference results are for.
    pub(crate) is_reference: bool,
}

impl<T: Scalar> Data<T> {
    /// The data of this example, or those of the user's file. Features are standardised by what was
    /// kept of another training, if anything was.
    pub(crate) fn load(args: &Args, seed: u64, kept: Option<Standardizer<f64>>) -> Result<Self, String> {
        let Some(path) = &args.csv else { return reference(kept) };
        let mut csv = Csv::new().header(args.header).separator(args.separator);
        if let Some(target) = &args.target {
            csv = csv.target(target);
        }
        let mut table = csv.read(path).map_err(with_option)?;
        if args.classes && table.classes.is_empty() {
            number_classes(&mut table)?;
        }
        let task = task(&table)?;
        let split = match task {
            Task::Quantity => Split::random(table.y.columns(), args.test_share, seed),
            Task::TwoClasses | Task::Classes => Split::stratified(&classes_of(&table), args.test_share, seed),
        };
        let split = split.map_err(|error| error.to_string())?;
        let source = printable(&path.display().to_string()).into_owned();
        Data::new(source, table, task, &split, format!("drawn by seed {seed}"), kept)
    }

    fn new(
        source: String,
        table: Table,
        task: Task,
        split: &Split,
        rule: String,
        kept: Option<Standardizer<f64>>,
    ) -> Result<Self, String> {
        let (y, unit) = labels(&table, task, split)?;
        let (standardizer, [x_train, x_test]) =
            standardised(&table.x, split, kept).map_err(|error| error.to_string())?;
        let part = |x: Matrix<f64>, of: &[usize]| Part { x: x.cast(), y: y.select_columns(of).cast() };
        Ok(Data {
            source,
            target: shown(&table.target),
            task,
            classes: table.classes.iter().map(|class| shown(class)).collect(),
            split: rule,
            train: part(x_train, &split.train),
            test: part(x_test, &split.test),
            unit,
            standardizer,
            is_reference: false,
        })
    }

    /// n_0.
    pub(crate) fn features(&self) -> usize {
        self.train.x.rows()
    }
}

fn reference<T: Scalar>(kept: Option<Standardizer<f64>>) -> Result<Data<T>, String> {
    let table = data_sets::breast_cancer(BREAST_CANCER).map_err(|error| error.to_string())?;
    let split = Split::every(table.y.columns(), 5).map_err(|error| error.to_string())?;
    let source = "Breast Cancer Wisconsin (Diagnostic)".to_string();
    let rule = "every fifth row, from the first".to_string();
    let data = Data::new(source, table, Task::TwoClasses, &split, rule, kept)?;
    Ok(Data { is_reference: true, ..data })
}

/// What is wrong with a file, with the option that answers the question.
fn with_option(error: Error) -> String {
    let question = if let Error::Table(error) = &error { error.question() } else { None };
    match question {
        Some(Question::Header) => format!("{error} (--header yes|no)"),
        Some(Question::Target) => format!("{error} (--target COLUMN)"),
        Some(Question::Separator) => format!("{error} (--separator comma|semicolon|tab)"),
        None => error.to_string(),
    }
}

/// Makes classes of the numbers of the target, in ascending order.
fn number_classes(table: &mut Table) -> Result<(), String> {
    let mut values = table.y.as_slice().to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    check_number_of_classes(table, values.len())?;
    table.y = table.y.map(|y| values.partition_point(|value| *value < y) as f64);
    table.classes = values.into_iter().map(short).collect();
    Ok(())
}

/// That there are examples of the classes, and memory for their labels.
fn check_number_of_classes(table: &Table, n: usize) -> Result<(), String> {
    let (m, target) = (table.y.columns(), shown(&table.target));
    if n <= 2 {
        return Ok(());
    }
    if 2 * n > m {
        return Err(format!(
            "{target} has {n} classes in {m} rows: is this the column to learn? (--target COLUMN)"
        ));
    }
    let labels = n.saturating_mul(m);
    if labels > MOST_VALUES {
        return Err(format!(
            "{n} classes in {m} rows are {labels} labels of 0 or 1, {MOST_VALUES} are the most that is held"
        ));
    }
    Ok(())
}

fn task(table: &Table) -> Result<Task, String> {
    let (y, target) = (table.y.as_slice(), shown(&table.target));
    if y.iter().all(|value| *value == y[0]) {
        return Err(format!("{target} is the same in all {} rows: there is nothing to learn", y.len()));
    }
    check_number_of_classes(table, table.classes.len())?;
    Ok(match table.classes.len() {
        0 => Task::Quantity,
        2 => Task::TwoClasses,
        _ => Task::Classes,
    })
}

fn classes_of(table: &Table) -> Vec<usize> {
    table.y.as_slice().iter().map(|&y| y as usize).collect()
}

/// Y of all examples, and the unit of a quantity.
fn labels(table: &Table, task: Task, split: &Split) -> Result<(Matrix<f64>, f64), String> {
    match task {
        Task::TwoClasses => Ok((table.y.clone(), 1.0)),
        Task::Classes => {
            let y = one_hot(&classes_of(table), table.classes.len());
            Ok((y.map_err(|error| error.to_string())?, 1.0))
        }
        Task::Quantity => {
            let standardizer = Standardizer::fit(&table.y.select_columns(&split.train));
            let standardizer = standardizer.map_err(|error| error.to_string())?;
            let y = standardizer.transform(&table.y).map_err(|error| error.to_string())?;
            Ok((y, standardizer.scale()[0]))
        }
    }
}

/// X of the training part and of the test part, with what they are standardised by.
fn standardised(
    x: &Matrix<f64>,
    split: &Split,
    kept: Option<Standardizer<f64>>,
) -> mlp::Result<(Standardizer<f64>, [Matrix<f64>; 2])> {
    let (train, test) = (x.select_columns(&split.train), x.select_columns(&split.test));
    let standardizer = kept.map_or_else(|| Standardizer::fit(&train), Ok)?;
    let both = [standardizer.transform(&train)?, standardizer.transform(&test)?];
    Ok((standardizer, both))
}
