//! An archive as the bytes of a safetensors file, and back.
//!
//! A file is the length of its header (u64, little-endian), the header (JSON: name, type, shape and
//! place of every tensor, and the texts under `__metadata__`), and the tensors' bytes without a
//! gap. The crate `safetensors` checks that they have none, and that shapes and places agree. The
//! header is written and taken apart here: the crate writes texts in an order that changes from run
//! to run, and takes a name that is there twice for one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::safetensors::tensor::{Metadata, TensorInfo};
use ::safetensors::{Dtype, SafeTensorError};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::bounded::Bounded;
use super::checksum::Crc32;
use super::tensor::{Kind, Tensor};
use super::{Archive, FileError, FileProblem, write_whole};
use crate::{Error, Result};

const LENGTH: usize = size_of::<u64>();
const METADATA: &str = "__metadata__";
/// The text with the checksum, which an archive does not show.
const CHECKSUM: &str = "crc32";
/// The header is looked through as a whole: names, shapes and texts of some 100 000 tensors.
const MOST_HEADER: u64 = 1 << 24;

/// # As a file
impl Archive {
    /// The bytes of a safetensors file. The same content has the same bytes, and a checksum.
    ///
    /// # Errors
    /// [`Error::File`] if a tensor has the name `__metadata__` or a text the key `crc32`, which the
    /// file uses itself, or if names and texts are longer than what [`read`](Archive::read) takes;
    /// [`Error::Memory`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if self.tensors.contains_key(METADATA) {
            return self.fail(METADATA, reserved());
        }
        if self.texts.contains_key(CHECKSUM) {
            return self.fail(CHECKSUM, reserved());
        }
        // As the crate orders them: those of the largest numbers first, so that all are aligned.
        let mut tensors = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            let Some(kind) = dtype(tensor.kind.name()) else {
                let reason = format!("its number type {} is none of safetensors", tensor.kind.name());
                return self.fail(name, FileProblem::Format { reason });
            };
            tensors.push((kind, name, tensor));
        }
        tensors.sort_by(|(a, a_name, _), (b, b_name, _)| b.cmp(a).then(a_name.cmp(b_name)));
        let mut texts = self.texts.clone();
        texts.insert(CHECKSUM.to_string(), format!("{:08x}", self.checksum()));
        let mut end = 0;
        let infos = tensors.iter().map(|&(dtype, name, tensor)| {
            let begin = end;
            end += tensor.bytes.len();
            (name.clone(), TensorInfo { dtype, shape: tensor.shape.clone(), data_offsets: (begin, end) })
        });
        let header = Header { texts, tensors: infos.collect() };
        let mut header = serde_json::to_vec(&header).map_err(|error| self.broken(error.to_string()))?;
        header.resize(header.len().next_multiple_of(LENGTH), b' ');
        if header.len() as u64 > MOST_HEADER {
            let (bytes, most) = (header.len() as u64, MOST_HEADER);
            return self.fail_whole(FileProblem::TooLarge { what: "header", bytes, most });
        }
        let mut bytes = Vec::new();
        let size = LENGTH + header.len() + end;
        if bytes.try_reserve_exact(size).is_err() {
            return Err(Error::Memory { what: "archive".to_string(), bytes: size as u128 });
        }
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
        tensors.iter().for_each(|(_, _, tensor)| bytes.extend_from_slice(&tensor.bytes));
        Ok(bytes)
    }

    /// The archive of a safetensors file's bytes.
    ///
    /// # Errors
    /// [`Error::File`] if they are none, or not all of them, or damaged; [`Error::Memory`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Archive::from_reader(bytes, None)
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// As [`to_bytes`](Archive::to_bytes) and [`write_whole`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        match self.to_bytes() {
            Ok(bytes) => write_whole(path, &bytes),
            Err(Error::File(error)) => Err(error.at(path).into()),
            Err(error) => Err(error),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`from_bytes`](Archive::from_bytes), or what the system refuses, with the path.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| FileError::io(path, "open", &error))?;
        Archive::from_reader(file, Some(path))
    }

    /// Reads no further than the header announces; memory grows with what is there.
    fn from_reader(mut from: impl Read, path: Option<&Path>) -> Result<Self> {
        let mut reader = Bounded::new(&mut from, path);
        let length = reader.exactly(LENGTH as u64, "the length of the header")?;
        let length = u64::from_le_bytes(length.try_into().unwrap_or([0xff; LENGTH]));
        if length > MOST_HEADER {
            let problem = FileProblem::TooLarge { what: "header", bytes: length, most: MOST_HEADER };
            return Err(FileError::new(path, problem).into());
        }
        let header = reader.exactly(length, "the header")?;
        let Header { mut texts, mut tensors } = Header::parse(&header, path)?;
        tensors.sort_by_key(|(_, info)| info.data_offsets);
        // Each begins where the one before ends, and is as long as its shape says.
        Metadata::new(None, tensors.clone()).map_err(|error| FileError::format(path, reason(&error)))?;
        let mut archive = Archive { path: path.map(Path::to_path_buf), ..Archive::default() };
        for (name, info) in tensors {
            let (begin, end) = info.data_offsets;
            let bytes = reader.exactly((end - begin) as u64, &name)?;
            let kind = Kind::of_name(info.dtype.to_string());
            archive.tensors.insert(name, Tensor { kind, shape: info.shape, bytes });
        }
        reader.nothing("the last tensor")?;
        let given = texts.remove(CHECKSUM);
        archive.texts = texts;
        archive.check_checksum(given)?;
        Ok(archive)
    }

    /// A file that others wrote has none.
    fn check_checksum(&self, given: Option<String>) -> Result<()> {
        let Some(given) = given else { return Ok(()) };
        let digits = given.len() == 8 && given.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let Some(given) = u32::from_str_radix(&given, 16).ok().filter(|_| digits) else {
            let value = given.chars().take(80).collect();
            return self.fail(CHECKSUM, FileProblem::Text { value, expected: "eight digits".to_string() });
        };
        let found = self.checksum();
        if given == found { Ok(()) } else { self.fail_whole(FileProblem::Checksum { given, found }) }
    }

    /// Of all that it holds, in alphabetical order: it stays if another program writes the same
    /// content in another order.
    fn checksum(&self) -> u32 {
        let mut crc = Crc32::new();
        for (key, value) in &self.texts {
            crc.add_whole(key.as_bytes());
            crc.add_whole(value.as_bytes());
        }
        for (name, tensor) in &self.tensors {
            crc.add_whole(name.as_bytes());
            crc.add_whole(tensor.kind.name().as_bytes());
            crc.add(&(tensor.shape.len() as u64).to_le_bytes());
            tensor.shape.iter().for_each(|&side| crc.add(&(side as u64).to_le_bytes()));
            crc.add_whole(&tensor.bytes);
        }
        crc.value()
    }

    fn broken(&self, reason: String) -> Error {
        FileError::format(self.path.as_deref(), reason).into()
    }
}

fn reserved() -> FileProblem {
    FileProblem::Format { reason: "the file uses this name itself".to_string() }
}

fn dtype(name: &str) -> Option<Dtype> {
    serde_json::from_value(serde_json::Value::String(name.to_string())).ok()
}

/// The crate's words, for what is left for it to find.
fn reason(error: &SafeTensorError) -> String {
    match error {
        SafeTensorError::InvalidOffset(name) => {
            let name: String = name.chars().take(80).collect();
            format!("the bytes of {name:?} do not begin where those before end")
        }
        SafeTensorError::TensorInvalidInfo => {
            "a tensor's bytes are not as many as its shape needs".to_string()
        }
        error => error.to_string(),
    }
}

/// The JSON of a file: texts, and tensors in the order in which they are written down.
struct Header {
    texts: BTreeMap<String, String>,
    tensors: Vec<(String, TensorInfo)>,
}

impl Header {
    fn parse(bytes: &[u8], path: Option<&Path>) -> Result<Self> {
        let broken = |reason: String| Error::from(FileError::format(path, reason));
        if bytes.first() != Some(&b'{') {
            return Err(broken("it is no safetensors file: its header does not begin with {".to_string()));
        }
        serde_json::from_slice(bytes).map_err(|error| broken(format!("the header: {error}")))
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.tensors.len() + 1))?;
        map.serialize_entry(METADATA, &self.texts)?;
        for (name, info) in &self.tensors {
            map.serialize_entry(name, info)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let (mut texts, mut tensors) = (None, BTreeMap::new());
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                let before = texts.replace(map.next_value::<Texts>()?.0);
                if before.is_some() {
                    return Err(twice("name", METADATA));
                }
                continue;
            }
            match tensors.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(map.next_value::<TensorInfo>()?);
                }
                Entry::Occupied(place) => return Err(twice("name", place.key())),
            }
        }
        Ok(Header { texts: texts.unwrap_or_default(), tensors: tensors.into_iter().collect() })
    }
}

fn twice<E: de::Error>(what: &str, name: &str) -> E {
    let name: String = name.chars().take(80).collect();
    E::custom(format!("the {what} {name:?} is there twice"))
}

/// Texts by their keys, each of which is there once.
struct Texts(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            match texts.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(place) => return Err(twice("text", place.key())),
            }
        }
        Ok(Texts(texts))
    }
}
