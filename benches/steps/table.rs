//! The table: both ways of computing a step, alternating, so that what disturbs one disturbs the other.

use std::time::Instant;

use mlp::Scalar;
use tape::Threads;

use crate::by_hand::ByHand;
use crate::cases::{Case, with_step};
use crate::peak;

pub(crate) fn head() {
    println!(
        "Microseconds a step; the floor is the products' floating-point operations over the peak of the threads."
    );
    println!(
        "{:<7} {:<4} {:>2} {:>10} {:>10} {:>10} {:>10} {:>7} {:>7} {:>9} {:>11} {:>10}",
        "case",
        "type",
        "T",
        "tape min",
        "median",
        "hand min",
        "median",
        "ratio",
        "floor%",
        "GFLOP/s",
        "steps/s",
        "kB"
    );
}

/// A line for each number of threads.
pub(crate) fn rows<T: Scalar>(case: &Case) {
    let [one, two] = [1, 2].map(|threads| row::<T>(case, threads));
    println!(
        "        two threads: {:.2} times as fast by the minima, {:.2} by the medians",
        one.min / two.min,
        one.median / two.median
    );
}

fn row<T: Scalar>(case: &Case, threads: usize) -> Times {
    let mut of_tape = Times { min: 0.0, median: 0.0 };
    with_step::<T>(case, threads, |mut step, outputs| {
        let mut by_hand = ByHand::<T>::new(case, threads);
        by_hand.step();
        // Both have to agree before either is measured.
        for (&output, expected) in outputs.iter().zip(by_hand.gradients()) {
            let found = step.view(output).expect("an output");
            let difference = found.as_slice().iter().zip(expected.as_slice());
            let difference: f64 = difference.map(|(&a, &b)| (a - b).to_f64().powi(2)).sum::<f64>().sqrt();
            let allowed = 1e4 * T::EPSILON.to_f64() * (expected.norm().to_f64() + 1e-30);
            assert!(difference <= allowed, "{}: the two gradients differ by {difference}", case.name);
        }
        let peak = peak::gflops::<T>();
        let threads_of_both = Threads::new(threads).expect("threads");
        let run = || step.run().expect("it ran before");
        let (tape, hand) = alternate(case, &threads_of_both, run, || by_hand.step());
        let floor = case.flops() / peak / 1e3 / threads as f64;
        println!(
            "{:<7} {:<4} {:>2} {:>10.3} {:>10.3} {:>10.3} {:>10.3} {:>7.3} {:>6.1}% {:>9.1} {:>11.0} {:>10.1}",
            case.name,
            T::NAME,
            threads,
            tape.min,
            tape.median,
            hand.min,
            hand.median,
            tape.min / hand.min,
            100.0 * floor / tape.min,
            peak,
            1e6 / tape.median,
            step.peak_bytes(case.m) as f64 / 1024.0,
        );
        of_tape = tape;
    });
    of_tape
}

#[derive(Clone, Copy)]
struct Times {
    min: f64,
    median: f64,
}

/// Microseconds of both, measured in turn for about three seconds: each for some steps one after the other, as they run in a
/// training, on the same threads, and so that its data are those of the step before.
fn alternate(
    case: &Case,
    threads: &Threads,
    mut a: impl FnMut() + Send,
    mut b: impl FnMut() + Send,
) -> (Times, Times) {
    let batch = if case.flops() < 1e5 { 100 } else { 1 };
    let turn = |f: &mut dyn FnMut(), times: &mut Vec<f64>| {
        f();
        let start = Instant::now();
        let mut measured = 0;
        while measured < 3 || start.elapsed().as_secs_f64() < 0.05 {
            let start = Instant::now();
            (0..batch).for_each(|_| f());
            times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(batch));
            measured += 1;
        }
    };
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while of_a.len() < 12 || start.elapsed().as_secs_f64() < 3.0 {
        threads.install(|| turn(&mut a, &mut of_a));
        threads.install(|| turn(&mut b, &mut of_b));
    }
    (Times::of(of_a), Times::of(of_b))
}

impl Times {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Times { min: times[0], median: times[times.len() / 2] }
    }
}
