//! Operations on elements, as expressions.

use super::{MultiplyAdd, Writer};
use crate::ops::Op;
use crate::ops::map::Function;
use crate::ops::scale::Scaling;
use crate::ops::zip::Zip;
use crate::program::ids::NodeId;
use crate::{Result, Scalar};

/// Why functions of the standard library are refused.
const OF_STD: &str =
    "the program takes it from the standard library, which the text may do by MultiplyAdd::Std alone";
pub(super) const NOT_WRITTEN: &str = "it is not written down in source";

/// An operand with the other sign: of a negative number the positive one, as two signs are a warning.
fn negated(x: &str) -> String {
    x.strip_prefix('-').map_or_else(|| format!("-{x}"), str::to_owned)
}

impl<T: Scalar> Writer<'_, T> {
    /// The expression of an elementwise operation on such operands.
    pub(super) fn expression(&self, node: NodeId, x: &[String]) -> Result<String> {
        let op = &self.program.graph.node(node).op;
        Ok(match op {
            Op::Negate(_) => negated(&x[0]),
            Op::Scale(scale) => self.scaled(scale.0, &x[0]),
            Op::Map(map) => self.function(node, &map.0, &x[0])?,
            Op::Zip(zip) => self.zip(node, *zip, &x[0], &x[1])?,
            Op::Guarded(_) => format!("quotient({}, {})", x[0], x[1]),
            Op::Select(_) => format!("if {} == 0.0 {{ {} }} else {{ {} }}", x[0], x[2], x[1]),
            Op::LogLossOnLogits(_) => format!("log_loss_on_logits({}, {})", x[0], x[1]),
            Op::SigmoidMinus(_) => format!("sigmoid_minus({}, {})", x[0], x[1]),
            Op::Broadcast(_) | Op::Stop(_) => x[0].clone(),
            Op::LogLoss(_) => self.of_std(node, format!("log_loss({}, {})", x[0], x[1]))?,
            Op::Custom(_) => return self.refused(node, "it is an operation of the user's"),
            Op::Leaf(_)
            | Op::Number(_)
            | Op::Transpose(_)
            | Op::Matmul(_)
            | Op::PowerDerivative(_)
            | Op::Reduce(_)
            | Op::Softmax(_)
            | Op::Stack(_)
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
            | Op::Cholesky(_)
            | Op::LowerTriangle(_)
            | Op::SolveLower(_)
            | Op::Lu(_)
            | Op::Solve(_)
            | Op::LogDet(_) => return self.refused(node, NOT_WRITTEN),
        })
    }

    /// times·x/over for the examples that the function is for.
    pub(super) fn scaled(&self, scaling: Scaling<T>, x: &str) -> String {
        let scaled = scaling.at(self.source.examples);
        let (times, over) = (self.literal(scaled.times), self.literal(scaled.over));
        match (scaled.times == T::ONE, scaled.over == T::ONE) {
            (true, true) => x.to_owned(),
            (false, true) => format!("{times} * {x}"),
            (true, false) => format!("{x} / {over}"),
            (false, false) => format!("{times} * {x} / {over}"),
        }
    }

    fn has_std(&self) -> bool {
        self.source.multiply_add == MultiplyAdd::Std
    }

    /// A function that the program takes from the standard library.
    fn of_std(&self, node: NodeId, expression: String) -> Result<String> {
        if self.has_std() { Ok(expression) } else { self.refused(node, OF_STD) }
    }

    fn zip(&self, node: NodeId, zip: Zip, a: &str, b: &str) -> Result<String> {
        Ok(match zip {
            Zip::Add => format!("{a} + {b}"),
            Zip::Subtract => format!("{a} - {b}"),
            Zip::Multiply => format!("{a} * {b}"),
            Zip::Divide => format!("{a} / {b}"),
            Zip::Power => self.of_std(node, format!("{}.powf({b})", self.typed(a)))?,
            Zip::Greater => format!("greater({a}, {b})"),
            Zip::Equal => format!("equal({a}, {b})"),
            Zip::Maximum => format!("maximum({a}, {b})"),
            Zip::Minimum => format!("-maximum({}, {})", negated(a), negated(b)),
            Zip::Atan2 => self.of_std(node, format!("{}.atan2({b})", self.typed(a)))?,
        })
    }

    /// An operand whose type a method call can tell.
    fn typed(&self, x: &str) -> String {
        let is_literal = x.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        if is_literal { format!("({x}_{})", self.numbers.name()) } else { x.to_owned() }
    }

    fn function(&self, node: NodeId, function: &Function<T>, x: &str) -> Result<String> {
        let number = |x: T| self.literal(x);
        let call = |name: &str| format!("{name}({x})");
        Ok(match *function {
            Function::Identity => x.to_owned(),
            Function::NormalOrZero => call("normal_or_zero"),
            Function::Exp => call("exp"),
            Function::Ln => call("ln"),
            Function::Ln1p => self.of_std(node, format!("{}.ln_1p()", self.typed(x)))?,
            Function::ExpM1 => self.of_std(node, format!("{}.exp_m1()", self.typed(x)))?,
            Function::Sqrt if self.has_std() => format!("{}.sqrt()", self.typed(x)),
            Function::Sqrt => call("square_root"),
            Function::Square => format!("{x} * {x}"),
            Function::Power(p) if p == T::from_f64(2.0) => format!("{x} * {x}"),
            Function::Power(p) if p == T::from_f64(-1.0) => format!("1.0 / {x}"),
            Function::Power(p) => self.of_std(node, format!("{}.powf({})", self.typed(x), number(p)))?,
            Function::WholePower(1) => x.to_owned(),
            Function::WholePower(2) => format!("{x} * {x}"),
            Function::WholePower(3) => format!("{x} * {x} * {x}"),
            Function::WholePower(4) => format!("({x} * {x}) * ({x} * {x})"),
            Function::WholePower(-1) => format!("1.0 / {x}"),
            Function::WholePower(-2) => format!("(1.0 / {x}) * (1.0 / {x})"),
            Function::WholePower(n) => {
                let name = self.numbers.name();
                self.of_std(node, format!("f64::from({}).powf({n}_f64) as {name}", self.typed(x)))?
            }
            Function::Sin => call("sin"),
            Function::Cos => call("cos"),
            Function::Abs => format!("{}.abs()", self.typed(x)),
            Function::Sign => call("sign"),
            Function::Erf => call("erf"),
            Function::Clamp(low, high) => format!("clamp({x}, {}, {})", number(low), number(high)),
            Function::ClampDerivative(low, high) => {
                format!("in_range({x}, {}, {})", number(low), number(high))
            }
            Function::Relu => call("relu"),
            Function::ReluDerivative => format!("leaky_relu_derivative({x}, 0.0)"),
            Function::LeakyRelu(slope) => format!("leaky_relu({x}, {})", number(slope)),
            Function::LeakyReluDerivative(slope) => format!("leaky_relu_derivative({x}, {})", number(slope)),
            Function::Elu(alpha) => format!("elu({x}, {})", number(alpha)),
            Function::EluDerivative(alpha) => format!("elu_derivative({x}, {})", number(alpha)),
            Function::EluSecondDerivative(alpha) => format!("elu_second_derivative({x}, {})", number(alpha)),
            Function::Sigmoid => call("sigmoid"),
            Function::SigmoidDerivative => call("sigmoid_derivative"),
            Function::LogSigmoid => call("log_sigmoid"),
            Function::Tanh => call("tanh"),
            Function::TanhDerivative => call("tanh_derivative"),
            Function::Softplus => call("softplus"),
            Function::Silu => call("silu"),
            Function::SiluDerivative => call("silu_derivative"),
            Function::SiluSecondDerivative => call("silu_second_derivative"),
            Function::ErfDerivative => self.of_std(node, call("erf_derivative"))?,
            Function::NormalPdf => self.of_std(node, call("normal_pdf"))?,
            Function::GeluTanh => self.of_std(node, call("gelu_tanh"))?,
            Function::GeluTanhDerivative => self.of_std(node, call("gelu_tanh_derivative"))?,
            Function::ErfHigher(_)
            | Function::GeluTanhSecondDerivative
            | Function::Gelu
            | Function::GeluDerivative
            | Function::GeluHigher(_)
            | Function::NormalPdfHigher(_) => return self.refused(node, NOT_WRITTEN),
            Function::User(_) => return self.refused(node, "it is a function of the user's"),
        })
    }
}
