//! What a program says of itself.

mod explain;
mod report;

pub(super) mod about;

pub use report::Step;
