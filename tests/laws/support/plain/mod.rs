//! A plain program beside a tape: drawn at random, recorded by the public methods, and computed by loops that share nothing
//! with the tape.

pub(crate) mod draw;
pub(crate) mod interpret;
pub(crate) mod number;
pub(crate) mod program;
pub(crate) mod record;
pub(crate) mod reverse;
pub(crate) mod run;
pub(crate) mod watched;
pub(crate) mod wide;
