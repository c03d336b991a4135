//! What prepares data, beside the network that it prepares them for.

use super::Archive;
use crate::{Result, Scalar, Standardizer};

const MEAN: &str = "preprocessing.mean";
const SCALE: &str = "preprocessing.scale";

/// # What prepares data
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
}
