//! From a text to a list. Whatever the text is, it ends in a list that could have been recorded or
//! in an error that tells the place in the text; memory and time grow with the text alone.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::number::Number;
use super::{FORMAT, VERSION};
use crate::error::{Place, Unreadable};
use crate::ops::Op;
use crate::ops::leaf::Leaf;
use crate::ops::linear_algebra::lu::has_its_factors;
use crate::ops::noise::Noise;
use crate::tape::describe::Given;
use crate::tape::ids::{EntryIndex, Id, LeafIndex};
use crate::tape::operation::Mismatch;
use crate::tape::{Derived, Ids, LeafValue, List, Recorded, VOID};
use crate::{
    Dim, Error, LeafKind, Matrix, OperationKind, Parameter, Result, Scalar, Shape, SourcePlace, Tape,
};

/// What every version has.
#[derive(serde::Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(rename = "format")]
    _format: IgnoredAny,
    #[serde(rename = "version")]
    _version: IgnoredAny,
    #[serde(borrow)]
    scalar: Cow<'a, str>,
    m: Option<usize>,
    differentiations: u32,
    probes: Vec<u32>,
    mistakes: Vec<String>,
    /// Each is read on its own, so that its place in the text is known.
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = ""))]
struct OfEntry<T: Scalar> {
    id: usize,
    #[serde(default, rename = "label")]
    _label: IgnoredAny,
    name: Option<String>,
    operation: OfOperation<T>,
    #[serde(default, rename = "notation")]
    _notation: IgnoredAny,
    operands: Vec<u64>,
    shape: OfShape,
    place: OfPlace,
    derivative_of: Option<OfDerivative>,
    differentiation: Option<u32>,
    leaf: Option<OfLeaf<T>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = ""))]
struct OfOperation<T: Scalar> {
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default = "OfParameters::none")]
    parameters: OfParameters<T>,
}

struct OfParameters<T>(Vec<(String, Parameter<T>)>);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPlace {
    file: String,
    line: u32,
    column: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OfDerivative {
    of: String,
    with_respect_to: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = ""))]
struct OfLeaf<T: Scalar> {
    kind: String,
    value: Option<OfMatrix<T>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = ""))]
struct OfMatrix<T: Scalar> {
    rows: usize,
    columns: usize,
    data: Vec<Number<T>>,
}

/// The place in the text is added by who knows it.
type Checked<V> = Result<V, String>;

impl<T: Scalar> Tape<T> {
    #[track_caller]
    pub(crate) fn from_json_here(json: &str) -> Result<Self> {
        let place = std::panic::Location::caller();
        let here = |error: serde_json::Error| unreadable(&error, (1, 1));
        let head: Head<'_> = serde_json::from_str(json).map_err(here)?;
        let at_begin = |reason: String| refused(reason, (1, 1));
        if head.format != FORMAT {
            return Err(at_begin(format!("the format is {:?}, not {FORMAT:?}", head.format)));
        }
        if head.version != VERSION {
            return Err(at_begin(format!(
                "version {} of the format is not known, {VERSION} is",
                head.version
            )));
        }
        let document: Document<'_> = serde_json::from_str(json).map_err(here)?;
        if document.scalar != T::NAME {
            return Err(at_begin(format!("the list is of {:?}, the tape of {}", document.scalar, T::NAME)));
        }
        if document.entries.len() >= VOID {
            return Err(at_begin("a tape holds at most 2³¹ entries".into()));
        }
        let tape = Tape::new();
        let mut reader =
            Reader { tape: &tape, place, entries: document.entries.len(), files: HashSet::new() };
        let mut begin = Begin { text: json, known: (0, 1, 1) };
        for raw in &document.entries {
            let begin = begin.of(raw.get());
            let entry = serde_json::from_str(raw.get()).map_err(|error| unreadable(&error, begin))?;
            reader.entry(entry).map_err(|reason| refused(reason, begin))?;
        }
        reader.rest(&document).map_err(at_begin)?;
        Ok(tape)
    }
}

/// Where the parts of a text begin, which are asked for in their order.
struct Begin<'a> {
    text: &'a str,
    /// A place in bytes, and its line and column.
    known: (usize, usize, usize),
}

impl Begin<'_> {
    /// Line and column, from 1, of a part of the text.
    fn of(&mut self, part: &str) -> (usize, usize) {
        let at = part.as_ptr().addr() - self.text.as_ptr().addr();
        let (from, mut line, mut column) = self.known;
        for byte in &self.text.as_bytes()[from..at] {
            (line, column) = if *byte == b'\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        self.known = (at, line, column);
        (line, column)
    }
}

fn refused(reason: String, (line, column): (usize, usize)) -> Error {
    Error::Unreadable(Box::new(Unreadable { reason, line, column }))
}

/// What the parser says, of a part that begins at this line and column.
fn unreadable(error: &serde_json::Error, (line, column): (usize, usize)) -> Error {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    let at = match error.line() {
        0 => (line, column), // it knows none
        1 => (line, column + error.column().max(1) - 1),
        later => (line + later - 1, error.column().max(1)),
    };
    refused(reason, at)
}

/// Records what was read.
struct Reader<'t, T: Scalar> {
    tape: &'t Tape<T>,
    /// Where the text is read.
    place: Place,
    /// How many entries there will be.
    entries: usize,
    /// The files of the places, each once.
    files: HashSet<Arc<str>>,
}

impl<T: Scalar> Reader<'_, T> {
    fn entry(&mut self, entry: OfEntry<T>) -> Checked<()> {
        let id = self.tape.len();
        if entry.id != id {
            return Err(format!("entry {id} says that it is {}", entry.id));
        }
        let OfPlace { file, line, column } = &entry.place;
        let called = format!("entry %{id} ({}), recorded at {file}:{line}:{column}", entry.operation.name);
        self.recorded(EntryIndex::from_index(id), entry).map_err(|reason| format!("{called}: {reason}"))
    }

    fn recorded(&mut self, id: EntryIndex, entry: OfEntry<T>) -> Checked<()> {
        let shape = entry.shape.0;
        let operands = operands(&entry.operands, id)?;
        let kind = kind_named(&entry.operation.kind)?;
        let (op, leaf) = match (kind, entry.leaf) {
            (OperationKind::Leaf, Some(leaf)) => {
                let index = LeafIndex::from_index(self.tape.list.borrow().leaves.len());
                (Op::Leaf(Leaf { index, shape }), Some(leaf.checked(shape)?))
            }
            (OperationKind::Leaf, None) => return Err("a leaf has to have its leaf".into()),
            (_, Some(_)) => return Err("what is no leaf has none".into()),
            (kind, None) => {
                let mut given = Given(entry.operation.parameters.0);
                let op = Op::of_parameters(kind, &mut given)?;
                given.finish()?;
                (op, None)
            }
        };
        self.shape_is(&op, &operands, shape)?;
        let place = self.place_of(entry.place);
        let mut list = self.tape.list.borrow_mut();
        list.walk = entry.differentiation.unwrap_or(0);
        let found = list.insert(Recorded { op, operands, shape }, self.place);
        list.walk = 0;
        if found != id {
            return Err(format!("it equals entry %{found}"));
        }
        if let Some(leaf) = leaf {
            list.leaves.push(leaf);
        }
        list.read_places.push(place);
        if let Some(name) = entry.name {
            list.give_name(id, &name);
        }
        if let Some(OfDerivative { of, with_respect_to }) = entry.derivative_of {
            if with_respect_to as usize >= self.entries {
                return Err(format!(
                    "it is a derivative with respect to %{with_respect_to}, which is not there"
                ));
            }
            let with_respect_to = EntryIndex::from_index(with_respect_to as usize);
            list.notes[id].derived = Some(Rc::new(Derived { of: of.into(), with_respect_to }));
        }
        Ok(())
    }

    /// Whether the operation gives this shape.
    fn shape_is(&self, op: &Op<T>, operands: &Ids, shape: Shape) -> Checked<()> {
        if !op.takes(operands.len()) {
            return Err(format!("it cannot be on {} operands", operands.len()));
        }
        let shapes: Vec<Shape> = {
            let list = self.tape.list.borrow();
            operands.iter().map(|&operand| list.entry(operand).shape).collect()
        };
        if !has_its_factors(op, operands, &self.tape.list.borrow()) {
            return Err(format!("its operand %{} is not what lu makes of %{}", operands[1], operands[0]));
        }
        match op.rule().shape(&shapes) {
            Ok(found) if found == shape => Ok(()),
            Ok(found) => Err(format!("its shape is {found}, not {shape}")),
            Err(Mismatch { reason, .. }) => {
                let shapes: Vec<String> = shapes.iter().take(8).map(Shape::to_string).collect();
                Err(format!("{reason}: its operands are {}", shapes.join(", ")))
            }
        }
    }

    fn place_of(&mut self, OfPlace { file, line, column }: OfPlace) -> SourcePlace {
        let file = match self.files.get(file.as_str()) {
            Some(known) => known.clone(),
            None => {
                let file = Arc::from(file);
                self.files.insert(Arc::clone(&file));
                file
            }
        };
        SourcePlace { file, line, column }
    }

    /// What stands beside the entries.
    fn rest(self, document: &Document<'_>) -> Checked<()> {
        let mut list = self.tape.list.borrow_mut();
        let most = list.notes.iter().map(|note| note.walk).max().unwrap_or(0);
        if most > document.differentiations {
            return Err(format!(
                "there are {} differentiations, and an entry of number {most}",
                document.differentiations
            ));
        }
        if document.differentiations as usize >= VOID {
            return Err("there are at most 2³¹ differentiations".into()); // so that they can be counted on
        }
        list.walks = document.differentiations;
        list.m = first_m(&list);
        let m = list.m.map(|(m, _)| m);
        if m != document.m {
            let [given, found] = [document.m, m].map(|m| m.map_or("null".into(), |m| m.to_string()));
            return Err(format!("m is {given}, the leaves say {found}"));
        }
        for &probe in &document.probes {
            let leaf =
                list.entries.get(EntryIndex::from_index(probe as usize)).and_then(|entry| entry.op.leaf());
            let is_unbound = |leaf: &Leaf| {
                let LeafValue { kind, value } = &list.leaves[leaf.index];
                *kind == LeafKind::Parameter && value.is_none()
            };
            if !leaf.is_some_and(is_unbound) {
                return Err(format!("the probe %{probe} is no parameter without a value"));
            }
        }
        drop(list);
        let probes = document.probes.iter().map(|&probe| EntryIndex::from_index(probe as usize));
        self.tape.probes.borrow_mut().extend(probes);
        for mistake in &document.mistakes {
            let _ = self.tape.mistake(Error::ReadMistake { mistake: mistake.clone() });
        }
        Ok(())
    }
}

/// The number of examples, with the first entry that has examples.
fn first_m<T: Scalar>(list: &List<T>) -> Option<(usize, EntryIndex)> {
    list.entries.enumerated().find_map(|(id, entry)| match &list.leaves[entry.op.leaf()?.index] {
        LeafValue { kind: LeafKind::Examples, value: Some(value) } => Some((value.columns(), id)),
        LeafValue { .. } => None,
    })
}

fn operands(given: &[u64], id: EntryIndex) -> Checked<Ids> {
    let earlier = |&operand: &u64| match usize::try_from(operand) {
        Ok(operand) if operand < id.index() => Ok(EntryIndex::from_index(operand)),
        _ => Err(format!("its operand %{operand} is no earlier entry")),
    };
    given.iter().map(earlier).collect()
}

fn kind_named(name: &str) -> Checked<OperationKind> {
    let found = OperationKind::ALL.iter().copied().find(|kind| kind.name() == name);
    found.ok_or_else(|| format!("no operation is called {name:?}"))
}

impl<T: Scalar> OfLeaf<T> {
    /// The leaf that could have been recorded with this shape.
    fn checked(self, shape: Shape) -> Checked<LeafValue<T>> {
        let kinds = [LeafKind::Parameter, LeafKind::Examples, LeafKind::Constant];
        let of_name = kinds.into_iter().find(|&kind| kind.name() == self.kind);
        let Some(kind) = of_name.or_else(|| Noise::of_name(&self.kind).map(LeafKind::Noise)) else {
            return Err(format!("no leaf is called {:?}", self.kind));
        };
        if kind == LeafKind::Examples && !matches!((shape.rows, shape.columns), (Dim::Fixed(_), Dim::M)) {
            return Err(format!("examples are n×m, not {shape}"));
        }
        let Some(OfMatrix { rows, columns, data }) = self.value else {
            return Ok(LeafValue { kind, value: None });
        };
        let fits = shape.rows == Dim::Fixed(rows)
            && match kind {
                LeafKind::Examples => true,
                LeafKind::Parameter | LeafKind::Constant => shape.columns == Dim::Fixed(columns),
                LeafKind::Noise(_) => false,
            };
        if !fits {
            return Err(format!("its value is {rows}×{columns}, the leaf {shape}"));
        }
        let data = data.into_iter().map(|Number(x)| x).collect();
        let value = Matrix::from_vec(rows, columns, data).map_err(|error| error.to_string())?;
        Ok(LeafValue { kind, value: Some(Arc::new(value)) })
    }
}

impl<T> OfParameters<T> {
    fn none() -> Self {
        OfParameters(Vec::new())
    }
}

impl<'de, T: Scalar> Deserialize<'de> for OfParameters<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names<T>(std::marker::PhantomData<T>);
        impl<'de, T: Scalar> Visitor<'de> for Names<T> {
            type Value = OfParameters<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("parameters by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OfParameters<T>, A::Error> {
                let mut parameters = Vec::new();
                let mut known = HashSet::new();
                while let Some((name, OfParameter(parameter))) = map.next_entry::<String, OfParameter<T>>()? {
                    if !known.insert(name.clone()) {
                        return Err(A::Error::custom(format!("the parameter {name} is there twice")));
                    }
                    parameters.push((name, parameter));
                }
                Ok(OfParameters(parameters))
            }
        }
        deserializer.deserialize_map(Names(std::marker::PhantomData))
    }
}

struct OfParameter<T>(Parameter<T>);

impl<'de, T: Scalar> Deserialize<'de> for OfParameter<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One<T>(std::marker::PhantomData<T>);
        impl<'de, T: Scalar> Visitor<'de> for One<T> {
            type Value = OfParameter<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a word or a shape")
            }
            fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
                Ok(OfParameter(Parameter::Whole(n.into())))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
                Ok(OfParameter(Parameter::Whole(n.into())))
            }
            fn visit_f64<E: serde::de::Error>(self, x: f64) -> Result<Self::Value, E> {
                let Number(number) = Number::deserialize(serde::de::value::F64Deserializer::new(x))?;
                Ok(OfParameter(Parameter::Number(number)))
            }
            fn visit_str<E>(self, word: &str) -> Result<Self::Value, E> {
                Ok(OfParameter(Parameter::Word(word.to_owned().into())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                let extents = serde::de::value::SeqAccessDeserializer::new(seq);
                let OfShape(shape) = OfShape::deserialize(extents)?;
                Ok(OfParameter(Parameter::Shape(shape)))
            }
        }
        deserializer.deserialize_any(One(std::marker::PhantomData))
    }
}

struct OfShape(Shape);

struct OfDim(Dim);

impl<'de> Deserialize<'de> for OfShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [OfDim(rows), OfDim(columns)] = Deserialize::deserialize(deserializer)?;
        Ok(OfShape(Shape { rows, columns }))
    }
}

impl<'de> Deserialize<'de> for OfDim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Extent;
        impl Visitor<'_> for Extent {
            type Value = OfDim;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of rows or columns, \"m\" or a multiple of it")
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<OfDim, E> {
                usize::try_from(n).map(|n| OfDim(Dim::Fixed(n))).map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<OfDim, E> {
                let unknown = || E::invalid_value(serde::de::Unexpected::Str(word), &self);
                Dim::from_word(word).map(OfDim).ok_or_else(unknown)
            }
        }
        deserializer.deserialize_any(Extent)
    }
}
