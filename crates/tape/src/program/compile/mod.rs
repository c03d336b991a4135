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
//! Debug builds [verify](verify) what every stage gives, so that a failure names the stage that
//! broke.

pub(super) mod about;
pub(super) mod assemble;
pub(super) mod emit;
pub(super) mod epilogue;
mod flush;
pub(super) mod fuse;
pub(super) mod graph;
pub(super) mod lower;
pub(super) mod place;
pub(super) mod rewrite;
pub(super) mod schedule;
mod verify;

pub(super) use emit::emit;
pub(super) use fuse::fuse;
pub(super) use lower::lower;
pub(super) use place::place;
pub(super) use schedule::schedule;
