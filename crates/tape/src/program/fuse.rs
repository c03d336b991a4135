//! Entrywise operations of one shape in one pass over blocks that stay in the first-level cache.
//!
//! A pass goes over its columns block by block. Inside a block every operation is a loop over slices of one length: what is
//! repeated (a bias, a number) is spread out once before the pass, a row once for each block. Values that only the pass
//! needs live in registers, slices of a block's length; the others are written to their buffers.

use std::ops::Range;

use smallvec::SmallVec;

use crate::aligned::Aligned;
use crate::kernel::product::UNIT;
use crate::kernel::simd::vectorised;
use crate::kernel::threads;
use crate::op::{Fault, Op};
use crate::ops::log_loss::LogLossOnLogits;
use crate::ops::scale::Factor;
use crate::program::lower::Graph;
use crate::program::schedule::{INPUTS, LONGEST, Schedule};
use crate::storage::{Buffers, Columns, Operand, SumAt, Taken, Values, Work};
use crate::{Dim, Scalar};

/// Entries of a block: a few registers of this many numbers fit the first-level cache.
const BLOCK: usize = 1024;
/// Fewer entries, counted for each operation, are not worth a second thread.
const LEAST_ENTRIES: usize = 20_000;

/// A fused pass.
#[derive(Debug)]
pub(crate) struct Fused<T: Scalar> {
    pub(super) rows: usize,
    pub(super) inputs: Vec<Input>,
    pub(super) code: Vec<Micro<T>>,
    /// Values that are written to buffers.
    pub(super) outputs: Vec<Operand>,
    pub(super) sums: Vec<Sum<T>>,
    registers: usize,
}

/// A value from outside the pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    pub(super) operand: Operand,
    pub(super) spread: Spread,
}

/// How an input becomes a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// It has an entry for each: the block is a slice of it.
    Full,
    /// n × 1: repeated for each column, into a register before the pass.
    Column(u32),
    /// 1 × 1: repeated, into a register before the pass.
    Number(u32),
    /// 1 × m: each entry repeated down its column, into a register for each block.
    Row(u32),
}

impl Spread {
    /// Where it is repeated, if it is.
    pub(super) fn register(self) -> Option<u32> {
        match self {
            Spread::Full => None,
            Spread::Column(register) | Spread::Number(register) | Spread::Row(register) => Some(register),
        }
    }
}

/// Where an operation of the pass reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Input(u32),
    Register(u32),
    Output(u32),
}

/// An operation on blocks.
#[derive(Debug)]
pub(super) struct Micro<T: Scalar> {
    pub(super) node: u32,
    pub(super) op: Op<T>,
    pub(super) sources: SmallVec<[Slot; 3]>,
    pub(super) target: Slot,
    /// For a function whose derivative is in the pass too: where g′ goes.
    pub(super) derivative: Option<Slot>,
}

/// Σᵢ over the columns of a value of the pass, or the sum of all its entries.
#[derive(Debug)]
pub(super) struct Sum<T: Scalar> {
    pub(super) source: Slot,
    pub(super) at: SumAt,
    pub(super) factor: Factor<T>,
    /// The register of a unit's own sum, which is added to the whole one: two levels keep rounding small, and make the
    /// order of the additions that of the units.
    pub(super) partial: u32,
    /// The register of the whole sum.
    total: u32,
}

/// The columns that a thread has of a pass, and the values there that are not in registers.
struct Part<'a, T> {
    columns: Columns,
    inputs: SmallVec<[&'a [T]; INPUTS]>,
    outputs: SmallVec<[&'a mut [T]; LONGEST]>,
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
        mut place: impl FnMut(u32) -> SumAt,
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
        let sums = sums.iter().map(|&id| asm.sum(id, schedule, &mut place)).collect();
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

    /// A power of two, so that blocks and units end together.
    pub(super) fn block_columns(&self) -> usize {
        1 << (BLOCK / self.rows.max(1)).max(1).ilog2()
    }

    /// The operations, for reports: name, and whether it shares its exponential with its derivative.
    pub(crate) fn operations(&self) -> impl Iterator<Item = String> + '_ {
        let of_code = self.code.iter().map(|micro| match micro.derivative {
            Some(_) => format!("{0} and {0}′", micro.op.rule().name()),
            None => micro.op.rule().name().into_owned(),
        });
        of_code.chain(self.sums.iter().map(|_| "sum".to_owned()))
    }

    /// Whether nothing is summed.
    pub(super) fn has_no_sums(&self) -> bool {
        self.sums.is_empty()
    }

    /// Whether the sums may come after the pass with the same bits: they are sums of rows, of values that are written.
    pub(super) fn sums_come_after(&self) -> bool {
        self.sums.iter().all(|sum| matches!(sum.source, Slot::Output(_)) && sum.at.len() > 1)
    }

    /// Whether a value is read by nothing but operations that can repeat it themselves.
    pub(super) fn is_only_zipped(&self, slot: Slot) -> bool {
        let reads = |micro: &&Micro<T>| micro.sources.contains(&slot);
        let zipped = self.code.iter().filter(reads).all(|micro| matches!(micro.op, Op::Zip(_)));
        zipped && self.sums.iter().all(|sum| sum.source != slot)
    }

    /// How many entries of a column are computed.
    pub(super) fn entries_of_a_column(&self) -> usize {
        self.rows * self.code.len()
    }

    /// Runs the pass over the columns; a fault comes with its node.
    pub(crate) fn run(&self, work: &mut Work<'_, T>, columns: Columns) -> Result<(), (u32, Fault)> {
        self.run_with(&self.sums, work, columns)
    }

    /// Runs the pass without its sums, which [`add_sums`](Self::add_sums) adds up.
    pub(super) fn run_apart(&self, work: &mut Work<'_, T>, columns: Columns) -> Result<(), (u32, Fault)> {
        self.run_with(&[], work, columns)
    }

    /// Adds up what [`run_apart`](Self::run_apart) has left.
    pub(super) fn add_sums(&self, work: &mut Work<'_, T>, columns: Columns) {
        let registers = std::mem::take(&mut work.registers);
        begin_sums(&self.sums, work, &mut registers[0], columns);
        for sum in &self.sums {
            let Slot::Output(output) = sum.source else {
                unreachable!("only written values are summed later")
            };
            let values = work.read(self.outputs[output as usize], columns);
            let [partial, total] = &mut registers[0]
                .get_disjoint_mut([sum.partial as usize, sum.total as usize])
                .expect("a sum has two registers");
            partial[..sum.at.len()].fill(T::ZERO);
            self.add_values(sum, values, columns, (partial, total), 0);
        }
        end_sums(&self.sums, work, &registers[0]);
        work.registers = registers;
    }

    fn run_with(
        &self,
        sums: &[Sum<T>],
        work: &mut Work<'_, T>,
        columns: Columns,
    ) -> Result<(), (u32, Fault)> {
        // Outputs are taken out while they are written; the plan never lets them be inputs. There are few enough of both
        // that their lists need no allocation.
        let mut taken: SmallVec<[Taken<'_, T>; LONGEST]> = SmallVec::new();
        for &output in &self.outputs {
            taken.push(work.take(output));
        }
        let registers = std::mem::take(&mut work.registers);
        begin_sums(sums, work, &mut registers[0], columns);
        let mut part = Part { columns, inputs: SmallVec::new(), outputs: SmallVec::new() };
        for input in &self.inputs {
            part.inputs.push(work.read(input.operand, columns));
        }
        for (taken, &output) in taken.iter_mut().zip(&self.outputs) {
            part.outputs.push(taken.window(output, columns));
        }
        let done = self.share(sums, &mut part, registers);
        drop(part);
        for (taken, &output) in taken.drain(..).zip(&self.outputs) {
            work.put(output, taken);
        }
        end_sums(sums, work, &registers[0]);
        work.registers = registers;
        done
    }

    /// Cuts a part for the threads that have registers. Not where there are sums, whose order would have to be kept.
    fn share(
        &self,
        sums: &[Sum<T>],
        part: &mut Part<'_, T>,
        registers: &mut [Buffers<T>],
    ) -> Result<(), (u32, Fault)> {
        let entries = self.rows * part.columns.count * self.code.len();
        let columns = if registers.len() > 1 && sums.is_empty() && entries > LEAST_ENTRIES {
            threads::cut(part.columns.count, registers.len(), self.block_columns())
        } else {
            0
        };
        if columns == 0 {
            return self.run_part(sums, part, &mut registers[0]);
        }
        let (mine, others) = registers.split_at_mut(registers.len() / 2);
        let (mut left, mut right) = self.cut(part, columns);
        let (left, right) =
            threads::join(|| self.share(sums, &mut left, mine), || self.share(sums, &mut right, others));
        left.and(right)
    }

    /// The first columns of a part, and the others.
    fn cut<'a>(&self, part: &'a mut Part<'_, T>, count: usize) -> (Part<'a, T>, Part<'a, T>) {
        let (first, second) = part.columns.cut(count);
        let mut left = Part { columns: first, inputs: SmallVec::new(), outputs: SmallVec::new() };
        let mut right = Part { columns: second, inputs: SmallVec::new(), outputs: SmallVec::new() };
        for (input, &values) in self.inputs.iter().zip(&part.inputs) {
            let (first, second) = match input.spread {
                Spread::Full => values.split_at(count * self.rows),
                Spread::Row(_) => values.split_at(count),
                Spread::Column(_) | Spread::Number(_) => (values, values),
            };
            left.inputs.push(first);
            right.inputs.push(second);
        }
        for values in &mut part.outputs {
            let (first, second) = values.split_at_mut(count * self.rows);
            left.outputs.push(first);
            right.outputs.push(second);
        }
        (left, right)
    }

    fn run_part(
        &self,
        sums: &[Sum<T>],
        part: &mut Part<'_, T>,
        registers: &mut Buffers<T>,
    ) -> Result<(), (u32, Fault)> {
        self.spread(sums, part, registers);
        let (step, mut start) = (self.block_columns(), 0);
        while start < part.columns.count {
            let count = step.min(part.columns.count - start);
            self.run_block(part, registers, start, count)?;
            for sum in sums {
                let block = start * self.rows..(start + count) * self.rows;
                self.add_block(sum, part, registers, (start, block));
            }
            start += count;
        }
        Ok(())
    }

    /// Fills the registers of repeated inputs, and clears the sums of the first unit.
    fn spread(&self, sums: &[Sum<T>], part: &Part<'_, T>, registers: &mut Buffers<T>) {
        let used = self.rows * self.block_columns().min(part.columns.count);
        for (input, value) in self.inputs.iter().zip(&part.inputs) {
            if let Spread::Number(register) | Spread::Column(register) = input.spread {
                repeat(value, input.spread, self.rows, &mut registers[register as usize][..used]);
            }
        }
        for sum in sums {
            registers[sum.partial as usize][..sum.at.len()].fill(T::ZERO);
        }
    }

    /// The operations on the columns from `start` on, counted inside the part.
    fn run_block(
        &self,
        part: &mut Part<'_, T>,
        registers: &mut Buffers<T>,
        start: usize,
        count: usize,
    ) -> Result<(), (u32, Fault)> {
        for (input, values) in self.inputs.iter().zip(&part.inputs) {
            if let Spread::Row(register) = input.spread {
                let spread = &mut registers[register as usize][..self.rows * count];
                repeat(&values[start..start + count], input.spread, self.rows, spread);
            }
        }
        let block = start * self.rows..(start + count) * self.rows;
        let m = part.columns.m;
        for micro in &self.code {
            let mut target = Storage::take(micro.target, part, registers);
            let mut derivative = micro.derivative.map(|slot| Storage::take(slot, part, registers));
            let read = |slot: Slot| part.block(slot, registers, &block);
            let out = target.block_mut(&block);
            let done = match &mut derivative {
                Some(derivative) => {
                    apply_with_derivative(&micro.op, &micro.sources, read, out, derivative.block_mut(&block))
                }
                None => apply(&micro.op, &micro.sources, read, out, m),
            };
            target.put(micro.target, part, registers);
            if let (Some(slot), Some(derivative)) = (micro.derivative, derivative) {
                derivative.put(slot, part, registers);
            }
            done.map_err(|fault| (micro.node, fault.placed(self.rows, part.columns.start + start)))?;
        }
        Ok(())
    }

    /// Adds a block of a part to a sum.
    fn add_block(
        &self,
        sum: &Sum<T>,
        part: &Part<'_, T>,
        registers: &mut Buffers<T>,
        (start, block): (usize, Range<usize>),
    ) {
        // The block itself may be in a register.
        let mut partial = std::mem::take(&mut registers[sum.partial as usize]);
        let mut total = std::mem::take(&mut registers[sum.total as usize]);
        let values = part.block(sum.source, registers, &block);
        self.add_values(sum, values, part.columns, (&mut partial, &mut total), start);
        registers[sum.partial as usize] = partial;
        registers[sum.total as usize] = total;
    }

    /// Adds values, of the columns from `start` on, to a sum, unit by unit; they end where a unit does, or are a part of one.
    fn add_values(
        &self,
        sum: &Sum<T>,
        values: &[T],
        columns: Columns,
        (partial, total): (&mut [T], &mut [T]),
        start: usize,
    ) {
        let factor = sum.factor.at(columns.m);
        let end_of_all = start + values.len() / self.rows.max(1);
        for (unit, first) in values.chunks((UNIT * self.rows).max(1)).zip((start..).step_by(UNIT)) {
            add_columns(unit, self.rows, &mut partial[..sum.at.len()]);
            let end = end_of_all.min(first + UNIT);
            if end.is_multiple_of(UNIT) || end == columns.count {
                for (total, partial) in total.iter_mut().zip(&mut partial[..sum.at.len()]) {
                    *total += factor * std::mem::take(partial);
                }
            }
        }
    }
}

/// Fetches what the sums were before these columns.
fn begin_sums<T: Scalar>(
    sums: &[Sum<T>],
    work: &mut Work<'_, T>,
    registers: &mut Buffers<T>,
    columns: Columns,
) {
    for sum in sums {
        let total = &mut registers[sum.total as usize][..sum.at.len()];
        match columns.start == work.first {
            true => total.fill(T::ZERO),
            false => work.write_sum(sum.at, |_, sum| total.copy_from_slice(sum)),
        }
    }
}

/// Stores what the sums are now.
fn end_sums<T: Scalar>(sums: &[Sum<T>], work: &mut Work<'_, T>, registers: &Buffers<T>) {
    for sum in sums {
        let total = &registers[sum.total as usize];
        work.write_sum(sum.at, |_, sum| sum.copy_from_slice(&total[..sum.len()]));
    }
}

impl<T> Part<'_, T> {
    /// A block of what a slot holds.
    fn block<'a>(
        &'a self,
        slot: Slot,
        registers: &'a [Aligned<T>],
        block: &std::ops::Range<usize>,
    ) -> &'a [T] {
        match slot {
            Slot::Register(register) => &registers[register as usize][..block.len()],
            Slot::Output(output) => &self.outputs[output as usize][block.clone()],
            Slot::Input(input) => &self.inputs[input as usize][block.clone()],
        }
    }
}

/// What a slot holds, taken out while it is written.
enum Storage<'a, T> {
    Register(Aligned<T>),
    Output(&'a mut [T]),
}

impl<'a, T> Storage<'a, T> {
    fn take(slot: Slot, part: &mut Part<'a, T>, registers: &mut [Aligned<T>]) -> Self {
        match slot {
            Slot::Register(register) => Storage::Register(std::mem::take(&mut registers[register as usize])),
            Slot::Output(output) => Storage::Output(std::mem::take(&mut part.outputs[output as usize])),
            Slot::Input(_) => unreachable!("inputs are not written"),
        }
    }

    fn block_mut(&mut self, block: &std::ops::Range<usize>) -> &mut [T] {
        match self {
            Storage::Register(values) => &mut values[..block.len()],
            Storage::Output(values) => &mut values[block.clone()],
        }
    }

    fn put(self, slot: Slot, part: &mut Part<'a, T>, registers: &mut [Aligned<T>]) {
        match (self, slot) {
            (Storage::Register(values), Slot::Register(register)) => registers[register as usize] = values,
            (Storage::Output(values), Slot::Output(output)) => part.outputs[output as usize] = values,
            (Storage::Register(_) | Storage::Output(_), _) => unreachable!("it goes back where it came from"),
        }
    }
}

/// Whether neither the nodes still to come nor the sums read a value.
fn is_last_use<T: Scalar>(graph: &Graph<T>, id: u32, to_come: &[u32], sums: &[u32]) -> bool {
    !to_come.iter().chain(sums).any(|&later| graph.node(later).operands.contains(&id))
}

/// Repeats an input of a pass until it has an entry for each of the pass.
pub(super) fn repeat<T: Copy>(value: &[T], spread: Spread, rows: usize, out: &mut [T]) {
    match spread {
        Spread::Full => {}
        Spread::Number(_) => out.fill(value[0]),
        Spread::Row(_) => {
            value.iter().zip(out.chunks_exact_mut(rows.max(1))).for_each(|(&x, column)| column.fill(x));
        }
        Spread::Column(_) => {
            let mut done = rows.min(out.len());
            out[..done].copy_from_slice(&value[..done]);
            while done < out.len() {
                let (from, to) = out.split_at_mut(done);
                let more = done.min(to.len());
                to[..more].copy_from_slice(&from[..more]);
                done += more;
            }
        }
    }
}

/// One operation on a block; every source has the block's length.
pub(super) fn apply<'a, T: Scalar, S: Copy>(
    op: &Op<T>,
    sources: &[S],
    read: impl Fn(S) -> &'a [T],
    out: &mut [T],
    m: usize,
) -> Result<(), Fault> {
    let kernel = op.rule().entrywise().expect("only entrywise operations are fused");
    match *sources {
        [x] => kernel.block(&[read(x)], out, m),
        [x, y] => kernel.block(&[read(x), read(y)], out, m),
        ref sources => {
            let sources: SmallVec<[&[T]; INPUTS]> = sources.iter().map(|&source| read(source)).collect();
            kernel.block(&sources, out, m)
        }
    }
}

/// A function and its derivative.
pub(super) fn apply_with_derivative<'a, T: Scalar, S: Copy>(
    op: &Op<T>,
    sources: &[S],
    read: impl Fn(S) -> &'a [T],
    out: &mut [T],
    derivative: &mut [T],
) -> Result<(), Fault> {
    match (op, sources) {
        (Op::Map(map), &[x]) => {
            map.0.apply_with_derivative(read(x), out, derivative);
            Ok(())
        }
        (Op::LogLossOnLogits(_), &[y, z]) => {
            LogLossOnLogits::block_with_derivative(read(y), read(z), out, derivative)
        }
        _ => unreachable!("no other operations have a derivative beside them"),
    }
}

/// Adds the columns of a block to the sums of the rows, or everything to the only sum.
pub(super) fn add_columns<T: Scalar>(block: &[T], rows: usize, sums: &mut [T]) {
    if let [sum] = sums {
        *sum += crate::kernel::functions::sum(block);
        return;
    }
    vectorised(
        #[inline(always)]
        || {
            for column in block.chunks_exact(rows.max(1)) {
                for (sum, &x) in sums.iter_mut().zip(column) {
                    *sum += x;
                }
            }
        },
    );
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

    fn sum(&mut self, id: u32, schedule: &Schedule<T>, place: &mut impl FnMut(u32) -> SumAt) -> Sum<T> {
        let source = self.slot(self.graph.node(id).operands[0]).expect("it joined for its operand");
        let (result, factor) = schedule.folded[id as usize].unwrap_or((id, Factor::ONE));
        Sum { source, at: place(result), factor, partial: self.fresh(), total: self.fresh() }
    }
}
