//! Executing a program.

use crate::error::{NonFinite, OperandRange};
use crate::op::{Fault, Op, Operands};
use crate::ops::scale::Scale;
use crate::program::{About, Instruction, Program};
use crate::{Error, MatrixMut, Result, Scalar};

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
        self.execute(|_, _, _| Ok(()))
    }

    /// Like [`run`](Program::run), and stops at the first value that is NaN or ±∞, naming the entry, the element, the
    /// ranges of the operands and where the entry was recorded.
    ///
    /// # Errors
    /// As [`run`](Program::run), and [`Error::NonFinite`].
    pub fn run_checked(&mut self) -> Result<()> {
        self.execute(check_finite)
    }

    fn execute(
        &mut self,
        check: impl Fn(&Instruction<T>, &Operands<'_, T>, &MatrixMut<'_, T>) -> Result<()>,
    ) -> Result<()> {
        self.ran = false;
        let m = self.prepare()?;
        for instruction in &self.code {
            let Instruction { op, operands, out, about } = instruction;
            // The buffer is taken out while it is written: the plan never lets an instruction read where it writes.
            let mut buffer = std::mem::take(&mut self.buffers[out.buffer as usize]);
            let (rows, columns) = out.shape.at(m);
            let inputs = Operands { buffers: &self.buffers, at: operands, m };
            let written =
                MatrixMut::new(rows, columns, &mut buffer[..rows * columns]).and_then(|mut view| {
                    op.rule().eval(&inputs, &mut view).map_err(|fault| about.error(op, fault))?;
                    check(instruction, &inputs, &view)
                });
            self.buffers[out.buffer as usize] = buffer;
            written?;
        }
        self.ran = true;
        Ok(())
    }

    /// Checks the leaves and sizes the buffers.
    fn prepare(&mut self) -> Result<usize> {
        if let Some(leaf) = self.leaves.iter().find(|leaf| !leaf.bound) {
            return Err(Error::Unbound { variable: leaf.label.to_string() });
        }
        let m = self.common_m()?.unwrap_or(0);
        if m == 0 {
            self.refuse_empty_mean()?;
        }
        if self.m != Some(m) {
            for (index, buffer) in self.buffers.iter_mut().enumerate() {
                let len =
                    self.plan.len_at(index, m).ok_or(Error::SizeOverflow { rows: usize::MAX, columns: m })?;
                if len > buffer.len() {
                    resize(buffer, len, 1)?;
                }
            }
            self.m = Some(m);
        }
        Ok(m)
    }

    /// 1/m over no examples is not a number to go on with.
    fn refuse_empty_mean(&self) -> Result<()> {
        let empty = |instruction: &&Instruction<T>| matches!(&instruction.op, Op::Scale(Scale(factor)) if factor.m < 0);
        match self.code.iter().find(empty) {
            Some(Instruction { about, .. }) => {
                Err(Error::EmptyBatch { entry: about.label.to_string(), at: about.place })
            }
            None => Ok(()),
        }
    }
}

impl About {
    fn error<T: Scalar>(&self, op: &Op<T>, fault: Fault) -> Error {
        match fault {
            Fault::Label { operand, value, row, column } => {
                let labels = self.operands[operand].to_string();
                Error::Label { value, row, column, labels, at: self.place }
            }
            Fault::Other(reason) => {
                Error::Kernel { operation: op.rule().name().into_owned(), reason, at: self.place }
            }
        }
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

fn check_finite<T: Scalar>(
    instruction: &Instruction<T>,
    inputs: &Operands<'_, T>,
    out: &MatrixMut<'_, T>,
) -> Result<()> {
    let Some(index) = out.as_slice().iter().position(|x| !x.is_finite()) else { return Ok(()) };
    let About { label, operands, place } = &instruction.about;
    let name = instruction.op.rule().name();
    let entry = if label.contains(&*name) { label.to_string() } else { format!("{label} ({name})") };
    let operands = operands
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let numbers = || inputs.get(i).as_slice().iter().filter(|x| !x.is_nan());
            let low = numbers().copied().reduce(|a, b| if b < a { b } else { a });
            let high = numbers().copied().reduce(|a, b| if b > a { b } else { a });
            OperandRange {
                name: name.to_string(),
                range: low.zip(high).map(|(low, high)| (low.to_f64(), high.to_f64())),
                nans: inputs.get(i).as_slice().len() - numbers().count(),
            }
        })
        .collect();
    let (row, column) = (index % out.rows(), index / out.rows());
    let value = out.as_slice()[index].to_f64();
    Err(Error::NonFinite(Box::new(NonFinite { entry, value, row, column, operands, at: place })))
}
