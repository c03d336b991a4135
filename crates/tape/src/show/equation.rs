//! The equation of one entry.

use std::fmt;

use super::entry_of;
use super::expression::{Expression, Node, chain_starts};
use super::label::Label;
use super::latex::Latex;
use super::mathml::{self, MathMl};
use super::typeset::{Factor, Infix, Relation, Sides, typeset};
use super::unicode::Unicode;
#[cfg(feature = "html")]
use crate::OperationKind;
use crate::{Entry, Error, Scalar, Var};

/// One equation: symbol = definition, or symbol = c · other name = definition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub(crate) symbol: Label,
    /// What else the entry is, with a factor.
    pub(crate) also: Option<(Option<String>, Label)>,
    pub(crate) definition: Definition,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Definition {
    Is(Expression),
    /// The variable is void.
    Void(String),
}

impl Line {
    pub(crate) fn void(mistake: &Error) -> Line {
        let symbol = Label::Name("void".into());
        Line { symbol, also: None, definition: Definition::Void(mistake.to_string()) }
    }

    /// The sides of the equation: the symbol, and what follows it with the relation sign before.
    pub(crate) fn sides<S: Sides>(&self, function_names: bool) -> (String, String) {
        let mut right = String::new();
        if let Some((factor, label)) = &self.also {
            right.push_str(&S::relation(Relation::Is));
            let label = S::label(label);
            right.push_str(&match factor {
                Some(factor) => S::infix(Infix::Times, &S::factor(&Factor::parse(factor)), &label),
                None => label,
            });
        }
        match &self.definition {
            Definition::Is(expression) => {
                let is_space = matches!(expression.nodes.first(), Some(Node::Space(_)));
                right.push_str(&S::relation(if is_space { Relation::In } else { Relation::Is }));
                right.push_str(&typeset::<S>(expression, function_names));
            }
            Definition::Void(mistake) => {
                right.push_str(&S::relation(Relation::Is));
                right.push_str(&S::words(mistake));
            }
        }
        (S::label(&self.symbol), right)
    }
}

/// The equation of an entry: its name on the left, its definition in terms of named entries on the
/// right.
///
/// Made by [`Var::equation`]; it is a copy that borrows nothing. [`Display`](fmt::Display) writes
/// Unicode text on one line. Two equations are equal if symbol and definition are, name by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Equation {
    line: Line,
    function_names: bool,
}

impl Equation {
    /// The same equation with the names of differentiated activations, `tanh′(Z[1])` in place of
    /// the textbook's `g′(Z[1])`.
    ///
    /// ```
    /// # let tape = tape::Tape::<f64>::new();
    /// let z = tape.parameter("Z", &tape::Matrix::scalar(0.5));
    /// let [dz] = z.tanh().gradients([z]);
    /// assert_eq!(dz.equation().to_string(), "∂J/∂Z = g′(Z)");
    /// assert_eq!(dz.equation().with_function_names().to_string(), "∂J/∂Z = tanh′(Z)");
    /// ```
    #[must_use]
    pub fn with_function_names(self) -> Self {
        Equation { function_names: true, ..self }
    }

    /// The equation in LaTeX, for math mode.
    ///
    /// ```
    /// # let tape = tape::Tape::<f64>::new();
    /// let w = tape.parameter("W[1]", &tape::Matrix::scalar(2.0));
    /// let a = w.sigmoid().square().named("A");
    /// assert_eq!(a.equation().latex(), r"A = \sigma(W^{[1]})^{2}");
    /// ```
    pub fn latex(&self) -> String {
        let (left, right) = self.line.sides::<Latex>(self.function_names);
        left + &right
    }

    /// The equation in presentation MathML, a `<math>` element.
    ///
    /// ```
    /// # let tape = tape::Tape::<f64>::new();
    /// let a = tape.parameter("a", &tape::Matrix::scalar(2.0));
    /// let b = (-a).named("b");
    /// assert_eq!(
    ///     b.equation().mathml(),
    ///     "<math display=\"block\"><mrow><mi>b</mi><mo>=</mo><mrow><mo>−</mo><mi>a</mi></mrow></mrow></math>",
    /// );
    /// ```
    pub fn mathml(&self) -> String {
        let (left, right) = self.line.sides::<MathMl>(self.function_names);
        mathml::math(&mathml::row(&[&left, &right]))
    }
}

#[cfg(feature = "html")]
impl Equation {
    pub(crate) fn of_line(line: Line) -> Equation {
        Equation { line, function_names: false }
    }

    /// The equation of an entry, as [`Var::equation`] has it, whose symbols tell their entries;
    /// `starts` are the [`chain_starts`] of the list.
    pub(crate) fn marked<T: Scalar>(entry: Entry<'_, T>, starts: &[bool]) -> Equation {
        let called = |entry: Entry<'_, T>| {
            let label = Label::given(entry)
                .or_else(|| if starts[entry.index()] { Label::derived(entry) } else { None });
            label.map(|label| label.marked(entry.index()))
        };
        let symbol = Label::of(entry).marked(entry.index());
        let definition = Definition::Is(Expression::of(entry, called));
        Equation::of_line(Line { symbol, also: None, definition })
    }

    /// The operation of an entry on its operands, whose symbols tell their entries.
    pub(crate) fn one_operation<T: Scalar>(entry: Entry<'_, T>, called: &[Label]) -> Equation {
        let label = |entry: Entry<'_, T>| called[entry.index()].clone().marked(entry.index());
        let definition = Expression::of(entry, |operand| match operand.kind() {
            OperationKind::Number if Label::given(operand).is_none() => None,
            _ => Some(label(operand)),
        });
        let definition = Definition::Is(definition);
        Equation::of_line(Line { symbol: label(entry), also: None, definition })
    }
}

/// Unicode text on one line.
impl fmt::Display for Equation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = self.line.sides::<Unicode>(self.function_names);
        write!(f, "{left}{right}")
    }
}

/// # Its equation
impl<T: Scalar> Var<'_, T> {
    /// The equation of this entry, read off the tape: rename an entry or rewire the network, and it
    /// follows.
    ///
    /// On the left stands the user's name, the one that follows from a differentiation
    /// (`∂J/∂W[1]`), or the number (`%12`). On the right stands the definition: it stops at leaves,
    /// at entries that the user named and where the chain of a differentiation starts (∂ℒ/∂A\[L\]),
    /// whose own equation is eq. 8 for the log-loss; the other derivatives are written out.
    /// Repetition of rows and columns is not shown, other than inside a matrix product. A sum over
    /// the columns, that is over examples, is Σᵢ, one over the rows Σⱼ, one over all entries Σ. Of
    /// a leaf it says the space.
    ///
    /// An expression of more than 600 operations and names is cut with `…`, first what lies
    /// deepest. The equation of a void variable shows the mistake.
    ///
    /// ```
    /// use tape::{Matrix, Tape};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &Matrix::zeros(2, 3));
    /// let w = tape.parameter("W[1]", &Matrix::zeros(4, 2));
    /// let b = tape.parameter("b[1]", &Matrix::zeros(4, 1));
    /// let z = (w.matmul(x) + b).named("Z[1]");
    /// let j = z.tanh().square().sum_over(tape::Over::Rows).mean().named("J");
    /// let [dw] = j.gradients([w]);
    /// assert_eq!(z.equation().to_string(), "Z[1] = W[1] * X + b[1]");
    /// assert_eq!(j.equation().to_string(), "J = 1/m · Σᵢ Σⱼ tanh(Z[1])²");
    /// assert_eq!(dw.equation().to_string(), "∂J/∂W[1] = 1/m · ∂ℒ/∂Z[1] * Xᵀ");
    /// ```
    #[track_caller]
    pub fn equation(self) -> Equation {
        T::var_equation(self)
    }

    #[track_caller]
    pub(crate) fn equation_here(self) -> Equation {
        let tape = self.tape();
        let line = match entry_of(tape, "equation", self) {
            Ok(entry) => line_of(entry),
            Err(mistake) => Line::void(&mistake),
        };
        Equation { line, function_names: false }
    }
}

fn line_of<T: Scalar>(entry: Entry<'_, T>) -> Line {
    let starts = chain_starts(entry.tape(), entry.index());
    let called = |entry: Entry<'_, T>| {
        Label::given(entry).or_else(|| if starts[entry.index()] { Label::derived(entry) } else { None })
    };
    let symbol = Label::of(entry);
    Line { symbol, also: None, definition: Definition::Is(Expression::of(entry, called)) }
}
