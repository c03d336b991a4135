//! How long a run takes, and how many threads that is worth.

use crate::numbers::kernel::product::UNIT;
use crate::numbers::kernel::threads;
use crate::program::Program;
use crate::program::code::{Instruction, Segment};
use crate::program::compile::graph::Node;
use crate::program::operand::Accesses;
use crate::program::run::small::Small;
use crate::program::run::tiled::Execution;
use crate::{Result, Scalar};

/// A run takes so many nanoseconds at least for every thread that it uses: to share work takes some
/// microseconds.
const WORTH_A_THREAD: f64 = 80_000.0;
/// And so many if it is to be given away and the threads sleep: on a virtual machine it may take 60
/// µs until a processor that idles runs again, and a run waits for that up to three times.
const WORTH_WAKING: f64 = 300_000.0;
/// Where the threads are installed, and meet but once in every loop, so many that are saved are
/// worth a meeting.
const WORTH_A_MEETING: f64 = 5_000.0;

/// How a run is shared out.
#[derive(Debug, Clone, Copy)]
pub(in crate::program) struct Shares {
    pub(in crate::program) threads: usize,
    /// Whether the caller works on these threads.
    pub(in crate::program) installed: bool,
    /// Whether the work is worth waking them.
    pub(in crate::program) worth_waking: bool,
    pub(in crate::program) partial_sums: PartialSums,
}

/// The sums that parts of the examples keep for themselves: of the loop that has most.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::program) struct PartialSums {
    /// How many parts.
    pub(in crate::program) parts: usize,
    /// How many numbers of each.
    pub(in crate::program) numbers: usize,
}

impl Shares {
    /// One thread.
    pub(in crate::program) const ALONE: Shares = Shares {
        threads: 1,
        installed: false,
        worth_waking: false,
        partial_sums: PartialSums { parts: 0, numbers: 0 },
    };

    /// The most threads that have tiles of their own.
    pub(in crate::program) fn workers(self) -> usize {
        self.threads.min(self.partial_sums.parts).max(1)
    }
}

impl<T: Scalar> Program<T> {
    /// Finds out how to run on m examples, for the first time.
    pub(super) fn estimate(&mut self, m: usize) -> Result<Shares> {
        let shares = self.shares(m, is_installed());
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

    /// How runs on m examples are shared out, among threads of the caller's if they are installed.
    pub(in crate::program) fn shares(&self, m: usize, installed: bool) -> Shares {
        let (threads, worth_waking) = match self.machine.most_threads {
            1 => (1, false),
            most => {
                let time = self.nanoseconds(m);
                let threads = match most.min((time / WORTH_A_THREAD) as usize) {
                    0 | 1 if installed => self.workers_worth_meeting(m, most),
                    threads => threads.max(1),
                };
                let worth = if installed { WORTH_A_THREAD } else { WORTH_WAKING };
                (threads, time >= worth * threads as f64)
            }
        };
        let parts = self.loops().map(|segment| (segment.spans(m, threads).count, segment.numbers));
        let partial_sums = parts.filter(|(count, _)| *count > 1).fold(
            PartialSums::default(),
            |PartialSums { parts, numbers }, (count, more)| PartialSums {
                parts: parts.max(count),
                numbers: numbers.max(more),
            },
        );
        Shares { threads, installed, worth_waking, partial_sums }
    }

    fn loops(&self) -> impl Iterator<Item = &Segment<T>> {
        self.code.segments.iter().filter(|segment| segment.tiled)
    }

    /// How many threads with tiles of their own save enough.
    fn workers_worth_meeting(&self, m: usize, most: usize) -> usize {
        let (time, worth) = (self.nanoseconds_in_loops(m), WORTH_A_MEETING * self.loops().count() as f64);
        if time <= worth {
            return 1;
        }
        let workers = most.min((time / worth) as usize).min(m.div_ceil(UNIT));
        let share = |segment: &Segment<T>| segment.spans(m, workers).widest(workers) as f64 / m as f64;
        let widest = self.loops().map(share).fold(0.0, f64::max);
        if workers > 1 && time * (1.0 - widest) >= worth { workers } else { 1 }
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
}

/// Whether the caller works on threads that can help.
pub(super) fn is_installed() -> bool {
    threads::here() > 1
}
