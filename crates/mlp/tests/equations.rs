//! The equations of networks are read back as the entries that they were printed of: forward, gradients of order 1, and of order 2.

mod support;

use mlp::{Activation, Loss};
use proptest::prelude::*;
use tape::{EquationMistake, Tape, Var};

/// Reads what is printed; how many were read.
fn round_trip<'t>(tape: &'t Tape<f64>, variables: impl IntoIterator<Item = Var<'t, f64>>) -> usize {
    let reader = tape.reader();
    let mut read = 0;
    for var in variables {
        let length = tape.len();
        for text in [var.equation().to_string(), var.equation().with_function_names().to_string()] {
            match reader.read(&text) {
                Ok(found) => {
                    assert!(found.right == var, "{text}\nread {}", found.right.equation());
                    read += 1;
                }
                // Of order 2, g′ may be of several functions at one place, and an equation may be too long.
                Err(error) => match error.mistake() {
                    EquationMistake::Cut => {}
                    EquationMistake::WhichFunction { .. } if text.contains("g′") || text.contains("g″") =>
                        {}
                    _ => panic!("{text}\n{error}"),
                },
            }
        }
        assert_eq!(tape.len(), length);
    }
    read
}

fn check(sizes: &[usize], first: usize, loss: Loss, second_order: bool) {
    let (network, layers) = (support::network::<f64>(sizes, first, loss), sizes.len() - 1);
    let tape = Tape::new();
    let n = sizes[layers];
    let (x, y) = (tape::Matrix::filled(sizes[0], 2, 0.5), tape::Matrix::filled(n, 2, 1.0 / n as f64));
    let recorded = network.record(&tape, &x, &y).unwrap();
    let gradients = recorded.gradients();
    let forward = recorded.z.iter().chain(&recorded.a[1..]).copied().chain([recorded.losses, recorded.j]);
    let read = round_trip(&tape, forward.chain(gradients.iter().copied()));
    assert_eq!(read, 2 * (2 * layers + 2 + gradients.len()), "order 1 is never ambiguous");
    if second_order {
        let norm = gradients.iter().map(|g| g.square().sum()).reduce(|a, b| a + b).unwrap();
        let second = norm.gradients(recorded.parameters());
        assert!(round_trip(&tape, second.into_iter().chain([norm])) > 0);
    }
}

#[test]
fn every_activation_and_loss_at_every_depth() {
    for first in 0..Activation::<f64>::all().len() {
        for layers in 1..=4 {
            for loss in Loss::ALL {
                check(
                    &[2, 3, 1, 2, 2][..=layers].iter().map(|&n| n.max(2)).collect::<Vec<_>>(),
                    first,
                    loss,
                    layers <= 2,
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn random_networks(
        (sizes, first, loss) in support::networks(1..=9, 2..=5),
    ) {
        check(&sizes, first, loss, sizes.len() <= 3);
    }
}
