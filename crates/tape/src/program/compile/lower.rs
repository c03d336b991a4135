//! Stage 1: from a tape to the graph of what the outputs need.

use crate::program::Options;
use crate::program::compile::about::About;
use crate::program::compile::flush::flushed;
use crate::program::compile::graph::{Facts, Graph, Operands, Origin, needed_by};
use crate::program::compile::verify;
use crate::tape::List;
use crate::{Scalar, Tape, Var};

/// Stage 1: what the outputs need. With rewrites, every node is rewritten as it is added (stage 2), so that its operands are
/// in their final form.
pub(crate) fn lower<T: Scalar>(tape: &Tape<T>, outputs: &[Var<'_, T>], options: Options) -> Graph<T> {
    let list = tape.list.borrow();
    let mut graph = lowered(&list, outputs, options.rewrites);
    if options.flush_subnormals {
        graph = flushed(graph);
    }
    graph.tape = tape.id;
    graph.about = graph.nodes.ids().map(|node| About::new(&list, &graph, node)).collect();
    verify::stage("lower or rewrite", || verify::graph(&graph));
    graph
}

fn lowered<T: Scalar>(list: &List<T>, outputs: &[Var<'_, T>], rewrites: bool) -> Graph<T> {
    let outputs: Vec<u32> = outputs.iter().map(|v| v.id).collect();
    let end = outputs.iter().map(|&id| id as usize + 1).max().unwrap_or(0);
    let live = needed_by(outputs.iter().copied(), end, |id| &list.entry(id).operands);
    let needed = live.iter().filter(|&&live| live).count();
    let facts = rewrites.then(|| Facts::of(list, &outputs, &live));
    let mut graph = Graph::with_room(needed, facts);
    let mut node_of = vec![None; end];
    for id in (0..end).filter(|&id| live[id]) {
        let entry = list.entry(id as u32);
        graph.origin = id as u32;
        let node_of_entry = |entry: u32| node_of[entry as usize].expect("what is needed comes before");
        let operands: Operands = entry.operands.iter().map(|&operand| node_of_entry(operand)).collect();
        let node = graph.record(entry.op.clone(), operands);
        node_of[id] = Some(node);
        graph.note_label(id as u32, node);
        let origin = &mut graph.origins[node];
        if origin.1 == Origin::Part {
            *origin = (id as u32, Origin::Whole);
        }
    }
    let node_of_output = |&id: &u32| node_of[id as usize].expect("an output is needed");
    graph.outputs = outputs.iter().map(node_of_output).collect();
    graph.without_dead_nodes()
}
