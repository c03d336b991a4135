//! Why a question has no answer.

use std::fmt;

use serde::Serialize;

/// Why a question has no answer, in words for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// The part of the state that is wrong, such as `g[1]` or `W[2]`.
    pub at: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// What a question gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a part of the state.
    pub(crate) fn of(at: impl Into<String>, message: impl fmt::Display) -> Self {
        Error { at: Some(at.into()), message: message.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{at}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<mlp::Error> for Error {
    fn from(error: mlp::Error) -> Self {
        Error { at: None, message: error.to_string() }
    }
}

impl From<tape::Error> for Error {
    fn from(error: tape::Error) -> Self {
        Error { at: None, message: error.to_string() }
    }
}
