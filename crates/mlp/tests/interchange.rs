//! Files for Python and from it: the two halves of the stage `interchange` of `.ci/run`, which runs `tests/interchange` in between.
#![cfg(feature = "safetensors")]

use std::path::{Path, PathBuf};

use mlp::files::{Archive, Npy};
use mlp::{Activation, Loss, Mlp, Scalar, Standardizer};
use tape::{Matrix, matrix};

/// What Python shares with these tests.
fn folder() -> PathBuf {
    let folder = std::env::var_os("INTERCHANGE").expect("INTERCHANGE is the folder of the stage");
    Path::new(&folder).to_path_buf()
}

fn ours<T: Scalar>() {
    let at = |name: &str| folder().join(format!("ours-{}{name}", T::NAME));
    let network = Mlp::<T>::new(3)
        .layer(5, Activation::Tanh)
        .layer(4, Activation::LeakyRelu(T::from_f64(0.25)))
        .layer(2, Activation::Sigmoid)
        .seed(11)
        .build()
        .unwrap();
    let x = Matrix::from_fn(3, 7, |i, j| T::from_f64(((3 * i + 5 * j) as f64).sin() * (1 + 10 * i) as f64));
    let standardizer = Standardizer::fit(&x).unwrap();
    let mut archive = network.to_archive().unwrap();
    archive.insert_standardizer(&standardizer);
    archive.write(at(".safetensors")).unwrap();
    let predictions = network.predict(&standardizer.transform(&x).unwrap()).unwrap();
    Npy::of_matrix(&x).write(at("-x.npy")).unwrap();
    Npy::of_matrix(&predictions).write(at("-predictions.npy")).unwrap();
}

#[test]
#[ignore = "a half of `bash .ci/run interchange`"]
fn ours_for_python() {
    ours::<f32>();
    ours::<f64>();
    let mut archive = Archive::new();
    archive.insert("matrix", &matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    archive.insert::<f32>("empty", &Matrix::zeros(0, 3));
    archive.insert_vector("vector", &[0.5_f32, -0.25]);
    archive.insert_whole("whole", &[u64::MAX, 0]);
    archive.insert("∂J/∂W", &matrix![[7.0]]);
    archive.write_npz(folder().join("ours.npz")).unwrap();
}

/// Predictions of the other side for X, of which a column is an example.
fn agrees<T: Scalar>(network: &Mlp<T>, examples: &Path, tolerance: f64) {
    let arrays = Archive::read_npz(examples).unwrap();
    let (x, expected) = (arrays.matrix::<T>("x").unwrap(), arrays.matrix::<T>("predictions").unwrap());
    let found = network.predict(&x).unwrap();
    assert_eq!(found.shape(), expected.shape());
    let differences = found.iter().zip(expected.iter()).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
    let worst = differences.fold(0.0, f64::max);
    println!("{}: worst difference {worst:.2e}", examples.display());
    assert!(worst <= tolerance, "{worst:e}");
}

fn theirs<T: Scalar>(tolerance: f64) {
    let at = |name: &str, end: &str| folder().join(format!("{name}-{}.{end}", T::NAME));
    let network = Mlp::<T>::load(at("theirs", "safetensors")).unwrap();
    assert_eq!(network.loss_function(), Loss::SoftmaxCrossEntropy);
    agrees(&network, &at("theirs", "npz"), tolerance);
    // What we wrote, as Python wrote it again.
    let (ours, again) = (Archive::read(at("ours", "safetensors")), Archive::read(at("again", "safetensors")));
    assert_eq!(again.unwrap().to_bytes().unwrap(), ours.unwrap().to_bytes().unwrap());
    // A module of PyTorch, where that is installed.
    if at("torch", "safetensors").exists() {
        let mut network =
            Mlp::<T>::new(5).layer(4, Activation::Tanh).layer(3, Activation::Identity).build().unwrap();
        let state = Archive::read(at("torch", "safetensors")).unwrap();
        network.set_parameters_from(&state, |k| format!("{}", 2 * k)).unwrap();
        agrees(&network, &at("torch", "npz"), tolerance);
    }
}

#[test]
#[ignore = "a half of `bash .ci/run interchange`"]
fn theirs_from_python() {
    theirs::<f32>(2e-6);
    theirs::<f64>(1e-13);
}
