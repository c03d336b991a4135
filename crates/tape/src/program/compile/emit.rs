//! Stage 6: the instructions, on the buffers that hold their values.

use crate::Scalar;
use crate::ops::scale::Scaling;
use crate::program::code::{Code, Instruction, Segment};
use crate::program::compile::fuse::{Epilogued, Planned, Steps};
use crate::program::compile::graph::{Graph, Node};
use crate::program::compile::place::Plan;
use crate::program::compile::schedule::Schedule;
use crate::program::pass::Pass;
use crate::program::storage::{Buffer, Operand, SumAt};

/// Stage 6: the code of planned steps.
pub(crate) fn emit<T: Scalar>(
    graph: &Graph<T>,
    schedule: &Schedule<T>,
    segments: &[Steps],
    plan: &Plan,
) -> Code<T> {
    let emitter = Emitter { graph, schedule, plan };
    let mut code = Code { segments: Vec::new(), instructions: Vec::new(), registers: 0 };
    segments.iter().for_each(|steps| emitter.segment(steps, &mut code));
    code
}

/// What instructions are made of.
struct Emitter<'g, T: Scalar> {
    graph: &'g Graph<T>,
    schedule: &'g Schedule<T>,
    plan: &'g Plan,
}

/// The sums of a loop, placed one after the other.
struct Sums<T: Scalar> {
    sums: Vec<SumAt>,
    numbers: usize,
    scaled: Vec<(Operand, Scaling<T>)>,
}

impl<T: Scalar> Sums<T> {
    fn new() -> Self {
        Sums { sums: Vec::new(), numbers: 0, scaled: Vec::new() }
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
    fn segment(&self, Steps { tiled, steps }: &Steps, code: &mut Code<T>) {
        let start = code.instructions.len();
        let mut sums = Sums::new();
        let mut windows = Vec::new();
        for planned in steps {
            let instruction = self.instruction(planned, &mut sums);
            if let Instruction::Pass { pass, .. } = &instruction {
                code.registers = code.registers.max(pass.registers());
            }
            code.instructions.push(instruction);
            if *tiled {
                windows.extend(self.windows_of(planned));
            }
        }
        let instructions = start..code.instructions.len();
        if !instructions.is_empty() {
            let Sums { sums, numbers, scaled } = sums;
            let tiled = *tiled;
            code.segments.push(Segment { tiled, code: instructions, sums, numbers, scaled, windows });
        }
    }

    fn operand(&self, node: u32) -> Option<Operand> {
        self.plan.operand(self.graph, node)
    }

    fn stored(&self, node: u32) -> Operand {
        self.operand(node).expect("a value that is stored")
    }

    /// The whole buffers of which a step of a loop writes columns.
    fn windows_of(&self, planned: &Planned) -> impl Iterator<Item = (u32, usize)> {
        let nodes: &[u32] = match planned {
            Planned::Single(node) | Planned::Product(Epilogued { node, .. }) => std::slice::from_ref(node),
            Planned::Pass { nodes, .. } => nodes,
            Planned::Accumulate(_) => &[],
        };
        nodes.iter().filter_map(|&node| match self.operand(node)? {
            Operand { at: Buffer::Whole(buffer), shape } => Some((buffer, shape.rows.at(0))),
            Operand { at: Buffer::Tile(_), .. } => None,
        })
    }

    fn instruction(&self, planned: &Planned, sums: &mut Sums<T>) -> Instruction<T> {
        let parts = |node: u32| {
            let Node { op, operands, .. } = self.graph.node(node);
            (op.clone(), operands.iter().map(|&operand| self.stored(operand)))
        };
        match planned {
            Planned::Single(node) => {
                let (op, operands) = parts(*node);
                let (operands, out) = (operands.collect(), self.stored(*node));
                Instruction::Single { node: *node, op, operands, out }
            }
            Planned::Product(Epilogued { product, next, node, other }) => {
                let Node { op, operands, .. } = self.graph.node(*product);
                let matmul = op.matmul().expect("it was planned as a product");
                let operands = [operands[0], operands[1], *other].map(|operand| self.stored(operand));
                let (product, node, out) = (*product, *node, self.stored(*node));
                Instruction::Product { product, node, matmul, next: *next, operands, out }
            }
            Planned::Accumulate(node) => {
                let (op, operands) = parts(*node);
                let operands = operands.collect();
                let (result, scaling) = self.schedule.folded[*node as usize].unwrap_or((*node, Scaling::ONE));
                let at = sums.place(self.stored(result), scaling);
                Instruction::Accumulate { node: result, op, operands, at, scaling }
            }
            Planned::Pass { nodes, sums: of_pass } => {
                let operand = |node| self.operand(node);
                let place = |node, scaling| sums.place(self.stored(node), scaling);
                let pass = Pass::assemble(self.graph, self.schedule, operand, place, nodes, of_pass);
                Instruction::Pass { node: *nodes.last().expect("a pass has nodes"), pass }
            }
        }
    }
}
