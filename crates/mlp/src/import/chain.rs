//! A graph as a chain of dense layers.

use tape::Matrix;

use super::file::{Attribute, Graph, Node, Tensor};
use super::{Layer, unreadable};
use crate::{Activation, Error, Result, Scalar};

/// Whether an example is a row or a column, once a product has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Examples {
    Rows,
    Columns,
}

impl Examples {
    fn turned(self) -> Self {
        match self {
            Examples::Rows => Examples::Columns,
            Examples::Columns => Examples::Rows,
        }
    }
}

/// The layers of a chain, and whether there is a softmax at its end.
pub(super) fn layers<T: Scalar>(graph: &Graph) -> Result<(Vec<Layer<T>>, bool)> {
    let given: Vec<&String> =
        graph.inputs.iter().filter(|name| !graph.constants.contains_key(*name)).collect();
    let ([input], [output]) = (&given[..], &graph.outputs[..]) else {
        let (inputs, outputs) = (given.len(), graph.outputs.len());
        return Err(unreadable(format!("{inputs} inputs and {outputs} outputs, where a chain has one each")));
    };
    let mut chain = Chain { graph, layers: Vec::new(), examples: None, turns: 0, has_softmax: false };
    let mut value = input.as_str();
    for _ in 0..graph.nodes.len() {
        let mut users = graph.nodes.iter().filter(|node| node.inputs.iter().any(|input| input == value));
        let Some(node) = users.next() else { break };
        value = match users.next() {
            None => chain.follow(node, value)?,
            Some(other) => chain.follow_two(node, other, value)?,
        };
    }
    match value == output {
        true => Ok((chain.layers, chain.has_softmax)),
        false => Err(unreadable(format!("{value} does not lead to {output}"))),
    }
}

struct Chain<'g, T: Scalar> {
    graph: &'g Graph,
    layers: Vec<Layer<T>>,
    examples: Option<Examples>,
    /// How often the examples were transposed since a product told where they are.
    turns: usize,
    has_softmax: bool,
}

/// A node that cannot be read.
fn refused(node: &Node, reason: &str) -> Error {
    let name = node.outputs.first().map_or("", String::as_str);
    unreadable(format!("{} ({name}): {reason}", node.operation))
}

impl<'g, T: Scalar> Chain<'g, T> {
    /// Goes over a node, to its output.
    fn follow(&mut self, node: &'g Node, value: &str) -> Result<&'g str> {
        if self.has_softmax && !matches!(node.operation.as_str(), "Identity" | "Transpose") {
            return Err(refused(node, "it follows a softmax"));
        }
        match node.operation.as_str() {
            "Identity" => {}
            "Transpose" => self.transpose(node)?,
            "MatMul" => self.product(node, value)?,
            "Gemm" => self.gemm(node, value)?,
            "Add" => {
                let b = self.column(node, self.other(node, value)?)?;
                match self.layers.last_mut() {
                    Some(layer) if layer.b.is_none() && matches!(layer.g, Activation::Identity) => {
                        layer.b = Some(b);
                    }
                    Some(_) | None => return Err(refused(node, "an addition that follows no product")),
                }
            }
            "Softmax" => self.softmax(node)?,
            _ => {
                let g = activation(node)?;
                self.activate(node, g)?;
            }
        }
        only_output(node)
    }

    /// Goes over x·σ(x), of whose two nodes both read x.
    fn follow_two(&mut self, first: &'g Node, second: &'g Node, value: &str) -> Result<&'g str> {
        let (sigmoid, product) = if first.operation == "Sigmoid" { (first, second) } else { (second, first) };
        let is_silu = sigmoid.operation == "Sigmoid"
            && product.operation == "Mul"
            && product.inputs.iter().any(|input| input == value)
            && product.inputs.iter().any(|input| *input == sigmoid.outputs[0])
            && product.inputs.len() == 2;
        if !is_silu {
            return Err(refused(second, "two nodes read one value, where a chain has one"));
        }
        self.activate(product, Activation::Silu)?;
        only_output(product)
    }

    /// Whether an example is a row or a column of the value at hand, if a product has told.
    fn examples_here(&self) -> Option<Examples> {
        self.examples.map(|examples| if self.turns.is_multiple_of(2) { examples } else { examples.turned() })
    }

    fn transpose(&mut self, node: &Node) -> Result<()> {
        match node.attributes.get("perm") {
            None => self.turns += 1,
            Some(Attribute::Integers(axes)) if axes[..] == [1, 0] => self.turns += 1,
            Some(Attribute::Integers(axes)) if axes[..] == [0, 1] => {}
            Some(_) => return Err(refused(node, "the axes of its operand are not two")),
        }
        Ok(())
    }

    fn softmax(&mut self, node: &Node) -> Result<()> {
        // The last one, whatever the version of the operators.
        let axis = match node.attributes.get("axis") {
            None | Some(Attribute::Integer(1 | -1)) => Some(Examples::Rows),
            Some(Attribute::Integer(0 | -2)) => Some(Examples::Columns),
            Some(_) => None,
        };
        match self.examples_here() {
            None => Err(refused(node, "a softmax before the first layer")),
            here if here != axis => Err(refused(node, "it is not over the outputs of each example")),
            Some(_) => {
                self.has_softmax = true;
                Ok(())
            }
        }
    }

    fn activate(&mut self, node: &Node, g: Activation<T>) -> Result<()> {
        match self.layers.last_mut() {
            Some(layer) if matches!(layer.g, Activation::Identity) => layer.g = g,
            Some(_) => return Err(refused(node, "a second activation")),
            None => return Err(refused(node, "an activation before the first layer")),
        }
        Ok(())
    }

    /// The constant that a node reads beside a value.
    fn other(&self, node: &'g Node, value: &str) -> Result<&'g Tensor> {
        let other = node.inputs.iter().find(|input| *input != value);
        other
            .and_then(|name| self.graph.constants.get(name))
            .ok_or_else(|| refused(node, "its other operand is no constant of floating-point numbers"))
    }

    /// A layer of these weights.
    fn push(&mut self, node: &Node, w: Matrix<T>, examples: Examples) -> Result<()> {
        if self.examples_here().is_some_and(|here| here != examples) {
            return Err(refused(node, "the examples were in rows before and are in columns here"));
        }
        if let Some(before) = self.layers.last()
            && before.w.rows() != w.columns()
        {
            return Err(refused(node, "it has another number of inputs than the layer before has neurons"));
        }
        (self.examples, self.turns) = (Some(examples), 0);
        self.layers.push(Layer { w, b: None, g: Activation::Identity });
        Ok(())
    }

    fn product(&mut self, node: &'g Node, value: &str) -> Result<()> {
        let weights = self.matrix(node, self.other(node, value)?)?;
        match node.inputs.first().is_some_and(|first| first == value) {
            true => self.push(node, weights.transposed(), Examples::Rows),
            false => self.push(node, weights, Examples::Columns),
        }
    }

    /// α·x * op(W) + β·c.
    fn gemm(&mut self, node: &'g Node, value: &str) -> Result<()> {
        let is = |name: &str, expected: i64| match node.attributes.get(name) {
            None => expected == 0,
            Some(attribute) => *attribute == Attribute::Integer(expected),
        };
        let is_one = |name: &str| match node.attributes.get(name) {
            None => true,
            Some(attribute) => *attribute == Attribute::Single(1.0),
        };
        let [x, w, rest @ ..] = &node.inputs[..] else { return Err(refused(node, "too few operands")) };
        if x != value || !is("transA", 0) || !is_one("alpha") || !is_one("beta") {
            return Err(refused(node, "only x * W + c and x * Wᵀ + c are layers"));
        }
        let w = self.graph.constants.get(w).ok_or_else(|| refused(node, "its weights are no constant"))?;
        let w = self.matrix(node, w)?;
        self.push(node, if is("transB", 1) { w } else { w.transposed() }, Examples::Rows)?;
        if let Some(c) = rest.first().filter(|name| !name.is_empty()) {
            let c = self.graph.constants.get(c).ok_or_else(|| refused(node, "its bias is no constant"))?;
            let b = self.column(node, c)?;
            self.layers.last_mut().expect("it was pushed").b = Some(b);
        }
        Ok(())
    }

    fn matrix(&self, node: &Node, tensor: &Tensor) -> Result<Matrix<T>> {
        let &[rows, columns] = &tensor.shape[..] else {
            return Err(refused(node, "its weights have not two axes"));
        };
        Ok(Matrix::try_from_fn(rows, columns, |i, j| T::from_f64(tensor.numbers[i * columns + j]))?)
    }

    /// A bias of the last layer.
    fn column(&self, node: &Node, tensor: &Tensor) -> Result<Matrix<T>> {
        let neurons = self.layers.last().map_or(0, |layer| layer.w.rows());
        let examples = self.examples_here();
        let across = match examples {
            Some(Examples::Columns) => [neurons, 1],
            Some(Examples::Rows) | None => [1, neurons],
        };
        let is_list = tensor.shape == [neurons] && examples == Some(Examples::Rows);
        match neurons > 0 && (is_list || tensor.shape == across) {
            true => Ok(Matrix::try_from_fn(neurons, 1, |i, _| T::from_f64(tensor.numbers[i]))?),
            false => Err(refused(node, "its bias has not a number for each neuron")),
        }
    }
}

fn only_output(node: &Node) -> Result<&str> {
    match &node.outputs[..] {
        [output] => Ok(output),
        _ => Err(refused(node, "it has several outputs")),
    }
}

/// The activation that a node is.
fn activation<T: Scalar>(node: &Node) -> Result<Activation<T>> {
    let parameter = |name: &str, default: f32| match node.attributes.get(name) {
        Some(Attribute::Single(x)) => T::from_f64(f64::from(*x)),
        _ => T::from_f64(f64::from(default)),
    };
    Ok(match node.operation.as_str() {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu(parameter("alpha", 0.01)),
        "Elu" => Activation::Elu(parameter("alpha", 1.0)),
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Softplus" => Activation::Softplus,
        "Sin" => Activation::Sin,
        "Cos" => Activation::Cos,
        "Abs" => Activation::Abs,
        "Gelu" => match node.attributes.get("approximate") {
            Some(Attribute::Text(form)) if form == "tanh" => Activation::GeluTanh,
            _ => Activation::GeluErf,
        },
        _ => return Err(refused(node, "no part of a dense network")),
    })
}
