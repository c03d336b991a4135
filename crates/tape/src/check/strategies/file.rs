//! Tapes in files: written whole or not at all, and read back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Scalar, Tape};

/// Writes a tape, with the values of its leaves, as [`Tape::to_json`] does; with the feature `json`.
///
/// The file is there whole or not at all: a new one is written beside it and put in its place, so
/// that an old one stays until then. What could not be read back is not written.
///
/// ```
/// use tape::check::strategies::{read_tape, write_tape};
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let x = tape.examples("X", &matrix![[1.0, f64::NAN]]);
/// let [dx] = x.square().mean().named("J").gradients([x]);
/// # let path = std::env::temp_dir().join(format!("doctest-tape-{}.json", std::process::id()));
/// write_tape(&tape, &path)?;
/// let again = read_tape::<f64>(&path)?;
/// # std::fs::remove_file(&path)?;
/// assert_eq!(again.to_string(), tape.to_string());
/// let number = dx.entry().expect("it was recorded").index();
/// let same = again.entry(number).expect("entries keep their numbers").var();
/// assert_eq!(same.value().expect("leaves have their values")[(0, 0)], 1.0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// [`InvalidData`](io::ErrorKind::InvalidData) if the tape could not be read back: it has an
/// operation or a function of the user's own, of which the text has no description. Otherwise what
/// the file system says.
pub fn write_tape<T: Scalar>(tape: &Tape<T>, path: impl AsRef<Path>) -> io::Result<()> {
    let json = tape.to_json();
    Tape::<T>::from_json(&json).map_err(invalid)?;
    write_whole(path.as_ref(), &json)
}

pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let beside = beside(path)?;
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Reads a tape that [`write_tape`] has written; with the feature `json`.
///
/// # Errors
/// [`InvalidData`](io::ErrorKind::InvalidData), with line and column, if the file is no such tape or
/// one of the other number type. Otherwise what the file system says.
#[track_caller]
pub fn read_tape<T: Scalar>(path: impl AsRef<Path>) -> io::Result<Tape<T>> {
    let json = fs::read_to_string(path)?;
    Tape::from_json(&json).map_err(invalid)
}

pub(super) fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A new file in the same folder: from there, a rename takes no time in which there is half a file.
fn beside(path: &Path) -> io::Result<PathBuf> {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let name = path.file_name().ok_or_else(no_name)?.to_string_lossy();
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    Ok(path.with_file_name(format!(".{name}.{}-{number}.part", std::process::id())))
}
