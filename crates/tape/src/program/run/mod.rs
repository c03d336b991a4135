//! Executing a program.

pub(super) mod chunks;
mod column_parallel;
pub(crate) mod memory;
pub(super) mod pass;
pub(super) mod small;
pub(super) mod tiled;

use std::any::Any;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{NonFinite, OperandRange, TooLarge};
use rustc_hash::FxHashMap;

use crate::numbers::aligned::Aligned;
use crate::numbers::kernel::product::{UNIT, reserve_scratch, reserve_scratch_of};
use crate::numbers::kernel::threads;
use crate::numbers::matrix::size;
use crate::ops::Op;
use crate::ops::labels::Labels;
use crate::program::bind::leaves::{Kept, LeafState};
use crate::program::code::{Code, Instruction, Segment, Values};
use crate::program::compile::graph::{Graph, Node};
use crate::program::compile::place::Plan;
use crate::program::ids::{NodeId, WholeId};
use crate::program::operand::{Buffer, Columns, Operand};
use crate::program::run::memory::{Memory, Reads, resize};
use crate::program::run::small::Small;
use crate::program::run::tiled::{Execution, Handover, Outcome, Shares};
use crate::program::{Options, Program};
use crate::tape::ids::IdVec;
use crate::tape::operation::{Fault, Source};
use crate::{Error, Result, Scalar};

/// A run takes so many nanoseconds at least for every thread that it uses: to share work takes some microseconds.
const WORTH_A_THREAD: f64 = 80_000.0;
/// And so many if it is to be given away and the threads sleep: on a virtual machine it may take 60 µs until a processor that
/// idles runs again, and a run waits for that up to three times.
const WORTH_WAKING: f64 = 300_000.0;
/// Where the threads are at hand, and meet but once in every loop, so many that are saved are worth a meeting.
const WORTH_A_MEETING: f64 = 5_000.0;
/// Threads are awake, or soon will be, if runs come so shortly after each other.
const STILL_AWAKE: Duration = Duration::from_micros(100);

/// What runs a program, and what the last run has left.
#[derive(Debug)]
pub(in crate::program) struct Machine<T: Scalar> {
    pub(in crate::program) execution: Execution<T>,
    /// Carries the execution to a team and back.
    handover: Option<Box<Handover<T>>>,
    /// How many threads a run may use.
    pub(in crate::program) most_threads: usize,
    /// Whether nobody has asked for tiles of a certain width.
    tiles_are_free: bool,
    /// For every m that was run how its runs are shared out: to estimate it goes through the graph, and may allocate.
    known_shares: FxHashMap<(usize, bool), Shares>,
    /// The number of examples that the buffers are sized for.
    pub(in crate::program) m: Option<usize>,
    /// Whether the last run has left results.
    pub(in crate::program) ran: bool,
    /// What the last run failed with.
    pub(in crate::program) failed_with: Option<Box<Error>>,
    /// When the last run that was worth several threads ended.
    last_run: Option<Instant>,
    /// The same graph without fusion, made when a run is to be checked step by step.
    unfused: Option<Box<Program<T>>>,
}

impl<T: Scalar> Machine<T> {
    pub(in crate::program) fn new(
        graph: &Graph<T>,
        plan: &Plan,
        code: &Arc<Code<T>>,
        options: Options,
    ) -> Self {
        let mut execution = Execution::new(code.clone());
        execution.memory = Memory::of(graph, plan);
        execution.tile = match options.tile_columns {
            Some(columns) => chunks::in_units(columns.get()),
            None => chunks::tile_columns(plan.tile.as_slice(), size_of::<T>()),
        };
        Machine {
            execution,
            handover: None,
            most_threads: match options.threads {
                Some(threads) => threads.get().min(threads::most_of_a_run()),
                None => threads::available(),
            },
            tiles_are_free: options.tile_columns.is_none(),
            known_shares: FxHashMap::default(),
            m: None,
            ran: false,
            failed_with: None,
            last_run: None,
            unfused: None,
        }
    }
}

/// How a segment of a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::program) enum Way {
    /// All segments in one: few examples, without tiles ([`small`]).
    Small,
    /// Whole steps, one after the other.
    Whole,
    /// Tile by tile; several threads have parts of the examples, each with sums of its own ([`tiled`]).
    Tiled { tile: usize, spans: usize },
    /// Every step's columns on several threads ([`column_parallel`]).
    ColumnParallel,
}

/// # Running
impl<T: Scalar> Program<T> {
    /// Computes the outputs from the values that the leaves have now.
    ///
    /// From the second run on at an m already seen, nothing is allocated, unless more callers than in the last seconds run programs on
    /// several threads at a time. The same program on the same inputs gives the same bits, whatever the number of threads; [`Options::threads`](method@Options::threads) limits it, and [`threads`](Program::threads) tells it.
    ///
    /// # Errors
    /// [`Error::Unbound`], [`Error::ExamplesDiffer`], [`Error::UnknownExamples`], [`Error::EmptyBatch`], [`Error::Label`],
    /// [`Error::Probability`], [`Error::TooLarge`], [`Error::Allocation`], [`Error::Threads`], or what a user's kernel reports. The
    /// outputs of the run before are gone then, the leaves keep their values, and [`last_error`](Program::last_error) tells the error
    /// again.
    ///
    /// # Panics
    /// If a user's kernel does, on whatever thread; leaves keep their values.
    pub fn run(&mut self) -> Result<()> {
        T::program_run(self)
    }

    pub(crate) fn run_here(&mut self) -> Result<()> {
        (self.machine.ran, self.machine.failed_with) = (false, None);
        self.run_once().map_err(|error| self.failed(error))?;
        self.forget_kept();
        self.machine.ran = true;
        Ok(())
    }

    /// Notes what a run failed with.
    #[cold]
    fn failed(&mut self, error: Error) -> Error {
        self.machine.failed_with = Some(Box::new(error.clone()));
        error
    }

    fn run_once(&mut self) -> Result<()> {
        let m = self.prepare()?;
        self.check_labels()?;
        // A panic of a user's kernel may leave buffers away: the next run would make them anew.
        self.machine.m = None;
        let done = match self.machine.execution.shares {
            Shares { threads: 1, .. } => self.machine.execution.execute(m),
            shares if !shares.wake && !self.runs_in_succession() => self.machine.execution.execute_alone(m),
            Shares { at_hand: true, .. } => self.machine.execution.execute(m),
            shares => self.run_on_team(shares.threads, m)?,
        };
        self.machine.last_run = (self.machine.execution.shares.threads > 1).then(Instant::now);
        let done = done.map_err(|found| self.machine.execution.first_fault(found, m));
        self.machine.m = Some(m);
        done.map_err(|(node, fault)| self.fault(node, fault))
    }

    fn runs_in_succession(&self) -> bool {
        self.machine.last_run.is_some_and(|end| end.elapsed() < STILL_AWAKE)
    }

    fn run_on_team(&mut self, threads: usize, m: usize) -> Result<Outcome> {
        let mut handover = self.machine.handover.take().unwrap_or_else(Handover::empty);
        std::mem::swap(&mut handover.execution, &mut self.machine.execution);
        handover.m = m;
        let (work, done) = threads::run(threads, handover, reserve_scratch);
        let mut handover = (work as Box<dyn Any>).downcast::<Handover<T>>().expect("what was given away");
        std::mem::swap(&mut handover.execution, &mut self.machine.execution);
        let outcome = std::mem::replace(&mut handover.outcome, Ok(()));
        self.machine.handover = Some(handover);
        match done {
            Ok(Ok(())) => Ok(outcome),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(reason) => Err(Error::Threads { threads, reason }),
        }
    }

    /// Like [`run`](Program::run), but step by step and without fusion: stops at the first value that is NaN or ±∞, naming
    /// the entry, the element, the ranges of the operands and where the entry was recorded. Where all that is computed is finite,
    /// it looks at the leaves and numbers that the outputs need, or are, in the same way.
    ///
    /// # Errors
    /// As [`run`](Program::run), and [`Error::NonFinite`].
    pub fn run_checked(&mut self) -> Result<()> {
        T::program_run_checked(self)
    }

    pub(crate) fn run_checked_here(&mut self) -> Result<()> {
        (self.machine.ran, self.machine.failed_with) = (false, None);
        self.check_values().map_err(|error| self.failed(error))?;
        self.run()
    }

    fn check_values(&mut self) -> Result<()> {
        let m = self.prepare()?;
        let mut unfused = self.machine.unfused.take().unwrap_or_else(|| {
            let options = Options::literal().threads(1);
            Box::new(Program::of_graph(self.graph.clone(), options))
        });
        for (leaf, own) in self.leaves.states.enumerated() {
            unfused.fill_leaf(leaf, self.value_of(own)?)?;
        }
        unfused.set_default_m(m);
        let checked = unfused.run_finite();
        self.machine.unfused = Some(unfused);
        checked
    }

    /// Runs whole steps and looks at every result.
    fn run_finite(&mut self) -> Result<()> {
        let m = self.prepare()?;
        let columns = Columns::all(m);
        for at in 0..self.code.instructions.len() {
            let done = {
                let (code, mut work) = self.machine.execution.alone(at..at + 1);
                code[0].run(&mut work, columns)
            };
            done.map_err(|(node, fault)| self.fault(node, fault))?;
            if let Instruction::Single { node, operands, out, .. } = &self.code.instructions[at] {
                self.check_finite(*node, operands, *out, columns)?;
            }
        }
        // What no computed value shows: a leaf that is an output, or that a mask leaves out.
        for node in self.graph.nodes.ids() {
            if self.graph.node(node).op.is_source() {
                self.check_finite(node, &[], self.stored(node), columns)?;
            }
        }
        Ok(())
    }

    /// Checks the leaves and sizes the buffers.
    fn prepare(&mut self) -> Result<usize> {
        let m = self.m_of_run()?;
        if self.machine.m != Some(m) || self.machine.execution.shares.at_hand != at_hand() {
            self.machine.m = None;
            for buffer in
                self.machine.execution.memory.whole.ids().skip(self.machine.execution.memory.leaves.len())
            {
                if self.reserve_whole(buffer, m).is_err() {
                    return Err(self.too_large(|at| at == Buffer::Whole(buffer), m));
                }
            }
            for LeafState { at, kept, .. } in &mut self.leaves.states {
                if let Some(Kept { values, .. }) = kept {
                    let (rows, columns) = at.shape.at(m);
                    resize(values, rows, columns)?;
                }
            }
            self.share_out(m)?;
            self.machine.m = Some(m);
        }
        Ok(m)
    }

    /// Makes a buffer long enough for all that it is to hold.
    fn reserve_whole(&mut self, buffer: WholeId, m: usize) -> Result<()> {
        self.plan.whole[buffer].iter().try_for_each(|shape| {
            let (rows, columns) = shape.at(m);
            resize(&mut self.machine.execution.memory.whole[buffer], rows, columns)
        })
    }

    /// What to say where there is no room for a buffer: the largest value that it is to hold.
    fn too_large(&self, holds: impl Fn(Buffer) -> bool, m: usize) -> Error {
        let nodes = self.graph.nodes.ids().filter(|&node| self.plan.buffer_of[node].is_some_and(&holds));
        let extents = |node: NodeId| self.graph.node(node).shape.at(m);
        let largest = nodes.max_by_key(|&node| {
            let (rows, columns) = extents(node);
            rows as u128 * columns as u128
        });
        self.no_room_for(largest.expect("a buffer holds something"), m)
    }

    fn no_room_for(&self, node: NodeId, m: usize) -> Error {
        let (rows, columns) = self.graph.node(node).shape.at(m);
        Error::TooLarge(Box::new(TooLarge {
            entry: self.describe_with_operation(node),
            rows,
            columns,
            bytes: size::<T>(rows, columns).ok().map(|entries| entries * size_of::<T>()),
            at: self.graph.about[node].place,
        }))
    }

    /// Finds the threads for runs on m examples, and makes room for them.
    fn share_out(&mut self, m: usize) -> Result<()> {
        let key = (m, at_hand());
        let shares = match self.machine.known_shares.get(&key) {
            Some(&shares) => shares,
            None => self.reckon(m)?,
        };
        self.machine.known_shares.insert(key, shares);
        self.machine.execution.shares = shares;
        let Shares { threads, at_hand, sums: (spans, numbers), .. } = shares;
        // What a larger m needed is kept for the next time.
        let tile_buffers = self.plan.tile.len();
        let registers = self.code.registers;
        grow(&mut self.machine.execution.tiles, shares.lanes(), || {
            IdVec::filled(Aligned::default(), tile_buffers)
        });
        grow(&mut self.machine.execution.registers, threads, || IdVec::filled(Aligned::default(), registers));
        grow(&mut self.machine.execution.sums, spans, Aligned::default);
        let columns = self.machine.execution.tile.min(m);
        for tile in &mut self.machine.execution.tiles {
            for ((at, &rows), buffer) in self.plan.tile.enumerated().zip(tile) {
                if resize(buffer, rows, columns).is_err() {
                    return Err(self.too_large(|buffer| buffer == Buffer::Tile(at), columns));
                }
            }
        }
        let register_len = self.register_len(m);
        for register in self.machine.execution.registers.iter_mut().flatten() {
            if resize(register, register_len, 1).is_err() {
                let passes = self.code.instructions.iter().filter_map(|instruction| match instruction {
                    Instruction::Pass { node, pass } => Some((pass.register_len(columns), *node)),
                    _ => None,
                });
                let (_, node) = passes.max().expect("registers are those of a pass");
                return Err(self.no_room_for(node, columns));
            }
        }
        for sums in &mut self.machine.execution.sums {
            resize(sums, numbers, 1)?;
        }
        if threads > 1 && !at_hand {
            // This run may do without them and the next one not, or the other way round.
            reserve_scratch_of::<T>()
                .map_err(|error| Error::Threads { threads, reason: error.to_string() })?;
            self.machine.handover.get_or_insert_with(Handover::empty);
            threads::reserve(threads, reserve_scratch)
                .map_err(|reason| Error::Threads { threads, reason })?;
        }
        Ok(())
    }

    /// Finds out how to run on m examples, for the first time.
    fn reckon(&mut self, m: usize) -> Result<Shares> {
        let shares = self.shares(m, at_hand());
        let Execution { memory, small, .. } = &self.machine.execution;
        let code = &self.code.instructions;
        if self.may_be_small(shares)
            && !small.as_ref().is_some_and(|small| small.holds(m))
            && let Some(small) = Small::new(code, &self.plan, memory.leaves.len(), m)?
        {
            self.machine.execution.small = Some(small);
        }
        Ok(shares)
    }

    /// How a run on m examples goes.
    pub(in crate::program) fn ways(&self, m: usize) -> Vec<Way> {
        let shares = self.shares(m, true);
        let Execution { memory, .. } = &self.machine.execution;
        let code = &self.code.instructions;
        if self.may_be_small(shares) && Small::numbers(code, &self.plan, memory.leaves.len(), m) > 0 {
            return vec![Way::Small];
        }
        self.machine.execution.ways(m, shares).collect()
    }

    /// Whether tiles and threads are not needed, if there are few examples.
    pub(in crate::program) fn may_be_small(&self, shares: Shares) -> bool {
        self.machine.tiles_are_free && shares.threads == 1
    }

    /// How runs on m examples are shared out, among threads of the caller's if they are at hand.
    pub(in crate::program) fn shares(&self, m: usize, at_hand: bool) -> Shares {
        let (threads, wake) = match self.machine.most_threads {
            1 => (1, false),
            most => {
                let time = self.nanoseconds(m);
                let threads = match most.min((time / WORTH_A_THREAD) as usize) {
                    0 | 1 if at_hand => self.lanes_worth_meeting(m, most),
                    threads => threads.max(1),
                };
                let worth_waking = if at_hand { WORTH_A_THREAD } else { WORTH_WAKING };
                (threads, time >= worth_waking * threads as f64)
            }
        };
        let spans = self.loops().map(|segment| (segment.spans(m, threads).count, segment.numbers));
        let spans = spans.filter(|(count, _)| *count > 1);
        let sums = spans.fold((0, 0), |(a, b), (c, d)| (a.max(c), b.max(d)));
        Shares { threads, at_hand, wake, sums }
    }

    fn loops(&self) -> impl Iterator<Item = &Segment<T>> {
        self.code.segments.iter().filter(|segment| segment.tiled)
    }

    /// How many threads with tiles of their own save enough.
    fn lanes_worth_meeting(&self, m: usize, most: usize) -> usize {
        let (time, worth) = (self.nanoseconds_in_loops(m), WORTH_A_MEETING * self.loops().count() as f64);
        if time <= worth {
            return 1;
        }
        let lanes = most.min((time / worth) as usize).min(m.div_ceil(UNIT));
        let share = |segment: &Segment<T>| segment.spans(m, lanes).widest(lanes) as f64 / m as f64;
        let widest = self.loops().map(share).fold(0.0, f64::max);
        if lanes > 1 && time * (1.0 - widest) >= worth { lanes } else { 1 }
    }

    /// About how long a run on m examples takes one thread.
    fn nanoseconds(&self, m: usize) -> f64 {
        self.graph.nodes.iter().map(|node| self.nanoseconds_of(node, m)).sum()
    }

    /// And how long its loops take, or somewhat less: sums are left out.
    fn nanoseconds_in_loops(&self, m: usize) -> f64 {
        let code = self.loops().flat_map(|segment| &self.code.instructions[segment.code.clone()]);
        let nodes = code.flat_map(Instruction::nodes);
        nodes.map(|node| self.nanoseconds_of(self.graph.node(node), m)).sum()
    }

    fn nanoseconds_of(&self, node: &Node<T>, m: usize) -> f64 {
        self.graph.flops(node, m) as f64 * node.op.cost().nanoseconds::<T>()
    }

    /// Entries of a register that runs on `m` examples need.
    pub(in crate::program) fn register_len(&self, m: usize) -> usize {
        let passes = self.code.instructions.iter().filter_map(|instruction| match instruction {
            Instruction::Pass { pass, .. } => Some(pass.register_len(self.machine.execution.tile.min(m))),
            Instruction::Single { .. } | Instruction::Product { .. } | Instruction::Accumulate { .. } => None,
        });
        passes.max().unwrap_or(0)
    }

    fn fault(&self, node: NodeId, fault: Fault) -> Error {
        let at = self.graph.about[node].place;
        // A user's kernel may name an operand that there is not.
        let name = |operand: usize| {
            let known = self.graph.node(node).operands.get(operand);
            known.map_or_else(|| format!("operand {operand}"), |&known| self.describe(known))
        };
        let label = |kind: Labels, operand, value, (row, column)| Error::Label {
            operation: kind.loss(),
            value,
            row,
            column,
            labels: name(operand),
            expected: kind.expected(),
            at,
        };
        match fault {
            Fault::Label { operand, value, row, column } => {
                label(Labels::Probabilities, operand, value, (row, column))
            }
            Fault::Share { operand, value, row, column } => {
                label(Labels::Shares, operand, value, (row, column))
            }
            Fault::Probability { operand, value, row, column } => {
                Error::Probability { value, row, column, probabilities: name(operand), at }
            }
            Fault::Other(reason) => {
                let node = self.graph.node(node);
                let of_the_user = match &node.op {
                    Op::Pad(pad) => pad.slice_of(self.graph.node(node.operands[0]).shape),
                    _ => None,
                };
                let operation = of_the_user.unwrap_or_else(|| node.op.rule().name().into_owned());
                Error::Kernel { operation, reason, at }
            }
        }
    }

    /// The node's name, or its entry's number with its operation.
    pub(in crate::program) fn describe(&self, node: NodeId) -> String {
        let about = &self.graph.about[node];
        let op = &self.graph.node(node).op;
        match op.is_leaf_or_number() || about.is_named() {
            true => about.to_string(),
            false => format!("{about} ({})", op.rule().name()),
        }
    }

    /// The node's name or its entry's number, with its operation if it has one.
    fn describe_with_operation(&self, node: NodeId) -> String {
        let op = &self.graph.node(node).op;
        let (name, entry) = (op.rule().name(), self.describe(node));
        let is_told = entry.contains(&*name) || op.is_leaf_or_number();
        if is_told { entry } else { format!("{entry} ({name})") }
    }

    fn check_finite(&self, node: NodeId, operands: &[Operand], out: Operand, columns: Columns) -> Result<()> {
        let (rows, count, start) = out.window(columns);
        let values = &self.machine.execution.memory.whole(out.at.whole())[start..start + rows * count];
        let Some(index) = values.iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let inputs = Reads { values: &self.machine.execution.memory, operands, columns };
        let names = self.graph.node(node).operands.iter().map(|&operand| self.describe(operand));
        let operands = names.enumerate().map(|(i, name)| range(name, inputs.get(i).as_slice())).collect();
        let entry = self.describe_with_operation(node);
        Err(Error::NonFinite(Box::new(NonFinite {
            entry,
            value: values[index].to_f64(),
            row: index % rows,
            column: index / rows,
            operands,
            at: self.graph.about[node].place,
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

/// Whether the caller works on threads that can help.
fn at_hand() -> bool {
    threads::here() > 1
}

/// Makes a list long enough.
fn grow<X>(list: &mut Vec<X>, length: usize, element: impl FnMut() -> X) {
    list.resize_with(length.max(list.len()), element);
}
