//! Pages of tapes: what their document says, and how a person steps through them.
//!
//! The tests of `steps` and `places` need Chromium, and are run by `.ci/page`; the others look at the document alone.

mod browser;
mod differences;
mod document;
mod fixtures;
mod inspect;
mod places;
mod steps;
