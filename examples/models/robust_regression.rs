//! Regression that a few grossly wrong measurements do not spoil: the centre by Huber's loss, and the band that holds 80 % of the
//! measurements by two quantile losses.
//!
//! Run it with `cargo run --release --example robust_regression`.

mod support;

use mlp::Scalar;
use support::{Learner, Outcome};
use tape::check::Random;
use tape::{Matrix, Shape, Tape, Var};

/// J, and centre, lower and upper quantile, 3 × m.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, hidden: usize) -> [Var<'_, T>; 2] {
    let (x, y) = (tape.examples_unbound("X", 1), tape.examples_unbound("Y", 1));
    let w1 = tape.parameter_unbound("W[1]", Shape::new(hidden, 1));
    let b1 = tape.parameter_unbound("b[1]", Shape::new(hidden, 1));
    let w2 = tape.parameter_unbound("W[2]", Shape::new(hidden, hidden));
    let b2 = tape.parameter_unbound("b[2]", Shape::new(hidden, 1));
    let w3 = tape.parameter_unbound("W[3]", Shape::new(3, hidden));
    let b3 = tape.parameter_unbound("b[3]", Shape::new(3, 1));
    let p = (w3.matmul((w2.matmul((w1.matmul(x) + b1).tanh()) + b2).tanh()) + b3).named("P");
    let number = T::from_f64;
    let centre = p.rows(0..1).huber_loss(y, number(0.1));
    let band = p.rows(1..2).quantile_loss(y, number(0.1)) + p.rows(2..3).quantile_loss(y, number(0.9));
    [(centre + band).mean().named("J"), p]
}

fn curve(x: f64) -> f64 {
    (3.0 * x).sin() + 0.5 * x
}

fn run<T: Scalar>() -> Outcome {
    let mut random = Random::new(7);
    let x = Matrix::from_fn(1, 600, |_, _| T::from_f64(2.0 * random.between(-1.0, 1.0)));
    let y = Matrix::from_fn(1, 600, |_, i| {
        let noise = 0.3 * random.between(-1.0, 1.0);
        T::from_f64(curve(x[(0, i)].to_f64()) + if i % 12 == 0 { 5.0 } else { noise })
    });
    let tape = Tape::<T>::new();
    let [j, p] = record(&tape, 24);
    let mut learner = Learner::new(j, &[p], 0.01, 3)?;
    let (of_x, of_y) = (tape.named("X")?, tape.named("Y")?);
    // The input's weights have one column, as a bias has: they begin apart.
    learner.program.bind(tape.named("W[1]")?, &random.matrix::<T>(24, 1, -3.0, 3.0))?;
    learner.program.bind(tape.named("b[1]")?, &random.matrix::<T>(24, 1, -3.0, 3.0))?;
    learner.train(&[(of_x, &x), (of_y, &y)], 3000, 64)?;
    learner.program.bind(of_x, &x)?;
    learner.program.bind(of_y, &y)?;
    learner.program.run()?;
    let p = learner.program.view(p)?;
    let inside = (0..600).filter(|&i| p[(1, i)] <= y[(0, i)] && y[(0, i)] <= p[(2, i)]).count();
    let error =
        (0..600).map(|i| (p[(0, i)].to_f64() - curve(x[(0, i)].to_f64())).powi(2)).sum::<f64>() / 600.0;
    println!("{}: {:.1} % inside the band, the centre {:.3} off", T::NAME, inside as f64 / 6.0, error.sqrt());
    assert!((0.7..0.9).contains(&(inside as f64 / 600.0)), "80 % should be inside");
    assert!(error.sqrt() < 0.12, "the centre should not follow what is wrong");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
