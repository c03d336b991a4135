//! Labels that no kernel of a program looks at: those of gradients alone, of literal programs, of second derivatives.

use rustc_hash::FxHashMap;

use crate::error::Place;
use crate::op::Op;
use crate::ops::log_loss::outside;
use crate::program::Program;
use crate::tape::List;
use crate::{Error, Result, Scalar};

/// A leaf that is a label of a log-loss on the tape, and where that was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels {
    leaf: usize,
    at: Place,
}

/// Whether the operation looks at its first operand.
fn looks<T: Scalar>(op: &Op<T>) -> bool {
    matches!(op, Op::LogLoss(_) | Op::LogLossOnLogits(_) | Op::SigmoidMinus(_))
}

impl<T: Scalar> Program<T> {
    /// Finds the leaves that are labels, and that the program uses without looking at them.
    pub(super) fn find_labels(&mut self, list: &List<T>) {
        let mut labels: FxHashMap<u32, Place> = FxHashMap::default();
        for id in (0..list.entries.len() as u32).filter(|&id| looks(&list.entry(id).op)) {
            labels.entry(list.entry(id).operands[0]).or_insert(list.notes[id as usize].place);
        }
        if labels.is_empty() {
            return;
        }
        let looked_at = |leaf: u32| {
            self.graph.nodes.iter().any(|node| looks(&node.op) && node.operands.first() == Some(&leaf))
        };
        let leaves = self.leaves.iter().enumerate();
        let unseen = leaves.filter(|(_, leaf)| !looked_at(leaf.node)).filter_map(|(index, leaf)| {
            let at = labels.get(&self.graph.origins[leaf.node as usize].0)?;
            Some(Labels { leaf: index, at })
        });
        self.labels = unseen.collect();
    }

    /// Looks at the labels that no kernel looks at.
    pub(super) fn check_labels(&self) -> Result<()> {
        for &Labels { leaf, at } in &self.labels {
            let leaf = &self.leaves[leaf];
            let values = self.value_of(leaf)?;
            if let Some((index, value)) = outside(values.as_slice()) {
                let (row, column) = (index % values.rows(), index / values.rows());
                return Err(Error::Label { value, row, column, labels: self.label_of(leaf), at });
            }
        }
        Ok(())
    }
}
