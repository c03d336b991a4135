//! What a training is worth on examples that it has not seen.

use tape::Matrix;

use super::FoldScores;
use super::table::of_fold;
use crate::parallel::in_parallel;
use crate::{Error, Mlp, MlpBuilder, Pipeline, Preparation, Result, Scalar, Split, Training};

/// A metric of a network on examples (X, Y).
pub(crate) type Metric<'a, T> = &'a (dyn Fn(&Mlp<T>, &Matrix<T>, &Matrix<T>) -> Result<f64> + Sync);

/// Trains a network on the training part of the examples (X, Y), and measures it on their test
/// part. The [`Pipeline`] of the steps `preparations` is fitted to the training part.
///
/// The number of features that `network` takes is that of X after the preparations.
///
/// ```
/// use mlp::search::validate;
/// use mlp::{Activation, Mlp, Optimizer, Preparation, Split, Training};
/// use tape::Matrix;
/// let x = Matrix::from_fn(1, 20, |_, i| 100.0 * i as f64);
/// let y = Matrix::from_fn(1, 20, |_, i| f64::from(i < 10));
/// let training = Training::new(Optimizer::adam(0.5)?).epochs(50);
/// let network = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid);
/// let accuracy = validate(
///     &training, &network, &[Preparation::Standardize], &x, &y, &Split::every(20, 4)?, Mlp::accuracy,
/// )?;
/// assert_eq!(accuracy, 1.0);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if X and Y have not as many columns; [`Error::Split`] if the split names an
/// example that is not there, or has an empty part; the errors of the preparations, the network,
/// the training and the metric.
pub fn validate<T: Scalar>(
    training: &Training<T>,
    network: &MlpBuilder<T>,
    preparations: &[Preparation],
    x: &Matrix<T>,
    y: &Matrix<T>,
    split: &Split,
    metric: impl Fn(&Mlp<T>, &Matrix<T>, &Matrix<T>) -> Result<f64> + Sync,
) -> Result<f64> {
    T::search_validate((training, network, preparations), (x, y), split, &metric)
}

pub(crate) fn validate_here<T: Scalar>(
    (training, network, preparations): (&Training<T>, &MlpBuilder<T>, &[Preparation]),
    (x, y): (&Matrix<T>, &Matrix<T>),
    split: &Split,
    metric: Metric<'_, T>,
) -> Result<f64> {
    check(x, y, split)?;
    let part = |of: &Matrix<T>, examples: &[usize]| of.try_select_columns(examples);
    let (train, test) = (part(x, &split.train)?, part(x, &split.test)?);
    let pipeline = Pipeline::fit(preparations, &train)?;
    let (train, test) = (pipeline.transform(&train)?, pipeline.transform(&test)?);
    let mut network = network.clone().build()?;
    training.fit(&mut network, &train, &part(y, &split.train)?)?;
    metric(&network, &test, &part(y, &split.test)?)
}

fn check<T: Scalar>(x: &Matrix<T>, y: &Matrix<T>, split: &Split) -> Result<()> {
    let m = x.columns();
    if y.columns() != m {
        return Err(Error::Shape { matrix: "Y".to_string(), expected: (y.rows(), m), found: y.shape() });
    }
    if split.train.is_empty() || split.test.is_empty() {
        return Err(Error::Split { reason: "a part has no examples".to_string() });
    }
    match split.train.iter().chain(&split.test).find(|&&i| i >= m) {
        None => Ok(()),
        Some(i) => Err(Error::Split { reason: format!("example {i} is not below {m}, their number") }),
    }
}

/// [`validate`] for each of the folds, as [`Folds`](crate::Folds) makes them: the metric on test
/// parts that the training has not seen.
///
/// As many folds are trained at a time as the training is to have threads, each by one; all of them
/// have the same bits whatever that number.
///
/// ```
/// use mlp::search::cross_validate;
/// use mlp::{Activation, Folds, Mlp, Optimizer, Preparation, Training};
/// use tape::Matrix;
/// let x = Matrix::from_fn(1, 20, |_, i| 100.0 * i as f64);
/// let y = Matrix::from_fn(1, 20, |_, i| f64::from(i < 10));
/// let training = Training::new(Optimizer::adam(0.5)?).epochs(50);
/// let network = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid);
/// let folds = Folds::new(4, 0)?.of(20)?;
/// let scores = cross_validate(
///     &training, &network, &[Preparation::Standardize], &x, &y, &folds, Mlp::accuracy,
/// )?;
/// assert_eq!(scores.values().len(), 4);
/// assert!(scores.mean() > 0.8);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::Fold`] with the error of the first fold that has one, also if its metric is NaN;
/// [`Error::NoExamples`] if there are no folds; [`Error::Undefined`] if the mean is NaN.
pub fn cross_validate<T: Scalar>(
    training: &Training<T>,
    network: &MlpBuilder<T>,
    preparations: &[Preparation],
    x: &Matrix<T>,
    y: &Matrix<T>,
    folds: &[Split],
    metric: impl Fn(&Mlp<T>, &Matrix<T>, &Matrix<T>) -> Result<f64> + Sync,
) -> Result<FoldScores> {
    T::search_cross_validate((training, network, preparations), (x, y), folds, &metric)
}

pub(crate) fn cross_validate_here<T: Scalar>(
    (training, network, preparations): (&Training<T>, &MlpBuilder<T>, &[Preparation]),
    (x, y): (&Matrix<T>, &Matrix<T>),
    folds: &[Split],
    metric: Metric<'_, T>,
) -> Result<FoldScores> {
    let of_one = training.clone().threads(1);
    let of_fold = |fold: usize| {
        let found = validate_here((&of_one, network, preparations), (x, y), &folds[fold], metric);
        found.map_err(|error| of_fold(fold, error))
    };
    let values = in_parallel(training.most_threads(), folds.len(), &of_fold);
    FoldScores::new(values.into_iter().collect::<Result<Vec<f64>>>()?)
}
