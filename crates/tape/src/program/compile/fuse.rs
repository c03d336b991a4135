//! Stage 4: in which company the nodes run: alone, in a pass over blocks, or in a product that takes up what follows it.

use crate::program::compile::epilogue::{Next, next_of};
use crate::program::compile::graph::Graph;
use crate::program::compile::schedule::{Class, Schedule, Scheduled};
use crate::program::pass::{INPUTS, LONGEST};
use crate::{Dim, Scalar};

/// The steps of a run of whole steps, or of a loop over tiles.
#[derive(Debug)]
pub(crate) struct Steps {
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
    Pass { nodes: Vec<u32>, sums: Vec<u32> },
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

/// Stage 4: the steps of every segment. Outside of loops every node is a step.
pub(crate) fn fuse<T: Scalar>(graph: &Graph<T>, schedule: &Schedule<T>) -> Vec<Steps> {
    let steps = |Scheduled { tiled, nodes }: &Scheduled| Steps {
        tiled: *tiled,
        steps: match tiled {
            true => Loop { graph, schedule }.fuse(nodes),
            false => nodes.iter().map(|&node| Planned::Single(node)).collect(),
        },
    };
    schedule.segments.iter().map(steps).collect()
}

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
    schedule: &'g Schedule<T>,
}

impl<T: Scalar> Loop<'_, T> {
    /// Groups the nodes: entrywise nodes of one shape gather until something outside needs one of them.
    fn fuse(&self, nodes: &[u32]) -> Vec<Planned> {
        let Loop { graph, schedule: Schedule { classes, .. } } = *self;
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
            let is_sum = classes[id as usize] == Class::Contraction && node.op.is_sum_over_columns();
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
        if self.schedule.classes[product as usize] != Class::PerColumn
            || self.graph.node(product).op.matmul().is_none()
        {
            return None;
        }
        let node = self.schedule.only_use[product as usize]?;
        let (next, other) = next_of(self.graph, product, node)?;
        let segment = |id: u32| self.schedule.segment_of[id as usize];
        let is_there = segment(other) != segment(product) || is_planned[other as usize];
        (segment(node) == segment(product) && is_there).then_some(Epilogued { product, next, node, other })
    }
}

fn close(open: &mut Option<Open>, in_open: &mut [bool], steps: &mut Vec<Planned>) {
    if let Some(Open { nodes, sums, .. }) = open.take() {
        nodes.iter().for_each(|&id| in_open[id as usize] = false);
        steps.push(Planned::Pass { nodes, sums });
    }
}
