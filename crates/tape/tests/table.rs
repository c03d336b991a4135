//! A table of laws for functions of one's own: what is right passes, and each law has a fault that
//! only it names.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};

use tape::check::{Row, RowFailure, RowLaw};
use tape::{
    Dim, Elementwise, Fault, Function, Matrix, MatrixMut, Mismatch, Operands, Operation, Over, Scalar, Shape,
    Tape, Var, Vjp, num,
};

fn repeated(x: &Matrix<f64>, i: usize, j: usize) -> f64 {
    x[(if x.rows() == 1 { 0 } else { i }, if x.columns() == 1 { 0 } else { j })]
}

/// Elementwise over two operands, repeated where one is a row or a column.
fn elementwise(
    f: impl Fn(f64, f64) -> f64 + 'static,
) -> impl Fn(&[Matrix<f64>]) -> Option<Matrix<f64>> + 'static {
    move |x| {
        let fits = |a: usize, b: usize| a == b || a == 1 || b == 1;
        let one = |a: usize, b: usize| if a == 1 { b } else { a };
        let ((r, c), (s, d)) = (x[0].shape(), x[1].shape());
        (fits(r, s) && fits(c, d)).then(|| {
            Matrix::from_fn(one(r, s), one(c, d), |i, j| f(repeated(&x[0], i, j), repeated(&x[1], i, j)))
        })
    }
}

fn product(x: &[Matrix<f64>]) -> Option<Matrix<f64>> {
    let (a, b) = (&x[0], &x[1]);
    let dot = |i: usize, j: usize| (0..a.columns()).map(|k| a[(i, k)] * b[(k, j)]).sum();
    (a.columns() == b.rows()).then(|| Matrix::from_fn(a.rows(), b.columns(), dot))
}

fn softmax(x: &Matrix<f64>) -> Matrix<f64> {
    let most = |j: usize| x.column(j).iter().fold(f64::NEG_INFINITY, |most, x| most.max(*x));
    let share = |i: usize, j: usize| (x[(i, j)] - most(j)).exp();
    let sum = |j: usize| (0..x.rows()).map(|i| share(i, j)).sum::<f64>();
    Matrix::from_fn(x.rows(), x.columns(), |i, j| share(i, j) / sum(j))
}

#[derive(Debug, Clone, Copy)]
#[allow(dead_code)] // its rows are what is used
enum Right {
    Sum,
    Quotient,
    Layer,
    Norm,
    Softsign,
    Mean,
    Gelu,
}

tape::laws! {
    Right, T = f64, f32:
    a_sum: Right::Sum => Row::<T>::new(|_, x| x[0] + x[1], elementwise(|a, b| a + b))
        .operands(|n| vec![Shape::new(n, Dim::M); 2])
        .broadcasts()
        .refuses(&[(2, 3), (3, 3)]),
    a_quotient: Right::Quotient => Row::<T>::new(|_, x| x[0] / x[1], elementwise(|a, b| a / b))
        .operands(|n| vec![Shape::new(n, Dim::M), Shape::new(n, 1)])
        .between(0.5, 2.0)
        .broadcasts()
        .orders(3),
    a_layer: Right::Layer => Row::<T>::new(
        |_, x| (x[0].matmul(x[1]) + x[2]).tanh(),
        |x| {
            let z = product(x)?;
            Some(Matrix::from_fn(z.rows(), z.columns(), |i, j| (z[(i, j)] + x[2][(i, 0)]).tanh()))
        },
    )
    .operands(|n| vec![Shape::new(n, 3), Shape::new(3, Dim::M), Shape::new(n, 1)])
    .refuses(&[(2, 3), (2, 4), (2, 1)]),
    a_norm: Right::Norm => Row::<T>::new(
        |_, x| x[0].square().sum_over(Over::Rows).sqrt(),
        |x| {
            let norm = |j: usize| x[0].column(j).iter().map(|x| x * x).sum::<f64>().sqrt();
            Some(Matrix::from_fn(1, x[0].columns(), |_, j| norm(j)))
        },
    )
    .between(0.25, 1.0),
    softsign: Right::Softsign => Row::<T>::new(
        |_, x| x[0] / (x[0].abs() + T::ONE),
        |x| Some(x[0].map(|x| x / (1.0 + x.abs()))),
    )
    .avoiding(&[0.0]),
    a_mean: Right::Mean => Row::<T>::new(
        |_, x| x[0].mean_over(Over::Columns),
        |x| {
            let (rows, m) = x[0].shape();
            let mean = |i: usize| (0..m).map(|j| x[0][(i, j)]).sum::<f64>() / m as f64;
            (m > 0).then(|| Matrix::from_fn(rows, 1, |i, _| mean(i)))
        },
    ),
    gelu: Right::Gelu => Row::<T>::function(
        Function::GeluTanh,
        |x| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            if x < -100.0 { -0.0 } else { 0.5 * x * (1.0 + inner.tanh()) }
        },
    ),
}

/// 2x, or with a fault; rows and columns as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Faulty {
    Right,
    /// 2x + 1e-3.
    Value,
    /// The value and the rule of 3x.
    BothWrong,
    /// The rule of 2.002x.
    Rule,
    /// 0 for NaN.
    SwallowsNan,
    /// ∞ above 100.
    Overflows,
    /// Adds what the memory of the result held, if that is a NaN.
    Memory,
    /// Adds the number of the run.
    Counts,
    /// Another value for a column that is alone.
    OfAlone,
    /// Adds the first of the columns that it gets.
    OfFirst,
    /// Adds how many columns it gets.
    OfCount,
    /// Refuses more than 3 columns.
    Refuses,
    /// Takes what has to be refused.
    Takes,
    /// No rule.
    NoRule,
    /// Has a kernel for parts, which is another function where a part begins.
    Parts,
}

static RUNS: AtomicU32 = AtomicU32::new(0);

impl<T: Scalar> Operation<T> for Faulty {
    fn name(&self) -> Cow<'_, str> {
        format!("{self:?}").to_lowercase().into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        if *self != Faulty::Takes && operands[0].rows == Dim::Fixed(5) {
            return Err(Mismatch::new("five rows are refused"));
        }
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        if *self == Faulty::Refuses && a.columns() > 3 {
            return Err(Fault::Other("more than three columns".into()));
        }
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        for j in 0..a.columns() {
            for i in 0..a.rows() {
                let value = a[(i, j)];
                let twice = value + value;
                out[(i, j)] = match self {
                    Faulty::Value => twice + T::from_f64(1e-3),
                    Faulty::BothWrong => twice + value,
                    Faulty::SwallowsNan if value.is_nan() => T::ZERO,
                    Faulty::Overflows if value > T::from_f64(100.0) => T::INFINITY,
                    Faulty::Memory if out[(i, j)].is_nan() => twice + T::ONE,
                    Faulty::Counts => twice + T::EPSILON * T::from_usize(run as usize % 7),
                    Faulty::OfAlone if a.columns() == 1 => twice + T::from_f64(1e-3),
                    Faulty::OfFirst if j > 0 => twice + T::from_f64(1e-2) * a[(i, 0)],
                    Faulty::OfCount => twice * T::from_f64(1.0 + 1e-3 * (a.columns() % 16) as f64),
                    _ => twice,
                };
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        match self {
            Faulty::NoRule => {}
            Faulty::Rule => at.contribute(0, |g| num(2.002) * g),
            Faulty::BothWrong => at.contribute(0, |g| num(3.0) * g),
            _ => at.contribute(0, |g| g + g),
        }
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        // One that denies it is run over all columns.
        !matches!(self, Faulty::OfAlone | Faulty::OfFirst | Faulty::OfCount)
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        (*self == Faulty::Parts).then_some(self)
    }
}

impl<T: Scalar> Elementwise<T> for Faulty {
    fn section(&self, sources: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        for (k, (out, &x)) in out.iter_mut().zip(sources[0]).enumerate() {
            *out = if k == 0 { (x + x) * (T::ONE + T::EPSILON + T::EPSILON) } else { x + x };
        }
        Ok(())
    }
}

fn row<T: Scalar>(fault: Faulty) -> Row<T> {
    let plain = move |x: &[Matrix<f64>]| (x[0].rows() != 5).then(|| x[0].map(|x| 2.0 * x));
    Row::new(move |tape, x| tape.apply(fault, [x[0]]), plain).seeds(1)
}

fn breaks<T: Scalar>(row: &Row<T>) -> (Vec<RowLaw>, RowFailure) {
    let failure = row.check().expect_err("a fault");
    (failure.broken().iter().map(|(law, _)| *law).collect(), failure)
}

fn each_fault_is_named<T: Scalar>() {
    assert_eq!(row::<T>(Faulty::Right).refuses(&[(5, 2)]).check(), Ok(()), "{}", T::NAME);
    for (fault, law, said) in [
        (Faulty::Value, RowLaw::Value, "value: at n = 1, m = 1, seed 0: row 0, column 0 is "),
        (Faulty::BothWrong, RowLaw::Value, "of the plain function"),
        (Faulty::Rule, RowLaw::PlainDerivative, "differences of the plain function give "),
        (
            Faulty::SwallowsNan,
            RowLaw::NonFinite,
            "with NaN in operand 0 row 0, column 0 is 0e0, of the plain function NaN",
        ),
        (Faulty::Overflows, RowLaw::NonFinite, "is inf, of the plain function 2e3"),
        (Faulty::OfAlone, RowLaw::Value, "value: at n = 1, m = 1"),
        (Faulty::OfCount, RowLaw::Value, "value: at n = 1, m = 1"),
        (Faulty::Refuses, RowLaw::Error, "more than three columns"),
        (Faulty::NoRule, RowLaw::Error, "norule gives no derivative with respect to its operand 0"),
    ] {
        let (laws, failure) = breaks(&row::<T>(fault));
        assert!(laws.contains(&law), "{fault:?} in {}: {failure}", T::NAME);
        assert!(failure.to_string().contains(said), "{fault:?} in {}: {failure}", T::NAME);
    }
    // The place is the user's. (In f32 a factor of 1.001 is within the tolerance of differences, and the
    // plain function's are in f64.)
    let (_, failure) = breaks(&row::<f64>(Faulty::Rule));
    assert!(failure.to_string().contains("checked at crates/tape/tests/table.rs:"), "{failure}");
    let (laws, failure) = breaks(&row::<T>(Faulty::Takes).refuses(&[(5, 2)]));
    assert!(
        laws.contains(&RowLaw::Error) && failure.to_string().contains("[(5, 2)] are not refused"),
        "{failure}"
    );
    let (laws, failure) =
        breaks(&row::<T>(Faulty::Right).refuses(&[(4, 2), (5, 2)]).operands(|n| vec![Shape::new(n, Dim::M)]));
    assert_eq!(laws, [RowLaw::Error], "{failure}");
}

#[test]
fn each_fault_is_named_in_both_types() {
    each_fault_is_named::<f64>();
    each_fault_is_named::<f32>();
}

/// With a plain function that has the same fault, so that another law has to see it.
fn breaks_beside_itself<T: Scalar>(
    fault: Faulty,
    plain: fn(&Matrix<f64>, usize, usize) -> f64,
) -> (Vec<RowLaw>, RowFailure) {
    let row = Row::<T>::new(
        move |tape, x| tape.apply(fault, [x[0]]),
        move |x| Some(Matrix::from_fn(x[0].rows(), x[0].columns(), |i, j| plain(&x[0], i, j))),
    );
    breaks(&row.seeds(1))
}

fn what_depends_on_other_examples<T: Scalar>() {
    let (laws, failure) = breaks_beside_itself::<T>(Faulty::OfAlone, |x, i, j| {
        2.0 * x[(i, j)] + if x.columns() == 1 { 1e-3 } else { 0.0 }
    });
    assert!(laws.contains(&RowLaw::ColumnsAlone), "{failure}");
    let (laws, failure) = breaks_beside_itself::<T>(Faulty::OfFirst, |x, i, j| {
        2.0 * x[(i, j)] + if j > 0 { 1e-2 * x[(i, 0)] } else { 0.0 }
    });
    for law in [RowLaw::ColumnsAlone, RowLaw::Split, RowLaw::Permutation] {
        assert!(laws.contains(&law), "{law}: {failure}");
    }
    let (laws, failure) = breaks_beside_itself::<T>(Faulty::OfCount, |x, i, j| {
        2.0 * x[(i, j)] * (1.0 + 1e-3 * (x.columns() % 16) as f64)
    });
    for law in [RowLaw::Split, RowLaw::Duplication] {
        assert!(laws.contains(&law), "{law}: {failure}");
    }
}

#[test]
fn a_column_that_depends_on_others_is_found() {
    what_depends_on_other_examples::<f64>();
    what_depends_on_other_examples::<f32>();
}

fn other_bits<T: Scalar>() {
    for (fault, law) in
        [(Faulty::Memory, RowLaw::Memory), (Faulty::Counts, RowLaw::Memory), (Faulty::Parts, RowLaw::Threads)]
    {
        let (laws, failure) = breaks(&row::<T>(fault));
        assert!(
            laws.contains(&law) || fault == Faulty::Counts && laws.contains(&RowLaw::Threads),
            "{fault:?}: {failure}"
        );
    }
}

#[test]
fn other_bits_are_found() {
    other_bits::<f64>();
    other_bits::<f32>();
}

/// A ⊙ b, or twice that where b is a number.
fn repeats<T: Scalar>(wrongly: bool) -> Row<T> {
    Row::new(
        move |_, x| if wrongly && x[1].is_number() { x[0] * x[1] * num(2.0) } else { x[0] * x[1] },
        elementwise(|a, b| a * b),
    )
    .operands(|n| vec![Shape::new(n, Dim::M); 2])
    .broadcasts()
}

trait IsNumber {
    fn is_number(&self) -> bool;
}

impl<T: Scalar> IsNumber for Var<'_, T> {
    fn is_number(&self) -> bool {
        self.shape().is_ok_and(|shape| shape.is_scalar())
    }
}

#[test]
fn a_repeated_operand_is_its_repetition() {
    assert_eq!(repeats::<f64>(false).check(), Ok(()));
    let (laws, failure) = breaks(&repeats::<f64>(true));
    assert!(laws.contains(&RowLaw::Broadcast), "{failure}");
    assert!(failure.to_string().contains("does not give what its repetition gives"), "{failure}");
}

#[test]
fn what_is_never_checked_is_said() {
    let flat =
        Row::<f64>::new(|_, x| x[0].sign(), |x| Some(x[0].map(|x| if x == 0.0 { 0.0 } else { x.signum() })));
    let (laws, failure) = breaks(&flat.avoiding(&[0.0]));
    assert_eq!(laws, [RowLaw::Unchecked], "{failure}");
    assert!(failure.to_string().starts_with("unchecked: at every size: "), "{failure}");
    let never = Row::<f64>::new(|_, x| x[0].sin(), |_| None);
    let (laws, failure) = breaks(&never);
    assert_eq!(laws, [RowLaw::Error], "{failure}");
}

#[test]
fn a_softmax_is_a_row_and_what_mixes_examples_says_so() {
    let of_columns = Row::<f64>::new(|_, x| x[0].softmax_over(Over::Rows), |x| Some(softmax(&x[0])));
    of_columns.check().unwrap_or_else(|failure| panic!("{failure}"));
    let centred = |x: &[Matrix<f64>]| {
        let (rows, m) = x[0].shape();
        let mean = |i: usize| (0..m).map(|j| x[0][(i, j)]).sum::<f64>() / m as f64;
        (m > 0).then(|| Matrix::from_fn(rows, m, |i, j| x[0][(i, j)] - mean(i)))
    };
    let row = || Row::<f64>::new(|_, x| x[0] - x[0].mean_over(Over::Columns), centred);
    let (laws, failure) = breaks(&row());
    assert!(laws.contains(&RowLaw::ColumnsAlone), "{failure}");
    row().mixes_columns().check().unwrap_or_else(|failure| panic!("{failure}"));
}

fn mean<T: Scalar>(of: impl for<'t> Fn(&'t Tape<T>, Var<'t, T>) -> Var<'t, T> + 'static) -> Row<T> {
    Row::new(
        move |tape, x| of(tape, x[0]),
        |x| {
            let (rows, m) = x[0].shape();
            let mean = |i: usize| (0..m).map(|j| x[0][(i, j)]).sum::<f64>() / m as f64;
            (m > 0).then(|| Matrix::from_fn(rows, 1, |i, _| mean(i)))
        },
    )
    .rows(&[1])
}

#[test]
fn terms_that_cancel_are_no_fault() {
    // The mean of seed 3 is 5e-4, of terms that are a thousand times as large.
    mean::<f32>(|_, x| x.mean_over(Over::Columns))
        .seeds(5)
        .check()
        .unwrap_or_else(|failure| panic!("{failure}"));
    let sum = |x: &[Matrix<f64>]| Some(Matrix::scalar(0.0 + x[0].iter().sum::<f64>()));
    let row = Row::<f32>::new(|_, x| x[0].sum(), sum).rows(&[2]);
    row.seeds(4).check().unwrap_or_else(|failure| panic!("{failure}"));
    // A ten-thousandth is one as before.
    let (laws, failure) = breaks(&mean::<f32>(|_, x| x.mean_over(Over::Columns) * num(1.0001)));
    assert!(laws.contains(&RowLaw::Value), "{failure}");
}

/// Over two examples it is ±1 but for ε, so that its gradient is what is left of terms of the size
/// of 1.
#[test]
fn a_gradient_whose_terms_cancel_is_no_fault() {
    fn normed(x: &Matrix<f64>) -> Option<Matrix<f64>> {
        let (rows, m) = x.shape();
        let mean_of =
            |i: usize, of: &dyn Fn(f64) -> f64| (0..m).map(|j| of(x[(i, j)])).sum::<f64>() / m as f64;
        let means: Vec<f64> = (0..rows).map(|i| mean_of(i, &|x| x)).collect();
        let squares: Vec<f64> = (0..rows).map(|i| mean_of(i, &|x| (x - means[i]).powi(2))).collect();
        let at = |i: usize, j: usize| (x[(i, j)] - means[i]) / (squares[i] + 1e-3).sqrt();
        (m > 0).then(|| Matrix::from_fn(rows, m, at))
    }
    fn row<T: Scalar>(factor: f64) -> Row<T> {
        fn record<T: Scalar>(x: Var<'_, T>, factor: f64) -> Var<'_, T> {
            let centred = x - x.mean_over(Over::Columns);
            let value = centred / (centred.square().mean_over(Over::Columns) + num(1e-3)).sqrt();
            // The value of one function and the gradient of another.
            value.stop_gradient() + (value - value.stop_gradient()) * T::from_f64(factor)
        }
        Row::new(move |_, x| record(x[0], factor), |x| normed(&x[0])).mixes_columns().orders(1)
    }
    row::<f32>(1.0).check().unwrap_or_else(|failure| panic!("{failure}"));
    let (laws, failure) = breaks(&row::<f32>(1.0001));
    assert!(laws.contains(&RowLaw::PlainDerivative), "{failure}");
}

#[test]
fn a_factor_of_m_needs_examples_and_has_them() {
    let row = mean::<f64>(|tape, x| x.sum_over(Over::Columns) * tape.one_over_m());
    row.check().unwrap_or_else(|failure| panic!("{failure}"));
    let (laws, failure) = breaks(&mean::<f64>(|tape, x| {
        let sum = x.sum_over(Over::Columns) * tape.one_over_m();
        sum.stop_gradient() + (sum - sum.stop_gradient()) * num(1.001)
    }));
    assert!(laws.contains(&RowLaw::Derivative), "{failure}");
}

#[test]
fn near_a_pole_and_where_a_function_bends_much_differences_take_smaller_steps() {
    let rows = [
        Row::<f64>::function(Function::Ln, f64::ln).between(0.0, 1.0),
        Row::<f64>::new(|_, x| x[0].reciprocal(), |x| Some(x[0].map(|x| 1.0 / x))).between(0.004, 0.02),
        Row::<f64>::new(|_, x| (x[0] * num(100.0)).sin(), |x| Some(x[0].map(|x| (100.0 * x).sin()))),
    ];
    for row in rows {
        row.check().unwrap_or_else(|failure| panic!("{failure}"));
    }
    // A factor of 1 + 1e-7 is a wrong rule there too.
    let wrong = Function::new("ln", f64::ln).with_derivative(Function::new("1/x", |x| 1.000_000_1 / x));
    let (laws, failure) = breaks(&Row::function(wrong, f64::ln).between(0.0, 1.0).orders(1));
    assert!(laws.contains(&RowLaw::PlainDerivative), "{failure}");
}

/// 2 × 2, of no operand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Threes {
    wrong: bool,
}

impl<T: Scalar> Operation<T> for Threes {
    fn name(&self) -> Cow<'_, str> {
        "threes".into()
    }
    fn shape(&self, _: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(Shape::new(2, 2))
    }
    fn eval(&self, _: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().fill(T::from_f64(if self.wrong { 3.001 } else { 3.0 }));
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {}
}

#[test]
fn a_constant_has_no_derivative_to_check() {
    let row = |wrong: bool| {
        let plain = |_: &[Matrix<f64>]| Some(Matrix::filled(2, 2, 3.0));
        Row::<f32>::new(move |tape, x| tape.apply_all(Threes { wrong }, x), plain).operands(|_| Vec::new())
    };
    row(false).check().unwrap_or_else(|failure| panic!("{failure}"));
    let (laws, failure) = breaks(&row(true));
    assert_eq!(laws, [RowLaw::Value], "{failure}");
}
