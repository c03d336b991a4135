//! What the rules look for in a graph.

use crate::Scalar;
use crate::ops::Op;
use crate::ops::map::{Function, Map};
use crate::ops::scale::Factor;
use crate::ops::zip::Zip;
use crate::program::compile::graph::Graph;
use crate::program::ids::NodeId;

/// The operands, if the node is this elementwise operation.
pub(super) fn operands_of<T: Scalar>(graph: &Graph<T>, id: NodeId, zip: Zip) -> Option<[NodeId; 2]> {
    let node = graph.node(id);
    match (&node.op, node.operands.as_slice()) {
        (Op::Zip(found), &[a, b]) if *found == zip => Some([a, b]),
        _ => None,
    }
}

/// Numerator and denominator, if the node is a quotient, guarded or not.
pub(super) fn quotient_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<[NodeId; 2]> {
    let node = graph.node(id);
    match (&node.op, node.operands.as_slice()) {
        (Op::Zip(Zip::Divide) | Op::Guarded(_), &[a, b]) => Some([a, b]),
        _ => None,
    }
}

/// A, if the node is −A.
pub(super) fn negative_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    matches!(node.op, Op::Negate(_)).then(|| node.operands[0])
}

/// Whether one of two nodes is the negative of the other.
pub(super) fn are_opposite<T: Scalar>(graph: &Graph<T>, a: NodeId, b: NodeId) -> bool {
    negative_of(graph, a) == Some(b) || negative_of(graph, b) == Some(a)
}

/// The argument, if the node is this function of it.
pub(super) fn function_of<T: Scalar>(graph: &Graph<T>, id: NodeId, function: &Function<T>) -> Option<NodeId> {
    let node = graph.node(id);
    match &node.op {
        Op::Map(Map(found)) if found == function => Some(node.operands[0]),
        _ => None,
    }
}

/// z, if the node is σ(z).
pub(super) fn sigmoid_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<NodeId> {
    function_of(graph, id, &Function::Sigmoid)
}

/// The number c·mᵏ that a node is.
pub(super) fn factor_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<Factor<T>> {
    match &graph.node(id).op {
        Op::Number(number) => Some(number.0),
        _ => None,
    }
}

/// The number that a node is, if it does not depend on m.
pub(super) fn number_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<T> {
    factor_of(graph, id).filter(|factor| factor.m == 0).map(|factor| factor.c)
}

/// X, if the node is 1 − X and has the shape of X.
pub(super) fn complement_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<NodeId> {
    let [one, x] = operands_of(graph, id, Zip::Subtract)?;
    (graph.is_one(one) && graph.node(x).shape == graph.node(id).shape).then_some(x)
}
