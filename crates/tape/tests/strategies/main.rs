//! The strategies for property tests: what they draw, and what their cases shrink to.

mod loud;
mod shrinking;
