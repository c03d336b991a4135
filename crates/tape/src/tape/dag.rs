//! Operations on earlier operations, each once: what a tape's list is, and what the graph of a
//! program is.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Index;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::ops::Op;
use crate::tape::ids::{Id, IdVec, ids_up_to};
use crate::{Scalar, Shape};

/// The operands of a node, as numbers of earlier nodes.
pub(crate) type Ids<I> = SmallVec<[I; 2]>;

/// An operation on earlier nodes.
///
/// Two nodes are equal if the operation and the operands are. Where the operation commutes, the
/// order of the operands does not matter; the node keeps the order in which it was first made, so
/// that equations print as written.
#[derive(Debug, Clone)]
pub(crate) struct Node<T: Scalar, I> {
    pub(crate) op: Op<T>,
    pub(crate) operands: Ids<I>,
    /// Follows from the operation and the operands.
    pub(crate) shape: Shape,
}

impl<T: Scalar, I: Id> Node<T, I> {
    fn sorted_pair(&self) -> Option<(I, I)> {
        match (self.op.zip(), self.operands.as_slice()) {
            (Some(zip), &[a, b]) if zip.commutes() => Some((a.min(b), a.max(b))),
            _ => None,
        }
    }
}

impl<T: Scalar, I: Id> PartialEq for Node<T, I> {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op
            && match (self.sorted_pair(), other.sorted_pair()) {
                (Some(a), Some(b)) => a == b,
                _ => self.operands == other.operands,
            }
    }
}

impl<T: Scalar, I: Id> Eq for Node<T, I> {}

impl<T: Scalar, I: Id> Hash for Node<T, I> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.op.hash(state);
        match self.sorted_pair() {
            Some(pair) => pair.hash(state),
            None => self.operands.hash(state),
        }
    }
}

/// A list of nodes, each once: the order in which they were made is an order of evaluation.
#[derive(Debug, Clone)]
pub(crate) struct Dag<T: Scalar, I> {
    nodes: IndexSet<Node<T, I>, FxBuildHasher>,
    of: PhantomData<fn(I)>,
}

impl<T: Scalar, I: Id> Dag<T, I> {
    /// No nodes yet, and room for some.
    pub(crate) fn with_room(count: usize) -> Self {
        Dag { nodes: IndexSet::with_capacity_and_hasher(count, FxBuildHasher), of: PhantomData }
    }

    #[cfg(feature = "json")]
    pub(crate) fn get(&self, id: I) -> Option<&Node<T, I>> {
        self.nodes.get_index(id.index())
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Appends a node, or finds the equal one; and whether it is new.
    pub(crate) fn insert(&mut self, node: Node<T, I>) -> (I, bool) {
        let (index, is_new) = self.nodes.insert_full(node);
        (I::from_index(index), is_new)
    }

    /// The node with this operation and these operands, if there is one.
    pub(crate) fn find(&self, op: Op<T>, operands: &[I]) -> Option<I> {
        // Equality is by operation and operands alone.
        let node = Node { op, operands: operands.into(), shape: Shape::SCALAR };
        self.nodes.get_index_of(&node).map(I::from_index)
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + Clone + use<T, I> {
        ids_up_to(self.nodes.len())
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Node<T, I>> + ExactSizeIterator + Clone {
        self.nodes.iter()
    }

    /// The nodes with their numbers.
    pub(crate) fn enumerated(&self) -> impl DoubleEndedIterator<Item = (I, &Node<T, I>)> + ExactSizeIterator {
        self.ids().zip(&self.nodes)
    }

    /// The nodes one by one, to make another list of them.
    pub(crate) fn into_nodes(self) -> impl ExactSizeIterator<Item = Node<T, I>> {
        self.nodes.into_iter()
    }

    /// For each of the first `count` nodes: whether the outputs need it.
    pub(crate) fn needed_by(&self, outputs: impl Iterator<Item = I>, count: usize) -> IdVec<I, bool> {
        let mut needed = IdVec::filled(false, count);
        outputs.for_each(|output| needed[output] = true);
        for id in needed.ids().rev() {
            if needed[id] {
                self[id].operands.iter().for_each(|&operand| needed[operand] = true);
            }
        }
        needed
    }
}

impl<T: Scalar, I: Id> Index<I> for Dag<T, I> {
    type Output = Node<T, I>;
    fn index(&self, id: I) -> &Node<T, I> {
        self.nodes.get_index(id.index()).expect("a node of this list")
    }
}
