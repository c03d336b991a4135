//! How a program is made of a tape, in six stages.
//!
//! | stage | from | to |
//! |---|---|---|
//! | 1 [`lower`] | a tape and its outputs | a [graph] of what the outputs need |
//! | 2 [`rewrite`] | a node that is added to the graph | a node that is stable, or cheaper |
//! | 3 [`schedule`] | the graph | its nodes in order, whole or in loops over tiles |
//! | 4 [`fuse`] | the schedule | steps: a node, a product with what follows it, a pass |
//! | 5 [`place`] | the steps | for every value a buffer |
//! | 6 [`emit`] | all of them | the [code](crate::program::code) that is run |
//!
//! Debug builds [verify](verify) what every stage gives, so that a failure names the stage that broke.

pub(super) mod assemble;
pub(super) mod emit;
pub(super) mod epilogue;
pub(super) mod flush;
pub(super) mod fuse;
pub(super) mod graph;
pub(super) mod lower;
pub(super) mod place;
pub(super) mod rewrite;
pub(super) mod schedule;
mod verify;

use crate::program::code::Code;
use crate::program::{Options, Program};
use crate::{Result, Scalar, Tape, Var};
use fuse::Steps;
use graph::Graph;
use place::Plan;
use schedule::Schedule;

impl<T: Scalar> Program<T> {
    pub(crate) fn compile(tape: &Tape<T>, outputs: &[Var<'_, T>], options: Options) -> Result<Self> {
        let mut graph = lower::lower(tape, outputs, options.rewrites);
        if options.flush_subnormals {
            graph = flush::flushed(graph);
        }
        Ok(Program::of_tape(tape, outputs, graph, options))
    }
}

/// Stages 3 to 6: what computes a graph, fused or node by node.
pub(super) fn code<T: Scalar>(graph: &Graph<T>, fusion: bool) -> (Plan, Code<T>) {
    let (_, steps) = steps(graph, fusion);
    let plan = place::place(graph, &steps);
    verify::stage("place", || verify::plan(graph, &steps, &plan));
    let code = emit::emit(graph, steps, &plan);
    (plan, code)
}

/// Stages 3 and 4.
pub(super) fn steps<T: Scalar>(graph: &Graph<T>, fusion: bool) -> (Schedule<T>, Vec<Steps<T>>) {
    verify::stage("lower or rewrite", || verify::graph(graph));
    let schedule = schedule::schedule(graph, fusion);
    verify::stage("schedule", || verify::schedule(graph, &schedule));
    let steps = fuse::fuse(graph, &schedule);
    verify::stage("fuse", || verify::steps(graph, &steps));
    (schedule, steps)
}
