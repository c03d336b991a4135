//! m examples at once: eq. 21–28.
//!
//! Examples stand side by side, as the columns of X. This example shows, on a network 2-3-1 and four examples, that
//!
//! 1. a column of Z[l] and A[l] is what that example alone would give (eq. 21–24), and J is the mean of the losses (eq. 25);
//! 2. what the tape derives from J are eq. 26, 27 and 28: written down by hand, they are entries that are there already;
//! 3. eq. 26 is the mean of the m gradients of eq. 15: one product of matrices adds up all examples;
//! 4. m is a symbol: the same program serves any number of examples.
//!
//! Run it with `cargo run --release --example 03_m_examples`.

use tape::{Error, Function, Matrix, Over, Tape, Var, matrix};

fn main() -> Result<(), Error> {
    let x = matrix![[0.5, -1.0, 2.0, 0.0], [1.5, 0.5, -0.5, -2.0]];
    let y = matrix![[1.0, 0.0, 1.0, 0.0]];
    let tape = Tape::new();
    let network = Network::record(&tape, &x, &y);
    a_column_is_an_example(&network, &x, &y)?;
    the_equations_are_entries(&tape, &network);
    the_mean_over_the_examples(&network)?;
    any_number_of_examples(&tape, &network)
}

/// The network as entries; position l − 1 holds layer l, and `a` begins with X.
struct Network<'t> {
    w: [Var<'t, f64>; 2],
    b: [Var<'t, f64>; 2],
    z: [Var<'t, f64>; 2],
    a: [Var<'t, f64>; 3],
    y: Var<'t, f64>,
    losses: Var<'t, f64>,
    j: Var<'t, f64>,
}

impl<'t> Network<'t> {
    fn record(tape: &'t Tape<f64>, x: &Matrix<f64>, y: &Matrix<f64>) -> Self {
        let (x, y) = (tape.examples("X", x), tape.examples("Y", y));
        let w1 = tape.parameter("W[1]", &matrix![[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]]);
        let b1 = tape.parameter("b[1]", &matrix![[0.01], [-0.02], [0.03]]);
        let w2 = tape.parameter("W[2]", &matrix![[0.7, -0.8, 0.9]]);
        let b2 = tape.parameter("b[2]", &matrix![[-0.04]]);
        let z1 = (w1.matmul(x) + b1).named("Z[1]"); // eq. 23: the column b is added to every column
        let a1 = z1.tanh().named("A[1]"); // eq. 24
        let z2 = (w2.matmul(a1) + b2).named("Z[2]");
        let a2 = z2.sigmoid().named("A[2]");
        let losses = a2.log_loss(y).named("ℒ"); // eq. 5, for each example
        let j = losses.mean().named("J"); // eq. 25
        Network { w: [w1, w2], b: [b1, b2], z: [z1, z2], a: [x, a1, a2], y, losses, j }
    }
}

fn a_column_is_an_example(network: &Network<'_>, x: &Matrix<f64>, y: &Matrix<f64>) -> Result<(), Error> {
    println!("1. A column is an example: Z[1], A[1] and A[2] of all of them, and of each alone\n");
    let (z1, a1, a2) = (network.z[0].value()?, network.a[1].value()?, network.a[2].value()?);
    println!("Z[1] =\n{z1}\nA[1] =\n{a1}\nA[2] =\n{a2}\n");
    let mut sum = 0.0;
    for i in 0..4 {
        let tape = Tape::new();
        let one = Network::record(&tape, &x.select_columns(&[i]), &y.select_columns(&[i]));
        let loss = one.losses.value()?[(0, 0)];
        let apart = [(one.z[0].value()?, &z1), (one.a[1].value()?, &a1), (one.a[2].value()?, &a2)]
            .iter()
            .flat_map(|(alone, all)| alone.column(0).iter().zip(all.column(i)))
            .map(|(alone, all)| (alone - all).abs())
            .fold(0.0, f64::max);
        println!("  example {}: ℒ = {loss:.6}; alone and among the others {apart:?} apart", i + 1);
        assert!(apart < 1e-15, "example {} is not its column", i + 1);
        sum += loss;
    }
    let j = network.j.value()?[(0, 0)];
    println!("  J = {j:.6}, the mean of the four (eq. 25) = {:.6}\n", sum / 4.0);
    assert!((j - sum / 4.0).abs() < 1e-15);
    Ok(())
}

fn the_equations_are_entries<'t>(tape: &'t Tape<f64>, network: &Network<'t>) {
    let Network { w, b, z, a, y, losses, j } = *network;
    let gradients = j.gradients([w[1], b[1], w[0], b[0]]);
    // What is propagated is ∂ℒ, without 1/m. It is a part of the gradients, so this adds nothing but Σ ℒ.
    let [da2, da1] = losses.sum().gradients([a[2], a[1]]);
    println!("2. The tape: the network as it was recorded, then its derivatives\n\n{tape}");
    println!("The same as equations, δ[l] being what eq. 26, 27 and 28 have in common:\n");
    println!("{}\n", tape.equations(gradients));

    let length = tape.len();
    let by_hand_da2 = -(y / a[2] - (1.0 - y) / (1.0 - a[2])); // eq. 8
    let dz2 = by_hand_da2 * z[1].map_derivative(&Function::Sigmoid); // eq. 16
    let by_hand_da1 = w[1].t().matmul(dz2); // eq. 28
    let dz1 = by_hand_da1 * z[0].map_derivative(&Function::Tanh);
    let mean = tape.one_over_m();
    let by_hand = [
        ("∂J/∂W[2], eq. 26", mean * dz2.matmul(a[1].t()), gradients[0]),
        ("∂J/∂b[2], eq. 27", mean * dz2.sum_over(Over::Columns), gradients[1]),
        ("∂J/∂W[1], eq. 26", mean * dz1.matmul(a[0].t()), gradients[2]),
        ("∂J/∂b[1], eq. 27", mean * dz1.sum_over(Over::Columns), gradients[3]),
        ("∂ℒ/∂A[2], eq.  8", by_hand_da2, da2),
        ("∂ℒ/∂A[1], eq. 28", by_hand_da1, da1),
    ];
    println!("Recorded by hand:");
    for (equation, by_hand, derived) in by_hand {
        let number = |var: Var<'_, f64>| var.index().map_or("void".to_string(), |index| format!("%{index}"));
        println!("  {equation}: entry {}; the derived one: {}", number(by_hand), number(derived));
        assert_eq!(by_hand, derived, "{equation} is not the derived entry");
    }
    println!("The tape had {length} entries and has {}: nothing new was said by hand.\n", tape.len());
    assert_eq!(tape.len(), length);
}

fn the_mean_over_the_examples(network: &Network<'_>) -> Result<(), Error> {
    println!("3. ∂J/∂W[1] (eq. 26) against the mean of the four ∂ℒ/∂W[1] (eq. 15)\n");
    let w1 = network.w[0];
    let [each] = network.losses.per_example_gradients([w1])?;
    let [dw1] = network.j.gradients([w1]);
    let dw1 = dw1.value()?;
    for j in 0..3 {
        for k in 0..2 {
            // A gradient is a column, and in it the columns of ∂ℒ/∂W[1] stand one below the other.
            let of_examples: Vec<f64> = (0..4).map(|i| each[(k * 3 + j, i)]).collect();
            let mean = of_examples.iter().sum::<f64>() / 4.0;
            let terms: String = of_examples.iter().map(|term| format!("{term:>9.5}")).collect();
            println!("  w_{}{}: ({terms} ) / 4 = {mean:>9.6}; eq. 26: {:>9.6}", j + 1, k + 1, dw1[(j, k)]);
            assert!((mean - dw1[(j, k)]).abs() < 1e-15);
        }
    }
    println!();
    Ok(())
}

fn any_number_of_examples<'t>(tape: &'t Tape<f64>, network: &Network<'t>) -> Result<(), Error> {
    println!("4. One program, other numbers of examples\n");
    let Network { a, y: labels, j, w, .. } = *network;
    let [dw1] = j.gradients([w[0]]);
    let mut program = tape.compile([j, dw1])?;
    let mut first = None;
    for copies in [1, 2, 25_000] {
        // Every example `copies` times: the mean does not change, and so neither do J and its gradient.
        let columns: Vec<usize> = (0..4 * copies).map(|i| i % 4).collect();
        program.select_columns(a[0], &columns)?;
        program.select_columns(labels, &columns)?;
        program.run()?;
        let (j, dw1) = (program.scalar(j)?, program.view(dw1)?.to_matrix());
        println!("  m = {:>6}: J = {j:.12}, ‖∂J/∂W[1]‖ = {:.12}", columns.len(), dw1.norm());
        let (first_j, first_dw1) = first.get_or_insert_with(|| (j, dw1.clone()));
        assert!((j - *first_j).abs() < 1e-12 && (dw1.norm() - first_dw1.norm()).abs() < 1e-12);
    }
    Ok(())
}
