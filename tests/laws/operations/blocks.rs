//! Rows for the blocks of columns that each example has.

use tape::{Dim, Matrix, OperationKind, Over, Scalar, Shape, Var};

use super::{REAL, Row, SMALL_SIZES, Size, bad, batch, zeros};
use crate::support::laws::{Case, case};
use crate::support::reference;

/// Numbers of columns that an example has.
const COLUMNS: [usize; 3] = [1, 2, 5];

/// (rows·k) × m, of which `blocks` makes a list of rows × k.
fn blocks(a: &Matrix<f64>, k: usize) -> Vec<Matrix<f64>> {
    let rows = a.rows() / k;
    (0..a.columns()).map(|e| Matrix::from_fn(rows, k, |i, j| a[(j * rows + i, e)])).collect()
}

/// The inverse: each block is a column.
fn columns(of: &[Matrix<f64>], (rows, k): (usize, usize)) -> Matrix<f64> {
    Matrix::from_fn(rows * k, of.len(), |i, e| of[e][(i % rows, i / rows)])
}

fn unfolded<T: Scalar>(x: Var<'_, T>, columns: usize, transposed: bool) -> Var<'_, T> {
    let x = x.unfold(columns);
    if transposed { x.block_t() } else { x }
}

fn product_row<T: Scalar>(size: Size) -> Vec<Case<T>> {
    let mut cases = Vec::new();
    if size.columns != Dim::M || size.n == 0 {
        return cases;
    }
    for (k, p) in COLUMNS.into_iter().zip([3, 1, 17]) {
        for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
            let flipped = |(a, b): (usize, usize), flip: bool| if flip { (b, a) } else { (a, b) };
            let (a, b) = (flipped((size.n, k), left), flipped((k, p), right));
            let oriented = |x: Matrix<f64>, flip: bool| if flip { reference::transposed(&x) } else { x };
            let sign = |flip: bool| if flip { "ᵀ" } else { "" };
            cases.push(
                case(format!("A{} * B{} of every example", sign(left), sign(right)))
                    .input("A", Shape::new(a.0 * a.1, Dim::M), REAL)
                    .input("B", Shape::new(b.0 * b.1, Dim::M), REAL)
                    .records("block_matmul", move |_, x| {
                        unfolded(x[0], a.1, left).block_matmul(unfolded(x[1], b.1, right))
                    })
                    .gives(Shape::new(size.n, Dim::times_m(p)), move |x| {
                        let (a, b) = (blocks(&x[0], a.1), blocks(&x[1], b.1));
                        let products = a
                            .into_iter()
                            .zip(b)
                            .map(|(a, b)| reference::product(&oriented(a, left), &oriented(b, right)));
                        let all = columns(&products.collect::<Vec<_>>(), (size.n, p));
                        Matrix::from_fn(size.n, p * all.columns(), |i, j| all[(j % p * size.n + i, j / p)])
                    }),
            );
        }
    }
    // The same on both sides, as in a Gram matrix of each example.
    cases.push(
        case("AᵀA of every example")
            .input("A", Shape::new(2 * size.n, Dim::M), REAL)
            .records("block_matmul", |_, x| {
                let a = x[0].unfold(2);
                a.block_t().block_matmul(a).fold(2)
            })
            .gives(Shape::new(4, Dim::M), |x| {
                let grams =
                    blocks(&x[0], 2).into_iter().map(|a| reference::product(&reference::transposed(&a), &a));
                columns(&grams.collect::<Vec<_>>(), (2, 2))
            }),
    );
    cases
}

/// A leaf that is folded is read where it is.
fn fold_row<T: Scalar>(size: Size) -> Vec<Case<T>> {
    let mut cases = Vec::new();
    for k in COLUMNS {
        let tall = Shape::new(size.n * k, size.columns);
        let wide = Shape {
            rows: size.n.into(),
            columns: match size.columns {
                Dim::Fixed(m) => (k * m).into(),
                _ => Dim::times_m(k),
            },
        };
        cases.push(
            case(format!("tanh(unfold[{k}](A))"))
                .input("A", tall, REAL)
                .records_no_step(move |_, x| x[0].unfold(k).tanh())
                .gives(wide, move |x| {
                    let data = x[0].as_slice().iter().map(|x| x.tanh()).collect();
                    Matrix::from_vec(x[0].rows() / k, k * x[0].columns(), data).unwrap()
                })
                .with_special_values(),
        );
        cases.push(
            case(format!("fold[{k}](A)²"))
                .input("A", wide, REAL)
                .records_no_step(move |_, x| x[0].fold(k).square())
                .gives(tall, move |x| {
                    let data = x[0].as_slice().iter().map(|x| x * x).collect();
                    Matrix::from_vec(k * x[0].rows(), x[0].columns() / k, data).unwrap()
                })
                .with_special_values(),
        );
    }
    cases
}

fn transpose_row<T: Scalar>(size: Size) -> Vec<Case<T>> {
    let mut cases = Vec::new();
    if size.columns != Dim::M || size.n == 0 {
        return cases;
    }
    for k in COLUMNS {
        let n = size.n;
        let input = move |what: &str| {
            case::<T>(format!("{what}, {k} columns of each example")).input(
                "A",
                Shape::new(n * k, Dim::M),
                REAL,
            )
        };
        cases.push(
            input("tanh(Aᵀ)")
                .records("block_transpose", move |_, x| x[0].unfold(k).block_t().tanh())
                .gives(Shape::new(k, Dim::times_m(n)), move |x| {
                    let blocks = blocks(&x[0], k);
                    Matrix::from_fn(k, n * blocks.len(), |i, j| blocks[j / n][(j % n, i)].tanh())
                })
                .with_special_values(),
        );
        cases.push(
            input("Σ over the columns of each example")
                .records("block_transpose", move |_, x| x[0].unfold(k).sum_of_blocks())
                .gives(Shape::new(n, Dim::M), move |x| {
                    let sums = blocks(&x[0], k)
                        .into_iter()
                        .map(|a| reference::reduce(&a, Over::Columns, |x| x.iter().sum()));
                    columns(&sums.collect::<Vec<_>>(), (n, 1))
                }),
        );
        cases.push(
            input("A − mean over the columns of each example")
                .records("block_transpose", move |_, x| {
                    let a = x[0].unfold(k);
                    a - a.mean_of_blocks().repeat_columns(k)
                })
                .gives(Shape::new(n, Dim::times_m(k)), move |x| {
                    let blocks = blocks(&x[0], k);
                    Matrix::from_fn(n, k * blocks.len(), |i, j| {
                        let a = &blocks[j / k];
                        a[(i, j % k)] - (0..k).map(|t| a[(i, t)]).sum::<f64>() / k as f64
                    })
                }),
        );
        cases.push(
            input("softmax over the columns of each example")
                .records("block_transpose", move |_, x| x[0].unfold(k).softmax_of_blocks())
                .gives(Shape::new(n, Dim::times_m(k)), move |x| {
                    let blocks = blocks(&x[0], k);
                    Matrix::from_fn(n, k * blocks.len(), |i, j| {
                        let a = &blocks[j / k];
                        a[(i, j % k)].exp() / (0..k).map(|t| a[(i, t)].exp()).sum::<f64>()
                    })
                }),
        );
    }
    cases
}

pub(super) fn row<T: Scalar>(kind: OperationKind) -> Row<T> {
    match kind {
        OperationKind::BlockMatmul => Row::new(&SMALL_SIZES, product_row).rejects(vec![
            bad(
                "block_matmul: the blocks are 3×2 and 3×4: inner dimensions differ: %1 (unfold[2]) is 3×2m, %3 (unfold[4]) is 3×4m (did you mean a block_t()?), at {place}",
                |tape| batch(tape, "A", 6).unfold(2).block_matmul(batch(tape, "B", 12).unfold(4)),
            ),
            bad(
                "block_matmul: 3×2 has no columns of each example: W is 3×2, A is 2×m (blocks are the columns of an example, n×m or n×(k·m); matmul multiplies whole matrices), at {place}",
                |tape| zeros(tape, "W", 3, 2).block_matmul(batch(tape, "A", 2)),
            ),
        ]),
        OperationKind::BlockTranspose => Row::new(&SMALL_SIZES, transpose_row).rejects(vec![
            bad("block_transpose: blocks of no rows have no transposes: A is 0×m, at {place}", |tape| {
                batch(tape, "A", 0).block_t()
            }),
            bad(
                "block_transpose: m×m has no columns of each example: %2 (matmul) is m×m (blocks are the columns of an example, n×m or n×(k·m); matmul multiplies whole matrices), at {place}",
                |tape| {
                    let a = batch(tape, "A", 2);
                    a.t().matmul(a).block_t()
                },
            ),
        ]),
        _ => Row::new(&SMALL_SIZES, fold_row).rejects(vec![
            bad("unfold[3]: 3 does not divide the number of rows: A is 4×m, at {place}", |tape| {
                batch(tape, "A", 4).unfold(3)
            }),
            bad("unfold[0]: takes 1 or more columns at a time, not 0: A is 4×m, at {place}", |tape| {
                batch(tape, "A", 4).unfold(0)
            }),
            bad("fold[2]: 2 does not divide the number of columns: A is 4×m, at {place}", |tape| {
                batch(tape, "A", 4).fold(2)
            }),
            bad("fold[4]: 4 does not divide the number of columns: %1 (unfold[2]) is 2×2m, at {place}", |tape| {
                batch(tape, "A", 4).unfold(2).fold(4)
            }),
            bad("unfold[2]: m rows are no blocks of one number of rows: Aᵀ is m×4, at {place}", |tape| {
                batch(tape, "A", 4).t().unfold(2)
            }),
        ]),
    }
}
