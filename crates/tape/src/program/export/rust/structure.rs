//! What moves numbers, and what works on the blocks of examples.

use super::Writer;
use super::elements::NOT_WRITTEN;
use super::products::index;
use crate::ops::Op;
use crate::ops::cumulative::From;
use crate::ops::softmax::{Of, Softmax};
use crate::ops::stack::Along;
use crate::program::ids::NodeId;
use crate::tape::notation::Over;
use crate::{Result, Scalar};

/// The most numbers that kernels take as one part.
const MOST_CLASSES: usize = 1024;

impl<T: Scalar> Writer<'_, T> {
    pub(super) fn structure(&mut self, node: NodeId) -> Result<()> {
        let graph = &self.program.graph;
        let of = graph.node(node);
        let (rows, columns) = self.shape(node);
        let operands: Vec<NodeId> = of.operands.to_vec();
        let op = of.op.clone();
        match &op {
            Op::Fold(_) => {
                let (array, target) = (self.array(operands[0]), self.target(node));
                self.line(&format!("{target}.copy_from_slice(&{array}[..]);"));
                Ok(())
            }
            Op::Transpose(_) => {
                let (array, target) = (self.array(operands[0]), self.target(node));
                let value = index(&array, columns, if columns == 1 { "0" } else { "j" }, "i");
                self.each_element((rows, columns), &target, &value)
            }
            Op::Slice(slice) => {
                let (along, start, _) = slice.range();
                let (array, target) = (self.array(operands[0]), self.target(node));
                let stored = self.shape(operands[0]).0;
                let j = if columns == 1 { "0" } else { "j" };
                let value = match along {
                    Along::Rows => format!("{array}[{stored} * {j} + {start} + i]"),
                    Along::Columns => format!("{array}[{stored} * ({start} + {j}) + i]"),
                };
                self.each_element((rows, columns), &target, &value)
            }
            Op::Pad(pad) => {
                let ((along, start, _), target) = (pad.place(), self.target(node));
                self.line(&format!("{target}.fill(0.0);"));
                self.placed(node, &operands, along, start)
            }
            Op::Stack(stack) => self.placed(node, &operands, stack.0, 0),
            Op::RowsAt(rows_at) => {
                let numbers: Vec<u32> = rows_at.rows.iter().collect();
                let (array, target) = (self.array(operands[0]), self.target(node));
                let stored = self.shape(operands[0]).0;
                self.line("{");
                self.line(&format!("const ROWS: [u32; {}] = {numbers:?};", numbers.len()));
                let j = if columns == 1 { "0" } else { "j" };
                let value = format!(
                    "{array}[{stored} * {j}..][..{stored}].get(ROWS[i] as usize).copied().unwrap_or(0.0)"
                );
                self.each_element((rows, columns), &target, &value)?;
                self.line("}");
                Ok(())
            }
            Op::Identity(_) => {
                let target = self.target(node);
                self.each_element(
                    (rows, columns),
                    &target,
                    if columns == 1 { "1.0" } else { "if i == j { 1.0 } else { 0.0 }" },
                )
            }
            Op::CumulativeSum(sum) => {
                let (array, target) = (self.array(operands[0]), self.target(node));
                let order =
                    if sum.from == From::First { format!("0..{rows}") } else { format!("(0..{rows}).rev()") };
                self.line(&format!("for j in 0..{columns} {{"));
                self.line("let mut total = 0.0;");
                self.line(&format!("for i in {order} {{"));
                self.line(&format!("total += {array}[{rows} * j + i];"));
                self.line(&format!("{target}[{rows} * j + i] = total;"));
                self.line("}");
                self.line("}");
                Ok(())
            }
            Op::ArgMax(arg_max) => {
                let (array, target) = (self.array(operands[0]), self.target(node));
                let stored = self.shape(operands[0]).0;
                let (count, numbers) = match arg_max.over {
                    Over::Rows => (columns, format!("{array}[{stored} * j..][..{stored}].iter().copied()")),
                    Over::Columns | Over::All => {
                        (rows, format!("{array}[j..].iter().copied().step_by({stored})"))
                    }
                };
                self.line(&format!("for j in 0..{count} {{"));
                self.line(&format!("{target}[j] = place_of_greatest({numbers});"));
                self.line("}");
                Ok(())
            }
            Op::Softmax(softmax) => self.softmax(node, softmax, &operands),
            Op::Leaf(_) | Op::Number(_) => unreachable!("they are there before all steps"),
            Op::Matmul(_) | Op::Reduce(_) => unreachable!("they have steps of their own"),
            Op::Negate(_)
            | Op::Map(_)
            | Op::Zip(_)
            | Op::PowerDerivative(_)
            | Op::Select(_)
            | Op::Broadcast(_)
            | Op::LogLoss(_)
            | Op::LogLossOnLogits(_)
            | Op::SigmoidMinus(_)
            | Op::Stop(_)
            | Op::Scale(_)
            | Op::Guarded(_) => self.elements(&[node], &[node]),
            Op::BlockMatmul(product) => self.block_product(node, *product),
            Op::BlockTranspose(_) => {
                let (array, target) = (self.array(operands[0]), self.target(node));
                let (stored, k) = (columns / self.source.examples, rows);
                self.line(&format!("for block in 0..{} {{", self.source.examples));
                self.line(&format!("for i in 0..{stored} {{"));
                self.line(&format!("for k in 0..{k} {{"));
                self.line(&format!(
                    "{target}[{0} * block + {k} * i + k] = {array}[{0} * block + {stored} * k + i];",
                    stored * k
                ));
                self.line("}");
                self.line("}");
                self.line("}");
                Ok(())
            }
            Op::RowsAdded(added) => {
                let numbers: Vec<u32> = added.rows.iter().collect();
                let (array, target) = (self.array(operands[0]), self.target(node));
                self.line("{");
                self.line(&format!("const ROWS: [u32; {}] = {numbers:?};", numbers.len()));
                self.line(&format!("{target}.fill(0.0);"));
                self.line(&format!("for j in 0..{columns} {{"));
                self.line(&format!("for i in 0..{} {{", numbers.len()));
                self.line(&format!(
                    "if let Some(total) = {target}[{rows} * j..][..{rows}].get_mut(ROWS[i] as usize) {{"
                ));
                self.line(&format!("*total += {array}[{} * j + i];", numbers.len()));
                self.line("}");
                self.line("}");
                self.line("}");
                self.line("}");
                Ok(())
            }
            Op::Gather(_) => self.gathered(node, &operands),
            Op::ColumnsAdded(_) => self.columns_added(node, &operands),
            Op::Cholesky(_)
            | Op::LowerTriangle(_)
            | Op::SolveLower(_)
            | Op::Lu(_)
            | Op::Solve(_)
            | Op::LogDet(_) => self.refused(node, NOT_WRITTEN),
            Op::Custom(_) => self.refused(node, "it is an operation of the user's"),
        }
    }

    /// An operation on softmax(Z), column by column or of all elements.
    fn softmax(&mut self, node: NodeId, softmax: &Softmax, operands: &[NodeId]) -> Result<()> {
        let z = operands[operands.len() - 1];
        let (rows, columns) = self.shape(z);
        let (length, count) = match softmax.over {
            Over::Rows => (rows, columns),
            Over::All => (rows * columns, 1),
            Over::Columns if rows == 1 => (columns, 1),
            Over::Columns => return self.refused(node, "softmax over columns is not written down in source"),
        };
        if !(1..=MOST_CLASSES).contains(&length) {
            return self.refused(node, format!("softmax of {length} numbers"));
        }
        let part = |array: &str| match count {
            1 => format!("{array}[..]"),
            _ => format!("{array}[{length} * j..][..{length}]"),
        };
        let arrays: Vec<String> = operands.iter().map(|&operand| self.array(operand)).collect();
        let inputs: Vec<String> = arrays.iter().map(|array| format!("&{}", part(array))).collect();
        let inputs = inputs.join(", ");
        let target = self.target(node);
        let j = if count == 1 { "0" } else { "j" };
        let out = part(&target);
        let line = match softmax.of {
            Of::Derivative { order: 0 } => format!("softmax::<{length}>({inputs}, &mut {out});"),
            Of::Logarithm => format!("log_softmax::<{length}>({inputs}, &mut {out});"),
            Of::CrossEntropy => format!("{target}[{j}] = softmax_cross_entropy::<{length}>({inputs});"),
            Of::Minus(_) => format!("softmax_minus::<{length}>({inputs}, &mut {out});"),
            Of::Derivative { order: 1 } => format!("softmax_derivative::<{length}>({inputs}, &mut {out});"),
            Of::Centred => format!("softmax_centred::<{length}>({inputs}, &mut {out});"),
            Of::Derivative { .. } => {
                return self.refused(node, "third derivatives of ln Σ exp are not written down in source");
            }
        };
        match count {
            1 => self.line(&line),
            _ => {
                self.line(&format!("for j in 0..{count} {{"));
                self.line(&line);
                self.line("}");
            }
        }
        Ok(())
    }

    /// ln Σ exp of each column, or of all elements.
    pub(super) fn log_sum_exp(&mut self, node: NodeId, over: Over, x: NodeId) -> Result<()> {
        let (rows, columns) = self.shape(x);
        let (length, count) = match over {
            Over::Rows => (rows, columns),
            Over::All => (rows * columns, 1),
            Over::Columns if rows == 1 => (columns, 1),
            Over::Columns => return self.refused(node, "it is not written down over columns"),
        };
        if !(1..=MOST_CLASSES).contains(&length) {
            return self.refused(node, format!("ln Σ exp of {length} numbers"));
        }
        let (array, target) = (self.array(x), self.target(node));
        self.line(&format!(
            "for (total, column) in {target}.iter_mut().zip({array}.chunks_exact({length})).take({count}) {{"
        ));
        self.line(&format!("*total = log_sum_exp::<{length}>(column);"));
        self.line("}");
        Ok(())
    }

    /// Columns of a table, by indices; NaN for an index that there is not.
    fn gathered(&mut self, node: NodeId, operands: &[NodeId]) -> Result<()> {
        let (indices, table) = (self.array(operands[0]), self.array(operands[1]));
        let ((rows, columns), target) = (self.shape(operands[1]), self.target(node));
        self.line(&format!("for j in 0..{} {{", self.len(operands[0])));
        self.line(&format!("let at = {indices}[j] as usize;"));
        self.line(&format!("let out = &mut {target}[{rows} * j..][..{rows}];"));
        self.line(&format!("if at < {columns} && at as {} == {indices}[j] {{", self.numbers.name()));
        self.line(&format!("out.copy_from_slice(&{table}[{rows} * at..][..{rows}]);"));
        self.line("} else {");
        self.line(&format!("out.fill({}::NAN);", self.numbers.name()));
        self.line("}");
        self.line("}");
        Ok(())
    }

    /// Columns added up where indices say; all NaN for an index that there is not.
    fn columns_added(&mut self, node: NodeId, operands: &[NodeId]) -> Result<()> {
        let (indices, array) = (self.array(operands[0]), self.array(operands[1]));
        let ((rows, columns), target) = (self.shape(node), self.target(node));
        self.line(&format!("{target}.fill(0.0);"));
        self.line(&format!("for j in 0..{} {{", self.len(operands[0])));
        self.line(&format!("let at = {indices}[j] as usize;"));
        self.line(&format!("if at < {columns} && at as {} == {indices}[j] {{", self.numbers.name()));
        self.line(&format!("for i in 0..{rows} {{"));
        self.line(&format!("{target}[{rows} * at + i] += {array}[{rows} * j + i];"));
        self.line("}");
        self.line("} else {");
        self.line(&format!("{target}.fill({}::NAN);", self.numbers.name()));
        self.line("}");
        self.line("}");
        Ok(())
    }

    /// Operands beside each other, from a row or a column on, and zeros elsewhere.
    fn placed(&mut self, node: NodeId, operands: &[NodeId], along: Along, start: usize) -> Result<()> {
        let (rows, target) = (self.shape(node).0, self.target(node));
        let mut start = start;
        for &operand in operands {
            let (array, shape) = (self.array(operand), self.shape(operand));
            let (row, column) = match along {
                Along::Rows => (start, 0),
                Along::Columns => (0, start),
            };
            start += if along == Along::Rows { shape.0 } else { shape.1 };
            self.line(&format!("for j in 0..{} {{", shape.1));
            self.line(&format!("for i in 0..{} {{", shape.0));
            self.line(&format!(
                "{target}[{rows} * ({column} + j) + {row} + i] = {array}[{} * j + i];",
                shape.0
            ));
            self.line("}");
            self.line("}");
        }
        Ok(())
    }
}
