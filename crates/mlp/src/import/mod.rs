//! Networks of other libraries.

mod chain;
mod file;

use crate::{Activation, Error, Loss, Mlp, Result, Scalar};
use tape::Matrix;

/// What messages call the format.
const FORMAT: &str = "ONNX";

fn unreadable(reason: impl Into<String>) -> Error {
    Error::NotImportable { format: FORMAT, reason: reason.into() }
}

/// A layer that was read.
struct Layer<T: Scalar> {
    w: Matrix<T>,
    b: Option<Matrix<T>>,
    g: Activation<T>,
}

/// # Of others
impl<T: Scalar> Mlp<T> {
    /// The network in an ONNX file, as PyTorch and others export it: a chain of dense layers, with
    /// examples in rows or in columns, its parameters in `f32` or `f64`.
    ///
    /// A layer is Gemm, or MatMul and Add, and an activation that this crate has too. A softmax at
    /// the end is left out, and the loss becomes softmax cross-entropy: the network then gives
    /// logits, as here they all do.
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// use tape::OnnxOptions;
    /// let xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let file = xor.export().to_onnx(&OnnxOptions::default())?;
    /// assert_eq!(Mlp::from_onnx(&file)?.parameters(), xor.parameters());
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotImportable`] for what is no such file, or no such network, with the node;
    /// [`Error::NonFiniteParameter`] for a parameter that is NaN or infinite; as
    /// [`MlpBuilder::build`](crate::MlpBuilder::build).
    pub fn from_onnx(file: &[u8]) -> Result<Self> {
        T::mlp_from_onnx(file)
    }

    pub(crate) fn from_onnx_here(bytes: &[u8]) -> Result<Self> {
        let (layers, has_softmax) = chain::layers::<T>(&file::graph(bytes)?)?;
        let Some(first) = layers.first() else { return Err(Error::NoLayers) };
        let mut builder = Mlp::new(first.w.columns());
        for layer in &layers {
            builder = builder.layer(layer.w.rows(), layer.g.clone());
        }
        if has_softmax {
            builder = builder.loss(Loss::SoftmaxCrossEntropy);
        }
        let mut mlp = builder.build()?;
        for (layer, l) in layers.into_iter().zip(1..) {
            let b = layer.b.unwrap_or_else(|| Matrix::zeros(layer.w.rows(), 1));
            for (name, value) in [(format!("W[{l}]"), layer.w), (format!("b[{l}]"), b)] {
                if let Some(((row, column), value)) = value.iter_indexed().find(|(_, x)| !x.is_finite()) {
                    return Err(Error::NonFiniteParameter { name, value: value.to_f64(), row, column });
                }
                mlp.set_parameter(&name, value)?;
            }
        }
        Ok(mlp)
    }
}
