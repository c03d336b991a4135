//! Programs in a form that others run: what is computed is the graph after the rewrites, so that
//! what is stable here is stable there.

#[cfg(feature = "onnx")]
pub(crate) mod onnx;
#[cfg(feature = "rust-source")]
pub(crate) mod rust;

use crate::program::Program;
use crate::program::bind::leaves::LeafState;
#[cfg(feature = "onnx")]
use crate::program::compile::graph::Node;
use crate::program::ids::NodeId;
use crate::{Error, NotExportable, Scalar};

impl<T: Scalar> Program<T> {
    /// The leaves, in the order of the list.
    fn exported_leaves(&self) -> impl Iterator<Item = &LeafState<T>> {
        self.leaves.states.iter()
    }

    /// Why a node cannot be written in a format.
    fn not_exportable(&self, format: &'static str, node: NodeId, reason: impl Into<String>) -> Error {
        let about = &self.graph.about[node];
        let operation = self.graph.node(node).op.rule().name().into_owned();
        Error::NotExportable(Box::new(NotExportable {
            format,
            entry: about.to_string(),
            operation,
            reason: reason.into(),
            at: about.place,
        }))
    }

    #[cfg(feature = "onnx")]
    fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node<T>)> {
        self.graph.nodes.enumerated()
    }
}
