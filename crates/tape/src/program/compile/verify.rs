//! What each stage promises to the next, looked at in debug builds, so that a failure names the
//! stage that broke.

use crate::program::compile::fuse::Steps;
use crate::program::compile::graph::Graph;
use crate::program::compile::place::Plan;
use crate::program::compile::schedule::Schedule;
use crate::program::ids::{NodeId, TileId, WholeId};
use crate::program::operand::Buffer;
use crate::program::operand::{Accesses, Few};
use crate::tape::ids::{Id, IdVec};
use crate::{Scalar, Shape};

/// What is broken in a stage's result; `Ok` if nothing is.
pub(super) type Verdict = Result<(), String>;

/// Panics with the stage and what it broke, in debug builds.
pub(super) fn stage(name: &str, verdict: impl FnOnce() -> Verdict) {
    if cfg!(debug_assertions)
        && let Err(broken) = verdict()
    {
        panic!("the compiler's stage {name} is broken: {broken}");
    }
}

/// Operands come before what reads them, and every shape is the one that its operation derives.
pub(super) fn graph<T: Scalar>(graph: &Graph<T>) -> Verdict {
    for (id, node) in graph.nodes.enumerated() {
        if let Some(later) = node.operands.iter().find(|&&operand| operand >= id) {
            return Err(format!("n{id} reads n{later}, which comes after it"));
        }
        let shapes: Vec<Shape> = node.operands.iter().map(|&operand| graph.node(operand).shape).collect();
        let derived = if node.op.is_source() { Ok(node.shape) } else { node.op.rule().shape(&shapes) };
        if derived.as_ref() != Ok(&node.shape) {
            let whose = match node.op.is_of_the_user() {
                true => ": a shape rule of one's own is to say the same whenever it is asked",
                false => "",
            };
            return Err(format!("n{id} is {}, and its operation says {derived:?}{whose}", node.shape));
        }
    }
    match graph.outputs.iter().find(|output| output.index() >= graph.nodes.len()) {
        Some(output) => Err(format!("the output n{output} is no node")),
        None => Ok(()),
    }
}

/// Every node that is computed is in one segment, once, and after what it reads.
pub(super) fn schedule<T: Scalar>(graph: &Graph<T>, schedule: &Schedule<T>) -> Verdict {
    let mut is_there: IdVec<NodeId, bool> = graph.nodes.iter().map(|node| node.op.is_source()).collect();
    for id in schedule.segments.iter().flat_map(|segment| &segment.nodes).copied() {
        let missing = graph.node(id).operands.iter().find(|&&operand| !is_there[operand]);
        if let Some(missing) = missing {
            return Err(format!("n{id} runs before n{missing}, which it reads"));
        }
        let scaled = schedule.folded[id].map(|(scaled, _)| scaled);
        for made in [Some(id), scaled].into_iter().flatten() {
            if std::mem::replace(&mut is_there[made], true) {
                return Err(format!("n{made} runs twice"));
            }
        }
    }
    match is_there.ids().find(|&id| !is_there[id]) {
        Some(id) => Err(format!("n{id} does not run")),
        None => Ok(()),
    }
}

/// The steps make what is scheduled, each once, and read what was made before.
pub(super) fn steps<T: Scalar>(graph: &Graph<T>, segments: &[Steps<T>]) -> Verdict {
    let mut is_made: IdVec<NodeId, bool> = graph.nodes.iter().map(|node| node.op.is_source()).collect();
    for step in segments.iter().flat_map(|segment| &segment.steps) {
        let (made, read) = (step.writes(), step.reads());
        if let Some(missing) = read.iter().find(|&&id| !is_made[graph.holder(id)]) {
            return Err(format!("{step:?} reads n{missing} before it is made"));
        }
        for id in made {
            if std::mem::replace(&mut is_made[id], true) {
                return Err(format!("{step:?} makes n{id} again"));
            }
        }
    }
    let lost = graph.outputs.iter().find(|&&output| !is_made[graph.holder(output)]);
    lost.map_or(Ok(()), |lost| Err(format!("no step makes the output n{lost}")))
}

/// A step reads from a buffer what was put there for it, and writes into none that it reads. A loop
/// comes back to its first step for every tile: in it a whole buffer has one value.
pub(super) fn plan<T: Scalar>(graph: &Graph<T>, segments: &[Steps<T>], plan: &Plan) -> Verdict {
    let (whole, tile) = (IdVec::filled(None, plan.whole.len()), IdVec::filled(None, plan.tile.len()));
    let mut holds = Buffers { whole, tile };
    let at = |id: NodeId| plan.buffer_of[id];
    for (id, _) in graph.nodes.enumerated().filter(|(_, node)| node.op.is_source()) {
        let buffer = at(id).ok_or_else(|| format!("the leaf n{id} has no buffer"))?;
        *holds.of(buffer) = Some(id);
    }
    // For every whole buffer the last loop that has a value in it, and which.
    let mut in_loop: IdVec<WholeId, Option<(usize, NodeId)>> = IdVec::filled(None, plan.whole.len());
    for (at_segment, Steps { tiled, steps }) in segments.iter().enumerate() {
        holds.tile.as_mut_slice().fill(None);
        for step in steps {
            let made = step.writes();
            let read: Few<NodeId> = step.reads().into_iter().map(|id| graph.holder(id)).collect();
            for &id in &read {
                let buffer = at(id).ok_or_else(|| format!("{step:?} reads n{id}, which is not stored"))?;
                let found = *holds.of(buffer);
                if found != Some(id) {
                    return Err(format!("{step:?} reads n{id} in {buffer:?}, which holds {found:?}"));
                }
            }
            for &id in &made {
                let Some(buffer) = at(id) else { continue };
                if read.iter().any(|&id| at(id) == Some(buffer)) {
                    return Err(format!("{step:?} writes n{id} into {buffer:?}, which it reads"));
                }
                *holds.of(buffer) = Some(id);
            }
            for &id in read.iter().chain(&made).filter(|_| *tiled) {
                if let Some(Buffer::Whole(buffer)) = at(id)
                    && let Some((of, other)) = in_loop[buffer].replace((at_segment, id))
                    && of == at_segment
                    && other != id
                {
                    return Err(format!("a loop has two values in the whole buffer {buffer}, one is n{id}"));
                }
            }
        }
    }
    let mut is_lost = |id| at(id).is_none_or(|buffer| *holds.of(buffer) != Some(id));
    let lost = graph.outputs.iter().find(|&&output| is_lost(graph.holder(output)));
    lost.map_or(Ok(()), |lost| Err(format!("the output n{lost} is overwritten, or not stored")))
}

/// The node whose value each buffer holds.
struct Buffers {
    whole: IdVec<WholeId, Option<NodeId>>,
    tile: IdVec<TileId, Option<NodeId>>,
}

impl Buffers {
    fn of(&mut self, buffer: Buffer) -> &mut Option<NodeId> {
        match buffer {
            Buffer::Whole(buffer) => &mut self.whole[buffer],
            Buffer::Tile(buffer) => &mut self.tile[buffer],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::compile::lower::lower;
    use crate::program::compile::{fuse, place, schedule as stage_3};
    use crate::{Matrix, Options, Tape};

    type Stages = (Graph<f64>, Schedule<f64>, Vec<Steps<f64>>, Plan);

    /// The stages of a small network's step.
    fn stages() -> Stages {
        let tape = Tape::<f64>::new();
        let matrix = |rows, columns| Matrix::from_fn(rows, columns, |i, j| ((i + 2 * j) as f64).sin());
        let (w, b) = (tape.parameter("W", &matrix(3, 2)), tape.parameter("b", &matrix(3, 1)));
        let j = (w.matmul(tape.examples("X", &matrix(2, 5))) + b).tanh().square().mean();
        let outputs: Vec<_> = j.gradients([w, b]).into_iter().chain([j]).collect();
        let graph = lower(&tape, &outputs, Options::default());
        let schedule = stage_3::schedule(&graph, true);
        let steps = fuse::fuse(&graph, &schedule);
        let plan = place::place(&graph, &steps);
        (graph, schedule, steps, plan)
    }

    fn verdict((graph, schedule, steps, plan): &Stages, which: usize) -> Verdict {
        match which {
            0 => super::graph(graph),
            1 => super::schedule(graph, schedule),
            2 => super::steps(graph, steps),
            _ => super::plan(graph, steps, plan),
        }
    }

    #[test]
    fn stages_are_sound() {
        assert_eq!([0, 1, 2, 3].map(|which| verdict(&stages(), which)), [const { Ok(()) }; 4]);
    }

    #[test]
    fn what_is_broken_is_said() {
        let broken = |which: usize, change: &dyn Fn(&mut Stages)| {
            let mut made = stages();
            change(&mut made);
            verdict(&made, which).expect_err("it is broken")
        };
        let output = broken(0, &|made| made.0.outputs.push(NodeId::from_index(99)));
        assert_eq!(output, "the output n99 is no node");
        let order = broken(1, &|made| made.1.segments.reverse());
        assert!(order.contains("runs before"), "{order}");
        let twice = broken(1, &|made| {
            let first = made.1.segments.iter_mut().find(|segment| !segment.nodes.is_empty()).unwrap();
            first.nodes.push(first.nodes[0]);
        });
        assert!(twice.ends_with("runs twice"), "{twice}");
        let missing = broken(1, &|made| made.1.segments.last_mut().unwrap().nodes.clear());
        assert!(missing.ends_with("does not run"), "{missing}");
        let lost = broken(2, &|made| {
            let last = made.2.iter_mut().rfind(|segment| !segment.steps.is_empty()).unwrap();
            last.steps.clear();
        });
        assert!(lost.starts_with("no step makes the output"), "{lost}");
        let before = broken(2, &|made| made.2.iter_mut().for_each(|segment| segment.steps.reverse()));
        assert!(before.contains("before it is made"), "{before}");
        let not_stored = broken(3, &|made| {
            let stored = made.3.buffer_of.ids().rfind(|&id| made.3.buffer_of[id].is_some()).unwrap();
            made.3.buffer_of[stored] = None;
        });
        assert!(not_stored.contains("not stored"), "{not_stored}");
        let shared = broken(3, &|made| {
            let all = made.3.buffer_of.iter_mut().flatten();
            all.filter(|at| matches!(at, Buffer::Whole(_)))
                .for_each(|at| *at = Buffer::Whole(WholeId::from_index(0)));
        });
        assert!(shared.contains("Whole(0)"), "{shared}");
    }
}
