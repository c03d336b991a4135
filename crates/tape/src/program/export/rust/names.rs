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
                '/' | '[' | ' ' | '(' | '.' | '-' | ',' if !identifier.ends_with('_') => identifier.push('_'),
                c if c.is_alphanumeric() || c == '_' => identifier.extend(c.to_lowercase()),
                _ => {}
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
}
