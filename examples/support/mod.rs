//! What the examples share. The main example is read from the top: `run`, then what it calls.

pub(crate) mod args;
pub(crate) mod checks;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod data_sets;
pub(crate) mod experiment;
pub(crate) mod page;
pub(crate) mod proof;
pub(crate) mod report;
pub(crate) mod rounding;
pub(crate) mod run;
pub(crate) mod score;
pub(crate) mod steps;
pub(crate) mod text;
