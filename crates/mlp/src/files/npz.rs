//! Archives of numpy's format npz: a zip file with an npy file for every array.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::bounded::Bounded;
use super::checksum::Crc32;
use super::tensor::Kind;
use super::{Archive, FileError, FileProblem, npy, write_whole};
use crate::{Error, Result};

const LOCAL: u32 = u32::from_le_bytes(*b"PK\x03\x04");
const CENTRAL: u32 = u32::from_le_bytes(*b"PK\x01\x02");
const END: u32 = u32::from_le_bytes(*b"PK\x05\x06");
const LOCAL_SIZE: usize = 30;
const CENTRAL_SIZE: usize = 46;
const END_SIZE: usize = 22;
/// What the numbers of 32 bits reach.
const MOST_BYTES: u64 = u32::MAX as u64;
/// The first of January 1980, as zip counts days.
const NO_DAY: u16 = 0x21;
/// Names are UTF-8.
const UTF_8: u16 = 1 << 11;
const EXTENSION: &str = ".npy";

/// # As a file of numpy
impl Archive {
    /// The bytes of an npz file, as `numpy.savez` writes it: arrays by name, not compressed.
    ///
    /// ```
    /// use mlp::files::Archive;
    /// let mut archive = Archive::new();
    /// archive.insert("x", &tape::matrix![[1.0, 2.0], [3.0, 4.0]]);
    /// archive.insert_whole("y", &[1, 0]);
    /// assert_eq!(Archive::from_npz_bytes(&archive.to_npz_bytes()?)?, archive);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] if there are [texts](Archive::clear_texts), which numpy has no place for, if
    /// a number type is none of numpy's, or if names or arrays are larger than the format allows.
    pub fn to_npz_bytes(&self) -> Result<Vec<u8>> {
        if let Some((key, _)) = self.texts().next() {
            let reason = "an npz file keeps no texts: take them out with clear_texts".to_string();
            return self.fail(key, FileProblem::Format { reason });
        }
        let (mut bytes, mut central, mut count) = (Vec::new(), Vec::new(), 0_u16);
        for (name, tensor) in &self.tensors {
            if let Kind::Other(kind) = &tensor.kind {
                let reason = format!("its number type {kind} is none of numpy's");
                return self.fail(name, FileProblem::Format { reason });
            }
            let array = npy::bytes_of(tensor);
            let file = format!("{name}{EXTENSION}");
            let too_large = |_| {
                let bytes = array.len().max(file.len()) as u64;
                let problem = FileProblem::TooLarge { what: "array or its name", bytes, most: MOST_BYTES };
                Error::from(FileError::new(self.path.as_deref(), problem).named(name.clone()))
            };
            let length = u16::try_from(file.len()).map_err(too_large)?;
            let size = u32::try_from(array.len()).map_err(too_large)?;
            let at = u32::try_from(bytes.len()).map_err(too_large)?;
            count = u16::try_from(usize::from(count) + 1).map_err(too_large)?;
            let about = Entry { crc: Crc32::of(&array), size, length };
            put(&mut bytes, &LOCAL.to_le_bytes(), &about, &[]);
            bytes.extend_from_slice(file.as_bytes());
            bytes.extend_from_slice(&array);
            // Made by version 2.0 of the format; no comment, the first disk, no attributes.
            let mut begin = CENTRAL.to_le_bytes().to_vec();
            begin.extend_from_slice(&20_u16.to_le_bytes());
            let mut end = vec![0; 10];
            end.extend_from_slice(&at.to_le_bytes());
            put(&mut central, &begin, &about, &end);
            central.extend_from_slice(file.as_bytes());
        }
        self.put_end(&mut bytes, &central, count)?;
        Ok(bytes)
    }

    fn put_end(&self, bytes: &mut Vec<u8>, central: &[u8], count: u16) -> Result<()> {
        let (Ok(size), Ok(at)) = (u32::try_from(central.len()), u32::try_from(bytes.len())) else {
            let bytes = bytes.len() as u64;
            return self.fail_whole(FileProblem::TooLarge { what: "npz file", bytes, most: MOST_BYTES });
        };
        bytes.extend_from_slice(central);
        bytes.extend_from_slice(&END.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&at.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        Ok(())
    }

    /// The archive of an npz file's bytes.
    ///
    /// # Errors
    /// [`Error::File`] if they are none or damaged, if an array is compressed
    /// (`numpy.savez_compressed`), or is refused by [`Npy::from_bytes`](super::Npy::from_bytes).
    pub fn from_npz_bytes(bytes: &[u8]) -> Result<Self> {
        Archive::of_npz(bytes, None)
    }

    /// Writes an npz file, whole or not at all.
    ///
    /// # Errors
    /// As [`to_npz_bytes`](Archive::to_npz_bytes) and [`write_whole`].
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        match self.to_npz_bytes() {
            Ok(bytes) => write_whole(path, &bytes),
            Err(Error::File(error)) => Err(error.at(path).into()),
            Err(error) => Err(error),
        }
    }

    /// Reads an npz file.
    ///
    /// # Errors
    /// As [`from_npz_bytes`](Archive::from_npz_bytes), or what the system refuses, with the path.
    pub fn read_npz(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut file = File::open(path).map_err(|error| FileError::io(path, "open", &error))?;
        let mut reader = Bounded::new(&mut file, Some(path));
        let mut bytes = reader.exactly(4, "its beginning")?;
        check_begin(&bytes, Some(path))?;
        let rest = file.take(MOST_BYTES).read_to_end(&mut bytes);
        rest.map_err(|error| FileError::io(path, "read", &error))?;
        Archive::of_npz(&bytes, Some(path))
    }

    fn of_npz(bytes: &[u8], path: Option<&Path>) -> Result<Self> {
        check_begin(bytes, path)?;
        let mut archive = Archive { path: path.map(Path::to_path_buf), ..Archive::default() };
        let broken = |reason: String| Error::from(FileError::format(path, reason));
        let mut end_before = 0;
        let mut members = members(bytes).map_err(broken)?;
        members.sort_by_key(|member| member.at);
        for member in members {
            let shown: String = member.name.chars().take(80).collect();
            let of_it = |reason: String| Error::from(FileError::format(path, reason).named(shown.clone()));
            let (array, end) = member.array(bytes, end_before).map_err(of_it)?;
            end_before = end;
            let Some(name) = member.name.strip_suffix(EXTENSION) else {
                return Err(of_it("is no npy file".to_string()));
            };
            let tensor = npy::read(array, path).map_err(|error| match error {
                Error::File(error) => error.named(shown.clone()).into(),
                error => error,
            })?;
            if archive.tensors.insert(name.to_string(), tensor).is_some() {
                return Err(of_it("the name is there twice".to_string()));
            }
        }
        Ok(archive)
    }
}

fn check_begin(bytes: &[u8], path: Option<&Path>) -> Result<()> {
    match bytes.first_chunk() {
        Some(&begin) if [LOCAL, END].contains(&u32::from_le_bytes(begin)) => Ok(()),
        _ => Err(FileError::format(path, "it is no npz file: it does not begin with PK").into()),
    }
}

struct Entry {
    crc: u32,
    size: u32,
    length: u16,
}

/// What the headers before an array and at the end of the file have in common.
fn put(bytes: &mut Vec<u8>, begin: &[u8], Entry { crc, size, length }: &Entry, end: &[u8]) {
    bytes.extend_from_slice(begin);
    for two in [20, UTF_8, 0, 0, NO_DAY] {
        bytes.extend_from_slice(&two.to_le_bytes()); // version, flags, stored, time, day
    }
    for four in [crc, size, size] {
        bytes.extend_from_slice(&four.to_le_bytes());
    }
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]); // no more about it
    bytes.extend_from_slice(end);
}

/// A file within the zip file.
struct Member {
    name: String,
    at: usize,
    size: usize,
    crc: u32,
}

/// What the directory at the end of a zip file lists.
fn members(bytes: &[u8]) -> Result<Vec<Member>, String> {
    let end = end_of(bytes).ok_or("the file has no end: it was cut off")?;
    let count = usize::from(two(bytes, end + 10)?);
    let (size, at) = (four(bytes, end + 12)? as usize, four(bytes, end + 16)? as usize);
    if two(bytes, end + 4)? != 0 || two(bytes, end + 8)? as usize != count {
        return Err("the file is one of several".to_string());
    }
    if at.checked_add(size) != Some(end) {
        return Err("the directory is not where the file says".to_string());
    }
    let mut members = Vec::new();
    let mut here = at;
    for _ in 0..count {
        if four(bytes, here)? != CENTRAL || here + CENTRAL_SIZE > end {
            return Err("the directory is broken".to_string());
        }
        let length = usize::from(two(bytes, here + 28)?);
        let more = usize::from(two(bytes, here + 30)?) + usize::from(two(bytes, here + 32)?);
        let name = here + CENTRAL_SIZE..here + CENTRAL_SIZE + length;
        let name = bytes.get(name).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or("a name is not UTF-8")?.to_string();
        let flags = two(bytes, here + 8)?;
        let (packed, size) = (four(bytes, here + 20)?, four(bytes, here + 24)?);
        let shown: String = name.chars().take(80).collect();
        match two(bytes, here + 10)? {
            _ if flags & 1 == 1 => return Err(format!("{shown:?} is encrypted")),
            0 if packed == size && size != u32::MAX => {}
            0 => return Err(format!("{shown:?} has two sizes, or 4 GB and more")),
            _ => return Err(format!("{shown:?} is compressed: write it with numpy.savez")),
        }
        let at = four(bytes, here + 42)? as usize;
        members.push(Member { name, at, size: size as usize, crc: four(bytes, here + 16)? });
        here += CENTRAL_SIZE + length + more;
    }
    if here != end {
        return Err("the directory is longer or shorter than it says".to_string());
    }
    Ok(members)
}

/// Where the last part of the file begins: there may be a comment after it.
fn end_of(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_SIZE)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        four(bytes, at) == Ok(END) && two(bytes, at + 20).is_ok_and(|n| usize::from(n) == last - at)
    })
}

impl Member {
    /// The bytes of the file and where they end. They may not begin before `free`.
    fn array<'a>(&self, bytes: &'a [u8], free: usize) -> Result<(&'a [u8], usize), String> {
        if self.at < free || four(bytes, self.at)? != LOCAL {
            return Err("is not where the directory says, or where another file is".to_string());
        }
        let name = usize::from(two(bytes, self.at + 26)?);
        let more = usize::from(two(bytes, self.at + 28)?);
        let begin = self.at + LOCAL_SIZE + name + more;
        if bytes.get(self.at + LOCAL_SIZE..self.at + LOCAL_SIZE + name) != Some(self.name.as_bytes()) {
            return Err("has two names".to_string());
        }
        let end = begin.checked_add(self.size).ok_or("is too long")?;
        let array = bytes.get(begin..end).ok_or("is longer than the file")?;
        if Crc32::of(array) != self.crc {
            return Err("is damaged: it has another checksum".to_string());
        }
        Ok((array, end))
    }
}

fn two(bytes: &[u8], at: usize) -> Result<u16, String> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found.map(|&two| u16::from_le_bytes(two)).ok_or_else(|| "the file is cut off".to_string())
}

fn four(bytes: &[u8], at: usize) -> Result<u32, String> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found.map(|&four| u32::from_le_bytes(four)).ok_or_else(|| "the file is cut off".to_string())
}
