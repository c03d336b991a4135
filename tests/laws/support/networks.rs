//! Networks drawn at random, and what the suites that compare them with the textbook share.

use std::fmt;

use mlp::{Activation, Init, Loss, Mlp, Purpose, Random, Scalar};
use proptest::prelude::*;
use tape::{Function, Matrix};

/// What a network and its examples are made from. It says nothing of the number type: one description gives the network in
/// `f32` and in `f64`.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    /// n_0, …, n_L.
    pub(crate) sizes: Vec<usize>,
    /// g of every layer.
    pub(crate) g: Vec<G>,
    pub(crate) loss: Loss,
    /// The number of examples.
    pub(crate) m: usize,
    /// What the first weights are multiplied with.
    pub(crate) scale: f64,
    pub(crate) seed: u64,
}

/// An activation of the crate by its name, or one of [`of_the_user`] by its number.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum G {
    BuiltIn(usize),
    User(usize),
}

impl fmt::Debug for G {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.activation::<f64>())
    }
}

impl G {
    pub(crate) fn activation<T: Scalar>(self) -> Activation<T> {
        match self {
            G::BuiltIn(i) => Activation::all().swap_remove(i),
            G::User(i) => Activation::Custom(of_the_user().swap_remove(i)),
        }
    }

    /// Whether g grows faster than z: a few layers of it overflow, or leave nothing of the digits of a sine.
    fn explodes(self) -> bool {
        ["half_square", "growth"].contains(&&*self.activation::<f64>().name())
    }

    /// Those of which six layers are still a network that one can compute with.
    pub(crate) fn tame() -> Vec<G> {
        G::all().into_iter().filter(|g| !g.explodes()).collect()
    }

    /// Every activation of the crate, then every one of [`of_the_user`].
    pub(crate) fn all() -> Vec<G> {
        let built_in = (0..Activation::<f64>::all().len()).map(G::BuiltIn);
        built_in.chain((0..of_the_user::<f64>().len()).map(G::User)).collect()
    }

    pub(crate) fn named(name: &str) -> G {
        G::all().into_iter().find(|g| g.activation::<f64>().name() == name).expect("a known activation")
    }

    /// Whether g′ jumps at 0.
    pub(crate) fn has_kink(self) -> bool {
        let kinked = [Activation::Relu, Activation::LeakyRelu(0.01), Activation::Abs];
        kinked.contains(&self.activation::<f64>())
    }

    /// Whether g″ jumps at 0.
    pub(crate) fn bends(self) -> bool {
        ["elu", "softsign"].contains(&&*self.activation::<f64>().name())
    }
}

/// Functions that a user could bring along, each with its derivative: one of the user's own, a built-in one, or itself.
pub(crate) fn of_the_user<T: Scalar>() -> Vec<Function<T>> {
    let number = T::from_f64;
    let slope = |x: T| T::ONE / ((T::ONE + x.abs()) * (T::ONE + x.abs()));
    let density = move |x: T| number((0.5 / std::f64::consts::PI).sqrt()) * (number(-0.5) * x * x).exp();
    vec![
        Function::new("softsign", |x: T| x / (T::ONE + x.abs()))
            .with_derivative(Function::new("softsign′", slope)),
        Function::new("bell", |x: T| (-x * x).exp())
            .with_derivative(Function::new("bell′", move |x: T| number(-2.0) * x * (-x * x).exp())),
        // ln cosh x = |x| + ln(1 + e^(−2|x|)) − ln 2.
        Function::new("log_cosh", move |x: T| {
            x.abs() + (number(-2.0) * x.abs()).exp().ln_1p() - number(std::f64::consts::LN_2)
        })
        .with_derivative(Function::Tanh),
        Function::new("half_square", move |x: T| number(0.5) * x * x).with_derivative(Function::Identity),
        Function::new("growth", T::exp).with_derivative_of_itself(|growth| growth.clone()),
        Function::new("probit", move |x: T| {
            number(0.5) * (-x * number(std::f64::consts::FRAC_1_SQRT_2)).erfc()
        })
        .with_derivative(Function::new("probit′", density)),
        // A probability that is never sure, for eq. 5 and 8 on another output than σ.
        Function::new("hedged", move |x: T| number(0.5) + number(0.49) * x.tanh()).with_derivative(
            Function::new("hedged′", move |x: T| {
                // 1/cosh² x = (2 e^(−|x|) / (1 + e^(−2|x|)))².
                let e = (-x.abs()).exp();
                let s = (e + e) / (T::ONE + e * e);
                number(0.49) * s * s
            }),
        ),
    ]
}

/// Of any depth, widths and activations, in the hidden layers and, where the loss allows it, in the last one.
pub(crate) fn descriptions(
    m: std::ops::RangeInclusive<usize>,
    g: Vec<G>,
) -> impl Strategy<Value = Description> {
    let layers = prop::collection::vec((1_usize..=40, prop::sample::select(g)), 1..=6);
    (1_usize..=40, layers, outputs(), m, 0.3..3.0, any::<u64>()).prop_map(
        |(features, layers, (loss, output), m, scale, seed)| {
            let (mut sizes, mut g) = (vec![features], Vec::new());
            for (neurons, activation) in layers {
                sizes.push(neurons);
                g.push(activation);
            }
            let last = g.len() - 1;
            g[last] = output.unwrap_or(g[last]);
            sizes[last + 1] = sizes[last + 1].max(fewest_outputs(loss));
            Description { sizes, g, loss, m, scale, seed }
        },
    )
}

/// A loss and the activation that goes before it; `None` for any.
pub(crate) fn outputs() -> impl Strategy<Value = (Loss, Option<G>)> {
    prop_oneof![
        4 => Just((Loss::LogLoss, Some(G::named("sigmoid")))),
        // Another output in (0, 1): eq. 8 as it stands, with nothing to be simplified.
        1 => Just((Loss::LogLoss, Some(G::named("hedged")))),
        2 => Just((Loss::SquaredError, None)),
        2 => Just((Loss::SoftmaxCrossEntropy, Some(G::named("identity")))),
    ]
}

/// g of the last layer where a loss stands behind it: the one that was asked for, if the loss takes it.
pub(crate) fn fitting(loss: Loss, g: G) -> G {
    match loss {
        Loss::LogLoss if g == G::named("sigmoid") => g,
        Loss::LogLoss => G::named("hedged"),
        Loss::SquaredError => g,
        Loss::SoftmaxCrossEntropy if matches!(g, G::User(_)) => g,
        Loss::SoftmaxCrossEntropy => G::named("identity"),
    }
}

/// The softmax of one output is 1 whatever it is.
pub(crate) fn fewest_outputs(loss: Loss) -> usize {
    if loss == Loss::SoftmaxCrossEntropy { 2 } else { 1 }
}

impl Description {
    pub(crate) fn layers(&self) -> usize {
        self.g.len()
    }

    /// The network, with weights as its initialisation draws them, times the scale, and biases in (−½, ½), times the scale.
    pub(crate) fn network<T: Scalar>(&self) -> Mlp<T> {
        let mut builder = Mlp::new(self.sizes[0]).loss(self.loss).init(Init::Glorot).seed(self.seed);
        for (&neurons, g) in self.sizes[1..].iter().zip(&self.g) {
            builder = builder.layer(neurons, g.activation());
        }
        let mut network = builder.build().unwrap();
        let mut random = Random::new(self.seed, Purpose::Shuffle);
        for l in 1..=self.layers() {
            let w = network.parameters()[&format!("W[{l}]")].map(|w| T::from_f64(self.scale) * w);
            let b = Matrix::from_fn(self.sizes[l], 1, |_, _| T::from_f64(random.symmetric(0.5 * self.scale)));
            network.set_parameter(&format!("W[{l}]"), w).unwrap();
            network.set_parameter(&format!("b[{l}]"), b).unwrap();
        }
        network
    }

    /// X with entries in (−2, 2), and Y as the loss wants it.
    pub(crate) fn examples<T: Scalar>(&self) -> (Matrix<T>, Matrix<T>) {
        let mut random = Random::new(self.seed, Purpose::Split);
        let x = Matrix::from_fn(self.sizes[0], self.m, |_, _| T::from_f64(random.symmetric(2.0)));
        let n = self.sizes[self.layers()];
        let y = match self.loss {
            // A label is 0, 1 or, now and then, something between.
            Loss::LogLoss => Matrix::from_fn(n, self.m, |_, _| match random.below(8) {
                0 => T::from_f64(random.unit()),
                k => T::from_usize(k as usize % 2),
            }),
            Loss::SquaredError => Matrix::from_fn(n, self.m, |_, _| T::from_f64(random.symmetric(2.0))),
            Loss::SoftmaxCrossEntropy => {
                let classes: Vec<usize> = (0..self.m).map(|_| random.below(n as u64) as usize).collect();
                mlp::one_hot(&classes, n).unwrap()
            }
        };
        (x, y)
    }
}

/// ‖a − b‖ / ‖b‖ in `f64`; 0 where both are equal, and so where both are 0.
pub(crate) fn difference<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let (a, b) = (a.cast::<f64>(), b.cast::<f64>());
    let apart = Matrix::from_fn(a.rows(), a.columns(), |i, j| a[(i, j)] - b[(i, j)]).norm();
    if apart == 0.0 { 0.0 } else { apart / b.norm() }
}
