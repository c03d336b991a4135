//! Storing or adding what was computed; at the end of a column a vector may be longer than what is left of it.

use crate::kernel::simd::Lanes;
use crate::kernel::vector_math::Real;
use pulp::Simd;

/// Stores a number, or adds it.
#[inline(always)]
pub(super) fn put<T: Real>(out: &mut T, x: T, accumulate: bool) {
    *out = if accumulate { *out + x } else { x };
}

/// A vector that begins with some numbers: with all of them, and 0 in its other lanes, if they are but a PART of one.
#[inline(always)]
pub(super) fn load<T: Lanes, S: Simd, const PART: bool>(simd: S, x: &[T]) -> T::Vector<S> {
    if PART { T::load_part(simd, x) } else { T::vectors::<S>(&x[..T::lanes::<S>()]).0[0] }
}

/// Stores a vector, or the PART of it that there is room for, or adds it.
#[inline(always)]
pub(super) fn put_vector<T: Lanes, S: Simd, const PART: bool>(
    simd: S,
    out: &mut [T],
    x: T::Vector<S>,
    accumulate: bool,
) {
    let x = if accumulate { T::add_vectors(simd, load::<T, S, PART>(simd, out), x) } else { x };
    if PART {
        T::store_part(simd, x, out);
    } else {
        T::vectors_mut::<S>(&mut out[..T::lanes::<S>()]).0[0] = x;
    }
}
