//! The settings of a training as serde has them: read back by the methods that set them, which look
//! at every value.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tape::Matrix;

use crate::training::gradients::GradientRules;
use crate::training::schedule::Schedule;
use crate::training::weights::Classes;
use crate::{EarlyStopping, Error, Optimizer, ParameterGroup, Result, Scalar, Training};

#[derive(Serialize, Deserialize)]
#[serde(rename = "Training", deny_unknown_fields)]
#[serde(bound = "T: Scalar + Serialize + serde::de::DeserializeOwned")]
pub(super) struct Form<T: Scalar> {
    optimizer: Optimizer,
    epochs: usize,
    batch: Option<usize>,
    seed: u64,
    threads: usize,
    #[serde(default)]
    schedule: Schedule,
    #[serde(default)]
    stopping: Option<EarlyStopping>,
    #[serde(default)]
    validation: Option<(Matrix<T>, Matrix<T>)>,
    #[serde(default)]
    gradients: GradientRules,
    #[serde(default)]
    l1: f64,
    #[serde(default)]
    average: Option<f64>,
    #[serde(default)]
    groups: Vec<ParameterGroup>,
    #[serde(default)]
    example_weights: Option<Matrix<T>>,
    #[serde(default)]
    class_weights: Classes,
    #[serde(default)]
    label_smoothing: f64,
    #[serde(default)]
    checkpoints: Option<(PathBuf, usize)>,
    #[serde(default)]
    resuming: Option<PathBuf>,
}

impl<T: Scalar> From<Training<T>> for Form<T> {
    fn from(training: Training<T>) -> Self {
        Form {
            optimizer: training.optimizer,
            epochs: training.epochs,
            batch: training.batch,
            seed: training.seed,
            threads: training.threads,
            schedule: training.schedule,
            stopping: training.stopping,
            validation: training.validation,
            gradients: training.gradients,
            l1: training.l1,
            average: training.average,
            groups: training.groups,
            example_weights: training.weights.examples,
            class_weights: training.weights.classes,
            label_smoothing: training.smoothing,
            checkpoints: training.checkpoints.map(|kept| (kept.path, kept.every)),
            resuming: training.resumed,
        }
    }
}

impl<T: Scalar> TryFrom<Form<T>> for Training<T> {
    type Error = Error;

    fn try_from(form: Form<T>) -> Result<Self> {
        let mut training = Training::new(form.optimizer)
            .epochs(form.epochs)
            .threads(form.threads)
            .schedule(form.schedule)
            .l1(form.l1)?
            .label_smoothing(form.label_smoothing)?
            .accumulate(form.gradients.accumulated)?;
        training = form.batch.map_or(Ok(training.clone()), |size| training.batches(size, form.seed))?;
        training = training.seed(form.seed);
        training = form.average.map_or(Ok(training.clone()), |beta| training.average(beta))?;
        let GradientRules { most_norm, most_value, accumulated: _ } = form.gradients;
        training = most_norm.map_or(Ok(training.clone()), |c| training.clip_norm(c))?;
        training = most_value.map_or(Ok(training.clone()), |c| training.clip_value(c))?;
        for group in form.groups {
            training = training.group(group.checked()?)?;
        }
        (training.stopping, training.validation) = (form.stopping, form.validation);
        (training.weights.examples, training.weights.classes) = (form.example_weights, form.class_weights);
        #[cfg(feature = "safetensors")]
        if let Some((path, every)) = form.checkpoints {
            training = training.checkpoints(path, every)?;
        }
        training.resumed = form.resuming;
        Ok(training)
    }
}
