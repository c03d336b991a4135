//! Three ways to run, and the one place that chooses among them.
//!
//! - *Small* ([`small`](super::small)): few examples of a small network. All segments are one list
//!   of calls, without the bookkeeping of tiles, sections and threads.
//! - *Tiled* ([`tiled`](super::tiled)): a loop goes over tiles of the examples, whose values stay
//!   in the cache. Several threads have parts of the examples, each with sums of its own.
//! - *Column-parallel* ([`column_parallel`](super::column_parallel)): a loop on so few examples, or
//!   with sums so large, that there are no parts to share. Each thread has some columns of every
//!   step.
//!
//! The results have the same bits in all of them.

use crate::Scalar;
use crate::program::Program;
use crate::program::code::Segment;
use crate::program::run::chunks::Spans;
use crate::program::run::cost::Shares;
use crate::program::run::small::Small;
use crate::program::run::tiled::Execution;

/// How a program is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::program) enum Way {
    /// All segments in one, without tiles.
    Small,
    /// Segment by segment.
    Segments(Vec<SegmentWay>),
}

/// How a segment of a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::program) enum SegmentWay {
    /// Whole steps, one after the other.
    Whole,
    /// Tile by tile, in parts of the examples.
    Tiled(Spans),
    /// Every step's columns on several threads, tile by tile.
    ColumnParallel,
}

impl<T: Scalar> Execution<T> {
    /// Whether a run on m examples goes the small way, for which it has been made ready.
    pub(in crate::program) fn is_small(&self, m: usize) -> bool {
        let holds = |small: &Small<T>| small.holds(m);
        self.shares.threads == 1 && self.small.as_ref().is_some_and(holds) && !self.memory.has_selection()
    }

    /// How a segment is run on m examples, if no run goes the small way.
    pub(in crate::program) fn way_of(&self, segment: &Segment<T>, m: usize, threads: usize) -> SegmentWay {
        let spans = segment.spans(m, threads);
        match segment.tiled {
            false => SegmentWay::Whole,
            true if spans.count == 1 && self.may_cut_columns(segment, threads) => SegmentWay::ColumnParallel,
            true => SegmentWay::Tiled(spans),
        }
    }
}

impl<T: Scalar> Program<T> {
    /// Whether a run shared out like this may go the small way, if there are few examples.
    pub(in crate::program) fn may_be_small(&self, shares: Shares) -> bool {
        self.machine.tiles_are_free && shares.threads == 1
    }

    /// How it runs on m examples.
    pub(in crate::program) fn way(&self, m: usize) -> Way {
        let shares = self.shares(m, true);
        let (execution, leaves) = (&self.machine.execution, self.machine.execution.memory.leaves.len());
        if self.may_be_small(shares) && Small::numbers(&self.code.instructions, &self.plan, leaves, m) > 0 {
            return Way::Small;
        }
        let way = |segment| execution.way_of(segment, m, shares.threads);
        Way::Segments(self.code.segments.iter().map(way).collect())
    }
}
