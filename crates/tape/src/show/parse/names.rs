//! What names stand for on a tape.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::label::Label;
use super::super::typeset::Style;
use super::super::unicode::Unicode;
use super::error::{EquationMistake, nearest};
use crate::error::printable;
use crate::tape::notation::Notation;
use crate::{Scalar, Tape};

/// The names of the entries, as equations print them, and what the user called them besides.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// As printed; several entries where a name is shared.
    exact: BTreeMap<String, Vec<usize>>,
    /// By what can be typed in ASCII, where that is no name itself.
    plain: HashMap<String, String>,
    /// The lengths of the names in characters.
    lengths: BTreeSet<usize>,
    /// What functions and operations of the tape are called, without ′.
    called: BTreeSet<Vec<char>>,
}

/// What a name stands for.
pub(super) enum Found {
    /// An entry, and how many characters the name has.
    Entry(usize, usize),
    /// The name is shared, or there is no such entry.
    Mistake(EquationMistake),
}

impl Names {
    pub(super) fn of<T: Scalar>(tape: &Tape<T>) -> Names {
        let mut names = Names::default();
        let mut derived: Vec<(Label, usize)> = Vec::new();
        for entry in tape.entries() {
            match (Label::given(entry), Label::derived(entry)) {
                (Some(name), _) => names.add(Unicode::label(&name), entry.index()),
                (None, Some(label)) => derived.push((label, entry.index())),
                (None, None) => {}
            }
            if let Notation::Activation { name, .. } | Notation::Call(name) = entry.notation() {
                names.called.insert(printable(&name).chars().collect());
            }
        }
        // What an equation calls ∂J/∂W is the first entry of this name, and no name of the user's.
        for (label, index) in &derived {
            names.add_first(Unicode::label(label), *index);
        }
        // δ[l] is ∂ℒ/∂Z[l], or else ∂J/∂Z[l].
        let is_loss = |label: &Label| matches!(label, Label::Derivative { of, .. } if of == "ℒ");
        for of_loss in [true, false] {
            for (label, index) in derived.iter().filter(|(label, _)| is_loss(label) == of_loss) {
                if let Some(delta) = label.delta() {
                    names.add_first(Unicode::label(&delta), *index);
                }
            }
        }
        names
    }

    /// Another name of an entry, in the place of all that had it before.
    pub(super) fn alias(&mut self, name: &str, index: usize) {
        self.exact.remove(name);
        self.add(name.to_owned(), index);
    }

    fn add(&mut self, name: String, index: usize) {
        let plain = plain(&name);
        self.lengths.extend([name.chars().count(), plain.chars().count()]);
        self.plain.entry(plain).or_insert_with(|| name.clone());
        let entries = self.exact.entry(name).or_default();
        if !entries.contains(&index) {
            entries.push(index);
        }
    }

    fn add_first(&mut self, name: String, index: usize) {
        if !self.exact.contains_key(&name) {
            self.add(name, index);
        }
    }

    /// The longest name that the text begins with, where `ends` says that one can end.
    pub(super) fn longest(&self, text: &[char], ends: impl Fn(usize) -> bool) -> Option<Found> {
        let fitting = self.lengths.iter().rev().filter(|&&length| length > 0 && length <= text.len());
        for &length in fitting.filter(|&&length| ends(length)) {
            let name: String = text[..length].iter().collect();
            let exact = self.exact.get_key_value(&name);
            let by_plain = || self.plain.get(&plain(&name)).and_then(|name| self.exact.get_key_value(name));
            if let Some((name, entries)) = exact.or_else(by_plain) {
                return Some(match entries.as_slice() {
                    &[index] => Found::Entry(index, length),
                    _ => Found::Mistake(EquationMistake::SharedName {
                        name: name.clone(),
                        entries: entries.clone(),
                    }),
                });
            }
        }
        None
    }

    /// How long the longest name of a function is that the text begins with, before ′ and a parenthesis.
    pub(super) fn called(&self, text: &[char]) -> Option<usize> {
        let begins = |name: &&Vec<char>| {
            text.starts_with(name) && text[name.len()..].iter().find(|c| !is_prime(**c)) == Some(&'(')
        };
        self.called.iter().filter(begins).map(Vec::len).max()
    }

    pub(super) fn unknown(&self, name: String) -> EquationMistake {
        let nearest = nearest(&name, self.exact.keys().map(String::as_str));
        EquationMistake::UnknownName { name, nearest }
    }
}

/// What stands between a function's name and its parenthesis.
pub(super) fn is_prime(c: char) -> bool {
    "'′″‴⁽⁾⁰¹²³⁴⁵⁶⁷⁸⁹".contains(c)
}

/// What can be typed for a name: `dJ/dW[1]`, `dL/dA[1]`, `d[1]`.
fn plain(name: &str) -> String {
    let plain = |c: char| match c {
        '∂' | 'δ' => 'd',
        'ℒ' => 'L',
        '−' => '-',
        other => other,
    };
    name.chars().map(plain).collect()
}
