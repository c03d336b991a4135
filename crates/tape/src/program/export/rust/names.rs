//! Names of values as identifiers: `W[1]` is `w_1`, `∂J/∂W[1]` is `dj_dw_1`.

use rustc_hash::FxHashSet;

/// Words that are no identifiers, and, in the last line, names that loops have.
const TAKEN: &str = include_str!("keywords.txt");

/// Identifiers that are handed out, each once.
#[derive(Debug)]
pub(super) struct Names {
    taken: FxHashSet<String>,
}

/// Whether a function beside those of the library can have this name.
pub(super) fn is_of_a_function(name: &str, library: &str) -> bool {
    let is_identifier = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    let keywords = TAKEN.rsplit_once("\ni ").map_or(TAKEN, |(keywords, _)| keywords);
    let mut taken = keywords.split_whitespace().chain(words(library));
    is_identifier && taken.all(|word| word != name)
}

fn words(library: &str) -> impl Iterator<Item = &str> {
    library.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

/// Whether rustc takes this letter or digit in an identifier: of the alphabets that are usual in
/// names, as `std` does not know Unicode's XID.
fn is_of_an_identifier(c: char) -> bool {
    match c {
        'ª' | 'º' | '\u{345}' | '\u{37a}' => false,
        '\u{374}' => false, // rustc takes it for U+2B9
        '\u{80}'..'\u{530}' => c.is_alphabetic(),
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' => true,
        '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => true,
        c => c.is_ascii_alphanumeric(),
    }
}

/// The digit that a raised or lowered one is.
fn plain_digit(c: char) -> Option<char> {
    let at = "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉".chars().position(|digit| digit == c)?;
    char::from_digit(u32::try_from(at % 10).ok()?, 10)
}

impl Names {
    pub(super) fn new(library: &str) -> Self {
        Names { taken: TAKEN.split_whitespace().chain(words(library)).map(str::to_owned).collect() }
    }

    /// Lets nothing else have a name.
    pub(super) fn take(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    /// This name, or it with a number if it is taken.
    pub(super) fn free(&mut self, identifier: &str) -> String {
        let (mut free, mut count) = (identifier.to_owned(), 1);
        while !self.taken.insert(free.clone()) {
            count += 1;
            free = format!("{identifier}_{count}");
        }
        free
    }

    /// An identifier like this name.
    pub(super) fn identifier(&mut self, name: &str) -> String {
        let mut identifier = String::new();
        for c in name.chars() {
            match c {
                '∂' => identifier.push('d'),
                'ℒ' => identifier.push('l'),
                '′' => identifier.push_str("_prime"),
                '/' | '[' | ' ' | '(' | '.' | '-' | ',' | '_' if !identifier.ends_with('_') => {
                    identifier.push('_')
                }
                c if is_of_an_identifier(c) => identifier.extend(c.to_lowercase()),
                c => identifier.extend(plain_digit(c)),
            }
        }
        let identifier = identifier.trim_end_matches('_');
        let begins = identifier.chars().next().is_some_and(|c| c.is_alphabetic());
        let identifier = if begins { identifier.to_owned() } else { format!("n{identifier}") };
        match identifier.as_str() {
            "i" | "j" | "k" => self.free(&format!("{identifier}_value")), // loops count by these
            _ => self.free(&identifier),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, is_of_a_function};

    #[test]
    fn a_function_has_a_name_of_its_own() {
        for name in ["predict", "total", "f2", "x"] {
            assert!(is_of_a_function(name, "exp LN_2"), "{name}");
        }
        for name in ["", "2f", "π", "a b", "fn", "gen", "self", "crate", "exp", "LN_2"] {
            assert!(!is_of_a_function(name, "exp LN_2"), "{name}");
        }
    }

    #[test]
    fn names_become_identifiers() {
        let mut names = Names::new("fn exp(x: f64)");
        let mut of = |name: &str| names.identifier(name);
        assert_eq!(["W[1]", "∂J/∂W[1]", "A[2]", "J"].map(&mut of), ["w_1", "dj_dw_1", "a_2", "j_value"]);
        assert_eq!(
            ["%12", "", "W[1]", "fn", "exp", "x"].map(of),
            ["n12", "n", "w_1_2", "fn_2", "exp_2", "x_2"]
        );
    }

    #[test]
    fn what_is_no_letter_of_an_identifier_is_left_out() {
        let mut names = Names::new("");
        let of = ["x₁", "x²", "y⁴⁰", "½", "①", "ﷺ", "🦀", "a__b", "__", "a\u{345}", "b\u{374}", "σ", "日本"];
        let expected = ["x1", "x2", "y40", "n", "n_2", "n_3", "n_4", "a_b", "n_5", "a", "b", "σ", "日本"];
        assert_eq!(of.map(|name| names.identifier(name)), expected);
    }
}
