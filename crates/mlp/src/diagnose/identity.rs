//! A typed equation, judged by identity of entries.

use std::fmt;

use tape::{EquationError, EquationMistake, Tape, Var};

use super::board::{Architecture, Board, Forms, Given};
use super::catalogue::{self, Mistake};
use super::finding::{Example, Finding, Verdict};
use super::{Quantity, UnknownQuantity, point};
use crate::{Mlp, Scalar};

/// A network whose equations somebody writes down.
///
/// It knows the sizes, the activations and the loss; parameters and data play no part.
#[derive(Debug, Clone)]
pub struct Exercise<T: Scalar> {
    architecture: Architecture<T>,
}

/// Why a text was not judged: it is no equation of a network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NotJudged {
    /// It cannot be read, other than for its shapes.
    Equation(EquationError),
    /// What stands left of = is nothing that the textbook defines, or nothing stands there.
    Quantity(UnknownQuantity),
    /// The right side names what it defines, and so says nothing of it.
    Itself(Quantity),
    /// An entry's number, as in `%12`, which stands for nothing in the equations of a network.
    Number,
    /// The network has no such layer.
    Layer {
        /// What was written.
        quantity: Quantity,
        /// L.
        layers: usize,
    },
}

impl fmt::Display for NotJudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotJudged::Equation(error) => error.fmt(f),
            NotJudged::Quantity(unknown) => unknown.fmt(f),
            NotJudged::Itself(quantity) => {
                write!(f, "{quantity} stands on both sides: an equation defines it by others")
            }
            NotJudged::Number => {
                write!(f, "an entry's number (%…) is of no equation of a network: write its name")
            }
            NotJudged::Layer { quantity, layers } => {
                write!(f, "there is no {quantity}: the network has {layers} layers")
            }
        }
    }
}

impl std::error::Error for NotJudged {}

/// Two values agree if they differ by no more than this of the largest element: √ε, 1.5e-8 in f64 and 3.5e-4 in f32. What
/// is equal differs by its rounding, some ε times what cancels; what is not is apart by far more
/// on one of [`POINTS`].
pub(super) fn tolerance<T: Scalar>() -> f64 {
    T::EPSILON.to_f64().sqrt()
}

/// The numbers of examples at which values are compared, each with its seed.
const POINTS: [(usize, u64); 6] = [(1, 11), (2, 12), (5, 13), (3, 14), (2, 15), (5, 16)];

/// What takes more memory than this is not computed, and counts as different.
const MOST_BYTES: usize = 1 << 28;

impl<T: Scalar> Exercise<T> {
    /// The equations of a network.
    pub fn new(network: &Mlp<T>) -> Self {
        Exercise { architecture: architecture(network) }
    }

    /// Judges an equation with both sides, `∂J/∂W[1] = …`, in the notation of
    /// [`EquationReader`](tape::EquationReader): a text in ASCII will do. A\[0\] is X, and δ\[l\] is
    /// ∂ℒ/∂Z\[l\]. Of several sides, `∂J/∂b[1] = … = …`, each has to be right: the verdict is that of
    /// the first which is not, or else of the last.
    ///
    /// ```
    /// # use mlp::{Activation, Mlp, diagnose::{Exercise, NotJudged, Quantity}};
    /// # let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let exercise = Exercise::new(&network);
    /// let nothing = exercise.judge("d[2] = dL/dZ[2]").unwrap_err(); // both are its names
    /// assert_eq!(nothing, NotJudged::Itself(Quantity::Delta(2)));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`NotJudged`] if it cannot be read.
    pub fn judge(&self, text: &str) -> Result<Verdict<T>, NotJudged> {
        let left = text.split('=').next().filter(|_| text.contains('=')).unwrap_or("");
        let quantity = left.parse().map_err(NotJudged::Quantity)?;
        self.judge_as(quantity, text)
    }

    /// Judges an equation, or its right side alone, as the definition of a quantity.
    ///
    /// # Errors
    /// As [`judge`](Exercise::judge).
    pub fn judge_as(&self, quantity: Quantity, text: &str) -> Result<Verdict<T>, NotJudged> {
        self.check_layer(quantity)?;
        if text.contains('%') {
            return Err(NotJudged::Number);
        }
        for side in sides_between(text) {
            let is_its_name = side.trim().is_empty() || side.parse() == Ok(quantity);
            if !is_its_name
                && let verdict = T::exercise_judge(self, quantity, &side)?
                && !verdict.is_right()
            {
                return Ok(verdict);
            }
        }
        T::exercise_judge(self, quantity, text)
    }

    /// The right equation of a quantity, to set an exercise or to solve one.
    ///
    /// ```
    /// # use mlp::{Activation, Mlp, diagnose::{Exercise, Quantity}};
    /// # let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let exercise = Exercise::new(&network);
    /// assert_eq!(exercise.right(Quantity::Weights(2))?, "∂J/∂W[2] = 1/m · ∂ℒ/∂Z[2] * A[1]ᵀ");
    /// let wrong = exercise.wrong(Quantity::Bias(2))?;
    /// assert!(wrong.iter().any(|(_, text)| text == "∂J/∂b[2] = 1/m · ∂ℒ/∂Z[2]")); // no sum over the examples
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NotJudged::Layer`].
    pub fn right(&self, quantity: Quantity) -> Result<String, NotJudged> {
        self.check_layer(quantity)?;
        let layers = self.architecture.layers();
        let template = catalogue::right(quantity.kind(layers), self.architecture.loss);
        Ok(format!("{quantity} = {}", catalogue::of_layer(template, quantity.layer(), layers)))
    }

    /// The wrong equations of a quantity that have a name, in each way that they are known to be written; those
    /// that this network has no layer for are left out.
    ///
    /// # Errors
    /// [`NotJudged::Layer`].
    pub fn wrong(&self, quantity: Quantity) -> Result<Vec<(Mistake, String)>, NotJudged> {
        self.check_layer(quantity)?;
        let tape = Tape::new();
        let symbols = Board::of_symbols(&tape, &self.architecture);
        let forms = symbols.forms(quantity);
        Ok(forms.into_iter().map(|(mistake, form)| (mistake, format!("{quantity} = {form}"))).collect())
    }

    fn check_layer(&self, quantity: Quantity) -> Result<(), NotJudged> {
        let layers = self.architecture.layers();
        match (1..=layers).contains(&quantity.layer()) {
            true => Ok(()),
            false => Err(NotJudged::Layer { quantity, layers }),
        }
    }

    pub(crate) fn judge_here(&self, quantity: Quantity, text: &str) -> Result<Verdict<T>, NotJudged> {
        let tape = Tape::new();
        let leaves = point::leaves(&self.architecture, POINTS[0].0, POINTS[0].1);
        let board = Board::of_numbers(&tape, &self.architecture, &leaves, &Given::new());
        let right = board.right(quantity);
        let read = board.read(text);
        if read.as_ref().is_ok_and(|read| *read == right) {
            return match self.names_itself(quantity, text) {
                true => Err(NotJudged::Itself(quantity)),
                false => Ok(Verdict::Same),
            };
        }
        if let Err(error) = &read
            && !matches!(error.mistake(), EquationMistake::Operation(_))
        {
            return Err(NotJudged::Equation(error.clone()));
        }
        if self.names_itself(quantity, text) {
            return Err(NotJudged::Itself(quantity));
        }
        let must_be = right.shape().expect("what is right has a shape");
        let would_be = read.as_ref().ok().and_then(|read| read.shape().ok());
        let fits = would_be == Some(must_be);
        if fits && self.is_equal_in_value(quantity, text) {
            return Ok(Verdict::EqualInValue { quantity });
        }
        let symbols = Tape::new();
        let symbols = Board::of_symbols(&symbols, &self.architecture);
        // What does not even fit among square matrices is not in the catalogue.
        let typed = symbols.read(text).ok();
        let finding = typed.and_then(|typed| named_mistake(&symbols, quantity, typed));
        let loss = self.architecture.loss;
        Ok(match (fits, finding, typed) {
            (true, Some(finding), _) => Verdict::Mistake { finding, loss },
            (true, None, Some(typed)) => self.different(quantity, text, &symbols, typed),
            (_, finding, _) => {
                Verdict::Shape { quantity, would_be, must_be, error: read.err(), finding, loss }
            }
        })
    }

    /// Whether the definition of a quantity is made of the quantity.
    fn names_itself(&self, quantity: Quantity, text: &str) -> bool {
        let tape = Tape::new();
        Board::of_symbols(&tape, &self.architecture).names_itself(quantity, text)
    }

    /// Whether an equation has the values of the right one wherever it was tried, and they were not
    /// all 0.
    fn is_equal_in_value(&self, quantity: Quantity, text: &str) -> bool {
        let mut seen = false;
        for (m, seed) in POINTS {
            let Some((expected, found)) = self.values(&self.architecture, quantity, text, m, seed) else {
                return false;
            };
            if point::difference(&found, &expected, 0.0).0 > tolerance::<T>() {
                return false;
            }
            seen |= expected.as_slice().iter().any(|&x| x != T::ZERO);
        }
        seen
    }

    /// The right values and those of the text, at a point.
    fn values(
        &self,
        architecture: &Architecture<T>,
        quantity: Quantity,
        text: &str,
        m: usize,
        seed: u64,
    ) -> Option<(tape::Matrix<T>, tape::Matrix<T>)> {
        let tape = Tape::new();
        let leaves = point::leaves(architecture, m, seed);
        let board = Board::of_numbers(&tape, architecture, &leaves, &Given::new());
        let (found, expected) = (board.read(text).ok()?, board.right(quantity));
        let mut program = tape.compile([expected, found]).ok()?;
        // Whoever types an equation decides how large its matrices are.
        if program.peak_bytes(m) > MOST_BYTES {
            return None;
        }
        program.run().ok()?;
        let value = |var| program.view(var).ok().map(|view| view.to_matrix());
        let (found, expected) = (value(found)?, value(expected)?);
        (found.shape() == expected.shape()).then_some((expected, found))
    }

    fn different(
        &self,
        quantity: Quantity,
        text: &str,
        symbols: &Board<'_, T>,
        typed: Var<'_, T>,
    ) -> Verdict<T> {
        let (first, stands, belongs) = first_difference(symbols, quantity, typed);
        let example = self.smallest(quantity, text).map(Box::new);
        Verdict::Different { quantity, first, stands, belongs, example }
    }

    /// The smallest network on which the values differ: units first, then examples.
    fn smallest(&self, quantity: Quantity, text: &str) -> Option<Example<T>> {
        let whole = &self.architecture;
        let all = |n: usize| whole.sizes.iter().map(|_| n).collect::<Vec<_>>();
        for sizes in [all(1), all(2), whole.sizes.clone()] {
            for (m, seed) in [(1, 1), (1, 2), (2, 3), (2, 4), (3, 5)] {
                let architecture = Architecture { sizes: sizes.clone(), ..whole.clone() };
                let Some((expected, found)) = self.values(&architecture, quantity, text, m, seed) else {
                    continue;
                };
                if point::difference(&found, &expected, 0.0).0 > 1e-2 {
                    let leaves = point::leaves(&architecture, m, seed).named();
                    return Some(Example { sizes, m, leaves, quantity, expected, found });
                }
            }
        }
        None
    }
}

/// The sides between the first and the last `=` that stand in no bracket, each after as many blanks
/// as there are characters before it, so that places in it are those in the text.
fn sides_between(text: &str) -> Vec<String> {
    let (mut depth, mut start, mut sides) = (0_usize, None, Vec::new());
    for (at, c) in text.chars().enumerate() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '=' if depth == 0 => {
                if let Some(start) = start.replace(at + 1) {
                    let side: String = text.chars().skip(start).take(at - start).collect();
                    sides.push(" ".repeat(start) + &side);
                }
            }
            _ => {}
        }
    }
    sides
}

pub(super) fn architecture<T: Scalar>(network: &Mlp<T>) -> Architecture<T> {
    Architecture {
        sizes: network.sizes().to_vec(),
        g: network.activations().iter().map(crate::Activation::function).collect(),
        loss: network.loss_function(),
    }
}

/// The mistake of the catalogue that is this entry.
fn named_mistake<T: Scalar>(
    symbols: &Board<'_, T>,
    quantity: Quantity,
    typed: Var<'_, T>,
) -> Option<Finding> {
    let wrong = symbols.wrong(quantity, &Given::new(), Forms::All);
    wrong.into_iter().find(|(_, entry)| entry.index() == typed.index()).map(|(finding, _)| finding)
}

/// Goes down where the typed entry and the right one are the same operation on operands of which one
/// differs: the last quantity on the way, what stands there and what belongs there.
fn first_difference<T: Scalar>(
    symbols: &Board<'_, T>,
    quantity: Quantity,
    typed: Var<'_, T>,
) -> (Quantity, String, String) {
    let mut first = quantity;
    let (Ok(mut typed), Ok(mut right)) = (typed.entry(), symbols.right(quantity).entry()) else {
        return (first, String::new(), String::new());
    };
    loop {
        if let Some(known) = symbols.quantity_at(right.index()) {
            first = known;
        }
        let (a, b): (Vec<_>, Vec<_>) = (typed.operands().collect(), right.operands().collect());
        let is_same_operation = (typed.kind(), typed.operation(), typed.parameters())
            == (right.kind(), right.operation(), right.parameters())
            && a.len() == b.len();
        let only_one = |pairs: Vec<(usize, usize)>| {
            let apart: Vec<_> = pairs.into_iter().filter(|&(i, j)| a[i].index() != b[j].index()).collect();
            if let [one] = apart.as_slice() { Some(*one) } else { None }
        };
        let straight = (0..a.len()).map(|i| (i, i)).collect();
        let crossed = || (right.commutes() && a.len() == 2).then(|| only_one(vec![(0, 1), (1, 0)])).flatten();
        match is_same_operation.then(|| only_one(straight).or_else(crossed)).flatten() {
            Some((i, j)) if b[j].operands().len() > 0 => (typed, right) = (a[i], b[j]),
            Some((i, j)) => return (first, shown(a[i]), shown(b[j])),
            None => return (first, shown(typed), shown(right)),
        }
    }
}

/// An entry as it is written: its name, or its definition.
fn shown<T: Scalar>(entry: tape::Entry<'_, T>) -> String {
    if let Some(name) = entry.name() {
        return name;
    }
    let equation = entry.var().equation().to_string();
    equation.split_once(" = ").map_or(equation.clone(), |(_, definition)| definition.to_owned())
}
