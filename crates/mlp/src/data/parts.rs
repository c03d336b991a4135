//! Numbers that are given out by name, to be saved, and taken back.

use indexmap::IndexMap;

use crate::{Error, Result};

/// Numbers by name, such as the means of all features by `mean`.
pub type Parts = IndexMap<String, Vec<f64>>;

pub(super) fn named<const N: usize>(parts: [(&str, Vec<f64>); N]) -> Parts {
    parts.into_iter().map(|(name, values)| (name.to_string(), values)).collect()
}

/// The values of the names, all of which have to be there, and no others.
pub(super) fn take<'a, const N: usize>(parts: &'a Parts, names: [&str; N]) -> Result<[&'a [f64]; N]> {
    if let Some(unknown) = parts.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(wrong(unknown, format!("is not known, known are {}", names.join(", "))));
    }
    let mut taken: [&[f64]; N] = [&[]; N];
    for (values, name) in taken.iter_mut().zip(names) {
        *values = parts.get(name).ok_or_else(|| wrong(name, "is missing".to_string()))?;
    }
    Ok(taken)
}

pub(super) fn check_length(name: &str, values: &[f64], expected: usize) -> Result<()> {
    if values.len() == expected {
        return Ok(());
    }
    Err(wrong(name, format!("{expected} values are needed, there are {}", values.len())))
}

pub(super) fn check_each(
    name: &str,
    values: &[f64],
    expected: &str,
    fits: impl Fn(f64) -> bool,
) -> Result<()> {
    match values.iter().position(|&value| !fits(value)) {
        None => Ok(()),
        Some(at) => Err(wrong(name, format!("value {at} is {}, it must be {expected}", values[at]))),
    }
}

/// The values as whole numbers from 0 on.
pub(super) fn whole(name: &str, values: &[f64]) -> Result<Vec<usize>> {
    // Up to 2⁵³ a number tells the next one apart.
    let is_whole = |x: f64| (0.0..9_007_199_254_740_992.0).contains(&x) && x.fract() == 0.0;
    check_each(name, values, "a whole number from 0 on", is_whole)?;
    Ok(values.iter().map(|&x| x as usize).collect())
}

pub(super) fn wrong(name: &str, reason: String) -> Error {
    Error::Part { name: name.to_string(), reason }
}
