//! Law 9: what says that it is columnwise computes each column from the operands' own alone.

use std::ops::Range;

use crate::check::Random;
use crate::check::report::Broken;
use crate::check::values::Function;
use crate::numbers::kernel::product::Selection;
use crate::ops::Op;
use crate::tape::ids::EntryIndex;
use crate::tape::operation::{Operands, Source};
use crate::{Dim, Matrix, MatrixRef, Operation, Result, Scalar, Shape, Tape, Var};

/// More operands than these are taken to have columns all together or one by one, not in every
/// combination.
const MOST_COMBINED: usize = 4;

/// An operation with operands, some of which have a column for each example.
struct Claim<'a, T: Scalar> {
    op: &'a dyn Operation<T>,
    values: &'a [Matrix<T>],
    /// Which operands have them.
    has_examples: Vec<bool>,
    rows: usize,
    m: usize,
}

/// Its operands for some of the examples.
#[derive(Debug)]
struct Part<'a, T> {
    values: &'a [Matrix<T>],
    has_examples: &'a [bool],
    examples: Range<usize>,
}

impl<T: Scalar> Source<T> for Part<'_, T> {
    fn count(&self) -> usize {
        self.values.len()
    }
    fn get(&self, i: usize) -> MatrixRef<'_, T> {
        let value = &self.values[i];
        match self.has_examples[i] {
            true => {
                let Range { start, end } = self.examples;
                let data = &value.as_slice()[start * value.rows()..end * value.rows()];
                MatrixRef::of_cut(value.rows(), self.examples.len(), data)
            }
            false => value.view(),
        }
    }
    fn selection(&self, i: usize) -> Selection<'_, T> {
        self.get(i).into()
    }
}

impl<T: Scalar> Claim<'_, T> {
    /// What the kernel makes of these columns; nothing if it does not like them.
    fn kernel(&self, examples: Range<usize>) -> Option<Matrix<T>> {
        // What the kernel leaves unwritten shows.
        let mut out = Matrix::filled(self.rows, examples.len(), T::NAN);
        self.op.eval(&Operands::new(&self.part(examples), self.m, 1), &mut out.view_mut()).ok()?;
        Some(out)
    }

    fn part(&self, examples: Range<usize>) -> Part<'_, T> {
        Part { values: self.values, has_examples: &self.has_examples, examples }
    }

    /// The same by the kernel for sections, if there is one.
    fn section(&self, examples: Range<usize>) -> Option<Matrix<T>> {
        let kernel = self.op.elementwise()?;
        let part = self.part(examples.clone());
        let repeated = |operand: usize| {
            let value = part.get(operand);
            let at = |i: usize, j: usize| {
                value[(if value.rows() == 1 { 0 } else { i }, if value.columns() == 1 { 0 } else { j })]
            };
            Matrix::from_fn(self.rows, examples.len(), at).into_vec()
        };
        let sources: Vec<Vec<T>> = (0..part.count()).map(repeated).collect();
        let sources: Vec<&[T]> = sources.iter().map(Vec::as_slice).collect();
        let mut out = Matrix::filled(self.rows, examples.len(), T::NAN);
        kernel.section(&sources, out.as_mut_slice(), self.m).ok()?;
        Some(out)
    }

    /// The first place where a column has another value alone, or in a part of the columns, than
    /// among all: row, column, the value in the part, and among all.
    fn difference(&self, near: impl Fn(T, T) -> bool) -> Option<(usize, usize, T, T)> {
        let whole = self.kernel(0..self.m)?;
        let half = self.m / 2;
        let alone = (0..self.m).map(|example| example..example + 1);
        for examples in alone.chain([0..half, half..self.m, 0..self.m]) {
            let parts = [self.kernel(examples.clone()), self.section(examples.clone())];
            for part in parts.into_iter().flatten() {
                let of_whole = |i: usize, j: usize| whole[(i, examples.start + j)];
                let other = part.iter_indexed().find(|&((i, j), x)| !near(x, of_whole(i, j)));
                if let Some(((row, j), found)) = other {
                    return Some((row, examples.start + j, found, of_whole(row, j)));
                }
            }
        }
        None
    }
}

/// The user's operations that the outputs need, with the values of their operands where the leaves
/// have these; and of each that says it is columnwise the first place where it does not.
pub(super) fn broken<'t, T: Scalar>(
    tape: &'t Tape<T>,
    leaves: (&[Var<'t, T>], &[Matrix<T>]),
    outputs: &[Var<'t, T>],
    tolerance: f64,
) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    for id in own_operations(tape, outputs) {
        let (op, operands, shape) = {
            let list = tape.list.borrow();
            let entry = list.entry(id);
            (entry.op.clone(), entry.operands.clone(), entry.shape)
        };
        let variables: Vec<Var<'t, T>> = operands.iter().map(|&id| Var { tape, id, of_run: false }).collect();
        let mut function = Function::compile(tape, leaves.0, &variables)?;
        let values = function.at(leaves.1)?;
        let m = shape.at(function.m()).1;
        let mut found =
            claims(&op, &values, m).filter_map(|claim| claim.difference(|a, b| is_near(a, b, tolerance)));
        if let Some((row, column, part, whole)) = found.next() {
            let (part, whole) = (part.to_f64(), whole.to_f64());
            let operation = op.rule().name().into_owned();
            broken.push(Broken::Columnwise { operation, row, column, part, whole });
        }
    }
    Ok(broken)
}

/// Whether the kernel gives the same bits for each of some columns alone and among all: an
/// operation that does not say so might.
pub(super) fn keeps_columns_apart<T: Scalar>(operation: &dyn Operation<T>, operands: &[Shape]) -> bool {
    const M: usize = 5;
    let Ok(Shape { rows: Dim::Fixed(rows), columns: Dim::M }) = operation.shape(operands) else {
        return false;
    };
    let mut random = Random::new(0);
    let value = |shape: &Shape| {
        let (rows, columns) = shape.at(M);
        random.matrix(rows, columns, -1.0, 1.0)
    };
    let values: Vec<Matrix<T>> = operands.iter().map(value).collect();
    let has_examples = operands.iter().map(|shape| shape.columns == Dim::M).collect();
    let claim = Claim { op: operation, values: &values, has_examples, rows, m: M };
    let has_all = (0..M).all(|j| claim.kernel(j..j + 1).is_some()) && claim.kernel(0..M).is_some();
    let same = |a: T, b: T| a.bits() == b.bits() || a.is_nan() && b.is_nan();
    has_all && claim.difference(same).is_none()
}

/// Equal but for rounding; NaN is as good as NaN.
fn is_near<T: Scalar>(a: T, b: T, tolerance: f64) -> bool {
    let (a, b) = (a.to_f64(), b.to_f64());
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

/// The user's operations that the outputs depend on.
fn own_operations<T: Scalar>(tape: &Tape<T>, outputs: &[Var<'_, T>]) -> Vec<EntryIndex> {
    let list = tape.list.borrow();
    let needed = list.entries.needed_by(outputs.iter().map(|output| output.id), list.entries.len());
    let is_own = |&id: &EntryIndex| needed[id] && list.entry(id).op.is_of_the_user();
    needed.ids().filter(is_own).collect()
}

/// Every way to take operands of m columns for examples in which the operation says that it is
/// columnwise.
fn claims<'a, T: Scalar>(
    op: &'a Op<T>,
    values: &'a [Matrix<T>],
    m: usize,
) -> impl Iterator<Item = Claim<'a, T>> {
    let with_columns: Vec<usize> = (0..values.len()).filter(|&i| m > 1 && values[i].columns() == m).collect();
    let count = with_columns.len();
    let every = if count <= MOST_COMBINED { 1_usize << count } else { 1 };
    let combined = (1..every).map(move |set| (0..count).filter(|i| set >> i & 1 == 1).collect::<Vec<_>>());
    let single = (0..count).filter(move |_| count > MOST_COMBINED).map(|i| vec![i]);
    let all = (count > MOST_COMBINED).then(|| (0..count).collect::<Vec<_>>());
    combined.chain(single).chain(all).filter_map(move |set| {
        let fixed = |value: &Matrix<T>| Shape::new(value.rows(), value.columns());
        let mut shapes: Vec<Shape> = values.iter().map(fixed).collect();
        set.iter().for_each(|&i| shapes[with_columns[i]].columns = Dim::M);
        let out = op.rule().shape(&shapes).ok()?;
        let Shape { rows: Dim::Fixed(rows), columns: Dim::M } = out else { return None };
        let has_examples = (0..values.len()).map(|i| set.iter().any(|&at| with_columns[at] == i)).collect();
        op.rule().is_columnwise(&shapes).then_some(Claim { op: op.rule(), values, has_examples, rows, m })
    })
}
