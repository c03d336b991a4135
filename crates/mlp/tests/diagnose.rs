//! Every mistake of the catalogue is named, at every layer, by identity and by numbers, or is in the table of those that are no
//! mistake there; what is right is never called wrong.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use mlp::diagnose::{ByNumbers, Exercise, Mistake, NotJudged, Numbers, Quantity, Verdict};
use mlp::{Activation, Loss, Mlp, Purpose, Random, Scalar};
use proptest::prelude::*;
use tape::{EquationReader, Matrix, Tape};

use support::network;

/// All quantities of so many layers, in the order in which they are computed.
fn quantities(layers: usize) -> Vec<Quantity> {
    let forward = (1..=layers).flat_map(|l| [Quantity::Z(l), Quantity::A(l)]);
    let backward = (1..=layers).rev().flat_map(|l| {
        [Quantity::ActivationDerivative(l), Quantity::Delta(l), Quantity::Weights(l), Quantity::Bias(l)]
    });
    forward.chain(backward).collect()
}

/// X with elements in (−2, 2), and labels that the loss takes.
fn examples<T: Scalar>(network: &Mlp<T>, m: usize, seed: u64) -> (Matrix<T>, Matrix<T>) {
    let mut random = Random::new(seed, Purpose::Split);
    let n = network.sizes()[network.layers()];
    let x = Matrix::from_fn(network.sizes()[0], m, |_, _| T::from_f64(random.symmetric(2.0)));
    let y = match network.loss_function() {
        Loss::LogLoss => Matrix::from_fn(n, m, |_, _| T::from_f64(0.05 + 0.9 * random.unit())),
        Loss::SquaredError => Matrix::from_fn(n, m, |_, _| T::from_f64(random.symmetric(2.0))),
        Loss::SoftmaxCrossEntropy => {
            let drawn = Matrix::from_fn(n, m, |_, _| 0.1 + random.unit());
            let sum = |j: usize| (0..n).map(|k| drawn[(k, j)]).sum::<f64>();
            Matrix::from_fn(n, m, |i, j| T::from_f64(drawn[(i, j)] / sum(j)))
        }
    };
    (x, y)
}

/// The right values, from the plain code of `closed_form`.
fn right_values<T: Scalar>(network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> BTreeMap<Quantity, Matrix<T>> {
    let plain = network.closed_form(x, y).unwrap();
    let layers: Vec<_> = (1..=network.layers())
        .map(|l| {
            let (w, b) =
                (&network.parameters()[&format!("W[{l}]")], &network.parameters()[&format!("b[{l}]")]);
            mlp::closed_form::Layer::new(w, b, &network.activations()[l - 1])
        })
        .collect();
    let forward = mlp::closed_form::forward(&layers, x).unwrap();
    let value = |quantity| match quantity {
        Quantity::Z(l) => forward.z(l).clone(),
        Quantity::A(l) => forward.a(l).clone(),
        Quantity::ActivationDerivative(l) => plain.da(l).clone(),
        Quantity::Delta(l) => plain.dz(l).clone(),
        Quantity::Weights(l) => plain.dw(l).clone(),
        Quantity::Bias(l) => plain.db(l).clone(),
        _ => unreachable!("all are there"),
    };
    quantities(network.layers()).into_iter().map(|quantity| (quantity, value(quantity))).collect()
}

/// ‖a − b‖ beside ‖b‖.
fn apart<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> f64 {
    let (a, b) = (a.cast::<f64>(), b.cast::<f64>());
    let apart = Matrix::from_fn(a.rows(), a.columns(), |i, j| a[(i, j)] - b[(i, j)]).norm();
    if apart == 0.0 { 0.0 } else { apart / b.norm() }
}

/// What a text gives on a recorded network, where its shapes fit.
fn value_of(network: &Mlp<f64>, x: &Matrix<f64>, y: &Matrix<f64>, text: &str) -> Option<Matrix<f64>> {
    let tape = Tape::new();
    let recorded = network.record(&tape, x, y).unwrap();
    let total = recorded.losses.sum();
    let (da, dz) = (total.gradients(&recorded.a[1..]), total.gradients(&recorded.z));
    let mut reader: EquationReader<'_, f64> = tape.reader().alias("A[0]", recorded.x());
    for (g, l) in network.activations().iter().zip(1..) {
        let g = g.function();
        reader = reader.alias(&format!("∂ℒ/∂A[{l}]"), da[l - 1]).alias(&format!("∂ℒ/∂Z[{l}]"), dz[l - 1]);
        reader = reader.activation(recorded.z[l - 1], &g).activation(recorded.a[l], &g);
    }
    reader.read(text).ok()?.right.value().ok()
}

/// The network with parameters that the library has not seen, and m examples.
fn unseen(network: &Mlp<f64>, m: usize) -> (Mlp<f64>, Matrix<f64>, Matrix<f64>) {
    let (mut network, mut random) = (network.clone(), Random::new(m as u64, Purpose::Init));
    for (name, value) in network.parameters().clone() {
        let value = value.map(|_| random.symmetric(1.5));
        network.set_parameter(&name, value).unwrap();
    }
    let (x, y) = examples(&network, m, 100 + m as u64);
    (network, x, y)
}

/// Whether two texts have the same values there, by plain code.
fn are_equal(network: &Mlp<f64>, a: &str, b: &str) -> bool {
    (1..=6).all(|m| {
        let (network, x, y) = unseen(network, m);
        let values = [a, b].map(|text| value_of(&network, &x, &y, text));
        matches!(&values, [Some(a), Some(b)] if a.shape() == b.shape() && apart(a, b) < 1e-12)
    })
}

/// Whether a mistake's name is one of a wrong text's: where two mistakes are one function, as g′ = 1 of two layers, either may be.
fn is_name_of(
    network: &Mlp<f64>,
    wrong: &[(Mistake, String)],
    (mistake, text): (Mistake, &str),
    named: Mistake,
) -> bool {
    let mut others = wrong.iter().filter(|(other, _)| *other == named);
    named == mistake || others.any(|(_, other)| are_equal(network, text, other))
}

/// Whether a text is right: on parameters and data that the library has not seen, by plain code.
fn is_right(network: &Mlp<f64>, quantity: Quantity, text: &str) -> bool {
    (1..=6).all(|m| {
        let (network, x, y) = unseen(network, m);
        let right = &right_values(&network, &x, &y)[&quantity];
        value_of(&network, &x, &y, text)
            .is_some_and(|value| value.shape() == right.shape() && apart(&value, right) < 1e-9)
    })
}

/// What is written as a mistake, and is none there: with g of the layer, or of the layer before where that decides.
type NoMistakes = BTreeSet<(Mistake, String)>;

fn note(no_mistakes: &mut NoMistakes, network: &Mlp<f64>, quantity: Quantity, mistake: Mistake) {
    let l = quantity.layer();
    let of_layer = if mistake == Mistake::PreActivation { l - 1 } else { l };
    no_mistakes.insert((mistake, network.activations()[of_layer - 1].name().into_owned()));
}

/// The networks: each activation in each place, each depth, each loss. `NETWORKS=all` takes every one of them with every other.
fn networks() -> Vec<Mlp<f64>> {
    let activations = Activation::<f64>::all().len();
    let sizes = [3, 4, 2, 5, 3];
    let all = (0..activations)
        .flat_map(|first| (1..=4).flat_map(move |layers| Loss::ALL.map(|loss| (first, layers, loss))));
    let is_taken = |&(first, layers, loss): &(usize, usize, Loss)| {
        let of_loss = Loss::ALL.iter().position(|&other| other == loss).unwrap();
        std::env::var_os("NETWORKS").is_some() || (first % 4 + 1, first % 3) == (layers, of_loss)
    };
    all.filter(is_taken).map(|(first, layers, loss)| network(&sizes[..=layers], first, loss)).collect()
}

#[test]
fn every_mistake_is_named_by_identity() {
    let (mut named, mut no_mistakes, mut seen) = (0, NoMistakes::new(), BTreeSet::new());
    for network in networks() {
        let exercise = Exercise::new(&network);
        for quantity in quantities(network.layers()) {
            let right = exercise.right(quantity).unwrap();
            assert_eq!(exercise.judge(&right), Ok(Verdict::Same), "{right}");
            let wrong = exercise.wrong(quantity).unwrap();
            for (mistake, text) in &wrong {
                let verdict = exercise.judge(text).unwrap();
                if verdict.is_right() {
                    assert!(is_right(&network, quantity, text), "{text}: {verdict}");
                    note(&mut no_mistakes, &network, quantity, *mistake);
                    continue;
                }
                assert!(!is_right(&network, quantity, text), "{text}: {verdict}");
                let is_named = |named| is_name_of(&network, &wrong, (*mistake, text), named);
                assert!(verdict.mistake().is_some_and(is_named), "{text}: {verdict}");
                let finding = verdict.finding().unwrap();
                assert_eq!((finding.made_in, finding.target), (quantity, quantity), "{text}: {verdict}");
                seen.insert(*mistake);
                named += 1;
            }
        }
    }
    println!("{named} named; no mistakes: {no_mistakes:?}");
    // What is no mistake with that g: g′ = 1; g′² = g′; g′(g(z)) = g′(z); g(z) = z.
    let expected = [
        (Mistake::WithoutSlope, "identity"),
        (Mistake::SlopeTwice, "identity"),
        (Mistake::SlopeTwice, "relu"),
        (Mistake::SlopeAtActivation, "relu"),
        (Mistake::SlopeAtActivation, "leaky_relu"),
        (Mistake::PreActivation, "identity"),
        (Mistake::WithoutActivation, "identity"),
    ];
    let expected: NoMistakes = expected.map(|(mistake, g)| (mistake, g.to_owned())).into();
    assert!(no_mistakes.is_subset(&expected), "{:?}", no_mistakes.difference(&expected));
    let unseen: Vec<_> = Mistake::ALL.iter().filter(|mistake| !seen.contains(mistake)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

/// What is computed by all the right equations, against plain code; with one of them wrong, that quantity has the text's values, those
/// before it and beside it stay right, and it is where the numbers first go wrong.
#[test]
fn what_is_computed_follows_from_the_equation_that_is_wrong() {
    let mut computed = 0;
    for network in networks().into_iter().step_by(5) {
        let (x, y) = examples(&network, 6, 5); // as many examples as no layer has units: then shapes tell
        let numbers = Numbers::new(&network, &x, &y).unwrap();
        let right = right_values(&network, &x, &y);
        let exact = numbers.computed(None).unwrap().unwrap();
        assert!(exact.keys().copied().eq(quantities(network.layers())));
        for (quantity, value) in &exact {
            assert!(apart(value, &right[quantity]) < 1e-12, "{quantity}");
        }
        let exercise = Exercise::new(&network);
        for quantity in quantities(network.layers()) {
            for (_, text) in exercise.wrong(quantity).unwrap() {
                let expected = value_of(&network, &x, &y, &text);
                let fits = expected.as_ref().is_some_and(|value| value.shape() == right[&quantity].shape());
                let theirs = numbers.computed(Some((quantity, &text))).unwrap();
                assert_eq!(theirs.is_some(), fits, "{text}");
                let (Some(theirs), Some(expected)) = (theirs, expected) else { continue };
                assert!(apart(&theirs[&quantity], &expected) < 1e-12, "{text}");
                let before = quantities(network.layers()).into_iter().take_while(|&other| other != quantity);
                let mut before = before.into_iter();
                assert!(before.all(|other| apart(&theirs[&other], &right[&other]) < 1e-12), "{text}");
                let verdict =
                    numbers.judge(|name| theirs.get(&name.parse::<Quantity>().ok()?).cloned()).unwrap();
                // As close as that, numbers are taken for right.
                let is_seen = apart(&expected, &right[&quantity]) > 1e-2;
                assert!(!is_seen || verdict.quantity() == Some(quantity), "{text}: {verdict}");
                computed += 1;
            }
        }
    }
    assert!(computed > 200, "{computed}");
}

#[test]
fn what_is_computed_in_f32_and_of_one_example() {
    for m in [1, 2] {
        let network = network::<f32>(&[3, 4, 2], 2, Loss::SquaredError);
        let (x, y) = examples(&network, m, 6);
        let right = right_values(&network, &x, &y);
        for (quantity, value) in Numbers::new(&network, &x, &y).unwrap().computed(None).unwrap().unwrap() {
            assert!(apart(&value, &right[&quantity]) < 1e-5, "{quantity}");
        }
    }
}

/// A layer that the network has not, as in an equation.
#[test]
fn of_no_layer_nothing_is_computed() {
    let network = network::<f64>(&[2, 3, 1], 0, Loss::LogLoss);
    let (x, y) = examples(&network, 2, 1);
    let numbers = Numbers::new(&network, &x, &y).unwrap();
    for l in [0, 3, usize::MAX] {
        for quantity in [Quantity::Z(l), Quantity::A(l), Quantity::Delta(l), Quantity::Weights(l)] {
            assert_eq!(numbers.computed(Some((quantity, "X"))), Ok(None), "{quantity}");
        }
    }
}

/// The page for teachers has every mistake, in the words that are said.
#[test]
fn the_page_has_every_mistake() {
    let page = include_str!("../../../docs/WHICH_EQUATION.md");
    for mistake in Mistake::ALL {
        assert!(page.contains(&format!("| {} |", mistake.words())), "{mistake:?}");
    }
}

/// A mistake in what is propagated shows in every gradient before it, and is named with its layer there.
#[test]
fn a_mistake_is_named_where_it_was_made() {
    let network = network::<f64>(&[3, 4, 2, 1], 6, Loss::LogLoss);
    let exercise = Exercise::new(&network);
    for (text, expected) in [
        ("dJ/dW[1] = 1/m * dL/dA[1] * X'", "∂J/∂W[1] is eq. 26 without g′(Z[1])"),
        (
            "dJ/dW[1] = 1/m * ((W[2]' * dL/dA[2]) .* g'(Z[1])) * X'",
            "∂J/∂W[1] is eq. 28 for ∂ℒ/∂A[1] without g′(Z[2])",
        ),
        (
            "dJ/dW[1] = 1/m * ((W[2]' * ((W[3]' * dL/dA[3]) .* g'(Z[2]))) .* g'(Z[1])) * X'",
            "∂J/∂W[1] is eq. 28 for ∂ℒ/∂A[2] without g′(Z[3])",
        ),
        ("dJ/db[1] = 1/m * sum_i dL/dA[1]", "∂J/∂b[1] is eq. 27 without g′(Z[1])"),
        ("d[2] = dL/dA[2]", "∂ℒ/∂Z[2] is eq. 16 without g′(Z[2])"),
        ("dJ/dW[2] = d[2] * A[1]'", "∂J/∂W[2] is eq. 26 without 1/m"),
        (
            "dJ/dW[2] = 1/m * d[2] * A[2]'",
            "∂J/∂W[2] would be 2×2, and must be 2×4: it is eq. 26 with A[2] where A[1] belongs",
        ),
        (
            "dJ/dW[1] = 1/m * d[1] * X",
            "∂J/∂W[1] must be 4×3, and cannot be computed: it is eq. 26 without ᵀ, which A[0] needs",
        ),
        (
            "dJ/db[2] = 1/m * d[2]",
            "∂J/∂b[2] would be 2×m, and must be 2×1: it is eq. 27 without Σᵢ, the sum over the examples",
        ),
        (
            "dL/dA[1] = W[1]' * d[2]",
            "∂ℒ/∂A[1] must be 4×m, and cannot be computed: it is eq. 28 with W[1] where W[2] belongs",
        ),
        ("dL/dA[3] = Y - A[3]", "∂ℒ/∂A[3] is eq. 8 with Y − A[L] where A[L] − Y belongs"),
        (
            "dJ/dW[3] = 1/m * ((A[3] - Y) .* g'(Z[3])) * A[2]'",
            "∂J/∂W[3] is eq. 8 for ∂ℒ/∂A[3] with A[3] − Y, which for a sigmoid is ∂ℒ/∂Z[3] already",
        ),
        (
            "dJ/dW[3] = 1/m * (A[3] - Y) * A[2]'",
            "∂J/∂W[3] is equal in value, not in form: it is right, and written otherwise",
        ),
        (
            "dJ/dW[1] = (1/m * d[1]) * X'",
            "∂J/∂W[1] is equal in value, not in form: it is right, and written otherwise",
        ),
    ] {
        let verdict = exercise.judge(text).map_err(|error| format!("{text}: {error}")).unwrap();
        assert_eq!(verdict.to_string(), expected.replace("A[L]", "A[3]"), "{text}");
    }
}

#[test]
fn what_has_no_name_is_told_with_its_place_and_a_small_example() {
    let network = network::<f64>(&[3, 4, 2, 1], 6, Loss::LogLoss);
    let exercise = Exercise::new(&network);
    let verdict = exercise.judge("dJ/dW[1] = 1/m * ((W[2]' * (2 * d[2])) .* g'(Z[1])) * X'").unwrap();
    let Verdict::Different { first, stands, belongs, example: Some(example), .. } = &verdict else {
        panic!("{verdict}")
    };
    assert_eq!(*first, Quantity::Delta(2));
    assert!(stands.starts_with("2 · "), "{stands}");
    assert_eq!(belongs, "∂ℒ/∂Z[2]");
    assert_eq!((example.sizes.as_slice(), example.m), ([1, 1, 1, 1].as_slice(), 1));
    assert!((example.found[(0, 0)] / example.expected[(0, 0)] - 2.0).abs() < 1e-12);
    assert!(verdict.to_string().contains("on a network 1-1-1-1 with m = 1"), "{verdict}");
    let verdict = exercise.judge("dJ/dW[1] = 1/m * d[1] * X' + W[1]").unwrap();
    assert!(matches!(verdict, Verdict::Different { first: Quantity::Weights(1), .. }), "{verdict}");
}

/// Whoever types an equation does not decide how much memory is taken, and nothing panics.
#[test]
fn hostile_equations_get_a_verdict_or_an_error() {
    let exercise = Exercise::new(&network::<f64>(&[2, 3, 1], 6, Loss::LogLoss));
    for text in [
        "dJ/dW[1] = 1/m * d[1] * X' + (1 - 1) * sum(I[100000]())",
        "dJ/dW[1] = sum(repeat[4000000000×4000000000](1)) * W[1]",
        "dJ/dW[1] = W[1] / 0",
        "dJ/dW[1] = √(-W[1])",
        "dJ/dW[1] = 1/m^4000 * W[1]",
        "dJ/dW[1] = gather(W[1], W[1])",
        "dJ/dW[1] = solve(W[1], W[1])",
        "dJ/dW[1] = %0",
        "dJ/dW[1] = dJ/dW[1]",
        "dJ/dW[1] = ℒ(Y, A[2]) * W[1]",
        "= =",
        "dJ/dW[0] = X",
        "dJ/dW[99999999999999999999] = X",
    ] {
        match exercise.judge(text) {
            Ok(verdict) => _ = verdict.to_string(),
            Err(error) => _ = error.to_string(),
        }
    }
}

#[test]
fn what_is_no_equation_is_an_error() {
    let exercise = Exercise::new(&network::<f64>(&[2, 3, 1], 6, Loss::LogLoss));
    for (text, message) in [
        ("1/m * d[1] * X'", "\"\" is none of Z[l], A[l]"),
        ("dJ/dQ[1] = X", "\"dJ/dQ[1] \" is none of"),
        ("dJ/dW[3] = X", "there is no ∂J/∂W[3]: the network has 2 layers"),
        ("dJ/dW[1] = 1/m * d[7] * X'", "character 18: nothing is called d[7]"),
        ("dJ/dW[1] = 1/m * ", "character 18: the text ends where"),
    ] {
        let error: NotJudged = exercise.judge(text).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

#[test]
fn an_equation_that_names_itself_is_not_judged() {
    let exercise = Exercise::new(&network::<f64>(&[2, 3, 2, 1], 6, Loss::LogLoss));
    for text in [
        "dJ/dW[1] = dJ/dW[1]",
        "∂J/∂W[1] = ∂J/∂W[1] + 0",
        "d[3] = δ[3]",
        "d[3] = dL/dZ[3]",
        "∂ℒ/∂Z[2] = m · ∂J/∂Z[2]",
        "dL/dA[2] = m * dJ/dA[2]",
        "dJ/db[2] = 2 * dJ/db[2] - dJ/db[2]",
        "Z[1] = Z[1]",
        "A[2] = A[2]",
        "dJ/dW[1] = 1/m * d[1] * X' = dJ/dW[1] + 0",
    ] {
        assert!(
            matches!(exercise.judge(text), Err(NotJudged::Itself(_))),
            "{text}: {:?}",
            exercise.judge(text)
        );
    }
    // What an entry's number stands for is not the student's work.
    for number in 0..90 {
        assert_eq!(exercise.judge(&format!("dJ/dW[1] = %{number}")), Err(NotJudged::Number));
    }
    for text in ["d[1] = dL/dA[1] .* g'(Z[1])", "Z[1] = W[1] * X + b[1]", "dL/dA[1] = m * W[2]' * dJ/dZ[2]"] {
        assert!(exercise.judge(text).unwrap().is_right(), "{text}");
    }
}

#[test]
fn each_of_several_sides_is_judged() {
    let exercise = Exercise::new(&network::<f64>(&[2, 3, 1], 6, Loss::LogLoss));
    let mistake = |text: &str| exercise.judge(text).unwrap().mistake();
    assert_eq!(mistake("dJ/dW[1] = d[1] * X' = 1/m * d[1] * X'"), Some(Mistake::WithoutMean));
    assert_eq!(mistake("dJ/dW[1] = 1/m * d[1] * X' = d[1] * X'"), Some(Mistake::WithoutMean));
    for text in [
        "d[2] = ∂ℒ/∂Z[2] = dL/dA[2] .* g'(Z[2])",
        "dJ/dW[1] = (d[1] * X') / m = 1/m * d[1] * X'",
        "dJ/dW[1] == 1/m * d[1] * X'",
    ] {
        assert!(exercise.judge(text).unwrap().is_right(), "{text}");
    }
    let error = exercise.judge("dJ/dW[1] = 1/m * d[7] * X' = 1/m * d[1] * X'").unwrap_err();
    assert!(error.to_string().starts_with("character 18: nothing is called d[7]"), "{error}");
}

#[test]
fn every_mistake_is_named_by_numbers() {
    let (mut named, mut shared) = (0, BTreeMap::<(Mistake, Mistake), usize>::new());
    for (network, at) in networks().into_iter().zip(0_u64..) {
        let exercise = Exercise::new(&network);
        let every_m = std::env::var_os("NETWORKS").is_some();
        for m in [1, 2, 5].into_iter().cycle().skip(at as usize % 3).take(if every_m { 3 } else { 1 }) {
            let (x, y) = examples(&network, m, 17 + at);
            let right = right_values(&network, &x, &y);
            let numbers = Numbers::new(&network, &x, &y).unwrap();
            for quantity in quantities(network.layers()) {
                let mut last = None;
                for (mistake, text) in exercise.wrong(quantity).unwrap() {
                    if last.replace(mistake) == Some(mistake) {
                        continue; // another way to write the same
                    }
                    let Some(value) = value_of(&network, &x, &y, &text) else { continue };
                    // All that comes before it is given too, and right.
                    let given = |name: &str| match name.parse::<Quantity>() {
                        Ok(_) if name.starts_with('d') => None,
                        Ok(asked) if asked == quantity => Some(value.clone()),
                        Ok(asked) => Some(right[&asked].clone()),
                        Err(_) => None,
                    };
                    let verdict = numbers.judge(given).unwrap();
                    let is_of_shape = value.shape() == right[&quantity].shape();
                    let distance = if is_of_shape { apart(&value, &right[&quantity]) } else { f64::INFINITY };
                    if distance < 1e-9 {
                        assert!(verdict.is_right(), "{text}, m = {m}: {verdict}");
                    }
                    // What is as near as the tolerance, A to Z say, may be called either.
                    if distance < 10.0 * Numbers::<f64>::TOLERANCE {
                        continue;
                    }
                    assert_eq!(verdict.quantity(), Some(quantity), "{text}, m = {m}: {verdict}");
                    let all: Vec<Mistake> =
                        verdict.findings().iter().map(|finding| finding.mistake).collect();
                    assert!(all.contains(&mistake), "{text}, m = {m}: {verdict}");
                    for &other in all.iter().filter(|&&other| other != mistake) {
                        *shared.entry((mistake, other)).or_default() += 1;
                    }
                    named += usize::from(all[0] == mistake);
                }
            }
        }
    }
    println!("{named} named first; with the same numbers: {shared:?}");
    // g′ = 1 makes a missing one, one too many and one of another place alike, and so does a g′ of relu that is 1 for these data;
    // over one neuron, or one example, two sums are one.
    let slopes = [
        Mistake::WithoutSlope,
        Mistake::SlopeTwice,
        Mistake::SlopeAtActivation,
        Mistake::SlopeOfLayerBelow,
        Mistake::SlopeOfLayerAbove,
    ];
    let sums = [Mistake::SummedOverRows, Mistake::SummedOverAll];
    // Of |z| for negative z alone g′ is −1, and g(z) is −z: all that leaves one of them out has another sign, and no more.
    let of_a_sign = [&slopes[..], &[Mistake::PreActivation]].concat();
    for pair in shared.keys() {
        let among = |all: &[Mistake]| all.contains(&pair.0) && all.contains(&pair.1);
        let is_sign = match pair {
            (Mistake::Sign, other) | (other, Mistake::Sign) => of_a_sign.contains(other),
            _ => false,
        };
        assert!(among(&slopes) || among(&sums) || is_sign, "{pair:?}");
    }
}

/// Backpropagation in plain code, with a mistake in one layer: no tape, and no formula of the library.
fn backpropagation<T: Scalar>(
    network: &Mlp<T>,
    x: &Matrix<T>,
    y: &Matrix<T>,
    wrong: Option<(Mistake, usize)>,
) -> IndexMap<String, Matrix<T>> {
    let is = |mistake: Mistake, l: usize| wrong == Some((mistake, l));
    let (layers, m) = (network.layers(), x.columns());
    let values = right_values(network, x, y);
    let (z, a) = (|l| &values[&Quantity::Z(l)], |l| if l == 0 { x } else { &values[&Quantity::A(l)] });
    let times = |p: &Matrix<T>, q: &Matrix<T>| {
        assert_eq!(p.columns(), q.rows());
        Matrix::from_fn(p.rows(), q.columns(), |i, j| (0..q.rows()).map(|k| p[(i, k)] * q[(k, j)]).sum())
    };
    let t = |p: &Matrix<T>| Matrix::from_fn(p.columns(), p.rows(), |i, j| p[(j, i)]);
    let scaled = |c: f64, p: &Matrix<T>| p.map(|x| T::from_f64(c) * x);
    let slope = |l: usize, at: &Matrix<T>| {
        let tape = Tape::new();
        let at = tape.constant("", at);
        let slope = at.map_derivative(&network.activations()[l - 1].function()).value().unwrap();
        let is_number = slope.shape() == (1, 1);
        Matrix::from_fn(z(l).rows(), m, |i, j| if is_number { slope[(0, 0)] } else { slope[(i, j)] })
    };
    let mut theirs = IndexMap::new();
    let mut da = values[&Quantity::ActivationDerivative(layers)].clone();
    for l in (1..=layers).rev() {
        let g = match () {
            () if is(Mistake::WithoutSlope, l) => Matrix::filled(da.rows(), m, T::ONE),
            () if is(Mistake::ValueForSlope, l) => a(l).clone(),
            () if is(Mistake::SlopeAtActivation, l) => slope(l, a(l)),
            () => slope(l, z(l)),
        };
        let mut dz = Matrix::from_fn(da.rows(), m, |i, j| da[(i, j)] * g[(i, j)]);
        if is(Mistake::Sign, l) {
            dz = scaled(-1.0, &dz);
        }
        let below = if is(Mistake::PreActivation, l) && l > 1 { z(l - 1) } else { a(l - 1) };
        let per_m = if is(Mistake::MeanTwice, l) { 1.0 / (m * m) as f64 } else { 1.0 / m as f64 };
        let of_weights = if is(Mistake::WithoutMean, l) { 1.0 } else { per_m };
        let dw = scaled(of_weights, &times(&dz, &t(below)));
        let dw = if is(Mistake::Transposed, l) { t(&dw) } else { dw };
        let db = match is(Mistake::NotSummed, l) {
            true => scaled(per_m, &dz),
            false => scaled(per_m, &times(&dz, &Matrix::filled(m, 1, T::ONE))),
        };
        theirs.insert(format!("dJ/dZ[{l}]"), scaled(1.0 / m as f64, &dz));
        theirs.insert(format!("dJ/dW[{l}]"), dw);
        theirs.insert(format!("dJ/db[{l}]"), db);
        let w = &network.parameters()[&format!("W[{l}]")];
        if l > 1 {
            da = times(&t(w), &dz);
        }
    }
    theirs
}

/// One mistake gives one message, however many matrices it spoils.
#[test]
fn the_first_equation_that_does_not_hold_is_named() {
    let of_delta = [Mistake::WithoutSlope, Mistake::ValueForSlope, Mistake::SlopeAtActivation, Mistake::Sign];
    let of_weights = [Mistake::PreActivation, Mistake::WithoutMean, Mistake::MeanTwice, Mistake::Transposed];
    for (first, loss) in (0..Activation::<f64>::all().len()).zip(Loss::ALL.into_iter().cycle()) {
        let network = network::<f64>(&[3, 4, 2, 5], first, loss);
        let (x, y) = examples(&network, 3, first as u64);
        let right = backpropagation(&network, &x, &y, None);
        let numbers = Numbers::new(&network, &x, &y).unwrap();
        assert!(numbers.judge(|name| right.get(name).cloned()).unwrap().is_right());
        for l in 1..=3 {
            let all = of_delta.into_iter().chain(of_weights).chain([Mistake::NotSummed]);
            for mistake in all {
                let theirs = backpropagation(&network, &x, &y, Some((mistake, l)));
                let moved: Vec<&String> = theirs
                    .iter()
                    .filter(|(name, value)| {
                        value.shape() != right[*name].shape() || apart(value, &right[*name]) > 1e-9
                    })
                    .map(|(name, _)| name)
                    .collect();
                let verdict = numbers.judge(|name| theirs.get(name).cloned()).unwrap();
                let Some(first) = moved.first() else {
                    assert!(verdict.is_right(), "{mistake:?} in layer {l}: {verdict}");
                    continue;
                };
                let expected: Quantity = first.replace("dJ/dZ", "dL/dZ").parse().unwrap();
                assert_eq!(verdict.quantity(), Some(expected), "{mistake:?} in layer {l}: {verdict}");
                let named: Vec<Mistake> = verdict.findings().iter().map(|finding| finding.mistake).collect();
                assert!(named.contains(&mistake), "{mistake:?} in layer {l}: {verdict}\n{network:?}");
            }
        }
    }
}

/// Where δ was not given, a mistake in it is found in the gradients that follow from it.
#[test]
fn a_mistake_in_what_was_not_given_is_found_in_what_follows() {
    let network = network::<f64>(&[3, 4, 2, 1], 6, Loss::LogLoss);
    let (x, y) = examples(&network, 4, 1);
    let theirs = backpropagation(&network, &x, &y, Some((Mistake::WithoutSlope, 2)));
    let numbers = Numbers::new(&network, &x, &y).unwrap();
    let verdict = numbers.judge(|name| theirs.get(name).filter(|_| name == "dJ/dW[1]").cloned()).unwrap();
    let expected = "∂J/∂W[1] does not hold: eq. 28 for ∂ℒ/∂A[1] without g′(Z[2]) (row ";
    assert!(verdict.to_string().starts_with(expected), "{verdict}");
    let verdict = numbers.judge(|name| theirs.get(name).cloned()).unwrap();
    assert!(verdict.to_string().starts_with("∂ℒ/∂Z[2] does not hold: eq. 16 without g′(Z[2])"), "{verdict}");
    assert_eq!(numbers.judge(|_| None).unwrap(), ByNumbers::Nothing);
    let verdict = numbers.judge(|name| (name == "dJ/dW[1]").then(|| Matrix::filled(4, 3, f64::NAN))).unwrap();
    assert!(verdict.to_string().contains("no mistake that has a name"), "{verdict}");
}

#[test]
fn an_implementation_gets_the_smallest_example() {
    let network = network::<f64>(&[5, 4, 3, 2], 6, Loss::SquaredError);
    let (x, y) = examples(&network, 7, 1);
    let (verdict, example) = Numbers::implementation(&network, &x, &y, |network, x, y| {
        backpropagation(network, x, y, Some((Mistake::WithoutSlope, 1)))
    })
    .unwrap();
    assert_eq!(
        (verdict.mistake(), verdict.quantity()),
        (Some(Mistake::WithoutSlope), Some(Quantity::Delta(1)))
    );
    let example = example.unwrap();
    assert_eq!((example.sizes, example.m), (vec![1, 1], 1));
    let (verdict, example) =
        Numbers::implementation(&network, &x, &y, |network, x, y| backpropagation(network, x, y, None))
            .unwrap();
    assert!(verdict.is_right() && example.is_none());
}

/// A quantity that is given under two names, and is wrong under the second, is shown as it is
/// there.
#[test]
fn an_example_has_the_numbers_that_are_wrong() {
    let network = network::<f64>(&[2, 2, 1], 0, Loss::LogLoss);
    let (x, y) = examples(&network, 3, 1);
    let (verdict, example) = Numbers::implementation(&network, &x, &y, |network, x, y| {
        let last = network.layers();
        let of = right_values(network, x, y);
        let right = &of[&Quantity::Delta(last)];
        [(format!("∂ℒ/∂Z[{last}]"), right.clone()), (format!("δ[{last}]"), right.map(|d| -d))].into()
    })
    .unwrap();
    assert_eq!(verdict.mistake(), Some(Mistake::Sign));
    let example = example.unwrap();
    assert!(apart(&example.found, &example.expected.map(|d| -d)) < 1e-12, "{example}");
}

/// What is right in `f32`, or written with five digits, is right.
fn right_is_right<T: Scalar>(sizes: &[usize], first: usize, loss: Loss, m: usize, seed: u64) {
    let network = network::<T>(sizes, first, loss);
    let (x, y) = examples(&network, m, seed);
    let numbers = Numbers::new(&network, &x, &y).unwrap();
    let right = right_values(&network, &x, &y);
    let digits =
        |value: &Matrix<T>| value.map(|x| T::from_f64(format!("{:.5e}", x.to_f64()).parse().unwrap()));
    for rounded in [false, true] {
        let of = |name: &str| {
            let value = right.get(&name.parse::<Quantity>().ok()?)?;
            Some(if rounded { digits(value) } else { value.clone() })
        };
        let verdict = numbers.judge(of).unwrap();
        assert!(verdict.is_right(), "{verdict}, rounded: {rounded}");
        // Without what is between, too.
        let verdict = numbers.judge(|name| of(name).filter(|_| name.starts_with("∂J"))).unwrap();
        assert!(verdict.is_right(), "{verdict}, rounded: {rounded}");
    }
    let exercise = Exercise::new(&network);
    for quantity in quantities(network.layers()) {
        assert_eq!(exercise.judge(&exercise.right(quantity).unwrap()), Ok(Verdict::Same));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_right_is_never_called_wrong(
        (sizes, first, loss) in support::networks(1..=6, 2..=5),
        m in 1..=6_usize,
        seed in any::<u64>(),
    ) {
        right_is_right::<f64>(&sizes, first, loss, m, seed);
        right_is_right::<f32>(&sizes, first, loss, m, seed);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Right equations that are written otherwise, and wrong ones on networks of any sizes: no verdict contradicts plain code.
    #[test]
    fn no_verdict_contradicts_the_values(
        (sizes, first, loss) in support::networks(1..=3, 2..=4),
    ) {
        let network = network::<f64>(&sizes, first, loss);
        let exercise = Exercise::new(&network);
        for quantity in quantities(network.layers()) {
            let wrong = exercise.wrong(quantity).unwrap();
            for (mistake, text) in &wrong {
                let verdict = exercise.judge(text).unwrap();
                prop_assert_eq!(verdict.is_right(), is_right(&network, quantity, text), "{}: {}", text, verdict);
                let is_named = |named| is_name_of(&network, &wrong, (*mistake, text), named);
                prop_assert!(verdict.is_right() || verdict.mistake().is_some_and(is_named), "{}: {}", text, verdict);
            }
        }
    }
}

#[test]
fn no_number_that_was_given_is_passed_over() {
    let network = network::<f64>(&[2, 3, 1], 6, Loss::LogLoss);
    let (x, y) = examples(&network, 4, 3);
    let numbers = Numbers::new(&network, &x, &y).unwrap();
    let right = right_values(&network, &x, &y);
    let given = |wrong: &'static str, scale: f64| {
        let delta = right[&Quantity::Delta(2)].clone();
        numbers.judge(|name| match name {
            _ if name == wrong => Some(delta.map(|x| scale * x)),
            "∂ℒ/∂Z[2]" => Some(delta.clone()),
            _ => None,
        })
    };
    // Under each of its names.
    for (name, scale) in
        [("dL/dZ[2]", 1.0), ("∂J/∂Z[2]", 0.25), ("dJ/dZ[2]", 0.25), ("δ[2]", 1.0), ("d[2]", 1.0)]
    {
        assert!(given(name, scale).unwrap().is_right(), "{name}");
        let verdict = given(name, 7.0 * scale).unwrap();
        assert_eq!((verdict.is_right(), verdict.quantity()), (false, Some(Quantity::Delta(2))), "{name}");
    }
    // Beside what overflows.
    let mut large = Mlp::<f64>::new(1).layer(2, Activation::Relu).layer(1, Activation::Identity);
    large = large.loss(Loss::SquaredError);
    let mut large = large.build().unwrap();
    large.set_parameter("W[1]", Matrix::from_rows(&[[1e200], [0.5]]).unwrap()).unwrap();
    let x = Matrix::from_rows(&[[1e200, 1.0]]).unwrap();
    let numbers = Numbers::new(&large, &x, &Matrix::filled(1, 2, 1.0)).unwrap();
    let judged = |last: f64| {
        let z = Matrix::from_rows(&[[f64::INFINITY, 1e200], [5e199, last * 1e200]]).unwrap();
        numbers.judge(|name| (name == "Z[1]").then(|| z.clone())).unwrap()
    };
    assert!(judged(0.0).is_right());
    assert!(!judged(0.5).is_right());
}

#[test]
#[should_panic(expected = "the tolerance is NaN, not a number from 0 on")]
fn a_tolerance_is_a_number() {
    let network = network::<f64>(&[2, 1], 6, Loss::LogLoss);
    let (x, y) = examples(&network, 1, 3);
    let _ = Numbers::new(&network, &x, &y).unwrap().with_tolerance(f64::NAN);
}
