//! Products in tiles of the output that stay in registers while the inner dimension is walked.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling keep arrays of vectors in registers

use super::store::put_vector;
use super::{Beta, Epilogue, Order, Product, UNIT, pack};
use crate::aligned::Aligned;
use crate::kernel::cache;
use crate::kernel::simd::{Lanes, prefetch};
use crate::kernel::vector_math::Real;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// The most memory that packed panels of the left operand take at a time: they are to stay in the second-level cache.
pub(super) const PACKED_BYTES: usize = 384 << 10;
/// The most of the inner dimension that is walked at a time, so that the columns of the right operand that a tile reads
/// stay in the first-level cache, and no longer: every slab reads and writes the whole output.
const DEPTH: usize = 512;
/// Columns of the left operand, and rows of the right one if it is transposed, no farther apart than this are read where they are;
/// others would share too few sets of the cache.
const NEAR_BYTES: usize = 2048;
/// All of the left operand's are for a product with no more columns than this: to pack them would take longer than it saves.
const FEW_COLUMNS: usize = 128;
/// Vectors in a column of a tile.
pub(super) const VECTORS: usize = 2;

/// The most lanes of a vector: 64 bytes of f32.
const MOST_LANES: usize = 16;
/// The most columns of a tile, whatever the instruction set.
const MOST_COLUMNS: usize = 8;
/// Strips of the right operand that are packed at a time: more of every page and cache line that is read is used.
pub(super) const STRIPS: usize = 4;
/// The most memory that strips of the right operand take if they are packed once for several blocks of rows.
const STRIPS_BYTES: usize = 1 << 20;
const _: () = assert!(UNIT <= DEPTH, "a slab is no longer than DEPTH");

/// So many numbers are enough for every product: packed panels that fill [`PACKED_BYTES`] to a panel's height more, and
/// packed strips of the right operand.
pub(super) const fn most_scratch<T>() -> usize {
    (PACKED_BYTES + STRIPS_BYTES) / size_of::<T>() + VECTORS * MOST_LANES * DEPTH
}

/// The most columns of a tile: its sums, a column of the left operand and a number of the right one fill the registers.
#[inline(always)]
const fn most_columns<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 {
        MOST_COLUMNS
    } else if S::IS_SCALAR {
        4
    } else {
        6
    }
}

/// A product in tiles.
pub(super) struct Tiles<'b, 'a, T>(pub(super) &'b mut Product<'a, T>);

impl<T: Real> WithSimd for Tiles<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        product(simd, self.0);
    }
}

#[inline(always)]
fn product<T: Lanes, S: Simd>(simd: S, p: &mut Product<'_, T>) {
    let depth = match p.order {
        Order::Free => p.inner.div_ceil(p.inner.div_ceil(DEPTH)),
        Order::Units => UNIT,
    };
    let mut scratch = T::scratch().take();
    let epilogue = std::mem::replace(&mut p.epilogue, Epilogue::None);
    for begin in (0..p.inner).step_by(depth) {
        let end = p.inner.min(begin + depth);
        if end == p.inner {
            p.epilogue = epilogue;
        }
        slab(simd, p, begin..end, &mut scratch);
        p.beta = Beta::One;
    }
    T::scratch().set(scratch);
}

/// Adds the part of the product that comes from a range of the inner dimension, block by block.
#[inline(always)]
fn slab<T: Lanes, S: Simd>(simd: S, p: &mut Product<'_, T>, range: Range<usize>, scratch: &mut Aligned<T>) {
    let blocks = Blocks::new::<T, S>(p, range.len());
    let needed = blocks.packed_left + blocks.packed_right;
    debug_assert!(needed <= most_scratch::<T>(), "{needed} numbers of scratch memory");
    scratch.grow(needed, T::default()).expect("scratch memory for a product");
    let (packed_right, packed_left) = scratch.split_at_mut(blocks.packed_right);
    let panel = p.panel.clone();
    for column in panel.clone().step_by(blocks.columns) {
        let columns = column..panel.end.min(column + blocks.columns);
        if blocks.packs_right {
            pack_right::<T, S>(p, &range, columns.clone(), packed_right);
        }
        for first in (0..p.m).step_by(blocks.rows) {
            let rows = first..p.m.min(first + blocks.rows);
            let in_place = if blocks.near { rows.len() / T::lanes::<S>() * T::lanes::<S>() } else { 0 };
            // The only block of rows stays packed.
            if column == panel.start || blocks.rows < p.m {
                let packed = &mut *packed_left;
                pack::panels(simd, p.a, (p.m, p.inner), first + in_place..rows.end, range.clone(), packed);
            }
            let data = if in_place > 0 { &p.a.data[range.start * p.m + first..] } else { &[] };
            let left = Left { rows: rows.len(), in_place, data, stride: p.m, packed: packed_left };
            let right = blocks.packs_right.then_some(&*packed_right);
            block(simd, p, (first, range.clone()), left, (columns.clone(), right));
        }
    }
}

/// In which blocks a slab is computed.
struct Blocks {
    /// The most rows of a block, whose packed panels are to stay in the second-level cache.
    rows: usize,
    /// And its most columns: all, if the right operand is not packed.
    columns: usize,
    /// Whether whole vectors of the left operand are read where they are.
    near: bool,
    packs_right: bool,
    /// How many numbers are packed of either operand.
    packed_left: usize,
    packed_right: usize,
}

impl Blocks {
    #[inline(always)]
    fn new<T: Lanes, S: Simd>(p: &Product<'_, T>, depth: usize) -> Self {
        let (lanes, strips) = (T::lanes::<S>(), STRIPS * most_columns::<S>());
        let height = VECTORS * lanes;
        let most = (PACKED_BYTES / size_of::<T>() / depth).max(height);
        let rows = if p.m <= most { p.m } else { p.m.div_ceil(p.m.div_ceil(most)).next_multiple_of(height) };
        let is_near = p.m * size_of::<T>() <= NEAR_BYTES || p.panel.len() <= FEW_COLUMNS;
        let near = is_near && !p.a.transposed;
        let worth_packing = p.n * size_of::<T>() > NEAR_BYTES && rows > 2 * height;
        let packs_right = p.b.transposed && (worth_packing || p.chosen.is_some());
        let columns = match packs_right {
            false => p.panel.len(),
            true if rows < p.m => (STRIPS_BYTES / size_of::<T>() / depth / strips).max(1) * strips,
            true => strips,
        };
        let in_place = if near { rows / lanes * lanes } else { 0 };
        // Of several blocks the last one may have fewer rows, and so fewer whole vectors.
        let packed_rows = if near { (rows - in_place).max(lanes) } else { rows };
        let packed_left = packed_rows.next_multiple_of(height) * depth;
        let packed_right = if packs_right { columns.min(p.panel.len()) * depth } else { 0 };
        Blocks { rows, columns, near, packs_right, packed_left, packed_right }
    }
}

/// Packs the right operand in strips of tiles.
#[inline(always)]
fn pack_right<T: Lanes, S: Simd>(
    p: &Product<'_, T>,
    range: &Range<usize>,
    columns: Range<usize>,
    packed: &mut [T],
) {
    let (depth, mut j) = (range.len(), columns.start);
    while j < columns.end {
        let rest = columns.end - j;
        let width = width_of_tile::<S>(rest);
        let strips = (rest / width).min(STRIPS);
        let rows = range.clone().map(
            #[inline(always)]
            |q: usize| &p.b.data[p.chosen.map_or(q, |chosen| chosen[q]) * p.n + j..],
        );
        pack::strips(rows, (width, strips), depth, &mut packed[(j - columns.start) * depth..]);
        j += strips * width;
    }
}

/// How many columns the next tile has if so many are left.
#[inline(always)]
fn width_of_tile<S: Simd>(rest: usize) -> usize {
    let most = most_columns::<S>();
    match rest {
        _ if rest >= most => most,
        6.. => 6, // 4 and 2 have too few sums to keep the multipliers busy
        _ => 1 << rest.ilog2(),
    }
}

/// Some rows of the left operand and a range of the inner dimension: first rows that are read where they are, then
/// packed panels.
#[derive(Clone, Copy)]
struct Left<'a, T> {
    rows: usize,
    in_place: usize,
    data: &'a [T],
    stride: usize,
    packed: &'a [T],
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

/// The right operand from a tile's first entry on: consecutive along its rows or along its columns.
#[derive(Clone, Copy)]
struct Right<'a, T> {
    data: &'a [T],
    stride: usize,
    rows: bool,
    /// Where the columns are that are not side by side.
    chosen: Option<&'a [usize]>,
}

impl<'a, T> Right<'a, T> {
    /// Column j from the tile's first entry on.
    #[inline(always)]
    fn column(&self, j: usize) -> &'a [T] {
        &self.data[self.chosen.map_or(j, |chosen| chosen[j]) * self.stride..]
    }
}

/// Where a strip of tiles goes: the output from the strip's first entry on.
struct Target<'a, T> {
    out: &'a mut [T],
    stride: usize,
    alpha: T,
    accumulate: bool,
    /// From the strip's first entry on.
    epilogue: Epilogue<'a, T>,
    /// Whether what is added to has left the second-level cache. Then a tile's part of it is asked for before the sums, which
    /// take longer than it takes to come: the large case of the bench gains 2 % in f32 and 5 in f64.
    far: bool,
}

/// All tiles in some rows and columns of the output. What is packed of the right operand begins with these columns.
#[inline(always)]
fn block<T: Lanes, S: Simd>(
    simd: S,
    p: &mut Product<'_, T>,
    (first, range): (usize, Range<usize>),
    left: Left<'_, T>,
    (panel, packed_right): (Range<usize>, Option<&[T]>),
) {
    let (depth, m, most) = (range.len(), p.m, most_columns::<S>());
    let accumulate = p.beta == Beta::One;
    let far = accumulate && size_of_val(&*p.out) > cache::second_level_bytes();
    let mut j = panel.start;
    while j < panel.end {
        let columns = width_of_tile::<S>(panel.end - j);
        let right = if let Some(packed) = packed_right {
            Right { data: &packed[(j - panel.start) * depth..], stride: columns, rows: true, chosen: None }
        } else if p.b.transposed {
            Right { data: &p.b.data[range.start * p.n + j..], stride: p.n, rows: true, chosen: None }
        } else {
            let (chosen, first) = match p.chosen {
                Some(chosen) => (Some(&chosen[j..]), range.start),
                None => (None, j * p.inner + range.start),
            };
            Right { data: &p.b.data[first..], stride: p.inner, rows: false, chosen }
        };
        let at = (j - p.panel.start) * m + first;
        let (out, epilogue) = (&mut p.out[at..], p.epilogue.from(at, first));
        let target = Target { out, stride: m, alpha: p.alpha, accumulate, epilogue, far };
        // What an instruction set has no tiles for is not compiled for it.
        match columns {
            8 if most == 8 => strip::<T, S, 8>(simd, depth, left, right, target),
            6 if most >= 6 => strip::<T, S, 6>(simd, depth, left, right, target),
            4 => strip::<T, S, 4>(simd, depth, left, right, target),
            2 => strip::<T, S, 2>(simd, depth, left, right, target),
            _ => strip::<T, S, 1>(simd, depth, left, right, target),
        }
        j += columns;
    }
}

/// All tiles in some rows and a few columns of the output.
#[inline(always)]
fn strip<T: Lanes, S: Simd, const C: usize>(
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
fn sums<T: Lanes, S: Simd, const V: usize, const C: usize>(
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

/// α times the sums, stored or added in these rows of the output, which are but a PART of a vector or whole ones.
#[inline(always)]
fn store<T: Lanes, S: Simd, const V: usize, const C: usize, const PART: bool>(
    simd: S,
    sums: [[T::Vector<S>; V]; C],
    target: &mut Target<'_, T>,
    rows: Range<usize>,
) {
    // Asked once for all vectors: then none of them asks again.
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
