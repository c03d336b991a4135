//! One example, by hand against the tape: eq. 1–20.
//!
//! A network 3-2-1 and a single example. Its loss and all derivatives are worked out three times:
//!
//! 1. number by number, as in eq. 1, 2, 8–14 and 17–19, with a loop over every weight w_jk;
//! 2. by the tape, from the matrix equations 3 and 4 alone;
//! 3. as eq. 15, 16 and 20, written down by hand on the same tape: they are the very entries that the tape derived.
//!
//! Run it with `cargo run --release --example 02_one_example`.

use tape::{Error, Function, Matrix, Tape, Var, matrix};

/// n_0, n_1, n_2.
const N: [usize; 3] = [3, 2, 1];
const X: [f64; 3] = [0.5, -1.0, 2.0];
const Y: f64 = 1.0;

fn main() -> Result<(), Error> {
    let w = [matrix![[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], matrix![[0.7, -0.8]]];
    let b = [matrix![[0.01], [-0.02]], matrix![[0.03]]];
    println!("A network 3-2-1 with tanh and sigmoid, one example x = {X:?} with y = {Y}\n");
    let by_hand = number_by_number(&w, &b);
    let tape = Tape::new();
    let network = Network::record(&tape, &w, &b);
    compare(&network, &by_hand)?;
    the_equations_are_entries(&tape, &network)
}

/// What the loops find; position l − 1 holds layer l.
#[derive(Default)]
struct ByHand {
    loss: f64,
    dw: Vec<Vec<Vec<f64>>>,
    db: Vec<Vec<f64>>,
    da: Vec<Vec<f64>>,
}

fn number_by_number(w: &[Matrix<f64>; 2], b: &[Matrix<f64>; 2]) -> ByHand {
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    // g and g′ of layer 1 and of layer 2.
    let g = |l: usize, z: f64| if l == 1 { z.tanh() } else { sigmoid(z) };
    let g_prime =
        |l: usize, z: f64| if l == 1 { 1.0 - z.tanh().powi(2) } else { sigmoid(z) * (1.0 - sigmoid(z)) };

    // Forward. Position l of `a` holds a[l], with a[0] = x; position l − 1 of `z` holds z[l].
    let mut a = vec![X.to_vec()];
    let mut z = Vec::new();
    for l in 1..=2 {
        let mut z_l = Vec::new();
        for j in 0..N[l] {
            let sum: f64 = (0..N[l - 1]).map(|k| w[l - 1][(j, k)] * a[l - 1][k]).sum();
            z_l.push(sum + b[l - 1][(j, 0)]); // eq. 1
        }
        a.push(z_l.iter().map(|&z| g(l, z)).collect()); // eq. 2
        z.push(z_l);
    }
    let output = a[2][0];
    let loss = -(Y * output.ln() + (1.0 - Y) * (1.0 - output).ln()); // eq. 5

    // Backward, from the last layer to the first.
    let mut found = ByHand { loss, ..ByHand::default() };
    let mut da = vec![-(Y / output - (1.0 - Y) / (1.0 - output))]; // eq. 8
    for l in [2, 1] {
        // Eq. 12–14 with ∂z_j/∂b_j = 1: this is also ∂ℒ/∂z_j, the part that eq. 9 and eq. 12 share.
        let db: Vec<f64> = (0..N[l]).map(|j| da[j] * g_prime(l, z[l - 1][j])).collect();
        // Eq. 9, with eq. 10 in it, and ∂z_j/∂w_jk = a_k of the layer before (eq. 11).
        let dw = (0..N[l]).map(|j| (0..N[l - 1]).map(|k| db[j] * a[l - 1][k]).collect()).collect();
        // Eq. 17–19: a neuron k of the layer before feeds every neuron j of this one.
        let before = (0..N[l - 1]).map(|k| (0..N[l]).map(|j| w[l - 1][(j, k)] * db[j]).sum()).collect();
        found.da.insert(0, std::mem::replace(&mut da, before));
        found.dw.insert(0, dw);
        found.db.insert(0, db);
    }
    found
}

/// The network as entries; position l − 1 holds layer l, and `a` begins with x.
struct Network<'t> {
    w: [Var<'t, f64>; 2],
    a: [Var<'t, f64>; 3],
    z: [Var<'t, f64>; 2],
    y: Var<'t, f64>,
    loss: Var<'t, f64>,
    dw: [Var<'t, f64>; 2],
    db: [Var<'t, f64>; 2],
    da: [Var<'t, f64>; 2],
}

impl<'t> Network<'t> {
    fn record(tape: &'t Tape<f64>, w: &[Matrix<f64>; 2], b: &[Matrix<f64>; 2]) -> Self {
        let x = tape.constant("x", &Matrix::column_vector(&X));
        let y = tape.constant("y", &Matrix::scalar(Y));
        let (w1, b1) = (tape.parameter("W[1]", &w[0]), tape.parameter("b[1]", &b[0]));
        let (w2, b2) = (tape.parameter("W[2]", &w[1]), tape.parameter("b[2]", &b[1]));
        let z1 = (w1.matmul(x) + b1).named("z[1]"); // eq. 3
        let a1 = z1.tanh().named("a[1]"); // eq. 4
        let z2 = (w2.matmul(a1) + b2).named("z[2]");
        let a2 = z2.sigmoid().named("a[2]");
        let loss = a2.log_loss(y).named("ℒ"); // eq. 5
        let [dw1, dw2, db1, db2, da1, da2] = loss.gradients([w1, w2, b1, b2, a1, a2]);
        Network {
            w: [w1, w2],
            a: [x, a1, a2],
            z: [z1, z2],
            y,
            loss,
            dw: [dw1, dw2],
            db: [db1, db2],
            da: [da1, da2],
        }
    }
}

fn compare(network: &Network<'_>, by_hand: &ByHand) -> Result<(), Error> {
    println!("{:<14}{:>20}{:>20}", "", "number by number", "tape");
    show("ℒ", by_hand.loss, network.loss.value()?[(0, 0)]);
    for l in [2, 1] {
        let (dw, db, da) = (network.dw[l - 1].value()?, network.db[l - 1].value()?, network.da[l - 1].value()?);
        for j in 0..N[l] {
            show(&format!("∂ℒ/∂a_{}[{l}]", j + 1), by_hand.da[l - 1][j], da[(j, 0)]);
        }
        for j in 0..N[l] {
            for k in 0..N[l - 1] {
                show(&format!("∂ℒ/∂w_{}{}[{l}]", j + 1, k + 1), by_hand.dw[l - 1][j][k], dw[(j, k)]);
            }
            show(&format!("∂ℒ/∂b_{}[{l}]", j + 1), by_hand.db[l - 1][j], db[(j, 0)]);
        }
    }
    Ok(())
}

fn show(what: &str, by_hand: f64, tape: f64) {
    println!("{what:<14}{by_hand:>20.16}{tape:>20.16}");
    assert!((by_hand - tape).abs() < 1e-15, "{what}: {by_hand} by hand, {tape} by the tape");
}

/// Eq. 8, 15, 16 and 20 recorded after differentiation: each is an entry that is there already.
fn the_equations_are_entries(tape: &Tape<f64>, network: &Network<'_>) -> Result<(), Error> {
    let Network { w, a, z, y, dw, db, da, .. } = network;
    let (y, output) = (*y, a[2]);
    let length = tape.len();
    let g = [Function::Tanh, Function::Sigmoid];
    let da2 = -(y / output - (1.0 - y) / (1.0 - output)); // eq. 8
    let dz2 = da2 * z[1].map_derivative(&g[1]); // eq. 16
    let dw2 = dz2.matmul(a[1].t()); // eq. 15
    let da1 = w[1].t().matmul(dz2); // eq. 20
    let dz1 = da1 * z[0].map_derivative(&g[0]);
    let dw1 = dz1.matmul(a[0].t());
    assert_eq!([da1, da2], *da);
    assert_eq!([dz1, dz2], *db); // eq. 16: ∂ℒ/∂b[l] = ∂ℒ/∂z[l]
    assert_eq!([dw1, dw2], *dw);
    assert_eq!(tape.len(), length);
    println!("\nThe tape holds {length} entries. Eq. 8, 15, 16 and 20, recorded by hand, added none:");
    println!("each is the very entry that differentiation derived.\n\n{tape}");
    Ok(())
}
