//! Copies of parts of the left operand in the order in which tiles read them.

use super::Operand;
use crate::kernel::simd::Lanes;

/// Fills `panel` with the rows `row..row + rows` of op(a), each column in `width` consecutive numbers, 0 after the last.
///
/// `columns` is the part of the inner dimension that is taken; m and `inner` are the shape of op(a).
#[inline(always)]
pub(super) fn panel<T: Lanes>(
    a: Operand<'_, T>,
    (m, inner): (usize, usize),
    (row, rows): (usize, usize),
    columns: std::ops::Range<usize>,
    width: usize,
    panel: &mut [T],
) {
    if a.transposed {
        if rows < width {
            panel.fill(T::default());
        }
        for i in 0..rows {
            let source = &a.data[(row + i) * inner..][columns.clone()];
            for (target, &x) in panel.chunks_exact_mut(width).zip(source) {
                target[i] = x;
            }
        }
    } else {
        for (target, p) in panel.chunks_exact_mut(width).zip(columns) {
            let (target, rest) = target.split_at_mut(rows);
            target.copy_from_slice(&a.data[p * m + row..][..rows]);
            rest.fill(T::default());
        }
    }
}
