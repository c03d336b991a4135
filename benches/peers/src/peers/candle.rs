//! candle: parameters are `candle_core::Var`, and `Tensor::backward` computes all gradients.
//!
//! An example is a column, as in the tape: candle sums along rows in vectors, and down columns number by number with a division
//! each. With an example a row, ∂J/∂b[l] makes `cancer` in f32 take 121 µs instead of 91.

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use tape::Matrix;

use super::{Outcome, Peer};
use crate::cases::{Hidden, Start};
use crate::failure::Failure;
use crate::number::Number;

/// The parameters W[1], b[1], …, X and Y in the tape's shapes.
pub(crate) struct Step {
    hidden: Hidden,
    x: Tensor,
    y: Tensor,
    parameters: Vec<Var>,
    result: Option<(Tensor, GradStore)>,
}

impl Step {
    pub(crate) fn new<T: Number>(start: &Start<T>, hidden: Hidden) -> Result<Self, Failure> {
        let parameter = |value: &Matrix<T>| Ok(Var::from_tensor(&tensor(value)?)?);
        let parameters = start.network.parameters().values().map(parameter);
        let parameters = parameters.collect::<Result<_, Failure>>()?;
        Ok(Step { hidden, x: tensor(&start.x)?, y: tensor(&start.y)?, parameters, result: None })
    }

    /// Z[L].
    fn logits(&self) -> candle_core::Result<Tensor> {
        let mut z = self.x.clone();
        for (l, parameters) in self.parameters.chunks_exact(2).enumerate() {
            let a = match self.hidden {
                _ if l == 0 => z,
                Hidden::Tanh => z.tanh()?,
                Hidden::Sigmoid => candle_nn::ops::sigmoid(&z)?,
                Hidden::Relu => z.relu()?,
            };
            z = parameters[0].matmul(&a)?.broadcast_add(&parameters[1])?;
        }
        Ok(z)
    }

    /// J: the sum of ln(1 + exp z) − y·z, over m.
    fn loss(&self) -> candle_core::Result<Tensor> {
        let z = self.logits()?;
        let softplus = (z.exp()? + 1.0)?.log()?;
        (softplus - (&self.y * &z)?)?.sum_all()? / self.x.dim(1)? as f64
    }
}

/// candle stores row by row.
fn tensor<T: Number>(value: &Matrix<T>) -> candle_core::Result<Tensor> {
    let transposed = Tensor::from_slice(value.as_slice(), (value.columns(), value.rows()), &Device::Cpu)?;
    transposed.t()?.contiguous()
}

impl<T: Number> Peer<T> for Step {
    fn step(&mut self) -> Result<(), Failure> {
        let j = self.loss()?;
        let gradients = j.backward()?;
        self.result = Some((j, gradients));
        Ok(())
    }

    fn read(&self) -> Result<Outcome<T>, Failure> {
        let (j, gradients) = self.result.as_ref().ok_or(Failure::NotRun)?;
        let values = |parameter: &Var| {
            let gradient = gradients.get(parameter).ok_or(Failure::NoGradient)?;
            Ok(gradient.t()?.flatten_all()?.to_vec1::<T>()?)
        };
        let gradients = self.parameters.iter().map(values).collect::<Result<_, Failure>>()?;
        Ok(Outcome { j: j.to_scalar::<T>()?, gradients })
    }
}
