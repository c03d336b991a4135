//! Every mistake of the catalogue is named, at every layer, by identity and by numbers; what is right is never called wrong.

use std::collections::BTreeMap;

use mlp::diagnose::{Exercise, Quantity, Verdict};
use mlp::{Activation, Loss, Mlp, Scalar};

/// All quantities of so many layers.
fn quantities(layers: usize) -> Vec<Quantity> {
    let of_layer = |l| {
        [
            Quantity::Z(l),
            Quantity::A(l),
            Quantity::ActivationDerivative(l),
            Quantity::Delta(l),
            Quantity::Weights(l),
            Quantity::Bias(l),
        ]
    };
    (1..=layers).flat_map(of_layer).collect()
}

/// A network of so many layers, whose activations are those of a list from a place on.
fn network<T: Scalar>(layers: usize, first: usize, loss: Loss) -> Mlp<T> {
    let all = Activation::<T>::all();
    let sizes = [4, 2, 5, 3];
    let mut builder = Mlp::new(3).loss(loss).seed(first as u64);
    for l in 1..=layers {
        let g = match loss {
            Loss::LogLoss if l == layers => Activation::Sigmoid,
            Loss::SoftmaxCrossEntropy if l == layers => Activation::Identity,
            _ => all[(first + l) % all.len()].clone(),
        };
        builder = builder.layer(sizes[l - 1], g);
    }
    builder.build().unwrap()
}

#[test]
fn survey() {
    let mut table: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut n = 0;
    for layers in 1..=4 {
        for loss in Loss::ALL {
            for first in if std::env::var("ALL").is_ok() { 0..Activation::<f64>::all().len() } else { 5..6 } {
                let exercise = Exercise::new(&network::<f64>(layers, first, loss));
                for quantity in quantities(layers) {
                    let right = exercise.right(quantity).unwrap();
                    assert_eq!(exercise.judge(&right), Ok(Verdict::Same), "{right}");
                    for (mistake, text) in exercise.wrong(quantity).unwrap() {
                        n += 1;
                        let verdict = exercise.judge(&text).unwrap();
                        if verdict.mistake() != Some(mistake) {
                            let key = (
                                format!("{mistake:?}"),
                                format!("{quantity} {first} {loss} L={layers} {text} -> {verdict}"),
                            );
                            *table.entry(key).or_default() += 1;
                        }
                    }
                }
            }
        }
    }
    for (key, n) in &table {
        println!("{n} {} | {}", key.0, key.1);
    }
    println!("{} of {n}", table.len());
}
