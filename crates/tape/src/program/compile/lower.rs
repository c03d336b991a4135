//! Stage 1: from a tape to the graph of what the outputs need.

use crate::program::compile::about::{About, Origin};
use crate::program::compile::flush::flushed;
use crate::program::compile::graph::{Facts, Graph, Operands};
use crate::program::compile::verify;
use crate::program::ids::NodeId;
use crate::program::options::Options;
use crate::tape::List;
use crate::tape::ids::{EntryIndex, Id, IdVec};
use crate::{Scalar, Tape, Var};

/// Stage 1: what the outputs need. With rewrites, every node is rewritten as it is added (stage 2),
/// so that its operands are in their final form.
pub(crate) fn lower<T: Scalar>(tape: &Tape<T>, outputs: &[Var<'_, T>], options: Options) -> Graph<T> {
    let list = tape.list.borrow();
    let mut graph = lowered(&list, outputs, options.rewrites);
    if options.flush_subnormals {
        graph = flushed(graph);
    }
    graph.find_holders();
    graph.tape = tape.id;
    #[cfg(any(feature = "onnx", feature = "rust-source"))]
    {
        let about = |output: &Var<'_, T>| About::new(&list, (output.id, Origin::Whole));
        graph.asked = outputs.iter().map(about).collect();
    }
    graph.about = graph.origins.iter().map(|&origin| About::new(&list, origin)).collect();
    verify::stage("lower or rewrite", || verify::graph(&graph));
    graph
}

fn lowered<T: Scalar>(list: &List<T>, outputs: &[Var<'_, T>], rewrites: bool) -> Graph<T> {
    let outputs: Vec<EntryIndex> = outputs.iter().map(|v| v.id).collect();
    let end = outputs.iter().map(|id| id.index() + 1).max().unwrap_or(0);
    let live = list.entries.needed_by(outputs.iter().copied(), end);
    let needed = live.iter().filter(|&&live| live).count();
    let facts = rewrites.then(|| Facts::of(list, &outputs, &live));
    let mut graph = Graph::with_room(needed, facts);
    let mut node_of: IdVec<EntryIndex, Option<NodeId>> = IdVec::filled(None, end);
    for id in live.ids().filter(|&id| live[id]) {
        let entry = list.entry(id);
        graph.origin = Some(id);
        let node_of_operand = |&operand: &EntryIndex| node_of[operand].expect("what is needed comes before");
        let operands: Operands = entry.operands.iter().map(node_of_operand).collect();
        let node = graph.record(entry.op.clone(), operands);
        node_of[id] = Some(node);
        graph.note_label(id, node);
        let origin = &mut graph.origins[node];
        if origin.1 == Origin::Part {
            *origin = (id, Origin::Whole);
        }
    }
    let node_of_output = |&id: &EntryIndex| node_of[id].expect("an output is needed");
    graph.outputs = outputs.iter().map(node_of_output).collect();
    graph.without_dead_nodes()
}
