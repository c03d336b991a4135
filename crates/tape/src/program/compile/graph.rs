//! The graph that a program computes: what lowering makes of a tape, and what the later stages
//! read.

use rustc_hash::FxHashSet;
use smallvec::smallvec;

use crate::ops::Op;
use crate::ops::map::{Function, Map};
use crate::program::compile::about::{About, Origin};
use crate::program::ids::NodeId;
use crate::tape::List;
use crate::tape::dag::{self, Dag};
use crate::tape::ids::{EntryIndex, Id, IdVec, LeafIndex};
use crate::{Scalar, Shape};

/// A node of the graph.
pub(crate) type Node<T> = dag::Node<T, NodeId>;

/// The operands of a node.
pub(crate) type Operands = dag::Ids<NodeId>;

/// A rewrite that fired while a program was compiled; see
/// [`Program::rewrites`](crate::Program::rewrites).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrite {
    /// The rule's name.
    pub name: &'static str,
    /// What was found and what it became.
    pub identity: &'static str,
    /// Where the rule holds, or what it changes.
    pub condition: &'static str,
    /// How often the rule fired.
    pub times: usize,
}

/// The graph under construction. Equal nodes are one node.
#[derive(Debug, Clone)]
pub(crate) struct Graph<T: Scalar> {
    pub(crate) nodes: Dag<T, NodeId>,
    /// For every node the tape's entry that it was made for, and whether it is all of it or, after
    /// a rewrite, a part.
    pub(crate) origins: IdVec<NodeId, (EntryIndex, Origin)>,
    /// For every output its node.
    pub(crate) outputs: Vec<NodeId>,
    /// For every node the one in whose place its value is: itself, or what a fold is of, whose
    /// numbers it leaves where they are. Set when all nodes are there.
    holders: IdVec<NodeId, NodeId>,
    /// The rewrites that fired.
    pub(crate) fired: Vec<Rewrite>,
    /// The number of the tape, and for every node what to say of it.
    pub(crate) tape: u64,
    pub(crate) about: IdVec<NodeId, About>,
    /// For every output what to say of the entry that was asked for, whose node may be another's.
    #[cfg(any(feature = "onnx", feature = "rust-source"))]
    pub(crate) asked: Vec<About>,
    /// The entry that is being lowered.
    pub(super) origin: Option<EntryIndex>,
    /// What the rewrites ask of the tape; `None` without rewrites.
    facts: Option<Facts>,
}

/// What the rewrites ask of the tape.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// How often the outputs use each entry.
    uses: IdVec<EntryIndex, u32>,
    /// The entries that are labels of a log-loss, and the nodes that are labels or one minus them.
    label_entries: FxHashSet<EntryIndex>,
    labels: FxHashSet<NodeId>,
    /// The constant leaves, by their numbers, that hold nothing but ones.
    ones: FxHashSet<LeafIndex>,
    /// Whether the graph has a σ′, without which nothing cancels, and a tanh.
    has_slope: bool,
    has_tanh: bool,
}

impl Facts {
    pub(super) fn of<T: Scalar>(
        list: &List<T>,
        outputs: &[EntryIndex],
        live: &IdVec<EntryIndex, bool>,
    ) -> Self {
        let mut facts = Facts { uses: IdVec::filled(0, live.len()), ..Facts::default() };
        outputs.iter().for_each(|&output| facts.uses[output] += 1);
        for (id, entry) in list.entries.enumerated() {
            if let Op::LogLoss(_) = entry.op {
                facts.label_entries.insert(entry.operands[0]);
            }
            if live.get(id) == Some(&true) {
                entry.operands.iter().for_each(|&operand| facts.uses[operand] += 1);
                if let Some(leaf) = entry.op.leaf()
                    && list.leaves[leaf.index].is_constant_one()
                {
                    facts.ones.insert(leaf.index);
                }
            }
        }
        facts
    }
}

impl<T: Scalar> Graph<T> {
    /// No nodes yet, and room for some; what rewrites ask of the tape, if there are to be rewrites.
    pub(super) fn with_room(count: usize, facts: Option<Facts>) -> Self {
        Graph {
            nodes: Dag::with_room(count),
            origins: Vec::with_capacity(count).into(),
            outputs: Vec::new(),
            holders: IdVec::new(),
            fired: Vec::new(),
            tape: 0,
            about: IdVec::new(),
            #[cfg(any(feature = "onnx", feature = "rust-source"))]
            asked: Vec::new(),
            origin: None,
            facts,
        }
    }

    /// Whether nodes are rewritten as they are added.
    pub(super) fn is_rewritten(&self) -> bool {
        self.facts.is_some()
    }

    /// Notes that a node is one minus a label.
    pub(super) fn note_complement_of_label(&mut self, node: NodeId) {
        if let Some(facts) = &mut self.facts {
            facts.labels.insert(node);
        }
    }

    pub(super) fn note_label(&mut self, entry: EntryIndex, node: NodeId) {
        if let Some(facts) = self.facts.as_mut().filter(|facts| facts.label_entries.contains(&entry)) {
            facts.labels.insert(node);
        }
    }

    /// Notes that a rewrite fired.
    pub(crate) fn note_fired(&mut self, fired: Rewrite) {
        match self.fired.iter_mut().find(|known| known.name == fired.name) {
            Some(known) => known.times += fired.times,
            None => self.fired.push(fired),
        }
    }

    /// Whether a node is a label of a log-loss on the tape, or one minus a label.
    pub(crate) fn is_label(&self, id: NodeId) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.labels.contains(&id))
    }

    /// Whether a node is the number 1, a constant leaf of ones, or a power of 0, which is 1
    /// whatever the base is.
    pub(crate) fn is_one(&self, id: NodeId) -> bool {
        match &self.node(id).op {
            Op::Number(number) => number.0.is_one(),
            Op::Map(Map(Function::WholePower(0))) => true,
            Op::Map(Map(Function::Power(p))) => *p == T::ZERO,
            Op::Leaf(leaf) => self.facts.as_ref().is_some_and(|facts| facts.ones.contains(&leaf.index)),
            _ => false,
        }
    }

    /// Whether there is a σ′ in the graph.
    pub(crate) fn has_slope(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.has_slope)
    }

    /// Whether there is a σ′ and a tanh in the graph, as in second derivatives of the naive
    /// log-loss.
    pub(crate) fn has_slope_and_tanh(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.has_slope && facts.has_tanh)
    }

    /// Whether the node is all of a tape's entry that one entry uses, once.
    pub(crate) fn is_used_once(&self, id: NodeId) -> bool {
        let (entry, origin) = self.origins[id];
        let uses = self.facts.as_ref().map(|facts| facts.uses[entry]);
        origin == Origin::Whole && uses == Some(1)
    }

    pub(super) fn insert(&mut self, op: Op<T>, operands: Operands) -> NodeId {
        let shapes: smallvec::SmallVec<[Shape; 4]> = operands.iter().map(|&id| self.node(id).shape).collect();
        let shape = op.rule().shape(&shapes).expect("a rewrite keeps shapes sound");
        if let (Op::Map(Map(function)), Some(facts)) = (&op, &mut self.facts) {
            facts.has_slope |= *function == Function::SigmoidDerivative;
            facts.has_tanh |= *function == Function::Tanh;
        }
        let (id, is_new) = self.nodes.insert(Node { op, operands, shape });
        if is_new {
            let entry = self.origin.expect("nodes are made for an entry");
            self.origins.push((entry, Origin::Part));
        }
        id
    }

    /// The node g′(z), if `id` is g(z) and a kernel computes both together.
    pub(crate) fn derivative_node(&self, id: NodeId) -> Option<NodeId> {
        let node = self.node(id);
        self.find(node.op.paired_derivative()?, &node.operands)
    }

    /// The node with this operation and these operands, if there is one.
    pub(crate) fn find(&self, op: Op<T>, operands: &[NodeId]) -> Option<NodeId> {
        self.nodes.find(op, operands)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node<T> {
        &self.nodes[id]
    }

    /// Lets folds be where their operands are. Two outputs never are in one place, nor are an output
    /// and what is there before a run, which may change after it.
    pub(super) fn find_holders(&mut self) {
        let mut holds_output: IdVec<NodeId, bool> = IdVec::filled(false, self.nodes.len());
        self.outputs.iter().for_each(|&output| holds_output[output] = true);
        let mut holders: IdVec<NodeId, NodeId> = IdVec::new();
        for (id, node) in self.nodes.enumerated() {
            let mut holder = id;
            if matches!(node.op, Op::Fold(_)) {
                let at = holders[node.operands[0]];
                let is_source = self.node(at).op.is_source();
                if !holds_output[id] || !is_source && !holds_output[at] {
                    holder = at;
                    holds_output[at] |= holds_output[id];
                }
            }
            holders.push(holder);
        }
        self.holders = holders;
    }

    /// The node in whose place the value is.
    pub(crate) fn holder(&self, id: NodeId) -> NodeId {
        self.holders[id]
    }

    /// The folds that make an output of a node's value, in their order, where both are in one place.
    pub(crate) fn folds_to_output(&self, node: NodeId) -> Vec<NodeId> {
        let output = self.outputs.iter().find(|&&output| output != node && self.holder(output) == node);
        let mut folds: Vec<NodeId> =
            std::iter::successors(output.copied(), |&fold| Some(self.node(fold).operands[0]))
                .take_while(|&fold| fold != node)
                .collect();
        folds.reverse();
        folds
    }

    /// Floating-point operations of a node, for m examples.
    pub(crate) fn flops(&self, node: &Node<T>, m: usize) -> u64 {
        let shapes: smallvec::SmallVec<[(usize, usize); 4]> =
            node.operands.iter().map(|&operand| self.node(operand).shape.at(m)).collect();
        node.op.rule().flops(&shapes, node.shape.at(m))
    }

    /// The graph with a node of this operation after each of some nodes, in its place.
    pub(crate) fn followed(self, by: &Op<T>, which: impl Fn(NodeId, &Node<T>) -> bool) -> Self {
        let mut new_id: IdVec<NodeId, NodeId> = IdVec::new();
        let (mut nodes, mut origins) = (Dag::with_room(self.nodes.len()), IdVec::new());
        for (node, origin) in self.nodes.into_nodes().zip(self.origins) {
            let id = NodeId::from_index(new_id.len());
            let is_followed = which(id, &node);
            let shape = node.shape;
            let (mut last, _) = nodes.insert(renumbered(node, &new_id));
            if is_followed {
                origins.push((origin.0, Origin::Part));
                (last, _) = nodes.insert(Node { op: by.clone(), operands: smallvec![last], shape });
            }
            origins.push(origin);
            new_id.push(last);
        }
        let outputs = self.outputs.iter().map(|&output| new_id[output]).collect();
        Graph { nodes, origins, outputs, facts: None, ..self }
    }

    /// Drops the nodes that rewrites have left without use.
    pub(super) fn without_dead_nodes(self) -> Self {
        let live = self.nodes.needed_by(self.outputs.iter().copied(), self.nodes.len());
        // A number takes no room worth a second graph.
        let is_number = |node: &Node<T>| node.op.number().is_some() && node.op.is_source();
        if self.nodes.enumerated().all(|(id, node)| live[id] || is_number(node)) {
            return self;
        }
        let needed = live.iter().filter(|&&live| live).count();
        let (mut nodes, mut origins) = (Dag::with_room(needed), IdVec::new());
        // What is dead is numbered as the next node that is not, and read by none.
        let mut new_id: IdVec<NodeId, NodeId> = IdVec::new();
        for (node, origin) in self.nodes.into_nodes().zip(self.origins) {
            let is_live = live[NodeId::from_index(new_id.len())];
            new_id.push(NodeId::from_index(nodes.len()));
            if is_live {
                nodes.insert(renumbered(node, &new_id));
                origins.push(origin);
            }
        }
        let outputs = self.outputs.iter().map(|&output| new_id[output]).collect();
        Graph { nodes, origins, outputs, facts: None, ..self }
    }
}

/// A node of a graph in which its operands have other numbers.
fn renumbered<T: Scalar>(mut node: Node<T>, new_id: &IdVec<NodeId, NodeId>) -> Node<T> {
    node.operands.iter_mut().for_each(|operand| *operand = new_id[*operand]);
    node
}
