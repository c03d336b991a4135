//! Matrix products: α·op(a) * op(b), written over or added to the output.
//!
//! Entry (i, j) is computed in an order that depends on the inner dimension alone, or, if op(a) is one row, on the inner
//! dimension and on whether b is transposed: never on the number of columns. So a product gives the same bits whether it
//! is computed whole or in blocks of columns.

mod outer;
mod pack;
mod row;
mod small;
mod tile;

#[cfg(test)]
mod tests;

use super::simd::{dispatch, run};
use super::vector_math::Real;
use crate::{MatrixMut, MatrixRef, Scalar};

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
pub(crate) fn product<T: Scalar + Multiply>(
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
    T::compute(&mut Product {
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

/// A number type that matrices are multiplied in.
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait Multiply: Real {
    /// Computes a product. Compiled here and not, as a generic function would be, in the crate that uses it, with its
    /// optimisation.
    fn compute(product: &mut Product<'_, Self>);
}

impl Multiply for f32 {
    fn compute(product: &mut Product<'_, Self>) {
        by_shape(product);
    }
}

impl Multiply for f64 {
    fn compute(product: &mut Product<'_, Self>) {
        by_shape(product);
    }
}

/// Chooses the way before the instruction set: a small product would feel the stack frame of a large one's function.
#[inline(always)]
fn by_shape<T: Real>(p: &mut Product<'_, T>) {
    if p.m == 1 {
        dispatch(row::Row(p));
    } else if p.m <= small::ROWS && p.inner <= small::INNER {
        run(small::Small(p));
    } else if p.inner == 1 {
        dispatch(outer::Outer(p));
    } else {
        dispatch(tile::Tiles(p));
    }
}

/// A matrix as it is stored, column by column, and whether its transpose is meant.
#[derive(Clone, Copy)]
struct Operand<'a, T> {
    data: &'a [T],
    transposed: bool,
}

/// op(a) is m × `inner`, op(b) is `inner` × n, and no dimension is 0.
#[allow(unreachable_pub)] // an argument of a method of a public trait
pub struct Product<'a, T> {
    m: usize,
    n: usize,
    inner: usize,
    alpha: T,
    a: Operand<'a, T>,
    b: Operand<'a, T>,
    beta: Beta,
    out: &'a mut [T],
}
