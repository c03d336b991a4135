//! dfdx, with shapes that are known at run time.
//!
//! A product's gradient is that of both operands or none: dfdx also computes ∂J/∂X, which nobody asked for. So does candle.

use dfdx::prelude::{AsArray, Backward, HasShape, Rank0, Trace, TryMatMul};
use dfdx::prelude::{Axis, BroadcastTo, Cpu, Device, Gradients, OwnedTape, SumTo, Tensor, TensorFromVec};
use tape::Matrix;

use super::{Outcome, Peer};
use crate::cases::{Hidden, Start};
use crate::failure::Failure;
use crate::number::Number;

type Rows<T> = Tensor<(usize, usize), T, Cpu>;
type Column<T> = Tensor<(usize,), T, Cpu>;
type Traced<T> = Tensor<(usize, usize), T, Cpu, OwnedTape<T, Cpu>>;

/// W[l] as n_(l−1) × n_l, b[l], and an example a row of X and Y.
pub(crate) struct Step<T: Number> {
    hidden: Hidden,
    x: Rows<T>,
    y: Rows<T>,
    layers: Vec<(Rows<T>, Column<T>)>,
    result: Option<(T, Gradients<T, Cpu>)>,
}

impl<T: Number> Step<T>
where
    Cpu: Device<T>,
{
    pub(crate) fn new(start: &Start<T>, hidden: Hidden) -> Self {
        let device = Cpu::default();
        let rows_of = |value: &Matrix<T>| {
            device.tensor_from_vec(value.as_slice().to_vec(), (value.columns(), value.rows()))
        };
        let vector_of =
            |value: &Matrix<T>| device.tensor_from_vec(value.as_slice().to_vec(), (value.rows(),));
        let parameters: Vec<_> = start.network.parameters().values().collect();
        let layer = |pair: &[&Matrix<T>]| (rows_of(pair[0]), vector_of(pair[1]));
        Step {
            hidden,
            x: rows_of(&start.x),
            y: rows_of(&start.y),
            layers: parameters.chunks_exact(2).map(layer).collect(),
            result: None,
        }
    }

    /// Z[L].
    fn logits(&self) -> Traced<T> {
        let mut z: Traced<T> = self.x.leaky_trace();
        for (l, (w, b)) in self.layers.iter().enumerate() {
            let a = match self.hidden {
                _ if l == 0 => z,
                Hidden::Tanh => z.tanh(),
                Hidden::Sigmoid => z.sigmoid(),
                Hidden::Relu => z.relu(),
            };
            z = a.matmul(w.clone());
            let shape = (self.x.shape().0, b.shape().0);
            z = z + b.retaped::<OwnedTape<T, Cpu>>().broadcast_like::<_, Axis<0>>(&shape);
        }
        z
    }
}

impl<T: Number> Peer<T> for Step<T>
where
    Cpu: Device<T>,
{
    fn step(&mut self) -> Result<(), Failure> {
        let m = <T as tape::Scalar>::from_usize(self.x.shape().0);
        let j = self.logits().bce_with_logits(self.y.clone()).sum::<Rank0, _>() / m;
        let value = j.array();
        self.result = Some((value, j.backward()));
        Ok(())
    }

    fn read(&self) -> Result<Outcome<T>, Failure> {
        let (j, gradients) = self.result.as_ref().ok_or(Failure::NotRun)?;
        let values = |(w, b): &(Rows<T>, Column<T>)| [gradients.get(w).as_vec(), gradients.get(b).as_vec()];
        Ok(Outcome { j: *j, gradients: self.layers.iter().flat_map(values).collect() })
    }
}
