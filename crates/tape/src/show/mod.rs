//! What can be read off a tape; nothing here writes.

pub(crate) mod equation;
mod list;
