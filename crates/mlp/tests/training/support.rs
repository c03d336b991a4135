//! Data, networks, and how they are compared.

use mlp::{Activation, Mlp, Purpose, Random, Scalar};
use tape::Matrix;

/// Points of three features inside and outside of a ball.
pub(crate) fn examples<T: Scalar>(m: usize, seed: u64) -> (Matrix<T>, Matrix<T>) {
    let mut random = Random::new(seed, Purpose::Split);
    let x = Matrix::from_fn(3, m, |_, _| T::from_f64(random.symmetric(1.5)));
    let y = Matrix::from_fn(1, m, |_, i| {
        let inside = x.column(i).iter().map(|&x| x * x).sum::<T>() < T::from_f64(2.0);
        if inside { T::ONE } else { T::ZERO }
    });
    (x, y)
}

pub(crate) fn network<T: Scalar>(seed: u64) -> Mlp<T> {
    let builder = Mlp::new(3).layer(5, Activation::Tanh);
    builder.layer(1, Activation::Sigmoid).seed(seed).build().unwrap()
}

/// All parameters' bits, one after the other.
pub(crate) fn bits<T: Scalar>(network: &Mlp<T>) -> Vec<u64> {
    network.parameters().values().flat_map(|p| p.as_slice().iter().map(|p| p.bits())).collect()
}

/// The greatest difference of two networks' parameters.
pub(crate) fn apart(a: &Mlp<f64>, b: &Mlp<f64>) -> f64 {
    let pairs = a.parameters().values().zip(b.parameters().values());
    let elements = pairs.flat_map(|(a, b)| a.as_slice().iter().zip(b.as_slice()));
    elements.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
