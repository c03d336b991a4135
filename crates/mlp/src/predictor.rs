//! A trained network at work.

use std::fmt;
use std::sync::{Arc, Mutex};

use tape::{EntryId, Matrix, MatrixRef, Program, Tape};

use crate::data::Room;
use crate::export::Recorded;
use crate::{Error, Export, Mlp, Pipeline, Result, Scalar};

/// A network at work: its prediction as a program that is compiled once. From the second prediction
/// on at an m that it has seen it allocates nothing.
///
/// It is for one thread at a time; a clone, which shares the network and what was compiled, is for
/// another. Cloning panics if there is no memory for the values.
///
/// ```
/// use mlp::{Activation, Mlp};
/// use tape::matrix;
/// let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
/// let mut predictor = network.predictor()?;
/// let x = matrix![[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
/// assert_eq!(predictor.predict(&x)?.to_matrix(), network.predict(&x)?);
/// assert_eq!(predictor.predict_one(&[0.0, 1.0])?, network.predict(&x)?.column(1));
/// let mut other = predictor.clone();
/// std::thread::spawn(move || other.predict_one(&[1.0, 1.0]).map(|a| a[0]))
///     .join()
///     .unwrap()?;
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Clone)]
pub struct Predictor<T: Scalar> {
    network: Arc<Mlp<T>>,
    pipeline: Option<Arc<Pipeline<T>>>,
    is_standardized: bool,
    probabilities: bool,
    prediction: Prediction<T>,
    room: Room<T>,
}

/// # Making one
impl<T: Scalar> Mlp<T> {
    /// The network at work, with the parameters that it has now.
    /// [`Export::predictor`] makes one with a standardiser before it, or probabilities behind it.
    ///
    /// # Errors
    /// [`Error::Tape`] if there is no memory for it.
    pub fn predictor(&self) -> Result<Predictor<T>> {
        self.export().predictor()
    }

    /// The network at work on examples as they are, which the pipeline prepares first.
    ///
    /// ```
    /// use mlp::{Activation, Mlp, Pipeline, Preparation};
    /// use tape::matrix;
    /// let x = matrix![[170.0, 180.0, f64::NAN], [70.0, 80.0, 75.0]];
    /// let pipeline = Pipeline::fit(&[Preparation::Impute, Preparation::Standardize], &x)?;
    /// let network = Mlp::<f64>::new(2).layer(1, Activation::Sigmoid).build()?;
    /// let mut predictor = network.predictor_with(&pipeline)?;
    /// let expected = network.predict(&pipeline.transform(&x)?)?;
    /// assert_eq!(predictor.predict(&x)?.to_matrix(), expected);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the pipeline gives another number of features than the network takes;
    /// [`Error::Tape`] if there is no memory for it.
    pub fn predictor_with(&self, pipeline: &Pipeline<T>) -> Result<Predictor<T>> {
        self.export().pipeline(pipeline).predictor()
    }
}

impl<T: Scalar> Export<'_, T> {
    /// The prediction as a program at hand, of the network with the parameters that it has now: of
    /// X, standardised in type T if there is a standardiser, or prepared by the pipeline if there is
    /// one.
    ///
    /// ```
    /// use mlp::{Activation, Loss, Mlp, Standardizer};
    /// use tape::matrix;
    /// let x = matrix![[170.0, 180.0, 160.0], [70.0, 80.0, 75.0]];
    /// let standardizer = Standardizer::fit(&x)?;
    /// let network = Mlp::<f64>::new(2)
    ///     .layer(3, Activation::Identity)
    ///     .loss(Loss::SoftmaxCrossEntropy)
    ///     .build()?;
    /// let mut predictor = network.export().standardizer(&standardizer).probabilities(true).predictor()?;
    /// let shares = predictor.predict_one(&[175.0, 72.0])?;
    /// assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] if a step was asked for, or a standardiser and a pipeline;
    /// [`Error::Shape`] if they are for another number of features; [`Error::Tape`] if there is no
    /// memory for it.
    pub fn predictor(&self) -> Result<Predictor<T>> {
        T::export_predictor(self)
    }

    pub(crate) fn predictor_here(&self) -> Result<Predictor<T>> {
        if self.step {
            let reason = "it predicts, and a step was asked for".to_owned();
            return Err(Error::Setting { setting: "predictor", reason });
        }
        self.features()?;
        Ok(Predictor {
            network: Arc::new(self.network.clone()),
            pipeline: self.pipeline.filter(|pipeline| !pipeline.is_empty()).cloned().map(Arc::new),
            is_standardized: self.standardizer.is_some(),
            probabilities: self.probabilities,
            prediction: Prediction::new(self)?,
            room: Room::new(),
        })
    }
}

/// # Predicting
impl<T: Scalar> Predictor<T> {
    /// The outputs for the examples X, n_L × m, in the predictor's own memory.
    ///
    /// # Errors
    /// [`Error::Shape`] if X does not have n_0 rows, or as many as the pipeline takes; the errors of
    /// [`Pipeline::transform`], if there is one; [`Error::Tape`] if there is no memory.
    pub fn predict<'m>(&mut self, x: impl Into<MatrixRef<'m, T>>) -> Result<MatrixRef<'_, T>> {
        T::predictor_predict(self, x.into())
    }

    pub(crate) fn predict_here(&mut self, x: MatrixRef<'_, T>) -> Result<MatrixRef<'_, T>> {
        if let Some(pipeline) = &self.pipeline {
            let x = pipeline.transform_in(x, &mut self.room)?;
            return self.prediction.of(x);
        }
        let expected = self.network.sizes()[0];
        if x.rows() != expected {
            let (expected, found) = ((expected, x.columns()), (x.rows(), x.columns()));
            return Err(Error::Shape { matrix: "X".to_owned(), expected, found });
        }
        self.prediction.of(x)
    }

    /// The n_L outputs for one example of n_0 features, or as many as the pipeline takes.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_one(&mut self, features: &[T]) -> Result<&[T]> {
        let x = MatrixRef::new(features.len(), 1, features)?;
        Ok(self.predict(x)?.as_slice())
    }

    /// The network.
    pub fn network(&self) -> &Mlp<T> {
        &self.network
    }

    /// What prepares its examples, if anything does.
    pub fn pipeline(&self) -> Option<&Pipeline<T>> {
        self.pipeline.as_deref()
    }
}

impl<T: Scalar> fmt::Debug for Predictor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor")
            .field("sizes", &self.network.sizes())
            .field("is_standardized", &self.is_standardized)
            .field("steps", &self.pipeline.as_ref().map_or(0, |pipeline| pipeline.len()))
            .field("probabilities", &self.probabilities)
            .finish_non_exhaustive()
    }
}

/// A prediction as a program.
#[derive(Clone)]
struct Prediction<T: Scalar> {
    program: Program<T>,
    x: EntryId,
    output: EntryId,
}

impl<T: Scalar> Prediction<T> {
    fn new(export: &Export<'_, T>) -> Result<Self> {
        let tape = Tape::new();
        let Recorded { x, outputs, .. } = export.record(&tape)?;
        let (x, output) = (x.id()?, outputs[0].id()?);
        Ok(Prediction { program: tape.compile(outputs)?, x, output })
    }

    /// The outputs for X, whose shape fits.
    fn of(&mut self, x: MatrixRef<'_, T>) -> Result<MatrixRef<'_, T>> {
        self.program.bind(self.x, x)?;
        self.program.run()?;
        Ok(self.program.view(self.output)?)
    }
}

/// The program that [`Mlp::predict`] has made, for the next call; whoever changes a parameter
/// forgets it.
pub(crate) struct KeptPrediction<T: Scalar>(Mutex<Option<Prediction<T>>>);

impl<T: Scalar> KeptPrediction<T> {
    pub(crate) const fn none() -> Self {
        KeptPrediction(Mutex::new(None))
    }

    pub(crate) fn forget(&mut self) {
        *self = Self::none();
    }

    /// A\[L\] for X, whose shape fits. While another thread predicts, a program of one's own is made.
    pub(crate) fn predict(&self, network: &Mlp<T>, x: &Matrix<T>) -> Result<Matrix<T>> {
        /// A program keeps the memory of its largest run: not of large ones.
        const MOST_KEPT: usize = 1 << 16;
        let mut kept = self.0.try_lock().ok();
        let prediction = kept.as_mut().and_then(|kept| kept.take());
        let mut prediction = prediction.map_or_else(|| Prediction::new(&network.export()), Ok)?;
        let a = prediction.of(x.into())?.to_matrix();
        let widest = network.sizes().iter().copied().max().unwrap_or(0);
        if let Some(kept) = &mut kept
            && widest.saturating_mul(x.columns()) <= MOST_KEPT
        {
            **kept = Some(prediction);
        }
        Ok(a)
    }
}

/// A copy begins without.
impl<T: Scalar> Clone for KeptPrediction<T> {
    fn clone(&self) -> Self {
        Self::none()
    }
}

/// What is kept is no part of a network.
impl<T: Scalar> PartialEq for KeptPrediction<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T: Scalar> fmt::Debug for KeptPrediction<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}
