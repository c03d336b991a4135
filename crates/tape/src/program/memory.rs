//! Which buffer holds which node: buffers are used again after the last use of what they held.

use std::collections::BTreeMap;

use crate::op::Op;
use crate::program::lower::Graph;
use crate::{Dim, Scalar, Shape};

/// The plan of a program's memory.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For every node its buffer.
    pub(crate) buffer_of: Vec<u32>,
    /// For every buffer the shapes of what it holds over time, each once.
    pub(crate) holds: Vec<Vec<Shape>>,
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
}

impl Pool {
    /// The free buffer that fits best: the smallest that is large enough, else the largest, which then grows.
    fn take(&mut self, need: Size) -> Option<u32> {
        let same_power = |size: &Size| size.power_of_m == need.power_of_m;
        let enough = self.free.range(need..).map(|(size, _)| *size).next().filter(same_power);
        let size = enough
            .or_else(|| self.free.range(..need).map(|(size, _)| *size).next_back().filter(same_power))?;
        let buffers = self.free.get_mut(&size).expect("a size that is there");
        let buffer = buffers.pop();
        if buffers.is_empty() {
            self.free.remove(&size);
        }
        buffer
    }

    fn give(&mut self, size: Size, buffer: u32) {
        self.free.entry(size).or_default().push(buffer);
    }
}

impl Plan {
    pub(crate) fn new<T: Scalar>(graph: &Graph<T>) -> Plan {
        let mut last_use: Vec<usize> = (0..graph.nodes.len()).collect();
        for (at, node) in graph.nodes.iter().enumerate() {
            for &operand in &node.operands {
                last_use[operand as usize] = at;
            }
        }
        let keeps = |op: &Op<T>| matches!(op, Op::Leaf(_) | Op::Number(_));
        for (id, node) in graph.nodes.iter().enumerate() {
            if keeps(&node.op) {
                last_use[id] = usize::MAX;
            }
        }
        for &output in &graph.outputs {
            last_use[output as usize] = usize::MAX;
        }
        let mut plan = Plan { buffer_of: Vec::with_capacity(graph.nodes.len()), holds: Vec::new() };
        let mut pool = Pool::default();
        let mut sizes: Vec<Size> = Vec::new();
        for (at, node) in graph.nodes.iter().enumerate() {
            let need = Size::of(node.shape);
            let reusable = if keeps(&node.op) { None } else { pool.take(need) };
            let buffer = reusable.unwrap_or_else(|| {
                plan.holds.push(Vec::new());
                sizes.push(need);
                plan.holds.len() as u32 - 1
            });
            sizes[buffer as usize] = sizes[buffer as usize].max(need);
            let holds = &mut plan.holds[buffer as usize];
            if !holds.contains(&node.shape) {
                holds.push(node.shape);
            }
            plan.buffer_of.push(buffer);
            // An operand's buffer becomes free only now, so a kernel never writes where it reads.
            let mut freed: smallvec::SmallVec<[u32; 4]> = node.operands.iter().copied().collect();
            freed.sort_unstable();
            freed.dedup();
            for operand in freed.into_iter().filter(|&operand| last_use[operand as usize] == at) {
                let buffer = plan.buffer_of[operand as usize];
                pool.give(sizes[buffer as usize], buffer);
            }
            if last_use[at] == at {
                pool.give(sizes[buffer as usize], buffer);
            }
        }
        plan
    }

    /// Number of values that a buffer has to hold at m; `None` if that overflows.
    pub(crate) fn len_at(&self, buffer: usize, m: usize) -> Option<usize> {
        let mut lengths = self.holds[buffer].iter().map(|shape| {
            let (rows, columns) = shape.at(m);
            rows.checked_mul(columns)
        });
        lengths.try_fold(0, |max: usize, len| Some(max.max(len?)))
    }
}
