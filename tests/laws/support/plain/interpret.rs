//! The plain interpreter: loops over a list, which may put another value in the place of an entry.

use std::f64::consts::PI;

use tape::Over;

use super::number::{Elementary, Number};
use super::program::{Fun, Node, Op, Pair, Reduction, Script};

/// A matrix, column by column.
#[derive(Debug, Clone)]
pub(crate) struct Grid<N> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) data: Vec<N>,
}

impl<N: Number> Grid<N> {
    pub(crate) fn new(rows: usize, columns: usize, mut f: impl FnMut(usize, usize) -> N) -> Self {
        let places = (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j)));
        Grid { rows, columns, data: places.map(|(i, j)| f(i, j)).collect() }
    }

    /// The element, where a single row or column stands for all.
    pub(crate) fn at(&self, i: usize, j: usize) -> N {
        let (i, j) = (if self.rows == 1 { 0 } else { i }, if self.columns == 1 { 0 } else { j });
        self.data[i + j * self.rows]
    }

    pub(crate) fn map<M: Number>(&self, f: impl Fn(N) -> M) -> Grid<M> {
        Grid { rows: self.rows, columns: self.columns, data: self.data.iter().map(|&x| f(x)).collect() }
    }
}

/// g(x).
pub(crate) fn apply<N: Number>(fun: Fun, x: N) -> N {
    let e = |f: Elementary, x: N| x.elementary(f);
    let (zero, one) = (N::of(0.0), N::of(1.0));
    match fun {
        Fun::Identity => x,
        Fun::Exp => e(Elementary::Exp, x),
        Fun::Ln => e(Elementary::Ln, x),
        Fun::Sqrt => e(Elementary::Sqrt, x),
        Fun::Square => x * x,
        Fun::Sin => e(Elementary::Sin, x),
        Fun::Cos => e(Elementary::Cos, x),
        Fun::Abs if x.value() < 0.0 => -x,
        Fun::Abs if x.value() == 0.0 => zero * x,
        Fun::Abs => x,
        Fun::Sign if x.value().is_nan() => x,
        Fun::Sign if x.value() == 0.0 => zero,
        Fun::Sign => N::of(x.value().signum()),
        Fun::Erf => e(Elementary::Erf, x),
        Fun::Relu if x.value() <= 0.0 => zero,
        Fun::Relu => x,
        Fun::Sigmoid => e(Elementary::Sigmoid, x),
        Fun::SigmoidDerivative => e(Elementary::Sigmoid, x) * e(Elementary::Sigmoid, -x),
        Fun::LogSigmoid => -e(Elementary::Softplus, -x),
        Fun::Tanh => e(Elementary::Tanh, x),
        Fun::Softplus => e(Elementary::Softplus, x),
        Fun::Silu => x * e(Elementary::Sigmoid, x),
        Fun::Gelu => x * e(Elementary::Phi, x),
        Fun::GeluTanh => {
            let cubic = x + N::of(0.044715) * x * x * x;
            x * e(Elementary::Sigmoid, N::of(2.0 * (2.0 / PI).sqrt()) * cubic)
        }
        Fun::Clamp(low, _) if x.value() < low => N::of(low),
        Fun::Clamp(_, high) if x.value() > high => N::of(high),
        Fun::Clamp(..) => x,
        Fun::LeakyRelu(slope) => {
            if x.value() > 0.0 {
                x
            } else {
                N::of(slope) * x
            }
        }
        Fun::Elu(alpha) => {
            if x.value() > 0.0 {
                x
            } else {
                N::of(alpha) * (e(Elementary::Exp, x) - one)
            }
        }
        Fun::Power(p) => e(Elementary::Power(p), x),
    }
}

pub(crate) fn pair<N: Number>(pair: Pair, a: N, b: N) -> N {
    let relation = |holds: bool| match a.value().is_nan() || b.value().is_nan() {
        true => N::of(f64::NAN),
        false => N::of(if holds { 1.0 } else { 0.0 }).compared(a, b),
    };
    match pair {
        Pair::Add => a + b,
        Pair::Subtract => a - b,
        Pair::Multiply => a * b,
        Pair::Divide => a / b,
        Pair::DivideOrZero if a.value() == 0.0 && b.value() == 0.0 => N::of(0.0).promised(),
        Pair::DivideOrZero if a.value() == 0.0 => (a / b).promised(),
        Pair::DivideOrZero => a / b,
        Pair::Power => (b * a.elementary(Elementary::Ln)).elementary(Elementary::Exp),
        Pair::Greater => relation(a.value() > b.value()),
        Pair::Equal => relation(a.value() == b.value()),
    }
}

pub(crate) fn sum<N: Number>(x: impl IntoIterator<Item = N>) -> N {
    x.into_iter().reduce(|a, b| a + b).unwrap_or(N::of(0.0))
}

/// The greatest; where several are, their mean, so that they share a derivative.
pub(crate) fn max<N: Number>(x: &[N]) -> N {
    let greatest =
        x.iter().map(|x| x.value()).fold(f64::NEG_INFINITY, |a, b| if a < b || b.is_nan() { b } else { a });
    if greatest.is_nan() {
        return N::of(f64::NAN);
    }
    let those: Vec<N> = x.iter().copied().filter(|x| x.value() == greatest).collect();
    match those[..] {
        [single] => single,
        _ => sum(those.iter().copied()) / N::of(those.len() as f64),
    }
}

/// exp(x − max x) and max x.
fn from_greatest<N: Number>(x: &[N]) -> (Vec<N>, N) {
    let value = x.iter().map(|x| x.value()).fold(f64::NEG_INFINITY, f64::max);
    // A constant, or where it has no f64, the number itself: the sum has the same value and derivative with either.
    let itself = || x.iter().copied().reduce(|a, b| if (b - a).value() > 0.0 { b } else { a });
    let greatest = if value.is_finite() { N::of(value) } else { itself().unwrap_or(N::of(value)) };
    (x.iter().map(|&x| (x - greatest).elementary(Elementary::Exp)).collect(), greatest)
}

pub(crate) fn reduced<N: Number>(reduction: Reduction, x: &[N]) -> N {
    match reduction {
        Reduction::Sum => sum(x.iter().copied()),
        Reduction::Max => max(x),
        Reduction::Min => -max(&x.iter().map(|&x| -x).collect::<Vec<N>>()),
        Reduction::MaxNorm if x.is_empty() => N::of(0.0),
        Reduction::MaxNorm => max(&x.iter().map(|&x| apply(Fun::Abs, x)).collect::<Vec<N>>()),
        Reduction::LogSumExp => {
            let (exps, greatest) = from_greatest(x);
            greatest + sum(exps).elementary(Elementary::Ln)
        }
    }
}

fn softmax<N: Number>(x: &[N]) -> Vec<N> {
    let (exps, _) = from_greatest(x);
    let whole = sum(exps.iter().copied());
    exps.into_iter().map(|e| e / whole).collect()
}

/// c·ln x, where a coefficient 0 makes its term 0 even if the logarithm is infinite.
pub(crate) fn log_term<N: Number>(c: N, x: N) -> N {
    if c.value() == 0.0 && x.value() == 0.0 { N::of(0.0) } else { c * x.elementary(Elementary::Ln) }
}

/// The parts of a matrix that a reduction takes together, as places.
pub(crate) fn parts(over: Over, rows: usize, columns: usize) -> Vec<Vec<usize>> {
    match over {
        Over::Rows => (0..columns).map(|j| (0..rows).map(|i| i + j * rows).collect()).collect(),
        Over::Columns => (0..rows).map(|i| (0..columns).map(|j| i + j * rows).collect()).collect(),
        Over::All => vec![(0..rows * columns).collect()],
    }
}

/// One entry of operands.
pub(crate) fn evaluate<N: Number>(node: &Node, m: usize, x: &[&Grid<N>]) -> Grid<N> {
    let (rows, columns) = node.shape.at(m);
    let new = |f: &mut dyn FnMut(usize, usize) -> N| Grid::new(rows, columns, f);
    let reduce = |over: Over, f: &dyn Fn(&[N]) -> N| {
        let of = |part: Vec<usize>| f(&part.iter().map(|&at| x[0].data[at]).collect::<Vec<N>>());
        let data = parts(over, x[0].rows, x[0].columns).into_iter().map(of).collect();
        Grid { rows, columns, data }
    };
    let one = N::of(1.0);
    match &node.op {
        Op::Leaf(_, values) => Grid { rows, columns, data: values.iter().map(|&v| N::of(v)).collect() },
        // A number may be rounded to the tape's type.
        Op::Number(c) if f64::from(*c as f32) == *c => new(&mut |_, _| N::of(*c)),
        Op::Number(c) => new(&mut |_, _| N::of(*c) * one),
        Op::OneOverM => new(&mut |_, _| one / N::of(m as f64)),
        Op::Zip(zip) => new(&mut |i, j| pair(*zip, x[0].at(i, j), x[1].at(i, j))),
        Op::Map(fun) => x[0].map(|x| apply(*fun, x)),
        Op::Negate => x[0].map(|x| -x),
        Op::Transpose => new(&mut |i, j| x[0].at(j, i)),
        Op::Product => {
            let inner = x[0].columns;
            new(&mut |i, j| sum((0..inner).map(|k| x[0].data[i + k * rows] * x[1].data[k + j * inner])))
        }
        Op::Reduce(reduction, over) => reduce(*over, &|x| reduced(*reduction, x)),
        Op::Mean(over) => reduce(*over, &|x| sum(x.iter().copied()) / N::of(x.len() as f64)),
        Op::Repeat => new(&mut |i, j| x[0].at(i, j)),
        Op::Rows(start, _) => new(&mut |i, j| x[0].data[i + start + j * x[0].rows]),
        Op::Columns(start, _) => new(&mut |i, j| x[0].data[i + (j + start) * x[0].rows]),
        Op::StackRows => {
            let column = |j: usize| x.iter().flat_map(move |x| x.data[j * x.rows..(j + 1) * x.rows].to_vec());
            Grid { rows, columns, data: (0..columns).flat_map(column).collect() }
        }
        Op::StackColumns => Grid { rows, columns, data: x.iter().flat_map(|x| x.data.clone()).collect() },
        Op::Select => {
            new(&mut |i, j| if x[0].at(i, j).value() == 0.0 { x[2].at(i, j) } else { x[1].at(i, j) })
        }
        Op::LogLoss => new(&mut |_, j| {
            let one_loss = |(y, a): (N, N)| -(log_term(y, a) + log_term(one - y, one - a));
            sum((0..x[0].rows).map(|i| one_loss((x[0].at(i, j), x[1].at(i, j)))))
        }),
        Op::LogLossOnLogits => new(&mut |_, j| {
            let softplus = |z: N| z.elementary(Elementary::Softplus);
            let one_loss = |(y, z): (N, N)| (one - y) * softplus(z) + y * softplus(-z);
            sum((0..x[0].rows).map(|i| one_loss((x[0].at(i, j), x[1].at(i, j)))))
        }),
        Op::SigmoidMinus => new(&mut |i, j| {
            let (y, z) = (x[0].at(i, j), x[1].at(i, j));
            (one - y) * z.elementary(Elementary::Sigmoid) - y * (-z).elementary(Elementary::Sigmoid)
        }),
        Op::Softmax(over) => {
            let mut out = x[0].clone();
            for part in parts(*over, rows, columns) {
                let shares = softmax(&part.iter().map(|&at| x[0].data[at]).collect::<Vec<N>>());
                part.iter().zip(shares).for_each(|(&at, share)| out.data[at] = share);
            }
            out
        }
        Op::CrossEntropy => new(&mut |_, j| {
            let z: Vec<N> = (0..x[1].rows).map(|i| x[1].at(i, j)).collect();
            let whole = reduced(Reduction::LogSumExp, &z);
            -sum(z.iter().enumerate().map(|(i, &z)| x[0].at(i, j) * (z - whole)))
        }),
    }
}

/// All entries.
pub(crate) fn values<N: Number>(script: &Script) -> Vec<Grid<N>> {
    let mut values: Vec<Grid<N>> = Vec::with_capacity(script.nodes.len());
    for node in &script.nodes {
        let operands: Vec<&Grid<N>> = node.on.iter().map(|&on| &values[on]).collect();
        let value = evaluate(node, script.m, &operands);
        values.push(value);
    }
    values
}

/// What the nodes are where those of some groups, each of which is one entry, have other values: `base` are the values as
/// they stand. Of the answer, only what depends on these entries is there.
pub(crate) fn overwritten<N: Number>(
    script: &Script,
    base: &[Grid<N::Primal>],
    groups: &[usize],
    others: &[(usize, Grid<N>)],
    wanted: &[bool],
) -> Vec<Option<Grid<N>>> {
    let mut changed: Vec<Option<Grid<N>>> = vec![None; script.nodes.len()];
    for (i, node) in script.nodes.iter().enumerate().filter(|(i, _)| wanted[*i]) {
        if let Some((_, value)) = others.iter().find(|(group, _)| *group == groups[i]) {
            changed[i] = Some(value.clone());
        } else if node.on.iter().any(|&on| changed[on].is_some()) {
            let still: Vec<Option<Grid<N>>> =
                node.on.iter().map(|&on| changed[on].is_none().then(|| base[on].map(N::constant))).collect();
            let operands: Vec<&Grid<N>> = node
                .on
                .iter()
                .zip(&still)
                .map(|(&on, still)| still.as_ref().or(changed[on].as_ref()).expect("one of both"))
                .collect();
            changed[i] = Some(evaluate(node, script.m, &operands));
        }
    }
    changed
}
