//! Factorisations of small dense matrices, and systems of equations by them. Everything is stored
//! column by column.
//!
//! All go by blocks: a block has as many columns, or unknowns, as a tile of the matrix product, and
//! what those before it contribute is a product. Where the blocks begin follows from the size of
//! the matrix alone, and every column of a right side is computed as if it were alone.

use crate::numbers::kernel::vector_math::Real;

mod cholesky;
mod lu;
#[cfg(test)]
mod tests;
mod triangle;

pub(crate) use cholesky::cholesky;
pub(crate) use lu::{lu, solve_lu};
pub(crate) use triangle::solve_lower;

/// The pivot that a factorisation cannot go on with: its place and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BadPivot<T> {
    pub(crate) at: usize,
    pub(crate) value: T,
}

/// Columns that are factorised one after the other, before others learn of them.
const NARROW: usize = 8;

/// y − Σ of the columns of `a`, as long as y, times their factors, from row `first` on.
#[inline(always)]
fn subtract_columns<T: Real, const F: bool>(
    a: &[T],
    first: usize,
    factors: impl Fn(usize) -> T,
    y: &mut [T],
) {
    let n = y.len();
    let (y, count) = (&mut y[first..], a.len() / n);
    let fours = count / 4 * 4;
    for k in (0..fours).step_by(4) {
        let [f0, f1, f2, f3] = [-factors(k), -factors(k + 1), -factors(k + 2), -factors(k + 3)];
        let mut columns = [&a[..0]; 4];
        for (i, column) in columns.iter_mut().enumerate() {
            *column = &a[(k + i) * n + first..(k + i + 1) * n];
        }
        let [a0, a1, a2, a3] = columns;
        for ((((y, &a0), &a1), &a2), &a3) in y.iter_mut().zip(a0).zip(a1).zip(a2).zip(a3) {
            *y = f3.fused::<F>(a3, f2.fused::<F>(a2, f1.fused::<F>(a1, f0.fused::<F>(a0, *y))));
        }
    }
    for k in fours..count {
        let factor = -factors(k);
        for (y, &a) in y.iter_mut().zip(&a[k * n + first..(k + 1) * n]) {
            *y = factor.fused::<F>(a, *y);
        }
    }
}
