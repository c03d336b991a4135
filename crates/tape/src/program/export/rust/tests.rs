//! What is written, and what is refused. The bits are compared in `tests/rust_source`.

use super::{MultiplyAdd, RustSource};
use crate::{Dim, Error, Function, Matrix, Options, Shape, Tape, matrix};

fn error_of(of: crate::Var<'_, f64>, source: &RustSource) -> Error {
    of.tape().compile([of]).unwrap().to_rust(source).unwrap_err()
}

#[test]
fn a_function_is_readable() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("W[1]", &matrix![[0.5, -0.25]]);
    let b = tape.parameter("b[1]", &matrix![[2.0]]);
    let a = (w.matmul(tape.examples_unbound("X", 2)) + b).named("Z[1]").relu().named("A[1]");
    let source = RustSource::new("predict").equations(tape.equations([a]));
    let text = tape.compile([a]).unwrap().to_rust(&source.multiply_add(MultiplyAdd::Twice)).unwrap();
    let function = &text[text.find("/// Of one example").unwrap()..text.find("\n}\n").unwrap()];
    let expected = "\
/// Of one example; matrices are stored column by column.
///
/// ```text
/// A[1] = relu(Z[1])
/// ```
#[allow(clippy::all, unused)]
pub fn predict(x: &[f64; 2], a_1: &mut [f64; 1]) {
    // Z[1] = W[1] * X + b[1]
    let mut z_1: [f64; 1] = [0.0; 1];
    {
        let total = dot(&W_1[..], &x[..]);
        z_1[0] = total + B_1[0];
    }
    // A[1] = relu(Z[1])
    a_1[0] = relu(z_1[0]);";
    assert_eq!(function, expected, "{text}");
    assert!(text.contains("static W_1: [f64; 2] = [0.5, -0.25];"), "{text}");
    assert!(!text.contains("fn exp"), "no more than what is used: {text}");
}

#[test]
fn parameters_with_columns_of_examples_are_arguments() {
    let tape = Tape::<f64>::new();
    let u = tape.parameter_unbound("U", Shape::new(2, Dim::M));
    let mut program = tape.compile([u * tape.examples_unbound("X", 2)]).unwrap();
    program.bind(u, &Matrix::zeros(2, 3)).unwrap();
    let text = program.to_rust(&RustSource::new("f").examples(7)).unwrap();
    assert!(text.contains("u: &[f64; 14]") && !text.contains("static"), "{text}");
}

#[test]
fn equations_are_comments_whatever_they_are() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("x", 1);
    let source = RustSource::new("f").equations("y = x\rfn\u{202e}g\nz = y");
    let text = tape.compile([x.exp()]).unwrap().to_rust(&source).unwrap();
    assert!(text.contains("/// y = x\\rfn\\u{202e}g\n/// z = y\n"), "rustc refuses what is escaped: {text}");
}

#[test]
fn what_cannot_be_written_is_an_error_with_its_place() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::filled(2, 1, 1.0));
    let w = tape.parameter("W", &matrix![[4.0, 1.0], [1.0, 3.0]]);
    let source = RustSource::new("f");
    let cube = Function::new("cube", |x: f64| x * x * x);
    for (of, operation, reason) in [
        (w.cholesky(), "cholesky", "not written down"),
        (x.map(&cube), "cube", "of the user's"),
        (x.ln_1p(), "ln_1p", "standard library"),
        (x.gelu(), "gelu", "not written down"),
    ] {
        let error = error_of(of, &source);
        let Error::NotExportable(about) = &error else { panic!("{error}") };
        assert_eq!((about.format, about.operation.as_str()), ("Rust source", operation));
        assert!(about.reason.contains(reason), "{error}");
        assert!(about.at.file().ends_with("rust/tests.rs"), "{error}");
    }
    let by_std = source.clone().multiply_add(MultiplyAdd::Std);
    assert!(tape.compile([x.ln_1p()]).unwrap().to_rust(&by_std).is_ok());
    for name in ["", "1st", "a b", "π", "f;g", "fn", "self", "gen", "exp", "softmax"] {
        let error = error_of(x.exp(), &RustSource::new(name));
        assert!(error.to_string().contains("no name of a function"), "{error}");
    }
    let error = error_of(x.exp(), &source.clone().examples(0));
    assert!(error.to_string().contains("a function of no examples"), "{error}");
    for m in [usize::MAX, usize::MAX / 16] {
        let error = error_of(x.exp(), &source.clone().examples(m));
        assert!(error.to_string().contains("so many elements"), "{error}");
    }
    let many = source.clone().examples(Options::CHUNK + 1);
    let error = error_of(x.sum(), &many);
    assert!(error.to_string().contains("more than 256 columns"), "{error}");
    assert!(tape.compile([x.exp()]).unwrap().to_rust(&many).is_ok(), "no sum");
    let unbound = tape.parameter_unbound("v", Shape::new(1, 1));
    assert!(matches!(error_of(unbound.exp(), &source), Error::Unbound { .. }));
}
