//! How numbers and names are written in errors and tables.

use std::borrow::Cow;
use std::fmt;

use tape::Scalar;

/// A number as short as it goes: 0.25, 4, 1e300.
pub(crate) struct Short<T>(pub(crate) T);

impl<T: Scalar> fmt::Display for Short<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.to_f64().abs();
        if size != 0.0 && size.is_finite() && !(1e-5..1e16).contains(&size) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// A name on one line: what would end the line, steer a terminal or turn the direction of writing stands as an escape.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unprintable(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped.into()
}

/// Control characters, ends of lines and paragraphs, marks of the direction of writing, and what has no width of its own.
fn is_unprintable(c: char) -> bool {
    let marks = ['\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{feff}'];
    c.is_control() || marks.contains(&c) || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.25, "0.25"),
            (1e300, "1e300"),
            (-1e-60, "-1e-60"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(Short(number).to_string(), text);
        }
        assert_eq!(Short(0.1_f32).to_string(), "0.1");
        assert_eq!(Short(1e30_f32).to_string(), "1e30");
    }

    #[test]
    fn names_stay_on_their_line() {
        assert_eq!(printable("größer ≤ 20, 层"), "größer ≤ 20, 层");
        assert_eq!(printable("a\nb\t\u{1b}[31m"), r"a\nb\t\u{1b}[31m");
        assert_eq!(printable("a\u{202e}b\u{9b}c\0"), r"a\u{202e}b\u{9b}c\u{0}");
    }
}
