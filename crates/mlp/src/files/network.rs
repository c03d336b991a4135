//! Networks as archives and files.

use std::fmt::Write;

use tape::{Function, Matrix};

use super::tensor::NumberKind;
use super::{Archive, FileProblem};
use crate::data::check_parameter;
use crate::text::Short;
use crate::{Activation, Error, Loss, Mlp, Result, Scalar};

const KIND: &str = "mlp";
const VERSION: u64 = 1;
const DESCRIPTION: &str =
    "a multilayer perceptron: layers.l.weight is W of shape (outputs, inputs), layers.l.bias is b";
/// Before the name of a function of the user's own.
pub(crate) const CUSTOM: &str = "custom: ";

/// What is asked for and given when a network is taken out of an archive.
///
/// ```
/// use mlp::{Activation, Mlp, files::Loading};
/// use tape::Function;
/// let twice = || Function::new("twice", |z: f64| 2.0 * z).with_derivative(Function::new("2", |_| 2.0));
/// let network =
///     Mlp::new(1).layer(1, Activation::Custom(twice())).layer(1, Activation::Sigmoid).build()?;
/// let archive = network.to_archive()?;
/// assert!(Mlp::<f64>::from_archive(&archive).is_err()); // no file holds a function
/// let again = Mlp::from_archive_with(&archive, &Loading::new().function(twice()))?;
/// assert_eq!(again.parameters(), network.parameters());
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "it is given to load_with or from_archive_with"]
pub struct Loading<T: Scalar> {
    functions: Vec<Function<T>>,
    is_rounded: bool,
}

impl<T: Scalar> Default for Loading<T> {
    fn default() -> Self {
        Loading { functions: Vec::new(), is_rounded: false }
    }
}

impl<T: Scalar> Loading<T> {
    /// What [`Mlp::from_archive`] does.
    pub fn new() -> Self {
        Loading::default()
    }

    /// Gives a function of the user's own. A layer whose custom activation had this name gets it;
    /// whether it is the same function, nothing can tell.
    pub fn function(mut self, g: Function<T>) -> Self {
        self.functions.push(g);
        self
    }

    /// Takes a network of the other number type too, each parameter rounded to T.
    pub fn rounded(mut self) -> Self {
        self.is_rounded = true;
        self
    }
}

/// # In archives
///
/// W\[l\] is the tensor `layers.k.weight` of shape (n_l, n_(l−1)) and b\[l\] the tensor
/// `layers.k.bias` of shape (n_l), with k = l − 1 from 0, as PyTorch has them. What else there is
/// to a network is in texts: `sizes`, `layers.k.activation`, `loss`, `loss_is_chosen` and `number`.
impl<T: Scalar> Mlp<T> {
    /// The network as an archive, to which more can be put.
    ///
    /// Of a [custom](Activation::Custom) activation the name is kept.
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let archive = network.to_archive()?;
    /// assert_eq!(archive.shape("layers.0.weight"), Some(&[4, 2][..]));
    /// assert_eq!(archive.text("layers.1.activation"), Some("sigmoid"));
    /// assert_eq!(Mlp::from_archive(&archive)?, network);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NonFiniteParameter`] if a parameter is NaN or ±∞.
    pub fn to_archive(&self) -> Result<Archive> {
        T::mlp_to_archive(self)
    }

    pub(crate) fn to_archive_here(&self) -> Result<Archive> {
        let mut archive = Archive::new();
        archive.describe(KIND, VERSION, DESCRIPTION);
        archive.set_text("format", "pt"); // how others tell PyTorch's layout
        archive.set_text("number", T::NAME);
        archive.set_text("sizes", listed(self.sizes()));
        archive.set_text("loss", self.loss_function().name());
        archive.set_text("loss_is_chosen", self.loss_is_chosen().to_string());
        for (k, g) in self.activations().iter().enumerate() {
            let (w, b) = self.layer_parameters(k + 1);
            check_parameter(&format!("W[{}]", k + 1), w.view())?;
            check_parameter(&format!("b[{}]", k + 1), b.view())?;
            archive.insert(weight(k), w);
            archive.insert_vector(bias(k), b.as_slice());
            archive.set_text(activation(k), text_of(g));
        }
        Ok(archive)
    }

    /// The network of an archive, which may hold more than that.
    ///
    /// # Errors
    /// [`Error::File`] if the archive is none of a network, holds one of another number type, with
    /// a custom activation, or of a later version, or if something is missing or does not fit: a
    /// shape, a name, a text, a parameter that is no finite number. [`Error::Output`] and
    /// [`Error::Hyperparameter`] as for [`build`](crate::MlpBuilder::build).
    pub fn from_archive(archive: &Archive) -> Result<Self> {
        Mlp::from_archive_with(archive, &Loading::new())
    }

    /// The network of an archive, with functions of the user's own or numbers of the other type.
    ///
    /// # Errors
    /// As [`from_archive`](Mlp::from_archive).
    pub fn from_archive_with(archive: &Archive, loading: &Loading<T>) -> Result<Self> {
        T::mlp_from_archive(archive, loading)
    }

    pub(crate) fn from_archive_here(archive: &Archive, loading: &Loading<T>) -> Result<Self> {
        archive.check_kind(KIND, VERSION)?;
        check_number::<T>(archive, loading)?;
        let sizes = sizes(archive)?;
        check_names(archive, sizes.len() - 1)?;
        let loss = archive.needed_text("loss")?;
        let loss = loss.parse::<Loss>().or_else(|_| archive.wrong_text("loss", "the name of a loss"))?;
        let loss_is_chosen = match archive.needed_text("loss_is_chosen")? {
            "true" => true,
            "false" => false,
            _ => return archive.wrong_text("loss_is_chosen", "true or false"),
        };
        let mut activations = Vec::new();
        let mut parameters = Vec::new();
        for (k, side) in sizes.windows(2).enumerate() {
            activations.push(activation_of(archive, k, loading)?);
            let w = archive.matrix_for(&weight(k), (side[1], side[0]), loading.is_rounded)?;
            let b = archive.bias_for(&bias(k), side[1], loading.is_rounded)?;
            parameters.push((w, b));
        }
        Mlp::of_parts(sizes, activations, (loss, loss_is_chosen), parameters)
    }

    /// Sets all parameters from an archive that others made, for instance of a PyTorch module:
    /// W\[l\] is `….weight` and b\[l\] `….bias` with what `prefix` gives for l − 1 before the dot.
    ///
    /// ```
    /// use mlp::{Activation, Mlp, files::Archive};
    /// use tape::matrix;
    /// let mut archive = Archive::new(); // of torch.nn.Sequential(Linear(2, 1), Tanh(), Linear(1, 1))
    /// archive.insert("0.weight", &matrix![[0.5_f32, -0.5]]);
    /// archive.insert_vector("0.bias", &[0.1_f32]);
    /// archive.insert("2.weight", &matrix![[2.0_f32]]);
    /// archive.insert_vector("2.bias", &[0.0_f32]);
    /// let mut network = Mlp::<f32>::new(2).layer(1, Activation::Tanh).layer(1, Activation::Identity).build()?;
    /// network.set_parameters_from(&archive, |k| format!("{}", 2 * k))?;
    /// assert_eq!(network.parameters()["W[2]"][(0, 0)], 2.0);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] if a parameter is missing, has another shape or another number type, or is
    /// no finite number. The network is as it was then.
    pub fn set_parameters_from(&mut self, archive: &Archive, prefix: impl Fn(usize) -> String) -> Result<()> {
        let mut parameters = Vec::new();
        for (k, side) in self.sizes().windows(2).enumerate() {
            let prefix = prefix(k);
            let w = archive.matrix_for(&format!("{prefix}.weight"), (side[1], side[0]), false)?;
            let b = archive.bias_for(&format!("{prefix}.bias"), side[1], false)?;
            parameters.extend([w, b]);
        }
        self.replace_parameters(parameters);
        Ok(())
    }
}

/// # In files
#[cfg(feature = "safetensors")]
impl<T: Scalar> Mlp<T> {
    /// Writes the network to a file of the format safetensors, whole or not at all.
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// let path = std::env::temp_dir().join(format!("mlp-doc-{}.safetensors", std::process::id()));
    /// let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// network.save(&path)?;
    /// assert_eq!(Mlp::load(&path)?, network); // needs nothing but the file
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// What belongs to the network is saved with it by way of the [archive](Mlp::to_archive), for
    /// instance its [standardiser](Archive::insert_standardizer).
    ///
    /// # Errors
    /// As [`to_archive`](Mlp::to_archive) and [`Archive::write`].
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        self.to_archive()?.write(path)
    }

    /// Reads a network from a file that [`save`](Mlp::save) wrote.
    ///
    /// # Errors
    /// As [`Archive::read`] and [`from_archive`](Mlp::from_archive).
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Mlp::from_archive(&Archive::read(path)?)
    }

    /// Reads a network from a file, with functions of the user's own or numbers of the other type.
    ///
    /// # Errors
    /// As [`load`](Mlp::load).
    pub fn load_with(path: impl AsRef<std::path::Path>, loading: &Loading<T>) -> Result<Self> {
        Mlp::from_archive_with(&Archive::read(path)?, loading)
    }
}

impl Archive {
    /// The matrix of this name, if it has this shape.
    fn matrix_for<T: Scalar>(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
        is_rounded: bool,
    ) -> Result<Matrix<T>> {
        self.check_shape(name, &[rows, columns])?;
        if is_rounded { self.matrix_rounded(name) } else { self.matrix(name) }
    }

    /// The vector of this name as a column, if it has this length.
    fn bias_for<T: Scalar>(&self, name: &str, length: usize, is_rounded: bool) -> Result<Matrix<T>> {
        self.check_shape(name, &[length])?;
        let values = if is_rounded { self.vector_rounded(name) } else { self.vector(name) }?;
        Ok(Matrix::from_vec(length, 1, values)?)
    }

    /// Checks that what has this name has this shape.
    pub(crate) fn check_shape(&self, name: &str, expected: &[usize]) -> Result<()> {
        match self.shape(name) {
            None => self.fail(name, FileProblem::Missing),
            Some(found) if found == expected => Ok(()),
            Some(found) if found.len() != expected.len() => {
                self.fail(name, FileProblem::Rank { expected: expected.len(), found: found.to_vec() })
            }
            Some(found) => {
                let problem = FileProblem::Shape { expected: expected.to_vec(), found: found.to_vec() };
                self.fail(name, problem)
            }
        }
    }
}

fn weight(k: usize) -> String {
    format!("layers.{k}.weight")
}

fn bias(k: usize) -> String {
    format!("layers.{k}.bias")
}

fn activation(k: usize) -> String {
    format!("layers.{k}.activation")
}

/// 2,4,1.
fn listed(sizes: &[usize]) -> String {
    let mut list = String::new();
    for (l, size) in sizes.iter().enumerate() {
        let comma = if l == 0 { "" } else { "," };
        let _ = write!(list, "{comma}{size}"); // a text takes all
    }
    list
}

fn sizes(archive: &Archive) -> Result<Vec<usize>> {
    let sizes = archive.needed_text("sizes")?.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>();
    match sizes {
        // What is printed is what is read: no sign, no zero before a number.
        Ok(sizes) if sizes.len() > 1 && archive.text("sizes") == Some(&listed(&sizes)) => Ok(sizes),
        Ok(_) | Err(_) => archive.wrong_text("sizes", "two or more numbers, as 2,4,1"),
    }
}

/// g by its name, with its parameter as the nearest f64: exact for both number types.
pub(crate) fn text_of<T: Scalar>(g: &Activation<T>) -> String {
    match (g, g.parameter()) {
        (Activation::Custom(_), _) => format!("{CUSTOM}{}", g.name()),
        (g, Some(parameter)) => format!("{}({})", g.name(), Short(parameter.to_f64())),
        (g, None) => g.name().into_owned(),
    }
}

fn activation_of<T: Scalar>(archive: &Archive, k: usize, loading: &Loading<T>) -> Result<Activation<T>> {
    let key = activation(k);
    let text = archive.needed_text(&key)?;
    if let Some(name) = text.strip_prefix(CUSTOM) {
        return match loading.functions.iter().find(|g| g.name() == name) {
            Some(g) => Ok(Activation::Custom(g.clone())),
            None => archive.fail(&key, FileProblem::CustomActivation { function: name.to_string() }),
        };
    }
    match text.parse::<Activation<T>>() {
        Ok(g) => Ok(g),
        Err(Error::UnknownName { known, .. }) => {
            archive.wrong_text(&key, format!("an activation that is known: {known}"))
        }
        Err(other) => Err(other),
    }
}

fn check_number<T: Scalar>(archive: &Archive, loading: &Loading<T>) -> Result<()> {
    match archive.needed_text("number")? {
        found if found == T::NAME => Ok(()),
        "f32" | "f64" if loading.is_rounded => Ok(()),
        found @ ("f32" | "f64") => {
            let expected = NumberKind::of::<T>().name();
            archive.fail("number", FileProblem::NumberKind { expected, found: found.to_uppercase() })
        }
        _ => archive.wrong_text("number", "f32 or f64"),
    }
}

/// Whether there is nothing of a layer that the network does not have.
fn check_names(archive: &Archive, layers: usize) -> Result<()> {
    let texts = archive.texts().map(|(key, _)| key);
    for name in archive.names().chain(texts).filter(|name| name.starts_with("layers.")) {
        let mut parts = name.splitn(3, '.').skip(1);
        let layer = parts.next().and_then(|k| k.parse::<usize>().ok().filter(|n| n.to_string() == k));
        let is_tensor = archive.contains(name);
        let is_known = match parts.next() {
            Some("weight" | "bias") => is_tensor,
            Some("activation") => !is_tensor,
            Some(_) | None => false,
        };
        if !is_known || layer.is_none_or(|k| k >= layers) {
            return archive.fail(name, FileProblem::Unexpected);
        }
    }
    Ok(())
}
