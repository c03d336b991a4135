//! Rows for factors of matrices and systems of equations.

use tape::{Dim, Matrix, OperationKind, Scalar, Shape, Var};

use super::{REAL, Row, SMALL_SIZES, Size, bad, batch, zeros};
use crate::support::laws::{Case, case};
use crate::support::reference;

/// A + 20·I, which is far from singular, with a positive definite symmetric part.
fn regular<T: Scalar>(a: Var<'_, T>) -> Var<'_, T> {
    a + a.tape().identity(a.shape().unwrap().rows) * T::from_f64(20.0)
}

fn plain_regular(a: &Matrix<f64>) -> Matrix<f64> {
    Matrix::from_fn(a.rows(), a.columns(), |i, j| a[(i, j)] + if i == j { 20.0 } else { 0.0 })
}

/// Gauß–Jordan without exchanges: the solution, and the pivots.
fn plain_solve(a: &Matrix<f64>, b: &Matrix<f64>) -> (Matrix<f64>, Vec<f64>) {
    let (mut a, mut b, n) = (a.clone(), b.clone(), a.rows());
    let mut pivots = Vec::new();
    for k in 0..n {
        let pivot = a[(k, k)];
        pivots.push(pivot);
        for i in (0..n).filter(|&i| i != k) {
            let factor = a[(i, k)] / pivot;
            (0..n).for_each(|j| a[(i, j)] -= factor * a[(k, j)]);
            (0..b.columns()).for_each(|j| b[(i, j)] -= factor * b[(k, j)]);
        }
    }
    (Matrix::from_fn(n, b.columns(), |i, j| b[(i, j)] / pivots[i]), pivots)
}

/// Row by row, of the symmetric part.
fn plain_cholesky(a: &Matrix<f64>) -> Matrix<f64> {
    let n = a.rows();
    let mut l = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| l[(i, k)] * l[(j, k)]).sum();
            let rest = (a[(i, j)] + a[(j, i)]) / 2.0 - sum;
            l[(i, j)] = if i == j { rest.sqrt() } else { rest / l[(j, j)] };
        }
    }
    l
}

fn lower(a: &Matrix<f64>) -> Matrix<f64> {
    Matrix::from_fn(a.rows(), a.columns(), |i, j| if i >= j { a[(i, j)] } else { 0.0 })
}

fn cholesky_row<T: Scalar>(size: Size) -> Vec<Case<T>> {
    let n = size.n;
    let mut cases = vec![
        case("the factor L of A + 20·I")
            .input("A", Shape::new(n, n), REAL)
            .records("cholesky", |_, x| regular(x[0]).cholesky())
            .gives(Shape::new(n, n), |x| plain_cholesky(&plain_regular(&x[0]))),
    ];
    if size.columns == Dim::M {
        cases.push(
            case("the factor of XᵀX + 20·I, of the examples")
                .input("X", Shape::new(3, Dim::M), REAL)
                .records("cholesky", |_, x| regular(x[0].t().matmul(x[0])).cholesky())
                .gives(Shape::new(Dim::M, Dim::M), |x| {
                    let gram = reference::product(&reference::transposed(&x[0]), &x[0]);
                    plain_cholesky(&plain_regular(&gram))
                }),
        );
    }
    cases
}

fn lower_row<T: Scalar>(kind: OperationKind, size: Size) -> Vec<Case<T>> {
    let square = Shape::new(size.n, size.n);
    if kind == OperationKind::LowerTriangle {
        let wide = Shape::new(size.n, size.n + 2);
        return [square, wide, wide.transposed()]
            .into_iter()
            .map(|shape| {
                case("the lower triangle")
                    .input("A", shape, REAL)
                    .records("lower_triangle", |_, x| x[0].lower_triangle().sin())
                    .gives(shape, |x| lower(&x[0]).map(f64::sin))
            })
            .collect();
    }
    [false, true]
        .into_iter()
        .map(|transposed| {
            let name = if transposed { "solve_lower_transposed" } else { "solve_lower" };
            case(name)
                .input("L", square, REAL)
                .input("B", size.matrix(), REAL)
                .records(name, move |_, x| {
                    let l = regular(x[0]);
                    if transposed { l.solve_lower_transposed(x[1]) } else { l.solve_lower(x[1]) }
                })
                .gives(size.matrix(), move |x| {
                    let l = lower(&plain_regular(&x[0]));
                    let l = if transposed { reference::transposed(&l) } else { l };
                    plain_solve(&l, &x[1]).0
                })
        })
        .collect()
}

fn lu_row<T: Scalar>(kind: OperationKind, size: Size) -> Vec<Case<T>> {
    let square = Shape::new(size.n, size.n);
    let name = if kind == OperationKind::Lu { "lu" } else { "solve" };
    if kind == OperationKind::LogDet {
        return vec![
            case("ln |det A|")
                .input("A", square, REAL)
                .records("log_det", |_, x| regular(x[0]).log_det())
                .gives(Shape::SCALAR, |x| {
                    let a = plain_regular(&x[0]);
                    let pivots = plain_solve(&a, &a).1;
                    Matrix::scalar(pivots.iter().map(|p| p.abs().ln()).sum())
                }),
        ];
    }
    vec![
        case("A⁻¹·B")
            .input("A", square, REAL)
            .input("B", size.matrix(), REAL)
            .records(name, |_, x| regular(x[0]).solve(x[1]))
            .gives(size.matrix(), |x| plain_solve(&plain_regular(&x[0]), &x[1]).0),
        // Its rows have to be exchanged.
        case("A⁻¹, the rows of A turned round")
            .input("A", square, REAL)
            .records(name, move |_, x| {
                let turned: Vec<usize> = (0..x[0].shape().unwrap().rows.at(0)).rev().collect();
                regular(x[0]).rows_at(&turned).inverse()
            })
            .gives(square, |x| {
                let a = plain_regular(&x[0]);
                let n = a.rows();
                let turned = Matrix::from_fn(n, n, |i, j| if i + j + 1 == n { 1.0 } else { 0.0 });
                reference::product(
                    &plain_solve(&a, &turned).0,
                    &Matrix::from_fn(n, n, |i, j| f64::from(u8::from(i == j))),
                )
            }),
    ]
}

pub(super) fn row<T: Scalar>(kind: OperationKind) -> Row<T> {
    match kind {
        OperationKind::Cholesky => Row::new(&SMALL_SIZES, cholesky_row).rejects(vec![bad(
            "cholesky: 2×3 is not square: A is 2×3, at {place}",
            |tape| zeros(tape, "A", 2, 3).cholesky(),
        )]),
        OperationKind::LowerTriangle => Row::new(&SMALL_SIZES, move |size| lower_row(kind, size)),
        OperationKind::SolveLower => Row::new(&SMALL_SIZES, move |size| lower_row(kind, size)).rejects(vec![
            bad("solve_lower: 2×3 is not square: L is 2×3, B is 2×m, at {place}", |tape| {
                zeros(tape, "L", 2, 3).solve_lower(batch(tape, "B", 2))
            }),
            bad(
                "solve_lower_transposed: the right side has another number of rows: L is 2×2, B is 3×m, at {place}",
                |tape| zeros(tape, "L", 2, 2).solve_lower_transposed(batch(tape, "B", 3)),
            ),
        ]),
        OperationKind::Lu => Row::new(&SMALL_SIZES, move |size| lu_row(kind, size)).rejects(vec![
            bad("lu: 2×3 is not square: A is 2×3, at {place}", |tape| zeros(tape, "A", 2, 3).log_det()),
            bad(
                "lu: m is no fixed number of rows: %2 (matmul) is m×m (a symmetric positive definite one may be of the examples: see cholesky), at {place}",
                |tape| {
                    let x = batch(tape, "X", 2);
                    x.t().matmul(x).log_det()
                },
            ),
        ]),
        OperationKind::Solve => Row::new(&SMALL_SIZES, move |size| lu_row(kind, size)).rejects(vec![bad(
            "solve: the right side has another number of rows: A is 2×2, %1 (lu) is 2×3, B is 3×1, at {place}",
            |tape| {
                let a = zeros(tape, "A", 2, 2);
                let _ = a.log_det();
                a.solve(zeros(tape, "B", 3, 1))
            },
        )]),
        _ => Row::new(&SMALL_SIZES, move |size| lu_row(kind, size)),
    }
}
