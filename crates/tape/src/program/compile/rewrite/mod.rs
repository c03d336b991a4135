//! Stage 2: local rewrites of a program's graph, each by an identity and under a condition.
//!
//! They are tried on every node as the graph is built, so the operands are in their final form. A
//! tape is recorded literally; what it costs to be literal is taken back here, and the naive
//! formula becomes the stable one.
//!
//! Every rule keeps what is finite within rounding and what is NaN, but for what its condition
//! says: the rules of [`sigmoid`] save from overflow and cancellation, those of [`arithmetic`]
//! and [`blocks`] change nothing else. [`Program::rewrites`](crate::Program::rewrites) tells which rules fired.

mod arithmetic;
mod blocks;
mod curvature;
mod pattern;
mod sigmoid;
#[cfg(test)]
mod tests;

use crate::Scalar;
use crate::ops::Op;
use crate::ops::zip::Zip;
use crate::program::compile::graph::{Graph, Operands, Rewrite};
use crate::program::ids::NodeId;

type Apply<T> = fn(&mut Graph<T>, &Op<T>, &[NodeId]) -> Option<NodeId>;

/// A rule: what a node may become.
pub(crate) struct Rule<T: Scalar> {
    pub(crate) name: &'static str,
    /// What is found and what it becomes.
    pub(crate) identity: &'static str,
    /// Where it holds, or what it changes.
    pub(crate) condition: &'static str,
    /// What the node becomes, if the rule applies.
    pub(crate) apply: Apply<T>,
}

/// The rules for a node of this operation, in the order in which they are tried.
fn rules<T: Scalar>(op: &Op<T>) -> [&'static [Rule<T>]; 4] {
    [arithmetic::of_numbers(op), sigmoid::rules(op), arithmetic::rules(op), blocks::rules(op)]
}

impl<T: Scalar> Graph<T> {
    /// Adds a node, or what a rewrite makes of it.
    pub(crate) fn record(&mut self, op: Op<T>, operands: Operands) -> NodeId {
        if !self.is_rewritten() {
            return self.insert(op, operands);
        }
        let of_label = match (&op, operands.as_slice()) {
            (Op::Zip(Zip::Subtract), &[one, y]) => self.is_label(y) && self.is_one(one),
            _ => false,
        };
        let node = match rewrite(self, &op, &operands) {
            Some(better) => better,
            None => self.insert(op, operands),
        };
        if of_label {
            self.note_complement_of_label(node);
        }
        node
    }
}

/// What the node becomes, if a rewrite applies.
fn rewrite<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &Operands) -> Option<NodeId> {
    for rule in rules(op).into_iter().flatten() {
        if let Some(better) = (rule.apply)(graph, op, operands) {
            graph.note_fired(Rewrite {
                name: rule.name,
                identity: rule.identity,
                condition: rule.condition,
                times: 1,
            });
            return Some(better);
        }
    }
    None
}
