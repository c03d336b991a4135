//! How many rows or columns there are.

use std::ops::{Range, RangeInclusive};

use crate::check::Random;

/// Where code for tiles and chunks takes turns: next to 0, and next to the ends of what is done at a
/// time.
pub(super) const BOUNDARIES: [usize; 30] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512,
    513, 1023, 1024, 1025,
];

/// How many rows or columns are drawn: a number, or one of a range.
///
/// Of a range, every second draw is at a boundary: an end of the range, or one of 0, 1, 2, 3, 4 and
/// 2ᵏ − 1, 2ᵏ, 2ᵏ + 1 up to k = 10. The chunks of examples have 256 columns; vectors, tiles and
/// blocks have powers of two.
///
/// ```
/// use tape::check::strategies::Side;
/// let (n, m): (Side, Side) = (3.into(), (0..=513).into());
/// # let _ = (n, m);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Side {
    least: usize,
    most: usize,
}

impl Side {
    /// Rows that are drawn where nothing else is said: up to 40.
    pub const ROWS: Side = Side { least: 0, most: 40 };

    /// Columns that are drawn where nothing else is said: up to 513, two chunks and a column.
    pub const COLUMNS: Side = Side { least: 0, most: 513 };

    #[track_caller]
    fn between(least: usize, most: usize) -> Self {
        assert!(least <= most, "there is no number from {least} to {most}");
        Side { least, most }
    }

    /// The least of them.
    pub fn least(self) -> usize {
        self.least
    }

    /// The greatest of them.
    pub fn most(self) -> usize {
        self.most
    }

    /// One of them.
    pub fn draw(self, random: &mut Random) -> usize {
        let Side { least, most } = self;
        match random.below(2) {
            0 => random.between(least as f64, most as f64 + 1.0).min(most as f64) as usize,
            _ => {
                let inside: Vec<usize> = BOUNDARIES
                    .into_iter()
                    .chain([least, most])
                    .filter(|n| (least..=most).contains(n))
                    .collect();
                inside[random.below(inside.len())]
            }
        }
    }
}

impl From<usize> for Side {
    fn from(n: usize) -> Self {
        Side::between(n, n)
    }
}

/// # Panics
/// If the range is empty.
impl From<RangeInclusive<usize>> for Side {
    #[track_caller]
    fn from(range: RangeInclusive<usize>) -> Self {
        Side::between(*range.start(), *range.end())
    }
}

/// # Panics
/// If the range is empty.
impl From<Range<usize>> for Side {
    #[track_caller]
    fn from(range: Range<usize>) -> Self {
        assert!(!range.is_empty(), "there is no number from {} to below {}", range.start, range.end);
        Side::between(range.start, range.end - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_draws_are_at_boundaries_and_all_inside() {
        let mut random = Random::new(1);
        let draws: Vec<usize> = (0..4000).map(|_| Side::COLUMNS.draw(&mut random)).collect();
        assert!(draws.iter().all(|&n| n <= 513));
        for boundary in [0, 1, 2, 3, 255, 256, 257, 513] {
            // 1 of 27 of the half: 74 ± 8.5.
            let count = draws.iter().filter(|&&n| n == boundary).count();
            assert!(count > 30, "{boundary}: {count} times");
        }
        assert_eq!((Side::from(7).draw(&mut random), Side::from(7..8).draw(&mut random)), (7, 7));
        assert!((0..100).all(|_| (20..=29).contains(&Side::from(20..30).draw(&mut random))));
    }

    #[test]
    #[should_panic(expected = "there is no number from 5 to below 5")]
    fn an_empty_range_is_refused() {
        let _ = Side::from(5..5);
    }
}
