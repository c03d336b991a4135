//! Storing or adding what was computed; at the end of a column a vector may be longer than what is
//! left of it.

use super::Epilogue;
use crate::numbers::kernel::simd::{Lanes, load, store};
use crate::numbers::kernel::vector_math::Real;
use pulp::Simd;

/// Stores a number, or adds it.
#[inline(always)]
pub(super) fn put<T: Real>(out: &mut T, x: T, accumulate: bool) {
    *out = if accumulate { *out + x } else { x };
}

/// Stores a vector, or the PART of it that there is room for, or adds it; after the epilogue, for
/// which the vector begins with an element in a row.
#[inline(always)]
pub(super) fn put_vector<T: Lanes, S: Simd, const PART: bool>(
    simd: S,
    out: &mut [T],
    x: T::Vector<S>,
    accumulate: bool,
    (epilogue, entry, row): (Epilogue<'_, T>, usize, usize),
) {
    let x = if accumulate { T::add_vectors(simd, load::<T, S, PART>(simd, out), x) } else { x };
    let x = epilogue.vector::<S, PART>(simd, x, (entry, row, out.len()));
    store::<T, S, PART>(simd, x, out);
}
