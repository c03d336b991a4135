//! What is done with data before a network sees it.

mod categories;
mod classes;
mod features;
mod finite;
mod folds;
mod imputer;
mod min_max;
mod parts;
mod pipeline;
mod recorded;
mod split;
mod standardizer;

pub use categories::{OneHot, Unseen};
pub use classes::{classes, one_hot};
pub(crate) use classes::{classes_here, one_hot_here};
pub use finite::check_finite;
pub(crate) use finite::{check_finite_here, check_parameter, first_not_finite};
pub use folds::Folds;
pub(crate) use folds::members;
pub use imputer::Imputer;
pub use min_max::MinMax;
pub use parts::Parts;
pub(crate) use pipeline::Room;
pub use pipeline::{Pipeline, Preparation};
pub use split::Split;
pub use standardizer::Standardizer;
