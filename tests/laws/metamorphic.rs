//! What must not change, or must change in a known way, when the examples, the network or the way to write a loss do.

use std::cell::Cell;

use mlp::{Loss, Mlp, Purpose, Random, Scalar};
use proptest::prelude::*;
use tape::{Matrix, Options, Tape, Var};

use crate::support::cases::runner;
use crate::support::networks::{Description, G, descriptions, difference};

/// Calls `law` with random networks, the same in every run; prints the worst of the differences that it returns.
fn for_networks(what: &str, law: impl Fn(&Description) -> Result<f64, TestCaseError>) {
    // Each law compares a network with itself, on up to 300 examples: two tiles.
    for m in [2..=9, 60..=70, 250..=300] {
        let worst = Cell::new(0.0_f64);
        let smooth: Vec<G> = G::tame().into_iter().filter(|g| !g.has_kink()).collect();
        let result = runner(40).run(&descriptions(m, smooth), |description| {
            worst.set(worst.get().max(law(&description)?));
            Ok(())
        });
        println!("{what}: worst difference {:.1e}", worst.get());
        result.unwrap_or_else(|e| panic!("{what}: {e}"));
    }
}

/// J and the gradients of all parameters.
#[derive(Debug, Clone, PartialEq)]
struct Derived<T: Scalar> {
    j: T,
    gradients: Vec<Matrix<T>>,
}

fn derived<T: Scalar>(network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Derived<T> {
    Derived {
        j: network.loss(x, y).unwrap(),
        gradients: network.gradients(x, y).unwrap().into_values().collect(),
    }
}

/// The greater one, and NaN if there is one.
fn worse(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}

/// Asserts that J and every gradient, each relative to its own norm, are equal within the tolerance.
fn assert_equal(
    what: &str,
    found: &Derived<f64>,
    expected: &Derived<f64>,
    tolerance: f64,
) -> Result<f64, TestCaseError> {
    prop_assert_eq!(found.gradients.len(), expected.gradients.len());
    let mut worst = if found.j == expected.j { 0.0 } else { (found.j - expected.j).abs() / expected.j.abs() };
    for (found, expected) in found.gradients.iter().zip(&expected.gradients) {
        worst = worse(worst, difference(found, expected));
    }
    let close = worst <= tolerance;
    prop_assert!(close, "{what}: off by {worst:.1e}");
    Ok(worst)
}

/// Sums of up to 600 terms in another order, each with a rounding error of 1e-16, after six layers whose weights are up to
/// three times as large as usual.
const TOLERANCE: f64 = 1e-12;

fn shuffled(m: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed, Purpose::Shuffle);
    let mut order: Vec<usize> = (0..m).collect();
    (1..m).rev().for_each(|i| order.swap(i, random.below(i as u64 + 1) as usize));
    order
}

#[test]
fn the_order_of_the_examples_does_not_matter() {
    for_networks("permuted examples", |description| {
        let network = description.network::<f64>();
        let (x, y) = description.examples();
        let order = shuffled(description.m, description.seed);
        let permuted = derived(&network, &x.select_columns(&order), &y.select_columns(&order));
        assert_equal("permuted", &permuted, &derived(&network, &x, &y), TOLERANCE)
    });
}

#[test]
fn a_batch_that_comes_twice_counts_as_once() {
    for_networks("duplicated batch", |description| {
        let network = description.network::<f64>();
        let (x, y) = description.examples();
        let twice: Vec<usize> = (0..description.m).chain(0..description.m).collect();
        let doubled = derived(&network, &x.select_columns(&twice), &y.select_columns(&twice));
        assert_equal("duplicated", &doubled, &derived(&network, &x, &y), TOLERANCE)
    });
}

/// The loss and the gradients of a batch are the means of those of its parts, weighted by their numbers of examples.
#[test]
fn the_parts_of_a_batch_add_up() {
    for_networks("split batch", |description| {
        let network = description.network::<f64>();
        let (x, y) = description.examples();
        let m = description.m;
        let at = 1 + (description.seed % (m as u64 - 1)) as usize;
        let parts: Vec<(f64, Derived<f64>)> = [(0..at).collect::<Vec<_>>(), (at..m).collect()]
            .iter()
            .map(|part| {
                let weight = part.len() as f64 / m as f64;
                (weight, derived(&network, &x.select_columns(part), &y.select_columns(part)))
            })
            .collect();
        let whole = derived(&network, &x, &y);
        let mean = |k: usize| {
            let (p, q) = (&parts[0], &parts[1]);
            let (a, b) = (&p.1.gradients[k], &q.1.gradients[k]);
            Matrix::from_fn(a.rows(), a.columns(), |i, j| p.0 * a[(i, j)] + q.0 * b[(i, j)])
        };
        let j = parts.iter().map(|(weight, part)| weight * part.j).sum();
        let added = Derived { j, gradients: (0..whole.gradients.len()).map(mean).collect() };
        // The parts may cancel where the whole is small: ten times the tolerance.
        assert_equal("split", &added, &whole, 10.0 * TOLERANCE)
    });
}

/// Hidden neurons have no order: with the rows of W[l] and b[l] and the columns of W[l + 1] permuted alike, the loss is the
/// same and the gradients are permuted alike.
#[test]
fn the_order_of_hidden_neurons_does_not_matter() {
    for_networks("permuted hidden neurons", |description| {
        let network = description.network::<f64>();
        let (x, y) = description.examples();
        let mut permuted = network.clone();
        let orders: Vec<Vec<usize>> = (0..=description.layers())
            .map(|l| match l {
                _ if l == 0 || l == description.layers() => (0..description.sizes[l]).collect(),
                l => shuffled(description.sizes[l], description.seed ^ l as u64),
            })
            .collect();
        // In the order of the parameters: W[1], b[1], W[2], …
        let reordered = |at: usize, value: &Matrix<f64>| {
            let (rows, columns) = (&orders[at / 2 + 1], &orders[at / 2]);
            Matrix::from_fn(value.rows(), value.columns(), |i, j| {
                value[(rows[i], if at.is_multiple_of(2) { columns[j] } else { j })]
            })
        };
        for (at, (name, value)) in network.parameters().iter().enumerate() {
            permuted.set_parameter(name, reordered(at, value)).unwrap();
        }
        let mut expected = derived(&network, &x, &y);
        for (at, gradient) in expected.gradients.iter_mut().enumerate() {
            *gradient = reordered(at, gradient);
        }
        assert_equal("permuted neurons", &derived(&permuted, &x, &y), &expected, TOLERANCE)
    });
}

/// The log-loss does not care which of the classes is called 1: with y → 1 − y and z → −z the loss is the same, and the
/// gradient of the last layer changes its sign.
#[test]
fn the_classes_change_places() {
    let compared = Cell::new(0);
    for_networks("symmetry of log-loss", |description| {
        let last = description.layers();
        if description.loss != Loss::LogLoss || description.g[last - 1] != G::named("sigmoid") {
            return Ok(0.0);
        }
        let network = description.network::<f64>();
        let (x, y) = description.examples::<f64>();
        let mut mirrored = network.clone();
        for name in [format!("W[{last}]"), format!("b[{last}]")] {
            mirrored.set_parameter(&name, network.parameters()[&name].map(|w| -w)).unwrap();
        }
        let mut expected = derived(&network, &x, &y);
        let of_the_last_layer = 2 * (last - 1);
        for gradient in &mut expected.gradients[of_the_last_layer..] {
            *gradient = gradient.map(|g| -g);
        }
        compared.set(compared.get() + 1);
        assert_equal("mirrored", &derived(&mirrored, &x, &y.map(|y| 1.0 - y)), &expected, TOLERANCE)
    });
    assert!(compared.get() > 20, "{} networks", compared.get());
}

// ---- Saturation -----------------------------------------------------------------------------------------------

/// The ways to write eq. 5 over a sigmoid.
fn ways_to_write<'t, T: Scalar>(z: Var<'t, T>, y: Var<'t, T>) -> [(&'static str, Var<'t, T>); 5] {
    let (a, one) = (z.sigmoid(), z.tape().scalar(T::ONE));
    let other = one - y;
    [
        ("log_loss", a.log_loss(y)),
        ("log_loss_on_logits", z.log_loss_on_logits(y)),
        ("spelled out", -(y * a.ln() + other * (one - a).ln())),
        ("spelled out as two terms", -(y * a.ln()) - other * (one - a).ln()),
        ("spelled out, the factors behind", (a.ln() * y + (one - a).ln() * other) * T::from_f64(-1.0)),
    ]
}

/// σ(z) with all digits at both ends.
fn sigmoid(z: f64) -> f64 {
    if z < 0.0 { z.exp() / (1.0 + z.exp()) } else { 1.0 / (1.0 + (-z).exp()) }
}

/// eq. 5 from the logit: (1 − y)·softplus(z) + y·softplus(−z).
fn log_loss(y: f64, z: f64) -> f64 {
    let softplus = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
    // 0 · softplus is 0: the logits are finite.
    (1.0 - y) * softplus(z) + y * softplus(-z)
}

/// ∂ℒ/∂z = (1 − y)·σ(z) − y·σ(−z), which is σ(z) − y with all its digits.
fn slope(y: f64, z: f64) -> f64 {
    (1.0 - y) * sigmoid(z) - y * sigmoid(-z)
}

const LOGITS: [f64; 21] = [
    0.0, -0.0, 1e-300, -1e-8, 0.5, -0.5, 5.0, -5.0, 17.0, -17.0, 37.0, -37.0, 40.0, -40.0, 88.0, -88.0,
    745.0, -745.0, 1e3, -1e4, 1e4,
];

/// |found − expected| relative to the expected, where numbers below the least normal one are all alike.
fn relative<T: Scalar>(found: T, expected: f64) -> f64 {
    let least = if T::NAME == "f64" { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
    let apart = (found.to_f64() - expected).abs();
    if apart <= least { 0.0 } else { apart / expected.abs() }
}

/// Every logit with every label, as examples; in a batch of m the labels and logits repeat.
fn saturated<T: Scalar>(labels: &[f64], m: Option<usize>) -> (Matrix<T>, Matrix<T>) {
    let pairs: Vec<(f64, f64)> = labels.iter().flat_map(|&y| LOGITS.map(|z| (y, z))).collect();
    let m = m.unwrap_or(pairs.len());
    let z = Matrix::from_fn(1, m, |_, i| T::from_f64(pairs[i % pairs.len()].1));
    (z, Matrix::from_fn(1, m, |_, i| T::from_f64(pairs[i % pairs.len()].0)))
}

/// Law 6: the loss, and dJ/dz = (σ(z) − y)/m, are right at every finite logit, however eq. 5 is written.
///
/// Entry by entry and relative to each: `tolerance` is a few roundings of the functions, each within 2.5 ulp.
fn the_naive_formula_is_safe<T: Scalar>(labels: &[f64], tolerance: f64) {
    // Alone, in part of a tile, and in several tiles.
    for m in [None, Some(1), Some(700), Some(1030)] {
        let (z_value, y_value) = saturated::<T>(labels, m);
        let m = z_value.columns();
        let tape = Tape::<T>::new();
        let (z, y) = (tape.examples("Z", &z_value), tape.examples("Y", &y_value));
        let rewrites_only = Options::literal().rewrites(true);
        for (way, losses) in ways_to_write(z, y) {
            let j = losses.mean();
            let [dz] = j.gradients([z]);
            for options in [Options::default(), rewrites_only] {
                let mut program = tape.compile_with([losses, j, dz], options).unwrap();
                program.run().unwrap();
                let (found, slopes) = (program.view(losses).unwrap(), program.view(dz).unwrap());
                let mut sum = 0.0;
                for (i, (z, y)) in z_value.as_slice().iter().zip(y_value.as_slice()).enumerate() {
                    let (z, y) = (z.to_f64(), y.to_f64());
                    let (loss, slope) = (log_loss(y, z), slope(y, z) / m as f64);
                    sum += loss;
                    let (off, off_slope) =
                        (relative(found.as_slice()[i], loss), relative(slopes.as_slice()[i], slope));
                    let what = format!("{}, {way}, z = {z}, y = {y}, m = {m}", T::NAME);
                    let (close, close_slope) = (off <= tolerance, off_slope <= tolerance);
                    assert!(close, "{what}: ℒ is {}, not {loss:e}", found.as_slice()[i]);
                    assert!(
                        close_slope,
                        "{what}: dJ/dz is {:e}, not {slope:e}",
                        slopes.as_slice()[i].to_f64()
                    );
                }
                let j = program.scalar(j).unwrap().to_f64();
                assert!(
                    (j - sum / m as f64).abs() <= tolerance * j,
                    "{way}: J is {j}, not {}",
                    sum / m as f64
                );
            }
        }
    }
}

#[test]
fn saturated_logits() {
    the_naive_formula_is_safe::<f64>(&[0.0, 1.0], 4e-15);
    the_naive_formula_is_safe::<f32>(&[0.0, 1.0], 2e-6);
}

/// With a label between 0 and 1 the slope σ(z) − y vanishes where the label is right: it is accurate relative to the label
/// there, and the logits above stay away from that.
#[test]
fn saturated_logits_with_soft_labels() {
    the_naive_formula_is_safe::<f64>(&[0.25, 0.9], 4e-15);
}

/// Asserts that the second derivatives of the losses are σ′(z), relative to each within the tolerance.
fn assert_curvature(ways: std::ops::Range<usize>, up_to: f64, tolerance: f64) {
    let tape = Tape::<f64>::new();
    let (z_value, y_value) = saturated::<f64>(&[0.0, 1.0], None);
    let usual: Vec<usize> = (0..z_value.columns()).filter(|&i| z_value[(0, i)].abs() <= up_to).collect();
    let (z_value, y_value) = (z_value.select_columns(&usual), y_value.select_columns(&usual));
    let (z, y) = (tape.examples("Z", &z_value), tape.examples("Y", &y_value));
    for (way, losses) in &ways_to_write(z, y)[ways] {
        let [dz] = losses.sum().gradients([z]);
        let [ddz] = dz.sum().gradients([z]);
        let found = ddz.value().unwrap();
        for (i, &z) in z_value.as_slice().iter().enumerate() {
            let (found, y) = (found.as_slice()[i], y_value.as_slice()[i]);
            let off = relative(found, sigmoid(z) * sigmoid(-z));
            let close = off <= tolerance;
            assert!(close, "{way}, z = {z}, y = {y}: d²ℒ/dz² is {found:e}, off by {off:.1e}");
        }
    }
}

#[test]
fn the_curvature_of_the_losses() {
    // On logits at every one of them: two functions within 2.5 ulp.
    assert_curvature(1..2, f64::INFINITY, 4e-15);
    // From probabilities the terms cancel: at |z| = 5 all but 1/150 of them, which leaves 1e-16 · 150, a few times over.
    assert_curvature(0..5, 5.0, 1e-13);
}

#[test]
fn the_curvature_of_the_naive_formula_far_out() {
    assert_curvature(0..5, f64::INFINITY, 1e-12);
}

/// Relative accuracy where the textbook's formulas lose every digit; the references have 17 digits.
#[test]
fn slopes_far_out() {
    let value = |record: &dyn for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>, x: f64| {
        let tape = Tape::new();
        let x = tape.parameter("x", &Matrix::scalar(x));
        let y = record(x);
        let [dy] = y.gradients([x]);
        (y.value().unwrap()[(0, 0)], dy.value().unwrap()[(0, 0)])
    };
    let assert_near = |what: &str, found: f64, expected: f64| {
        let off = relative(found, expected);
        // 2.5 ulp of each function, of which there are two.
        assert!(off <= 1.2e-15, "{what}: {found:e} ought to be {expected:e}, off by {off:.1e}");
    };
    // σ(−x) = e⁻ˣ and σ′(±x) = e⁻ˣ, tanh′(x) = 4·e⁻²ˣ, softplus(−x) = e⁻ˣ, to 17 digits where e⁻ˣ < 1e-17.
    for x in [40.0_f64, 100.0, 700.0] {
        let e = (-x).exp();
        for sign in [1.0, -1.0] {
            assert_near("σ′", value(&|x| x.sigmoid(), sign * x).1, e);
            assert_near("tanh′", value(&|x| x.tanh(), sign * x / 2.0).1, 4.0 * e);
        }
        assert_near("σ", value(&|x| x.sigmoid(), -x).0, e);
        assert_near("softplus", value(&|x| x.softplus(), -x).0, e);
        assert_near("softplus′", value(&|x| x.softplus(), -x).1, e);
        assert_near("ln σ", value(&|x| x.log_sigmoid(), x).0, -e);
        assert_near("(ln σ)′", value(&|x| x.log_sigmoid(), x).1, e);
        assert_near("ln σ spelled out", value(&|x| x.sigmoid().ln(), x).0, -e);
        assert_near("1 − σ", value(&|x| x.tape().scalar(1.0) - x.sigmoid(), x).0, e);
    }
    assert_near("σ′(40)", value(&|x| x.sigmoid(), 40.0).1, 4.248354255291589e-18);
    // At ±10⁴ there is nothing left, and nothing goes wrong.
    for x in [1e4, -1e4] {
        assert_eq!(value(&|x| x.sigmoid(), x), (if x > 0.0 { 1.0 } else { 0.0 }, 0.0));
        assert_eq!(value(&|x| x.tanh(), x), (x.signum(), 0.0));
        assert_eq!(value(&|x| x.softplus(), x), (x.max(0.0), if x > 0.0 { 1.0 } else { 0.0 }));
        assert_eq!(value(&|x| x.log_sigmoid(), x), (x.min(0.0), if x > 0.0 { 0.0 } else { 1.0 }));
    }
}

/// A whole network with logits of up to ±10⁴ has the loss and the gradients of the closed form, all of them finite.
#[test]
fn a_network_that_is_sure_of_itself() {
    let mut worst: f64 = 0.0;
    for (m, weight) in [(1, 40.0), (7, 1000.0), (300, 1e4), (1030, 1e4)] {
        let sizes = vec![3, 5, 1];
        let g = vec![G::named("tanh"), G::named("sigmoid")];
        let mut network =
            Description { sizes, g, loss: Loss::LogLoss, m, scale: 1.0, seed: m as u64 }.network::<f64>();
        network
            .set_parameter("W[2]", Matrix::from_fn(1, 5, |_, j| weight * [1.0, -0.6, 0.3, -1.0, 0.8][j]))
            .unwrap();
        let mut random = Random::new(9, Purpose::Shuffle);
        let x = Matrix::from_fn(3, m, |_, _| random.symmetric(3.0));
        let y = Matrix::from_fn(1, m, |_, i| (i % 2) as f64);
        let found = derived(&network, &x, &y);
        let closed = network.closed_form(&x, &y).unwrap();
        assert!(
            found.j.is_finite() && found.gradients.iter().all(|g| g.as_slice().iter().all(|x| x.is_finite()))
        );
        worst = worse(worst, (found.j - closed.j).abs() / closed.j);
        for l in 1..=2 {
            worst = worse(worst, difference(&found.gradients[2 * l - 2], closed.dw(l)));
            worst = worse(worst, difference(&found.gradients[2 * l - 1], closed.db(l)));
        }
    }
    println!("sure networks: worst difference {worst:.1e}");
    // Logits of 10⁴ carry a rounding error of 1e-12 each, which the few undecided examples turn into that of their slopes.
    assert!(worst <= 1e-12, "{worst:.1e}");
}

/// Eq. 8 is the derivative of a loss with 0 · ln 0 = 0: where a prediction is certain and right, it is no 0/0.
#[test]
fn a_certain_prediction_has_a_gradient() {
    let sure = tape::Function::new("my_sigmoid", |z: f64| 1.0 / (1.0 + (-z).exp()))
        .with_derivative(tape::Function::SigmoidDerivative);
    let tape = Tape::new();
    let z = tape.parameter("Z", &tape::matrix![[40.0, -800.0]]);
    let y = tape.constant("Y", &tape::matrix![[1.0, 0.0]]);
    let loss = z.map(&sure).log_loss(y).sum();
    let [dz] = loss.gradients([z]);
    assert_eq!(loss.value().unwrap()[(0, 0)], 0.0);
    assert!(dz.value().unwrap().iter().all(|&slope| slope.abs() < 1e-16));

    let a = z.sigmoid();
    let [da] = a.log_loss(y).sum().gradients([a]);
    let slopes = da.value().unwrap();
    assert!((slopes[(0, 0)] + 1.0).abs() < 1e-15 && (slopes[(0, 1)] - 1.0).abs() < 1e-15, "{slopes}");
}

/// A loss that is spelled out has a value for any numbers in the place of its labels, and so has its gradient; `log_loss` refuses
/// what is no label, in a program and literally.
#[test]
fn what_stands_for_labels_may_be_any_numbers() {
    let tape = Tape::<f64>::new();
    let logits = Matrix::from_fn(1, 6, |_, j| [-30.0, -1.0, 0.0, 0.5, 3.0, 30.0][j]);
    let z = tape.parameter("z", &logits);
    for spelled in [2.0, -0.5, 1e300, f64::NAN] {
        let y = tape.constant("y", &Matrix::filled(1, 6, spelled));
        let a = z.sigmoid();
        let [dz] = (-(y * a.ln()) - (1.0 - y) * (1.0 - a).ln()).sum().gradients([z]);
        let by_hand = (1.0 - y) * a - y * (-z).sigmoid();
        for v in [dz, by_hand] {
            let found = v.value().unwrap();
            for (found, z) in found.as_slice().iter().zip(logits.as_slice()) {
                let right = sigmoid(*z) - spelled;
                let near = (found - right).abs() <= 1e-13 * (1.0 + spelled.abs());
                assert!(near || found.is_nan() && right.is_nan(), "y = {spelled}: {found}, {right}");
            }
        }
        for options in [Options::default(), Options::literal()] {
            let y = tape.constant("y", &Matrix::filled(1, 6, spelled + 0.25));
            let [dz] = z.sigmoid().log_loss(y).sum().gradients([z]);
            let refused = tape.compile_with([dz], options).unwrap().run().unwrap_err();
            assert!(matches!(refused, tape::Error::Label { .. }), "{refused}");
        }
    }
}
