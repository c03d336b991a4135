//! The files that all peers read: the synthetic examples, first weights, the order of the examples, and the settings.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mlp::files::{Archive, Npy, write_whole};
use mlp::{Purpose, Random, Result};
use tape::Matrix;

use super::cases::{Case, SEED, Source};

/// The settings. They are written last: where they are, all the others are, too.
pub(super) const LAST: &str = "cases.json";
/// Examples to train on and to test on.
const PARTS: [(&str, usize); 2] = [("train", 60_000), ("test", 10_000)];
const FEATURES: usize = 784;
const CLASSES: usize = 10;
/// What an example is made of.
const LATENT: usize = 12;
/// Neurons of the network that decides its class.
const TEACHERS: usize = 16;

/// Writes the files; the synthetic examples take long, and are kept where they are there.
pub(super) fn prepare(folder: &Path, cases: &[Case]) -> Result<()> {
    fs::create_dir_all(folder).expect("a folder for the data");
    if !folder.join("y_test.npy").exists() {
        write_synthetic(folder)?;
    }
    let mut settings = String::new();
    for case in cases {
        let mut first = Archive::new();
        for (name, value) in case.network()?.parameters() {
            first.insert(name, value);
        }
        first.write_npz(folder.join(format!("first_{}.npz", case.name)))?;
        let m = match case.source {
            Source::BreastCancer | Source::Digits => case.load(folder)?.0.x.columns(),
            Source::Synthetic => PARTS[0].1,
        };
        write_order(folder, case, m)?;
        let Case { name, sizes: [n0, n1, n2], hidden, batch, rate, target, epochs, .. } = case;
        let separator = if settings.is_empty() { "[" } else { ",\n " };
        let _ = write!(
            settings,
            "{separator}{{\"name\": \"{name}\", \"sizes\": [{n0}, {n1}, {n2}], \"hidden\": \"{hidden}\", \"batch\": {batch}, \
             \"rate\": {rate}, \"target\": {target}, \"epochs\": {epochs}}}"
        );
    }
    settings.push_str("]\n");
    write_whole(folder.join(LAST), settings.as_bytes())
}

/// The order that a training with this seed sees the examples in, epoch after epoch.
fn write_order(folder: &Path, case: &Case, m: usize) -> Result<()> {
    let mut random = Random::new(SEED, Purpose::Shuffle);
    let mut order: Vec<u64> = (0..m as u64).collect();
    let mut all = Vec::with_capacity(m * case.epochs);
    for _ in 0..case.epochs {
        random.shuffle(&mut order);
        all.extend_from_slice(&order);
    }
    Npy::of_whole(&all).write(folder.join(format!("order_{}.npy", case.name)))
}

/// x = tanh(A z) + noise with 12 numbers z; its class is the greatest output of a network of z, each less its mean.
fn write_synthetic(folder: &Path) -> Result<()> {
    let mut random = Random::new(SEED, Purpose::Init);
    let a = drawn(&mut random, FEATURES, LATENT, (3.0 / LATENT as f64).sqrt());
    let w1 = drawn(&mut random, TEACHERS, LATENT, 1.0);
    let w2 = drawn(&mut random, CLASSES, TEACHERS, 1.0);
    let mut mean = None;
    for (part, m) in PARTS {
        let z = drawn(&mut random, LATENT, m, 1.7);
        let outputs = product(&w2, &product(&w1, &z).map(|value| value.max(0.0)));
        let mean = mean.get_or_insert_with(|| means(&outputs));
        let classes: Vec<u64> = (0..m).map(|i| greatest(outputs.column(i), mean)).collect();
        let seen = product(&a, &z);
        // Rows are examples, as elsewhere.
        let x = Matrix::from_fn(FEATURES, m, |j, i| seen[(j, i)].tanh() + random.symmetric(0.5) as f32)
            .transposed();
        Npy::of_matrix(&x).write(folder.join(format!("x_{part}.npy")))?;
        Npy::of_whole(&classes).write(folder.join(format!("y_{part}.npy")))?;
    }
    Ok(())
}

fn drawn(random: &mut Random, rows: usize, columns: usize, limit: f64) -> Matrix<f32> {
    Matrix::from_fn(rows, columns, |_, _| random.symmetric(limit) as f32)
}

fn product(a: &Matrix<f32>, b: &Matrix<f32>) -> Matrix<f32> {
    let mut c = Matrix::zeros(a.rows(), b.columns());
    for i in 0..b.columns() {
        for (k, &factor) in b.column(i).iter().enumerate() {
            c.column_mut(i).iter_mut().zip(a.column(k)).for_each(|(c, a)| *c += factor * a);
        }
    }
    c
}

fn means(outputs: &Matrix<f32>) -> Vec<f32> {
    let m = outputs.columns();
    (0..outputs.rows()).map(|j| (0..m).map(|i| outputs[(j, i)]).sum::<f32>() / m as f32).collect()
}

fn greatest(outputs: &[f32], mean: &[f32]) -> u64 {
    let above: Vec<f32> = outputs.iter().zip(mean).map(|(output, mean)| output - mean).collect();
    let best = (1..above.len()).fold(0, |best, class| if above[class] > above[best] { class } else { best });
    best as u64
}
