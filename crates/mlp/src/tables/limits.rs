//! What is read at most.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::TableError;

/// The most numbers that are read from a table: they are held in memory.
pub const MOST_VALUES: usize = 50_000_000;
/// The most columns.
pub(super) const MOST_COLUMNS: usize = 1_000_000;
const MOST_BYTES: u64 = 1 << 30;

/// All bytes of a file.
pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>, TableError> {
    let opened = File::open(path).map_err(|error| TableError::whole(path, error.to_string()))?;
    at_most(MOST_BYTES, opened, path)
}

/// Reads to the end, which some files do not have.
fn at_most(most: u64, from: impl Read, file: &Path) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    let read = from.take(most.saturating_add(1)).read_to_end(&mut bytes);
    let length = read.map_err(|error| TableError::whole(file, error.to_string()))?;
    if length as u64 > most {
        let reason = format!("there are more than {most} bytes, the most that is read");
        return Err(TableError::whole(file, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_refused() {
        let file = Path::new("t.csv");
        let endless = at_most(1000, std::io::repeat(b'1'), file).unwrap_err().to_string();
        assert_eq!(endless, "t.csv: there are more than 1000 bytes, the most that is read");
        assert_eq!(at_most(3, &b"1,2"[..], file).unwrap(), b"1,2");
    }
}
