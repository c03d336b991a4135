//! The bytes of small files, read back field by field.

use super::OnnxOptions;
use crate::{Dim, Error, Function, Matrix, Noise, Options, Over, Shape, Tape, Var, matrix, num};

/// A field of a message: its number and its value.
#[derive(Debug, Clone, PartialEq)]
enum Field<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    FourBytes([u8; 4]),
}

/// The fields of a message, in their order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let (mut x, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = bytes.split_first().expect("a varint ends");
            *bytes = rest;
            x |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return x;
            }
        }
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Field::Integer(varint(&mut bytes)),
            2 => {
                let len = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(len);
                bytes = rest;
                Field::Bytes(value)
            }
            5 => {
                let (value, rest) = bytes.split_first_chunk().expect("four bytes");
                bytes = rest;
                Field::FourBytes(*value)
            }
            stored => panic!("stored in the way {stored}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

/// All messages or texts of a field.
fn all<'a>(bytes: &'a [u8], number: u64) -> Vec<&'a [u8]> {
    let of = |(field, value): (u64, Field<'a>)| match value {
        Field::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    };
    fields(bytes).into_iter().filter_map(of).collect()
}

fn text(bytes: &[u8], number: u64) -> String {
    String::from_utf8(all(bytes, number)[0].to_vec()).expect("UTF-8")
}

fn integers(bytes: &[u8], number: u64) -> Vec<u64> {
    let of = |(field, value): (u64, Field<'_>)| match value {
        Field::Integer(x) if field == number => Some(x),
        _ => None,
    };
    fields(bytes).into_iter().filter_map(of).collect()
}

/// An input or an output: its name, the type of its elements, its extents.
fn value(bytes: &[u8]) -> (String, u64, Vec<String>) {
    let tensor = all(all(bytes, 2)[0], 1)[0];
    let extent = |dim: &&[u8]| match fields(dim)[0] {
        (1, Field::Integer(n)) => n.to_string(),
        (2, Field::Bytes(name)) => String::from_utf8(name.to_vec()).expect("UTF-8"),
        ref other => panic!("{other:?}"),
    };
    (text(bytes, 1), integers(tensor, 1)[0], all(all(tensor, 2)[0], 1).iter().map(extent).collect())
}

/// A node: its operation, its inputs and its output.
fn node(bytes: &[u8]) -> (String, Vec<String>, String) {
    let of = |bytes: &&[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (text(bytes, 4), all(bytes, 1).iter().map(of).collect(), text(bytes, 2))
}

fn graph(file: &[u8]) -> &[u8] {
    all(file, 7)[0]
}

fn prediction(tape: &Tape<f64>) -> Var<'_, f64> {
    let w = tape.parameter("W", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    let b = tape.parameter("b", &matrix![[0.5], [-0.5]]);
    (w.matmul(tape.examples_unbound("X", 2)) + b).named("Z").sigmoid().named("A")
}

#[test]
fn a_prediction_is_three_nodes() {
    let tape = Tape::new();
    let file = tape.compile([prediction(&tape)]).unwrap().to_onnx(&OnnxOptions::default()).unwrap();
    assert_eq!(integers(&file, 1), [8], "the version of the file format");
    assert_eq!(text(&file, 2), "tape");
    assert_eq!(integers(all(&file, 8)[0], 2), [18], "the version of the operators");
    let graph = graph(&file);
    let nodes: Vec<_> = all(graph, 1).into_iter().map(node).collect();
    let operations: Vec<&str> = nodes.iter().map(|(operation, ..)| operation.as_str()).collect();
    assert_eq!(operations, ["MatMul", "Add", "Sigmoid"]);
    assert_eq!(nodes[0].1, ["W", "X"]);
    assert_eq!(nodes[2].2, "A");
    assert_eq!(value(all(graph, 11)[0]), ("X".into(), 11, vec!["2".into(), "m".into()]));
    assert_eq!(value(all(graph, 12)[0]), ("A".into(), 11, vec!["2".into(), "m".into()]));
    let constants = all(graph, 5);
    let (w, b) = (constants[0], constants[1]);
    assert_eq!((text(w, 8), integers(w, 1), integers(w, 2)), ("W".into(), vec![2, 2], vec![11]));
    let numbers: Vec<f64> = all(w, 9)[0].as_chunks().0.iter().map(|x| f64::from_le_bytes(*x)).collect();
    assert_eq!(numbers, [1.0, 2.0, 3.0, 4.0], "row by row");
    assert_eq!((text(b, 8), integers(b, 1)), ("b".into(), vec![2, 1]));
    assert_eq!(file.len(), 204, "golden size");
}

#[test]
fn options_change_what_is_given_and_how() {
    let tape = Tape::new();
    let program = tape.compile([prediction(&tape)]).unwrap();
    let file = program.to_onnx(&OnnxOptions::default().parameters_as_inputs(true)).unwrap();
    let inputs = all(graph(&file), 11);
    let names: Vec<String> = inputs.iter().map(|input| value(input).0).collect();
    assert_eq!(names, ["W", "b", "X"]);
    assert!(all(graph(&file), 5).is_empty());
    let file = program.to_onnx(&OnnxOptions::default().examples_as_rows(true)).unwrap();
    assert_eq!(value(all(graph(&file), 11)[0]).2, ["m", "2"]);
    assert_eq!(value(all(graph(&file), 12)[0]).2, ["m", "2"]);
}

#[test]
fn parameters_with_columns_of_examples_are_inputs() {
    let tape = Tape::<f64>::new();
    let u = tape.parameter_unbound("U", Shape::new(2, Dim::M));
    let mut program = tape.compile([u * tape.examples_unbound("X", 2), u.mean()]).unwrap();
    program.bind(u, &Matrix::zeros(2, 3)).unwrap();
    let file = program.to_onnx(&OnnxOptions::default()).unwrap();
    assert_eq!(value(all(graph(&file), 11)[0]), ("U".into(), 11, vec!["2".into(), "m".into()]));
}

#[test]
fn numbers_are_of_the_program_s_type() {
    let tape = Tape::<f32>::new();
    let x = tape.examples_unbound("X", 1) * num(2.0);
    let file = tape.compile([x]).unwrap().to_onnx(&OnnxOptions::default()).unwrap();
    assert_eq!(value(all(graph(&file), 12)[0]).1, 1);
}

#[test]
fn names_are_each_of_one_value() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 1);
    let outputs = [x.exp().named("X"), x, x.exp().sin().named("Y"), x.exp()];
    let file = tape.compile(outputs).unwrap().to_onnx(&OnnxOptions::default()).unwrap();
    let names: Vec<String> = all(graph(&file), 12).into_iter().map(|output| value(output).0).collect();
    assert_eq!(names, ["X (2)", "X (3)", "Y", "X (4)"], "an input has the name X");
}

#[test]
fn what_has_no_operators_is_an_error_with_its_place() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[4.0, 1.0], [1.0, 3.0]]);
    let cube = Function::new("cube", |x: f64| x * x * x);
    let noise = tape.noise("ε", Shape::new(2, 2), Noise::Normal);
    for (of, operation, reason) in [
        (x.cholesky(), "cholesky", "factor"),
        (x.map(&cube), "cube", "no operators"),
        (x.atan2(x), "atan2", "no such operator"),
        (x + noise, "leaf", "drawn by the program"),
    ] {
        let error = tape.compile([of]).unwrap().to_onnx(&OnnxOptions::default()).unwrap_err();
        let Error::NotExportable(about) = &error else { panic!("{error}") };
        assert_eq!((about.format, about.operation.as_str()), ("ONNX", operation));
        assert!(about.reason.contains(reason), "{error}");
        assert!(about.at.file().ends_with("onnx/tests.rs"), "{error}");
    }
    let unbound = tape.parameter_unbound("w", Shape::new(1, 1));
    let error = tape.compile([unbound.exp()]).unwrap().to_onnx(&OnnxOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Unbound { .. }), "{error}");
}

#[test]
fn what_the_rewrites_make_stable_is_written() {
    let tape = Tape::<f64>::new();
    let (z, y) = (tape.examples("Z", &Matrix::zeros(1, 1)), tape.examples("Y", &Matrix::zeros(1, 1)));
    let loss = z.sigmoid().log_loss(y).sum();
    let operations = |options: Options| {
        let file = tape.compile_with([loss], options).unwrap().to_onnx(&OnnxOptions::default()).unwrap();
        all(graph(&file), 1).into_iter().map(|bytes| node(bytes).0).collect::<Vec<_>>()
    };
    assert!(!operations(Options::default()).contains(&"Sigmoid".to_owned()), "log-loss on logits");
    assert!(operations(Options::literal()).contains(&"Sigmoid".to_owned()));
}

/// The gradient of a table is zeros but for the columns that were named: the file does not hold them.
#[test]
fn gradients_of_tables_take_no_room() {
    let tape = Tape::<f64>::new();
    let table = tape.parameter_unbound("E", Shape::new(1 << 20, 1 << 20));
    let [de] = table.gather(tape.indices_unbound("item", 2)).sum().gradients([table]);
    let file = tape.compile([de]).unwrap().to_onnx(&OnnxOptions::default()).unwrap();
    assert!(file.len() < 1000, "{} bytes", file.len());
}

/// ONNX reduces nothing to −∞, also the sizes of nothing.
#[test]
fn the_greatest_size_of_nothing_is_zero() {
    let tape = Tape::<f64>::new();
    let (x, none) = (tape.examples_unbound("X", 2), tape.examples_unbound("none", 0));
    let operations = |of: Var<'_, f64>| {
        let file = tape.compile([of]).unwrap().to_onnx(&OnnxOptions::default()).unwrap();
        all(graph(&file), 1).into_iter().map(|bytes| node(bytes).0).collect::<Vec<_>>()
    };
    assert_eq!(operations(x.max_norm_over(Over::Rows)), ["Abs", "ReduceMax"], "two rows are there");
    for of in [x.max_norm_over(Over::Columns), x.max_norm_over(Over::All), none.max_norm_over(Over::Rows)] {
        assert_eq!(operations(of), ["Abs", "ReduceMax", "Less", "Where"]);
    }
}
