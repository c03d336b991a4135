//! The command line.

use std::fmt;
use std::str::FromStr;

use lexopt::prelude::{Long, Short, ValueExt};

use crate::cases::{CASES, Case};

pub(crate) const HELP: &str = "\
One gradient step, J and every ∂J/∂W[l] and ∂J/∂b[l], of seven networks, in each library.

Before a case is timed, every peer's J and gradients are compared with the tape's.
A line of output is: peer,case,dtype,threads,median_us,min_us,J

usage: peers [--cases A,B] [--dtype f32|f64|both] [--threads 1|2] [--peers A,B] [--seconds S]

  --cases A,B    of xor, cancer, mnist, wide, deep, large and tall, or all (all)
  --dtype D      f32, f64 or both (both)
  --threads N    1 or 2 (1)
  --peers A,B    of tape, candle, burn and dfdx, or all (all)
  --seconds S    how long a case is repeated, at least ten times and at most 15 s (1)
  -h, --help     this text";

/// What to measure.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) cases: Vec<&'static Case>,
    pub(crate) numbers: Vec<NumberType>,
    pub(crate) threads: Threads,
    pub(crate) libraries: Vec<Library>,
    pub(crate) seconds: f64,
}

/// The element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberType {
    F32,
    F64,
}

/// How many threads a library may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    One,
    Two,
}

/// A library of the comparison, our own among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    Tape,
    Candle,
    Burn,
    Dfdx,
}

/// What is wrong with the command line.
#[derive(Debug)]
pub(crate) enum ArgumentError {
    /// An option that there is not, or one without its value.
    Syntax(lexopt::Error),
    /// A name that is none of those that an option knows.
    Unknown { option: &'static str, name: String, known: String },
    /// `--seconds` is no number, not positive or too large.
    Seconds { text: String },
}

impl Arguments {
    /// Reads the command line; `None` if it asks for help.
    pub(crate) fn from_command_line() -> Result<Option<Self>, ArgumentError> {
        Self::parse(lexopt::Parser::from_env())
    }

    fn parse(mut parser: lexopt::Parser) -> Result<Option<Self>, ArgumentError> {
        let mut arguments = Arguments {
            cases: CASES.iter().collect(),
            numbers: vec![NumberType::F32, NumberType::F64],
            threads: Threads::One,
            libraries: Library::ALL.to_vec(),
            seconds: 1.0,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("cases") => arguments.cases = cases(&parser.value()?.string()?)?,
                Long("dtype") => arguments.numbers = numbers(&parser.value()?.string()?)?,
                Long("threads") => arguments.threads = threads(&parser.value()?.string()?)?,
                Long("peers") => arguments.libraries = libraries(&parser.value()?.string()?)?,
                Long("seconds") => arguments.seconds = seconds(&parser.value()?.string()?)?,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(arguments))
    }
}

fn cases(text: &str) -> Result<Vec<&'static Case>, ArgumentError> {
    let named = |name: &str| CASES.iter().find(|case| case.name == name);
    list("--cases", text, &CASES.iter().collect::<Vec<_>>(), named, |case| case.name)
}

fn libraries(text: &str) -> Result<Vec<Library>, ArgumentError> {
    let named = |name: &str| Library::ALL.into_iter().find(|library| library.name() == name);
    list("--peers", text, &Library::ALL, named, |library| library.name())
}

/// Names with commas between, or `all`.
fn list<V: Copy>(
    option: &'static str,
    text: &str,
    all: &[V],
    named: impl Fn(&str) -> Option<V>,
    name_of: impl Fn(V) -> &'static str,
) -> Result<Vec<V>, ArgumentError> {
    if text == "all" {
        return Ok(all.to_vec());
    }
    let known = || all.iter().map(|&value| name_of(value)).collect::<Vec<_>>().join(", ");
    let value = |name: &str| {
        named(name).ok_or_else(|| ArgumentError::Unknown { option, name: name.to_owned(), known: known() })
    };
    text.split(',').map(value).collect()
}

fn numbers(text: &str) -> Result<Vec<NumberType>, ArgumentError> {
    match text {
        "f32" => Ok(vec![NumberType::F32]),
        "f64" => Ok(vec![NumberType::F64]),
        "both" => Ok(vec![NumberType::F32, NumberType::F64]),
        _ => Err(unknown("--dtype", text, "f32, f64, both")),
    }
}

fn threads(text: &str) -> Result<Threads, ArgumentError> {
    match text {
        "1" => Ok(Threads::One),
        "2" => Ok(Threads::Two),
        _ => Err(unknown("--threads", text, "1, 2")),
    }
}

fn unknown(option: &'static str, name: &str, known: &str) -> ArgumentError {
    ArgumentError::Unknown { option, name: name.to_owned(), known: known.to_owned() }
}

fn seconds(text: &str) -> Result<f64, ArgumentError> {
    match f64::from_str(text) {
        Ok(seconds) if seconds > 0.0 && seconds <= crate::timing::MOST_SECONDS => Ok(seconds),
        _ => Err(ArgumentError::Seconds { text: text.to_owned() }),
    }
}

impl Threads {
    /// As a number.
    pub(crate) fn count(self) -> usize {
        match self {
            Threads::One => 1,
            Threads::Two => 2,
        }
    }
}

impl Library {
    pub(crate) const ALL: [Library; 4] = [Library::Tape, Library::Candle, Library::Burn, Library::Dfdx];

    /// As it is called on the command line and in the output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Library::Tape => "tape",
            Library::Candle => "candle",
            Library::Burn => "burn",
            Library::Dfdx => "dfdx",
        }
    }
}

impl From<lexopt::Error> for ArgumentError {
    fn from(error: lexopt::Error) -> Self {
        ArgumentError::Syntax(error)
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArgumentError::Syntax(error) => error.fmt(f),
            ArgumentError::Unknown { option, name, known } => {
                write!(f, "{option}: there is no '{name}'; there are: {known}")
            }
            ArgumentError::Seconds { text } => {
                let most = crate::timing::MOST_SECONDS;
                write!(f, "--seconds {text}: a number above 0 and at most {most} is expected")
            }
        }
    }
}

impl std::error::Error for ArgumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Arguments>, ArgumentError> {
        Arguments::parse(lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn everything_is_measured_unless_it_is_said_otherwise() {
        let arguments = parse("").unwrap().unwrap();
        assert_eq!(arguments.cases.len(), CASES.len());
        assert_eq!(arguments.numbers, [NumberType::F32, NumberType::F64]);
        assert_eq!(arguments.libraries, Library::ALL);
        assert_eq!(arguments.threads, Threads::One);
    }

    #[test]
    fn lists_keep_their_order() {
        let arguments = parse("--cases tall,xor --peers dfdx,tape --dtype f64 --threads 2").unwrap().unwrap();
        assert_eq!(arguments.cases.iter().map(|case| case.name).collect::<Vec<_>>(), ["tall", "xor"]);
        assert_eq!(arguments.libraries, [Library::Dfdx, Library::Tape]);
        assert_eq!(arguments.numbers, [NumberType::F64]);
        assert_eq!(arguments.threads, Threads::Two);
    }

    #[test]
    fn errors_name_the_option_and_what_it_knows() {
        let message = |line: &str| parse(line).unwrap_err().to_string();
        let cases = "xor, cancer, mnist, wide, deep, large, tall";
        assert_eq!(message("--cases xor,nor"), format!("--cases: there is no 'nor'; there are: {cases}"));
        assert_eq!(message("--threads 3"), "--threads: there is no '3'; there are: 1, 2");
        assert_eq!(message("--dtype f16"), "--dtype: there is no 'f16'; there are: f32, f64, both");
        for text in ["0", "-1", "NaN", "16", "soon"] {
            let expected = format!("--seconds {text}: a number above 0 and at most 15 is expected");
            assert_eq!(message(&format!("--seconds={text}")), expected);
        }
        assert!(matches!(parse("--sedonds 1"), Err(ArgumentError::Syntax(_))));
    }

    #[test]
    fn help_comes_before_what_follows_it() {
        assert!(parse("--help --cases nor").unwrap().is_none());
    }
}
