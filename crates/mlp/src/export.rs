//! A network for those who run it elsewhere.

#[cfg(feature = "onnx")]
use tape::OnnxOptions;
#[cfg(any(feature = "onnx", feature = "rust-source"))]
use tape::Program;
#[cfg(feature = "rust-source")]
use tape::RustSource;
use tape::{Over, Tape, Var};

use crate::{Error, Loss, Mlp, Pipeline, Result, Scalar, Standardizer};

/// A network on its way into a file: its prediction or its step, made by [`Mlp::export`].
#[derive(Debug, Clone)]
#[must_use = "nothing is written before one of its last methods is called"]
pub struct Export<'a, T: Scalar> {
    pub(crate) network: &'a Mlp<T>,
    pub(crate) standardizer: Option<&'a Standardizer<T>>,
    pub(crate) pipeline: Option<&'a Pipeline<T>>,
    pub(crate) probabilities: bool,
    pub(crate) step: bool,
}

/// What is recorded of a network that is to be carried over.
pub(crate) struct Recorded<'t, T: Scalar> {
    /// X as it is given.
    pub(crate) x: Var<'t, T>,
    /// Z\[1\], A\[1\], ….
    #[cfg_attr(not(any(feature = "onnx", feature = "rust-source")), allow(dead_code))]
    pub(crate) layers: Vec<Var<'t, T>>,
    pub(crate) outputs: Vec<Var<'t, T>>,
}

/// # For others
impl<T: Scalar> Mlp<T> {
    /// The network to be carried over: its prediction A\[L\] of examples X, unless
    /// [`step`](Export::step) is asked for.
    pub fn export(&self) -> Export<'_, T> {
        Export { network: self, standardizer: None, pipeline: None, probabilities: false, step: false }
    }
}

impl<'a, T: Scalar> Export<'a, T> {
    /// Standardises X first: x becomes (x − mean)/scale, with both rounded to T.
    pub fn standardizer(mut self, standardizer: &'a Standardizer<T>) -> Self {
        self.standardizer = Some(standardizer);
        self
    }

    /// Prepares X by a pipeline first; X has as many rows as the pipeline takes.
    ///
    /// A [`predictor`](Self::predictor) does what [`Pipeline::transform`] does, in f64, with its errors. A
    /// file has the same as operations in type T, with means, scales and ends rounded to it, and has no
    /// errors: an infinite value, NaN where no imputer is the first step, a category that is
    /// [refused](crate::Unseen::Refuse), and what becomes too large for T give NaN, and so they do
    /// behind the network where it lets them.
    pub fn pipeline(mut self, pipeline: &'a Pipeline<T>) -> Self {
        self.pipeline = Some(pipeline);
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

    /// The program, and its equations.
    #[cfg(any(feature = "onnx", feature = "rust-source"))]
    #[track_caller]
    pub(crate) fn program_here(&self) -> Result<(Program<T>, String)> {
        let tape = Tape::new();
        let features = tape.examples_unbound("X", self.features()?);
        let prepared = match self.pipeline.filter(|pipeline| !pipeline.is_empty()) {
            Some(pipeline) => pipeline.record(features)?.named("A[0]"),
            None => features,
        };
        let Recorded { layers, outputs, .. } = self.record_from(prepared)?;
        let equations = tape.equations(layers.into_iter().chain(outputs.iter().copied())).to_string();
        Ok((tape.compile(outputs)?, equations))
    }

    /// How many features X has, if all that prepares it fits the network.
    pub(crate) fn features(&self) -> Result<usize> {
        let expected = self.network.sizes()[0];
        let Some(pipeline) = self.pipeline else { return Ok(expected) };
        if self.standardizer.is_some() {
            let reason = "there is a standardizer too: let it be a step of the pipeline".to_owned();
            return Err(Error::Setting { setting: "pipeline", reason });
        }
        pipeline.check_outputs(expected)?;
        Ok(pipeline.features().map_or(expected, |(inputs, _)| inputs))
    }

    /// The network on examples that a pipeline has prepared, if there is one.
    #[track_caller]
    pub(crate) fn record<'t>(&self, tape: &'t Tape<T>) -> Result<Recorded<'t, T>> {
        self.record_from(tape.examples_unbound("X", self.network.sizes()[0]))
    }

    #[track_caller]
    fn record_from<'t>(&self, features: Var<'t, T>) -> Result<Recorded<'t, T>> {
        let (sizes, tape) = (self.network.sizes(), features.tape());
        let x = self.standardized(features)?;
        let labels = || tape.examples_unbound("Y", sizes[sizes.len() - 1]);
        let (z, a, outputs): (_, _, Vec<Var<'_, T>>) = if self.step {
            let recorded = self.network.record_on(x, labels());
            let outputs = [recorded.j].into_iter().chain(recorded.gradients()).collect();
            (recorded.z, recorded.a, outputs)
        } else {
            let (_, _, z, a) = self.network.record_layers(x);
            let last = a[a.len() - 1];
            let output = match self.probabilities && self.network.loss_function() == Loss::SoftmaxCrossEntropy
            {
                true => last.softmax_over(Over::Rows).named("probabilities"),
                false => last,
            };
            (z, a, vec![output])
        };
        let layers = z.iter().zip(&a[1..]).flat_map(|(&z, &a)| [z, a]).collect();
        Ok(Recorded { x: features, layers, outputs })
    }

    fn standardized<'t>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        let Some(standardizer) = self.standardizer else { return Ok(x) };
        let (found, expected) = (standardizer.mean().len(), self.network.sizes()[0]);
        if found != expected {
            let matrix = "the standardizer".to_owned();
            return Err(Error::Shape { matrix, expected: (expected, 1), found: (found, 1) });
        }
        Ok(standardizer.record(x)?.named("A[0]"))
    }

    /// An ONNX file, for any number of examples; see [`tape::Program::to_onnx`].
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// use tape::OnnxOptions;
    /// let xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let prediction = xor.export().to_onnx(&OnnxOptions::default())?;
    /// // J and eq. 26–28, of parameters that are given
    /// let step = xor.export().step().to_onnx(&OnnxOptions::default().parameters_as_inputs(true))?;
    /// assert!(prediction.len() < step.len());
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the standardizer or the pipeline is for another number of features;
    /// [`Error::Setting`] if there are both, or type T does not hold a number of the pipeline;
    /// [`Error::Tape`] for an activation that cannot be written.
    #[cfg(feature = "onnx")]
    #[track_caller]
    pub fn to_onnx(&self, options: &OnnxOptions) -> Result<Vec<u8>> {
        let (program, _) = T::export_program(self)?;
        Ok(program.to_onnx(options)?)
    }

    /// Source text in Rust, with the equations; see [`tape::Program::to_rust`].
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// use tape::RustSource;
    /// let xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let source = xor.export().to_rust(RustSource::new("predict_xor"))?;
    /// assert!(source.contains("pub fn predict_xor(x: &[f64; 2], a_2: &mut [f64; 1]) {"));
    /// assert!(source.contains("/// Z[1] = W[1] * X + b[1]"));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the standardizer or the pipeline is for another number of features;
    /// [`Error::Setting`] if there are both, or type T does not hold a number of the pipeline;
    /// [`Error::Tape`] for an activation that cannot be written.
    #[cfg(feature = "rust-source")]
    #[track_caller]
    pub fn to_rust(&self, source: RustSource) -> Result<String> {
        let (program, equations) = T::export_program(self)?;
        Ok(program.to_rust(&source.equations(equations))?)
    }
}
