//! The functions of one number, powers, and the log-loss: their digits up to the third derivative, against values with 800 digits that
//! `reference/functions.py` has written; their limits; and that a function has one value.
//!
//! Tolerances are those of the library's promise: values within 4 ulp, derivatives of order 1, 2 and 3 within 1e-13, 1e-11 and 1e-9 in
//! f64, wherever the true value is a normal number. In f32 they are 16 and 64 units of ε, for products of a handful
//! of factors within 4 ulp each, and 1e-3, for sums of such products of which one point in ten thousand is that near a zero.

use tape::{Error, Function, Matrix, Options, Scalar, Tape, Var, matrix};

// ---- Numbers and references -----------------------------------------------------------------------------------

/// A value with some more digits than an f64 has.
#[derive(Debug, Clone, Copy)]
struct Exact {
    nearest: f64,
    rest: f64,
}

impl Exact {
    /// Of "0.1+5.55e-18", or "0.1-5.55e-18", or "inf".
    fn parse(text: &str) -> Self {
        let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{text:?} is no number"));
        // The sign between the two is the last one that no exponent begins with.
        let signs =
            text.char_indices().skip(1).filter(|&(i, c)| "+-".contains(c) && !text[..i].ends_with('e'));
        match signs.last() {
            Some((at, _)) => Exact { nearest: number(&text[..at]), rest: number(&text[at..]) },
            None => Exact { nearest: number(text), rest: 0.0 },
        }
    }
}

/// The ends of a type's normal numbers.
fn range<T: Scalar>() -> (f64, f64) {
    match T::NAME {
        "f32" => (f32::MIN_POSITIVE.into(), f32::MAX.into()),
        _ => (f64::MIN_POSITIVE, f64::MAX),
    }
}

/// The error in units of what is allowed. Values that are no normal numbers need only be as small, or as great.
fn error<T: Scalar>(found: T, exact: Exact, order: usize) -> f64 {
    let (least, greatest) = range::<T>();
    let (found, size) = (found.to_f64(), exact.nearest.abs());
    if found.is_nan() {
        return f64::INFINITY;
    }
    let ulp = T::EPSILON.to_f64() * 2.0_f64.powi(size.log2().floor() as i32);
    if size < least {
        return (found - exact.nearest).abs() / (0.1 * least);
    }
    if size > greatest {
        return if found.abs() >= greatest && found.signum() == exact.nearest.signum() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    let difference = ((found - exact.nearest) - exact.rest).abs();
    let allowed = match (order, T::NAME) {
        (0, _) => 4.0 * ulp,
        (_, "f64") => [1e-13, 1e-11, 1e-9][order - 1] * size,
        _ => [16.0, 64.0, 8192.0][order - 1] * T::EPSILON.to_f64() * size,
    };
    if found.is_infinite() { f64::INFINITY } else { difference / allowed }
}

fn function<T: Scalar>(name: &str) -> Function<T> {
    let (name, parameter) = name.split_once(':').unwrap_or((name, "0"));
    let number = T::from_f64(parameter.parse().unwrap());
    match name {
        "exp" => Function::Exp,
        "ln" => Function::Ln,
        "sqrt" => Function::Sqrt,
        "square" => Function::Square,
        "power" => Function::Power(number),
        "whole" => Function::WholePower(parameter.parse().unwrap()),
        "sin" => Function::Sin,
        "cos" => Function::Cos,
        "erf" => Function::Erf,
        "elu" => Function::Elu(number),
        "sigmoid" => Function::Sigmoid,
        "log_sigmoid" => Function::LogSigmoid,
        "tanh" => Function::Tanh,
        "softplus" => Function::Softplus,
        "silu" => Function::Silu,
        "gelu" => Function::Gelu,
        "gelu_tanh" => Function::GeluTanh,
        "normal_pdf" => Function::NormalPdf,
        _ => panic!("no function {name}"),
    }
}

/// g, g′, g″ and g‴ of the numbers.
fn orders<T: Scalar>(g: &Function<T>, x: &[T], options: Options) -> [Vec<T>; 4] {
    let tape = Tape::new();
    let x = tape.parameter("x", &Matrix::row(x));
    let mut orders = vec![x.map(g)];
    for _ in 0..3 {
        let [next] = orders[orders.len() - 1].sum().gradients_or_zeros([x]);
        orders.push(next);
    }
    let mut program = tape.compile_with(orders.iter().copied(), options).unwrap();
    program.run().unwrap();
    let shape = x.shape().unwrap().at(0);
    std::array::from_fn(|k| {
        let view = program.view(orders[k]).unwrap().to_matrix();
        if view.shape() == shape { view.as_slice().to_vec() } else { vec![view[(0, 0)]; shape.1] }
    })
}

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().map(|line| line.split(' ').collect())
}

fn functions_keep_their_digits<T: Scalar>(options: Options) {
    let rows: Vec<Vec<&str>> = rows(include_str!("../reference/functions.txt")).collect();
    let mut bad = Vec::new();
    for rows in rows.chunk_by(|a, b| a[0] == b[0]) {
        let x: Vec<T> = rows.iter().map(|row| T::from_f64(row[1].parse().unwrap())).collect();
        let found = orders(&function::<T>(rows[0][0]), &x, options);
        for (order, found) in found.iter().enumerate() {
            let mut worst = (0.0, 0);
            for (i, row) in rows.iter().enumerate() {
                let error = error(found[i], Exact::parse(row[2 + order]), order);
                if error > worst.0 {
                    worst = (error, i);
                }
            }
            println!("{} {} {order}: {:.3} at {:e}", T::NAME, rows[0][0], worst.0, x[worst.1]);
            if worst.0 > 1.0 {
                let (at, exact) = (found[worst.1], rows[worst.1][2 + order]);
                bad.push(format!(
                    "{} {} {order} at {:e}: {at:e}, not {exact}",
                    T::NAME,
                    rows[0][0],
                    x[worst.1]
                ));
            }
        }
    }
    assert!(rows.len() > 500 && bad.is_empty(), "{bad:#?}");
}

#[test]
fn functions_keep_their_digits_in_f64() {
    functions_keep_their_digits::<f64>(Options::default());
    functions_keep_their_digits::<f64>(Options::literal());
}

#[test]
fn functions_keep_their_digits_in_f32() {
    functions_keep_their_digits::<f32>(Options::default());
    functions_keep_their_digits::<f32>(Options::literal());
}

/// Of derivatives that have a kernel: as values, within 4 ulp at their zeros too.
fn derivatives_keep_their_digits_at_zeros<T: Scalar>() {
    let (mut count, mut bad) = (0, Vec::new());
    for row in rows(include_str!("../reference/zeros.txt")).filter(|row| row[0] == T::NAME) {
        let (order, x): (usize, f64) = (row[2].parse().unwrap(), row[3].parse().unwrap());
        let found = orders(&function::<T>(row[1]), &[T::from_f64(x)], Options::default())[order][0];
        let error = error(found, Exact::parse(row[4]), 0);
        if error > 1.0 {
            bad.push(format!("{row:?}: {found:e}, {} ulp", 4.0 * error));
        }
        count += 1;
    }
    assert!(count > 100 && bad.is_empty(), "{bad:#?}");
}

#[test]
fn derivatives_keep_their_digits_at_zeros_in_both_types() {
    derivatives_keep_their_digits_at_zeros::<f64>();
    derivatives_keep_their_digits_at_zeros::<f32>();
}

// ---- Limits ---------------------------------------------------------------------------------------------------

const INF: f64 = f64::INFINITY;

/// At −∞ and at ∞: g, g′, g″, g‴.
fn limits<T: Scalar>() -> Vec<(Function<T>, [f64; 4], [f64; 4])> {
    let n = T::from_f64;
    vec![
        (Function::Identity, [-INF, 1.0, 0.0, 0.0], [INF, 1.0, 0.0, 0.0]),
        (Function::Exp, [0.0; 4], [INF; 4]),
        (Function::Square, [INF, -INF, 2.0, 0.0], [INF, INF, 2.0, 0.0]),
        (Function::WholePower(3), [-INF, INF, -INF, 6.0], [INF, INF, INF, 6.0]),
        (Function::WholePower(1), [-INF, 1.0, 0.0, 0.0], [INF, 1.0, 0.0, 0.0]),
        (Function::WholePower(0), [1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]),
        (Function::WholePower(-1), [0.0; 4], [0.0; 4]),
        (Function::Power(n(-2.0)), [0.0; 4], [0.0; 4]),
        (Function::Abs, [INF, -1.0, 0.0, 0.0], [INF, 1.0, 0.0, 0.0]),
        (Function::Sign, [-1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]),
        (Function::Erf, [-1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]),
        (Function::ErfDerivative, [0.0; 4], [0.0; 4]),
        (Function::ErfHigher(4), [0.0; 4], [0.0; 4]),
        (Function::Clamp(n(-2.0), n(3.0)), [-2.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0]),
        (Function::Relu, [0.0; 4], [INF, 1.0, 0.0, 0.0]),
        (Function::LeakyRelu(n(0.0)), [0.0; 4], [INF, 1.0, 0.0, 0.0]),
        (Function::LeakyRelu(n(0.5)), [-INF, 0.5, 0.0, 0.0], [INF, 1.0, 0.0, 0.0]),
        (Function::Elu(n(1.5)), [-1.5, 0.0, 0.0, 0.0], [INF, 1.0, 0.0, 0.0]),
        (Function::Sigmoid, [0.0; 4], [1.0, 0.0, 0.0, 0.0]),
        (Function::SigmoidDerivative, [0.0; 4], [0.0; 4]),
        (Function::LogSigmoid, [-INF, 1.0, 0.0, 0.0], [0.0; 4]),
        (Function::Tanh, [-1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]),
        (Function::TanhDerivative, [0.0; 4], [0.0; 4]),
        (Function::Softplus, [0.0; 4], [INF, 1.0, 0.0, 0.0]),
        (Function::Silu, [0.0; 4], [INF, 1.0, 0.0, 0.0]),
        (Function::SiluSecondDerivative, [0.0; 4], [0.0; 4]),
        (Function::GeluTanh, [0.0; 4], [INF, 1.0, 0.0, 0.0]),
        (Function::GeluTanhSecondDerivative, [0.0; 4], [0.0; 4]),
        (Function::Gelu, [0.0; 4], [INF, 1.0, 0.0, 0.0]),
        (Function::GeluHigher(3), [0.0; 4], [0.0; 4]),
        (Function::NormalPdf, [0.0; 4], [0.0; 4]),
        (Function::NormalPdfHigher(2), [0.0; 4], [0.0; 4]),
    ]
}

fn functions_have_their_limits<T: Scalar>() {
    let (least, greatest) = range::<T>();
    for (g, left, right) in limits::<T>() {
        // What does not grow has its limit far out, too.
        for (x, limit) in [(-INF, left), (INF, right)] {
            let found = orders(&g, &[T::from_f64(x)], Options::default());
            let found = found.map(|values| values[0].to_f64());
            assert_eq!(found, limit, "{} at {x} in {}", g.name(), T::NAME);
            let far = [greatest, greatest / 4.0, greatest.sqrt() * 1.5];
            for far in far.map(|far| far * x.signum()) {
                let found = orders(&g, &[T::from_f64(far)], Options::default());
                for (order, limit) in limit.into_iter().enumerate().filter(|(_, limit)| limit.is_finite()) {
                    let found = found[order][0].to_f64();
                    assert!((found - limit).abs() < 1e-15, "{} {order} at {far:e}: {found:e}", g.name());
                }
            }
        }
        // And no NaN at the numbers around 0.
        let near = [0.0, -0.0, least, -least, least / 8.0, -least / 8.0].map(T::from_f64);
        let found = orders(&g, &near, Options::default());
        let at_0 = matches!(g, Function::WholePower(-1) | Function::Power(_)); // ±∞, and ∞ − ∞ at the third order
        assert!(at_0 || found.iter().flatten().all(|x| x.is_finite()), "{}: {found:?}", g.name());
        let nan = orders(&g, &[T::NAN], Options::default());
        assert!(nan[0][0].is_nan() || g == Function::WholePower(0), "{}", g.name());
    }
}

#[test]
fn functions_have_their_limits_in_both_types() {
    functions_have_their_limits::<f64>();
    functions_have_their_limits::<f32>();
}

#[test]
fn f11_the_second_derivative_of_gelu_far_out() {
    let tape = Tape::<f32>::new();
    let x = tape.parameter("x", &matrix![[2e19, -2e19]]);
    let [d] = x.gelu().sum().gradients([x]);
    let [dd] = d.sum().gradients([x]);
    let [ddd] = dd.sum().gradients([x]);
    assert_eq!(values(dd), [0.0, 0.0]);
    assert_eq!(values(ddd), [0.0, 0.0]);
}

// ---- One value ------------------------------------------------------------------------------------------------

/// Numbers of all sizes, special ones among them.
fn mixture<T: Scalar>() -> Vec<T> {
    let special = [0.0, -0.0, INF, -INF, f64::NAN, 1e-42, -1e-42, 1e30, -1e30, -745.0, 88.9, -1.278];
    let drawn = (0..3000).map(|i| {
        let spread = (f64::from(i) * 0.618_033_988_749_894_9).fract();
        match i % 3 {
            0 => -6.0 * spread,
            1 => 60.0 * spread - 30.0,
            _ => (2000.0 * spread - 1000.0) * (f64::from(i) * 0.37).sin(),
        }
    });
    special.into_iter().chain(drawn).map(T::from_f64).collect()
}

/// The bits of some entries, computed by a program of these alone.
fn bits<T: Scalar>(tape: &Tape<T>, of: &[Var<'_, T>], options: Options) -> Vec<Vec<u64>> {
    let mut program = tape.compile_with(of.iter().copied(), options).unwrap();
    program.run().unwrap();
    let of_one = |&v: &Var<'_, T>| program.view(v).unwrap().to_matrix();
    // All NaNs are one.
    let bits = |x: &T| if x.is_nan() { u64::MAX } else { x.bits() };
    of.iter().map(|v| of_one(v).as_slice().iter().map(bits).collect()).collect()
}

fn a_function_has_one_value<T: Scalar>() {
    let n = T::from_f64;
    let functions = [
        Function::Sigmoid,
        Function::Tanh,
        Function::Softplus,
        Function::Silu,
        Function::SiluDerivative,
        Function::Elu(n(1.0)),
        Function::Elu(n(0.3)),
        Function::EluDerivative(n(1.0)),
        Function::Gelu,
        Function::GeluTanh,
        Function::Erf,
    ];
    let x = mixture::<T>();
    for g in functions {
        let tape = Tape::new();
        let x = tape.parameter("x", &Matrix::from_vec(1, x.len(), x.clone()).unwrap());
        let value = x.map(&g);
        let [slope] = value.sum().gradients([x]);
        let [bend] = slope.sum().gradients([x]);
        for options in [Options::default(), Options::literal()] {
            let alone: Vec<_> =
                [value, slope, bend].iter().flat_map(|&v| bits(&tape, &[v], options)).collect();
            for company in [[value, slope, bend], [bend, slope, value], [slope, value, bend]] {
                let found = bits(&tape, &company, options);
                for (v, found) in company.iter().zip(found) {
                    let index = [value, slope, bend].iter().position(|w| w == v).unwrap();
                    let differ = found.iter().zip(&alone[index]).filter(|(a, b)| a != b).count();
                    assert_eq!(differ, 0, "{} order {index} in {}", g.name(), T::NAME);
                }
            }
        }
        // And number by number, as in a slice.
        let together = bits(&tape, &[value, slope], Options::default());
        for i in (0..x.shape().unwrap().at(0).1).step_by(37) {
            let tape = Tape::new();
            let x = tape.parameter("x", &Matrix::scalar(mixture::<T>()[i]));
            let [slope] = x.map(&g).sum().gradients([x]);
            assert_eq!(bits(&tape, &[slope], Options::default())[0][0], together[1][i], "{} {i}", g.name());
        }
    }
}

#[test]
fn a_function_has_one_value_in_both_types() {
    a_function_has_one_value::<f64>();
    a_function_has_one_value::<f32>();
}

#[test]
fn the_derivative_of_the_log_loss_has_one_value() {
    let tape = Tape::<f64>::new();
    let count = 512;
    let z = tape.parameter("z", &Matrix::from_fn(1, count, |_, j| ((j * 37) as f64).sin() * 20.0));
    let y = tape.constant("y", &Matrix::from_fn(1, count, |_, j| [0.0, 1.0, 0.3, 0.5][j % 4]));
    let loss = z.sigmoid().log_loss(y);
    let [slope] = loss.sum().gradients([z]);
    let alone = bits(&tape, &[slope], Options::default());
    let both = bits(&tape, &[loss, slope], Options::default());
    assert_eq!(alone[0], both[1]);
    assert_eq!(bits(&tape, &[loss], Options::default())[0], both[0]);
    // A hard label's bits do not depend on the soft ones beside it.
    for j in (0..count).filter(|j| j % 4 < 2) {
        let tape = Tape::<f64>::new();
        let z = tape.parameter("z", &Matrix::scalar(((j * 37) as f64).sin() * 20.0));
        let slope = z.sigmoid_minus([0.0, 1.0][j % 4]);
        assert_eq!(bits(&tape, &[slope], Options::default())[0][0], both[1][j], "{j}");
    }
}

// ---- Whole powers and limits of clamp -------------------------------------------------------------------------

fn values<T: Scalar>(v: Var<'_, T>) -> Vec<f64> {
    v.value().unwrap().as_slice().iter().map(|x| x.to_f64()).collect()
}

#[test]
fn f15_an_odd_power_of_minus_one() {
    let tape = Tape::<f32>::new();
    let x = tape.parameter("x", &matrix![[-1.0, 1.0]]);
    assert_eq!(values(x.powi(16_777_217)), [-1.0, 1.0]);
    assert_eq!(values(x.powi(i32::MAX)), [-1.0, 1.0]);
    assert_eq!(values(x.powi(i32::MIN)), [1.0, 1.0]);
    assert_eq!(values(x.powi(-16_777_217)), [-1.0, 1.0]);
    // n·xⁿ⁻¹ and n·(n − 1)·xⁿ⁻²: the exponents go on as whole numbers.
    let [d] = x.powi(16_777_217).sum().gradients([x]);
    let [dd] = d.sum().gradients([x]);
    assert_eq!(values(d), [16_777_216.0, 16_777_216.0]);
    assert_eq!(values(dd), [-(2.0_f64.powi(48)), 2.0_f64.powi(48)]);
    let [d] = x.powi(i32::MIN).sum().gradients([x]);
    assert_eq!(values(d), [2.0_f64.powi(31), -(2.0_f64.powi(31))]);
}

#[test]
fn whole_powers_of_all_small_exponents() {
    let tape = Tape::<f64>::new();
    let numbers = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0];
    let x = tape.parameter("x", &Matrix::row(&numbers));
    for n in -6..=6 {
        let expected = numbers.map(|x| (0..i32::abs(n)).fold(1.0, |p, _| if n < 0 { p / x } else { p * x }));
        for (found, expected) in values(x.powi(n)).into_iter().zip(expected) {
            let close = (found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs();
            assert!(found == expected || close, "{n}: {found}, not {expected}");
        }
        let [d] = x.powi(n).sum().gradients_or_zeros([x]);
        let lower = values(x.powi(n - 1));
        for (found, lower) in values(d).into_iter().zip(lower) {
            let expected = if n == 0 { 0.0 } else { f64::from(n) * lower };
            assert!(found == expected || (found / expected - 1.0).abs() < 1e-15, "{n}: {found} {expected}");
        }
    }
}

#[test]
fn f17_a_clamp_without_limits() {
    fn refused<T: Scalar>() {
        let tape = Tape::<T>::new();
        let n = T::from_f64;
        let x = tape.parameter("x", &Matrix::scalar(n(-2.0)));
        let message = |v: Var<'_, T>| v.value().unwrap_err().to_string();
        let exchanged = message(x.clamp(n(1.0), n(-1.0)));
        assert!(exchanged.starts_with("clamp: the lower limit 1 is above the upper limit -1"), "{exchanged}");
        assert!(exchanged.contains("tests/laws/functions.rs"), "{exchanged}");
        assert!(message(x.clamp(T::NAN, n(1.0))).contains("NaN"));
        assert!(message(x.clamp(n(1.0), T::NAN)).contains("NaN"));
        assert!(message(x.map(&Function::ClampDerivative(n(1.0), n(0.0)))).starts_with("clamp′"));
        assert!(message(x.leaky_relu(T::NAN)).contains("NaN") && message(x.elu(T::NAN)).contains("NaN"));
        for (low, high, value) in [(-1.0, -1.0, -1.0), (-INF, INF, -2.0), (-INF, -3.0, -3.0), (0.0, INF, 0.0)]
        {
            assert_eq!(values(x.clamp(n(low), n(high))), [value]);
        }
    }
    refused::<f64>();
    refused::<f32>();
}

// ---- Powers whose exponent is an entry ------------------------------------------------------------------------

fn powers_keep_their_digits<T: Scalar>() {
    for row in rows(include_str!("../reference/powers.txt")) {
        let (n, k): (usize, usize) = (row[0].parse().unwrap(), row[1].parse().unwrap());
        let tape = Tape::<T>::new();
        let number = |text: &str| Matrix::scalar(T::from_f64(text.parse().unwrap()));
        let (a, b) = (tape.parameter("a", &number(row[2])), tape.parameter("b", &number(row[3])));
        // In either order of differentiation.
        for exponent_first in [false, true] {
            let mut entry = a.pow(b);
            let order = if exponent_first { [(b, k), (a, n)] } else { [(a, n), (b, k)] };
            for (with_respect_to, times) in order {
                for _ in 0..times {
                    [entry] = entry.gradients_or_zeros([with_respect_to]);
                }
            }
            let found = entry.value().unwrap()[(0, 0)];
            let error = error(found, Exact::parse(row[4]), n + k);
            assert!(error <= 1.0, "{} {row:?}: {found:e}, {error}", T::NAME);
        }
    }
}

#[test]
fn powers_keep_their_digits_in_both_types() {
    powers_keep_their_digits::<f64>();
    powers_keep_their_digits::<f32>();
}

/// A power beyond either end of the range comes back by its factor; the values are of 50 digits, by mpmath.
#[test]
fn powers_beyond_the_range_come_back() {
    for (order, a, b, expected) in [
        (1, 1e-312, 1e-5, 9.928_416_782_248_019e306),
        (2, 1e-160, 1e-20, -1e300),
        (3, 1e3, -101.5, -3.405_103_032_422_096_5e-308),
    ] {
        let tape = Tape::<f64>::new();
        let (of_a, of_b) = (tape.parameter("a", &Matrix::scalar(a)), tape.parameter("b", &Matrix::scalar(b)));
        let mut entry = of_a.pow(of_b);
        for _ in 0..order {
            [entry] = entry.gradients([of_a]);
        }
        let found = entry.value().unwrap()[(0, 0)];
        assert!(((found - expected) / expected).abs() < 1e-12, "{order} {a:e} {b:e}: {found:e}");
    }
}

#[test]
fn f06_the_exponents_gradient_at_base_zero() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[0.0, 2.0]]);
    let b = tape.parameter("b", &matrix![[1.0, 1.0]]);
    let [db] = a.pow(b).sum().gradients([b]);
    assert_eq!(values(db), [0.0, 2.0 * std::f64::consts::LN_2]);
}

#[test]
fn f06_the_bases_gradient_at_exponent_zero() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[0.0]]);
    let b = tape.constant("b", &matrix![[0.0]]);
    let [da] = a.pow(b).gradients([a]);
    assert_eq!(values(da), [0.0]);
}

/// One 0 among the examples leaves the gradients of the exponent finite, to the third order, whatever is repeated or transposed.
fn a_zero_among_the_examples<T: Scalar>() {
    let n = T::from_f64;
    let tape = Tape::<T>::new();
    let x = tape.examples("x", &Matrix::from_vec(2, 2, [0.0, 2.0, 1.0, 0.0].map(n).to_vec()).unwrap());
    let expected = |p: f64, k: i32| 2.0_f64.powf(p) * std::f64::consts::LN_2.powi(k);
    for (p, transposed) in [(2.0, false), (0.5, true), (1.0, true), (3.0, false)] {
        // A number, and a row or a column that is repeated.
        for shape in [(1, 1), (2, 1)] {
            let p_entry = tape.parameter("p", &Matrix::filled(shape.0, shape.1, n(p)));
            let base = if transposed { x.t().t() } else { x };
            let j = base.pow(p_entry).sum();
            let mut of_order = vec![j];
            for k in 1..=3 {
                let [next] = of_order[k - 1].sum().gradients([p_entry]);
                of_order.push(next);
                let found: f64 = values(next).iter().sum();
                let expected = expected(p, k as i32);
                let allowed = 8.0 * T::EPSILON.to_f64() * expected.abs();
                assert!((found - expected).abs() <= allowed, "{p} {k} {shape:?}: {found}, not {expected}");
            }
        }
    }
    // With respect to the base: b·(b−1)·…·a^(b−k), 0 where the polynomial is.
    let a = tape.parameter("a", &Matrix::scalar(T::ZERO));
    for (p, orders) in
        [(0.0, [0.0, 0.0, 0.0]), (1.0, [1.0, 0.0, 0.0]), (2.0, [0.0, 2.0, 0.0]), (3.0, [0.0, 0.0, 6.0])]
    {
        let b = tape.parameter("b", &Matrix::scalar(n(p)));
        let mut entry = a.pow(b);
        for expected in orders {
            [entry] = entry.gradients([a]);
            assert_eq!(values(entry), [expected], "{p}");
        }
    }
    // Mixed: ∂²aᵇ/∂a∂b = a^(b−1)·(1 + b·ln a), 0 at a = 0 where b > 1.
    let b = tape.parameter("b", &Matrix::scalar(n(2.5)));
    let [da] = a.pow(b).gradients([a]);
    let [db] = a.pow(b).gradients([b]);
    let ([dab], [dba]) = (da.gradients([b]), db.gradients([a]));
    assert_eq!((values(dab), values(dba)), (vec![0.0], vec![0.0]));
    let hessian = a.pow(b).hessian([a, b]).unwrap();
    assert!(hessian.as_slice().iter().all(|h| h.to_f64() == 0.0), "{hessian:?}");
}

#[test]
fn a_zero_among_the_examples_in_both_types() {
    a_zero_among_the_examples::<f64>();
    a_zero_among_the_examples::<f32>();
}

// ---- The log-loss ---------------------------------------------------------------------------------------------

fn errors_of_labels_keep_their_digits<T: Scalar>() {
    let mut count = 0;
    for row in rows(include_str!("../reference/sigmoid_minus.txt")).filter(|row| row[0] == T::NAME) {
        let tape = Tape::<T>::new();
        let number = |text: &str| Matrix::scalar(T::from_f64(text.parse().unwrap()));
        let (y, z) = (tape.constant("y", &number(row[1])), tape.parameter("z", &number(row[2])));
        let exact = Exact::parse(row[3]);
        let [of_logits] = z.log_loss_on_logits(y).gradients([z]);
        let [of_sigmoid] = z.sigmoid().log_loss(y).gradients([z]);
        for entry in [z.sigmoid_minus(y), of_logits, of_sigmoid] {
            let found = entry.value().unwrap()[(0, 0)];
            let error = error(found, exact, 0);
            assert!(error <= 1.0, "{} {row:?}: {found:e}, {} ulp", T::NAME, 4.0 * error);
        }
        count += 1;
    }
    assert!(count > 100);
}

#[test]
fn errors_of_labels_keep_their_digits_in_both_types() {
    errors_of_labels_keep_their_digits::<f64>();
    errors_of_labels_keep_their_digits::<f32>();
}

#[test]
fn what_is_no_probability_is_an_error_with_its_place() {
    fn refused<T: Scalar>() {
        for bad in [1.5, -0.25, f64::NAN, INF, 1.0 + 2.0 * T::EPSILON.to_f64()] {
            let tape = Tape::<T>::new();
            let mut probabilities = Matrix::filled(2, 5, T::from_f64(0.5));
            probabilities[(1, 3)] = T::from_f64(bad);
            let a = tape.examples("A", &probabilities);
            let j = a.log_loss(tape.examples("Y", &Matrix::filled(2, 5, T::ONE))).mean();
            for options in [Options::default(), Options::literal()] {
                let mut program = tape.compile_with([j], options).unwrap();
                let error = program.run().unwrap_err();
                let Error::Probability { value, row, column, probabilities, .. } = &error else {
                    panic!("{error}")
                };
                assert_eq!((*row, *column, probabilities.as_str()), (1, 3, "A"));
                assert!(value.is_nan() == bad.is_nan());
                assert!(error.to_string().contains("A is not in [0, 1]"), "{error}");
                // Mended, it runs.
                program.bind(a, &Matrix::filled(2, 5, T::from_f64(0.5))).unwrap();
                program.run().unwrap();
            }
        }
    }
    refused::<f64>();
    refused::<f32>();
}

#[test]
fn gradients_alone_refuse_a_wrong_label() {
    fn refused<T: Scalar>() {
        for bad in [2.0, -1.0, f64::NAN] {
            let tape = Tape::<T>::new();
            let z = tape.parameter("z", &Matrix::row(&[0.5, -1.0, 2.0].map(T::from_f64)));
            let y = tape.constant("y", &Matrix::row(&[1.0, bad, 0.0].map(T::from_f64)));
            let [by_sigmoid] = z.sigmoid().log_loss(y).sum().gradients([z]);
            let [by_logits] = z.log_loss_on_logits(y).sum().gradients([z]);
            let a = tape.parameter("a", &Matrix::row(&[0.5, 0.25, 0.75].map(T::from_f64)));
            let [of_probabilities] = a.log_loss(y).sum().gradients([a]);
            let [of_gradient] = of_probabilities.sum().gradients([a]);
            let options = [Options::default(), Options::literal()];
            for entry in [by_sigmoid, by_logits, z.sigmoid_minus(y), of_probabilities, of_gradient] {
                for options in options {
                    let mut program = tape.compile_with([entry], options).unwrap();
                    let error = program.run().unwrap_err();
                    let Error::Label { row, column, labels, .. } = &error else { panic!("{error}") };
                    assert_eq!((*row, *column, labels.as_str()), (0, 1, "y"));
                }
            }
        }
    }
    refused::<f64>();
    refused::<f32>();
}

#[test]
fn per_example_gradients_and_hessians_refuse_a_wrong_label() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
    let w = tape.parameter("w", &matrix![[0.1]]);
    let y = tape.examples("y", &matrix![[0.0, 1.0, 3.0]]);
    let of_logits = (w * x).sigmoid().log_loss(y);
    let of_probabilities = (w * x).square().log_loss(y); // at most 0.09
    for losses in [of_logits, of_probabilities] {
        let errors = [
            losses.per_example_gradients([w]).unwrap_err(),
            losses.mean().gradients([w])[0].value().unwrap_err(),
        ];
        for error in errors {
            let Error::Label { value, row, column, labels, .. } = &error else { panic!("{error}") };
            assert_eq!((*value, *row, *column, labels.as_str()), (3.0, 0, 2, "y"));
        }
    }
    // The Hessian of the loss of probabilities reads the labels; that of the loss of logits has none in it.
    assert!(matches!(of_probabilities.sum().hessian([w]), Err(Error::Label { column: 2, .. })));
}
