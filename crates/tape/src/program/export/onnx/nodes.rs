//! What ONNX computes for a node: operations on elements, products and reductions.

use super::builder::Value;
use super::proto::Elements;
use super::{Exporter, functions};
use crate::ops::Op;
use crate::ops::matmul::Matmul;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::scale::{Factor, Scaling};
use crate::ops::zip::Zip;
use crate::program::compile::graph::Node;
use crate::program::ids::NodeId;
use crate::tape::notation::Over;
use crate::{Dim, Result, Scalar, Shape};

/// The axes that a reduction runs over.
pub(super) fn axes(over: Over) -> &'static [i64] {
    match over {
        Over::Rows => &[0],
        Over::Columns => &[1],
        Over::All => &[0, 1],
    }
}

/// Whether a reduction of such a matrix may have no elements to reduce.
fn may_be_of_nothing(of: Shape, over: Over) -> bool {
    let is_empty = |dim: Dim| dim.at(0) == 0;
    match over {
        Over::Rows => is_empty(of.rows),
        Over::Columns => is_empty(of.columns),
        Over::All => is_empty(of.rows) || is_empty(of.columns),
    }
}

impl<T: Scalar> Exporter<'_, T> {
    /// What computes a node of the graph that is no leaf.
    pub(super) fn node(&mut self, id: NodeId, node: &Node<T>, x: &[Value]) -> Result<Value> {
        Ok(match &node.op {
            Op::Leaf(_) => unreachable!("leaves are there before all nodes"),
            Op::Number(number) => self.factor(number.0, id)?,
            Op::Negate(_) => self.builder.node("Neg", x),
            Op::Transpose(_) => self.builder.transpose(x[0], &[1, 0]),
            Op::Matmul(matmul) => self.product(*matmul, x),
            Op::Map(map) => match functions::of(&mut self.builder, &map.0, x[0]) {
                Some(value) => value,
                None => return self.refused(id, "there are no operators for this function"),
            },
            Op::Zip(zip) => match self.zip(*zip, x[0], x[1]) {
                Some(value) => value,
                None => return self.refused(id, "there is no such operator for f64 and f32"),
            },
            Op::PowerDerivative(power) => match self.power_derivative(power.orders(), x[0], x[1]) {
                Some(value) => value,
                None => return self.refused(id, "only the first derivatives of a power are written"),
            },
            Op::Select(_) => {
                let zero = self.builder.number(0.0);
                let is_off = self.builder.node("Equal", &[x[0], zero]);
                self.builder.node("Where", &[is_off, x[2], x[1]])
            }
            Op::Reduce(reduce) => {
                let of = self.program.graph.node(node.operands[0]).shape;
                self.reduction(*reduce, of, x[0])
            }
            Op::Broadcast(broadcast) => {
                let shape = self.shape(broadcast.0, id)?;
                self.builder.node("Expand", &[x[0], shape])
            }
            Op::LogLoss(_) => self.log_loss(x[0], x[1]),
            Op::LogLossOnLogits(_) => self.log_loss_on_logits(x[0], x[1]),
            Op::SigmoidMinus(_) => self.sigmoid_minus(x[0], x[1]),
            Op::Softmax(softmax) => match self.softmax(softmax, x) {
                Some(value) => value,
                None => return self.refused(id, "a derivative of softmax of a high order"),
            },
            Op::Scale(scale) => self.scaled(scale.0, x[0], id)?,
            Op::Guarded(_) => self.guarded(x[0], x[1]),
            Op::Stop(_) => x[0],
            Op::Stack(_)
            | Op::Slice(_)
            | Op::Pad(_)
            | Op::Fold(_)
            | Op::BlockMatmul(_)
            | Op::BlockTranspose(_)
            | Op::RowsAt(_)
            | Op::RowsAdded(_)
            | Op::Gather(_)
            | Op::ColumnsAdded(_)
            | Op::Identity(_)
            | Op::CumulativeSum(_)
            | Op::ArgMax(_)
            | Op::LowerTriangle(_) => self.structure(id, node, x)?,
            Op::Cholesky(_) | Op::SolveLower(_) | Op::Lu(_) | Op::Solve(_) | Op::LogDet(_) => {
                return self.refused(id, "there are no operators that factor matrices");
            }
            Op::Custom(_) => return self.refused(id, "it is an operation of the user's"),
        })
    }

    /// c·mᵏ, 1 × 1.
    fn factor(&mut self, factor: Factor<T>, id: NodeId) -> Result<Value> {
        let c = self.builder.number(factor.c.to_f64());
        if factor.m == 0 {
            return Ok(c);
        }
        let power = self.power_of_m(factor.m.unsigned_abs(), id)?;
        Ok(self.builder.node(if factor.m > 0 { "Mul" } else { "Div" }, &[c, power]))
    }

    /// mᵏ, for k ≥ 1, 1 × 1.
    fn power_of_m(&mut self, k: u32, id: NodeId) -> Result<Value> {
        let m = self.m(id)?;
        let m = self.builder.cast(m, self.builder.elements);
        let m = self.builder.reshape(m, &[1, 1]);
        Ok((1..k).fold(m, |power, _| self.builder.node("Mul", &[power, m])))
    }

    /// x·c·mᵏ/n, where what stands below the fraction bar divides if the rest is ±1: then nothing
    /// overflows on the way.
    fn scaled(&mut self, scaling: Scaling<T>, x: Value, id: NodeId) -> Result<Value> {
        let Scaling { by, over } = scaling;
        let (c, over) = (by.c.to_f64(), over.to_f64());
        let power = match by.m {
            0 => None,
            k => Some(self.power_of_m(k.unsigned_abs(), id)?),
        };
        let below = match (power, by.m < 0) {
            (Some(power), true) if over == 1.0 => Some(power),
            (Some(power), true) => {
                let over = self.builder.number(over);
                Some(self.builder.node("Mul", &[over, power]))
            }
            (_, _) if over == 1.0 => None,
            (_, _) => Some(self.builder.number(over)),
        };
        let mut above = self.builder.number(c);
        if let (Some(power), true) = (power, by.m > 0) {
            above = self.builder.node("Mul", &[above, power]);
        }
        Ok(match below {
            None => self.builder.node("Mul", &[x, above]),
            Some(below) if c == 1.0 && by.m <= 0 => self.builder.node("Div", &[x, below]),
            Some(below) => {
                let factor = self.builder.node("Div", &[above, below]);
                self.builder.node("Mul", &[x, factor])
            }
        })
    }

    /// op(A) * op(B).
    fn product(&mut self, matmul: Matmul, x: &[Value]) -> Value {
        let oriented = |builder: &mut super::Builder, x: Value, turned: bool| match turned {
            true => builder.transpose(x, &[1, 0]),
            false => x,
        };
        let a = oriented(&mut self.builder, x[0], matmul.left);
        let b = oriented(&mut self.builder, x[1], matmul.right);
        self.builder.node("MatMul", &[a, b])
    }

    fn zip(&mut self, zip: Zip, a: Value, b: Value) -> Option<Value> {
        let builder = &mut self.builder;
        Some(match zip {
            Zip::Add => builder.node("Add", &[a, b]),
            Zip::Subtract => builder.node("Sub", &[a, b]),
            Zip::Multiply => builder.node("Mul", &[a, b]),
            Zip::Divide => builder.node("Div", &[a, b]),
            Zip::Power => builder.node("Pow", &[a, b]),
            Zip::Maximum => builder.node("Max", &[a, b]),
            Zip::Minimum => builder.node("Min", &[a, b]),
            Zip::Greater => {
                let is_greater = builder.node("Greater", &[a, b]);
                builder.indicator(is_greater)
            }
            Zip::Equal => {
                let is_equal = builder.node("Equal", &[a, b]);
                builder.indicator(is_equal)
            }
            Zip::Atan2 => return None,
        })
    }

    /// b·a^(b−1) and aᵇ·ln a, which is 0 where aᵇ is.
    fn power_derivative(&mut self, orders: (u32, u32), a: Value, b: Value) -> Option<Value> {
        let builder = &mut self.builder;
        let (zero, one) = (builder.number(0.0), builder.number(1.0));
        let (factor, power) = match orders {
            (1, 0) => {
                let less = builder.node("Sub", &[b, one]);
                (b, builder.node("Pow", &[a, less]))
            }
            (0, 1) => (builder.node("Log", &[a]), builder.node("Pow", &[a, b])),
            _ => return None,
        };
        let product = builder.node("Mul", &[factor, power]);
        let of = if orders == (1, 0) { b } else { a };
        let vanishes = builder.node("Equal", &[of, zero]);
        Some(builder.node("Where", &[vanishes, zero, product]))
    }

    fn reduction(&mut self, Reduce { reduction, over }: Reduce, of: Shape, x: Value) -> Value {
        let axes = axes(over);
        match reduction {
            Reduction::Sum => self.builder.reduce("ReduceSum", x, axes),
            Reduction::Max => self.builder.reduce("ReduceMax", x, axes),
            Reduction::Min => self.builder.reduce("ReduceMin", x, axes),
            Reduction::MaxNorm => {
                let size = self.builder.node("Abs", &[x]);
                let norm = self.builder.reduce("ReduceMax", size, axes);
                match may_be_of_nothing(of, over) {
                    true => self.zero_below(norm),
                    false => norm,
                }
            }
            Reduction::LogSumExp => {
                let parts = self.exponentials(x, over);
                self.builder.node("Add", &[parts.greatest, parts.log])
            }
        }
    }

    /// 0 where a number is negative: where ONNX reduces nothing to −∞, the norm is 0.
    fn zero_below(&mut self, x: Value) -> Value {
        let zero = self.builder.number(0.0);
        let is_below = self.builder.node("Less", &[x, zero]);
        self.builder.node("Where", &[is_below, zero, x])
    }

    /// a/b, and 0 where both are 0.
    fn guarded(&mut self, a: Value, b: Value) -> Value {
        let builder = &mut self.builder;
        let (zero, one) = (builder.number(0.0), builder.number(1.0));
        let (of_a, of_b) = (builder.node("Equal", &[a, zero]), builder.node("Equal", &[b, zero]));
        let both = builder.node("And", &[of_a, of_b]);
        let divisor = builder.node("Where", &[both, one, b]);
        builder.node("Div", &[a, divisor])
    }

    /// A list of whole numbers of a tensor's numbers, column by column.
    pub(super) fn whole_numbers(&mut self, x: Value, rows_are_one: bool) -> Value {
        let x = if rows_are_one { x } else { self.builder.transpose(x, &[1, 0]) };
        let list = self.builder.reshape(x, &[-1]);
        self.builder.cast(list, Elements::Integer)
    }
}
