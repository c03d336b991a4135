//! Transposes become flags, signs merge, numbers become factors: what literal recording leaves to
//! be taken up.
//!
//! None of these rules moves a number across a product, a quotient or a sum: what is finite stays
//! so.

use smallvec::smallvec;

use super::Rule;
use super::pattern::{factor_of, function_of, negative_of, number_of, operands_of, sigmoid_of};
use crate::ops::Op;
use crate::ops::leaf::Number;
use crate::ops::map::{Function, Map};
use crate::ops::matmul::Matmul;
use crate::ops::scale::{Factor, Negate, Scale, Scaling};
use crate::ops::zip::Zip;
use crate::program::compile::graph::Graph;
use crate::program::ids::NodeId;
use crate::{MatrixMut, MatrixRef, Scalar};

/// The condition of a rule that changes no bit.
pub(super) const EXACT: &str = "exact";

pub(super) fn rules<T: Scalar>(op: &Op<T>) -> &'static [Rule<T>] {
    match op {
        Op::Matmul(_) => &[Rule {
            name: "transposed operand",
            identity: "Aᵀ * B: the product reads A along its rows",
            condition: EXACT,
            apply: transposed_operand,
        }],
        Op::Transpose(_) => &[
            Rule {
                name: "transpose twice", identity: "(Aᵀ)ᵀ = A", condition: EXACT, apply: transpose_twice
            },
            Rule {
                name: "transposed product",
                identity: "(A * B)ᵀ = Bᵀ * Aᵀ",
                condition: "nothing else needs A * B; exact but for the order of the sums",
                apply: transposed_product,
            },
        ],
        Op::Negate(_) => &[
            Rule { name: "minus minus", identity: "−(−A) = A", condition: EXACT, apply: minus_minus },
            Rule {
                name: "negative number",
                identity: "−(c) = (−c)",
                condition: "c is a number; exact",
                apply: negative_number,
            },
        ],
        Op::Zip(Zip::Add | Zip::Subtract) => &[
            Rule {
                name: "signs of a sum",
                identity: "A + (−B) = A − B, (−A) + B = B − A, A − (−B) = A + B",
                condition: EXACT,
                apply: signs_of_sum,
            },
            Rule {
                name: "zero added",
                identity: "A − 0 = A, A + (−0) = A, A + 0 = A",
                condition: "the last where A is never −0; exact",
                apply: zero_added,
            },
            Rule {
                name: "two halves",
                identity: "½·A + ½·A = A",
                condition: "A is a sigmoid; exact but for subnormal numbers",
                apply: two_halves,
            },
        ],
        Op::Zip(Zip::Multiply) => &[
            Rule {
                name: "times one",
                identity: "1 ⊙ A = A",
                condition: "1 is a number or a constant leaf of ones, and repeats to A; exact",
                apply: times_one,
            },
            Rule {
                name: "factor",
                identity: "c·mᵏ ⊙ A: a scaling, which a sum or a product takes up as its last step",
                condition: "within rounding",
                apply: factor,
            },
            Rule {
                name: "signs of a product",
                identity: "(−A) ⊙ B = −(A ⊙ B)",
                condition: EXACT,
                apply: signs_of_product,
            },
            Rule {
                name: "product with a reciprocal",
                identity: "A ⊙ (1 ⊘ X) = A ⊘ X",
                condition: "within rounding; finite also where 1 ⊘ X overflows",
                apply: product_with_reciprocal,
            },
        ],
        Op::Zip(Zip::Divide) => &[
            Rule {
                name: "over one",
                identity: "A ⊘ 1 = A",
                condition: "1 is a number or a constant leaf of ones, and repeats to A; exact",
                apply: over_one,
            },
            Rule {
                name: "number below",
                identity: "A ⊘ c·mᵏ: a scaling, which divides",
                condition: "within rounding",
                apply: number_below,
            },
            Rule {
                name: "signs of a quotient",
                identity: "(−A) ⊘ B = A ⊘ (−B) = −(A ⊘ B)",
                condition: EXACT,
                apply: signs_of_quotient,
            },
        ],
        Op::Zip(Zip::Power) => &[Rule {
            name: "power of a number",
            identity: "Aᴮ with a number B: the function x ↦ xᵇ",
            condition: "B is not NaN; within rounding",
            apply: power_of_number,
        }],
        Op::Map(Map(Function::Identity)) => {
            &[Rule { name: "identity", identity: "identity(A) = A", condition: EXACT, apply: identity }]
        }
        Op::Map(Map(Function::Power(_) | Function::WholePower(_))) => {
            &[Rule { name: "first power", identity: "A¹ = A", condition: EXACT, apply: first_power }]
        }
        Op::Scale(_) => &[Rule {
            name: "factors that cancel",
            identity: "2·(½·A) = A",
            condition: "A is a sigmoid, and the factors are powers of two; exact but for subnormal numbers",
            apply: factors_that_cancel,
        }],
        Op::Map(Map(Function::ReluDerivative)) => &[Rule {
            name: "slope of a relu",
            identity: "relu′(Z) = relu′(relu(Z))",
            condition: "relu(Z) is there, so that Z need not be kept; exact",
            apply: slope_of_relu,
        }],
        Op::Broadcast(_) => &[Rule {
            name: "repeated once",
            identity: "A repeated to its own shape = A",
            condition: EXACT,
            apply: repeated_once,
        }],
        _ => &[],
    }
}

/// The rule of numbers, for any elementwise operation of two operands.
pub(super) fn of_numbers<T: Scalar>(op: &Op<T>) -> &'static [Rule<T>] {
    match op {
        Op::Zip(_) => &[Rule {
            name: "numbers",
            identity: "an operation on two numbers is a number",
            condition: "computed as a program would; powers of m merge where a factor is ±1",
            apply: numbers,
        }],
        _ => &[],
    }
}

fn transposed_operand<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::Matmul(Matmul { left, right }), &[a, b]) = (op, operands) else { return None };
    let ((left, a), (right, b)) = taken_up((*left, a), (*right, b), |id| transpose_of(graph, id))?;
    Some(graph.record(Matmul { left, right }.into(), smallvec![a, b]))
}

/// A flag that says whether an operand is read transposed, and the operand.
type Flagged = (bool, NodeId);

/// Both operands of a product without the transposes that become its flags; `None` if neither is
/// one.
pub(super) fn taken_up(
    (left, a): Flagged,
    (right, b): Flagged,
    transposed: impl Fn(NodeId) -> Option<NodeId>,
) -> Option<(Flagged, Flagged)> {
    let (a_of, b_of) = (transposed(a), transposed(b));
    if a_of.is_none() && b_of.is_none() {
        return None;
    }
    Some(((left != a_of.is_some(), a_of.unwrap_or(a)), (right != b_of.is_some(), b_of.unwrap_or(b))))
}

fn transpose_of<T: Scalar>(graph: &Graph<T>, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    matches!(node.op, Op::Transpose(_)).then(|| node.operands[0])
}

fn transpose_twice<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let is_number = graph.node(operands[0]).shape.is_scalar();
    if is_number { Some(operands[0]) } else { transpose_of(graph, operands[0]) }
}

fn transposed_product<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let node = graph.node(operands[0]);
    let (Op::Matmul(Matmul { left, right }), &[a, b]) = (&node.op, node.operands.as_slice()) else {
        return None;
    };
    let transposed = Matmul { left: !right, right: !left };
    graph.is_used_once(operands[0]).then(|| graph.record(transposed.into(), smallvec![b, a]))
}

fn minus_minus<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    negative_of(graph, operands[0])
}

fn negative_number<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let Factor { c, m } = factor_of(graph, operands[0])?;
    Some(number(graph, Factor { c: -c, m }))
}

fn number<T: Scalar>(graph: &mut Graph<T>, number: Factor<T>) -> NodeId {
    graph.record(Number(number).into(), smallvec![])
}

fn negated<T: Scalar>(graph: &mut Graph<T>, a: NodeId) -> NodeId {
    graph.record(Negate.into(), smallvec![a])
}

fn numbers<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::Zip(zip), &[a, b]) = (op, operands) else { return None };
    let (a, b) = (factor_of(graph, a)?, factor_of(graph, b)?);
    let one = |x: &[T; 1]| MatrixRef::new(1, 1, x).map(|x| x.to_matrix());
    let mut value = [T::ZERO];
    let (left, right) = (one(&[a.c]).ok()?, one(&[b.c]).ok()?);
    zip.apply(left.view(), right.view(), &mut MatrixMut::new(1, 1, &mut value).ok()?);
    // What was divided by m stays an error where there are no examples.
    let same_sign = |a: i32, b: i32| a == 0 || b == 0 || (a < 0) == (b < 0);
    let is_unit = a.c.abs() == T::ONE || b.c.abs() == T::ONE;
    let m = match zip {
        _ if a.m == 0 && b.m == 0 => 0,
        Zip::Multiply if is_unit && same_sign(a.m, b.m) => a.m + b.m,
        Zip::Divide if b.c.abs() == T::ONE && same_sign(a.m, -b.m) => a.m - b.m,
        _ => return None,
    };
    Some(number(graph, Factor { c: value[0], m }))
}

fn signs_of_sum<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::Zip(zip), &[a, b]) = (op, operands) else { return None };
    let (a_of, b_of) = (negative_of(graph, a), negative_of(graph, b));
    let (zip, operands) = match (zip, a_of, b_of) {
        (Zip::Add, _, Some(b)) => (Zip::Subtract, smallvec![a, b]),
        (Zip::Add, Some(a), None) => (Zip::Subtract, smallvec![b, a]),
        (Zip::Subtract, _, Some(b)) => (Zip::Add, smallvec![a, b]),
        _ => return None,
    };
    Some(graph.record(zip.into(), operands))
}

fn zero_added<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::Zip(zip), &[a, b]) = (op, operands) else { return None };
    let zero = |id: NodeId| number_of(graph, id).filter(|&x| x == T::ZERO).map(|x| x.is_sign_negative());
    let is_never_minus_0 = |id: NodeId| sigmoid_of(graph, id).is_some();
    match (zip, zero(a), zero(b)) {
        (Zip::Subtract, _, Some(false)) | (Zip::Add, _, Some(true)) => Some(a),
        (Zip::Add, Some(true), _) => Some(b),
        (Zip::Add | Zip::Subtract, _, Some(_)) if is_never_minus_0(a) => Some(a),
        (Zip::Add, Some(false), _) if is_never_minus_0(b) => Some(b),
        _ => None,
    }
}

fn two_halves<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::Zip(Zip::Add), &[a, b]) = (op, operands) else { return None };
    let half = |id: NodeId| {
        let node = graph.node(id);
        let Op::Scale(Scale(scaling)) = &node.op else { return None };
        let is_half = *scaling == Scaling::by(Factor::number(T::from_f64(0.5)))
            || *scaling == Scaling { by: Factor::ONE, over: T::from_f64(2.0) };
        is_half.then(|| node.operands[0])
    };
    let whole = half(a)?;
    (half(b) == Some(whole) && sigmoid_of(graph, whole).is_some()).then_some(whole)
}

/// The operand that keeps its value in a product with the other, which is 1.
fn times_one<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let keeps = |one: NodeId, x: NodeId| graph.is_one(one) && repeats_to(graph, one, x);
    if keeps(a, b) {
        return Some(b);
    }
    keeps(b, a).then_some(a)
}

/// Whether `a` is repeated to the shape of `b`.
fn repeats_to<T: Scalar>(graph: &Graph<T>, a: NodeId, b: NodeId) -> bool {
    let shape = graph.node(b).shape;
    graph.node(a).shape.broadcast(shape) == Some(shape)
}

fn factor<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let (factor, x) = match (factor_of(graph, a), factor_of(graph, b)) {
        (Some(factor), _) => (factor, b),
        (None, Some(factor)) => (factor, a),
        (None, None) => return None,
    };
    Some(match factor == Factor::number(-T::ONE) {
        true => negated(graph, x),
        false => graph.record(Scale(Scaling::by(factor)).into(), smallvec![x]),
    })
}

fn signs_of_product<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let operands = match (negative_of(graph, a), negative_of(graph, b)) {
        (Some(a), _) => smallvec![a, b],
        (None, Some(b)) => smallvec![a, b],
        (None, None) => return None,
    };
    let product = graph.record(Zip::Multiply.into(), operands);
    Some(negated(graph, product))
}

fn product_with_reciprocal<T: Scalar>(
    graph: &mut Graph<T>,
    _: &Op<T>,
    operands: &[NodeId],
) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let divisor = |id: NodeId| {
        let [one, x] = operands_of(graph, id, Zip::Divide)?;
        (number_of(graph, one) == Some(T::ONE)).then_some(x)
    };
    let operands = match (divisor(a), divisor(b)) {
        (_, Some(x)) => smallvec![a, x],
        (Some(x), None) => smallvec![b, x],
        (None, None) => return None,
    };
    Some(graph.record(Zip::Divide.into(), operands))
}

fn over_one<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    (graph.is_one(b) && repeats_to(graph, b, a)).then_some(a)
}

fn number_below<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let Factor { c, m } = factor_of(graph, b)?;
    let scaling = Scaling { by: Factor { c: T::ONE, m: -m }, over: c };
    Some(match scaling == (Scaling { by: Factor::ONE, over: -T::ONE }) {
        true => negated(graph, a),
        false => graph.record(Scale(scaling).into(), smallvec![a]),
    })
}

fn signs_of_quotient<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let operands = match (negative_of(graph, a), negative_of(graph, b)) {
        (Some(a), _) => smallvec![a, b],
        (None, Some(b)) => smallvec![a, b],
        (None, None) => return None,
    };
    let quotient = graph.record(op.clone(), operands);
    Some(negated(graph, quotient))
}

fn power_of_number<T: Scalar>(graph: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let &[a, b] = operands else { return None };
    let power = number_of(graph, b).filter(|power| !power.is_nan())?; // a function has no parameter NaN
    let function = match power {
        _ if power == T::ONE => return Some(a),
        _ if power == T::from_f64(2.0) => Function::Square,
        _ => Function::Power(power),
    };
    Some(graph.record(Map(function).into(), smallvec![a]))
}

fn identity<T: Scalar>(_: &mut Graph<T>, _: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    Some(operands[0])
}

fn first_power<T: Scalar>(_: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    match op {
        Op::Map(Map(Function::WholePower(1))) => Some(operands[0]),
        Op::Map(Map(Function::Power(p))) if *p == T::ONE => Some(operands[0]),
        _ => None,
    }
}

fn factors_that_cancel<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let inner = graph.node(operands[0]);
    let (Op::Scale(outer), Op::Scale(Scale(inner)), &[a]) = (op, &inner.op, inner.operands.as_slice()) else {
        return None;
    };
    let product = outer.0.power_of_two()? * inner.power_of_two()?;
    (product == T::ONE && sigmoid_of(graph, a).is_some()).then_some(a)
}

fn slope_of_relu<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let z = operands[0];
    if function_of(graph, z, &Function::Relu).is_some() {
        return None;
    }
    let a = graph.find(Map(Function::Relu).into(), &[z])?;
    Some(graph.record(op.clone(), smallvec![a]))
}

fn repeated_once<T: Scalar>(graph: &mut Graph<T>, op: &Op<T>, operands: &[NodeId]) -> Option<NodeId> {
    let Op::Broadcast(repeat) = op else { return None };
    (graph.node(operands[0]).shape == repeat.0).then_some(operands[0])
}
