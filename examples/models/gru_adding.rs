//! The adding problem (Hochreiter and Schmidhuber 1997): of 20 numbers, two are marked, and their sum is asked for. A gated recurrent
//! unit (Cho et al. 2014) keeps the first one until the second comes.
//!
//! The recurrence is a loop in Rust; the three gates share one product with what comes in.
//!
//! Run it with `cargo run --release --example gru_adding`.

mod support;

use mlp::Scalar;
use support::{Learner, Outcome};
use tape::check::Random;
use tape::{Matrix, Shape, Tape, Var};

/// J over sequences of so many pairs (number, mark), and the answers, 1 × m.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, steps: usize, n: usize) -> [Var<'_, T>; 2] {
    let (x, y) = (tape.examples_unbound("X", 2 * steps), tape.examples_unbound("Y", 1));
    let w = tape.parameter_unbound("W", Shape::new(3 * n, 2));
    let u = tape.parameter_unbound("U", Shape::new(3 * n, n));
    let b = tape.parameter_unbound("b", Shape::new(3 * n, 1));
    let c = tape.parameter_unbound("c", Shape::new(n, 1));
    let (out, bias) =
        (tape.parameter_unbound("V", Shape::new(1, n)), tape.parameter_unbound("d", Shape::new(1, 1)));
    let mut h: Option<Var<'_, T>> = None;
    for t in 0..steps {
        let input = w.matmul(x.rows(2 * t..2 * t + 2)) + b;
        let before = h.map_or(input * T::ZERO, |h| u.matmul(h));
        let gate =
            |at: usize| (input.rows(at * n..(at + 1) * n) + before.rows(at * n..(at + 1) * n)).sigmoid();
        let (reset, update) = (gate(0), gate(1));
        let candidate = (input.rows(2 * n..3 * n) + reset * (before.rows(2 * n..3 * n) + c)).tanh();
        h = Some(match h {
            Some(h) => candidate + update * (h - candidate),
            None => candidate - update * candidate,
        });
    }
    let answer = (out.matmul(h.expect("a step")) + bias).named("P");
    [(answer - y).square().mean().named("J"), answer]
}

/// Sequences with two marks, and their sums.
fn sequences<T: Scalar>(steps: usize, m: usize, random: &mut Random) -> [Matrix<T>; 2] {
    let (mut x, mut y) = (Matrix::zeros(2 * steps, m), Matrix::zeros(1, m));
    for i in 0..m {
        (0..steps).for_each(|t| x[(2 * t, i)] = T::from_f64(random.between(0.0, 1.0)));
        for marked in [random.below(steps / 2), steps / 2 + random.below(steps / 2)] {
            x[(2 * marked + 1, i)] = T::ONE;
            y[(0, i)] += x[(2 * marked, i)];
        }
    }
    [x, y]
}

fn run<T: Scalar>() -> Outcome {
    const STEPS: usize = 20;
    let mut random = Random::new(5);
    let tape = Tape::<T>::new();
    let [j, _] = record(&tape, STEPS, 24);
    let mut learner = Learner::new(j, &[], 0.005, 1)?;
    let [x, y] = sequences::<T>(STEPS, 8000, &mut random);
    let leaves = [tape.named("X")?, tape.named("Y")?];
    learner.train(&[(leaves[0], &x), (leaves[1], &y)], 2500, 64)?;
    let [x, y] = sequences::<T>(STEPS, 1000, &mut random);
    learner.program.bind(leaves[0], &x)?;
    learner.program.bind(leaves[1], &y)?;
    learner.program.run()?;
    let error = learner.program.scalar(j)?.to_f64();
    println!("{}: mean squared error {error:.4} on new sequences; always saying 1 has 0.167", T::NAME);
    assert!(error < 0.01, "the unit should have learned what to keep");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
