//! The messages of ONNX in the wire format of protocol buffers: the few that a graph of tensors
//! needs. A message is the list of its fields, each a number with a value.
//!
//! Numbers of fields are those of `onnx.proto`, in which none ever changes its meaning.

/// A message under construction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

/// How the value of a field is stored.
const VARINT: u64 = 0;
const BYTES: u64 = 2;
const FOUR_BYTES: u64 = 5;

impl Message {
    pub(super) fn new() -> Self {
        Message(Vec::new())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn varint(&mut self, mut x: u64) {
        while x >= 0x80 {
            self.0.push((x & 0x7f) as u8 | 0x80);
            x >>= 7;
        }
        self.0.push(x as u8);
    }

    fn key(&mut self, field: u64, stored: u64) {
        self.varint(field << 3 | stored);
    }

    /// A whole number; a negative one is stored as its two's complement.
    pub(super) fn integer(mut self, field: u64, x: i64) -> Self {
        self.key(field, VARINT);
        self.varint(x.cast_unsigned());
        self
    }

    /// A number in single precision.
    pub(super) fn single(mut self, field: u64, x: f32) -> Self {
        self.key(field, FOUR_BYTES);
        self.0.extend(x.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, field: u64, x: &[u8]) -> Self {
        self.key(field, BYTES);
        self.varint(x.len() as u64);
        self.0.extend(x);
        self
    }

    pub(super) fn text(self, field: u64, x: &str) -> Self {
        self.bytes(field, x.as_bytes())
    }

    pub(super) fn message(self, field: u64, x: &Message) -> Self {
        self.bytes(field, &x.0)
    }
}

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Elements {
    Single,
    Double,
    Integer,
}

impl Elements {
    /// Its number in `TensorProto.DataType`.
    pub(super) fn number(self) -> i64 {
        match self {
            Elements::Single => 1,
            Elements::Integer => 7,
            Elements::Double => 11,
        }
    }
}

/// A tensor with its numbers, row by row, each in little-endian order.
pub(super) fn tensor(name: &str, elements: Elements, shape: &[usize], data: &[u8]) -> Message {
    let dims = shape.iter().fold(Message::new(), |message, &n| message.integer(1, n as i64));
    dims.integer(2, elements.number()).text(8, name).bytes(9, data)
}

/// An extent of an input or an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extent {
    Number(usize),
    Symbol(String),
}

/// The name and the type of an input or an output.
pub(super) fn value(name: &str, elements: Elements, shape: &[Extent]) -> Message {
    let dim = |extent: &Extent| match extent {
        Extent::Number(n) => Message::new().integer(1, *n as i64),
        Extent::Symbol(symbol) => Message::new().text(2, symbol),
    };
    let shape = shape.iter().fold(Message::new(), |message, extent| message.message(1, &dim(extent)));
    let tensor = Message::new().integer(1, elements.number()).message(2, &shape);
    Message::new().text(1, name).message(2, &Message::new().message(1, &tensor))
}

/// What a node is told besides its operands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Attribute {
    Integer(&'static str, i64),
    Integers(&'static str, Vec<i64>),
    /// By its bits.
    Single(&'static str, u32),
    Text(&'static str, &'static str),
}

impl Attribute {
    fn message(&self) -> Message {
        match self {
            Attribute::Integer(name, x) => Message::new().text(1, name).integer(3, *x).integer(20, 2),
            Attribute::Integers(name, all) => {
                let numbers =
                    all.iter().fold(Message::new().text(1, name), |message, &x| message.integer(8, x));
                numbers.integer(20, 7)
            }
            Attribute::Text(name, text) => Message::new().text(1, name).text(4, text).integer(20, 3),
            Attribute::Single(name, bits) => {
                Message::new().text(1, name).single(2, f32::from_bits(*bits)).integer(20, 1)
            }
        }
    }
}

/// A node.
pub(super) fn node(operation: &str, inputs: &[&str], output: &str, attributes: &[Attribute]) -> Message {
    let message = inputs.iter().fold(Message::new(), |message, input| message.text(1, input));
    let message = message.text(2, output).text(4, operation);
    attributes.iter().fold(message, |message, attribute| message.message(5, &attribute.message()))
}
