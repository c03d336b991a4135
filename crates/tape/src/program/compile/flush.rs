//! Subnormal numbers as zeros, where a program is asked for it.
//!
//! Many processors take up to a hundred times as long for a product with them. Where gradients
//! vanish, as in a long recurrent chain, they go through all the steps between the least normal
//! number and 0. Products are what makes and what spreads them: after each stands an operation that
//! makes 0 of them.

use crate::Scalar;
use crate::ops::Op;
use crate::ops::map::{Function, Map};
use crate::ops::zip::Zip;
use crate::program::compile::epilogue::only_uses;
use crate::program::compile::graph::Graph;
use crate::program::ids::NodeId;
use crate::tape::ids::IdVec;

/// The graph, with zeros for the subnormal numbers among products and quotients.
pub(crate) fn flushed<T: Scalar>(graph: Graph<T>) -> Graph<T> {
    let is_product =
        |op: &Op<T>| matches!(op, Op::Zip(Zip::Multiply | Zip::Divide) | Op::Scale(_) | Op::Guarded(_));
    let only_uses = only_uses(&graph);
    // A matrix product that goes into an elementwise one alone is multiplied as it is stored.
    let goes_on: IdVec<NodeId, bool> =
        only_uses.iter().map(|user| user.is_some_and(|user| is_product(&graph.node(user).op))).collect();
    graph.followed(&Map(Function::NormalOrZero).into(), |id, node| match &node.op {
        Op::Matmul(_) => !goes_on[id],
        op => is_product(op),
    })
}
