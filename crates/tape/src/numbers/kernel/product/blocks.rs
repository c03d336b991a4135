//! Products of tiles, block by block: in which order, and what is copied beforehand.
//!
//! The inner dimension is walked in slabs, the columns of a slab in blocks, and for every block of
//! columns the rows in blocks.

use super::pack::STRIPS;
use super::tile::{
    Left, MOST_COLUMNS, MOST_LANES, Right, Target, VECTORS, most_columns, strip, width_of_tile,
};
use super::{Beta, Epilogue, Order, Product, UNIT, pack};
use crate::numbers::kernel::cache::{Caches, caches};
use crate::numbers::kernel::simd::Lanes;
use crate::numbers::kernel::vector_math::Real;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// The most of the inner dimension that is walked at a time. Less would read and write the whole
/// output more often; with more the columns of the right operand that a tile reads would leave the
/// first-level cache: 8 columns of f64 are 32 KiB. On every machine the same, since the bits of a
/// product depend on it.
const DEPTH: usize = 512;
/// Columns of the left operand, and rows of the right one if it is transposed, no farther apart
/// than this are read where they are; others would share too few sets of the cache.
const NEAR_BYTES: usize = 2048;
/// All of the left operand's are for a product with no more columns than this: to pack them would
/// take longer than it saves.
pub(super) const FEW_COLUMNS: usize = 128;
const _: () = assert!(UNIT <= DEPTH, "a slab is no longer than DEPTH");

/// The most memory, in bytes, that packed parts of the operands take at a time.
///
/// A block of the left operand stays in the second-level cache, while what follows streams by:
/// every column of the right operand comes once for each block of rows, every column of the output
/// once for each slab. So the right operand is read m · depth / block times, from the third level
/// or from memory: the larger the block, the less two cores ask of what they share. No bit of a
/// product depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Panels of the left operand.
    pub(super) left: usize,
    /// Strips of the right operand, if they are packed once for several blocks of rows.
    pub(super) right: usize,
}

impl Room {
    /// On the caches of this machine.
    #[inline]
    pub(super) fn here() -> Self {
        Room::on(caches())
    }

    /// Panels of the left operand take three eighths of the second level: the rest is for what
    /// streams by, and for what else the core holds. They take up to three quarters of a small one,
    /// as few panels are worth more there: with 192 KiB of 512 the mnist case took 6 % longer in
    /// f32 than with 384. Strips of the right one take what is left of a second level of 2 MiB or
    /// more, else at most a megabyte of the core's part of the third level.
    pub(super) fn on(Caches { second, third }: Caches) -> Self {
        const LEAST: usize = 32 << 10;
        const MOST: usize = 1 << 20;
        const FEW_PANELS: usize = 384 << 10;
        let left = (second / 8 * 3).max(FEW_PANELS.min(second / 4 * 3)).clamp(LEAST, MOST);
        let right = (third / 2).min(MOST).max(second / 2).clamp(LEAST, 2 * MOST);
        Room { left, right }
    }
}

/// So many numbers are enough for every product: packed panels that fill their [`Room`] to a
/// panel's height more, and packed strips of the right operand, of which some are packed at a time.
pub(super) fn most_scratch<T>(room: Room) -> usize {
    let strips = STRIPS * MOST_COLUMNS * DEPTH;
    room.left / size_of::<T>() + VECTORS * MOST_LANES * DEPTH + strips.max(room.right / size_of::<T>())
}

/// So many are enough where no more than [`FEW_COLUMNS`] are multiplied by a left operand as it is
/// stored: it is read where it is, but for rows that fill no vector.
pub(super) const SCRATCH_OF_FEW: usize = (VECTORS * MOST_LANES + STRIPS * MOST_COLUMNS) * DEPTH;

/// How far apart the columns of the operands and of the output are stored.
#[derive(Clone, Copy)]
pub(super) struct Strides {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) out: usize,
}

impl Strides {
    /// Of whole matrices.
    #[inline(always)]
    pub(super) fn of<T>(p: &Product<'_, T>) -> Self {
        Strides {
            a: if p.a.transposed { p.inner } else { p.m },
            b: if p.b.transposed { p.n } else { p.inner },
            out: p.m,
        }
    }
}

/// A product in tiles, whose packed operands have this room in the scratch memory.
pub(super) struct Tiles<'b, 'a, T> {
    pub(super) product: &'b mut Product<'a, T>,
    pub(super) strides: Strides,
    pub(super) room: Room,
    pub(super) scratch: &'b mut [T],
}

impl<T: Real> WithSimd for Tiles<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        product(simd, self.product, self.strides, (self.room, self.scratch));
    }
}

#[inline(always)]
fn product<T: Lanes, S: Simd>(
    simd: S,
    p: &mut Product<'_, T>,
    strides: Strides,
    (room, scratch): (Room, &mut [T]),
) {
    let depth = match p.order {
        Order::Free => p.inner.div_ceil(p.inner.div_ceil(DEPTH)),
        Order::Units => UNIT,
    };
    let epilogue = std::mem::replace(&mut p.epilogue, Epilogue::None);
    for begin in (0..p.inner).step_by(depth) {
        let end = p.inner.min(begin + depth);
        if end == p.inner {
            p.epilogue = epilogue;
        }
        slab(simd, p, (begin..end, strides), (room, scratch));
        p.beta = Beta::One;
    }
}

/// Adds the part of the product that comes from a range of the inner dimension, block by block.
#[inline(always)]
fn slab<T: Lanes, S: Simd>(
    simd: S,
    p: &mut Product<'_, T>,
    (range, strides): (Range<usize>, Strides),
    (room, scratch): (Room, &mut [T]),
) {
    let blocks = Blocks::new::<T, S>(p, strides, range.len(), room);
    let needed = blocks.packed_left + blocks.packed_right;
    debug_assert!(needed <= scratch.len(), "{needed} numbers of scratch memory");
    let (packed_right, packed_left) = scratch.split_at_mut(blocks.packed_right);
    let panel = p.panel.clone();
    for column in panel.clone().step_by(blocks.columns) {
        let columns = column..panel.end.min(column + blocks.columns);
        if blocks.packs_right {
            pack_right::<T, S>(p, strides.b, (&range, columns.clone()), packed_right);
        }
        for first in (0..p.m).step_by(blocks.rows) {
            let rows = first..p.m.min(first + blocks.rows);
            let in_place = if blocks.near { rows.len() / T::lanes::<S>() * T::lanes::<S>() } else { 0 };
            // The only block of rows stays packed.
            if column == panel.start || blocks.rows < p.m {
                let packed = &mut *packed_left;
                pack::panels(simd, p.a, strides.a, first + in_place..rows.end, range.clone(), packed);
            }
            let data = if in_place > 0 { &p.a.data[range.start * strides.a + first..] } else { &[] };
            let left = Left { rows: rows.len(), in_place, data, stride: strides.a, packed: packed_left };
            let right = blocks.packs_right.then_some(&*packed_right);
            block(simd, (p, strides), (first, range.clone()), left, (columns.clone(), right));
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
    fn new<T: Lanes, S: Simd>(p: &Product<'_, T>, strides: Strides, depth: usize, room: Room) -> Self {
        let (lanes, strips) = (T::lanes::<S>(), STRIPS * most_columns::<S>());
        let height = VECTORS * lanes;
        let most = (room.left / size_of::<T>() / depth).max(height);
        let rows = if p.m <= most { p.m } else { p.m.div_ceil(p.m.div_ceil(most)).next_multiple_of(height) };
        let is_near = strides.a * size_of::<T>() <= NEAR_BYTES || p.panel.len() <= FEW_COLUMNS;
        let near = is_near && !p.a.transposed;
        let worth_packing = strides.b * size_of::<T>() > NEAR_BYTES && rows > 2 * height;
        let packs_right = p.b.transposed && (worth_packing || p.chosen.is_some());
        let columns = match packs_right {
            false => p.panel.len(),
            true if rows < p.m => (room.right / size_of::<T>() / depth / strips).max(1) * strips,
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
    stride: usize,
    (range, columns): (&Range<usize>, Range<usize>),
    packed: &mut [T],
) {
    let (depth, mut j) = (range.len(), columns.start);
    while j < columns.end {
        let rest = columns.end - j;
        let width = width_of_tile::<S>(rest);
        let strips = (rest / width).min(STRIPS);
        let rows = range.clone().map(
            #[inline(always)]
            |q: usize| &p.b.data[p.chosen.map_or(q, |chosen| chosen[q]) * stride + j..],
        );
        pack::strips(rows, (width, strips), depth, &mut packed[(j - columns.start) * depth..]);
        j += strips * width;
    }
}

/// All tiles in some rows and columns of the output. What is packed of the right operand begins
/// with these columns.
#[inline(always)]
fn block<T: Lanes, S: Simd>(
    simd: S,
    (p, strides): (&mut Product<'_, T>, Strides),
    (first, range): (usize, Range<usize>),
    left: Left<'_, T>,
    (panel, packed_right): (Range<usize>, Option<&[T]>),
) {
    let (depth, most) = (range.len(), most_columns::<S>());
    let accumulate = p.beta == Beta::One;
    let far = accumulate && size_of_val(&*p.out) > caches().second;
    let mut j = panel.start;
    while j < panel.end {
        let columns = width_of_tile::<S>(panel.end - j);
        let right = if let Some(packed) = packed_right {
            Right { data: &packed[(j - panel.start) * depth..], stride: columns, rows: true, chosen: None }
        } else if p.b.transposed {
            let data = &p.b.data[range.start * strides.b + j..];
            Right { data, stride: strides.b, rows: true, chosen: None }
        } else {
            let (chosen, first) = match p.chosen {
                Some(chosen) => (Some(&chosen[j..]), range.start),
                None => (None, j * strides.b + range.start),
            };
            Right { data: &p.b.data[first..], stride: strides.b, rows: false, chosen }
        };
        let at = (j - p.panel.start) * strides.out + first;
        let (out, epilogue) = (&mut p.out[at..], p.epilogue.from(at, first));
        let target = Target { out, stride: strides.out, alpha: p.alpha, accumulate, epilogue, far };
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
