//! What a check found.

use std::fmt;

use crate::check::case::Case;
use crate::check::difference::Errors;
use crate::check::verdict::{Reason, Unchecked};
use crate::{Error, SourcePlace};

/// A law that a derivative obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Law {
    /// The derivative along a direction is the limit of difference quotients.
    Derivative,
    /// The same for the recorded gradient as a function of the operands.
    SecondDerivative,
    /// The same for the recorded second derivative along a direction.
    ThirdDerivative,
    /// ⟨u, J·v⟩ = ⟨Jᵀ·u, v⟩.
    Transpose,
    /// The cotangent u + u′ gives the sum of what u and u′ give.
    Additivity,
    /// ⟨v, H·w⟩ = ⟨w, H·v⟩.
    Symmetry,
}

impl Law {
    /// That of the derivative of order 1, 2 or 3.
    pub(super) fn of_order(order: u8) -> Self {
        match order {
            1 => Law::Derivative,
            2 => Law::SecondDerivative,
            _ => Law::ThirdDerivative,
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Law::Derivative => "derivative",
            Law::SecondDerivative => "second derivative",
            Law::ThirdDerivative => "third derivative",
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
    /// The value of the result, of a gradient or of a higher derivative is NaN or infinite, so nothing
    /// can be compared.
    NotFinite {
        /// The operand whose gradient or derivative it is; `None` for the result itself.
        operand: Option<usize>,
        /// The order of the derivative; 1 for the gradient, and for the result.
        order: u8,
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
    /// A [rule](crate::check::Rule) gives another number of gradients than there are operands.
    Count {
        /// How many operands there are.
        operands: usize,
        /// How many gradients it gives.
        gradients: usize,
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
        /// 1; 2 for the derivative of the recorded gradient; 3 for that of the second derivative.
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
        /// The errors at four steps, and whether they are those of a wrong rule, of truncation, of
        /// rounding or of a corner.
        errors: Errors,
        /// The element of the operand where differences and derivative are farthest apart.
        worst: Worst,
    },
    /// A value in `f32` is not that in `f64` within rounding: see [`Check::both`].
    ///
    /// [`Check::both`]: crate::check::Check::both
    Rounding {
        /// 0 for the value of the function, 1 for its gradient, 2 for the derivative of this.
        order: u8,
        /// The operand; `None` for the value itself.
        operand: Option<usize>,
        /// The norm of the difference relative to the norm, in units of the roundings of `f32`.
        units: f64,
        /// How many units it may be.
        allowed: f64,
    },
    /// A law was not checked, and [`Check::nothing_unchecked`] demands that all are.
    ///
    /// [`Check::nothing_unchecked`]: crate::check::Check::nothing_unchecked
    Unchecked(Unchecked),
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

/// An element of an operand, and its derivative by differences and as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// What differences say.
    pub differences: f64,
    /// What is recorded.
    pub recorded: f64,
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
            Broken::NotFinite { operand: Some(operand), order: order @ 2.., value } => {
                write!(f, "finiteness: the derivative of order {order} of operand {operand} has {value}")
            }
            Broken::NotFinite { operand, value, .. } => write!(f, "finiteness: {} has {value}", of(*operand)),
            Broken::Shape { operand, expected, found } => write!(
                f,
                "shape: {} is {}×{}, not {}×{}",
                of(*operand),
                found.0,
                found.1,
                expected.0,
                expected.1
            ),
            Broken::Count { operands, gradients } => {
                write!(f, "shape: the rule gives {gradients} gradients for {operands} operands")
            }
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
            Broken::Derivative {
                order,
                operand,
                differences,
                recorded,
                relative,
                tolerance,
                errors,
                worst,
            } => {
                let (law, apart) = (Law::of_order(*order), Apart(*relative, *tolerance));
                write!(f, "{law}: for operand {operand} differences give {differences:.6e}, ")?;
                write!(f, "the recorded one is {recorded:.6e}{apart}; {errors}; worst at {worst}")
            }
            Broken::Rounding { order, operand, units, allowed } => {
                let what = ["the value", "the gradient", "the second derivative"][usize::from(*order).min(2)];
                write!(f, "rounding: {what}")?;
                operand.map_or(Ok(()), |operand| write!(f, " of operand {operand}"))?;
                write!(f, " in f32 is {units:.1e} roundings from that in f64, not at most {allowed:.1e}")
            }
            Broken::Unchecked(unchecked) => fmt::Display::fmt(unchecked, f),
            Broken::Symmetry { vhw, whv, relative, tolerance } => write!(
                f,
                "symmetry: ⟨v, Hw⟩ = {vhw:.6e}, ⟨w, Hv⟩ = {whv:.6e}{}",
                Apart(*relative, *tolerance)
            ),
            Broken::Columnwise { operation, row, column, part, whole } => write!(
                f,
                "columnwise: {operation} gives {part:e} at row {row}, column {column} from a part of the columns and {whole:e} from all: its is_columnwise or its kernel for sections is wrong"
            ),
            Broken::At { point, broken } => write!(f, "at {point}: {broken}"),
        }
    }
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Worst { row, column, differences, recorded } = self;
        write!(f, "row {row}, column {column}: differences {differences:.6e}, recorded {recorded:.6e}")
    }
}

/// Relative difference and tolerance, in parentheses.
struct Apart(f64, f64);

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Apart(relative, tolerance) = self;
        write!(
            f,
            " (relative difference {relative:.1e}, {:.1e} times the tolerance {tolerance:.1e})",
            relative / tolerance
        )
    }
}

/// The laws that are broken, at least one, and what was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub(super) broken: Vec<Broken>,
    pub(super) case: Option<Box<Case>>,
}

impl Failure {
    /// The broken laws.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Where the check was called.
    pub fn place(&self) -> Option<&SourcePlace> {
        self.case.as_ref().map(|case| &case.place)
    }

    /// The seed of the directions and cotangents.
    pub fn seed(&self) -> Option<u64> {
        self.case.as_ref().map(|case| case.seed)
    }

    /// Rust code that checks the same function at the same operands again, with every number as it
    /// was; what the closure records is the user's to fill in. Empty where no operand was ready.
    pub fn rust(&self) -> &str {
        self.case.as_ref().map_or("", |case| &case.rust)
    }

    pub(super) fn of(mut self, case: impl FnOnce() -> Case) -> Self {
        self.case.get_or_insert_with(|| Box::new(case()));
        self
    }
}

/// A line for each broken law, then what was checked, and Rust code for it unless it is long:
/// [`Failure::rust`] has it always.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, broken) in self.broken.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{broken}")?;
        }
        self.case.as_ref().map_or(Ok(()), |case| write!(f, "\n{case}"))
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
        vec![broken].into()
    }
}

impl From<Vec<Broken>> for Failure {
    fn from(broken: Vec<Broken>) -> Self {
        Failure { broken, case: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Broken::Tape(error).into()
    }
}

/// How close the compared values were, for each law that compares within a tolerance, and what was
/// not checked. The other laws, reproducibility, shapes, zero cotangents and doubling, hold exactly
/// or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Law, largest relative difference, tolerance.
    measured: Vec<(Law, f64, f64)>,
    unchecked: Vec<Unchecked>,
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

    /// The laws that were not checked for an operand in any direction, and why.
    pub fn unchecked(&self) -> &[Unchecked] {
        &self.unchecked
    }

    pub(super) fn note(&mut self, law: Law, relative: f64, tolerance: f64) {
        match self.measured.iter_mut().find(|known| known.0 == law) {
            Some(known) => known.1 = known.1.max(relative),
            None => self.measured.push((law, relative, tolerance)),
        }
    }

    pub(super) fn miss(&mut self, law: Law, operand: Option<usize>, reason: Reason) {
        self.unchecked.push(Unchecked { law, operand, reason });
    }

    /// Of the same function elsewhere: what was checked at one of both is checked.
    pub(super) fn merge(&mut self, other: &Summary) {
        let same = |a: &Unchecked, b: &Unchecked| (a.law, a.operand) == (b.law, b.operand);
        self.unchecked.retain(|mine| other.unchecked.iter().any(|theirs| same(mine, theirs)));
        self.add(other);
    }

    /// Of the same function elsewhere, where everything has to be checked.
    pub(super) fn add(&mut self, other: &Summary) {
        for &(law, relative, tolerance) in &other.measured {
            self.note(law, relative, tolerance);
        }
    }
}

/// One line for each law, then one for each that was not checked.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (law, largest, tolerance)) in self.measured.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(
                f,
                "{separator}{law:<17}  largest relative difference {largest:.1e}, tolerance {tolerance:.1e}"
            )?;
        }
        for (i, unchecked) in self.unchecked.iter().enumerate() {
            let separator = if i + self.measured.len() == 0 { "" } else { "\n" };
            write!(f, "{separator}{unchecked}")?;
        }
        Ok(())
    }
}
