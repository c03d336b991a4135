//! Where numbers of some series stand in a matrix.

use std::ops::Range;

use super::Series;

/// Some numbers of some series.
pub(super) struct Place {
    pub(super) series: Range<usize>,
    pub(super) items: Range<usize>,
}

impl Place {
    pub(super) fn len(&self) -> usize {
        self.series.len() * self.items.len()
    }

    /// The numbers there, series by series.
    #[inline(always)]
    pub(super) fn read<'x, T: Copy>(&self, x: &'x [T], of: Series, gathered: &'x mut [T]) -> &'x [T] {
        if !of.across {
            return &x[self.series.start * of.length + self.items.start..][..self.len()];
        }
        self.gather(x, of, gathered);
        &gathered[..self.len()]
    }

    /// Puts them there.
    #[inline(always)]
    pub(super) fn write<T: Copy>(&self, values: &[T], of: Series, out: &mut [T]) {
        if !of.across {
            return out[self.series.start * of.length + self.items.start..][..self.len()]
                .copy_from_slice(values);
        }
        self.scatter(values, of, out);
    }

    /// Reads numbers of series that are rows. Nothing is computed: no instruction set is better.
    #[inline(never)]
    fn gather<T: Copy>(&self, x: &[T], of: Series, gathered: &mut [T]) {
        let length = self.items.len();
        for (l, item) in self.items.clone().enumerate() {
            let row = &x[item * of.count..][self.series.clone()];
            for (s, &x) in row.iter().enumerate() {
                gathered[s * length + l] = x;
            }
        }
    }

    /// Puts numbers of series that are rows.
    #[inline(never)]
    fn scatter<T: Copy>(&self, values: &[T], of: Series, out: &mut [T]) {
        let length = self.items.len();
        for (l, item) in self.items.clone().enumerate() {
            let row = &mut out[item * of.count..][self.series.clone()];
            for (s, out) in row.iter_mut().enumerate() {
                *out = values[s * length + l];
            }
        }
    }
}
