//! What prepares data, beside the network that it prepares them for.

use super::{Archive, FileProblem};
use crate::{Error, Mlp, Parts, Pipeline, Result, Scalar, Standardizer};

/// What the names of all begin with.
const PREFIX: &str = Pipeline::<f64>::PREFIX;
const MEAN: &str = "preprocessing.mean";
const SCALE: &str = "preprocessing.scale";
const STEPS: &str = "preprocessing.steps";
const FORMAT: &str = "preprocessing.format_version";
const VERSION: u64 = 1;

/// # What prepares data
///
/// An archive has one standardiser or one pipeline: what is put in takes the place of what was there.
impl Archive {
    /// Puts in a standardiser: the vectors `preprocessing.mean` and `preprocessing.scale`, in f64
    /// as it computes.
    ///
    /// ```
    /// use mlp::{Standardizer, files::Archive};
    /// let standardizer = Standardizer::fit(&tape::matrix![[1.0, 5.0], [7.0, 7.0]])?;
    /// let mut archive = Archive::new();
    /// assert_eq!(archive.standardizer::<f64>()?, None);
    /// archive.insert_standardizer(&standardizer);
    /// assert_eq!(archive.standardizer()?, Some(standardizer));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn insert_standardizer<T: Scalar>(&mut self, standardizer: &Standardizer<T>) {
        self.take_preprocessing_out();
        let (mean, scale): (Vec<f64>, Vec<f64>) = standardizer.moments().iter().copied().unzip();
        self.insert_vector(MEAN, &mean);
        self.insert_vector(SCALE, &scale);
    }

    /// The standardiser, if there is one; of either number type, since it is kept in f64.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if a part of it is missing, or one does not fit the
    /// other; [`Error::FeatureRange`](crate::Error::FeatureRange) if a mean or a standard deviation
    /// does not fit T.
    pub fn standardizer<T: Scalar>(&self) -> Result<Option<Standardizer<T>>> {
        if !self.contains(MEAN) && !self.contains(SCALE) {
            return Ok(None);
        }
        let mean = self.vector::<f64>(MEAN)?;
        self.check_shape(SCALE, &[mean.len()])?;
        let scale = self.vector::<f64>(SCALE)?;
        Ok(Some(Standardizer::of_moments(mean.into_iter().zip(scale).collect())?))
    }

    /// Puts in a pipeline: its [`parts`](Pipeline::parts) as vectors, in f64 as they are, with the
    /// texts `preprocessing.steps`, their number, and `preprocessing.format_version`, 1.
    ///
    /// ```
    /// use mlp::{Pipeline, Preparation, files::Archive};
    /// let x = tape::matrix![[1.0, f64::NAN], [7.0, 3.0]];
    /// let pipeline = Pipeline::fit(&[Preparation::Impute, Preparation::Standardize], &x)?;
    /// let mut archive = Archive::new();
    /// assert_eq!(archive.pipeline::<f64>()?, None);
    /// archive.insert_pipeline(&pipeline);
    /// assert_eq!(archive.vector::<f64>("preprocessing.0.fill")?, [1.0, 5.0]);
    /// assert_eq!(archive.pipeline()?, Some(pipeline));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn insert_pipeline<T: Scalar>(&mut self, pipeline: &Pipeline<T>) {
        self.take_preprocessing_out();
        for (name, values) in pipeline.parts() {
            self.insert_vector(name, &values);
        }
        self.set_text(STEPS, pipeline.len().to_string());
        self.set_text(FORMAT, VERSION.to_string());
    }

    /// The pipeline, if there is one, or a standardiser as a pipeline of one step; of either number
    /// type, since they are kept in f64.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if something of it is missing, does not fit the rest, or
    /// is what no such step has; if it is of a later version; if there are a standardiser and a
    /// pipeline. [`Error::FeatureRange`](crate::Error::FeatureRange) as for a
    /// [standardiser](Self::standardizer).
    pub fn pipeline<T: Scalar>(&self) -> Result<Option<Pipeline<T>>> {
        let mut names = self.names().filter(|name| name.starts_with(PREFIX));
        if let Some(standardizer) = self.standardizer()? {
            return match names.find(|name| ![MEAN, SCALE].contains(name)) {
                Some(other) => self.fail(other, FileProblem::Unexpected),
                None => Ok(Some(standardizer.into())),
            };
        }
        if names.next().is_none() && self.text(STEPS).is_none() && self.text(FORMAT).is_none() {
            return Ok(None);
        }
        self.check_version(FORMAT, VERSION)?;
        let steps = self.needed_text(STEPS)?;
        let mut parts = Parts::new();
        for name in self.names().filter(|name| name.starts_with(PREFIX)) {
            parts.insert(name.to_owned(), self.vector::<f64>(name)?);
        }
        let pipeline = match Pipeline::from_parts(&parts) {
            Err(Error::Part { name, reason }) => self.fail(&name, FileProblem::Format { reason }),
            other => other,
        }?;
        match steps == pipeline.len().to_string() {
            true => Ok(Some(pipeline)),
            false => self.wrong_text(STEPS, format!("{}, the number of steps", pipeline.len())),
        }
    }

    fn take_preprocessing_out(&mut self) {
        self.tensors.retain(|name, _| !name.starts_with(PREFIX));
        self.texts.retain(|key, _| key != STEPS && key != FORMAT);
    }
}

/// # With what prepares their data
impl<T: Scalar> Mlp<T> {
    /// The network as an archive, with the pipeline that prepares its data.
    ///
    /// # Errors
    /// As [`to_archive`](Mlp::to_archive); [`Error::Shape`] if the pipeline gives another number of
    /// features than the network takes.
    pub fn to_archive_with_pipeline(&self, pipeline: &Pipeline<T>) -> Result<Archive> {
        pipeline.check_outputs(self.sizes()[0])?;
        let mut archive = self.to_archive()?;
        archive.insert_pipeline(pipeline);
        Ok(archive)
    }

    /// The network of an archive, with the pipeline that prepares its data: one of no steps if there
    /// is none, and of one if there is a [standardiser](Archive::insert_standardizer).
    ///
    /// # Errors
    /// As [`from_archive`](Mlp::from_archive) and [`Archive::pipeline`]; [`Error::Shape`] if the
    /// pipeline gives another number of features than the network takes.
    pub fn from_archive_with_pipeline(archive: &Archive) -> Result<(Self, Pipeline<T>)> {
        let network = Mlp::from_archive(archive)?;
        let pipeline = archive.pipeline()?.unwrap_or_default();
        pipeline.check_outputs(network.sizes()[0])?;
        Ok((network, pipeline))
    }

    /// Writes the network to a file, with the pipeline that prepares its data.
    ///
    /// ```
    /// use mlp::{Activation, Mlp, Pipeline, Preparation, Unseen};
    /// use tape::matrix;
    /// let x = matrix![[170.0, f64::NAN, 160.0], [2.0, 7.0, 2.0]]; // the second names a category
    /// let categories = Preparation::OneHot { features: vec![1], unseen: Unseen::Zeros };
    /// let pipeline = Pipeline::fit(&[Preparation::Impute, categories, Preparation::Standardize], &x)?;
    /// let network = Mlp::<f64>::new(3).layer(1, Activation::Sigmoid).build()?;
    /// let path = std::env::temp_dir().join(format!("mlp-doc-pipeline-{}.safetensors", std::process::id()));
    /// network.save_with_pipeline(&path, &pipeline)?;
    ///
    /// let (network, pipeline) = Mlp::load_with_pipeline(&path)?; // in another process
    /// let mut predictor = network.predictor_with(&pipeline)?;
    /// let a = predictor.predict_one(&[180.0, 2.0])?[0]; // features as they are measured
    /// assert_eq!(a, network.predict(&pipeline.transform(&matrix![[180.0], [2.0]])?)?[(0, 0)]);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`to_archive_with_pipeline`](Mlp::to_archive_with_pipeline) and [`Archive::write`].
    #[cfg(feature = "safetensors")]
    pub fn save_with_pipeline(
        &self,
        path: impl AsRef<std::path::Path>,
        pipeline: &Pipeline<T>,
    ) -> Result<()> {
        self.to_archive_with_pipeline(pipeline)?.write(path)
    }

    /// Reads a network, with the pipeline that prepares its data, from a file that
    /// [`save_with_pipeline`](Mlp::save_with_pipeline) or [`save`](Mlp::save) wrote.
    ///
    /// # Errors
    /// As [`Archive::read`] and [`from_archive_with_pipeline`](Mlp::from_archive_with_pipeline).
    #[cfg(feature = "safetensors")]
    pub fn load_with_pipeline(path: impl AsRef<std::path::Path>) -> Result<(Self, Pipeline<T>)> {
        Mlp::from_archive_with_pipeline(&Archive::read(path)?)
    }
}
