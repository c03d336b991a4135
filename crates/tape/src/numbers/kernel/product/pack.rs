//! Copies of parts of the operands in the order in which tiles read them.

use super::Operand;
use super::tile::VECTORS;
use crate::numbers::kernel::simd::{Lanes, SIDE};
use crate::numbers::kernel::transpose::few_rows;
use pulp::Simd;
use std::ops::Range;

/// Strips of the right operand that are packed at a time: more of every page and cache line that is
/// read is used.
pub(super) const STRIPS: usize = 4;

/// Fills `packed` with some rows of op(a) and a range of its columns: panels of two vectors, then
/// of one, the last one filled up with 0, each column by column.
#[inline(always)]
pub(super) fn panels<T: Lanes, S: Simd>(
    simd: S,
    a: Operand<'_, T>,
    stride: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    mut packed: &mut [T],
) {
    let lanes = T::lanes::<S>();
    let mut row = rows.start;
    while row < rows.end {
        let rest = rows.end - row;
        let width = if rest >= VECTORS * lanes { VECTORS * lanes } else { lanes };
        let (panel, next) = std::mem::take(&mut packed).split_at_mut(width * columns.len());
        packed = next;
        if a.transposed {
            let source = &a.data[row * stride..][columns.start..];
            transposed(source, stride, (rest.min(width), columns.len()), width, panel);
        } else {
            let source = &a.data[columns.start * stride + row..];
            if rest >= VECTORS * lanes {
                vectors::<T, S, VECTORS>(source, stride, panel);
            } else if rest >= lanes {
                vectors::<T, S, 1>(source, stride, panel);
            } else {
                filled_up(simd, source, (stride, rest), panel);
            }
        }
        row += width;
    }
}

/// Columns of V vectors.
#[inline(always)]
fn vectors<T: Lanes, S: Simd, const V: usize>(a: &[T], stride: usize, panel: &mut [T]) {
    let panel = T::vectors_mut::<S>(panel).0.as_chunks_mut::<V>().0;
    for (target, column) in panel.iter_mut().zip(a.chunks(stride)) {
        *target =
            *T::vectors::<S>(&column[..V * T::lanes::<S>()]).0.first_chunk().expect("as many as were sliced");
    }
}

/// Columns of fewer rows than a vector has lanes.
#[inline(always)]
fn filled_up<T: Lanes, S: Simd>(simd: S, a: &[T], (stride, rows): (usize, usize), panel: &mut [T]) {
    for (target, column) in T::vectors_mut::<S>(panel).0.iter_mut().zip(a.chunks(stride)) {
        *target = T::load_part(simd, &column[..rows]);
    }
}

/// Rows of a that are to be columns of the panel, in squares where there are enough of them.
#[inline(always)]
fn transposed<T: Lanes>(
    a: &[T],
    stride: usize,
    (rows, columns): (usize, usize),
    width: usize,
    panel: &mut [T],
) {
    if rows < width {
        panel.fill(T::default());
    }
    let squares = rows / SIDE * SIDE;
    for i in (0..squares).step_by(SIDE) {
        let mut sources = [&a[..0]; SIDE];
        for (k, source) in sources.iter_mut().enumerate() {
            *source = &a[(i + k) * stride..][..columns];
        }
        few_rows(sources, &mut panel[i..], width);
    }
    for i in squares..rows {
        for (target, &x) in panel.chunks_exact_mut(width).zip(&a[i * stride..][..columns]) {
            target[i] = x;
        }
    }
}

/// Fills `packed` with strips, one after the other, each of the next `columns` numbers of the rows.
#[inline(always)]
pub(super) fn strips<'b, T: Lanes>(
    rows: impl Iterator<Item = &'b [T]> + Clone,
    (columns, strips): (usize, usize),
    depth: usize,
    packed: &mut [T],
) {
    let mut targets = packed.chunks_exact_mut(columns * depth);
    if (columns, strips) == (8, STRIPS) {
        // Lengths that are known while compiling make a copy of a few instructions.
        let mut targets: [_; STRIPS] = std::array::from_fn(
            #[inline(always)]
            |_| targets.next().expect("memory for every strip").as_chunks_mut::<8>().0.iter_mut(),
        );
        for row in rows {
            for i in 0..STRIPS {
                let target = targets[i].next().expect("a strip is as deep as there are rows");
                *target = *row[8 * i..].first_chunk().expect("a row is as long as the strips are wide");
            }
        }
    } else {
        for (i, target) in targets.take(strips).enumerate() {
            for (target, row) in target.chunks_exact_mut(columns).zip(rows.clone()) {
                target.copy_from_slice(&row[i * columns..][..columns]);
            }
        }
    }
}
