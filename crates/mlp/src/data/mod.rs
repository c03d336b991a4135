//! What is done with data before a network sees it.

mod classes;
mod finite;
mod split;
mod standardizer;

pub use classes::{classes, one_hot};
pub use finite::check_finite;
pub use split::Split;
pub use standardizer::Standardizer;
