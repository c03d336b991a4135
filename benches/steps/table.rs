//! The table: both ways of computing a step, alternating, so that what disturbs one disturbs the other.

use std::time::Instant;

use tape::Scalar;

use crate::by_hand::ByHand;
use crate::cases::{Case, with_step};
use crate::peak;

pub(crate) fn head() {
    println!(
        "Microseconds a step, one thread; the floor is the products' floating-point operations over the peak."
    );
    println!(
        "{:<7} {:<4} {:>10} {:>10} {:>10} {:>10} {:>7} {:>7} {:>9} {:>11} {:>10}",
        "case",
        "type",
        "tape min",
        "median",
        "hand min",
        "median",
        "ratio",
        "floor%",
        "peak",
        "steps/s",
        "kB"
    );
}

pub(crate) fn row<T: Scalar>(case: &Case) {
    with_step::<T>(case, std::env::var("T").map_or(1, |t| t.parse().unwrap()), |mut step, outputs| {
        let mut by_hand = ByHand::<T>::new(case);
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
        let (tape, hand) = alternate(case, || step.run().expect("it ran before"), || by_hand.step());
        let floor = case.flops() / peak / 1e3;
        println!(
            "{:<7} {:<4} {:>10.2} {:>10.2} {:>10.2} {:>10.2} {:>7.3} {:>6.1}% {:>9.1} {:>11.0} {:>10.1}",
            case.name,
            T::NAME,
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
    });
}

struct Times {
    min: f64,
    median: f64,
}

/// Microseconds of both, measured in turn for about two seconds.
fn alternate(case: &Case, mut a: impl FnMut(), mut b: impl FnMut()) -> (Times, Times) {
    let batch = if case.flops() < 1e5 { 100 } else { 1 };
    let once = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..batch).for_each(|_| f());
        start.elapsed().as_secs_f64() * 1e6 / f64::from(batch)
    };
    (0..3).for_each(|_| {
        once(&mut a);
        once(&mut b);
    });
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while of_a.len() < 10 || start.elapsed().as_secs_f64() < 2.0 && of_a.len() < 20_000 {
        of_a.push(once(&mut a));
        of_b.push(once(&mut b));
    }
    (Times::of(of_a), Times::of(of_b))
}

impl Times {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Times { min: times[0], median: times[times.len() / 2] }
    }
}
