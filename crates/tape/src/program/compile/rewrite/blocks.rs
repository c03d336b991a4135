//! Transposes of blocks become flags of products, and what is folded and unfolded again stays as it
//! is. All of these rules are exact.

use smallvec::smallvec;

use super::Rule;
use super::arithmetic::{EXACT, taken_up};
use crate::Scalar;
use crate::ops::Op;
use crate::ops::blocks::{BlockMatmul, Fold, Way};
use crate::program::compile::graph::Graph;
use crate::program::ids::NodeId;

pub(super) fn rules<T: Scalar>(op: &Op<T>) -> &'static [Rule<T>] {
    match op {
        Op::BlockMatmul(_) => &[Rule {
            name: "transposed block",
            identity: "Aᵢᵀ * Bᵢ: the product reads Aᵢ along its rows",
            condition: EXACT,
            apply: transposed_block,
        }],
        Op::BlockTranspose(_) => &[Rule {
            name: "block transposed twice",
            identity: "(Aᵢᵀ)ᵀ = Aᵢ",
            condition: EXACT,
            apply: transposed_twice,
        }],
        Op::Fold(_) => &[
            Rule {
                name: "folded by one",
                identity: "fold[1](A) = unfold[1](A) = A",
                condition: EXACT,
                apply: folded_by_one,
            },
            Rule {
                name: "folded and unfolded",
                identity: "unfold[k](fold[k](A)) = fold[k](unfold[k](A)) = A",
                condition: EXACT,
                apply: folded_back,
            },
        ],
        _ => &[],
    }
}

fn transposed_block<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::BlockMatmul(BlockMatmul { left, right }), &[a, b]) = (op, operands) else { return None };
    let ((left, a), (right, b)) = taken_up((*left, a), (*right, b), |id| transpose_of(graph, id))?;
    Some(graph.record(BlockMatmul { left, right }.into(), smallvec![a, b]))
}

fn transpose_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    matches!(node.op, Op::BlockTranspose(_)).then(|| node.operands[0])
}

fn transposed_twice<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    transpose_of(graph, operands[0])
}

fn folded_by_one<T: Scalar>(_: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    matches!(op, Op::Fold(Fold { by: 1, .. })).then(|| operands[0])
}

fn folded_back<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let node = graph.node(operands[0]);
    let (Op::Fold(outer), Op::Fold(inner)) = (op, &node.op) else { return None };
    let back = Fold { way: if inner.way == Way::Fold { Way::Unfold } else { Way::Fold }, by: inner.by };
    (*outer == back).then(|| node.operands[0])
}
