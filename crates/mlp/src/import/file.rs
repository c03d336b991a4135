//! The messages of an ONNX file, in the wire format of protocol buffers. Nothing is allocated but
//! what the file itself is long.

use std::collections::HashMap;

use super::unreadable;
use crate::Result;

/// A field's number, and its value.
enum Field<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    Single(f32),
    /// Of eight bytes, which ONNX has in packed lists alone.
    Other,
}

/// A message that is being read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64> {
        let mut x = 0_u64;
        for shift in (0..64).step_by(7) {
            let Some((&byte, rest)) = self.0.split_first() else { return Err(ends()) };
            self.0 = rest;
            x |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(x);
            }
        }
        Err(unreadable("a number of more than 64 bits"))
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let count = usize::try_from(count).map_err(|_| ends())?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(ends)?;
        self.0 = rest;
        Ok(taken)
    }

    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Field::Integer(self.varint()?),
            1 => {
                self.take(8)?;
                Field::Other
            }
            2 => {
                let count = self.varint()?;
                Field::Bytes(self.take(count)?)
            }
            5 => {
                let bytes = self.take(4)?;
                Field::Single(f32::from_le_bytes(bytes.try_into().expect("four bytes")))
            }
            _ => return Err(unreadable("no protocol buffer")),
        };
        Ok(Some((key >> 3, value)))
    }
}

fn ends() -> crate::Error {
    unreadable("the file ends in the middle")
}

fn text(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| unreadable("a name that is no text"))
}

/// What a node is told besides its operands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute {
    Integer(i64),
    Single(f32),
    Integers(Vec<i64>),
    Text(String),
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) operation: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: HashMap<String, Attribute>,
}

/// A tensor of numbers, row by row.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Vec<f64>,
}

/// The graph of a file.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: HashMap<String, Tensor>,
    /// What is given when it is run, constants among it in some files.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
}

/// The graph of a `ModelProto`.
pub(super) fn graph(bytes: &[u8]) -> Result<Graph> {
    let mut fields = Fields(bytes);
    let mut found = None;
    while let Some((field, value)) = fields.next()? {
        if let (7, Field::Bytes(bytes)) = (field, value) {
            found = Some(graph_of(bytes)?);
        }
    }
    found.ok_or_else(|| unreadable("no graph"))
}

fn graph_of(bytes: &[u8]) -> Result<Graph> {
    let (mut graph, mut fields) = (Graph::default(), Fields(bytes));
    while let Some((field, value)) = fields.next()? {
        let Field::Bytes(bytes) = value else { continue };
        match field {
            1 => graph.nodes.push(node(bytes)?),
            5 => {
                let (name, tensor) = tensor(bytes)?;
                if let Some(tensor) = tensor {
                    graph.constants.insert(name, tensor);
                }
            }
            11 => graph.inputs.push(name_of(bytes)?),
            12 => graph.outputs.push(name_of(bytes)?),
            _ => {}
        }
    }
    Ok(graph)
}

/// The name in a `ValueInfoProto`.
fn name_of(bytes: &[u8]) -> Result<String> {
    let mut fields = Fields(bytes);
    while let Some((field, value)) = fields.next()? {
        if let (1, Field::Bytes(bytes)) = (field, value) {
            return text(bytes);
        }
    }
    Ok(String::new())
}

fn node(bytes: &[u8]) -> Result<Node> {
    let mut node = Node {
        operation: String::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        attributes: HashMap::new(),
    };
    let mut fields = Fields(bytes);
    while let Some((field, value)) = fields.next()? {
        let Field::Bytes(bytes) = value else { continue };
        match field {
            1 => node.inputs.push(text(bytes)?),
            2 => node.outputs.push(text(bytes)?),
            4 => node.operation = text(bytes)?,
            5 => {
                let (name, attribute) = attribute(bytes)?;
                node.attributes.extend(attribute.map(|attribute| (name, attribute)));
            }
            _ => {}
        }
    }
    Ok(node)
}

fn attribute(bytes: &[u8]) -> Result<(String, Option<Attribute>)> {
    let (mut name, mut found, mut list) = (String::new(), None, Vec::new());
    let mut fields = Fields(bytes);
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Field::Bytes(bytes)) => name = text(bytes)?,
            (2, Field::Single(x)) => found = Some(Attribute::Single(x)),
            (3, Field::Integer(x)) => found = Some(Attribute::Integer(x.cast_signed())),
            (4, Field::Bytes(bytes)) => found = Some(Attribute::Text(text(bytes)?)),
            (8, value) => integers(value, &mut list)?,
            _ => {}
        }
    }
    let list = (!list.is_empty()).then_some(Attribute::Integers(list));
    Ok((name, found.or(list)))
}

/// Whole numbers, one by one or packed.
fn integers(value: Field<'_>, to: &mut Vec<i64>) -> Result<()> {
    match value {
        Field::Integer(x) => to.push(x.cast_signed()),
        Field::Bytes(bytes) => {
            let mut packed = Fields(bytes);
            while !packed.0.is_empty() {
                to.push(packed.varint()?.cast_signed());
            }
        }
        Field::Single(_) | Field::Other => return Err(unreadable("a list of numbers of another type")),
    }
    Ok(())
}

/// A `TensorProto` of floating-point numbers, with its name; of other numbers the name alone.
fn tensor(bytes: &[u8]) -> Result<(String, Option<Tensor>)> {
    let (mut name, mut extents, mut elements) = (String::new(), Vec::new(), 0);
    let (mut raw, mut singles, mut doubles) = (None, Vec::new(), Vec::new());
    let mut is_elsewhere = false;
    let mut fields = Fields(bytes);
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, value) => integers(value, &mut extents)?,
            (2, Field::Integer(number)) => elements = number,
            (4, Field::Single(x)) => singles.push(x.into()),
            (4, Field::Bytes(bytes)) => singles.extend(singles_of(bytes)),
            (8, Field::Bytes(bytes)) => name = text(bytes)?,
            (9, Field::Bytes(bytes)) => raw = Some(bytes),
            (10, Field::Bytes(bytes)) => doubles.extend(doubles_of(bytes)),
            (14, Field::Integer(place)) => is_elsewhere = place != 0,
            _ => {}
        }
    }
    if is_elsewhere {
        return Err(unreadable(format!("the numbers of {name} are in another file")));
    }
    let numbers: Vec<f64> = match (elements, raw) {
        (1, Some(raw)) => singles_of(raw).collect(),
        (11, Some(raw)) => doubles_of(raw).collect(),
        (1, None) => singles,
        (11, None) => doubles,
        _ => return Ok((name, None)),
    };
    let shape: Option<Vec<usize>> = extents.iter().map(|&n| usize::try_from(n).ok()).collect();
    let shape = shape.ok_or_else(|| unreadable(format!("{name} has a negative extent")))?;
    let count = shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n));
    if count != Some(numbers.len()) {
        return Err(unreadable(format!("{name} is {shape:?} and has {} numbers", numbers.len())));
    }
    Ok((name, Some(Tensor { shape, numbers })))
}

fn singles_of(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x).into())
}

fn doubles_of(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks().0.iter().map(|x| f64::from_le_bytes(*x))
}
