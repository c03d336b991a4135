//! The graph of a tape in the language of Graphviz.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::entry_of;
use super::expression::scaling;
use super::label::Label;
use super::list::what_was_differentiated;
use super::typeset::{Factor, Number, Style};
use super::unicode::{Unicode, primes_of};
use crate::error::{is_unprintable, printable};
use crate::{Entry, Notation, Over, Scalar, Tape, Var};

/// Backgrounds of the differentiations, one after the other.
const BACKGROUNDS: [&str; 4] = ["#e8f1fa", "#fdf0e0", "#e9f5e6", "#f6e8f4"];

/// # Drawing
impl<T: Scalar> Tape<T> {
    /// The graph of the whole tape in the DOT language: `dot -Tsvg` draws it.
    ///
    /// Leaves are boxes; what a differentiation recorded stands in a frame of its own. An edge
    /// leads from an operand to the entry that uses it and, where their order matters, has the
    /// operand's place.
    ///
    /// ```
    /// use tape::{Matrix, Tape};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &Matrix::zeros(2, 1));
    /// let y = x.tanh().named("y");
    /// let dot = tape.dot();
    /// assert!(dot.contains(r#"0 [label="x\nparameter\n2×1", shape=box"#));
    /// assert!(dot.contains(r#"1 [label="y\ntanh\n2×1"]"#));
    /// assert!(dot.contains("0 -> 1;"));
    /// # let _ = y;
    /// ```
    pub fn dot(&self) -> String {
        T::tape_dot(self)
    }

    pub(crate) fn dot_here(&self) -> String {
        graph(&self.entries().collect::<Vec<_>>(), &[])
    }

    /// The graph of what some entries depend on, in the DOT language; see [`dot`](Tape::dot).
    ///
    /// Of a void variable it shows the mistake.
    #[track_caller]
    pub fn dot_of<'t>(&'t self, of: impl IntoIterator<Item = Var<'t, T>>) -> String {
        let of: Vec<Var<'t, T>> = of.into_iter().collect();
        T::tape_dot_of(self, &of)
    }

    #[track_caller]
    pub(crate) fn dot_of_here(&self, of: &[Var<'_, T>]) -> String {
        let (mut to_visit, mut mistakes) = (Vec::new(), Vec::new());
        for &var in of {
            match entry_of(self, "dot", var) {
                Ok(entry) => to_visit.push(entry),
                Err(mistake) => mistakes.push(mistake.to_string()),
            }
        }
        let mut seen: BTreeSet<usize> = to_visit.iter().map(|entry| entry.index()).collect();
        while let Some(entry) = to_visit.pop() {
            to_visit.extend(entry.operands().filter(|operand| seen.insert(operand.index())));
        }
        let entries: Vec<Entry<'_, T>> = seen.into_iter().map(|index| self.at(index)).collect();
        graph(&entries, &mistakes)
    }
}

fn graph<T: Scalar>(entries: &[Entry<'_, T>], mistakes: &[String]) -> String {
    let mut differentiations: BTreeMap<Option<usize>, Vec<Entry<'_, T>>> = BTreeMap::new();
    for &entry in entries {
        differentiations.entry(entry.differentiation()).or_default().push(entry);
    }
    let mut lines = vec![
        "digraph tape {".to_owned(),
        "  rankdir=BT; fontname=\"Helvetica\";".to_owned(),
        "  node [shape=ellipse, style=filled, fillcolor=white, fontname=\"Helvetica\"];".to_owned(),
        "  edge [fontname=\"Helvetica\", fontsize=10];".to_owned(),
    ];
    for (&differentiation, recorded) in &differentiations {
        let nodes = recorded.iter().map(|&entry| node(entry));
        let Some(number) = differentiation else {
            lines.extend(nodes.map(|node| format!("  {node}")));
            continue;
        };
        let background = BACKGROUNDS[(number - 1) % BACKGROUNDS.len()];
        let title = quoted(&what_was_differentiated(first_of_differentiation(recorded[0])));
        lines.push(format!("  subgraph cluster_{number} {{"));
        lines.push(format!("    label={title}; style=\"rounded,filled\"; color=\"{background}\";"));
        lines.extend(nodes.map(|node| format!("    {node}")));
        lines.push("  }".into());
    }
    lines.extend(entries.iter().flat_map(|&entry| edges(entry)));
    for (i, mistake) in mistakes.iter().enumerate() {
        lines.push(format!("  mistake_{i} [label={}, shape=note];", quoted(mistake)));
    }
    lines.push("}\n".into());
    lines.join("\n")
}

/// The first entry that the differentiation which recorded this one recorded: its entries stand one
/// after the other.
fn first_of_differentiation<T: Scalar>(entry: Entry<'_, T>) -> Entry<'_, T> {
    let before = entry.tape().entries_in(0..entry.index()).rev();
    before.take_while(|before| before.differentiation() == entry.differentiation()).last().unwrap_or(entry)
}

fn node<T: Scalar>(entry: Entry<'_, T>) -> String {
    let id = entry.index();
    let operation = match entry.leaf_kind() {
        Some(kind) => kind.name().into_owned(),
        None if scaling(entry).is_some() => "·".into(),
        None => sign(&entry.notation()),
    };
    let mut text = match Label::of(entry) {
        Label::Number(_) => String::new(),
        label => Unicode::label(&label) + "\n",
    };
    let _ = write!(text, "{}\n{}", printable(&operation), entry.shape()); // writing to a string does not fail
    let is_derivative = entry.derivative_of().is_some();
    let shape = match (entry.operands().len() == 0, is_derivative) {
        (true, _) => ", shape=box, fillcolor=\"#f2f2f2\"",
        (false, true) => ", penwidth=2",
        (false, false) => "",
    };
    format!("{id} [label={}{shape}];", quoted(&text))
}

fn edges<T: Scalar>(entry: Entry<'_, T>) -> Vec<String> {
    let id = entry.index();
    let order_matters = entry.operands().len() > 1 && !entry.commutes();
    let edge = |(place, operand): (usize, Entry<'_, T>)| match order_matters {
        true => format!("  {} -> {id} [label=\"{}\"];", operand.index(), place + 1),
        false => format!("  {} -> {id};", operand.index()),
    };
    entry.operands().enumerate().map(edge).collect()
}

/// What an operation is called where its operands are not shown.
pub(crate) fn sign(notation: &Notation) -> String {
    match notation {
        Notation::Name => "leaf".into(),
        Notation::Literal(number) => Unicode::number(&Number::parse(number)),
        Notation::Factor(factor) => format!("{} ·", Unicode::factor(&Factor::parse(factor))),
        Notation::Minus | Notation::Difference => "−".into(),
        Notation::Transpose => "ᵀ".into(),
        Notation::Product { .. } => "*".into(),
        Notation::BlockTranspose => Unicode::transposed_block(""),
        Notation::BlockProduct { .. } => "*ᵢ".into(),
        Notation::Plus => "+".into(),
        Notation::Hadamard => "⊙".into(),
        Notation::Quotient => "⊘".into(),
        Notation::Power => "power".into(),
        Notation::PowerOf(p) => format!("power {p}"),
        Notation::Root => "√".into(),
        Notation::Absolute => "abs".into(),
        Notation::Exponential => "exp".into(),
        Notation::Indicator(relation) => (*relation).into(),
        Notation::Sum(Over::Columns) => "Σᵢ".into(),
        Notation::Sum(Over::Rows) => "Σⱼ".into(),
        Notation::Sum(Over::All) => "Σ".into(),
        Notation::Activation { name, primes } => format!("{name}{}", primes_of(*primes)),
        Notation::Repeat => "repeat".into(),
        Notation::Call(name) => name.clone(),
    }
}

/// A string of the DOT language.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            // Graphviz takes U+0000 for the end of the file.
            c if is_unprintable(c) => quoted.push_str(&format!("\\{}", c.escape_default())),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
