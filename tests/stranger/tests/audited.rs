//! Another instrument on the same gradients: the crate `gradcheck`, which knows nothing of tapes.

use gradcheck::{Backend, Config, Precision, Verdict, assert_detects_wrong_gradient, gradcheck, shape_sweep};
use tape::{Function, Matrix, Over, Scalar, Tape, Var};

/// Tapes of a number type, as a framework that can be checked. Variables live as long as the test.
struct Tapes<T>(std::marker::PhantomData<T>);

trait Named: Scalar {
    const BACKEND: &'static str;
}
impl Named for f64 {
    const BACKEND: &'static str = "tape/f64";
}
impl Named for f32 {
    const BACKEND: &'static str = "tape/f32";
}

impl<T: Named> Backend for Tapes<T> {
    type Tensor = Var<'static, T>;

    fn name() -> &'static str {
        T::BACKEND
    }

    fn from_slice(data: &[f64], shape: &[usize]) -> Self::Tensor {
        let tape: &'static Tape<T> = Box::leak(Box::default());
        let (rows, columns) = rows_and_columns(shape);
        tape.parameter("x", &Matrix::from_fn(rows, columns, |i, j| T::from_f64(data[i * columns + j])))
    }

    fn to_vec(t: &Self::Tensor) -> Vec<f64> {
        let value = t.value().unwrap_or_else(|error| panic!("{error}"));
        let at = |k: usize| value[(k / value.columns(), k % value.columns())].to_f64();
        (0..value.rows() * value.columns()).map(at).collect()
    }

    fn forward_sum(f: &dyn Fn(Self::Tensor) -> Self::Tensor, x: &Self::Tensor) -> f64 {
        Self::to_vec(&f(*x)).iter().sum()
    }

    fn analytic_grad(f: &dyn Fn(Self::Tensor) -> Self::Tensor, x: &Self::Tensor) -> Vec<f64> {
        Self::to_vec(&f(*x).sum().gradients([*x])[0])
    }
}

fn rows_and_columns(shape: &[usize]) -> (usize, usize) {
    match shape {
        [] => (1, 1),
        [n] => (*n, 1),
        [rows, rest @ ..] => (*rows, rest.iter().product()),
    }
}

/// In f64 differences at 1e-4 leave 1e-8.
fn config<T: Scalar>() -> Config {
    match T::NAME {
        "f64" => Config { step: 1e-4, rel_tol: 1e-6, abs_tol: 1e-9, floor: 1e-7, precision: Precision::F64 },
        _ => Config::f32_defaults(),
    }
}

type Tested<T> = (&'static str, fn(Var<'static, T>) -> Var<'static, T>);

fn functions<T: Scalar>() -> Vec<Tested<T>> {
    vec![
        ("tanh", |x| x.tanh()),
        ("sigmoid", |x| x.sigmoid()),
        ("exp", |x| x.exp()),
        ("softplus", |x| x.map(&Function::Softplus)),
        ("gelu", |x| x.map(&Function::Gelu)),
        ("x³", |x| x * x.square()),
        ("x / (1 + x²)", |x| x / (x.square() + T::ONE)),
        ("x * xᵀ", |x| x.matmul(x.t())),
        ("softmax, weighed", |x| x.softmax_over(Over::Rows) * x),
        ("log-sum-exp", |x| x.log_sum_exp_over(Over::Rows)),
        ("norm of columns", |x| x.square().sum_over(Over::Rows).sqrt()),
        ("centred", |x| (x - x.mean_over(Over::Columns)).square()),
    ]
}

fn agree<T: Named>() {
    // Its control first: the instrument rejects a gradient that is wrong.
    assert_detects_wrong_gradient::<Tapes<T>>();
    let shapes = [vec![1, 1], vec![1, 5], vec![4, 1], vec![3, 4], vec![7, 7]];
    // Away from 0, where a gradient may be too small for it.
    let data = |n: usize| (0..n).map(|k| 0.35 + 0.11 * ((7 * k + 3) % 10) as f64).collect::<Vec<f64>>();
    let (mut checked, mut all) = (0, 0);
    for (name, f) in functions::<T>() {
        let sweep = shape_sweep::<Tapes<T>, _, _>(name, &shapes, data, f, &config::<T>());
        for report in &sweep.reports {
            // It may abstain where it cannot see, and then says so; it may not disagree.
            assert!(matches!(report.verdict, Verdict::Pass | Verdict::Unchecked(_)), "{report}");
            let (seen, of) = report.checked_fraction();
            (checked, all) = (checked + seen, all + of);
        }
    }
    println!("{}: {checked} of {all} elements checked by gradcheck, none disagrees", T::BACKEND);
    assert!(checked * 10 >= all * 9, "{checked} of {all}");
}

#[test]
fn gradcheck_agrees_in_f64() {
    agree::<f64>();
}

#[test]
fn gradcheck_agrees_in_f32() {
    agree::<f32>();
}

#[test]
fn gradcheck_sees_a_rule_that_is_wrong() {
    let report = gradcheck::<Tapes<f64>, _>(
        "x · detached x",
        &[0.5, 1.25],
        &[2, 1],
        |x| x * x.stop_gradient(),
        &config::<f64>(),
    );
    assert_eq!(report.verdict, Verdict::Mismatch, "{report}");
}
