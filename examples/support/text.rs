//! How numbers and names are printed.

use tape::printable;

/// A number as it is read, with an exponent where it would else be a row of digits: 0.5, 12, 1e300.
pub(crate) fn short(x: f64) -> String {
    if x == 0.0 || (1e-5..1e16).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

/// A name on one line: a quotation mark that is never closed makes a name of the rest of the file.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 40;
    let begin: String = name.chars().take(LONGEST).collect();
    format!("{}{}", printable(&begin), if begin.len() < name.len() { "…" } else { "" })
}
