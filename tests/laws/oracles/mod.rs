//! The oracles of `tape::check::oracle`: each judges the others, all judge the tape, and wrong rules are caught.

mod bounds;
mod exact;
mod long;
mod random;
mod refusals;
