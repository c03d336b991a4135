//! Turning nodes into a pass.

use smallvec::SmallVec;

use crate::ops::scale::Scaling;
use crate::program::compile::graph::Graph;
use crate::program::compile::schedule::Schedule;
use crate::program::pass::{Input, Pass, PassOp, Slot, Spread, Sum};
use crate::program::storage::{Operand, SumAt};
use crate::{Dim, Scalar};

/// Turns nodes into a pass.
struct Assembler<'g, T: Scalar> {
    graph: &'g Graph<T>,
    rows: usize,
    inputs: Vec<Input>,
    outputs: Vec<Operand>,
    /// Where the values are that were read or made so far; a pass is short enough to look through.
    slots: SmallVec<[(u32, Slot); 16]>,
    free: Vec<u32>,
    registers: u32,
}

impl<T: Scalar> Pass<T> {
    pub(crate) fn assemble(
        graph: &Graph<T>,
        schedule: &Schedule<T>,
        operand: impl Fn(u32) -> Option<Operand>,
        mut place: impl FnMut(u32, Scaling<T>) -> SumAt,
        nodes: &[u32],
        sums: &[u32],
    ) -> Self {
        let rows = graph.node(nodes[0]).shape.rows.at(0);
        let mut asm = Assembler {
            graph,
            rows,
            inputs: Vec::new(),
            outputs: Vec::new(),
            slots: SmallVec::new(),
            free: Vec::new(),
            registers: 0,
        };
        let mut code: Vec<PassOp<T>> = Vec::new();
        for (at, &id) in nodes.iter().enumerate() {
            let node = graph.node(id);
            let sources: SmallVec<[Slot; 3]> =
                node.operands.iter().map(|&read| asm.source(read, &operand)).collect();
            let target = asm.target(operand(id));
            asm.slots.push((id, target));
            let shares = code.last().is_some_and(|last: &PassOp<T>| {
                last.derivative.is_none() && at > 0 && graph.derivative_node(nodes[at - 1]) == Some(id)
            });
            match code.last_mut() {
                Some(last) if shares => last.derivative = Some(target),
                _ => code.push(PassOp { node: id, op: node.op.clone(), sources, target, derivative: None }),
            }
            let mut read: SmallVec<[u32; 3]> = node.operands.iter().copied().collect();
            read.sort_unstable();
            read.dedup();
            for done in read.into_iter().filter(|&read| is_last_use(graph, read, &nodes[at + 1..], sums)) {
                asm.release(done, nodes);
            }
        }
        let sums = sums.iter().map(|&id| asm.sum(id, schedule, &mut place)).collect();
        let Assembler { inputs, outputs, registers, .. } = asm;
        Pass { rows, inputs, code, outputs, sums, registers: registers as usize }
    }
}

/// Whether neither the nodes still to come nor the sums read a value.
fn is_last_use<T: Scalar>(graph: &Graph<T>, id: u32, to_come: &[u32], sums: &[u32]) -> bool {
    !to_come.iter().chain(sums).any(|&later| graph.node(later).operands.contains(&id))
}

impl<T: Scalar> Assembler<'_, T> {
    /// Where a value is read: inside the pass, or as an input.
    fn source(&mut self, id: u32, operand: &impl Fn(u32) -> Option<Operand>) -> Slot {
        if let Some(slot) = self.slot(id) {
            return slot;
        }
        let operand = operand(id).expect("what is read from outside has a buffer");
        let shape = operand.shape;
        let of_many_rows = shape.rows != Dim::ONE;
        let spread = match (of_many_rows, shape.columns) {
            (_, Dim::M) if of_many_rows || self.rows == 1 => Spread::Full,
            (_, Dim::M) => Spread::Row(self.fresh()),
            (true, Dim::Fixed(_)) => Spread::Column(self.fresh()),
            (false, Dim::Fixed(_)) => Spread::Number(self.fresh()),
        };
        self.inputs.push(Input { operand, spread });
        let slot = match spread {
            Spread::Full => Slot::Input(self.inputs.len() as u32 - 1),
            Spread::Column(register) | Spread::Number(register) | Spread::Row(register) => {
                Slot::Register(register)
            }
        };
        self.slots.push((id, slot));
        slot
    }

    fn slot(&self, id: u32) -> Option<Slot> {
        self.slots.iter().find(|(of, _)| *of == id).map(|(_, slot)| *slot)
    }

    fn register(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| self.fresh())
    }

    /// A register that no block has written before: for what is filled before the pass.
    fn fresh(&mut self) -> u32 {
        self.registers += 1;
        self.registers - 1
    }

    fn target(&mut self, stored: Option<Operand>) -> Slot {
        match stored {
            Some(operand) => {
                self.outputs.push(operand);
                Slot::Output(self.outputs.len() as u32 - 1)
            }
            None => Slot::Register(self.register()),
        }
    }

    /// The register of a value of the pass becomes free; spread inputs keep theirs for the next block.
    fn release(&mut self, id: u32, nodes: &[u32]) {
        if let (Some(Slot::Register(register)), true) = (self.slot(id), nodes.contains(&id)) {
            self.free.push(register);
        }
    }

    fn sum(
        &mut self,
        id: u32,
        schedule: &Schedule<T>,
        place: &mut impl FnMut(u32, Scaling<T>) -> SumAt,
    ) -> Sum<T> {
        let source = self.slot(self.graph.node(id).operands[0]).expect("it joined for its operand");
        let (result, scaling) = schedule.folded[id as usize].unwrap_or((id, Scaling::ONE));
        Sum { source, at: place(result, scaling), scaling, partial: self.fresh(), total: self.fresh() }
    }
}
