//! Executing a program's instructions, on one thread or on a team.

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::numbers::aligned::Aligned;
use crate::numbers::kernel::divide::{Divide, among};
use crate::numbers::kernel::product::{Beta, Order, UNIT, product};
use crate::numbers::kernel::threads;
use crate::program::code::{Code, Instruction, OnBuffers, Segment};
use crate::program::ids::{NodeId, WholeId};
use crate::program::operand::Columns;
use crate::program::run::chunks::Spans;
use crate::program::run::cost::Shares;
use crate::program::run::memory::{
    Memory, Parts, Reads, Registers, Tile, TileBuffers, WINDOWS, Whole, Window, Windows, Work,
};
use crate::program::run::small::Small;
use crate::program::run::way::SegmentWay;
use crate::tape::operation::{Fault, Operands, Source};
use crate::{MatrixMut, Scalar};

/// Nothing, or the node whose kernel found a fault.
pub(in crate::program) type Outcome = Result<(), (NodeId, Fault)>;

/// What a run needs: it goes to a team's leader as a whole, and comes back.
#[derive(Debug)]
pub(in crate::program) struct Execution<T: Scalar> {
    pub(in crate::program) code: Arc<Code<T>>,
    pub(in crate::program) memory: Memory<T>,
    /// The values of one tile, for every thread that has tiles of its own.
    pub(in crate::program) tiles: Vec<TileBuffers<T>>,
    /// Of fused passes, for every thread.
    pub(in crate::program) registers: Vec<Registers<T>>,
    /// The sums of every span of examples, of the loop that runs.
    pub(in crate::program) sums: Vec<Aligned<T>>,
    /// Most columns of a tile.
    pub(in crate::program) tile: usize,
    pub(in crate::program) shares: Shares,
    /// The instructions for few examples.
    pub(in crate::program) small: Option<Small<T>>,
}

impl<T: Scalar> Execution<T> {
    /// Nothing in its buffers yet.
    pub(in crate::program) fn new(code: Arc<Code<T>>) -> Self {
        Execution {
            code,
            memory: Memory::new(),
            tiles: Vec::new(),
            registers: Vec::new(),
            sums: Vec::new(),
            tile: 1,
            shares: Shares::ALONE,
            small: None,
        }
    }

    /// Computes everything for m examples. With several threads, on a team's leader.
    pub(in crate::program) fn execute(&mut self, m: usize) -> Outcome {
        let is_small = self.is_small(m);
        match &mut self.small {
            Some(small) if is_small => small.run(&self.memory, m),
            Some(_) | None => self.execute_in_tiles(self.tile, m),
        }
    }

    /// The value of a leaf, or of an output after a run, and what may follow it.
    pub(in crate::program) fn whole(&self, buffer: WholeId) -> &[T] {
        let result = self.small.as_ref().and_then(|small| small.result(buffer));
        result.unwrap_or_else(|| self.memory.whole(buffer))
    }

    /// A leaf's value to be written, and another value.
    pub(in crate::program) fn pair(&mut self, leaf: WholeId, read: WholeId) -> (&mut [T], &[T]) {
        match self.small.as_ref().and_then(|small| small.result(read)) {
            Some(value) => (self.memory.whole_mut(leaf), value),
            None => self.memory.pair(leaf, read),
        }
    }

    /// Computes everything on this thread, whatever the others would have.
    pub(in crate::program) fn execute_alone(&mut self, m: usize) -> Outcome {
        self.alone_in_tiles(self.tile, m)
    }

    fn alone_in_tiles(&mut self, tile: usize, m: usize) -> Outcome {
        let threads = std::mem::replace(&mut self.shares.threads, 1);
        let done = self.execute_in_tiles(tile, m);
        self.shares.threads = threads;
        done
    }

    /// What a run reports that has found a fault. Which of several is found first depends on the
    /// threads and the tiles: it is the one that a single thread finds in the least tiles.
    pub(in crate::program) fn first_fault(&mut self, found: (NodeId, Fault), m: usize) -> (NodeId, Fault) {
        // A kernel that found a fault but once has found that one.
        self.alone_in_tiles(UNIT, m).err().unwrap_or(found)
    }

    fn execute_in_tiles(&mut self, tile: usize, m: usize) -> Outcome {
        if let Some(small) = &mut self.small {
            small.results_are_elsewhere();
        }
        for at in 0..self.code.segments.len() {
            match self.way_of(&self.code.segments[at], m, self.shares.threads) {
                SegmentWay::Whole => {
                    let (code, columns) = (self.code.segments[at].code.clone(), Columns::all(m));
                    let (code, mut work) = self.alone(code);
                    code.iter().try_for_each(|instruction| instruction.run(&mut work, columns))?;
                }
                SegmentWay::Tiled(spans) => {
                    self.run_loop(at, tile, spans, m)?;
                    self.scale_sums(at, m);
                }
                SegmentWay::ColumnParallel => {
                    Columns::all(m).tiles(tile).try_for_each(|tile| self.run_cutting_columns(at, tile))?;
                    self.scale_sums(at, m);
                }
            }
        }
        Ok(())
    }

    /// Divides the sums of a loop by what stands below them.
    fn scale_sums(&mut self, at: usize, m: usize) {
        for &(out, scaling) in &self.code.segments[at].scaled {
            let (rows, columns) = out.shape.at(0);
            scaling.at(m).finish(&mut self.memory.whole_mut(out.at.whole())[..rows * columns]);
        }
    }

    /// Some instructions, with all buffers for the one thread that runs them.
    pub(in crate::program) fn alone(
        &mut self,
        code: std::ops::Range<usize>,
    ) -> (&[Instruction<T, OnBuffers>], Work<'_, T>) {
        let work = Work {
            whole: Whole::Exclusive(&mut self.memory),
            tile: match self.tiles.first_mut() {
                Some(tile) => Tile::Exclusive(tile),
                None => Tile::Part(Parts::new()),
            },
            registers: &mut self.registers[..self.shares.threads],
            sums: None,
            first: 0,
        };
        (&self.code.instructions[code], work)
    }

    /// Runs a loop: one span after the other, or several at a time where threads have tiles of
    /// their own.
    fn run_loop(&mut self, at: usize, tile: usize, spans: Spans, m: usize) -> Outcome {
        let workers = self.workers(&self.code.segments[at], spans);
        let code = self.code.segments[at].code.clone();
        if spans.count == 1 {
            let (code, mut work) = self.alone(code);
            return Loop { code, tile, spans }.run(&mut work, Columns::all(m));
        }
        let mut sums = std::mem::take(&mut self.sums);
        let done = if workers == 1 {
            let (code, mut work) = self.alone(code);
            Loop { code, tile, spans }.run_spans(&mut work, 0..spans.count, &mut sums)
        } else {
            self.run_workers(at, (workers, tile), spans, &mut sums)
        };
        self.add_spans(at, &sums[..spans.count]);
        self.sums = sums;
        done
    }

    /// How many threads have tiles of their own in a loop.
    fn workers(&self, segment: &Segment<T>, spans: Spans) -> usize {
        if segment.windows.len() > WINDOWS { 1 } else { self.shares.threads.min(spans.count) }
    }

    fn run_workers(
        &mut self,
        at: usize,
        (workers, tile): (usize, usize),
        spans: Spans,
        sums: &mut [Aligned<T>],
    ) -> Outcome {
        let mut taken = self.take_windows(at);
        let segment = &self.code.segments[at];
        let windows = segment.windows_of(&mut taken, spans.columns_of(0..spans.count));
        let spans = SpansOfThreads {
            code: Loop { code: &self.code.instructions[segment.code.clone()], tile, spans },
            memory: &self.memory,
            windows,
            tiles: &mut self.tiles[..workers],
            registers: &mut self.registers[..workers],
            spans: 0..spans.count,
            sums: &mut sums[..spans.count],
        };
        let done = among(spans, workers);
        self.put_windows(at, taken);
        done
    }

    /// Takes the whole buffers of which a loop writes columns out of the memory, so that it can be
    /// shared.
    pub(in crate::program) fn take_windows(&mut self, at: usize) -> SmallVec<[Aligned<T>; WINDOWS]> {
        let mut taken = SmallVec::new();
        for &(buffer, _) in &self.code.segments[at].windows {
            taken.push(std::mem::take(self.memory.whole_mut(buffer)));
        }
        taken
    }

    /// Puts them back.
    pub(in crate::program) fn put_windows(&mut self, at: usize, taken: SmallVec<[Aligned<T>; WINDOWS]>) {
        for (&(buffer, _), values) in self.code.segments[at].windows.iter().zip(taken) {
            *self.memory.whole_mut(buffer) = values;
        }
    }

    /// Adds the sums of the spans, in their order.
    fn add_spans(&mut self, at: usize, spans: &[Aligned<T>]) {
        for &sum in &self.code.segments[at].sums {
            let total = &mut self.memory.whole_mut(sum.out.at.whole())[..sum.len()];
            for (span, sums) in spans.iter().enumerate() {
                let part = &sums[sum.offset..][..sum.len()];
                match span {
                    0 => total.copy_from_slice(part),
                    _ => total.iter_mut().zip(part).for_each(|(total, &part)| *total += part),
                }
            }
        }
    }
}

impl<T: Scalar> Segment<T> {
    /// The spans of a loop on so many threads.
    pub(in crate::program) fn spans(&self, m: usize, threads: usize) -> Spans {
        let spans = Spans::new(m, self.numbers);
        // A unit's examples have several units of columns, which are added one after the other.
        let in_units = || spans.in_units(self.numbers, threads);
        if self.of_blocks { spans } else { in_units().unwrap_or(spans) }
    }

    /// Some columns of the whole buffers of which the loop writes columns.
    pub(in crate::program) fn windows_of<'a>(
        &self,
        taken: &'a mut [Aligned<T>],
        columns: Columns,
    ) -> Windows<'a, T> {
        let mut windows = Windows { columns, windows: SmallVec::new() };
        for (&(buffer, stride), values) in self.windows.iter().zip(taken) {
            let values = &mut values[stride * columns.start..stride * (columns.start + columns.count)];
            windows.windows.push(Window { buffer, stride, values });
        }
        windows
    }
}

/// An execution on its way to a team and back.
#[derive(Debug)]
pub(in crate::program) struct Handover<T: Scalar> {
    pub(in crate::program) execution: Execution<T>,
    pub(in crate::program) m: usize,
    pub(in crate::program) outcome: Outcome,
}

impl<T: Scalar> Handover<T> {
    pub(in crate::program) fn empty() -> Box<Self> {
        Box::new(Handover { execution: Execution::new(Arc::new(Code::empty())), m: 0, outcome: Ok(()) })
    }
}

impl<T: Scalar> threads::Job for Handover<T> {
    fn run(&mut self) {
        self.outcome = self.execution.execute(self.m);
    }
}

/// A loop over the tiles of some examples.
#[derive(Clone, Copy)]
struct Loop<'p, T: Scalar> {
    code: &'p [Instruction<T, OnBuffers>],
    tile: usize,
    spans: Spans,
}

impl<T: Scalar> Loop<'_, T> {
    /// Runs spans one after the other, each with its own sums.
    fn run_spans<'a>(
        &self,
        work: &mut Work<'a, T>,
        spans: Range<usize>,
        sums: &'a mut [Aligned<T>],
    ) -> Outcome {
        for (span, sums) in spans.zip(sums) {
            let columns = self.spans.columns(span);
            (work.sums, work.first) = (Some(&mut sums[..]), columns.start);
            self.run(work, columns)?;
        }
        Ok(())
    }

    /// Runs tile by tile.
    fn run(&self, work: &mut Work<'_, T>, columns: Columns) -> Outcome {
        columns
            .tiles(self.tile)
            .try_for_each(|tile| self.code.iter().try_for_each(|instruction| instruction.run(work, tile)))
    }
}

/// Spans of a loop for some threads, each with a tile of its own.
struct SpansOfThreads<'a, T: Scalar> {
    code: Loop<'a, T>,
    memory: &'a Memory<T>,
    windows: Windows<'a, T>,
    tiles: &'a mut [TileBuffers<T>],
    registers: &'a mut [Registers<T>],
    spans: Range<usize>,
    sums: &'a mut [Aligned<T>],
}

impl<T: Scalar> Divide for SpansOfThreads<'_, T> {
    type Done = Outcome;

    fn count(&self) -> usize {
        self.spans.len()
    }
    fn is_worth_sharing(&self) -> bool {
        true
    }
    fn weight(&self) -> usize {
        self.code.spans.columns_of(self.spans.clone()).count
    }
    fn cut(self, count: usize, threads: usize) -> (Self, Self) {
        let at = self.spans.start + count;
        let (left, right) = (self.spans.start..at, at..self.spans.end);
        let (windows, other_windows) = self.windows.cut(self.code.spans.columns_of(left.clone()).count);
        let (tiles, other_tiles) = self.tiles.split_at_mut(threads);
        let (registers, other_registers) = self.registers.split_at_mut(threads);
        let (sums, other_sums) = self.sums.split_at_mut(count);
        let first = SpansOfThreads { windows, tiles, registers, spans: left, sums, ..self };
        let second = SpansOfThreads {
            windows: other_windows,
            tiles: other_tiles,
            registers: other_registers,
            spans: right,
            sums: other_sums,
            ..first
        };
        (first, second)
    }
    fn run(self) -> Outcome {
        let whole = Whole::Shared(self.memory, self.windows);
        let tile = Tile::Exclusive(&mut self.tiles[0]);
        let mut work = Work { whole, tile, registers: self.registers, sums: None, first: 0 };
        self.code.run_spans(&mut work, self.spans, self.sums)
    }
    fn both(first: Outcome, second: Outcome) -> Outcome {
        first.and(second)
    }
}

impl<T: Scalar> Instruction<T, OnBuffers> {
    /// Runs the step on some columns, but leaves sums of its result to
    /// [`add_sums`](Self::add_sums).
    pub(in crate::program) fn run_without_sums(&self, work: &mut Work<'_, T>, columns: Columns) -> Outcome {
        match self {
            Instruction::Pass { pass, .. } => pass.run_without_sums(work, columns),
            Instruction::Single { .. } | Instruction::Product { .. } | Instruction::Accumulate { .. } => {
                self.run(work, columns)
            }
        }
    }

    /// Adds up what [`run_without_sums`](Self::run_without_sums) has left.
    pub(in crate::program) fn add_sums(&self, work: &mut Work<'_, T>, columns: Columns) {
        if let Instruction::Pass { pass, .. } = self {
            pass.add_sums(work, columns);
        }
    }

    /// Runs the step on some columns; a fault comes with its node.
    pub(in crate::program) fn run(&self, work: &mut Work<'_, T>, columns: Columns) -> Outcome {
        match self {
            Instruction::Pass { pass, .. } => pass.run(work, columns),
            Instruction::Single { node, op, operands, out } => {
                let (rows, count, _) = out.window(columns);
                let done = work.write(*out, columns, |work, values| {
                    let reads = Reads { values: work, operands, columns };
                    let x = Operands::new(&reads, columns.m, work.threads());
                    let mut view =
                        MatrixMut::new(rows, count, values).expect("as many values as its shape says");
                    op.rule().eval(&x, &mut view)
                });
                // A user's kernel may name an operand that there is not.
                let first = |operand: usize| match operands.get(operand) {
                    Some(operand) => operand.shape.columns.per_example().unwrap_or(0) * columns.start,
                    None => columns.start,
                };
                done.map_err(|fault| (*node, fault.shifted(first)))
            }
            Instruction::Product { matmul, epilogue, operands, out, .. } => {
                let (rows, count, _) = out.window(columns);
                work.write(*out, columns, |work, values| {
                    let x = Reads { values: work, operands, columns };
                    let (a, b) = ((x.get(0), matmul.left), (x.selection(1), matmul.right));
                    let other = x.get(2);
                    let last = (Beta::Zero, epilogue.on(other.as_slice()));
                    let mut view =
                        MatrixMut::new(rows, count, values).expect("as many values as its shape says");
                    product(T::ONE, a, b, last, (Order::Free, work.threads()), &mut view);
                });
                Ok(())
            }
            Instruction::Accumulate { op, operands, sum, scaling, .. } => {
                let (rows, count, _) = sum.out.window(columns);
                let begins = columns.start == work.first;
                work.write_sum(*sum, |work, values| {
                    let reads = Reads { values: work, operands, columns };
                    let x = Operands::new(&reads, columns.m, work.threads());
                    let mut view =
                        MatrixMut::new(rows, count, values).expect("as many values as its shape says");
                    let contraction =
                        op.rule().contraction().expect("the schedule accumulates contractions alone");
                    contraction.accumulate(&x, scaling.at(columns.m).of_parts(), begins, &mut view);
                });
                Ok(())
            }
        }
    }
}
