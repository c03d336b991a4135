//! Factorisations of small dense matrices, and systems of equations by them. Everything is stored
//! column by column, n × n.

use crate::Scalar;
use crate::numbers::kernel::simd::vectorised;

/// The pivot that a factorisation cannot go on with: its place and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BadPivot<T> {
    pub(crate) at: usize,
    pub(crate) value: T,
}

/// y − Σ of the columns of `a`, n rows each, times their factors, from row `first` on.
#[inline(always)]
fn subtract_columns<T: Scalar>(a: &[T], n: usize, first: usize, factors: impl Fn(usize) -> T, y: &mut [T]) {
    let count = a.len().checked_div(n).unwrap_or(0);
    let column = |k: usize| &a[k * n + first..(k + 1) * n];
    let y = &mut y[first..n];
    let fours = count / 4 * 4;
    for k in (0..fours).step_by(4) {
        let [f0, f1, f2, f3] = [0, 1, 2, 3].map(|i| factors(k + i));
        let columns = column(k).iter().zip(column(k + 1)).zip(column(k + 2)).zip(column(k + 3));
        for (y, (((&a0, &a1), &a2), &a3)) in y.iter_mut().zip(columns) {
            *y -= (f0 * a0 + f1 * a1) + (f2 * a2 + f3 * a3);
        }
    }
    for k in fours..count {
        let factor = factors(k);
        y.iter_mut().zip(column(k)).for_each(|(y, &a)| *y -= factor * a);
    }
}

/// The factor L of A = L·Lᵀ, of the symmetric part (A + Aᵀ)/2; above its diagonal are zeros.
pub(crate) fn cholesky<T: Scalar>(a: &[T], n: usize, out: &mut [T]) -> Result<(), BadPivot<T>> {
    let half = T::from_f64(0.5);
    for j in 0..n {
        let column = &mut out[j * n..(j + 1) * n];
        column[..j].fill(T::ZERO);
        for i in j..n {
            // Halved first, so that no sum overflows.
            column[i] = half * a[j * n + i] + half * a[i * n + j];
        }
    }
    vectorised(
        #[inline(always)]
        || {
            for j in 0..n {
                let (left, right) = out.split_at_mut(j * n);
                let column = &mut right[..n];
                subtract_columns(left, n, j, |k| left[k * n + j], column);
                let value = column[j];
                if !(value > T::ZERO && value.is_finite()) {
                    return Err(BadPivot { at: j, value });
                }
                let root = value.sqrt();
                column[j..].iter_mut().for_each(|x| *x /= root);
            }
            Ok(())
        },
    )
}

/// Which triangle of a matrix a system of equations has, and whether its diagonal counts as ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Triangle {
    Lower,
    LowerOfOnes,
    Upper,
}

/// Solves T·x = b in the place of b, for every column of b.
#[inline(always)]
fn solve_triangle<T: Scalar>(triangle: Triangle, a: &[T], n: usize, b: &mut [T]) {
    for x in b.chunks_exact_mut(n.max(1)) {
        for step in 0..n {
            let k = if triangle == Triangle::Upper { n - 1 - step } else { step };
            let column = &a[k * n..(k + 1) * n];
            if triangle != Triangle::LowerOfOnes {
                x[k] /= column[k];
            }
            let factor = x[k];
            let range = if triangle == Triangle::Upper { 0..k } else { k + 1..n };
            x[range.clone()].iter_mut().zip(&column[range]).for_each(|(x, &a)| *x -= factor * a);
        }
    }
}

/// The sum of products, in eight parts.
#[inline(always)]
fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    let mut parts = [T::ZERO; 8];
    let (a_eights, a_rest) = a.as_chunks::<8>();
    let (b_eights, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_eights.iter().zip(b_eights) {
        parts.iter_mut().zip(a).zip(b).for_each(|((part, &a), &b)| *part += a * b);
    }
    let rest: T = a_rest.iter().zip(b_rest).map(|(&a, &b)| a * b).sum();
    let [a0, a1, a2, a3, a4, a5, a6, a7] = parts;
    ((a0 + a4) + (a1 + a5)) + ((a2 + a6) + (a3 + a7)) + rest
}

/// Solves Tᵀ·x = b in the place of b, for every column of b.
#[inline(always)]
fn solve_transposed_triangle<T: Scalar>(triangle: Triangle, a: &[T], n: usize, b: &mut [T]) {
    for x in b.chunks_exact_mut(n.max(1)) {
        for step in 0..n {
            let k = if triangle == Triangle::Upper { step } else { n - 1 - step };
            let column = &a[k * n..(k + 1) * n];
            let range = if triangle == Triangle::Upper { 0..k } else { k + 1..n };
            let rest = x[k] - dot(&x[range.clone()], &column[range]);
            x[k] = if triangle == Triangle::LowerOfOnes { rest } else { rest / column[k] };
        }
    }
}

/// Solves L·X = B, or Lᵀ·X = B, in the place of B; only the lower triangle of `a` is read.
pub(crate) fn solve_lower<T: Scalar>(
    a: &[T],
    n: usize,
    transposed: bool,
    b: &mut [T],
) -> Result<(), BadPivot<T>> {
    let zero = (0..n).find(|&k| a[k * n + k] == T::ZERO);
    if let Some(at) = zero {
        return Err(BadPivot { at, value: T::ZERO });
    }
    vectorised(
        #[inline(always)]
        || match transposed {
            false => solve_triangle(Triangle::Lower, a, n, b),
            true => solve_transposed_triangle(Triangle::Lower, a, n, b),
        },
    );
    Ok(())
}

/// P·A = L·U with rows exchanged for the greatest pivots: L below the diagonal, U on and above it,
/// and in a last column the row that each row was exchanged with. `out` is n × (n + 1).
pub(crate) fn lu<T: Scalar>(a: &[T], n: usize, out: &mut [T]) -> Result<(), BadPivot<T>> {
    let (factors, exchanged) = out.split_at_mut(n * n);
    factors.copy_from_slice(a);
    vectorised(
        #[inline(always)]
        || {
            for j in 0..n {
                let (left, right) = factors.split_at_mut(j * n);
                let column = &mut right[..n];
                for (k, &row) in exchanged[..j].iter().enumerate() {
                    column.swap(k, place(row));
                }
                for k in 0..j {
                    let factor = column[k];
                    let below = &left[k * n + k + 1..(k + 1) * n];
                    column[k + 1..].iter_mut().zip(below).for_each(|(x, &l)| *x -= factor * l);
                }
                let mut pivot = j;
                for i in j + 1..n {
                    if column[i].abs() > column[pivot].abs() {
                        pivot = i;
                    }
                }
                let value = column[pivot];
                if value == T::ZERO || !value.is_finite() {
                    return Err(BadPivot { at: j, value });
                }
                exchanged[j] = T::from_usize(pivot);
                column.swap(j, pivot);
                column[j + 1..].iter_mut().for_each(|x| *x /= value);
                for k in 0..j {
                    left.swap(k * n + j, k * n + pivot);
                }
            }
            Ok(())
        },
    )
}

/// The row that a number of [`lu`]'s last column names.
fn place<T: Scalar>(row: T) -> usize {
    row.to_f64() as usize
}

/// Solves A·X = B, or Aᵀ·X = B, in the place of B, where `factors` is what [`lu`] made of A.
pub(crate) fn solve_lu<T: Scalar>(factors: &[T], n: usize, transposed: bool, b: &mut [T]) {
    let (factors, exchanged) = factors.split_at(n * n);
    let exchange = |x: &mut [T], k: usize| x.swap(k, place(exchanged[k]));
    vectorised(
        #[inline(always)]
        || match transposed {
            false => {
                b.chunks_exact_mut(n.max(1)).for_each(|x| (0..n).for_each(|k| exchange(x, k)));
                solve_triangle(Triangle::LowerOfOnes, factors, n, b);
                solve_triangle(Triangle::Upper, factors, n, b);
            }
            true => {
                solve_transposed_triangle(Triangle::Upper, factors, n, b);
                solve_transposed_triangle(Triangle::LowerOfOnes, factors, n, b);
                b.chunks_exact_mut(n.max(1)).for_each(|x| (0..n).rev().for_each(|k| exchange(x, k)));
            }
        },
    );
}
