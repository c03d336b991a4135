//! One gradient step, J and every ∂J/∂W[l] and ∂J/∂b[l], in seven cases: the recorded tape's program beside the closed form
//! by hand on the same kernels, in one run, on one thread and on two.
//!
//! `cargo bench --manifest-path benches/steps/Cargo.toml` prints the parts below and then lets criterion measure every case.
//! With some of these arguments after `--` it prints these parts alone:
//!
//! - `--table`: the seven cases, or those that are named (`-- --table tall deep`);
//! - `--training`: an epoch of training beside its gradient steps;
//! - `--scaling`: time and memory from one example to 2²⁰;
//! - `--compiling`: recording, differentiating and compiling;
//! - `--sums`: softmax and its losses, and long sums;
//! - `--models`: the models of `examples/models`, attention, Gaussian processes and an embedding;
//! - `--good`: seconds to a good model, on one thread; `benches/good/run` has the peers beside it;
//! - `--kernels`: the products and functions that programs and the closed form run on.

mod by_hand;
mod cases;
mod compiling;
mod good;
mod kernel_rates;
mod models;
mod peak;
mod scaling;
mod sums;
mod table;
mod training;

use std::time::{Duration, Instant};

use cases::{CASES, Case};
use criterion::Criterion;
use mlp::Scalar;
use tape::Threads;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return; // `cargo test --benches` only builds it
    }
    let named: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|name| !name.starts_with('-')).collect();
    let chosen = || CASES.iter().filter(|case| named.is_empty() || named.contains(&case.name));
    let everything = !arguments.iter().any(|argument| argument.starts_with("--"));
    let wants = |part: &str| everything || arguments.iter().any(|argument| argument == part);
    if wants("--table") {
        table::head();
        chosen().for_each(table::rows::<f32>);
        chosen().for_each(table::rows::<f64>);
    }
    if wants("--training") {
        training::rows::<f32>();
        training::rows::<f64>();
    }
    if wants("--scaling") {
        scaling::rows::<f32>();
    }
    if wants("--compiling") {
        compiling::rows();
    }
    if wants("--sums") {
        sums::rows::<f32>();
        sums::rows::<f64>();
    }
    if wants("--models") {
        models::rows::<f32>(&named);
        models::rows::<f64>(&named);
    }
    if wants("--good") {
        good::rows(&named);
    }
    if wants("--kernels") {
        kernel_rates::rows::<f32>();
        kernel_rates::rows::<f64>();
    }
    if everything {
        let mut criterion = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2));
        chosen().for_each(|case| measure::<f32>(&mut criterion, case));
        chosen().for_each(|case| measure::<f64>(&mut criterion, case));
        criterion.final_summary();
    }
}

fn measure<T: Scalar>(criterion: &mut Criterion, case: &Case) {
    let mut group = criterion.benchmark_group(format!("{} {}", case.name, T::NAME));
    for count in [1, 2] {
        let threads = Threads::new(count).expect("threads");
        cases::with_step::<T>(case, count, |mut step, _| {
            group.bench_function(format!("tape, {count} threads"), |bencher| {
                bencher
                    .iter_custom(|steps| time(&threads, steps, &mut || step.run().expect("it ran before")));
            });
        });
        let mut by_hand = by_hand::ByHand::<T>::new(case, count);
        group.bench_function(format!("by hand, {count} threads"), |bencher| {
            bencher.iter_custom(|steps| time(&threads, steps, &mut || by_hand.step()));
        });
    }
    group.finish();
}

/// How long so many steps take on these threads.
fn time(threads: &Threads, steps: u64, step: &mut (impl FnMut() + Send)) -> Duration {
    threads.install(|| {
        let start = Instant::now();
        (0..steps).for_each(|_| step());
        start.elapsed()
    })
}
