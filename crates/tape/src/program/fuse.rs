//! Entrywise operations of one shape in one pass over blocks that stay in the first-level cache.
//!
//! A pass goes over its columns block by block. Inside a block every operation is a loop over slices of one length: what is
//! repeated (a bias, a number) is spread out once before the pass, a row once for each block. Values that only the pass
//! needs live in registers, slices of a block's length; the others are written to their buffers.

use smallvec::SmallVec;

use crate::kernel::simd::vectorised;
use crate::op::{Columns, Fault, Memory, Op, Operand, Over};
use crate::ops::reduce::Reduce;
use crate::ops::scale::Factor;
use crate::program::lower::Graph;
use crate::program::schedule::{LONGEST, Schedule};
use crate::{Dim, Scalar};

/// Entries of a block: a few registers of this many numbers fit the first-level cache.
const BLOCK: usize = 1024;

/// A fused pass.
#[derive(Debug)]
pub(crate) struct Fused<T: Scalar> {
    rows: usize,
    inputs: Vec<Input>,
    code: Vec<Micro<T>>,
    /// Values that are written to buffers.
    outputs: Vec<Operand>,
    sums: Vec<Sum<T>>,
    registers: usize,
}

/// A value from outside the pass.
#[derive(Debug, Clone, Copy)]
struct Input {
    operand: Operand,
    spread: Spread,
}

/// How an input becomes a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    /// It has an entry for each: the block is a slice of it.
    Full,
    /// n × 1: repeated for each column, into a register before the pass.
    Column(u32),
    /// 1 × 1: repeated, into a register before the pass.
    Number(u32),
    /// 1 × m: each entry repeated down its column, into a register for each block.
    Row(u32),
}

/// Where an operation of the pass reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Input(u32),
    Register(u32),
    Output(u32),
}

/// An operation on blocks.
#[derive(Debug)]
struct Micro<T: Scalar> {
    node: u32,
    op: Op<T>,
    sources: SmallVec<[Slot; 3]>,
    target: Slot,
    /// For a function whose derivative is in the pass too: where g′ goes.
    derivative: Option<Slot>,
}

/// Σᵢ over the columns of a value of the pass, or the sum of all its entries.
#[derive(Debug)]
struct Sum<T: Scalar> {
    source: Slot,
    out: Operand,
    over: Over,
    factor: Factor<T>,
    /// The register of the tile's own sum, which is added to the whole one at the end: two levels keep rounding small.
    partial: u32,
}

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

impl<T: Scalar> Fused<T> {
    pub(crate) fn assemble(
        graph: &Graph<T>,
        schedule: &Schedule<T>,
        operand: impl Fn(u32) -> Option<Operand>,
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
        let mut code: Vec<Micro<T>> = Vec::new();
        for (at, &id) in nodes.iter().enumerate() {
            let node = graph.node(id);
            let sources: SmallVec<[Slot; 3]> =
                node.operands.iter().map(|&read| asm.source(read, &operand)).collect();
            let target = asm.target(operand(id));
            asm.slots.push((id, target));
            let shares = code.last().is_some_and(|last: &Micro<T>| {
                last.derivative.is_none() && at > 0 && graph.derivative_node(nodes[at - 1]) == Some(id)
            });
            match code.last_mut() {
                Some(last) if shares => last.derivative = Some(target),
                _ => code.push(Micro { node: id, op: node.op.clone(), sources, target, derivative: None }),
            }
            let mut read: SmallVec<[u32; 3]> = node.operands.iter().copied().collect();
            read.sort_unstable();
            read.dedup();
            for done in read.into_iter().filter(|&read| is_last_use(graph, read, &nodes[at + 1..], sums)) {
                asm.release(done, nodes);
            }
        }
        let sums = sums.iter().map(|&id| asm.sum(id, schedule, &operand)).collect();
        let Assembler { inputs, outputs, registers, .. } = asm;
        Fused { rows, inputs, code, outputs, sums, registers: registers as usize }
    }

    /// Number of registers that the pass needs.
    pub(crate) fn registers(&self) -> usize {
        self.registers
    }

    /// Entries of a register for tiles of so many columns; a sum needs a column of them.
    pub(crate) fn register_len(&self, columns: usize) -> usize {
        (self.rows * self.block_columns().min(columns).max(1)).max(1)
    }

    fn block_columns(&self) -> usize {
        (BLOCK / self.rows.max(1)).max(1)
    }

    /// The operations, for reports: name, and whether it shares its exponential with its derivative.
    pub(crate) fn operations(&self) -> impl Iterator<Item = String> + '_ {
        let of_code = self.code.iter().map(|micro| match micro.derivative {
            Some(_) => format!("{0} and {0}′", micro.op.rule().name()),
            None => micro.op.rule().name().into_owned(),
        });
        of_code.chain(self.sums.iter().map(|_| "sum".to_owned()))
    }

    /// Runs the pass over the columns; a fault comes with its node.
    pub(crate) fn run(
        &self,
        memory: &mut Memory<T>,
        registers: &mut [Vec<T>],
        columns: Columns,
    ) -> Result<(), (u32, Fault)> {
        // Outputs and sums are taken out while they are written; the plan never lets them be inputs. There are at most as
        // many as operations, so nothing is allocated.
        let mut outputs: SmallVec<[Vec<T>; LONGEST]> =
            self.outputs.iter().map(|output| std::mem::take(memory.buffer_mut(output.at))).collect();
        self.spread(memory, registers, columns);
        let step = self.block_columns();
        let (mut start, mut done) = (0, Ok(()));
        while start < columns.count {
            let count = step.min(columns.count - start);
            done = self.run_block(memory, registers, &mut outputs, columns, start, count);
            if done.is_err() {
                break;
            }
            start += count;
        }
        for (output, buffer) in self.outputs.iter().zip(outputs.drain(..)) {
            *memory.buffer_mut(output.at) = buffer;
        }
        let first = columns.start == 0;
        for sum in &self.sums {
            let factor = sum.factor.at(columns.m);
            let total = memory.buffer_mut(sum.out.at);
            let partial = &registers[sum.partial as usize][..sum.length(self.rows)];
            for (total, &partial) in total.iter_mut().zip(partial) {
                *total = if first { factor * partial } else { *total + factor * partial };
            }
        }
        done
    }

    /// Fills the registers of repeated inputs, and clears the tile's sums.
    fn spread(&self, memory: &Memory<T>, registers: &mut [Vec<T>], columns: Columns) {
        let used = self.rows * self.block_columns().min(columns.count);
        for input in &self.inputs {
            let value = memory.buffer(input.operand.at);
            match input.spread {
                Spread::Full | Spread::Row(_) => {}
                Spread::Number(register) => registers[register as usize][..used].fill(value[0]),
                Spread::Column(register) => {
                    for column in registers[register as usize][..used].chunks_exact_mut(self.rows.max(1)) {
                        column.copy_from_slice(&value[..self.rows]);
                    }
                }
            }
        }
        for sum in &self.sums {
            registers[sum.partial as usize][..sum.length(self.rows)].fill(T::ZERO);
        }
    }

    fn run_block(
        &self,
        memory: &Memory<T>,
        registers: &mut [Vec<T>],
        outputs: &mut [Vec<T>],
        columns: Columns,
        start: usize,
        count: usize,
    ) -> Result<(), (u32, Fault)> {
        let length = self.rows * count;
        for input in &self.inputs {
            if let Spread::Row(register) = input.spread {
                let (_, _, first) = input.operand.window(columns);
                let row = &memory.buffer(input.operand.at)[first + start..first + start + count];
                let spread = registers[register as usize].chunks_exact_mut(self.rows.max(1));
                row.iter().zip(spread).for_each(|(&value, column)| column.fill(value));
            }
        }
        for micro in &self.code {
            let mut target = take(micro.target, registers, outputs);
            let mut derivative = micro.derivative.map(|slot| take(slot, registers, outputs));
            let at = self.offset(micro.target, columns, start);
            let done = {
                let read = |slot: Slot| self.block(slot, memory, registers, outputs, columns, start, length);
                let out = &mut target[at..at + length];
                match &mut derivative {
                    Some(derivative) => {
                        let at = self.offset(micro.derivative.expect("there is one"), columns, start);
                        micro.pair(read, out, &mut derivative[at..at + length]);
                        Ok(())
                    }
                    None => micro.apply(read, out, columns.m),
                }
            };
            put(micro.target, target, registers, outputs);
            if let (Some(slot), Some(derivative)) = (micro.derivative, derivative) {
                put(slot, derivative, registers, outputs);
            }
            done.map_err(|fault| (micro.node, fault.placed(self.rows, columns.start + start)))?;
        }
        for sum in &self.sums {
            let mut partial = std::mem::take(&mut registers[sum.partial as usize]);
            let block = self.block(sum.source, memory, registers, outputs, columns, start, length);
            sum.add(block, &mut partial, self.rows);
            registers[sum.partial as usize] = partial;
        }
        Ok(())
    }

    /// Where a block begins in the storage of a slot.
    fn offset(&self, slot: Slot, columns: Columns, start: usize) -> usize {
        let window = |operand: Operand| operand.window(columns).2 + start * self.rows;
        match slot {
            Slot::Register(_) => 0,
            Slot::Output(output) => window(self.outputs[output as usize]),
            Slot::Input(input) => window(self.inputs[input as usize].operand),
        }
    }

    #[allow(clippy::too_many_arguments)] // a view into three storages
    fn block<'a>(
        &self,
        slot: Slot,
        memory: &'a Memory<T>,
        registers: &'a [Vec<T>],
        outputs: &'a [Vec<T>],
        columns: Columns,
        start: usize,
        length: usize,
    ) -> &'a [T] {
        let at = self.offset(slot, columns, start);
        let storage = match slot {
            Slot::Register(register) => &registers[register as usize],
            Slot::Output(output) => &outputs[output as usize],
            Slot::Input(input) => memory.buffer(self.inputs[input as usize].operand.at),
        };
        &storage[at..at + length]
    }
}

/// Whether neither the nodes still to come nor the sums read a value.
fn is_last_use<T: Scalar>(graph: &Graph<T>, id: u32, to_come: &[u32], sums: &[u32]) -> bool {
    !to_come.iter().chain(sums).any(|&later| graph.node(later).operands.contains(&id))
}

fn take<T>(slot: Slot, registers: &mut [Vec<T>], outputs: &mut [Vec<T>]) -> Vec<T> {
    match slot {
        Slot::Register(register) => std::mem::take(&mut registers[register as usize]),
        Slot::Output(output) => std::mem::take(&mut outputs[output as usize]),
        Slot::Input(_) => unreachable!("inputs are not written"),
    }
}

fn put<T>(slot: Slot, storage: Vec<T>, registers: &mut [Vec<T>], outputs: &mut [Vec<T>]) {
    match slot {
        Slot::Register(register) => registers[register as usize] = storage,
        Slot::Output(output) => outputs[output as usize] = storage,
        Slot::Input(_) => unreachable!("inputs are not written"),
    }
}

impl<T: Scalar> Micro<T> {
    /// One operation on a block; every source has the block's length.
    fn apply<'a>(&self, read: impl Fn(Slot) -> &'a [T], out: &mut [T], m: usize) -> Result<(), Fault> {
        let sources: SmallVec<[&[T]; 3]> = self.sources.iter().map(|&slot| read(slot)).collect();
        let kernel = self.op.rule().entrywise().expect("only entrywise operations are fused");
        kernel.block(&sources, out, m)
    }

    /// A function and its derivative.
    fn pair<'a>(&self, read: impl Fn(Slot) -> &'a [T], out: &mut [T], derivative: &mut [T]) {
        let Op::Map(map) = &self.op else { unreachable!("only functions have a derivative beside them") };
        map.0.apply_with_derivative(read(self.sources[0]), out, derivative);
    }
}

impl<T: Scalar> Sum<T> {
    fn length(&self, rows: usize) -> usize {
        if self.over == Over::All { 1 } else { rows }
    }

    fn add(&self, block: &[T], partial: &mut [T], rows: usize) {
        if self.length(rows) == 1 {
            partial[0] += crate::kernel::functions::sum(block);
            return;
        }
        vectorised(
            #[inline(always)]
            || {
                for column in block.chunks_exact(rows.max(1)) {
                    for (sum, &x) in partial.iter_mut().zip(column) {
                        *sum += x;
                    }
                }
            },
        );
    }
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

    fn sum(&mut self, id: u32, schedule: &Schedule<T>, operand: &impl Fn(u32) -> Option<Operand>) -> Sum<T> {
        let Op::Reduce(Reduce { over, .. }) = self.graph.node(id).op else {
            unreachable!("only sums join a pass")
        };
        let source = self.slot(self.graph.node(id).operands[0]).expect("it joined for its operand");
        let (result, factor) = schedule.folded[id as usize].unwrap_or((id, Factor::ONE));
        let out = operand(result).expect("sums have a buffer");
        Sum { source, out, over, factor, partial: self.fresh() }
    }
}
