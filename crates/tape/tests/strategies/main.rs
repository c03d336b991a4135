//! The strategies for property tests: what they draw, and what their cases shrink to.

mod loud;
mod printed;
mod scripts;
mod shrinking;
