//! A differential equation without data: u″ + u = 0 with u(0) = 0 and u′(0) = 1, whose solution is sin t.
//!
//! J asks a network for the equation at points in time. Its u′ and u″ are derived on the tape, and the gradients of J pass through
//! them: third derivatives.
//!
//! Run it with `cargo run --release --example oscillator`.

mod support;

use mlp::Scalar;
use support::{Learner, Outcome};
use tape::check::Random;
use tape::{Matrix, Shape, Tape, Var};

/// The same layers are recorded for the times and for the beginning: weights are shared by being named again.
fn network<'t, T: Scalar>(t: Var<'t, T>, [w1, b1, w2, b2, w3]: [Var<'t, T>; 5]) -> Var<'t, T> {
    w3.matmul((w2.matmul((w1.matmul(t) + b1).tanh()) + b2).tanh())
}

/// J, and u at the times t, 1 × m.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, hidden: usize) -> [Var<'_, T>; 2] {
    let t = tape.examples_unbound("t", 1);
    let begin = tape.constant("0", &Matrix::zeros(1, 1));
    let w1 = tape.parameter_unbound("W[1]", Shape::new(hidden, 1));
    let b1 = tape.parameter_unbound("b[1]", Shape::new(hidden, 1));
    let w2 = tape.parameter_unbound("W[2]", Shape::new(hidden, hidden));
    let b2 = tape.parameter_unbound("b[2]", Shape::new(hidden, 1));
    let w3 = tape.parameter_unbound("W[3]", Shape::new(1, hidden));
    let parameters = [w1, b1, w2, b2, w3];
    let u = network(t, parameters);
    let [du] = u.sum().gradients([t]);
    let [ddu] = du.sum().gradients([t]);
    let u0 = network(begin, parameters);
    let [du0] = u0.sum().gradients([begin]);
    let j = (ddu + u).square().mean() + u0.square() + (du0 - T::ONE).square();
    [j.named("J"), u.named("U")]
}

fn run<T: Scalar>() -> Outcome {
    let tape = Tape::<T>::new();
    let [j, u] = record(&tape, 24);
    let mut learner = Learner::new(j, &[u], 0.003, 2)?;
    let mut random = Random::new(3);
    for (name, limit) in [("W[1]", 1.5), ("b[1]", 1.5)] {
        learner.program.bind(tape.named(name)?, &random.matrix::<T>(24, 1, -limit, limit))?;
    }
    let end = 2.0 * std::f64::consts::PI;
    let times = Matrix::from_fn(1, 1000, |_, i| T::from_f64(end * i as f64 / 999.0));
    learner.train(&[(tape.named("t")?, &times)], 8000, 48)?;
    learner.program.bind(tape.named("t")?, &times)?;
    learner.program.run()?;
    let found = learner.program.view(u)?;
    let off = |i: usize| (found[(0, i)].to_f64() - times[(0, i)].to_f64().sin()).abs();
    let worst = (0..1000).map(off).fold(0.0, f64::max);
    println!("{}: at most {worst:.4} from sin t on [0, 2π]", T::NAME);
    assert!(worst < 0.05, "it should be the sine");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
