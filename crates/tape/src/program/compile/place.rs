//! Stage 5: which buffer holds which node: buffers are used again after the last use of what they
//! held.

use std::collections::BTreeMap;

use crate::program::code::Instruction;
use crate::program::compile::fuse::Steps;
use crate::program::compile::graph::Graph;
use crate::program::compile::verify;
use crate::program::ids::{NodeId, TileId, WholeId};
use crate::program::operand::{Accesses, Few};
use crate::program::operand::{Buffer, Operand};
use crate::tape::ids::{Id, IdVec};
use crate::{Scalar, Shape};

/// The plan of a program's memory.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// For every node its buffer; `None` for values that exist only inside a fused pass.
    pub(crate) buffer_of: IdVec<NodeId, Option<Buffer>>,
    /// For every whole buffer the shapes of what it holds over time, each once.
    pub(crate) whole: IdVec<WholeId, Vec<Shape>>,
    /// For every tile buffer its elements of an example.
    pub(crate) tile: IdVec<TileId, usize>,
}

/// Buffers are reused only among sizes that grow with m in the same way, so that none is large at
/// one m for the sake of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    power_of_m: u8,
    coefficient: usize,
}

impl Size {
    fn of(shape: Shape) -> Size {
        let ((n, p), (k, q)) = (shape.rows.monomial(), shape.columns.monomial());
        Size { power_of_m: p + q, coefficient: n.saturating_mul(k) }
    }
}

/// The buffers that are free now.
struct Pool<I> {
    free: BTreeMap<Size, Vec<I>>,
    sizes: IdVec<I, Size>,
}

impl<I: Id> Pool<I> {
    fn new() -> Self {
        Pool { free: BTreeMap::new(), sizes: IdVec::new() }
    }

    /// The free buffer that fits best, the smallest that is large enough, else the largest, which
    /// then grows; or a new one.
    fn take(&mut self, need: Size) -> I {
        let same_power = |size: &Size| size.power_of_m == need.power_of_m;
        let enough = self.free.range(need..).map(|(size, _)| *size).next().filter(same_power);
        let largest = || self.free.range(..need).map(|(size, _)| *size).next_back().filter(same_power);
        let Some(size) = enough.or_else(largest) else { return self.sizes.push(need) };
        let buffers = self.free.get_mut(&size).expect("a size that is there");
        let buffer = buffers.pop().expect("sizes without buffers are removed");
        if buffers.is_empty() {
            self.free.remove(&size);
        }
        self.sizes[buffer] = size.max(need);
        buffer
    }

    /// The free buffer of just this size, or a new one.
    fn take_exactly(&mut self, size: Size) -> I {
        match self.free.get_mut(&size).and_then(Vec::pop) {
            Some(buffer) => buffer,
            None => self.sizes.push(size),
        }
    }

    fn give(&mut self, buffer: I) {
        self.free.entry(self.sizes[buffer]).or_default().push(buffer);
    }
}

/// Two clocks: every whole step and every loop as a whole is one tick of the first, every step
/// inside a loop one of the second. A loop reads and writes its whole buffers again for every tile,
/// so they are all in use for its tick.
struct Lifetimes {
    /// For every node the tick after which its value is not needed.
    last_tick: IdVec<NodeId, Tick>,
    /// The same inside its loop.
    last_step: IdVec<NodeId, usize>,
    /// Whether the value outlives the pass or the loop that makes it.
    stored: IdVec<NodeId, Stored>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// Only inside a fused pass.
    No,
    /// For the rest of the tile.
    Tile,
    /// For all examples.
    Whole,
}

/// A time of the first clock.
type Tick = usize;
/// After the last: the value is an output, or there before the program runs.
const FOR_EVER: Tick = Tick::MAX;

/// Stage 5: the buffers of what the steps read and make.
pub(crate) fn place<T: Scalar>(graph: &Graph<T>, segments: &[Steps<T>]) -> Plan {
    let lifetimes = Lifetimes::of(graph, segments);
    let mut plan = Plan { buffer_of: IdVec::filled(None, graph.nodes.len()), ..Plan::default() };
    let (mut whole, mut tile) = (Pool::new(), Pool::new());
    for (id, node) in graph.nodes.enumerated().filter(|(_, node)| node.op.is_source()) {
        plan.place_whole(id, node.shape, &mut whole);
    }
    let mut tick = 0;
    for segment in segments {
        let mut ending = Vec::new();
        for (step, planned) in segment.steps.iter().enumerate() {
            let made = planned.writes();
            let read: Few<NodeId> = planned.reads().into_iter().map(|id| graph.holder(id)).collect();
            for &id in &made {
                let shape = graph.node(id).shape;
                match lifetimes.stored[id] {
                    Stored::No => {}
                    Stored::Tile => plan.place_tile(id, shape, &mut tile),
                    Stored::Whole => plan.place_whole(id, shape, &mut whole),
                }
            }
            // A buffer becomes free only after the step, so that no kernel writes where it reads.
            let mut done: Few<NodeId> = read.into_iter().chain(made).collect();
            done.sort_unstable();
            done.dedup();
            for id in done {
                match plan.buffer_of[id] {
                    Some(Buffer::Tile(buffer)) if lifetimes.last_step[id] == step => tile.give(buffer),
                    Some(Buffer::Whole(_)) if lifetimes.last_tick[id] == tick => ending.push(id),
                    Some(_) | None => {}
                }
            }
            if !segment.tiled {
                plan.free_whole(&mut ending, &mut whole);
                tick += 1;
            }
        }
        if segment.tiled {
            plan.free_whole(&mut ending, &mut whole);
            tick += 1;
        }
    }
    plan.tile = tile.sizes.iter().map(|size| size.coefficient).collect();
    verify::stage("place", || verify::plan(graph, segments, &plan));
    plan
}

impl Plan {
    /// Where a node's value is stored, if it is.
    pub(crate) fn operand<T: Scalar>(&self, graph: &Graph<T>, node: NodeId) -> Option<Operand> {
        let at = self.buffer_of[graph.holder(node)]?;
        Some(Operand { at, shape: graph.node(node).shape })
    }

    fn place_whole(&mut self, id: NodeId, shape: Shape, pool: &mut Pool<WholeId>) {
        let buffer = pool.take(Size::of(shape));
        if self.whole.get(buffer).is_none() {
            self.whole.push(Vec::new());
        }
        let holds = &mut self.whole[buffer];
        if !holds.contains(&shape) {
            holds.push(shape);
        }
        self.buffer_of[id] = Some(Buffer::Whole(buffer));
    }

    fn place_tile(&mut self, id: NodeId, shape: Shape, pool: &mut Pool<TileId>) {
        // Of one number of elements an example, so that threads can have some of the examples each.
        let buffer = pool.take_exactly(Size { power_of_m: 0, coefficient: shape.elements_per_example() });
        self.buffer_of[id] = Some(Buffer::Tile(buffer));
    }

    fn free_whole(&self, ending: &mut Vec<NodeId>, pool: &mut Pool<WholeId>) {
        ending.sort_unstable();
        ending.dedup();
        for id in ending.drain(..) {
            if let Some(Buffer::Whole(buffer)) = self.buffer_of[id] {
                pool.give(buffer);
            }
        }
    }

    /// Number of values that a whole buffer has to hold at m; `None` if that overflows.
    pub(crate) fn whole_len(&self, buffer: WholeId, m: usize) -> Option<usize> {
        let mut lengths = self.whole[buffer].iter().map(|shape| {
            let (rows, columns) = shape.at(m);
            rows.checked_mul(columns)
        });
        lengths.try_fold(0, |max: usize, len| Some(max.max(len?)))
    }
}

impl Lifetimes {
    fn of<T: Scalar>(graph: &Graph<T>, segments: &[Steps<T>]) -> Lifetimes {
        let count = graph.nodes.len();
        let mut lifetimes = Lifetimes {
            last_tick: IdVec::filled(0, count),
            last_step: IdVec::filled(0, count),
            stored: IdVec::filled(Stored::No, count),
        };
        let mut tick = 0;
        // For every node the segment that makes it.
        let mut made_in = IdVec::filled(None, count);
        for (at, segment) in segments.iter().enumerate() {
            for (step, planned) in segment.steps.iter().enumerate() {
                for id in planned.writes() {
                    made_in[id] = Some(at);
                    (lifetimes.last_tick[id], lifetimes.last_step[id]) = (tick, step);
                    lifetimes.stored[id] = match planned {
                        Instruction::Pass { pass, .. } if pass.nodes.contains(&id) => Stored::No,
                        Instruction::Single { .. } | Instruction::Product { .. } if segment.tiled => {
                            Stored::Tile
                        }
                        Instruction::Single { .. } | Instruction::Product { .. } => Stored::Whole,
                        Instruction::Pass { .. } | Instruction::Accumulate { .. } => Stored::Whole,
                    };
                }
                for id in planned.reads().into_iter().map(|id| graph.holder(id)) {
                    (lifetimes.last_tick[id], lifetimes.last_step[id]) = (tick, step);
                    let here = made_in[id] == Some(at) && segment.tiled;
                    lifetimes.stored[id] = match lifetimes.stored[id] {
                        Stored::Whole => Stored::Whole,
                        Stored::No | Stored::Tile if here => Stored::Tile,
                        Stored::No | Stored::Tile => Stored::Whole,
                    };
                }
                tick += usize::from(!segment.tiled);
            }
            tick += usize::from(segment.tiled);
        }
        for output in graph.outputs.iter().map(|&output| graph.holder(output)) {
            lifetimes.stored[output] = Stored::Whole;
            lifetimes.last_tick[output] = FOR_EVER;
        }
        for (id, _) in graph.nodes.enumerated().filter(|(_, node)| node.op.is_source()) {
            lifetimes.last_tick[id] = FOR_EVER;
        }
        lifetimes
    }
}
