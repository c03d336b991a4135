//! Programs: what is executed.

// The order of the first three is that of the blocks on the page of Program.
mod bind;

mod run;

mod describe;

#[cfg(any(feature = "onnx", feature = "rust-source"))]
pub(crate) mod export;

mod code;
mod compile;
mod ids;
pub(crate) mod numeric;
mod operand;
mod options;
mod pass;

use std::panic::Location;
use std::sync::Arc;

use crate::numbers::kernel::simd;
use crate::program::bind::leaves::{LeafState, Leaves};
use crate::program::code::Code;
use crate::program::compile::graph::Graph;
use crate::program::compile::place::Plan;
use crate::program::compile::{emit, fuse, lower, place, schedule};
use crate::program::ids::NodeId;
use crate::program::operand::Operand;
use crate::program::run::Machine;
use crate::{Error, Result, Scalar, Tape, Var};

pub(crate) use crate::program::bind::named::Name;
pub use crate::program::bind::named::Named;
pub use crate::program::compile::graph::Rewrite;
pub use crate::program::describe::ProgramStep;
pub use crate::program::options::Options;

/// # Compiling
impl<T: Scalar> Tape<T> {
    /// Compiles a program that computes the outputs.
    ///
    /// # Errors
    /// The error that poisoned an output, [`Error::ForeignVariable`], or
    /// [`Error::InstructionSet`].
    #[track_caller]
    pub fn compile<'t>(&'t self, outputs: impl IntoIterator<Item = Var<'t, T>>) -> Result<Program<T>> {
        self.compile_with(outputs, Options::default())
    }

    /// [`compile`](Tape::compile) with other options.
    ///
    /// # Errors
    /// As [`compile`](Tape::compile).
    #[track_caller]
    pub fn compile_with<'t>(
        &'t self,
        outputs: impl IntoIterator<Item = Var<'t, T>>,
        options: Options,
    ) -> Result<Program<T>> {
        let outputs: Vec<Var<'t, T>> = outputs.into_iter().collect();
        T::tape_compile(self, &outputs, options)
    }

    #[track_caller]
    pub(crate) fn compile_here(&self, outputs: &[Var<'_, T>], options: Options) -> Result<Program<T>> {
        for output in outputs {
            output.sound()?;
            if !std::ptr::eq(output.tape, self) {
                let variable = output.label();
                return Err(Error::ForeignVariable {
                    operation: "compile".into(),
                    variable,
                    at: Location::caller(),
                });
            }
        }
        simd::instruction_set()?;
        Ok(Program::compile(self, outputs, options))
    }
}

/// A compiled program: computes its outputs again and again, for any values of its leaves and any
/// number of examples m.
///
/// It borrows nothing from the tape and is `Send` and `Sync`: it can be run on another thread, and a
/// [clone](#impl-Clone-for-Program<T>), which shares all that is fixed, on one more. From the second
/// run on at an m that it has seen it allocates nothing.
///
/// A program replays what was recorded: a branch that Rust took while recording is frozen in it.
///
/// ```
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let w = tape.parameter("w", &matrix![[2.0]]);
/// let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
/// let j = (w * x).square().mean();
/// let [dw] = j.gradients([w]);
/// let mut step = tape.compile([j, dw])?;
/// for _ in 0..100 {
///     step.run()?;
///     let slope = step.scalar(dw)?;
///     step.parameter_mut(w)?.as_mut_slice()[0] -= 0.01 * slope;
/// }
/// step.bind(x, &matrix![[5.0]])?; // another m
/// step.run()?;
/// assert!(step.scalar(j)? < 1.0);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Debug)]
pub struct Program<T: Scalar> {
    /// What is computed: fixed, as are the next two, and so shared by all copies.
    graph: Arc<Graph<T>>,
    /// Which buffer holds what.
    plan: Arc<Plan>,
    /// What is run.
    code: Arc<Code<T>>,
    /// What is given, and where it and the outputs are found.
    leaves: Leaves<T>,
    /// What runs, and what the last run has left.
    machine: Machine<T>,
    /// How it was compiled.
    #[cfg_attr(not(feature = "html"), allow(dead_code))]
    options: Options,
}

impl<T: Scalar> Program<T> {
    /// A program that computes sound outputs of the tape.
    pub(crate) fn compile(tape: &Tape<T>, outputs: &[Var<'_, T>], options: Options) -> Self {
        let graph = lower(tape, outputs, options); // stage 1, and stage 2 node by node
        let mut program = Program::of_graph(Arc::new(graph), options);
        program.take_from_tape(&tape.list.borrow(), outputs);
        program
    }

    /// A program of a graph, whose leaves have no values yet.
    fn of_graph(graph: Arc<Graph<T>>, options: Options) -> Self {
        let schedule = schedule(&graph, options.fusion); // stage 3
        let steps = fuse(&graph, &schedule); // stage 4
        let plan = place(&graph, &steps); // stage 5
        let code = Arc::new(Code { fused: options.fusion, ..emit(&graph, steps, &plan) }); // stage 6
        let leaves = Leaves::new(&graph, &plan, &code);
        let machine = Machine::new(&graph, &plan, &code, options);
        Program { graph, plan: Arc::new(plan), code, leaves, machine, options }
    }

    fn operand(&self, node: NodeId) -> Option<Operand> {
        self.plan.operand(&self.graph, node)
    }

    fn stored(&self, node: NodeId) -> Operand {
        self.operand(node).expect("a value that is stored")
    }

    fn label_of(&self, leaf: &LeafState<T>) -> String {
        self.label_of_leaf(leaf.node)
    }
}
