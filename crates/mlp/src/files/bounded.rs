//! Reading no more than is asked for.

use std::io::{self, Read};
use std::path::Path;

use super::{FileError, FileProblem};
use crate::{Error, Result};

/// Reads so many bytes, and no more: memory grows with what is there, whatever was announced.
pub(super) struct Bounded<'a, R> {
    from: &'a mut R,
    path: Option<&'a Path>,
}

impl<'a, R: Read> Bounded<'a, R> {
    pub(super) fn new(from: &'a mut R, path: Option<&'a Path>) -> Self {
        Bounded { from, path }
    }

    pub(super) fn exactly(&mut self, length: u64, what: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.from.take(length).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.io(&error))? as u64;
        if read == length {
            return Ok(bytes);
        }
        Err(self.ends_within(what, length, read))
    }

    /// Fills a part of what was announced, of which so many bytes are read and so many are all.
    pub(super) fn fill(&mut self, part: &mut [u8], what: &str, (before, all): (u64, u64)) -> Result<()> {
        let mut filled = 0;
        while filled < part.len() {
            match self.from.read(&mut part[filled..]) {
                Ok(0) => return Err(self.ends_within(what, all, before + filled as u64)),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.io(&error).into()),
            }
        }
        Ok(())
    }

    fn ends_within(&self, what: &str, announced: u64, there: u64) -> Error {
        let what: String = what.chars().take(80).collect();
        let reason =
            format!("the file ends within {what}: {announced} bytes are announced, {there} are there");
        FileError::format(self.path, reason).into()
    }

    /// Fails unless that was all. `after` is what was read last.
    pub(super) fn nothing(&mut self, after: &str) -> Result<()> {
        let mut byte = Vec::new();
        match self.from.take(1).read_to_end(&mut byte).map_err(|error| self.io(&error))? {
            0 => Ok(()),
            _ => Err(FileError::format(self.path, format!("there are bytes after {after}")).into()),
        }
    }

    fn io(&self, error: &io::Error) -> FileError {
        let problem = FileProblem::Io { doing: "read", kind: error.kind(), text: error.to_string() };
        FileError::new(self.path, problem)
    }
}
