//! The strategy of whole tapes.

use std::fmt;
use std::marker::PhantomData;

use proptest::strategy::{NewTree, Strategy};
use proptest::test_runner::TestRunner;

use super::grid::{Fill, Grid};
use super::parts::{ListId, Parts, Stage};
use super::regime::{Elements, Regime};
use super::script::{LeafValue, Line, Role, Script, ScriptLeaf};
use super::seed_of;
use super::side::Side;
use super::step::{Step, Steps};
use super::tree::{Draft, Tree};
use crate::check::Random;
use crate::{Dim, Shape, Tape, Var};

/// Whole tapes of any steps, the user's among them.
///
/// Where a step takes [indices](Step::indexed_below), there is a leaf of them beside the others.
///
/// A case shrinks by dropping steps first: what was on a dropped step is then on what that one was
/// on, or on another value that goes with the rest. Then rows, columns and m go, of all leaves that
/// share them, and steps that no longer fit with them. Last come the values of the leaves.
///
/// ```
/// use proptest::prelude::*;
/// use tape::check::strategies::{BuiltIn, Regime, Scripts, Step, Steps};
/// use tape::{Scalar, Tape, num, step};
///
/// #[derive(Debug, Clone)]
/// struct Mine;
/// impl Steps for Mine {
///     fn list<T: Scalar>() -> Vec<Step<T>> {
///         vec![step!("bump", |tape, a| (-a.square()).exp() * num(2.0))]
///     }
/// }
///
/// let scripts = Scripts::new((BuiltIn, Mine)).steps(1..=12).examples(0..=70).elements(Regime::ALL);
/// proptest!(ProptestConfig::with_cases(8), |(script in scripts)| {
///     let tape = Tape::<f32>::new();
///     let recorded = script.record(&tape);
///     prop_assert!(tape.check().is_ok() && recorded.steps.len() <= 12);
/// });
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "strategies do nothing unless used"]
pub struct Scripts<S> {
    steps: Side,
    leaves: Side,
    rows: Side,
    examples: Side,
    elements: Elements,
    most: usize,
    of: PhantomData<S>,
}

impl<S: Steps> Scripts<S> {
    /// Of a list of steps: 1 to 24 of them on 1 to 6 leaves, of 1 to 17 rows and 1 to 257 examples
    /// in [moderate](Regime::MODERATE) regimes, and no step that gives more than 65 536 elements.
    pub fn new(steps: S) -> Self {
        let _ = steps; // the list is its type
        Scripts {
            steps: (1..=24).into(),
            leaves: (1..=6).into(),
            rows: (1..=17).into(),
            examples: (1..=257).into(),
            elements: Regime::MODERATE.into(),
            most: 1 << 16,
            of: PhantomData,
        }
    }

    /// How many steps; fewer where no more can be recorded on what is there.
    pub fn steps(mut self, steps: impl Into<Side>) -> Self {
        self.steps = steps.into();
        self
    }

    /// On how many leaves.
    ///
    /// # Panics
    /// If on none.
    pub fn leaves(mut self, leaves: impl Into<Side>) -> Self {
        self.leaves = leaves.into();
        assert!(self.leaves.least() > 0, "there are no steps on no leaves");
        self
    }

    /// Of how many rows, and columns that are no examples.
    pub fn rows(mut self, rows: impl Into<Side>) -> Self {
        self.rows = rows.into();
        self
    }

    /// On how many examples.
    pub fn examples(mut self, m: impl Into<Side>) -> Self {
        self.examples = m.into();
        self
    }

    /// The elements of the leaves.
    ///
    /// # Panics
    /// If there is no such element.
    #[track_caller]
    pub fn elements(mut self, elements: impl Into<Elements>) -> Self {
        self.elements = elements.into().checked();
        self
    }

    /// No step gives more elements than these.
    pub fn most_elements(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    fn draw(&self, seed: u64) -> Tree<ScriptDraft<S>> {
        let (mut random, mut parts) = (Random::new(seed), Parts::new());
        let m = parts.list(Stage::Shape, self.examples.draw(&mut random), self.examples.least());
        let extents = [(); 3].map(|()| {
            let count = self.rows.draw(&mut random);
            parts.list(Stage::Shape, count, self.rows.least())
        });
        let count = self.leaves.draw(&mut random);
        let mut leaves: Vec<Leaf> =
            (0..count).map(|at| Leaf::drawn(at, m, &extents, &self.elements, &mut random)).collect();
        // One and the same for all steps that take indices: below the least of what they demand.
        if let Some(below) = S::list::<f64>().iter().filter_map(Step::indices).min() {
            leaves.push(Leaf::of_indices(count, m, &extents, below, &mut random));
        }
        let mut draft = ScriptDraft {
            m,
            leaves,
            lines: Vec::new(),
            kept: None,
            least: 0,
            most: self.most,
            of: PhantomData,
        };
        draft.lines = draft.drawn_lines(&parts, self.steps.draw(&mut random), &mut random);
        let count = draft.lines.len();
        draft.least = self.steps.least().min(count);
        draft.kept = Some(parts.list(Stage::Structure, count, draft.least));
        Tree::new(draft, parts)
    }
}

impl<S: Steps> Strategy for Scripts<S> {
    type Tree = Tree<ScriptDraft<S>>;
    type Value = Script<S>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(self.draw(seed_of(runner)))
    }
}

/// What [`Scripts`] have drawn.
#[derive(Clone, PartialEq)]
pub struct ScriptDraft<S> {
    m: ListId,
    leaves: Vec<Leaf>,
    lines: Vec<Line>,
    /// Which lines are left; `None` while they are drawn.
    kept: Option<ListId>,
    least: usize,
    most: usize,
    of: PhantomData<S>,
}

impl<S> fmt::Debug for ScriptDraft<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptDraft").field("leaves", &self.leaves).field("lines", &self.lines).finish()
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Leaf {
    role: Role,
    /// `None` is 1.
    rows: Option<ListId>,
    columns: Option<ListId>,
    fill: Fill,
    is_of_indices: bool,
}

impl Leaf {
    /// The first is examples; each other one is examples, or a matrix, a column, a row or a number,
    /// with the sides of others.
    fn drawn(at: usize, m: ListId, extents: &[ListId; 3], elements: &Elements, random: &mut Random) -> Self {
        let [rows, columns] = [(); 2].map(|()| Some(extents[random.below(3)]));
        let (role, rows, columns) = match random.below(10) {
            _ if at == 0 => (Role::Examples, rows, Some(m)),
            0 | 1 => (Role::Examples, rows, Some(m)),
            2 => (Role::Examples, None, Some(m)),
            3 | 4 => (Role::Parameter, rows, None),
            5 => (Role::Parameter, None, None),
            6 => (Role::Constant, rows, columns),
            7 => (Role::Constant, None, columns),
            _ => (Role::Parameter, rows, columns),
        };
        let fill = Fill::elements(elements, at, random);
        Leaf { role, rows, columns, fill, is_of_indices: false }
    }

    /// Indices below a number: one for each example, or several.
    fn of_indices(at: usize, m: ListId, extents: &[ListId; 3], below: usize, random: &mut Random) -> Self {
        let rows = (random.below(2) == 0).then(|| extents[random.below(3)]);
        let fill = Fill::elements(&Elements::Indices(below), at, random);
        Leaf { role: Role::Examples, rows, columns: Some(m), fill, is_of_indices: true }
    }

    fn grid(&self, parts: &Parts) -> Grid {
        let one = [0];
        let side = |list: Option<ListId>| list.map_or(&one[..], |list| parts.kept(list)).to_vec();
        self.fill.grid(parts, &side(self.rows), &side(self.columns))
    }

    /// A leaf of its shape, without a value.
    fn sketch<'t>(&self, tape: &'t Tape<f64>, parts: &Parts) -> Var<'t, f64> {
        let extent = |list: Option<ListId>| Dim::Fixed(list.map_or(1, |list| parts.kept(list).len()));
        match self.role {
            Role::Examples => tape.examples_unbound("", extent(self.rows).at(0)),
            Role::Parameter | Role::Constant => {
                tape.parameter_unbound("", Shape::new(extent(self.rows), extent(self.columns)))
            }
        }
    }
}

/// The steps as far as they fit, on a tape that is thrown away.
struct Sketch<'t> {
    list: Vec<Step<f64>>,
    tape: &'t Tape<f64>,
    m: usize,
    most: usize,
    /// What the leaves and the lines gave; `None` for a line that is left out.
    values: Vec<Option<Var<'t, f64>>>,
}

/// How often other operands are tried for a step whose own are gone.
const ATTEMPTS: usize = 64;

impl<'t> Sketch<'t> {
    /// The line on these values, if it can be recorded there.
    fn try_line(&self, line: &Line) -> Option<Var<'t, f64>> {
        let on: Option<Vec<Var<'t, f64>>> = line.on.iter().map(|&value| self.values[value]).collect();
        self.list[line.step].try_record(self.tape, &on?, (self.m, self.most))
    }

    /// The line on the values that it was drawn on, or else on the nearest to them that do.
    fn fit(&self, line: &Line, lines: &[Line], leaves: usize) -> Option<(Line, Var<'t, f64>)> {
        let candidates: Vec<Vec<usize>> =
            line.on.iter().map(|&value| self.instead_of(value, lines, leaves)).collect();
        let ways: usize = candidates.iter().map(Vec::len).try_fold(1, |n: usize, k| n.checked_mul(k))?;
        (0..ways.min(ATTEMPTS)).find_map(|mut way| {
            let mut pick = |from: &Vec<usize>| {
                let at = way % from.len();
                way /= from.len();
                from[at]
            };
            let fitted = Line { step: line.step, on: candidates.iter().map(&mut pick).collect() };
            self.try_line(&fitted).map(|made| (fitted, made))
        })
    }

    /// The value itself, if it is there. Otherwise what it was made of, as far as that is there, and
    /// then all others, the latest first.
    fn instead_of(&self, value: usize, lines: &[Line], leaves: usize) -> Vec<usize> {
        let is_there = |value: usize| self.values[value].is_some();
        if is_there(value) {
            return vec![value];
        }
        let (mut found, mut open) = (Vec::new(), vec![value]);
        while let Some(next) = open.pop() {
            if is_there(next) {
                found.push(next);
            } else if let Some(line) = next.checked_sub(leaves) {
                open.extend(lines[line].on.iter().rev());
            }
        }
        found.extend((0..value).rev().filter(|&value| is_there(value)));
        let mut seen = vec![false; value];
        found.retain(|&value| !std::mem::replace(&mut seen[value], true));
        found
    }
}

impl<S: Steps> ScriptDraft<S> {
    fn sketch<'t>(&self, tape: &'t Tape<f64>, parts: &Parts) -> Sketch<'t> {
        let values = self.leaves.iter().map(|leaf| Some(leaf.sketch(tape, parts))).collect();
        Sketch { list: S::list(), tape, m: parts.kept(self.m).len(), most: self.most, values }
    }

    /// Up to so many steps that can be recorded, each on values before it, more often on late ones.
    fn drawn_lines(&self, parts: &Parts, count: usize, random: &mut Random) -> Vec<Line> {
        let tape = Tape::new();
        let mut sketch = self.sketch(&tape, parts);
        let mut lines = Vec::new();
        for _ in 0..count * 24 {
            if lines.len() == count || sketch.list.is_empty() {
                break;
            }
            let step = random.below(sketch.list.len());
            let (there, made_of) = (sketch.values.len(), &sketch.list[step]);
            let pick = |random: &mut Random| match random.below(2) {
                0 => random.below(there),
                _ => there - 1 - random.below(there.min(4)),
            };
            let mut on: Vec<usize> = (0..made_of.arity()).map(|_| pick(random)).collect();
            if let (Some(last), Some(_)) = (on.last_mut(), made_of.indices()) {
                *last = self.leaves.iter().position(|leaf| leaf.is_of_indices).expect("there is one");
            }
            let line = Line { step, on };
            if let Some(made) = sketch.try_line(&line) {
                sketch.values.push(Some(made));
                lines.push(line);
            }
        }
        lines
    }

    /// The lines that are left and fit, with the numbers that values had when they were drawn.
    fn left(&self, parts: &Parts) -> Vec<(usize, Line)> {
        let tape = Tape::new();
        let (leaves, mut sketch) = (self.leaves.len(), self.sketch(&tape, parts));
        let mut kept = self.kept.map_or(&[][..], |kept| parts.kept(kept)).iter().peekable();
        let mut left = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let is_kept = kept.next_if(|&&number| number as usize == at).is_some();
            let fitted = is_kept.then(|| sketch.fit(line, &self.lines, leaves)).flatten();
            sketch.values.push(fitted.as_ref().map(|(_, made)| *made));
            left.extend(fitted.map(|(line, _)| (leaves + at, line)));
        }
        left
    }

    /// Which leaves the lines are on.
    fn used_leaves(&self, left: &[(usize, Line)]) -> Vec<usize> {
        let is_used = |leaf: &usize| left.iter().any(|(_, line)| line.on.contains(leaf));
        (0..self.leaves.len()).filter(is_used).collect()
    }
}

impl<S: Steps> Draft for ScriptDraft<S> {
    type Value = Script<S>;

    fn value(&self, parts: &Parts) -> Script<S> {
        let left = self.left(parts);
        let used = self.used_leaves(&left);
        // The number that a value had, by the number that it has.
        let numbers: Vec<usize> =
            used.iter().copied().chain(left.iter().map(|&(number, _)| number)).collect();
        let now =
            |number: &usize| numbers.iter().position(|n| n == number).expect("lines are on what is left");
        let leaf = |(at, &number): (usize, &usize)| {
            let leaf = &self.leaves[number];
            ScriptLeaf { role: leaf.role, name: format!("x{at}"), value: LeafValue::Drawn(leaf.grid(parts)) }
        };
        let renumbered =
            |(_, line): &(usize, Line)| Line { step: line.step, on: line.on.iter().map(now).collect() };
        Script {
            m: parts.kept(self.m).len(),
            leaves: used.iter().enumerate().map(leaf).collect(),
            lines: left.iter().map(renumbered).collect(),
            of: PhantomData,
        }
    }

    fn grids(&self, parts: &Parts) -> Vec<Grid> {
        let used = self.used_leaves(&self.left(parts));
        used.into_iter().map(|leaf| self.leaves[leaf].grid(parts)).collect()
    }

    /// Steps that no longer fit are left out, but no more of them than may be.
    fn allows(&self, parts: &Parts) -> bool {
        self.left(parts).len() >= self.least
    }

    fn uses(&self, parts: &Parts, list: ListId) -> bool {
        let used = self.used_leaves(&self.left(parts));
        let has = |leaf: &usize| [self.leaves[*leaf].rows, self.leaves[*leaf].columns].contains(&Some(list));
        self.kept == Some(list) || used.iter().any(has)
    }
}
