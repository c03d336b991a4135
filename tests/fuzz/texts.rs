//! Texts against the parsers: typed equations, the JSON of a list, and tables.

use std::collections::HashSet;

use mlp::tables::{Csv, Header};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tape::check::strategies::{BuiltIn, Noisy, Scripts};
use tape::{Entry, EquationReader, OperationKind, Tape};

use crate::cases::{Counts, fuzz, runner};
use proptest::strategy::ValueTree;

/// A place, how many characters go there, and what comes in their place.
type Change = (Index, usize, &'static str);

fn changes(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(
        (any::<Index>(), prop_oneof![4 => 0..3_usize, 1 => 0..40_usize], select(pieces)),
        0..5,
    )
}

/// The text with the changes. A place is doubled where the piece says so.
fn changed(text: &str, changes: &[Change]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for &(at, removed, piece) in changes {
        let at = at.index(text.len() + 1);
        let end = (at + removed).min(text.len());
        match piece {
            "twice" => {
                let again: Vec<char> = text[at..end].to_vec();
                text.splice(at..at, again);
            }
            "the end" => text.truncate(at),
            piece => {
                text.splice(at..end, piece.chars());
            }
        }
    }
    text.into_iter().collect()
}

/// A tape of a seed, of all built-in operations.
fn tape_of(seed: u64) -> Tape<f64> {
    let scripts = Scripts::new((BuiltIn, Noisy))
        .steps(1..=6)
        .leaves(1..=3)
        .rows(1..=3)
        .examples(1..=3)
        .most_elements(64);
    let script = scripts.new_tree(&mut runner(seed)).expect("it can be drawn").current();
    let tape = Tape::new();
    let recorded = script.record(&tape);
    if let Some(last) = recorded.steps.last() {
        let _ = last.sum().named("J").gradients_or_zeros(&recorded.leaves);
    }
    tape
}

const OF_EQUATIONS: &[&str] = &[
    "x0",
    "x1",
    "J",
    "∂J/∂x0",
    "d[1]",
    "1/m",
    "2",
    "1·10⁻³",
    "m",
    "%3",
    "%0",
    "(",
    ")",
    "[",
    "]",
    "|",
    ",",
    "+",
    "−",
    "-",
    "*",
    "*ᵢ",
    "⊙",
    "⊘",
    "·",
    "^",
    "²",
    "⁻",
    "ᵀ",
    "'",
    "ᵢ",
    "Σᵢ ",
    "Σ",
    "√",
    "tanh(",
    "g′(",
    "g⁽⁹⁾(",
    "rows[0..9](",
    "select(",
    "repeat[2×m](",
    "I[99999999999](",
    "softmax_rows(",
    "unfold[2](",
    "fold[3](",
    "gather(",
    "ℒ(",
    "=",
    ">",
    "…",
    "∞",
    "NaN",
    "e",
    ".",
    " ",
    "\u{0}",
    "\n",
    "é",
    "🧪",
    "twice",
    "the end",
];

/// Whether an equation may write out a repetition, which prints as what it repeats: that is a limit.
/// What has a name is not written out.
fn writes_a_repetition(entry: Entry<'_, f64>) -> bool {
    let (mut written, mut seen) = (vec![entry], HashSet::new());
    while let Some(entry) = written.pop() {
        if !seen.insert(entry.index()) {
            continue;
        }
        if entry.kind() == OperationKind::Broadcast {
            return true;
        }
        written.extend(entry.operands().filter(|operand| operand.name().is_none()));
    }
    false
}

/// Any pieces, or a printed equation with changes, on a tape of 64.
fn equation_is_read(text: &str, tape: &Tape<f64>) -> Result<Counts, String> {
    let length = tape.len();
    match tape.reader().read(text) {
        Ok(read) => {
            read.right.sound().map_err(|error| format!("void: {text}: {error}"))?;
            let printed = read.right.equation().to_string();
            let again = tape.reader().read(&printed);
            let is_leaf = read.right.entry().is_ok_and(|entry| entry.leaf_kind().is_some());
            let is_same = again.as_ref().is_ok_and(|again| again.right == read.right);
            let too_long = printed.len() > EquationReader::<f64>::LONGEST || printed.contains('…');
            let is_repetition = read.right.entry().is_ok_and(writes_a_repetition);
            match is_same || is_leaf || too_long || is_repetition {
                true => Ok(vec![("entries", 1)]),
                false => Err(format!("other entry: {text}\nprinted {printed}\nread {again:?}\n{tape}")),
            }
        }
        Err(error) => {
            let _ = error.to_string();
            if error.at() > text.chars().count() {
                return Err(format!("place: {error} of {text}"));
            }
            match tape.len() == length {
                true => Ok(vec![("mistakes", 1)]),
                false => Err(format!("left something on the tape: {text}")),
            }
        }
    }
}

#[test]
fn any_text_is_an_equation_or_a_mistake() {
    let texts = |seed: u64| {
        let pieces = prop::collection::vec(select(OF_EQUATIONS), 0..30);
        (Just(seed % 64), any::<Option<Index>>(), pieces, changes(OF_EQUATIONS))
    };
    fuzz("equations", 2000, texts, |_, (tape, of_entry, pieces, changes)| {
        let tape = tape_of(*tape);
        let text = match of_entry {
            Some(at) => tape.entry(at.index(tape.len())).expect("it is there").var().equation().to_string(),
            None => pieces.concat(),
        };
        equation_is_read(&changed(&text, changes), &tape)
    });
}

const OF_JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "0",
    "-1",
    "1",
    "2",
    "3",
    "1e999",
    "-0.0",
    "18446744073709551615",
    "99999999999999999999",
    "4294967296",
    "null",
    "true",
    "\\u0000",
    "\\",
    "é",
    " ",
    "\"m\"",
    "\"leaf\"",
    "\"parameter\"",
    "\"examples\"",
    "\"rows\"",
    "\"operands\"",
    "NaN",
    "\"NaN\"",
    "\"∞\"",
    "twice",
    "the end",
];

#[test]
fn any_text_is_a_list_or_an_error() {
    let texts = |seed: u64| (Just(seed % 64), changes(OF_JSON));
    fuzz("json", 1000, texts, |_, (tape, changes)| {
        let text = changed(&tape_of(*tape).to_json(), changes);
        match Tape::<f64>::from_json(&text) {
            Ok(read) => {
                let written = read.to_json();
                let again = Tape::<f64>::from_json(&written)
                    .map_err(|error| format!("written and not read: {error}\n{text}"))?;
                match again.to_json() == written && again.to_string() == read.to_string() {
                    true => Ok(vec![("lists", 1)]),
                    false => Err(format!("other list: {text}\nthen\n{written}")),
                }
            }
            Err(error) => {
                let _ = error.to_string();
                Ok(vec![("errors", 1)])
            }
        }
    });
}

const OF_CSV: &[&str] = &[
    ",",
    ",",
    ",",
    "\n",
    "\n",
    "\r\n",
    "\r",
    ";",
    "\t",
    "\"",
    "\"\"",
    "1",
    "2",
    "-0.5",
    "1e400",
    "1e-400",
    "inf",
    "nan",
    "NaN",
    "NA",
    "",
    " ",
    "a",
    "b",
    "yes",
    "no",
    "\u{feff}",
    "é",
    "\u{0}",
    "+1",
    "0x1",
    "1_000",
    "99999999999999999999999",
    "a,b,y\n1,2,0\n3,4,1\n",
    "twice",
    "the end",
];

const A_TABLE: &str = "a,b,y\n1,2.5,yes\n-3e4,4,no\n5,\"6\",yes\n";

#[test]
fn any_bytes_are_a_table_or_an_error() {
    let texts = |_: u64| {
        let header = select(&[Header::Detect, Header::Yes, Header::No][..]);
        let target = select(&[None, Some("y"), Some("1"), Some("2"), Some("0"), Some("")][..]);
        (
            any::<bool>(),
            prop::collection::vec(select(OF_CSV), 0..40),
            changes(OF_CSV),
            header,
            target,
            prop::option::weighted(0.1, any::<(Index, u8)>()),
        )
    };
    fuzz("csv", 4000, texts, |_, (is_near, pieces, changes, header, target, byte)| {
        let text = if *is_near { A_TABLE.to_owned() } else { pieces.concat() };
        let text = changed(&text, changes);
        let mut bytes = text.clone().into_bytes();
        if let Some((at, byte)) = byte.as_ref().filter(|_| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        let csv = Csv::new().header(*header);
        let csv = match target {
            Some(target) => csv.target(*target),
            None => csv,
        };
        match csv.parse(&bytes, "t.csv") {
            Ok(table) => {
                let (x, y) = (&table.x, &table.y);
                let fits = x.rows() == table.features.len() && y.shape() == (1, x.columns());
                let is_finite = x.iter().chain(y.iter()).all(|x| x.is_finite());
                let are_classes = table.classes.is_empty()
                    || y.iter().all(|&y| y >= 0.0 && (y as usize) < table.classes.len() && y.fract() == 0.0);
                match fits && is_finite && are_classes && x.columns() > 0 {
                    true => Ok(vec![("tables", 1)]),
                    false => Err(format!("table: {text:?} is {table:?}")),
                }
            }
            Err(error) => match error.to_string().starts_with("t.csv") {
                true => Ok(vec![("errors", 1)]),
                false => Err(format!("message: {error} of {text:?}")),
            },
        }
    });
}
