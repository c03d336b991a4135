//! Loops of all kinds.

use tape::{Matrix, Over, Scalar, Tape, Var};

use super::{Batch, Costly, Used, Way, all_ways, differences, options};
use crate::support::random::Random;

fn same_in_all_ways<'t, T: Scalar>(outputs: &[Var<'t, T>], batches: &[Batch<'t, T>], ways: &[Way]) {
    let mut used = Used::default();
    differences(outputs, batches, ways, &mut used).unwrap_or_else(|e| panic!("{}: {e}", T::NAME));
    used.assert_share(1.0);
}

/// Values with a column for each example that outlive their loop: threads write parts of as many as a list without an
/// allocation holds, and of more one thread after the other.
#[test]
fn loops_with_many_outputs() {
    for results in [1, 15, 16, 17, 40] {
        let tape = Tape::<f32>::new();
        let x = tape.examples_unbound("X", 3);
        let w = tape.parameter("W", &Random::new(1).matrix(5, 3, -1.0, 1.0));
        let columns = (0..results).map(|i| match i % 2 {
            0 => (x * (1.5 + i as f32)).sin(),
            _ => w.matmul(x * (0.5 + i as f32)).tanh(),
        });
        let mut outputs: Vec<Var<'_, f32>> = columns.collect();
        // What one step of the loop writes for all examples another one reads.
        let sums: Vec<Var<'_, f32>> = outputs.iter().map(|a| (*a * *a + *a).mean()).collect();
        outputs.extend(sums);
        outputs.push(tape.apply(Costly, [x]).mean());
        let batches = [5000, 5, 2048, 5000].map(|m| vec![(x, Random::new(m as u64).matrix(3, m, -2.0, 2.0))]);
        same_in_all_ways(&outputs, &batches, &all_ways());
    }
}

/// Every row less its mean over the examples, by its standard deviation.
fn standardised<'t, T: Scalar>(a: Var<'t, T>) -> Var<'t, T> {
    let centred = a - a.mean_over(Over::Columns);
    centred / (centred.square().mean_over(Over::Columns) + T::from_f64(1e-3)).sqrt()
}

/// Sums over all examples between loops, and the same buffers in one loop after the other.
fn several_loops<T: Scalar>() {
    let tape = Tape::<T>::new();
    let mut random = Random::new(3);
    let (x, y) = (tape.examples_unbound("X", 4), tape.examples_unbound("Y", 1));
    let w1 = tape.parameter("W[1]", &random.matrix(6, 4, -0.5, 0.5));
    let b1 = tape.parameter("b[1]", &random.matrix(6, 1, -0.5, 0.5));
    let w2 = tape.parameter("W[2]", &random.matrix(1, 6, -0.5, 0.5));
    let a1 = standardised(w1.matmul(standardised(x)) + b1).tanh();
    let a2 = w2.matmul(a1);
    let attention = a2.softmax_over(Over::Columns);
    let j = a2.sigmoid().log_loss(y).mean() + (attention * (y - a2)).sum().square();
    let leaves = [w1, b1, w2, x];
    let gradients = j.gradients(leaves);
    let h = gradients.iter().map(|g| g.square().sum()).reduce(|a, b| a + b).expect("there are four");
    let costly = tape.apply(Costly, [x]).sum();
    let outputs: Vec<Var<'_, T>> =
        [j, h, costly, attention].into_iter().chain(gradients).chain(h.gradients(leaves)).collect();
    let loops = tape.compile(outputs.iter().copied()).unwrap().to_string().matches("for every tile").count();
    assert!(loops >= 5, "{loops} loops");
    let batches = [4095, 1, 5000, 300, 4095].map(|m| {
        let mut random = Random::new(m as u64);
        vec![(x, random.matrix(4, m, -2.0, 2.0)), (y, random.matrix(1, m, 0.0, 1.0))]
    });
    same_in_all_ways(&outputs, &batches, &all_ways());
}

#[test]
fn several_loops_with_sums_between_them() {
    several_loops::<f64>();
    several_loops::<f32>();
}

/// Sums so large that there are fewer spans than threads, down to one.
#[test]
fn few_spans() {
    for (rows, m) in [(130, 4096), (300, 2048), (750, 2048)] {
        let tape = Tape::<f32>::new();
        let (x, y) = (tape.examples_unbound("X", rows), tape.examples_unbound("Y", 700));
        let outputs = [x.matmul(y.t()), tape.apply(Costly, [x]).sum_over(Over::Columns)];
        let batches = [m, 5].map(|m| {
            let mut random = Random::new(m as u64);
            vec![(x, random.matrix(rows, m, -2.0, 2.0)), (y, random.matrix(700, m, -2.0, 2.0))]
        });
        same_in_all_ways(&outputs, &batches, &[(2, 1024), (3, 0), (7, 1)]);
    }
}

/// No examples, no rows, nothing to compute, and as many threads and columns as a number can say.
#[test]
fn nothing_and_everything() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("W", &Random::new(1).matrix(3, 2, -1.0, 1.0));
    let (x, empty) = (tape.examples_unbound("X", 2), tape.examples_unbound("E", 0));
    let a = w.matmul(x).tanh();
    let outputs = [a, a.sum(), a.sum_over(Over::Columns), empty.sin(), empty.square().sum(), w.square(), x]
        .map(|output| [output, tape.apply(Costly, [output])]);
    let batches = [0, 5000, 0, 300]
        .map(|m| vec![(x, Random::new(m as u64).matrix(2, m, -2.0, 2.0)), (empty, Matrix::zeros(0, m))]);
    let ways: Vec<Way> = all_ways().into_iter().chain([(2, usize::MAX), (3, usize::MAX - 256)]).collect();
    same_in_all_ways(outputs.as_flattened(), &batches, &ways);
    let mut used = Used::default();
    differences(outputs.as_flattened(), &batches, &[(0, 0)], &mut used).unwrap();
    for way in [(2, 1), (7, 0)] {
        let mut program = tape.compile_with([], options(way)).unwrap();
        program.run().unwrap();
        assert_eq!(program.threads(1 << 40), 1);
    }
}
