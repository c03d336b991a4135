//! Names and other texts of the user's, as they can be shown.

use std::borrow::Cow;
use std::fmt;

/// A name as errors and tables show it: on one line, with what would end the line, steer a terminal
/// or turn the direction of writing as an escape.
///
/// ```
/// assert_eq!(tape::printable("W[1]"), "W[1]");
/// assert_eq!(tape::printable("two\nlines, \u{1b}[31mred"), r"two\nlines, \u{1b}[31mred");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_unprintable(c) {
            true => escaped.extend(c.escape_default()),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Control characters, ends of lines and of paragraphs, marks of the direction of writing, and
/// signs without width that are part of no word.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Whether anything of a name can be seen.
pub(crate) fn is_name(name: &str) -> bool {
    !name.chars().all(|c| c.is_whitespace() || is_unprintable(c))
}

/// Writes all that it is given as [`printable`] text.
pub(crate) struct Printable<'a, 'f>(pub(crate) &'a mut fmt::Formatter<'f>);

impl fmt::Write for Printable<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&printable(text))
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_writing_is_not() {
        for (text, shown) in [
            ("", ""),
            ("∂J/∂W[1] é e\u{301} 层 👩\u{200d}🔬 \\n", "∂J/∂W[1] é e\u{301} 层 👩\u{200d}🔬 \\n"),
            ("a\0b\t\r\n\u{7f}", r"a\u{0}b\t\r\n\u{7f}"),
            ("\u{9b}2J", r"\u{9b}2J"), // what ESC [ is in one sign
            ("a\u{202e}b\u{2066}", r"a\u{202e}b\u{2066}"),
            ("a\u{2028}b\u{2029}c\u{feff}", r"a\u{2028}b\u{2029}c\u{feff}"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(printable(shown), shown, "twice is once");
        }
    }
}
