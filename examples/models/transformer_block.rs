//! A transformer block (Vaswani et al. 2017) that reads a sequence from the left and says what comes next: the symbol three places
//! before. It has two heads, a causal mask, and sequences of different lengths.
//!
//! The T tokens of an example stand side by side, d × (T·m); what is per token works on them as it is, and attention is a product of
//! each example's blocks.
//!
//! Run it with `cargo run --release --example transformer_block`.

mod support;

use mlp::Scalar;
use support::{Learner, Outcome};
use tape::check::Random;
use tape::{Matrix, Over, Shape, Tape, Var};

fn normed<'t, T: Scalar>(x: Var<'t, T>, scale: Var<'t, T>) -> Var<'t, T> {
    let centred = x - x.mean_over(Over::Rows);
    centred / (centred.square().mean_over(Over::Rows) + T::from_f64(1e-5)).sqrt() * scale
}

/// J, the mean over the tokens that an example has, and the logits, v × (T·m).
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, v: usize, t: usize, d: usize) -> [Var<'_, T>; 2] {
    let (tokens, next) = (tape.indices_unbound("token", t), tape.indices_unbound("next", t));
    let length = tape.examples_unbound("length", 1);
    let parameter =
        |name: &str, rows: usize, columns: usize| tape.parameter_unbound(name, Shape::new(rows, columns));
    let x = parameter("E", d, v).gather(tokens);
    let x = (x.fold(t) + parameter("P", d, t).fold(t)).unfold(t);
    // −∞ where a key comes after the query: every example has the same mask.
    let future = Matrix::from_fn(t, t, |key, query| if key > query { -T::INFINITY } else { T::ZERO });
    let mask = tape.constant("mask", &future).fold(t);
    let a = normed(x, parameter("s[1]", d, 1) + T::ONE);
    let [q, k, values] = ["Q", "K", "V"].map(|name| parameter(name, d, d).matmul(a));
    let half = d / 2;
    let heads = [0..half, half..d].map(|rows| {
        let (q, k, values) = (q.rows(rows.clone()), k.rows(rows.clone()), values.rows(rows));
        let scores = k.block_t().block_matmul(q) / T::from_f64((half as f64).sqrt());
        values.block_matmul((scores.fold(t) + mask).unfold(t).softmax_over(Over::Rows))
    });
    let x = x + parameter("O", d, d).matmul(tape.stack_rows(&heads));
    let inner = parameter("W[1]", 2 * d, d).matmul(normed(x, parameter("s[2]", d, 1) + T::ONE))
        + parameter("b[1]", 2 * d, 1);
    let x = x + parameter("W[2]", d, 2 * d).matmul(inner.relu());
    let z = (parameter("W[3]", v, d).matmul(x) + parameter("b[3]", v, 1)).named("Z");
    let places: Vec<T> = (0..t).map(T::from_usize).collect();
    let place = tape.constant("place", &Matrix::from_vec(t, 1, places).expect("t numbers"));
    let counts = place.less(length).unfold(t);
    let losses = z.softmax_cross_entropy_of(next.unfold(t)) * counts;
    [(losses.sum() / counts.sum()).named("J"), z]
}

/// Random symbols, of which each is asked for three places later.
fn sequences<T: Scalar>(v: usize, t: usize, m: usize, random: &mut Random) -> [Matrix<T>; 3] {
    let tokens = Matrix::from_fn(t, m, |_, _| T::from_usize(random.below(v)));
    let next = Matrix::from_fn(t, m, |i, j| if i < 3 { T::ZERO } else { tokens[(i - 3, j)] });
    let length = Matrix::from_fn(1, m, |_, _| T::from_usize(t / 2 + random.below(t / 2 + 1)));
    [tokens, next, length]
}

fn run<T: Scalar>() -> Outcome {
    const V: usize = 8;
    const T_: usize = 12;
    let mut random = Random::new(2);
    let tape = Tape::<T>::new();
    let [j, _] = record(&tape, V, T_, 32);
    let mut learner = Learner::new(j, &[], 0.003, 4)?;
    let leaves = [tape.named("token")?, tape.named("next")?, tape.named("length")?];
    let [tokens, next, length] = sequences::<T>(V, T_, 4000, &mut random);
    learner.train(&[(leaves[0], &tokens), (leaves[1], &next), (leaves[2], &length)], 600, 64)?;
    for (leaf, value) in leaves.into_iter().zip(sequences::<T>(V, T_, 500, &mut random)) {
        learner.program.bind(leaf, &value)?;
    }
    learner.program.run()?;
    let j = learner.program.scalar(j)?.to_f64();
    println!("{}: cross-entropy {j:.4} on new sequences; guessing has {:.4}", T::NAME, (V as f64).ln());
    assert!(j < 0.1, "attention should find what stands three places before");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
