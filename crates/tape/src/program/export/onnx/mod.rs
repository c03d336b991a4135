//! A program as a file of the exchange format ONNX.

mod builder;
mod functions;
mod losses;
mod nodes;
mod proto;
mod structure;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::ops::leaf::LeafKind;
use crate::program::Program;
use crate::program::bind::leaves::LeafState;
use crate::program::ids::NodeId;
use crate::tape::ids::IdVec;
use crate::{Dim, MatrixRef, Result, Scalar, Shape};
use builder::{Builder, Value};
use proto::{Attribute, Elements, Extent, Message};

/// What messages call the format.
const FORMAT: &str = "ONNX";
/// The version of the operators, and that of the file format which came with it.
const OPERATORS: i64 = 18;
const VERSION: i64 = 8;
/// What a file of protocol buffers may be long.
const MOST_BYTES: usize = i32::MAX as usize;

/// How [`Program::to_onnx`] writes a program.
///
/// ```
/// use tape::OnnxOptions;
/// let options = OnnxOptions::default().parameters_as_inputs(true).examples_as_rows(true);
/// assert_ne!(options, OnnxOptions::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "options have an effect where a program is written with them"]
pub struct OnnxOptions {
    parameters_as_inputs: bool,
    examples_as_rows: bool,
}

impl OnnxOptions {
    /// Whether parameters are inputs, as a training loop elsewhere needs them; by default they are
    /// constants with the values that they have now. Those whose shape depends on m are inputs
    /// always.
    pub fn parameters_as_inputs(mut self, inputs: bool) -> Self {
        self.parameters_as_inputs = inputs;
        self
    }

    /// Whether inputs and outputs that have a column per example are m × n, with a row per example,
    /// as most libraries have them. By default they are n × m, as in the equations.
    pub fn examples_as_rows(mut self, rows: bool) -> Self {
        self.examples_as_rows = rows;
        self
    }
}

/// # Writing it for others
impl<T: Scalar> Program<T> {
    /// The program as a file of the exchange format ONNX (opset 18), for ONNX Runtime and others:
    /// what the program computes after its rewrites, gradients included, for any m.
    ///
    /// Examples are inputs by their names, outputs have the names that equations give them (`J`,
    /// `∂J/∂W[1]`). All are matrices of two axes: a matrix n × m of the tape is a tensor of the
    /// shape (n, "m"), and k·m columns are "k*m". What is finite in the program is finite there: a
    /// loss of saturated logits, say. σ and tanh by themselves are the operators of these names:
    /// of σ(−40), 4e-18, ONNX Runtime leaves 0.
    ///
    /// ```
    /// use tape::{OnnxOptions, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter("W", &matrix![[0.5, -0.25]]);
    /// let x = tape.examples_unbound("X", 2);
    /// let a = w.matmul(x).sigmoid().named("A");
    /// let bytes = tape.compile([a])?.to_onnx(&OnnxOptions::default())?;
    /// // std::fs::write("prediction.onnx", bytes)
    /// assert!(bytes.len() < 400);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotExportable`](crate::Error::NotExportable) for what ONNX has no operators for:
    /// operations and functions of the user's, noise, factorisations of matrices, and derivatives
    /// of powers and of softmax of a high order; or for more than 2 GiB.
    /// [`Error::Unbound`](crate::Error::Unbound) for a parameter or constant without a value.
    pub fn to_onnx(&self, options: &OnnxOptions) -> Result<Vec<u8>> {
        T::program_to_onnx(self, *options)
    }

    pub(crate) fn to_onnx_here(&self, options: OnnxOptions) -> Result<Vec<u8>> {
        let mut exporter = Exporter {
            program: self,
            builder: Builder::new(if T::NAME == "f32" { Elements::Single } else { Elements::Double }),
            values: IdVec::filled(None, self.graph.nodes.len()),
            examples: None,
            options,
        };
        exporter.leaves()?;
        exporter.all_nodes()?;
        exporter.outputs();
        let graph = exporter.builder.graph("tape");
        if graph.len() > MOST_BYTES {
            let reason = format!("a file of {} bytes is longer than the format allows", graph.len());
            return Err(self.not_exportable(FORMAT, self.graph.outputs[0], reason));
        }
        Ok(model(&graph).into_bytes())
    }
}

/// `ModelProto`.
fn model(graph: &Message) -> Message {
    let operators = Message::new().text(1, "").integer(2, OPERATORS);
    Message::new()
        .integer(1, VERSION)
        .text(2, "tape")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph)
        .message(8, &operators)
}

/// A program on its way into a graph of ONNX.
struct Exporter<'p, T: Scalar> {
    program: &'p Program<T>,
    builder: Builder,
    values: IdVec<NodeId, Option<Value>>,
    /// An input that tells the number of examples: the axis on which it has them, and how many
    /// columns of each.
    examples: Option<(Value, i64, usize)>,
    options: OnnxOptions,
}

impl<T: Scalar> Exporter<'_, T> {
    fn leaves(&mut self) -> Result<()> {
        for leaf in self.program.exported_leaves() {
            let name = self.program.label_of_leaf(leaf.node);
            let is_input = match leaf.kind {
                LeafKind::Examples => true,
                LeafKind::Noise(_) => {
                    let reason = "noise is drawn by the program itself";
                    return Err(self.program.not_exportable(FORMAT, leaf.node, reason));
                }
                // What has columns of examples now has those of other examples then.
                _ if leaf.at.shape.depends_on_m() => true,
                LeafKind::Parameter => self.options.parameters_as_inputs,
                LeafKind::Constant => false,
            };
            let value = if is_input { self.input(leaf, &name) } else { self.parameter(leaf, &name)? };
            self.values[leaf.node] = Some(value);
        }
        Ok(())
    }

    /// A leaf that is given when the graph is run.
    fn input(&mut self, leaf: &LeafState<T>, name: &str) -> Value {
        let shape = leaf.at.shape;
        let extents = self.extents(shape);
        let value = self.builder.input(name, extents);
        let value = if self.is_turned(shape) { self.builder.transpose(value, &[1, 0]) } else { value };
        for (axis, dim) in [(0, shape.rows), (1, shape.columns)] {
            if let Some(per_example) = dim.per_example() {
                self.examples.get_or_insert((value, axis, per_example));
            }
        }
        value
    }

    fn parameter(&mut self, leaf: &LeafState<T>, name: &str) -> Result<Value> {
        let matrix = self.program.value_of(leaf)?;
        let shape = vec![matrix.rows(), matrix.columns()];
        Ok(self.builder.parameter(name, shape, row_by_row(matrix)))
    }

    fn all_nodes(&mut self) -> Result<()> {
        for (id, node) in self.program.nodes() {
            if self.values[id].is_some() {
                continue;
            }
            let operands: Vec<Value> = node.operands.iter().map(|&operand| self.value(operand)).collect();
            let value = self.node(id, node, &operands)?;
            self.values[id] = Some(value);
        }
        Ok(())
    }

    fn outputs(&mut self) {
        let graph = &self.program.graph;
        for (&node, asked) in graph.outputs.iter().zip(&graph.asked) {
            let shape = graph.node(node).shape;
            let value = self.value(node);
            let value = if self.is_turned(shape) { self.builder.transpose(value, &[1, 0]) } else { value };
            let name = asked.to_string();
            let extents = self.extents(shape);
            self.builder.output(value, &name, extents);
        }
    }

    fn value(&self, node: NodeId) -> Value {
        self.values[node].expect("operands come before what uses them")
    }

    /// Whether a matrix has its examples in rows outside.
    fn is_turned(&self, shape: Shape) -> bool {
        self.options.examples_as_rows && shape.is_per_example()
    }

    /// The shape of an input or output as it is outside.
    fn extents(&self, shape: Shape) -> Vec<Extent> {
        let extent = |dim: Dim| match dim {
            Dim::Fixed(n) => Extent::Number(n),
            Dim::M => Extent::Symbol("m".into()),
            Dim::Multiple(k) => Extent::Symbol(format!("{}*m", k.get())),
        };
        let mut extents = vec![extent(shape.rows), extent(shape.columns)];
        if self.is_turned(shape) {
            extents.reverse();
        }
        extents
    }

    /// The number of examples, a list of one whole number.
    fn m(&mut self, node: NodeId) -> Result<Value> {
        let Some((value, axis, per_example)) = self.examples else {
            let reason = "it depends on the number of examples, which no input tells";
            return Err(self.program.not_exportable(FORMAT, node, reason));
        };
        let ends = vec![Attribute::Integer("start", axis), Attribute::Integer("end", axis + 1)];
        let extent = self.builder.node_with("Shape", &[value], ends);
        if per_example == 1 {
            return Ok(extent);
        }
        let by = self.builder.integers(&[per_example as i64]);
        Ok(self.builder.node("Div", &[extent, by]))
    }

    /// An extent, a list of one whole number.
    fn extent(&mut self, dim: Dim, node: NodeId) -> Result<Value> {
        let k = match dim {
            Dim::Fixed(n) => return Ok(self.builder.integers(&[n as i64])),
            Dim::M => return self.m(node),
            Dim::Multiple(k) => k.get(),
        };
        let (m, k) = (self.m(node)?, self.builder.integers(&[k as i64]));
        Ok(self.builder.node("Mul", &[m, k]))
    }

    /// A shape, as a list of whole numbers.
    fn shape(&mut self, shape: Shape, node: NodeId) -> Result<Value> {
        if let (Dim::Fixed(rows), Dim::Fixed(columns)) = (shape.rows, shape.columns) {
            return Ok(self.builder.integers(&[rows as i64, columns as i64]));
        }
        let (rows, columns) = (self.extent(shape.rows, node)?, self.extent(shape.columns, node)?);
        Ok(self.concatenated(&[rows, columns], 0))
    }

    fn concatenated(&mut self, parts: &[Value], axis: i64) -> Value {
        self.builder.node_with("Concat", parts, vec![Attribute::Integer("axis", axis)])
    }

    fn refused<R>(&self, node: NodeId, reason: impl Into<Cow<'static, str>>) -> Result<R> {
        Err(self.program.not_exportable(FORMAT, node, reason.into()))
    }
}

/// A matrix as tensors are stored.
fn row_by_row<T: Scalar>(matrix: MatrixRef<'_, T>) -> Vec<u8> {
    let mut data = Vec::with_capacity(size_of_val(matrix.as_slice()));
    for i in 0..matrix.rows() {
        for j in 0..matrix.columns() {
            let bytes = matrix.column(j)[i].bits().to_le_bytes();
            data.extend(&bytes[..size_of::<T>()]);
        }
    }
    data
}
