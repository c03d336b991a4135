//! A plain program: the list that a test keeps for itself beside the tape.

use std::fmt;

use tape::{Dim, Over, Shape};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Parameter,
    Examples,
    Constant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pair {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// a / b, and 0 where a is 0: a quotient of eq. 8, as a program may compute it. It is not recorded.
    DivideOrZero,
    Power,
    Greater,
    Equal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reduction {
    Sum,
    Max,
    Min,
    MaxNorm,
    LogSumExp,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fun {
    Identity,
    Exp,
    Ln,
    Sqrt,
    Square,
    Sin,
    Cos,
    Abs,
    Sign,
    Erf,
    Relu,
    Sigmoid,
    SigmoidDerivative,
    LogSigmoid,
    Tanh,
    Softplus,
    Silu,
    Gelu,
    GeluTanh,
    Clamp(f64, f64),
    LeakyRelu(f64),
    Elu(f64),
    Power(f64),
}

/// The operation of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    Leaf(Kind, Vec<f64>),
    Number(f64),
    OneOverM,
    Zip(Pair),
    Map(Fun),
    Negate,
    Transpose,
    Product,
    Reduce(Reduction, Over),
    /// Repeated to the node's own shape.
    Repeat,
    Rows(usize, usize),
    Columns(usize, usize),
    StackRows,
    StackColumns,
    /// Mask, A, B.
    Select,
    /// Labels, probabilities: summed over the rows, as the next one.
    LogLoss,
    LogLossOnLogits,
    /// Labels, logits.
    SigmoidMinus,
    /// As operations of their own, where the tape has them so.
    Mean(Over),
    Softmax(Over),
    /// Targets, logits.
    CrossEntropy,
}

/// How an entry is written, other than by its operation on its operands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Method {
    /// With a number on the left of the operator.
    Left(f64),
    /// With a number on the right of the operator, or as an argument.
    Right(f64),
    /// With the operands of `greater` exchanged.
    Less,
    Mean(Over),
    Softmax(Over),
    CrossEntropy,
    SquaredError,
    Reciprocal,
    /// x² by `powf`, or by `powi`.
    Powf(f64),
    Powi(i32),
}

/// An entry.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) on: Vec<usize>,
    pub(crate) shape: Shape,
    /// The method that records it, on these nodes, and with it the hidden nodes before it.
    pub(crate) written: Option<(Method, Vec<usize>)>,
    /// Recorded by the next node that is not hidden.
    pub(crate) hidden: bool,
    pub(crate) named: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) m: usize,
    pub(crate) nodes: Vec<Node>,
}

impl Script {
    /// For every node whether one of `ends` depends on it.
    pub(crate) fn needed(&self, ends: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        ends.iter().for_each(|&end| needed[end] = true);
        for i in (0..self.nodes.len()).rev() {
            if needed[i] {
                let written = self.nodes[i].written.iter().flat_map(|(_, on)| on);
                self.nodes[i].on.iter().chain(written).for_each(|&on| needed[on] = true);
            }
        }
        needed
    }

    /// Without the nodes that are not kept; the answer says where the others have gone.
    pub(crate) fn kept(&self, keep: &[bool]) -> (Script, Vec<usize>) {
        let mut place = vec![usize::MAX; self.nodes.len()];
        let mut nodes = Vec::new();
        for (i, node) in self.nodes.iter().enumerate().filter(|(i, _)| keep[*i]) {
            place[i] = nodes.len();
            let mut node = node.clone();
            let moved = |on: &mut Vec<usize>| on.iter_mut().for_each(|on| *on = place[*on]);
            moved(&mut node.on);
            if let Some((_, on)) = &mut node.written {
                moved(on);
            }
            nodes.push(node);
        }
        (Script { m: self.m, nodes }, place)
    }
}

impl Pair {
    pub(crate) fn commutes(self) -> bool {
        matches!(self, Pair::Add | Pair::Multiply | Pair::Equal)
    }
}

/// As it may be pasted into a test.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "// m = {}", self.m)?;
        for (i, node) in self.nodes.iter().enumerate() {
            let hidden = if node.hidden { "// hidden: " } else { "" };
            let named = if node.named { format!(".named(\"v{i}\")") } else { String::new() };
            writeln!(f, "{hidden}let v{i} = {}{named}; // {}", self.written(i), node.shape)?;
        }
        Ok(())
    }
}

impl Script {
    fn written(&self, i: usize) -> String {
        let node = &self.nodes[i];
        let v = |k: usize| format!("v{}", node.on[k]);
        let over = |over: Over| format!("Over::{over:?}");
        let sign = |pair: Pair| match pair {
            Pair::Add => " + ",
            Pair::Subtract => " - ",
            Pair::Multiply => " * ",
            Pair::Divide | Pair::DivideOrZero => " / ",
            Pair::Power => " pow ",
            Pair::Greater => " greater ",
            Pair::Equal => " equal ",
        };
        if let Some((method, on)) = &node.written {
            let v = |k: usize| format!("v{}", on[k]);
            return match (method, &node.op) {
                (Method::Left(c), Op::Zip(pair)) => format!("{c:?}{}{}", sign(*pair), v(0)),
                (Method::Right(c), Op::Zip(pair)) => format!("{}{}{c:?}", v(0), sign(*pair)),
                (Method::Less, _) => format!("{}.less({})", v(0), v(1)),
                (Method::Mean(o), _) => format!("{}.mean_over({})", v(0), over(*o)),
                (Method::Softmax(o), _) => format!("{}.softmax_over({})", v(0), over(*o)),
                (Method::CrossEntropy, _) => format!("{}.softmax_cross_entropy({})", v(1), v(0)),
                (Method::SquaredError, _) => format!("{}.squared_error({})", v(0), v(1)),
                (Method::Powf(p), _) => format!("{}.powf({p:?})", v(0)),
                (Method::Powi(p), _) => format!("{}.powi({p})", v(0)),
                (method, _) => format!("{}.{method:?}()", v(0)),
            };
        }
        match &node.op {
            Op::Leaf(kind, values) => {
                let (rows, columns) = node.shape.at(self.m);
                let rows: Vec<String> = (0..rows)
                    .map(|i| {
                        let row: Vec<String> =
                            (0..columns).map(|j| format!("{:?}", values[i + j * rows])).collect();
                        format!("[{}]", row.join(", "))
                    })
                    .collect();
                let kind = format!("{kind:?}").to_lowercase();
                format!("tape.{kind}(\"v{i}\", &matrix![{}])", rows.join(", "))
            }
            Op::Number(c) => format!("tape.scalar({c:?})"),
            Op::OneOverM => "tape.one_over_m()".into(),
            Op::Zip(pair) => format!("{}{}{}", v(0), sign(*pair), v(1)),
            Op::Map(fun) => format!("{}.{}", v(0), format!("{fun:?}()").to_lowercase().replace(")()", ")")),
            Op::Negate => format!("-{}", v(0)),
            Op::Transpose => format!("{}.t()", v(0)),
            Op::Product => format!("{}.matmul({})", v(0), v(1)),
            Op::Reduce(Reduction::MaxNorm, o) => format!("{}.max_norm_over({})", v(0), over(*o)),
            Op::Reduce(Reduction::LogSumExp, o) => format!("{}.log_sum_exp_over({})", v(0), over(*o)),
            Op::Reduce(r, o) => format!("{}.{}_over({})", v(0), format!("{r:?}").to_lowercase(), over(*o)),
            Op::Repeat => format!("{}.broadcast_to({})", v(0), node.shape),
            Op::Rows(a, b) => format!("{}.rows({a}..{b})", v(0)),
            Op::Columns(a, b) => format!("{}.columns({a}..{b})", v(0)),
            Op::StackRows | Op::StackColumns => {
                let parts: Vec<String> = (0..node.on.len()).map(v).collect();
                let along = if node.op == Op::StackRows { "rows" } else { "columns" };
                format!("tape.stack_{along}(&[{}])", parts.join(", "))
            }
            Op::Select => format!("{}.select({}, {})", v(0), v(1), v(2)),
            Op::LogLoss => format!("{}.log_loss({})", v(1), v(0)),
            Op::LogLossOnLogits => format!("{}.log_loss_on_logits({})", v(1), v(0)),
            Op::SigmoidMinus => format!("{}.sigmoid_minus({})", v(1), v(0)),
            Op::Mean(o) => format!("{}.mean_over({})", v(0), over(*o)),
            Op::Softmax(o) => format!("{}.softmax_over({})", v(0), over(*o)),
            Op::CrossEntropy => format!("{}.softmax_cross_entropy({})", v(1), v(0)),
        }
    }
}

/// The shape of an operation of two that repeats what has an extent of 1.
pub(crate) fn together(a: Shape, b: Shape) -> Option<Shape> {
    let extent = |a: Dim, b: Dim| match (a, b) {
        (a, b) if a == b => Some(a),
        (Dim::Fixed(1), b) => Some(b),
        (a, Dim::Fixed(1)) => Some(a),
        _ => None,
    };
    Some(Shape { rows: extent(a.rows, b.rows)?, columns: extent(a.columns, b.columns)? })
}
