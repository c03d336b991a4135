//! The code of a program: what is run.

use smallvec::SmallVec;

use crate::Scalar;
use crate::ops::Op;
use crate::ops::matmul::Matmul;
use crate::ops::scale::Scaling;
use crate::program::compile::epilogue::Next;
use crate::program::pass::Pass;
use crate::program::storage::{Operand, SumAt};

/// What a program runs: instructions, segment by segment.
#[derive(Debug)]
pub(super) struct Code<T: Scalar> {
    pub(super) segments: Vec<Segment<T>>,
    pub(super) instructions: Vec<Instruction<T>>,
    /// The most registers of a pass.
    pub(super) registers: usize,
}

/// Instructions that run once on all columns, or again for every tile of columns.
#[derive(Debug, Clone)]
pub(super) struct Segment<T: Scalar> {
    pub(super) tiled: bool,
    pub(super) code: std::ops::Range<usize>,
    /// The sums over the examples that a loop computes, and how many numbers they have together.
    pub(super) sums: Vec<SumAt>,
    pub(super) numbers: usize,
    /// Sums that are scaled.
    pub(super) scaled: Vec<(Operand, Scaling<T>)>,
    /// The whole buffers of which a loop writes columns, with their rows.
    pub(super) windows: Vec<(u32, usize)>,
}

/// One step.
#[derive(Debug)]
pub(super) enum Instruction<T: Scalar> {
    /// A node by its own kernel.
    Single { node: u32, op: Op<T>, operands: SmallVec<[Operand; 3]>, out: Operand },
    /// A product and, as it stores its entries, the node that follows it; the last operand is the other one of that.
    Product { product: u32, node: u32, matmul: Matmul, next: Next, operands: [Operand; 3], out: Operand },
    /// Entrywise nodes in one pass; the last of them.
    Pass { node: u32, pass: Pass<T> },
    /// A contraction over the examples, added up tile by tile.
    Accumulate { node: u32, op: Op<T>, operands: SmallVec<[Operand; 2]>, at: SumAt, scaling: Scaling<T> },
}
