//! Labels that no kernel of a program looks at: those of gradients alone, of literal programs, of second derivatives.

use rustc_hash::FxHashMap;

use crate::error::Place;
use crate::op::Op;
use crate::ops::log_loss::{SigmoidMinus, Weights, outside};
use crate::ops::softmax::{Of, Softmax, no_share};
use crate::program::Program;
use crate::program::compile::graph::Node;
use crate::tape::List;
use crate::{Error, Result, Scalar};

/// What labels have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In [0, 1], as for the log-loss.
    Probability,
    /// Not negative, as for the cross-entropy.
    Share,
}

impl Kind {
    /// What an operation asks of its first operand, if that are labels.
    fn asked_by<T: Scalar>(op: &Op<T>) -> Option<Kind> {
        match op {
            Op::LogLoss(_) | Op::LogLossOnLogits(_) | Op::SigmoidMinus(SigmoidMinus(Weights::Labels)) => {
                Some(Kind::Probability)
            }
            Op::Softmax(Softmax { of: Of::CrossEntropy | Of::Minus(Weights::Labels), .. }) => {
                Some(Kind::Share)
            }
            _ => None,
        }
    }

    /// The operation that messages name, and what they say of the labels.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Kind::Probability => ("log_loss", "in [0, 1]"),
            Kind::Share => ("softmax_cross_entropy", "a finite number from 0 on"),
        }
    }
}

/// A leaf that is a label of a loss on the tape, and where that was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels {
    leaf: usize,
    kind: Kind,
    at: Place,
}

impl<T: Scalar> Program<T> {
    /// Finds the leaves that are labels, and that the program uses without looking at them.
    pub(super) fn find_labels(&mut self, list: &List<T>) {
        let mut labels: FxHashMap<u32, (Kind, Place)> = FxHashMap::default();
        for (entry, note) in list.entries.iter().zip(&list.notes) {
            if let Some(kind) = Kind::asked_by(&entry.op) {
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
        let looked_at = |leaf: u32, kind: Kind| {
            let is_leaf = |id: u32| {
                let node = self.graph.node(id);
                id == leaf || matches!(node.op, Op::Broadcast(_)) && node.operands[0] == leaf
            };
            let looks = |node: &Node<T>| Kind::asked_by(&node.op) == Some(kind) && is_leaf(node.operands[0]);
            self.graph.nodes.iter().any(looks)
        };
        let unseen = self.leaves.iter().enumerate().filter_map(|(index, leaf)| {
            let &(kind, at) = labels.get(&self.graph.origins[leaf.node as usize].0)?;
            (!looked_at(leaf.node, kind)).then_some(Labels { leaf: index, kind, at })
        });
        self.labels = unseen.collect();
    }

    /// Looks at the labels that no kernel looks at.
    pub(super) fn check_labels(&self) -> Result<()> {
        for &Labels { leaf, kind, at } in &self.labels {
            let leaf = &self.leaves[leaf];
            let values = self.value_of(leaf)?;
            let found = match kind {
                Kind::Probability => outside(values.as_slice()),
                Kind::Share => no_share(values.as_slice()),
            };
            if let Some((index, value)) = found {
                let (row, column) = (index % values.rows(), index / values.rows());
                let ((operation, expected), labels) = (kind.words(), self.label_of(leaf));
                return Err(Error::Label { operation, value, row, column, labels, expected, at });
            }
        }
        Ok(())
    }
}
