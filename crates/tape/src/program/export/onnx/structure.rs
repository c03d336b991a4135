//! What moves numbers: parts of matrices, blocks of columns, rows and columns by their numbers.
//!
//! Of n × (k·m) the k columns of an example stand side by side: as a tensor it is (n, m, k).

use super::Exporter;
use super::builder::Value;
use super::proto::{Attribute, Elements};
use crate::ops::Op;
use crate::ops::blocks::{BlockMatmul, Way};
use crate::ops::cumulative::From;
use crate::ops::indices::{RowNumbers, ZEROS};
use crate::ops::linear_algebra::cholesky::Diagonal;
use crate::ops::stack::Along;
use crate::program::compile::graph::Node;
use crate::program::ids::NodeId;
use crate::tape::notation::Over;
use crate::{Dim, Result, Scalar, Shape};

fn axis(along: Along) -> i64 {
    match along {
        Along::Rows => 0,
        Along::Columns => 1,
    }
}

impl<T: Scalar> Exporter<'_, T> {
    /// The shape of an operand.
    fn shape_of(&self, node: &Node<T>, operand: usize) -> Shape {
        self.program.graph.node(node.operands[operand]).shape
    }

    /// Rows that are a number, as a block has them.
    fn rows_of(&self, shape: Shape, id: NodeId) -> Result<i64> {
        match shape.rows {
            Dim::Fixed(rows) => Ok(rows as i64),
            Dim::M | Dim::Multiple(_) => self.refused(id, "its rows are examples"),
        }
    }

    pub(super) fn structure(&mut self, id: NodeId, node: &Node<T>, x: &[Value]) -> Result<Value> {
        Ok(match &node.op {
            Op::Stack(stack) => self.concatenated(x, axis(stack.0)),
            Op::Slice(slice) => {
                let (along, start, end) = slice.range();
                let (from, to) =
                    (self.builder.integers(&[start as i64]), self.builder.integers(&[end as i64]));
                let axes = self.builder.integers(&[axis(along)]);
                self.builder.node("Slice", &[x[0], from, to, axes])
            }
            Op::Pad(pad) => self.padded(id, node, pad.place(), x[0])?,
            Op::Fold(fold) => self.fold(id, node, (fold.way, fold.by as i64), x[0])?,
            Op::BlockMatmul(product) => self.block_product(id, node, *product, x)?,
            Op::BlockTranspose(_) => {
                let (blocks, columns) = self.blocks(id, self.shape_of(node, 0), x[0])?;
                let turned = self.builder.transpose(blocks, &[2, 1, 0]);
                self.builder.reshape(turned, &[columns, -1])
            }
            Op::RowsAt(rows_at) => {
                let rows = self.rows_of(self.shape_of(node, 0), id)?;
                let (numbers, has_zeros) = indices(&rows_at.rows, rows);
                let x = if has_zeros { self.padded_by_a_row(x[0]) } else { x[0] };
                let numbers = self.builder.integers(&numbers);
                self.builder.node_with("Gather", &[x, numbers], vec![Attribute::Integer("axis", 0)])
            }
            Op::RowsAdded(added) => {
                let (numbers, has_zeros) = indices(&added.rows, added.of as i64);
                let rows = added.of + usize::from(has_zeros);
                let sums = Shape { rows: Dim::Fixed(rows), ..node.shape };
                let sums = self.added(id, sums, &numbers, x[0])?;
                if has_zeros { self.rows_up_to(sums, added.of as i64) } else { sums }
            }
            Op::Gather(_) => {
                let is_row = self.shape_of(node, 0).rows == Dim::ONE;
                let columns = self.whole_numbers(x[0], is_row);
                self.builder.node_with("Gather", &[x[1], columns], vec![Attribute::Integer("axis", 1)])
            }
            Op::ColumnsAdded(added) => {
                let is_row = self.shape_of(node, 0).rows == Dim::ONE;
                let columns = self.whole_numbers(x[0], is_row);
                let columns = self.builder.reshape(columns, &[-1, 1]);
                let turned = self.builder.transpose(x[1], &[1, 0]);
                let rows = self.rows_of(node.shape, id)?;
                // The zeros of a whole table would make the file as long.
                let zero = self.builder.number(0.0);
                let shape = self.builder.integers(&[added.of as i64, rows]);
                let zeros = self.builder.node("Expand", &[zero, shape]);
                let sums = self.scattered(zeros, columns, turned);
                self.builder.transpose(sums, &[1, 0])
            }
            Op::Identity(identity) => self.identity(id, identity.extent)?,
            Op::CumulativeSum(sum) => {
                let rows = self.builder.constant(Elements::Integer, Vec::new(), vec![0; 8]);
                let reverse = Attribute::Integer("reverse", i64::from(sum.from == From::Last));
                self.builder.node_with("CumSum", &[x[0], rows], vec![reverse])
            }
            Op::ArgMax(arg_max) => {
                let axis = i64::from(arg_max.over == Over::Columns);
                let place = self.builder.node_with("ArgMax", x, vec![Attribute::Integer("axis", axis)]);
                self.builder.cast(place, self.builder.elements)
            }
            Op::LowerTriangle(triangle) => {
                let lower = self.builder.node_with("Trilu", x, vec![Attribute::Integer("upper", 0)]);
                match triangle.diagonal {
                    Diagonal::Whole => lower,
                    Diagonal::Half => {
                        let (identity, half) =
                            (self.builder.node("EyeLike", &[lower]), self.builder.number(0.5));
                        let halves = self.builder.node("Mul", &[identity, half]);
                        let halves = self.builder.node("Mul", &[lower, halves]);
                        self.builder.node("Sub", &[lower, halves])
                    }
                }
            }
            Op::Leaf(_)
            | Op::Number(_)
            | Op::Negate(_)
            | Op::Transpose(_)
            | Op::Matmul(_)
            | Op::Map(_)
            | Op::Zip(_)
            | Op::PowerDerivative(_)
            | Op::Select(_)
            | Op::Reduce(_)
            | Op::Broadcast(_)
            | Op::LogLoss(_)
            | Op::LogLossOnLogits(_)
            | Op::SigmoidMinus(_)
            | Op::Softmax(_)
            | Op::Stop(_)
            | Op::Cholesky(_)
            | Op::SolveLower(_)
            | Op::Lu(_)
            | Op::Solve(_)
            | Op::LogDet(_)
            | Op::Custom(_)
            | Op::Scale(_)
            | Op::Guarded(_) => unreachable!("no operation that moves numbers"),
        })
    }

    /// An (n, m, k) of n × (k·m), and k.
    fn blocks(&mut self, id: NodeId, shape: Shape, x: Value) -> Result<(Value, i64)> {
        let rows = self.rows_of(shape, id)?;
        let columns = shape.columns.per_example().expect("blocks are columns of examples") as i64;
        Ok((self.builder.reshape(x, &[rows, -1, columns]), columns))
    }

    fn block_product(
        &mut self,
        id: NodeId,
        node: &Node<T>,
        BlockMatmul { left, right }: BlockMatmul,
        x: &[Value],
    ) -> Result<Value> {
        let mut operand = |i: usize, turned: bool| {
            let (blocks, _) = self.blocks(id, self.shape_of(node, i), x[i])?;
            let order = if turned { [1, 2, 0] } else { [1, 0, 2] };
            Ok(self.builder.transpose(blocks, &order))
        };
        let (a, b) = (operand(0, left)?, operand(1, right)?);
        let products = self.builder.node("MatMul", &[a, b]);
        let rows = self.rows_of(node.shape, id)?;
        let turned = self.builder.transpose(products, &[1, 0, 2]);
        Ok(self.builder.reshape(turned, &[rows, -1]))
    }

    fn fold(&mut self, id: NodeId, node: &Node<T>, (way, k): (Way, i64), x: Value) -> Result<Value> {
        let (from, to) = (self.rows_of(self.shape_of(node, 0), id)?, self.rows_of(node.shape, id)?);
        let (parts, order) = match way {
            Way::Unfold => ([k, to, -1], [1, 2, 0]),
            Way::Fold => ([from, -1, k], [2, 0, 1]),
        };
        let parts = self.builder.reshape(x, &parts);
        let turned = self.builder.transpose(parts, &order);
        Ok(self.builder.reshape(turned, &[to, -1]))
    }

    /// Zeros before and after a range of rows or columns.
    fn padded(
        &mut self,
        id: NodeId,
        node: &Node<T>,
        (along, start, total): (Along, usize, Dim),
        x: Value,
    ) -> Result<Value> {
        let shape = self.shape_of(node, 0);
        let extent = if along == Along::Rows { shape.rows } else { shape.columns };
        let Dim::Fixed(n) = extent else { return self.refused(id, "zeros around all examples") };
        let (before, end) = (start as i64, (start + n) as i64);
        let (total, end) = (self.extent(total, id)?, self.builder.integers(&[end]));
        let after = self.builder.node("Sub", &[total, end]);
        let zero = self.builder.integers(&[0]);
        let before = self.builder.integers(&[before]);
        let pads = match along {
            Along::Rows => [before, zero, after, zero],
            Along::Columns => [zero, before, zero, after],
        };
        let pads = self.concatenated(&pads, 0);
        Ok(self.builder.node("Pad", &[x, pads]))
    }

    fn padded_by_a_row(&mut self, x: Value) -> Value {
        let pads = self.builder.integers(&[0, 0, 1, 0]);
        self.builder.node("Pad", &[x, pads])
    }

    fn rows_up_to(&mut self, x: Value, end: i64) -> Value {
        let (start, end) = (self.builder.integers(&[0]), self.builder.integers(&[end]));
        self.builder.node("Slice", &[x, start, end, start])
    }

    /// Zeros of a shape, with rows added where they are to be.
    fn added(&mut self, id: NodeId, shape: Shape, rows: &[i64], x: Value) -> Result<Value> {
        let (zero, shape) = (self.builder.number(0.0), self.shape(shape, id)?);
        let zeros = self.builder.node("Expand", &[zero, shape]);
        let rows_of_x = self.builder.integers(rows);
        let rows = self.builder.reshape(rows_of_x, &[-1, 1]);
        Ok(self.scattered(zeros, rows, x))
    }

    fn scattered(&mut self, to: Value, at: Value, x: Value) -> Value {
        self.builder.node_with("ScatterND", &[to, at, x], vec![Attribute::Text("reduction", "add")])
    }

    fn identity(&mut self, id: NodeId, extent: Dim) -> Result<Value> {
        let shape = self.shape(Shape { rows: extent, columns: extent }, id)?;
        let zero = self.builder.number(0.0);
        let zeros = self.builder.node("Expand", &[zero, shape]);
        Ok(self.builder.node("EyeLike", &[zeros]))
    }
}

/// The numbers of rows, with that of a row after the last one for a row of zeros; and whether there
/// is one.
fn indices(rows: &RowNumbers, after: i64) -> (Vec<i64>, bool) {
    let has_zeros = rows.iter().any(|row| row == ZEROS);
    (rows.iter().map(|row| if row == ZEROS { after } else { row.into() }).collect(), has_zeros)
}
