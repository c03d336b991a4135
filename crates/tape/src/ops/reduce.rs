//! Reductions over rows, columns or all elements, and the repetition that undoes their shapes.
//!
//! Sums over rows, over columns and over all entries are added in pairs: the rounding error grows
//! with the logarithm of the number of terms. A sum over the examples is added unit by unit inside
//! a span, and then span by span (see `program/tiles.rs`): the error grows with the number of units
//! in a span, m/4096. Of 10⁷ times 0.1 in f32 the former are 1e-7 to 6e-7 off, the latter 2e-5
//! [measured].

use std::borrow::Cow;

use crate::numbers::kernel::functions as k;
use crate::numbers::kernel::product::{Beta, UNIT};
use crate::numbers::kernel::short_columns;
use crate::numbers::kernel::softmax::Wanted;
use crate::ops::Op;
use crate::ops::softmax::series;
use crate::tape::describe::{described, words};
use crate::tape::notation::{Notation, Over};
use crate::tape::operation::{Contraction, Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, Error, MatrixMut, MatrixRef, Scalar, Shape, Var};

/// What a reduction makes of a column, a row or all elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reduction {
    /// Σ.
    Sum,
    /// The greatest; NaN where an element is NaN.
    Max,
    /// The smallest; NaN where an element is NaN.
    Min,
    /// The greatest |a|, 0 of nothing; NaN where an element is NaN.
    MaxNorm,
    /// ln Σ exp, without overflow.
    LogSumExp,
}

impl Reduction {
    /// Every one of them.
    pub const ALL: &'static [Reduction] =
        &[Reduction::Sum, Reduction::Max, Reduction::Min, Reduction::MaxNorm, Reduction::LogSumExp];

    /// What nothing has none of, of the extremes that are elements.
    fn of_nothing(self) -> Option<&'static str> {
        match self {
            Reduction::Max => Some("maximum"),
            Reduction::Min => Some("minimum"),
            Reduction::Sum | Reduction::MaxNorm | Reduction::LogSumExp => None,
        }
    }
}

/// Σ, an extreme or ln Σ exp over rows, columns or all elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Reduce {
    pub(crate) reduction: Reduction,
    pub(crate) over: Over,
}

impl Over {
    pub(crate) fn reduced(self, shape: Shape) -> Shape {
        match self {
            Over::Rows => Shape { rows: Dim::ONE, columns: shape.columns },
            Over::Columns => Shape { rows: shape.rows, columns: Dim::ONE },
            Over::All => Shape::SCALAR,
        }
    }

    /// What a reduction of this shape runs over: a number, and whether it is counted m times.
    fn count(self, shape: Shape) -> (usize, i32) {
        let extent = |dim: Dim| {
            let (n, power) = dim.monomial();
            (n, i32::from(power))
        };
        let ((rows, of_rows), (columns, of_columns)) = (extent(shape.rows), extent(shape.columns));
        match self {
            Over::Rows => (rows, of_rows),
            Over::Columns => (columns, of_columns),
            Over::All => (rows.saturating_mul(columns), of_rows + of_columns),
        }
    }

    /// Whether a shape has nothing to reduce over: the extent is the number 0.
    pub(crate) fn is_empty(self, shape: Shape) -> bool {
        let rows = shape.rows == Dim::Fixed(0);
        let columns = shape.columns == Dim::Fixed(0);
        match self {
            Over::Rows => rows,
            Over::Columns => columns,
            Over::All => rows || columns,
        }
    }
}

impl<T: Scalar> Operation<T> for Reduce {
    fn name(&self) -> Cow<'_, str> {
        let [rows, columns, all] = match self.reduction {
            Reduction::Sum => ["sum_rows", "sum_columns", "sum"],
            Reduction::Max => ["max_rows", "max_columns", "max"],
            Reduction::Min => ["min_rows", "min_columns", "min"],
            Reduction::MaxNorm => ["max_norm_rows", "max_norm_columns", "max_norm"],
            Reduction::LogSumExp => ["log_sum_exp_rows", "log_sum_exp_columns", "log_sum_exp"],
        };
        match self.over {
            Over::Rows => rows,
            Over::Columns => columns,
            Over::All => all,
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match self.reduction.of_nothing().filter(|_| self.over.is_empty(operands[0])) {
            Some(extreme) => Err(Mismatch::new(format!("nothing has no {extreme}"))),
            None => Ok(self.over.reduced(operands[0])),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        let reduced = if self.over == Over::Columns { a.columns() } else { a.rows() * a.columns() };
        if reduced == 0
            && !out.as_slice().is_empty()
            && let Some(extreme) = self.reduction.of_nothing()
        {
            return Err(Fault::Other(format!("the {extreme} over m = 0 examples does not exist")));
        }
        match (self.reduction, self.over) {
            (Reduction::Sum, Over::Columns) => sum_columns(a, out),
            (Reduction::Sum, over) => {
                short_columns::sums(a.as_slice(), series(a.shape(), over).length, out.as_mut_slice())
            }
            (Reduction::Max, over) => extremes(a, over, out, -T::INFINITY, k::greater),
            (Reduction::Min, over) => extremes(a, over, out, T::INFINITY, k::smaller),
            (Reduction::MaxNorm, over) => extremes(a, over, out, T::ZERO, k::greater_size),
            (Reduction::LogSumExp, over) => {
                T::softmax_into(Wanted::LogSumExp, a.as_slice(), series(a.shape(), over), out.as_mut_slice());
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a] = at.operands();
        let y = at.output();
        match self.reduction {
            // ∂/∂A: G repeated
            Reduction::Sum => at.contribute_lazily(0, |g| g),
            // ∂/∂A: G ⊙ [A = y] ⊘ (number of those elements): ties share
            Reduction::Max | Reduction::Min => at.contribute_lazily(0, |g| {
                let those = a.equal(y);
                g * (those / those.sum_over(self.over))
            }),
            // ∂/∂A: G ⊙ sign(A) ⊙ [|A| = y] ⊘ (number of those elements)
            Reduction::MaxNorm => at.contribute_lazily(0, |g| {
                let those = a.abs().equal(y);
                g * (a.sign() * those / those.sum_over(self.over))
            }),
            // ∂/∂A: G ⊙ softmax(A)
            Reduction::LogSumExp => at.contribute_lazily(0, |g| g * a.softmax_over(self.over)),
        }
    }
    fn notation(&self) -> Notation {
        match self.reduction {
            Reduction::Sum => Notation::Sum(self.over),
            Reduction::Max | Reduction::Min | Reduction::MaxNorm | Reduction::LogSumExp => {
                Notation::Call(Operation::<T>::name(self).into_owned())
            }
        }
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.over == Over::Rows
    }
    fn contraction(&self) -> Option<&dyn Contraction<T>> {
        let sums_columns = self.reduction == Reduction::Sum && self.over != Over::Rows;
        sums_columns.then_some(self)
    }
    fn flops(&self, operands: &[(usize, usize)], _: (usize, usize)) -> u64 {
        (operands[0].0 as u64).saturating_mul(operands[0].1 as u64)
    }
}

words!(Reduction { Sum "sum", Max "max", Min "min", MaxNorm "max_norm", LogSumExp "log_sum_exp" });
described! {
    Reduce [1] { reduction: "reduction", over: "over" }
    Broadcast [1] { 0: "shape" }
}

/// Σ over the columns: of a single row as of a column; of several unit by unit, and the units in
/// pairs, so that the error grows with the logarithm of their number.
fn sum_columns<T: Scalar>(a: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
    let (rows, columns) = a.shape();
    if rows == 1 {
        out.as_mut_slice()[0] = k::sum(a.as_slice());
        return;
    }
    for (out, first) in out.as_mut_slice().chunks_mut(ROWS).zip((0..).step_by(ROWS)) {
        out.copy_from_slice(&units_in_pairs(a.as_slice(), (rows, columns), first, out.len())[..out.len()]);
    }
}

/// Rows whose sums are added up at a time.
const ROWS: usize = 64;

/// The sums of so many rows from `first` on.
fn units_in_pairs<T: Scalar>(
    a: &[T],
    (rows, columns): (usize, usize),
    first: usize,
    count: usize,
) -> [T; ROWS] {
    if columns <= UNIT {
        let mut sums = [T::ZERO; ROWS];
        T::add_columns(a, rows, first, &mut sums[..count]);
        return sums;
    }
    let middle = (columns / 2).next_multiple_of(UNIT);
    let (left, right) = a.split_at(middle * rows);
    let mut sums = units_in_pairs(left, (rows, middle), first, count);
    let others = units_in_pairs(right, (rows, columns - middle), first, count);
    sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
    sums
}

/// Σ over the columns, as in eq. 27, or over all elements.
impl<T: Scalar> Contraction<T> for Reduce {
    fn accumulate(&self, x: &Operands<'_, T>, alpha: T, begins: bool, out: &mut MatrixMut<'_, T>) {
        if begins {
            out.as_mut_slice().fill(T::ZERO);
        }
        add_sums(x.get(0), alpha, out);
    }
}

/// Adds α · Σ over the columns to `out`, or over all entries if it is a number: unit by unit, so
/// that the rounding error grows with the square root of their number, not with the number of
/// columns.
fn add_sums<T: Scalar>(a: MatrixRef<'_, T>, alpha: T, out: &mut MatrixMut<'_, T>) {
    for start in (0..a.columns()).step_by(UNIT) {
        let end = a.columns().min(start + UNIT);
        let unit = &a.as_slice()[start * a.rows()..end * a.rows()];
        add_unit(unit, a.rows(), (alpha, Beta::One), out.as_mut_slice());
    }
}

/// β · `out` + α · Σ over the columns of a unit, for a list of a number for each row, or over all
/// its elements, for a single number.
pub(crate) fn add_unit<T: Scalar>(unit: &[T], rows: usize, (alpha, beta): (T, Beta), out: &mut [T]) {
    let before = |out: T| if beta == Beta::Zero { T::ZERO } else { out };
    if let [out] = out {
        *out = before(*out) + alpha * k::sum(unit);
        return;
    }
    for (out, first) in out.chunks_mut(ROWS).zip((0..).step_by(ROWS)) {
        let partial = &mut [T::ZERO; ROWS][..out.len()];
        T::add_columns(unit, rows, first, partial);
        out.iter_mut().zip(partial).for_each(|(out, &mut sum)| *out = before(*out) + alpha * sum);
    }
}

/// What is left of two numbers, of one after the other.
fn extremes<T: Scalar>(
    a: MatrixRef<'_, T>,
    over: Over,
    out: &mut MatrixMut<'_, T>,
    start: T,
    of_two: impl Fn(T, T) -> T + Copy,
) {
    let out = out.as_mut_slice();
    if over != Over::Columns {
        return short_columns::extremes(a.as_slice(), series(a.shape(), over).length, out, start, of_two);
    }
    out.fill(start);
    for j in 0..a.columns() {
        out.iter_mut().zip(a.column(j)).for_each(|(out, &x)| *out = of_two(*out, x));
    }
}

/// Repeats a row, a column or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Broadcast(pub(crate) Shape);

impl<T: Scalar> Operation<T> for Broadcast {
    fn name(&self) -> Cow<'_, str> {
        "repeat".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands[0].broadcast(self.0) {
            Some(shape) if shape == self.0 => Ok(shape),
            Some(_) | None => Err(Mismatch::new(format!("cannot be repeated to {}", self.0))),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..out.columns() {
            match a.column(if a.columns() == 1 { 0 } else { j }) {
                &[number] => out.column_mut(j).fill(number),
                column => out.column_mut(j).copy_from_slice(column),
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute_elementwise(0, |g| g); // ∂/∂A: the sum of G over what was repeated
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
    fn notation(&self) -> Notation {
        Notation::Repeat
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

impl<T: Scalar> Elementwise<T> for Broadcast {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        out.copy_from_slice(x[0]);
        Ok(())
    }
}

/// # Sums, means, extremes, repetition
impl<'t, T: Scalar> Var<'t, T> {
    /// The sum of all elements, 1 × 1.
    #[track_caller]
    pub fn sum(self) -> Self {
        self.sum_over(Over::All)
    }

    /// The sum over rows (1 × m), columns (n × 1) or all.
    #[track_caller]
    pub fn sum_over(self, over: Over) -> Self {
        self.reduce(Reduction::Sum, over)
    }

    /// The sum over the rows, of which a single one is its own sum.
    #[track_caller]
    pub(crate) fn sum_of_rows(self) -> Self {
        match !self.is_void() && self.known_shape().rows == Dim::ONE {
            true => self,
            false => self.sum_over(Over::Rows),
        }
    }

    /// The mean of all elements. Over m examples it is recorded as 1/m · Σ, with m a symbol (eq.
    /// 25), over a fixed number n as Σ / n, and over n × m as 1/m · (Σ / n).
    #[track_caller]
    pub fn mean(self) -> Self {
        self.mean_over(Over::All)
    }

    /// The mean over rows, columns or all.
    #[track_caller]
    pub fn mean_over(self, over: Over) -> Self {
        T::var_mean(self, over)
    }

    #[track_caller]
    pub(crate) fn mean_here(self, over: Over) -> Self {
        if self.is_void() {
            return self;
        }
        let shape = self.known_shape();
        if over.is_empty(shape) {
            let reason = format!("a mean over nothing: {} is {shape}", self.label());
            return self.tape.mistake(Error::Shape {
                operation: "mean".into(),
                reason,
                at: self.tape.place(),
            });
        }
        let (n, m) = over.count(shape);
        let mut mean = self.sum_over(over);
        if n != 1 {
            mean = mean / T::from_usize(n);
        }
        // A closure would note its own line, not the user's.
        for _ in 0..m {
            mean = self.tape.one_over_m() * mean;
        }
        mean
    }

    /// The greatest element, 1 × 1.
    #[track_caller]
    pub fn max(self) -> Self {
        self.max_over(Over::All)
    }

    /// The greatest element over rows (1 × m), columns (n × 1) or all. Where several are greatest,
    /// they share the gradient.
    #[track_caller]
    pub fn max_over(self, over: Over) -> Self {
        self.reduce(Reduction::Max, over)
    }

    /// The smallest element, 1 × 1.
    #[track_caller]
    pub fn min(self) -> Self {
        self.min_over(Over::All)
    }

    /// The smallest element over rows (1 × m), columns (n × 1) or all. Where several are smallest,
    /// they share the gradient.
    ///
    /// ```
    /// use tape::{Over, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[1.0, 5.0], [4.0, 2.0]]);
    /// assert_eq!(a.min_over(Over::Rows).value()?, matrix![[1.0, 2.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn min_over(self, over: Over) -> Self {
        self.reduce(Reduction::Min, over)
    }

    /// The maximum norm ‖·‖∞ of every column (over the rows, 1 × m), of every row, or of all
    /// elements: the greatest |a|, and 0 of nothing. Where several are greatest, they share the
    /// gradient, which is 0 at 0.
    ///
    /// ```
    /// use tape::{Over, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[1.0, 2.0], [-4.0, 2.0]]);
    /// let norm = a.max_norm_over(Over::Rows);
    /// assert_eq!(norm.value()?, matrix![[4.0, 2.0]]);
    /// assert_eq!(norm.sum().gradients([a])[0].value()?, matrix![[0.0, 0.5], [-1.0, 0.5]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn max_norm_over(self, over: Over) -> Self {
        self.reduce(Reduction::MaxNorm, over)
    }

    /// ln Σ exp of all elements, 1 × 1, without overflow; of nothing −∞.
    #[track_caller]
    pub fn log_sum_exp(self) -> Self {
        self.log_sum_exp_over(Over::All)
    }

    /// ln Σ exp over rows (1 × m), columns (n × 1) or all, without overflow.
    #[track_caller]
    pub fn log_sum_exp_over(self, over: Over) -> Self {
        self.reduce(Reduction::LogSumExp, over)
    }

    /// Repeats a row, a column or a number until the shape is reached.
    #[track_caller]
    pub fn broadcast_to(self, shape: Shape) -> Self {
        self.tape.push(Broadcast(shape), &[self])
    }

    /// [`broadcast_to`](Var::broadcast_to), if the shape is another.
    #[track_caller]
    pub(crate) fn repeated_to(self, shape: Shape) -> Self {
        if self.is_void() || self.known_shape() == shape { self } else { self.broadcast_to(shape) }
    }

    #[track_caller]
    fn reduce(self, reduction: Reduction, over: Over) -> Self {
        T::var_reduce(self, reduction, over)
    }

    #[track_caller]
    pub(crate) fn reduce_here(self, reduction: Reduction, over: Over) -> Self {
        if self.is_void() {
            return self;
        }
        let shape = self.known_shape();
        // Over a single row or column, `All` is the other direction alone, so that equal sums are
        // one entry.
        let asked = Reduce { reduction, over };
        let over = match (over, shape.rows == Dim::ONE, shape.columns == Dim::ONE) {
            (Over::All, true, _) => Over::Columns,
            (Over::All, false, true) => Over::Rows,
            (over, _, _) => over,
        };
        let called = Operation::<T>::name(&asked);
        self.tape.push_called(Some((&called, &[self])), Reduce { reduction, over }, &[self])
    }

    /// Whether the entry is the sum of a row that has an element for each example.
    pub(crate) fn is_sum_over_examples(self) -> bool {
        let operand = self.inspect(|op, operands| match op {
            Op::Reduce(Reduce { reduction: Reduction::Sum, .. }) => {
                Some(Var { tape: self.tape, id: operands[0], of_run: false })
            }
            _ => None,
        });
        operand.flatten().is_some_and(|row| row.known_shape() == Shape::new(1, Dim::M))
    }
}
