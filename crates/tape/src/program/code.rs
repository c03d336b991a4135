//! Instructions: on nodes of the graph while a program is made, on buffers when it runs.

use std::fmt::Debug;

use smallvec::{SmallVec, smallvec};

use crate::Scalar;
use crate::numbers::kernel::product::Epilogue;
use crate::ops::Op;
use crate::ops::matmul::Matmul;
use crate::ops::scale::Scaling;
use crate::program::ids::{NodeId, TileId, WholeId};
use crate::program::operand::{Accesses, Few, Operand, SumAt};
use crate::program::pass::Pass;
use crate::tape::ids::IdVec;

/// What a program runs: instructions, segment by segment.
#[derive(Debug)]
pub(super) struct Code<T: Scalar> {
    pub(super) segments: Vec<Segment<T>>,
    pub(super) instructions: Vec<Instruction<T, OnBuffers>>,
    /// The most registers of a pass.
    pub(super) registers: usize,
    /// The rows of every buffer of a tile.
    pub(super) tile_rows: IdVec<TileId, usize>,
    /// Whether steps are fused and tiled.
    pub(super) fused: bool,
}

impl<T: Scalar> Code<T> {
    /// Nothing to run.
    pub(super) fn empty() -> Self {
        Code {
            segments: Vec::new(),
            instructions: Vec::new(),
            registers: 0,
            tile_rows: IdVec::new(),
            fused: false,
        }
    }
}

/// Instructions that run once on all columns, or again for every tile of columns.
#[derive(Debug, Clone)]
pub(super) struct Segment<T: Scalar> {
    pub(super) tiled: bool,
    pub(super) code: std::ops::Range<usize>,
    /// The sums over the examples that a loop computes, and how many numbers they have together.
    pub(super) sums: Vec<SumAt>,
    pub(super) numbers: usize,
    /// Whether one of them is over several columns of each example.
    pub(super) of_blocks: bool,
    /// The most columns of an example that a step reads or writes.
    pub(super) columns_of_example: usize,
    /// Sums that are scaled.
    pub(super) scaled: Vec<(Operand, Scaling<T>)>,
    /// The whole buffers of which a loop writes columns, with their
    /// elements of an example.
    pub(super) windows: Vec<(WholeId, usize)>,
}

/// What instructions name their values by.
pub(crate) trait Form<T: Scalar>: Debug {
    /// A value that is read or written.
    type At: Copy + Debug;
    /// A sum over the examples.
    type Sum: Copy + Debug;
    /// A pass.
    type Pass: Accesses<Self::At> + Debug;

    /// Where the sum goes.
    fn result(sum: Self::Sum) -> Self::At;
}

/// Instructions on the nodes of a graph, as stage 4 makes them.
#[derive(Debug)]
pub(crate) enum OnNodes {}

impl<T: Scalar> Form<T> for OnNodes {
    type At = NodeId;
    type Sum = NodeId;
    type Pass = PassNodes<T>;

    fn result(sum: NodeId) -> NodeId {
        sum
    }
}

/// Instructions on buffers, as stage 6 makes them.
#[derive(Debug)]
pub(crate) enum OnBuffers {}

impl<T: Scalar> Form<T> for OnBuffers {
    type At = Operand;
    type Sum = SumAt;
    type Pass = Pass<T>;

    fn result(sum: SumAt) -> Operand {
        sum.out
    }
}

/// One step of a program.
#[derive(Debug)]
pub(crate) enum Instruction<T: Scalar, F: Form<T>> {
    /// A node by its own kernel.
    Single { node: NodeId, op: Op<T>, operands: SmallVec<[F::At; 3]>, out: F::At },
    /// A product and, as it stores its elements, the only node that uses it; the last operand is
    /// the other one of that.
    Product {
        product: NodeId,
        node: NodeId,
        matmul: Matmul,
        epilogue: EpilogueKind,
        operands: [F::At; 3],
        out: F::At,
    },
    /// Elementwise nodes of one shape in one pass, and sums of what the pass makes; the last of the
    /// nodes.
    Pass { node: NodeId, pass: F::Pass },
    /// A contraction over the examples, added up tile by tile, and the node that scales it, if one
    /// does.
    Accumulate {
        contraction: NodeId,
        node: NodeId,
        op: Op<T>,
        operands: SmallVec<[F::At; 2]>,
        sum: F::Sum,
        scaling: Scaling<T>,
    },
}

impl<T: Scalar, F: Form<T>> Instruction<T, F> {
    /// The node whose value it leaves; of a pass the last one.
    pub(crate) fn node(&self) -> NodeId {
        match self {
            Instruction::Single { node, .. }
            | Instruction::Product { node, .. }
            | Instruction::Pass { node, .. }
            | Instruction::Accumulate { node, .. } => *node,
        }
    }
}

impl<T: Scalar, F: Form<T>> Accesses<F::At> for Instruction<T, F> {
    fn reads(&self) -> Few<F::At> {
        match self {
            Instruction::Single { operands, .. } => operands.iter().copied().collect(),
            Instruction::Product { operands, .. } => operands.iter().copied().collect(),
            Instruction::Pass { pass, .. } => pass.reads(),
            Instruction::Accumulate { operands, .. } => operands.iter().copied().collect(),
        }
    }

    fn writes(&self) -> Few<F::At> {
        match self {
            Instruction::Single { out, .. } | Instruction::Product { out, .. } => smallvec![*out],
            Instruction::Pass { pass, .. } => pass.writes(),
            Instruction::Accumulate { sum, .. } => smallvec![F::result(*sum)],
        }
    }

    fn nodes(&self) -> Few<NodeId> {
        match self {
            Instruction::Single { node, .. } | Instruction::Accumulate { node, .. } => smallvec![*node],
            Instruction::Product { product, node, .. } => smallvec![*product, *node],
            Instruction::Pass { pass, .. } => pass.nodes(),
        }
    }
}

/// The operation that a product takes up as it stores its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EpilogueKind {
    /// The addition of a column.
    Bias,
    /// The elementwise product.
    Multiply,
}

impl EpilogueKind {
    /// As the product's kernel does it, with the other operand's values.
    pub(crate) fn on<T>(self, other: &[T]) -> Epilogue<'_, T> {
        match self {
            EpilogueKind::Bias => Epilogue::Bias(other),
            EpilogueKind::Multiply => Epilogue::Multiply(other),
        }
    }
}

/// The nodes of a pass.
#[derive(Debug)]
pub(crate) struct PassNodes<T: Scalar> {
    /// What comes from outside, each once.
    pub(crate) inputs: Vec<NodeId>,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) sums: Vec<SumNodes<T>>,
}

/// A contraction, the node that is its result, and how it is scaled to become that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SumNodes<T: Scalar> {
    pub(crate) contraction: NodeId,
    pub(crate) result: NodeId,
    pub(crate) scaling: Scaling<T>,
}

impl<T: Scalar> Accesses<NodeId> for PassNodes<T> {
    fn reads(&self) -> Few<NodeId> {
        self.inputs.iter().copied().collect()
    }
    fn writes(&self) -> Few<NodeId> {
        self.nodes.iter().copied().chain(self.sums.iter().map(|sum| sum.result)).collect()
    }
    fn nodes(&self) -> Few<NodeId> {
        self.nodes.iter().copied().collect()
    }
}
