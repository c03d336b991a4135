//! How long a step takes.

use std::time::Instant;

use crate::failure::Failure;

/// Most seconds a case is repeated for.
pub(crate) const MOST_SECONDS: f64 = 15.0;

const LEAST_REPETITIONS: usize = 10;
/// A step below this many seconds is timed in batches: the clock itself takes 30 ns.
const SHORT: f64 = 20e-6;
const BATCH: u32 = 100;

/// Of the steps of a case, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) steps: usize,
}

/// Repeats a step for so many seconds, after warming up.
pub(crate) fn measure(seconds: f64, mut step: impl FnMut() -> Result<(), Failure>) -> Result<Times, Failure> {
    let mut once = |count: u32| -> Result<f64, Failure> {
        let start = Instant::now();
        for _ in 0..count {
            step()?;
        }
        Ok(start.elapsed().as_secs_f64() / f64::from(count))
    };
    let batch = if warm_up(&mut once)? < SHORT { BATCH } else { 1 };
    let mut times = Vec::new();
    let start = Instant::now();
    loop {
        times.push(once(batch)? * 1e6);
        let elapsed = start.elapsed().as_secs_f64();
        let enough = elapsed >= seconds && times.len() >= LEAST_REPETITIONS;
        if enough || elapsed >= MOST_SECONDS {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(Times { median: median(&times), min: times[0], steps: times.len() * batch as usize })
}

/// At least three steps and 0.15 s of them, so that pools and buffers are there; the shortest, in seconds.
fn warm_up(once: &mut impl FnMut(u32) -> Result<f64, Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    let mut shortest = f64::INFINITY;
    let mut steps = 0;
    while steps < 3 || (start.elapsed().as_secs_f64() < 0.15 && steps < 2000) {
        shortest = shortest.min(once(1)?);
        steps += 1;
    }
    Ok(shortest)
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] }
}
