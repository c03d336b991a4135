//! How a program is made of a tape, stage by stage.

pub(super) mod assemble;
pub(super) mod epilogue;
pub(super) mod flush;
pub(super) mod lower;
pub(super) mod place;
pub(super) mod rewrite;
pub(super) mod schedule;
