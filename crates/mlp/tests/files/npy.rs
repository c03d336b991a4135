//! numpy's files: what numpy wrote is read, and what is written is what numpy writes.

use std::path::{Path, PathBuf};

use mlp::files::{Archive, FileProblem, Npy};
use tape::{Matrix, matrix};

use crate::support::{Folder, file_error, problem};

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)
}

fn rows() -> Matrix<f64> {
    matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
}

/// `golden/arrays.py` made it.
#[test]
fn every_type_and_order_of_numpy_is_read() {
    let archive = Archive::read_npz(golden("numpy.npz")).unwrap();
    for kind in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"] {
        for order in ["little", "big"] {
            for by in ["", " by columns"] {
                let name = format!("{kind} {order}{by}");
                assert_eq!(archive.matrix_rounded::<f64>(&name).unwrap(), rows(), "{name}");
                assert_eq!(archive.matrix_rounded::<f32>(&name).unwrap(), rows().cast(), "{name}");
                assert_eq!(archive.matrix::<f64>(&name).is_ok(), kind == "f8", "{name}");
                assert_eq!(archive.matrix::<f32>(&name).is_ok(), kind == "f4", "{name}");
            }
        }
    }
    assert_eq!(archive.vector::<f64>("number").unwrap(), [1.0 / 3.0]);
    assert_eq!(archive.vector::<f32>("list").unwrap(), [0.5, -0.25]);
    assert_eq!(archive.vector_rounded::<f32>("negative").unwrap(), [3.0, -7.0]);
    assert_eq!(problem(archive.whole("negative")), FileProblem::Negative { value: -7, index: vec![1] });
    assert_eq!(archive.matrix::<f64>("no rows").unwrap().shape(), (0, 3));
    assert_eq!(archive.matrix::<f64>("no columns").unwrap().shape(), (3, 0));
    let infinite = archive.matrix_of_any_values::<f64>("∂J/∂W").unwrap();
    assert!(infinite[(0, 0)] == f64::INFINITY && infinite[(0, 1)].is_sign_negative());
    assert_eq!(archive.shape("cube by columns"), Some(&[2, 3, 4][..]));
    assert_eq!(archive.names().count(), 47);
    // Written again and read, it is the same, the cube with its last index fastest.
    let bytes = archive.to_npz_bytes().unwrap();
    assert_eq!(Archive::from_npz_bytes(&bytes).unwrap(), archive);
    let cube = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 4), }";
    let at = bytes.windows(cube.len()).position(|window| window == cube).unwrap();
    let begin = at - 10 + 128;
    let numbers = bytes[begin..].as_chunks::<8>().0.iter().map(|&x| f64::from_le_bytes(x));
    assert!(numbers.take(24).eq((0..24).map(f64::from)));
}

#[test]
fn what_is_written_is_what_numpy_writes() {
    let sevenths = rows().map(|x| x / 7.0);
    let theirs = std::fs::read(golden("numpy-f8.npy")).unwrap();
    assert_eq!(Npy::of_matrix(&sevenths).to_bytes(), theirs);
    assert_eq!(Npy::from_bytes(&theirs).unwrap().matrix::<f64>().unwrap(), sevenths);
}

#[test]
fn later_versions_are_read() {
    for file in ["numpy-version-2.npy", "numpy-version-3.npy"] {
        assert_eq!(Npy::read(golden(file)).unwrap().matrix::<f32>().unwrap(), rows().cast());
    }
}

#[test]
fn arrays_come_back() {
    let folder = Folder::new("npy");
    let path = folder.path("a.npy");
    for array in [
        Npy::of_matrix(&rows()),
        Npy::of_matrix(&rows().cast::<f32>()),
        Npy::of_matrix(&Matrix::<f64>::zeros(0, 0)),
        Npy::of_matrix(&Matrix::<f64>::zeros(0, 5)),
        Npy::of_vector(&[1.5_f32]),
        Npy::of_vector::<f64>(&[]),
        Npy::of_whole(&[u64::MAX, 0]),
    ] {
        array.write(&path).unwrap();
        assert_eq!(Npy::read(&path).unwrap(), array);
    }
    assert_eq!(folder.files(), ["a.npy"]);
    let error = file_error(Npy::read(&path).unwrap().matrix::<f64>().unwrap_err());
    assert_eq!(
        error.to_string(),
        format!("{}, array: holds numbers of type U64, F64 is needed", path.display())
    );
    assert_eq!(
        problem(Npy::of_matrix(&rows()).vector::<f64>()),
        FileProblem::Rank { expected: 1, found: vec![2, 3] }
    );
    assert_eq!(
        problem(Npy::of_vector(&[1.0]).matrix::<f64>()),
        FileProblem::Rank { expected: 2, found: vec![1] }
    );
}

#[test]
fn archives_come_back() {
    let folder = Folder::new("npz");
    let path = folder.path("a.npz");
    let mut archive = Archive::new();
    archive.write_npz(&path).unwrap();
    assert_eq!(Archive::read_npz(&path).unwrap(), archive);
    archive.insert("x", &rows());
    archive.insert_vector("∂J", &[0.5_f32]);
    archive.insert_whole("y", &[1, 0]);
    archive.write_npz(&path).unwrap();
    assert_eq!(Archive::read_npz(&path).unwrap(), archive);
    archive.set_text("description", "of what numpy has no place for");
    let error = file_error(archive.write_npz(&path).unwrap_err());
    assert_eq!((error.path(), error.name()), (Some(path.as_path()), Some("description")));
    archive.clear_texts();
    archive.write_npz(&path).unwrap();
}

fn header(text: &str, data: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn headers_are_read_as_python_writes_them() {
    for text in [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
        "{'descr':'<f4','fortran_order':False,'shape':(2,)}",
        "{ 'shape' : ( 2L , ) , \"fortran_order\" : True , 'descr' : \"<f4\" } \n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 1), }",
    ] {
        assert!(Npy::from_bytes(&header(text, 8)).is_ok(), "{text}");
    }
    for (text, reason) in [
        ("", "the header has \"\" where { is needed"),
        ("{}", "the header has not all of descr, fortran_order and shape, or more"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } 1",
            "the header has not all of descr, fortran_order and shape, or more",
        ),
        (
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
            "the header has the key \"descr\" twice",
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}",
            "the header has the unknown key \"x\"",
        ),
        (
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
            "the elements are no plain numbers (a structured type)",
        ),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", "fortran_order is neither True nor False"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
            "the shape has a side that is no size",
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999999999999999), }",
            "the shape has a side that is no size",
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }",
            "the shape has more elements than there is memory anywhere",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2", "the header has \"\" where ) is needed"),
        ("{'descr': '<f4", "the header has a text without an end"),
    ] {
        assert_eq!(
            Npy::from_bytes(&header(text, 8)).unwrap_err().to_string(),
            format!("archive: {reason}"),
            "{text}"
        );
    }
    for descr in ["<f2", "<c8", "<U4", "|O", "f4", "=f4", "|f4", "<f16", "", "∂f4", "<M8[ns]", "|b1"] {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}");
        let error = Npy::from_bytes(&header(&text, 8)).unwrap_err().to_string();
        assert!(error.contains("are not known, known are u1, i1, u2"), "{descr}: {error}");
    }
    let mut unknown = header("", 0);
    unknown[6] = 4;
    let text = "archive: version 4.0 of the format npy is not known";
    assert_eq!(Npy::from_bytes(&unknown).unwrap_err().to_string(), text);
}

#[test]
fn other_zip_files_are_told() {
    let mut archive = Archive::new();
    archive.insert("x", &rows());
    let bytes = archive.to_npz_bytes().unwrap();
    let central = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let spoiled = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        Archive::from_npz_bytes(&bytes).unwrap_err().to_string()
    };
    assert_eq!(spoiled(central + 10, 8), "archive: \"x.npy\" is compressed: write it with numpy.savez");
    assert_eq!(spoiled(central + 8, 1), "archive: \"x.npy\" is encrypted");
    assert_eq!(spoiled(central + 24, 1), "archive: \"x.npy\" has two sizes, or 4 GB and more");
    assert_eq!(spoiled(central + 46, b'y'), "archive, y.npy: has two names");
    assert_eq!(spoiled(central - 1, 1), "archive, x.npy: is damaged: it has another checksum");
    assert_eq!(spoiled(0, 0), "archive: it is no npz file: it does not begin with PK");
    // A comment after the end.
    let mut comment = bytes.clone();
    let end = comment.len();
    comment[end - 2] = 3;
    comment.extend_from_slice(b"abc");
    assert_eq!(Archive::from_npz_bytes(&comment).unwrap(), archive);
}
