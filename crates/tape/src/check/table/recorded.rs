//! A row as a program: value and gradients of what is bound.

use std::cell::RefCell;

use crate::check::table::Row;
use crate::check::values::Function;
use crate::{Dim, Matrix, Options, Result, Scalar, Shape, Tape, Var};

/// A row on a tape, for one n and any m.
pub(super) struct Recorded<'t, T: Scalar> {
    leaves: Vec<Var<'t, T>>,
    /// The value, then the gradients.
    outputs: Vec<Var<'t, T>>,
    pub(super) shape: Shape,
}

impl<'t, T: Scalar> Recorded<'t, T> {
    pub(super) fn new(row: &Row<T>, tape: &'t Tape<T>, shapes: &[Shape]) -> Result<Self> {
        let leaf = |(i, &shape): (usize, &Shape)| match (shape.rows, shape.columns) {
            (Dim::Fixed(rows), Dim::M) => tape.examples_unbound(&format!("x[{i}]"), rows),
            _ => tape.parameter_unbound(&format!("x[{i}]"), shape),
        };
        let variables: Vec<Var<'t, T>> = shapes.iter().enumerate().map(leaf).collect();
        let value = (row.recorder)(tape, &variables);
        let shape = value.shape()?;
        let cotangent = tape.parameter_unbound("u", shape);
        let gradients = value.vjp_of("gradients", &variables, cotangent);
        let leaves = variables.into_iter().chain([cotangent]).collect();
        let outputs: Vec<_> = [value].into_iter().chain(gradients).collect();
        outputs.iter().try_for_each(|output| output.sound())?;
        Ok(Recorded { leaves, outputs, shape })
    }

    /// The value and the gradients as a function of the operands and a cotangent.
    pub(super) fn compile(&self, options: Options) -> Result<Function<'t, T>> {
        Function::compile_with(self.outputs[0].tape(), &self.leaves, &self.outputs, options)
    }
}

/// What an output of a row is called, by its number.
pub(super) fn output_name(k: usize) -> String {
    match k.checked_sub(1) {
        None => "the value".into(),
        Some(operand) => format!("the gradient of operand {operand}"),
    }
}

/// A row with its default program.
pub(super) struct Evaluator<'t, T: Scalar> {
    shape: Shape,
    function: RefCell<Function<'t, T>>,
}

impl<'t, T: Scalar> Evaluator<'t, T> {
    pub(super) fn new(row: &Row<T>, tape: &'t Tape<T>, n: usize) -> Result<Self> {
        Evaluator::of_shapes(row, tape, &(row.shapes)(n))
    }

    pub(super) fn of_shapes(row: &Row<T>, tape: &'t Tape<T>, shapes: &[Shape]) -> Result<Self> {
        let recorded = Recorded::new(row, tape, shapes)?;
        let function = RefCell::new(recorded.compile(Options::default())?);
        Ok(Evaluator { shape: recorded.shape, function })
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn at(&self, inputs: &[Matrix<T>], u: &Matrix<T>) -> Result<Vec<Matrix<T>>> {
        self.function.borrow_mut().at(inputs.iter().chain([u]))
    }
}
