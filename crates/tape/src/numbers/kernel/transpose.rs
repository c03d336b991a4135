//! Transposes of matrices and of parts of them, in squares that stay in registers.

use super::simd::{Lanes, SIDE};

/// Columns that are read at a time: the lines of the output that they go to stay in the first-level
/// cache until they are full.
const COLUMNS: usize = 64;

/// `out`[q·`out_stride` + i] = a[i·`stride` + q] for all i below `rows` and q below `columns`.
#[inline(always)]
pub(crate) fn transpose<T: Lanes>(
    (a, stride): (&[T], usize),
    (rows, columns): (usize, usize),
    (out, out_stride): (&mut [T], usize),
) {
    let squares = rows / SIDE * SIDE;
    for q in (0..columns).step_by(COLUMNS) {
        let width = COLUMNS.min(columns - q);
        let out = &mut out[q * out_stride..];
        for i in (0..squares).step_by(SIDE) {
            let mut sources = [&a[..0]; SIDE];
            for (k, source) in sources.iter_mut().enumerate() {
                *source = &a[(i + k) * stride + q..][..width];
            }
            few_rows(sources, &mut out[i..], out_stride);
        }
        for i in squares..rows {
            for (out, &x) in out.chunks_mut(out_stride).zip(&a[i * stride + q..][..width]) {
                out[i] = x;
            }
        }
    }
}

/// The transpose of a few rows: their first numbers side by side, and `stride` further on the next
/// ones.
#[inline(always)]
pub(in crate::numbers::kernel) fn few_rows<T: Lanes>(rows: [&[T]; SIDE], out: &mut [T], stride: usize) {
    let columns = rows[0].len();
    let mut q = 0;
    while q + SIDE <= columns {
        // Not mapped: the closure would be compiled for the baseline.
        let mut square = [[T::default(); SIDE]; SIDE];
        for i in 0..SIDE {
            square[i] = *rows[i][q..].first_chunk().expect("the rows are that long");
        }
        for (k, column) in T::transposed(square).into_iter().enumerate() {
            *out[(q + k) * stride..].first_chunk_mut().expect("the output is that wide") = column;
        }
        q += SIDE;
    }
    for q in q..columns {
        for i in 0..SIDE {
            out[q * stride + i] = rows[i][q];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number goes to its place, and no other place is touched.
    #[test]
    fn parts_of_matrices_are_transposed_and_nothing_else() {
        for (rows, columns) in
            [(0, 3), (3, 0), (1, 1), (1, 70), (70, 1), (3, 5), (4, 4), (63, 65), (130, 129)]
        {
            let (stride, out_stride) = (columns + 2, rows + 3);
            let a: Vec<f64> = (0..rows * stride).map(|x| x as f64).collect();
            let mut out = vec![-1.0; columns * out_stride];
            transpose((&a, stride), (rows, columns), (&mut out, out_stride));
            for (at, &x) in out.iter().enumerate() {
                let (q, i) = (at / out_stride, at % out_stride);
                let expected = if i < rows { (i * stride + q) as f64 } else { -1.0 };
                assert_eq!(x, expected, "{rows}×{columns}, at {q}, {i}");
            }
        }
    }
}
