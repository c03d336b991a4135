//! Tiles of the output that stay in registers while the inner dimension is walked.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling keep arrays of vectors in registers

use super::Epilogue;
use super::store::put_vector;
use crate::numbers::kernel::simd::{Lanes, prefetch};
use pulp::Simd;
use std::ops::Range;

/// Vectors in a column of a tile.
pub(super) const VECTORS: usize = 2;

/// The most lanes of a vector: 64 bytes of f32.
pub(super) const MOST_LANES: usize = 16;
/// The most columns of a tile, whatever the instruction set.
pub(super) const MOST_COLUMNS: usize = 8;

/// The most columns of a tile: its sums, a column of the left operand and a number of the right one
/// fill the registers.
#[inline(always)]
pub(in crate::numbers::kernel) const fn most_columns<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 {
        MOST_COLUMNS
    } else if S::IS_SCALAR {
        4
    } else {
        6
    }
}

/// How many columns the next tile has if so many are left.
#[inline(always)]
pub(super) fn width_of_tile<S: Simd>(rest: usize) -> usize {
    let most = most_columns::<S>();
    match rest {
        _ if rest >= most => most,
        6.. => 6, // 4 and 2 have too few sums to keep the multipliers busy
        _ => 1 << rest.ilog2(),
    }
}

/// Some rows of the left operand and a range of the inner dimension: first rows that are read where
/// they are, then packed panels.
#[derive(Clone, Copy)]
pub(super) struct Left<'a, T> {
    pub(super) rows: usize,
    pub(super) in_place: usize,
    pub(super) data: &'a [T],
    pub(super) stride: usize,
    pub(super) packed: &'a [T],
}

impl<'a, T: Lanes> Left<'a, T> {
    /// From row i on, and how far apart the columns are if the panel there is `height` rows high.
    #[inline(always)]
    fn panel(&self, i: usize, height: usize, depth: usize) -> (&'a [T], usize) {
        if i < self.in_place {
            (&self.data[i..], self.stride)
        } else {
            (&self.packed[(i - self.in_place) * depth..], height)
        }
    }
}

/// The right operand from a tile's first element on: consecutive along its rows or along its
/// columns.
#[derive(Clone, Copy)]
pub(in crate::numbers::kernel) struct Right<'a, T> {
    pub(in crate::numbers::kernel) data: &'a [T],
    pub(in crate::numbers::kernel) stride: usize,
    pub(in crate::numbers::kernel) rows: bool,
    /// Where the columns are that are not side by side.
    pub(in crate::numbers::kernel) chosen: Option<&'a [usize]>,
}

impl<'a, T> Right<'a, T> {
    /// Column j from the tile's first element on.
    #[inline(always)]
    fn column(&self, j: usize) -> &'a [T] {
        &self.data[self.chosen.map_or(j, |chosen| chosen[j]) * self.stride..]
    }
}

/// Where a strip of tiles goes: the output from the strip's first element on.
pub(super) struct Target<'a, T> {
    pub(super) out: &'a mut [T],
    pub(super) stride: usize,
    pub(super) alpha: T,
    pub(super) accumulate: bool,
    /// From the strip's first element on.
    pub(super) epilogue: Epilogue<'a, T>,
    /// Whether what is added to has left the second-level cache. Then a tile's part of it is asked
    /// for before the sums, which take longer than it takes to come: the large case of the bench
    /// gains 2 % in f32 and 5 in f64.
    pub(super) far: bool,
}

/// All tiles in some rows and a few columns of the output.
#[inline(always)]
pub(super) fn strip<T: Lanes, S: Simd, const C: usize>(
    simd: S,
    depth: usize,
    left: Left<'_, T>,
    right: Right<'_, T>,
    mut target: Target<'_, T>,
) {
    let lanes = T::lanes::<S>();
    let mut i = 0;
    while i + VECTORS * lanes <= left.rows {
        if target.far {
            for j in 0..C {
                let out = &target.out[j * target.stride + i..][..VECTORS * lanes];
                out.iter().step_by(lanes).for_each(prefetch);
            }
        }
        let sums = sums::<T, S, VECTORS, C>(simd, depth, left.panel(i, VECTORS * lanes, depth), right);
        store::<T, S, VECTORS, C, false>(simd, sums, &mut target, i..i + VECTORS * lanes);
        i += VECTORS * lanes;
    }
    while i < left.rows {
        let sums = sums::<T, S, 1, C>(simd, depth, left.panel(i, lanes, depth), right);
        if i + lanes <= left.rows {
            store::<T, S, 1, C, false>(simd, sums, &mut target, i..i + lanes);
        } else {
            store::<T, S, 1, C, true>(simd, sums, &mut target, i..left.rows);
        }
        i += lanes;
    }
}

/// The sums of a tile.
#[inline(always)]
pub(in crate::numbers::kernel) fn sums<T: Lanes, S: Simd, const V: usize, const C: usize>(
    simd: S,
    depth: usize,
    (mut a, a_stride): (&[T], usize),
    b: Right<'_, T>,
) -> [[T::Vector<S>; V]; C] {
    let mut sums = [[T::splat(simd, T::default()); V]; C];
    if b.rows {
        let (mut b, b_stride) = (b.data, b.stride);
        for _ in 0..depth {
            let row = b.first_chunk::<C>().expect("a row of b is as long as the tile is wide");
            add_products(simd, a, *row, &mut sums);
            a = a.get(a_stride..).unwrap_or(&[]);
            b = b.get(b_stride..).unwrap_or(&[]);
        }
    } else {
        let mut columns = [&b.data[..0]; C];
        for j in 0..C {
            columns[j] = &b.column(j)[..depth];
        }
        for q in 0..depth {
            let mut row = [T::default(); C];
            for j in 0..C {
                row[j] = columns[j][q];
            }
            add_products(simd, a, row, &mut sums);
            a = a.get(a_stride..).unwrap_or(&[]);
        }
    }
    sums
}

/// Adds a column of a times a row of b to the sums.
#[inline(always)]
fn add_products<T: Lanes, S: Simd, const V: usize, const C: usize>(
    simd: S,
    a: &[T],
    row: [T; C],
    sums: &mut [[T::Vector<S>; V]; C],
) {
    let a = T::vectors::<S>(&a[..V * T::lanes::<S>()]).0;
    let a: [T::Vector<S>; V] = *a.first_chunk().expect("as many vectors as were sliced");
    for j in 0..C {
        let b = T::splat(simd, row[j]);
        for i in 0..V {
            sums[j][i] = T::multiply_add(simd, a[i], b, sums[j][i]);
        }
    }
}

/// α times the sums, stored or added in these rows of the output, which are but a PART of a vector
/// or whole ones.
#[inline(always)]
fn store<T: Lanes, S: Simd, const V: usize, const C: usize, const PART: bool>(
    simd: S,
    sums: [[T::Vector<S>; V]; C],
    target: &mut Target<'_, T>,
    rows: Range<usize>,
) {
    // Asked once for all vectors of a whole tile: then none of them asks again. Narrow ones are
    // few, and code that compiles long.
    if C < most_columns::<S>() {
        return store_with::<T, S, V, C, PART>(simd, sums, target, rows, target.epilogue);
    }
    match target.epilogue {
        Epilogue::None => store_with::<T, S, V, C, PART>(simd, sums, target, rows, Epilogue::None),
        Epilogue::Bias(b) => store_with::<T, S, V, C, PART>(simd, sums, target, rows, Epilogue::Bias(b)),
        Epilogue::Multiply(by) => {
            store_with::<T, S, V, C, PART>(simd, sums, target, rows, Epilogue::Multiply(by));
        }
    }
}

#[inline(always)]
fn store_with<T: Lanes, S: Simd, const V: usize, const C: usize, const PART: bool>(
    simd: S,
    sums: [[T::Vector<S>; V]; C],
    target: &mut Target<'_, T>,
    rows: Range<usize>,
    epilogue: Epilogue<'_, T>,
) {
    let (alpha, lanes) = (T::splat(simd, target.alpha), T::lanes::<S>());
    for (j, sums) in sums.into_iter().enumerate() {
        let out = &mut target.out[j * target.stride..][rows.clone()];
        for (i, (out, sum)) in out.chunks_mut(lanes).zip(sums).enumerate() {
            let row = rows.start + i * lanes;
            let finish = (epilogue, j * target.stride + row, row);
            let x = T::multiply(simd, sum, alpha);
            put_vector::<T, S, PART>(simd, out, x, target.accumulate, finish);
        }
    }
}
