//! Products in tiles of the output that stay in registers while the inner dimension is walked.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling keep arrays of vectors in registers

use super::{Beta, Operand, Product, pack};
use crate::kernel::simd::Lanes;
use pulp::Simd;

/// The most memory that packed panels of the left operand take at a time: they are to stay in the second-level cache.
pub(super) const PACKED_BYTES: usize = 384 << 10;
/// The most of the inner dimension that is walked at a time, so that the columns of the right operand that a tile reads
/// stay in the first-level cache.
const DEPTH: usize = 320;
/// Rows no farther apart than this are read where they are; others would share too few sets of the cache.
const NEAR_BYTES: usize = 512;
/// Columns of a tile.
const COLUMNS: usize = 8;
/// Vectors in a column of a tile.
const VECTORS: usize = 2;

#[inline(always)]
pub(super) fn product<T: Lanes, S: Simd>(simd: S, mut p: Product<'_, T>) {
    let blocks = p.inner.div_ceil(DEPTH);
    let depth = p.inner.div_ceil(blocks);
    let mut scratch = T::scratch().take();
    for begin in (0..p.inner).step_by(depth) {
        let end = p.inner.min(begin + depth);
        slab(simd, &mut p, begin..end, &mut scratch);
        p.beta = Beta::One;
    }
    T::scratch().set(scratch);
}

/// Adds the part of the product that comes from a range of the inner dimension.
#[inline(always)]
fn slab<T: Lanes, S: Simd>(
    simd: S,
    p: &mut Product<'_, T>,
    range: std::ops::Range<usize>,
    scratch: &mut Vec<T>,
) {
    let height = VECTORS * T::lanes::<S>();
    let depth = range.len();
    let most = (PACKED_BYTES / size_of::<T>() / depth).max(height);
    let blocks = p.m.div_ceil(most);
    let rows = p.m.div_ceil(blocks).next_multiple_of(height);
    for row in (0..p.m).step_by(rows) {
        let rows = rows.min(p.m - row);
        let in_place = !p.a.transposed && (p.m * size_of::<T>() <= NEAR_BYTES || p.n <= 2 * COLUMNS);
        let first_packed = if in_place { rows / height * height } else { 0 };
        let needed = (rows - first_packed).next_multiple_of(height) * depth;
        if scratch.len() < needed {
            scratch.resize(needed, T::default());
        }
        let mut at = 0;
        for i in (first_packed..rows).step_by(height) {
            let tall = height.min(rows - i);
            let width = tall.next_multiple_of(T::lanes::<S>());
            let panel = &mut scratch[at..at + width * depth];
            pack::panel(p.a, (p.m, p.inner), (row + i, tall), range.clone(), width, panel);
            at += width * depth;
        }
        block(simd, p, (row, rows), range.clone(), (first_packed, scratch));
    }
}

/// All tiles in some rows of the output; the panels from row `first_packed` of them on are packed.
#[inline(always)]
fn block<T: Lanes, S: Simd>(
    simd: S,
    p: &mut Product<'_, T>,
    (row, rows): (usize, usize),
    range: std::ops::Range<usize>,
    (first_packed, packed): (usize, &[T]),
) {
    let height = VECTORS * T::lanes::<S>();
    let mut j = 0;
    while j < p.n {
        let left = p.n - j;
        let columns = if left >= COLUMNS { COLUMNS } else { 1 << left.ilog2() };
        for i in (0..rows).step_by(height) {
            let tall = height.min(rows - i);
            let (a, stride) = if i < first_packed {
                (&p.a.data[range.start * p.m + row + i..], p.m)
            } else {
                (&packed[(i - first_packed) * range.len()..], tall.next_multiple_of(T::lanes::<S>()))
            };
            let part = Part {
                depth: range.len(),
                a,
                stride,
                b: p.b,
                inner: p.inner,
                n: p.n,
                begin: range.start,
                column: j,
            };
            let out = &mut p.out[j * p.m + row + i..];
            let target =
                Target { out, stride: p.m, rows: tall, alpha: p.alpha, accumulate: p.beta == Beta::One };
            match (tall > T::lanes::<S>(), columns) {
                (true, 8) => tile::<T, S, 2, 8>(simd, part, target),
                (true, 4) => tile::<T, S, 2, 4>(simd, part, target),
                (true, 2) => tile::<T, S, 2, 2>(simd, part, target),
                (true, _) => tile::<T, S, 2, 1>(simd, part, target),
                (false, 8) => tile::<T, S, 1, 8>(simd, part, target),
                (false, 4) => tile::<T, S, 1, 4>(simd, part, target),
                (false, 2) => tile::<T, S, 1, 2>(simd, part, target),
                (false, _) => tile::<T, S, 1, 1>(simd, part, target),
            }
        }
        j += columns;
    }
}

/// What a tile is computed from.
struct Part<'a, T> {
    depth: usize,
    /// From the tile's first row on; a step along the inner dimension is `stride` numbers.
    a: &'a [T],
    stride: usize,
    b: Operand<'a, T>,
    inner: usize,
    n: usize,
    /// Where the tile begins in the inner dimension and in the columns.
    begin: usize,
    column: usize,
}

/// Where a tile goes.
struct Target<'a, T> {
    out: &'a mut [T],
    stride: usize,
    rows: usize,
    alpha: T,
    accumulate: bool,
}

#[inline(always)]
fn tile<T: Lanes, S: Simd, const V: usize, const C: usize>(
    simd: S,
    part: Part<'_, T>,
    target: Target<'_, T>,
) {
    let sums = if part.b.transposed {
        let b = &part.b.data[part.begin * part.n + part.column..];
        sums_of_rows::<T, S, V, C>(simd, part.depth, (part.a, part.stride), (b, part.n))
    } else {
        let b = &part.b.data[part.column * part.inner + part.begin..];
        sums_of_columns::<T, S, V, C>(simd, part.depth, (part.a, part.stride), (b, part.inner))
    };
    if target.rows == V * T::lanes::<S>() {
        store(simd, sums, target);
    } else {
        store_part(simd, sums, target);
    }
}

/// The sums of a tile, where b is contiguous along the inner dimension.
#[inline(always)]
fn sums_of_columns<T: Lanes, S: Simd, const V: usize, const C: usize>(
    simd: S,
    depth: usize,
    (mut a, a_stride): (&[T], usize),
    (b, b_stride): (&[T], usize),
) -> [[T::Vector<S>; V]; C] {
    let mut sums = [[T::splat(simd, T::default()); V]; C];
    let mut columns = [&b[..0]; C];
    for j in 0..C {
        columns[j] = &b[j * b_stride..][..depth];
    }
    for q in 0..depth {
        let x = column_of_tile::<T, S, V>(a);
        for j in 0..C {
            let y = T::splat(simd, columns[j][q]);
            for i in 0..V {
                sums[j][i] = T::multiply_add(simd, x[i], y, sums[j][i]);
            }
        }
        a = a.get(a_stride..).unwrap_or(&[]);
    }
    sums
}

/// The sums of a tile, where b is contiguous along its columns.
#[inline(always)]
fn sums_of_rows<T: Lanes, S: Simd, const V: usize, const C: usize>(
    simd: S,
    depth: usize,
    (mut a, a_stride): (&[T], usize),
    (mut b, b_stride): (&[T], usize),
) -> [[T::Vector<S>; V]; C] {
    let mut sums = [[T::splat(simd, T::default()); V]; C];
    for _ in 0..depth {
        let x = column_of_tile::<T, S, V>(a);
        let row = b.first_chunk::<C>().expect("a row of b is as long as the tile is wide");
        for j in 0..C {
            let y = T::splat(simd, row[j]);
            for i in 0..V {
                sums[j][i] = T::multiply_add(simd, x[i], y, sums[j][i]);
            }
        }
        a = a.get(a_stride..).unwrap_or(&[]);
        b = b.get(b_stride..).unwrap_or(&[]);
    }
    sums
}

/// The vectors at the start of a.
#[inline(always)]
fn column_of_tile<T: Lanes, S: Simd, const V: usize>(a: &[T]) -> [T::Vector<S>; V] {
    *T::vectors::<S>(&a[..V * T::lanes::<S>()]).0.first_chunk::<V>().expect("as many vectors as were sliced")
}

/// The output times β plus α times the sums, where the tile has all its rows.
#[inline(always)]
fn store<T: Lanes, S: Simd, const V: usize, const C: usize>(
    simd: S,
    sums: [[T::Vector<S>; V]; C],
    target: Target<'_, T>,
) {
    let alpha = T::splat(simd, target.alpha);
    for (j, sums) in sums.into_iter().enumerate() {
        let out = &mut target.out[j * target.stride..][..V * T::lanes::<S>()];
        for (out, sum) in T::vectors_mut::<S>(out).0.iter_mut().zip(sums) {
            *out = if target.accumulate {
                T::multiply_add(simd, sum, alpha, *out)
            } else {
                T::multiply(simd, sum, alpha)
            };
        }
    }
}

/// The same where the tile has fewer rows than its vectors have lanes.
#[inline(always)]
fn store_part<T: Lanes, S: Simd, const V: usize, const C: usize>(
    simd: S,
    sums: [[T::Vector<S>; V]; C],
    target: Target<'_, T>,
) {
    const { assert!(V * 16 <= 32) }
    let mut column = [T::default(); 32];
    let (rows, stride) = (target.rows, target.stride);
    for (j, sums) in sums.into_iter().enumerate() {
        let out = &mut target.out[j * stride..][..rows];
        column[..rows].copy_from_slice(out);
        let whole = Target { out: &mut column, ..target };
        store(simd, [sums], whole);
        out.copy_from_slice(&column[..rows]);
    }
}
