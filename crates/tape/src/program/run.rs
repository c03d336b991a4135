//! Executing a program.

use crate::error::{NonFinite, OperandRange};
use crate::kernel::product::{Beta, product};
use crate::op::{Columns, Fault, Memory, Op, Operand, Operands};
use crate::ops::matmul::Matmul;
use crate::ops::reduce::Reduce;
use crate::ops::scale::{Factor, Scale};
use crate::program::{Instruction, Program, Segment};
use crate::{Error, MatrixMut, Result, Scalar};

/// Columns of a tile: enough that products run at full speed, few enough that the values of a tile stay in the cache.
///
/// It is a function of the program alone, so that sums over tiles come out the same on every machine.
pub(super) fn tile_columns(rows_of_buffers: &[usize]) -> usize {
    let most_rows = rows_of_buffers.iter().copied().max().unwrap_or(1);
    most_rows.next_power_of_two().clamp(256, 1024)
}

impl<T: Scalar> Program<T> {
    /// Computes the outputs from the values that the leaves have now.
    ///
    /// From the second run on at an m already seen, nothing is allocated. The same program on the same inputs gives the
    /// same bits.
    ///
    /// # Errors
    /// [`Error::Unbound`], [`Error::ExamplesDiffer`], [`Error::EmptyBatch`], [`Error::Label`], [`Error::Allocation`], or
    /// what a user's kernel reports.
    pub fn run(&mut self) -> Result<()> {
        self.ran = false;
        let m = self.prepare()?;
        for Segment { tiled, code } in &self.segments {
            let width = if *tiled { self.tile } else { m };
            let mut start = 0;
            loop {
                let columns = Columns { start, count: width.min(m - start), m };
                for instruction in &self.code[code.clone()] {
                    let done = instruction.run(&mut self.memory, &mut self.registers, columns);
                    done.map_err(|(node, fault)| self.fault(node, fault))?;
                }
                start += columns.count;
                if start >= m {
                    break;
                }
            }
        }
        self.ran = true;
        Ok(())
    }

    /// Like [`run`](Program::run), but step by step and without fusion: stops at the first value that is NaN or ±∞, naming
    /// the entry, the element, the ranges of the operands and where the entry was recorded.
    ///
    /// # Errors
    /// As [`run`](Program::run), and [`Error::NonFinite`].
    pub fn run_checked(&mut self) -> Result<()> {
        self.ran = false;
        let m = self.prepare()?;
        let mut unfused = self.unfused.take().unwrap_or_else(|| {
            Box::new(Program::assemble(self.tape, self.graph.clone(), self.about.clone(), false))
        });
        for (own, leaf) in self.leaves.iter().zip(0..) {
            let (rows, columns) = own.at.shape.at(m);
            let value =
                crate::MatrixRef::new(rows, columns, &self.memory.buffer(own.at.at)[..rows * columns])?;
            unfused.fill_leaf(leaf, value)?;
        }
        unfused.default_m = Some(m);
        let checked = unfused.run_finite();
        self.unfused = Some(unfused);
        checked?;
        self.run()
    }

    /// Runs whole steps and looks at every result.
    fn run_finite(&mut self) -> Result<()> {
        let m = self.prepare()?;
        let columns = Columns::all(m);
        for at in 0..self.code.len() {
            let done = self.code[at].run(&mut self.memory, &mut self.registers, columns);
            done.map_err(|(node, fault)| self.fault(node, fault))?;
            if let Instruction::Single { node, operands, out, .. } = &self.code[at] {
                self.check_finite(*node, operands, *out, columns)?;
            }
        }
        Ok(())
    }

    /// Checks the leaves and sizes the buffers.
    fn prepare(&mut self) -> Result<usize> {
        if let Some(leaf) = self.leaves.iter().find(|leaf| !leaf.bound) {
            return Err(Error::Unbound { variable: self.label_of(leaf) });
        }
        let m = self.common_m()?.unwrap_or(0);
        if m == 0 {
            self.refuse_empty_mean()?;
        }
        if self.m != Some(m) {
            for (index, buffer) in self.memory.whole.iter_mut().enumerate().skip(self.memory.shared.len()) {
                let too_large = Error::SizeOverflow { rows: usize::MAX, columns: m };
                resize(buffer, self.plan.whole_len(index, m).ok_or(too_large)?, 1)?;
            }
            for (&rows, buffer) in self.plan.tile.iter().zip(&mut self.memory.tile) {
                resize(buffer, rows, self.tile.min(m))?;
            }
            let register_len = self.register_len(m);
            for register in &mut self.registers {
                resize(register, register_len, 1)?;
            }
            self.m = Some(m);
        }
        Ok(m)
    }

    /// Entries of a register that runs on `m` examples need.
    pub(super) fn register_len(&self, m: usize) -> usize {
        let passes = self.code.iter().filter_map(|instruction| match instruction {
            Instruction::Fused { pass, .. } => Some(pass.register_len(self.tile.min(m))),
            Instruction::Single { .. } | Instruction::Accumulate { .. } => None,
        });
        passes.max().unwrap_or(0)
    }

    /// 1/m over no examples is not a number to go on with.
    fn refuse_empty_mean(&self) -> Result<()> {
        let empty =
            |node: &u32| matches!(&self.graph.node(*node).op, Op::Scale(Scale(factor)) if factor.m < 0);
        match (0..self.graph.nodes.len() as u32).find(empty) {
            Some(node) => {
                Err(Error::EmptyBatch { entry: self.describe(node), at: self.about[node as usize].place })
            }
            None => Ok(()),
        }
    }

    fn fault(&self, node: u32, fault: Fault) -> Error {
        let at = self.about[node as usize].place;
        match fault {
            Fault::Label { operand, value, row, column } => {
                let labels = self.describe(self.graph.node(node).operands[operand]);
                Error::Label { value, row, column, labels, at }
            }
            Fault::Other(reason) => {
                let operation = self.graph.node(node).op.rule().name().into_owned();
                Error::Kernel { operation, reason, at }
            }
        }
    }

    /// The node's name, or its entry's number with its operation.
    pub(super) fn describe(&self, node: u32) -> String {
        let about = &self.about[node as usize];
        match &self.graph.node(node).op {
            Op::Leaf(_) | Op::Number(_) => about.to_string(),
            _ if about.is_named() => about.to_string(),
            op => format!("{about} ({})", op.rule().name()),
        }
    }

    fn check_finite(&self, node: u32, operands: &[Operand], out: Operand, columns: Columns) -> Result<()> {
        let (rows, count, start) = out.window(columns);
        let values = &self.memory.buffer(out.at)[start..start + rows * count];
        let Some(index) = values.iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let inputs = Operands { memory: &self.memory, at: operands, columns };
        let names = self.graph.node(node).operands.iter().map(|&operand| self.describe(operand));
        let operands = names.enumerate().map(|(i, name)| range(name, inputs.get(i).as_slice())).collect();
        let name = self.graph.node(node).op.rule().name();
        let entry = self.describe(node);
        let entry = if entry.contains(&*name) { entry } else { format!("{entry} ({name})") };
        Err(Error::NonFinite(Box::new(NonFinite {
            entry,
            value: values[index].to_f64(),
            row: index % rows,
            column: index / rows,
            operands,
            at: self.about[node as usize].place,
        })))
    }
}

fn range<T: Scalar>(name: String, values: &[T]) -> OperandRange {
    let numbers = || values.iter().copied().filter(|x| !x.is_nan());
    let low = numbers().reduce(|a, b| if b < a { b } else { a });
    let high = numbers().reduce(|a, b| if b > a { b } else { a });
    OperandRange {
        name,
        range: low.zip(high).map(|(low, high)| (low.to_f64(), high.to_f64())),
        nans: values.len() - numbers().count(),
    }
}

impl<T: Scalar> Instruction<T> {
    /// Runs the step on some columns; a fault comes with its node.
    fn run(
        &self,
        memory: &mut Memory<T>,
        registers: &mut [Vec<T>],
        columns: Columns,
    ) -> Result<(), (u32, Fault)> {
        match self {
            Instruction::Fused { pass, .. } => pass.run(memory, registers, columns),
            Instruction::Single { node, op, operands, out } => {
                let done =
                    write(memory, *out, operands, columns, |inputs, view| op.rule().eval(inputs, view));
                done.map_err(|fault| (*node, shifted(fault, columns.start)))
            }
            Instruction::Accumulate { op, operands, out, factor, .. } => {
                write(memory, *out, operands, columns, |inputs, view| {
                    accumulate(op, *factor, inputs, view);
                });
                Ok(())
            }
        }
    }
}

/// Takes the result's buffer out while it is written: the plan never lets a step read where it writes.
fn write<T: Scalar, R>(
    memory: &mut Memory<T>,
    out: Operand,
    operands: &[Operand],
    columns: Columns,
    kernel: impl FnOnce(&Operands<'_, T>, &mut MatrixMut<'_, T>) -> R,
) -> R {
    let mut buffer = std::mem::take(memory.buffer_mut(out.at));
    let (rows, count, start) = out.window(columns);
    let data = &mut buffer[start..start + rows * count];
    let mut view = MatrixMut::new(rows, count, data).expect("a buffer as long as its shape says");
    let done = kernel(&Operands { memory, at: operands, columns }, &mut view);
    *memory.buffer_mut(out.at) = buffer;
    done
}

/// Adds a tile's part of a contraction to what the tiles before have left; the first one begins anew.
fn accumulate<T: Scalar>(op: &Op<T>, factor: Factor<T>, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) {
    let (alpha, first) = (factor.at(x.m()), x.columns.start == 0);
    match op {
        Op::Matmul(Matmul { left, right }) => {
            let beta = if first { Beta::Zero } else { Beta::One };
            product(alpha, x.get(0), *left, x.get(1), *right, beta, out);
        }
        Op::Reduce(Reduce { over, .. }) => {
            if first {
                out.as_mut_slice().fill(T::ZERO);
            }
            crate::ops::reduce::add_sums(x.get(0), *over, alpha, out);
        }
        _ => unreachable!("contractions are products and sums"),
    }
}

/// A fault in a tile, with its place among all columns.
fn shifted(fault: Fault, start: usize) -> Fault {
    match fault {
        Fault::Label { operand, value, row, column } => {
            Fault::Label { operand, value, row, column: column + start }
        }
        Fault::Other(reason) => Fault::Other(reason),
    }
}

/// Makes a buffer long enough; an allocation that fails is an error, not an abort.
pub(super) fn resize<T: Scalar>(buffer: &mut Vec<T>, rows: usize, columns: usize) -> Result<()> {
    let len = rows.checked_mul(columns).ok_or(Error::SizeOverflow { rows, columns })?;
    let more = len.saturating_sub(buffer.len());
    let bytes = len.saturating_mul(size_of::<T>());
    buffer.try_reserve_exact(more).map_err(|_| Error::Allocation { rows, columns, bytes })?;
    buffer.resize(len.max(buffer.len()), T::ZERO);
    Ok(())
}
