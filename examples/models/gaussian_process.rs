//! A Gaussian process (Rasmussen and Williams 2006): its length scale, its size and the noise are those under which the data are most
//! likely. The kernel matrix is m × m; its Cholesky factor serves the quadratic form, the log-determinant and their gradients.
//!
//! Run it with `cargo run --release --example gaussian_process`.

mod support;

use mlp::Scalar;
use support::{Learner, Outcome};
use tape::check::Random;
use tape::{Dim, Matrix, Shape, Tape, Var};

/// J = −ln p(y | x) without its constant (eq. 2.30 there), of x and y, 1 × m.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>) -> Var<'_, T> {
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let [length, size, noise] =
        ["ln ℓ", "ln s", "ln σ"].map(|name| tape.parameter_unbound(name, Shape::SCALAR).exp());
    let distance = (x.t() - x) / length;
    let kernel = (distance.square() * T::from_f64(-0.5)).exp() * size.square();
    let l = (kernel + tape.identity(Dim::M) * noise.square()).cholesky().named("L");
    let a = l.solve_lower(y.t());
    (a.square().sum() * T::from_f64(0.5) + l.diagonal().ln().sum()).named("J")
}

fn run<T: Scalar>() -> Outcome {
    let mut random = Random::new(8);
    // Sums of waves of about the length 1, and noise of the size 0.1.
    let x = Matrix::from_fn(1, 80, |_, _| T::from_f64(random.between(0.0, 8.0)));
    let y = Matrix::from_fn(1, 80, |_, i| {
        let (x, noise) = (x[(0, i)].to_f64(), 0.1 * 3f64.sqrt() * random.between(-1.0, 1.0));
        T::from_f64((1.3 * x).sin() + 0.5 * (2.1 * x + 1.0).cos() + noise)
    });
    let tape = Tape::<T>::new();
    let j = record(&tape);
    let mut learner = Learner::new(j, &[], 0.03, 0)?;
    // Each step sees all examples.
    learner.train(&[(tape.named("x")?, &x), (tape.named("y")?, &y)], 300, x.columns())?;
    let found =
        |name: &str| -> Outcome<f64> { Ok(learner.program.scalar(tape.named(name)?)?.to_f64().exp()) };
    let (length, size, noise) = (found("ln ℓ")?, found("ln s")?, found("ln σ")?);
    println!(
        "{}: length scale {length:.3}, size {size:.3}, noise {noise:.3}, of which 0.1 was put in",
        T::NAME
    );
    assert!((0.08..0.13).contains(&noise) && (0.5..2.5).contains(&length), "the noise should be found");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
