//! Archives: what goes in comes out, and what others write is read.

use mlp::files::{Archive, FileProblem};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tape::{Matrix, matrix};

use crate::support::{Folder, file_error, problem};

/// 2 × 3, so that rows and columns cannot be taken for each other.
fn asymmetric() -> Matrix<f64> {
    matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
}

fn full() -> Archive {
    let mut archive = Archive::new();
    archive.insert("layers.0.weight", &asymmetric());
    archive.insert("single", &asymmetric().cast::<f32>());
    archive.insert_vector("bias", &[0.5_f32, -0.25]);
    archive.insert_vector("mean", &[1e300, -1e-300]);
    archive.insert_whole("random state", &[0, u64::MAX, 7]);
    archive.insert::<f64>("nothing", &Matrix::zeros(0, 3));
    archive.insert_whole("none", &[]);
    archive.set_text("", "an empty key");
    archive.set_text("∂J/∂W", "\"quoted\" \\ \n\u{0}\u{1f469}");
    archive.describe("test", 1, "all that there is");
    archive
}

#[test]
fn what_goes_in_comes_out() {
    let archive = full();
    let again = Archive::from_bytes(&archive.to_bytes().unwrap()).unwrap();
    assert_eq!(again, archive);
    assert_eq!(again.matrix::<f64>("layers.0.weight").unwrap(), asymmetric());
    assert_eq!(again.matrix::<f32>("single").unwrap(), asymmetric().cast());
    assert_eq!(again.vector::<f32>("bias").unwrap(), [0.5, -0.25]);
    assert_eq!(again.vector::<f64>("mean").unwrap(), [1e300, -1e-300]);
    assert_eq!(again.whole("random state").unwrap(), [0, u64::MAX, 7]);
    assert_eq!(again.matrix::<f64>("nothing").unwrap().shape(), (0, 3));
    assert_eq!(again.whole("none").unwrap(), [0; 0]);
    assert_eq!(again.text(""), Some("an empty key"));
    assert_eq!(again.text("∂J/∂W"), Some("\"quoted\" \\ \n\u{0}\u{1f469}"));
    assert_eq!(again.text("crc32"), None);
    assert_eq!(again.check_kind("test", 1).unwrap(), 1);
    let names = ["bias", "layers.0.weight", "mean", "none", "nothing", "random state", "single"];
    assert!(again.names().eq(names));
}

#[test]
fn the_same_content_has_the_same_bytes() {
    let bytes = full().to_bytes().unwrap();
    assert_eq!(full().to_bytes().unwrap(), bytes);
    assert_eq!(Archive::from_bytes(&bytes).unwrap().to_bytes().unwrap(), bytes);
    let mut backwards = Archive::new();
    let texts: Vec<(String, String)> = full().texts().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    for (key, value) in texts.into_iter().rev() {
        backwards.set_text(key, value);
    }
    backwards.insert_whole("none", &[]);
    backwards.insert::<f64>("nothing", &Matrix::zeros(0, 3));
    backwards.insert_whole("random state", &[0, u64::MAX, 7]);
    backwards.insert_vector("mean", &[1e300, -1e-300]);
    backwards.insert_vector("bias", &[0.5_f32, -0.25]);
    backwards.insert("single", &asymmetric().cast::<f32>());
    backwards.insert("layers.0.weight", &asymmetric());
    assert_eq!(backwards.to_bytes().unwrap(), bytes);
}

#[test]
fn nothing_is_an_archive_too() {
    let bytes = Archive::new().to_bytes().unwrap();
    assert_eq!(Archive::from_bytes(&bytes).unwrap(), Archive::new());
}

/// The crate's own reader finds rows × columns, row by row.
#[test]
fn the_crate_reads_what_is_written() {
    let bytes = full().to_bytes().unwrap();
    let theirs = SafeTensors::deserialize(&bytes).unwrap();
    let weight = theirs.tensor("layers.0.weight").unwrap();
    assert_eq!((weight.dtype(), weight.shape()), (Dtype::F64, &[2, 3][..]));
    let rows: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(weight.data(), rows);
    assert_eq!(theirs.tensor("bias").unwrap().shape(), [2]);
    assert_eq!(theirs.len(), 7);
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header % 8, 0);
    let texts = metadata.metadata().clone().unwrap();
    assert_eq!(texts["description"], "all that there is");
    assert_eq!(texts.len(), 6); // and the checksum
}

#[test]
fn what_the_crate_writes_is_read() {
    let values: Vec<u8> = (1..=6).flat_map(|x| (x as f32).to_le_bytes()).collect();
    let half = [0, 0x3c, 0, 0x40];
    let tensors = [
        ("0.weight", TensorView::new(Dtype::F32, vec![3, 2], &values).unwrap()),
        ("cube", TensorView::new(Dtype::F32, vec![1, 2, 3], &values).unwrap()),
        ("half", TensorView::new(Dtype::F16, vec![2], &half).unwrap()),
        ("number", TensorView::new(Dtype::F32, vec![], &values[..4]).unwrap()),
    ];
    let texts = [("format".to_string(), "pt".to_string())];
    let bytes = safetensors::serialize(tensors, Some(texts.into_iter().collect())).unwrap();
    let archive = Archive::from_bytes(&bytes).unwrap();
    let expected = matrix![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
    assert_eq!(archive.matrix::<f32>("0.weight").unwrap(), expected);
    assert_eq!(archive.text("format"), Some("pt"));
    let rank = |expected, found| FileProblem::Rank { expected, found };
    assert_eq!(problem(archive.matrix::<f32>("cube")), rank(2, vec![1, 2, 3]));
    assert_eq!(problem(archive.vector::<f32>("0.weight")), rank(1, vec![3, 2]));
    assert_eq!(problem(archive.matrix::<f32>("number")), rank(2, vec![]));
    assert_eq!(archive.vector::<f32>("number").unwrap(), [1.0]);
    let kind = |expected, found: &str| FileProblem::NumberKind { expected, found: found.to_string() };
    assert_eq!(problem(archive.vector::<f32>("half")), kind("F32", "F16"));
    assert_eq!(problem(archive.vector_rounded::<f32>("half")), kind("F32", "F16"));
    assert_eq!(problem(archive.matrix::<f64>("0.weight")), kind("F64", "F32"));
    assert_eq!(problem(archive.whole("half")), kind("whole numbers", "F16"));
    assert_eq!(problem(archive.whole("number")), kind("whole numbers", "F32"));
    // What is only carried stays as it was.
    assert_eq!(Archive::from_bytes(&archive.to_bytes().unwrap()).unwrap(), archive);
}

#[test]
fn numbers_that_are_none_have_to_be_asked_for() {
    let mut archive = Archive::new();
    archive.insert("w", &matrix![[1.0, 2.0], [f64::NAN, 4.0]]);
    archive.insert_vector("v", &[1.0, 2.0, f64::NEG_INFINITY]);
    let archive = Archive::from_bytes(&archive.to_bytes().unwrap()).unwrap();
    match problem(archive.matrix::<f64>("w")) {
        FileProblem::NonFinite { value, index } => assert!(value.is_nan() && index == [1, 0]),
        other => panic!("{other}"),
    }
    let infinite = FileProblem::NonFinite { value: f64::NEG_INFINITY, index: vec![2] };
    assert_eq!(problem(archive.vector::<f64>("v")), infinite);
    assert_eq!(problem(archive.vector_rounded::<f32>("v")), infinite);
    assert!(archive.matrix_of_any_values::<f64>("w").unwrap()[(1, 0)].is_nan());
    assert_eq!(archive.vector_of_any_values::<f64>("v").unwrap()[2], f64::NEG_INFINITY);
}

#[test]
fn another_number_type_has_to_be_asked_for() {
    let mut archive = Archive::new();
    archive.insert("w", &matrix![[0.1, 1e39]]);
    archive.insert("s", &matrix![[0.1_f32]]);
    let text = "archive, w: holds numbers of type F64, F32 is needed";
    assert_eq!(archive.matrix::<f32>("w").unwrap_err().to_string(), text);
    let text = "archive, w: 1e39 at [0, 1] is larger than f32 can hold";
    assert_eq!(archive.matrix_rounded::<f32>("w").unwrap_err().to_string(), text);
    assert_eq!(archive.matrix_rounded::<f64>("s").unwrap()[(0, 0)], f64::from(0.1_f32));
    assert_eq!(archive.matrix_rounded::<f32>("s").unwrap()[(0, 0)], 0.1);
}

/// Labels and counters of others come in any type, and each is what it says.
#[test]
fn whole_numbers_of_any_type_are_read() {
    let list = |dtype, bytes: &[u8], n| {
        let tensor = TensorView::new(dtype, vec![n], bytes).unwrap();
        Archive::from_bytes(&safetensors::serialize([("y", tensor)], None).unwrap()).unwrap()
    };
    let signed = list(Dtype::I64, &[7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], 2);
    assert_eq!(signed.whole("y").unwrap(), [7, 256]);
    assert_eq!(signed.vector_rounded::<f32>("y").unwrap(), [7.0, 256.0]);
    assert!(signed.vector::<f64>("y").is_err());
    assert_eq!(list(Dtype::U8, &[255, 0], 2).whole("y").unwrap(), [255, 0]);
    assert_eq!(list(Dtype::U16, &[255, 1], 1).whole("y").unwrap(), [511]);
    let below = list(Dtype::I8, &[1, 254], 2);
    assert_eq!(problem(below.whole("y")), FileProblem::Negative { value: -2, index: vec![1] });
    assert_eq!(below.vector_rounded::<f64>("y").unwrap(), [1.0, -2.0]);
    assert_eq!(list(Dtype::I32, &[0xff; 4], 1).vector_rounded::<f64>("y").unwrap(), [-1.0]);
    // 2^63 + 2^39 + 1: f64 rounds it to the middle between two numbers of f32, and so to the even one.
    let middle = (1_u64 << 63) + (1 << 39) + 1;
    let rounded = list(Dtype::U64, &middle.to_le_bytes(), 1).vector_rounded::<f32>("y").unwrap();
    assert_eq!(rounded, [9_223_373_136_366_403_584.0]);
}

#[test]
fn bits_are_kept() {
    let quiet = f64::from_bits(0x7ff8_0000_dead_beef);
    let values = [-0.0, quiet, f64::MIN_POSITIVE / 8.0, f64::MAX];
    let mut archive = Archive::new();
    archive.insert_vector("v", &values);
    let again = Archive::from_bytes(&archive.to_bytes().unwrap()).unwrap();
    let found = again.vector_of_any_values::<f64>("v").unwrap();
    assert!(found.iter().zip(values).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn names_that_the_file_uses_are_refused() {
    let mut archive = Archive::new();
    archive.insert_whole("__metadata__", &[1]);
    assert!(matches!(problem(archive.to_bytes()), FileProblem::Format { .. }));
    let mut archive = Archive::new();
    archive.set_text("crc32", "00000000");
    assert!(matches!(problem(archive.to_bytes()), FileProblem::Format { .. }));
}

#[test]
fn kinds_and_versions_are_looked_at() {
    let mut archive = Archive::new();
    assert_eq!(problem(archive.check_kind("mlp", 1)), FileProblem::Missing);
    archive.describe("mlp", 3, "");
    assert_eq!(archive.check_kind("mlp", 3).unwrap(), 3);
    assert_eq!(problem(archive.check_kind("mlp", 2)), FileProblem::Version { found: 3, newest: 2 });
    assert_eq!(
        archive.check_kind("checkpoint", 3).unwrap_err().to_string(),
        "archive, kind: is \"mlp\", it must be \"checkpoint\""
    );
    for wrong in ["0", "-1", "", "one"] {
        archive.set_text("format_version", wrong);
        assert!(matches!(problem(archive.check_kind("mlp", 3)), FileProblem::Text { .. }));
    }
}

#[test]
fn a_file_is_told_by_its_path() {
    let folder = Folder::new("archive");
    let path = folder.path("a.safetensors");
    full().write(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), full().to_bytes().unwrap());
    let archive = Archive::read(&path).unwrap();
    assert_eq!(archive, full());
    let error = file_error(archive.matrix::<f64>("W").unwrap_err());
    assert_eq!((error.path(), error.name()), (Some(&path as &std::path::Path), Some("W")));
    let missing = file_error(Archive::read(folder.path("b")).unwrap_err());
    assert!(matches!(missing.problem(), FileProblem::Io { kind: std::io::ErrorKind::NotFound, .. }));
}
