//! Losses of many classes with their gradient, and long sums: microseconds a run on one thread.

use std::time::Instant;

use mlp::Scalar;
use tape::{Matrix, Options, Over, Program, Tape, Threads, Var};

/// Rows, which are classes, and examples.
const SIZES: [(usize, usize); 4] = [(10, 64), (10, 1024), (64, 512), (1000, 256)];
const LENGTHS: [usize; 3] = [1000, 100_000, 10_000_000];

pub(crate) fn rows<T: Scalar>() {
    println!("\n{}: microseconds a run, minimum (median)", T::NAME);
    for (classes, m) in SIZES {
        let times = [
            softmax::<T>(classes, m),
            cross_entropy::<T>(classes, m, one_hot),
            cross_entropy::<T>(classes, m, soft),
        ];
        let names = ["softmax", "cross-entropy, ∂/∂Z", "of soft labels"];
        for (name, Times { min, median }) in names.into_iter().zip(times) {
            println!("{name:<20} {classes:>5} × {m:<9} {min:>10.2} ({median:.2})");
        }
    }
    for length in LENGTHS {
        let times = [sum::<T>(1, length), sum::<T>(length, 1), product::<T>(length)];
        let names = ["sum over examples", "sum of a column", "row · column"];
        for (name, Times { min, median }) in names.into_iter().zip(times) {
            println!("{name:<20} {length:>17} {min:>10.2} ({median:.2})");
        }
    }
}

struct Times {
    min: f64,
    median: f64,
}

fn wave<T: Scalar>(rows: usize, columns: usize) -> Matrix<T> {
    Matrix::from_fn(rows, columns, |i, j| T::from_f64(3.0 * ((7 * i + 13 * j + i * j) as f64).sin()))
}

fn one_hot(class: usize, example: usize, classes: usize) -> f64 {
    f64::from(u8::from((7 * example) % classes == class))
}

/// Shares that add up to 1.
fn soft(class: usize, example: usize, classes: usize) -> f64 {
    0.9 * one_hot(class, example, classes) + 0.1 / classes as f64
}

fn softmax<T: Scalar>(classes: usize, m: usize) -> Times {
    let tape = Tape::<T>::new();
    time(&tape, [tape.examples("Z", &wave(classes, m)).softmax_over(Over::Rows)])
}

fn cross_entropy<T: Scalar>(classes: usize, m: usize, label: fn(usize, usize, usize) -> f64) -> Times {
    let tape = Tape::<T>::new();
    let z = tape.examples("Z", &wave(classes, m));
    let labels = Matrix::from_fn(classes, m, |i, j| T::from_f64(label(i, j, classes)));
    let j = z.softmax_cross_entropy(tape.examples("Y", &labels)).mean();
    let [dz] = j.gradients([z]);
    time(&tape, [j, dz])
}

fn sum<T: Scalar>(rows: usize, m: usize) -> Times {
    let tape = Tape::<T>::new();
    time(&tape, [tape.examples("x", &wave(rows, m)).sum()])
}

fn product<T: Scalar>(length: usize) -> Times {
    let tape = Tape::<T>::new();
    let a = tape.constant("a", &wave(1, length));
    let b = tape.constant("b", &wave(length, 1));
    time(&tape, [a.matmul(b)])
}

/// Runs of the outputs' program for about half a second, in batches of at least some microseconds.
fn time<'t, T: Scalar>(tape: &'t Tape<T>, outputs: impl IntoIterator<Item = Var<'t, T>>) -> Times {
    let mut program = tape.compile_with(outputs, Options::default().threads(1)).expect("a sound tape");
    program.run().expect("values of the bench");
    let batch = (50e-6 / once(&mut program, 3)).clamp(1.0, 1000.0) as u32;
    let mut times = Vec::new();
    Threads::new(1).expect("a thread").install(|| {
        let start = Instant::now();
        while times.len() < 5 || start.elapsed().as_secs_f64() < 0.5 {
            times.push(once(&mut program, batch) * 1e6);
        }
    });
    times.sort_by(f64::total_cmp);
    Times { min: times[0], median: times[times.len() / 2] }
}

/// Seconds of one of so many runs.
fn once<T: Scalar>(program: &mut Program<T>, runs: u32) -> f64 {
    let start = Instant::now();
    (0..runs).for_each(|_| program.run().expect("it ran before"));
    start.elapsed().as_secs_f64() / f64::from(runs)
}
