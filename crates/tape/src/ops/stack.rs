//! Stacking, slicing and padding of rows and of columns.

use std::borrow::Cow;
use std::ops::Range;

use crate::tape::describe::{described, words};
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, MatrixMut, Scalar, Shape, Tape, Var};

/// The direction of a stack, a slice or a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Along {
    Rows,
    Columns,
}

impl Along {
    fn extent(self, shape: Shape) -> Dim {
        match self {
            Along::Rows => shape.rows,
            Along::Columns => shape.columns,
        }
    }
    fn across(self, shape: Shape) -> Dim {
        match self {
            Along::Rows => shape.columns,
            Along::Columns => shape.rows,
        }
    }
    /// A range as the user wrote it.
    fn range(self, start: usize, end: usize) -> String {
        match self {
            Along::Rows => format!("rows[{start}..{end}]"),
            Along::Columns => format!("columns[{start}..{end}]"),
        }
    }
    /// What could not be checked while m was not known.
    fn inside(self, end: usize, extent: usize) -> Result<(), Fault> {
        if end <= extent {
            return Ok(());
        }
        let of = match self {
            Along::Rows => "rows",
            Along::Columns => "columns",
        };
        Err(Fault::Other(format!("the range ends at {end}, there are {extent} examples ({of})")))
    }
    fn with_extent(self, shape: Shape, extent: Dim) -> Shape {
        match self {
            Along::Rows => Shape { rows: extent, ..shape },
            Along::Columns => Shape { columns: extent, ..shape },
        }
    }
}

/// Matrices above each other, or side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stack(pub(crate) Along);

impl<T: Scalar> Operation<T> for Stack {
    fn name(&self) -> Cow<'_, str> {
        match self.0 {
            Along::Rows => "stack_rows",
            Along::Columns => "stack_columns",
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let Some(&first) = operands.first() else {
            return Err(Mismatch::new("nothing to stack"));
        };
        let mut total = 0usize;
        for &shape in operands {
            if self.0.across(shape) != self.0.across(first) {
                return Err(Mismatch::new("the other extents differ"));
            }
            let Dim::Fixed(n) = self.0.extent(shape) else {
                return Err(Mismatch::new(format!(
                    "an extent that is {} cannot be stacked",
                    self.0.extent(shape)
                )));
            };
            total = total.checked_add(n).ok_or_else(|| Mismatch::new("the stack is too high"))?;
        }
        Ok(self.0.with_extent(first, Dim::Fixed(total)))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let mut start = 0;
        for operand in 0..x.len() {
            let a = x.get(operand);
            for j in 0..a.columns() {
                match self.0 {
                    Along::Rows => out.column_mut(j)[start..start + a.rows()].copy_from_slice(a.column(j)),
                    Along::Columns => out.column_mut(start + j).copy_from_slice(a.column(j)),
                }
            }
            start += match self.0 {
                Along::Rows => a.rows(),
                Along::Columns => a.columns(),
            };
        }
        Ok(())
    }
    /// ∂/∂Aᵢ: the slice of G where Aᵢ lies.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let mut start = 0;
        for i in 0..at.len() {
            let Dim::Fixed(n) = self.0.extent(at.operand(i).known_shape()) else {
                unreachable!("the shape rule lets no m through")
            };
            at.contribute(i, |g| g.slice(self.0, start..start + n));
            start += n;
        }
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.0 == Along::Rows
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

/// A range of rows or columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slice {
    along: Along,
    start: usize,
    end: usize,
}

impl<T: Scalar> Operation<T> for Slice {
    fn name(&self) -> Cow<'_, str> {
        self.along.range(self.start, self.end).into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let fits = match self.along.extent(operands[0]) {
            Dim::Fixed(n) => self.end <= n,
            Dim::M | Dim::Multiple(_) => true, // checked when m is known
        };
        if self.start > self.end || !fits {
            return Err(Mismatch::new("the range is not inside"));
        }
        Ok(self.along.with_extent(operands[0], Dim::Fixed(self.end - self.start)))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        match self.along {
            Along::Rows => {
                self.along.inside(self.end, a.rows())?;
                for j in 0..out.columns() {
                    out.column_mut(j).copy_from_slice(&a.column(j)[self.start..self.end]);
                }
            }
            Along::Columns => {
                self.along.inside(self.end, a.columns())?;
                let range = self.start * a.rows()..self.end * a.rows();
                out.as_mut_slice().copy_from_slice(&a.as_slice()[range]);
            }
        }
        Ok(())
    }
    /// ∂/∂A: G with zeros around it.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let total = self.along.extent(at.operand(0).known_shape());
        at.contribute(0, |g| g.tape.push(Pad { along: self.along, start: self.start, total }, &[g]));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.along == Along::Rows
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

/// Zeros around a range of rows or columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Pad {
    along: Along,
    start: usize,
    total: Dim,
}

impl Slice {
    /// What it is a range of, its start and its end.
    #[cfg(any(feature = "onnx", feature = "rust-source"))]
    pub(crate) fn range(&self) -> (Along, usize, usize) {
        (self.along, self.start, self.end)
    }

    /// The rows that it is of.
    pub(crate) fn rows(&self) -> Option<Range<usize>> {
        (self.along == Along::Rows).then_some(self.start..self.end)
    }
}

impl Pad {
    /// What it pads, where the operand begins, and the extent in all.
    #[cfg(any(feature = "onnx", feature = "rust-source"))]
    pub(crate) fn place(&self) -> (Along, usize, Dim) {
        (self.along, self.start, self.total)
    }

    /// The rows that are not zeros, if it pads rows.
    pub(crate) fn rows(&self, operand: Shape) -> Option<Range<usize>> {
        let Dim::Fixed(n) = operand.rows else { return None };
        (self.along == Along::Rows).then_some(self.start..self.start + n)
    }

    /// The slice whose gradient this is, called as the user called it: nobody writes a pad.
    pub(crate) fn slice_of(&self, operand: Shape) -> Option<String> {
        match self.along.extent(operand) {
            Dim::Fixed(n) => Some(self.along.range(self.start, self.start + n)),
            Dim::M | Dim::Multiple(_) => None,
        }
    }
}

impl<T: Scalar> Operation<T> for Pad {
    fn name(&self) -> Cow<'_, str> {
        match self.along {
            Along::Rows => format!("pad_rows[{} of {}]", self.start, self.total),
            Along::Columns => format!("pad_columns[{} of {}]", self.start, self.total),
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match (self.along.extent(operands[0]), self.total) {
            (Dim::Fixed(n), Dim::Fixed(total)) if self.start.saturating_add(n) > total => {
                Err(Mismatch::new("there is no room"))
            }
            (Dim::Fixed(n), Dim::M | Dim::Multiple(_)) if self.start.checked_add(n).is_none() => {
                Err(Mismatch::new("there is no room"))
            }
            (Dim::Fixed(_), total) => Ok(self.along.with_extent(operands[0], total)),
            (extent, _) => Err(Mismatch::new(format!("an extent that is {extent} cannot be padded"))),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        out.as_mut_slice().fill(T::ZERO);
        match self.along {
            Along::Rows => {
                self.along.inside(self.start + a.rows(), out.rows())?;
                for j in 0..a.columns() {
                    out.column_mut(j)[self.start..self.start + a.rows()].copy_from_slice(a.column(j));
                }
            }
            Along::Columns => {
                self.along.inside(self.start + a.columns(), out.columns())?;
                for j in 0..a.columns() {
                    out.column_mut(self.start + j).copy_from_slice(a.column(j));
                }
            }
        }
        Ok(())
    }
    /// ∂/∂A: the slice of G where A lies.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let Dim::Fixed(n) = self.along.extent(at.operand(0).known_shape()) else {
            unreachable!("the shape rule lets no m through")
        };
        at.contribute(0, |g| g.slice(self.along, self.start..self.start + n));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.along == Along::Rows
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

words!(Along { Rows "rows", Columns "columns" });
described! {
    Stack [_] { 0: "along" }
    Slice [1] { along: "along", start: "start", end: "end" }
    Pad [1] { along: "along", start: "start", total: "total" }
}

/// # Putting matrices together
impl<T: Scalar> Tape<T> {
    /// Matrices above each other: the numbers of rows add up, the numbers of columns are equal.
    #[track_caller]
    pub fn stack_rows<'t>(&'t self, parts: &[Var<'t, T>]) -> Var<'t, T> {
        self.push(Stack(Along::Rows), parts)
    }

    /// Matrices side by side: the numbers of columns, which cannot be m, add up, the numbers of
    /// rows are equal.
    #[track_caller]
    pub fn stack_columns<'t>(&'t self, parts: &[Var<'t, T>]) -> Var<'t, T> {
        self.push(Stack(Along::Columns), parts)
    }
}

/// # Parts of a matrix
impl<'t, T: Scalar> Var<'t, T> {
    /// A range of rows, counted from 0.
    #[track_caller]
    pub fn rows(self, range: Range<usize>) -> Self {
        self.slice(Along::Rows, range)
    }

    /// A range of columns, counted from 0. Of m columns, the range is checked when a program runs.
    #[track_caller]
    pub fn columns(self, range: Range<usize>) -> Self {
        self.slice(Along::Columns, range)
    }

    #[track_caller]
    fn slice(self, along: Along, range: Range<usize>) -> Self {
        self.tape.push(Slice { along, start: range.start, end: range.end }, &[self])
    }
}
