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

/// Columns of a right side that are solved for at a time: a column of the triangle is read once for
/// them, and what one waits for the others fill. Each has the bits that it has alone.
const TOGETHER: usize = 4;

/// Does to every column of b, of n rows, what is done to several and to one.
#[inline(always)]
fn by_columns<T: Scalar>(
    b: &mut [T],
    n: usize,
    several: impl Fn(&mut [&mut [T]; TOGETHER]),
    one: impl Fn(&mut [&mut [T]; 1]),
) {
    if n == 0 {
        return;
    }
    let mut groups = b.chunks_exact_mut(TOGETHER * n);
    for group in &mut groups {
        let mut columns = group.chunks_exact_mut(n);
        several(&mut std::array::from_fn(|_| columns.next().expect("as many as are together")));
    }
    groups.into_remainder().chunks_exact_mut(n).for_each(|column| one(&mut [column]));
}

/// Solves T·x = b in the place of b, for every column of b.
#[inline(always)]
fn solve_triangle<T: Scalar>(triangle: Triangle, a: &[T], n: usize, b: &mut [T]) {
    by_columns(
        b,
        n,
        #[inline(always)]
        |x| solve_columns(triangle, a, n, x),
        #[inline(always)]
        |x| solve_columns(triangle, a, n, x),
    );
}

#[inline(always)]
fn solve_columns<T: Scalar, const C: usize>(triangle: Triangle, a: &[T], n: usize, x: &mut [&mut [T]; C]) {
    for step in 0..n {
        let k = if triangle == Triangle::Upper { n - 1 - step } else { step };
        let column = &a[k * n..(k + 1) * n];
        let range = if triangle == Triangle::Upper { 0..k } else { k + 1..n };
        for x in x.iter_mut() {
            if triangle != Triangle::LowerOfOnes {
                x[k] /= column[k];
            }
            let factor = x[k];
            x[range.clone()].iter_mut().zip(&column[range.clone()]).for_each(|(x, &a)| *x -= factor * a);
        }
    }
}

/// The sums of the products of several lists with one, each in eight parts.
#[inline(always)]
fn dots<T: Scalar, const C: usize>(a: [&[T]; C], b: &[T]) -> [T; C] {
    let mut parts = [[T::ZERO; 8]; C];
    let (eights, rest) = b.as_chunks::<8>();
    let a_eights = a.map(|a| a[..8 * eights.len()].as_chunks::<8>().0);
    for (at, b) in eights.iter().enumerate() {
        for c in 0..C {
            let a = &a_eights[c][at];
            for i in 0..8 {
                parts[c][i] += a[i] * b[i];
            }
        }
    }
    std::array::from_fn(|c| {
        let others = a[c][8 * eights.len()..].iter().zip(rest).map(|(&a, &b)| a * b);
        let [a0, a1, a2, a3, a4, a5, a6, a7] = parts[c];
        ((a0 + a4) + (a1 + a5)) + ((a2 + a6) + (a3 + a7)) + others.sum::<T>()
    })
}

/// Solves Tᵀ·x = b in the place of b, for every column of b.
#[inline(always)]
fn solve_transposed_triangle<T: Scalar>(triangle: Triangle, a: &[T], n: usize, b: &mut [T]) {
    by_columns(
        b,
        n,
        #[inline(always)]
        |x| solve_transposed_columns(triangle, a, n, x),
        #[inline(always)]
        |x| solve_transposed_columns(triangle, a, n, x),
    );
}

#[inline(always)]
fn solve_transposed_columns<T: Scalar, const C: usize>(
    triangle: Triangle,
    a: &[T],
    n: usize,
    x: &mut [&mut [T]; C],
) {
    for step in 0..n {
        let k = if triangle == Triangle::Upper { step } else { n - 1 - step };
        let column = &a[k * n..(k + 1) * n];
        let range = if triangle == Triangle::Upper { 0..k } else { k + 1..n };
        let below: [&[T]; C] = std::array::from_fn(|c| &x[c][range.clone()]);
        let sums = dots(below, &column[range.clone()]);
        for (x, sum) in x.iter_mut().zip(sums) {
            let rest = x[k] - sum;
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
