//! From a printed or typed equation back to an entry.

mod calls;
mod error;
mod names;
mod resolve;
mod syntax;
mod tree;

use std::collections::HashMap;
use std::panic::Location;

use crate::error::Place;
use crate::tape::notation::Notation;
use crate::{Function, Scalar, Tape, Var};

pub use error::{EquationError, EquationMistake};
use names::Names;
use resolve::Resolver;
use syntax::Parser;

/// Reads equations in the notation that [`Var::equation`] prints, and records them on the tape.
///
/// Made by [`Tape::reader`]. Recording is literal: what is read is the very entry that the operations of [`Var`]
/// make, so that an equation that was printed gives the entry that it was printed of, and whether a typed equation
/// *is* a derived one is a comparison of entries, without a tolerance.
///
/// # What can be typed
///
/// | printed | also | is |
/// |---|---|---|
/// | `A * B`, `A *ᵢ B` | | the product of matrices, of every example's blocks |
/// | `A ⊙ B`, `A ⊘ B` | `A .* B`, `A ./ B`, `A / B` | elementwise |
/// | `1/m · A`, `−2 · A` | `1/m * A`, `-2 * A` | a number times A |
/// | `A + B`, `A − B`, `−A` | `A - B`, `-A` | |
/// | `Aᵀ`, `Aᵀᵢ` | `A'` | the transpose, of every example's block |
/// | `A²`, `A^0.5`, `A^B`, `√A`, `\|A\|` | `A^2`, `sqrt(A)`, `abs(A)` | elementwise |
/// | `Σᵢ A`, `Σⱼ A`, `Σ A` | `sum_i A`, `sum_j A`, `sum(A)` | the sum over the columns, the rows, all |
/// | `[A > B]`, `[A = B]` | | 1 where it holds, else 0 |
/// | `tanh(A)`, `g(Z[1])`, `g′(Z[1])`, `g″(Z[1])` | `g'(Z[1])` | a function of each element, and its derivatives |
/// | `softmax_rows(A)`, `rows[0..2](A)`, `ℒ(Y, A)` | | other operations by their names |
/// | `2.5`, `1·10⁻³⁰`, `∞`, `1/m`, `2·m²` | `1e-30` | numbers |
/// | `W[1]`, `∂J/∂W[1]`, `δ[1]`, `%12` | `dJ/dW[1]`, `d[1]` | entries, by name or number |
///
/// Products bind alike and to the left, powers to the right; a factor and a sum take all products to their right,
/// so `Σᵢ A ⊙ B` is the sum of the products; + and − are loosest. A minus sign before a later factor or an exponent is
/// of that one alone: `A ⊘ −B ⊙ C` is (A ⊘ (−B)) ⊙ C. δ\[l\] is the derivative that the tape calls ∂ℒ/∂Z\[l\].
///
/// What the notation leaves out is taken from the tape: g is the function that the tape applies there, `leaky_relu`
/// has the slope that it has there (or `leaky_relu[0.1]`), and an operand that is repeated there is.
/// Where that leaves several, it is an error that names them ([`EquationMistake::WhichFunction`]).
///
/// # Limits
///
/// An equation is not read back to its own entry where two entries print alike: a repetition prints as what is
/// repeated; x.square() and x.powi(2) both print `x²`, which is the first if the tape has it; `sigmoid_minus` and
/// `softmax_minus` do not say what their labels may be; a NaN has no payload; names that the user gave twice, or that look like
/// other expressions, or hold `=`. What was cut with `…` cannot be read.
#[derive(Debug, Clone)]
pub struct EquationReader<'t, T: Scalar> {
    tape: &'t Tape<T>,
    names: Names,
    functions: HashMap<String, Function<T>>,
    /// What g is at an entry.
    activations: HashMap<usize, Function<T>>,
}

/// A function that is applied on the tape.
#[derive(Debug)]
struct Known<T: Scalar> {
    function: Function<T>,
    primes: usize,
    operand: crate::tape::ids::EntryIndex,
    is_of_the_user: bool,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReadEquation<'t, T: Scalar> {
    /// What stands before the last `=`: nothing, the name of what is defined, or several names.
    pub left: Vec<String>,
    /// The definition.
    pub right: Var<'t, T>,
}

/// # Reading equations
impl<T: Scalar> Tape<T> {
    /// Reads equations as [`Var::equation`] prints them, Unicode or ASCII, and records them here. It knows the names
    /// that entries have now.
    ///
    /// ```
    /// use tape::{Matrix, Tape};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &Matrix::zeros(2, 3));
    /// let w = tape.parameter("W[1]", &Matrix::zeros(4, 2));
    /// let j = w.matmul(x).named("Z[1]").tanh().sum_over(tape::Over::Rows).mean().named("J");
    /// let [dw] = j.gradients([w]);
    /// let reader = tape.reader().alias("A[0]", x);
    /// assert_eq!(reader.read(&dw.equation().to_string())?.right, dw); // as it was printed
    /// assert_eq!(reader.read("dJ/dW[1] = 1/m * d[1] * A[0]'")?.right, dw); // as it is typed
    /// assert_ne!(reader.read("dJ/dW[1] = d[1] * A[0]'")?.right, dw); // 1/m is missing
    /// # Ok::<(), tape::EquationError>(())
    /// ```
    pub fn reader(&self) -> EquationReader<'_, T> {
        T::tape_reader(self)
    }

    pub(crate) fn reader_here(&self) -> EquationReader<'_, T> {
        let names = Names::of(self);
        EquationReader { tape: self, names, functions: HashMap::new(), activations: HashMap::new() }
    }
}

impl<'t, T: Scalar> EquationReader<'t, T> {
    /// A text has at most this many characters.
    pub const LONGEST: usize = 1 << 16;
    /// Parentheses and calls are nested at most so deep. Printed equations stay below it.
    pub const DEEPEST: usize = 1000;

    /// Another name for an entry, before all that have it.
    ///
    /// # Panics
    /// If the variable is void or of another tape.
    #[must_use = "it gives the reader back"]
    pub fn alias(mut self, name: &str, var: Var<'t, T>) -> Self {
        assert!(std::ptr::eq(var.tape(), self.tape), "the variable is of another tape");
        let index = var.index().expect("a void variable has no name");
        self.names.alias(name, index);
        self
    }

    /// A name for a function of the user's, or for another one; with ′ for its derivatives.
    #[must_use = "it gives the reader back"]
    pub fn function(mut self, name: &str, function: &Function<T>) -> Self {
        self.functions.insert(name.to_owned(), function.clone());
        self
    }

    /// What g is at an entry: without it, the function that the tape applies there.
    ///
    /// # Panics
    /// If the variable is void or of another tape.
    #[must_use = "it gives the reader back"]
    pub fn activation(mut self, at: Var<'t, T>, g: &Function<T>) -> Self {
        assert!(std::ptr::eq(at.tape(), self.tape), "the variable is of another tape");
        self.activations.insert(at.index().expect("a void variable has no function"), g.clone());
        self
    }

    /// Reads an equation, or its right side alone, and records it, unless it is on the tape already.
    ///
    /// Of a text with a mistake nothing is recorded.
    ///
    /// # Errors
    /// [`EquationError`], with the place in the text: syntax, unknown names, and shapes that do not fit.
    #[track_caller]
    pub fn read(&self, text: &str) -> Result<ReadEquation<'t, T>, EquationError> {
        T::reader_read(self, text, Location::caller())
    }

    pub(crate) fn read_here(&self, text: &str, caller: Place) -> Result<ReadEquation<'t, T>, EquationError> {
        let characters = text.chars().take(Self::LONGEST + 1).count();
        if characters > Self::LONGEST {
            let characters = text.chars().count();
            return Err(EquationError::new(Self::LONGEST, EquationMistake::TooLong { characters }));
        }
        let text: Vec<char> = text.chars().collect();
        let (left, start) = sides(&text);
        let tree = Parser::new(&text[start..], start, &self.names, self.tape.len(), Self::DEEPEST).tree()?;
        let right = Resolver::new(self, &text, tree, caller).entry()?;
        Ok(ReadEquation { left, right })
    }

    /// The functions that the tape applies.
    fn known(&self) -> Vec<Known<T>> {
        let of = |entry: crate::Entry<'t, T>| {
            let Notation::Activation { primes, .. } = entry.notation() else { return None };
            let function = calls::function_of(&entry.operation_itself())?.clone();
            let operand = crate::tape::ids::Id::from_index(entry.operands().next()?.index());
            Some(Known { function, primes, operand, is_of_the_user: entry.differentiation().is_none() })
        };
        self.tape.entries().filter_map(of).collect()
    }
}

/// What stands before each `=` outside of brackets, and where the last side begins.
fn sides(text: &[char]) -> (Vec<String>, usize) {
    let (mut depth, mut start, mut left) = (0_usize, 0, Vec::new());
    for (at, c) in text.iter().enumerate() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '=' if depth == 0 => {
                left.push(text[start..at].iter().collect::<String>().trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    (left, start)
}
