//! The numbered list.

use std::collections::HashMap;
use std::fmt;

use super::expression::Expression;
use super::label::Label;
use super::typeset::{Style, typeset};
use super::unicode::Unicode;
use crate::{Entry, OperationKind, Scalar, Tape};

/// The list: number, name, definition in terms of the operands, shape; a line tells where the
/// entries of each derivative begin, and of what it is.
///
/// Operands are called by their names, other than where two entries have the same name: those are
/// called by their numbers.
///
/// ```
/// use tape::{Matrix, Tape};
/// let tape = Tape::<f64>::new();
/// let x = tape.parameter("x", &Matrix::zeros(2, 1));
/// let j = x.tanh().sum().named("J");
/// let [dx] = j.gradients([x]);
/// let list = tape.to_string();
/// let lines: Vec<&str> = list.lines().collect();
/// assert_eq!(lines[..3], ["%0  x      parameter  2×1", "%1         tanh(x)    2×1", "%2  J      Σⱼ %1      1×1"]);
/// assert!(lines[3].starts_with("── derivatives of J with respect to x, recorded at "));
/// assert_eq!(lines[4..], ["%3         1          1×1", "%4  ∂J/∂x  tanh′(x)   2×1"]);
/// ```
impl<T: Scalar> fmt::Display for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::tape_display(self, f)
    }
}

impl<T: Scalar> Tape<T> {
    pub(crate) fn display_here(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = unique_labels(self);
        let rows: Vec<[String; 4]> = self.entries().map(|entry| row(entry, &called)).collect();
        let width = |column: usize, limit: usize| {
            rows.iter().map(|row| row[column].chars().count()).filter(|&n| n <= limit).max().unwrap_or(0)
        };
        let (number, name, definition) = (width(0, 12), width(1, 20), width(2, 56));
        let mut differentiation = None;
        for (row, entry) in rows.iter().zip(self.entries()) {
            if entry.differentiation() != differentiation {
                differentiation = entry.differentiation();
                writeln!(f, "{}", divider(entry))?;
            }
            let [n, label, what, shape] = row;
            writeln!(f, "{n:>number$}  {label:<name$}  {what:<definition$}  {shape}")?;
        }
        Ok(())
    }
}

/// For every entry, what its users call it: its name if no other entry has the same, else its
/// number.
pub(crate) fn unique_labels<T: Scalar>(tape: &Tape<T>) -> Vec<Label> {
    let labels: Vec<Label> = tape.entries().map(Label::of).collect();
    let mut count: HashMap<&Label, usize> = HashMap::new();
    for label in &labels {
        *count.entry(label).or_default() += 1;
    }
    let unique = labels.iter().zip(0..).map(|(label, id)| match count[label] {
        1 => label.clone(),
        _ => Label::Number(id), // its place in the list
    });
    unique.collect()
}

/// Number, name, definition and shape.
fn row<T: Scalar>(entry: Entry<'_, T>, called: &[Label]) -> [String; 4] {
    let label = match Label::of(entry) {
        Label::Number(_) => String::new(),
        label => Unicode::label(&label),
    };
    let definition = match entry.leaf_kind() {
        Some(kind) => kind.name().into_owned(),
        None => one_operation(entry, called),
    };
    [format!("%{}", entry.index()), label, definition, entry.shape().to_string()]
}

/// The definition in terms of the operands themselves, where numbers are written as such.
fn one_operation<T: Scalar>(entry: Entry<'_, T>, called: &[Label]) -> String {
    let expression = Expression::of(entry, |operand| match operand.kind() {
        OperationKind::Number if Label::given(operand).is_none() => None,
        _ => Some(called[operand.index()].clone()),
    });
    let definition = typeset::<Unicode>(&expression, true);
    match entry.kind() {
        OperationKind::Broadcast => format!("repeat({definition})"), // equations leave it out
        _ => definition,
    }
}

/// The line before the entries that a differentiation recorded, or that the user recorded after
/// one.
fn divider<T: Scalar>(first: Entry<'_, T>) -> String {
    if first.differentiation().is_none() {
        return "── recorded by hand".into();
    }
    format!("── {}, recorded at {}", what_was_differentiated(first), first.place())
}

/// Of what and with respect to what the entries from `first` on are derivatives, as far as they
/// have names.
pub(super) fn what_was_differentiated<T: Scalar>(first: Entry<'_, T>) -> String {
    const SHOWN: usize = 8;
    let differentiation = first.differentiation();
    let (mut of, mut with_respect_to) = (None, Vec::new());
    let from_here = first.tape().entries_in(first.index()..first.tape().len());
    for entry in from_here.take_while(|entry| entry.differentiation() == differentiation) {
        let Some(Label::Derivative { of: output, with_respect_to: name }) = Label::derived(entry) else {
            continue;
        };
        if of.as_deref().is_none_or(|of| of == "ℒ") {
            of = Some(output); // ∂ℒ/∂A is a step on the way to ∂J/∂A
        }
        if !with_respect_to.contains(&name) && with_respect_to.len() <= SHOWN {
            with_respect_to.push(name);
        }
    }
    if with_respect_to.len() > SHOWN {
        with_respect_to[SHOWN] = "…".into();
    }
    match of {
        Some(of) => format!("derivatives of {of} with respect to {}", with_respect_to.join(", ")),
        None => "derivatives".into(),
    }
}
