//! The document of a page.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexSet;

use super::difference::{self, Difference};
use super::graph::{self, Band, Graph};
use super::layers::Mirror;
use super::values::{Value, side, values};
use super::{Mark, Page};
use crate::show::dot::sign;
use crate::show::equation::Equation;
use crate::show::expression::chain_starts;
use crate::show::json::write::{OfParameters, OfShape};
use crate::show::label::Label;
use crate::show::list::unique_labels;
use crate::show::system;
use crate::show::typeset::Style;
use crate::show::unicode::Unicode;
use crate::{Entry, Error, Matrix, Notation, Origin, Result, Scalar, Tape, Var, printable};

/// The most lines that a page has as a system.
const MOST_LINES: usize = 1000;
/// An equation whose text is longer, in characters, is left out: of a deep network, a derivative of the
/// first layer names every other one, and the lines of the system say the same in short ones.
const LONGEST: usize = 200;

#[derive(serde::Serialize)]
#[serde(bound = "")]
struct Document<T: Scalar> {
    format: &'static str,
    version: u32,
    title: Option<String>,
    scalar: &'static str,
    m: Option<usize>,
    entries: Vec<OfEntry<T>>,
    lines: Vec<OfLine>,
    differentiations: Vec<OfDifferentiation>,
    bands: Vec<Band>,
    graph: Graph,
    marks: Vec<OfMark>,
    naive: bool,
}

#[derive(serde::Serialize)]
#[serde(bound = "")]
struct OfEntry<T: Scalar> {
    id: usize,
    name: String,
    is_named: bool,
    operation: String,
    sign: String,
    kind: &'static str,
    notation: Notation,
    #[serde(skip_serializing_if = "OfParameters::is_empty")]
    parameters: OfParameters<T>,
    operands: Vec<usize>,
    used_by: Vec<usize>,
    shape: OfShape,
    rows: Option<usize>,
    columns: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaf: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differentiation: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    derivative_of: Option<OfDerivative>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OfOrigin>,
    place: String,
    equation: Option<OfEquation>,
    step: OfEquation,
    line: Option<usize>,
    band: usize,
    value: Option<Value<T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    literal: Option<Value<T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference<T>>,
}

#[derive(serde::Serialize)]
struct OfDerivative {
    of: String,
    with_respect_to: usize,
}

#[derive(serde::Serialize)]
struct OfOrigin {
    by: &'static str,
    at: usize,
}

#[derive(serde::Serialize)]
struct OfEquation {
    text: String,
    mathml: String,
}

#[derive(serde::Serialize)]
struct OfLine {
    entry: usize,
    #[serde(flatten)]
    equation: OfEquation,
}

#[derive(serde::Serialize)]
struct OfDifferentiation {
    first: usize,
    of: String,
    with_respect_to: Vec<String>,
    place: String,
}

#[derive(serde::Serialize)]
struct OfMark {
    entry: usize,
    equation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<OfProof>,
}

#[derive(serde::Serialize)]
struct OfProof {
    before: usize,
    after: usize,
    same: bool,
    steps: Vec<OfStep>,
}

#[derive(serde::Serialize)]
struct OfStep {
    text: String,
    entry: usize,
}

impl From<&Equation> for OfEquation {
    fn from(equation: &Equation) -> Self {
        OfEquation { text: equation.to_string(), mathml: equation.mathml() }
    }
}

pub(super) fn of_page<T: Scalar>(page: &Page<'_, T>) -> Result<String> {
    let document = Document::of(page)?;
    Ok(serde_json::to_string(&document).expect("all names of a document are words"))
}

impl<T: Scalar> Document<T> {
    fn of(page: &Page<'_, T>) -> Result<Self> {
        let (tape, program) = (page.tape, page.program);
        if let Some(var) = tape.variables().next() {
            // Of another tape it finds nothing.
            if let Err(error @ Error::ForeignVariable { .. }) = program.view(var) {
                return Err(error);
            }
        }
        let mut computable = program.computable(tape)?;
        computable.iter_mut().skip(page.entries).for_each(|computable| *computable = false);
        let mut known = values(program, tape, &computable, program.options())?;
        known.truncate(page.entries);
        let naive = naive_values(page, &computable, &known)?;
        let side = side(&known);
        let differences = difference::of_list(program, tape, &known, (side, page.has_differences))?;
        let mirror = Mirror::of(tape, page.entries);
        let (graph, bands) = graph::laid_out(tape, &mirror);
        let used_by = used_by(tape, page.entries);
        let lines = system::marked(tape, &asked(tape, &used_by));
        let lines: Vec<(usize, Equation)> = lines.into_iter().take(MOST_LINES).collect();
        let starts = chain_starts(tape, page.entries);
        let shown = Shown {
            page,
            values: &known,
            naive: naive.as_deref(),
            side,
            mirror: &mirror,
            lines: &lines,
            starts,
        };
        Ok(Document {
            format: "tape-page",
            version: 1,
            title: page.title.as_deref().map(|title| printable(title).into_owned()),
            scalar: T::NAME,
            m: program.m(),
            entries: shown.entries(used_by, differences),
            lines: lines
                .iter()
                .map(|(entry, line)| OfLine { entry: *entry, equation: line.into() })
                .collect(),
            differentiations: differentiations(tape, page.entries),
            bands,
            graph,
            marks: page.marks.iter().map(|mark| of_mark(page, mark)).collect(),
            naive: naive.is_some(),
        })
    }
}

/// The values of the formulas as they stand, if some of them are not finite and the program's are.
fn naive_values<T: Scalar>(
    page: &Page<'_, T>,
    computable: &[bool],
    known: &[Option<Matrix<T>>],
) -> Result<Option<Vec<Option<Matrix<T>>>>> {
    let options = page.program.options().rewrites(false).fusion(false);
    // Some are refused where they are not finite.
    let Ok(mut naive) = values(page.program, page.tape, computable, options) else { return Ok(None) };
    naive.truncate(page.entries);
    let is_finite = |value: &Option<Matrix<T>>| {
        value.as_ref().is_none_or(|value| value.as_slice().iter().all(|x| x.is_finite()))
    };
    let is_worse = naive.iter().zip(known).any(|(naive, known)| !is_finite(naive) && is_finite(known));
    Ok(is_worse.then_some(naive))
}

/// For each entry those that use it, each once.
fn used_by<T: Scalar>(tape: &Tape<T>, entries: usize) -> Vec<Vec<usize>> {
    let mut used_by = vec![Vec::new(); entries];
    for entry in tape.entries_in(0..entries) {
        for operand in entry.operands() {
            let users: &mut Vec<usize> = &mut used_by[operand.index()];
            if users.last() != Some(&entry.index()) {
                users.push(entry.index());
            }
        }
    }
    used_by
}

/// The entries that get a line of the system: those with a name, and those that nothing uses.
fn asked<T: Scalar>(tape: &Tape<T>, used_by: &[Vec<usize>]) -> IndexSet<usize> {
    let is_asked = |entry: &Entry<'_, T>| {
        let is_named = entry.given_name().is_some() || entry.derivative_of().is_some();
        entry.operands().len() > 0 && (is_named || used_by[entry.index()].is_empty())
    };
    tape.entries_in(0..used_by.len()).filter(is_asked).map(Entry::index).collect()
}

/// What the entries are written with.
struct Shown<'a, 't, T: Scalar> {
    page: &'a Page<'t, T>,
    values: &'a [Option<Matrix<T>>],
    naive: Option<&'a [Option<Matrix<T>>]>,
    side: usize,
    mirror: &'a Mirror,
    lines: &'a [(usize, Equation)],
    /// Where chains of derivatives start, as equations need it.
    starts: Vec<bool>,
}

impl<T: Scalar> Shown<'_, '_, T> {
    fn entries(
        &self,
        used_by: Vec<Vec<usize>>,
        mut differences: HashMap<usize, Difference<T>>,
    ) -> Vec<OfEntry<T>> {
        let tape = self.page.tape;
        let called = unique_labels(tape);
        let line = lines_of_entries(tape, self.page.entries, self.lines);
        let entry = |(entry, used_by): (Entry<'_, T>, Vec<usize>)| {
            let index = entry.index();
            let difference = differences.remove(&index);
            self.entry(entry, &called, used_by, line[index], difference)
        };
        tape.entries_in(0..self.page.entries).zip(used_by).map(entry).collect()
    }

    fn entry(
        &self,
        entry: Entry<'_, T>,
        called: &[Label],
        used_by: Vec<usize>,
        line: Option<usize>,
        difference: Option<Difference<T>>,
    ) -> OfEntry<T> {
        let (index, label) = (entry.index(), Label::of(entry));
        let shape = entry.shape();
        let m = self.page.program.m();
        let extent = |dim: crate::Dim| match (dim.per_example(), m) {
            (Some(_), None) => None,
            (_, m) => Some(dim.at(m.unwrap_or(0))),
        };
        let value =
            |values: &[Option<Matrix<T>>]| values[index].as_ref().map(|value| Value::new(value, self.side));
        let literal = self.naive.filter(|naive| is_other(&naive[index], &self.values[index])).and_then(value);
        let number = entry.as_number().filter(|_| entry.given_name().is_none());
        let name = number.map_or_else(|| Unicode::label(&label), |_| entry.label());
        OfEntry {
            id: index,
            name: printable(&name).into_owned(),
            is_named: !matches!(label, Label::Number(_)),
            operation: printable(&entry.operation()).into_owned(),
            sign: printable(&sign(&entry.notation())).into_owned(),
            kind: entry.kind().name(),
            notation: entry.notation(),
            parameters: OfParameters(entry.parameters()),
            operands: entry.operands().map(Entry::index).collect(),
            used_by,
            shape: OfShape(shape),
            rows: extent(shape.rows),
            columns: extent(shape.columns),
            leaf: entry.leaf_kind().map(|kind| kind.name().into_owned()),
            differentiation: entry.differentiation(),
            derivative_of: entry.derivative_of().map(|derivative| OfDerivative {
                of: printable(&derivative.of).into_owned(),
                with_respect_to: derivative.with_respect_to.index(),
            }),
            origin: entry.origin().map(of_origin),
            place: printable(&entry.place().to_string()).into_owned(),
            equation: self.equation(entry),
            step: (&Equation::one_operation(entry, called)).into(),
            line,
            band: self.mirror.band(index),
            value: value(self.values),
            literal,
            difference,
        }
    }

    /// The equation of an entry, if it is not too long.
    fn equation(&self, entry: Entry<'_, T>) -> Option<OfEquation> {
        let equation = Equation::marked(entry, &self.starts);
        let text = equation.to_string();
        let is_short = text.chars().count() <= LONGEST;
        is_short.then(|| OfEquation { text, mathml: equation.mathml() })
    }
}

/// Whether two values differ in a bit, other than in those of a NaN.
fn is_other<T: Scalar>(a: &Option<Matrix<T>>, b: &Option<Matrix<T>>) -> bool {
    let bits = |value: &Option<Matrix<T>>| -> Option<Vec<Option<u64>>> {
        let of = |x: &T| if x.is_nan() { None } else { Some(x.bits()) };
        value.as_ref().map(|value| value.as_slice().iter().map(of).collect())
    };
    bits(a) != bits(b)
}

fn of_origin<T: Scalar>(origin: Origin<'_, T>) -> OfOrigin {
    let (by, at) = match origin {
        Origin::Rule(at) => ("rule", at),
        Origin::Sum(at) => ("sum", at),
        Origin::HandingOut(at) => ("handing_out", at),
    };
    OfOrigin { by, at: at.index() }
}

/// For each entry the first line that it leads to.
fn lines_of_entries<T: Scalar>(
    tape: &Tape<T>,
    entries: usize,
    lines: &[(usize, Equation)],
) -> Vec<Option<usize>> {
    let mut line: Vec<Option<usize>> = vec![None; entries];
    for (k, (entry, _)) in lines.iter().enumerate() {
        line[*entry] = Some(k);
    }
    for index in (0..entries).rev() {
        let Some(k) = line[index] else { continue };
        for operand in tape.at(index).operands() {
            let of_operand = &mut line[operand.index()];
            let is_line = of_operand.is_some_and(|k| lines[k].0 == operand.index());
            if !is_line && of_operand.is_none_or(|known| k < known) {
                *of_operand = Some(k);
            }
        }
    }
    line
}

fn differentiations<T: Scalar>(tape: &Tape<T>, entries: usize) -> Vec<OfDifferentiation> {
    let mut by_number: BTreeMap<usize, Vec<Entry<'_, T>>> = BTreeMap::new();
    for entry in tape.entries_in(0..entries) {
        if let Some(number) = entry.differentiation() {
            by_number.entry(number).or_default().push(entry);
        }
    }
    let of = |of_it: Vec<Entry<'_, T>>| {
        let first = of_it[0];
        let (mut of, mut with_respect_to) = (String::new(), IndexSet::new());
        for label in of_it.into_iter().filter_map(Label::derived) {
            let Label::Derivative { of: output, with_respect_to: name } = label else { continue };
            if of.is_empty() || of == "ℒ" {
                of = output; // ∂ℒ/∂A is a step on the way to ∂J/∂A
            }
            with_respect_to.insert(name);
        }
        let with_respect_to = with_respect_to.into_iter().collect();
        OfDifferentiation { first: first.index(), of, with_respect_to, place: first.place().to_string() }
    };
    by_number.into_values().map(of).collect()
}

fn of_mark<T: Scalar>(page: &Page<'_, T>, mark: &Mark) -> OfMark {
    let step = |&entry: &usize| {
        let var: Var<'_, T> = page.tape.at(entry).var();
        OfStep { text: var.equation().to_string(), entry }
    };
    let proof = mark.proof.as_ref().map(|proof| OfProof {
        before: page.entries,
        after: proof.after,
        same: proof.steps.last() == Some(&mark.entry) && proof.after == page.entries,
        steps: proof.steps.iter().map(step).collect(),
    });
    OfMark {
        entry: mark.entry,
        equation: printable(&mark.equation).into_owned(),
        note: mark.note.as_deref().map(|note| printable(note).into_owned()),
        proof,
    }
}
