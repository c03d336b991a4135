//! Running a pass, section by section.

mod run;
mod section;

pub(in crate::program) use section::{add_columns, apply, apply_with_derivative, repeat};
