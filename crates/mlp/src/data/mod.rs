//! What is done with data before a network sees it.

mod classes;
mod finite;
mod split;
mod standardizer;

pub use classes::{classes, one_hot};
pub(crate) use classes::{classes_here, one_hot_here};
pub use finite::check_finite;
pub(crate) use finite::check_finite_here;
pub use split::Split;
pub use standardizer::Standardizer;
