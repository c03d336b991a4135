//! What can go wrong, as one type.

use std::fmt;

use crate::files::FileError;
use crate::text::Short;
use crate::{Loss, RestoreFault};
use tape::printable;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in this crate.
///
/// ```
/// use mlp::{Error, Loss};
/// let error = "hinge".parse::<Loss>().unwrap_err();
/// assert!(matches!(error, Error::UnknownName { .. }));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The tape, or one of its matrices, refused something.
    Tape(tape::Error),
    /// A network without layers was asked for.
    NoLayers,
    /// Something that is defined from one example on was asked of none.
    NoExamples {
        /// What was asked for.
        what: &'static str,
    },
    /// A matrix has another shape than it must have.
    Shape {
        /// The matrix, for instance `"W[2]"`.
        matrix: String,
        /// The shape it must have, as rows and columns.
        expected: (usize, usize),
        /// The shape it has.
        found: (usize, usize),
    },
    /// Two lists that go together have different lengths.
    Length {
        /// The list that does not fit.
        list: &'static str,
        /// The length it must have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// A value is NaN or infinite.
    NonFinite {
        /// The matrix that holds it.
        matrix: &'static str,
        /// The value.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column (the example), from 0.
        column: usize,
    },
    /// A label is none that the [loss](crate::Loss) or the metric can take.
    Label {
        /// The value.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column (the example), from 0.
        column: usize,
        /// What it must be.
        expected: &'static str,
    },
    /// The labels of an example for softmax cross-entropy do not add up to 1.
    LabelSum {
        /// Their sum.
        sum: f64,
        /// Their column (the example), from 0.
        column: usize,
    },
    /// The predicted probabilities of an example's classes do not add up to 1.
    ProbabilitySum {
        /// Their sum.
        sum: f64,
        /// Their column (the example), from 0.
        column: usize,
    },
    /// Y is one-hot, and the network, whose loss was left out, would take its classes for
    /// quantities.
    ForgottenLoss {
        /// n_L.
        outputs: usize,
    },
    /// A network's loss cannot follow its last layer.
    Output {
        /// The loss.
        loss: Loss,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The outputs of a network with this loss are no such answers.
    Answer {
        /// What was asked for: probabilities or classes.
        asked: &'static str,
        /// The network's loss.
        loss: Loss,
        /// n_L.
        outputs: usize,
    },
    /// The validation part of a training is at fault.
    Validation(Box<Error>),
    /// J, or a parameter, is no longer a finite number.
    ///
    /// The network then has the last parameters at which J was one, or, with early stopping, those
    /// of the best epoch.
    Diverged {
        /// The epoch, from 0, in which or after which it was noticed.
        epoch: usize,
        /// J; a finite number where a step from there made a parameter overflow.
        j: f64,
        /// The rate η.
        rate: f64,
    },
    /// There is not so much memory, or address space.
    Memory {
        /// What it was asked for.
        what: String,
        /// How many bytes.
        bytes: u128,
    },
    /// A parameter of the network is NaN or infinite before the training.
    NonFiniteParameter {
        /// Its name, for instance `"W[2]"`.
        name: String,
        /// The value.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// A predicted probability is not in [0, 1].
    Probability {
        /// The value.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column (the example), from 0.
        column: usize,
    },
    /// A name is none of those that are known.
    UnknownName {
        /// What was to be named.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The names that are known.
        known: String,
    },
    /// A hyperparameter makes no sense, or none in the number type that computes with it.
    Hyperparameter {
        /// Its name.
        name: &'static str,
        /// The value that was given.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// A setting of a training does not go together with the others, or with what is trained.
    Setting {
        /// The setting.
        setting: &'static str,
        /// Why.
        reason: String,
    },
    /// A variable cannot be what a [`Model`](crate::Model) or an epoch was given it as.
    Variable {
        /// As what, for instance `"biases"`.
        role: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A training cannot go on from what was kept of one.
    Checkpoint {
        /// Why.
        reason: String,
    },
    /// A checkpoint is of a training on other examples.
    OtherExamples {
        /// Of the `"training"` or of the `"validation"`.
        part: &'static str,
        /// The leaf that has others.
        leaf: String,
    },
    /// An optimizer cannot remember what it is given.
    Restore {
        /// Its name, for instance `"0.m"`.
        name: String,
        /// What is wrong with it.
        fault: RestoreFault,
    },
    /// The examples cannot be split in this way.
    Split {
        /// Why.
        reason: String,
    },
    /// All examples are of the same class, where both are needed.
    OneClass {
        /// What was asked for.
        what: &'static str,
        /// The label that they all have.
        label: u8,
    },
    /// A class has no example, where one of each is needed.
    AbsentClass {
        /// What was asked for.
        what: &'static str,
        /// The class.
        class: usize,
    },
    /// The examples leave something undefined, as a quotient of zeros.
    Undefined {
        /// What was asked for.
        what: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The weight of an example is negative or no finite number.
    Weight {
        /// The weight.
        value: f64,
        /// The example, from 0.
        example: usize,
    },
    /// The weights of the examples are all 0, or their sum is larger than the largest number.
    WeightSum {
        /// The sum.
        sum: f64,
    },
    /// A class number is not below the number of classes.
    Class {
        /// The class.
        class: usize,
        /// The number of classes.
        classes: usize,
        /// The example, from 0.
        example: usize,
    },
    /// An activation of the user's has no derivative.
    MissingDerivative {
        /// Its name.
        function: String,
    },
    /// A parameter of another name than the network has.
    UnknownParameter {
        /// The name that was given.
        name: String,
    },
    /// A minimiser cannot change an entry that is to be a parameter.
    Parameter {
        /// Its name or number.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A file that cannot be read, or that holds no network.
    NotImportable {
        /// What the file was to be, `"ONNX"`.
        format: &'static str,
        /// What is wrong, of a node with its operation and its output.
        reason: String,
    },
    /// A feature's mean or standard deviation does not fit the number type.
    FeatureRange {
        /// The feature's row, from 0.
        feature: usize,
        /// The number type.
        number: &'static str,
    },
    /// A feature of an example, transformed or back, is larger than the largest number.
    FeatureOverflow {
        /// What was to transform it.
        what: &'static str,
        /// The value as it was given.
        value: f64,
        /// The feature's row, from 0.
        feature: usize,
        /// The example, from 0.
        column: usize,
        /// The number type.
        number: &'static str,
    },
    /// A file of a table is at fault.
    #[cfg(feature = "csv")]
    Table(Box<crate::tables::TableError>),
    /// A file, or what an archive holds, is at fault.
    File(Box<FileError>),
    /// All training values of a feature are missing, and so is their mean.
    AllMissing {
        /// The feature's row, from 0.
        feature: usize,
    },
    /// A category of an example was not among the training examples.
    UnknownCategory {
        /// The category.
        value: f64,
        /// The feature's row, from 0.
        feature: usize,
        /// The example, from 0.
        column: usize,
    },
    /// A feature has no such row in X.
    UnknownFeature {
        /// The row, from 0.
        feature: usize,
        /// How many rows there are.
        features: usize,
    },
    /// A number that was given out and is taken back is none of these.
    Part {
        /// The part's name, for instance `"preprocessing.0.mean"`.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A hyperparameter's value of a search's candidate is of another kind.
    Value {
        /// The hyperparameter.
        name: String,
        /// The value.
        value: String,
        /// What it was to be.
        expected: &'static str,
    },
    /// A search cannot choose values of a hyperparameter.
    Space {
        /// The hyperparameter.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// What was read as the table of a search is none.
    SearchTable {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An error of elsewhere that was read, in its words.
    Told {
        /// The words.
        text: String,
    },
    /// One of the folds is at fault.
    Fold {
        /// The fold, from 0.
        fold: usize,
        /// What is wrong there.
        error: Box<Error>,
    },
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Tape(error) => Some(error),
            #[cfg(feature = "csv")]
            Error::Table(error) => Some(&**error),
            Error::File(error) => Some(&**error),
            Error::Validation(error) | Error::Fold { error, .. } => Some(&**error),
            _ => None,
        }
    }
}

/// `?` makes a tape's error one of this crate: a function that calls both crates returns that of
/// this one.
///
/// ```
/// use mlp::{Activation, Mlp};
/// use tape::{Tape, matrix};
/// fn slope() -> mlp::Result<f64> {
///     let network = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid).build()?;
///     let (x, y) = (matrix![[0.5, -0.5]], matrix![[1.0, 0.0]]);
///     let tape = Tape::new();
///     let recorded = network.record(&tape, &x, &y)?; // an error of this crate
///     Ok(recorded.gradients()[0].value()?[(0, 0)]) // an error of the tape
/// }
/// assert!(slope()?.is_finite());
/// # Ok::<(), mlp::Error>(())
/// ```
impl From<tape::Error> for Error {
    fn from(error: tape::Error) -> Self {
        Error::Tape(error)
    }
}

/// The tape's error, if it was one; else the error as it was, since a tape has no word for it. So a
/// function whose errors are the tape's takes the others apart.
///
/// The tape's error in a validation part is an error of that part, and no tape's error alone.
///
/// ```
/// use mlp::{Activation, Mlp};
/// use tape::{Matrix, Tape, matrix};
/// fn prediction(network: &Mlp<f64>, x: &Matrix<f64>) -> tape::Result<Option<Matrix<f64>>> {
///     match network.predict(x).map_err(tape::Error::try_from) {
///         Ok(prediction) => Ok(Some(prediction)),
///         Err(Ok(of_the_tape)) => Err(of_the_tape),
///         Err(Err(_)) => Ok(None), // a matrix that does not suit the network
///     }
/// }
/// let network = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid).build()?;
/// assert_eq!(prediction(&network, &matrix![[1.0], [2.0]])?, None);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// The error of this crate, where it is none of the tape's.
impl TryFrom<Error> for tape::Error {
    type Error = Error;

    fn try_from(error: Error) -> Result<Self> {
        match error {
            Error::Tape(error) => Ok(error),
            other => Err(other),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Tape(error) => fmt::Display::fmt(error, f),
            Error::NoLayers => write!(f, "network: at least one layer is needed"),
            Error::NoExamples { what } => write!(f, "{what}: at least one example is needed, m is 0"),
            Error::Shape { matrix, expected: (rows, columns), found: (r, c) } => {
                write!(f, "{matrix} is {r}×{c}, {rows}×{columns} is needed")
            }
            Error::Length { list, expected, found } => {
                write!(f, "{list}: {expected} values are needed, {found} were given")
            }
            Error::NonFinite { matrix, value, row, column } => {
                let value = Short(*value);
                write!(f, "{matrix}: {value} at row {row}, column {column} is not a finite number")
            }
            Error::Label { value, row, column, expected } => {
                write!(f, "label {} at row {row}, column {column} is not {expected}", Short(*value))
            }
            Error::LabelSum { sum, column } => write!(
                f,
                "the labels in column {column} add up to {}, not to 1 (within {}): they are the example's shares of the classes",
                Short(*sum),
                Loss::LABEL_SUM_TOLERANCE
            ),
            Error::ProbabilitySum { sum, column } => write!(
                f,
                "the probabilities in column {column} add up to {}, not to 1 (within {})",
                Short(*sum),
                Loss::LABEL_SUM_TOLERANCE
            ),
            Error::ForgottenLoss { outputs } => write!(
                f,
                "Y is one-hot over {outputs} outputs, and no loss was chosen: take .loss(Loss::SoftmaxCrossEntropy) for \
                 classes, or .loss(Loss::SquaredError) if they are meant as quantities"
            ),
            Error::Output { loss, reason } => write!(f, "network: {loss} {}", printable(reason)),
            Error::Answer { asked, loss: loss @ Loss::SquaredError, .. } => {
                write!(f, "network: its outputs are no {asked}, with {loss} they are quantities")
            }
            Error::Answer { asked, loss, outputs } => {
                write!(
                    f,
                    "network: its {outputs} outputs are no {asked}, with {loss} each answers a question of its own"
                )
            }
            Error::Validation(error) => write!(f, "validation part: {error}"),
            Error::Diverged { epoch, j, rate } => {
                let (value, rate) = (Short(*j), Short(*rate));
                if j.is_finite() {
                    write!(
                        f,
                        "training: a parameter is no finite number after epoch {epoch} with rate {rate}, J was {value}"
                    )?;
                } else {
                    write!(f, "training: J is {value} in epoch {epoch} with rate {rate}")?;
                }
                write!(f, ": try a smaller rate, or features and labels of a smaller scale")
            }
            Error::Memory { what, bytes } => write!(f, "{}: no memory for {bytes} bytes", printable(what)),
            Error::NonFiniteParameter { name, value, row, column } => {
                let value = Short(*value);
                write!(
                    f,
                    "{name}: {value} at row {row}, column {column} is not a finite number to start from"
                )
            }
            Error::Probability { value, row, column } => {
                write!(f, "probability {} at row {row}, column {column} is not in [0, 1]", Short(*value))
            }
            Error::UnknownName { what, name, known } => {
                write!(f, "{what}: {name:?} is not known, known are {known}")
            }
            Error::Hyperparameter { name, value, expected } => {
                write!(f, "{name} is {}, it must be {expected}", Short(*value))
            }
            Error::Setting { setting, reason } => {
                write!(f, "training: {setting}: {}", printable(reason))
            }
            Error::Variable { role, name, fault } => write!(f, "model: {role}: {} {fault}", printable(name)),
            Error::Checkpoint { reason } => write!(f, "checkpoint: {}", printable(reason)),
            Error::OtherExamples { part, leaf } => {
                let leaf = printable(leaf);
                write!(f, "checkpoint: the {part} examples of {leaf} are not those that it was begun with")
            }
            Error::Restore { name, fault } => write!(f, "optimizer: {} {fault}", printable(name)),
            Error::Split { reason } => write!(f, "split: {reason}"),
            Error::OneClass { what, label } => {
                write!(f, "{what}: every example has label {label}, both 0 and 1 are needed")
            }
            Error::AbsentClass { what, class } => {
                write!(f, "{what}: no example is of class {class}, one of each class is needed")
            }
            Error::Undefined { what, reason } => write!(f, "{what} is undefined: {reason}"),
            Error::Weight { value, example } => {
                write!(f, "weight {} of example {example} is not finite and at least 0", Short(*value))
            }
            Error::WeightSum { sum } => {
                write!(
                    f,
                    "the weights of the examples add up to {}, not to a finite number above 0",
                    Short(*sum)
                )
            }
            Error::Class { class, classes, example } => {
                write!(f, "class {class} of example {example} is not below {classes}, the number of classes")
            }
            Error::MissingDerivative { function } => {
                write!(f, "activation {} gives no derivative", printable(function))
            }
            Error::UnknownParameter { name } => write!(f, "the network has no parameter {name:?}"),
            Error::Parameter { name, fault } => write!(f, "minimize: {} {fault}", printable(name)),
            Error::NotImportable { format, reason } => write!(f, "{format}: {}", printable(reason)),
            Error::FeatureRange { feature, number } => {
                write!(f, "standardizer: the mean or spread of feature {feature} does not fit {number}")
            }
            Error::FeatureOverflow { what, value, feature, column, number } => write!(
                f,
                "{what}: {} at row {feature}, column {column} of X becomes larger than {number} can hold: it is too far \
                 from what feature {feature} was fitted to",
                Short(*value)
            ),
            #[cfg(feature = "csv")]
            Error::Table(error) => fmt::Display::fmt(error, f),
            Error::File(error) => fmt::Display::fmt(error, f),
            Error::AllMissing { feature } => {
                write!(f, "imputer: every value of feature {feature} is missing (NaN), and so is their mean")
            }
            Error::UnknownCategory { value, feature, column } => write!(
                f,
                "one-hot: {} at row {feature}, column {column} of X is a category that was not in the training part",
                Short(*value)
            ),
            Error::UnknownFeature { feature, features } => {
                write!(f, "feature {feature} is not below {features}, the number of rows of X")
            }
            Error::Value { name, value, expected } => {
                write!(f, "{} is {}, and no {expected}", printable(name), printable(value))
            }
            Error::Space { name, reason } => write!(f, "search: {} {reason}", printable(name)),
            Error::SearchTable { reason } => write!(f, "table of a search: {reason}"),
            Error::Told { text } => write!(f, "{}", printable(text)),
            Error::Fold { fold, error } => write!(f, "fold {fold}: {error}"),
            Error::Part { name, reason } => write!(f, "{}: {}", printable(name), printable(reason)),
        }
    }
}
