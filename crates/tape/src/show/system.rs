//! A system of equations, in which what is used again has a line of its own.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use indexmap::IndexSet;

use super::entry_of;
#[cfg(feature = "html")]
use super::equation::Equation;
use super::equation::{Definition, Line};
use super::expression::{Expression, scaling};
use super::label::Label;
use super::latex::Latex;
use super::mathml::{self, MathMl};
use super::typeset::Sides;
use super::unicode::Unicode;
use crate::ops::scale::Factor;
use crate::{Scalar, Tape, Var};

/// A system has at most this many lines; a last one says how many there are beyond.
const LIMIT: usize = 2000;

/// Equations that share what they have in common: a definition stands before its use.
///
/// Made by [`Tape::equations`]; it is a copy that borrows nothing. [`Display`](fmt::Display) writes
/// Unicode text with the relation signs below each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Equations {
    lines: Vec<Line>,
    /// Lines that are not shown.
    beyond: usize,
    function_names: bool,
}

impl Equations {
    /// The same equations with the names of differentiated activations, `tanh′(Z[1])` in place of
    /// the textbook's `g′(Z[1])`.
    #[must_use]
    pub fn with_function_names(self) -> Self {
        Equations { function_names: true, ..self }
    }

    /// The equations in LaTeX, an `align*` environment.
    ///
    /// ```
    /// # let tape = tape::Tape::<f64>::new();
    /// let x = tape.parameter("x", &tape::Matrix::scalar(2.0));
    /// let y = x.sin().named("y");
    /// let z = (y + 1.0).named("z");
    /// let expected = r"\begin{align*}
    /// y &= \sin(x) \\
    /// z &= y + 1
    /// \end{align*}";
    /// assert_eq!(tape.equations([y, z]).latex(), expected);
    /// ```
    pub fn latex(&self) -> String {
        let line = |(left, right): (String, String)| format!("{left} &{}", right.trim_start());
        let mut lines: Vec<String> = self.sides::<Latex>().map(line).collect();
        if self.beyond > 0 {
            lines.push(r"&\vdots".into());
        }
        format!("\\begin{{align*}}\n{}\n\\end{{align*}}", lines.join(" \\\\\n"))
    }

    /// The equations in presentation MathML, a table in a `<math>` element.
    pub fn mathml(&self) -> String {
        let row = |left: &str, right: &str| {
            let left = format!("<mtd style=\"text-align: right\">{left}</mtd>");
            format!("<mtr>{left}<mtd style=\"text-align: left\">{right}</mtd></mtr>")
        };
        let mut rows: String =
            self.sides::<MathMl>().map(|(left, right)| row(&left, &mathml::row(&[&right]))).collect();
        if self.beyond > 0 {
            rows.push_str(&row("", "<mo>⋮</mo>"));
        }
        mathml::math(&format!("<mtable columnalign=\"right left\" displaystyle=\"true\">{rows}</mtable>"))
    }

    fn sides<S: Sides>(&self) -> impl Iterator<Item = (String, String)> {
        self.lines.iter().map(|line| line.sides::<S>(self.function_names))
    }
}

/// One line an equation, without a line feed at the end.
impl fmt::Display for Equations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<(String, String)> = self.sides::<Unicode>().collect();
        let width = lines.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
        for (i, (left, right)) in lines.iter().enumerate() {
            let feed = if i == 0 { "" } else { "\n" };
            write!(f, "{feed}{left:>width$}{right}")?;
        }
        if self.beyond > 0 {
            write!(f, "\n{:>width$} ({} more)", "⋮", self.beyond)?;
        }
        Ok(())
    }
}

/// # Equations
impl<T: Scalar> Tape<T> {
    /// The equations of some entries as a system, read off the tape.
    ///
    /// Every derivative that the equations lead to gets a line of its own, before the lines that
    /// use it, and is not written out again. The derivative with respect to an entry that is named
    /// `Z[l]` is called δ\[l\]. Where only a multiple of it is an entry that has a name, the line
    /// tells the factor. Other entries are written out down to named ones and leaves, as in
    /// [`Var::equation`].
    ///
    /// The order is that of the list: of gradients, the last layer is first; what was asked for
    /// follows the last definition that it uses, in the order in which it was asked for. More than
    /// 2000 lines are cut.
    ///
    /// ```
    /// use tape::{Matrix, Tape};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &Matrix::zeros(2, 3));
    /// let y = tape.examples("Y", &Matrix::zeros(1, 3));
    /// let w = tape.parameter("W[1]", &Matrix::zeros(1, 2));
    /// let b = tape.parameter("b[1]", &Matrix::zeros(1, 1));
    /// let a = (w.matmul(x) + b).named("Z[1]").sigmoid().named("A[1]");
    /// let [dw, db] = a.log_loss(y).mean().gradients([w, b]);
    /// let expected = "
    /// ∂ℒ/∂A[1] = −(Y ⊘ A[1] − (1 − Y) ⊘ (1 − A[1]))
    ///     δ[1] = ∂ℒ/∂Z[1] = ∂ℒ/∂A[1] ⊙ g′(Z[1])
    /// ∂J/∂W[1] = 1/m · δ[1] * Xᵀ
    /// ∂J/∂b[1] = 1/m · Σᵢ δ[1]";
    /// assert_eq!(tape.equations([dw, db]).to_string(), expected.trim_start());
    /// ```
    #[track_caller]
    pub fn equations<'t>(&'t self, of: impl IntoIterator<Item = Var<'t, T>>) -> Equations {
        let of: Vec<Var<'t, T>> = of.into_iter().collect();
        T::tape_equations(self, &of)
    }

    #[track_caller]
    pub(crate) fn equations_here(&self, of: &[Var<'_, T>]) -> Equations {
        let (mut asked, mut void) = (IndexSet::new(), Vec::new());
        for &var in of {
            match entry_of(self, "equations", var) {
                Ok(entry) => _ = asked.insert(entry.index()),
                Err(mistake) => void.push(Line::void(&mistake)),
            }
        }
        let symbols = symbols(self, &asked);
        let unmarked = |_, label| label;
        let mut lines: Vec<Line> =
            in_order(self, &symbols, &asked, unmarked).into_iter().map(|(_, line)| line).collect();
        lines.extend(void);
        let beyond = lines.len().saturating_sub(LIMIT);
        lines.truncate(LIMIT);
        Equations { lines, beyond, function_names: false }
    }
}

/// The equations of some entries of a tape, each with its entry, whose symbols tell their entries.
#[cfg(feature = "html")]
pub(crate) fn marked<T: Scalar>(tape: &Tape<T>, asked: &IndexSet<usize>) -> Vec<(usize, Equation)> {
    let symbols = symbols(tape, asked);
    let lines = in_order(tape, &symbols, asked, |entry, label: Label| label.marked(entry));
    lines.into_iter().take(LIMIT).map(|(entry, line)| (entry, Equation::of_line(line))).collect()
}

/// What the line of an entry begins with.
#[derive(Debug)]
struct Symbol {
    label: Label,
    also: Option<(Option<String>, Label)>,
}

/// The entries that get a line: those asked for, and the derivatives that they lead to.
fn symbols<T: Scalar>(tape: &Tape<T>, asked: &IndexSet<usize>) -> BTreeMap<usize, Symbol> {
    let cone = cone(tape, asked);
    let multiples = multiples(tape, &cone);
    let mut taken: HashSet<Label> = asked.iter().filter_map(|&id| Label::given(tape.at(id))).collect();
    let mut symbols = BTreeMap::new();
    for id in cone {
        let (entry, is_asked) = (tape.at(id), asked.contains(&id));
        let given = Label::given(entry);
        let symbol = match (given, Label::derived(entry), multiples.get(&id)) {
            (Some(name), _, _) if is_asked => Symbol { label: name, also: None },
            (Some(_), _, _) => continue,
            (None, Some(derived), _) => match derived.delta().filter(|delta| !taken.contains(delta)) {
                Some(delta) => Symbol { label: delta, also: Some((None, derived)) },
                None => Symbol { label: derived, also: None },
            },
            (None, None, Some((factor, of))) => match of.delta() {
                Some(delta) => Symbol { label: delta, also: Some((Some(factor.clone()), of.clone())) },
                None if is_asked => Symbol { label: Label::Number(id), also: None },
                None => continue,
            },
            (None, None, None) if is_asked => Symbol { label: Label::Number(id), also: None },
            (None, None, None) => continue,
        };
        // Two derivatives may be called alike, as of two outputs that are both J: the later one is
        // written out.
        if taken.insert(symbol.label.clone()) || is_asked {
            symbols.insert(id, symbol);
        }
    }
    symbols
}

/// What the entries asked for lead to, down to leaves and to named entries that were not asked for;
/// in the order of the list.
fn cone<T: Scalar>(tape: &Tape<T>, asked: &IndexSet<usize>) -> Vec<usize> {
    let mut seen: BTreeSet<usize> = asked.iter().copied().collect();
    let mut to_visit: Vec<usize> = asked.iter().copied().collect();
    while let Some(id) = to_visit.pop() {
        for operand in tape.at(id).operands() {
            let stops = operand.operands().len() == 0 || Label::given(operand).is_some();
            if !stops && seen.insert(operand.index()) {
                to_visit.push(operand.index());
            }
        }
    }
    seen.into_iter().collect()
}

/// For entries of the cone of which a multiple is a derivative with a name: the factor by which
/// that name is to be multiplied, and the name.
fn multiples<T: Scalar>(tape: &Tape<T>, cone: &[usize]) -> BTreeMap<usize, (String, Label)> {
    let mut multiples = BTreeMap::new();
    let first = cone.first().copied().unwrap_or(0);
    for entry in tape.entries_in(first..tape.len()) {
        let Some((number, scaled)) = scaling(entry) else { continue };
        if let Ok(_) = cone.binary_search(&scaled.index())
            && let (Some((c, m)), Some(label)) = (number.as_number(), Label::derived(entry))
        {
            let inverse = Factor { c: T::ONE / c, m: -m };
            multiples.entry(scaled.index()).or_insert((inverse.to_string(), label));
        }
    }
    multiples
}

/// The lines, definitions before their use, each with its entry; `mark` may change the label of an
/// entry.
fn in_order<T: Scalar>(
    tape: &Tape<T>,
    symbols: &BTreeMap<usize, Symbol>,
    asked: &IndexSet<usize>,
    mark: impl Fn(usize, Label) -> Label,
) -> Vec<(usize, Line)> {
    let mut used: HashSet<usize> = HashSet::new();
    let mut lines: Vec<(usize, Option<usize>, Line)> = Vec::new();
    for (&id, symbol) in symbols {
        let mut last = None;
        let definition = Expression::of(tape.at(id), |operand| match symbols.get(&operand.index()) {
            Some(other) => {
                used.insert(operand.index());
                last = last.max(Some(operand.index()));
                Some(mark(operand.index(), other.label.clone()))
            }
            None => Label::given(operand).map(|label| mark(operand.index(), label)),
        });
        let symbol_label = mark(id, symbol.label.clone());
        let (symbol, also) = (symbol_label, symbol.also.clone());
        lines.push((id, last, Line { symbol, also, definition: Definition::Is(definition) }));
    }
    // What is used stands where the list has it; what is not follows the last definition that it
    // uses.
    lines.sort_by_key(|(id, last, _)| {
        let asked_at = asked.get_index_of(id);
        match last {
            Some(last) if !used.contains(id) => (*last, asked_at.map_or(0, |at| at + 1)),
            Some(_) | None => (*id, 0),
        }
    });
    lines.into_iter().map(|(id, _, line)| (id, line)).collect()
}
