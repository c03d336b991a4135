//! The sections of a pass: on one thread, or columns of it on each of several.

use std::ops::Range;

use smallvec::SmallVec;

use super::{add_columns, apply, apply_with_derivative, repeat};
use crate::Scalar;
use crate::numbers::aligned::Aligned;
use crate::numbers::kernel::divide::{Divide, among};
use crate::numbers::kernel::product::UNIT;
use crate::program::ids::NodeId;
use crate::program::operand::Columns;
use crate::program::pass::{INPUTS, LONGEST, Pass, Slot, Spread, Sum};
use crate::program::run::memory::{Registers, Taken, Values, Work};
use crate::tape::ids::Id;
use crate::tape::operation::Fault;

/// Fewer elements, counted for each operation, are not worth a second thread.
const LEAST_ELEMENTS: usize = 20_000;

/// The columns that a thread has of a pass, and the values there that are not in registers.
struct Part<'a, T> {
    columns: Columns,
    inputs: SmallVec<[&'a [T]; INPUTS]>,
    outputs: SmallVec<[&'a mut [T]; LONGEST]>,
}

/// A pass on some columns, for the threads that have its registers.
struct Share<'a, T: Scalar> {
    pass: &'a Pass<T>,
    sums: &'a [Sum<T>],
    part: Part<'a, T>,
    registers: &'a mut [Registers<T>],
}

impl<T: Scalar> Divide for Share<'_, T> {
    type Done = Result<(), (NodeId, Fault)>;

    fn count(&self) -> usize {
        self.part.columns.count
    }
    fn step(&self) -> usize {
        self.pass.section_columns()
    }
    /// Not where there are sums, whose order would have to be kept.
    fn is_worth_sharing(&self) -> bool {
        self.sums.is_empty() && self.pass.rows * self.count() * self.pass.code.len() > LEAST_ELEMENTS
    }
    fn cut(self, count: usize, threads: usize) -> (Self, Self) {
        let (left, right) = self.pass.cut(self.part, count);
        let (registers, other_registers) = self.registers.split_at_mut(threads);
        let first = Share { part: left, registers, ..self };
        let second = Share { part: right, registers: other_registers, ..first };
        (first, second)
    }
    fn run(mut self) -> Self::Done {
        self.pass.run_part(self.sums, &mut self.part, &mut self.registers[0])
    }
    fn both(first: Self::Done, second: Self::Done) -> Self::Done {
        first.and(second)
    }
}

impl<T: Scalar> Pass<T> {
    /// Runs the pass over the columns; a fault comes with its node.
    pub(crate) fn run(&self, work: &mut Work<'_, T>, columns: Columns) -> Result<(), (NodeId, Fault)> {
        self.run_with(&self.sums, work, columns)
    }

    /// Runs the pass without its sums, which [`add_sums`](Self::add_sums) adds up.
    pub(in crate::program) fn run_without_sums(
        &self,
        work: &mut Work<'_, T>,
        columns: Columns,
    ) -> Result<(), (NodeId, Fault)> {
        self.run_with(&[], work, columns)
    }

    /// Adds up what [`run_without_sums`](Self::run_without_sums) has left.
    pub(in crate::program) fn add_sums(&self, work: &mut Work<'_, T>, columns: Columns) {
        let registers = std::mem::take(&mut work.registers);
        begin_sums(&self.sums, work, &mut registers[0], columns);
        for sum in &self.sums {
            let Slot::Output(output) = sum.source else {
                unreachable!("only written values are summed later")
            };
            let values = work.read(self.outputs[output], columns);
            let [partial, total] = &mut registers[0]
                .as_mut_slice()
                .get_disjoint_mut([sum.partial.index(), sum.total.index()])
                .expect("a sum has two registers");
            partial[..sum.at.len()].fill(T::ZERO);
            self.add_values(sum, values, self.columns_of(columns), (partial, total), 0);
        }
        end_sums(&self.sums, work, &registers[0]);
        work.registers = registers;
    }

    fn run_with(
        &self,
        sums: &[Sum<T>],
        work: &mut Work<'_, T>,
        columns: Columns,
    ) -> Result<(), (NodeId, Fault)> {
        // Outputs are taken out while they are written; the plan never lets them be inputs. There
        // are few enough of both that their lists need no allocation.
        let mut taken: SmallVec<[Taken<'_, T>; LONGEST]> = SmallVec::new();
        for &output in &self.outputs {
            taken.push(work.take(output));
        }
        let registers = std::mem::take(&mut work.registers);
        begin_sums(sums, work, &mut registers[0], columns);
        let of_pass = self.columns_of(columns);
        let mut part = Part { columns: of_pass, inputs: SmallVec::new(), outputs: SmallVec::new() };
        for input in &self.inputs {
            part.inputs.push(work.read(input.operand, columns));
        }
        for (taken, &output) in taken.iter_mut().zip(&self.outputs) {
            part.outputs.push(taken.window(output, columns));
        }
        let done = match registers.len() {
            1 => {
                let mut part = part; // dropped here
                self.run_part(sums, &mut part, &mut registers[0])
            }
            threads => among(Share { pass: self, sums, part, registers: &mut *registers }, threads),
        };
        for (taken, &output) in taken.drain(..).zip(&self.outputs) {
            work.put(output, taken);
        }
        end_sums(sums, work, &registers[0]);
        work.registers = registers;
        done
    }

    /// The first columns of a part, and the others.
    fn cut<'a>(&self, part: Part<'a, T>, count: usize) -> (Part<'a, T>, Part<'a, T>) {
        let (first, second) = part.columns.cut(count);
        let mut left = Part { columns: first, inputs: SmallVec::new(), outputs: SmallVec::new() };
        let mut right = Part { columns: second, inputs: SmallVec::new(), outputs: SmallVec::new() };
        for (input, values) in self.inputs.iter().zip(part.inputs) {
            let (first, second) = match input.spread {
                Spread::Full => values.split_at(count * self.rows),
                Spread::Row(_) => values.split_at(count),
                Spread::Column(_) | Spread::Number(_) => (values, values),
            };
            left.inputs.push(first);
            right.inputs.push(second);
        }
        for values in part.outputs {
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
        registers: &mut Registers<T>,
    ) -> Result<(), (NodeId, Fault)> {
        self.spread(sums, part, registers);
        let (step, mut start) = (self.step(part.columns.count), 0);
        while start < part.columns.count {
            let count = step.min(part.columns.count - start);
            self.run_section(part, registers, start, count)?;
            for sum in sums {
                let section = start * self.rows..(start + count) * self.rows;
                self.add_section(sum, part, registers, (start, section));
            }
            start += count;
        }
        Ok(())
    }

    /// Fills the registers of repeated inputs, and clears the sums of the first unit.
    fn spread(&self, sums: &[Sum<T>], part: &Part<'_, T>, registers: &mut Registers<T>) {
        let used = self.rows * self.section_columns().min(part.columns.count);
        for (input, value) in self.inputs.iter().zip(&part.inputs) {
            if let Spread::Number(register) | Spread::Column(register) = input.spread {
                repeat(value, input.spread, self.rows, &mut registers[register][..used]);
            }
        }
        for sum in sums {
            registers[sum.partial][..sum.at.len()].fill(T::ZERO);
        }
    }

    /// The operations on the columns from `start` on, counted inside the part.
    fn run_section(
        &self,
        part: &mut Part<'_, T>,
        registers: &mut Registers<T>,
        start: usize,
        count: usize,
    ) -> Result<(), (NodeId, Fault)> {
        for (input, values) in self.inputs.iter().zip(&part.inputs) {
            if let Spread::Row(register) = input.spread {
                let spread = &mut registers[register][..self.rows * count];
                repeat(&values[start..start + count], input.spread, self.rows, spread);
            }
        }
        let section = start * self.rows..(start + count) * self.rows;
        let m = part.columns.m;
        for op in &self.code {
            let mut target = Storage::take(op.target, part, registers);
            let mut derivative = op.derivative.map(|slot| Storage::take(slot, part, registers));
            let read = |slot: Slot| part.section(slot, registers, &section);
            let out = target.section_mut(&section);
            let done = match &mut derivative {
                Some(derivative) => {
                    apply_with_derivative(&op.op, &op.sources, read, out, derivative.section_mut(&section))
                }
                None => apply(&op.op, &op.sources, read, out, m),
            };
            target.put(op.target, part, registers);
            if let (Some(slot), Some(derivative)) = (op.derivative, derivative) {
                derivative.put(slot, part, registers);
            }
            done.map_err(|fault| (op.node, fault.placed(self.rows, part.columns.start + start)))?;
        }
        Ok(())
    }

    /// Adds a section of a part to a sum.
    fn add_section(
        &self,
        sum: &Sum<T>,
        part: &Part<'_, T>,
        registers: &mut Registers<T>,
        (start, section): (usize, Range<usize>),
    ) {
        // The section itself may be in a register.
        let mut partial = std::mem::take(&mut registers[sum.partial]);
        let mut total = std::mem::take(&mut registers[sum.total]);
        let values = part.section(sum.source, registers, &section);
        self.add_values(sum, values, part.columns, (&mut partial, &mut total), start);
        registers[sum.partial] = partial;
        registers[sum.total] = total;
    }

    /// Adds values, of the columns from `start` on, to a sum, unit by unit; they end where a unit
    /// does, or are a part of one.
    fn add_values(
        &self,
        sum: &Sum<T>,
        values: &[T],
        columns: Columns,
        (partial, total): (&mut [T], &mut [T]),
        start: usize,
    ) {
        let factor = sum.scaling.at(columns.m).of_parts();
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
    registers: &mut Registers<T>,
    columns: Columns,
) {
    for sum in sums {
        let total = &mut registers[sum.total][..sum.at.len()];
        match columns.start == work.first {
            true => total.fill(T::ZERO),
            false => work.write_sum(sum.at, |_, sum| total.copy_from_slice(sum)),
        }
    }
}

/// Stores what the sums are now.
fn end_sums<T: Scalar>(sums: &[Sum<T>], work: &mut Work<'_, T>, registers: &Registers<T>) {
    for sum in sums {
        let total = &registers[sum.total];
        work.write_sum(sum.at, |_, sum| sum.copy_from_slice(&total[..sum.len()]));
    }
}

impl<T> Part<'_, T> {
    /// A section of what a slot holds.
    fn section<'a>(
        &'a self,
        slot: Slot,
        registers: &'a Registers<T>,
        section: &std::ops::Range<usize>,
    ) -> &'a [T] {
        match slot {
            Slot::Register(register) => &registers[register][..section.len()],
            Slot::Output(output) => &self.outputs[output.index()][section.clone()],
            Slot::Input(input) => &self.inputs[input.index()][section.clone()],
        }
    }
}

/// What a slot holds, taken out while it is written.
enum Storage<'a, T> {
    Register(Aligned<T>),
    Output(&'a mut [T]),
}

impl<'a, T> Storage<'a, T> {
    fn take(slot: Slot, part: &mut Part<'a, T>, registers: &mut Registers<T>) -> Self {
        match slot {
            Slot::Register(register) => Storage::Register(std::mem::take(&mut registers[register])),
            Slot::Output(output) => Storage::Output(std::mem::take(&mut part.outputs[output.index()])),
            Slot::Input(_) => unreachable!("inputs are not written"),
        }
    }

    fn section_mut(&mut self, section: &std::ops::Range<usize>) -> &mut [T] {
        match self {
            Storage::Register(values) => &mut values[..section.len()],
            Storage::Output(values) => &mut values[section.clone()],
        }
    }

    fn put(self, slot: Slot, part: &mut Part<'a, T>, registers: &mut Registers<T>) {
        match (self, slot) {
            (Storage::Register(values), Slot::Register(register)) => registers[register] = values,
            (Storage::Output(values), Slot::Output(output)) => part.outputs[output.index()] = values,
            (Storage::Register(_) | Storage::Output(_), _) => unreachable!("it goes back where it came from"),
        }
    }
}
