//! Loops over what has several columns for each example, what is gathered by number, and noise.

use mlp::Scalar;
use tape::check::Random;
use tape::{Matrix, Over, Tape, Var};

use super::loops::same_in_all_ways;
use super::{Batch, Costly, Way, all_ways, some_ways};

/// A transformer block over the tokens of each example, as the textbook writes it.
fn block<'t, T: Scalar>(tokens: Var<'t, T>, d: usize, random: &mut Random) -> (Var<'t, T>, Vec<Var<'t, T>>) {
    let tape = tokens.tape();
    let mut parameter = |name: &str, rows: usize, columns: usize| {
        tape.parameter(name, &random.matrix(rows, columns, -0.7, 0.7))
    };
    let [wq, wk, wv, wo] = ["W[q]", "W[k]", "W[v]", "W[o]"].map(|name| parameter(name, d, d));
    let (w1, b1, w2) =
        (parameter("W[1]", 2 * d, d), parameter("b[1]", 2 * d, 1), parameter("W[2]", d, 2 * d));
    let normed = |x: Var<'t, T>| {
        let centred = x - x.mean_over(Over::Rows);
        centred / (centred.square().mean_over(Over::Rows) + T::from_f64(1e-3)).sqrt()
    };
    let x = normed(tokens);
    let (q, k, v) = (wq.matmul(x), wk.matmul(x), wv.matmul(x));
    let scores = k.block_t().block_matmul(q) / T::from_f64((d as f64).sqrt());
    let mixed = tokens + wo.matmul(v.block_matmul(scores.softmax_over(Over::Rows)));
    let out = mixed + w2.matmul((w1.matmul(normed(mixed)) + b1).relu());
    (out, vec![wq, wk, wv, wo, w1, b1, w2])
}

/// The mean over the tokens that an example has, of a block over t of them; by values, gradients and
/// second derivatives.
fn attention<T: Scalar>(t: usize, d: usize, ms: &[usize], ways: &[Way]) {
    let mut random = Random::new(7);
    let tape = Tape::<T>::new();
    let (x, lengths) = (tape.examples_unbound("X", d * t), tape.examples_unbound("length", 1));
    let positions = tape.parameter("P", &random.matrix(d, t, -0.5, 0.5));
    let tokens = (x + positions.fold(t)).unfold(t);
    let (out, mut leaves) = block(tokens, d, &mut random);
    leaves.extend([positions, x]);
    // Only the tokens up to an example's length count.
    let numbers: Vec<T> = (0..t).map(T::from_usize).collect();
    let place = tape.constant("t", &Matrix::from_vec(t, 1, numbers).unwrap());
    let counts = place.less(lengths).unfold(t); // 1 × (t·m)
    let pooled = (out * counts).sum_of_blocks() / lengths;
    let j = pooled.square().sum_over(Over::Rows).mean() + tape.apply(Costly, [x]).mean();
    let gradients = j.gradients(leaves.to_vec());
    let h = gradients.iter().map(|g| g.square().sum()).reduce(|a, b| a + b).expect("there are some");
    let second = h.gradients([leaves[0], leaves[5], x]);
    let outputs: Vec<Var<'_, T>> = [j, out, pooled].into_iter().chain(gradients).chain(second).collect();
    let batches: Vec<Batch<'_, T>> = ms
        .iter()
        .map(|&m| {
            let mut random = Random::new(m as u64);
            let values = random.matrix(d * t, m, -2.0, 2.0);
            vec![(x, values), (lengths, Matrix::from_fn(1, m, |_, _| T::from_usize(1 + random.below(t))))]
        })
        .collect();
    same_in_all_ways(&outputs, &batches, ways);
}

#[test]
fn attention_has_the_same_bits_in_all_ways() {
    attention::<f64>(3, 2, &[2049, 1, 5, 300, 2049, 700], &all_ways());
    attention::<f32>(3, 2, &[700, 2, 2049, 17], &all_ways());
    // A token is a block of its own, and more tokens than a section of a pass holds.
    attention::<f64>(1, 3, &[300, 1, 5000], &some_ways(1));
    attention::<f32>(300, 1, &[7, 1, 30], &some_ways(2));
}

/// Systems of equations of the examples, more unknowns than a block has, with their derivatives.
#[test]
fn solutions_have_the_same_bits_in_all_ways() {
    fn solutions<T: Scalar>(ways: &[Way]) {
        const N: usize = 19;
        let tape = Tape::<T>::new();
        let b = tape.examples_unbound("B", N);
        let a = tape.parameter("A", &Random::new(1).matrix(N, N, -0.2, 0.2));
        let regular = a + tape.identity(N) * T::from_f64(2.0);
        let l = (regular.matmul(regular.t())).cholesky();
        let x = l.solve_lower_transposed(l.solve_lower(b)) + regular.solve(b);
        let j = (x.square().sum_over(Over::Rows) + tape.apply(Costly, [b.sum_over(Over::Rows)])).mean();
        let [da, db] = j.gradients([a, b]);
        let batches: Vec<Batch<'_, T>> =
            [700, 1, 33, 2049].map(|m| vec![(b, Random::new(m as u64).matrix(N, m, -1.0, 1.0))]).into();
        same_in_all_ways(&[j, x, da, db], &batches, ways);
    }
    solutions::<f64>(&some_ways(1));
    solutions::<f32>(&some_ways(2));
}

/// What is gathered and added up again, and chosen rows, in every way.
#[test]
fn gathers_have_the_same_bits_in_all_ways() {
    fn gathers<T: Scalar>() {
        let tape = Tape::<T>::new();
        let items = tape.indices_unbound("item", 3);
        let table = tape.parameter("E", &Random::new(1).matrix(4, 50, -1.0, 1.0));
        let w = tape.parameter("W", &Random::new(2).matrix(3, 4, -1.0, 1.0));
        let words = table.gather(items);
        let bag = w.matmul(words.sum_of_blocks()).tanh().rows_at(&[2, 0, 0, 1]);
        let j = (bag * words.max_of_blocks()).sum_over(Over::Rows).mean() + tape.apply(Costly, [bag]).mean();
        let gradients = j.gradients([table, w, words]);
        let h = gradients[0].square().sum() + gradients[1].square().sum();
        let outputs = [j, bag].into_iter().chain(gradients).chain(h.gradients([table, w]));
        let batches = [2049, 1, 300, 2049].map(|m| {
            let mut random = Random::new(m as u64);
            vec![(items, Matrix::from_fn(3, m, |_, _| T::from_usize(random.below(50))))]
        });
        same_in_all_ways(&outputs.collect::<Vec<_>>(), &batches, &some_ways(3));
    }
    gathers::<f64>();
    gathers::<f32>();
}
