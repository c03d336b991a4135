//! A graph of ONNX nodes under construction: each node once, each constant once.

use rustc_hash::{FxHashMap, FxHashSet};

use super::proto::{self, Attribute, Elements, Extent, Message};

/// The result of a node, a constant or an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Value(u32);

/// A constant: the type and the shape of a tensor, and its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Constant {
    elements: Elements,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// An operation on values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    operation: &'static str,
    inputs: Vec<Value>,
    attributes: Vec<Attribute>,
}

/// What an operation or a constant is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Made {
    Node(Node),
    Constant(Constant),
}

/// The graph.
#[derive(Debug)]
pub(super) struct Builder {
    /// The type of the program's numbers.
    pub(super) elements: Elements,
    names: Vec<Option<String>>,
    taken: FxHashSet<String>,
    made: FxHashMap<Made, Value>,
    nodes: Vec<(Value, Node)>,
    constants: Vec<(Value, Constant)>,
    inputs: Vec<(Value, Vec<Extent>)>,
    outputs: Vec<(Value, Vec<Extent>)>,
}

impl Builder {
    pub(super) fn new(elements: Elements) -> Self {
        Builder {
            elements,
            names: Vec::new(),
            taken: FxHashSet::default(),
            made: FxHashMap::default(),
            nodes: Vec::new(),
            constants: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn fresh(&mut self) -> Value {
        self.names.push(None);
        Value(self.names.len() as u32 - 1)
    }

    /// Gives a value a name that no other has, if it has none yet.
    pub(super) fn give_name(&mut self, value: Value, name: &str) {
        if self.names[value.0 as usize].is_some() {
            return;
        }
        let mut free = name.to_owned();
        let mut count = 1;
        while !self.taken.insert(free.clone()) {
            count += 1;
            free = format!("{name} ({count})");
        }
        self.names[value.0 as usize] = Some(free);
    }

    /// A tensor that is given when the graph is run.
    pub(super) fn input(&mut self, name: &str, shape: Vec<Extent>) -> Value {
        let value = self.fresh();
        self.give_name(value, name);
        self.inputs.push((value, shape));
        value
    }

    /// Hands out a value under a name: the value's own name, if it can have it.
    pub(super) fn output(&mut self, value: Value, name: &str, shape: Vec<Extent>) {
        let is_node = self.nodes.iter().any(|(made, _)| *made == value);
        let is_free = is_node && self.names[value.0 as usize].is_none();
        let value = if is_free { value } else { self.copy(value) };
        self.give_name(value, name);
        self.outputs.push((value, shape));
    }

    /// A node of its own.
    fn copy(&mut self, value: Value) -> Value {
        let copy = self.fresh();
        self.nodes.push((copy, Node { operation: "Identity", inputs: vec![value], attributes: Vec::new() }));
        copy
    }

    /// The result of an operation.
    pub(super) fn node(&mut self, operation: &'static str, inputs: &[Value]) -> Value {
        self.node_with(operation, inputs, Vec::new())
    }

    pub(super) fn node_with(
        &mut self,
        operation: &'static str,
        inputs: &[Value],
        attributes: Vec<Attribute>,
    ) -> Value {
        let node = Node { operation, inputs: inputs.to_vec(), attributes };
        if let Some(&value) = self.made.get(&Made::Node(node.clone())) {
            return value;
        }
        let value = self.fresh();
        self.made.insert(Made::Node(node.clone()), value);
        self.nodes.push((value, node));
        value
    }

    /// A constant, row by row.
    pub(super) fn constant(&mut self, elements: Elements, shape: Vec<usize>, data: Vec<u8>) -> Value {
        let constant = Constant { elements, shape, data };
        if let Some(&value) = self.made.get(&Made::Constant(constant.clone())) {
            return value;
        }
        let value = self.fresh();
        self.made.insert(Made::Constant(constant.clone()), value);
        self.constants.push((value, constant));
        value
    }

    /// A constant of its own, with a name.
    pub(super) fn parameter(&mut self, name: &str, shape: Vec<usize>, data: Vec<u8>) -> Value {
        let value = self.fresh();
        self.give_name(value, name);
        self.constants.push((value, Constant { elements: self.elements, shape, data }));
        value
    }

    /// A number, 1 × 1.
    pub(super) fn number(&mut self, x: f64) -> Value {
        let data = match self.elements {
            Elements::Single => (x as f32).to_le_bytes().to_vec(),
            Elements::Double | Elements::Integer => x.to_le_bytes().to_vec(),
        };
        self.constant(self.elements, vec![1, 1], data)
    }

    /// A list of whole numbers.
    pub(super) fn integers(&mut self, numbers: &[i64]) -> Value {
        let data = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(Elements::Integer, vec![numbers.len()], data)
    }

    /// A tensor of another type.
    pub(super) fn cast(&mut self, x: Value, to: Elements) -> Value {
        self.node_with("Cast", &[x], vec![Attribute::Integer("to", to.number())])
    }

    /// 1 or 0 of the program's type.
    pub(super) fn indicator(&mut self, condition: Value) -> Value {
        self.cast(condition, self.elements)
    }

    pub(super) fn transpose(&mut self, x: Value, order: &[i64]) -> Value {
        self.node_with("Transpose", &[x], vec![Attribute::Integers("perm", order.to_vec())])
    }

    /// A reduction that keeps the axes that it runs over.
    pub(super) fn reduce(&mut self, operation: &'static str, x: Value, axes: &[i64]) -> Value {
        let axes = self.integers(axes);
        self.node(operation, &[x, axes])
    }

    /// The numbers in another shape, in which one extent may be −1: what is left.
    pub(super) fn reshape(&mut self, x: Value, shape: &[i64]) -> Value {
        let shape = self.integers(shape);
        self.node("Reshape", &[x, shape])
    }

    /// The message `GraphProto` with this name.
    pub(super) fn graph(&self, name: &str) -> Message {
        let named: Vec<String> = self.all_names();
        let name_of = |value: &Value| named[value.0 as usize].as_str();
        let mut graph = Message::new();
        for (value, Node { operation, inputs, attributes }) in &self.nodes {
            let inputs: Vec<&str> = inputs.iter().map(name_of).collect();
            graph = graph.message(1, &proto::node(operation, &inputs, name_of(value), attributes));
        }
        graph = graph.text(2, name);
        for (value, Constant { elements, shape, data }) in &self.constants {
            graph = graph.message(5, &proto::tensor(name_of(value), *elements, shape, data));
        }
        for (value, shape) in &self.inputs {
            graph = graph.message(11, &proto::value(name_of(value), self.elements, shape));
        }
        for (value, shape) in &self.outputs {
            graph = graph.message(12, &proto::value(name_of(value), self.elements, shape));
        }
        graph
    }

    /// A name for every value: what has none gets its number.
    fn all_names(&self) -> Vec<String> {
        let name = |(i, name): (usize, &Option<String>)| match name {
            Some(name) => name.clone(),
            None => {
                let mut own = format!("v{i}");
                while self.taken.contains(&own) {
                    own.push('_');
                }
                own
            }
        };
        self.names.iter().enumerate().map(name).collect()
    }
}
