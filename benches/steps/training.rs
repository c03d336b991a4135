//! What a training costs beside its gradient steps: batches that are gathered, and the optimizer.

use std::time::Instant;

use mlp::{Optimizer, Training};
use tape::{Matrix, Scalar};

use crate::cases::{CASES, Case, Start, with_step};

/// Batches of an epoch.
const BATCHES: usize = 100;
const EPOCHS: usize = 12;

/// An epoch of the mnist case in mini-batches of its m examples with Adam, beside as many gradient steps.
pub(crate) fn row<T: Scalar>() {
    let case = CASES.iter().find(|case| case.name == "mnist").expect("a case of the bench");
    let (mut epochs, mut steps) = (Vec::new(), Vec::new());
    let set = Case { m: case.m * BATCHES, ..*case };
    let Start { network, x, y } = set.start::<T>();
    with_step::<T>(case, 1, |mut step, _| {
        for _ in 0..EPOCHS {
            let start = Instant::now();
            (0..BATCHES).for_each(|_| step.run().expect("it ran before"));
            steps.push(start.elapsed().as_secs_f64() * 1e3);
            epochs.push(epoch(&network, &x, &y, case.m));
        }
    });
    let (steps, epochs) = (median(steps), median(epochs));
    println!(
        "training {}: {BATCHES} gradient steps {steps:.2} ms, an epoch with Adam {epochs:.2} ms: {:.3} times",
        T::NAME,
        epochs / steps
    );
}

/// Milliseconds of an epoch: of six less one, which has the recording and compiling too.
fn epoch<T: Scalar>(network: &mlp::Mlp<T>, x: &Matrix<T>, y: &Matrix<T>, batch: usize) -> f64 {
    let time = |epochs: usize| {
        let mut network = network.clone();
        let adam = Optimizer::adam(1e-3).expect("a rate");
        let training = Training::new(adam).epochs(epochs).threads(1).batches(batch, 1).expect("a size");
        let start = Instant::now();
        training.fit(&mut network, x, y).expect("the data of the bench");
        start.elapsed().as_secs_f64() * 1e3
    };
    (time(6) - time(1)) / 5.0
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
