//! What can go wrong after the command line was read.

use std::fmt;

/// Why a peer could not be measured.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Our own program.
    Tape(tape::Error),
    /// Our own network.
    Network(mlp::Error),
    /// candle.
    Candle(candle_core::Error),
    /// burn.
    Burn(burn::tensor::DataError),
    /// A result was asked for before a step.
    NotRun,
    /// The library has no gradient for a parameter.
    NoGradient,
    /// A result is not the tape's.
    Mismatch(Box<Mismatch>),
    /// The process with the number of threads in its environment.
    Restart(std::io::Error),
    /// Standard output.
    Output(std::io::Error),
}

/// Where a peer and the tape differ, and by how much.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) peer: &'static str,
    pub(crate) case: &'static str,
    pub(crate) number: &'static str,
    /// `J`, or a gradient such as `∂J/∂W[1]`.
    pub(crate) output: String,
    pub(crate) difference: Difference,
}

/// How two results differ.
#[derive(Debug)]
pub(crate) enum Difference {
    /// Not as many numbers.
    Length { found: usize, expected: usize },
    /// The norm of the difference, and what it may be at most.
    Norm { found: f64, allowed: f64 },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Tape(error) => write!(f, "tape: {error}"),
            Failure::Network(error) => write!(f, "mlp: {error}"),
            Failure::Candle(error) => write!(f, "candle: {error}"),
            Failure::Burn(error) => write!(f, "burn: {error}"),
            Failure::NotRun => f.write_str("a result was read before the first step"),
            Failure::NoGradient => f.write_str("the library has no gradient for a parameter"),
            Failure::Mismatch(mismatch) => mismatch.fmt(f),
            Failure::Restart(error) => {
                write!(f, "cannot start again with the number of threads set: {error}")
            }
            Failure::Output(error) => write!(f, "standard output: {error}"),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { peer, case, number, output, difference } = self;
        write!(f, "{peer}, case {case} in {number}: {output} is not the tape's: ")?;
        match difference {
            Difference::Length { found, expected } => write!(f, "{found} numbers instead of {expected}"),
            Difference::Norm { found, allowed } => {
                write!(f, "the difference has norm {found:e}, at most {allowed:e} is allowed")
            }
        }
    }
}

impl std::error::Error for Failure {}

impl From<candle_core::Error> for Failure {
    fn from(error: candle_core::Error) -> Self {
        Failure::Candle(error)
    }
}
