//! Products with an inner dimension of 1: a column times a row.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling keep arrays of vectors in registers

use super::store::put_vector;
use super::{Beta, Epilogue, Product};
use crate::numbers::kernel::simd::{Lanes, load};
use crate::numbers::kernel::vector_math::Real;
use pulp::{Simd, WithSimd};

/// Vectors of the column that are kept in registers.
const VECTORS: usize = 4;

/// A column times a row.
pub(super) struct Outer<'b, 'a, T>(pub(super) &'b mut Product<'a, T>);

impl<T: Real> WithSimd for Outer<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        product(simd, self.0);
    }
}

#[inline(always)]
fn product<T: Lanes, S: Simd>(simd: S, p: &mut Product<'_, T>) {
    // Asked once for all columns.
    match p.epilogue {
        Epilogue::None => product_with(simd, p, Epilogue::None),
        Epilogue::Bias(bias) => product_with(simd, p, Epilogue::Bias(bias)),
        Epilogue::Multiply(by) => product_with(simd, p, Epilogue::Multiply(by)),
    }
}

#[inline(always)]
fn product_with<T: Lanes, S: Simd>(simd: S, p: &mut Product<'_, T>, epilogue: Epilogue<'_, T>) {
    let lanes = T::lanes::<S>();
    let &mut Product { m, alpha, a, b, beta, ref mut out, .. } = p;
    let how = |i: usize| (m, alpha, beta == Beta::One, epilogue.from(i, i));
    let mut i = 0;
    while i + VECTORS * lanes <= m {
        rows::<T, S, VECTORS, false>(simd, &a.data[i..i + VECTORS * lanes], b.data, how(i), &mut out[i..]);
        i += VECTORS * lanes;
    }
    while i + lanes <= m {
        rows::<T, S, 1, false>(simd, &a.data[i..i + lanes], b.data, how(i), &mut out[i..]);
        i += lanes;
    }
    if i < m {
        rows::<T, S, 1, true>(simd, &a.data[i..m], b.data, how(i), &mut out[i..]);
    }
}

/// The rows of V vectors, the last of which is not full if there is a PART. As in a tile the
/// product is added to 0, which makes −0 a 0.
#[inline(always)]
fn rows<T: Lanes, S: Simd, const V: usize, const PART: bool>(
    simd: S,
    a: &[T],
    b: &[T],
    (m, alpha, accumulate, epilogue): (usize, T, bool, Epilogue<'_, T>),
    out: &mut [T],
) {
    let lanes = T::lanes::<S>();
    let (alpha, zero) = (T::splat(simd, alpha), T::splat(simd, T::default()));
    let mut column = [zero; V];
    for i in 0..V {
        column[i] = load::<T, S, PART>(simd, &a[i * lanes..]);
    }
    for (j, (out, &b)) in out.chunks_mut(m).zip(b).enumerate() {
        let b = T::splat(simd, b);
        for (i, (out, a)) in out[..a.len()].chunks_mut(lanes).zip(column).enumerate() {
            let scaled = T::multiply(simd, T::multiply_add(simd, a, b, zero), alpha);
            let finish = (epilogue, j * m + i * lanes, i * lanes);
            put_vector::<T, S, PART>(simd, out, scaled, accumulate, finish);
        }
    }
}
