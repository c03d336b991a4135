//! Matrices that somebody has computed, judged by their numbers.

use std::fmt;

use indexmap::IndexMap;
use tape::{Matrix, Tape};

use super::board::{Architecture, Board, Forms, Given, Leaves};
use super::finding::{Example, Finding};
use super::identity::architecture;
use super::{Mistake, Quantity, point};
use crate::{Error, Loss, Mlp, Result, Scalar};

/// Judges the matrices that somebody has computed for a network and data: Z\[l\], A\[l\], ∂ℒ/∂A\[l\], ∂ℒ/∂Z\[l\] or
/// ∂J/∂Z\[l\], ∂J/∂W\[l\], ∂J/∂b\[l\], as many of them as there are.
///
/// Each is compared with its equation *on their own earlier matrices*: of one mistake in δ\[2\], which spoils all layers
/// before it, δ\[2\] alone is reported. What was not given is computed.
///
/// ```
/// use mlp::diagnose::{Mistake, Numbers};
/// use mlp::{Activation, Mlp};
/// use tape::{Matrix, matrix};
/// let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
/// let (x, y) = (matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]], matrix![[0.0, 1.0, 1.0, 0.0]]);
/// let numbers = Numbers::new(&network, &x, &y)?;
///
/// let mut theirs = network.gradients(&x, &y)?;
/// assert!(numbers.judge(|name| theirs.get(&name.replace("∂J/∂", "")).cloned())?.is_right());
/// theirs["W[1]"] = Matrix::from_fn(4, 2, |i, j| 4.0 * theirs["W[1]"][(i, j)]); // no 1/m
/// let verdict = numbers.judge(|name| theirs.get(&name.replace("∂J/∂", "")).cloned())?;
/// assert_eq!(verdict.mistake(), Some(Mistake::WithoutMean));
/// assert!(verdict.to_string().starts_with("∂J/∂W[1] does not hold: eq. 26 without 1/m"));
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Numbers<T: Scalar> {
    architecture: Architecture<T>,
    leaves: Leaves<T>,
    tolerance: f64,
}

/// What numbers tell.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ByNumbers<T: Scalar> {
    /// Nothing was given under a name that is known.
    Nothing,
    /// All that was given is as its equation says.
    Right {
        /// What was given.
        checked: Vec<Quantity>,
    },
    /// A matrix has another shape than its equation gives.
    Shape {
        /// Which.
        quantity: Quantity,
        /// Rows and columns that its equation gives.
        must_be: (usize, usize),
        /// Rows and columns that it has.
        found: (usize, usize),
        /// The mistakes of the catalogue that give just these numbers, the likeliest first.
        findings: Vec<Finding>,
        /// The loss, which decides about the number of an equation.
        loss: Loss,
    },
    /// The first matrix that is not as its equation says.
    Wrong {
        /// Which.
        quantity: Quantity,
        /// Row and column, from 0, of the element that is farthest off.
        at: (usize, usize),
        /// What its equation gives there.
        expected: T,
        /// What was given there.
        found: T,
        /// The mistakes of the catalogue that give just these numbers, the likeliest first.
        findings: Vec<Finding>,
        /// The loss.
        loss: Loss,
    },
}

impl<T: Scalar> Numbers<T> {
    /// Matrices differ if an element is off by more than this of the largest one, or of a hundredth of the
    /// largest terms where those cancel: numbers that were written with five digits, or computed in
    /// `f32`, are right.
    pub const TOLERANCE: f64 = 1e-4;

    /// For a network with its parameters, on the examples X and the labels Y.
    ///
    /// # Errors
    /// As [`Mlp::record`], if X or Y does not fit.
    pub fn new(network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        network.record(&Tape::new(), x, y)?;
        let parameter = |name: &str, l: usize| network.parameters()[&format!("{name}[{l}]")].clone();
        let all = |name: &str| (1..=network.layers()).map(|l| parameter(name, l)).collect();
        let leaves = Leaves { x: x.clone(), y: y.clone(), w: all("W"), b: all("b") };
        Ok(Numbers { architecture: architecture(network), leaves, tolerance: Self::TOLERANCE })
    }

    /// Another tolerance than [`TOLERANCE`](Numbers::TOLERANCE).
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[must_use = "it gives the judge back"]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        let t = tolerance;
        assert!(t >= 0.0 && t.is_finite(), "the tolerance is {t}, not a number from 0 on");
        Numbers { tolerance, ..self }
    }

    /// Judges what the closure has under the names of the textbook, `∂J/∂W[1]` or `dJ/dW[1]`; it is asked for each
    /// spelling, and all that it has are judged. ∂J/∂Z\[l\] is 1/m · ∂ℒ/∂Z\[l\]; either can be given.
    ///
    /// # Errors
    /// [`Error::Tape`] if a value cannot be computed, as of m = 0 examples.
    pub fn judge(&self, given: impl Fn(&str) -> Option<Matrix<T>>) -> Result<ByNumbers<T>> {
        let mut theirs = Vec::new();
        for quantity in Quantity::all(self.architecture.layers()) {
            for (name, of_j) in quantity.names() {
                let Some(value) = given(&name) else { continue };
                let value = if of_j { self.times_m(&value) } else { value };
                let given = (quantity, value);
                if !theirs.contains(&given) {
                    theirs.push(given);
                }
            }
        }
        T::numbers_judge(self, theirs)
    }

    /// What every equation gives, in the order in which they are computed, each on what those before it gave;
    /// `wrong` gives its quantity by another equation, from which those after it follow. `None` if that
    /// cannot be read here, gives another shape, or is of a layer that the network has not.
    ///
    /// ```
    /// use mlp::diagnose::{Mistake, Numbers, Quantity};
    /// use mlp::{Activation, Mlp};
    /// use tape::matrix;
    /// let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let (x, y) = (matrix![[0.0, 1.0], [1.0, 1.0]], matrix![[1.0, 0.0]]);
    /// let numbers = Numbers::new(&network, &x, &y)?;
    /// let wrong = (Quantity::Delta(2), "∂ℒ/∂Z[2] = ∂ℒ/∂A[2]"); // no g′
    /// let theirs = numbers.computed(Some(wrong))?.expect("it can be computed");
    /// let verdict = numbers.judge(|name| theirs.get(&name.parse::<Quantity>().ok()?).cloned())?;
    /// assert_eq!((verdict.quantity(), verdict.mistake()), (Some(wrong.0), Some(Mistake::WithoutSlope)));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tape`] if a value cannot be computed.
    pub fn computed(&self, wrong: Option<(Quantity, &str)>) -> Result<Option<IndexMap<Quantity, Matrix<T>>>> {
        T::numbers_computed(self, wrong)
    }

    pub(crate) fn computed_here(
        &self,
        wrong: Option<(Quantity, &str)>,
    ) -> Result<Option<IndexMap<Quantity, Matrix<T>>>> {
        let mut given = Given::new();
        if let Some((quantity, text)) = wrong {
            let tape = Tape::new();
            let board = Board::of_numbers(&tape, &self.architecture, &self.leaves, &given);
            if !(1..=self.architecture.layers()).contains(&quantity.layer()) {
                return Ok(None);
            }
            let Ok(entry) = board.read(text) else { return Ok(None) };
            if entry.shape().ok() != board.right(quantity).shape().ok() {
                return Ok(None);
            }
            given.insert(quantity, entry.value().map_err(Error::Tape)?);
        }
        let tape = Tape::new();
        let board = Board::of_numbers(&tape, &self.architecture, &self.leaves, &given);
        let all = Quantity::all(self.architecture.layers());
        let mut program = tape.compile(all.iter().map(|&quantity| board.right(quantity)))?;
        program.run()?;
        let mut value = |quantity: Quantity| match given.remove(&quantity) {
            Some(value) => Ok((quantity, value)),
            None => Ok((quantity, program.view(board.right(quantity))?.to_matrix())),
        };
        all.into_iter().map(&mut value).collect::<Result<_>>().map(Some)
    }

    /// ∂ℒ of ∂J.
    fn times_m(&self, value: &Matrix<T>) -> Matrix<T> {
        let m = T::from_usize(self.leaves.x.columns());
        Matrix::from_fn(value.rows(), value.columns(), |i, j| value[(i, j)] * m)
    }

    pub(crate) fn judge_here(&self, theirs: Vec<(Quantity, Matrix<T>)>) -> Result<ByNumbers<T>> {
        if theirs.is_empty() {
            return Ok(ByNumbers::Nothing);
        }
        let (mut given, mut checked) = (Given::new(), Vec::new());
        for (quantity, found) in theirs {
            let tape = Tape::new();
            let board = Board::of_numbers(&tape, &self.architecture, &self.leaves, &given);
            let expected = board.right(quantity).value().map_err(Error::Tape)?;
            let fits = found.shape() == expected.shape();
            let terms = board.terms(quantity).ok().and_then(|terms| terms.value().ok());
            let least = terms.map_or(0.0, |terms| point::scale(&terms) / 100.0);
            let (worst, at) =
                if fits { point::difference(&found, &expected, least) } else { (f64::INFINITY, (0, 0)) };
            if worst > self.tolerance {
                let findings = self.findings(&board, quantity, &given, (&found, least));
                let loss = self.architecture.loss;
                return Ok(match fits {
                    true => {
                        let (expected, found) = (expected[at], found[at]);
                        ByNumbers::Wrong { quantity, at, expected, found, findings, loss }
                    }
                    false => {
                        let (must_be, found) = (expected.shape(), found.shape());
                        ByNumbers::Shape { quantity, must_be, found, findings, loss }
                    }
                });
            }
            if !checked.contains(&quantity) {
                checked.push(quantity); // and not again under another of its names
            }
            given.insert(quantity, found);
        }
        Ok(ByNumbers::Right { checked })
    }

    /// The mistakes that give these numbers.
    fn findings(
        &self,
        board: &Board<'_, T>,
        quantity: Quantity,
        given: &Given<T>,
        (found, least): (&Matrix<T>, f64),
    ) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for (finding, entry) in board.wrong(quantity, given, Forms::First) {
            let agrees = |value: Matrix<T>| {
                value.shape() == found.shape() && point::difference(found, &value, least).0 <= self.tolerance
            };
            if !findings.contains(&finding) && entry.value().is_ok_and(agrees) {
                findings.push(finding);
            }
        }
        findings
    }

    /// Judges an implementation: `compute` gives the matrices by name for any network and data. What is wrong
    /// comes with the smallest network on which it is still wrong: fewest layers, then units, then
    /// examples.
    ///
    /// ```
    /// use mlp::diagnose::{Mistake, Numbers};
    /// use mlp::{Activation, Mlp};
    /// use tape::Matrix;
    /// let network = Mlp::<f64>::new(3).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let (x, y) = (Matrix::filled(3, 5, 0.5), Matrix::filled(1, 5, 1.0));
    /// let (verdict, example) = Numbers::implementation(&network, &x, &y, |network, x, y| {
    ///     let plain = network.closed_form(x, y).expect("it fits");
    ///     let m = x.columns() as f64;
    ///     let b = plain.db(1);
    ///     // A sum over the examples that is no mean.
    ///     [("∂J/∂b[1]".to_owned(), Matrix::from_fn(b.rows(), 1, |i, _| m * b[(i, 0)]))].into()
    /// })?;
    /// assert_eq!(verdict.mistake(), Some(Mistake::WithoutMean));
    /// let example = example.expect("one example hides it, two show it");
    /// assert_eq!((example.sizes, example.m), (vec![1, 1], 2));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Numbers::new) and [`judge`](Numbers::judge).
    #[allow(clippy::type_complexity)] // a verdict with its example
    pub fn implementation(
        network: &Mlp<T>,
        x: &Matrix<T>,
        y: &Matrix<T>,
        mut compute: impl FnMut(&Mlp<T>, &Matrix<T>, &Matrix<T>) -> IndexMap<String, Matrix<T>>,
    ) -> Result<(ByNumbers<T>, Option<Example<T>>)> {
        let theirs = compute(network, x, y);
        let verdict = Numbers::new(network, x, y)?.judge(|name| theirs.get(name).cloned())?;
        if verdict.quantity().is_none() {
            return Ok((verdict, None));
        }
        for (layers, n, m, seed) in smaller(network.layers()) {
            let Some((network, leaves)) = shrunk(network, layers, n, m, seed) else { continue };
            let (x, y) = (&leaves.x, &leaves.y);
            let theirs = compute(&network, x, y);
            let judge = Numbers::new(&network, x, y)?;
            let small = judge.judge(|name| theirs.get(name).cloned())?;
            // The same mistake; without a name, any.
            let is_same = small.mistake() == verdict.mistake() || verdict.mistake().is_none();
            if let (true, Some(quantity)) = (is_same, small.quantity())
                && let Some(example) = judge.example(&network, quantity, &theirs)?
            {
                return Ok((verdict, Some(example)));
            }
        }
        Ok((verdict, None))
    }

    /// The numbers of a wrong quantity, beside what is computed without any of theirs.
    fn example(
        &self,
        network: &Mlp<T>,
        quantity: Quantity,
        theirs: &IndexMap<String, Matrix<T>>,
    ) -> Result<Option<Example<T>>> {
        let tape = Tape::new();
        let board = Board::of_numbers(&tape, &self.architecture, &self.leaves, &Given::new());
        let expected = board.right(quantity).value().map_err(Error::Tape)?;
        // Of several names for it, one may have what is right.
        let off = |found: &Matrix<T>| match found.shape() == expected.shape() {
            true => point::difference(found, &expected, 0.0).0,
            false => f64::INFINITY,
        };
        let named = quantity.names().into_iter().filter_map(|(name, of_j)| {
            let found = theirs.get(&name)?;
            Some(if of_j { self.times_m(found) } else { found.clone() })
        });
        let farthest = named.reduce(|a, b| if off(&b) > off(&a) { b } else { a });
        let Some(found) = farthest else { return Ok(None) };
        let (sizes, m) = (network.sizes().to_vec(), self.leaves.x.columns());
        Ok(Some(Example { sizes, m, leaves: self.leaves.named(), quantity, expected, found }))
    }
}

/// Layers, units, examples and a seed, the smallest first.
fn smaller(layers: usize) -> impl Iterator<Item = (usize, usize, usize, u64)> {
    let units_and_examples = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)];
    (1..=layers).flat_map(move |layers| {
        units_and_examples.into_iter().flat_map(move |(n, m)| (1..=2).map(move |seed| (layers, n, m, seed)))
    })
}

/// The last layers of a network, with fewer units.
fn shrunk<T: Scalar>(
    network: &Mlp<T>,
    layers: usize,
    n: usize,
    m: usize,
    seed: u64,
) -> Option<(Mlp<T>, Leaves<T>)> {
    let loss = network.loss_function();
    let outputs = if loss == Loss::SoftmaxCrossEntropy { n.max(2) } else { n };
    let g = &network.activations()[network.layers() - layers..];
    let mut builder = Mlp::new(n).loss(loss);
    for (g, l) in g.iter().zip(1..) {
        builder = builder.layer(if l == layers { outputs } else { n }, g.clone());
    }
    let mut small = builder.build().ok()?;
    let leaves = point::leaves(&architecture(&small), m, seed);
    for (name, value) in leaves.named().into_iter().filter(|(name, _)| name.contains('[')) {
        small.set_parameter(&name, value).ok()?;
    }
    Some((small, leaves))
}

impl<T: Scalar> ByNumbers<T> {
    /// Whether all that was given is right.
    pub fn is_right(&self) -> bool {
        matches!(self, ByNumbers::Right { .. })
    }

    /// The first quantity that is not as its equation says.
    pub fn quantity(&self) -> Option<Quantity> {
        match self {
            ByNumbers::Nothing | ByNumbers::Right { .. } => None,
            ByNumbers::Shape { quantity, .. } | ByNumbers::Wrong { quantity, .. } => Some(*quantity),
        }
    }

    /// The mistakes of the catalogue that give just these numbers, the likeliest first: those of the equation
    /// itself, then those of quantities before it that were not given.
    pub fn findings(&self) -> &[Finding] {
        match self {
            ByNumbers::Nothing | ByNumbers::Right { .. } => &[],
            ByNumbers::Shape { findings, .. } | ByNumbers::Wrong { findings, .. } => findings,
        }
    }

    /// The likeliest mistake.
    pub fn mistake(&self) -> Option<Mistake> {
        self.findings().first().map(|finding| finding.mistake)
    }
}

/// A sentence.
impl<T: Scalar> fmt::Display for ByNumbers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::by_numbers_display(self, f)
    }
}

impl<T: Scalar> ByNumbers<T> {
    pub(crate) fn display_here(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ByNumbers::Nothing => f.write_str("nothing was given that has an equation"),
            ByNumbers::Right { checked } => {
                let names: Vec<String> = checked.iter().map(Quantity::to_string).collect();
                write!(f, "all of it is right: {}", names.join(", "))
            }
            ByNumbers::Shape { quantity, must_be, found, findings, loss } => {
                let ((rows, columns), (r, c)) = (must_be, found);
                write!(f, "{quantity} is {r}×{c}, and must be {rows}×{columns}")?;
                told(f, findings, *loss)
            }
            ByNumbers::Wrong { quantity, at: (i, j), expected, found, findings, loss } => {
                write!(f, "{quantity} does not hold")?;
                told(f, findings, *loss)?;
                write!(f, " (row {}, column {}: {expected} expected, {found} found)", i + 1, j + 1)
            }
        }
    }
}

fn told(f: &mut fmt::Formatter<'_>, findings: &[Finding], loss: Loss) -> fmt::Result {
    let mut sentences: Vec<String> = findings.iter().map(|finding| finding.sentence(loss)).collect();
    sentences.dedup();
    match sentences.as_slice() {
        [] => f.write_str(", and it is no mistake that has a name"),
        sentences => write!(f, ": {}", sentences.join(", or ")),
    }
}
