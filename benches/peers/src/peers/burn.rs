//! burn on its Flex backend, with autodiff. An example is a row.

use burn::tensor::activation::{log_sigmoid, relu, sigmoid, tanh};
use burn::tensor::module::linear;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use tape::Matrix;

use super::{Outcome, Peer};
use crate::cases::{Hidden, Start};
use crate::failure::Failure;
use crate::number::Number;

/// W[l] as n_(l−1) × n_l, b[l], and an example a row of X and Y.
pub(crate) struct Step {
    hidden: Hidden,
    x: Tensor<2>,
    one_minus_y: Tensor<2>,
    layers: Vec<(Tensor<2>, Tensor<1>)>,
    result: Option<(Tensor<1>, Gradients)>,
}

impl Step {
    pub(crate) fn new<T: Number>(start: &Start<T>, hidden: Hidden) -> Self {
        let device = Device::flex().autodiff();
        let rows_of = |value: &Matrix<T>| {
            let data = TensorData::new(value.as_slice().to_vec(), [value.columns(), value.rows()]);
            Tensor::<2>::from_data(data, (&device, T::dtype()))
        };
        let parameters: Vec<_> = start.network.parameters().values().collect();
        let layer = |pair: &[&Matrix<T>]| {
            let (w, b) = (rows_of(pair[0]), rows_of(pair[1]).reshape([pair[1].rows()]));
            (w.require_grad(), b.require_grad())
        };
        let one_minus_y = start.y.map(|y| <T as tape::Scalar>::ONE - y);
        Step {
            hidden,
            x: rows_of(&start.x),
            one_minus_y: rows_of(&one_minus_y),
            layers: parameters.chunks_exact(2).map(layer).collect(),
            result: None,
        }
    }

    /// Z[L].
    fn logits(&self) -> Tensor<2> {
        let mut z = self.x.clone();
        for (l, (w, b)) in self.layers.iter().enumerate() {
            let a = match self.hidden {
                _ if l == 0 => z,
                Hidden::Tanh => tanh(z),
                Hidden::Sigmoid => sigmoid(z),
                Hidden::Relu => relu(z),
            };
            z = linear(a, w.clone(), Some(b.clone()));
        }
        z
    }

    /// J: the sum of (1 − y)·z − ln σ(z), over m, as burn's own loss has it.
    fn loss(&self) -> Tensor<1> {
        let z = self.logits();
        // Not `/ m`: its gradient goes through 1/m in f32, also in f64 (burn-autodiff 0.22.1).
        let over_m = 1.0 / z.dims()[0] as f64;
        (self.one_minus_y.clone() * z.clone() - log_sigmoid(z)).sum() * over_m
    }
}

impl<T: Number> Peer<T> for Step {
    fn step(&mut self) -> Result<(), Failure> {
        let j = self.loss();
        let gradients = j.backward();
        self.result = Some((j, gradients));
        Ok(())
    }

    fn read(&self) -> Result<Outcome<T>, Failure> {
        let (j, gradients) = self.result.as_ref().ok_or(Failure::NotRun)?;
        let mut found = Vec::new();
        for (w, b) in &self.layers {
            found.push(values(w.grad(gradients))?);
            found.push(values(b.grad(gradients))?);
        }
        Ok(Outcome { j: j.clone().into_scalar::<T>(), gradients: found })
    }
}

fn values<T: Number, const D: usize>(gradient: Option<Tensor<D>>) -> Result<Vec<T>, Failure> {
    gradient.ok_or(Failure::NoGradient)?.into_data().try_to_vec().map_err(Failure::Burn)
}
