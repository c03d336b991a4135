//! Elementwise operations of one shape in one pass over sections that stay in the first-level
//! cache.
//!
//! A pass goes over its columns section by section. Inside a section every operation is a loop over
//! slices of one length: what is repeated (a bias, a number) is spread out once before the pass, a
//! row once for each section. Accesses that only the pass needs live in registers, slices of a
//! section's length; the others are written to their buffers.

use smallvec::SmallVec;

use crate::numbers::kernel::column_sums::{GROUP, MOST_ROWS_IN_GROUPS};
use crate::numbers::kernel::product::UNIT;
use crate::ops::Op;
use crate::ops::scale::Scaling;
use crate::program::ids::{InputId, NodeId, OutputId, RegisterId};
use crate::program::operand::{Accesses, Few};
use crate::program::operand::{Columns, Operand, SumAt};
use crate::tape::ids::IdVec;
use crate::{Dim, Scalar};

/// Elements of a section: a few registers of this many numbers fit the first-level cache.
const SECTION: usize = 1024;
const _: () = assert!(SECTION / MOST_ROWS_IN_GROUPS >= GROUP, "sections end where groups of columns do");

/// A pass of more operations gains nothing, and assembling it would take long.
pub(crate) const LONGEST: usize = 24;
/// The most values that a pass takes from outside, so that a list of them needs no allocation.
pub(crate) const INPUTS: usize = 24;

/// A fused pass.
#[derive(Debug)]
pub(crate) struct Pass<T: Scalar> {
    pub(in crate::program) rows: usize,
    /// m or k·m.
    pub(in crate::program) columns: Dim,
    pub(in crate::program) inputs: IdVec<InputId, Input>,
    pub(in crate::program) code: Vec<PassOp<T>>,
    /// Accesses that are written to buffers.
    pub(in crate::program) outputs: IdVec<OutputId, Operand>,
    pub(in crate::program) sums: Vec<Sum<T>>,
    pub(in crate::program) registers: usize,
}

/// The columns of a section of so many rows: a power of two, so that sections and units end
/// together.
pub(in crate::program) fn section_columns(rows: usize) -> usize {
    1 << (SECTION / rows.max(1)).max(1).ilog2()
}

/// A value from outside the pass.
#[derive(Debug, Clone, Copy)]
pub(in crate::program) struct Input {
    pub(in crate::program) operand: Operand,
    pub(in crate::program) spread: Spread,
}

/// How an input becomes a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::program) enum Spread {
    /// It has an element for each of the pass: the section is a slice of it.
    Full,
    /// n × 1: repeated for each column, into a register before the pass.
    Column(RegisterId),
    /// 1 × 1: repeated, into a register before the pass.
    Number(RegisterId),
    /// 1 × m: each element repeated down its column, into a register for each section.
    Row(RegisterId),
}

impl Spread {
    /// Where it is repeated, if it is.
    pub(in crate::program) fn register(self) -> Option<RegisterId> {
        match self {
            Spread::Full => None,
            Spread::Column(register) | Spread::Number(register) | Spread::Row(register) => Some(register),
        }
    }
}

/// Where an operation of the pass reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::program) enum Slot {
    Input(InputId),
    Register(RegisterId),
    Output(OutputId),
}

/// An operation on sections.
#[derive(Debug)]
pub(in crate::program) struct PassOp<T: Scalar> {
    pub(in crate::program) node: NodeId,
    pub(in crate::program) op: Op<T>,
    pub(in crate::program) sources: SmallVec<[Slot; 3]>,
    pub(in crate::program) target: Slot,
    /// For a function whose derivative is in the pass too: where g′ goes.
    pub(in crate::program) derivative: Option<Slot>,
}

/// Σᵢ over the columns of a value of the pass, or the sum of all its elements.
#[derive(Debug)]
pub(in crate::program) struct Sum<T: Scalar> {
    pub(in crate::program) source: Slot,
    pub(in crate::program) at: SumAt,
    pub(in crate::program) scaling: Scaling<T>,
    /// The register of a unit's own sum, which is added to the whole one: two levels keep rounding
    /// small, and make the order of the additions that of the units.
    pub(in crate::program) partial: RegisterId,
    /// The register of the whole sum.
    pub(in crate::program) total: RegisterId,
}

impl<T: Scalar> Accesses<Operand> for Pass<T> {
    fn reads(&self) -> Few<Operand> {
        self.inputs.iter().map(|input| input.operand).collect()
    }
    fn writes(&self) -> Few<Operand> {
        self.outputs.iter().copied().chain(self.sums.iter().map(|sum| sum.at.out)).collect()
    }
    fn nodes(&self) -> Few<NodeId> {
        self.code.iter().flat_map(|op| [Some(op.node), op.derivative.map(|_| op.node)]).flatten().collect()
    }
}

impl<T: Scalar> Pass<T> {
    /// Number of registers that the pass needs.
    pub(crate) fn registers(&self) -> usize {
        self.registers
    }

    /// Its columns of these examples.
    pub(in crate::program) fn columns_of(&self, Columns { start, count, m }: Columns) -> Columns {
        Columns { start: self.columns.at(start), count: self.columns.at(count), m }
    }

    /// Elements of a register for tiles of so many examples; a sum needs a column of them.
    pub(crate) fn register_len(&self, examples: usize) -> usize {
        (self.rows * self.section_columns().min(self.columns.at(examples)).max(1)).max(1)
    }

    /// The most examples whose columns are one section, and one unit of a sum.
    pub(in crate::program) fn examples_of_a_section(&self) -> usize {
        self.section_columns().min(UNIT) / self.columns.at(1)
    }

    pub(in crate::program) fn section_columns(&self) -> usize {
        section_columns(self.rows)
    }

    /// How many of so many columns an operation of the pass gets at a time: all, where sections would
    /// save nothing, as there is one operation that reads and writes whole values.
    pub(in crate::program) fn step(&self, columns: usize) -> usize {
        let is_whole = |slot: &Slot| matches!(slot, Slot::Output(_));
        let is_one_kernel = match &self.code[..] {
            [PassOp { target, derivative, .. }] => {
                is_whole(target) && derivative.as_ref().is_none_or(is_whole) && self.sums.is_empty()
            }
            _ => false,
        };
        let repeats = self.inputs.iter().any(|input| input.spread != Spread::Full);
        if is_one_kernel && !repeats { columns } else { self.section_columns() }
    }

    /// The operations, for reports: name, and whether it shares its exponential with its
    /// derivative.
    pub(crate) fn operations(&self) -> impl Iterator<Item = String> + '_ {
        let of_code = self.code.iter().map(|op| match op.derivative {
            Some(_) => format!("{0} and {0}′", op.op.rule().name()),
            None => op.op.rule().name().into_owned(),
        });
        of_code.chain(self.sums.iter().map(|_| "sum".to_owned()))
    }

    /// Whether nothing is summed.
    pub(in crate::program) fn has_no_sums(&self) -> bool {
        self.sums.is_empty()
    }

    /// Whether the sums may come after the pass with the same bits: they are sums of rows, of
    /// values that are written.
    pub(in crate::program) fn sums_come_after(&self) -> bool {
        self.sums.iter().all(|sum| matches!(sum.source, Slot::Output(_)) && sum.at.len() > 1)
    }

    /// Whether a value is read by nothing but operations that can repeat it themselves.
    pub(in crate::program) fn is_only_zipped(&self, slot: Slot) -> bool {
        let reads = |op: &&PassOp<T>| op.sources.contains(&slot);
        let zipped = self.code.iter().filter(reads).all(|op| op.op.zip().is_some());
        zipped && self.sums.iter().all(|sum| sum.source != slot)
    }

    /// How many elements of so many examples are computed.
    pub(in crate::program) fn elements_of(&self, examples: usize) -> usize {
        self.rows * self.columns.at(examples) * self.code.len()
    }
}
