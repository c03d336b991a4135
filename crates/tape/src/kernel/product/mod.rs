//! Matrix products: α·op(a) * op(b), written over or added to the output.
//!
//! Entry (i, j) is computed in an order that depends on the inner dimension alone, or, if op(a) is one row, on the inner
//! dimension and on whether b is transposed: never on the number of columns. So a product gives the same bits whether it
//! is computed whole or in blocks of columns.

mod pack;
mod row;
mod tile;

#[cfg(test)]
mod tests;

use super::simd::{Lanes, dispatch};
use crate::{MatrixMut, MatrixRef, Scalar};
use pulp::{Simd, WithSimd};

/// What the output is multiplied by before the product is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beta {
    /// The output is overwritten, whatever it held.
    Zero,
    /// The product is added to the output.
    One,
}

/// `out` = α·op(a) * op(b) + β·`out`, where op is the transpose if the flag beside the operand is set, else the operand.
///
/// Nothing is allocated once the thread's scratch memory has grown to what its largest product needs, at most
/// [`tile::PACKED_BYTES`] and a few panels. No product is skipped, so 0·NaN and 0·∞ are NaN; an inner dimension 0 gives 0.
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn product<T: Scalar + Lanes>(
    alpha: T,
    a: MatrixRef<'_, T>,
    transpose_a: bool,
    b: MatrixRef<'_, T>,
    transpose_b: bool,
    beta: Beta,
    out: &mut MatrixMut<'_, T>,
) {
    let (m, inner) = if transpose_a { (a.columns(), a.rows()) } else { a.shape() };
    let (b_inner, n) = if transpose_b { (b.columns(), b.rows()) } else { b.shape() };
    assert_eq!(inner, b_inner, "product: the inner dimensions differ");
    assert_eq!(out.shape(), (m, n), "product: the output has another shape");
    if m == 0 || n == 0 {
        return;
    }
    if inner == 0 {
        if beta == Beta::Zero {
            out.as_mut_slice().fill(T::ZERO);
        }
        return;
    }
    dispatch(Product {
        m,
        n,
        inner,
        alpha,
        // A single row or column is stored as its own transpose: take the case that reads along it. But for one row
        // times a transposed column, whose order of summation is to be that of all the columns beside it.
        a: Operand { data: a.as_slice(), transposed: transpose_a && m > 1 && inner > 1 },
        b: Operand { data: b.as_slice(), transposed: transpose_b && inner > 1 && (n > 1 || m == 1) },
        beta,
        out: out.as_mut_slice(),
    });
}

/// A matrix as it is stored, column by column, and whether its transpose is meant.
#[derive(Clone, Copy)]
struct Operand<'a, T> {
    data: &'a [T],
    transposed: bool,
}

/// op(a) is m × `inner`, op(b) is `inner` × n, and no dimension is 0.
struct Product<'a, T> {
    m: usize,
    n: usize,
    inner: usize,
    alpha: T,
    a: Operand<'a, T>,
    b: Operand<'a, T>,
    beta: Beta,
    out: &'a mut [T],
}

impl<T: Lanes> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.m == 1 { row::product(simd, self) } else { tile::product(simd, self) }
    }
}
