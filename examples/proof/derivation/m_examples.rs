//! Eq. 21–28: m examples, side by side.

use mlp::{Mlp, RecordedMlp, Result};
use tape::{Matrix, Over, Program, Tape, Var};

use super::one_example::{Entries, of_layer};
use super::{Claim, Finding, List, plain};

/// The claims of eq. 21 to 28, in order, and the list that they are about.
///
/// # Errors
/// Those of recording and running the network.
pub(crate) fn claims(
    network: &Mlp<f64>,
    x: &Matrix<f64>,
    y: &Matrix<f64>,
) -> Result<(Vec<Vec<Claim>>, List)> {
    let tape = Tape::new();
    let recorded = network.record(&tape, x, y)?;
    let derived = Derived::of(&recorded);
    let after_differentiation = tape.len();
    let hand = ByHand::record(&recorded, network);
    let after_recording_by_hand = tape.len();
    let list =
        List { equations: 21..=28, text: tape.to_string(), after_differentiation, after_recording_by_hand };

    let program = run(&recorded, &derived)?;
    let alone = Alone::of(network, x, y)?;
    let closed = network.closed_form(x, y)?;
    let same = |l: usize, derived: Var<'_, f64>, by_hand: Var<'_, f64>, expected: &Matrix<f64>| {
        let value = program.view(derived)?.to_matrix();
        Ok(of_layer(l, derived, vec![Finding::by_hand(derived, by_hand), plain::against(&value, expected)]))
    };
    let bits = |l: usize, entry: Var<'_, f64>, alone: &Matrix<f64>| {
        Ok(of_layer(l, entry, vec![same_bits(&program.view(entry)?.to_matrix(), alone)]))
    };
    let layers = 1..=network.layers();
    let RecordedMlp { z, a, j, .. } = &recorded;
    let forward = &closed.forward;
    let mut j = same(0, *j, hand.j, &Matrix::scalar(closed.j))?;
    j.place.clear();
    let claims: Vec<Result<Vec<Claim>>> = vec![
        layers.clone().map(|l| bits(l, z[l - 1], &alone.z[l - 1])).collect(), // 21
        layers.clone().map(|l| bits(l, a[l], &alone.a[l])).collect(),         // 22
        layers.clone().map(|l| same(l, z[l - 1], hand.z[l - 1], forward.z(l))).collect(), // 23
        layers.clone().map(|l| same(l, a[l], hand.a[l - 1], forward.a(l))).collect(), // 24
        Ok(vec![j]),                                                          // 25
        layers.clone().rev().map(|l| same(l, derived.w[l - 1], hand.dw[l - 1], closed.dw(l))).collect(), // 26
        layers.clone().rev().map(|l| same(l, derived.b[l - 1], hand.db[l - 1], closed.db(l))).collect(), // 27
        (0..network.layers()).rev().map(|l| same(l, derived.a[l], hand.da[l], closed.da(l))).collect(), // 28
    ];
    Ok((claims.into_iter().collect::<Result<_>>()?, list))
}

fn run(recorded: &RecordedMlp<'_, f64>, derived: &Derived<'_>) -> Result<Program<f64>> {
    let RecordedMlp { z, a, j, .. } = recorded;
    let Derived { w, b, a: da } = derived;
    let all = [z, a, w, b, da].into_iter().flatten().copied().chain([*j]);
    let mut program = j.tape().compile(all)?;
    program.run()?;
    Ok(program)
}

/// What the tape derived: ∂J/∂W\[l\] and ∂J/∂b\[l\] at l − 1, ∂ℒ/∂A\[l\] at l.
struct Derived<'t> {
    w: Vec<Var<'t, f64>>,
    b: Vec<Var<'t, f64>>,
    a: Vec<Var<'t, f64>>,
}

impl<'t> Derived<'t> {
    fn of(recorded: &RecordedMlp<'t, f64>) -> Self {
        let [w, b] = [&recorded.w, &recorded.b].map(|of| recorded.j.gradients(of));
        // What is propagated is ∂ℒ, without 1/m: the derivative of Σ ℒ.
        let a = recorded.losses.sum().gradients(&recorded.a);
        // An equation is written in named entries: of those of differentiation, in ∂ℒ/∂A[l], as the textbook writes them.
        let a = a.into_iter().map(|da| da.named(da.label())).collect();
        Derived { w, b, a }
    }
}

/// The equations, as a student would record them after differentiation; indices as in [`Derived`].
struct ByHand<'t> {
    z: Vec<Var<'t, f64>>,
    a: Vec<Var<'t, f64>>,
    j: Var<'t, f64>,
    dw: Vec<Var<'t, f64>>,
    db: Vec<Var<'t, f64>>,
    da: Vec<Var<'t, f64>>,
}

impl<'t> ByHand<'t> {
    fn record(recorded: &RecordedMlp<'t, f64>, network: &Mlp<f64>) -> Self {
        let RecordedMlp { w, b, z, a, y, losses, j } = recorded;
        let layers = 0..network.layers(); // layer l at l − 1
        let g = |l: usize| network.activations()[l].function();
        let (y, output, mean) = (*y, a[network.layers()], j.tape().one_over_m());
        let mut hand = ByHand {
            z: layers.clone().map(|l| w[l].matmul(a[l]) + b[l]).collect(), // eq. 23
            a: layers.clone().map(|l| z[l].map(&g(l))).collect(),          // eq. 24
            j: mean * losses.sum(),                                        // eq. 25
            dw: Vec::new(),
            db: Vec::new(),
            da: vec![-(y / output - (1.0 - y) / (1.0 - output))], // eq. 8
        };
        for l in layers.rev() {
            let dz = hand.da[0] * z[l].map_derivative(&g(l)); // eq. 16
            hand.dw.insert(0, mean * dz.matmul(a[l].t())); // eq. 26
            hand.db.insert(0, mean * dz.sum_over(Over::Columns)); // eq. 27
            hand.da.insert(0, w[l].t().matmul(dz)); // eq. 28
        }
        hand
    }
}

/// Z and A, column by column: each example alone, on a tape of its own that knows of no others.
struct Alone {
    z: Vec<Matrix<f64>>,
    a: Vec<Matrix<f64>>,
}

impl Alone {
    fn of(network: &Mlp<f64>, x: &Matrix<f64>, y: &Matrix<f64>) -> Result<Self> {
        let sizes = network.sizes();
        let mut z: Vec<Vec<f64>> = vec![Vec::new(); sizes.len() - 1];
        let mut a: Vec<Vec<f64>> = vec![Vec::new(); sizes.len()];
        for i in 0..x.columns() {
            let tape = Tape::new();
            let one = Entries::record(&tape, network, &x.select_columns(&[i]), &y.select_columns(&[i]));
            let mut program = tape.compile(one.z.iter().chain(&one.a).copied())?;
            program.run()?;
            for (column, &var) in z.iter_mut().chain(&mut a).zip(one.z.iter().chain(&one.a)) {
                column.extend_from_slice(program.view(var)?.as_slice());
            }
        }
        // The columns of a matrix stand one after the other.
        let matrix =
            |(&n, columns): (&usize, Vec<f64>)| Matrix::from_fn(n, x.columns(), |j, i| columns[i * n + j]);
        Ok(Alone {
            z: sizes[1..].iter().zip(z).map(matrix).collect(),
            a: sizes.iter().zip(a).map(matrix).collect(),
        })
    }
}

fn same_bits(all: &Matrix<f64>, alone: &Matrix<f64>) -> Finding {
    assert_eq!(all.shape(), alone.shape());
    let different =
        all.iter().zip(alone.iter()).filter(|(all, alone)| all.to_bits() != alone.to_bits()).count();
    Finding::SameBits { compared: all.as_slice().len(), different }
}
