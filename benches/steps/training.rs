//! What a training costs beside its gradient steps: batches that are gathered, and the optimizer.

use std::time::Instant;

use mlp::{Optimizer, Scalar, Training};
use tape::{Matrix, Threads};

use crate::cases::{CASES, Case, Start, with_step};

/// Batches of an epoch.
const BATCHES: usize = 100;
/// Epochs of one measurement, and as many times the steps of an epoch.
const EPOCHS: u32 = 5;
const MEASUREMENTS: usize = 12;

/// An epoch of the mnist case in mini-batches of its m examples with Adam, beside as many gradient steps.
pub(crate) fn rows<T: Scalar>() {
    [1, 2].into_iter().for_each(row::<T>);
}

fn row<T: Scalar>(count: usize) {
    let case = CASES.iter().find(|case| case.name == "mnist").expect("a case of the bench");
    let (mut epochs, mut steps) = (Vec::new(), Vec::new());
    let set = Case { m: case.m * BATCHES, ..*case };
    let Start { network, x, y } = set.start::<T>();
    let threads = Threads::new(count).expect("threads");
    with_step::<T>(case, count, |mut step, _| {
        for _ in 0..MEASUREMENTS {
            let run = || (0..EPOCHS as usize * BATCHES).for_each(|_| step.run().expect("it ran before"));
            let start = Instant::now();
            threads.install(run);
            steps.push((start.elapsed() / EPOCHS).as_secs_f64() * 1e3);
            epochs.push(epoch((&network, count), &x, &y, case.m));
        }
    });
    let (steps, epochs) = (median(steps), median(epochs));
    println!(
        "training {}, {count} threads: {BATCHES} gradient steps {steps:.2} ms, an epoch with Adam {epochs:.2} ms: {:.3} times",
        T::NAME,
        epochs / steps
    );
}

/// Milliseconds of an epoch: of some and one more, less that one, which has the recording and compiling too.
fn epoch<T: Scalar>(
    (network, threads): (&mlp::Mlp<T>, usize),
    x: &Matrix<T>,
    y: &Matrix<T>,
    batch: usize,
) -> f64 {
    let time = |epochs: u32| {
        let mut network = network.clone();
        let adam = Optimizer::adam(1e-3).expect("a rate");
        let training =
            Training::new(adam).epochs(epochs as usize).threads(threads).batches(batch, 1).expect("a size");
        let start = Instant::now();
        training.fit(&mut network, x, y).expect("the data of the bench");
        start.elapsed().as_secs_f64() * 1e3
    };
    (time(1 + EPOCHS) - time(1)) / f64::from(EPOCHS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
