//! What can go wrong, as one type.

mod printable;

use std::fmt::{self, Write};
use std::panic::Location;

pub use printable::printable;
pub(crate) use printable::{Printable, is_name, is_unprintable};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The place in the user's source where an operation was recorded.
pub type Place = &'static Location<'static>;

/// Everything that can go wrong in this crate.
///
/// The first mistake made while recording is remembered with the place in the *user's* source where
/// it was made; what depends on it is void, and [`compile`](crate::Tape::compile),
/// [`value`](crate::Var::value) and [`check`](crate::Tape::check) return it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// `rows × columns` entries do not fit the address space.
    SizeOverflow {
        /// Number of rows asked for.
        rows: usize,
        /// Number of columns asked for.
        columns: usize,
    },
    /// The system gave no more threads or no memory for them, or more were asked for than
    /// [`Threads::MOST`](crate::Threads::MOST).
    Threads {
        /// How many.
        threads: usize,
        /// What the system says.
        reason: String,
    },
    /// The environment variable `TAPE_SIMD` asks for an instruction set that the processor does not
    /// have, or that there is not.
    InstructionSet {
        /// The variable's value.
        asked: String,
        /// The names of those that there are, the best one first.
        there: String,
    },
    /// The allocator could not give the memory of a matrix.
    Allocation {
        /// Number of rows asked for.
        rows: usize,
        /// Number of columns asked for.
        columns: usize,
        /// Bytes asked for.
        bytes: usize,
    },
    /// A value that a program computes is too large for the memory or the address space.
    TooLarge(Box<TooLarge>),
    /// The number of values given does not fill the matrix.
    DataLength {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
        /// Number of values that were given.
        found: usize,
    },
    /// Rows (or columns) of different lengths were given.
    Ragged {
        /// `"row"` or `"column"`.
        what: &'static str,
        /// Index, from 0, of the first one that differs.
        index: usize,
        /// Length of the first one.
        expected: usize,
        /// Length of this one.
        found: usize,
    },
    /// The shapes of the operands do not fit the operation.
    Shape {
        /// The operation's name.
        operation: String,
        /// What does not fit, with the operands' names and shapes.
        reason: String,
        /// Where it was recorded.
        at: Place,
    },
    /// A variable of another tape was used.
    ForeignVariable {
        /// The operation's name.
        operation: String,
        /// The variable's name or number.
        variable: String,
        /// Where.
        at: Place,
    },
    /// A gradient was asked of an entry that is not 1 × 1.
    NonScalarGradient {
        /// The entry's name or number.
        output: String,
        /// Its shape.
        shape: String,
        /// Where it was asked for.
        at: Place,
    },
    /// A derivative was asked with respect to a variable that the output does not depend on.
    Unreached {
        /// The method that was called.
        method: &'static str,
        /// The output's name or number.
        output: String,
        /// The variable's name or number.
        variable: String,
        /// Where it was asked for.
        at: Place,
    },
    /// A derivative was needed that the user's function or operation does not give.
    MissingDerivative {
        /// The function's or operation's name.
        function: String,
        /// With respect to which operand, from 0.
        operand: usize,
        /// Where the derivative was asked for.
        at: Place,
    },
    /// The vector–Jacobian product of an operation of the user's is not linear in the cotangent.
    NotLinear {
        /// The operation's name.
        operation: String,
        /// Where the derivative was asked for.
        at: Place,
    },
    /// A mean over nothing, or another use of 1/m: m is 0.
    EmptyBatch {
        /// The entry that needs at least one example.
        entry: String,
        /// Where it was recorded.
        at: Place,
    },
    /// A label of the log-loss is not in [0, 1], or one of the cross-entropy is negative or not
    /// finite.
    Label {
        /// The loss.
        operation: &'static str,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// The name or number of the entry that holds the labels.
        labels: String,
        /// What a label has to be.
        expected: &'static str,
        /// Where the loss was recorded.
        at: Place,
    },
    /// An index is no whole number below the number of columns of its table.
    Index {
        /// The method that was given it, or the operation that met it in a run.
        method: &'static str,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// The name or number of the entry that holds the indices.
        indices: String,
        /// How many columns the table has.
        count: usize,
        /// The name or number of the table, if it is known: of several the one with the fewest
        /// columns.
        table: Option<String>,
        /// Where its columns were gathered.
        at: Place,
    },
    /// A name that no entry has, or several have.
    NotNamed {
        /// The name.
        name: String,
        /// How many entries have it.
        found: usize,
    },
    /// An index that is negative, or that the number type does not hold exactly.
    InexactIndex {
        /// The method that was given it.
        method: &'static str,
        /// The index.
        index: i128,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// The name of the indices.
        indices: String,
        /// The number type's name.
        number: &'static str,
        /// Where they were recorded, if that is where they were given.
        at: Option<Place>,
    },
    /// A number of indices that are not k for each example.
    IndexCount {
        /// The method that was given them.
        method: &'static str,
        /// The name of the indices.
        indices: String,
        /// How many each example has.
        k: usize,
        /// How many were given.
        found: usize,
        /// Where they were recorded, if that is where they were given.
        at: Option<Place>,
    },
    /// A probability of the log-loss is not in [0, 1].
    Probability {
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// The name or number of the entry that holds the probabilities.
        probabilities: String,
        /// Where the loss was recorded.
        at: Place,
    },
    /// An opt-in check found a value that is not finite.
    NonFinite(Box<NonFinite>),
    /// A variable that is not a leaf of this program was bound or written.
    NotBindable {
        /// The method that was called.
        method: &'static str,
        /// The variable's name or number.
        variable: String,
        /// Why it cannot be bound.
        reason: &'static str,
    },
    /// An example was selected that there is not.
    NoExample {
        /// The variable's name or number.
        variable: String,
        /// The example, from 0.
        example: usize,
        /// How many the variable has on the tape.
        m: usize,
    },
    /// A matrix of the wrong shape was bound.
    BindShape {
        /// The method that was called.
        method: &'static str,
        /// The variable's name or number.
        variable: String,
        /// The shape that is needed.
        expected: String,
        /// The shape that was given.
        found: String,
    },
    /// Two leaves hold different numbers of examples.
    ExamplesDiffer {
        /// The first leaf.
        first: String,
        /// Its number of examples.
        first_m: usize,
        /// The other leaf.
        second: String,
        /// Its number of examples.
        second_m: usize,
        /// Where the other leaf was recorded, if that is where they were found to differ.
        at: Option<Place>,
    },
    /// A leaf has no value yet.
    Unbound {
        /// The leaf's name or number.
        variable: String,
    },
    /// A program depends on the number of examples m, and there are no examples that say it.
    UnknownExamples {
        /// The first entry that depends on m.
        entry: String,
        /// Where it was recorded.
        at: Place,
    },
    /// A variable was asked of a program that was not compiled for it.
    NotInProgram {
        /// The variable's name or number.
        variable: String,
    },
    /// A derivative was asked of a program that was not compiled for it. It is a leaf, of which the
    /// program knows what it is now, and not what it was in the last run.
    NotOutput {
        /// The leaf's name.
        variable: String,
    },
    /// A program was asked for a result before its first run, or after a failed one, of which
    /// [`Program::last_error`](crate::Program::last_error) tells what it failed with.
    NotRun,
    /// [`Program::scalar`](crate::Program::scalar) was asked of something that is not 1 × 1.
    NotScalar {
        /// The variable's name or number.
        variable: String,
        /// Its shape.
        shape: String,
    },
    /// `Tape::from_json` was given a text that is no list, or one that cannot be recorded.
    Unreadable(Box<Unreadable>),
    /// A list that `Tape::from_json` has read had a mistake when it was written.
    ReadMistake {
        /// What the mistake said, with its place.
        mistake: String,
    },
    /// A program has what cannot be written in another form.
    NotExportable(Box<NotExportable>),
    /// A user's kernel reported a failure.
    Kernel {
        /// The operation's name.
        operation: String,
        /// What it reported.
        reason: String,
        /// Where the operation was recorded.
        at: Place,
    },
}

/// What a program tells of a value for which there is no room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TooLarge {
    /// The entry's name or number, with its operation.
    pub entry: String,
    /// Its number of rows.
    pub rows: usize,
    /// Its number of columns.
    pub columns: usize,
    /// The bytes that the system did not give; `None` if so many do not fit the address space.
    pub bytes: Option<usize>,
    /// Where the entry was recorded.
    pub at: Place,
}

/// What a program tells of an entry that cannot be written in another form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotExportable {
    /// The form, `"ONNX"`.
    pub format: &'static str,
    /// The entry's name or number.
    pub entry: String,
    /// Its operation.
    pub operation: String,
    /// Why it cannot be written.
    pub reason: String,
    /// Where the entry was recorded.
    pub at: Place,
}

/// What `Tape::from_json` tells of a text that it cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// What is wrong; of an entry, with its number, its operation and where it was recorded.
    pub reason: String,
    /// Where in the text: the line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
}

/// What [`Program::run_checked`](crate::Program::run_checked) tells of the first value that is not
/// finite.
#[derive(Debug, Clone, PartialEq)]
pub struct NonFinite {
    /// The entry's name or number, with its operation.
    pub entry: String,
    /// The value found: NaN, ∞ or −∞.
    pub value: f64,
    /// Its row, from 0.
    pub row: usize,
    /// Its column, from 0.
    pub column: usize,
    /// For every operand: its name or number and the range of its values.
    pub operands: Vec<OperandRange>,
    /// Where the entry was recorded.
    pub at: Place,
}

/// The range of an operand's values.
#[derive(Debug, Clone, PartialEq)]
pub struct OperandRange {
    /// The operand's name or number.
    pub name: String,
    /// Least and greatest value that is not NaN; `None` if there is no such value.
    pub range: Option<(f64, f64)>,
    /// How many values are NaN.
    pub nans: usize,
}

impl std::error::Error for Error {}

/// One line: what a terminal would obey in the names is escaped, here for all of the texts.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Printable(f);
        match self {
            Error::SizeOverflow { rows, columns } => {
                write!(f, "matrix: {rows}×{columns} entries do not fit the address space")
            }
            Error::Threads { threads, reason } => {
                write!(f, "threads: {threads} are not to be had: {reason}")
            }
            Error::InstructionSet { asked, there } => write!(
                f,
                "TAPE_SIMD={asked}: this processor has no such instruction set; name one of {there}, or unset it"
            ),
            Error::Allocation { rows, columns, bytes } => {
                write!(f, "matrix: no memory for {rows}×{columns} entries ({bytes} bytes)")
            }
            Error::TooLarge(value) => write!(f, "{value}"),
            Error::DataLength { rows, columns, found } => write!(
                f,
                "matrix: {rows}×{columns} needs {} values, {found} were given",
                rows.saturating_mul(*columns)
            ),
            Error::Ragged { what, index, expected, found } => {
                write!(f, "matrix: {what} {index} has {found} values, {what} 0 has {expected}")
            }
            Error::Shape { operation, reason, at } => write!(f, "{}: {reason}, at {at}", Called(operation)),
            Error::ForeignVariable { operation, variable, at } => {
                write!(f, "{}: {variable} belongs to another tape, at {at}", Called(operation))
            }
            Error::NonScalarGradient { output, shape, at } => write!(
                f,
                "gradients: {output} is {shape}, not 1×1: reduce it first (sum or mean), or give a cotangent to vjp, at {at}"
            ),
            Error::Unreached { method, output, variable, at } => {
                let instead = match *method {
                    "gradients" => "gradients_or_zeros gives zeros",
                    _ => "its part is zero: leave it out",
                };
                write!(f, "{method}: {output} does not depend on {variable} ({instead}), at {at}")
            }
            Error::MissingDerivative { function, operand, at } => write!(
                f,
                "gradients: {} gives no derivative with respect to its operand {operand}, needed at {at}",
                Called(function)
            ),
            Error::NotLinear { operation, at } => write!(
                f,
                "jvp: the vjp of {} is not linear in the cotangent, needed at {at}",
                Called(operation)
            ),
            // Of an entry that has no name it is not known whether it was written as a mean.
            Error::EmptyBatch { entry, at } if entry.starts_with('%') => {
                write!(
                    f,
                    "run: m = 0, there are no examples, and {entry} has the factor 1/m, recorded at {at}"
                )
            }
            Error::EmptyBatch { entry, at } => {
                write!(f, "mean: {entry} is a mean over m = 0 examples, recorded at {at}")
            }
            Error::Label { operation, value, row, column, labels, expected, at } => write!(
                f,
                "{operation}: label {value} at row {row}, column {column} of {labels} is not {expected}, loss recorded at {at}"
            ),
            Error::Probability { value, row, column, probabilities, at } => write!(
                f,
                "log_loss: probability {value} at row {row}, column {column} of {probabilities} is not in [0, 1] (of logits use log_loss_on_logits), loss recorded at {at}"
            ),
            Error::Index { method, value, row, column, indices, count, table, at } => write!(
                f,
                "{method}: index {value} at row {row}, column {column} of {indices} is no whole number from 0 on and below {count}, the columns of {}, recorded at {at}",
                table.as_deref().unwrap_or("the table")
            ),
            Error::NotNamed { name, found: 0 } => {
                write!(f, "no entry of the tape is named {}", printable(name))
            }
            Error::NotNamed { name, found } => {
                write!(f, "{found} entries of the tape are named {}", printable(name))
            }
            Error::InexactIndex { method, index, row, column, indices, number, at } => {
                write!(f, "{method}: {index} at row {row}, column {column} of {indices} ")?;
                match *index < 0 {
                    true => write!(f, "is no index: columns are numbered from 0")?,
                    false => write!(f, "is no {number}: the type does not hold it exactly")?,
                }
                at.map_or(Ok(()), |at| write!(f, ", at {at}"))
            }
            Error::IndexCount { method, indices, k, found, at } => {
                write!(f, "{method}: {indices} has {found} indices, and takes {k} for each example")?;
                at.map_or(Ok(()), |at| write!(f, ", at {at}"))
            }
            Error::NonFinite(found) => write!(f, "{found}"),
            Error::NotBindable { method, variable, reason } => write!(f, "{method}: {variable} {reason}"),
            Error::NoExample { variable, example, m } => {
                write!(
                    f,
                    "select_columns: {variable} has {m} examples (columns), from 0, and no column {example}"
                )
            }
            Error::BindShape { method, variable, expected, found } => {
                write!(f, "{method}: {variable} is {expected}, the matrix given is {found}")
            }
            Error::ExamplesDiffer { first, first_m, second, second_m, at } => {
                let method = if at.is_some() { "examples" } else { "run" };
                write!(f, "{method}: {first} holds {first_m} examples (columns), {second} holds {second_m}")?;
                at.map_or(Ok(()), |at| write!(f, ", at {at}"))
            }
            Error::Unbound { variable } => write!(f, "run: {variable} has no value: bind one first"),
            Error::UnknownExamples { entry, at } => write!(
                f,
                "run: {entry} depends on the number of examples m, which no examples say: record some with examples or examples_unbound, recorded at {at}"
            ),
            Error::NotInProgram { variable } => {
                write!(f, "program: {variable} is neither an output nor a leaf of this program")
            }
            Error::NotOutput { variable } => write!(
                f,
                "program: the derivative is the leaf {variable}, and no output of this program: compile it as one"
            ),
            Error::NotRun => {
                write!(
                    f,
                    "program: no results: the program was not run yet, or its last run failed (last_error tells why)"
                )
            }
            Error::NotScalar { variable, shape } => write!(f, "scalar: {variable} is {shape}, not 1×1"),
            Error::Unreadable(found) => {
                let Unreadable { reason, line, column } = &**found;
                write!(f, "from_json: {reason}, at line {line}, column {column} of the text")
            }
            Error::NotExportable(found) => {
                let NotExportable { format, entry, operation, reason, at } = &**found;
                write!(f, "{format}: {entry} ({}): {reason}, recorded at {at}", Called(operation))
            }
            Error::ReadMistake { mistake } => write!(f, "{mistake}"),
            Error::Kernel { operation, reason, at } => {
                let reason = if is_name(reason) { reason } else { "its kernel failed and gives no reason" };
                write!(f, "{}: {reason}, recorded at {at}", Called(operation))
            }
        }
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooLarge { entry, rows, columns, bytes, at } = self;
        match bytes {
            Some(bytes) => write!(f, "run: no memory for {entry}, {rows}×{columns} ({bytes} bytes)")?,
            None => write!(f, "run: {entry} is {rows}×{columns}, more than fits the address space")?,
        }
        write!(f, ", recorded at {at}")
    }
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Printable(f);
        let NonFinite { entry, value, row, column, operands, at } = self;
        write!(f, "{entry}: {value} at row {row}, column {column}; ")?;
        if !operands.is_empty() {
            write!(f, "operands: ")?;
        }
        for (i, operand) in operands.iter().enumerate() {
            if i > 0 {
                write!(f, ", ")?;
            }
            write!(f, "{}", operand.name)?;
            match operand.range {
                Some((low, high)) => write!(f, " in [{}, {}]", Short(low), Short(high))?,
                None => write!(f, " (no number)")?,
            }
            if operand.nans > 0 {
                write!(f, " and {} NaN", operand.nans)?;
            }
        }
        let separator = if operands.is_empty() { "" } else { "; " };
        write!(f, "{separator}recorded at {at}")
    }
}

/// The name of an operation or function, or what is said where the user's has none.
struct Called<'a>(&'a str);

impl fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if is_name(self.0) { self.0 } else { "an operation without a name" })
    }
}

/// A number as short as it goes: 0.25, 4, 1e200.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size != 0.0 && size.is_finite() && !(1e-5..1e16).contains(&size) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}
