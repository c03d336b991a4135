//! What a step reads and writes: where a value lies in a program's memory, and which of its columns
//! a step sees.

use smallvec::SmallVec;

use crate::program::ids::{NodeId, TileId, WholeId};
use crate::{Dim, Shape};

/// Where a value lies in a program's memory, and its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) at: Buffer,
    pub(crate) shape: Shape,
}

/// A buffer of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Buffer {
    /// For all examples.
    Whole(WholeId),
    /// For the examples of a tile.
    Tile(TileId),
}

impl Buffer {
    /// That of a leaf or an output.
    pub(crate) fn whole(self) -> WholeId {
        match self {
            Buffer::Whole(buffer) => buffer,
            Buffer::Tile(_) => unreachable!("leaves and outputs are there for all examples"),
        }
    }
}

/// The examples whose columns a step works on now, of m.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) start: usize,
    pub(crate) count: usize,
    pub(crate) m: usize,
}

impl Columns {
    pub(crate) fn all(m: usize) -> Self {
        Columns { start: 0, count: m, m }
    }

    /// The first columns, and the others.
    pub(crate) fn cut(self, count: usize) -> (Self, Self) {
        let second = Columns { start: self.start + count, count: self.count - count, ..self };
        (Columns { count, ..self }, second)
    }

    /// Tiles of so many columns, the last one of the rest; of no columns the one empty tile, which
    /// lets sums be 0.
    pub(crate) fn tiles(self, width: usize) -> impl Iterator<Item = Self> {
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let columns = rest?;
            let (tile, others) = columns.cut(width.min(columns.count));
            rest = (others.count > 0).then_some(others);
            Some(tile)
        })
    }
}

impl Operand {
    /// Rows and columns of what a step sees of it, and where that begins in the buffer.
    pub(crate) fn window(self, columns: Columns) -> (usize, usize, usize) {
        let Columns { start, count, m } = columns;
        match (self.at, self.shape.columns) {
            (Buffer::Whole(_), Dim::M) => {
                let rows = self.shape.rows.at(m);
                (rows, count, start * rows)
            }
            (Buffer::Whole(_), Dim::Multiple(k)) => {
                let rows = self.shape.rows.at(m);
                (rows, k.get() * count, k.get() * start * rows)
            }
            (Buffer::Whole(_), Dim::Fixed(n)) => (self.shape.rows.at(m), n, 0),
            (Buffer::Tile(_), _) => {
                let (rows, count) = self.shape.at(count);
                (rows, count, 0)
            }
        }
    }
}

/// A sum over the examples: where its result goes, and where it is among the sums of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SumAt {
    pub(crate) out: Operand,
    pub(crate) offset: usize,
}

impl SumAt {
    /// Number of its elements: a sum has no m. As many as there can be, if that overflows: then
    /// there is no memory for it.
    pub(crate) fn len(self) -> usize {
        let (rows, columns) = self.out.shape.at(0);
        rows.saturating_mul(columns)
    }
}

/// A few values.
pub(crate) type Few<At> = SmallVec<[At; 16]>;

/// What reads and writes values.
pub(crate) trait Accesses<At> {
    fn reads(&self) -> Few<At>;
    fn writes(&self) -> Few<At>;
    /// The nodes that it computes: of a function and its derivative together the function twice.
    fn nodes(&self) -> Few<NodeId>;
}
