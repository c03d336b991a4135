//! The three cases: where the data are, what is trained on them and until when.

use std::fs;
use std::path::Path;

use mlp::files::Npy;
use mlp::tables::Table;
use mlp::{Activation, Loss, Mlp, Optimizer, Result, Split, Standardizer, Training, one_hot};
use tape::Matrix;

use super::data_sets;

/// The examples that come with the repository.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data");
/// Of first weights and of the order of the examples.
pub(super) const SEED: u64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    BreastCancer,
    Digits,
    Synthetic,
}

/// What is trained until when, with Adam.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) source: Source,
    /// n_0, n_1 and n_2.
    pub(super) sizes: [usize; 3],
    pub(super) hidden: Activation<f32>,
    pub(super) loss: Loss,
    pub(super) batch: usize,
    pub(super) rate: f64,
    /// J of the test part that is good.
    pub(super) target: f64,
    pub(super) epochs: usize,
}

/// All cases.
pub(super) fn cases() -> [Case; 3] {
    let several = Loss::SoftmaxCrossEntropy;
    [
        Case {
            name: "cancer",
            source: Source::BreastCancer,
            sizes: [30, 16, 1],
            hidden: Activation::Tanh,
            loss: Loss::LogLoss,
            batch: 32,
            rate: 0.003,
            target: 0.0985,
            epochs: 100,
        },
        Case {
            name: "digits",
            source: Source::Digits,
            sizes: [64, 32, 10],
            hidden: Activation::Relu,
            loss: several,
            batch: 64,
            rate: 0.003,
            target: 0.15,
            epochs: 100,
        },
        Case {
            name: "synthetic",
            source: Source::Synthetic,
            sizes: [784, 128, 10],
            hidden: Activation::Relu,
            loss: several,
            batch: 64,
            rate: 0.0003,
            target: 0.344,
            epochs: 10,
        },
    ]
}

impl Case {
    /// With its first weights.
    pub(super) fn network(&self) -> Result<Mlp<f32>> {
        let [features, hidden, outputs] = self.sizes;
        let network = Mlp::new(features).layer(hidden, self.hidden.clone());
        network.layer(outputs, self.loss.output_activation()).loss(self.loss).seed(SEED).build()
    }

    pub(super) fn training(&self, threads: usize, test: Part) -> Result<Training<f32>> {
        let training = Training::new(Optimizer::adam(self.rate)?).epochs(self.epochs).threads(threads);
        Ok(training.batches(self.batch, SEED)?.validation(test.x, test.y))
    }

    /// Reads and prepares the examples: those to train on and those to test on.
    pub(super) fn load(&self, folder: &Path) -> Result<(Part, Part)> {
        let read = |name| fs::read(Path::new(DATA).join(name)).expect("the data of the examples are there");
        match self.source {
            Source::BreastCancer => {
                let table = data_sets::breast_cancer(&read("breast_cancer.csv"))?;
                let split = Split::every(table.x.columns(), 5)?;
                let standardizer = Standardizer::fit(&table.x.select_columns(&split.train))?;
                let part = |of: &[usize]| -> Result<Part> {
                    let x = standardizer.transform(&table.x.select_columns(of))?;
                    Ok(Part { x: x.cast(), y: table.y.select_columns(of).cast() })
                };
                Ok((part(&split.train)?, part(&split.test)?))
            }
            Source::Digits => {
                let Table { x, y, .. } = data_sets::digits(&read("digits.csv.gz"))?;
                let split = Split::every(x.columns(), 5)?;
                let part = |of: &[usize]| -> Result<Part> {
                    let digits: Vec<usize> = of.iter().map(|&i| y[(0, i)] as usize).collect();
                    Ok(Part {
                        x: x.select_columns(of).map(|pixel| pixel / 16.0).cast(),
                        y: one_hot(&digits, 10)?,
                    })
                };
                Ok((part(&split.train)?, part(&split.test)?))
            }
            Source::Synthetic => Ok((synthetic(folder, "train")?, synthetic(folder, "test")?)),
        }
    }
}

/// Examples, each a column of X and of Y.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) x: Matrix<f32>,
    pub(super) y: Matrix<f32>,
}

fn synthetic(folder: &Path, part: &str) -> Result<Part> {
    let classes = Npy::read(folder.join(format!("y_{part}.npy")))?.whole()?;
    let classes: Vec<usize> = classes.iter().map(|&class| class as usize).collect();
    let x = Npy::read_examples(folder.join(format!("x_{part}.npy")))?;
    Ok(Part { x, y: one_hot(&classes, 10)? })
}
