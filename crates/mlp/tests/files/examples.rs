//! Examples from numpy's files: rows there, columns here.

use std::path::{Path, PathBuf};

use mlp::Scalar;
use mlp::files::{FileProblem, Npy};
use tape::{Matrix, matrix};

use crate::support::{Folder, problem};

fn file(folder: &Folder, descr: &str, order: &str, shape: &str, elements: &[u8]) -> PathBuf {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(elements);
    let path = folder.path("x.npy");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Written by numpy itself.
#[test]
fn numpys_rows_become_columns() {
    let golden = |file| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let sevenths = matrix![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]].map(|x| x / 7.0);
    assert_eq!(Npy::read_examples::<f64>(golden("numpy-f8.npy")).unwrap(), sevenths);
    for file in ["numpy-version-2.npy", "numpy-version-3.npy"] {
        let x: Matrix<f32> = matrix![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]];
        assert_eq!(Npy::read_examples::<f32>(golden(file)).unwrap(), x);
    }
}

fn every_size<T: Scalar>() {
    let folder = Folder::new(&format!("examples-{}", T::NAME));
    let path = folder.path("x.npy");
    // The last have more than is read at a time, and not a multiple of it.
    for (features, examples) in [(0, 0), (0, 3), (3, 0), (1, 1), (3, 2), (1, 70_000), (784, 101)] {
        let x = Matrix::from_fn(features, examples, |i, j| T::from_f64((7 * i + 3 * j) as f64 / 8.0));
        Npy::of_matrix(&x.transposed()).write(&path).unwrap();
        assert_eq!(Npy::read_examples::<T>(&path).unwrap(), x);
    }
}

#[test]
fn every_size_comes_back() {
    every_size::<f32>();
    every_size::<f64>();
}

#[test]
fn the_other_orders_of_bytes_and_elements_are_read() {
    let folder = Folder::new("examples-orders");
    let x = matrix![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
    let of = |bytes: fn(f32) -> [u8; 4], numbers: [f32; 6]| numbers.map(bytes).concat();
    let by_examples = [1.0, 3.0, 5.0, 2.0, 4.0, 6.0];
    let path = file(&folder, ">f4", "False", "(2, 3)", &of(f32::to_be_bytes, by_examples));
    assert_eq!(Npy::read_examples::<f32>(&path).unwrap(), x);
    let by_features = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    for (descr, bytes) in [("<f4", f32::to_le_bytes as fn(f32) -> [u8; 4]), (">f4", f32::to_be_bytes)] {
        let path = file(&folder, descr, "True", "(2, 3)", &of(bytes, by_features));
        assert_eq!(Npy::read_examples::<f32>(&path).unwrap(), x);
    }
}

#[test]
fn what_is_no_array_of_examples_is_refused() {
    let folder = Folder::new("examples-refused");
    let refused = |descr, shape, elements: &[u8]| {
        let path = file(&folder, descr, "False", shape, elements);
        problem(Npy::read_examples::<f32>(&path))
    };
    let kind = FileProblem::NumberKind { expected: "F32", found: "F64".to_string() };
    assert_eq!(refused("<f8", "(1, 1)", &[0; 8]), kind);
    assert_eq!(refused("<f4", "(2,)", &[0; 8]), FileProblem::Rank { expected: 2, found: vec![2] });
    assert_eq!(refused("<f4", "(1, 2, 1)", &[0; 8]), FileProblem::Rank { expected: 2, found: vec![1, 2, 1] });
    let reason = |reason: &str| FileProblem::Format { reason: reason.to_string() };
    let short = "the file ends within the elements: 8 bytes are announced, 7 are there";
    assert_eq!(refused("<f4", "(1, 2)", &[0; 7]), reason(short));
    // No memory is taken for what is only announced.
    let announced = "the file ends within the elements: 4000000000000 bytes are announced, 300000 are there";
    assert_eq!(refused("<f4", "(1000000000, 1000)", &[0; 300_000]), reason(announced));
    assert_eq!(refused("<f4", "(1, 2)", &[0; 9]), reason("there are bytes after the last element"));
    let too_many = "the shape has more elements than there is memory anywhere";
    assert_eq!(refused("<f4", "(9223372036854775807, 9)", &[]), reason(too_many));
    let infinite = [1.0, 2.0, 3.0, f32::INFINITY].map(f32::to_le_bytes).concat();
    let place = FileProblem::NonFinite { value: f64::INFINITY, index: vec![1, 1] };
    assert_eq!(refused("<f4", "(2, 2)", &infinite), place);
    let nothing = problem(Npy::read_examples::<f32>(folder.path("nothing.npy")));
    assert!(matches!(nothing, FileProblem::Io { .. }), "{nothing:?}");
}
