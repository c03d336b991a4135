//! What becomes of a gradient before the optimiser sees it, by hand.

use mlp::{Mlp, Model, Optimizer, ParameterGroup, Trainer, Training};
use tape::{Matrix, Tape};

use crate::support::{apart, bits, examples, network};

/// One step of gradient descent with rate 1.
fn one_step(training: impl FnOnce(Training<f64>) -> Training<f64>) -> Mlp<f64> {
    let (x, y) = examples(10, 3);
    let mut trained = network(2);
    let descent = Training::new(Optimizer::gradient_descent(1.0).unwrap()).epochs(1);
    training(descent).fit(&mut trained, &x, &y).unwrap();
    trained
}

/// The network, changed by hand: a parameter and its gradient give the new value.
fn by_hand(change: impl Fn(&str, f64, f64) -> f64) -> Mlp<f64> {
    let (x, y) = examples(10, 3);
    let mut network = network(2);
    let gradients = network.closed_form(&x, &y).unwrap();
    for l in 1..=2 {
        for (letter, gradient) in [("W", gradients.dw(l)), ("b", gradients.db(l))] {
            let name = format!("{letter}[{l}]");
            let old = network.parameters()[&name].clone();
            let new = |i, j| change(&name, old[(i, j)], gradient[(i, j)]);
            let new = Matrix::from_fn(old.rows(), old.columns(), new);
            network.set_parameter(&name, new).unwrap();
        }
    }
    network
}

fn norm_of_all() -> f64 {
    let squares = std::cell::Cell::new(0.0);
    by_hand(|_, old, g| {
        squares.set(squares.get() + g * g);
        old
    });
    squares.get().sqrt()
}

#[test]
fn norms_are_clipped_over_all_parameters() {
    let norm = norm_of_all();
    for (most, factor) in [(norm / 4.0, 0.25), (norm * 2.0, 1.0)] {
        let clipped = one_step(|training| training.clip_norm(most).unwrap());
        assert!(apart(&clipped, &by_hand(|_, old, g| old - factor * g)) < 1e-15, "{most}");
    }
}

/// The norm of what is clipped may be larger than the largest number.
#[test]
fn gradients_of_any_finite_size_are_clipped() {
    for size in [1e-3, 1e150, 1e308, f64::MAX] {
        for n in [1_usize, 4, 1000] {
            let tape = Tape::<f64>::new();
            let w = tape.parameter("w", &Matrix::zeros(n, 1));
            let j = (w * tape.constant("c", &Matrix::filled(n, 1, size))).sum();
            let training = Training::new(Optimizer::gradient_descent(1.0).unwrap()).epochs(1);
            let training = training.clip_norm(1e-4).unwrap();
            let mut trainer = Trainer::new(Model::new(j, [w]), &training).unwrap();
            trainer.run().unwrap();
            let expected = -1e-4 / (n as f64).sqrt();
            for found in trainer.value(w).unwrap().as_slice() {
                assert!((found / expected - 1.0).abs() < 1e-11, "{n} of {size:e}: {found:e}");
            }
        }
    }
}

#[test]
fn values_are_clipped_one_by_one_and_first() {
    let most = norm_of_all() / 6.0;
    let clipped = one_step(|training| training.clip_value(most).unwrap());
    let expected = by_hand(|_, old, g| old - g.clamp(-most, most));
    assert!(apart(&clipped, &expected) < 1e-15);
    assert!(apart(&clipped, &one_step(|training| training)) > 1e-3);
    let both = one_step(|training| training.clip_value(most).unwrap().clip_norm(most).unwrap());
    let squares = std::cell::Cell::new(0.0);
    by_hand(|_, old, g| {
        squares.set(squares.get() + g.clamp(-most, most).powi(2));
        old
    });
    let factor = most / squares.get().sqrt();
    assert!(factor < 1.0);
    assert!(apart(&both, &by_hand(|_, old, g| old - factor * g.clamp(-most, most))) < 1e-15);
}

#[test]
fn l1_pulls_weights_towards_zero_after_clipping() {
    let most = norm_of_all() / 4.0;
    let trained = one_step(|training| training.l1(0.01).unwrap().clip_norm(most).unwrap());
    let pull = |name: &str, old: f64| if name.starts_with('W') { 0.01 * old.signum() } else { 0.0 };
    assert!(apart(&trained, &by_hand(|name, old, g| old - (0.25 * g + pull(name, old)))) < 1e-15);
    // At 0 there is no pull.
    let mut at_zero = network(2);
    let zero = at_zero.parameters()["W[2]"].map(|_| 0.0);
    at_zero.set_parameter("W[2]", zero.clone()).unwrap();
    let (x, y) = examples(10, 3);
    let (x, y) = (x.map(|_| 0.0), y.map(|_| 0.5));
    let training = Training::new(Optimizer::gradient_descent(1.0).unwrap()).epochs(1).l1(0.5).unwrap();
    training.fit(&mut at_zero, &x, &y).unwrap();
    assert_eq!(at_zero.parameters()["W[2]"], zero);
}

#[test]
fn accumulated_batches_are_one_larger_batch() {
    let (x, y) = examples(23, 5);
    for optimizer in [Optimizer::gradient_descent(0.3).unwrap(), Optimizer::adam(0.02).unwrap()] {
        // 23 is 3 · 6 + 5, and 6 is 3 · 2: the last step of an epoch has batches of 2, 2 and 1.
        let (mut accumulated, mut larger) = (network(3), network(3));
        let training = Training::new(optimizer).epochs(9);
        let by_two = training.clone().batches(2, 4).unwrap().accumulate(3).unwrap();
        by_two.fit(&mut accumulated, &x, &y).unwrap();
        training.batches(6, 4).unwrap().fit(&mut larger, &x, &y).unwrap();
        assert!(apart(&accumulated, &larger) < 1e-11, "{optimizer:?}: {}", apart(&accumulated, &larger));
    }
}

#[test]
fn groups_have_rates_and_decays_of_their_own() {
    let slow = ParameterGroup::of(["W[1]", "b[2]"]).rate_factor(0.1).unwrap();
    let held = ParameterGroup::of(["b[1]"]).l1(0.1).unwrap().l2(0.5).unwrap();
    let trained = one_step(|training| training.group(slow).unwrap().group(held).unwrap());
    let expected = by_hand(|name, old, g| match name {
        "W[1]" | "b[2]" => old - 0.1 * g,
        // The biases begin at 0, where nothing pulls.
        "b[1]" | "W[2]" => old - g,
        other => panic!("{other}"),
    });
    assert!(apart(&trained, &expected) < 1e-15);
    let free = ParameterGroup::of(["W[2]"]).l2(0.0).unwrap();
    let descent = Optimizer::gradient_descent(1.0).unwrap().with_l2(0.3).unwrap();
    let (x, y) = examples(10, 3);
    let mut trained = network(2);
    Training::new(descent).epochs(1).group(free).unwrap().fit(&mut trained, &x, &y).unwrap();
    let expected = by_hand(|name, old, g| if name == "W[1]" { old - (g + 0.3 * old) } else { old - g });
    assert!(apart(&trained, &expected) < 1e-15);
}

#[test]
fn what_is_frozen_stays() {
    let (x, y) = examples(10, 3);
    let mut trained = network::<f64>(2);
    let frozen = ParameterGroup::of(["W[1]", "b[1]", "b[2]"]).frozen();
    let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(4).group(frozen).unwrap();
    training.fit(&mut trained, &x, &y).unwrap();
    for (name, value) in network::<f64>(2).parameters() {
        assert_eq!(trained.parameters()[name] == *value, name != "W[2]", "{name}");
    }
}

#[test]
fn the_average_is_what_is_learned() {
    let (x, y) = examples(10, 3);
    let training = Training::new(Optimizer::gradient_descent(1.0).unwrap()).epochs(1);
    // θ after 0, 1, 2 and 3 steps.
    let after = |steps: usize| {
        let mut trained = network(2);
        training.clone().epochs(steps).fit(&mut trained, &x, &y).unwrap();
        trained
    };
    let averaged = training.clone().epochs(3).average(0.6).unwrap().validation(x.clone(), y.clone());
    let mut trained = network(2);
    let history = averaged.fit(&mut trained, &x, &y).unwrap();
    let mut expected: Mlp<f64> = after(0);
    for steps in 1..=3 {
        let theta = after(steps);
        for name in theta.parameters().keys() {
            let mean = expected.parameters()[name].clone();
            let now = &theta.parameters()[name];
            let mean =
                Matrix::from_fn(now.rows(), now.columns(), |i, j| 0.6 * mean[(i, j)] + 0.4 * now[(i, j)]);
            expected.set_parameter(name, mean).unwrap();
        }
        // The validation part is computed with the average.
        let j: f64 = expected.loss(&x, &y).unwrap();
        assert!((history.epochs()[steps - 1].validation.unwrap() - j).abs() < 1e-14);
    }
    assert!(apart(&trained, &expected) < 1e-15);
    assert_ne!(bits(&trained), bits(&after(3)));
}
