//! A derivation: eq. 1–28 for one network, each with the entries that it is and what was found out about them.

mod claim;
mod html;
mod latex;
mod m_examples;
mod one_example;
mod plain;
mod textbook;

use std::fmt;

use mlp::{Activation, Mlp, Purpose, Random, Result};
use tape::Matrix;

pub(crate) use claim::{Claim, Finding};
pub(crate) use textbook::Stated;

/// How many examples the second part has.
const EXAMPLES: usize = 4;

/// What network is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// n_0, n_1, …, n_L.
    pub(crate) sizes: Vec<usize>,
    /// g of the hidden layers.
    pub(crate) activation: Activation<f64>,
    pub(crate) seed: u64,
}

impl Default for Request {
    fn default() -> Self {
        Request { sizes: vec![5, 4, 3, 1], activation: Activation::Tanh, seed: 0 }
    }
}

/// An equation of the textbook, with what was found out about it in this network.
#[derive(Debug, Clone)]
pub(crate) struct Proven {
    pub(crate) stated: &'static Stated,
    /// One for each layer, or one.
    pub(crate) claims: Vec<Claim>,
}

impl Proven {
    pub(crate) fn holds(&self) -> bool {
        !self.claims.is_empty() && self.claims.iter().all(Claim::holds)
    }
}

/// A tape as it was printed, and how many entries it had.
#[derive(Debug, Clone)]
pub(crate) struct List {
    /// The equations that stand for entries of this list.
    pub(crate) equations: std::ops::RangeInclusive<u8>,
    pub(crate) text: String,
    pub(crate) after_differentiation: usize,
    pub(crate) after_recording_by_hand: usize,
}

impl List {
    pub(crate) fn grew(&self) -> bool {
        self.after_recording_by_hand != self.after_differentiation
    }
}

/// Eq. 1–28 of one network.
#[derive(Debug, Clone)]
pub(crate) struct Derivation {
    pub(crate) title: String,
    pub(crate) seed: u64,
    /// In the order of the textbook, each once.
    pub(crate) equations: Vec<Proven>,
    /// Of one example, and of m.
    pub(crate) lists: [List; 2],
}

impl Derivation {
    /// Records the network twice, for one example and for m, differentiates, and looks for every equation.
    ///
    /// # Errors
    /// Those of [`mlp::MlpBuilder::build`].
    pub(crate) fn of(request: &Request) -> Result<Self> {
        let (network, x, y) = drawn(request)?;
        let (of_one, first) =
            one_example::claims(&network, &x.select_columns(&[0]), &y.select_columns(&[0]))?;
        let (of_m, second) = m_examples::claims(&network, &x, &y)?;
        let equations = textbook::STATED
            .iter()
            .zip(of_one.into_iter().chain(of_m))
            .map(|(stated, claims)| Proven { stated, claims })
            .collect();
        let title = format!("{} · {}, sigmoid", joined(&request.sizes), request.activation);
        Ok(Derivation { title, seed: request.seed, equations, lists: [first, second] })
    }

    /// Whether every equation is its entry, every number agrees, and nothing was added by writing the equations down by hand.
    pub(crate) fn holds(&self) -> bool {
        self.equations.iter().all(Proven::holds) && !self.lists.iter().any(List::grew)
    }

    /// All numbers that were compared, and the largest share of its bound that a difference took.
    fn comparisons(&self) -> (usize, f64) {
        let findings =
            self.equations.iter().flat_map(|proven| &proven.claims).flat_map(|claim| &claim.findings);
        findings.fold((0, 0.0), |(compared, worst), finding| match *finding {
            Finding::Numbers { compared: more, largest, bound, .. } => {
                let share = largest / bound;
                // `f64::max` would swallow a NaN.
                (compared + more, if share <= worst { worst } else { share })
            }
            Finding::SameBits { compared: more, .. } => (compared + more, worst),
            Finding::SameEntry { .. } | Finding::OperandOf { .. } | Finding::Recorded { .. } => {
                (compared, worst)
            }
        })
    }
}

/// The network, X and Y: of one seed. The biases are not 0, as first biases are, so that nothing hides behind them.
fn drawn(request: &Request) -> Result<(Mlp<f64>, Matrix<f64>, Matrix<f64>)> {
    let Request { sizes, activation, seed } = request;
    let last = sizes.len() - 1;
    let mut builder = Mlp::new(sizes[0]);
    for &neurons in &sizes[1..last] {
        builder = builder.layer(neurons, activation.clone());
    }
    let mut network = builder.layer(sizes[last], Activation::Sigmoid).seed(*seed).build()?;
    let mut random = Random::new(*seed, Purpose::Split);
    for (l, &neurons) in (1..).zip(&sizes[1..]) {
        network
            .set_parameter(&format!("b[{l}]"), Matrix::from_fn(neurons, 1, |_, _| random.symmetric(0.5)))?;
    }
    let x = Matrix::from_fn(sizes[0], EXAMPLES, |_, _| random.symmetric(2.0));
    let y = Matrix::from_fn(sizes[last], EXAMPLES, |_, _| f64::from(u8::from(random.symmetric(1.0) > 0.0)));
    Ok((network, x, y))
}

fn joined(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-")
}

/// A line for each equation, and what follows from them.
impl fmt::Display for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, seed {}\n", self.title, self.seed)?;
        for Proven { stated, claims } in &self.equations {
            writeln!(f, "({}) {}", stated.number, stated.title)?;
            for claim in claims {
                writeln!(f, "    {claim}")?;
            }
        }
        let holding = self.equations.iter().filter(|proven| proven.holds()).count();
        let (compared, worst) = self.comparisons();
        writeln!(f, "\n{holding} of {} equations hold.", self.equations.len())?;
        for list in &self.lists {
            writeln!(f, "{}", list.summary())?;
        }
        write!(f, "{compared} numbers were compared; the largest difference took {worst:.2} of its bound.")
    }
}

impl List {
    /// Whether writing the equations down by hand added anything.
    pub(crate) fn summary(&self) -> String {
        let (first, last) = (self.equations.start(), self.equations.end());
        format!(
            "The list of eq. {first} to {last} had {} entries after differentiation, and {} after every equation was recorded by hand.",
            self.after_differentiation, self.after_recording_by_hand
        )
    }
}
