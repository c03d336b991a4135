//! Running step by step, and what a fault is to the user: the first value that is not finite, or a
//! kernel's refusal.

use std::sync::Arc;

use crate::error::{NonFinite, OperandRange};
use crate::ops::Op;
use crate::ops::indices::table_label;
use crate::ops::labels::Labels;
use crate::program::code::Instruction;
use crate::program::ids::NodeId;
use crate::program::operand::{Columns, Operand};
use crate::program::run::memory::Reads;
use crate::program::{Options, Program};
use crate::tape::operation::{Fault, Source};
use crate::{Error, Result, Scalar};

impl<T: Scalar> Program<T> {
    /// Like [`run`](Program::run), but step by step and without fusion: stops at the first value
    /// that is NaN or ±∞, naming the entry, the element, the ranges of the operands and where the
    /// entry was recorded. Where all that is computed is finite, it looks at the leaves and numbers
    /// that the outputs need, or are, in the same way.
    ///
    /// # Errors
    /// As [`run`](Program::run), and [`Error::NonFinite`].
    pub fn run_checked(&mut self) -> Result<()> {
        T::program_run_checked(self)
    }

    pub(crate) fn run_checked_here(&mut self) -> Result<()> {
        (self.machine.ran, self.machine.failed_with) = (false, None);
        self.check_values().map_err(|error| self.failed(error))?;
        self.run()
    }

    fn check_values(&mut self) -> Result<()> {
        let m = self.prepare()?;
        self.draw_noise(m)?;
        let mut unfused = self.machine.unfused.take().unwrap_or_else(|| {
            let options = Options::literal().threads(1);
            Box::new(Program::of_graph(Arc::clone(&self.graph), options))
        });
        for (leaf, own) in self.leaves.states.enumerated() {
            unfused.fill_leaf(leaf, self.value_of(own)?)?;
        }
        unfused.set_default_m(m);
        let checked = unfused.run_finite();
        self.machine.unfused = Some(unfused);
        checked
    }

    /// Runs whole steps and looks at every result.
    fn run_finite(&mut self) -> Result<()> {
        let m = self.prepare()?;
        let columns = Columns::all(m);
        for at in 0..self.code.instructions.len() {
            let done = {
                let (code, mut work) = self.machine.execution.alone(at..at + 1);
                code[0].run(&mut work, columns)
            };
            done.map_err(|(node, fault)| self.fault(node, fault))?;
            if let Instruction::Single { node, operands, out, .. } = &self.code.instructions[at] {
                self.check_finite(*node, operands, *out, columns)?;
            }
        }
        // What no computed value shows: a leaf that is an output, or that a mask leaves out.
        for node in self.graph.nodes.ids() {
            if self.graph.node(node).op.is_source() {
                self.check_finite(node, &[], self.stored(node), columns)?;
            }
        }
        Ok(())
    }

    fn check_finite(&self, node: NodeId, operands: &[Operand], out: Operand, columns: Columns) -> Result<()> {
        let (rows, count, start) = out.window(columns);
        let values = &self.machine.execution.memory.whole(out.at.whole())[start..start + rows * count];
        let Some(index) = values.iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let inputs = Reads { values: &self.machine.execution.memory, operands, columns };
        let names = self.graph.node(node).operands.iter().map(|&operand| self.describe(operand));
        let operands = names.enumerate().map(|(i, name)| range(name, inputs.get(i).as_slice())).collect();
        let entry = self.describe_with_operation(node);
        Err(Error::NonFinite(Box::new(NonFinite {
            entry,
            value: values[index].to_f64(),
            row: index % rows,
            column: index / rows,
            operands,
            at: self.graph.about[node].place,
        })))
    }

    /// What a user is told of a kernel's refusal.
    pub(super) fn fault(&self, node: NodeId, fault: Fault) -> Error {
        let at = self.graph.about[node].place;
        // A user's kernel may name an operand that there is not.
        let name = |operand: usize| {
            let known = self.graph.node(node).operands.get(operand);
            known.map_or_else(|| format!("operand {operand}"), |&known| self.describe(known))
        };
        let label = |kind: Labels, operand, value, (row, column)| Error::Label {
            operation: kind.loss(),
            value,
            row,
            column,
            labels: name(operand),
            expected: kind.expected(),
            at,
        };
        match fault {
            Fault::Label { operand, value, row, column } => {
                label(Labels::Probabilities, operand, value, (row, column))
            }
            Fault::Share { operand, value, row, column } => {
                label(Labels::Shares, operand, value, (row, column))
            }
            Fault::Probability { operand, value, row, column } => {
                Error::Probability { value, row, column, probabilities: name(operand), at }
            }
            Fault::Index { operand, value, row, column, count } => {
                let node = self.graph.node(node);
                let is_gather = matches!(node.op, Op::Gather(_));
                let table = is_gather.then(|| table_label(&self.graph.node(node.operands[1]).op, name(1)));
                let (method, indices) = ("gather", name(operand));
                Error::Index { method, value, row, column, indices, count, table, at }
            }
            Fault::Other(reason) => {
                let node = self.graph.node(node);
                let of_the_user = match &node.op {
                    Op::Pad(pad) => pad.slice_of(self.graph.node(node.operands[0]).shape),
                    _ => None,
                };
                let operation = of_the_user.unwrap_or_else(|| node.op.rule().name().into_owned());
                Error::Kernel { operation, reason, at }
            }
        }
    }

    /// The node's name, or its entry's number with its operation.
    pub(in crate::program) fn describe(&self, node: NodeId) -> String {
        let about = &self.graph.about[node];
        let op = &self.graph.node(node).op;
        match op.is_leaf_or_number() || about.is_named() {
            true => about.to_string(),
            false => format!("{about} ({})", op.rule().name()),
        }
    }

    /// The node's name or its entry's number, with its operation if it has one.
    pub(super) fn describe_with_operation(&self, node: NodeId) -> String {
        let op = &self.graph.node(node).op;
        let (name, entry) = (op.rule().name(), self.describe(node));
        let is_told = entry.contains(&*name) || op.is_leaf_or_number();
        if is_told { entry } else { format!("{entry} ({name})") }
    }
}

fn range<T: Scalar>(name: String, values: &[T]) -> OperandRange {
    let numbers = || values.iter().copied().filter(|x| !x.is_nan());
    let low = numbers().reduce(|a, b| if b < a { b } else { a });
    let high = numbers().reduce(|a, b| if b > a { b } else { a });
    OperandRange {
        name,
        range: low.zip(high).map(|(low, high)| (low.to_f64(), high.to_f64())),
        nans: values.len() - numbers().count(),
    }
}
