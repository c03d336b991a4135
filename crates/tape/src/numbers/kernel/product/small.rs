//! Products with few rows and a short inner dimension, where a tile would be mostly empty and its
//! bookkeeping dearer than its arithmetic. The sums are those of tiles, bit by bit.

use super::store::put;
use super::{Beta, Product};
use crate::numbers::kernel::simd::Loops;
use crate::numbers::kernel::vector_math::Real;

/// The most rows.
pub(super) const ROWS: usize = 4;

/// Whether a product with no more rows than that is faster here: before a tile has begun, a few
/// sums are done, or many short ones.
pub(super) fn is_small<T>(p: &Product<'_, T>) -> bool {
    const COLUMNS: usize = 8;
    const INNER: usize = 32;
    let short = if p.a.transposed { 4 } else { 16 };
    p.inner <= short || p.inner <= INNER && p.panel.len() <= COLUMNS
}

/// A product with 2 to [`ROWS`] rows and a short inner dimension.
pub(super) struct Small<'b, 'a, T>(pub(super) &'b mut Product<'a, T>);

impl<T: Real> Loops for Small<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        product::<T, F>(self.0);
    }
}

#[inline(always)]
fn product<T: Real, const F: bool>(p: &mut Product<'_, T>) {
    match p.m {
        2 => of_rows::<T, F, 2>(p),
        3 => of_rows::<T, F, 3>(p),
        _ => of_rows::<T, F, 4>(p),
    }
}

#[inline(always)]
fn of_rows<T: Real, const F: bool, const M: usize>(p: &mut Product<'_, T>) {
    let &mut Product { n, inner, alpha, a, b, beta, epilogue, .. } = p;
    let out_columns = p.out.as_chunks_mut::<M>().0;
    for (j, out) in out_columns.iter_mut().enumerate() {
        let sums = match (a.transposed, b.transposed) {
            (false, false) => {
                column::<T, F, M>(a.data.as_chunks().0.iter().copied(), b.data[j * inner..].iter().copied())
            }
            (false, true) => column::<T, F, M>(
                a.data.as_chunks().0.iter().copied(),
                b.data[j..].iter().step_by(n).copied(),
            ),
            (true, false) => column::<T, F, M>(columns(a.data, inner), b.data[j * inner..].iter().copied()),
            (true, true) => column::<T, F, M>(columns(a.data, inner), b.data[j..].iter().step_by(n).copied()),
        };
        for (out, sum) in out.iter_mut().zip(sums) {
            put(out, sum * alpha, beta == Beta::One);
        }
    }
    epilogue.columns(out_columns);
}

/// The columns of the transpose of a matrix with M columns.
#[inline(always)]
fn columns<T: Real, const M: usize>(a: &[T], inner: usize) -> impl Iterator<Item = [T; M]> {
    (0..inner).map(move |q| {
        std::array::from_fn(
            #[inline(always)]
            |i| a[i * inner + q],
        )
    })
}

/// Σ aₖ·bₖ for as many k as there are columns of a.
#[inline(always)]
fn column<T: Real, const F: bool, const M: usize>(
    a: impl Iterator<Item = [T; M]>,
    b: impl Iterator<Item = T>,
) -> [T; M] {
    let mut sums = [T::of(0.0); M];
    for (a, b) in a.zip(b) {
        for (sum, a) in sums.iter_mut().zip(a) {
            *sum = a.fused::<F>(b, *sum);
        }
    }
    sums
}
