//! Files that were once written are read forever.
//!
//! `golden/mlp-1-….safetensors` were written by this crate in the first version of the format, and `golden/python-….safetensors`
//! by Python's safetensors (`golden/python.py`). No file is ever changed or taken away; a new version gets new ones.
//! `WRITE_GOLDEN=1 cargo test -p mlp --test files` writes those that are not there yet.

use std::path::{Path, PathBuf};

use mlp::files::Archive;
use mlp::{Activation, Loss, Mlp, Pipeline, Preparation, Scalar, Standardizer, Unseen};
use tape::Matrix;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)
}

/// Sevenths, which no number type holds, in another order by row and by column.
fn sevenths<T: Scalar>(rows: usize, columns: usize, from: usize) -> Matrix<T> {
    Matrix::from_fn(rows, columns, |i, j| T::from_f64((from + 10 * i + j) as f64 / 7.0 - 2.0))
}

fn network<T: Scalar>() -> Mlp<T> {
    let mut network = Mlp::new(3)
        .layer(4, Activation::LeakyRelu(T::from_f64(0.2)))
        .layer(2, Activation::GeluErf)
        .layer(3, Activation::Identity)
        .loss(Loss::SoftmaxCrossEntropy)
        .build()
        .unwrap();
    for (l, (rows, columns)) in [(4, 3), (2, 4), (3, 2)].into_iter().enumerate() {
        network.set_parameter(&format!("W[{}]", l + 1), sevenths(rows, columns, l)).unwrap();
        network.set_parameter(&format!("b[{}]", l + 1), sevenths(rows, 1, l + 5)).unwrap();
    }
    network
}

fn standardizer<T: Scalar>() -> Standardizer<T> {
    Standardizer::fit(&Matrix::from_fn(3, 2, |i, j| T::from_f64((1 + i * 7 + j * j * 3) as f64))).unwrap()
}

fn archive<T: Scalar>() -> Archive {
    let mut archive = network::<T>().to_archive().unwrap();
    archive.insert_standardizer(&standardizer::<T>());
    archive
}

fn the_first_version<T: Scalar>() {
    let path = golden(&format!("mlp-1-{}.safetensors", T::NAME));
    if !path.exists() && std::env::var_os("WRITE_GOLDEN").is_some() {
        archive::<T>().write(&path).unwrap();
    }
    assert_eq!(Mlp::<T>::load(&path).unwrap(), network());
    assert_eq!(Archive::read(&path).unwrap().standardizer().unwrap(), Some(standardizer::<T>()));
    // While it is the newest version, it is what is written.
    assert_eq!(std::fs::read(&path).unwrap(), archive::<T>().to_bytes().unwrap());
}

#[test]
fn the_first_version_is_read() {
    the_first_version::<f32>();
    the_first_version::<f64>();
}

/// All steps that there are, fitted to sevenths with a missing value.
fn pipeline<T: Scalar>() -> Pipeline<T> {
    let mut x = sevenths::<T>(3, 6, 0);
    x[(1, 4)] = T::from_f64(f64::NAN);
    let steps = [
        Preparation::Impute,
        Preparation::OneHot { features: vec![2], unseen: Unseen::Zeros },
        Preparation::Standardize,
        Preparation::MinMax { low: -0.3, high: 0.7 },
    ];
    Pipeline::fit(&steps, &x).unwrap()
}

/// `golden/pipeline-1-….safetensors`: a pipeline alone, in the first version of its format.
fn the_first_version_of_pipelines<T: Scalar>() {
    let path = golden(&format!("pipeline-1-{}.safetensors", T::NAME));
    let mut archive = Archive::new();
    archive.insert_pipeline(&pipeline::<T>());
    if !path.exists() && std::env::var_os("WRITE_GOLDEN").is_some() {
        archive.write(&path).unwrap();
    }
    assert_eq!(Archive::read(&path).unwrap().pipeline().unwrap(), Some(pipeline::<T>()));
    assert_eq!(std::fs::read(&path).unwrap(), archive.to_bytes().unwrap());
}

#[test]
fn the_first_version_of_pipelines_is_read() {
    the_first_version_of_pipelines::<f32>();
    the_first_version_of_pipelines::<f64>();
}

/// The network, as Python writes it from the description of the format alone.
#[test]
fn a_network_that_python_wrote_is_read() {
    let archive = Archive::read(golden("python-network.safetensors")).unwrap();
    let network = Mlp::<f64>::from_archive(&archive).unwrap();
    assert_eq!(network.sizes(), [2, 3, 1]);
    assert_eq!(network.activations(), [Activation::Elu(0.75), Activation::Sigmoid]);
    assert_eq!(network.loss_function(), Loss::LogLoss);
    assert_eq!(network.parameters()["W[1]"].as_slice(), [0.5, 2.5, 4.5, 1.5, 3.5, 5.5]); // by columns
    assert_eq!(network.parameters()["b[1]"].as_slice(), [-1.0, 0.0, 1.0]);
    assert_eq!(network.parameters()["W[2]"].as_slice(), [1.0 / 3.0, -2.0 / 3.0, 0.125]);
    let x = tape::matrix![[0.5, -3.0], [-1.0, 1.0]];
    // numpy 2: 1 / (1 + exp(-(W2 @ elu(W1 @ x + b1) + b2)))
    let expected = include!("../golden/python-predictions.in");
    for (a, b) in network.predict(&x).unwrap().iter().zip(expected) {
        assert!((a - b).abs() < 1e-15, "{a} {b}");
    }
}

/// The parameters of a module, by PyTorch's names and without any text.
#[test]
fn parameters_that_python_wrote_are_read() {
    let archive = Archive::read(golden("python-state.safetensors")).unwrap();
    let mut network =
        Mlp::<f32>::new(2).layer(3, Activation::Tanh).layer(1, Activation::Identity).build().unwrap();
    network.set_parameters_from(&archive, |k| format!("{}", 2 * k)).unwrap();
    assert_eq!(network.parameters()["W[1]"].as_slice(), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    assert_eq!(network.parameters()["b[2]"].as_slice(), [0.1]);
    assert_eq!(archive.shape("steps"), Some(&[][..]));
}
