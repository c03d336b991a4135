//! Scripts in files: as the list of what they record, or as leaves and steps.

use std::io;
use std::marker::PhantomData;
use std::path::Path;

use super::file::{invalid, write_tape, write_whole};
use super::script::{LeafValue, Line, Role, Script, ScriptLeaf};
use super::step::Steps;
use crate::{Entry, LeafKind, Scalar, Tape};

/// The word by which a text says what it is.
const FORMAT: &str = "steps of a tape";
/// A text of another version is refused.
const VERSION: u64 = 1;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u64,
    /// The JSON of the list of the leaves.
    leaves: Box<serde_json::value::RawValue>,
    steps: Vec<OfStep>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OfStep {
    step: String,
    on: Vec<usize>,
}

/// # In files
///
/// With the feature `json`.
impl<S: Steps> Script<S> {
    /// Writes the tape that the script records, as [`write_tape`] does. The entries have the numbers
    /// that they have after [`record`](Script::record) on an empty tape.
    ///
    /// # Errors
    /// Those of [`write_tape`]: operations and functions of the user's cannot be read back. See
    /// [`write_steps`](Script::write_steps).
    pub fn write<T: Scalar>(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let tape = Tape::<T>::new();
        self.record(&tape);
        write_tape(&tape, path)
    }

    /// Writes leaves and steps, whole or not at all: these by their names, so that a script of the
    /// user's operations can be read back where their list is known. The leaves are written as
    /// [`Tape::to_json`] does.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the list has two steps of one name. Otherwise
    /// what the file system says.
    ///
    /// ```
    /// use proptest::prelude::*;
    /// use tape::check::strategies::{BuiltIn, Script, Scripts};
    /// # let path = std::env::temp_dir().join(format!("doctest-steps-{}.json", std::process::id()));
    /// proptest!(ProptestConfig::with_cases(4), |(script in Scripts::new(BuiltIn))| {
    ///     script.write_steps::<f64>(&path)?;
    ///     let again = Script::<BuiltIn>::read_steps::<f64>(&path)?;
    ///     prop_assert_eq!(again.to_rust::<f64>(), script.to_rust::<f64>());
    /// });
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_steps<T: Scalar>(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let tape = Tape::<T>::new();
        for leaf in &self.leaves {
            let _ = leaf.record(&tape);
        }
        let leaves = serde_json::value::RawValue::from_string(tape.to_json())?;
        let list = S::list::<T>();
        let step = |line: &Line| {
            let name = list[line.step].name();
            match list.iter().position(|step| step.name() == name) {
                Some(first) if first == line.step => Ok(OfStep { step: name.into(), on: line.on.clone() }),
                _ => Err(invalid(format!("two steps of the list are called {name:?}"))),
            }
        };
        let steps = self.lines.iter().map(step).collect::<io::Result<_>>()?;
        let document = Document { format: FORMAT.into(), version: VERSION, leaves, steps };
        write_whole(path.as_ref(), &serde_json::to_string_pretty(&document)?)
    }

    /// Reads a script that [`write_steps`](Script::write_steps) has written, of steps of this list.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the file is no such script: no JSON of this
    /// form and version, leaves of the other number type, a step that is not in the list, or one that
    /// cannot be recorded on its operands. Otherwise what the file system says.
    pub fn read_steps<T: Scalar>(path: impl AsRef<Path>) -> io::Result<Self> {
        let document: Document = serde_json::from_str(&std::fs::read_to_string(path)?).map_err(invalid)?;
        if (&*document.format, document.version) != (FORMAT, VERSION) {
            let Document { format, version, .. } = document;
            return Err(invalid(format!(
                "this is version {version} of {format:?}, not {VERSION} of {FORMAT:?}"
            )));
        }
        let leaves = Tape::<T>::from_json(document.leaves.get()).map_err(invalid)?;
        let leaves = leaves.entries().map(leaf_of).collect::<io::Result<Vec<ScriptLeaf>>>()?;
        let mut script = Script { m: 0, leaves, lines: Vec::new(), of: PhantomData };
        let examples = script.leaves.iter().find(|leaf| leaf.role == Role::Examples);
        script.m = examples.map_or(0, |leaf| leaf.value::<T>().columns());
        for OfStep { step, on } in document.steps {
            script.lines.push(script.line_of::<T>(&step, on)?);
        }
        let tape = Tape::<T>::new();
        script.record(&tape);
        tape.check().map_err(invalid)?;
        Ok(script)
    }

    /// A further line.
    fn line_of<T: Scalar>(&self, name: &str, on: Vec<usize>) -> io::Result<Line> {
        let (list, values) = (S::list::<T>(), self.leaves.len() + self.lines.len());
        let Some(step) = list.iter().position(|step| step.name() == name) else {
            return Err(invalid(format!("no step of the list is called {name:?}")));
        };
        let takes = list[step].arity();
        if on.len() != takes {
            return Err(invalid(format!("{name:?} takes {takes} operands, not {}", on.len())));
        }
        match on.iter().find(|&&value| value >= values) {
            Some(late) => Err(invalid(format!("{name:?} is on value {late}, of {values} before it"))),
            None => Ok(Line { step, on }),
        }
    }
}

/// A leaf as it was read.
fn leaf_of<T: Scalar>(entry: Entry<'_, T>) -> io::Result<ScriptLeaf> {
    let role = match entry.leaf_kind() {
        Some(LeafKind::Examples) => Role::Examples,
        Some(LeafKind::Parameter) => Role::Parameter,
        Some(LeafKind::Constant) => Role::Constant,
        Some(LeafKind::Noise(_)) | None => {
            return Err(invalid(format!("entry {} of the leaves is none of a script", entry.index())));
        }
    };
    // Names are variables of the code that is printed.
    let name = format!("x{}", entry.index());
    match (entry.leaf_value(), entry.name() == Some(name.clone())) {
        (Some(value), true) => Ok(ScriptLeaf { role, name, value: LeafValue::Read(value.cast()) }),
        (None, _) => Err(invalid(format!("the leaf {name} has no value"))),
        (_, false) => Err(invalid(format!("leaf {} is not called {name}", entry.index()))),
    }
}
