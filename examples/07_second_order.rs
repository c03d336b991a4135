//! Second order: Newton's method with Hessian–vector products.
//!
//! A gradient is an entry, so it has derivatives like any other. The Hessian H of J is never written down: conjugate gradients solve
//! H · d = −∇J for Newton's step d with nothing but products H · v, and a product costs about what a gradient costs.
//!
//! The problem is logistic regression on real data, J = 1/m · Σ ℒ + λ/2 · ‖w‖²: convex, with one minimum, which Newton's method
//! finds in a few steps and gradient descent in thousands.
//!
//! Run it with `cargo run --release --example 07_second_order`.

#[path = "support/data_sets.rs"]
mod data_sets;

use std::error::Error;

use mlp::Standardizer;
use tape::{Matrix, Program, Tape, Var};

const LAMBDA: f64 = 2e-3;
/// ‖∇J‖ at which a method is done.
const TOLERANCE: f64 = 1e-9;

fn main() -> Result<(), Box<dyn Error>> {
    let table = data_sets::breast_cancer(include_bytes!("data/breast_cancer.csv"))?;
    let x = Standardizer::fit(&table.x)?.transform(&table.x)?;
    let tape = Tape::new();
    let problem = Problem::record(&tape, &x, &table.y);
    println!("Logistic regression on {} examples with {} features\n", x.columns(), x.rows());
    println!("{}\n", tape.equations([problem.losses, problem.j, problem.dw, problem.db]));
    println!("The product H · v, v = (v_w, v_b), is derived from these:\n");
    println!("{}\n", tape.equations([problem.hw, problem.hb]));
    the_product_is_right(&tape, &problem, &x)?;

    let newton = newton(&tape, &problem)?;
    let descent = gradient_descent(&tape, &problem, &x)?;
    println!("{:<20}{:>8}{:>12}{:>8}{:>19}{:>12}", "", "steps", "gradients", "H · v", "J", "‖∇J‖");
    for (name, found) in [("Newton's method", &newton), ("gradient descent", &descent)] {
        let Found { steps, gradients, products, j, norm, .. } = found;
        println!("{name:<20}{steps:>8}{gradients:>12}{products:>8}{j:>19.14}{norm:>12.1e}");
    }
    let apart = newton.w.iter().zip(&descent.w).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("\nTheir weights are at most {apart:.0e} apart: the minimum is one and the same.");
    assert!(newton.norm < TOLERANCE && descent.norm < TOLERANCE);
    assert!(newton.steps <= 20 && descent.steps >= 100 * newton.steps);
    assert!((newton.j - descent.j).abs() < 1e-12 && apart < 1e-5);
    Ok(())
}

struct Problem<'t> {
    w: Var<'t, f64>,
    b: Var<'t, f64>,
    losses: Var<'t, f64>,
    j: Var<'t, f64>,
    dw: Var<'t, f64>,
    db: Var<'t, f64>,
    /// v, of the shapes of w and b, and H · v.
    vw: Var<'t, f64>,
    vb: Var<'t, f64>,
    hw: Var<'t, f64>,
    hb: Var<'t, f64>,
}

impl<'t> Problem<'t> {
    fn record(tape: &'t Tape<f64>, x: &Matrix<f64>, y: &Matrix<f64>) -> Self {
        let n = x.rows();
        let (x, y) = (tape.examples("X", x), tape.examples("Y", y));
        let (w, b) = (tape.parameter("w", &Matrix::zeros(1, n)), tape.parameter("b", &Matrix::scalar(0.0)));
        let z = (w.matmul(x) + b).named("Z");
        let losses = z.log_loss_on_logits(y).named("ℒ"); // eq. 5 of the probability σ(Z)
        let j = (losses.mean() + 0.5 * LAMBDA * w.square().sum()).named("J");
        let [dw, db] = j.gradients([w, b]);
        let vw = tape.parameter("v_w", &Matrix::zeros(1, n));
        let vb = tape.parameter("v_b", &Matrix::scalar(0.0));
        let [hw, hb] = j.hvp([w, b], [vw, vb]);
        Problem { w, b, losses, j, dw, db, vw, vb, hw: hw.named("H·v, w"), hb: hb.named("H·v, b") }
    }

    /// Gives w and b, one after the other, to a program.
    fn bind(&self, program: &mut Program<f64>, point: &[f64]) -> tape::Result<()> {
        let (b, w) = point.split_last().expect("w and b");
        program.bind(self.w, &Matrix::row(w))?;
        program.bind(self.b, &Matrix::scalar(*b))
    }

    /// H · v at the point that the program has.
    fn product(&self, program: &mut Program<f64>, v: &[f64]) -> tape::Result<Vec<f64>> {
        let (vb, vw) = v.split_last().expect("w and b");
        program.bind(self.vw, &Matrix::row(vw))?;
        program.bind(self.vb, &Matrix::scalar(*vb))?;
        program.run()?;
        pair(program, self.hw, self.hb)
    }
}

/// Two outputs, one after the other.
fn pair(program: &Program<f64>, w: Var<'_, f64>, b: Var<'_, f64>) -> tape::Result<Vec<f64>> {
    Ok([program.view(w)?.as_slice(), program.view(b)?.as_slice()].concat())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// a + c · b
fn plus(a: &[f64], c: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + c * b).collect()
}

/// Against the Hessian of logistic regression as books have it: 1/m · X̃ · diag(a ⊙ (1 − a)) · X̃ᵀ + λ (but for b), where X̃ is X
/// with a row of ones.
fn the_product_is_right(tape: &Tape<f64>, problem: &Problem<'_>, x: &Matrix<f64>) -> tape::Result<()> {
    let (n, m) = x.shape();
    let point: Vec<f64> = (0..=n).map(|k| 0.2 * (k as f64).sin()).collect();
    let v: Vec<f64> = (0..=n).map(|k| (2.0 * k as f64).cos()).collect();
    let mut program = tape.compile([problem.hw, problem.hb])?;
    problem.bind(&mut program, &point)?;
    let found = problem.product(&mut program, &v)?;
    let mut expected: Vec<f64> = v.iter().map(|v| LAMBDA * v).collect();
    expected[n] = 0.0;
    for i in 0..m {
        let column = [x.column(i), &[1.0]].concat();
        let a = 1.0 / (1.0 + (-dot(&point, &column)).exp());
        expected = plus(&expected, a * (1.0 - a) * dot(&column, &v) / m as f64, &column);
    }
    let apart = norm(&plus(&found, -1.0, &expected)) / norm(&expected);
    println!("H · v against 1/m · X·diag(a(1 − a))·Xᵀ·v + λ·v in plain loops: {apart:.1e} apart, relative\n");
    assert!(apart < 1e-13);
    Ok(())
}

/// What a method found, and what it took.
struct Found {
    steps: usize,
    gradients: usize,
    products: usize,
    w: Vec<f64>,
    j: f64,
    norm: f64,
}

fn newton(tape: &Tape<f64>, problem: &Problem<'_>) -> tape::Result<Found> {
    let mut first_order = tape.compile([problem.j, problem.dw, problem.db])?;
    let mut second_order = tape.compile([problem.hw, problem.hb])?;
    let mut at = |point: &[f64]| {
        problem.bind(&mut first_order, point)?;
        first_order.run()?;
        Ok::<_, tape::Error>((first_order.scalar(problem.j)?, pair(&first_order, problem.dw, problem.db)?))
    };
    let n = problem.w.value()?.columns() + 1;
    let mut point = vec![0.0; n];
    let (mut j, mut gradient) = at(&point)?;
    let (mut steps, mut gradients, mut products) = (0, 1, 0);
    println!("Newton's method\n{:>6}{:>19}{:>12}{:>8}{:>8}", "step", "J", "‖∇J‖", "H · v", "length");
    println!("{steps:>6}{j:>19.14}{:>12.1e}", norm(&gradient));
    while norm(&gradient) >= TOLERANCE && steps < 50 {
        problem.bind(&mut second_order, &point)?;
        let (direction, used) = conjugate_gradients(&gradient, |v| problem.product(&mut second_order, v))?;
        products += used;
        // The whole step, if J falls by a part of what its slope promises; else half of it, and so on.
        let slope = dot(&gradient, &direction);
        let mut length = 1.0;
        let (next, found) = loop {
            let next = plus(&point, length, &direction);
            let found = at(&next)?;
            gradients += 1;
            // Near the minimum J cannot tell any more, to the last digits.
            if found.0 <= j + 1e-4 * length * slope + 1e-15 || length < 1e-6 {
                break (next, found);
            }
            length /= 2.0;
        };
        (point, (j, gradient)) = (next, found);
        steps += 1;
        println!("{steps:>6}{j:>19.14}{:>12.1e}{used:>8}{length:>8}", norm(&gradient));
    }
    println!();
    Ok(Found { steps, gradients, products, w: point, j, norm: norm(&gradient) })
}

/// Solves H · d = −g, the more exactly the nearer the minimum is; also says how many products that took.
fn conjugate_gradients(
    g: &[f64],
    mut product: impl FnMut(&[f64]) -> tape::Result<Vec<f64>>,
) -> tape::Result<(Vec<f64>, usize)> {
    let enough = norm(g) * norm(g).sqrt().min(0.1);
    let mut d = vec![0.0; g.len()];
    let mut residual: Vec<f64> = g.iter().map(|g| -g).collect();
    let mut direction = residual.clone();
    let mut used = 0;
    while norm(&residual) > enough && used < 10 * g.len() {
        let h = product(&direction)?;
        used += 1;
        let before = dot(&residual, &residual);
        let alpha = before / dot(&direction, &h);
        d = plus(&d, alpha, &direction);
        residual = plus(&residual, -alpha, &h);
        direction = plus(&residual, dot(&residual, &residual) / before, &direction);
    }
    Ok((d, used))
}

/// With the longest step that is safe, 1/‖H‖ for the largest H: 1/m · X̃ · X̃ᵀ / 4 + λ.
fn gradient_descent(tape: &Tape<f64>, problem: &Problem<'_>, x: &Matrix<f64>) -> tape::Result<Found> {
    let mut program = tape.compile([problem.j, problem.dw, problem.db])?;
    let rate = 1.0 / (largest_eigenvalue(x) / 4.0 + LAMBDA);
    let mut steps = 0;
    loop {
        program.run()?;
        let gradient = norm(&pair(&program, problem.dw, problem.db)?);
        if gradient < TOLERANCE || steps == 100_000 {
            let w = pair(&program, problem.w, problem.b)?;
            let (gradients, j) = (steps + 1, program.scalar(problem.j)?);
            return Ok(Found { steps, gradients, products: 0, w, j, norm: gradient });
        }
        for (parameter, gradient) in [(problem.w, problem.dw), (problem.b, problem.db)] {
            program.update(parameter, gradient, |parameter, gradient| {
                parameter.iter_mut().zip(gradient).for_each(|(p, g)| *p -= rate * g);
            })?;
        }
        steps += 1;
    }
}

/// Of 1/m · X̃ · X̃ᵀ, by power iteration.
fn largest_eigenvalue(x: &Matrix<f64>) -> f64 {
    let (n, m) = x.shape();
    let mut v = vec![1.0; n + 1];
    let mut value = 0.0;
    for _ in 0..100 {
        let mut product = vec![0.0; n + 1];
        for i in 0..m {
            let column = [x.column(i), &[1.0]].concat();
            product = plus(&product, dot(&column, &v) / m as f64, &column);
        }
        value = norm(&product);
        v = product.iter().map(|p| p / value).collect();
    }
    value
}
