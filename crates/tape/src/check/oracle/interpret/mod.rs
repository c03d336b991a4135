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

use super::definitions::Defined;
use super::error::Error;
use super::grid::Grid;
use super::number::{Number, whole_power};
use crate::check::values::least_normal;
use crate::ops::zip::Zip;
use crate::tape::describe::{Given, InWords};
use crate::{Entry, OperationKind, Parameter, Scalar};

/// Rows and columns of an entry for so many examples.
pub(super) fn extents<T: Scalar>(entry: Entry<'_, T>, m: Option<usize>) -> Result<(usize, usize), Error> {
    let shape = entry.shape();
    match m {
        None if shape.depends_on_m() => Err(Error::UnknownExamples { entry: entry.label() }),
        m => Ok(shape.at(m.unwrap_or(0))),
    }
}

/// An entry on the values of its operands. Every element has a value, or that is the error.
pub(super) fn evaluate<T: Scalar, N: Number>(
    entry: Entry<'_, T>,
    m: Option<usize>,
    x: &[&Grid<N>],
    definitions: &dyn Defined<N>,
) -> Result<Grid<N>, Error> {
    let (rows, columns) = extents(entry, m)?;
    let least_normal = least_normal::<T>().to_f64();
    At { entry: &entry, given: given(entry), x, rows, columns, m, least_normal }
        .value(entry.kind(), definitions)
}

/// The operation's parameters. A number of `f32` is one of `f64`.
fn given<T: Scalar>(entry: Entry<'_, T>) -> Given<f64> {
    let in_f64 = |parameter| match parameter {
        Parameter::Whole(n) => Parameter::Whole(n),
        Parameter::Number(x) => Parameter::Number(T::to_f64(x)),
        Parameter::Word(word) => Parameter::Word(word),
        Parameter::Shape(shape) => Parameter::Shape(shape),
    };
    Given(entry.parameters().into_iter().map(|(name, value)| (name.to_owned(), in_f64(value))).collect())
}

/// What errors tell of an entry, whatever the number type of its tape.
trait Labelled {
    fn label(&self) -> String;
    fn operation(&self) -> String;
}

impl<T: Scalar> Labelled for Entry<'_, T> {
    fn label(&self) -> String {
        Entry::label(*self)
    }
    fn operation(&self) -> String {
        Entry::operation(*self)
    }
}

/// An entry that is evaluated. It does not know the number type of the tape, so that all this is
/// compiled once for a type of numbers.
struct At<'a, N> {
    entry: &'a dyn Labelled,
    /// The operation's parameters.
    given: Given<f64>,
    /// The operands.
    x: &'a [&'a Grid<N>],
    rows: usize,
    columns: usize,
    m: Option<usize>,
    /// That of the tape's type.
    least_normal: f64,
}

impl<N: Number> At<'_, N> {
    fn value(mut self, kind: OperationKind, definitions: &dyn Defined<N>) -> Result<Grid<N>, Error> {
        let x = self.x;
        let value = match kind {
            OperationKind::Leaf => unreachable!("a leaf is no operation"),
            OperationKind::Number => self.number(),
            OperationKind::Negate => Ok(x[0].map(|x| -x.clone())),
            OperationKind::Transpose => Ok(self.made(|i, j| x[0][(j, i)].clone())),
            OperationKind::Matmul => Ok(self.product()),
            OperationKind::Map => self.function(definitions),
            OperationKind::Zip => self.zip(),
            OperationKind::PowerDerivative => self.power_derivative(),
            OperationKind::Select => Ok(self.select()),
            OperationKind::Reduce => self.reduction(),
            OperationKind::Broadcast => Ok(self.made(|i, j| x[0].repeated(i, j).clone())),
            OperationKind::LogLoss => Ok(self.log_loss()),
            OperationKind::LogLossOnLogits => Ok(self.log_loss_on_logits()),
            OperationKind::SigmoidMinus => Ok(self.sigmoid_minus()),
            OperationKind::Softmax => self.softmax(),
            OperationKind::Stack => self.stack(),
            OperationKind::Slice => self.slice(),
            OperationKind::Pad => self.pad(),
            OperationKind::Fold => Ok(Grid::of_data(self.rows, self.columns, x[0].as_slice().to_vec())),
            OperationKind::BlockMatmul => self.block_product(),
            OperationKind::BlockTranspose => self.block_transpose(),
            OperationKind::RowsAt => self.rows_at(),
            OperationKind::RowsAdded => self.rows_added(),
            OperationKind::Gather => self.gather(),
            OperationKind::ColumnsAdded => self.columns_added(),
            OperationKind::Stop => Ok(x[0].map(N::constant)),
            OperationKind::Identity => Ok(self.made(|i, j| N::of(if i == j { 1.0 } else { 0.0 }))),
            OperationKind::CumulativeSum => self.cumulative_sum(),
            OperationKind::ArgMax => self.arg_max(),
            OperationKind::Cholesky => self.cholesky(),
            OperationKind::LowerTriangle => self.lower_triangle(),
            OperationKind::SolveLower => self.solve_lower(),
            OperationKind::Lu => self.lu(),
            OperationKind::Solve => self.solve(),
            OperationKind::LogDet => self.log_det(),
            OperationKind::Custom => self.defined(definitions),
        }?;
        self.checked(value)
    }

    fn made(&self, f: impl FnMut(usize, usize) -> N) -> Grid<N> {
        Grid::new(self.rows, self.columns, f)
    }

    /// A parameter of the operation.
    fn take<V: InWords<f64>>(&mut self, name: &str) -> Result<V, Error> {
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

    fn defined(&self, definitions: &dyn Defined<N>) -> Result<Grid<N>, Error> {
        let (entry, name) = (self.entry.label(), self.entry.operation());
        let Some(value) = definitions.operation(&name, self.x) else {
            return Err(Error::NotDefined { entry, name });
        };
        let (expected, found) = ((self.rows, self.columns), value.shape());
        if expected == found { Ok(value) } else { Err(Error::Definition { entry, expected, found }) }
    }

    /// c·mᵏ.
    fn number(&mut self) -> Result<Grid<N>, Error> {
        let (c, power): (f64, i32) = (self.take("c")?, self.take("power_of_m")?);
        let c = N::of(c);
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
