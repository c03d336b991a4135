//! Networks with data: what is drawn, what they shrink to, and the code that makes them again.

use std::collections::BTreeSet;

use mlp::strategies::{Activations, BuiltIn, Drawn, Networks, Sample};
use mlp::{Activation, Loss, Mlp, Scalar};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tape::check::Random;
use tape::check::strategies::{Loud, Regime};
use tape::{Function, Matrix, matrix};

fn runner(seed: u8) -> TestRunner {
    let config =
        Config { failure_persistence: None, cases: 512, max_shrink_iters: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
}

/// The simplest case for which `holds` is false.
fn simplest<S: Strategy>(strategy: &S, seed: u8, holds: impl Fn(&S::Value) -> bool) -> S::Value {
    let result = runner(seed).run(strategy, |case| match holds(&case) {
        true => Ok(()),
        false => Err(TestCaseError::fail("")),
    });
    match result {
        Err(TestError::Fail(_, case)) => case,
        other => panic!("no case was found: {other:?}"),
    }
}

/// Two activations of the user's, one of which is a probability.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mine;

impl Activations for Mine {
    fn list<T: Scalar>() -> Vec<Activation<T>> {
        let slope = Function::new("bell′", |z: T| -(z + z) * (-z * z).exp());
        let bell = Function::new("bell", |z: T| (-z * z).exp()).with_derivative(slope);
        vec![Activation::Tanh, Activation::Custom(bell)]
    }
    fn before<T: Scalar>(loss: Loss) -> Vec<Activation<T>> {
        match loss {
            Loss::LogLoss => Mine::list().split_off(1),
            Loss::SquaredError => Mine::list(),
            Loss::SoftmaxCrossEntropy => vec![Activation::Identity],
        }
    }
}

#[test]
fn every_sample_is_a_network_with_data_that_it_takes() {
    let networks = Networks::new(BuiltIn).units(1..=9).features(1..=9).examples(1..=20);
    let mut runner = runner(1);
    let (mut seen, mut hidden) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..300 {
        let sample = networks.new_tree(&mut runner).unwrap().current();
        let (network, x, y) = (sample.network::<f64>(), sample.x(), sample.y());
        assert!(network.loss(&x, &y).unwrap().is_finite(), "{sample:?}");
        sample.network::<f32>().loss(&sample.x(), &sample.y()).unwrap();
        assert_eq!((network.sizes(), y.columns()), (&sample.sizes()[..], sample.m()));
        let (last, others) = network.activations().split_last().unwrap();
        seen.insert(format!("{} before {}", last, network.loss_function()));
        hidden.extend(others.iter().map(|g| g.to_string()));
    }
    assert_eq!(hidden.len(), BuiltIn::list::<f64>().len());
    for one in
        ["sigmoid before log_loss", "identity before softmax_cross_entropy", "tanh before squared_error"]
    {
        assert!(seen.contains(one), "{one}: {seen:?}");
    }
}

#[test]
fn networks_shrink_layers_first_and_elements_last() {
    let networks = Networks::new(BuiltIn);
    for seed in 0..6 {
        let sample = simplest(&networks, seed, |_| false);
        let expected = Mlp::<f64>::new(1).layer(1, Activation::Identity).loss(Loss::SquaredError).build();
        let mut expected = expected.unwrap();
        expected.set_parameter("W[1]", matrix![[0.0]]).unwrap();
        assert_eq!((sample.network(), sample.x(), sample.y()), (expected, matrix![[0.0]], matrix![[0.0]]));

        let sample = simplest(&networks, seed, |sample| sample.sizes().len() < 4);
        assert_eq!(sample.sizes(), [1, 1, 1, 1]);
        assert_eq!(sample.activations::<f64>(), [(); 3].map(|()| Activation::Identity));

        let sample = simplest(&networks, seed, |sample| sample.loss() != Loss::SoftmaxCrossEntropy);
        assert_eq!((sample.sizes(), sample.y::<f64>()), (vec![1, 2], matrix![[1.0], [0.0]]));

        let is_flat = |sample: &Sample<BuiltIn>| {
            let hidden = sample.activations::<f64>();
            !hidden[..hidden.len() - 1].contains(&Activation::Softplus) || sample.m() < 3
        };
        let sample = simplest(&networks, seed, is_flat);
        assert_eq!((sample.sizes(), sample.m()), (vec![1, 1, 1], 3));
        assert_eq!(sample.activations::<f64>(), [Activation::Softplus, Activation::Identity]);

        let sample = simplest(&networks, seed, |sample| {
            let y: Matrix<f64> = sample.y();
            sample.loss() != Loss::LogLoss || y.iter().all(|&y| y == 0.0 || y == 1.0)
        });
        assert_eq!((sample.y::<f64>(), sample.sizes()), (matrix![[0.5]], vec![1, 1]));
    }
}

/// Eq. 27 with the first example left out: seen from two examples on, or with one alone.
#[test]
fn a_wrong_equation_shrinks_to_one_layer_and_stays_loud() {
    let networks = Networks::new(BuiltIn).losses(&[Loss::LogLoss]).parameters(Regime::MODERATE);
    for seed in 0..4 {
        let found = Loud::new().seed(seed).run(&networks, |sample| {
            let (x, y) = (sample.x::<f64>(), sample.y::<f64>());
            let network = sample.network();
            let gradients = network.gradients(&x, &y)?;
            let a = network.predict(&x)?;
            let l = network.layers();
            let wrong =
                |i: usize| (1..a.columns()).map(|j| a[(i, j)] - y[(i, j)]).sum::<f64>() / a.columns() as f64;
            let db = &gradients[&format!("b[{l}]")];
            Ok((0..a.rows()).map(|i| (wrong(i) - db[(i, 0)]).abs()).fold(0.0, f64::max) / 1e-12)
        });
        let found = found.unwrap_err();
        assert!(found.error >= 1e9, "{found}");
        assert_eq!((found.value.sizes().len(), found.value.m()), (2, 1), "{found}");
        assert!(found.value.x::<f64>().iter().all(|&x| x == 0.0), "{found}");
    }
}

#[test]
fn any_walk_gives_networks_inside_of_the_bounds() {
    let networks = Networks::new(Mine).layers(2..=5).units(2..=7).features(3..=4).examples(2..=40);
    let mut runner = runner(3);
    for walk in 0..16 {
        let mut tree = networks.new_tree(&mut runner).unwrap();
        let mut random = Random::new(walk);
        let mut goes_on = true;
        while goes_on {
            let sample = tree.current();
            let sizes = sample.sizes();
            assert!((3..=6).contains(&sizes.len()) && (3..=4).contains(&sizes[0]), "{sample:?}");
            assert!(sizes[1..].iter().all(|n| (2..=7).contains(n)), "{sample:?}");
            assert!((2..=40).contains(&sample.m()), "{sample:?}");
            sample.network::<f64>().loss(&sample.x(), &sample.y()).unwrap();
            goes_on = if random.below(16) < walk as usize { tree.complicate() } else { tree.simplify() };
        }
    }
}

#[test]
fn one_activation_shrinks_to_those_before_it() {
    let g = simplest(&Drawn::<BuiltIn, f32>::new(), 1, |g| !matches!(g, Activation::Sin | Activation::Cos));
    assert_eq!(g, Activation::Sin);
}

#[test]
#[allow(clippy::all)] // as it was printed
fn printed_code_makes_the_same_network() {
    let (network, x, y) = include!("strategies_printed.in");
    let networks =
        Networks::new(Mine).layers(3).units(2..=3).features(2).examples(2).losses(&[Loss::LogLoss]);
    let mut runner = runner(5);
    // Both in the hidden layers.
    let sample = loop {
        let sample = networks.new_tree(&mut runner).unwrap().current();
        let names: BTreeSet<String> = sample.activations::<f32>().iter().map(|g| g.to_string()).collect();
        if names.len() == 2 {
            break sample;
        }
    };
    let code = format!(
        "// Printed by the test that compares it.\n{{\n{}(network, x, y)\n}}\n",
        sample.to_rust::<f32>()
    );
    if std::env::var_os("PRINT").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strategies_printed.in"), &code).unwrap();
        return;
    }
    assert_eq!(
        code,
        include_str!("strategies_printed.in"),
        "the printed code has changed: PRINT=1 writes it anew"
    );
    // Functions of the user's are equal only to themselves: their networks are by what they compute.
    assert_eq!((&x, &y), (&sample.x(), &sample.y()));
    assert_eq!(network.parameters(), sample.network::<f32>().parameters());
    assert_eq!(network.predict(&x).unwrap(), sample.network().predict(&x).unwrap());
    assert_eq!(format!("{sample:?}"), sample.to_rust::<f64>());
}
