//! What the user's own operations and functions compute.

use super::grid::Grid;
use super::number::Number;

/// What the user's own operations and functions compute, written once more, for any numbers.
///
/// Each is known by its name. What is not defined is refused, with its name.
///
/// ```
/// use tape::check::oracle::{Definitions, Elementary, Grid, Number, Oracle};
/// use tape::{Function, Tape, matrix};
///
/// struct Mine;
/// impl Definitions for Mine {
///     fn function<N: Number>(&self, name: &str, x: &N) -> Option<N> {
///         match name {
///             "swish" => Some(x.clone() * x.elementary(Elementary::Sigmoid)),
///             _ => None,
///         }
///     }
/// }
///
/// let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
/// // A wrong derivative: that of the sigmoid alone.
/// let slope = Function::new("swish′", move |x| sigmoid(x) * sigmoid(-x));
/// let swish = Function::new("swish", move |x| x * sigmoid(x)).with_derivative(slope);
/// let tape = Tape::new();
/// let x = tape.parameter("x", &matrix![[1.0]]);
/// let j = x.map(&swish);
/// let [dx] = j.gradients([x]);
/// let by_dual_numbers = Oracle::new().definitions(Mine).gradient::<f64>(j, x)?[(0, 0)];
/// assert!((dx.value()?[(0, 0)] - by_dual_numbers).abs() > 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Definitions {
    /// The value of an operation of this name on these operands.
    fn operation<N: Number>(&self, name: &str, operands: &[&Grid<N>]) -> Option<Grid<N>> {
        let _ = (name, operands);
        None
    }

    /// The value of a [function](crate::Function::new) of this name.
    fn function<N: Number>(&self, name: &str, x: &N) -> Option<N> {
        let _ = (name, x);
        None
    }
}

/// Nothing of the user's own is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoDefinitions;

impl Definitions for NoDefinitions {}

/// [`Definitions`] for one type of numbers, as an object: the interpreter is not compiled again for each.
pub(super) trait Defined<N> {
    fn operation(&self, name: &str, operands: &[&Grid<N>]) -> Option<Grid<N>>;
    fn function(&self, name: &str, x: &N) -> Option<N>;
}

impl<D: Definitions, N: Number> Defined<N> for D {
    fn operation(&self, name: &str, operands: &[&Grid<N>]) -> Option<Grid<N>> {
        Definitions::operation(self, name, operands)
    }
    fn function(&self, name: &str, x: &N) -> Option<N> {
        Definitions::function(self, name, x)
    }
}
