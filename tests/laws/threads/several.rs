//! Operations with several outputs, in tiles and on threads.

use mlp::Scalar;
use tape::check::Random;
use tape::{Over, Tape};

use super::loops::same_in_all_ways;
use super::{Costly, all_ways};
use crate::operations::Polar;

#[test]
fn several_outputs_have_the_same_bits_in_all_ways() {
    fn outputs<T: Scalar>() {
        let tape = Tape::<T>::new();
        let (x, y) = (tape.examples_unbound("x", 3), tape.examples_unbound("y", 3));
        let w = tape.parameter("W", &Random::new(2).matrix(3, 3, -1.0, 1.0));
        let [r, theta] = tape.apply_several(Polar, &[w.matmul(x), w.matmul(y)]);
        let losses = (r * theta.sin()).square().sum_over(Over::Rows) + r.sum_over(Over::Rows);
        let j = losses.mean() + tape.apply(Costly, [theta]).mean();
        let gradients = j.gradients([w, x, y]);
        let h = gradients[0].square().sum() + gradients[1].square().sum();
        let outputs = [j, r, theta].into_iter().chain(gradients).chain(h.gradients([w, x]));
        let batches = [2049, 1, 300, 2049].map(|m| {
            let mut random = Random::new(m as u64);
            vec![(x, random.matrix(3, m, 0.5, 2.0)), (y, random.matrix(3, m, 0.5, 2.0))]
        });
        same_in_all_ways(&outputs.collect::<Vec<_>>(), &batches, &all_ways());
    }
    outputs::<f64>();
    outputs::<f32>();
}
