//! What can be read off a tape; nothing here writes.

mod dot;
pub(crate) mod equation;
mod expression;
mod label;
mod latex;
mod list;
mod mathml;
pub(crate) mod system;
mod typeset;
mod unicode;

use crate::{Error, Result, Scalar, Tape, Var};

/// The number of the entry that a handle of the user's stands for, in the list of `tape`: the only place where what is
/// shown looks into a handle.
#[track_caller]
fn entry_of<T: Scalar>(tape: &Tape<T>, operation: &str, var: Var<'_, T>) -> Result<u32> {
    var.sound()?;
    if let (true, Some(index)) = (std::ptr::eq(var.tape(), tape), var.index()) {
        return Ok(index as u32);
    }
    let (operation, variable) = (operation.to_owned(), var.label());
    Err(Error::ForeignVariable { operation, variable, at: std::panic::Location::caller() })
}
