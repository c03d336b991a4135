//! Time and memory of the tall case from one example to 2²⁰.

use std::time::Instant;

use mlp::Scalar;

use crate::cases::{CASES, Case, with_step};

/// Every power of two, and what lies on both sides of a unit and of a span.
pub(crate) fn rows<T: Scalar>() {
    let tall = CASES.iter().find(|case| case.name == "tall").expect("a case of the bench");
    println!("\ntall {} from m = 1 to 2²⁰, one thread: time an example, and memory beyond X and Y", T::NAME);
    println!("{:>9} {:>12} {:>9} {:>11} {:>8}", "m", "µs", "ns / m", "to the last", "kB");
    let sizes = (0..=20).map(|power| 1 << power).chain([255, 257, 2047, 2049, 4095, 4097]);
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable();
    let mut last: Option<f64> = None;
    for m in sizes {
        let case = Case { m, ..*tall };
        let microseconds = time::<T>(&case);
        let of_one = 1e3 * microseconds / m as f64;
        let step = last.map_or(String::new(), |last| format!("{:.3}", of_one / last));
        println!("{m:>9} {microseconds:>12.2} {of_one:>9.1} {step:>11} {:>8.1}", memory::<T>(&case));
        last = Some(of_one);
    }
}

/// The fastest of some runs.
fn time<T: Scalar>(case: &Case) -> f64 {
    let mut fastest = f64::INFINITY;
    with_step::<T>(case, 1, |mut step, _| {
        let batch = (20_000 / case.m).clamp(1, 1000);
        let start = Instant::now();
        let mut runs = 0;
        while runs < 3 || start.elapsed().as_secs_f64() < 0.2 {
            let start = Instant::now();
            (0..batch).for_each(|_| step.run().expect("it ran before"));
            fastest = fastest.min(start.elapsed().as_secs_f64() * 1e6 / batch as f64);
            runs += 1;
        }
    });
    fastest
}

/// Kilobytes of all buffers but those of X and Y.
fn memory<T: Scalar>(case: &Case) -> f64 {
    let mut bytes = 0;
    with_step::<T>(case, 1, |step, _| {
        bytes = step.peak_bytes(case.m) - (case.sizes[0] + 1) * case.m * size_of::<T>();
    });
    bytes as f64 / 1024.0
}
