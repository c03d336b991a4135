//! Stage 4: in which company the nodes run: alone, in a pass over sections, or in a product that
//! takes up what follows it.

use crate::ops::scale::Scaling;
use crate::program::code::EpilogueKind;
use crate::program::code::{Instruction, OnNodes, PassNodes, SumNodes};
use crate::program::compile::epilogue::epilogue_of;
use crate::program::compile::graph::{Graph, Node};
use crate::program::compile::schedule::{Class, Schedule, Scheduled};
use crate::program::compile::verify;
use crate::program::ids::NodeId;
use crate::program::pass::{INPUTS, LONGEST};
use crate::tape::ids::IdVec;
use crate::{Scalar, Shape};

/// A step, by its nodes.
pub(crate) type Planned<T> = Instruction<T, OnNodes>;

/// The steps of a run of whole steps, or of a loop over tiles.
#[derive(Debug)]
pub(crate) struct Steps<T: Scalar> {
    pub(crate) tiled: bool,
    pub(crate) steps: Vec<Planned<T>>,
}

/// Stage 4: the steps of every segment. Outside of loops every node is a step.
pub(crate) fn fuse<T: Scalar>(graph: &Graph<T>, schedule: &Schedule<T>) -> Vec<Steps<T>> {
    let steps = |Scheduled { tiled, nodes }: &Scheduled| Steps {
        tiled: *tiled,
        steps: match tiled {
            true => Loop { graph, schedule }.fuse(nodes),
            false => {
                let computed = nodes.iter().filter(|&&node| graph.holder(node) == node);
                computed.map(|&node| single(graph, node)).collect()
            }
        },
    };
    let segments: Vec<Steps<T>> = schedule.segments.iter().map(steps).collect();
    verify::stage("fuse", || verify::steps(graph, &segments));
    segments
}

/// A node by its own kernel.
fn single<T: Scalar>(graph: &Graph<T>, node: NodeId) -> Planned<T> {
    let Node { op, operands, .. } = graph.node(node);
    Instruction::Single { node, op: op.clone(), operands: operands.iter().copied().collect(), out: node }
}

/// The elementwise nodes that are collected for one pass.
struct Open {
    shape: Shape,
    nodes: Vec<NodeId>,
    sums: Vec<NodeId>,
    /// What comes from outside.
    inputs: Vec<NodeId>,
}

impl Open {
    fn new(shape: Shape) -> Self {
        Open { shape, nodes: Vec::new(), sums: Vec::new(), inputs: Vec::new() }
    }

    /// Whether a node of this shape and so many operands fits in.
    fn has_room(&self, shape: Shape, operands: usize) -> bool {
        self.shape == shape && self.nodes.len() < LONGEST && self.inputs.len() + operands <= INPUTS
    }

    fn add<T: Scalar>(&mut self, graph: &Graph<T>, id: NodeId, in_open: &IdVec<NodeId, bool>) {
        self.nodes.push(id);
        for &operand in &graph.node(id).operands {
            if !in_open[operand] && !self.inputs.contains(&operand) {
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

/// A product, the node that it takes up, and the other operand of that.
struct TakenUp {
    node: NodeId,
    other: NodeId,
    epilogue: EpilogueKind,
}

impl<T: Scalar> Loop<'_, T> {
    /// Groups the nodes: elementwise nodes of one shape gather until something outside needs one of
    /// them.
    fn fuse(&self, nodes: &[NodeId]) -> Vec<Planned<T>> {
        let Loop { graph, schedule: Schedule { classes, .. } } = *self;
        let mut steps = Vec::new();
        let mut open: Option<Open> = None;
        let mut in_open = IdVec::filled(false, graph.nodes.len());
        // Whether the nodes' steps are planned, or they are in the open pass.
        let mut is_planned = IdVec::filled(false, graph.nodes.len());
        for &id in nodes {
            if std::mem::replace(&mut is_planned[id], true) {
                continue; // a product has taken it up
            }
            if graph.holder(id) != id {
                continue; // it is read where its operand is
            }
            let node = graph.node(id);
            let taken_up = self.taken_up(id, &is_planned);
            let mut reads = node.operands.iter().copied().chain(taken_up.as_ref().map(|taken| taken.other));
            let needs_open = reads.any(|operand| in_open[graph.holder(operand)]);
            // A fold of what is in the open pass is no value of that pass.
            let is_of_pass = |&operand: &NodeId| in_open[operand] || !in_open[graph.holder(operand)];
            let has_operands_of_pass = node.operands.iter().all(is_of_pass);
            let elementwise = node.op.rule().elementwise().is_some()
                && classes[id] == Class::PerColumn
                && node.operands.len() <= INPUTS;
            let joins = open.as_ref().is_some_and(|open| open.has_room(node.shape, node.operands.len()));
            let is_sum = classes[id] == Class::Contraction && node.op.is_sum_over_columns();
            if is_sum && needs_open && has_operands_of_pass {
                open.as_mut().expect("its operand is in it").sums.push(id);
            } else if elementwise && joins && has_operands_of_pass {
                open.as_mut().expect("it is open").add(graph, id, &in_open);
                in_open[id] = true;
            } else {
                if elementwise || needs_open {
                    self.close(&mut open, &mut in_open, &mut steps);
                }
                if elementwise {
                    open.insert(Open::new(node.shape)).add(graph, id, &in_open);
                    in_open[id] = true;
                } else if classes[id] == Class::Contraction {
                    steps.push(self.accumulate(id));
                } else if let Some(taken_up) = taken_up {
                    is_planned[taken_up.node] = true;
                    steps.push(self.product(id, taken_up));
                } else {
                    steps.push(single(graph, id));
                }
            }
        }
        self.close(&mut open, &mut in_open, &mut steps);
        steps
    }

    /// What a product can take up: the node that uses it alone, if that node's other operand is
    /// there before it.
    fn taken_up(&self, product: NodeId, is_planned: &IdVec<NodeId, bool>) -> Option<TakenUp> {
        if self.schedule.classes[product] != Class::PerColumn
            || self.graph.node(product).op.matmul().is_none()
        {
            return None;
        }
        let node = self.schedule.only_use[product]?;
        let (epilogue, other) = epilogue_of(self.graph, product, node)?;
        let segment = |id: NodeId| self.schedule.segment_of[id];
        let is_there = segment(other) != segment(product) || is_planned[other];
        (segment(node) == segment(product) && is_there).then_some(TakenUp { node, other, epilogue })
    }

    fn product(&self, product: NodeId, TakenUp { node, other, epilogue }: TakenUp) -> Planned<T> {
        let Node { op, operands, .. } = self.graph.node(product);
        let matmul = op.matmul().expect("what takes up another node is a product");
        let operands = [operands[0], operands[1], other];
        Instruction::Product { product, node, matmul, epilogue, operands, out: node }
    }

    fn accumulate(&self, contraction: NodeId) -> Planned<T> {
        let Node { op, operands, .. } = self.graph.node(contraction);
        let SumNodes { result, scaling, .. } = self.sum(contraction);
        let operands = operands.iter().copied().collect();
        Instruction::Accumulate { contraction, node: result, op: op.clone(), operands, sum: result, scaling }
    }

    /// A contraction with what scales it.
    fn sum(&self, contraction: NodeId) -> SumNodes<T> {
        let folded = self.schedule.folded[contraction];
        let (result, scaling) = folded.unwrap_or((contraction, Scaling::ONE));
        SumNodes { contraction, result, scaling }
    }

    fn close(&self, open: &mut Option<Open>, in_open: &mut IdVec<NodeId, bool>, steps: &mut Vec<Planned<T>>) {
        if let Some(Open { nodes, sums, inputs, .. }) = open.take() {
            nodes.iter().for_each(|&id| in_open[id] = false);
            let sums = sums.into_iter().map(|sum| self.sum(sum)).collect();
            let node = *nodes.last().expect("a pass has nodes");
            steps.push(Instruction::Pass { node, pass: PassNodes { inputs, nodes, sums } });
        }
    }
}
