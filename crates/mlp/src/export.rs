//! A network for those who run it elsewhere.

#[cfg(feature = "onnx")]
use tape::OnnxOptions;
#[cfg(feature = "rust-source")]
use tape::RustSource;
use tape::{Matrix, Over, Program, Tape, Var};

use crate::{Error, Loss, Mlp, Result, Scalar, Standardizer};

/// A network on its way into a file: its prediction or its step, made by [`Mlp::export`].
#[derive(Debug, Clone)]
#[must_use = "nothing is written before one of its last methods is called"]
pub struct Export<'a, T: Scalar> {
    network: &'a Mlp<T>,
    standardizer: Option<&'a Standardizer<T>>,
    probabilities: bool,
    step: bool,
}

/// # For others
impl<T: Scalar> Mlp<T> {
    /// The network to be carried over: its prediction A\[L\] of examples X, unless
    /// [`step`](Export::step) is asked for.
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// let xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let prediction = xor.export().program()?;
    /// assert_eq!(prediction.steps().count(), 4);
    /// # #[cfg(feature = "onnx")]
    /// let file = xor.export().to_onnx(&tape::OnnxOptions::default())?; // for ONNX Runtime, any m
    /// # #[cfg(feature = "rust-source")]
    /// let source = xor.export().to_rust(tape::RustSource::new("predict_xor"))?; // needs no crate, no std
    /// # #[cfg(feature = "rust-source")]
    /// assert!(source.contains("pub fn predict_xor(x: &[f64; 2], a_2: &mut [f64; 1]) {"));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn export(&self) -> Export<'_, T> {
        Export { network: self, standardizer: None, probabilities: false, step: false }
    }
}

impl<'a, T: Scalar> Export<'a, T> {
    /// Standardises X first: x becomes (x − mean)/scale, with both rounded to T.
    pub fn standardizer(mut self, standardizer: &'a Standardizer<T>) -> Self {
        self.standardizer = Some(standardizer);
        self
    }

    /// Whether the prediction of a network with softmax cross-entropy is softmax(A\[L\]), named
    /// `probabilities`, and not the logits. Other networks stay as they are.
    pub fn probabilities(mut self, probabilities: bool) -> Self {
        self.probabilities = probabilities;
        self
    }

    /// The step of a training instead: J of examples X and labels Y, and ∂J/∂W\[1\],
    /// ∂J/∂b\[1\], … (eq. 25–28), in the order of [`Mlp::parameters`].
    pub fn step(mut self) -> Self {
        self.step = true;
        self
    }

    /// The program that is written.
    ///
    /// # Errors
    /// [`Error::Shape`] if the standardizer is for another number of features.
    #[track_caller]
    pub fn program(&self) -> Result<Program<T>> {
        Ok(T::export_program(self)?.0)
    }

    /// The program, and its equations.
    #[track_caller]
    pub(crate) fn program_here(&self) -> Result<(Program<T>, String)> {
        let tape = Tape::new();
        let sizes = self.network.sizes();
        let x = self.standardized(tape.examples_unbound("X", sizes[0]))?;
        let outputs: Vec<Var<'_, T>> = if self.step {
            let recorded = self.network.record_on(x, tape.examples_unbound("Y", sizes[sizes.len() - 1]));
            [recorded.j].into_iter().chain(recorded.gradients()).collect()
        } else {
            let (_, _, _, a) = self.network.record_layers(x);
            let last = a[a.len() - 1];
            match self.probabilities && self.network.loss_function() == Loss::SoftmaxCrossEntropy {
                true => vec![last.softmax_over(Over::Rows).named("probabilities")],
                false => vec![last],
            }
        };
        let equations = tape.equations(outputs.iter().copied()).to_string();
        Ok((tape.compile(outputs)?, equations))
    }

    fn standardized<'t>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        let Some(standardizer) = self.standardizer else { return Ok(x) };
        let (found, expected) = (standardizer.mean().len(), self.network.sizes()[0]);
        if found != expected {
            let matrix = "the standardizer".to_owned();
            return Err(Error::Shape { matrix, expected: (expected, 1), found: (found, 1) });
        }
        let column = |name: &str, values: &[T]| {
            Ok::<_, Error>(x.tape().constant(name, &Matrix::from_vec(found, 1, values.to_vec())?))
        };
        let (mean, scale) = (column("mean", standardizer.mean())?, column("scale", standardizer.scale())?);
        Ok(((x - mean) / scale).named("A[0]"))
    }

    /// The program as an ONNX file; see [`tape::Program::to_onnx`].
    ///
    /// # Errors
    /// As [`program`](Self::program); [`Error::Tape`] for an activation that cannot be written.
    #[cfg(feature = "onnx")]
    #[track_caller]
    pub fn to_onnx(&self, options: &OnnxOptions) -> Result<Vec<u8>> {
        Ok(self.program()?.to_onnx(options)?)
    }

    /// The program as source text in Rust, with its equations; see [`tape::Program::to_rust`].
    ///
    /// # Errors
    /// As [`program`](Self::program); [`Error::Tape`] for an activation that cannot be written.
    #[cfg(feature = "rust-source")]
    #[track_caller]
    pub fn to_rust(&self, source: RustSource) -> Result<String> {
        let (program, equations) = T::export_program(self)?;
        Ok(program.to_rust(&source.equations(equations))?)
    }
}
