//! The networks of the tests of equations: each activation in each place, in front of each loss.

use std::ops::RangeInclusive;

use mlp::{Activation, Loss, Mlp, Purpose, Random, Scalar};
use proptest::prelude::*;
use tape::Matrix;

/// A network whose activations are those of the list from a place on, as far as the loss takes them.
pub(crate) fn network<T: Scalar>(sizes: &[usize], first: usize, loss: Loss) -> Mlp<T> {
    let all = Activation::<T>::all();
    let layers = sizes.len() - 1;
    let mut builder = Mlp::new(sizes[0]).loss(loss).seed(first as u64);
    for (l, &n) in sizes.iter().enumerate().skip(1) {
        let g = match loss {
            Loss::LogLoss if l == layers => Activation::Sigmoid,
            Loss::SoftmaxCrossEntropy if l == layers => Activation::Identity,
            _ => all[(first + l) % all.len()].clone(),
        };
        builder = builder.layer(n, g);
    }
    let mut network = builder.build().unwrap();
    let mut random = Random::new(first as u64, Purpose::Shuffle);
    for (l, &n) in sizes.iter().enumerate().skip(1) {
        let b = Matrix::from_fn(n, 1, |_, _| T::from_f64(random.symmetric(1.0)));
        network.set_parameter(&format!("b[{l}]"), b).unwrap();
    }
    network
}

/// What [`network`] takes: up to so many units in each of so many layers, the features counted as one.
pub(crate) fn networks(
    units: RangeInclusive<usize>,
    sizes: RangeInclusive<usize>,
) -> impl Strategy<Value = (Vec<usize>, usize, Loss)> {
    let sizes = prop::collection::vec(units, sizes);
    let first = 0..Activation::<f64>::all().len();
    (sizes, first, prop::sample::select(&Loss::ALL[..])).prop_map(|(mut sizes, first, loss)| {
        if let (Loss::SoftmaxCrossEntropy, Some(last)) = (loss, sizes.last_mut()) {
            *last = (*last).max(2);
        }
        (sizes, first, loss)
    })
}
