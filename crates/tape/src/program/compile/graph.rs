//! The graph that a program computes: what lowering makes of a tape, and what the later stages read.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::ops::Op;
use crate::ops::map::{Function, Map};
use crate::tape::operation::equal_by;
use crate::tape::{Ids, List};
use crate::{Scalar, Shape};

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

/// A rewrite that fired while a program was compiled; see [`Program::rewrites`](crate::Program::rewrites).
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
    pub(crate) nodes: IndexSet<Node<T>, FxBuildHasher>,
    /// For every node the tape's entry that it was made for, and whether it is all of it or, after a rewrite, a part.
    pub(crate) origins: Vec<(u32, Origin)>,
    /// For every output its node.
    pub(crate) outputs: Vec<u32>,
    /// The rewrites that fired.
    pub(crate) fired: Vec<Rewrite>,
    /// The entry that is being lowered.
    pub(super) origin: u32,
    /// What the rewrites ask of the tape; `None` without rewrites.
    facts: Option<Facts>,
}

/// What the rewrites ask of the tape.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// How often the outputs use each entry.
    uses: Vec<u32>,
    /// The entries that are labels of a log-loss, and the nodes that are labels or one minus them.
    label_entries: FxHashSet<u32>,
    labels: FxHashSet<u32>,
    /// The constant leaves, by their numbers, that hold nothing but ones.
    ones: FxHashSet<u32>,
    /// Whether the graph has a σ′, without which nothing cancels, and a tanh.
    has_slope: bool,
    has_tanh: bool,
}

impl Facts {
    pub(super) fn of<T: Scalar>(list: &List<T>, outputs: &[u32], live: &[bool]) -> Self {
        let mut facts = Facts { uses: vec![0; live.len()], ..Facts::default() };
        outputs.iter().for_each(|&output| facts.uses[output as usize] += 1);
        for (id, entry) in list.entries.iter().enumerate() {
            if let Op::LogLoss(_) = entry.op {
                facts.label_entries.insert(entry.operands[0]);
            }
            if live.get(id) == Some(&true) {
                entry.operands.iter().for_each(|&operand| facts.uses[operand as usize] += 1);
                if let Some(leaf) = entry.op.leaf()
                    && list.leaves[leaf.index as usize].is_constant_one()
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
            nodes: IndexSet::with_capacity_and_hasher(count, FxBuildHasher),
            origins: Vec::with_capacity(count),
            outputs: Vec::new(),
            fired: Vec::new(),
            origin: 0,
            facts,
        }
    }

    /// Whether nodes are rewritten as they are added.
    pub(super) fn is_rewritten(&self) -> bool {
        self.facts.is_some()
    }

    /// Notes that a node is one minus a label.
    pub(super) fn note_complement_of_label(&mut self, node: u32) {
        if let Some(facts) = &mut self.facts {
            facts.labels.insert(node);
        }
    }

    pub(super) fn note_label(&mut self, entry: u32, node: u32) {
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
    pub(crate) fn is_label(&self, id: u32) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.labels.contains(&id))
    }

    /// Whether a node is the number 1, a constant leaf of ones, or a power of 0, which is 1 whatever the base is.
    pub(crate) fn is_one(&self, id: u32) -> bool {
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

    /// Whether there is a σ′ and a tanh in the graph, as in second derivatives of the naive log-loss.
    pub(crate) fn has_slope_and_tanh(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.has_slope && facts.has_tanh)
    }

    /// Whether the node is all of a tape's entry that one entry uses, once.
    pub(crate) fn is_used_once(&self, id: u32) -> bool {
        let (entry, origin) = self.origins[id as usize];
        let uses = self.facts.as_ref().map(|facts| facts.uses[entry as usize]);
        origin == Origin::Whole && uses == Some(1)
    }

    pub(super) fn insert(&mut self, op: Op<T>, operands: Ids) -> u32 {
        let shapes: smallvec::SmallVec<[Shape; 4]> = operands.iter().map(|&id| self.node(id).shape).collect();
        let shape = op.rule().shape(&shapes).expect("a rewrite keeps shapes sound");
        if let (Op::Map(Map(function)), Some(facts)) = (&op, &mut self.facts) {
            facts.has_slope |= *function == Function::SigmoidDerivative;
            facts.has_tanh |= *function == Function::Tanh;
        }
        let (index, new) = self.nodes.insert_full(Node { op, operands, shape });
        if new {
            self.origins.push((self.origin, Origin::Part));
        }
        index as u32
    }

    /// The node g′(z), if `id` is g(z) and a kernel computes both together.
    pub(crate) fn derivative_node(&self, id: u32) -> Option<u32> {
        let node = self.node(id);
        self.find(node.op.paired()?.derivative()?, &node.operands)
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

    /// The graph with a node of this operation after each of some nodes, in its place.
    pub(crate) fn followed(self, by: &Op<T>, which: impl Fn(u32, &Node<T>) -> bool) -> Self {
        let mut new_id = Vec::with_capacity(self.nodes.len());
        let (mut nodes, mut origins) = (IndexSet::with_hasher(FxBuildHasher), Vec::new());
        for (id, (mut node, origin)) in (0..).zip(self.nodes.into_iter().zip(self.origins)) {
            let is_followed = which(id, &node);
            node.operands.iter_mut().for_each(|operand| *operand = new_id[*operand as usize]);
            let (shape, operand) = (node.shape, nodes.len() as u32);
            nodes.insert(node);
            if is_followed {
                origins.push((origin.0, Origin::Part));
                nodes.insert(Node { op: by.clone(), operands: smallvec::smallvec![operand], shape });
            }
            origins.push(origin);
            new_id.push(nodes.len() as u32 - 1);
        }
        let outputs = self.outputs.iter().map(|&output| new_id[output as usize]).collect();
        Graph { nodes, origins, outputs, fired: self.fired, origin: self.origin, facts: None }
    }

    /// Drops the nodes that rewrites have left without use.
    pub(super) fn without_dead_nodes(self) -> Self {
        let outputs = self.outputs.iter().copied();
        let live = needed_by(outputs, self.nodes.len(), |id| &self.node(id).operands);
        // A number takes no room worth a second graph.
        let is_kept =
            |(live, node): (&bool, &Node<T>)| *live || node.op.number().is_some() && node.op.is_source();
        if live.iter().zip(&self.nodes).all(is_kept) {
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
        Graph { nodes, origins, outputs, fired: self.fired, origin: self.origin, facts: None }
    }
}

/// For each of the first `count` of a list: whether the outputs need it.
pub(super) fn needed_by<'a>(
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
