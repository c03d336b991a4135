//! Second derivatives of the naive log-loss: what cancels in a sum of products with σ(±z) and
//! tanh(z/2).
//!
//! With s = σ(z), r = σ(−z) = 1 − s and t = tanh(z/2) = s − r, and for any common factors F:
//!
//! - F·r·r + F·r·t = F·s·r and F·s·s − F·s·t = F·s·r, where s·r = σ′(z);
//! - F·y·r·r + F·(1 − y)·s·s − F·(s − y)·t = F·σ′(z).
//!
//! The terms of the left sides are of size 1 where the result is as small as e^(−|z|).

use smallvec::{SmallVec, smallvec};

use super::pattern::{are_opposite, complement_of, function_of, sigmoid_of};
use crate::Scalar;
use crate::ops::Op;
use crate::ops::map::{Function, Map};
use crate::ops::scale::{Factor, Negate, Scaling};
use crate::ops::zip::Zip;
use crate::program::compile::graph::Graph;
use crate::program::ids::NodeId;

/// A sum of more terms is left as it is.
const MOST_TERMS: usize = 6;
/// A term of more factors is left as it is.
const MOST_FACTORS: usize = 12;

/// ± a product of nodes.
#[derive(Debug, Clone)]
struct Term {
    /// The node that the term is.
    node: NodeId,
    negative: bool,
    factors: SmallVec<[NodeId; 8]>,
}

/// The sum without what cancels, if its terms are those of a second derivative of the log-loss.
pub(super) fn cancelled_curvature<T: Scalar>(
    graph: &mut Graph<T>,
    op: &Op<T>,
    operands: &[NodeId],
) -> Option<NodeId> {
    if !graph.has_slope_and_tanh() {
        return None;
    }
    let &[a, b] = operands else { return None };
    let mut terms: SmallVec<[Term; MOST_TERMS]> = SmallVec::new();
    collect_terms(graph, a, false, &mut terms)?;
    collect_terms(graph, b, matches!(op, Op::Zip(Zip::Subtract)), &mut terms)?;
    // Only a sum with tanh in a term can be one: most sums are told here.
    let z = terms.iter().flat_map(|term| &term.factors).find_map(|&factor| half_angle(graph, factor))?;
    let found = Found::of(graph, z);
    let (used, slope) = pair(graph, &found, &terms).or_else(|| triple(graph, &found, &terms))?;
    let slope = product(graph, &slope);
    let mut sum = slope;
    let rest = terms.iter().enumerate().filter(|(i, _)| !used.contains(i));
    for (_, term) in rest {
        let zip = if term.negative { Zip::Subtract } else { Zip::Add };
        sum = graph.record(zip.into(), smallvec![sum, term.node]);
    }
    Some(sum)
}

/// The terms of a sum of sums.
fn collect_terms<T: Scalar>(
    graph: &Graph<T>,
    id: NodeId,
    negative: bool,
    terms: &mut SmallVec<[Term; MOST_TERMS]>,
) -> Option<()> {
    let node = graph.node(id);
    match (&node.op, node.operands.as_slice()) {
        (Op::Zip(zip @ (Zip::Add | Zip::Subtract)), &[a, b]) => {
            collect_terms(graph, a, negative, terms)?;
            collect_terms(graph, b, negative != (*zip == Zip::Subtract), terms)
        }
        (Op::Negate(_), &[a]) => collect_terms(graph, a, !negative, terms),
        _ => {
            if terms.len() == MOST_TERMS {
                return None;
            }
            let mut term = Term { node: id, negative, factors: SmallVec::new() };
            collect_factors(graph, id, &mut term)?;
            term.factors.sort_unstable();
            terms.push(term);
            Some(())
        }
    }
}

fn collect_factors<T: Scalar>(graph: &Graph<T>, id: NodeId, term: &mut Term) -> Option<()> {
    let node = graph.node(id);
    match (&node.op, node.operands.as_slice()) {
        (Op::Zip(Zip::Multiply), &[a, b]) => {
            collect_factors(graph, a, term)?;
            collect_factors(graph, b, term)
        }
        (Op::Negate(_), &[a]) => {
            term.negative = !term.negative;
            collect_factors(graph, a, term)
        }
        _ if term.factors.len() == MOST_FACTORS => None,
        _ => {
            term.factors.push(id);
            Some(())
        }
    }
}

/// z, if the node is tanh(z/2).
fn half_angle<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<NodeId> {
    let half = function_of(graph, id, &Function::Tanh)?;
    let node = graph.node(half);
    let Op::Scale(scale) = &node.op else { return None };
    let is_half = scale.0 == Scaling::by(Factor::number(T::from_f64(0.5)))
        || scale.0 == (Scaling { by: Factor::ONE, over: T::from_f64(2.0) });
    is_half.then(|| node.operands[0])
}

/// The functions of z, where they are.
struct Found {
    z: NodeId,
    /// σ(z), if it is there.
    s: Option<NodeId>,
    /// σ(−z), if it is there.
    r: Option<NodeId>,
    /// tanh(z/2).
    t: Option<NodeId>,
}

impl Found {
    fn of<T: Scalar>(graph: &Graph<T>, z: NodeId) -> Self {
        let find = |function: Function<T>, x: NodeId| graph.find(Map(function).into(), &[x]);
        let minus_z = match &graph.node(z).op {
            Op::Negate(_) => Some(graph.node(z).operands[0]),
            _ => graph.find(Negate.into(), &[z]),
        };
        let half = |scaling| graph.find(crate::ops::scale::Scale(scaling).into(), &[z]);
        let t = half(Scaling::by(Factor::number(T::from_f64(0.5))))
            .or_else(|| half(Scaling { by: Factor::ONE, over: T::from_f64(2.0) }))
            .and_then(|half| find(Function::Tanh, half));
        Found { z, s: find(Function::Sigmoid, z), r: minus_z.and_then(|x| find(Function::Sigmoid, x)), t }
    }
}

/// The factors of a term without some of them; `None` if it has not all of those.
fn without(term: &Term, some: &[Option<NodeId>]) -> Option<SmallVec<[NodeId; 8]>> {
    let mut rest = term.factors.clone();
    for factor in some {
        let at = rest.iter().position(|x| Some(x) == factor.as_ref())?;
        rest.remove(at);
    }
    Some(rest)
}

/// The terms that were used, and sign and factors of what they become.
type Cancelled = (SmallVec<[usize; 3]>, (bool, SmallVec<[NodeId; 8]>));

/// F·r·r + F·r·t or F·s·s − F·s·t, with either sign.
fn pair<T: Scalar>(graph: &mut Graph<T>, found: &Found, terms: &[Term]) -> Option<Cancelled> {
    let Found { s, r, t, .. } = *found;
    for (i, square) in terms.iter().enumerate() {
        for (j, mixed) in terms.iter().enumerate() {
            for (a, same_sign) in [(r, true), (s, false)] {
                let (Some(rest), Some(other)) = (without(square, &[a, a]), without(mixed, &[a, t])) else {
                    continue;
                };
                if i != j && a.is_some() && rest == other && (square.negative == mixed.negative) == same_sign
                {
                    return Some((smallvec![i, j], (square.negative, with_slope(graph, rest, found.z))));
                }
            }
        }
    }
    None
}

/// F·y·r·r + F·(1 − y)·s·s − F·(s − y)·t, with either sign.
fn triple<T: Scalar>(graph: &mut Graph<T>, found: &Found, terms: &[Term]) -> Option<Cancelled> {
    let Found { z, s, r, t } = *found;
    for (k, mixed) in terms.iter().enumerate() {
        let Some((y, error)) = mixed.factors.iter().find_map(|&id| Some((error_of(graph, id, z)?, id)))
        else {
            continue;
        };
        let Some(rest) = without(mixed, &[Some(error), t]) else { continue };
        let opposite = |term: &Term| term.negative != mixed.negative;
        let is_of_label =
            |term: &Term| opposite(term) && without(term, &[Some(y), r, r]).as_ref() == Some(&rest);
        let is_of_other = |term: &Term| {
            let others = term.factors.iter().filter(|&&id| complement_of(graph, id) == Some(y));
            opposite(term)
                && others.into_iter().any(|&id| without(term, &[Some(id), s, s]).as_ref() == Some(&rest))
        };
        let (i, j) = (terms.iter().position(is_of_label), terms.iter().position(is_of_other));
        if let (Some(i), Some(j), Some(_), Some(_)) = (i, j, r, s) {
            return Some((smallvec![i, j, k], (!mixed.negative, with_slope(graph, rest, z))));
        }
    }
    None
}

/// Y, if the node is σ(z) − Y.
fn error_of<T: Scalar>(graph: &Graph<T>, id: NodeId, z: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    match (&node.op, node.operands.as_slice()) {
        (Op::SigmoidMinus(_), &[y, of]) if of == z => Some(y),
        _ => None,
    }
}

fn with_slope<T: Scalar>(
    graph: &mut Graph<T>,
    mut factors: SmallVec<[NodeId; 8]>,
    z: NodeId,
) -> SmallVec<[NodeId; 8]> {
    factors.push(graph.record(Map(Function::SigmoidDerivative).into(), smallvec![z]));
    factors
}

fn product<T: Scalar>(graph: &mut Graph<T>, (negative, factors): &(bool, SmallVec<[NodeId; 8]>)) -> NodeId {
    let all = factors.iter().copied();
    let product = all.reduce(|a, b| graph.record(Zip::Multiply.into(), smallvec![a, b]));
    let product = product.expect("a slope is among the factors");
    if *negative { graph.record(Negate.into(), smallvec![product]) } else { product }
}

/// P ⊘ σ(±z) where σ′(z) is a factor of P: with σ′(z) ⊘ σ(z) = σ(−z).
pub(super) fn slope_over_sigmoid<T: Scalar>(
    graph: &mut Graph<T>,
    op: &Op<T>,
    operands: &[NodeId],
) -> Option<NodeId> {
    if !graph.has_slope() {
        return None;
    }
    let &[numerator, denominator] = operands else { return None };
    debug_assert!(matches!(op, Op::Zip(Zip::Divide)));
    let z = sigmoid_of(graph, denominator)?;
    let mut term = Term { node: numerator, negative: false, factors: SmallVec::new() };
    collect_factors(graph, numerator, &mut term)?;
    let is_slope = |&id: &NodeId| {
        function_of(graph, id, &Function::SigmoidDerivative)
            .is_some_and(|of| of == z || are_opposite(graph, of, z))
    };
    let at = term.factors.iter().position(is_slope)?;
    term.factors.remove(at);
    // Other factors may be repeated to the shape of σ′.
    let other = super::sigmoid::sigmoid_of_negative(graph, z);
    term.factors.push(other);
    Some(product(graph, &(term.negative, term.factors)))
}
