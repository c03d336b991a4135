//! Turning nodes into a pass.

use smallvec::SmallVec;

use crate::ops::scale::Scaling;
use crate::program::code::{PassNodes, SumNodes};
use crate::program::compile::graph::Graph;
use crate::program::ids::{InputId, NodeId, OutputId, RegisterId};
use crate::program::operand::{Operand, SumAt};
use crate::program::pass::{Input, Pass, PassOp, Slot, Spread, Sum};
use crate::tape::ids::{Id, IdVec};
use crate::{Dim, Scalar};

/// Turns nodes into a pass.
struct Assembler<'g, T: Scalar> {
    graph: &'g Graph<T>,
    rows: usize,
    inputs: IdVec<InputId, Input>,
    outputs: IdVec<OutputId, Operand>,
    /// Where the values are that were read or made so far; a pass is short enough to look through.
    slots: SmallVec<[(NodeId, Slot); 16]>,
    free: Vec<RegisterId>,
    registers: usize,
}

impl<T: Scalar> Pass<T> {
    pub(crate) fn assemble(
        graph: &Graph<T>,
        PassNodes { nodes, sums, .. }: &PassNodes<T>,
        operand: impl Fn(NodeId) -> Option<Operand>,
        mut place: impl FnMut(NodeId, Scaling<T>) -> SumAt,
    ) -> Self {
        let shape = graph.node(nodes[0]).shape;
        let rows = shape.rows.at(0);
        let mut asm = Assembler {
            graph,
            rows,
            inputs: IdVec::new(),
            outputs: IdVec::new(),
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
            let mut read: SmallVec<[NodeId; 3]> = node.operands.iter().copied().collect();
            read.sort_unstable();
            read.dedup();
            for done in read.into_iter().filter(|&read| is_last_use(graph, read, &nodes[at + 1..], sums)) {
                asm.release(done, nodes);
            }
        }
        let sums = sums.iter().map(|sum| asm.sum(sum, &mut place)).collect();
        let Assembler { inputs, outputs, registers, .. } = asm;
        Pass { rows, columns: shape.columns, inputs, code, outputs, sums, registers }
    }
}

/// Whether neither the nodes still to come nor the sums read a value.
fn is_last_use<T: Scalar>(graph: &Graph<T>, id: NodeId, to_come: &[NodeId], sums: &[SumNodes<T>]) -> bool {
    let sums = sums.iter().map(|sum| &sum.contraction);
    !to_come.iter().chain(sums).any(|&later| graph.node(later).operands.contains(&id))
}

impl<T: Scalar> Assembler<'_, T> {
    /// Where a value is read: inside the pass, or as an input.
    fn source(&mut self, id: NodeId, operand: &impl Fn(NodeId) -> Option<Operand>) -> Slot {
        if let Some(slot) = self.slot(id) {
            return slot;
        }
        let operand = operand(id).expect("what is read from outside has a buffer");
        let shape = operand.shape;
        let of_many_rows = shape.rows != Dim::ONE;
        let spread = match (of_many_rows, shape.columns) {
            (_, Dim::M | Dim::Multiple(_)) if of_many_rows || self.rows == 1 => Spread::Full,
            (_, Dim::M | Dim::Multiple(_)) => Spread::Row(self.fresh()),
            (true, Dim::Fixed(_)) => Spread::Column(self.fresh()),
            (false, Dim::Fixed(_)) => Spread::Number(self.fresh()),
        };
        let input = self.inputs.push(Input { operand, spread });
        let slot = match spread {
            Spread::Full => Slot::Input(input),
            Spread::Column(register) | Spread::Number(register) | Spread::Row(register) => {
                Slot::Register(register)
            }
        };
        self.slots.push((id, slot));
        slot
    }

    fn slot(&self, id: NodeId) -> Option<Slot> {
        self.slots.iter().find(|(of, _)| *of == id).map(|(_, slot)| *slot)
    }

    fn register(&mut self) -> RegisterId {
        self.free.pop().unwrap_or_else(|| self.fresh())
    }

    /// A register that no section has written before: for what is filled before the pass.
    fn fresh(&mut self) -> RegisterId {
        self.registers += 1;
        RegisterId::from_index(self.registers - 1)
    }

    fn target(&mut self, stored: Option<Operand>) -> Slot {
        match stored {
            Some(operand) => Slot::Output(self.outputs.push(operand)),
            None => Slot::Register(self.register()),
        }
    }

    /// The register of a value of the pass becomes free; spread inputs keep theirs for the next
    /// section.
    fn release(&mut self, id: NodeId, nodes: &[NodeId]) {
        if let (Some(Slot::Register(register)), true) = (self.slot(id), nodes.contains(&id)) {
            self.free.push(register);
        }
    }

    fn sum(
        &mut self,
        &SumNodes { contraction, result, scaling }: &SumNodes<T>,
        place: &mut impl FnMut(NodeId, Scaling<T>) -> SumAt,
    ) -> Sum<T> {
        let operand = self.graph.node(contraction).operands[0];
        let source = self.slot(operand).expect("it joined for its operand");
        Sum { source, at: place(result, scaling), scaling, partial: self.fresh(), total: self.fresh() }
    }
}
