//! How a loop cuts the examples: units, spans and tiles.
//!
//! A sum over the examples is added up unit by unit inside a span, and then span by span. Units and
//! spans are functions of the program and of m. A tile, of any number of units, is what runs
//! through a loop at a time, and spans may run side by side: neither changes the order in which
//! anything is added. Nor does it matter whether one span is taken for several of one unit each,
//! since what a unit adds to a sum is rounded before.

use std::ops::Range;

use crate::numbers::kernel::product::UNIT;
use crate::numbers::kernel::{cache, divide};
use crate::program::operand::Columns;

/// The most spans.
const SPANS: usize = 16;
/// With fewer units, one span: its units are too few for a thread each.
const LEAST_UNITS: usize = 8;
/// The most numbers that the sums of all spans may have: adding them up has to be little work.
const MOST_SUMS: usize = 1 << 20;
/// And those of spans that are there for the threads' sake.
const MOST_SUMS_OF_UNITS: usize = 1 << 16;

/// The spans of a loop: as equal parts of the examples as whole units can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spans {
    pub(crate) count: usize,
    m: usize,
}

impl Spans {
    /// For sums of so many numbers over m examples.
    pub(crate) fn new(m: usize, numbers: usize) -> Self {
        let units = m.div_ceil(UNIT);
        let most = MOST_SUMS.checked_div(numbers).unwrap_or(SPANS).min(SPANS);
        if units < LEAST_UNITS || most < 2 {
            return Spans { count: 1, m };
        }
        Spans { count: most.min(units), m }
    }

    /// The same sums in the same order, in spans of one unit; if there are few of both, and so many
    /// threads get about the same of them.
    pub(crate) fn in_units(self, numbers: usize, threads: usize) -> Option<Self> {
        let units = Spans { count: self.m.div_ceil(UNIT), ..self };
        let few = units.count <= SPANS && units.count.saturating_mul(numbers) <= MOST_SUMS_OF_UNITS;
        let even = || 2 * threads * units.widest(threads) <= 3 * self.m;
        (self.count == 1 && threads > 1 && units.count > 1 && few && even()).then_some(units)
    }

    /// The most columns that one of so many threads gets.
    pub(crate) fn widest(self, threads: usize) -> usize {
        self.widest_of(0..self.count, threads.min(self.count))
    }

    fn widest_of(self, spans: Range<usize>, threads: usize) -> usize {
        if threads < 2 {
            return self.columns_of(spans).count;
        }
        let at = spans.start + divide::cut(spans.len(), threads, 1);
        let others = self.widest_of(at..spans.end, threads - threads / 2);
        self.widest_of(spans.start..at, threads / 2).max(others)
    }

    /// The columns of a span.
    pub(crate) fn columns(self, span: usize) -> Columns {
        self.columns_of(span..span + 1)
    }

    /// The columns of some spans that follow each other.
    pub(crate) fn columns_of(self, spans: Range<usize>) -> Columns {
        let units = self.m.div_ceil(UNIT);
        let at = |span: usize| (span * units / self.count * UNIT).min(self.m);
        let start = at(spans.start);
        Columns { start, count: at(spans.end) - start, m: self.m }
    }
}

/// So many columns, or a few more, up to a whole number of units; as many as there can be where
/// that would overflow.
pub(crate) fn in_units(columns: usize) -> usize {
    columns.checked_next_multiple_of(UNIT).unwrap_or(usize::MAX / UNIT * UNIT)
}

/// Columns of a tile whose values have so many rows each: as many units as half of the second-level
/// cache holds, but enough that reading the parameters again for every tile is little work.
pub(crate) fn tile_columns(rows: &[usize], bytes_of_a_number: usize) -> usize {
    const MOST: usize = 4096;
    let rows_of_all = rows.iter().fold(0, |sum: usize, &rows| sum.saturating_add(rows));
    let bytes_of_a_column = rows_of_all.max(1).saturating_mul(bytes_of_a_number);
    let fitting = cache::caches().second / 2 / bytes_of_a_column / UNIT * UNIT;
    let most_rows = rows.iter().copied().max().unwrap_or(1);
    let least = most_rows.min(MOST).next_power_of_two().clamp(UNIT, 4 * UNIT);
    fitting.clamp(least, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_the_examples_in_whole_units() {
        for m in [0, 1, 255, 2047, 2048, 2049, 4353, 65_536, 65_537, 70_000, 1 << 20] {
            for numbers in [0, 1, 1000, 1 << 18, 1 << 19, 1 << 21] {
                let spans = Spans::new(m, numbers);
                let mut next = 0;
                for span in 0..spans.count {
                    let columns = spans.columns(span);
                    assert_eq!((columns.start, columns.m), (next, m));
                    assert!(span == 0 || columns.start.is_multiple_of(UNIT));
                    assert!(m == 0 || columns.count > 0);
                    next = columns.start + columns.count;
                }
                assert_eq!(next, m);
                assert!(
                    spans.widest(2) <= m.div_ceil(2) + UNIT || spans.count == 1,
                    "halves differ by a unit at most"
                );
                assert_eq!(spans.columns_of(0..spans.count).count, m);
                assert!(spans.count <= SPANS && (spans.count == 1 || spans.count * numbers <= MOST_SUMS));
            }
        }
        assert_eq!(Spans::new(1024, 10).count, 1);
        assert_eq!(Spans::new(65_536, 10).count, 16);
    }

    #[test]
    fn a_few_units_are_spans_of_several_threads() {
        let in_units = |m, numbers, threads| Spans::new(m, numbers).in_units(numbers, threads);
        assert_eq!(in_units(1025, 10, 2).map(|spans| spans.columns(4).count), Some(1));
        assert_eq!(in_units(569, 10, 2).map(|spans| spans.widest(2)), Some(313));
        assert_eq!(in_units(569, 10, 3).map(|spans| spans.widest(3)), Some(256));
        // One thread, one unit, a thread that would have most, more threads than units, many sums.
        for (m, numbers, threads) in
            [(569, 10, 1), (256, 10, 2), (300, 10, 2), (569, 10, 4), (1024, 1 << 15, 2)]
        {
            assert_eq!(in_units(m, numbers, threads), None);
        }
    }

    #[test]
    fn a_tile_has_whole_units() {
        for rows in [&[][..], &[1], &[64; 6], &[1024; 8], &[usize::MAX; 2]] {
            let columns = tile_columns(rows, 8);
            assert!(columns >= UNIT && columns.is_multiple_of(UNIT), "{columns}");
        }
        assert_eq!([1, UNIT, UNIT + 1].map(in_units), [UNIT, UNIT, 2 * UNIT]);
        for columns in [usize::MAX - UNIT, usize::MAX - UNIT + 1, usize::MAX] {
            assert_eq!(in_units(columns), usize::MAX - UNIT + 1);
        }
    }
}
