//! Stage 5: which buffer holds which node: buffers are used again after the last use of what they held.

use std::collections::BTreeMap;

use smallvec::{SmallVec, smallvec};

use crate::program::compile::fuse::{Epilogued, Planned, Steps};
use crate::program::compile::graph::Graph;
use crate::program::compile::schedule::Schedule;
use crate::program::storage::{Buffer, Operand};
use crate::{Dim, Scalar, Shape};

/// The plan of a program's memory.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// For every node its buffer; `None` for values that exist only inside a fused pass.
    pub(crate) buffer_of: Vec<Option<Buffer>>,
    /// For every whole buffer the shapes of what it holds over time, each once.
    pub(crate) whole: Vec<Vec<Shape>>,
    /// For every tile buffer its number of rows.
    pub(crate) tile: Vec<usize>,
}

/// Buffers are reused only among sizes that grow with m in the same way, so that none is large at one m for the sake of
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    power_of_m: u8,
    coefficient: usize,
}

impl Size {
    fn of(shape: Shape) -> Size {
        let part = |dim: Dim| match dim {
            Dim::Fixed(n) => (0, n),
            Dim::M => (1, 1),
        };
        let ((p, n), (q, k)) = (part(shape.rows), part(shape.columns));
        Size { power_of_m: p + q, coefficient: n.saturating_mul(k) }
    }
}

/// The buffers that are free now.
#[derive(Default)]
struct Pool {
    free: BTreeMap<Size, Vec<u32>>,
    sizes: Vec<Size>,
}

impl Pool {
    /// The free buffer that fits best, the smallest that is large enough, else the largest, which then grows; or a new one.
    fn take(&mut self, need: Size) -> u32 {
        let same_power = |size: &Size| size.power_of_m == need.power_of_m;
        let enough = self.free.range(need..).map(|(size, _)| *size).next().filter(same_power);
        let largest = || self.free.range(..need).map(|(size, _)| *size).next_back().filter(same_power);
        let Some(size) = enough.or_else(largest) else {
            self.sizes.push(need);
            return self.sizes.len() as u32 - 1;
        };
        let buffers = self.free.get_mut(&size).expect("a size that is there");
        let buffer = buffers.pop().expect("sizes without buffers are removed");
        if buffers.is_empty() {
            self.free.remove(&size);
        }
        self.sizes[buffer as usize] = size.max(need);
        buffer
    }

    /// The free buffer of just this size, or a new one.
    fn take_exactly(&mut self, size: Size) -> u32 {
        match self.free.get_mut(&size).and_then(Vec::pop) {
            Some(buffer) => buffer,
            None => {
                self.sizes.push(size);
                self.sizes.len() as u32 - 1
            }
        }
    }

    fn give(&mut self, buffer: u32) {
        self.free.entry(self.sizes[buffer as usize]).or_default().push(buffer);
    }
}

/// Two clocks: every whole step and every loop as a whole is one tick of the first, every step inside a loop one of the
/// second. A loop reads and writes its whole buffers again for every tile, so they are all in use for its tick.
struct Lifetimes {
    /// For every node the tick after which its value is not needed.
    last_tick: Vec<u32>,
    /// The same inside its loop.
    last_step: Vec<u32>,
    /// Whether the value outlives the pass or the loop that makes it.
    stored: Vec<Stored>,
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

/// Stage 5: the buffers of what the steps read and make.
pub(crate) fn place<T: Scalar>(graph: &Graph<T>, schedule: &Schedule<T>, segments: &[Steps]) -> Plan {
    let lifetimes = Lifetimes::of(graph, schedule, segments);
    let mut plan = Plan { buffer_of: vec![None; graph.nodes.len()], ..Plan::default() };
    let (mut whole, mut tile) = (Pool::default(), Pool::default());
    for (id, node) in graph.nodes.iter().enumerate() {
        if node.op.is_source() {
            plan.place_whole(id as u32, node.shape, &mut whole);
        }
    }
    let mut tick = 0;
    for segment in segments {
        let mut ending = Vec::new();
        for (step, planned) in (0..).zip(&segment.steps) {
            let (made, read) = nodes_of(graph, schedule, planned);
            for &id in &made {
                let shape = graph.node(id).shape;
                match lifetimes.stored[id as usize] {
                    Stored::No => {}
                    Stored::Tile => plan.place_tile(id, shape, &mut tile),
                    Stored::Whole => plan.place_whole(id, shape, &mut whole),
                }
            }
            // A buffer becomes free only after the step, so that no kernel writes where it reads.
            let mut done: Nodes = read.into_iter().chain(made).collect();
            done.sort_unstable();
            done.dedup();
            for id in done {
                match plan.buffer_of[id as usize] {
                    Some(Buffer::Tile(buffer)) if lifetimes.last_step[id as usize] == step => {
                        tile.give(buffer);
                    }
                    Some(Buffer::Whole(_)) if lifetimes.last_tick[id as usize] == tick => ending.push(id),
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
    plan
}

impl Plan {
    /// Where a node's value is stored, if it is.
    pub(crate) fn operand<T: Scalar>(&self, graph: &Graph<T>, node: u32) -> Option<Operand> {
        let at = self.buffer_of[node as usize]?;
        Some(Operand { at, shape: graph.node(node).shape })
    }

    fn place_whole(&mut self, id: u32, shape: Shape, pool: &mut Pool) {
        let buffer = pool.take(Size::of(shape));
        if self.whole.len() <= buffer as usize {
            self.whole.push(Vec::new());
        }
        let holds = &mut self.whole[buffer as usize];
        if !holds.contains(&shape) {
            holds.push(shape);
        }
        self.buffer_of[id as usize] = Some(Buffer::Whole(buffer));
    }

    fn place_tile(&mut self, id: u32, shape: Shape, pool: &mut Pool) {
        // Of one number of rows, so that threads can have some of its columns each.
        let buffer = pool.take_exactly(Size { power_of_m: 0, coefficient: shape.rows.at(0) });
        self.buffer_of[id as usize] = Some(Buffer::Tile(buffer));
    }

    fn free_whole(&self, ending: &mut Vec<u32>, pool: &mut Pool) {
        ending.sort_unstable();
        ending.dedup();
        for id in ending.drain(..) {
            if let Some(Buffer::Whole(buffer)) = self.buffer_of[id as usize] {
                pool.give(buffer);
            }
        }
    }

    /// Number of values that a whole buffer has to hold at m; `None` if that overflows.
    pub(crate) fn whole_len(&self, buffer: usize, m: usize) -> Option<usize> {
        let mut lengths = self.whole[buffer].iter().map(|shape| {
            let (rows, columns) = shape.at(m);
            rows.checked_mul(columns)
        });
        lengths.try_fold(0, |max: usize, len| Some(max.max(len?)))
    }
}

/// A few nodes.
type Nodes = SmallVec<[u32; 16]>;

/// The nodes that a step makes, and those that it reads.
pub(super) fn nodes_of<T: Scalar>(
    graph: &Graph<T>,
    schedule: &Schedule<T>,
    planned: &Planned,
) -> (Nodes, Nodes) {
    let result = |id: u32| schedule.folded[id as usize].map_or(id, |(scaled, _)| scaled);
    let operands = |id: u32| graph.node(id).operands.iter().copied();
    match planned {
        Planned::Single(id) => (smallvec![*id], operands(*id).collect()),
        Planned::Product(Epilogued { product, node, other, .. }) => {
            (smallvec![*node], operands(*product).chain([*other]).collect())
        }
        Planned::Accumulate(id) => (smallvec![result(*id)], operands(*id).collect()),
        Planned::Pass { nodes, sums } => {
            let made = nodes.iter().copied().chain(sums.iter().map(|&sum| result(sum))).collect();
            let inside = |id: &u32| nodes.contains(id);
            let read: Nodes = nodes.iter().flat_map(|&id| operands(id)).filter(|id| !inside(id)).collect();
            (made, read)
        }
    }
}

impl Lifetimes {
    fn of<T: Scalar>(graph: &Graph<T>, schedule: &Schedule<T>, segments: &[Steps]) -> Lifetimes {
        let count = graph.nodes.len();
        let mut lifetimes = Lifetimes {
            last_tick: vec![0; count],
            last_step: vec![0; count],
            stored: vec![Stored::No; count],
        };
        let mut tick = 0;
        // For every node the step and the segment that make it.
        let mut made_at = vec![(u32::MAX, u32::MAX); count];
        for (at, segment) in (0..).zip(segments) {
            for (step, planned) in (0..).zip(&segment.steps) {
                let (made, read) = nodes_of(graph, schedule, planned);
                for id in made {
                    let id = id as usize;
                    made_at[id] = (at, step);
                    (lifetimes.last_tick[id], lifetimes.last_step[id]) = (tick, step);
                    lifetimes.stored[id] = match planned {
                        Planned::Pass { nodes, .. } if nodes.contains(&(id as u32)) => Stored::No,
                        Planned::Single(_) | Planned::Product(_) if segment.tiled => Stored::Tile,
                        Planned::Single(_) | Planned::Product(_) => Stored::Whole,
                        Planned::Pass { .. } | Planned::Accumulate(_) => Stored::Whole,
                    };
                }
                for id in read {
                    let id = id as usize;
                    (lifetimes.last_tick[id], lifetimes.last_step[id]) = (tick, step);
                    let here = made_at[id].0 == at && segment.tiled;
                    lifetimes.stored[id] = match lifetimes.stored[id] {
                        Stored::Whole => Stored::Whole,
                        Stored::No | Stored::Tile if here => Stored::Tile,
                        Stored::No | Stored::Tile => Stored::Whole,
                    };
                }
                tick += u32::from(!segment.tiled);
            }
            tick += u32::from(segment.tiled);
        }
        for &output in &graph.outputs {
            lifetimes.stored[output as usize] = Stored::Whole;
            lifetimes.last_tick[output as usize] = u32::MAX;
        }
        for (id, node) in graph.nodes.iter().enumerate() {
            if node.op.is_source() {
                lifetimes.last_tick[id] = u32::MAX;
            }
        }
        lifetimes
    }
}
