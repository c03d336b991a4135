//! Where the values of a program lie, and what one thread may touch of them.

use std::fmt::Debug;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::numbers::aligned::Aligned;
use crate::numbers::kernel::product::Selection;
use crate::numbers::matrix::size;
use crate::program::compile::graph::{Graph, Node};
use crate::program::compile::place::Plan;
use crate::program::ids::{RegisterId, TileId, WholeId};
use crate::program::operand::{Buffer, Columns, Operand, SumAt};
use crate::tape::ids::{Id, IdVec};
use crate::tape::operation::Source;
use crate::{Error, Matrix, MatrixRef, Result, Scalar};

/// What all threads of a run read.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    /// Values of all examples, and of what has nothing to do with examples. Leaves and numbers come
    /// first.
    pub(crate) whole: IdVec<WholeId, Aligned<T>>,
    /// What the first of them hold, which are leaves and numbers.
    pub(crate) leaves: IdVec<WholeId, Leaf<T>>,
    /// How many of them are selections.
    selections: usize,
}

/// The value of a leaf.
#[derive(Debug, Clone)]
pub(crate) struct Leaf<T> {
    value: LeafValue<T>,
    /// The list is kept from one selection to the next.
    chosen: Vec<usize>,
}

/// Where the value of a leaf is.
#[derive(Debug, Clone)]
pub(crate) enum LeafValue<T> {
    /// In its buffer.
    Own,
    /// It is the tape's own: compiling copies no data.
    Shared(Arc<Matrix<T>>),
    /// It is the chosen columns of the tape's. Only products read it, from where the columns are.
    Selected(Arc<Matrix<T>>),
}

impl<T> Leaf<T> {
    /// One whose value is in its buffer.
    pub(crate) fn new() -> Self {
        Leaf { value: LeafValue::Own, chosen: Vec::new() }
    }

    fn value(&self) -> &LeafValue<T> {
        &self.value
    }

    /// Whether its value is in its buffer.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.value, LeafValue::Own)
    }
}

impl<T: Scalar> Memory<T> {
    /// Without buffers.
    pub(crate) fn new() -> Self {
        Memory { whole: IdVec::new(), leaves: IdVec::new(), selections: 0 }
    }

    /// What the leaves hold, but for what is in buffers.
    pub(crate) fn without_values(&self) -> Self {
        Memory { whole: IdVec::new(), leaves: self.leaves.clone(), selections: self.selections }
    }

    /// The buffers of a plan, numbers in theirs.
    pub(crate) fn of(graph: &Graph<T>, plan: &Plan) -> Self {
        let mut memory =
            Memory { whole: IdVec::filled(Aligned::default(), plan.whole.len()), ..Memory::new() };
        for (node, Node { op, .. }) in graph.nodes.enumerated().filter(|(_, node)| node.op.is_source()) {
            let at = plan.operand(graph, node).expect("a source is stored").at.whole();
            if let Some(number) = op.number() {
                memory.whole[at] = Aligned::new(1, number.c);
            }
            memory.leaves.push(Leaf::new());
        }
        memory
    }

    pub(crate) fn whole(&self, buffer: WholeId) -> &[T] {
        match self.leaves.get(buffer).map(Leaf::value) {
            Some(LeafValue::Shared(shared)) => shared.as_slice(),
            Some(LeafValue::Selected(_)) => unreachable!("its columns are not side by side"),
            Some(LeafValue::Own) | None => &self.whole[buffer],
        }
    }

    /// The matrix of which a leaf is some columns, and which.
    pub(crate) fn selection(&self, buffer: WholeId) -> Option<(&Matrix<T>, &[usize])> {
        match self.leaves.get(buffer) {
            Some(Leaf { value: LeafValue::Selected(of), chosen }) => Some((of, chosen)),
            Some(_) | None => None,
        }
    }

    /// Whether a leaf is some columns of a matrix.
    pub(crate) fn has_selection(&self) -> bool {
        self.selections > 0
    }

    /// Lets a leaf be some columns of the tape's value, or something else.
    pub(crate) fn set_leaf(&mut self, buffer: WholeId, value: LeafValue<T>) {
        let is_selection = |value: &LeafValue<T>| usize::from(matches!(value, LeafValue::Selected(_)));
        self.selections += is_selection(&value);
        let before = std::mem::replace(&mut self.leaves[buffer].value, value);
        self.selections -= is_selection(&before);
    }

    /// Chooses columns of a matrix for a leaf; from the second time on it allocates nothing for as
    /// many. Where there is no memory for the list, the leaf keeps what it has.
    pub(crate) fn select(&mut self, buffer: WholeId, of: Arc<Matrix<T>>, columns: &[usize]) -> Result<()> {
        let chosen = &mut self.leaves[buffer].chosen;
        if chosen.capacity() < columns.len() {
            let mut longer = Vec::new();
            let (rows, bytes) = (1, size_of_val(columns));
            let refused = Error::Allocation { rows, columns: columns.len(), bytes };
            longer.try_reserve_exact(columns.len()).map_err(|_| refused)?;
            *chosen = longer;
        }
        chosen.clear();
        chosen.extend_from_slice(columns);
        self.set_leaf(buffer, LeafValue::Selected(of));
        Ok(())
    }

    /// The storage of a value that is not shared with the tape.
    pub(crate) fn whole_mut(&mut self, buffer: WholeId) -> &mut Aligned<T> {
        &mut self.whole[buffer]
    }

    /// The storage of a value that is not shared with the tape, and another value.
    pub(crate) fn pair(&mut self, written: WholeId, read: WholeId) -> (&mut [T], &[T]) {
        if let Some(LeafValue::Shared(shared)) = self.leaves.get(read).map(Leaf::value) {
            return (&mut self.whole[written], shared.as_slice());
        }
        let pair = self.whole.as_mut_slice().get_disjoint_mut([written.index(), read.index()]);
        let [written, read] = pair.expect("two buffers of the program");
        (written, read)
    }

    /// Copies a leaf's value from the tape, so that it can be changed.
    pub(crate) fn own(&mut self, buffer: WholeId) -> Result<()> {
        let Some(Leaf { value, chosen }) = self.leaves.get(buffer) else { return Ok(()) };
        let (rows, columns) = match value {
            LeafValue::Shared(of) => of.shape(),
            LeafValue::Selected(of) => (of.rows(), chosen.len()),
            LeafValue::Own => return Ok(()),
        };
        let mut own = std::mem::take(&mut self.whole[buffer]);
        let done = resize(&mut own, rows, columns);
        if done.is_ok() {
            self.copy_leaf(buffer, &mut own[..rows * columns]);
        }
        self.whole[buffer] = own;
        done.map(|()| self.set_leaf(buffer, LeafValue::Own))
    }

    /// Copies a leaf's value, of just that many numbers.
    pub(crate) fn copy_leaf(&self, buffer: WholeId, to: &mut [T]) {
        match self.selection(buffer) {
            Some((of, chosen)) => {
                let columns = to.chunks_exact_mut(of.rows().max(1));
                chosen.iter().zip(columns).for_each(|(&column, to)| to.copy_from_slice(of.column(column)));
            }
            None => to.copy_from_slice(&self.whole(buffer)[..to.len()]),
        }
    }
}

/// Makes a buffer long enough; an allocation that fails is an error, not an abort.
pub(crate) fn resize<T: Scalar>(buffer: &mut Aligned<T>, rows: usize, columns: usize) -> Result<()> {
    let len = size::<T>(rows, columns)?;
    let bytes = len * size_of::<T>();
    buffer.grow(len, T::ZERO).map_err(|_| Error::Allocation { rows, columns, bytes })
}

/// The buffers of a tile.
pub(crate) type TileBuffers<T> = IdVec<TileId, Aligned<T>>;

/// Registers of passes.
pub(crate) type Registers<T> = IdVec<RegisterId, Aligned<T>>;

/// Where a step reads its operands.
pub(crate) trait Values<T>: Debug {
    /// The operand's values in these columns.
    fn read(&self, operand: Operand, columns: Columns) -> &[T];
    /// The same for operands whose columns are some of a matrix: that matrix, and which they are.
    fn selection(&self, operand: Operand, columns: Columns) -> Option<(&Matrix<T>, &[usize])>;
}

/// The operands of a step, on some columns.
#[derive(Debug)]
pub(crate) struct Reads<'a, T> {
    pub(crate) values: &'a dyn Values<T>,
    pub(crate) operands: &'a [Operand],
    pub(crate) columns: Columns,
}

impl<T: Scalar> Source<T> for Reads<'_, T> {
    fn count(&self) -> usize {
        self.operands.len()
    }
    fn get(&self, i: usize) -> MatrixRef<'_, T> {
        let operand = self.operands[i];
        let (rows, columns, _) = operand.window(self.columns);
        let data = self.values.read(operand, self.columns);
        MatrixRef::new(rows, columns, data).expect("as many values as its shape says")
    }
    fn selection(&self, i: usize) -> Selection<'_, T> {
        match self.values.selection(self.operands[i], self.columns) {
            Some((of, chosen)) => Selection { of: of.view(), chosen: Some(chosen) },
            None => self.get(i).into(),
        }
    }
}

/// What one thread works with in a loop over tiles, or alone.
#[derive(Debug)]
pub(crate) struct Work<'a, T> {
    pub(crate) whole: Whole<'a, T>,
    pub(crate) tile: Tile<'a, T>,
    /// Registers of fused passes, a set for every thread that may help inside a step.
    pub(crate) registers: &'a mut [Registers<T>],
    /// The sums over its span of the examples, if the span is not all of them: one after the other.
    pub(crate) sums: Option<&'a mut [T]>,
    /// The column with which sums begin anew.
    pub(crate) first: usize,
}

/// The buffers of a tile, as one thread has them.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a box would be an allocation in every run
pub(crate) enum Tile<'a, T> {
    /// All columns of the tile.
    Exclusive(&'a mut TileBuffers<T>),
    /// Some columns; others have the others.
    Part(Parts<'a, T>),
}

/// A part of every buffer of a tile.
pub(crate) type Parts<'a, T> = SmallVec<[&'a mut [T]; PARTS]>;

/// With no more buffers than this a list of their parts needs no allocation.
pub(crate) const PARTS: usize = 64;

/// A program's whole buffers, as one thread has them.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a box would be an allocation in every run
pub(crate) enum Whole<'a, T> {
    /// Nobody else has them.
    Exclusive(&'a mut Memory<T>),
    /// Others read them too, and each writes columns of its own.
    Shared(&'a Memory<T>, Windows<'a, T>),
}

/// The columns that a thread has of the values that its loop writes for all examples.
#[derive(Debug)]
pub(crate) struct Windows<'a, T> {
    pub(crate) columns: Columns,
    pub(crate) windows: SmallVec<[Window<'a, T>; WINDOWS]>,
}

/// Some columns of a whole buffer.
#[derive(Debug)]
pub(crate) struct Window<'a, T> {
    pub(crate) buffer: WholeId,
    /// Elements of each example.
    pub(crate) stride: usize,
    pub(crate) values: &'a mut [T],
}

/// With no more windows than this a list of them needs no allocation.
pub(crate) const WINDOWS: usize = 16;

impl<'a, T> Windows<'a, T> {
    fn part(&self, buffer: WholeId) -> Option<&[T]> {
        self.windows.iter().find(|window| window.buffer == buffer).map(|window| &*window.values)
    }

    fn part_mut(&mut self, buffer: WholeId) -> &mut &'a mut [T] {
        let window = self.windows.iter_mut().find(|window| window.buffer == buffer);
        &mut window.expect("a loop has windows of what it writes").values
    }

    /// The first columns, and the others.
    pub(crate) fn cut(self, count: usize) -> (Self, Self) {
        let (first, second) = self.columns.cut(count);
        let mut left = Windows { columns: first, windows: SmallVec::new() };
        let mut right = Windows { columns: second, windows: SmallVec::new() };
        for Window { buffer, stride, values } in self.windows {
            let (first, second) = values.split_at_mut(count * stride);
            left.windows.push(Window { buffer, stride, values: first });
            right.windows.push(Window { buffer, stride, values: second });
        }
        (left, right)
    }
}

/// Storage taken out of a [`Work`] while it is written, so that the rest can be read.
#[derive(Debug)]
pub(crate) enum Taken<'a, T> {
    Whole(Aligned<T>),
    Part { part: &'a mut [T], start: usize },
}

impl<T> Taken<'_, T> {
    /// The operand's values in these columns.
    pub(crate) fn window(&mut self, out: Operand, columns: Columns) -> &mut [T] {
        let (rows, count, at) = out.window(columns);
        match self {
            Taken::Whole(values) => &mut values[at..at + rows * count],
            Taken::Part { part, start } => {
                &mut part[at - *start * out.shape.elements_per_example()..][..rows * count]
            }
        }
    }
}

impl<'a, T: Scalar> Work<'a, T> {
    /// Threads that may help inside a step, this one among them.
    pub(crate) fn threads(&self) -> usize {
        self.registers.len()
    }

    pub(crate) fn take(&mut self, out: Operand) -> Taken<'a, T> {
        match out.at {
            Buffer::Tile(buffer) => match &mut self.tile {
                Tile::Exclusive(buffers) => Taken::Whole(std::mem::take(&mut buffers[buffer])),
                Tile::Part(parts) => {
                    Taken::Part { start: 0, part: std::mem::take(&mut parts[buffer.index()]) }
                }
            },
            Buffer::Whole(buffer) => match &mut self.whole {
                Whole::Exclusive(memory) => Taken::Whole(std::mem::take(memory.whole_mut(buffer))),
                Whole::Shared(_, windows) => Taken::Part {
                    start: windows.columns.start,
                    part: std::mem::take(windows.part_mut(buffer)),
                },
            },
        }
    }

    pub(crate) fn put(&mut self, out: Operand, taken: Taken<'a, T>) {
        match (out.at, taken, &mut self.tile, &mut self.whole) {
            (Buffer::Tile(buffer), Taken::Whole(values), Tile::Exclusive(buffers), _) => {
                buffers[buffer] = values;
            }
            (Buffer::Tile(buffer), Taken::Part { part, .. }, Tile::Part(parts), _) => {
                parts[buffer.index()] = part;
            }
            (Buffer::Whole(buffer), Taken::Whole(values), _, Whole::Exclusive(memory)) => {
                *memory.whole_mut(buffer) = values;
            }
            (Buffer::Whole(buffer), Taken::Part { part, .. }, _, Whole::Shared(_, windows)) => {
                *windows.part_mut(buffer) = part;
            }
            _ => unreachable!("it goes back where it came from"),
        }
    }

    /// Computes the columns of a value; the plan never lets a step read where it writes.
    pub(crate) fn write<R>(
        &mut self,
        out: Operand,
        columns: Columns,
        kernel: impl FnOnce(&Self, &mut [T]) -> R,
    ) -> R {
        let mut taken = self.take(out);
        let done = kernel(self, taken.window(out, columns));
        self.put(out, taken);
        done
    }

    /// Changes a sum.
    pub(crate) fn write_sum(&mut self, sum: SumAt, kernel: impl FnOnce(&Self, &mut [T])) {
        if let Some(sums) = self.sums.take() {
            kernel(self, &mut sums[sum.offset..][..sum.len()]);
            self.sums = Some(sums);
        } else {
            let mut taken = self.take(sum.out);
            kernel(self, taken.window(sum.out, Columns::all(0)));
            self.put(sum.out, taken);
        }
    }
}

impl<T: Scalar> Values<T> for Memory<T> {
    fn read(&self, operand: Operand, columns: Columns) -> &[T] {
        let (rows, count, at) = operand.window(columns);
        &self.whole(operand.at.whole())[at..at + rows * count]
    }

    fn selection(&self, operand: Operand, columns: Columns) -> Option<(&Matrix<T>, &[usize])> {
        let (of, chosen) = Memory::selection(self, operand.at.whole())?;
        Some((of, &chosen[columns.start..][..columns.count]))
    }
}

impl<T: Scalar> Values<T> for Work<'_, T> {
    fn read(&self, operand: Operand, columns: Columns) -> &[T] {
        let (rows, count, at) = operand.window(columns);
        let values = match (operand.at, &self.whole) {
            (Buffer::Tile(buffer), _) => match &self.tile {
                Tile::Exclusive(buffers) => &buffers[buffer][..],
                Tile::Part(parts) => &*parts[buffer.index()],
            },
            (Buffer::Whole(buffer), Whole::Exclusive(memory)) => memory.whole(buffer),
            (Buffer::Whole(buffer), Whole::Shared(memory, windows)) => match windows.part(buffer) {
                Some(part) => {
                    let start = windows.columns.start * operand.shape.elements_per_example();
                    return &part[at - start..][..rows * count];
                }
                None => memory.whole(buffer),
            },
        };
        &values[at..at + rows * count]
    }
    fn selection(&self, operand: Operand, columns: Columns) -> Option<(&Matrix<T>, &[usize])> {
        match (operand.at, &self.whole) {
            (Buffer::Tile(_), _) => None,
            (Buffer::Whole(_), Whole::Exclusive(memory)) => Values::selection(&**memory, operand, columns),
            (Buffer::Whole(_), Whole::Shared(memory, _)) => Values::selection(*memory, operand, columns),
        }
    }
}
