//! The numbers of what a program is made of.

use crate::tape::ids::ids;

ids! {
    /// A node of the graph.
    NodeId;
    /// One of the program's leaves.
    LeafId;
    /// A buffer for all examples.
    WholeId;
    /// A buffer for the examples of a tile.
    TileId;
    /// A register of passes.
    RegisterId;
    /// An input of a pass.
    InputId;
    /// An output of a pass.
    OutputId;
}
