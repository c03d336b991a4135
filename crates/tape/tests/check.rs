//! The checker passes what is right, with room to spare, and names the one law that a wrong rule
//! breaks.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};

use tape::check::{Broken, Check, Failure, Law, Summary};
use tape::{
    Error, Fault, Function, Matrix, MatrixMut, Mismatch, Operands, Operation, Over, Scalar, Shape, Tape, Var,
    Vjp, matrix,
};

fn inputs<T: Scalar>(shapes: &[(usize, usize)]) -> Vec<Matrix<T>> {
    let value = |k: usize, i: usize, j: usize| 0.3 + 0.37 * ((7 * k + 3 * i + 5 * j) % 8) as f64 - 0.9;
    let matrix =
        |(k, &(r, c)): (usize, &(usize, usize))| Matrix::from_fn(r, c, |i, j| T::from_f64(value(k, i, j)));
    shapes.iter().enumerate().map(matrix).collect()
}

/// The laws hold with a factor of room, of each law's own tolerance.
#[track_caller]
fn with_room(name: &str, checked: Result<Summary, Failure>, least: f64) {
    let summary = checked.unwrap_or_else(|failure| panic!("{name}:\n{failure}"));
    println!("{name}: margin {:.0}\n{summary}", summary.margin());
    assert!(summary.margin() > least, "{name}: margin {}\n{summary}", summary.margin());
}

fn network<'t, T: Scalar>(_: &'t Tape<T>, v: &[Var<'t, T>]) -> Var<'t, T> {
    let a = (v[0].matmul(v[1]) + v[2]).tanh();
    v[3].matmul(a).sigmoid().square().mean().named("J")
}

fn what_is_right_passes<T: Scalar>(least: f64) {
    let check = Check::new().seed(7);
    let layers = inputs::<T>(&[(4, 3), (3, 5), (4, 1), (1, 4)]);
    with_room("network", check.scalar(&layers, network), least);
    let pair = inputs::<T>(&[(3, 4), (3, 1)]);
    with_room("broadcast product", check.operation(&pair, |_, x| x[0] * x[1]), least);
    with_room("quotient", check.operation(&pair, |_, x| x[0] / (x[1].square() + T::ONE)), least);
    with_room("linear", check.operation(&pair, |_, x| x[0] - x[1]), least);
    with_room("softmax", check.operation(&pair[..1], |_, x| x[0].exp() / x[0].exp().sum()), least);
    with_room(
        "its sum is constant",
        check.scalar(&pair[..1], |_, x| (x[0].exp() / x[0].exp().sum()).sum()),
        least,
    );
    with_room("step function", check.operation(&pair[..1], |_, x| x[0].sign() + x[0]), least);
    with_room("nothing at all", check.operation(&inputs::<T>(&[(0, 3)]), |_, x| x[0].sin()), least);
    let points = [-3.0, -0.5, 0.25, 4.0].map(T::from_f64);
    for g in [Function::Tanh, Function::Sigmoid, Function::Gelu, Function::Softplus, Function::Sin] {
        with_room(&g.name(), check.function(&g, &points), least);
    }
}

#[test]
fn what_is_right_passes_in_f64() {
    what_is_right_passes::<f64>(10.0);
}

#[test]
fn what_is_right_passes_in_f32() {
    what_is_right_passes::<f32>(5.0);
}

/// A ⊙ b, the column b repeated, with one of the mistakes.
#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
enum Columns {
    Right,
    WrongSign,
    MissingFactor,
    IgnoredBroadcast,
    SummedAway,
    Forgotten,
    SaidZero,
    Squared,
    Absolute,
    NotZeroAtZero,
}

impl Operation<f64> for Columns {
    fn name(&self) -> Cow<'_, str> {
        "columns".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a.rows == b.rows && b.columns == 1.into() => Ok(*a),
            _ => Err(Mismatch::new("takes a matrix and a column")),
        }
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        let (a, b) = (x.get(0), x.get(1));
        for j in 0..a.columns() {
            for i in 0..a.rows() {
                out.column_mut(j)[i] = a.column(j)[i] * b.as_slice()[i];
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        let [a, b] = at.operands();
        at.contribute(0, |g| match self {
            Columns::WrongSign => -(g * b),
            Columns::Squared => g * g * b,
            Columns::Absolute => g.abs() * b,
            Columns::NotZeroAtZero => g * b + 1e-3,
            _ => g * b,
        });
        let row_sums = |g: Var<'t, f64>| -> Var<'t, f64> { (g * a).sum_over(Over::Columns) };
        match self {
            Columns::Forgotten => {}
            Columns::SaidZero => at.zero(1),
            Columns::IgnoredBroadcast => at.contribute(1, |g| g * a),
            Columns::SummedAway => at.contribute(1, |g| (g * a).sum()),
            Columns::MissingFactor => at.contribute(1, |g| 0.5 * row_sums(g)),
            _ => at.contribute(1, row_sums),
        }
    }
}

fn columns(mistake: Columns) -> Result<Summary, Failure> {
    Check::new().operation(&inputs(&[(3, 3), (3, 1)]), |tape, x| tape.apply(mistake, [x[0], x[1]]))
}

/// Each message begins with its text, and there are no others.
#[track_caller]
fn breaks(checked: Result<Summary, Failure>, laws: &[&str]) -> Failure {
    let failure = checked.expect_err("a wrong rule");
    let text = failure.to_string();
    assert_eq!(failure.broken().len(), laws.len(), "{text}");
    for (line, law) in text.lines().zip(laws) {
        assert!(line.starts_with(law), "{line}\ndoes not begin with\n{law}");
    }
    failure
}

#[test]
fn each_mistake_breaks_its_law() {
    with_room("columns", columns(Columns::Right), 1e3);
    let failure = breaks(columns(Columns::WrongSign), &["derivative: for operand 0 differences give "]);
    let said = "(relative difference 7.2e-1, 6.6e5 times the tolerance 1.1e-6); at h = ";
    assert!(failure.to_string().contains(said), "{failure}");
    assert!(
        failure.to_string().contains(": it stays as the step shrinks, so the rule is wrong; worst at row "),
        "{failure}"
    );
    breaks(columns(Columns::MissingFactor), &["derivative: for operand 1 differences give "]);
    breaks(
        columns(Columns::IgnoredBroadcast),
        &["columns: its vjp gives 3×3 for operand 1, x[1] is 3×1, at crates/tape/"],
    );
    breaks(columns(Columns::SummedAway), &["columns: its vjp gives 1×1 for operand 1, x[1] is 3×1, at "]);
    let failure = breaks(
        columns(Columns::Forgotten),
        &["gradients: columns gives no derivative with respect to its operand 1, needed at "],
    );
    assert!(matches!(failure.broken(), [Broken::Tape(Error::MissingDerivative { operand: 1, .. })]));
    assert!(std::error::Error::source(&failure).is_some());
    let failure = breaks(columns(Columns::SaidZero), &["derivative: for operand 1 differences give "]);
    assert!(
        failure.to_string().contains("the recorded one is 0.000000e0 (relative difference 1.0e0"),
        "{failure}"
    );
    breaks(columns(Columns::Squared), &["linearity: for operand 0 the cotangent 2u gives "]);
    breaks(
        columns(Columns::Absolute),
        &[
            "linearity: for operand 0 the cotangent u + u′ does not give the sum of both (relative difference ",
        ],
    );
    breaks(columns(Columns::NotZeroAtZero), &["zero cotangent: operand 0 gets 1e-3, not 0"]);
}

/// Of J·v the cotangent drops out, if all rules are linear in it: else it is said which one is not.
#[test]
fn a_rule_that_is_not_linear_has_no_jvp() {
    for (wrong, is_linear) in
        [(Columns::Squared, false), (Columns::Absolute, false), (Columns::NotZeroAtZero, true)]
    {
        let tape = Tape::new();
        let all = inputs(&[(3, 3), (3, 1)]);
        let (a, b) = (tape.parameter("A", &all[0]), tape.parameter("b", &all[1]));
        let right = tape.apply(Columns::Right, [a.tanh(), b]);
        let pushed = tape.apply(wrong, [right, b]).sin().jvp([a], [a]);
        assert_eq!(pushed.sound().is_ok(), is_linear);
        if let Err(error) = pushed.sound() {
            assert!(matches!(&error, Error::NotLinear { operation, .. } if operation == "columns"));
            let said = "jvp: the vjp of columns is not linear in the cotangent, needed at crates/tape/tests/check.rs";
            assert!(error.to_string().starts_with(said), "{error}");
        }
    }
    // Where there are no elements, no law has seen it before.
    let empty = inputs(&[(0, 3), (0, 1)]);
    let checked = Check::new().operation(&empty, |tape, x| tape.apply(Columns::Squared, [x[0], x[1]]));
    breaks(checked, &["jvp: the vjp of columns is not linear in the cotangent, needed at "]);
}

/// A square matrix times a column, with the transpose forgotten; or with a kernel that is never the
/// same.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Product {
    MissingTranspose,
    Unsteady,
}

static RUNS: AtomicU32 = AtomicU32::new(0);

impl Operation<f64> for Product {
    fn name(&self) -> Cow<'_, str> {
        "product".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a.columns == b.rows => Ok(Shape::new(a.rows, b.columns)),
            _ => Err(Mismatch::new("inner dimensions differ")),
        }
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        let (a, b) = (x.get(0), x.get(1));
        out.as_mut_slice().fill(0.0);
        for j in 0..b.columns() {
            for k in 0..a.columns() {
                for i in 0..a.rows() {
                    out.column_mut(j)[i] += a.column(k)[i] * b.column(j)[k];
                }
            }
        }
        if *self == Product::Unsteady {
            out.as_mut_slice()[1] = f64::from(RUNS.fetch_add(1, Ordering::Relaxed));
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        let [a, b] = at.operands();
        at.contribute(0, |g| g.matmul(b.t()));
        at.contribute(1, |g| a.matmul(g));
    }
}

#[test]
fn a_missing_transpose_and_an_unsteady_kernel_are_found() {
    let square = inputs(&[(3, 3), (3, 2)]);
    let wrong =
        Check::new().operation(&square, |tape, x| tape.apply(Product::MissingTranspose, [x[0], x[1]]));
    breaks(wrong, &["derivative: for operand 1 differences give "]);
    let unsteady = Check::new().operation(&square, |tape, x| tape.apply(Product::Unsteady, [x[0], x[1]]));
    breaks(unsteady, &["reproducibility: two runs give 0e0 and 1e0 at row 1, column 0 of the result"]);
    let oblong = inputs(&[(2, 3), (2, 3)]);
    let misfit = Check::new().operation(&oblong, |tape, x| tape.apply(Product::Unsteady, [x[0], x[1]]));
    breaks(
        misfit,
        &["product: inner dimensions differ: x[0] is 2×3, x[1] is 2×3, at crates/tape/tests/check.rs:"],
    );
}

/// The vjp of `Twice` uses `Twice` on the cotangent, so a wrong rule of its own shows in J·v alone.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Twice {
    outer: bool,
}

impl Operation<f64> for Twice {
    fn name(&self) -> Cow<'_, str> {
        "twice".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        let pairs = out.as_mut_slice().iter_mut().zip(x.get(0).as_slice());
        pairs.for_each(|(out, x)| *out = 2.0 * x);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        let tape = at.tape();
        at.contribute(0, |g| if self.outer { tape.apply(Twice { outer: false }, [g]) } else { 3.0 * g });
    }
}

#[test]
fn a_rule_that_is_wrong_in_the_cotangent_alone_breaks_the_transpose() {
    let checked =
        Check::new().operation(&inputs(&[(2, 2)]), |tape, x| tape.apply(Twice { outer: true }, [x[0]]));
    breaks(checked, &["transpose: ⟨u, Jv⟩ = "]);
}

/// Functions of the columns that say they keep them apart.
#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
enum OfColumns {
    /// Twice each column: true.
    Twice,
    /// The sum of the columns up to each: a lie.
    Running,
    /// Each column without the first: a lie.
    WithoutFirst,
    /// Each column times the share of one example: true, although it asks for m.
    Share,
    /// Its kernel for sections adds one: a lie of another kind.
    OtherBlock,
}

impl<T: Scalar> Operation<T> for OfColumns {
    fn name(&self) -> Cow<'_, str> {
        format!("{self:?}").to_lowercase().into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            for i in 0..a.rows() {
                let one = |j: usize| a[(i, j)];
                out[(i, j)] = match self {
                    OfColumns::Twice | OfColumns::OtherBlock => one(j) + one(j),
                    OfColumns::Running => (0..=j).map(one).sum(),
                    OfColumns::WithoutFirst => one(j) - one(0),
                    OfColumns::Share => one(j) / T::from_usize(x.m().max(1)),
                };
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g + g);
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn elementwise(&self) -> Option<&dyn tape::Elementwise<T>> {
        (*self == OfColumns::OtherBlock).then_some(self)
    }
}

impl<T: Scalar> tape::Elementwise<T> for OfColumns {
    fn section(&self, sources: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        out.iter_mut().zip(sources[0]).for_each(|(out, &x)| *out = x + x + T::ONE);
        Ok(())
    }
}

fn who_lies_about_columns<T: Scalar>() {
    let check = |operation: OfColumns, columns: usize| {
        let inputs = inputs::<T>(&[(2, columns), (2, 1)]);
        // In the middle of a model, with operands that are computed.
        Check::new()
            .orders(1)
            .operation(&inputs, |tape, x| tape.apply(operation, [x[0].tanh() + x[1]]) * x[1])
    };
    for columns in [1, 2, 5] {
        assert!(check(OfColumns::Twice, columns).is_ok());
    }
    for columns in [2, 5] {
        for operation in [OfColumns::Running, OfColumns::WithoutFirst, OfColumns::OtherBlock] {
            let name = format!("{operation:?}").to_lowercase();
            let failure = breaks(check(operation, columns), &[&format!("columnwise: {name} gives ")]);
            assert!(matches!(failure.broken(), [Broken::Columnwise { column, .. }] if *column < columns));
        }
        // The derivative here is for a constant m, which a check of matrices does not have: only
        // this law is asked.
        let share = check(OfColumns::Share, columns).unwrap_err().to_string();
        assert!(!share.contains("columnwise"), "{share}");
    }
}

#[test]
fn an_operation_that_mixes_columns_and_denies_it_is_found() {
    who_lies_about_columns::<f64>();
    who_lies_about_columns::<f32>();
}

fn cube(second: f64) -> Function<f64> {
    let second = Function::new("cube″", move |x: f64| second * x);
    let first = Function::new("cube′", |x: f64| 3.0 * x * x).with_derivative(second);
    Function::new("cube", |x: f64| x * x * x).with_derivative(first)
}

#[test]
fn functions_are_checked_as_far_as_they_go() {
    let points = [-1.5, 0.0, 2.0];
    let summary = Check::new().function(&cube(6.0), &points).unwrap();
    assert!(summary.largest(Law::SecondDerivative) < Some(1e-9));
    let failure = breaks(
        Check::new().function(&cube(5.0), &points),
        &[
            "at -1.5: second derivative: for operand 0 differences give ",
            "at 2: second derivative: for operand 0 differences give ",
        ],
    );
    assert!(matches!(failure.broken(), [Broken::At { point: -1.5, .. }, _]));
    assert!(Check::new().orders(1).function(&cube(5.0), &points).is_ok());
    let no_second = Function::new("g", |x: f64| x * x).with_derivative(Function::new("g′", |x| 2.0 * x));
    let summary = Check::new().function(&no_second, &points).unwrap();
    assert_eq!(summary.largest(Law::SecondDerivative), None);
    let none = Function::new("h", f64::exp);
    breaks(
        Check::new().function(&none, &points),
        &["gradients: h gives no derivative with respect to its operand 0, needed at "],
    );
}

#[test]
fn what_is_not_finite_not_scalar_or_not_reached_is_said() {
    let check = Check::new();
    breaks(check.operation(&[matrix![[-1.0]]], |_, x| x[0].ln()), &["finiteness: the result has NaN"]);
    breaks(
        check.operation(&[matrix![[0.0]]], |_, x| x[0].sqrt()),
        &["finiteness: the gradient of operand 0 has inf"],
    );
    breaks(
        check.scalar(&inputs::<f64>(&[(2, 1)]), |_, x| x[0].sin()),
        &["gradients: %1 (sin) is 2×1, not 1×1: "],
    );
    breaks(
        check.scalar(&inputs::<f64>(&[(2, 1), (2, 1)]), |_, x| x[0].sum()),
        &["gradients: %2 (sum_rows) does not depend on x[1] "],
    );
}

#[test]
fn the_summary_has_a_line_for_each_law() {
    let summary = Check::new().directions(1).scalar(&[matrix![[0.5]]], |_, x| x[0].sin()).unwrap();
    let text = summary.to_string();
    let laws: Vec<&str> = text.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(laws, ["additivity", "transpose", "derivative", "second derivative", "symmetry"]);
    let again = Check::new().directions(1).scalar(&[matrix![[0.5]]], |_, x| x[0].sin()).unwrap();
    assert_eq!(again, summary);
    assert!(Check::new().step(0.5).tolerance(1e-13).scalar(&[matrix![[0.5]]], |_, x| x[0].sin()).is_err());
}
