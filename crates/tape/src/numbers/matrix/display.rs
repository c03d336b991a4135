//! Matrices as text.

use std::fmt::{self, Debug, Display, Formatter};

use super::{Matrix, MatrixMut, MatrixRef};
use crate::Scalar;

/// Text writes this many of the first and of the last rows (columns) if there are more than their
/// sum and one.
const SHOWN: (usize, usize) = (4, 3);
/// `Debug` does so if there are more elements, rows or columns than this.
const DEBUG_ELEMENTS: usize = 512;

/// What is written along one side: an index, or `None` for those left out.
fn shown(length: usize, (first, last): (usize, usize)) -> Vec<Option<usize>> {
    if length <= first + last + 1 {
        return (0..length).map(Some).collect();
    }
    (0..first).map(Some).chain([None]).chain((length - last..length).map(Some)).collect()
}

/// One number: with a precision as the formatter would, else in at most six digits; with an
/// exponent where there would be many digits before or after the point.
fn number<T: Scalar>(x: T, precision: Option<usize>) -> String {
    let size = x.to_f64().abs();
    let no_exponent = size == 0.0 || !x.is_finite();
    match precision {
        Some(precision) if no_exponent || size < 1e15 => format!("{x:.precision$}"),
        Some(precision) => format!("{x:.precision$e}"),
        None if no_exponent => format!("{x}"),
        None => six_digits(x, size),
    }
}

fn six_digits<T: Scalar>(x: T, size: f64) -> String {
    let rounded = format!("{x:.5e}");
    let Some((digits, exponent)) = rounded.split_once('e') else { return rounded };
    if !(1e-4..1e6).contains(&size) {
        return format!("{}e{exponent}", without_zeros(digits));
    }
    // Taken from the rounded number: 9.9999996 has seven digits before it is rounded, and 10.0000
    // six after.
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let decimals = usize::try_from(5 - exponent).unwrap_or(0);
    without_zeros(&format!("{x:.decimals$}")).to_owned()
}

/// Without the zeros at the end of a fraction.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// The rows of texts, columns aligned to the right.
fn write_aligned(f: &mut Formatter<'_>, columns: &[Vec<String>], rows: usize) -> fmt::Result {
    let least = f.width().unwrap_or(0);
    let width = |column: &Vec<String>| column.iter().map(|x| x.chars().count()).fold(least, usize::max);
    let widths: Vec<usize> = columns.iter().map(width).collect();
    for i in 0..rows {
        if i > 0 {
            writeln!(f)?;
        }
        write!(f, "[")?;
        for (j, (column, width)) in columns.iter().zip(&widths).enumerate() {
            write!(f, "{}{:>width$}", if j > 0 { "  " } else { "" }, column[i])?;
        }
        write!(f, "]")?;
    }
    Ok(())
}

/// Row by row, aligned. Of more than 8 rows or columns the middle ones are left out, and the shape
/// is told, as it is where there are no elements. Elements have at most six digits, or the
/// precision that is asked for; `{:?}` has all digits.
///
/// ```
/// # use tape::{Matrix, matrix};
/// let a = matrix![[1.0, -2.5], [1.0 / 3.0, 1e-9]];
/// assert_eq!(a.to_string(), "\
/// [       1  -2.5]
/// [0.333333  1e-9]");
/// assert_eq!(format!("{a:.2}"), "\
/// [1.00  -2.50]
/// [0.33   0.00]");
/// let x = Matrix::from_fn(2, 1000, |i, j| (i + j) as f32);
/// assert_eq!(x.to_string(), "\
/// [0  1  2  3  …  997  998   999]
/// [1  2  3  4  …  998  999  1000]
/// (2×1000)");
/// assert_eq!(Matrix::<f32>::zeros(3, 0).to_string(), "(3×0)");
/// ```
impl<T: Scalar> Display for MatrixRef<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        T::matrix_display(*self, f)
    }
}

impl<T: Scalar> MatrixRef<'_, T> {
    pub(crate) fn display_here(self, f: &mut Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.shape();
        if rows == 0 || columns == 0 {
            return write!(f, "({rows}×{columns})");
        }
        let (shown_rows, shown_columns) = (shown(rows, SHOWN), shown(columns, SHOWN));
        let text = |i: Option<usize>, j: Option<usize>| match (i, j) {
            (Some(i), Some(j)) => number(self[(i, j)], f.precision()),
            _ => "…".to_owned(),
        };
        let texts: Vec<Vec<String>> =
            shown_columns.iter().map(|&j| shown_rows.iter().map(|&i| text(i, j)).collect()).collect();
        write_aligned(f, &texts, shown_rows.len())?;
        if shown_rows.contains(&None) || shown_columns.contains(&None) {
            write!(f, "\n({rows}×{columns})")?;
        }
        Ok(())
    }
}

/// A list that may have something left out.
struct Elided<'a, E>(&'a [Option<usize>], E);

impl<D: Debug, E: Fn(usize) -> D> Debug for Elided<'_, E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for index in self.0 {
            match index {
                Some(index) => list.entry(&self.1(*index)),
                None => list.entry(&format_args!("…")),
            };
        }
        list.finish()
    }
}

/// The shape and the rows, every number with all its digits. Of more than 512 elements, rows or
/// columns the middle ones are left out.
///
/// ```
/// # use tape::matrix;
/// let a = matrix![[1.0, 2.0], [3.0, 0.1]];
/// assert_eq!(format!("{a:?}"), "Matrix 2×2 [[1.0, 2.0], [3.0, 0.1]]");
/// ```
impl<T: Debug> Debug for MatrixRef<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let MatrixRef { rows, columns, data } = *self;
        let is_short = data.len().max(rows).max(columns) <= DEBUG_ELEMENTS;
        let edges = if is_short { (DEBUG_ELEMENTS, DEBUG_ELEMENTS) } else { SHOWN };
        let shown_columns = shown(columns, edges);
        let row = |i: usize| Elided(&shown_columns, move |j: usize| &data[j * rows + i]);
        write!(f, "Matrix {rows}×{columns} ")?;
        Elided(&shown(rows, edges), row).fmt(f)
    }
}

macro_rules! text_of_its_view {
    ($($matrix:ty),*) => {$(
        /// As [`MatrixRef`].
        impl<T: Scalar> Display for $matrix {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                Display::fmt(&self.view(), f)
            }
        }

        /// As [`MatrixRef`].
        impl<T: Debug> Debug for $matrix {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                Debug::fmt(&MatrixRef { rows: self.rows, columns: self.columns, data: &self.data[..] }, f)
            }
        }
    )*};
}

text_of_its_view!(Matrix<T>, MatrixMut<'_, T>);
