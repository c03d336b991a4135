//! Numbers as shaded cells: of one colour above 0, and of another with stripes below it.

use std::collections::BTreeMap;

/// Shades on each side of 0.
const SHADES: i32 = 8;

/// The shade of a value beside the largest size: from −8 to 8, and 0 for what is no number.
pub(super) fn shade(value: f64, largest: f64) -> i32 {
    if !value.is_finite() || largest <= 0.0 {
        return 0;
    }
    (f64::from(SHADES) * (value / largest)).round().clamp(-8.0, 8.0) as i32
}

/// What tells a value below 0 beside the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Two stripes in the place of the cell.
    Stripes,
    /// A number that is written there.
    Written,
}

/// Cells of side 1, from (0, 0) to (columns, rows): the value of (row, column) is `at(row, column)`.
pub(super) fn cells(
    (rows, columns): (usize, usize),
    largest: f64,
    sign: Sign,
    at: impl Fn(usize, usize) -> f64,
) -> String {
    // Equal neighbours of a row are one rectangle, and all of a shade one path.
    let mut paths: BTreeMap<i32, String> = BTreeMap::new();
    for row in 0..rows {
        let shades: Vec<i32> = (0..columns).map(|column| shade(at(row, column), largest)).collect();
        let mut column = 0;
        for equal in shades.chunk_by(|a, b| a == b) {
            let (shade, width) = (equal[0], equal.len());
            if shade != 0 {
                let path = paths.entry(shade).or_default();
                *path += &match shade < 0 && sign == Sign::Stripes {
                    true => {
                        format!("M{column} {row}h{width}v.38h-{width}zm0 .5h{width}v.38h-{width}z")
                    }
                    false => format!("M{column} {row}h{width}v1h-{width}z"),
                };
            }
            column += width;
        }
    }
    let of_shade = |(shade, path): (i32, String)| {
        let class = if shade < 0 { "below" } else { "above" };
        let opacity = f64::from(shade.abs()) / f64::from(SHADES);
        format!("<path class=\"{class}\" fill-opacity=\"{opacity}\" d=\"{path}\"/>\n")
    };
    paths.into_iter().map(of_shade).collect()
}

/// The largest size of the finite values.
pub(super) fn largest(values: &[f64]) -> f64 {
    values.iter().map(|value| value.abs()).filter(|size| size.is_finite()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_have_a_sign_and_a_size() {
        for (value, largest, expected) in [
            (1.0, 1.0, 8),
            (-1.0, 1.0, -8),
            (0.05, 1.0, 0),
            (f64::NAN, 1.0, 0),
            (f64::INFINITY, 1.0, 0),
            (0.0, 0.0, 0),
            (-f64::MAX, f64::MAX, -8),
        ] {
            assert_eq!(shade(value, largest), expected, "{value} of {largest}");
        }
    }

    #[test]
    fn equal_neighbours_are_one_rectangle() {
        let values = [[1.0, 1.0, -0.5], [0.0, 1.0, 0.0]];
        let svg = cells((2, 3), 1.0, Sign::Stripes, |row, column| values[row][column]);
        let expected = "<path class=\"below\" fill-opacity=\"0.5\" d=\"M2 0h1v.38h-1zm0 .5h1v.38h-1z\"/>\n\
                        <path class=\"above\" fill-opacity=\"1\" d=\"M0 0h2v1h-2zM1 1h1v1h-1z\"/>\n";
        assert_eq!(svg, expected);
        let svg = cells((1, 2), 1.0, Sign::Written, |_, _| -1.0);
        assert_eq!(svg, "<path class=\"below\" fill-opacity=\"1\" d=\"M0 0h2v1h-2z\"/>\n");
        assert_eq!(cells((0, 0), 0.0, Sign::Stripes, |_, _| 1.0), "");
    }
}
