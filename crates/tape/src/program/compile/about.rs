//! What error messages and reports say of a node.

use std::fmt;
use std::sync::Arc;

use crate::Scalar;
use crate::error::Place;
use crate::error::printable;
use crate::tape::List;
use crate::tape::ids::EntryIndex;

/// Whether a node is the value of the tape's entry that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Whole,
    Part,
}

/// Names a node without the tape; put into words only when somebody asks.
#[derive(Debug, Clone)]
pub(crate) struct About {
    label: Label,
    /// The entry's number in the tape.
    entry: EntryIndex,
    /// Whether the node is the entry's value, or a part of what a rewrite made of it.
    origin: Origin,
    pub(crate) place: Place,
}

#[derive(Debug, Clone)]
enum Label {
    Name(Arc<str>),
    Derived { of: Arc<str>, with_respect_to: Option<Arc<str>>, entry: EntryIndex },
    Number(Arc<str>),
    Entry,
}

impl About {
    pub(crate) fn new<T: Scalar>(list: &List<T>, (entry, origin): (EntryIndex, Origin)) -> Self {
        let note = &list.notes[entry];
        let label = match (&note.name, &note.derived, list.entry(entry).op.number()) {
            (Some(name), _, _) => Label::Name(name.clone()),
            (None, Some(derived), _) => Label::Derived {
                of: derived.of.clone(),
                with_respect_to: list.notes[derived.with_respect_to].name.clone(),
                entry: derived.with_respect_to,
            },
            (None, None, Some(number)) => Label::Number(number.to_string().into()),
            (None, None, None) => Label::Entry,
        };
        About { label, entry, origin, place: note.place }
    }

    /// Whether the node has a name, its own or that of a derivative.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self.label, Label::Name(_) | Label::Derived { .. })
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin == Origin::Part {
            write!(f, "part of ")?;
        }
        match &self.label {
            Label::Name(name) => write!(f, "{}", printable(name)),
            Label::Derived { of, with_respect_to: Some(name), .. } => {
                write!(f, "∂{}/∂{}", printable(of), printable(name))
            }
            Label::Derived { of, with_respect_to: None, entry } => write!(f, "∂{}/∂%{entry}", printable(of)),
            Label::Number(number) => write!(f, "{number}"),
            Label::Entry => write!(f, "%{}", self.entry),
        }
    }
}
