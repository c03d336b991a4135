//! What a program says of itself.

mod explain;
mod report;

pub use report::ProgramStep;
