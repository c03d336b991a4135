//! From a list to its text.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::number::Number;
use super::{FORMAT, VERSION, Values};
use crate::tape::ids::Id;
use crate::{Dim, Entry, LeafKind, Matrix, Notation, Parameter, Scalar, Shape, SourcePlace, Tape};

impl<T: Scalar> Tape<T> {
    pub(crate) fn to_json_here(&self, values: Values) -> String {
        let mistakes: Vec<String> = self.mistakes();
        let probes: Vec<usize> = self.probes.borrow().iter().map(|probe| probe.index()).collect();
        let m = self.examples_of_leaves().filter(|_| values == Values::All);
        let head = [
            ("format", text(&FORMAT)),
            ("version", text(&VERSION)),
            ("scalar", text(&T::NAME)),
            ("m", text(&m)),
            ("differentiations", text(&self.differentiations())),
            ("probes", text(&probes)),
            ("mistakes", text(&mistakes)),
        ];
        let mut json = String::from("{\n");
        for (name, value) in head {
            let _ = writeln!(json, "\"{name}\": {value},"); // writing to a string does not fail
        }
        json.push_str("\"entries\": [");
        for entry in self.entries() {
            json.push_str(if entry.index() == 0 { "\n" } else { ",\n" });
            json.push_str(&text(&OfEntry::new(entry, values)));
        }
        json.push_str("\n]\n}\n");
        json
    }
}

/// The JSON of a value whose names are all words.
fn text<V: Serialize + ?Sized>(value: &V) -> String {
    serde_json::to_string(value).expect("nothing in a list is without its JSON")
}

#[derive(serde::Serialize)]
#[serde(bound = "")]
struct OfEntry<T: Scalar> {
    id: usize,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    operation: OfOperation<T>,
    notation: Notation,
    operands: Vec<usize>,
    shape: OfShape,
    place: OfPlace,
    #[serde(skip_serializing_if = "Option::is_none")]
    derivative_of: Option<OfDerivative>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differentiation: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaf: Option<OfLeaf<T>>,
}

#[derive(serde::Serialize)]
#[serde(bound = "")]
struct OfOperation<T: Scalar> {
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "OfParameters::is_empty")]
    parameters: OfParameters<T>,
}

pub(crate) struct OfParameters<T>(pub(crate) Vec<(&'static str, Parameter<T>)>);

#[derive(serde::Serialize)]
struct OfPlace {
    file: String,
    line: u32,
    column: u32,
}

#[derive(serde::Serialize)]
struct OfDerivative {
    of: String,
    with_respect_to: usize,
}

#[derive(serde::Serialize)]
#[serde(bound = "")]
struct OfLeaf<T: Scalar> {
    kind: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<OfMatrix<T>>,
}

struct OfMatrix<T: Scalar>(Arc<Matrix<T>>);

pub(crate) struct OfShape(pub(crate) Shape);

struct OfDim(Dim);

impl<T: Scalar> OfEntry<T> {
    fn new(entry: Entry<'_, T>, values: Values) -> Self {
        let leaf = entry.leaf_kind().map(|kind| OfLeaf {
            kind: kind.name(),
            value: entry
                .leaf_value()
                .filter(|_| values == Values::All || kind == LeafKind::Constant)
                .map(OfMatrix),
        });
        let SourcePlace { file, line, column } = entry.place();
        OfEntry {
            id: entry.index(),
            label: entry.label(),
            name: entry.name(),
            operation: OfOperation {
                kind: entry.kind().name(),
                name: entry.operation(),
                parameters: OfParameters(entry.parameters()),
            },
            notation: entry.notation(),
            operands: entry.operands().map(Entry::index).collect(),
            shape: OfShape(entry.shape()),
            place: OfPlace { file: file.to_string(), line, column },
            derivative_of: entry.derivative_of().map(|derivative| OfDerivative {
                of: derivative.of.to_string(),
                with_respect_to: derivative.with_respect_to.index(),
            }),
            differentiation: entry.differentiation(),
            leaf,
        }
    }
}

impl<T> OfParameters<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Scalar> Serialize for OfParameters<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, parameter) in &self.0 {
            match parameter {
                Parameter::Whole(n) => map.serialize_entry(name, n)?,
                Parameter::Number(x) => map.serialize_entry(name, &Number(*x))?,
                Parameter::Word(word) => map.serialize_entry(name, word)?,
                Parameter::Shape(shape) => map.serialize_entry(name, &OfShape(*shape))?,
            }
        }
        map.end()
    }
}

impl<T: Scalar> Serialize for OfMatrix<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Data<'a, T>(&'a [T]);
        impl<T: Scalar> Serialize for Data<'_, T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().map(|&x| Number(x)))
            }
        }
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("rows", &self.0.rows())?;
        map.serialize_entry("columns", &self.0.columns())?;
        map.serialize_entry("data", &Data(self.0.as_slice()))?;
        map.end()
    }
}

impl Serialize for OfShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [OfDim(self.0.rows), OfDim(self.0.columns)].serialize(serializer)
    }
}

impl Serialize for OfDim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Dim::Fixed(n) => n.serialize(serializer),
            Dim::M | Dim::Multiple(_) => self.0.to_string().serialize(serializer),
        }
    }
}
