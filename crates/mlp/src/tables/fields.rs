//! What stands in a field.

use ::csv::StringRecord;

use super::error::shown;

pub(super) fn is_number(field: &str) -> bool {
    field.parse::<f64>().is_ok()
}

pub(super) fn is_missing(field: &str) -> bool {
    matches!(field, "" | "?" | "-" | "NA" | "N/A" | "n/a" | "null" | "NULL")
}

/// Names with commas between them.
pub(super) fn listed(names: &StringRecord) -> String {
    const MOST: usize = 20;
    let some: Vec<String> = names.iter().take(MOST).map(shown).collect();
    format!("{}{}", some.join(", "), if names.len() > MOST { ", …" } else { "" })
}
