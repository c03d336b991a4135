//! Matrices as code.

use crate::{Matrix, Scalar};

/// A matrix as an expression in Rust, with `T` for the number type: every element keeps its bits,
/// other than those of NaN.
///
/// ```
/// use tape::check::strategies::literal;
/// use tape::{Matrix, matrix};
/// assert_eq!(literal(&matrix![[1.0, -0.0], [f64::NAN, 1e-310]]), "matrix![[1.0, -0.0], [T::NAN, 1e-310]]");
/// assert_eq!(literal(&Matrix::<f32>::zeros(0, 3)), "Matrix::zeros(0, 3)");
/// ```
pub fn literal<T: Scalar>(value: &Matrix<T>) -> String {
    let (rows, columns) = value.shape();
    if rows == 0 || columns == 0 {
        return format!("Matrix::zeros({rows}, {columns})");
    }
    let number = |x: T| match (x.is_nan(), x.is_finite()) {
        (true, _) => "T::NAN".to_owned(),
        (_, false) if x > T::ZERO => "T::INFINITY".to_owned(),
        (_, false) => "-T::INFINITY".to_owned(),
        (false, true) => format!("{x:?}"),
    };
    let row = |i| (0..columns).map(|j| number(value[(i, j)])).collect::<Vec<_>>().join(", ");
    let rows: Vec<String> = (0..rows).map(|i| format!("[{}]", row(i))).collect();
    format!("matrix![{}]", rows.join(", "))
}
