//! What the tests of files share.

use std::path::{Path, PathBuf};

use mlp::Error;
use mlp::files::{FileError, FileProblem};

/// A folder of a test's own, which goes with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
pub(crate) fn file_error(error: Error) -> FileError {
    match error {
        Error::File(error) => *error,
        other => panic!("{other}"),
    }
}

#[track_caller]
pub(crate) fn problem<R>(result: mlp::Result<R>) -> FileProblem {
    file_error(result.err().expect("it is refused")).problem().clone()
}
