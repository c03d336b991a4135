//! Records a plain program on a tape, by the public methods and operators.

use std::cell::RefCell;
use std::collections::HashMap;

use tape::{Dim, Function, Matrix, Over, Scalar, Shape, Tape, Var};

use super::program::{Fun, Kind, Method, Node, Op, Pair, Reduction, Script};

/// A number type with the operators that have a number on the left.
pub(crate) trait Real: Scalar {
    fn left<'t>(self, pair: Pair, b: Var<'t, Self>) -> Var<'t, Self>;
    /// The rounding unit u.
    const UNIT: f64;
}

macro_rules! real {
    ($($t:ty: $unit:expr),*) => {
        $(impl Real for $t {
            fn left<'t>(self, pair: Pair, b: Var<'t, Self>) -> Var<'t, Self> {
                match pair {
                    Pair::Add => self + b,
                    Pair::Subtract => self - b,
                    Pair::Multiply => self * b,
                    Pair::Divide => self / b,
                    Pair::DivideOrZero | Pair::Power | Pair::Greater | Pair::Equal => unreachable!("there is no such operator"),
                }
            }
            const UNIT: f64 = $unit;
        })*
    };
}

real!(f32: 1.0 / (1u64 << 24) as f64, f64: 1.0 / (1u64 << 53) as f64);

/// What was recorded.
pub(crate) struct Recorded<'t, T: Real> {
    pub(crate) vars: Vec<Var<'t, T>>,
    /// Nodes of one group are one entry.
    pub(crate) groups: Vec<usize>,
}

/// One call of a method or an operator, as it happened.
pub(crate) struct Call {
    /// The node, and the hidden ones that it records with it.
    pub(crate) node: usize,
    pub(crate) hidden: Vec<usize>,
    /// The tape's lengths before, after, and after the hidden ones were recorded by themselves.
    pub(crate) lengths: [usize; 3],
}

pub(crate) fn record<'t, T: Real>(tape: &'t Tape<T>, script: &Script) -> Result<Recorded<'t, T>, String> {
    record_and(tape, script, |_, _, _| Ok(()))
}

/// Records, and calls `look` after every call of a method or an operator.
pub(crate) fn record_and<'t, T: Real>(
    tape: &'t Tape<T>,
    script: &Script,
    mut look: impl FnMut(&Call, &[Option<Var<'t, T>>], &[usize]) -> Result<(), String>,
) -> Result<Recorded<'t, T>, String> {
    let mut vars: Vec<Option<Var<'t, T>>> = vec![None; script.nodes.len()];
    let mut groups = vec![usize::MAX; script.nodes.len()];
    let mut pending = Vec::new();
    for i in 0..script.nodes.len() {
        if script.nodes[i].hidden && i + 1 < script.nodes.len() {
            pending.push(i);
            continue;
        }
        let hidden = std::mem::take(&mut pending);
        let one = |i: usize, vars: &[Option<Var<'t, T>>], plainly: bool| {
            let node = &script.nodes[i];
            let of = |on: &[usize]| -> Option<Vec<Var<'t, T>>> { on.iter().map(|&on| vars[on]).collect() };
            let recorded = match &node.written {
                Some((method, on)) if !plainly => of(on).map(|x| written(*method, node, &x)),
                _ => of(&node.on).map(|x| plain(tape, (i, script.m), node, &x)),
            };
            recorded.ok_or_else(|| format!("script: v{i} comes before its operands"))
        };
        // What a method records by itself is found again afterwards; without a method it has to come first.
        let by_method = script.nodes[i].written.is_some();
        let record_hidden = |vars: &mut Vec<Option<Var<'t, T>>>| -> Result<(), String> {
            for &h in &hidden {
                vars[h] = Some(one(h, vars, true)?);
            }
            Ok(())
        };
        if !by_method {
            record_hidden(&mut vars)?;
        }
        let before = tape.len();
        vars[i] = Some(one(i, &vars, !by_method)?);
        let after = tape.len();
        if by_method {
            record_hidden(&mut vars)?;
        }
        for &i in hidden.iter().chain([&i]) {
            let var = vars[i].expect("just recorded");
            if let Err(mistake) = var.sound() {
                return Err(format!("v{i} is a mistake: {mistake}"));
            }
            if script.nodes[i].named {
                let _ = var.named(format!("v{i}"));
            }
            groups[i] = var.index().expect("it is sound");
        }
        let call = Call { node: i, hidden, lengths: [before, after, tape.len()] };
        look(&call, &vars, &groups)?;
    }
    Ok(Recorded { vars: vars.into_iter().map(|v| v.expect("all are recorded")).collect(), groups })
}

fn matrix<T: Scalar>((rows, columns): (usize, usize), values: &[f64]) -> Matrix<T> {
    Matrix::from_vec(rows, columns, values.iter().map(|&v| T::from_f64(v)).collect()).unwrap()
}

fn plain<'t, T: Real>(
    tape: &'t Tape<T>,
    (i, m): (usize, usize),
    node: &Node,
    x: &[Var<'t, T>],
) -> Var<'t, T> {
    match &node.op {
        Op::Leaf(kind, values) => {
            let name = format!("v{i}");
            let value = matrix(node.shape.at(m), values);
            match kind {
                Kind::Parameter => tape.parameter(&name, &value),
                Kind::Constant => tape.constant(&name, &value),
                Kind::Examples => tape.examples(&name, &value),
            }
        }
        Op::Number(c) => tape.scalar(T::from_f64(*c)),
        Op::OneOverM => tape.one_over_m(),
        Op::Zip(pair) => match pair {
            Pair::Add => x[0] + x[1],
            Pair::Subtract => x[0] - x[1],
            Pair::Multiply => x[0] * x[1],
            Pair::Divide | Pair::DivideOrZero => x[0] / x[1],
            Pair::Power => x[0].pow(x[1]),
            Pair::Greater => x[0].greater(x[1]),
            Pair::Equal => x[0].equal(x[1]),
        },
        Op::Map(fun) => mapped(*fun, x[0]),
        Op::Negate => -x[0],
        Op::Transpose => x[0].t(),
        Op::Product => x[0].matmul(x[1]),
        Op::Reduce(reduction, over) => match (reduction, over) {
            (Reduction::Sum, Over::All) => x[0].sum(),
            (Reduction::Sum, over) => x[0].sum_over(*over),
            (Reduction::Max, Over::All) => x[0].max(),
            (Reduction::Max, over) => x[0].max_over(*over),
            (Reduction::Min, Over::All) => x[0].min(),
            (Reduction::Min, over) => x[0].min_over(*over),
            (Reduction::MaxNorm, over) => x[0].max_norm_over(*over),
            (Reduction::LogSumExp, Over::All) => x[0].log_sum_exp(),
            (Reduction::LogSumExp, over) => x[0].log_sum_exp_over(*over),
        },
        Op::Repeat => x[0].broadcast_to(node.shape),
        Op::Rows(start, end) => x[0].rows(*start..*end),
        Op::Columns(start, end) => x[0].columns(*start..*end),
        Op::StackRows => tape.stack_rows(x),
        Op::StackColumns => tape.stack_columns(x),
        Op::Select => x[0].select(x[1], x[2]),
        Op::LogLoss => x[1].log_loss(x[0]),
        Op::LogLossOnLogits => x[1].log_loss_on_logits(x[0]),
        Op::SigmoidMinus => x[1].sigmoid_minus(x[0]),
        Op::Mean(over) => x[0].mean_over(*over),
        Op::Softmax(over) => x[0].softmax_over(*over),
        Op::CrossEntropy => x[1].softmax_cross_entropy(x[0]),
    }
}

fn written<'t, T: Real>(method: Method, node: &Node, x: &[Var<'t, T>]) -> Var<'t, T> {
    let number = T::from_f64;
    match (method, &node.op) {
        (Method::Left(c), Op::Zip(pair)) => number(c).left(*pair, x[0]),
        (Method::Right(c), Op::Zip(pair)) => match pair {
            Pair::Add => x[0] + number(c),
            Pair::Subtract => x[0] - number(c),
            Pair::Multiply => x[0] * number(c),
            Pair::Divide | Pair::DivideOrZero => x[0] / number(c),
            Pair::Power => x[0].pow(number(c)),
            Pair::Greater => x[0].greater(number(c)),
            Pair::Equal => x[0].equal(number(c)),
        },
        (Method::Less, _) => x[0].less(x[1]),
        (Method::Mean(Over::All), _) => x[0].mean(),
        (Method::Mean(over), _) => x[0].mean_over(over),
        (Method::Softmax(over), _) => x[0].softmax_over(over),
        (Method::CrossEntropy, _) => x[1].softmax_cross_entropy(x[0]),
        (Method::SquaredError, _) => x[0].squared_error(x[1]),
        (Method::Reciprocal, _) => x[0].reciprocal(),
        (Method::Powf(p), _) => x[0].powf(number(p)),
        (Method::Powi(p), _) => x[0].powi(p),
        (Method::Left(_) | Method::Right(_), op) => unreachable!("{op:?} has no number"),
    }
}

fn mapped<T: Real>(fun: Fun, x: Var<'_, T>) -> Var<'_, T> {
    let number = T::from_f64;
    match fun {
        Fun::Identity => x.identity(),
        Fun::Exp => x.exp(),
        Fun::Ln => x.ln(),
        Fun::Sqrt => x.sqrt(),
        Fun::Square => x.square(),
        Fun::Sin => x.sin(),
        Fun::Cos => x.cos(),
        Fun::Abs => x.abs(),
        Fun::Sign => x.sign(),
        Fun::Erf => x.erf(),
        Fun::Relu => x.relu(),
        Fun::Sigmoid => x.sigmoid(),
        Fun::SigmoidDerivative => x.map(&Function::SigmoidDerivative),
        Fun::LogSigmoid => x.log_sigmoid(),
        Fun::Tanh => x.tanh(),
        Fun::Softplus => x.softplus(),
        Fun::Silu => x.silu(),
        Fun::Gelu => x.gelu(),
        Fun::GeluTanh => x.gelu_tanh(),
        Fun::Clamp(low, high) => x.clamp(number(low), number(high)),
        Fun::LeakyRelu(slope) => x.leaky_relu(number(slope)),
        Fun::Elu(alpha) => x.elu(number(alpha)),
        Fun::Power(p) => x.powf(number(p)),
    }
}

/// How a mean is recorded after its sum, each step with one number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MeanForm {
    /// As an operation of its own.
    Opaque,
    Steps(Vec<MeanStep>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MeanStep {
    Over(f64),
    Times(f64),
    TimesOneOverM,
}

/// Composed methods, as the tape of the library records them: seen on a tape of its own, by equality of entries. What is a
/// composition there is one here too, so that a handle to a part of it is known to be that.
pub(crate) fn mean_form(shape: Shape, over: Over) -> MeanForm {
    thread_local!(static KNOWN: RefCell<HashMap<(Shape, Over), MeanForm>> = RefCell::default());
    let known = KNOWN.with_borrow(|known| known.get(&(shape, over)).cloned());
    known.unwrap_or_else(|| {
        let form = observed_mean(shape, over);
        KNOWN.with_borrow_mut(|known| known.insert((shape, over), form.clone()));
        form
    })
}

fn observed_mean(shape: Shape, over: Over) -> MeanForm {
    let tape = Tape::<f64>::new();
    let x = tape.parameter_unbound("x", shape);
    let counted = match over {
        Over::Rows => vec![shape.rows],
        Over::Columns => vec![shape.columns],
        Over::All => vec![shape.rows, shape.columns],
    };
    let has_m = counted.contains(&Dim::M);
    let n = counted.iter().map(|d| d.at(1)).product::<usize>() as f64;
    let (over_n, times, m) = (MeanStep::Over(n), MeanStep::Times(1.0 / n), MeanStep::TimesOneOverM);
    let forms = match (has_m, n == 1.0) {
        (false, true) => vec![vec![over_n], vec![times], vec![]],
        (false, false) => vec![vec![over_n], vec![times]],
        (true, true) => vec![vec![m], vec![m, m]],
        (true, false) => vec![vec![over_n, m], vec![m, over_n], vec![times, m], vec![m, times]],
    };
    let mean = x.mean_over(over);
    let sum = x.sum_over(over);
    let recorded = |steps: &[MeanStep]| {
        steps.iter().fold(sum, |s, step| match step {
            MeanStep::Over(n) => s / *n,
            MeanStep::Times(c) => s * *c,
            MeanStep::TimesOneOverM => s * tape.one_over_m(),
        })
    };
    forms.into_iter().find(|steps| recorded(steps) == mean).map_or(MeanForm::Opaque, MeanForm::Steps)
}

/// Whether softmax, and cross-entropy, are compositions of log-sum-exp.
pub(crate) fn softmax_is_composed() -> bool {
    static KNOWN: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| {
        let tape = Tape::<f64>::new();
        let x = tape.parameter_unbound("x", Shape::new(2, 3));
        x.softmax_over(Over::Rows) == (x - x.log_sum_exp_over(Over::Rows)).exp()
    });
    *KNOWN
}

pub(crate) fn cross_entropy_is_composed() -> bool {
    static KNOWN: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| {
        let tape = Tape::<f64>::new();
        let x = tape.parameter_unbound("x", Shape::new(2, 3));
        let y = tape.parameter_unbound("y", Shape::new(2, 3));
        let by_hand = -(y * (x - x.log_sum_exp_over(Over::Rows))).sum_over(Over::Rows);
        x.softmax_cross_entropy(y) == by_hand
    });
    *KNOWN
}
