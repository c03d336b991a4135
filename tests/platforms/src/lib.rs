//! What a platform computes, as lines of text: what seeds draw, and J with all its gradients of small networks.
//!
//! A line is a name, `same` or `near`, the number type, and the numbers' bits in hexadecimal digits.

use std::fmt::Write;
use std::sync::OnceLock;

use mlp::Scalar;
use mlp::{Activation, Init, Mlp, Optimizer, Purpose, Random, Split, Training};
use tape::{Matrix, Options, Tape, Threads, kernels};

/// More threads than most processors have, so that whoever has but one is asked for several.
const THREADS: usize = 4;
/// A single example, the four of XOR, and some that are a tile, several, and enough for several threads.
const EXAMPLES: [usize; 5] = [1, 4, 255, 1000, 5000];

/// All that is computed.
///
/// # Panics
/// If the platform cannot, or if a training learns nothing.
pub fn report() -> String {
    let mut lines = String::new();
    seeds(&mut lines);
    steps::<f32>(&mut lines);
    steps::<f64>(&mut lines);
    training::<f32>();
    training::<f64>();
    lines
}

fn line<T: Scalar>(lines: &mut String, name: &str, how: &str, numbers: &[T]) {
    write!(lines, "{name} {how} {}", T::NAME).expect("a string takes all");
    for &x in numbers {
        // Each f32 is an f64.
        write!(lines, " {:016x}", x.to_f64().to_bits()).expect("a string takes all");
    }
    lines.push('\n');
}

/// What seeds draw is the same on every platform.
fn seeds(lines: &mut String) {
    for seed in [0, 1, u64::MAX] {
        for init in Init::ALL {
            for (l, (w, _)) in (1..).zip(init.parameters::<f64>(&[7, 5, 3], seed).expect("small matrices")) {
                line(lines, &format!("{init}-{seed}-W[{l}]"), "same", w.as_slice());
            }
        }
        let numbers = |list: Vec<usize>| list.into_iter().map(|i| i as f64).collect::<Vec<_>>();
        let order = Random::new(seed, Purpose::Shuffle).permutation(300);
        line(lines, &format!("permutation-{seed}"), "same", &numbers(order));
        let split = Split::random(100, 0.2, seed).expect("a part of each");
        line(lines, &format!("split-{seed}"), "same", &numbers(split.train));
    }
}

fn network<T: Scalar>() -> Mlp<T> {
    let layers = Mlp::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid);
    layers.seed(3).build().expect("a small network")
}

/// The four examples of XOR, again and again, each a little beside the last time.
fn examples<T: Scalar>(m: usize) -> (Matrix<T>, Matrix<T>) {
    let x = |i: usize, j: usize| ((j >> i) & 1) as f64 + (j / 4 % 64) as f64 / 256.0;
    let y = |j: usize| f64::from((j ^ (j >> 1)) & 1 == 1);
    (Matrix::from_fn(2, m, |i, j| T::from_f64(x(i, j))), Matrix::from_fn(1, m, |_, j| T::from_f64(y(j))))
}

/// J and its gradients, with threads that the program is asked to use, and with threads that it finds.
fn steps<T: Scalar>(lines: &mut String) {
    let network = network::<T>();
    let threads = Threads::new(THREADS).expect("threads, or one where there are none");
    if cfg!(all(target_family = "wasm", target_os = "unknown")) {
        assert_eq!(threads.count(), 1, "no thread can be started here");
    }
    for m in EXAMPLES {
        let (x, y) = examples::<T>(m);
        let run = |how: &str| {
            let tape = Tape::<T>::new();
            let recorded = network.record(&tape, &x, &y).expect("the examples fit");
            let mut outputs = vec![recorded.j];
            outputs.extend(recorded.gradients());
            let options = Options::default().threads(THREADS);
            let mut program = tape.compile_with(outputs.iter().copied(), options).expect("a program");
            // The second run of a program may share what the first one did alone.
            for _ in 0..2 {
                program.run().unwrap_or_else(|error| panic!("{m} examples, {how}: {error}"));
            }
            outputs.iter().map(|&output| program.view(output).expect("a result").to_matrix()).collect()
        };
        let found: Vec<Matrix<T>> = run("alone");
        assert_eq!(threads.install(|| run("on threads")), found, "the bits are those of one thread");
        let names = ["J", "dW[1]", "db[1]", "dW[2]", "db[2]"];
        for (name, value) in names.iter().zip(&found) {
            line(lines, &format!("{name}-{m}"), "near", value.as_slice());
        }
    }
}

/// A training in mini-batches learns XOR, whatever the platform.
fn training<T: Scalar>() {
    let mut network = network::<T>();
    let (x, y) = examples::<T>(4);
    let adam = Optimizer::adam(0.1).expect("a rate");
    let training = Training::new(adam).epochs(300).batches(2, 5).expect("a size").threads(THREADS);
    training.fit(&mut network, &x, &y).expect("a training");
    let j = network.loss(&x, &y).expect("a loss").to_f64();
    assert!(j < 0.1, "J = {j} after the training");
}

static REPORT: OnceLock<String> = OnceLock::new();

/// Computes the report, and says how many bytes it has: for a host that can only call functions on numbers.
#[unsafe(no_mangle)]
pub extern "C" fn report_length() -> usize {
    REPORT.get_or_init(report).len()
}

/// Where the report begins in the memory.
#[unsafe(no_mangle)]
pub extern "C" fn report_address() -> *const u8 {
    REPORT.get_or_init(report).as_ptr()
}

/// Whether kernels run on vectors of 128 bits, and not on the baseline.
#[unsafe(no_mangle)]
pub extern "C" fn has_vectors() -> bool {
    kernels::instruction_set() == Ok("simd128")
}
