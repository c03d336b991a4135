//! What is checked: a function with its recorded derivatives.

use crate::check::Failure;
use crate::check::values::Function;
use crate::{Matrix, Scalar, Tape, Var};

/// With what is broken, an error of the tape among it.
pub(super) type Result<R, E = Failure> = std::result::Result<R, E>;

/// A function f of some operands, and its derivatives.
pub(super) trait Subject<T: Scalar> {
    /// f(x), then Jᵀ·u for each operand.
    fn first(&mut self, x: &[Matrix<T>], u: &Matrix<T>) -> Result<Vec<Matrix<T>>>;

    /// For each operand the derivative of order k + 1, where k is how many lists of directions there
    /// are: of the derivative of order k along the last of them.
    fn higher(&mut self, x: &[Matrix<T>], u: &Matrix<T>, along: &[Vec<Matrix<T>>]) -> Result<Vec<Matrix<T>>>;
}

/// An entry of a tape as a function of some of its leaves.
pub(super) struct Recorded<'t, T: Scalar> {
    pub(super) tape: &'t Tape<T>,
    pub(super) variables: Vec<Var<'t, T>>,
    pub(super) result: Var<'t, T>,
    /// (x, u).
    pub(super) leaves: Vec<Var<'t, T>>,
    /// f(x), Jᵀ·u.
    pub(super) outputs: Vec<Var<'t, T>>,
    first: Function<'t, T>,
    /// Those of order 2 and more, as they are asked for.
    higher: Vec<Higher<'t, T>>,
}

struct Higher<'t, T: Scalar> {
    function: Function<'t, T>,
    leaves: Vec<Var<'t, T>>,
    derivatives: Vec<Var<'t, T>>,
}

impl<'t, T: Scalar> Recorded<'t, T> {
    pub(super) fn new(tape: &'t Tape<T>, variables: &[Var<'t, T>], result: Var<'t, T>) -> Result<Self> {
        let cotangent = tape.parameter_unbound("u", result.shape()?);
        let gradients = result.vjp_of("gradients", variables, cotangent);
        let leaves: Vec<_> = variables.iter().copied().chain([cotangent]).collect();
        let outputs: Vec<_> = [result].into_iter().chain(gradients).collect();
        let first = Function::compile(tape, &leaves, &outputs)?;
        let variables = variables.to_vec();
        Ok(Recorded { tape, variables, result, leaves, outputs, first, higher: Vec::new() })
    }

    /// Rows and columns of the result.
    pub(super) fn shape(&self) -> (usize, usize) {
        self.result.known_shape().at(self.first.m())
    }

    /// Leaves of the shapes of the variables.
    pub(super) fn directions(&self) -> Vec<Var<'t, T>> {
        self.variables.iter().map(|x| self.tape.parameter_unbound("v", x.known_shape())).collect()
    }

    /// The gradients of the sum of ⟨derivative, direction⟩ over what the last order has.
    fn next_order(&mut self) -> Result<()> {
        let (leaves, derivatives) = match self.higher.last() {
            Some(last) => (&last.leaves, &last.derivatives[..]),
            None => (&self.leaves, &self.outputs[1..]),
        };
        let directions = self.directions();
        let products = derivatives.iter().zip(&directions).map(|(&g, &w)| (g * w).sum());
        let derivatives = match products.reduce(|a, b| a + b) {
            None => Vec::new(),
            // A gradient that does not depend on the variable is constant: zeros, not a mistake.
            Some(along) => self.variables.iter().map(|&x| along.gradients_or_zeros([x])[0]).collect(),
        };
        let leaves: Vec<_> = leaves.iter().copied().chain(directions).collect();
        let function = Function::compile(self.tape, &leaves, &derivatives)?;
        self.higher.push(Higher { function, leaves, derivatives });
        Ok(())
    }
}

impl<T: Scalar> Subject<T> for Recorded<'_, T> {
    fn first(&mut self, x: &[Matrix<T>], u: &Matrix<T>) -> Result<Vec<Matrix<T>>> {
        Ok(self.first.at(x.iter().chain([u]))?)
    }

    fn higher(&mut self, x: &[Matrix<T>], u: &Matrix<T>, along: &[Vec<Matrix<T>>]) -> Result<Vec<Matrix<T>>> {
        while self.higher.len() < along.len() {
            self.next_order()?;
        }
        let directions = along.iter().flatten();
        Ok(self.higher[along.len() - 1].function.at(x.iter().chain([u]).chain(directions))?)
    }
}
