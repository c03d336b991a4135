//! What stands before the elements of an npy file.

use std::io::Read;
use std::path::Path;

use crate::Result;
use crate::files::bounded::Bounded;
use crate::files::tensor::NumberKind;
use crate::files::{FileError, FileProblem};

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// The bytes of a header are some hundred; numpy itself takes 10 000.
const MOST_HEADER: u64 = 1 << 16;

/// What a header says: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
pub(super) struct Header {
    pub(super) kind: NumberKind,
    /// Whether the first byte of a number is its largest.
    pub(super) is_big: bool,
    /// Whether the first index runs fastest.
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads what stands before the elements.
    pub(super) fn read<R: Read>(reader: &mut Bounded<'_, R>, path: Option<&Path>) -> Result<Self> {
        let broken = |reason: String| FileError::format(path, reason);
        let begin = reader.exactly(MAGIC.len() as u64 + 2, "its beginning")?;
        let Some(&[major, minor]) = begin.strip_prefix(MAGIC) else {
            return Err(broken("it is no npy file: it does not begin with \\x93NUMPY".to_string()).into());
        };
        let size = match (major, minor) {
            (1, 0) => 2,
            (2 | 3, 0) => 4,
            _ => return Err(broken(format!("version {major}.{minor} of the format npy is not known")).into()),
        };
        let mut length = reader.exactly(size, "the length of the header")?;
        length.resize(8, 0);
        let length = u64::from_le_bytes(length.try_into().unwrap_or([0xff; 8]));
        if length > MOST_HEADER {
            let problem = FileProblem::TooLarge { what: "header", bytes: length, most: MOST_HEADER };
            return Err(FileError::new(path, problem).into());
        }
        let header = reader.exactly(length, "the header")?;
        let header =
            std::str::from_utf8(&header).map_err(|_| broken("the header is not UTF-8".to_string()))?;
        Ok(Header::parse(header).map_err(broken)?)
    }

    /// How many bytes all elements have.
    pub(super) fn bytes(&self, path: Option<&Path>) -> Result<u64> {
        let size = self.kind.size() as u64;
        let bytes = self.shape.iter().try_fold(size, |bytes, &side| bytes.checked_mul(side as u64));
        bytes.filter(|bytes| isize::try_from(*bytes).is_ok()).ok_or_else(|| {
            let reason = "the shape has more elements than there is memory anywhere";
            FileError::format(path, reason).into()
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut rest = Rest(text.trim());
        let (mut descr, mut order, mut shape) = (None, None, None);
        rest.expect('{')?;
        while !rest.takes('}') {
            let key = rest.quoted()?;
            rest.expect(':')?;
            let is_first = match key {
                "descr" if rest.0.trim_start().starts_with('[') => {
                    return Err("the elements are no plain numbers (a structured type)".to_string());
                }
                "descr" => descr.replace(rest.quoted()?).is_none(),
                "fortran_order" => order.replace(rest.truth()?).is_none(),
                "shape" => shape.replace(rest.tuple()?).is_none(),
                key => return Err(format!("the header has the unknown key {key:?}")),
            };
            if !is_first {
                return Err(format!("the header has the key {key:?} twice"));
            }
            if !rest.takes(',') {
                rest.expect('}')?;
                break;
            }
        }
        let (Some(descr), Some(is_fortran), Some(shape), "") = (descr, order, shape, rest.0.trim()) else {
            return Err("the header has not all of descr, fortran_order and shape, or more".to_string());
        };
        let (kind, is_big) = number_kind(descr)?;
        Ok(Header { kind, is_big, is_fortran, shape })
    }
}

/// The type and whether the first byte of a number is its largest: of `<f8`, `>i4`, `|u1`.
fn number_kind(descr: &str) -> Result<(NumberKind, bool), String> {
    let (order, name) = descr.split_at_checked(1).unwrap_or_default();
    let kind = NumberKind::ALL.iter().copied().find(|kind| kind.npy_name() == name);
    match (kind, order) {
        (Some(kind), "<") => Ok((kind, false)),
        (Some(kind), ">") => Ok((kind, true)),
        (Some(kind), "|") if kind.size() == 1 => Ok((kind, false)),
        _ => {
            let descr: String = descr.chars().take(40).collect();
            let known: Vec<&str> = NumberKind::ALL.iter().map(|kind| kind.npy_name()).collect();
            Err(format!(
                "elements of type {descr:?} are not known, known are {} after < or >",
                known.join(", ")
            ))
        }
    }
}

/// What is left of a header.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn takes(&mut self, sign: char) -> bool {
        match self.0.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        let found: String = self.0.trim_start().chars().take(20).collect();
        Err(format!("the header has {found:?} where {sign} is needed"))
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        let sign = if self.takes('"') { '"' } else { '\'' };
        if sign == '\'' {
            self.expect('\'')?;
        }
        let (text, rest) = self.0.split_once(sign).ok_or("the header has a text without an end")?;
        self.0 = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, String> {
        let text = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = text.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err("fortran_order is neither True nor False".to_string())
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        let mut sides = Vec::new();
        self.expect('(')?;
        while !self.takes(')') {
            let text = self.0.trim_start();
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let side =
                text[..digits].parse().map_err(|_| "the shape has a side that is no size".to_string())?;
            sides.push(side);
            // Python 2 wrote 3L.
            self.0 = text[digits..].strip_prefix('L').unwrap_or(&text[digits..]);
            if !self.takes(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(sides)
    }
}
