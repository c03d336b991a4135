//! Handwritten digits in ten classes: one hidden layer, and softmax on class numbers.
//!
//! Run it with `cargo run --release --example softmax_digits`.

#[path = "../support/data_sets.rs"]
mod data_sets;
mod support;

use mlp::{Scalar, Split};
use support::{Learner, Outcome};
use tape::{Over, Shape, Tape, Var};

/// J of classes and pixels, n × m: the mean cross-entropy and a little of the squared weights. Besides, the logits.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, n: usize, hidden: usize) -> [Var<'_, T>; 2] {
    let (x, class) = (tape.examples_unbound("X", n), tape.indices_unbound("class", 1));
    let w1 = tape.parameter_unbound("W[1]", Shape::new(hidden, n));
    let b1 = tape.parameter_unbound("b[1]", Shape::new(hidden, 1));
    let w2 = tape.parameter_unbound("W[2]", Shape::new(10, hidden));
    let b2 = tape.parameter_unbound("b[2]", Shape::new(10, 1));
    let z = w2.matmul((w1.matmul(x) + b1).relu()) + b2;
    let decay = w1.square().sum() + w2.square().sum();
    let j = z.softmax_cross_entropy_of(class).mean() + decay * T::from_f64(1e-4);
    [j.named("J"), z.named("Z")]
}

fn run<T: Scalar>() -> Outcome {
    let table = data_sets::digits(include_bytes!("../data/digits.csv.gz"))?;
    let (x, y) = (table.x.map(|pixel| pixel / 16.0).cast::<T>(), table.y.cast::<T>());
    let split = Split::every(x.columns(), 5)?;
    let tape = Tape::<T>::new();
    let [j, z] = record(&tape, 64, 32);
    let right = z.argmax_over(Over::Rows).equal(tape.named("class")?).mean();
    let mut learner = Learner::new(j, &[right], 0.01, 0)?;
    let train = [&x, &y].map(|of| of.select_columns(&split.train));
    let leaves = [tape.named("X")?, tape.named("class")?];
    learner.train(&[(leaves[0], &train[0]), (leaves[1], &train[1])], 600, 64)?;
    for (leaf, of) in leaves.into_iter().zip([&x, &y]) {
        learner.program.bind_columns(leaf, of, &split.test)?;
    }
    learner.program.run()?;
    let accuracy = learner.program.scalar(right)?.to_f64();
    println!("{}: {:.1} % of {} test digits are right", T::NAME, 100.0 * accuracy, split.test.len());
    assert!(accuracy > 0.95, "a hidden layer should know more digits");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
