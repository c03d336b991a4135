//! The strategy of networks with data.

use std::marker::PhantomData;

use proptest::prelude::RngCore;
use proptest::strategy::{NewTree, Strategy};
use proptest::test_runner::TestRunner;
use tape::check::Random;
use tape::check::strategies::{ChoiceId, Draft, Elements, Fill, Grid, ListId, Parts, Side, Stage, Tree};

use super::activations::Activations;
use super::sample::{Layer, Sample};
use crate::Loss;

/// Networks of any depth, widths, activations and losses, with their parameters and with examples
/// and labels that the loss takes.
///
/// ```
/// use mlp::strategies::{BuiltIn, Networks};
/// use mlp::{Activation, Loss};
/// use proptest::prelude::*;
/// let networks = Networks::new(BuiltIn).layers(1..=3).losses(&[Loss::LogLoss, Loss::SoftmaxCrossEntropy]);
/// proptest!(ProptestConfig::with_cases(8), |(sample in networks)| {
///     let network = sample.network::<f32>();
///     prop_assert!(network.layers() <= 3);
///     prop_assert!(network.loss(&sample.x(), &sample.y())?.is_finite());
/// });
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "strategies do nothing unless used"]
pub struct Networks<A> {
    layers: Side,
    features: Side,
    units: Side,
    examples: Side,
    losses: Vec<Loss>,
    parameters: Elements,
    x: Elements,
    of: PhantomData<A>,
}

impl<A: Activations> Networks<A> {
    /// Of a list of activations: 1 to 6 layers of 1 to 40 units, 1 to 40 features, 1 to 257
    /// examples and every loss; parameters in (−1, 1), examples in (−2, 2).
    pub fn new(activations: A) -> Self {
        let _ = activations; // the list is its type
        Networks {
            layers: (1..=6).into(),
            features: (1..=40).into(),
            units: (1..=40).into(),
            examples: (1..=257).into(),
            losses: vec![Loss::SquaredError, Loss::LogLoss, Loss::SoftmaxCrossEntropy],
            parameters: Elements::Between(-1.0, 1.0),
            x: Elements::Between(-2.0, 2.0),
            of: PhantomData,
        }
    }

    /// L.
    ///
    /// # Panics
    /// If it may be 0.
    pub fn layers(mut self, layers: impl Into<Side>) -> Self {
        self.layers = layers.into();
        assert!(self.layers.least() > 0, "a network has a layer");
        self
    }

    /// n_0.
    pub fn features(mut self, features: impl Into<Side>) -> Self {
        self.features = features.into();
        self
    }

    /// n_1, …, n_L. In front of softmax cross-entropy n_L is 2 at least, whatever is said here.
    pub fn units(mut self, units: impl Into<Side>) -> Self {
        self.units = units.into();
        self
    }

    /// m.
    pub fn examples(mut self, m: impl Into<Side>) -> Self {
        self.examples = m.into();
        self
    }

    /// The losses, the simplest first.
    ///
    /// # Panics
    /// If there is none.
    pub fn losses(mut self, losses: &[Loss]) -> Self {
        assert!(!losses.is_empty(), "a network has a loss");
        self.losses = losses.to_vec();
        self
    }

    /// The elements of W\[l\] and b\[l\].
    pub fn parameters(mut self, elements: impl Into<Elements>) -> Self {
        self.parameters = elements.into();
        self
    }

    /// The elements of X.
    pub fn x(mut self, elements: impl Into<Elements>) -> Self {
        self.x = elements.into();
        self
    }

    fn draw(&self, seed: u64) -> Tree<NetworksDraft<A>> {
        let (mut random, mut parts) = (Random::new(seed), Parts::new());
        let count = self.layers.draw(&mut random);
        let layers = parts.list(Stage::Structure, count, self.layers.least());
        let loss = parts.choice(Stage::Structure, random.below(self.losses.len()));
        let is_softmax = self.losses[parts.chosen(loss)] == Loss::SoftmaxCrossEntropy;
        let features = parts.list(Stage::Shape, self.features.draw(&mut random), self.features.least());
        let of_layers = (0..count).map(|l| {
            let fewest = if is_softmax && l + 1 == count { 2 } else { 0 };
            let units = self.units.draw(&mut random).max(fewest);
            OfLayer {
                units: parts.list(Stage::Shape, units, self.units.least()),
                g: parts.choice(Stage::Structure, random.below(A::list::<f64>().len().max(1))),
                w: Fill::elements(&self.parameters, 2 * l, &mut random),
                b: Fill::elements(&self.parameters, 2 * l + 1, &mut random),
            }
        });
        let of_layers: Vec<OfLayer> = of_layers.collect();
        let m = parts.list(Stage::Shape, self.examples.draw(&mut random), self.examples.least());
        let x = Fill::elements(&self.x, 2 * count, &mut random);
        // One in four has shares of the classes in the place of classes.
        let classes = match random.below(4) {
            0 => Fill::shares(2 * count + 1, &mut random),
            _ => Fill::one_hot(2 * count + 1, &mut random),
        };
        let labels = Fill::elements(&Elements::Soft, 2 * count + 2, &mut random);
        let quantities = Fill::elements(&Elements::Between(-2.0, 2.0), 2 * count + 3, &mut random);
        let losses = self.losses.clone();
        let of = PhantomData;
        let draft = NetworksDraft {
            layers,
            of_layers,
            losses,
            loss,
            features,
            m,
            x,
            classes,
            labels,
            quantities,
            of,
        };
        Tree::new(draft, parts)
    }
}

impl<A: Activations> Strategy for Networks<A> {
    type Tree = Tree<NetworksDraft<A>>;
    type Value = Sample<A>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        if A::list::<f64>().is_empty() || self.losses.iter().any(|&loss| A::before::<f64>(loss).is_empty()) {
            return Err("there is no activation to draw".into());
        }
        Ok(self.draw(runner.rng().next_u64()))
    }
}

/// What [`Networks`] have drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworksDraft<A> {
    layers: ListId,
    of_layers: Vec<OfLayer>,
    losses: Vec<Loss>,
    loss: ChoiceId,
    features: ListId,
    m: ListId,
    x: Fill,
    /// Y for softmax cross-entropy.
    classes: Fill,
    /// Y for log-loss.
    labels: Fill,
    /// Y for squared error.
    quantities: Fill,
    of: PhantomData<A>,
}

#[derive(Debug, Clone, PartialEq)]
struct OfLayer {
    units: ListId,
    g: ChoiceId,
    w: Fill,
    b: Fill,
}

impl<A> NetworksDraft<A> {
    fn loss(&self, parts: &Parts) -> Loss {
        self.losses[parts.chosen(self.loss)]
    }

    fn left<'a>(&'a self, parts: &'a Parts) -> impl ExactSizeIterator<Item = &'a OfLayer> {
        parts.kept(self.layers).iter().map(|&l| &self.of_layers[l as usize])
    }

    /// The units of the last layer.
    fn outputs<'a>(&self, parts: &'a Parts) -> &'a [u32] {
        let last = parts.kept(self.layers).last().expect("a network has a layer");
        parts.kept(self.of_layers[*last as usize].units)
    }
}

impl<A: Activations> Draft for NetworksDraft<A> {
    type Value = Sample<A>;

    fn value(&self, parts: &Parts) -> Sample<A> {
        let loss = self.loss(parts);
        let (count, mut before) = (parts.kept(self.layers).len(), parts.kept(self.features));
        let layers = self.left(parts).enumerate().map(|(l, layer)| {
            let (units, inputs) = (parts.kept(layer.units), before);
            before = units;
            let options = if l + 1 == count { A::before::<f64>(loss).len() } else { A::list::<f64>().len() };
            let [w, b] = [layer.w.grid(parts, units, inputs), layer.b.grid(parts, units, &[0])];
            Layer { g: parts.chosen(layer.g) % options, w, b }
        });
        let layers = layers.collect();
        let (m, outputs) = (parts.kept(self.m), self.outputs(parts));
        let y = match loss {
            Loss::LogLoss => self.labels,
            Loss::SquaredError => self.quantities,
            Loss::SoftmaxCrossEntropy => self.classes,
        };
        let (x, y) = (self.x.grid(parts, parts.kept(self.features), m), y.grid(parts, outputs, m));
        Sample { layers, loss, x, y, of: PhantomData }
    }

    fn grids(&self, parts: &Parts) -> Vec<Grid> {
        let Sample { layers, x, y, .. } = self.value(parts);
        layers.into_iter().flat_map(|layer| [layer.w, layer.b]).chain([x, y]).collect()
    }

    fn uses(&self, parts: &Parts, list: ListId) -> bool {
        let is_of_all = [self.layers, self.features, self.m].contains(&list);
        is_of_all || self.left(parts).any(|layer| layer.units == list)
    }

    /// The softmax of one output is 1 whatever it is.
    fn allows(&self, parts: &Parts) -> bool {
        self.loss(parts) != Loss::SoftmaxCrossEntropy || self.outputs(parts).len() >= 2
    }
}
