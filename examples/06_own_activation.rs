//! An activation and an operation of one's own.
//!
//! An activation is a value with its derivative, which is again such a function: `Function::new(..).with_derivative(..)`. An
//! operation implements the trait `Operation`: its name, its shape rule, its kernel and its vector–Jacobian product stand
//! together. Both get what the built-in ones have: printing, sharing, programs, derivatives of any order. And both are checked here,
//! since a wrong derivative trains too, only worse: against differences of the value, at order 1 and 2.
//!
//! Run it with `cargo run --release --example 06_own_activation`.

use std::borrow::Cow;

use tape::check::Check;
use tape::{
    Dim, Error, Fault, Function, Matrix, MatrixMut, Mismatch, Operands, Operation, Shape, Tape, Var, Vjp,
    matrix,
};

fn main() -> Result<(), Error> {
    an_activation()?;
    an_operation()?;
    a_mistake()
}

/// g(z) = z / √(1 + z²), like tanh between −1 and 1, with g′ and g″.
fn inverse_root() -> Function<f64> {
    let second = Function::new("isru″", |z: f64| -3.0 * z * (1.0 + z * z).powf(-2.5));
    let first = Function::new("isru′", |z: f64| (1.0 + z * z).powf(-1.5)).with_derivative(second);
    Function::new("isru", |z: f64| z / (1.0 + z * z).sqrt()).with_derivative(first)
}

fn an_activation() -> Result<(), Error> {
    println!("An activation: g(z) = z / √(1 + z²)\n");
    let g = inverse_root();
    let tape = Tape::new();
    let x = tape.examples("X", &matrix![[0.5, -1.0, 2.0], [1.5, 0.5, -0.5]]);
    let w = tape.parameter("W[1]", &matrix![[0.3, -0.2], [0.8, 0.4]]);
    let b = tape.parameter("b[1]", &matrix![[0.1], [-0.3]]);
    let z = (w.matmul(x) + b).named("Z[1]");
    let a = z.map(&g).named("A[1]");
    let losses = a.square().sum_over(tape::Over::Rows);
    let j = losses.mean().named("J");
    let [dw, db] = j.gradients([w, b]);
    println!("{}\n", tape.equations([a, j, dw, db]).with_function_names());
    check("J of a layer with this g", j, &[w, b])?;

    // The textbook's equation, recorded by hand, is the derived entry for this g too.
    // Σ ℒ instead of its mean: ∂ℒ/∂A[1] is what is propagated, and 1/m enters once.
    let [da] = losses.sum().gradients([a]);
    let length = tape.len();
    let by_hand = tape.one_over_m() * (da * z.map_derivative(&g)).matmul(x.t());
    assert!(by_hand == dw && tape.len() == length, "eq. 26 is not the derived entry");
    println!("  eq. 26 by hand is the derived entry: yes");

    // The library's own checker does the same at random cotangents, for both orders, and says how much room is left.
    let summary = Check::new().function(&g, &[-3.0, -0.5, 0.0, 0.2, 4.0]).expect("g′ and g″ are right");
    println!("  tape::check of g:\n{}", indented(&summary));
    Ok(())
}

/// The length of every column: n × m becomes 1 × m, y_i = ‖x_i‖.
///
/// It could be written √(Σ x²); a kernel of our own is right where x² overflows, too.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Lengths;

impl Operation<f64> for Lengths {
    fn name(&self) -> Cow<'_, str> {
        "lengths".into()
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [x] => Ok(Shape { rows: Dim::ONE, ..*x }),
            _ => Err(Mismatch::new("takes one matrix")),
        }
    }

    fn eval(&self, operands: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        let x = operands.get(0);
        for i in 0..x.columns() {
            let column = x.column(i);
            let largest = column.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
            out[(0, i)] = if largest > 0.0 && largest.is_finite() {
                largest * column.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
            } else {
                column.iter().map(|x| x.abs()).sum() // 0, ∞ or NaN
            };
        }
        Ok(())
    }

    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        let ([x], y) = (at.operands(), at.output());
        at.contribute(0, |g| x * (g / y)); // ∂/∂x_i = g_i · x_i / ‖x_i‖
    }

    /// Column i of the result needs column i of X only: a program may compute them tile by tile.
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
}

fn an_operation() -> Result<(), Error> {
    println!("An operation: the length of every column\n");
    let tape = Tape::new();
    let x = tape.parameter("X", &matrix![[3.0, 1.0, -0.5], [4.0, -2.0, 0.25], [0.0, 2.0, 1.5]]);
    let y = tape.apply(Lengths, [x]).named("y");
    println!("y =\n{}\n", y.value()?);
    let j = (y.ln() + 0.1 * y.square()).sum().named("J");
    let [dx] = j.gradients([x]);
    println!("{}\n", tape.equations([y, j, dx]));
    check("J of the lengths", j, &[x])?;

    // The same from built-in operations has the same derivative, but not the same range.
    let naive = x.square().sum_over(tape::Over::Rows).sqrt();
    let [naive_dx] = (naive.ln() + 0.1 * naive.square()).sum().gradients([x]);
    let apart = (dx - naive_dx).value()?.max_abs();
    println!("  ∂J/∂X is {apart:?} from that of √(Σ x²)");
    assert!(apart < 1e-15);
    assert_eq!(tape.apply(Lengths, [x]), y, "equal operations on equal operands are one entry");
    let large = tape.parameter("large", &matrix![[3e200], [4e200]]);
    let (own, naive) = (tape.apply(Lengths, [large]), large.square().sum_over(tape::Over::Rows).sqrt());
    let (own, naive) = (own.value()?[(0, 0)], naive.value()?[(0, 0)]);
    println!("  of a column 3e200, 4e200 the length is {own:e}; √(Σ x²) says {naive}\n");
    assert!((own / 5e200 - 1.0).abs() < 1e-15 && naive.is_infinite());
    let inputs = [matrix![[3.0, 0.6], [4.0, -1.5]]];
    let summary = Check::new().operation(&inputs, |tape, x| tape.apply(Lengths, [x[0]]));
    println!("  tape::check of the operation:\n{}", indented(&summary.expect("its rule is right")));
    Ok(())
}

fn indented(text: &impl std::fmt::Display) -> String {
    text.to_string().lines().map(|line| format!("    {line}\n")).collect()
}

/// What happens without a derivative, and that the check finds a wrong one.
fn a_mistake() -> Result<(), Error> {
    println!("Mistakes\n");
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[0.5, -0.3]]);
    let [dx] = x.map(&Function::new("cube", |x: f64| x.powi(3))).sum().gradients([x]);
    let mistake = dx.value().expect_err("a function without a derivative has none");
    println!("  without a derivative: {mistake}");
    let wrong =
        Function::new("cube", |x: f64| x.powi(3)).with_derivative(Function::new("2x²", |x| 2.0 * x * x));
    let [found, differences] = slopes(x.map(&wrong).sum(), &[x], 1)?;
    println!("  a wrong derivative: slope {found:.6}, by differences {differences:.6}");
    assert!((found - differences).abs() > 1e-3, "the check has to find this");
    Ok(())
}

/// Compares the derivatives of J with differences of values, at order 1 and 2.
fn check(what: &str, j: Var<'_, f64>, with_respect_to: &[Var<'_, f64>]) -> Result<(), Error> {
    for order in [1, 2] {
        let [found, differences] = slopes(j, with_respect_to, order)?;
        println!("  {what}, order {order}: {found:>13.9}, by differences {differences:>13.9}");
        let apart = (found - differences).abs();
        assert!(apart < 1e-8 * (1.0 + found.abs()), "{what}: the derivative of order {order} is wrong");
    }
    Ok(())
}

/// The derivative of J, or of its slope if `order` is 2, along a fixed direction v: as the tape derives it, and from values
/// at two points.
fn slopes(j: Var<'_, f64>, with_respect_to: &[Var<'_, f64>], order: usize) -> Result<[f64; 2], Error> {
    const H: f64 = 1e-5;
    let tape = j.tape();
    let (mut points, mut vectors) = (Vec::new(), Vec::new());
    for &variable in with_respect_to {
        let point = variable.value()?;
        let direction =
            Matrix::from_fn(point.rows(), point.columns(), |i, k| ((3 * i + 5 * k + 1) as f64).sin());
        vectors.push(tape.constant("v", &direction));
        points.push((point, direction));
    }

    let y = if order == 1 { j } else { j.jvp(with_respect_to, &vectors) };
    let slope = y.jvp(with_respect_to, &vectors);
    let mut program = tape.compile([y, slope])?;
    let mut y_at = |step: f64| {
        for (&variable, (point, direction)) in with_respect_to.iter().zip(&points) {
            let moved = Matrix::from_fn(point.rows(), point.columns(), |i, k| {
                point[(i, k)] + step * direction[(i, k)]
            });
            program.bind(variable, &moved)?;
        }
        program.run()?;
        Ok::<_, Error>((program.scalar(y)?, program.scalar(slope)?))
    };
    let ((above, _), (below, _), (_, slope)) = (y_at(H)?, y_at(-H)?, y_at(0.0)?);
    Ok([slope, (above - below) / (2.0 * H)])
}
