//! What it costs to record, differentiate and compile a step afresh, and to compile a long list.

use std::hint::black_box;
use std::time::Instant;

use mlp::{Activation, Mlp, Predictor};
use tape::{Matrix, Tape, Var, matrix};

pub(crate) fn rows() {
    println!("\nrecording, gradients and compiling, medians; a predictor, and a clone of one");
    for sizes in [&[2, 4, 1][..], &[30, 16, 1]] {
        let name = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        let (made, cloned) = predictor(sizes);
        println!("{name:>9}: {:.1} µs; {made:.1} and {cloned:.1} µs", network(sizes));
    }
    for entries in [10_000, 100_000, 1_000_000] {
        println!("{entries:>9} entries: {:.1} ms to compile", long_list(entries));
    }
}

/// Microseconds for a network of these sizes, by its formulas, on a batch of four.
fn network(sizes: &[usize]) -> f64 {
    let parameter =
        |l: usize| (Matrix::filled(sizes[l], sizes[l - 1], 0.1), Matrix::<f64>::zeros(sizes[l], 1));
    let parameters: Vec<_> = (1..sizes.len()).map(parameter).collect();
    let x = Matrix::filled(sizes[0], 4, 0.5);
    let y = matrix![[0.0, 1.0, 1.0, 0.0]];
    let once = || {
        let start = Instant::now();
        let tape = Tape::new();
        let (x, y) = (tape.examples("X", &x), tape.examples("Y", &y));
        let mut leaves: Vec<Var<'_, f64>> = Vec::new();
        let mut a = x;
        for (w, b) in &parameters {
            let (w, b) = (tape.parameter("W", w), tape.parameter("b", b));
            leaves.extend([w, b]);
            a = (w.matmul(a) + b).sigmoid();
        }
        let j = a.log_loss(y).mean();
        let mut outputs = j.gradients(&leaves);
        outputs.push(j);
        black_box(tape.compile(outputs).expect("a sound tape"));
        start.elapsed().as_secs_f64() * 1e6
    };
    median((0..2000).map(|_| once()).collect())
}

/// Microseconds to make a predictor of a network, and to clone one that has predicted.
fn predictor(sizes: &[usize]) -> (f64, f64) {
    let builder = Mlp::<f64>::new(sizes[0]).layer(sizes[1], Activation::Tanh);
    let network = builder.layer(sizes[2], Activation::Sigmoid).build().expect("a network");
    let mut first = network.predictor().expect("memory for it");
    first.predict_one(&vec![0.5; sizes[0]]).expect("as many features");
    let of = |make: &dyn Fn() -> Predictor<f64>| {
        let once = || {
            let start = Instant::now();
            black_box(make());
            start.elapsed().as_secs_f64() * 1e6
        };
        median((0..2000).map(|_| once()).collect())
    };
    (of(&|| network.predictor().expect("memory for it")), of(&|| first.clone()))
}

/// Milliseconds to compile a chain of so many entries.
fn long_list(entries: usize) -> f64 {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::filled(2, 3, 0.5));
    let mut last = x;
    while tape.len() < entries {
        last = (last * 0.999).sin() + x;
    }
    let once = || {
        let start = Instant::now();
        black_box(tape.compile([last]).expect("a sound tape"));
        start.elapsed().as_secs_f64() * 1e3
    };
    median((0..5).map(|_| once()).collect())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
