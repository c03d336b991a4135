//! Networks of other libraries: read from their files, they predict what ONNX Runtime predicts. The files are made by
//! tests/golden/onnx_import.py.

use mlp::{Activation, Error, Loss, Mlp, Scalar};
use serde_json::Value;
use tape::{Matrix, OnnxOptions};

const ROWS: &[u8] = include_bytes!("golden/import_rows.onnx");
const COLUMNS: &[u8] = include_bytes!("golden/import_columns.onnx");

/// Examples in rows, as the file has them, as columns.
fn columns<T: Scalar>(rows: &Value) -> Matrix<T> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(rows.clone()).expect("rows of numbers");
    Matrix::from_fn(rows[0].len(), rows.len(), |i, j| T::from_f64(rows[j][i]))
}

fn worst<T: Scalar>(found: &Matrix<T>, expected: &Matrix<T>) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    let pairs = found.iter().zip(expected.iter());
    pairs.fold(0.0, |worst: f64, (a, b)| worst.max((a.to_f64() - b.to_f64()).abs()))
}

#[test]
fn examples_in_rows_and_a_softmax() {
    let golden: Value = serde_json::from_str(include_str!("golden/import_rows.json")).expect("JSON");
    let mlp = Mlp::<f32>::from_onnx(ROWS).unwrap();
    assert_eq!((mlp.sizes(), mlp.loss_function()), (&[3, 5, 4, 2][..], Loss::SoftmaxCrossEntropy));
    assert_eq!(mlp.activations(), [Activation::Elu(0.5), Activation::Silu, Activation::Identity]);
    let mut shares = mlp.predict(&columns(&golden["x"])).unwrap().map(|z| z.exp());
    for i in 0..shares.columns() {
        let column = shares.column_mut(i);
        let sum: f32 = column.iter().sum();
        column.iter_mut().for_each(|e| *e /= sum);
    }
    assert!(worst(&shares, &columns(&golden["y"])) < 1e-6);
}

#[test]
fn examples_in_columns() {
    let golden: Value = serde_json::from_str(include_str!("golden/import_columns.json")).expect("JSON");
    let mlp = Mlp::<f64>::from_onnx(COLUMNS).unwrap();
    assert_eq!((mlp.sizes(), mlp.loss_function()), (&[3, 4, 1][..], Loss::LogLoss));
    assert!(mlp.parameters()["b[2]"].iter().all(|&b| b == 0.0), "there is none in the file");
    assert!(worst(&mlp.predict(&columns(&golden["x"])).unwrap(), &columns(&golden["y"])) < 1e-14);
    // The other number type is no matter.
    assert_eq!(Mlp::<f32>::from_onnx(COLUMNS).unwrap().sizes(), mlp.sizes());
}

#[test]
fn what_was_exported_is_read_back() {
    let mlp = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(3, Activation::Silu);
    let mlp = mlp.layer(1, Activation::Identity).seed(5).build().unwrap();
    for options in [OnnxOptions::default(), OnnxOptions::default().examples_as_rows(true)] {
        let read = Mlp::from_onnx(&mlp.export().to_onnx(&options).unwrap()).unwrap();
        assert_eq!((read.parameters(), read.activations()), (mlp.parameters(), mlp.activations()));
    }
}

#[test]
fn what_is_no_network_is_an_error() {
    let reason = |bytes: &[u8]| match Mlp::<f64>::from_onnx(bytes) {
        Err(Error::NotImportable { format: "ONNX", reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(b""), "no graph");
    assert!(reason(b"no file of that kind").len() > 5);
    let mlp = Mlp::<f64>::new(2).layer(1, Activation::Tanh).build().unwrap();
    let step = mlp.export().step().to_onnx(&OnnxOptions::default()).unwrap();
    assert!(reason(&step).contains("2 inputs and 3 outputs"));
    let softplus = Mlp::<f64>::new(2).layer(1, Activation::Softplus).build().unwrap();
    let file = softplus.export().to_onnx(&OnnxOptions::default()).unwrap();
    assert!(reason(&file).contains("two nodes read one value"), "{}", reason(&file));
}

/// Networks that are no chain of layers, though each node could be a part of one.
#[test]
fn what_goes_over_the_examples_is_an_error() {
    let files: [(&[u8], &str); 5] = [
        (include_bytes!("golden/import_softmax_of_examples.onnx"), "not over the outputs of each example"),
        (include_bytes!("golden/import_softmax_turned.onnx"), "not over the outputs of each example"),
        (include_bytes!("golden/import_bias_of_examples.onnx"), "not a number for each neuron"),
        (include_bytes!("golden/import_square.onnx"), "two nodes read one value"),
        (include_bytes!("golden/import_same_axes.onnx"), "in rows before and are in columns here"),
    ];
    for (file, expected) in files {
        let error = Mlp::<f32>::from_onnx(file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Files that end early, and files in which a byte is another: a network or an error, never a panic, nor memory that the
/// file only claims.
#[test]
fn hostile_files() {
    for file in [ROWS, COLUMNS] {
        // The last field tells the version of the operators.
        for end in 0..file.len() - 10 {
            assert!(Mlp::<f32>::from_onnx(&file[..end]).is_err(), "{end} bytes");
        }
        for at in 0..file.len() {
            for byte in [0, 0x7f, 0x80, 0xff, file[at] ^ 1] {
                let mut changed = file.to_vec();
                changed[at] = byte;
                let _ = Mlp::<f32>::from_onnx(&changed);
            }
        }
    }
}
