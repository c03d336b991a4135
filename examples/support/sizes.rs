//! The sizes of a network's layers as an option.

use std::fmt::Display;
use std::str::FromStr;

use lexopt::prelude::ValueExt;

/// `5-4-3-1`
pub(crate) struct Sizes(pub(crate) Vec<usize>);

impl FromStr for Sizes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sizes: Result<Vec<usize>, _> = text.split(['-', ',']).map(|size| size.trim().parse()).collect();
        match sizes {
            Ok(sizes) if sizes.len() >= 2 && sizes.iter().all(|&size| (1..=1000).contains(&size)) => {
                Ok(Sizes(sizes))
            }
            Ok(_) | Err(_) => Err("two sizes or more from 1 to 1000 are expected, as 5-4-3-1"),
        }
    }
}

/// The value of an option, with its name where something is wrong.
pub(crate) fn value<V: FromStr<Err: Display>>(
    option: &str,
    parser: &mut lexopt::Parser,
) -> Result<V, String> {
    let text = parser.value().and_then(|text| text.string()).map_err(|error| format!("{option}: {error}"))?;
    text.parse().map_err(|error| format!("{option} {text:?}: {error}"))
}
