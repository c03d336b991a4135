//! Products with an inner dimension of 1: a column times a row.

use super::{Beta, Product};
use crate::kernel::simd::{Lanes, is_fused};
use crate::kernel::vector_math::Real;
use pulp::{Simd, WithSimd};

/// Vectors of the column that are kept in registers.
const VECTORS: usize = 4;

/// A column times a row.
pub(super) struct Outer<'b, 'a, T>(pub(super) &'b mut Product<'a, T>);

impl<T: Real> WithSimd for Outer<'_, '_, T> {
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
    let lanes = T::lanes::<S>();
    let &mut Product { m, alpha, a, b, beta, ref mut out, .. } = p;
    let accumulate = beta == Beta::One;
    let mut i = 0;
    while i + VECTORS * lanes <= m {
        rows::<T, S, VECTORS>(simd, &a.data[i..], b.data, (m, alpha, accumulate), &mut out[i..]);
        i += VECTORS * lanes;
    }
    while i + lanes <= m {
        rows::<T, S, 1>(simd, &a.data[i..], b.data, (m, alpha, accumulate), &mut out[i..]);
        i += lanes;
    }
    if i < m {
        for (out, &y) in out.chunks_exact_mut(m).zip(b.data) {
            for (out, &x) in out[i..].iter_mut().zip(&a.data[i..]) {
                let scaled = x.fused::<F>(y, T::of(0.0)) * alpha;
                *out = if accumulate { *out + scaled } else { scaled };
            }
        }
    }
}

/// The rows of some vectors. As in a tile the product is added to 0, which makes −0 a 0.
#[inline(always)]
fn rows<T: Lanes, S: Simd, const V: usize>(
    simd: S,
    a: &[T],
    b: &[T],
    (m, alpha, accumulate): (usize, T, bool),
    out: &mut [T],
) {
    let a: [T::Vector<S>; V] = *T::vectors::<S>(a).0.first_chunk().expect("there are so many rows");
    let (alpha, zero) = (T::splat(simd, alpha), T::splat(simd, T::default()));
    for (out, &b) in out.chunks_mut(m).zip(b) {
        let b = T::splat(simd, b);
        let out = T::vectors_mut::<S>(&mut out[..V * T::lanes::<S>()]).0;
        for (out, a) in out.iter_mut().zip(a) {
            let product = T::multiply_add(simd, a, b, zero);
            let scaled = T::multiply(simd, product, alpha);
            *out = if accumulate { T::add_vectors(simd, *out, scaled) } else { scaled };
        }
    }
}
