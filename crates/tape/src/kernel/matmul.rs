//! Matrix products.

use crate::{MatrixMut, MatrixRef, Scalar};

/// `out` = op(a) * op(b), where op is the transpose if the flag beside the operand is set.
///
/// Nothing is allocated and no transposed copy is made. Entry (i, j) is a sum over k in an order that depends
/// on the inner dimension, the flags, whether op(a) is one row and whether op(b) is one column, and on
/// nothing else; an inner dimension 0 gives zeros. No product is skipped, so 0·NaN and 0·∞ are NaN.
pub(crate) fn matmul<T: Scalar>(
    a: MatrixRef<'_, T>,
    transpose_a: bool,
    b: MatrixRef<'_, T>,
    transpose_b: bool,
    out: &mut MatrixMut<'_, T>,
) {
    let (m, inner) = if transpose_a { (a.columns(), a.rows()) } else { a.shape() };
    let (b_inner, n) = if transpose_b { (b.columns(), b.rows()) } else { b.shape() };
    debug_assert_eq!(inner, b_inner, "matmul: the inner dimensions differ");
    debug_assert_eq!(out.shape(), (m, n), "matmul: the output has another shape");
    if m == 0 || n == 0 {
        return;
    }
    if inner == 0 {
        out.as_mut_slice().fill(T::ZERO);
        return;
    }
    let (a, b, out) = (a.as_slice(), b.as_slice(), out.as_mut_slice());
    // A single row or column is stored as its own transpose: take the case with the longer inner loop.
    let transpose_a = inner > 1 && (transpose_a || m == 1);
    let transpose_b = inner > 1 && n > 1 && transpose_b;
    match (transpose_a, transpose_b) {
        (false, false) => {
            for (j, out) in out.chunks_exact_mut(m).enumerate() {
                combine(a, |k| b[j * inner + k], out);
            }
        }
        (false, true) => {
            for (j, out) in out.chunks_exact_mut(m).enumerate() {
                combine(a, |k| b[k * n + j], out);
            }
        }
        (true, false) => {
            for (b, out) in b.chunks_exact(inner).zip(out.chunks_exact_mut(m)) {
                dots(a, b, out);
            }
        }
        (true, true) => both_transposed(a, b, (m, inner, n), out),
    }
}

/// `out` = Σ_k c(k) · column k of a, four columns at a time.
#[inline]
fn combine<T: Scalar>(a: &[T], c: impl Fn(usize) -> T, out: &mut [T]) {
    let m = out.len();
    out.fill(T::ZERO);
    let mut k = 0;
    let mut groups = a.chunks_exact(4 * m);
    for group in &mut groups {
        let (a01, a23) = group.split_at(2 * m);
        let ((a0, a1), (a2, a3)) = (a01.split_at(m), a23.split_at(m));
        let (c0, c1, c2, c3) = (c(k), c(k + 1), c(k + 2), c(k + 3));
        for ((((out, &a0), &a1), &a2), &a3) in out.iter_mut().zip(a0).zip(a1).zip(a2).zip(a3) {
            *out += (a0 * c0 + a1 * c1) + (a2 * c2 + a3 * c3);
        }
        k += 4;
    }
    for a in groups.remainder().chunks_exact(m) {
        let c0 = c(k);
        for (out, &a) in out.iter_mut().zip(a) {
            *out += a * c0;
        }
        k += 1;
    }
}

/// Entry i of `out` = column i of a · b, four columns at a time.
#[inline]
fn dots<T: Scalar>(a: &[T], b: &[T], out: &mut [T]) {
    let inner = b.len();
    let mut groups = a.chunks_exact(4 * inner);
    let mut outs = out.chunks_exact_mut(4);
    for (group, out) in (&mut groups).zip(&mut outs) {
        let (a01, a23) = group.split_at(2 * inner);
        let ((a0, a1), (a2, a3)) = (a01.split_at(inner), a23.split_at(inner));
        out.copy_from_slice(&dots_at_once([a0, a1, a2, a3], b));
    }
    for (a, out) in groups.remainder().chunks_exact(inner).zip(outs.into_remainder()) {
        [*out] = dots_at_once([a], b);
    }
}

/// Every a · b, each summed in the same order whatever N is.
#[inline]
fn dots_at_once<T: Scalar, const N: usize>(a: [&[T]; N], b: &[T]) -> [T; N] {
    const LANES: usize = 8;
    let whole = b.len() - b.len() % LANES;
    let mut lanes = [[T::ZERO; LANES]; N];
    for k in (0..whole).step_by(LANES) {
        let b = &b[k..k + LANES];
        for (lanes, a) in lanes.iter_mut().zip(a) {
            for ((lane, &a), &b) in lanes.iter_mut().zip(&a[k..k + LANES]).zip(b) {
                *lane += a * b;
            }
        }
    }
    let mut sums =
        lanes.map(|[s0, s1, s2, s3, s4, s5, s6, s7]| ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7)));
    for (sum, a) in sums.iter_mut().zip(a) {
        for (&a, &b) in a[whole..].iter().zip(&b[whole..]) {
            *sum += a * b;
        }
    }
    sums
}

/// `out` = aᵀ * bᵀ, a piece of a row of `out` at a time, because b is contiguous along it.
fn both_transposed<T: Scalar>(a: &[T], b: &[T], (m, inner, n): (usize, usize, usize), out: &mut [T]) {
    const PIECE: usize = 32;
    for (i, a) in a.chunks_exact(inner).enumerate() {
        for start in (0..n).step_by(PIECE) {
            let width = PIECE.min(n - start);
            let mut piece = [T::ZERO; PIECE];
            for (&a, b) in a.iter().zip(b.chunks_exact(n)) {
                for (sum, &b) in piece.iter_mut().zip(&b[start..start + width]) {
                    *sum += a * b;
                }
            }
            for (j, &sum) in piece[..width].iter().enumerate() {
                out[(start + j) * m + i] = sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Matrix;

    const SIDES: [usize; 12] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33];

    /// Small integers, so that every order of summation gives the same, exact result.
    fn integers<T: Scalar>(rows: usize, columns: usize, seed: usize) -> Matrix<T> {
        Matrix::from_fn(rows, columns, |i, j| {
            T::from_f64(((i * 31 + j * 17 + i * j * 7 + seed) % 19) as f64 - 9.0)
        })
    }

    fn entry<T: Scalar>(a: &Matrix<T>, transpose: bool, i: usize, j: usize) -> T {
        if transpose { a[(j, i)] } else { a[(i, j)] }
    }

    fn stored<T: Scalar>(rows: usize, columns: usize, transpose: bool, seed: usize) -> Matrix<T> {
        if transpose { integers(columns, rows, seed) } else { integers(rows, columns, seed) }
    }

    fn agrees_with_the_definition<T: Scalar>() {
        for (m, inner, n) in SIDES
            .iter()
            .flat_map(|&m| SIDES.iter().flat_map(move |&inner| SIDES.iter().map(move |&n| (m, inner, n))))
        {
            for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
                let a = stored::<T>(m, inner, transpose_a, 1);
                let b = stored::<T>(inner, n, transpose_b, 5);
                let mut out = Matrix::filled(m, n, T::NAN);
                matmul(a.view(), transpose_a, b.view(), transpose_b, &mut out.view_mut());
                let naive = Matrix::from_fn(m, n, |i, j| {
                    (0..inner).map(|k| entry(&a, transpose_a, i, k) * entry(&b, transpose_b, k, j)).sum()
                });
                assert_eq!(out, naive, "{m}×{inner} * {inner}×{n}, {transpose_a}, {transpose_b}");
            }
        }
    }

    #[test]
    fn all_cases_agree_with_the_definition() {
        agrees_with_the_definition::<f64>();
        agrees_with_the_definition::<f32>();
    }

    #[test]
    fn a_zero_does_not_hide_nan_or_infinity() {
        for bad in [f64::NAN, f64::INFINITY] {
            for side in [1, 3, 5, 33] {
                for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)]
                {
                    let zeros = Matrix::zeros(side, side);
                    let full = Matrix::filled(side, side, bad);
                    let mut out = Matrix::zeros(side, side);
                    matmul(zeros.view(), transpose_a, full.view(), transpose_b, &mut out.view_mut());
                    assert!(out.as_slice().iter().all(|x| x.is_nan()));
                    matmul(full.view(), transpose_a, zeros.view(), transpose_b, &mut out.view_mut());
                    assert!(out.as_slice().iter().all(|x| x.is_nan()));
                }
            }
        }
    }

    #[test]
    fn a_column_does_not_depend_on_its_neighbours() {
        let value = |i: usize, j: usize| ((i * 37 + j * 101) as f32).sin();
        let (a, b) = (Matrix::from_fn(17, 33, value), Matrix::from_fn(33, 9, value));
        let mut out = Matrix::zeros(17, 9);
        for transpose_a in [false, true] {
            let a = if transpose_a { Matrix::from_fn(33, 17, |i, j| a[(j, i)]) } else { a.clone() };
            matmul(a.view(), transpose_a, b.view(), false, &mut out.view_mut());
            for j in 0..9 {
                let mut column = Matrix::zeros(17, 1);
                let b = MatrixRef::new(33, 1, b.view().column(j)).unwrap();
                matmul(a.view(), transpose_a, b, false, &mut column.view_mut());
                assert_eq!(column.as_slice(), out.view().column(j));
            }
        }
    }
}

/// What a product does with what its result held before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beta {
    /// It is overwritten.
    Zero,
    /// The product is added to it.
    One,
}

/// temporary
pub(crate) fn product<T: Scalar>(
    alpha: T,
    a: MatrixRef<'_, T>,
    transpose_a: bool,
    b: MatrixRef<'_, T>,
    transpose_b: bool,
    beta: Beta,
    out: &mut MatrixMut<'_, T>,
) {
    let mut t = crate::Matrix::zeros(out.rows(), out.columns());
    matmul(a, transpose_a, b, transpose_b, &mut t.view_mut());
    for (o, &x) in out.as_mut_slice().iter_mut().zip(t.as_slice()) {
        *o = if beta == Beta::Zero { alpha * x } else { *o + alpha * x };
    }
}
