//! The naive formula becomes the stable one: σ beside its complement, its logarithm and the
//! quotients by it.
//!
//! With a = σ(z) the rules turn eq. 8 ⊙ eq. 10 into σ(z) − y, right at every finite z.

use smallvec::smallvec;

use super::Rule;
use super::curvature::{cancelled_curvature, slope_over_sigmoid};
use super::pattern::{
    are_opposite, complement_of, function_of, negative_of, number_of, operands_of, quotient_of, sigmoid_of,
};
use crate::Scalar;
use crate::ops::Op;
use crate::ops::guarded::Guarded;
use crate::ops::labels::Weights;
use crate::ops::log_loss::{LogLossOnLogits, SigmoidMinus};
use crate::ops::map::{Function, Map};
use crate::ops::scale::Negate;
use crate::ops::select::Select;
use crate::ops::zip::Zip;
use crate::program::compile::graph::Graph;
use crate::program::ids::NodeId;

pub(super) fn rules<T: Scalar>(op: &Op<T>) -> &'static [Rule<T>] {
    match op {
        Op::Map(Map(Function::Ln)) => &[Rule {
            name: "logarithm of a sigmoid",
            identity: "ln σ(Z) = log_sigmoid(Z)",
            condition: "within rounding; finite also where σ rounds to 0",
            apply: logarithm_of_sigmoid,
        }],
        Op::Map(Map(Function::Clamp(..))) => &[Rule {
            name: "clamped sigmoid",
            identity: "clamp(σ(Z), low, high) = σ(Z)",
            condition: "low ≤ 0 and high ≥ 1; exact",
            apply: clamped_sigmoid,
        }],
        Op::Zip(Zip::Add) => &[Rule {
            name: "cancelled curvature",
            identity: "Y ⊙ σ(−Z)² + (1 − Y) ⊙ σ(Z)² − (σ(Z) − Y) ⊙ tanh(Z/2) = σ′(Z), and of one of its parts",
            condition: "keeps the digits that cancel where |Z| is large",
            apply: cancelled_curvature,
        }],
        Op::Zip(Zip::Subtract) => &[
            Rule {
                name: "cancelled curvature",
                identity: "Y ⊙ σ(−Z)² + (1 − Y) ⊙ σ(Z)² − (σ(Z) − Y) ⊙ tanh(Z/2) = σ′(Z), and of one of its parts",
                condition: "keeps the digits that cancel where |Z| is large",
                apply: cancelled_curvature,
            },
            Rule {
                name: "complement",
                identity: "1 − σ(Z) = σ(−Z), σ(Z) − 1 = −σ(−Z)",
                condition: "1 is a number or a constant leaf of ones; keeps the digits where σ(Z) is close to 1",
                apply: complement,
            },
            Rule {
                name: "sigmoid minus label",
                identity: "(1 − Y) ⊙ σ(Z) − Y ⊙ σ(−Z) = sigmoid_minus(Y, Z)",
                condition: "within rounding, or better",
                apply: label_minus_sigmoid,
            },
        ],
        Op::Negate(_) => &[Rule {
            name: "sigmoid minus label",
            identity: "−(Y ⊙ σ(−Z) − (1 − Y) ⊙ σ(Z)) = sigmoid_minus(Y, Z)",
            condition: "within rounding, or better",
            apply: minus_label_minus_sigmoid,
        }],
        Op::LogLoss(_) => &[Rule {
            name: "log-loss of a sigmoid",
            identity: "log_loss(Y, σ(Z)) = log_loss_on_logits(Y, Z)",
            condition: "within rounding; finite also where σ rounds to 0 or 1",
            apply: log_loss_of_sigmoid,
        }],
        Op::Zip(Zip::Divide) => &[
            Rule {
                name: "slope over sigmoid",
                identity: "(C ⊙ σ′(Z)) ⊘ σ(Z) = C ⊙ σ(−Z)",
                condition: "within rounding; finite also where σ rounds to 0 or 1",
                apply: slope_over_sigmoid,
            },
            Rule {
                name: "guarded quotient",
                identity: "Y ⊘ A, (1 − Y) ⊘ A and what is made of them: 0 where numerator and denominator are 0",
                condition: "Y is a label of a log-loss on the tape: derivative of y · ln a with 0 · ln 0 = 0 (eq. 8)",
                apply: guarded_quotient,
            },
        ],
        Op::Zip(Zip::Multiply) => &[Rule {
            name: "cancelled sigmoid",
            identity: "(C ⊘ σ(Z)) ⊙ σ′(Z) = C ⊙ σ(−Z)",
            condition: "within rounding; finite also where σ rounds to 0 or 1",
            apply: cancelled_sigmoid,
        }],
        _ => &[],
    }
}

fn logarithm_of_sigmoid<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let z = sigmoid_of(graph, operands[0])?;
    Some(graph.record(Map(Function::LogSigmoid).into(), smallvec![z]))
}

fn clamped_sigmoid<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let Op::Map(Map(Function::Clamp(low, high))) = op else { return None };
    sigmoid_of(graph, operands[0])?;
    (*low <= T::ZERO && *high >= T::ONE).then_some(operands[0])
}

fn complement<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let repeats = |one: NodeId, x: NodeId| {
        let shape = graph.node(x).shape;
        graph.node(one).shape.broadcast(shape) == Some(shape)
    };
    if graph.is_one(a) && repeats(a, b) {
        let z = sigmoid_of(graph, b)?;
        return Some(sigmoid_of_negative(graph, z));
    }
    if graph.is_one(b) && repeats(b, a) {
        let z = sigmoid_of(graph, a)?;
        let complement = sigmoid_of_negative(graph, z);
        return Some(graph.record(Negate.into(), smallvec![complement]));
    }
    None
}

fn log_loss_of_sigmoid<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[y, a] = operands else { return None };
    let z = sigmoid_of(graph, a)?;
    Some(graph.record(LogLossOnLogits.into(), smallvec![y, z]))
}

fn label_minus_sigmoid<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[p, q] = operands else { return None };
    sigmoid_minus(graph, p, q)
}

fn minus_label_minus_sigmoid<T: Scalar>(
    graph: &mut Graph<T>,
    _: &Op<T>,
    operands: &[NodeId],
) -> Option<NodeId> {
    let [p, q] = operands_of(graph, operands[0], Zip::Subtract)?;
    sigmoid_minus(graph, q, p)
}

/// σ(z) − y, if p is (1 − y) ⊙ σ(z) and q is y ⊙ σ(−z).
fn sigmoid_minus<T: Scalar>(graph: &mut Graph<T>, p: NodeId, q: NodeId) -> Option<NodeId> {
    let (p, q) = (operands_of(graph, p, Zip::Multiply)?, operands_of(graph, q, Zip::Multiply)?);
    let orders = |[a, b]: [NodeId; 2]| [(a, b), (b, a)];
    let pairs = orders(p).into_iter().flat_map(|p| orders(q).map(|q| (p, q)));
    let (y, z) = pairs.into_iter().find_map(|((rest, a), (y, other))| {
        let (z, minus_z) = (sigmoid_of(graph, a)?, sigmoid_of(graph, other)?);
        let found = complement_of(graph, rest) == Some(y) && are_opposite(graph, z, minus_z);
        found.then_some((y, z))
    })?;
    let one_shape = graph.node(y).shape == graph.node(z).shape;
    // The formula has a value whatever numbers are in the place of labels.
    let weights = if graph.is_label(y) { Weights::Labels } else { Weights::Any };
    one_shape.then(|| graph.record(SigmoidMinus(weights).into(), smallvec![y, z]))
}

fn guarded_quotient<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[numerator, denominator] = operands else { return None };
    // A number is no probability.
    if number_of(graph, denominator).is_some() {
        return None;
    }
    (graph.is_label(numerator) || has_guarded_factor(graph, numerator, denominator, GUARD_DEPTH))
        .then(|| graph.record(Guarded.into(), smallvec![numerator, denominator]))
}

/// Derivatives of eq. 8 divide by the probability once more an order.
const GUARD_DEPTH: usize = 8;

/// Whether a node is a product that has a guarded quotient by the same denominator as a factor, as
/// derivatives of eq. 8 have.
fn has_guarded_factor<T: Scalar>(graph: &Graph<T>, id: NodeId, denominator: NodeId, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let node = graph.node(id);
    let has = |id: NodeId| has_guarded_factor(graph, id, denominator, depth);
    match (&node.op, node.operands.as_slice()) {
        (Op::Guarded(_), &[numerator, by]) => by == denominator || has(numerator),
        (Op::Zip(Zip::Divide), &[numerator, _]) => has(numerator),
        (Op::Zip(Zip::Multiply), &[a, b]) => has(a) || has(b),
        (Op::Negate(_) | Op::Scale(_) | Op::Broadcast(_), &[a]) => has(a),
        _ => false,
    }
}

fn cancelled_sigmoid<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    if !graph.has_slope() {
        return None;
    }
    let &[a, b] = operands else { return None };
    cancelled(graph, a, b, FACTORS).or_else(|| cancelled(graph, b, a, FACTORS))
}

/// e ⊙ s, cancelled, where s is σ′(z) or a product that has it as a factor, as σ″(z) = −σ′(z) ⊙
/// tanh(z/2) has.
fn cancelled<T: Scalar>(graph: &mut Graph<T>, e: NodeId, slope: NodeId, factors: usize) -> Option<NodeId> {
    if let Some(z) = function_of(graph, slope, &Function::SigmoidDerivative) {
        return times_slope(graph, e, slope, z, DEPTH);
    }
    let factors = factors.checked_sub(1)?;
    let node = graph.node(slope).clone();
    match (&node.op, node.operands.as_slice()) {
        (Op::Negate(_), &[x]) => {
            let product = cancelled(graph, e, x, factors)?;
            Some(graph.record(Negate.into(), smallvec![product]))
        }
        (Op::Zip(Zip::Multiply), &[p, q]) => {
            let (product, rest) = match cancelled(graph, e, p, factors) {
                Some(product) => (product, q),
                None => (cancelled(graph, e, q, factors)?, p),
            };
            Some(graph.record(Zip::Multiply.into(), smallvec![product, rest]))
        }
        _ => None,
    }
}

/// How deep σ′(z) may stand in a product: σ″(z) has it two levels down.
const FACTORS: usize = 3;

/// Eq. 8 and its derivatives are a few levels deep; the limit keeps a long chain of products from
/// being walked again and again.
const DEPTH: usize = 16;

/// e ⊙ σ′(z), with the factor cancelled against quotients by σ(z) or σ(−z) in e; `None` if there
/// are none.
fn times_slope<T: Scalar>(
    graph: &mut Graph<T>,
    e: NodeId,
    slope: NodeId,
    z: NodeId,
    depth: usize,
) -> Option<NodeId> {
    let depth = depth.checked_sub(1)?;
    let node = graph.node(e).clone();
    if let Some([c, a]) = quotient_of(graph, e) {
        if let Some(other) = complement_at(graph, a, z) {
            return Some(graph.record(Zip::Multiply.into(), smallvec![c, other])); // (c ⊘ σ(z)) ⊙ σ′(z) = c ⊙ σ(−z)
        }
        let c = times_slope(graph, c, slope, z, depth)?;
        return Some(graph.record(node.op, smallvec![c, a]));
    }
    match (&node.op, node.operands.as_slice()) {
        // The choice stays: both sides are multiplied.
        (Op::Select(_), &[mask, p, q]) => {
            let [p, q] = both_times_slope(graph, [p, q], slope, z, depth)?;
            Some(graph.record(Select.into(), smallvec![mask, p, q]))
        }
        (Op::Negate(_) | Op::Scale(_), &[x]) => {
            let x = times_slope(graph, x, slope, z, depth)?;
            Some(graph.record(node.op, smallvec![x]))
        }
        (Op::Zip(zip @ (Zip::Add | Zip::Subtract)), &[p, q]) => {
            let [p, q] = both_times_slope(graph, [p, q], slope, z, depth)?;
            Some(graph.record((*zip).into(), smallvec![p, q]))
        }
        (Op::Zip(Zip::Multiply), &[p, q]) => {
            let (p, q) = match times_slope(graph, p, slope, z, depth) {
                Some(p) => (p, q),
                None => (p, times_slope(graph, q, slope, z, depth)?),
            };
            Some(graph.record(Zip::Multiply.into(), smallvec![p, q]))
        }
        _ => None,
    }
}

/// Both of two, of which at least one cancels, times σ′(z).
fn both_times_slope<T: Scalar>(
    graph: &mut Graph<T>,
    both: [NodeId; 2],
    slope: NodeId,
    z: NodeId,
    depth: usize,
) -> Option<[NodeId; 2]> {
    let cancelled = both.map(|x| times_slope(graph, x, slope, z, depth));
    cancelled.iter().any(Option::is_some).then(|| {
        let plain = |x: NodeId| smallvec![x, slope];
        [0, 1].map(|i| cancelled[i].unwrap_or_else(|| graph.record(Zip::Multiply.into(), plain(both[i]))))
    })
}

/// σ(−z) if `a` is σ(z), and σ(z) if `a` is σ(−z).
fn complement_at<T: Scalar>(graph: &mut Graph<T>, a: NodeId, z: NodeId) -> Option<NodeId> {
    let argument = sigmoid_of(graph, a)?;
    (argument == z || are_opposite(graph, argument, z)).then(|| sigmoid_of_negative(graph, argument))
}

/// σ(−z), where −(−z) is z.
pub(super) fn sigmoid_of_negative<T: Scalar>(graph: &mut Graph<T>, z: NodeId) -> NodeId {
    let minus_z = match negative_of(graph, z) {
        Some(z) => z,
        None => graph.record(Negate.into(), smallvec![z]),
    };
    graph.record(Map(Function::Sigmoid).into(), smallvec![minus_z])
}
