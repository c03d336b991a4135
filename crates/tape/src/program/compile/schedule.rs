//! In which order and in which company the nodes run: whole, or tile by tile of example columns, alone or fused.
//!
//! A node is *per column* if its shape is n × m and column j of it needs only the j-th columns of what has one column per
//! example. It is a *contraction* if it sums per-column values over the examples: D * Aᵀ and Σᵢ. Everything else runs whole.
//! Nodes are put into segments that alternate: whole steps, a loop over tiles, whole steps, and so on. A loop computes
//! per-column values and accumulates contractions, whose sums exist only after it; a per-column node that needs such a sum
//! falls to the next loop. In a loop a product takes up what is done to its result, if it can as it stores it.

use crate::op::{Op, Over};
use crate::ops::matmul::Matmul;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::scale::{Scale, Scaling};
use crate::program::compile::epilogue::{Next, next_of, only_uses};
use crate::program::compile::lower::Graph;
use crate::{Dim, Scalar, Shape};

/// The steps of a program, segment by segment.
#[derive(Debug)]
pub(crate) struct Schedule<T: Scalar> {
    pub(crate) segments: Vec<Segment>,
    /// For contractions whose only use is to be scaled: the scaling node and how it scales.
    pub(crate) folded: Vec<Option<(u32, Scaling<T>)>>,
    /// For every node the segment that computes it; leaves and numbers have none.
    pub(crate) segment_of: Vec<u32>,
}

/// A run of whole steps, or a loop over tiles.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) tiled: bool,
    pub(crate) steps: Vec<Planned>,
}

/// A step, by its nodes.
#[derive(Debug)]
pub(crate) enum Planned {
    /// One node by its own kernel.
    Single(u32),
    /// A product and the only node that uses it.
    Product(Epilogued),
    /// Entrywise nodes of one shape in one pass, and contractions that sum what the pass makes.
    Fused { nodes: Vec<u32>, sums: Vec<u32> },
    /// A contraction, added up tile by tile.
    Accumulate(u32),
}

/// A product, and what it does to its entries as it stores them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epilogued {
    pub(crate) product: u32,
    pub(crate) next: Next,
    /// The node whose value is stored.
    pub(crate) node: u32,
    /// Its other operand.
    pub(crate) other: u32,
}

/// No segment: the value is there before the program runs.
pub(crate) const BEFORE: u32 = u32::MAX;

/// How a node depends on the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
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
    let columns = shapes.iter().all(|&shape| per_column(shape)) && !out.depends_on_m();
    match op {
        Op::Matmul(Matmul { left: false, right: true }) => columns,
        Op::Reduce(Reduce { reduction: Reduction::Sum, over: Over::Columns | Over::All }) => columns,
        _ => false,
    }
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

impl<T: Scalar> Schedule<T> {
    /// Every node by itself and whole, in the graph's order.
    pub(crate) fn literal(graph: &Graph<T>) -> Self {
        let source = |id: u32| graph.node(id).op.is_source();
        let ids = 0..graph.nodes.len() as u32;
        let steps = ids.clone().filter(|&id| !source(id)).map(Planned::Single).collect();
        Schedule {
            segments: vec![Segment { tiled: false, steps }],
            folded: vec![None; graph.nodes.len()],
            segment_of: ids.map(|id| if source(id) { BEFORE } else { 0 }).collect(),
        }
    }

    /// Tiled and fused.
    pub(crate) fn fused(graph: &Graph<T>) -> Self {
        let classes = classify(graph);
        let mut segment_of = assign(graph, &classes);
        let only_use = only_uses(graph);
        let folded = fold_factors(graph, &classes, &only_use);
        for (id, fold) in folded.iter().enumerate() {
            if let Some((scaled, _)) = fold {
                segment_of[*scaled as usize] = segment_of[id];
            }
        }
        let is_scaled_contraction = {
            let mut mark = vec![false; classes.len()];
            folded.iter().flatten().for_each(|(scaled, _)| mark[*scaled as usize] = true);
            mark
        };
        let count = segment_of.iter().filter(|&&at| at != BEFORE).max().map_or(0, |&last| last as usize + 1);
        let mut nodes_of: Vec<Vec<u32>> = vec![Vec::new(); count];
        for id in order(graph) {
            let at = segment_of[id as usize];
            if at != BEFORE && !is_scaled_contraction[id as usize] {
                nodes_of[at as usize].push(id);
            }
        }
        let segment = |(at, nodes): (usize, Vec<u32>)| {
            let tiled = at % 2 == 1;
            let steps = match tiled {
                true => Loop { graph, classes: &classes, only_use: &only_use, segment_of: &segment_of }
                    .fuse(&nodes),
                false => nodes.into_iter().map(Planned::Single).collect(),
            };
            Segment { tiled, steps }
        };
        let segments = nodes_of.into_iter().enumerate().map(segment).collect();
        Schedule { segments, folded, segment_of }
    }
}

/// c·mᵏ · (D * Aᵀ) becomes the product's own scaling, where nothing else uses D * Aᵀ.
fn fold_factors<T: Scalar>(
    graph: &Graph<T>,
    classes: &[Class],
    only_use: &[Option<u32>],
) -> Vec<Option<(u32, Scaling<T>)>> {
    let mut folded = vec![None; classes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        if let (Op::Scale(Scale(scaling)), &[operand]) = (&node.op, node.operands.as_slice())
            && classes[operand as usize] == Class::Contraction
            && only_use[operand as usize].is_some()
        {
            folded[operand as usize] = Some((id as u32, *scaling));
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

/// A pass of more operations gains nothing, and assembling it would take long.
pub(crate) const LONGEST: usize = 24;
/// The most values that a pass takes from outside, so that a list of them needs no allocation.
pub(crate) const INPUTS: usize = 24;

/// The entrywise nodes that are collected for one pass.
struct Open {
    rows: Dim,
    nodes: Vec<u32>,
    sums: Vec<u32>,
    /// What comes from outside.
    inputs: Vec<u32>,
}

impl Open {
    fn new(rows: Dim) -> Self {
        Open { rows, nodes: Vec::new(), sums: Vec::new(), inputs: Vec::new() }
    }

    /// Whether a node of so many operands fits in.
    fn has_room(&self, rows: Dim, operands: usize) -> bool {
        self.rows == rows && self.nodes.len() < LONGEST && self.inputs.len() + operands <= INPUTS
    }

    fn add<T: Scalar>(&mut self, graph: &Graph<T>, id: u32, in_open: &[bool]) {
        self.nodes.push(id);
        for &operand in &graph.node(id).operands {
            if !in_open[operand as usize] && !self.inputs.contains(&operand) {
                self.inputs.push(operand);
            }
        }
    }
}

/// What is known of the nodes of a loop.
struct Loop<'g, T: Scalar> {
    graph: &'g Graph<T>,
    classes: &'g [Class],
    only_use: &'g [Option<u32>],
    segment_of: &'g [u32],
}

impl<T: Scalar> Loop<'_, T> {
    /// Groups the nodes: entrywise nodes of one shape gather until something outside needs one of them.
    fn fuse(&self, nodes: &[u32]) -> Vec<Planned> {
        let Loop { graph, classes, .. } = *self;
        let mut steps = Vec::new();
        let mut open: Option<Open> = None;
        let mut in_open = vec![false; graph.nodes.len()];
        // Whether the nodes' steps are planned, or they are in the open pass.
        let mut is_planned = vec![false; graph.nodes.len()];
        for &id in nodes {
            if std::mem::replace(&mut is_planned[id as usize], true) {
                continue; // a product has taken it up
            }
            let node = graph.node(id);
            let epilogued = self.epilogued(id, &is_planned);
            let reads = node.operands.iter().copied().chain(epilogued.map(|product| product.other));
            let needs_open = reads.into_iter().any(|operand| in_open[operand as usize]);
            let entrywise = node.op.rule().entrywise().is_some()
                && classes[id as usize] == Class::PerColumn
                && node.operands.len() <= INPUTS;
            let joins = open.as_ref().is_some_and(|open| open.has_room(node.shape.rows, node.operands.len()));
            let is_sum = matches!(node.op, Op::Reduce(_)) && classes[id as usize] == Class::Contraction;
            if is_sum && needs_open {
                open.as_mut().expect("its operand is in it").sums.push(id);
            } else if entrywise && joins {
                open.as_mut().expect("it is open").add(graph, id, &in_open);
                in_open[id as usize] = true;
            } else {
                if entrywise || needs_open {
                    close(&mut open, &mut in_open, &mut steps);
                }
                if entrywise {
                    open.insert(Open::new(node.shape.rows)).add(graph, id, &in_open);
                    in_open[id as usize] = true;
                } else if classes[id as usize] == Class::Contraction {
                    steps.push(Planned::Accumulate(id));
                } else if let Some(product) = epilogued {
                    is_planned[product.node as usize] = true;
                    steps.push(Planned::Product(product));
                } else {
                    steps.push(Planned::Single(id));
                }
            }
        }
        close(&mut open, &mut in_open, &mut steps);
        steps
    }

    /// The product with what it can take up: the node that uses it alone, if that node's other operand is there before it.
    fn epilogued(&self, product: u32, is_planned: &[bool]) -> Option<Epilogued> {
        if self.classes[product as usize] != Class::PerColumn
            || !matches!(self.graph.node(product).op, Op::Matmul(_))
        {
            return None;
        }
        let node = self.only_use[product as usize]?;
        let (next, other) = next_of(self.graph, product, node)?;
        let segment = |id: u32| self.segment_of[id as usize];
        let is_there = segment(other) != segment(product) || is_planned[other as usize];
        (segment(node) == segment(product) && is_there).then_some(Epilogued { product, next, node, other })
    }
}

fn close(open: &mut Option<Open>, in_open: &mut [bool], steps: &mut Vec<Planned>) {
    if let Some(Open { nodes, sums, .. }) = open.take() {
        nodes.iter().for_each(|&id| in_open[id as usize] = false);
        steps.push(Planned::Fused { nodes, sums });
    }
}
