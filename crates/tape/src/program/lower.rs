//! From a tape to the graph that a program executes: only what the outputs need, rewritten as it is built.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::op::{Op, equal_by};
use crate::ops::log_loss::SigmoidMinus;
use crate::ops::map::Map;
use crate::program::rewrite;
use crate::tape::Ids;
use crate::{Scalar, Shape, Tape, Var};

/// A node of the graph: an operation on earlier nodes, as in the tape.
#[derive(Debug, Clone)]
pub(crate) struct Node<T: Scalar> {
    pub(crate) op: Op<T>,
    pub(crate) operands: Ids,
    pub(crate) shape: Shape,
}

equal_by!(Node: op, operands);

/// Whether a node is the value of the tape's entry that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Whole,
    Part,
}

/// The graph under construction. Equal nodes are one node.
#[derive(Debug, Clone)]
pub(crate) struct Graph<T: Scalar> {
    pub(crate) nodes: IndexSet<Node<T>, FxBuildHasher>,
    /// For every node the tape's entry that it was made for, and whether it is all of it or, after a rewrite, a part.
    pub(crate) origins: Vec<(u32, Origin)>,
    /// For every output its node.
    pub(crate) outputs: Vec<u32>,
    /// The entry that is being lowered.
    origin: u32,
    rewrites: bool,
}

impl<T: Scalar> Graph<T> {
    /// Lowers what the outputs need.
    pub(crate) fn lower(tape: &Tape<T>, outputs: &[Var<'_, T>], rewrites: bool) -> Self {
        let list = tape.list.borrow();
        let end = outputs.iter().map(|v| v.id as usize + 1).max().unwrap_or(0);
        let live = needed_by(outputs.iter().map(|v| v.id), end, |id| &list.entry(id).operands);
        let needed = live.iter().filter(|&&live| live).count();
        let mut graph = Graph {
            nodes: IndexSet::with_capacity_and_hasher(needed, FxBuildHasher),
            origins: Vec::with_capacity(needed),
            outputs: Vec::new(),
            origin: 0,
            rewrites,
        };
        let mut node_of = vec![u32::MAX; end];
        for id in (0..end).filter(|&id| live[id]) {
            let entry = list.entry(id as u32);
            graph.origin = id as u32;
            let operands: Ids = entry.operands.iter().map(|&operand| node_of[operand as usize]).collect();
            let node = graph.record(entry.op.clone(), operands);
            node_of[id] = node;
            let origin = &mut graph.origins[node as usize];
            if origin.1 == Origin::Part {
                *origin = (id as u32, Origin::Whole);
            }
        }
        graph.outputs = outputs.iter().map(|v| node_of[v.id as usize]).collect();
        graph.without_dead_nodes()
    }

    /// Adds a node, or what a rewrite makes of it.
    pub(crate) fn record(&mut self, op: Op<T>, operands: Ids) -> u32 {
        if self.rewrites
            && let Some(better) = rewrite::rewrite(self, &op, &operands)
        {
            return better;
        }
        self.insert(op, operands)
    }

    fn insert(&mut self, op: Op<T>, operands: Ids) -> u32 {
        let shapes: smallvec::SmallVec<[Shape; 4]> = operands.iter().map(|&id| self.node(id).shape).collect();
        let shape = op.rule().shape(&shapes).expect("a rewrite keeps shapes sound");
        let (index, new) = self.nodes.insert_full(Node { op, operands, shape });
        if new {
            self.origins.push((self.origin, Origin::Part));
        }
        index as u32
    }

    /// The node g′(z), if `id` is g(z) and a kernel computes both together; or the derivative of the log-loss of logits.
    pub(crate) fn derivative_node(&self, id: u32) -> Option<u32> {
        let node = self.node(id);
        let derivative = match &node.op {
            Op::Map(Map(g)) => Map(g.paired_derivative()?).into(),
            Op::LogLossOnLogits(_) => SigmoidMinus.into(),
            _ => return None,
        };
        self.find(derivative, &node.operands)
    }

    /// The node with this operation and these operands, if there is one.
    pub(crate) fn find(&self, op: Op<T>, operands: &Ids) -> Option<u32> {
        // Equality is by operation and operands alone.
        let node = Node { op, operands: operands.clone(), shape: Shape::SCALAR };
        self.nodes.get_index_of(&node).map(|index| index as u32)
    }

    pub(crate) fn node(&self, id: u32) -> &Node<T> {
        self.nodes.get_index(id as usize).expect("a node of this graph")
    }

    /// Floating-point operations of a node, for m examples.
    pub(crate) fn flops(&self, node: &Node<T>, m: usize) -> u64 {
        let shapes: smallvec::SmallVec<[(usize, usize); 4]> =
            node.operands.iter().map(|&operand| self.node(operand).shape.at(m)).collect();
        node.op.rule().flops(&shapes, node.shape.at(m))
    }

    /// Drops the nodes that rewrites have left without use.
    fn without_dead_nodes(self) -> Self {
        let outputs = self.outputs.iter().copied();
        let live = needed_by(outputs, self.nodes.len(), |id| &self.node(id).operands);
        if live.iter().all(|&live| live) {
            return self;
        }
        let mut new_id = vec![u32::MAX; self.nodes.len()];
        let needed = live.iter().filter(|&&live| live).count();
        let mut nodes = IndexSet::with_capacity_and_hasher(needed, FxBuildHasher);
        let mut origins = Vec::with_capacity(needed);
        for (id, (mut node, origin)) in self.nodes.into_iter().zip(self.origins).enumerate() {
            if live[id] {
                node.operands.iter_mut().for_each(|operand| *operand = new_id[*operand as usize]);
                new_id[id] = nodes.len() as u32;
                nodes.insert(node);
                origins.push(origin);
            }
        }
        let outputs = self.outputs.iter().map(|&output| new_id[output as usize]).collect();
        Graph { nodes, origins, outputs, origin: self.origin, rewrites: self.rewrites }
    }
}

/// For each of the first `count` of a list: whether the outputs need it.
fn needed_by<'a>(
    outputs: impl Iterator<Item = u32>,
    count: usize,
    operands: impl Fn(u32) -> &'a Ids,
) -> Vec<bool> {
    let mut needed = vec![false; count];
    outputs.for_each(|output| needed[output as usize] = true);
    for id in (0..count).rev() {
        if needed[id] {
            operands(id as u32).iter().for_each(|&operand| needed[operand as usize] = true);
        }
    }
    needed
}
