//! What a check found.

use std::fmt;

use crate::Error;

/// A law that a derivative obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Law {
    /// The derivative along a direction is the limit of difference quotients.
    Derivative,
    /// The same for the recorded gradient as a function of the operands.
    SecondDerivative,
    /// ⟨u, J·v⟩ = ⟨Jᵀ·u, v⟩.
    Transpose,
    /// The cotangent u + u′ gives the sum of what u and u′ give.
    Additivity,
    /// ⟨v, H·w⟩ = ⟨w, H·v⟩.
    Symmetry,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Law::Derivative => "derivative",
            Law::SecondDerivative => "second derivative",
            Law::Transpose => "transpose",
            Law::Additivity => "additivity",
            Law::Symmetry => "symmetry",
        })
    }
}

/// One broken law. Operands count from 0, as in [`Vjp`](crate::Vjp).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Broken {
    /// Recording or running failed: an error of shapes, a missing derivative, an unreached operand,
    /// a kernel's fault.
    Tape(Error),
    /// The same program on the same inputs gave other bits.
    NotReproducible {
        /// Row of the first element that differs.
        row: usize,
        /// Its column.
        column: usize,
        /// Its value in the first run.
        first: f64,
        /// Its value in the second run.
        second: f64,
    },
    /// The value of the result or of a gradient is NaN or infinite, so nothing can be compared.
    NotFinite {
        /// The operand whose gradient it is; `None` for the result itself.
        operand: Option<usize>,
        /// The value.
        value: f64,
    },
    /// A matrix does not have the shape that it has to have.
    Shape {
        /// The operand whose gradient it is; `None` for the result itself.
        operand: Option<usize>,
        /// Rows and columns needed.
        expected: (usize, usize),
        /// Rows and columns found.
        found: (usize, usize),
    },
    /// The cotangent zero does not give zeros.
    ZeroCotangent {
        /// The operand.
        operand: usize,
        /// The first element of the gradient that is not zero.
        value: f64,
    },
    /// The cotangent 2u does not give, bit for bit, twice what u gives.
    Doubling {
        /// The operand.
        operand: usize,
        /// An element of the gradient for 2u.
        found: f64,
        /// Twice the element for u.
        expected: f64,
    },
    /// The cotangent u + u′ does not give the sum of what u and u′ give.
    Additivity {
        /// The operand.
        operand: usize,
        /// How far they are apart.
        relative: f64,
        /// How far they may be.
        tolerance: f64,
    },
    /// ⟨u, J·v⟩ and ⟨Jᵀ·u, v⟩ differ: something in the rule is not differentiated correctly with
    /// respect to the cotangent.
    Transpose {
        /// ⟨u, J·v⟩.
        forward: f64,
        /// ⟨Jᵀ·u, v⟩.
        reverse: f64,
        /// How far they are apart.
        relative: f64,
        /// How far they may be.
        tolerance: f64,
    },
    /// The derivative along a direction is not the limit of the difference quotients.
    Derivative {
        /// 1, or 2 for the derivative of the recorded gradient.
        order: u8,
        /// The operand that was moved.
        operand: usize,
        /// What the extrapolated differences say.
        differences: f64,
        /// What the recorded derivative says.
        recorded: f64,
        /// How far they are apart.
        relative: f64,
        /// How far they may be.
        tolerance: f64,
        /// Whether the differences on both sides do not approach each other: the function has a
        /// corner there.
        kink: bool,
    },
    /// An operation says that it is columnwise, and gives a column another value among some
    /// of the others than among all.
    Columnwise {
        /// The operation's name.
        operation: String,
        /// The row of the result.
        row: usize,
        /// Its column.
        column: usize,
        /// The value without some or all of the other columns.
        part: f64,
        /// The value among all columns.
        whole: f64,
    },
    /// ⟨v, H·w⟩ and ⟨w, H·v⟩ differ.
    Symmetry {
        /// ⟨v, H·w⟩.
        vhw: f64,
        /// ⟨w, H·v⟩.
        whv: f64,
        /// How far they are apart.
        relative: f64,
        /// How far they may be.
        tolerance: f64,
    },
    /// A law is broken for a function at one of its points.
    At {
        /// The point.
        point: f64,
        /// What is broken there.
        broken: Box<Broken>,
    },
}

/// What it was that is not finite or of the wrong shape.
fn of(operand: Option<usize>) -> String {
    operand.map_or("the result".into(), |i| format!("the gradient of operand {i}"))
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Tape(error) => fmt::Display::fmt(error, f),
            Broken::NotReproducible { row, column, first, second } => write!(
                f,
                "reproducibility: two runs give {first:e} and {second:e} at row {row}, column {column} of the result"
            ),
            Broken::NotFinite { operand, value } => write!(f, "finiteness: {} has {value}", of(*operand)),
            Broken::Shape { operand, expected, found } => write!(
                f,
                "shape: {} is {}×{}, not {}×{}",
                of(*operand),
                found.0,
                found.1,
                expected.0,
                expected.1
            ),
            Broken::ZeroCotangent { operand, value } => {
                write!(f, "zero cotangent: operand {operand} gets {value:e}, not 0")
            }
            Broken::Doubling { operand, found, expected } => write!(
                f,
                "linearity: for operand {operand} the cotangent 2u gives {found:e}, twice that of u is {expected:e}"
            ),
            Broken::Additivity { operand, relative, tolerance } => write!(
                f,
                "linearity: for operand {operand} the cotangent u + u′ does not give the sum of both{}",
                Apart(*relative, *tolerance)
            ),
            Broken::Transpose { forward, reverse, relative, tolerance } => write!(
                f,
                "transpose: ⟨u, Jv⟩ = {forward:.6e}, ⟨Jᵀu, v⟩ = {reverse:.6e}{}",
                Apart(*relative, *tolerance)
            ),
            Broken::Derivative { order, operand, differences, recorded, relative, tolerance, kink } => {
                let law = if *order == 1 { Law::Derivative } else { Law::SecondDerivative };
                let kink =
                    if *kink { "; looks like a kink: the differences of both sides do not meet" } else { "" };
                let apart = Apart(*relative, *tolerance);
                write!(f, "{law}: for operand {operand} differences give {differences:.6e}, ")?;
                write!(f, "the recorded one is {recorded:.6e}{apart}{kink}")
            }
            Broken::Symmetry { vhw, whv, relative, tolerance } => write!(
                f,
                "symmetry: ⟨v, Hw⟩ = {vhw:.6e}, ⟨w, Hv⟩ = {whv:.6e}{}",
                Apart(*relative, *tolerance)
            ),
            Broken::Columnwise { operation, row, column, part, whole } => write!(
                f,
                "columnwise: {operation} gives {part:e} at row {row}, column {column} from a part of the columns and {whole:e} from all: its is_columnwise or its kernel for blocks is wrong"
            ),
            Broken::At { point, broken } => write!(f, "at {point}: {broken}"),
        }
    }
}

/// Relative difference and tolerance, in parentheses.
struct Apart(f64, f64);

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " (relative difference {:.1e}, tolerance {:.1e})", self.0, self.1)
    }
}

/// The laws that are broken, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub(super) broken: Vec<Broken>,
}

impl Failure {
    /// The broken laws.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }
}

/// One line for each broken law.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, broken) in self.broken.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{broken}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.broken.iter().find_map(|broken| match broken {
            Broken::Tape(error) => Some(error as _),
            _ => None,
        })
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Failure { broken: vec![broken] }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Broken::Tape(error).into()
    }
}

/// How close the compared values were, for each law that compares within a tolerance. The other
/// laws, reproducibility, shapes, zero cotangents and doubling, hold exactly or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Law, largest relative difference, tolerance.
    pub(super) measured: Vec<(Law, f64, f64)>,
}

impl Summary {
    /// The largest relative difference found; `None` for a law that was not checked.
    pub fn largest(&self, law: Law) -> Option<f64> {
        self.measured.iter().find(|known| known.0 == law).map(|known| known.1)
    }

    /// By what factor the tolerance exceeds the largest relative difference, least over the laws; ∞
    /// if all are exact.
    pub fn margin(&self) -> f64 {
        self.measured.iter().map(|(_, largest, tolerance)| tolerance / largest).fold(f64::INFINITY, f64::min)
    }

    pub(super) fn note(&mut self, law: Law, relative: f64, tolerance: f64) {
        match self.measured.iter_mut().find(|known| known.0 == law) {
            Some(known) => known.1 = known.1.max(relative),
            None => self.measured.push((law, relative, tolerance)),
        }
    }

    pub(super) fn merge(&mut self, other: &Summary) {
        for &(law, relative, tolerance) in &other.measured {
            self.note(law, relative, tolerance);
        }
    }
}

/// One line for each law.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (law, largest, tolerance)) in self.measured.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(
                f,
                "{separator}{law:<17}  largest relative difference {largest:.1e}, tolerance {tolerance:.1e}"
            )?;
        }
        Ok(())
    }
}
