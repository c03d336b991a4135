//! Comparison of error messages that name a place in the source.

use std::fmt::Display;

/// Asserts that a message is the pattern, where `{place}` stands for `file:line:column` with the file of the test that asks.
#[track_caller]
pub(crate) fn assert_message(found: impl Display, pattern: &str) {
    assert_message_from(std::panic::Location::caller().file(), found, pattern);
}

/// The same, where `{place}` stands for a place in another file.
#[track_caller]
pub(crate) fn assert_message_from(file: &str, found: impl Display, pattern: &str) {
    let found = found.to_string();
    assert!(matches(&found, pattern, file), "found    {found:?}\nexpected {pattern:?}, {{place}} in {file}");
}

fn matches(found: &str, pattern: &str, file: &str) -> bool {
    let Some((before, after)) = pattern.split_once("{place}") else {
        return found == pattern;
    };
    let place = found.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let numbers = place.and_then(|place| place.strip_prefix(file)).and_then(|rest| rest.strip_prefix(':'));
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    numbers.and_then(|n| n.split_once(':')).is_some_and(|(line, column)| is_number(line) && is_number(column))
}
