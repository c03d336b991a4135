//! A variational autoencoder (Kingma and Welling 2014) of handwritten digits, with two numbers for a digit.
//!
//! z = μ + σ ⊙ ε, where ε is noise that the program draws anew for each run: the step has nothing to bind but X. For predictions
//! every noise is its expectation, and z is μ.
//!
//! Run it with `cargo run --release --example variational_autoencoder`.

#[path = "../support/data_sets.rs"]
mod data_sets;
mod support;

use mlp::{Scalar, Split};
use support::{Learner, Outcome};
use tape::{Dim, Noise, Over, Shape, Tape, Var};

/// J of X, n × m, in [0, 1], with this noise, k × m: reconstruction and divergence from the normal distribution. Besides, the
/// divergence alone and z.
pub(crate) fn record<'t, T: Scalar>(
    tape: &'t Tape<T>,
    n: usize,
    hidden: usize,
    noise: Var<'t, T>,
) -> [Var<'t, T>; 3] {
    let k = noise.shape().expect("noise").rows.at(0);
    let x = tape.examples_unbound("X", n);
    let layer = |name: &str, out: usize, from: usize, a: Var<'t, T>| {
        let w = tape.parameter_unbound(&format!("W[{name}]"), Shape::new(out, from));
        w.matmul(a) + tape.parameter_unbound(&format!("b[{name}]"), Shape::new(out, 1))
    };
    let h = layer("1", hidden, n, x).tanh();
    let (mu, log_var) = (layer("μ", k, hidden, h), layer("v", k, hidden, h));
    let half = T::from_f64(0.5);
    let z = (mu + (log_var * half).exp() * noise).named("Z");
    let logits = layer("3", n, hidden, layer("2", hidden, k, z).tanh());
    let divergence = ((mu.square() + log_var.exp() - log_var - T::ONE) * half).sum_over(Over::Rows).mean();
    let j = logits.log_loss_on_logits(x).mean() + divergence;
    [j.named("J"), divergence.named("D"), z]
}

fn run<T: Scalar>() -> Outcome {
    let table = data_sets::digits(include_bytes!("../data/digits.csv.gz"))?;
    let x = table.x.map(|pixel| pixel / 16.0).cast::<T>();
    let split = Split::every(x.columns(), 5)?;
    let tape = Tape::<T>::new();
    let [j, divergence, z] = record(&tape, 64, 64, tape.noise("ε", Shape::new(2, Dim::M), Noise::Normal));
    let mut learner = Learner::new(j, &[divergence, z], 0.003, 0)?;
    let leaf = tape.named("X")?;
    learner.train(&[(leaf, &x.select_columns(&split.train))], 3000, 64)?;
    learner.program.expectation(true);
    learner.program.bind_columns(leaf, &x, &split.test)?;
    learner.program.run()?;
    let (j, divergence) = (learner.program.scalar(j)?.to_f64(), learner.program.scalar(divergence)?.to_f64());
    // What is lost without the two numbers: each pixel's mean over the training digits in their place.
    let mean =
        |i: usize| split.train.iter().map(|&c| x[(i, c)].to_f64()).sum::<f64>() / split.train.len() as f64;
    let means: Vec<f64> = (0..64).map(|i| mean(i).clamp(1e-3, 0.999)).collect();
    let loss = |i: usize, c: usize| {
        let (p, x) = (means[i], x[(i, c)].to_f64());
        -x * p.ln() - (1.0 - x) * (1.0 - p).ln()
    };
    let without = split.test.iter().map(|&c| (0..64).map(|i| loss(i, c)).sum::<f64>()).sum::<f64>()
        / split.test.len() as f64;
    println!(
        "{}: reconstruction {:.2} with two numbers of {divergence:.2} nats, {without:.2} without",
        T::NAME,
        j - divergence
    );
    assert!(j - divergence < without - 2.0, "two numbers should tell something of a digit");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
