//! Stage 3: in which order the nodes run, whole or tile by tile of example columns.
//!
//! A node is *per column* if its shape is n × m and column j of it needs only the j-th columns of what has one column per
//! example. It is a *contraction* if it sums per-column values over the examples: D * Aᵀ and Σᵢ. Everything else runs whole.
//! Nodes are put into segments that alternate: whole steps, a loop over tiles, whole steps, and so on. A loop computes
//! per-column values and accumulates contractions, whose sums exist only after it; a per-column node that needs such a sum
//! falls to the next loop.

use crate::ops::Op;
use crate::ops::scale::Scaling;
use crate::program::compile::epilogue::only_uses;
use crate::program::compile::graph::Graph;
use crate::{Dim, Scalar, Shape};

/// The nodes of a program, segment by segment.
#[derive(Debug)]
pub(in crate::program) struct Schedule<T: Scalar> {
    pub(in crate::program) segments: Vec<Scheduled>,
    /// For every node how it depends on the examples.
    pub(in crate::program) classes: Vec<Class>,
    /// For every node its only use.
    pub(in crate::program) only_use: Vec<Option<u32>>,
    /// For contractions whose only use is to be scaled: the scaling node and how it scales.
    pub(in crate::program) folded: Vec<Option<(u32, Scaling<T>)>>,
    /// For every node the segment that computes it; leaves and numbers have none.
    pub(in crate::program) segment_of: Vec<u32>,
}

/// The nodes of a run of whole steps, or of a loop over tiles, in their order.
#[derive(Debug)]
pub(in crate::program) struct Scheduled {
    pub(in crate::program) tiled: bool,
    pub(in crate::program) nodes: Vec<u32>,
}

/// No segment: the value is there before the program runs.
const BEFORE: u32 = u32::MAX;

/// How a node depends on the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::program) enum Class {
    Source,
    Whole,
    PerColumn,
    Contraction,
}

fn per_column(shape: Shape) -> bool {
    shape.columns == Dim::M && shape.rows != Dim::M
}

/// Whether the node sums per-column operands over the examples.
fn is_contraction<T: Scalar>(op: &Op<T>, shapes: &[Shape], out: Shape) -> bool {
    shapes.iter().all(|&shape| per_column(shape)) && !out.depends_on_m() && op.rule().contraction().is_some()
}

fn classify<T: Scalar>(graph: &Graph<T>) -> Vec<Class> {
    let class = |id: usize| {
        let node = graph.node(id as u32);
        let shapes: smallvec::SmallVec<[Shape; 4]> =
            node.operands.iter().map(|&operand| graph.node(operand).shape).collect();
        let columns_only = shapes.iter().all(|&shape| per_column(shape) || !shape.depends_on_m());
        if node.op.is_source() {
            Class::Source
        } else if is_contraction(&node.op, &shapes, node.shape) {
            Class::Contraction
        } else if node.operands.is_empty() {
            Class::Whole // an operation without operands cannot know which columns a tile has
        } else if per_column(node.shape) && columns_only && node.op.rule().keeps_columns_apart(&shapes) {
            Class::PerColumn
        } else {
            Class::Whole
        }
    };
    (0..graph.nodes.len()).map(class).collect()
}

/// The segment of every node: even ones are whole, odd ones loop over tiles.
fn assign<T: Scalar>(graph: &Graph<T>, classes: &[Class]) -> Vec<u32> {
    let mut segment_of: Vec<u32> = Vec::with_capacity(classes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        // The first segment in which the operand's value can be used by a whole step, and by a loop.
        let ready = |&operand: &u32| match (classes[operand as usize], segment_of[operand as usize]) {
            (Class::Source, _) => (0, 1),
            (Class::Whole, at) => (at, at + 1),
            (Class::PerColumn, at) => (at + 1, at),
            (Class::Contraction, at) => (at + 1, at + 2),
        };
        let (whole, tiled) = node
            .operands
            .iter()
            .map(ready)
            .fold((0, 1), |(a, b), (whole, tiled)| (a.max(whole), b.max(tiled)));
        segment_of.push(match classes[id] {
            Class::Source => BEFORE,
            Class::Whole => whole,
            Class::PerColumn | Class::Contraction => tiled,
        });
    }
    segment_of
}

/// Stage 3: which nodes run whole, and which in loops over tiles; all whole, if the program is not to be fused.
pub(in crate::program) fn schedule<T: Scalar>(graph: &Graph<T>, fusion: bool) -> Schedule<T> {
    if fusion { in_loops(graph) } else { all_whole(graph) }
}

/// Every node whole, in the graph's order.
fn all_whole<T: Scalar>(graph: &Graph<T>) -> Schedule<T> {
    let count = graph.nodes.len();
    let is_source = |id: &u32| graph.node(*id).op.is_source();
    let ids = 0..count as u32;
    let class = |id| if is_source(&id) { Class::Source } else { Class::Whole };
    Schedule {
        segments: vec![Scheduled { tiled: false, nodes: ids.clone().filter(|id| !is_source(id)).collect() }],
        classes: ids.clone().map(class).collect(),
        only_use: vec![None; count],
        folded: vec![None; count],
        segment_of: ids.map(|id| if is_source(&id) { BEFORE } else { 0 }).collect(),
    }
}

fn in_loops<T: Scalar>(graph: &Graph<T>) -> Schedule<T> {
    let classes = classify(graph);
    let mut segment_of = assign(graph, &classes);
    let only_use = only_uses(graph);
    let folded = fold_factors(graph, &classes, &only_use);
    let mut is_scaled_contraction = vec![false; classes.len()];
    for (id, fold) in folded.iter().enumerate() {
        if let Some((scaled, _)) = fold {
            segment_of[*scaled as usize] = segment_of[id];
            is_scaled_contraction[*scaled as usize] = true;
        }
    }
    let count = segment_of.iter().filter(|&&at| at != BEFORE).max().map_or(0, |&last| last as usize + 1);
    let empty = |at: usize| Scheduled { tiled: at % 2 == 1, nodes: Vec::new() };
    let mut segments: Vec<Scheduled> = (0..count).map(empty).collect();
    for id in order(graph) {
        let at = segment_of[id as usize];
        if at != BEFORE && !is_scaled_contraction[id as usize] {
            segments[at as usize].nodes.push(id);
        }
    }
    Schedule { segments, classes, only_use, folded, segment_of }
}

/// c·mᵏ · (D * Aᵀ) becomes the product's own scaling, where nothing else uses D * Aᵀ.
fn fold_factors<T: Scalar>(
    graph: &Graph<T>,
    classes: &[Class],
    only_use: &[Option<u32>],
) -> Vec<Option<(u32, Scaling<T>)>> {
    let mut folded = vec![None; classes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        if let (Some(scaling), &[operand]) = (node.op.scaling(), node.operands.as_slice())
            && classes[operand as usize] == Class::Contraction
            && only_use[operand as usize].is_some()
        {
            folded[operand as usize] = Some((id as u32, scaling));
        }
    }
    folded
}

/// The graph's order, but g′(z) directly after g(z), so that the two can share a pass and an exponential.
fn order<T: Scalar>(graph: &Graph<T>) -> Vec<u32> {
    let mut order = Vec::with_capacity(graph.nodes.len());
    let mut placed = vec![false; graph.nodes.len()];
    for id in 0..graph.nodes.len() as u32 {
        if std::mem::replace(&mut placed[id as usize], true) {
            continue;
        }
        order.push(id);
        if let Some(derivative) = graph.derivative_node(id)
            && !std::mem::replace(&mut placed[derivative as usize], true)
        {
            order.push(derivative);
        }
    }
    order
}
