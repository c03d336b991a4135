//! What a page is about: a network, its data, and what was edited.

use std::collections::BTreeMap;

use mlp::{Activation, Init, Loss, Mlp};
use serde::{Deserialize, Serialize};
use tape::Matrix;

use crate::rows::Rows;
use crate::{Error, Result, Set, formula};

/// More layers, units or examples are no longer derived while somebody types.
const MOST_LAYERS: usize = 8;
const MOST_UNITS: usize = 64;
const MOST_EXAMPLES: usize = 256;

/// A network with its data. What is left out is drawn from the seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// n_0, …, n_L.
    pub sizes: Vec<usize>,
    /// g of every layer: a name of [`Activation`], or a formula in z.
    pub g: Vec<String>,
    /// A name of [`Loss`].
    #[serde(default = "log_loss")]
    pub loss: String,
    /// Draws W and b, and the points of a set.
    #[serde(default)]
    pub seed: u64,
    /// Where X and Y are from.
    #[serde(default)]
    pub set: Set,
    /// X, n_0 × m, if the set is one's own.
    #[serde(default)]
    pub x: Option<Rows>,
    /// Y, n_L × m.
    #[serde(default)]
    pub y: Option<Rows>,
    /// W\[l\] and b\[l\] that are not as they were drawn, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Rows>,
}

fn log_loss() -> String {
    Loss::LogLoss.name().to_owned()
}

/// The network that a state describes, and its data.
#[derive(Debug, Clone)]
pub struct Given {
    /// With its parameters.
    pub network: Mlp<f64>,
    /// X, n_0 × m.
    pub x: Matrix<f64>,
    /// Y, n_L × m.
    pub y: Matrix<f64>,
}

impl State {
    /// Makes the network and its data.
    ///
    /// # Errors
    /// What is wrong of the state, and where.
    pub fn given(&self) -> Result<Given> {
        let network = self.network()?;
        let [x, y] = self.data()?;
        Ok(Given { network, x, y })
    }

    fn network(&self) -> Result<Mlp<f64>> {
        self.check_sizes()?;
        let loss: Loss = self.loss.parse().map_err(|error| Error::of("loss", error))?;
        let mut builder = Mlp::new(self.sizes[0]).loss(loss).init(Init::Glorot).seed(self.seed);
        for (l, (&units, g)) in (1..).zip(self.sizes[1..].iter().zip(&self.g)) {
            builder = builder.layer(units, activation(&format!("g[{l}]"), g)?);
        }
        let mut network = builder.build().map_err(|error| Error::of("loss", error))?;
        for (name, rows) in &self.parameters {
            let known = network
                .parameters()
                .get(name)
                .ok_or_else(|| Error::of(name, "is no parameter of this network"))?;
            let value = rows.matrix(name, known.rows(), Some(known.columns()))?;
            network.set_parameter(name, value).map_err(|error| Error::of(name, error))?;
        }
        Ok(network)
    }

    fn check_sizes(&self) -> Result<()> {
        let layers = self.sizes.len().saturating_sub(1);
        if !(1..=MOST_LAYERS).contains(&layers) {
            return Err(Error::of("sizes", format!("must be of 1 to {MOST_LAYERS} layers, such as 2-4-1")));
        }
        if let Some(units) = self.sizes.iter().find(|units| !(1..=MOST_UNITS).contains(*units)) {
            return Err(Error::of(
                "sizes",
                format!("a layer has 1 to {MOST_UNITS} units here, and not {units}"),
            ));
        }
        if self.g.len() != layers {
            return Err(Error::of("g", format!("there are {layers} layers, and {} functions", self.g.len())));
        }
        Ok(())
    }

    fn data(&self) -> Result<[Matrix<f64>; 2]> {
        let (inputs, outputs) = (self.sizes[0], self.sizes[self.sizes.len() - 1]);
        let (drawn_x, classes) = self.set.draw(self.seed).unzip();
        if let Some(x) = drawn_x.as_ref().filter(|x| x.rows() != inputs) {
            let message = format!("{:?} has {} features, and the network takes {inputs}", self.set, x.rows());
            return Err(Error::of("set", message));
        }
        let drawn_y = classes.map(|classes| labels(&classes, outputs)).transpose()?;
        let x = edited_or_drawn("X", self.x.as_ref(), drawn_x, inputs)?;
        let y = edited_or_drawn("Y", self.y.as_ref(), drawn_y, outputs)?;
        if x.columns() != y.columns() {
            let message = format!("has {} examples, and X has {}", y.columns(), x.columns());
            return Err(Error::of("Y", message));
        }
        if x.columns() > MOST_EXAMPLES {
            return Err(Error::of("X", format!("has at most {MOST_EXAMPLES} examples here")));
        }
        Ok([x, y])
    }
}

/// What was typed, else what was drawn; of one's own data nothing is drawn.
fn edited_or_drawn(
    at: &str,
    edited: Option<&Rows>,
    drawn: Option<Matrix<f64>>,
    rows: usize,
) -> Result<Matrix<f64>> {
    match edited {
        Some(edited) => edited.matrix(at, rows, None),
        None => drawn.ok_or_else(|| Error::of(at, "there are no examples yet")),
    }
}

/// Classes as labels of so many outputs: one-hot, where there are several.
fn labels(classes: &[usize], outputs: usize) -> Result<Matrix<f64>> {
    match outputs {
        1 => Ok(Matrix::from_fn(1, classes.len(), |_, j| classes[j] as f64)),
        _ => Ok(mlp::one_hot(classes, outputs)?),
    }
}

/// An activation by its name, else a formula.
fn activation(at: &str, text: &str) -> Result<Activation<f64>> {
    let named = text.parse::<Activation<f64>>();
    // What has a z that stands alone is a formula.
    let is_formula = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "z");
    match named {
        Ok(activation) => Ok(activation),
        Err(_) if is_formula => formula::activation(at, text).map(Activation::Custom),
        Err(error) => Err(Error::of(at, format!("{error}; or a formula in z, such as z * tanh(z)"))),
    }
}
