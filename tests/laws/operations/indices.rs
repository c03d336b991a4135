//! Rows for what is chosen by number, for places, and for what stands still.

use tape::{Dim, Matrix, OperationKind, Over, Scalar, Shape, Var};

use super::{REAL, Row, SIZES, SMALL_SIZES, Size, bad, batch, zeros};
use crate::support::laws::{Case, Domain, case};
use crate::support::reference;

/// Rows of n, some twice, one not at all where there are several.
fn some_rows(n: usize) -> Vec<usize> {
    if n == 0 { Vec::new() } else { (0..n + 2).map(|i| (3 * i + 1) % n.max(2) % n).collect() }
}

fn rows_row<T: Scalar>(kind: OperationKind, size: Size) -> Vec<Case<T>> {
    let n = size.n;
    let rows = some_rows(n);
    let of = Shape { rows: rows.len().into(), columns: size.columns };
    let chosen = rows.clone();
    if kind == OperationKind::RowsAt {
        let name = match rows.as_slice() {
            [] => "rows_at[]".to_owned(),
            [a, b, c] => format!("rows_at[{a}, {b}, {c}]"),
            [a, b, c, d] => format!("rows_at[{a}, {b}, {c}, {d}]"),
            [a, b, c, d, ..] => format!("rows_at[{a}, {b}, {c}, {d}, … {} in all]", rows.len()),
            _ => unreachable!("there are none or at least three"),
        };
        return vec![
            case("rows by number")
                .input("A", size.matrix(), REAL)
                .records(name.leak(), move |_, x| x[0].rows_at(&rows))
                .gives(of, move |x| {
                    Matrix::from_fn(chosen.len(), x[0].columns(), |i, j| x[0][(chosen[i], j)])
                })
                .with_special_values(),
        ];
    }
    // The gradient of the rows is the rows added up.
    vec![
        case("rows added up")
            .input("G", of, REAL)
            .records_no_step(move |tape, x| {
                let a = x[0].rows(0..0).stack_zeros(n);
                let _ = tape;
                a.rows_at(&rows).vjp([a], x[0])[0]
            })
            .gives(size.matrix(), move |x| {
                let mut sums = Matrix::zeros(n, x[0].columns());
                for (place, &row) in chosen.iter().enumerate() {
                    (0..sums.columns()).for_each(|j| sums[(row, j)] += x[0][(place, j)]);
                }
                sums
            }),
    ]
}

/// Zeros below a matrix of no rows: n × c that depends on its columns.
trait StackZeros<'t, T: Scalar> {
    fn stack_zeros(self, n: usize) -> Self;
}

impl<'t, T: Scalar> StackZeros<'t, T> for Var<'t, T> {
    fn stack_zeros(self, n: usize) -> Self {
        self.sum_over(Over::Rows).broadcast_to(Shape { rows: n.into(), ..self.shape().unwrap() })
    }
}

/// Places in a table of 4 columns, of numbers in [−2, 2): round(1 + A) is in 0 … 2.
fn indices_of<T: Scalar>(mask: Var<'_, T>) -> Var<'_, T> {
    mask + T::ONE
}

fn gather_row<T: Scalar>(kind: OperationKind, size: Size) -> Vec<Case<T>> {
    let d = size.n;
    let indices = Shape { rows: 2.into(), columns: size.columns };
    let columns = match size.columns {
        Dim::Fixed(m) => Dim::Fixed(2 * m),
        _ => Dim::times_m(2),
    };
    let result = Shape { rows: d.into(), columns };
    if kind == OperationKind::Gather {
        return vec![
            case("columns of a table")
                .fixed("I", indices, Domain::Mask)
                .input("E", Shape::new(d, 4), REAL)
                .records("gather", |_, x| x[1].gather(indices_of(x[0])))
                .gives(result, |x| {
                    let index = |j: usize| 1 + x[0].as_slice()[j] as usize;
                    Matrix::from_fn(x[1].rows(), x[0].as_slice().len(), |i, j| x[1][(i, index(j))])
                }),
        ];
    }
    vec![
        case("columns added up")
            .fixed("I", indices, Domain::Mask)
            .input("E", Shape::new(d, 4), REAL)
            // Its gradient, of which the gradient is a gather again.
            .records("columns_added[4]", |_, x| {
                let gathered = x[1].gather(indices_of(x[0]));
                (gathered.square() * gathered).sum().gradients([x[1]])[0]
            })
            .gives(Shape::new(d, 4), |x| {
                let mut times = [0.0; 4];
                x[0].as_slice().iter().for_each(|&i| times[1 + i as usize] += 1.0);
                Matrix::from_fn(x[1].rows(), 4, |i, j| times[j] * 3.0 * x[1][(i, j)] * x[1][(i, j)])
            }),
    ]
}

fn places_row<T: Scalar>(size: Size) -> Vec<Case<T>> {
    let place = |x: &[f64]| {
        let greatest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        x.iter().position(|&x| x == greatest).unwrap() as f64
    };
    let of = |over: Over, least: usize, shape: Shape| {
        case(format!("argmax over {over:?}"))
            .fixed("A", size.matrix(), Domain::Distinct)
            .records(if over == Over::Rows { "argmax_rows" } else { "argmax_columns" }, move |_, x| {
                x[0].argmax_over(over)
            })
            .gives(shape, move |x| reference::reduce(&x[0], over, place))
            .with_m_from(least)
    };
    let mut cases = Vec::new();
    if size.n > 0 {
        cases.push(of(Over::Rows, 0, size.row()));
    }
    if size.m > 0 {
        cases.push(of(Over::Columns, 1, size.column()));
    }
    cases
}

pub(super) fn row<T: Scalar>(kind: OperationKind) -> Row<T> {
    match kind {
        OperationKind::RowsAt => Row::new(&SMALL_SIZES, move |size| rows_row(kind, size)).rejects(vec![
            bad("rows_at[2, 0]: there is no row 2: A is 2×m, at {place}", |tape| {
                batch(tape, "A", 2).rows_at(&[2, 0])
            }),
            bad("rows_at: there is no row 4294967295: A is 2×m, at {place}", |tape| {
                batch(tape, "A", 2).rows_at(&[0, u32::MAX as usize])
            }),
            bad("rows_at[0]: m rows have no fixed numbers: Aᵀ is m×2, at {place}", |tape| {
                batch(tape, "A", 2).t().rows_at(&[0])
            }),
        ]),
        OperationKind::RowsAdded => Row::new(&SMALL_SIZES, move |size| rows_row(kind, size)),
        OperationKind::Gather => Row::new(&SMALL_SIZES, move |size| gather_row(kind, size)).rejects(vec![
            bad(
                "gather: takes k×m indices and a table of a fixed number of columns: I is 1×m, X is 2×m, at {place}",
                |tape| batch(tape, "X", 2).gather(batch(tape, "I", 1)),
            ),
            bad(
                "indices: I has 5 indices, and takes 3 for each example, at {place}",
                |tape| tape.indices("I", 3, &[0; 5]),
            ),
        ]),
        OperationKind::ColumnsAdded => Row::new(&SMALL_SIZES, move |size| gather_row(kind, size)),
        OperationKind::ArgMax => Row::new(&SIZES, places_row).rejects(vec![
            bad("argmax_rows: nothing has no maximum: A is 0×m, at {place}", |tape| {
                batch(tape, "A", 0).argmax_over(Over::Rows)
            }),
            bad(
                "argmax: the place in a matrix is two numbers: take it over rows or columns: A is 2×2, at {place}",
                |tape| zeros(tape, "A", 2, 2).argmax_over(Over::All),
            ),
        ]),
        OperationKind::CumulativeSum => Row::new(&SIZES, |size| {
            vec![
                case("sums of all above")
                    .input("A", size.matrix(), REAL)
                    .records("cumulative_sum", |_, x| x[0].cumulative_sum().sin())
                    .gives(size.matrix(), |x| {
                        let sum = |i: usize, j: usize| (0..=i).map(|k| x[0][(k, j)]).sum::<f64>().sin();
                        Matrix::from_fn(x[0].rows(), x[0].columns(), sum)
                    }),
            ]
        }),
        OperationKind::Identity => Row::new(&SMALL_SIZES, |size| {
            let mut cases = vec![
                case("(I·A)²")
                    .input("A", size.matrix(), REAL)
                    .records("identity", move |tape, x| tape.identity(size.n).matmul(x[0]).square())
                    .gives(size.matrix(), |x| x[0].map(|a| a * a)),
                case("diag(a)")
                    .input("a", size.column(), REAL)
                    .records("identity", |_, x| x[0].diag().sin())
                    .gives(Shape::new(size.n, size.n), |x| {
                        Matrix::from_fn(x[0].rows(), x[0].rows(), |i, j| if i == j { x[0][(i, 0)].sin() } else { 0.0 })
                    }),
                case("the diagonal")
                    .input("A", Shape::new(size.n, size.n), REAL)
                    .records("identity", |_, x| x[0].diagonal())
                    .gives(size.column(), |x| Matrix::from_fn(x[0].rows(), 1, |i, _| x[0][(i, i)])),
            ];
            if size.columns == Dim::M {
                cases.push(
                    case("the trace of AᵀA, of the examples")
                        .input("A", size.matrix(), REAL)
                        .records("identity", |_, x| x[0].t().matmul(x[0]).trace())
                        .gives(Shape::SCALAR, |x| {
                            Matrix::scalar(x[0].as_slice().iter().map(|a| a * a).sum())
                        }),
                );
            }
            cases
        })
        .rejects(vec![
            bad("diag: A is 1×3, and no column, at {place}", |tape| zeros(tape, "A", 1, 3).diag()),
            bad("diagonal: A is 3×1, and not square, at {place}", |tape| zeros(tape, "A", 3, 1).diagonal()),
            bad("trace: A is 2×m, and not square, at {place}", |tape| batch(tape, "A", 2).trace()),
        ]),
        _ => Row::new(&SIZES, |size| {
            vec![
                // Only one of the two factors is differentiated.
                case("B ⊙ stop_gradient(A)")
                    .fixed("A", size.matrix(), REAL)
                    .input("B", size.matrix(), REAL)
                    .records("stop_gradient", |_, x| x[1].sin() * x[0].stop_gradient())
                    .gives(size.matrix(), |x| reference::zip(&x[0], &x[1], |a, b| a * b.sin()))
                    .with_special_values(),
            ]
        }),
    }
}
