//! Labels that no kernel of a program looks at: those of gradients alone, of literal programs, of
//! second derivatives.

use rustc_hash::FxHashMap;

use crate::error::Place;
use crate::ops::Op;
use crate::ops::labels::Labels;
use crate::program::Program;
use crate::program::compile::graph::Node;
use crate::program::ids::{LeafId, NodeId};
use crate::tape::List;
use crate::tape::ids::EntryIndex;
use crate::{Error, Result, Scalar};

/// A leaf that is a label of a loss on the tape, and where that was recorded.
#[derive(Debug, Clone, Copy)]
pub(in crate::program) struct Unseen {
    leaf: LeafId,
    kind: Labels,
    at: Place,
}

impl<T: Scalar> Program<T> {
    /// Finds the leaves that are labels, and that the program uses without looking at them.
    pub(in crate::program) fn find_labels(&mut self, list: &List<T>) {
        let mut labels: FxHashMap<EntryIndex, (Labels, Place)> = FxHashMap::default();
        for (entry, note) in list.entries.iter().zip(&list.notes) {
            if let Some(kind) = Labels::asked_by(&entry.op) {
                let repeated = list.entry(entry.operands[0]);
                let labels_of = match repeated.op {
                    Op::Broadcast(_) => repeated.operands[0],
                    _ => entry.operands[0],
                };
                labels.entry(labels_of).or_insert((kind, note.place));
            }
        }
        if labels.is_empty() {
            return;
        }
        let looked_at = |leaf: NodeId, kind: Labels| {
            let is_leaf = |id: NodeId| {
                let node = self.graph.node(id);
                id == leaf || matches!(node.op, Op::Broadcast(_)) && node.operands[0] == leaf
            };
            let looks =
                |node: &Node<T>| Labels::asked_by(&node.op) == Some(kind) && is_leaf(node.operands[0]);
            self.graph.nodes.iter().any(looks)
        };
        let unseen = self.leaves.states.enumerated().filter_map(|(index, leaf)| {
            let &(kind, at) = labels.get(&self.graph.origins[leaf.node].0)?;
            (!looked_at(leaf.node, kind)).then_some(Unseen { leaf: index, kind, at })
        });
        self.leaves.labels = unseen.collect();
    }

    /// Looks at the labels that no kernel looks at.
    pub(in crate::program) fn check_labels(&self) -> Result<()> {
        for &Unseen { leaf, kind, at } in &self.leaves.labels {
            let leaf = &self.leaves.states[leaf];
            let values = self.value_of(leaf)?;
            if let Some((index, value)) = kind.first_unfit(values.as_slice()) {
                let (row, column) = (index % values.rows(), index / values.rows());
                let (operation, expected) = (kind.loss(), kind.expected());
                let labels = self.label_of(leaf);
                return Err(Error::Label { operation, value, row, column, labels, expected, at });
            }
        }
        Ok(())
    }
}
