//! Stage 3: in which order the nodes run, whole or tile by tile of example columns.
//!
//! A node is *per column* if its shape is n × m and column j of it needs only the j-th columns of
//! what has one column per example. It is a *contraction* if it sums per-column values over the
//! examples: D * Aᵀ and Σᵢ. Everything else runs whole. Nodes are put into segments that alternate:
//! whole steps, a loop over tiles, whole steps, and so on. A loop computes per-column values and
//! accumulates contractions, whose sums exist only after it; a per-column node that needs such a
//! sum falls to the next loop.

use crate::ops::Op;
use crate::ops::scale::Scaling;
use crate::program::compile::epilogue::only_uses;
use crate::program::compile::graph::{Graph, Node};
use crate::program::compile::verify;
use crate::program::ids::NodeId;
use crate::tape::ids::IdVec;
use crate::{Scalar, Shape};

/// The nodes of a program, segment by segment.
#[derive(Debug)]
pub(in crate::program) struct Schedule<T: Scalar> {
    pub(in crate::program) segments: Vec<Scheduled>,
    /// For every node how it depends on the examples.
    pub(in crate::program) classes: IdVec<NodeId, Class>,
    /// For every node its only use.
    pub(in crate::program) only_use: IdVec<NodeId, Option<NodeId>>,
    /// For contractions whose only use is to be scaled: the scaling node and how it scales.
    pub(in crate::program) folded: IdVec<NodeId, Option<(NodeId, Scaling<T>)>>,
    /// For every node the segment that computes it; leaves and numbers have none.
    pub(in crate::program) segment_of: IdVec<NodeId, Option<usize>>,
}

/// The nodes of a run of whole steps, or of a loop over tiles, in their order.
#[derive(Debug)]
pub(in crate::program) struct Scheduled {
    pub(in crate::program) tiled: bool,
    pub(in crate::program) nodes: Vec<NodeId>,
}

/// How a node depends on the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::program) enum Class {
    Source,
    Whole,
    PerColumn,
    Contraction,
}

/// Whether the node sums per-column operands over the examples.
fn is_contraction<T: Scalar>(op: &Op<T>, shapes: &[Shape], out: Shape) -> bool {
    shapes.iter().all(|shape| shape.is_per_example())
        && !out.depends_on_m()
        && op.rule().contraction().is_some()
}

fn classify<T: Scalar>(graph: &Graph<T>) -> IdVec<NodeId, Class> {
    let class = |node: &Node<T>| {
        let shapes: smallvec::SmallVec<[Shape; 4]> =
            node.operands.iter().map(|&operand| graph.node(operand).shape).collect();
        let columns_only = shapes.iter().all(|shape| shape.is_per_example() || !shape.depends_on_m());
        if node.op.is_source() {
            Class::Source
        } else if is_contraction(&node.op, &shapes, node.shape) {
            Class::Contraction
        } else if node.operands.is_empty() {
            Class::Whole // an operation without operands cannot know which columns a tile has
        } else if node.shape.is_per_example() && columns_only && node.op.rule().is_columnwise(&shapes) {
            Class::PerColumn
        } else {
            Class::Whole
        }
    };
    graph.nodes.iter().map(class).collect()
}

/// The segment of every node, none for sources: even ones are whole, odd ones loop over tiles.
fn assign<T: Scalar>(graph: &Graph<T>, classes: &IdVec<NodeId, Class>) -> IdVec<NodeId, Option<usize>> {
    let mut segment_of: IdVec<NodeId, Option<usize>> = Vec::with_capacity(classes.len()).into();
    for (id, node) in graph.nodes.enumerated() {
        // The first segment in which the operand's value can be used by a whole step, and by a
        // loop.
        let ready = |&operand: &NodeId| match (classes[operand], segment_of[operand]) {
            (Class::Source, _) | (_, None) => (0, 1),
            (Class::Whole, Some(at)) => (at, at + 1),
            (Class::PerColumn, Some(at)) => (at + 1, at),
            (Class::Contraction, Some(at)) => (at + 1, at + 2),
        };
        let (whole, tiled) = node
            .operands
            .iter()
            .map(ready)
            .fold((0, 1), |(a, b), (whole, tiled)| (a.max(whole), b.max(tiled)));
        segment_of.push(match classes[id] {
            Class::Source => None,
            Class::Whole => Some(whole),
            Class::PerColumn | Class::Contraction => Some(tiled),
        });
    }
    segment_of
}

/// Stage 3: which nodes run whole, and which in loops over tiles; all whole, if the program is not
/// to be fused.
pub(in crate::program) fn schedule<T: Scalar>(graph: &Graph<T>, fusion: bool) -> Schedule<T> {
    let schedule = if fusion { in_loops(graph) } else { all_whole(graph) };
    verify::stage("schedule", || verify::schedule(graph, &schedule));
    schedule
}

/// Every node whole, in the graph's order.
fn all_whole<T: Scalar>(graph: &Graph<T>) -> Schedule<T> {
    let count = graph.nodes.len();
    let is_source = |id: &NodeId| graph.node(*id).op.is_source();
    let ids = graph.nodes.ids();
    let class = |id| if is_source(&id) { Class::Source } else { Class::Whole };
    Schedule {
        segments: vec![Scheduled { tiled: false, nodes: ids.clone().filter(|id| !is_source(id)).collect() }],
        classes: ids.clone().map(class).collect(),
        only_use: IdVec::filled(None, count),
        folded: IdVec::filled(None, count),
        segment_of: ids.map(|id| (!is_source(&id)).then_some(0)).collect(),
    }
}

fn in_loops<T: Scalar>(graph: &Graph<T>) -> Schedule<T> {
    let classes = classify(graph);
    let mut segment_of = assign(graph, &classes);
    let only_use = only_uses(graph);
    let folded = fold_factors(graph, &classes, &only_use);
    let mut is_scaled_contraction: IdVec<NodeId, bool> = IdVec::filled(false, classes.len());
    for (id, fold) in folded.enumerated() {
        if let Some((scaled, _)) = fold {
            segment_of[*scaled] = segment_of[id];
            is_scaled_contraction[*scaled] = true;
        }
    }
    let count = segment_of.iter().flatten().max().map_or(0, |last| last + 1);
    let empty = |at: usize| Scheduled { tiled: at % 2 == 1, nodes: Vec::new() };
    let mut segments: Vec<Scheduled> = (0..count).map(empty).collect();
    for id in order(graph) {
        if let Some(at) = segment_of[id].filter(|_| !is_scaled_contraction[id]) {
            segments[at].nodes.push(id);
        }
    }
    Schedule { segments, classes, only_use, folded, segment_of }
}

/// c·mᵏ · (D * Aᵀ) becomes the product's own scaling, where nothing else uses D * Aᵀ.
fn fold_factors<T: Scalar>(
    graph: &Graph<T>,
    classes: &IdVec<NodeId, Class>,
    only_use: &IdVec<NodeId, Option<NodeId>>,
) -> IdVec<NodeId, Option<(NodeId, Scaling<T>)>> {
    let mut folded = IdVec::filled(None, classes.len());
    for (id, node) in graph.nodes.enumerated() {
        if let (Some(scaling), &[operand]) = (node.op.scaling(), node.operands.as_slice())
            && classes[operand] == Class::Contraction
            && only_use[operand].is_some()
        {
            folded[operand] = Some((id, scaling));
        }
    }
    folded
}

/// The graph's order, but g′(z) directly after g(z), so that the two can share a pass and an
/// exponential.
fn order<T: Scalar>(graph: &Graph<T>) -> Vec<NodeId> {
    let mut order = Vec::with_capacity(graph.nodes.len());
    let mut placed: IdVec<NodeId, bool> = IdVec::filled(false, graph.nodes.len());
    for id in graph.nodes.ids() {
        if std::mem::replace(&mut placed[id], true) {
            continue;
        }
        order.push(id);
        if let Some(derivative) = graph.derivative_node(id)
            && !std::mem::replace(&mut placed[derivative], true)
        {
            order.push(derivative);
        }
    }
    order
}
