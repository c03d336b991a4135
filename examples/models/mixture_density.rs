//! A mixture density network (Bishop 1994): where one x has several y, it gives a mixture of three normal distributions, and not
//! their mean. The examples have weights: the loss of each counts as much as its weight says.
//!
//! Run it with `cargo run --release --example mixture_density`.

mod support;

use mlp::Scalar;
use support::{Learner, Outcome};
use tape::check::Random;
use tape::{Matrix, Over, Shape, Tape, Var};

/// J of x, y and weights, 1 × m, for mixtures of k; and the densities' logarithms.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, hidden: usize, k: usize) -> [Var<'_, T>; 2] {
    let [x, y, weight] = ["x", "y", "weight"].map(|name| tape.examples_unbound(name, 1));
    let w1 = tape.parameter_unbound("W[1]", Shape::new(hidden, 1));
    let b1 = tape.parameter_unbound("b[1]", Shape::new(hidden, 1));
    let w2 = tape.parameter_unbound("W[2]", Shape::new(3 * k, hidden));
    let b2 = tape.parameter_unbound("b[2]", Shape::new(3 * k, 1));
    let out = w2.matmul((w1.matmul(x) + b1).tanh()) + b2;
    let (shares, mean, log_sd) =
        (out.rows(0..k).log_softmax_over(Over::Rows), out.rows(k..2 * k), out.rows(2 * k..3 * k));
    let normal = ((y - mean) / log_sd.exp()).square() * T::from_f64(-0.5) - log_sd;
    let log_density =
        (shares + normal).log_sum_exp_over(Over::Rows) - T::from_f64(0.5 * std::f64::consts::TAU.ln());
    let j = -(log_density * weight).sum() / weight.sum();
    [j.named("J"), log_density.named("D")]
}

/// The inverse problem of that paper: x = y + 0.3·sin(2πy) and noise, with three y for some x.
fn points<T: Scalar>(m: usize, random: &mut Random) -> [Matrix<T>; 3] {
    let y = Matrix::from_fn(1, m, |_, _| T::from_f64(random.between(0.0, 1.0)));
    let x = Matrix::from_fn(1, m, |_, i| {
        let y = y[(0, i)].to_f64();
        T::from_f64(y + 0.3 * (std::f64::consts::TAU * y).sin() + 0.05 * random.between(-1.0, 1.0))
    });
    // The ends are rarer: they count twice.
    let weight = y.map(|y| if (y.to_f64() - 0.5).abs() > 0.4 { T::from_f64(2.0) } else { T::ONE });
    [x, y, weight]
}

fn run<T: Scalar>() -> Outcome {
    let mut random = Random::new(4);
    let tape = Tape::<T>::new();
    let [j, _] = record(&tape, 24, 3);
    let mut learner = Learner::new(j, &[], 0.003, 3)?;
    learner.program.bind(tape.named("W[1]")?, &random.matrix::<T>(24, 1, -6.0, 6.0))?;
    learner.program.bind(tape.named("b[1]")?, &random.matrix::<T>(24, 1, -3.0, 3.0))?;
    learner.program.bind(tape.named("b[2]")?, &random.matrix::<T>(9, 1, -0.5, 0.5))?;
    let leaves = ["x", "y", "weight"].map(|name| tape.named(name).expect("a leaf"));
    let data = points::<T>(2000, &mut random);
    learner.train(&leaves.into_iter().zip(&data).collect::<Vec<_>>(), 6000, 128)?;
    for (leaf, value) in leaves.into_iter().zip(points::<T>(1000, &mut random)) {
        learner.program.bind(leaf, &value)?;
    }
    learner.program.run()?;
    let j = learner.program.scalar(j)?.to_f64();
    println!("{}: −ln p = {j:.3} on new points; one normal distribution for all has 0.18", T::NAME);
    assert!(j < -0.5, "three branches should be found");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
