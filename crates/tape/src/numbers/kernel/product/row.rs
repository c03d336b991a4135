//! One row times a matrix: every element is a sum of its own, in an order that depends on its
//! length and on whether b is transposed. The epilogue comes after it.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling keep arrays of vectors in registers

use super::store::{put, put_vector};
use super::{Beta, Epilogue, Product};
use crate::numbers::kernel::simd::{Lanes, is_fused, load};
use crate::numbers::kernel::vector_math::Real;
use pulp::{Simd, WithSimd};

/// Columns that are summed at a time, so that additions do not wait for each other.
const COLUMNS: usize = 8;
/// Vectors whose products are summed before they are added to the sum of those before them, and so
/// many such sums again: so the rounding error of a long sum grows little with its length, also
/// where a vector is a single number.
const BLOCK: usize = 256;
/// Sums side by side for each element, where b is transposed.
const SUMS: usize = 4;
/// Vectors of elements that are summed at a time, where b is transposed.
const VECTORS: usize = 4;

/// One row times a matrix.
pub(super) struct Row<'b, 'a, T>(pub(super) &'b mut Product<'a, T>);

impl<T: Real> WithSimd for Row<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if const { is_fused::<S>() } {
            product::<T, S, true>(simd, self.0)
        } else {
            product::<T, S, false>(simd, self.0)
        }
    }
}

#[inline(always)]
fn product<T: Real, S: Simd, const F: bool>(simd: S, p: &mut Product<'_, T>) {
    if p.b.transposed { times_rows::<T, S>(simd, p) } else { times_columns::<T, S, F>(simd, p) }
}

/// The columns of b are stored one after the other: each is summed in vectors along it.
#[inline(always)]
fn times_columns<T: Real, S: Simd, const F: bool>(simd: S, p: &mut Product<'_, T>) {
    let &mut Product { inner, alpha, beta, .. } = p;
    let (groups, rest) = p.out.as_chunks_mut::<COLUMNS>();
    let whole = groups.len() * COLUMNS * inner;
    for (out, b) in groups.iter_mut().zip(p.b.data.chunks_exact(COLUMNS * inner)) {
        let sums = dots::<T, S, F, COLUMNS>(simd, p.a.data, b);
        for (out, sum) in out.iter_mut().zip(sums) {
            put(out, sum * alpha, beta == Beta::One);
        }
    }
    for (out, b) in rest.iter_mut().zip(p.b.data[whole..].chunks_exact(inner)) {
        let [sum] = dots::<T, S, F, 1>(simd, p.a.data, b);
        put(out, sum * alpha, beta == Beta::One);
    }
}

/// The products of a with C consecutive slices of its length.
#[inline(always)]
fn dots<T: Real, S: Simd, const F: bool, const C: usize>(simd: S, a: &[T], b: &[T]) -> [T; C] {
    let inner = a.len();
    let (vectors, rest) = T::vectors::<S>(a);
    let mut parts = [(T::vectors::<S>(&b[..0]).0, &b[..0]); C];
    for j in 0..C {
        let (b, b_rest) = T::vectors::<S>(&b[j * inner..][..inner]);
        parts[j] = (&b[..vectors.len()], &b_rest[..rest.len()]);
    }
    let mut totals = [T::of(0.0); C];
    if !vectors.is_empty() && vectors.len() <= BLOCK {
        // The usual case by itself: most sums are short.
        let mut sums = [T::splat(simd, T::of(0.0)); C];
        for q in 0..vectors.len() {
            for j in 0..C {
                sums[j] = T::multiply_add(simd, vectors[q], parts[j].0[q], sums[j]);
            }
        }
        for j in 0..C {
            totals[j] = T::sum_lanes(simd, sums[j]);
        }
    } else if !vectors.is_empty() {
        let zeros = [T::splat(simd, T::of(0.0)); C];
        let (mut sums, mut blocks) = (zeros, zeros);
        for start in (0..vectors.len()).step_by(BLOCK) {
            let end = vectors.len().min(start + BLOCK);
            let part =
                add_dots::<T, S, C>(simd, &vectors[start..end], parts.map(|(part, _)| &part[start..end]));
            for j in 0..C {
                blocks[j] = T::add_vectors(simd, blocks[j], part[j]);
            }
            if end.is_multiple_of(BLOCK * BLOCK) || end == vectors.len() {
                for j in 0..C {
                    sums[j] = T::add_vectors(simd, sums[j], blocks[j]);
                }
                blocks = zeros;
            }
        }
        for j in 0..C {
            totals[j] = T::sum_lanes(simd, sums[j]);
        }
    }
    for q in 0..rest.len() {
        for j in 0..C {
            totals[j] = rest[q].fused::<F>(parts[j].1[q], totals[j]);
        }
    }
    totals
}

/// The products of a block of a with blocks as long.
#[inline(always)]
fn add_dots<T: Real, S: Simd, const C: usize>(
    simd: S,
    a: &[T::Vector<S>],
    b: [&[T::Vector<S>]; C],
) -> [T::Vector<S>; C] {
    let mut sums = [T::splat(simd, T::of(0.0)); C];
    for q in 0..a.len() {
        for j in 0..C {
            sums[j] = T::multiply_add(simd, a[q], b[j][q], sums[j]);
        }
    }
    sums
}

/// The rows of b are stored one after the other: vectors along them are summed, [`SUMS`] rows
/// apart.
#[inline(always)]
fn times_rows<T: Lanes, S: Simd>(simd: S, p: &mut Product<'_, T>) {
    let &mut Product { n, alpha, beta, .. } = p;
    let (a, b, lanes) = (p.a.data, p.b.data, T::lanes::<S>());
    let mut j = 0;
    while j + VECTORS * lanes <= n {
        entries::<T, S, VECTORS, false>(
            simd,
            &b[j..],
            (n, alpha, beta),
            a,
            &mut p.out[j..][..VECTORS * lanes],
        );
        j += VECTORS * lanes;
    }
    while j + lanes <= n {
        entries::<T, S, 1, false>(simd, &b[j..], (n, alpha, beta), a, &mut p.out[j..][..lanes]);
        j += lanes;
    }
    if j < n {
        entries::<T, S, 1, true>(simd, &b[j..], (n, alpha, beta), a, &mut p.out[j..]);
    }
}

/// The elements of V vectors, the last of which is not full if there is a PART.
#[inline(always)]
fn entries<T: Lanes, S: Simd, const V: usize, const PART: bool>(
    simd: S,
    b: &[T],
    (stride, alpha, beta): (usize, T, Beta),
    a: &[T],
    out: &mut [T],
) {
    let width = out.len();
    let mut sums = [[T::splat(simd, T::default()); V]; SUMS];
    let (groups, rest) = a.as_chunks::<SUMS>();
    let mut rows = b.chunks(stride);
    for group in groups {
        for s in 0..SUMS {
            add_row::<T, S, V, PART>(simd, group[s], (rows.next(), width), &mut sums[s]);
        }
    }
    for (s, &a) in rest.iter().enumerate() {
        add_row::<T, S, V, PART>(simd, a, (rows.next(), width), &mut sums[s]);
    }
    let (alpha, lanes) = (T::splat(simd, alpha), T::lanes::<S>());
    for (i, out) in out.chunks_mut(lanes).enumerate() {
        let halves =
            [T::add_vectors(simd, sums[0][i], sums[1][i]), T::add_vectors(simd, sums[2][i], sums[3][i])];
        let sum = T::add_vectors(simd, halves[0], halves[1]);
        let x = T::multiply(simd, sum, alpha);
        put_vector::<T, S, PART>(simd, out, x, beta == Beta::One, (Epilogue::None, 0, 0));
    }
}

/// Adds a times the first numbers of a row.
#[inline(always)]
fn add_row<T: Lanes, S: Simd, const V: usize, const PART: bool>(
    simd: S,
    a: T,
    (row, width): (Option<&[T]>, usize),
    sums: &mut [T::Vector<S>; V],
) {
    let row = &row.expect("b has as many rows as a has numbers")[..width];
    let a = T::splat(simd, a);
    for i in 0..V {
        let b = load::<T, S, PART>(simd, &row[i * T::lanes::<S>()..]);
        sums[i] = T::multiply_add(simd, a, b, sums[i]);
    }
}
