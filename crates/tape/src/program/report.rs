//! What a program says of itself before it runs.

use std::fmt;

use crate::program::{Instruction, Program};
use crate::{Scalar, Shape};

/// One step of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The operation's name.
    pub operation: String,
    /// The name or number of the tape's entry that the step computes.
    pub entry: String,
    /// The names or numbers of the operands.
    pub operands: Vec<String>,
    /// The shape of the result.
    pub shape: Shape,
    /// The buffer that holds the result; it is used again after the result's last use.
    pub buffer: usize,
}

impl<T: Scalar> Program<T> {
    /// The steps of one run, in order.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = Step> + '_ {
        self.code.iter().map(|Instruction { op, out, about, .. }| Step {
            operation: op.rule().name().into_owned(),
            entry: about.label.to_string(),
            operands: about.operands.iter().map(ToString::to_string).collect(),
            shape: out.shape,
            buffer: out.buffer as usize,
        })
    }

    /// Floating-point operations of one run on `m` examples; a function of one number counts as one.
    pub fn flops(&self, m: usize) -> u64 {
        let flops = self.code.iter().map(|Instruction { op, operands, out, .. }| {
            let shapes: smallvec::SmallVec<[(usize, usize); 4]> =
                operands.iter().map(|operand| operand.shape.at(m)).collect();
            op.rule().flops(&shapes, out.shape.at(m))
        });
        flops.fold(0, u64::saturating_add)
    }

    /// Bytes of all buffers for runs on `m` examples, leaves and outputs included.
    pub fn peak_bytes(&self, m: usize) -> usize {
        let bytes = (0..self.buffers.len())
            .map(|buffer| self.plan.len_at(buffer, m).unwrap_or(usize::MAX).saturating_mul(size_of::<T>()));
        bytes.fold(0, usize::saturating_add)
    }

    /// Number of buffers.
    pub fn buffers(&self) -> usize {
        self.buffers.len()
    }
}

/// The steps with their operands, shapes and buffers.
impl<T: Scalar> fmt::Display for Program<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, buffers, leaves) = (self.code.len(), self.buffers.len(), self.leaves.len());
        writeln!(f, "program: {steps} steps, {buffers} buffers, {leaves} leaves, {}", T::NAME)?;
        for leaf in &self.leaves {
            let kind = format!("{:?}", leaf.kind).to_lowercase();
            writeln!(f, "  buffer {:>3} holds {kind} {}: {}", leaf.at.buffer, leaf.label, leaf.at.shape)?;
        }
        for (at, step) in self.steps().enumerate() {
            let operands = step.operands.join(", ");
            let (operation, entry, shape) = (&step.operation, &step.entry, step.shape);
            write!(f, "  {at:>3}  buffer {:>3} ← {operation}({operands}): {shape}", step.buffer)?;
            match entry.strip_prefix('%') {
                Some(_) => writeln!(f)?,
                None => writeln!(f, "  {entry}")?,
            }
        }
        Ok(())
    }
}
