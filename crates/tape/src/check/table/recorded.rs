//! A row as a program: value and gradients of what is bound.

use std::cell::RefCell;

use crate::check::table::Row;
use crate::{Dim, Matrix, Options, Program, Result, Scalar, Shape, Tape, Var};

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
        let gradients = value.vjp(&variables, cotangent);
        let leaves = variables.into_iter().chain([cotangent]).collect();
        let outputs: Vec<_> = [value].into_iter().chain(gradients).collect();
        outputs.iter().try_for_each(|output| output.sound())?;
        Ok(Recorded { leaves, outputs, shape })
    }

    pub(super) fn compile(&self, options: Options) -> Result<Program<T>> {
        // Leaves are outputs too: one that nothing depends on can be bound all the same.
        let outputs = self.outputs.iter().chain(&self.leaves).copied();
        self.outputs[0].tape().compile_with(outputs, options)
    }

    /// The value and the gradients for a cotangent.
    pub(super) fn run(
        &self,
        program: &mut Program<T>,
        inputs: &[Matrix<T>],
        u: &Matrix<T>,
    ) -> Result<Vec<Matrix<T>>> {
        for (&leaf, value) in self.leaves.iter().zip(inputs.iter().chain([u])) {
            program.bind(leaf, value)?;
        }
        program.seed(0);
        program.run()?;
        self.outputs.iter().map(|&output| Ok(program.view(output)?.to_matrix())).collect()
    }
}

/// A row with its default program.
pub(super) struct Evaluator<'t, T: Scalar> {
    recorded: Recorded<'t, T>,
    program: RefCell<Program<T>>,
}

impl<'t, T: Scalar> Evaluator<'t, T> {
    pub(super) fn new(row: &Row<T>, tape: &'t Tape<T>, n: usize) -> Result<Self> {
        Evaluator::of_shapes(row, tape, &(row.shapes)(n))
    }

    pub(super) fn of_shapes(row: &Row<T>, tape: &'t Tape<T>, shapes: &[Shape]) -> Result<Self> {
        let recorded = Recorded::new(row, tape, shapes)?;
        let program = RefCell::new(recorded.compile(Options::default())?);
        Ok(Evaluator { recorded, program })
    }

    pub(super) fn shape(&self) -> Shape {
        self.recorded.shape
    }

    pub(super) fn at(&self, inputs: &[Matrix<T>], u: &Matrix<T>) -> Result<Vec<Matrix<T>>> {
        self.recorded.run(&mut self.program.borrow_mut(), inputs, u)
    }
}
