//! What can be read off a tape, by what an [`Entry`] tells of itself, and equations that are read
//! back: `parse` and `json` alone write.

pub(crate) mod dot;
pub(crate) mod equation;
pub(crate) mod expression;
#[cfg(feature = "json")]
pub(crate) mod json;
pub(crate) mod label;
mod latex;
pub(crate) mod list;
pub(crate) mod mathml;
pub(crate) mod parse;
pub(crate) mod system;
pub(crate) mod typeset;
pub(crate) mod unicode;

use crate::{Entry, Error, Result, Scalar, Tape, Var};

/// The entry that a handle of the user's stands for, if it is one of `tape`.
#[track_caller]
fn entry_of<'t, T: Scalar>(tape: &Tape<T>, operation: &str, var: Var<'t, T>) -> Result<Entry<'t, T>> {
    let entry = var.entry()?;
    if std::ptr::eq(var.tape(), tape) {
        return Ok(entry);
    }
    let (operation, variable) = (operation.to_owned(), var.label());
    Err(Error::ForeignVariable { operation, variable, at: std::panic::Location::caller() })
}
