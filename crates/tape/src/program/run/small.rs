//! Runs of few examples, without the bookkeeping of tiles, sections and threads.
//!
//! A step of a small network takes less time than finding its operands. If all values of a run fit
//! the first-level cache, and no pass has more than one section, they are placed once in one list,
//! and the instructions become calls of kernels on parts of it. The kernels and the order of every
//! sum are those of [`tiled`](super::tiled): the results are the same, bit by bit.

use std::ops::Range;

use smallvec::SmallVec;

use crate::numbers::aligned::Aligned;
use crate::numbers::kernel::product::{Beta, Epilogue, Order, UNIT, product};
use crate::ops::Op;
use crate::ops::matmul::Matmul;
use crate::ops::reduce::add_unit;
use crate::ops::scale::{Scaled, Scaling};
use crate::ops::zip::Zip;
use crate::program::code::EpilogueKind;
use crate::program::code::{Instruction, OnBuffers};
use crate::program::compile::place::Plan;
use crate::program::ids::{NodeId, RegisterId, TileId, WholeId};
use crate::program::operand::{Buffer, Columns, Operand};
use crate::program::pass::{Pass, Slot, Spread};
use crate::program::run::memory::{Memory, Reads, Values, resize};
use crate::program::run::pass::{apply, apply_with_derivative, repeat};
use crate::program::run::tiled::Outcome;
use crate::tape::ids::{Id, IdVec};
use crate::tape::operation::Operands;
use crate::{Matrix, MatrixMut, MatrixRef, Result, Scalar, Shape};

/// The most numbers that the values of a run may be.
const MOST_NUMBERS: usize = 8192;
/// Values begin at multiples of so many numbers: at cache lines.
const STEP: usize = 16;

/// A program as calls of kernels.
#[derive(Debug, Clone)]
pub(in crate::program) struct Small<T: Scalar> {
    calls: Vec<Call<T>>,
    /// Of calls that scale, by their index. Kept apart, since a call is read at every run and its
    /// scaling at a new m only.
    scalings: Vec<(usize, Scaling<T>)>,
    /// What calls leave to be divided, for the examples of the last run; in the order of the calls.
    divisions: Vec<Division<T>>,
    values: Aligned<T>,
    starts: Starts,
    /// How many examples the sizes and factors of the calls are for.
    m: usize,
    /// Whether the last run went this way, so that its results are here.
    has_results: bool,
}

/// A kernel and its operands.
#[derive(Debug, Clone)]
enum Call<T: Scalar> {
    /// α·op(A) * op(B), and what the product does to it as it stores it.
    Product {
        alpha: T,
        matmul: Matmul,
        order: Order,
        operands: [Source; 2],
        next: Option<(EpilogueKind, Source)>,
        out: Target,
    },
    /// A node by its own kernel.
    Single { node: NodeId, op: Op<T>, operands: SmallVec<[Operand; 3]>, out: Target },
    /// An operation of two operands, of which one may have to be repeated.
    Zip { zip: Zip, operands: [Source; 2], out: Target },
    /// Repeats an input of a pass.
    Repeat { from: Source, spread: Spread, rows: usize, out: Target },
    /// An operation of a pass, with g′ where the pass has both.
    Elementwise {
        node: NodeId,
        op: Op<T>,
        rows: usize,
        sources: SmallVec<[Source; 3]>,
        out: Target,
        derivative: Option<Target>,
    },
    /// Another contraction over the examples.
    Contraction { op: Op<T>, operands: SmallVec<[Operand; 2]>, alpha: T, out: Target },
    /// A sum over the examples, which are one unit.
    Sum { of: Source, rows: usize, alpha: T, out: Target },
}

/// A value that is read.
#[derive(Debug, Clone, Copy)]
struct Source {
    at: Place,
    size: Size,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// The buffer of a leaf.
    Leaf(WholeId),
    /// Where it begins among the values.
    Value(usize),
}

/// A value that is written.
#[derive(Debug, Clone, Copy)]
struct Target {
    start: usize,
    size: Size,
}

impl Target {
    fn range(self) -> Range<usize> {
        self.start..self.start + self.size.len()
    }
}

/// A shape, and what it is for the examples of the last run.
#[derive(Debug, Clone, Copy)]
struct Size {
    shape: Shape,
    rows: usize,
    columns: usize,
}

impl Size {
    fn of(shape: Shape) -> Self {
        Size { shape, rows: 0, columns: 0 }
    }

    fn set(&mut self, m: usize) {
        (self.rows, self.columns) = self.shape.at(m);
    }

    fn len(self) -> usize {
        self.rows * self.columns
    }
}

/// The sum that a call leaves, and what it is to be divided by.
#[derive(Debug, Clone, Copy)]
struct Division<T> {
    call: usize,
    sum: Target,
    by: Scaled<T>,
}

impl<T: Scalar> Small<T> {
    /// The calls for runs of up to m examples and a few more; `None` if that is too much.
    pub(in crate::program) fn new(
        code: &[Instruction<T, OnBuffers>],
        plan: &Plan,
        leaves: usize,
        m: usize,
    ) -> Result<Option<Self>> {
        let Some((starts, numbers)) = Starts::new(code, plan, leaves, m) else { return Ok(None) };
        let mut values = Aligned::default();
        resize(&mut values, numbers, 1)?;
        let (mut calls, mut scalings) = (Vec::new(), Vec::new());
        for instruction in code {
            starts.add_calls(instruction, &mut calls, &mut scalings);
        }
        let divisions = Vec::with_capacity(scalings.len());
        Ok(Some(Small { calls, scalings, divisions, values, starts, m: 0, has_results: false }))
    }

    /// Whether a run on m examples can go this way.
    pub(in crate::program) fn holds(&self, m: usize) -> bool {
        (1..=self.starts.most).contains(&m)
    }

    /// How many numbers its values are for m examples, 0 if they are too many to go this way.
    pub(in crate::program) fn numbers(
        code: &[Instruction<T, OnBuffers>],
        plan: &Plan,
        leaves: usize,
        m: usize,
    ) -> usize {
        Starts::new(code, plan, leaves, m).map_or(0, |(_, numbers)| numbers)
    }

    /// Computes everything for m examples.
    pub(in crate::program) fn run(&mut self, memory: &Memory<T>, m: usize) -> Outcome {
        self.has_results = true;
        if self.m != m {
            self.set_m(m);
        }
        let (starts, values) = (&self.starts, &mut self.values);
        let mut divisions = self.divisions.iter().peekable();
        for (index, call) in self.calls.iter().enumerate() {
            call.run(values, (memory, starts), m)?;
            if let Some(division) = divisions.next_if(|division| division.call == index) {
                division.by.finish(&mut values[division.sum.range()]);
            }
        }
        Ok(())
    }

    /// Looks up what depends on the number of examples: these calls are so short that it would take
    /// a tenth of their time.
    fn set_m(&mut self, m: usize) {
        self.calls.iter_mut().for_each(|call| call.set_sizes(m));
        self.divisions.clear();
        for &(call, scaling) in &self.scalings {
            let by = scaling.at(m);
            let sum = self.calls[call].set_alpha(by.of_parts());
            if by.divides() {
                self.divisions.push(Division { call, sum, by });
            }
        }
        self.m = m;
    }

    /// Another way leaves its results in their buffers.
    pub(in crate::program) fn results_are_elsewhere(&mut self) {
        self.has_results = false;
    }

    /// What another way of running would have left in this buffer, and what follows it; `None` for
    /// a leaf's, and if the last run went another way.
    pub(in crate::program) fn result(&self, buffer: WholeId) -> Option<&[T]> {
        let start = self.starts.whole[buffer].filter(|_| self.has_results)?;
        Some(&self.values[start..])
    }
}

/// Where the values begin.
#[derive(Debug, Clone)]
struct Starts {
    /// The most examples of a run.
    most: usize,
    /// Of the whole buffers; `None` for leaves, which stay where they are.
    whole: IdVec<WholeId, Option<usize>>,
    tile: IdVec<TileId, usize>,
    /// Of the first register, and from one to the next.
    registers: (usize, usize),
}

/// The most examples whose columns are one unit of the sum that an instruction is, if it is one.
fn examples_of_a_unit<T: Scalar>(instruction: &Instruction<T, OnBuffers>) -> usize {
    match instruction {
        Instruction::Accumulate { operands, .. } => {
            operands.iter().map(|operand| UNIT / operand.shape.columns.at(1).max(1)).min().unwrap_or(UNIT)
        }
        Instruction::Single { .. } | Instruction::Product { .. } | Instruction::Pass { .. } => UNIT,
    }
}

impl Starts {
    /// Places the values of runs of up to m examples and a few more, so that there are few sizes;
    /// and how many numbers they are. `None` if that is too many, or if a pass would have several
    /// sections.
    fn new<T: Scalar>(
        code: &[Instruction<T, OnBuffers>],
        plan: &Plan,
        leaves: usize,
        m: usize,
    ) -> Option<(Self, usize)> {
        let passes = || {
            code.iter().filter_map(|instruction| match instruction {
                Instruction::Pass { pass, .. } => Some(pass),
                Instruction::Single { .. } | Instruction::Product { .. } | Instruction::Accumulate { .. } => {
                    None
                }
            })
        };
        let most_of_sums = code.iter().map(examples_of_a_unit);
        let most_of_all =
            passes().map(Pass::examples_of_a_section).chain(most_of_sums).fold(UNIT, usize::min);
        if m == 0 || m > most_of_all {
            return None;
        }
        let most = m.next_power_of_two();
        let mut end = 0;
        let mut place = |len: Option<usize>| {
            let start = end;
            end += len.filter(|&len| len <= MOST_NUMBERS)?.next_multiple_of(STEP);
            (end <= MOST_NUMBERS).then_some(start)
        };
        let mut whole: IdVec<WholeId, _> = IdVec::filled(None, leaves);
        for buffer in plan.whole.ids().skip(leaves) {
            whole.push(Some(place(plan.whole_len(buffer, most))?));
        }
        let tile = plan.tile.iter().map(|rows| place(rows.checked_mul(most))).collect::<Option<_>>()?;
        let len = passes().map(|pass| pass.register_len(most)).max().unwrap_or(0).next_multiple_of(STEP);
        let count = passes().map(Pass::registers).max().unwrap_or(0);
        let registers = (place(count.checked_mul(len))?, len);
        Some((Starts { most, whole, tile, registers }, end))
    }

    /// Where a value begins, if it is no leaf.
    fn value(&self, operand: Operand) -> Option<usize> {
        match operand.at {
            Buffer::Whole(buffer) => self.whole[buffer],
            Buffer::Tile(buffer) => Some(self.tile[buffer]),
        }
    }

    fn place(&self, operand: Operand) -> Place {
        self.value(operand).map_or_else(|| Place::Leaf(operand.at.whole()), Place::Value)
    }

    fn source(&self, operand: Operand) -> Source {
        Source { at: self.place(operand), size: Size::of(operand.shape) }
    }

    fn target(&self, operand: Operand) -> Target {
        Target { start: self.value(operand).expect("no step writes a leaf"), size: Size::of(operand.shape) }
    }

    fn register(&self, register: RegisterId, shape: Shape) -> Target {
        let (first, len) = self.registers;
        Target { start: first + register.index() * len, size: Size::of(shape) }
    }

    fn add_calls<T: Scalar>(
        &self,
        instruction: &Instruction<T, OnBuffers>,
        calls: &mut Vec<Call<T>>,
        scalings: &mut Vec<(usize, Scaling<T>)>,
    ) {
        match instruction {
            Instruction::Product { matmul, epilogue, operands: [a, b, other], out, .. } => {
                let next = Some((*epilogue, self.source(*other)));
                calls.push(self.product(*matmul, Order::Free, &[*a, *b], next, *out));
            }
            Instruction::Single { node, op, operands, out } => calls.push(match op.matmul() {
                Some(matmul) => self.product(matmul, Order::Free, operands, None, *out),
                None => {
                    let (op, operands, out) = (op.clone(), operands.clone(), self.target(*out));
                    Call::Single { node: *node, op, operands, out }
                }
            }),
            Instruction::Accumulate { op, operands, sum, scaling, .. } => {
                scalings.push((calls.len(), *scaling));
                calls.push(self.contraction(op, operands, sum.out));
            }
            Instruction::Pass { pass, .. } => self.add_pass(pass, calls, scalings),
        }
    }

    /// The call that writes a contraction over the examples.
    fn contraction<T: Scalar>(&self, op: &Op<T>, operands: &[Operand], out: Operand) -> Call<T> {
        if let Some(matmul) = op.matmul() {
            return self.product(matmul, Order::Units, operands, None, out);
        }
        let (alpha, out) = (T::ONE, self.target(out));
        match op.is_sum_over_columns() {
            true => {
                Call::Sum { of: self.source(operands[0]), rows: operands[0].shape.rows.at(0), alpha, out }
            }
            false => Call::Contraction { op: op.clone(), operands: operands.into(), alpha, out },
        }
    }

    fn product<T: Scalar>(
        &self,
        matmul: Matmul,
        order: Order,
        operands: &[Operand],
        next: Option<(EpilogueKind, Source)>,
        out: Operand,
    ) -> Call<T> {
        let operands = [self.source(operands[0]), self.source(operands[1])];
        Call::Product { alpha: T::ONE, matmul, order, operands, next, out: self.target(out) }
    }

    /// What [`Pass`] does section by section, for its only section.
    fn add_pass<T: Scalar>(
        &self,
        pass: &Pass<T>,
        calls: &mut Vec<Call<T>>,
        scalings: &mut Vec<(usize, Scaling<T>)>,
    ) {
        let rows = pass.rows;
        let whole = Shape::new(rows, pass.columns);
        let target = |slot: Slot| match slot {
            Slot::Register(register) => self.register(register, whole),
            Slot::Output(output) => self.target(pass.outputs[output]),
            Slot::Input(_) => unreachable!("inputs are not written"),
        };
        let mut as_they_are: SmallVec<[(Slot, Operand); 4]> = SmallVec::new();
        for input in &pass.inputs {
            let Some(register) = input.spread.register() else { continue };
            if pass.is_only_zipped(Slot::Register(register)) {
                as_they_are.push((Slot::Register(register), input.operand));
            } else {
                let (from, out) = (self.source(input.operand), self.register(register, whole));
                calls.push(Call::Repeat { from, spread: input.spread, rows, out });
            }
        }
        let source = |slot: Slot| match (slot, as_they_are.iter().find(|(of, _)| *of == slot)) {
            (_, Some(&(_, operand))) => self.source(operand),
            (Slot::Input(input), None) => self.source(pass.inputs[input].operand),
            (Slot::Register(_) | Slot::Output(_), None) => {
                let Target { start, size } = target(slot);
                Source { at: Place::Value(start), size }
            }
        };
        for op in &pass.code {
            let sources: SmallVec<[Source; 3]> = op.sources.iter().map(|&slot| source(slot)).collect();
            let (out, derivative) = (target(op.target), op.derivative.map(target));
            if let (Some(zip), &[a, b]) = (op.op.zip(), &sources[..]) {
                calls.push(Call::Zip { zip, operands: [a, b], out });
                continue;
            }
            calls.push(Call::Elementwise {
                node: op.node,
                op: op.op.clone(),
                rows,
                sources,
                out,
                derivative,
            });
        }
        for sum in &pass.sums {
            scalings.push((calls.len(), sum.scaling));
            let out = self.target(sum.at.out);
            calls.push(Call::Sum { of: source(sum.source), rows, alpha: T::ONE, out });
        }
    }
}

impl<T: Scalar> Call<T> {
    fn set_sizes(&mut self, m: usize) {
        let (sources, out): (&mut [Source], _) = match self {
            Call::Product { operands, next, out, .. } => {
                next.iter_mut().for_each(|(_, other)| other.size.set(m));
                (operands, out)
            }
            Call::Single { out, .. } | Call::Contraction { out, .. } => (&mut [], out),
            Call::Zip { operands, out, .. } => (operands, out),
            Call::Repeat { from, out, .. } => (std::slice::from_mut(from), out),
            Call::Elementwise { sources, out, derivative, .. } => {
                derivative.iter_mut().for_each(|derivative| derivative.size.set(m));
                (sources, out)
            }
            Call::Sum { of, out, .. } => (std::slice::from_mut(of), out),
        };
        sources.iter_mut().for_each(|source| source.size.set(m));
        out.size.set(m);
    }

    /// Sets what a sum is multiplied by, and tells where it is.
    fn set_alpha(&mut self, to: T) -> Target {
        match self {
            Call::Product { alpha, out, .. }
            | Call::Contraction { alpha, out, .. }
            | Call::Sum { alpha, out, .. } => {
                *alpha = to;
                *out
            }
            Call::Single { .. } | Call::Zip { .. } | Call::Repeat { .. } | Call::Elementwise { .. } => {
                unreachable!("contractions and sums are scaled")
            }
        }
    }

    fn run(&self, values: &mut [T], known: (&Memory<T>, &Starts), m: usize) -> Outcome {
        let all = Columns::all(m);
        match self {
            Call::Product { alpha, matmul, order, operands: [a, b], next, out } => {
                let (rest, mut out) = Rest::around(values, known, *out);
                let (a, b) = ((rest.matrix(*a), matmul.left), (rest.matrix(*b), matmul.right));
                let epilogue = match next {
                    Some((next, other)) => next.on(rest.get(*other)),
                    None => Epilogue::None,
                };
                product(*alpha, a, b, (Beta::Zero, epilogue), (*order, 1), &mut out);
            }
            Call::Single { node, op, operands, out } => {
                let (rest, mut out) = Rest::around(values, known, *out);
                let reads = Reads { values: &rest, operands, columns: all };
                op.rule().eval(&Operands::new(&reads, m, 1), &mut out).map_err(|fault| (*node, fault))?;
            }
            Call::Contraction { op, operands, alpha, out } => {
                let (rest, mut out) = Rest::around(values, known, *out);
                let reads = Reads { values: &rest, operands, columns: all };
                let contraction =
                    op.rule().contraction().expect("the schedule accumulates contractions alone");
                contraction.accumulate(&Operands::new(&reads, m, 1), *alpha, true, &mut out);
            }
            Call::Zip { zip, operands: [a, b], out } => {
                let (rest, mut out) = Rest::around(values, known, *out);
                zip.apply(rest.matrix(*a), rest.matrix(*b), &mut out);
            }
            Call::Repeat { from, spread, rows, out } => {
                let (rest, mut out) = Rest::around(values, known, *out);
                repeat(rest.get(*from), *spread, *rows, out.as_mut_slice());
            }
            Call::Elementwise { node, op, rows, sources, out, derivative } => {
                let done = match derivative {
                    None => {
                        let (rest, mut out) = Rest::around(values, known, *out);
                        apply(op, sources, |source| rest.get(source), out.as_mut_slice(), m)
                    }
                    Some(derivative) => {
                        let (rest, [out, derivative]) = Rest::around_two(values, known, [*out, *derivative]);
                        apply_with_derivative(op, sources, |source| rest.get(source), out, derivative)
                    }
                };
                done.map_err(|fault| (*node, fault.placed(*rows, 0)))?;
            }
            Call::Sum { of, rows, alpha, out } => {
                let (rest, mut out) = Rest::around(values, known, *out);
                add_unit(rest.get(*of), *rows, (*alpha, Beta::Zero), out.as_mut_slice());
            }
        }
        Ok(())
    }
}

/// What may be read while one or two values are written: the leaves, and the values around those.
#[derive(Debug)]
struct Rest<'a, T> {
    known: (&'a Memory<T>, &'a Starts),
    /// Values, with where they begin.
    parts: [(usize, &'a [T]); 3],
}

impl<'a, T: Scalar> Rest<'a, T> {
    #[inline(always)]
    fn around(
        values: &'a mut [T],
        known: (&'a Memory<T>, &'a Starts),
        out: Target,
    ) -> (Self, MatrixMut<'a, T>) {
        let range = out.range();
        let (before, values) = values.split_at_mut(range.start);
        let (target, after) = values.split_at_mut(range.len());
        let out = MatrixMut::of_cut(out.size.rows, out.size.columns, target);
        (Rest { known, parts: [(0, before), (range.end, after), (usize::MAX, &[])] }, out)
    }

    #[inline(always)]
    fn around_two(
        values: &'a mut [T],
        known: (&'a Memory<T>, &'a Starts),
        targets: [Target; 2],
    ) -> (Self, [&'a mut [T]; 2]) {
        let [a, b] = targets.map(Target::range);
        let in_order = a.start < b.start;
        let (low, high) = if in_order { (a, b) } else { (b, a) };
        let (first, values) = values.split_at_mut(low.start);
        let (low_values, values) = values.split_at_mut(low.len());
        let (second, values) = values.split_at_mut(high.start - low.end);
        let (high_values, third) = values.split_at_mut(high.len());
        let parts = [(0, &*first), (low.end, &*second), (high.end, &*third)];
        let targets = if in_order { [low_values, high_values] } else { [high_values, low_values] };
        (Rest { known, parts }, targets)
    }

    #[inline(always)]
    fn value(&self, start: usize, len: usize) -> &[T] {
        // Chosen, since an index would keep the parts in memory: 3 % of the xor case.
        let [before, between, after] = self.parts;
        let part = if start >= between.0 { between } else { before };
        let (begin, values) = if start >= after.0 { after } else { part };
        &values[start - begin..][..len]
    }

    #[inline(always)]
    fn read(&self, at: Place, len: usize) -> &[T] {
        match at {
            Place::Leaf(buffer) => &self.known.0.whole(buffer)[..len],
            Place::Value(start) => self.value(start, len),
        }
    }

    #[inline(always)]
    fn get(&self, source: Source) -> &[T] {
        self.read(source.at, source.size.len())
    }

    #[inline(always)]
    fn matrix(&self, source: Source) -> MatrixRef<'_, T> {
        MatrixRef::of_cut(source.size.rows, source.size.columns, self.get(source))
    }
}

impl<T: Scalar> Values<T> for Rest<'_, T> {
    fn read(&self, operand: Operand, columns: Columns) -> &[T] {
        let (rows, count, _) = operand.window(columns);
        Rest::read(self, self.known.1.place(operand), rows * count)
    }

    fn selection(&self, _: Operand, _: Columns) -> Option<(&Matrix<T>, &[usize])> {
        None // runs with selections go another way
    }
}

#[cfg(test)]
mod tests {
    use crate::{Matrix, Options, Program, Tape, Var};

    fn network<'t>(tape: &'t Tape<f64>, hidden: usize) -> (Var<'t, f64>, Vec<Var<'t, f64>>) {
        let matrix =
            |rows, columns| Matrix::from_fn(rows, columns, |i, j| ((3 * i + 5 * j) % 7) as f64 / 7.0 - 0.4);
        let x = tape.examples("X", &matrix(2, 4));
        let w = tape.parameter("W", &matrix(hidden, 2));
        let b = tape.parameter("b", &matrix(hidden, 1));
        let j = (w.matmul(x) + b).tanh().square().mean();
        let outputs = [j].into_iter().chain(j.gradients([w, b])).collect();
        (x, outputs)
    }

    fn is_small(program: &mut Program<f64>, x: Var<'_, f64>, m: usize) -> bool {
        program.bind(x, &Matrix::zeros(2, m)).unwrap();
        program.run().unwrap();
        program.machine.execution.small.as_ref().is_some_and(|small| small.holds(m))
    }

    #[test]
    fn few_examples_of_small_networks_are_small() {
        let tape = Tape::new();
        let (x, outputs) = network(&tape, 4);
        let mut program = tape.compile(outputs).unwrap();
        for (m, small) in [(4, true), (1, true), (100, true), (257, false), (3, true)] {
            assert_eq!(is_small(&mut program, x, m), small, "m = {m}");
        }
    }

    #[test]
    fn large_networks_and_chosen_tiles_are_not_small() {
        let tape = Tape::new();
        let (x, outputs) = network(&tape, 3000);
        assert!(!is_small(&mut tape.compile(outputs).unwrap(), x, 1));
        let tape = Tape::new();
        let (x, outputs) = network(&tape, 4);
        let tiles = Options::default().tile_columns(256);
        let mut tiled = tape.compile_with(outputs.iter().copied(), tiles).unwrap();
        assert!(!is_small(&mut tiled, x, 4));
        assert!(is_small(&mut tape.compile_with(outputs.iter().copied(), Options::literal()).unwrap(), x, 4));
        let small = tape.compile(outputs).unwrap();
        assert!(small.peak_bytes(4) > tiled.peak_bytes(4), "the values of the small way count");
    }
}
