//! The seven cases, and the step of the recorded tape.

use mlp::Scalar;
use mlp::{Activation, Mlp};
use tape::{Matrix, Options, Program, Tape, Var};

/// A network, its batch and the activation of its hidden layers; the output is a sigmoid with log-loss.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) sizes: &'static [usize],
    pub(crate) m: usize,
    pub(crate) hidden: Hidden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    Tanh,
    Sigmoid,
    Relu,
}

pub(crate) const CASES: &[Case] = &[
    Case { name: "xor", sizes: &[2, 4, 1], m: 4, hidden: Hidden::Tanh },
    Case { name: "cancer", sizes: &[30, 16, 1], m: 569, hidden: Hidden::Sigmoid },
    Case { name: "mnist", sizes: &[784, 128, 10], m: 64, hidden: Hidden::Relu },
    Case { name: "wide", sizes: &[784, 512, 512, 10], m: 256, hidden: Hidden::Relu },
    Case {
        name: "deep",
        sizes: &[256, 256, 256, 256, 256, 256, 256, 256, 256, 1],
        m: 128,
        hidden: Hidden::Tanh,
    },
    Case { name: "large", sizes: &[1024, 1024, 1024, 1024, 10], m: 1024, hidden: Hidden::Relu },
    Case { name: "tall", sizes: &[30, 64, 64, 1], m: 65536, hidden: Hidden::Sigmoid },
];

/// The parts of a case that both ways of computing it start from.
#[derive(Debug)]
pub(crate) struct Start<T: Scalar> {
    pub(crate) network: Mlp<T>,
    pub(crate) x: Matrix<T>,
    pub(crate) y: Matrix<T>,
}

impl Case {
    /// Glorot weights, X close to N(0, 1), Y in {0, 1}.
    pub(crate) fn start<T: Scalar>(&self) -> Start<T> {
        let g = match self.hidden {
            Hidden::Tanh => Activation::Tanh,
            Hidden::Sigmoid => Activation::Sigmoid,
            Hidden::Relu => Activation::Relu,
        };
        let (features, layers) = (self.sizes[0], &self.sizes[1..]);
        let outputs = layers[layers.len() - 1];
        let hidden = &layers[..layers.len() - 1];
        let builder = hidden.iter().fold(Mlp::new(features), |network, &n| network.layer(n, g.clone()));
        let builder = builder.layer(outputs, Activation::Sigmoid).init(mlp::Init::Glorot).seed(1);
        let mut random = mlp::Random::new(2, mlp::Purpose::Init);
        let mut unit = || random.unit();
        // The sum of twelve uniform numbers has variance 1 and is close enough to normal for a bench.
        let x =
            Matrix::from_fn(features, self.m, |_, _| T::from_f64((0..12).map(|_| unit()).sum::<f64>() - 6.0));
        let y = Matrix::from_fn(outputs, self.m, |_, _| if unit() < 0.5 { T::ZERO } else { T::ONE });
        Start { network: builder.build().expect("a network of the bench"), x, y }
    }

    /// Floating-point operations of the products: Z[l], ∂J/∂W[l] and, but for the first layer, ∂ℒ/∂A[l].
    pub(crate) fn flops(&self) -> f64 {
        let layer = |(l, n): (usize, &[usize])| {
            let products = if l == 0 { 2.0 } else { 3.0 };
            products * 2.0 * n[0] as f64 * n[1] as f64 * self.m as f64
        };
        self.sizes.windows(2).enumerate().map(layer).sum()
    }
}

/// Records the case as the textbook writes it, compiles J and all gradients, and hands the program over with its outputs: the
/// gradients in the order of the parameters, then J.
pub(crate) fn with_step<T: Scalar>(
    case: &Case,
    threads: usize,
    then: impl for<'t> FnOnce(Program<T>, &[Var<'t, T>]),
) {
    let Start { network, x, y } = case.start::<T>();
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y).expect("shapes of the bench");
    let mut outputs = recorded.gradients();
    outputs.push(recorded.j);
    let options = Options::default().threads(threads);
    let mut step = tape.compile_with(outputs.iter().copied(), options).expect("a sound tape");
    step.run().expect("values of the bench");
    then(step, &outputs);
}
