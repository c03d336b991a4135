//! Ratings of items by users, from a vector for each user, one for each item, and a bag of words for each item: an embedding of three
//! tables, of which a step touches the columns that its batch names.
//!
//! Run it with `cargo run --release --example factorisation`.

mod support;

use mlp::Scalar;
use support::{Learner, Outcome};
use tape::check::Random;
use tape::{Matrix, Over, Shape, Tape, Var};

/// J of users, items and words by number, and ratings; and the predictions, 1 × m.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, counts: [usize; 3], k: usize, d: usize) -> [Var<'_, T>; 2] {
    let (user, item) = (tape.indices_unbound("user", 1), tape.indices_unbound("item", 1));
    let (words, y) = (tape.indices_unbound("word", k), tape.examples_unbound("Y", 1));
    let [users, items, vocabulary] = counts;
    let table =
        |name: &str, rows: usize, columns: usize| tape.parameter_unbound(name, Shape::new(rows, columns));
    let (p, q, w) = (table("P", d, users), table("Q", d, items), table("W", d, vocabulary));
    let (of_user, of_item) = (table("b", 1, users), table("c", 1, items));
    let thing = q.gather(item) + w.gather(words).mean_of_blocks();
    let taste = (p.gather(user) * thing).sum_over(Over::Rows);
    let rating = (taste + of_user.gather(user) + of_item.gather(item)).named("R");
    let j = (rating - y).square().mean() + (p.square().sum() + q.square().sum()) * T::from_f64(1e-4);
    [j.named("J"), rating]
}

const USERS: usize = 60;
const ITEMS: usize = 40;
const WORDS: usize = 30;

/// Ratings of which half are not seen: by two hidden tastes, with some noise.
fn ratings<T: Scalar>(random: &mut Random) -> [Matrix<T>; 4] {
    let tastes: Matrix<f64> = random.matrix(2, USERS, -1.0, 1.0);
    let things: Matrix<f64> = random.matrix(2, ITEMS, -1.0, 1.0);
    let words = Matrix::from_fn(3, ITEMS, |_, _| T::from_usize(random.below(WORDS)));
    let m = USERS * ITEMS;
    let pair = |i: usize| (i % USERS, i / USERS);
    let rating = |i: usize| (0..2).map(|r| tastes[(r, pair(i).0)] * things[(r, pair(i).1)]).sum::<f64>();
    let mut noise = Random::new(9);
    [
        Matrix::from_fn(1, m, |_, i| T::from_usize(pair(i).0)),
        Matrix::from_fn(1, m, |_, i| T::from_usize(pair(i).1)),
        Matrix::from_fn(3, m, |r, i| words[(r, pair(i).1)]),
        Matrix::from_fn(1, m, |_, i| T::from_f64(rating(i) + 0.1 * noise.between(-1.0, 1.0))),
    ]
}

fn run<T: Scalar>() -> Outcome {
    let tape = Tape::<T>::new();
    let [j, rating] = record(&tape, [USERS, ITEMS, WORDS], 3, 4);
    let error = (rating - tape.named("Y")?).square().mean();
    // P and Q are in J also as they are, for L2; of the others a step changes what its batch names.
    let tables = [("W", "word"), ("b", "user"), ("c", "item")];
    let tables = tables.map(|(table, by)| Ok((tape.named(table)?, tape.named(by)?)));
    let tables = tables.into_iter().collect::<tape::Result<Vec<_>>>()?;
    let mut learner = Learner::with_tables(j, &[error], &tables, 0.01, 3)?;
    let mut random = Random::new(6);
    let data = ratings::<T>(&mut random);
    let order = random.permutation(USERS * ITEMS);
    let (seen, unseen) = order.split_at(USERS * ITEMS / 2);
    let of = |columns: &[usize]| data.each_ref().map(|values| values.select_columns(columns));
    let names = ["user", "item", "word", "Y"];
    let leaves = names.map(|name| tape.named(name).expect("a leaf"));
    let training = of(seen);
    let pairs: Vec<_> = leaves.into_iter().zip(&training).collect();
    learner.train(&pairs, 1500, 128)?;
    for (leaf, value) in leaves.into_iter().zip(of(unseen)) {
        learner.program.bind(leaf, &value)?;
    }
    learner.program.run()?;
    let error = learner.program.scalar(error)?.to_f64().sqrt();
    println!("{}: {error:.3} off on ratings that were not seen, of which 0.058 is noise", T::NAME);
    assert!(error < 0.15, "two tastes should be found");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
