//! Files that are written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::FileError;
use crate::Result;

/// Writes a file whole or not at all: whoever opens `path`, at any time and also after a crash,
/// finds all of the old bytes or all of the new ones.
///
/// The bytes go to a new file of the same folder, which is flushed to the disk and then renamed. If
/// anything goes wrong before, the new file is removed and the old one stays. Only a process that
/// is killed in between leaves its unfinished `.mlp-….tmp` behind. The permissions of an old file
/// stay; where `path` is a link, the file that it leads to is replaced, or made. A device or a pipe is
/// written to directly: there is nothing old in it.
///
/// ```
/// let folder = std::env::temp_dir().join(format!("mlp-doc-whole-{}", std::process::id()));
/// std::fs::create_dir_all(&folder).unwrap();
/// mlp::files::write_whole(folder.join("notes.txt"), b"all of it")?;
/// assert_eq!(std::fs::read(folder.join("notes.txt")).unwrap(), b"all of it");
/// assert!(mlp::files::write_whole(&folder, b"a folder is no file").is_err());
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`](crate::Error::File) with the path and what the system refused.
pub fn write_whole(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let asked = path.as_ref();
    let failed = |doing, error: io::Error| FileError::io(asked, doing, &error);
    let path = place_of(asked);
    let old = match fs::metadata(&path) {
        Ok(old) if old.is_dir() => {
            let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder");
            return Err(failed("write", error).into());
        }
        Ok(old) if !old.is_file() => {
            return Ok(write_to_device(&path, bytes).map_err(|e| failed("write", e))?);
        }
        Ok(old) => Some(old),
        Err(_) => None,
    };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    let (mut file, mut temporary) = create_in(folder).map_err(|e| failed("make a file beside it", e))?;
    file.write_all(bytes).map_err(|e| failed("write", e))?;
    if let Some(old) = old {
        fs::set_permissions(&temporary.path, old.permissions())
            .map_err(|e| failed("keep the permissions", e))?;
    }
    file.sync_all().map_err(|e| failed("flush", e))?;
    drop(file);
    fs::rename(&temporary.path, &path).map_err(|e| failed("rename", e))?;
    temporary.remains = true;
    sync_folder(folder);
    Ok(())
}

/// Of a link, what it leads to, even if that is not there yet; of anything else, the path itself.
fn place_of(asked: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40; // some lead in a circle
    let mut path = asked.to_path_buf();
    for _ in 0..MOST_LINKS {
        match (fs::canonicalize(&path), fs::read_link(&path)) {
            (Ok(whole), _) => return whole,
            (Err(_), Ok(next)) => path = path.parent().unwrap_or(Path::new("")).join(next),
            (Err(_), Err(_)) => return path,
        }
    }
    asked.to_path_buf()
}

fn write_to_device(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut device = OpenOptions::new().write(true).open(path)?;
    device.write_all(bytes)?;
    device.flush()
}

/// A file that is removed unless it came to its place.
struct Temporary {
    path: PathBuf,
    remains: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.remains {
            // There is an error already, and a better one.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a file with a name that none has.
fn create_in(folder: &Path) -> io::Result<(File, Temporary)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    const MOST_TRIES: usize = 10_000; // others' left-overs of the same process number
    for _ in 0..MOST_TRIES {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".mlp-{}-{number}.tmp", process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, Temporary { path, remains: false })),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "too many unfinished files are there: remove .mlp-*.tmp",
    ))
}

/// Writes the renaming itself to the disk, where a folder can be opened. The file is in its place
/// already: that this fails is no reason to say that it is not.
fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}
