//! The ten models of `examples/models`, attention alone, Gaussian processes of two sizes, and a step of an embedding: microseconds
//! for J and all its gradients on one thread. `benches/models/peers.py` measures the same in PyTorch and JAX.

// Of each model the recorder alone is used; each brings what the models share.
#![allow(dead_code, clippy::duplicate_mod)]

use std::time::Instant;

use Drawn::{Between, Normal, Whole};
use mlp::Scalar;
use tape::check::Random;
use tape::{LeafKind, Matrix, Options, Over, Shape, Tape, Var};

#[path = "../../examples/models/convolution_digits.rs"]
mod convolution_digits;
#[path = "../../examples/models/factorisation.rs"]
mod factorisation;
#[path = "../../examples/models/gaussian_process.rs"]
mod gaussian_process;
#[path = "../../examples/models/gru_adding.rs"]
mod gru_adding;
#[path = "../../examples/models/mixture_density.rs"]
mod mixture_density;
#[path = "../../examples/models/oscillator.rs"]
mod oscillator;
#[path = "../../examples/models/robust_regression.rs"]
mod robust_regression;
#[path = "../../examples/models/softmax_digits.rs"]
mod softmax_digits;
#[path = "../../examples/models/transformer_block.rs"]
mod transformer_block;
#[path = "../../examples/models/variational_autoencoder.rs"]
mod variational_autoencoder;

/// What the elements of a leaf are.
#[derive(Clone, Copy)]
enum Drawn {
    /// Whole numbers from one up to another, which is none of them.
    Whole(usize, usize),
    /// Numbers between two others.
    Between(f64, f64),
    /// Normally distributed.
    Normal,
}

/// The leaves that are not between −1 and 1, as in `tests/reference/models_jax.py`: so the peers have numbers of the
/// same kind. It matters, as saturated units and logits far apart make subnormal numbers, which processors are slow at.
type Leaves = &'static [(&'static str, Drawn)];

impl Drawn {
    fn element(self, random: &mut Random) -> f64 {
        match self {
            Whole(first, end) => (first + random.below(end - first)) as f64,
            Between(low, high) => random.between(low, high),
            // Irwin and Hall's sum.
            Normal => (0..12).map(|_| random.between(0.0, 1.0)).sum::<f64>() - 6.0,
        }
    }
}

pub(crate) fn rows<T: Scalar>(named: &[&str]) {
    let wants = |name: &str| named.is_empty() || named.contains(&name);
    macro_rules! model {
        ($name:literal, $m:expr, $leaves:expr, $record:expr) => {
            if wants($name) {
                row::<T>($name, $m, $leaves, $record);
            }
        };
    }
    println!("\n{}: microseconds for J and all gradients, one thread: minimum (median)", T::NAME);
    model!("softmax_digits", 64, &[("class", Whole(0, 10))], |tape| softmax_digits::record(tape, 64, 32)[0]);
    model!("robust_regression", 64, &[], |tape| robust_regression::record(tape, 24)[0]);
    model!("gru_adding", 64, &[], |tape| gru_adding::record(tape, 20, 24)[0]);
    const TOKENS: Leaves = &[("token", Whole(0, 8)), ("next", Whole(0, 8)), ("length", Whole(1, 13))];
    model!("transformer_block", 64, TOKENS, |tape| { transformer_block::record(tape, 8, 12, 32)[0] });
    model!("oscillator", 48, &[("t", Between(0.0, 6.0))], |tape| oscillator::record(tape, 24)[0]);
    const DIGITS: Leaves = &[("X", Between(0.0, 1.0)), ("ε", Normal)];
    model!("variational_autoencoder", 64, DIGITS, |tape| {
        let noise = tape.examples_unbound("ε", 2);
        variational_autoencoder::record(tape, 64, 64, noise)[0]
    });
    const COUNTS: Leaves = &[("user", Whole(0, 60)), ("item", Whole(0, 40)), ("word", Whole(0, 30))];
    model!("factorisation", 128, COUNTS, |tape| factorisation::record(tape, [60, 40, 30], 3, 4)[0]);
    const KERNEL: Leaves = &[
        ("x", Between(0.0, 4.0)),
        ("ln ℓ", Between(-0.3, -0.3)),
        ("ln s", Between(0.2, 0.2)),
        ("ln σ", Between(-1.1, -1.1)),
    ];
    model!("gaussian_process", 60, KERNEL, gaussian_process::record);
    model!("gaussian_process_300", 300, KERNEL, gaussian_process::record);
    model!("convolution_digits", 64, &[("class", Whole(0, 10))], |tape| {
        convolution_digits::record(tape, 8, [8, 16])[0]
    });
    model!("mixture_density", 128, &[("weight", Between(0.5, 2.0))], |tape| {
        mixture_density::record(tape, 24, 3)[0]
    });
    for (t, m) in [(12, 64), (64, 16), (256, 4)] {
        for d in [16, 64] {
            let name = format!("attention_{t}_{d}");
            if wants(&name) || wants("attention") {
                const MATRICES: Leaves =
                    &[("Q", Between(0.1, 1.0)), ("K", Between(0.1, 1.0)), ("V", Between(0.1, 1.0))];
                row::<T>(&name, m, MATRICES, |tape| attention(tape, t, d));
            }
        }
    }
    if wants("embedding") {
        embedding::<T>();
    }
}

/// Values mixed by softmax(KᵀQ/√d), with the squares' sum for J; of Q, K and V, which are made of X.
fn attention<T: Scalar>(tape: &Tape<T>, t: usize, d: usize) -> Var<'_, T> {
    let [q, k, v] =
        ["Q", "K", "V"].map(|name| tape.parameter_unbound(name, Shape::new(d * t, tape::Dim::M)).unfold(t));
    let scores = k.block_t().block_matmul(q) / T::from_f64((d as f64).sqrt());
    v.block_matmul(scores.softmax_over(Over::Rows)).square().sum()
}

fn row<T: Scalar>(name: &str, m: usize, leaves: Leaves, record: impl for<'t> Fn(&'t Tape<T>) -> Var<'t, T>) {
    let tape = Tape::<T>::new();
    let began = Instant::now();
    let j = record(&tape);
    let kind = |v: &Var<'_, T>| v.entry().expect("a sound model").leaf_kind();
    let parameters: Vec<Var<'_, T>> =
        tape.variables().filter(|v| kind(v) == Some(LeafKind::Parameter)).collect();
    let gradients = j.gradients(&parameters);
    let mut program = tape
        .compile_with([j].into_iter().chain(gradients), Options::default().threads(1))
        .expect("it compiles");
    let compiled = began.elapsed();
    let mut random = Random::new(1);
    for leaf in tape.variables().filter(|v| matches!(kind(v), Some(LeafKind::Parameter | LeafKind::Examples)))
    {
        let (rows, columns) = leaf.shape().expect("a leaf").at(m);
        let drawn = leaves.iter().find(|(of, _)| leaf.name().as_deref() == Some(of));
        let drawn = drawn.map_or(Between(-1.0, 1.0), |&(_, drawn)| drawn);
        let value = Matrix::from_fn(rows, columns, |_, _| T::from_f64(drawn.element(&mut random)));
        program.bind_if_needed(leaf, &value).expect("a leaf of the program");
    }
    let (min, median) = time(|| program.run().expect("a run"));
    println!(
        "{name:<26} {min:>10.1} ({median:.1})   recorded and compiled in {:.1} ms",
        compiled.as_secs_f64() * 1e3
    );
}

/// A step of gradient descent on the columns of a table of 10⁶ that a batch of 256 names.
fn embedding<T: Scalar>() {
    const COUNT: usize = 1_000_000;
    let tape = Tape::<T>::new();
    let items = tape.indices_unbound("item", 1);
    let table = tape.parameter_unbound("E", Shape::new(32, COUNT));
    let columns = table.gather(items);
    let j = columns.square().sum_over(Over::Rows).mean();
    let [gradient] = j.gradients([columns]);
    let mut program = tape.compile_with([j, gradient], Options::default().threads(1)).expect("it compiles");
    let mut random = Random::new(1);
    program.bind(table, &random.matrix::<T>(32, COUNT, -1.0, 1.0)).expect("a table");
    let batches: Vec<Vec<u32>> =
        (0..50).map(|_| (0..256).map(|_| random.below(COUNT) as u32).collect()).collect();
    let mut batches = batches.iter().cycle();
    let (min, median) = time(|| {
        program.bind_indices(items, batches.next().expect("a cycle")).expect("indices");
        program.run().expect("a run");
        let rate = T::from_f64(0.1);
        let change =
            |_, column: &mut [T], g: &[T]| column.iter_mut().zip(g).for_each(|(x, &g)| *x -= rate * g);
        program.update_columns(table, items, gradient, change).expect("an update");
    });
    println!("{:<26} {min:>10.1} ({median:.1})", "embedding");
}

/// Microseconds of a call, at least a second of them.
fn time(mut call: impl FnMut()) -> (f64, f64) {
    let mut times = Vec::new();
    let began = Instant::now();
    while times.len() < 20 || began.elapsed().as_secs_f64() < 1.0 {
        let start = Instant::now();
        call();
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}
