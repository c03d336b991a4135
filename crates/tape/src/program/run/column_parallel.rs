//! A loop with a single span on several threads: columnwise steps, with some columns on
//! each thread.
//!
//! A stretch of such steps needs the threads to meet once, at its end. What adds up columns comes
//! between the stretches, with all threads inside a step.

use std::ops::Range;

use crate::Scalar;
use crate::numbers::kernel::divide::{Divide, among};
use crate::numbers::kernel::product::PANEL_STEP;
use crate::ops::Cost;
use crate::program::code::{Instruction, OnBuffers, Segment};
use crate::program::ids::TileId;
use crate::program::operand::{Columns, Operand};
use crate::program::run::memory::{Memory, PARTS, Parts, Registers, Tile, WINDOWS, Whole, Windows, Work};
use crate::program::run::tiled::{Execution, Outcome};
use crate::tape::ids::IdVec;
use crate::tape::operation::Operation;

/// Fewer floating-point operations are not worth that threads meet.
const LEAST_FLOPS: u64 = 120_000;

impl<T: Scalar> Execution<T> {
    /// Whether a loop may run in this way on so many threads: lists of the parts of its buffers
    /// need no allocation.
    pub(in crate::program) fn may_cut_columns(&self, segment: &Segment<T>, threads: usize) -> bool {
        threads > 1 && segment.windows.len() <= WINDOWS && self.code.tile_rows.len() <= PARTS
    }

    /// Runs a tile of a loop with a single span.
    pub(in crate::program) fn run_cutting_columns(&mut self, at: usize, columns: Columns) -> Outcome {
        let mut code = self.code.segments[at].code.clone();
        while !code.is_empty() {
            let stretch = self.stretch(code.clone());
            code.start = stretch.end.max(code.start + 1);
            if self.flops(stretch.clone(), columns.count) >= LEAST_FLOPS {
                self.share_columns(at, stretch.clone(), columns)?;
                let (code, mut work) = self.alone(stretch);
                code.iter().for_each(|instruction| instruction.add_sums(&mut work, columns));
            } else {
                let (code, mut work) = self.alone(stretch.start..code.start);
                code.iter().try_for_each(|instruction| instruction.run(&mut work, columns))?;
            }
        }
        Ok(())
    }

    /// The longest stretch that some code begins with: up to the first step whose sums have to be
    /// added up after it.
    fn stretch(&self, code: Range<usize>) -> Range<usize> {
        for at in code.clone() {
            match &self.code.instructions[at] {
                Instruction::Single { .. } | Instruction::Product { .. } => {}
                Instruction::Pass { pass, .. } if pass.has_no_sums() => {}
                Instruction::Pass { pass, .. } if pass.sums_come_after() => return code.start..at + 1,
                Instruction::Pass { .. } | Instruction::Accumulate { .. } => return code.start..at,
            }
        }
        code
    }

    /// About how many floating-point operations a stretch is for so many columns; one of what is no
    /// product counts as some.
    fn flops(&self, stretch: Range<usize>, columns: usize) -> u64 {
        const OF_A_FUNCTION: u64 = 8;
        let of_product = |product: &dyn Operation<T>, operands: &[Operand], out: Operand| {
            let shapes = [operands[0].shape.at(columns), operands[1].shape.at(columns)];
            product.flops(&shapes, out.shape.at(columns))
        };
        let of = |instruction: &Instruction<T, OnBuffers>| match instruction {
            Instruction::Product { matmul, operands, out, .. } => of_product(matmul, operands, *out),
            Instruction::Single { op, operands, out, .. } => match op.cost() {
                Cost::Product => of_product(op.rule(), operands, *out),
                // Not by its rule: a list of many operands' shapes would be an allocation.
                Cost::Function => {
                    let (rows, columns) = out.shape.at(columns);
                    OF_A_FUNCTION * (rows * columns) as u64
                }
            },
            Instruction::Pass { pass, .. } => OF_A_FUNCTION * pass.elements_of(columns) as u64,
            Instruction::Accumulate { .. } => 0,
        };
        self.code.instructions[stretch].iter().map(of).fold(0, u64::saturating_add)
    }

    /// Runs a stretch, with some columns on each thread.
    fn share_columns(&mut self, at: usize, stretch: Range<usize>, columns: Columns) -> Outcome {
        let mut taken = self.take_windows(at);
        let windows = self.code.segments[at].windows_of(&mut taken, columns);
        let mut parts = Parts::new();
        for (buffer, rows) in self.tiles[0].iter_mut().zip(&self.code.tile_rows) {
            parts.push(&mut buffer[..rows * columns.count]);
        }
        let threads = self.shares.threads;
        let stretch = Stretch {
            code: &self.code.instructions[stretch],
            tile_rows: &self.code.tile_rows,
            memory: &self.memory,
            windows,
            parts,
            registers: &mut self.registers[..threads],
            columns,
            step: PANEL_STEP.div_ceil(self.code.segments[at].columns_of_example),
        };
        let done = among(stretch, threads);
        self.put_windows(at, taken);
        done
    }
}

/// Columnwise steps on some columns, with what they read and write there.
struct Stretch<'a, T: Scalar> {
    code: &'a [Instruction<T, OnBuffers>],
    tile_rows: &'a IdVec<TileId, usize>,
    memory: &'a Memory<T>,
    windows: Windows<'a, T>,
    parts: Parts<'a, T>,
    registers: &'a mut [Registers<T>],
    columns: Columns,
    /// The examples whose columns are a panel of a product, or more.
    step: usize,
}

impl<T: Scalar> Divide for Stretch<'_, T> {
    type Done = Outcome;

    fn count(&self) -> usize {
        self.columns.count
    }
    fn step(&self) -> usize {
        self.step
    }
    fn is_worth_sharing(&self) -> bool {
        true
    }
    fn cut(self, count: usize, threads: usize) -> (Self, Self) {
        let (mine, others) = self.columns.cut(count);
        let (windows, other_windows) = self.windows.cut(count);
        let (mut left, mut right) = (Parts::new(), Parts::new());
        for (part, rows) in self.parts.into_iter().zip(self.tile_rows) {
            let (first, second) = part.split_at_mut(rows * count);
            left.push(first);
            right.push(second);
        }
        let (registers, other_registers) = self.registers.split_at_mut(threads);
        let first = Stretch { windows, parts: left, registers, columns: mine, ..self };
        let second = Stretch {
            windows: other_windows,
            parts: right,
            registers: other_registers,
            columns: others,
            ..first
        };
        (first, second)
    }
    fn run(self) -> Outcome {
        let (whole, tile) = (Whole::Shared(self.memory, self.windows), Tile::Part(self.parts));
        let registers = &mut self.registers[..1];
        let mut work = Work { whole, tile, registers, sums: None, first: 0 };
        self.code.iter().try_for_each(|instruction| instruction.run_without_sums(&mut work, self.columns))
    }
    fn both(first: Outcome, second: Outcome) -> Outcome {
        first.and(second)
    }
}
