//! Local rewrites, each by an identity: the naive formula becomes the stable one.
//!
//! They are tried on every node as the graph is built, so the operands are in their final form. With a = σ(z):
//!
//! | found | becomes | because |
//! |---|---|---|
//! | identity(x) | x | |
//! | relu′(z) where relu(z) is there | relu′(relu(z)) | relu(z) > 0 just where z > 0; z need not be kept |
//! | ln σ(z) | log_sigmoid(z) | its definition |
//! | 1 − σ(z) | σ(−z) | 1 − 1/(1 + e⁻ᶻ) = 1/(1 + eᶻ) |
//! | log_loss(y, σ(z)) | log_loss_on_logits(y, z) | −ln σ(z) = softplus(−z), −ln σ(−z) = softplus(z) |
//! | −(y ⊘ a − (1 − y) ⊘ (1 − a)), eq. 8 | a quotient is 0 where y, or 1 − y, is 0 | it is the derivative of y · ln a with 0 · ln 0 = 0 |
//! | e ⊙ σ′(z) with quotients by σ(±z) in e | the quotients cancelled | σ′(z) = σ(z)·σ(−z) |
//! | (1 − y) ⊙ σ(z) − y ⊙ σ(−z) | sigmoid_minus(y, z) | it is σ(z) − y, and computed by the formula found |
//!
//! The last two turn eq. 8 ⊙ eq. 10 into a − y, right at every finite z.

use smallvec::smallvec;

use crate::Scalar;
use crate::op::Op;
use crate::ops::leaf::Number;
use crate::ops::log_loss::{LogLossOnLogits, SigmoidMinus};
use crate::ops::map::{Function, Map};
use crate::ops::scale::{Negate, Scale};
use crate::ops::select::Select;
use crate::ops::zip::Zip;
use crate::program::lower::Graph;
use crate::tape::Ids;

/// What the node becomes, if a rewrite applies.
pub(crate) fn rewrite<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &Ids) -> Option<u32> {
    match (op, operands.as_slice()) {
        (Op::Map(Map(Function::Identity)), &[x]) => Some(x),
        (Op::Map(Map(g @ Function::ReluDerivative)), &[z]) => {
            let a = graph.find(Map(Function::Relu).into(), operands)?;
            (a != z).then(|| graph.record(Map(g.clone()).into(), smallvec![a]))
        }
        (Op::Map(Map(Function::Ln)), &[a]) => {
            let z = function_of(graph, a, &Function::Sigmoid)?;
            Some(graph.record(Map(Function::LogSigmoid).into(), smallvec![z]))
        }
        (Op::Zip(Zip::Subtract), &[one, a]) if is_one(graph, one) => {
            let z = function_of(graph, a, &Function::Sigmoid)?;
            Some(sigmoid_of_negative(graph, z))
        }
        (Op::LogLoss(_), &[y, a]) => {
            let z = function_of(graph, a, &Function::Sigmoid)?;
            Some(graph.record(LogLossOnLogits.into(), smallvec![y, z]))
        }
        (Op::Negate(_), &[difference]) => equation_8(graph, difference).or_else(|| {
            let [p, q] = operands_of(graph, difference, Zip::Subtract)?;
            sigmoid_minus(graph, q, p)
        }),
        (Op::Zip(Zip::Subtract), &[p, q]) => sigmoid_minus(graph, p, q),
        (Op::Zip(Zip::Multiply), &[a, b]) => {
            cancelled(graph, a, b, FACTORS).or_else(|| cancelled(graph, b, a, FACTORS))
        }
        _ => None,
    }
}

/// σ(z) − y, if p is (1 − y) ⊙ σ(z) and q is y ⊙ σ(−z).
fn sigmoid_minus<T: Scalar>(graph: &mut Graph<T>, p: u32, q: u32) -> Option<u32> {
    let (p, q) = (operands_of(graph, p, Zip::Multiply)?, operands_of(graph, q, Zip::Multiply)?);
    let orders = |[a, b]: [u32; 2]| [(a, b), (b, a)];
    let pairs = orders(p).into_iter().flat_map(|p| orders(q).map(|q| (p, q)));
    let (y, z) = pairs.into_iter().find_map(|((rest, a), (y, other))| {
        let [one, of] = operands_of(graph, rest, Zip::Subtract)?;
        let z = function_of(graph, a, &Function::Sigmoid)?;
        let minus_z = function_of(graph, other, &Function::Sigmoid)?;
        let opposite = negative_of(graph, minus_z) == Some(z) || negative_of(graph, z) == Some(minus_z);
        (is_one(graph, one) && of == y && opposite).then_some((y, z))
    })?;
    let one_shape = graph.node(y).shape == graph.node(z).shape;
    one_shape.then(|| graph.record(SigmoidMinus.into(), smallvec![y, z]))
}

/// Eq. 8 without the 0/0 that a certain and right prediction would make of it.
fn equation_8<T: Scalar>(graph: &mut Graph<T>, difference: u32) -> Option<u32> {
    let [first, second] = operands_of(graph, difference, Zip::Subtract)?;
    let [y, a] = operands_of(graph, first, Zip::Divide)?;
    let [rest_y, rest_a] = operands_of(graph, second, Zip::Divide)?;
    let is_rest = |of: u32, rest: u32| {
        operands_of(graph, rest, Zip::Subtract).is_some_and(|[one, x]| is_one(graph, one) && x == of)
    };
    let argument = |id: u32| function_of(graph, id, &Function::Sigmoid);
    let is_complement = || match (argument(a), argument(rest_a)) {
        (Some(z), Some(other)) => {
            negative_of(graph, other) == Some(z) || negative_of(graph, z) == Some(other)
        }
        _ => false,
    };
    if !is_rest(y, rest_y) || !(is_rest(a, rest_a) || is_complement()) {
        return None;
    }
    let zero = graph.record(Number(T::ZERO).into(), smallvec![]);
    let first = graph.record(Select.into(), smallvec![y, first, zero]);
    let second = graph.record(Select.into(), smallvec![rest_y, second, zero]);
    let difference = graph.record(Zip::Subtract.into(), smallvec![first, second]);
    Some(graph.record(Negate.into(), smallvec![difference]))
}

fn operands_of<T: Scalar>(graph: &Graph<T>, id: u32, zip: Zip) -> Option<[u32; 2]> {
    let node = graph.node(id);
    match (&node.op, node.operands.as_slice()) {
        (Op::Zip(found), &[a, b]) if *found == zip => Some([a, b]),
        _ => None,
    }
}

/// e ⊙ s, cancelled, where s is σ′(z) or a product that has it as a factor, as σ″(z) = −σ′(z) ⊙ tanh(z/2) has.
fn cancelled<T: Scalar>(graph: &mut Graph<T>, e: u32, slope: u32, factors: usize) -> Option<u32> {
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

/// Eq. 8 and its derivatives are a few levels deep; the limit keeps a long chain of products from being walked again and
/// again.
const DEPTH: usize = 16;

/// e ⊙ σ′(z), with the factor cancelled against quotients by σ(z) or σ(−z) in e; `None` if there are none.
fn times_slope<T: Scalar>(graph: &mut Graph<T>, e: u32, slope: u32, z: u32, depth: usize) -> Option<u32> {
    let depth = depth.checked_sub(1)?;
    let node = graph.node(e).clone();
    match (&node.op, node.operands.as_slice()) {
        (Op::Zip(Zip::Divide), &[c, a]) => {
            if let Some(other) = complement(graph, a, z) {
                return Some(graph.record(Zip::Multiply.into(), smallvec![c, other])); // (c ⊘ σ(z)) ⊙ σ′(z) = c ⊙ σ(−z)
            }
            let c = times_slope(graph, c, slope, z, depth)?;
            Some(graph.record(Zip::Divide.into(), smallvec![c, a]))
        }
        // What eq. 8 chooses there is chosen for the sake of the quotient, which goes away.
        (Op::Select(_), &[_, quotient, zero]) if is_zero(graph, zero) => {
            times_slope(graph, quotient, slope, z, depth)
        }
        (Op::Negate(_), &[x]) => {
            let x = times_slope(graph, x, slope, z, depth)?;
            Some(graph.record(Negate.into(), smallvec![x]))
        }
        (Op::Scale(Scale(factor)), &[x]) => {
            let x = times_slope(graph, x, slope, z, depth)?;
            Some(graph.record(Scale(*factor).into(), smallvec![x]))
        }
        (Op::Zip(zip @ (Zip::Add | Zip::Subtract)), &[p, q]) => {
            let (dp, dq) = (times_slope(graph, p, slope, z, depth), times_slope(graph, q, slope, z, depth));
            if dp.is_none() && dq.is_none() {
                return None;
            }
            let mut plain = |x: u32| graph.record(Zip::Multiply.into(), smallvec![x, slope]);
            let p = dp.unwrap_or_else(|| plain(p));
            let q = dq.unwrap_or_else(|| plain(q));
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

/// σ(−z) if `a` is σ(z), and σ(z) if `a` is σ(−z).
fn complement<T: Scalar>(graph: &mut Graph<T>, a: u32, z: u32) -> Option<u32> {
    let argument = function_of(graph, a, &Function::Sigmoid)?;
    let opposite = negative_of(graph, argument) == Some(z) || negative_of(graph, z) == Some(argument);
    if argument == z || opposite { Some(sigmoid_of_negative(graph, argument)) } else { None }
}

/// σ(−z), where −(−z) is z.
fn sigmoid_of_negative<T: Scalar>(graph: &mut Graph<T>, z: u32) -> u32 {
    let minus_z = match negative_of(graph, z) {
        Some(z) => z,
        None => graph.record(Negate.into(), smallvec![z]),
    };
    graph.record(Map(Function::Sigmoid).into(), smallvec![minus_z])
}

fn negative_of<T: Scalar>(graph: &Graph<T>, id: u32) -> Option<u32> {
    let node = graph.node(id);
    matches!(node.op, Op::Negate(_)).then(|| node.operands[0])
}

/// The argument, if the node is this function of it.
fn function_of<T: Scalar>(graph: &Graph<T>, id: u32, function: &Function<T>) -> Option<u32> {
    let node = graph.node(id);
    match &node.op {
        Op::Map(Map(found)) if found == function => Some(node.operands[0]),
        _ => None,
    }
}

fn is_zero<T: Scalar>(graph: &Graph<T>, id: u32) -> bool {
    matches!(&graph.node(id).op, Op::Number(number) if number.0 == T::ZERO)
}

fn is_one<T: Scalar>(graph: &Graph<T>, id: u32) -> bool {
    matches!(&graph.node(id).op, Op::Number(number) if number.0 == T::ONE)
}
