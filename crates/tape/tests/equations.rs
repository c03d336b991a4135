//! What is printed of a tape, against literal texts.

use tape::{Matrix, Over, Tape, Var};

/// A network of fully connected layers over X with the log-loss, as the textbook writes it.
struct Net<'t> {
    w: Vec<Var<'t, f64>>,
    b: Vec<Var<'t, f64>>,
    z: Vec<Var<'t, f64>>,
    a: Vec<Var<'t, f64>>,
    j: Var<'t, f64>,
    dw: Vec<Var<'t, f64>>,
    db: Vec<Var<'t, f64>>,
}

fn net<'t>(tape: &'t Tape<f64>, sizes: &[usize]) -> Net<'t> {
    let x = tape.examples("X", &Matrix::zeros(sizes[0], 5));
    let y = tape.examples("Y", &Matrix::zeros(*sizes.last().unwrap(), 5));
    let (mut w, mut b, mut z, mut a) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut below = x;
    let layers = sizes.len() - 1;
    for l in 1..=layers {
        w.push(tape.parameter(&format!("W[{l}]"), &Matrix::zeros(sizes[l], sizes[l - 1])));
        b.push(tape.parameter(&format!("b[{l}]"), &Matrix::zeros(sizes[l], 1)));
        z.push((w[l - 1].matmul(below) + b[l - 1]).named(format!("Z[{l}]")));
        let activation = if l == layers { z[l - 1].sigmoid() } else { z[l - 1].tanh() };
        a.push(activation.named(format!("A[{l}]")));
        below = a[l - 1];
    }
    let j = below.log_loss(y).mean().named("J");
    let gradients = j.gradients_vec(&w.iter().chain(&b).copied().collect::<Vec<_>>());
    let (dw, db) = gradients.split_at(layers);
    Net { w, b, z, a, j, dw: dw.to_vec(), db: db.to_vec() }
}

#[track_caller]
fn prints(var: Var<'_, f64>, expected: &str) {
    assert_eq!(var.equation().to_string(), expected);
}

#[test]
fn depth_1_is_eq_26_and_27() {
    let tape = Tape::new();
    let net = net(&tape, &[3, 1]);
    prints(net.dw[0], "∂J/∂W[1] = 1/m · (∂ℒ/∂A[1] ⊙ g′(Z[1])) * Xᵀ");
    prints(net.db[0], "∂J/∂b[1] = 1/m · Σᵢ (∂ℒ/∂A[1] ⊙ g′(Z[1]))");
    prints(net.z[0], "Z[1] = W[1] * X + b[1]");
    prints(net.a[0], "A[1] = σ(Z[1])");
    prints(net.j, "J = 1/m · Σᵢ ℒ(Y, A[1])");
}

#[test]
fn depth_2_is_eq_26_to_28_and_eq_8() {
    let tape = Tape::new();
    let net = net(&tape, &[2, 4, 1]);
    prints(net.dw[0], "∂J/∂W[1] = 1/m · ((W[2]ᵀ * (∂ℒ/∂A[2] ⊙ g′(Z[2]))) ⊙ g′(Z[1])) * Xᵀ");
    prints(net.db[0], "∂J/∂b[1] = 1/m · Σᵢ ((W[2]ᵀ * (∂ℒ/∂A[2] ⊙ g′(Z[2]))) ⊙ g′(Z[1]))");
    prints(net.dw[1], "∂J/∂W[2] = 1/m · (∂ℒ/∂A[2] ⊙ g′(Z[2])) * A[1]ᵀ");
    prints(net.db[1], "∂J/∂b[2] = 1/m · Σᵢ (∂ℒ/∂A[2] ⊙ g′(Z[2]))");
    let [da1, da2] = net.j.gradients([net.a[0], net.a[1]]);
    prints(da2, "∂J/∂A[2] = 1/m · ∂ℒ/∂A[2]");
    prints(da1, "∂J/∂A[1] = 1/m · W[2]ᵀ * (∂ℒ/∂A[2] ⊙ g′(Z[2]))");
    let y = tape.variables().find(|v| v.name().as_deref() == Some("Y")).unwrap();
    let [da2] = net.a[1].log_loss(y).sum().gradients([net.a[1]]);
    prints(da2, "∂ℒ/∂A[2] = −(Y ⊘ A[2] − (1 − Y) ⊘ (1 − A[2]))");
    let named = net.dw[0].equation().with_function_names().to_string();
    assert_eq!(named, "∂J/∂W[1] = 1/m · ((W[2]ᵀ * (∂ℒ/∂A[2] ⊙ σ′(Z[2]))) ⊙ tanh′(Z[1])) * Xᵀ");
}
