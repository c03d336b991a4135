//! What is printed is read back as the entry that it was printed of.

use tape::{Matrix, Tape, Var};

#[track_caller]
fn round_trip(var: Var<'_, f64>) {
    let tape = var.tape();
    let text = var.equation().to_string();
    let length = tape.len();
    match tape.reader().read(&text) {
        Ok(read) => assert!(read.right == var, "{text}\nread {}\n{tape}", read.right.equation()),
        Err(error) => panic!("{text}\n{error}"),
    }
    assert_eq!(tape.len(), length, "{text}");
}

#[test]
fn a_small_network() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(2, 3));
    let y = tape.examples("Y", &Matrix::zeros(1, 3));
    let (w1, b1) =
        (tape.parameter("W[1]", &Matrix::zeros(4, 2)), tape.parameter("b[1]", &Matrix::zeros(4, 1)));
    let (w2, b2) =
        (tape.parameter("W[2]", &Matrix::zeros(1, 4)), tape.parameter("b[2]", &Matrix::zeros(1, 1)));
    let z1 = (w1.matmul(x) + b1).named("Z[1]");
    let a1 = z1.tanh().named("A[1]");
    let z2 = (w2.matmul(a1) + b2).named("Z[2]");
    let j = z2.sigmoid().named("A[2]").log_loss(y).mean().named("J");
    let gradients = j.gradients([w1, b1, w2, b2]);
    for var in [z1, a1, z2, j].into_iter().chain(gradients) {
        round_trip(var);
    }
    let reader = tape.reader().alias("A[0]", x);
    for text in [
        "1/m * d[1] * A[0]'",
        "dJ/dW[1] = 1/m * d[1] * A[0]'",
        "1/m · δ[1] * Xᵀ",
        "1/m * (dL/dA[1] .* g'(Z[1])) * X'",
        "1/m · ((W[2]ᵀ * d[2]) ⊙ tanh′(Z[1])) * A[0]ᵀ",
        "d[1] * A[0]' * 1/m",
        "∂J/∂W[1]",
    ] {
        let read = reader.read(text).map_err(|error| format!("{text}: {error}")).unwrap();
        assert!(read.right == gradients[0], "{text}: {}", read.right.equation());
    }
}
