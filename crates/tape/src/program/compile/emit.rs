//! Stage 6: the instructions, on the buffers that hold their values.

use crate::Scalar;
use smallvec::SmallVec;

use crate::ops::scale::Scaling;
use crate::program::code::{Code, Instruction, OnBuffers, Segment};
use crate::program::compile::fuse::{Planned, Steps};
use crate::program::compile::graph::Graph;
use crate::program::compile::place::Plan;
use crate::program::ids::{NodeId, WholeId};
use crate::program::operand::Accesses;
use crate::program::operand::{Buffer, Operand, SumAt};
use crate::program::pass::Pass;

/// Stage 6: the code of planned steps.
pub(crate) fn emit<T: Scalar>(graph: &Graph<T>, segments: Vec<Steps<T>>, plan: &Plan) -> Code<T> {
    let emitter = Emitter { graph, plan };
    let mut code = Code { tile_rows: plan.tile.clone(), ..Code::empty() };
    segments.into_iter().for_each(|steps| emitter.segment(steps, &mut code));
    code
}

/// What instructions are made of.
struct Emitter<'g, T: Scalar> {
    graph: &'g Graph<T>,
    plan: &'g Plan,
}

/// The sums of a loop, placed one after the other.
struct Sums<T: Scalar> {
    sums: Vec<SumAt>,
    of_blocks: bool,
    numbers: usize,
    scaled: Vec<(Operand, Scaling<T>)>,
}

impl<T: Scalar> Sums<T> {
    fn new() -> Self {
        Sums { sums: Vec::new(), of_blocks: false, numbers: 0, scaled: Vec::new() }
    }

    fn place(&mut self, out: Operand, scaling: Scaling<T>) -> SumAt {
        let at = SumAt { out, offset: self.numbers };
        self.numbers = self.numbers.saturating_add(at.len());
        self.sums.push(at);
        if scaling != Scaling::ONE {
            self.scaled.push((out, scaling));
        }
        at
    }
}

impl<T: Scalar> Emitter<'_, T> {
    fn segment(&self, Steps { tiled, steps }: Steps<T>, code: &mut Code<T>) {
        let start = code.instructions.len();
        let mut sums = Sums::new();
        let mut windows = Vec::new();
        let mut columns_of_example = 1;
        for planned in steps {
            for node in planned.writes().into_iter().chain(planned.reads()) {
                let columns = self.graph.node(node).shape.columns.per_example();
                columns_of_example = columns_of_example.max(columns.unwrap_or(1));
            }
            if tiled {
                windows.extend(planned.writes().into_iter().filter_map(|node| self.window_of(node)));
            }
            let instruction = self.instruction(planned, &mut sums);
            if let Instruction::Pass { pass, .. } = &instruction {
                code.registers = code.registers.max(pass.registers());
            }
            code.instructions.push(instruction);
        }
        let instructions = start..code.instructions.len();
        if !instructions.is_empty() {
            let Sums { sums, of_blocks, numbers, scaled } = sums;
            code.segments.push(Segment {
                tiled,
                code: instructions,
                sums,
                of_blocks,
                columns_of_example,
                numbers,
                scaled,
                windows,
            });
        }
    }

    fn stored(&self, node: NodeId) -> Operand {
        self.plan.operand(self.graph, node).expect("a value that is stored")
    }

    /// The whole buffer of which a loop writes columns for the node, and its elements of an example.
    fn window_of(&self, node: NodeId) -> Option<(WholeId, usize)> {
        match self.plan.operand(self.graph, node)? {
            Operand { at: Buffer::Whole(buffer), shape } if shape.columns.depends_on_m() => {
                Some((buffer, shape.elements_per_example()))
            }
            Operand { at: Buffer::Whole(_) | Buffer::Tile(_), .. } => None,
        }
    }

    fn instruction(&self, planned: Planned<T>, sums: &mut Sums<T>) -> Instruction<T, OnBuffers> {
        let at = |node: NodeId| self.stored(node);
        match planned {
            Instruction::Single { node, op, operands, out } => {
                let operands = operands.into_iter().map(at).collect();
                Instruction::Single { node, op, operands, out: at(out) }
            }
            Instruction::Product { product, node, matmul, epilogue, operands, out } => {
                let (operands, out) = (operands.map(at), at(out));
                Instruction::Product { product, node, matmul, epilogue, operands, out }
            }
            Instruction::Accumulate { contraction, node, op, operands, sum, scaling } => {
                let operands: SmallVec<[Operand; 2]> = operands.into_iter().map(at).collect();
                sums.of_blocks |= operands.iter().any(|operand| operand.shape.columns.at(1) > 1);
                let sum = sums.place(at(sum), scaling);
                Instruction::Accumulate { contraction, node, op, operands, sum, scaling }
            }
            Instruction::Pass { node, pass } => {
                let operand = |node| self.plan.operand(self.graph, node);
                let columns = self.graph.node(pass.nodes[0]).shape.columns;
                sums.of_blocks |= !pass.sums.is_empty() && columns.at(1) > 1;
                let place = |node, scaling| sums.place(at(node), scaling);
                Instruction::Pass { node, pass: Pass::assemble(self.graph, &pass, operand, place) }
            }
        }
    }
}
