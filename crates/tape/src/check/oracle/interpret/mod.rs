//! One entry after another: what each operation is, in plain loops.
//!
//! An operation or a function that is added to the tape does not compile until it is known here: the matches have
//! no default arm.

mod blocks;
mod functions;
mod linear_algebra;
mod power;
mod reductions;
mod softmax;
mod structure;

use std::borrow::Cow;
use std::cmp::Ordering;

use super::definitions::Definitions;
use super::error::Error;
use super::grid::Grid;
use super::number::{Number, whole_power};
use crate::ops::zip::Zip;
use crate::tape::describe::{Given, InWords};
use crate::{Entry, OperationKind, Scalar};

/// Rows and columns of an entry for so many examples.
pub(super) fn extents<T: Scalar>(entry: Entry<'_, T>, m: Option<usize>) -> Result<(usize, usize), Error> {
    let shape = entry.shape();
    match m {
        None if shape.depends_on_m() => Err(Error::UnknownExamples { entry: entry.label() }),
        m => Ok(shape.at(m.unwrap_or(0))),
    }
}

/// An entry on the values of its operands. Every element has a value, or that is the error.
pub(super) fn evaluate<T: Scalar, N: Number, D: Definitions>(
    entry: Entry<'_, T>,
    m: Option<usize>,
    x: &[&Grid<N>],
    definitions: &D,
) -> Result<Grid<N>, Error> {
    let (rows, columns) = extents(entry, m)?;
    let parameters = entry.parameters().into_iter().map(|(name, value)| (name.to_owned(), value));
    let mut at = At { entry, given: Given(parameters.collect()), x, rows, columns, m };
    let value = match entry.kind() {
        OperationKind::Leaf => unreachable!("a leaf is no operation"),
        OperationKind::Number => at.number(),
        OperationKind::Negate => Ok(x[0].map(|x| -x.clone())),
        OperationKind::Transpose => Ok(at.made(|i, j| x[0][(j, i)].clone())),
        OperationKind::Matmul => Ok(at.product()),
        OperationKind::Map => at.function(definitions),
        OperationKind::Zip => at.zip(),
        OperationKind::PowerDerivative => at.power_derivative(),
        OperationKind::Select => Ok(at.select()),
        OperationKind::Reduce => at.reduction(),
        OperationKind::Broadcast => Ok(at.made(|i, j| x[0].repeated(i, j).clone())),
        OperationKind::LogLoss => Ok(at.log_loss()),
        OperationKind::LogLossOnLogits => Ok(at.log_loss_on_logits()),
        OperationKind::SigmoidMinus => Ok(at.sigmoid_minus()),
        OperationKind::Softmax => at.softmax(),
        OperationKind::Stack => at.stack(),
        OperationKind::Slice => at.slice(),
        OperationKind::Pad => at.pad(),
        OperationKind::Fold => Ok(Grid::of_data(rows, columns, x[0].as_slice().to_vec())),
        OperationKind::BlockMatmul => at.block_product(),
        OperationKind::BlockTranspose => at.block_transpose(),
        OperationKind::RowsAt => at.rows_at(),
        OperationKind::RowsAdded => at.rows_added(),
        OperationKind::Gather => at.gather(),
        OperationKind::ColumnsAdded => at.columns_added(),
        OperationKind::Stop => Ok(x[0].map(N::constant)),
        OperationKind::Identity => Ok(at.made(|i, j| N::of(if i == j { 1.0 } else { 0.0 }))),
        OperationKind::CumulativeSum => at.cumulative_sum(),
        OperationKind::ArgMax => at.arg_max(),
        OperationKind::Cholesky => at.cholesky(),
        OperationKind::LowerTriangle => at.lower_triangle(),
        OperationKind::SolveLower => at.solve_lower(),
        OperationKind::Lu => at.lu(),
        OperationKind::Solve => at.solve(),
        OperationKind::LogDet => at.log_det(),
        OperationKind::Custom => at.defined(definitions),
    }?;
    at.checked(value)
}

/// An entry that is evaluated.
struct At<'a, 't, T: Scalar, N> {
    entry: Entry<'t, T>,
    /// The operation's parameters.
    given: Given<T>,
    /// The operands.
    x: &'a [&'a Grid<N>],
    rows: usize,
    columns: usize,
    m: Option<usize>,
}

impl<T: Scalar, N: Number> At<'_, '_, T, N> {
    fn made(&self, f: impl FnMut(usize, usize) -> N) -> Grid<N> {
        Grid::new(self.rows, self.columns, f)
    }

    /// A parameter of the operation.
    fn take<V: InWords<T>>(&mut self, name: &str) -> Result<V, Error> {
        self.given.take(name).map_err(|reason| self.unknown(reason))
    }

    /// A parameter that is a word.
    fn word(&mut self, name: &str) -> Result<Cow<'static, str>, Error> {
        self.take(name)
    }

    fn unknown(&self, reason: impl Into<String>) -> Error {
        let (entry, operation) = (self.entry.label(), self.entry.operation());
        Error::Unknown { entry, operation, reason: reason.into() }
    }

    fn outside(&self, reason: impl Into<String>) -> Error {
        let (entry, operation) = (self.entry.label(), self.entry.operation());
        Error::Domain { entry, operation, reason: reason.into() }
    }

    /// The number of examples, for what has a block for each.
    fn m(&self) -> Result<usize, Error> {
        self.m.ok_or_else(|| Error::UnknownExamples { entry: self.entry.label() })
    }

    /// The value, if each of its elements is one.
    fn checked(&self, value: Grid<N>) -> Result<Grid<N>, Error> {
        debug_assert_eq!(value.shape(), (self.rows, self.columns), "{}", self.entry.operation());
        let refused = value.as_slice().iter().enumerate().find_map(|(at, x)| Some((at, x.refusal()?)));
        let Some((at, reason)) = refused else { return Ok(value) };
        let (row, column) = (at % self.rows, at / self.rows);
        let (entry, operation) = (self.entry.label(), self.entry.operation());
        Err(Error::Refused { entry, operation, row, column, reason })
    }

    fn defined<D: Definitions>(&self, definitions: &D) -> Result<Grid<N>, Error> {
        let (entry, name) = (self.entry.label(), self.entry.operation());
        let Some(value) = definitions.operation(&name, self.x) else {
            return Err(Error::NotDefined { entry, name });
        };
        let (expected, found) = ((self.rows, self.columns), value.shape());
        if expected == found { Ok(value) } else { Err(Error::Definition { entry, expected, found }) }
    }

    /// c·mᵏ.
    fn number(&mut self) -> Result<Grid<N>, Error> {
        let (c, power): (T, i32) = (self.take("c")?, self.take("power_of_m")?);
        let c = N::of(c.to_f64());
        if power == 0 {
            return Ok(self.made(|_, _| c.clone()));
        }
        let m = self.m()?;
        if m == 0 && power < 0 {
            return Err(self.outside("1/m of m = 0 examples"));
        }
        let of_m = whole_power(&N::of(m as f64), i64::from(power.unsigned_abs()));
        let number = if power < 0 { c / of_m } else { c * of_m };
        Ok(self.made(|_, _| number.clone()))
    }

    fn product(&self) -> Grid<N> {
        let (a, b) = (self.x[0], self.x[1]);
        self.made(|i, j| dot(a.columns(), |k| (a[(i, k)].clone(), b[(k, j)].clone())))
    }

    fn zip(&mut self) -> Result<Grid<N>, Error> {
        let zip: Zip = self.take("of")?;
        let (a, b) = (self.x[0], self.x[1]);
        Ok(self.made(|i, j| pair(zip, a.repeated(i, j).clone(), b.repeated(i, j).clone())))
    }

    /// The mask is constant; NaN is not 0.
    fn select(&self) -> Grid<N> {
        let [mask, a, b] = [0, 1, 2].map(|k| self.x[k]);
        self.made(|i, j| {
            let mask = mask.repeated(i, j).constant();
            let order = mask.compare(&N::of(0.0));
            let chosen = if order == Some(Ordering::Equal) { b } else { a }.repeated(i, j).clone();
            // A mask that is a number, and yet unknown, chooses nothing.
            let is_number = mask.is_unknown() || !mask.value().is_nan();
            if order.is_none() && is_number { chosen.unordered() } else { chosen }
        })
    }
}

fn is<N: Number>(a: &N, b: &N, order: Ordering) -> bool {
    a.compare(b) == Some(order)
}

/// Σ of n products.
fn dot<N: Number>(n: usize, pair: impl FnMut(usize) -> (N, N)) -> N {
    N::dot(&(0..n).map(pair).collect::<Vec<(N, N)>>())
}

/// An elementwise operation of two numbers.
fn pair<N: Number>(zip: Zip, a: N, b: N) -> N {
    match zip {
        Zip::Add => a + b,
        Zip::Subtract => a - b,
        Zip::Multiply => a * b,
        Zip::Divide => a / b,
        Zip::Power => a.power(&b),
        Zip::Greater => by_order(a, b, |order, _, _| indicator(order == Ordering::Greater)),
        Zip::Equal => by_order(a, b, |order, _, _| indicator(order == Ordering::Equal)),
        Zip::Maximum => by_order(a, b, |order, a, b| extreme(order, a, b)),
        Zip::Minimum => by_order(a, b, |order, a, b| extreme(order.reverse(), a, b)),
        Zip::Atan2 => a.atan2(&b),
    }
}

fn indicator<N: Number>(holds: bool) -> N {
    N::of(if holds { 1.0 } else { 0.0 })
}

/// The greater one; of equal ones the mean, so that they share a derivative.
fn extreme<N: Number>(order: Ordering, a: N, b: N) -> N {
    match order {
        Ordering::Greater => a,
        Ordering::Less => b,
        Ordering::Equal => mean_of_equals(&[a, b]),
    }
}

/// The mean of numbers that are equal, which has their value to the last digit: its derivative is the mean of theirs.
fn mean_of_equals<N: Number>(equals: &[N]) -> N {
    let first = equals[0].clone();
    if equals.len() == 1 || first.value().is_infinite() {
        return first; // ∞ − ∞ is NaN
    }
    let apart: Vec<N> = equals[1..].iter().map(|x| x.clone() - first.clone()).collect();
    first + N::sum(&apart) / N::of(equals.len() as f64)
}

/// What depends on which of two is the greater one.
fn by_order<N: Number>(a: N, b: N, f: impl FnOnce(Ordering, N, N) -> N) -> N {
    match a.compare(&b) {
        Some(order) => f(order, a, b),
        None => (a + b).unordered(),
    }
}

/// What depends on the sign.
fn by_sign<N: Number>(x: N, f: impl FnOnce(Ordering, N) -> N) -> N {
    match super::number::sign(&x) {
        Some(sign) => f(sign, x),
        None => x.unordered(),
    }
}
