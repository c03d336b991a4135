//! A tape in words: leaves and steps, to be recorded on any tape of either number type.

use std::fmt;
use std::fmt::Write as _;
use std::marker::PhantomData;

use super::grid::Grid;
use super::step::Steps;
use crate::check::rust_of;
use crate::{LeafKind, Matrix, Scalar, Tape, Var};

/// A tape that was drawn, as a list of leaves and of steps with the numbers of their operands.
///
/// [`record`](Script::record) makes it on any tape, in `f32` and in `f64`. Its `Debug` is the
/// [code](Script::to_rust) that makes it in `f64`.
#[derive(Clone, PartialEq)]
pub struct Script<S> {
    pub(super) m: usize,
    pub(super) leaves: Vec<ScriptLeaf>,
    pub(super) lines: Vec<Line>,
    pub(super) of: PhantomData<S>,
}

/// A leaf of a [`Script`].
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptLeaf {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) value: LeafValue,
}

/// Where the value of a leaf comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LeafValue {
    Drawn(Grid),
    /// Numbers of either type, which `f64` holds.
    #[cfg(feature = "json")]
    Read(Matrix<f64>),
}

/// What a leaf is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Examples,
    Parameter,
    Constant,
}

/// A step of a [`Script`]: which one of its list, and the values that it is on, counted with the
/// leaves first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) step: usize,
    pub(super) on: Vec<usize>,
}

/// What a [`Script`] has recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptVars<'t, T: Scalar> {
    /// The leaves.
    pub leaves: Vec<Var<'t, T>>,
    /// What the steps gave, in their order.
    pub steps: Vec<Var<'t, T>>,
}

impl ScriptLeaf {
    /// What it is for: examples, a parameter or a constant.
    pub fn kind(&self) -> LeafKind {
        match self.role {
            Role::Examples => LeafKind::Examples,
            Role::Parameter => LeafKind::Parameter,
            Role::Constant => LeafKind::Constant,
        }
    }

    /// Its name: `x0`, `x1`, …
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value.
    pub fn value<T: Scalar>(&self) -> Matrix<T> {
        match &self.value {
            LeafValue::Drawn(grid) => grid.matrix(),
            #[cfg(feature = "json")]
            LeafValue::Read(value) => value.cast(),
        }
    }

    #[track_caller]
    pub(super) fn record<'t, T: Scalar>(&self, tape: &'t Tape<T>) -> Var<'t, T> {
        let value = self.value();
        match self.role {
            Role::Examples => tape.examples(&self.name, &value),
            Role::Parameter => tape.parameter(&self.name, &value),
            Role::Constant => tape.constant(&self.name, &value),
        }
    }

    /// The method of the tape that records it.
    fn method(&self) -> &'static str {
        match self.role {
            Role::Examples => "examples",
            Role::Parameter => "parameter",
            Role::Constant => "constant",
        }
    }
}

impl<S: Steps> Script<S> {
    /// The number of examples of the leaves that are examples.
    pub fn m(&self) -> usize {
        self.m
    }

    /// The leaves that the steps are on.
    pub fn leaves(&self) -> &[ScriptLeaf] {
        &self.leaves
    }

    /// The names of the steps, in their order.
    pub fn steps(&self) -> Vec<String> {
        let list = S::list::<f64>();
        self.lines.iter().map(|line| list[line.step].name().to_owned()).collect()
    }

    /// Records leaves and steps.
    ///
    /// ```
    /// use proptest::prelude::*;
    /// use tape::check::strategies::{BuiltIn, Scripts};
    /// proptest!(ProptestConfig::with_cases(8), |(script in Scripts::new(BuiltIn))| {
    ///     let (single, double) = (tape::Tape::<f32>::new(), tape::Tape::<f64>::new());
    ///     let recorded = script.record(&double);
    ///     prop_assert_eq!(recorded.steps.len(), script.record(&single).steps.len());
    ///     prop_assert!(double.check().is_ok());
    /// });
    /// ```
    #[track_caller]
    pub fn record<'t, T: Scalar>(&self, tape: &'t Tape<T>) -> ScriptVars<'t, T> {
        let mut values: Vec<Var<'t, T>> = Vec::new();
        for leaf in &self.leaves {
            values.push(leaf.record(tape));
        }
        let list = S::list::<T>();
        for line in &self.lines {
            let on: Vec<Var<'t, T>> = line.on.iter().map(|&value| values[value]).collect();
            values.push(list[line.step].record(tape, &on));
        }
        let steps = values.split_off(self.leaves.len());
        ScriptVars { leaves: values, steps }
    }

    /// Rust code that records the same on a tape of this number type: statements that leave `tape`,
    /// a reference to it, the leaves `x0`, `x1`, … and the steps `s0`, `s1`, ….
    ///
    /// What stands in steps of the user's has to be in scope where the code is put.
    ///
    /// ```
    /// use tape::check::strategies::{BuiltIn, Script};
    /// let nothing = Script::<BuiltIn>::empty();
    /// assert!(nothing.to_rust::<f32>().ends_with("type T = f32;\nlet tape = &Tape::<T>::new();\n"));
    /// ```
    pub fn to_rust<T: Scalar>(&self) -> String {
        let mut code =
            String::from("#[allow(unused_imports)]\nuse tape::{Matrix, Scalar, Tape, matrix, num};\n");
        // Writing to a string does not fail.
        let _ = writeln!(code, "type T = {};\nlet tape = &Tape::<T>::new();", T::NAME);
        for leaf in &self.leaves {
            let value = rust_of(&leaf.value::<T>());
            let _ = writeln!(code, "let {0} = tape.{1}(\"{0}\", &{value});", leaf.name, leaf.method());
        }
        let name = |value: usize| match value.checked_sub(self.leaves.len()) {
            None => self.leaves[value].name.clone(),
            Some(step) => format!("s{step}"),
        };
        let list = S::list::<T>();
        for (at, line) in self.lines.iter().enumerate() {
            let on: Vec<String> = line.on.iter().map(|&value| name(value)).collect();
            let _ = writeln!(code, "let s{at} = {};", list[line.step].code(&on));
        }
        code
    }

    /// No leaf and no step.
    pub fn empty() -> Self {
        Script { m: 0, leaves: Vec::new(), lines: Vec::new(), of: PhantomData }
    }
}

impl<S: Steps> fmt::Debug for Script<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rust::<f64>())
    }
}
