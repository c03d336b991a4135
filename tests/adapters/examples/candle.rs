//! A layer of candle under the laws of `tape::check`: two methods, `value` and `vjp`.

use candle_core::{DType, Device, Result, Tensor, Var};
use tape::check::{Check, Rule};
use tape::{Matrix, matrix};

/// A layer that candle differentiates.
struct Layer<F>(F);

/// A matrix of the tape is stored column by column, a tensor of candle row by row.
fn tensor(x: &Matrix<f64>) -> Result<Tensor> {
    Tensor::from_slice(x.transposed().as_slice(), x.shape(), &Device::Cpu)
}

fn matrix_of(x: &Tensor) -> Result<Matrix<f64>> {
    let (rows, columns) = x.dims2()?;
    let rows_first = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    Ok(Matrix::from_fn(rows, columns, |i, j| rows_first[i * columns + j]))
}

impl<F: Fn(&[Tensor]) -> Result<Tensor>> Layer<F> {
    fn of(&self, x: &[Matrix<f64>]) -> Result<(Vec<Var>, Tensor)> {
        let variables = x.iter().map(|x| Var::from_tensor(&tensor(x)?)).collect::<Result<Vec<Var>>>()?;
        let tensors: Vec<Tensor> = variables.iter().map(|x| x.as_tensor().clone()).collect();
        let value = (self.0)(&tensors)?;
        Ok((variables, value))
    }
}

impl<F: Fn(&[Tensor]) -> Result<Tensor>> Rule<f64> for Layer<F> {
    fn value(&self, x: &[Matrix<f64>]) -> Matrix<f64> {
        let found = self.of(x).and_then(|(_, value)| matrix_of(&value));
        found.unwrap_or_else(|error| panic!("candle: {error}"))
    }

    /// ∂⟨u, f(x)⟩/∂x, by candle's backward pass.
    fn vjp(&self, x: &[Matrix<f64>], u: &Matrix<f64>) -> Vec<Matrix<f64>> {
        let gradients = || -> Result<Vec<Matrix<f64>>> {
            let (variables, value) = self.of(x)?;
            let all = (value * tensor(u)?)?.sum_all()?.backward()?;
            let of = |(variable, x): (&Var, &Matrix<f64>)| match all.get(variable.as_tensor()) {
                Some(gradient) => matrix_of(gradient),
                None => Ok(Matrix::zeros(x.rows(), x.columns())),
            };
            variables.iter().zip(x).map(of).collect()
        };
        gradients().unwrap_or_else(|error| panic!("candle: {error}"))
    }
}

fn main() {
    let inputs = [
        matrix![[0.5, -1.25], [0.75, 2.0]],
        matrix![[0.3, -0.7, 1.1], [0.2, 0.9, -0.4]],
        matrix![[0.1], [-0.2]],
    ];
    let check = Check::new().nothing_unchecked();
    let dense = Layer(|x: &[Tensor]| x[0].matmul(&x[1])?.broadcast_add(&x[2])?.tanh());
    match check.rule(&inputs, &dense) {
        Ok(summary) => println!("tanh(W * X + b) in candle:\n{summary}"),
        Err(failure) => println!("tanh(W * X + b) in candle: {failure}"),
    }
    // The same with the derivative of W lost, as a forgotten `Var` does it.
    let detached = Layer(|x: &[Tensor]| x[0].detach().matmul(&x[1])?.broadcast_add(&x[2])?.tanh());
    match check.rule(&inputs, &detached) {
        Ok(_) => println!("a detached W: not noticed"),
        Err(failure) => println!("\nwith W detached:\n{failure}"),
    }
}
