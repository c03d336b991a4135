//! The checker says what it could not see, and tells a wrong rule from truncation and rounding.

use std::fs;

use tape::check::{Broken, Cause, Check, Failure, Law, Reason, Rule, Summary, Unchecked, Verdict};
use tape::{Error, Function, Matrix, Scalar, Shape, Tape, matrix, num, record};

fn unchecked(checked: &Result<Summary, Failure>) -> Vec<Unchecked> {
    checked.as_ref().unwrap_or_else(|failure| panic!("{failure}")).unchecked().to_vec()
}

/// The reason for which the derivative with respect to operand 0 is unchecked.
fn reason(checked: &Result<Summary, Failure>) -> Option<Reason> {
    let found = unchecked(checked);
    found.iter().find(|what| what.law == Law::Derivative && what.operand == Some(0)).map(|what| what.reason)
}

fn number<T: Scalar>(x: f64) -> Matrix<T> {
    Matrix::scalar(T::from_f64(x))
}

fn corners<T: Scalar>() {
    let at = |x: f64| Check::new().scalar(&[number::<T>(x)], |_, x| x[0].relu());
    let found = unchecked(&at(0.0));
    assert_eq!(found[0], Unchecked { law: Law::Transpose, operand: None, reason: Reason::Blind });
    assert_eq!(reason(&at(0.0)), Some(Reason::Kink));
    assert_eq!(Verdict::of(&at(0.0)), Verdict::Unchecked);
    // A smaller step does not reach a corner beside x.
    for x in [0.02, -0.02] {
        assert_ne!(reason(&at(x)), Some(Reason::Kink), "{x}");
    }
    assert_eq!(Verdict::of(&at(0.02)), Verdict::Pass);
    assert_eq!(reason(&at(-0.02)), Some(Reason::Blind));
    // What was checked at one of the points is checked.
    let points = [0.0, 0.1, -0.1].map(T::from_f64);
    assert_eq!(unchecked(&Check::new().function(&Function::<T>::Relu, &points)), []);
}

#[test]
fn a_corner_is_unchecked() {
    corners::<f64>();
    corners::<f32>();
    for x in [2e-6, 2e-5] {
        let checked = Check::new().scalar(&[matrix![[x]]], |_, x| x[0].relu());
        assert_eq!(Verdict::of(&checked), Verdict::Pass, "{}", checked.unwrap());
    }
}

/// The errors of the first derivative law that is broken.
fn errors(checked: Result<Summary, Failure>) -> (Failure, Cause) {
    let failure = checked.expect_err("a wrong derivative");
    let found = failure.broken().iter().find_map(|broken| match broken {
        Broken::Derivative { errors, .. } => Some(errors.cause),
        Broken::At { broken, .. } => match &**broken {
            Broken::Derivative { errors, .. } => Some(errors.cause),
            _ => None,
        },
        _ => None,
    });
    (failure, found.expect("a derivative"))
}

#[test]
fn outside_of_both_sides_of_a_corner_is_a_failure() {
    for slope in [1.5, -0.5, 2.0] {
        let name = format!("slope {slope}");
        let derivative = Function::new(&name, move |_| slope);
        let steep = Function::new("steep", |x: f64| x.max(0.0)).with_derivative(derivative);
        let (failure, cause) = errors(Check::new().orders(1).function(&steep, &[0.0]));
        assert_eq!(cause, Cause::Kink, "{failure}");
        assert!(failure.to_string().contains("looks like a kink"), "{failure}");
    }
}

fn what_cannot_be_seen<T: Scalar>() {
    // A sum of softmax is 1, whatever its operand.
    let column = Matrix::from_fn(3, 1, |i, _| T::from_f64(0.3 * i as f64));
    let blind = Check::new().scalar(&[column], |_, x| (x[0].exp() / x[0].exp().sum()).sum());
    assert!(matches!(reason(&blind), Some(Reason::Small { .. } | Reason::Blind)), "{blind:?}");
    // A gradient that is small beside the rounding of the value.
    let small = Check::new().scalar(&[number::<T>(0.5)], |_, x| x[0] * num(1e-6) + num(1e12));
    let Some(Reason::Small { gradient, rounding }) = reason(&small) else { panic!("{small:?}") };
    assert!(gradient < rounding && gradient < 1e-5, "{gradient} {rounding}");
    let step = Check::new().operation(&[number::<T>(0.5)], |_, x| x[0].sign());
    assert_eq!(reason(&step), Some(Reason::Blind));
    // Its jump; and relu′ has one where relu has its corner.
    let jump = Check::new().operation(&[number::<T>(0.0)], |_, x| x[0].sign());
    assert_eq!(reason(&jump), Some(Reason::Jump));
    let corner = unchecked(&Check::new().operation(&[number::<T>(0.0)], |_, x| x[0].relu()));
    let second_jump = Unchecked { law: Law::SecondDerivative, operand: Some(0), reason: Reason::Jump };
    assert!(corner.contains(&second_jump), "{corner:?}");
    // Beside what is smooth, and not small where steps are long.
    let steep = Check::new().operation(&[number::<T>(0.0)], |_, x| x[0].sign() * num(0.1) - x[0] * num(3.0));
    assert_eq!(reason(&steep), Some(Reason::Jump));
    let bent = unchecked(
        &Check::new()
            .operation(&[number::<T>(0.0)], |_, x| x[0].relu() * num(0.1) - x[0].square() * num(0.3) - x[0]),
    );
    assert!(bent.contains(&second_jump), "{bent:?}");
    assert!(bent.iter().any(|what| what.reason == Reason::Kink), "{bent:?}");
    let empty = Check::new().operation(&[Matrix::<T>::zeros(0, 3)], |_, x| x[0].sin());
    assert_eq!(reason(&empty), Some(Reason::Empty));
    let no_result = Check::new().operation(&[Matrix::<T>::zeros(2, 0)], |_, x| x[0].sin());
    assert_eq!(reason(&no_result), Some(Reason::Empty));
    assert_eq!(reason(&Check::new().function(&Function::<T>::Sin, &[])), Some(Reason::Empty));
    let point = Function::new("point", |x: T| if x == T::ONE { T::ONE } else { T::NAN });
    let point = point.with_derivative(Function::new("point′", |_: T| T::ONE));
    let outside = Check::new().orders(1).function(&point, &[T::ONE]);
    assert_eq!(reason(&outside), Some(Reason::Domain));
}

#[test]
fn what_cannot_be_seen_is_unchecked() {
    what_cannot_be_seen::<f64>();
    what_cannot_be_seen::<f32>();
}

fn where_the_second_derivative_jumps<T: Scalar>() {
    for (name, checked) in [
        ("squared hinge", Check::new().scalar(&[number::<T>(0.0)], |_, x| x[0].relu().square())),
        ("x·|x|", Check::new().scalar(&[number::<T>(0.0)], |_, x| x[0] * x[0].abs())),
        ("x·relu", Check::new().scalar(&[Matrix::<T>::zeros(2, 2)], |_, x| (x[0] * x[0].relu()).sum())),
        ("cube", Check::new().orders(2).scalar(&[number::<T>(0.0)], |_, x| x[0].relu().powi(3))),
    ] {
        assert!(checked.is_ok(), "{name}: {}", checked.unwrap_err());
    }
    let at = |x: f64| reason(&Check::new().scalar(&[number::<T>(x)], |_, x| x[0].relu().square()));
    assert_eq!((at(0.0), at(0.5)), (Some(Reason::Kink), None));
    // A slope that is wrongly 0 stays.
    for slope in [1.0, 1e-3, -1e-6] {
        let nothing = Function::new(&format!("0 of {slope}"), |_: T| T::ZERO);
        let g = move |x: T| (if x > T::ZERO { x * x } else { T::ZERO }) + T::from_f64(slope) * x;
        let wrong = Function::new(&format!("hinge + {slope}"), g).with_derivative(nothing);
        let checked = Check::new().orders(1).function(&wrong, &[T::ZERO]);
        assert_eq!(Verdict::of(&checked), Verdict::Failure, "{slope}: {checked:?}");
    }
}

#[test]
fn a_gradient_of_0_where_the_second_derivative_jumps_is_unchecked() {
    where_the_second_derivative_jumps::<f64>();
    where_the_second_derivative_jumps::<f32>();
}

#[test]
fn one_wrong_sign_among_many_is_rejected_or_unchecked() {
    // Σ 10⁻ⁱ·xᵢ: a wrong sign of the last elements is below the tolerance, of the first it is not.
    let weights = |n: i32| Matrix::from_fn(n as usize, 1, |i, _| 0.1_f64.powi(i as i32));
    let x = Matrix::from_fn(3, 1, |i, _| i as f64);
    let seen = Check::new().scalar(&[x], |tape, x| (x[0] * tape.constant("c", &weights(3))).sum());
    assert_eq!(Verdict::of(&seen), Verdict::Pass);
    // With a tolerance of 3 even a wrong sign would pass: the instrument does not measure.
    let blunt = Check::new().tolerance(3.0).scalar(&[matrix![[0.5]]], |_, x| x[0].sin());
    assert_eq!(reason(&blunt), Some(Reason::Insensitive));
}

#[test]
fn a_pole_or_the_end_of_a_domain_beside_x_does_not_matter() {
    for x in [1e-3, 2e-4, 1e-5] {
        for (name, checked) in [
            ("1/x", Check::new().scalar(&[matrix![[x]]], |_, x| num(1.0) / x[0])),
            ("ln x", Check::new().scalar(&[matrix![[x]]], |_, x| x[0].ln())),
            ("√x", Check::new().scalar(&[matrix![[x]]], |_, x| x[0].sqrt())),
        ] {
            assert!(checked.is_ok(), "{name} at {x}: {}", checked.unwrap_err());
        }
    }
    // A pole between x − h and x + h, far nearer than h.
    let checked = Check::new().scalar(&[matrix![[0.5 + 1e-4]]], |_, x| num(1.0) / (x[0] - 0.5));
    assert!(checked.is_ok(), "{}", checked.unwrap_err());
}

fn numbers_without_digits<T: Scalar>(small: f64, saturated: f64) {
    let check = Check::new().orders(2);
    for (name, checked) in [
        ("scale", check.operation(&[number::<T>(0.37)], |_, x| x[0] * num(small))),
        ("product", check.operation(&[number::<T>(0.37), number(-3.0)], |_, x| x[0] * num(small) * x[1])),
        ("exp", check.operation(&[number::<T>(saturated)], |_, x| x[0].exp())),
        ("sigmoid", check.operation(&[number::<T>(saturated)], |_, x| x[0].sigmoid())),
    ] {
        assert_eq!(Verdict::of(&checked), Verdict::Unchecked, "{name}: {checked:?}");
    }
    // A gradient that is just normal, of terms that are not.
    let least = if T::NAME == "f32" { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let terms = Matrix::from_fn(1, 40, |_, j| T::from_f64((0.2 + 0.003 * j as f64) * least));
    let sums = check.operation(&[terms, number(0.3)], |_, x| (x[0] * x[1].sin()).sum());
    assert!(sums.is_ok(), "{sums:?}");
    // A wrong rule of what is just large enough to have them.
    let wrong =
        Function::new("wrong", |_: T| T::from_f64(2e-37)).with_derivative(Function::new("0", |_| T::ZERO));
    let wrong = Function::new("scale", |x: T| T::from_f64(1e-37) * x).with_derivative(wrong);
    assert_eq!(Verdict::of(&Check::new().function(&wrong, &[T::ONE])), Verdict::Failure);
}

#[test]
fn subnormal_numbers_break_no_law() {
    numbers_without_digits::<f64>(1e-310, -720.0);
    numbers_without_digits::<f64>(1e-320, -740.0);
    numbers_without_digits::<f32>(1e-40, -90.0);
    numbers_without_digits::<f32>(1e-44, -101.0);
}

#[test]
fn what_cancels_is_measured_at_every_scale() {
    // The gradient is 2e-300, of differences of 5e-207.
    for scale in [1.0, 1e-200, 1e200] {
        let checked = Check::new().scalar(&[matrix![[1e-100]]], |_, x| x[0].square() * num(scale));
        assert!(matches!(reason(&checked), Some(Reason::Small { .. })), "{scale:e}: {checked:?}");
    }
}

/// g or g′.
type Real = fn(f64) -> f64;

/// g with a g′ that is wrong by a factor.
fn times<T: Scalar>(factor: f64, g: Real, derivative: Real) -> Function<T> {
    let name = format!("{factor}·g′");
    let derivative = Function::new(&name, move |x: T| T::from_f64(factor * derivative(x.to_f64())));
    Function::new(&format!("g {factor}"), move |x: T| T::from_f64(g(x.to_f64()))).with_derivative(derivative)
}

#[test]
fn what_bends_is_not_taken_for_rounding() {
    // The neighbours by which rounding is measured are 6e-6 apart, many times the length over which
    // this bends.
    let (steep, slope): (Real, Real) = (|x| (1e6 * x).tanh(), |x| 1e6 / (1e6 * x).cosh().powi(2));
    let check = Check::new().orders(1);
    for factor in [1.01, 1.1, 1.5, 2.0, 0.5, 0.0, -1.0] {
        let checked = check.function(&times::<f64>(factor, steep, slope), &[1e-5]);
        assert_ne!(Verdict::of(&checked), Verdict::Pass, "{factor}: {checked:?}");
        // What is smaller is below what the neighbours leave.
        assert!(factor < 1.0 || Verdict::of(&checked) == Verdict::Failure, "{factor}: {checked:?}");
    }
    // In f32 they are 5e-3 apart.
    let (bell, slope): (Real, Real) = (|x| (-1e5 * x * x).exp(), |x| -2e5 * x * (-1e5 * x * x).exp());
    for factor in [1.1, 1.5, 2.0, 0.5, 0.0, -1.0] {
        let checked = check.function(&times::<f32>(factor, bell, slope), &[1e-2]);
        assert_ne!(Verdict::of(&checked), Verdict::Pass, "{factor}: {checked:?}");
    }
    for checked in [
        check.function(&times::<f64>(1.0, |x| (1e6 * x).tanh(), |x| 1e6 / (1e6 * x).cosh().powi(2)), &[1e-5]),
        check.function(&times::<f32>(1.0, bell, slope), &[1e-2]),
    ] {
        assert_eq!(Verdict::of(&checked), Verdict::Pass, "{checked:?}");
    }
}

#[test]
fn errors_tell_a_wrong_rule_from_truncation_and_rounding() {
    for factor in [1.5, 1.001, 1.000_01] {
        let derivative = Function::new(&format!("{factor}·cos"), move |x: f64| factor * x.cos());
        let g = Function::new("sin", f64::sin).with_derivative(derivative);
        let (failure, cause) = errors(Check::new().orders(1).function(&g, &[0.4]));
        assert_eq!(cause, Cause::Rule, "{factor}: {failure}");
    }
    // With steps as large as 0.5 and a tolerance that they cannot keep.
    let coarse =
        Check::new().orders(1).step(0.5).tolerance(1e-13).scalar(&[matrix![[0.5]]], |_, x| x[0].sin());
    let (failure, cause) = errors(coarse);
    assert_eq!(cause, Cause::Truncation, "{failure}");
    // A function that is more noise than its value tells: that is measured, and called what it is.
    let fine = Check::new().orders(1).step(1e-12).tolerance(1e-13);
    let g = Function::new("noisy", |x: f64| x.sin() + 1e-9 * (x * 1e15).sin()).with_derivative(Function::Cos);
    let noisy = fine.function(&g, &[0.4]);
    assert!(matches!(reason(&noisy), Some(Reason::Small { .. })), "{noisy:?}");
    // What cancels inside of the function as well.
    let inner = Check::new().scalar(&[matrix![[0.5]]], |_, x| ((x[0] + 1e9) - 1e9) * 1e-3);
    assert!(inner.is_ok(), "{}", inner.unwrap_err());
}

#[test]
fn a_failure_names_the_worst_element_the_place_and_the_seed_and_prints_rust() {
    // Wrong in one element of 20 × 30 alone.
    let wrong = |rows: usize, columns: usize, at: (usize, usize)| OneWrong { rows, columns, at };
    for at in [(0, 0), (7, 13), (19, 29)] {
        let rule = wrong(20, 30, at);
        let x = Matrix::from_fn(20, 30, |i, j| 0.1 + 0.01 * (i + 20 * j) as f64);
        let failure = Check::new().seed(7).rule(&[x], &rule).unwrap_err();
        let [Broken::Derivative { worst, .. }] = failure.broken() else { panic!("{failure}") };
        assert_eq!((worst.row, worst.column), at);
        assert!((worst.recorded - 1.5 * worst.differences).abs() < 1e-6, "{worst:?}");
        assert_eq!(failure.seed(), Some(7));
        assert!(failure.place().unwrap().file().ends_with("tests/verdicts.rs"));
        assert!(failure.to_string().contains("Failure::rust has the "), "{failure}");
        assert!(failure.rust().starts_with("let inputs = [\n    matrix![[0.1_f64, 0.30000000000000004, "));
    }
    let failure = Check::new().seed(3).rule(&[matrix![[0.5, -0.0]]], &wrong(1, 2, (0, 1))).unwrap_err();
    let text = failure.to_string();
    assert!(
        text.contains("\nlet inputs = [\n    matrix![[0.5_f64, -0.0]],\n];\nCheck::new().seed(3)"),
        "{text}"
    );
}

/// Each element squared; the derivative of one is half too large.
struct OneWrong {
    rows: usize,
    columns: usize,
    at: (usize, usize),
}

impl Rule<f64> for OneWrong {
    fn value(&self, x: &[Matrix<f64>]) -> Matrix<f64> {
        x[0].map(|x| x * x + x)
    }
    fn vjp(&self, x: &[Matrix<f64>], u: &Matrix<f64>) -> Vec<Matrix<f64>> {
        let factor = |at: (usize, usize)| if at == self.at { 1.5 } else { 1.0 };
        let one = |i, j| factor((i, j)) * (2.0 * x[0][(i, j)] + 1.0) * u[(i, j)];
        vec![Matrix::from_fn(self.rows, self.columns, one)]
    }
}

/// W * X with one of the mistakes of a rule that is written by hand.
struct Layer(&'static str);

fn product<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    let dot = |i: usize, j: usize| (0..a.columns()).map(|k| a[(i, k)] * b[(k, j)]).sum();
    Matrix::from_fn(a.rows(), b.columns(), dot)
}

fn transposed<T: Scalar>(a: &Matrix<T>) -> Matrix<T> {
    Matrix::from_fn(a.columns(), a.rows(), |i, j| a[(j, i)])
}

impl<T: Scalar> Rule<T> for Layer {
    fn value(&self, x: &[Matrix<T>]) -> Matrix<T> {
        product(&x[0], &x[1])
    }
    fn vjp(&self, x: &[Matrix<T>], u: &Matrix<T>) -> Vec<Matrix<T>> {
        let dw = product(u, &transposed(&x[1]));
        let dx = product(&transposed(&x[0]), u);
        match self.0 {
            "right" => vec![dw, dx],
            "one missing" => vec![dw],
            "wrong shape" => vec![transposed(&dw), dx],
            "not linear" => vec![dw.map(|x| x * x), dx],
            "constant" => vec![dw, dx.map(|x| x + T::ONE)],
            "wrong sign" => vec![dw, dx.map(|x| -x)],
            other => unreachable!("{other}"),
        }
    }
}

fn rules_without_a_tape<T: Scalar>() {
    let matrix = |rows: usize, columns: usize| {
        Matrix::from_fn(rows, columns, |i, j| T::from_f64(0.3 + 0.2 * i as f64 - 0.4 * j as f64))
    };
    let inputs = [matrix(2, 3), matrix(3, 4)];
    let check = |name| Check::new().nothing_unchecked().rule(&inputs, &Layer(name));
    assert_eq!(Verdict::of(&check("right")), Verdict::Pass, "{}", check("right").unwrap_err());
    for (name, law) in [
        ("one missing", "shape: the rule gives 1 gradients for 2 operands"),
        ("wrong shape", "shape: the gradient of operand 0 is 3×2, not 2×3"),
        ("not linear", "linearity: for operand 0 the cotangent 2u gives "),
        ("constant", "zero cotangent: operand 1 gets 1e0, not 0"),
        ("wrong sign", "derivative: for operand 1 differences give "),
    ] {
        let failure = check(name).unwrap_err();
        assert_eq!(failure.broken().len(), 1, "{name}: {failure}");
        assert!(failure.to_string().starts_with(law), "{name}: {failure}");
    }
}

#[test]
fn a_rule_that_knows_no_tape_obeys_the_same_laws() {
    rules_without_a_tape::<f64>();
    rules_without_a_tape::<f32>();
}

/// x², with another number of gradients or another shape at some calls alone.
struct Moody(&'static str);

impl<T: Scalar> Rule<T> for Moody {
    fn value(&self, x: &[Matrix<T>]) -> Matrix<T> {
        let moved = x[0][(0, 0)] != T::from_f64(0.5);
        let squares = x[0].map(|x| x * x);
        if self.0 == "value" && moved { transposed(&squares) } else { squares }
    }
    fn vjp(&self, x: &[Matrix<T>], u: &Matrix<T>) -> Vec<Matrix<T>> {
        let (rows, columns) = x[0].shape();
        let dx = Matrix::from_fn(rows, columns, |i, j| (x[0][(i, j)] + x[0][(i, j)]) * u[(i, j)]);
        let (large, moved) = (u.max_abs() > T::ONE, x[0][(0, 0)] != T::from_f64(0.5));
        match self.0 {
            "fewer" if large => vec![],
            "more" if large => vec![dx.clone(), dx],
            "other shape" if large => vec![transposed(&dx)],
            "fewer where moved" if moved => vec![],
            _ => vec![dx],
        }
    }
}

fn shapes_at_every_call<T: Scalar>() {
    let inputs = [Matrix::from_fn(1, 2, |_, j| T::from_f64(0.5 - j as f64))];
    for (name, law) in [
        ("fewer", "shape: the rule gives 0 gradients for 1 operands"),
        ("fewer where moved", "shape: the rule gives 0 gradients for 1 operands"),
        ("more", "shape: the rule gives 2 gradients for 1 operands"),
        ("other shape", "shape: the gradient of operand 0 is 2×1, not 1×2"),
        ("value", "shape: the result is 2×1, not 1×2"),
    ] {
        let failure = Check::new().rule(&inputs, &Moody(name)).unwrap_err();
        assert!(failure.to_string().starts_with(law), "{name}: {failure}");
    }
    assert!(Check::new().nothing_unchecked().rule(&inputs, &Moody("right")).is_ok());
}

/// 1, of no operand.
struct One;

impl Rule<f64> for One {
    fn value(&self, _: &[Matrix<f64>]) -> Matrix<f64> {
        matrix![[1.0]]
    }
    fn vjp(&self, _: &[Matrix<f64>], _: &Matrix<f64>) -> Vec<Matrix<f64>> {
        Vec::new()
    }
}

#[test]
fn a_rule_of_no_operand_is_unchecked() {
    let checked = Check::new().rule(&[], &One);
    assert_eq!(Verdict::of(&checked), Verdict::Unchecked, "{checked:?}");
}

#[test]
fn a_rule_has_its_shapes_at_every_call() {
    shapes_at_every_call::<f64>();
    shapes_at_every_call::<f32>();
}

/// (10²⁰⁰·x)² at 10⁻²⁰⁰: the value is 1, the first derivative 2·10²⁰⁰, and the second one overflows.
#[test]
fn a_second_derivative_that_overflows_is_not_finite() {
    let failure = Check::new()
        .orders(2)
        .scalar(&[matrix![[1e-200]]], |tape, x| (x[0] * tape.scalar(1e200)).square())
        .expect_err("no number is the second derivative");
    let found = failure.broken();
    assert!(
        matches!(found, [Broken::NotFinite { operand: Some(0), order: 2, value }] if !value.is_finite()),
        "{found:?}"
    );
    let expected = "finiteness: the derivative of order 2 of operand 0 has ";
    assert!(failure.to_string().contains(expected), "{failure}");
}

#[test]
fn third_derivatives_are_checked() {
    let check = Check::new().orders(3).nothing_unchecked();
    let x = [matrix![[0.5, -0.25], [1.5, 0.75]], matrix![[0.3], [-0.8]]];
    let summary = check.operation(&x, |_, x| (x[0] * x[1]).tanh().square()).unwrap();
    assert!(summary.largest(Law::ThirdDerivative) < Some(1e-7), "{summary}");
    let third = |c: f64| Function::new(&format!("{c}·6"), move |_: f64| c * 6.0);
    let quartic = |c: f64| {
        let second = Function::new(&format!("cube″ {c}"), |x: f64| 6.0 * x).with_derivative(third(c));
        let first = Function::new(&format!("cube′ {c}"), |x: f64| 3.0 * x * x).with_derivative(second);
        Function::new(&format!("cube {c}"), |x: f64| x * x * x).with_derivative(first)
    };
    assert!(Check::new().orders(3).function(&quartic(1.0), &[0.7]).is_ok());
    assert!(Check::new().orders(2).function(&quartic(2.0), &[0.7]).is_ok());
    let failure = Check::new().orders(3).function(&quartic(2.0), &[0.7]).unwrap_err();
    assert!(failure.to_string().starts_with("at 0.7: third derivative: for operand 0 "), "{failure}");
}

#[test]
fn f32_is_checked_through_f64() {
    let inputs = [matrix![[0.51, -1.24], [0.73, 2.0]], matrix![[0.3], [-0.7]]];
    let layer = record!(|_tape, x| (x[0].matmul(x[1]) + num(0.25)).tanh());
    let check = Check::new().nothing_unchecked();
    check.both(&inputs, &layer).unwrap_or_else(|failure| panic!("{failure}"));
    // Digits that f32 loses on the way, in the value, in the gradient alone, in the second derivative
    // alone.
    let value = record!(|_tape, x| ((x[0] + num(1e5)) - num(1e5)).matmul(x[1]));
    let failure = check.both(&inputs, &value).unwrap_err();
    assert!(matches!(failure.broken()[0], Broken::Rounding { order: 0, operand: None, .. }), "{failure}");
    assert!(failure.to_string().starts_with("rounding: the value in f32 is "), "{failure}");
    // A step of the function that f32 takes and f64 does not.
    let apart = record!(|_tape, x| x[0].matmul(x[1]) * ((x[1] + num(1e8)) - num(1e8)).abs().sum());
    assert!(check.both(&inputs, &apart).is_err());
    // A wrong rule is found in f64.
    let wrong = record!(|_tape, x| x[0].matmul(x[1].stop_gradient()));
    assert!(check.both(&inputs, &wrong).is_err());
}

fn recorded<T: Scalar>() {
    let tape = Tape::<T>::new();
    let number = |rows: usize, columns: usize, k: f64| {
        Matrix::from_fn(rows, columns, |i, j| T::from_f64((k * (1 + i + 3 * j) as f64).sin()))
    };
    let x = tape.examples("X", &number(2, 5, 0.7));
    let y = tape.examples("Y", &number(1, 5, 0.4).map(|y| if y > T::ZERO { T::ONE } else { T::ZERO }));
    let (w, b) = (tape.parameter("W[1]", &number(1, 2, 0.9)), tape.parameter("b[1]", &number(1, 1, 0.3)));
    let z = (w.matmul(x) + b).named("Z[1]");
    let j = z.sigmoid().log_loss(y).mean().named("J");
    let [dw] = j.gradients([w]);
    let before = (tape.len(), tape.to_string());
    let check = Check::new().nothing_unchecked();
    for entry in [j, z, dw] {
        let leaves = [x, w, b];
        // The gradient is a function of its leaves like any other.
        check.entry(entry, &leaves).unwrap_or_else(|failure| panic!("{failure}"));
        // Of some of the leaves.
        check.entry(entry, &[w]).unwrap_or_else(|failure| panic!("{failure}"));
    }
    assert_eq!((tape.len(), tape.to_string()), before, "the tape is as it was");
    // With a wrong rule, the leaves are named.
    let wrong = Function::new("g", |x: T| x * x).with_derivative(Function::new("g′", |x: T| x));
    let failure = check.clone().orders(1).entry(z.map(&wrong), &[x, w]).unwrap_err();
    assert!(failure.to_string().contains(": operand 0 is X, operand 1 is W[1]"), "{failure}");
    // What cannot be checked is said.
    let tape_error = |entry, leaf| match Check::new().entry(entry, &[leaf]).unwrap_err().broken() {
        [Broken::Tape(error)] => error.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(tape_error(j, z), Error::NotBindable { method: "check", .. }));
    // One that is moved in two places would be half a derivative.
    let twice = check.entry(j, &[w, x, w]).unwrap_err();
    assert!(twice.to_string().starts_with("check: W[1] stands twice among the leaves"), "{twice}");
    let bare = tape.parameter_unbound("bare", Shape::new(1, 1));
    assert!(matches!(tape_error(z * bare, bare), Error::Unbound { .. }));
    let other = Tape::<T>::new();
    let foreign = other.parameter("W", &number(1, 2, 0.9));
    assert!(matches!(tape_error(j, foreign), Error::ForeignVariable { .. }));
    assert!(matches!(tape_error(w.matmul(w), w), Error::Shape { .. }));
}

#[test]
fn an_entry_is_checked_as_it_was_recorded() {
    recorded::<f64>();
    recorded::<f32>();
}

#[test]
fn the_code_of_a_failure_is_that_of_the_readme() {
    // What the message prints is what a user pastes: it names the items that it needs.
    let failure =
        Check::new().rule(&[matrix![[0.5]]], &OneWrong { rows: 1, columns: 1, at: (0, 0) }).unwrap_err();
    let code = failure.rust();
    let names = [
        "let inputs = [",
        "matrix![[0.5_f64]]",
        "Check::new().seed(0).directions(3).orders(2).rule(&inputs, …)",
        "verdicts.rs:",
    ];
    assert!(names.iter().all(|name| code.contains(name)), "{code}");
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verdicts.rs")).unwrap();
    let line = failure.place().unwrap().line() as usize;
    assert!(source.lines().nth(line - 1).unwrap().contains("Check::new().rule(&[matrix![[0.5]]]"));
}
