//! Functions that are a few lines of the list's operations.

mod images;
mod losses;
mod values;

pub use images::{Image, Window};
