//! Running a pass, block by block.

mod block;
mod run;

pub(in crate::program) use block::{add_columns, apply, apply_with_derivative, repeat};
