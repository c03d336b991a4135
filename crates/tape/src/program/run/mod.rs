//! Executing a program.

mod checked;
pub(super) mod chunks;
mod column_parallel;
mod copy;
pub(super) mod cost;
pub(crate) mod memory;
pub(super) mod pass;
pub(super) mod small;
pub(super) mod tiled;
pub(super) mod way;

use std::any::Any;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::error::TooLarge;
use crate::numbers::aligned::Aligned;
use crate::numbers::kernel::product::{reserve_scratch, reserve_scratch_of};
use crate::numbers::kernel::threads;
use crate::numbers::matrix::size;
use crate::program::code::{Code, Instruction};
use crate::program::compile::graph::Graph;
use crate::program::compile::place::Plan;
use crate::program::ids::{NodeId, WholeId};
use crate::program::operand::Buffer;
use crate::program::run::cost::{Shares, is_installed};
use crate::program::run::memory::{Memory, resize};
use crate::program::run::tiled::{Execution, Handover, Outcome};
use crate::program::{Options, Program};
use crate::tape::ids::IdVec;
use crate::{Error, Result, Scalar};

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
    /// For every m that was run how its runs are shared out: to estimate it goes through the graph,
    /// and may allocate.
    known_shares: FxHashMap<(usize, bool), Shares>,
    /// The number of examples that the buffers are sized for.
    pub(in crate::program) m: Option<usize>,
    /// Whether there are buffers for a run: a copy of a program begins without.
    has_room: bool,
    /// Whether the last run has left results.
    pub(in crate::program) ran: bool,
    /// How many runs have left results.
    pub(in crate::program) runs: u64,
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
            has_room: true,
            ran: false,
            runs: 0,
            failed_with: None,
            last_run: None,
            unfused: None,
        }
    }
}

/// # Running
impl<T: Scalar> Program<T> {
    /// Computes the outputs from the values that the leaves have now.
    ///
    /// From the second run on at an m already seen, nothing is allocated, unless more callers than
    /// in the last seconds run programs on several threads at a time. The same program on the same
    /// inputs gives the same bits, whatever the number of threads; [`Options::threads`] limits it,
    /// and [`threads`](Program::threads) tells it.
    ///
    /// # Errors
    /// [`Error::Unbound`], [`Error::ExamplesDiffer`], [`Error::UnknownExamples`],
    /// [`Error::EmptyBatch`], [`Error::Label`], [`Error::Probability`], [`Error::TooLarge`],
    /// [`Error::Allocation`], [`Error::Threads`], or what a user's kernel reports. The outputs of
    /// the run before are gone then, the leaves keep their values, and
    /// [`last_error`](Program::last_error) tells the error again.
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
        self.machine.runs += 1;
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
        self.draw_noise(m)?;
        self.count_run();
        self.check_labels()?;
        // A panic of a user's kernel may leave buffers away: the next run would make them anew.
        self.machine.m = None;
        let done = match self.machine.execution.shares {
            Shares { threads: 1, .. } => self.machine.execution.execute(m),
            shares if !shares.worth_waking && !self.runs_in_succession() => {
                self.machine.execution.execute_alone(m)
            }
            Shares { installed: true, .. } => self.machine.execution.execute(m),
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

    /// Checks the leaves and sizes the buffers.
    fn prepare(&mut self) -> Result<usize> {
        let m = self.m_of_run()?;
        let has_room = self.machine.m == Some(m) && self.machine.has_room;
        if !has_room || self.machine.execution.shares.installed != is_installed() {
            (self.machine.m, self.machine.has_room) = (None, true);
            for buffer in
                self.machine.execution.memory.whole.ids().skip(self.machine.execution.memory.leaves.len())
            {
                if self.reserve_whole(buffer, m).is_err() {
                    return Err(self.too_large(|at| at == Buffer::Whole(buffer), m));
                }
            }
            self.leaves.make_room(m)?;
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
            bytes: size::<T>(rows, columns).ok().map(|elements| elements * size_of::<T>()),
            at: self.graph.about[node].place,
        }))
    }

    /// Finds the threads for runs on m examples, and makes room for them.
    fn share_out(&mut self, m: usize) -> Result<()> {
        let key = (m, is_installed());
        let shares = match self.machine.known_shares.get(&key) {
            Some(&shares) => shares,
            None => {
                let shares = self.estimate(m)?;
                // Here alone: a full map makes room for a key that it has.
                self.machine.known_shares.insert(key, shares);
                shares
            }
        };
        self.machine.execution.shares = shares;
        let Shares { threads, installed, partial_sums, .. } = shares;
        // What a larger m needed is kept for the next time.
        let tile_buffers = self.plan.tile.len();
        let registers = self.code.registers;
        grow(&mut self.machine.execution.tiles, shares.workers(), || {
            IdVec::filled(Aligned::default(), tile_buffers)
        });
        grow(&mut self.machine.execution.registers, threads, || IdVec::filled(Aligned::default(), registers));
        grow(&mut self.machine.execution.sums, partial_sums.parts, Aligned::default);
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
            resize(sums, partial_sums.numbers, 1)?;
        }
        if threads > 1 && !installed {
            // This run may do without them and the next one not, or the other way round.
            reserve_scratch_of::<T>()
                .map_err(|error| Error::Threads { threads, reason: error.to_string() })?;
            self.machine.handover.get_or_insert_with(Handover::empty);
            threads::reserve(threads, reserve_scratch)
                .map_err(|reason| Error::Threads { threads, reason })?;
        }
        Ok(())
    }

    /// Elements of a register that runs on `m` examples need.
    pub(in crate::program) fn register_len(&self, m: usize) -> usize {
        let passes = self.code.instructions.iter().filter_map(|instruction| match instruction {
            Instruction::Pass { pass, .. } => Some(pass.register_len(self.machine.execution.tile.min(m))),
            Instruction::Single { .. } | Instruction::Product { .. } | Instruction::Accumulate { .. } => None,
        });
        passes.max().unwrap_or(0)
    }
}

/// Makes a list long enough.
fn grow<X>(list: &mut Vec<X>, length: usize, element: impl FnMut() -> X) {
    list.resize_with(length.max(list.len()), element);
}
