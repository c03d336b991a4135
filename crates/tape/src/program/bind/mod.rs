//! What a program is given, and what is read off it.

// The order of the first is that of the blocks on the page of Program.
mod values;

pub(in crate::program) mod indices;

mod columns;

pub(in crate::program) mod examples;
pub(in crate::program) mod labels;
pub(in crate::program) mod leaves;
pub(in crate::program) mod named;
pub(in crate::program) mod noise;
