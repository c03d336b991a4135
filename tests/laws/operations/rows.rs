//! A row for each kind of operation.

use tape::{Dim, Matrix, OperationKind, Over, Scalar, Shape, Tape, Var};

use super::own::own_row;
use super::reductions::softmax_cases;
use super::{REAL, Row, SIZES, SMALL_SIZES, Size, bad, batch, zeros};
use crate::support::laws::{Case, Domain, case};
use crate::support::reference;

pub(super) fn row<T: Scalar>(kind: OperationKind) -> Row<T> {
    match kind {
        OperationKind::Leaf => Row::new(&SIZES, |size| {
            vec![
                // A leaf is its own value, and its derivative the cotangent.
                case("A")
                    .input("A", size.matrix(), REAL)
                    .records_no_step(|_, x| x[0])
                    .gives(size.matrix(), |x| x[0].clone()),
            ]
        })
        .rejects(vec![bad("examples: X holds 2 examples (columns), Y holds 3, at {place}", |tape| {
            let _ = tape.examples("X", &Matrix::zeros(1, 2));
            tape.examples("Y", &Matrix::zeros(1, 3))
        })]),

        OperationKind::Number => Row::new(&SIZES, |size| {
            let with = move |what: &str, operation: &'static str, f: fn(Var<'_, T>) -> Var<'_, T>, g: fn(f64) -> f64| {
                case(what)
                    .input("A", size.matrix(), REAL)
                    .records(operation, move |_, x| f(x[0]))
                    .gives(size.matrix(), move |x| x[0].map(g))
                    .with_special_values()
            };
            let mut cases = vec![
                with("2.5 + A", "add", |a| a.tape().scalar(T::from_f64(2.5)) + a, |a| 2.5 + a),
                with("2.5·A", "multiply", |a| a * T::from_f64(2.5), |a| 2.5 * a),
                with("1·A", "multiply", |a| a * T::ONE, |a| a),
                with("A/4", "divide", |a| a / T::from_f64(4.0), |a| a / 4.0),
                with("A/49", "divide", |a| a / T::from_f64(49.0), |a| a / 49.0),
                with("−(3·A)", "negate", |a| -(a * T::from_f64(3.0)), |a| -3.0 * a),
                with(
                    "2·(3·A)",
                    "multiply",
                    |a| T::from_f64(2.0).into_var(a) * (a * T::from_f64(3.0)),
                    |a| 6.0 * a,
                ),
            ];
            if size.columns == Dim::M {
                let with_m = |what: &str, record: fn(Var<'_, T>) -> Var<'_, T>, factor: fn(f64) -> f64| {
                    case(what)
                        .input("A", size.matrix(), REAL)
                        .records("multiply", move |_, x| record(x[0]))
                        .gives(size.matrix(), move |x| x[0].map(|a| factor(x[0].columns() as f64) * a))
                        .with_m_from(1)
                };
                cases.push(with_m("A/m", |a| a * a.tape().one_over_m(), |m| 1.0 / m));
                cases.push(with_m(
                    "A/m²·3",
                    |a| a * a.tape().one_over_m() * T::from_f64(3.0) * a.tape().one_over_m(),
                    |m| 3.0 / (m * m),
                ));
            }
            cases.push(case("2 + 0.5").records("add", |tape, _| tape.scalar(T::from_f64(2.0)) + T::from_f64(0.5)).gives(
                Shape::SCALAR,
                |_| Matrix::scalar(2.5),
            ));
            cases
        })
        .rejects(vec![bad("add: b belongs to another tape, at {place}", |tape| {
            let other = Box::leak(Box::new(Tape::new())); // lives as long as the mistake is looked at
            tape.scalar(T::ONE) + other.parameter("b", &Matrix::zeros(1, 1))
        })]),

        OperationKind::Negate => Row::new(&SIZES, |size| {
            vec![
                case("−A")
                    .input("A", size.matrix(), REAL)
                    .records("negate", |_, x| -x[0])
                    .gives(size.matrix(), |x| x[0].map(|a| -a))
                    .with_special_values(),
            ]
        }),

        OperationKind::Transpose => Row::new(&SIZES, |size| {
            vec![
                case("Aᵀ")
                    .input("A", size.matrix(), REAL)
                    .records("transpose", |_, x| x[0].t().tanh())
                    .gives(size.matrix().transposed(), |x| reference::transposed(&x[0]).map(f64::tanh))
                    .with_special_values(),
                case("Aᵀ ⊙ B")
                    .input("A", size.matrix(), REAL)
                    .input("B", size.matrix().transposed(), REAL)
                    .records("transpose", |_, x| (x[0] * T::from_f64(3.0)).t() * x[1])
                    .gives(size.matrix().transposed(), |x| {
                        reference::zip(&reference::transposed(&x[0]), &x[1], |a, b| 3.0 * a * b)
                    }),
            ]
        }),

        OperationKind::Matmul => Row::new(&SIZES, products).rejects(vec![
            bad("matmul: inner dimensions differ: W is 3×4, A is 5×2, at {place}", |tape| {
                zeros(tape, "W", 3, 4).matmul(zeros(tape, "A", 5, 2))
            }),
            bad(
                "matmul: inner dimensions differ: W[2] is 3×4, X is 30×m (did you mean its transpose? examples are columns), at {place}",
                |tape| zeros(tape, "W[2]", 3, 4).matmul(batch(tape, "X", 30)),
            ),
            bad(
                "matmul: inner dimensions differ: W is 4×3, A is 4×2 (did you mean a transpose?), at {place}",
                |tape| zeros(tape, "W", 4, 3).matmul(zeros(tape, "A", 4, 2)),
            ),
            bad(
                "matmul: inner dimensions differ: Wᵀ is 4×3, A is 5×2, at {place}",
                |tape| zeros(tape, "W", 3, 4).t().matmul(zeros(tape, "A", 5, 2)),
            ),
            bad(
                "matmul: inner dimensions differ: W is 3×4, Aᵀ is 5×2, at {place}",
                |tape| zeros(tape, "W", 3, 4).matmul(zeros(tape, "A", 2, 5).t()),
            ),
            bad(
                "matmul: inner dimensions differ: Wᵀ is 4×3, Aᵀ is 5×2, at {place}",
                |tape| zeros(tape, "W", 3, 4).t().matmul(zeros(tape, "A", 2, 5).t()),
            ),
        ]),

        // Of every function: see `function_row`.
        OperationKind::Map => Row::new(&[(2, 3)], |size| {
            vec![
                case("tanh(A)")
                    .input("A", size.matrix(), REAL)
                    .records("tanh", |_, x| x[0].tanh())
                    .gives(size.matrix(), |x| x[0].map(f64::tanh)),
            ]
        }),

        // Of every one of them: see `zip_row`.
        OperationKind::Zip => Row::new(&[(2, 3)], |size| {
            vec![
                case("A − b")
                    .input("A", size.matrix(), REAL)
                    .input("b", size.column(), REAL)
                    .records("subtract", |_, x| x[0] - x[1])
                    .gives(size.matrix(), |x| reference::zip(&x[0], &x[1], |a, b| a - b)),
            ]
        }),

        OperationKind::PowerDerivative => Row::new(&SIZES, |size| {
            let base = Domain::Between(0.5, 2.0);
            let by_base = |x: &[Matrix<f64>]| reference::zip(&x[0], &x[1], |a, b| b * a.powf(b - 1.0));
            let by_exponent = |x: &[Matrix<f64>]| reference::zip(&x[0], &x[1], |a, b| a.powf(b) * a.ln());
            vec![
                case("∂aᵇ/∂a = b·a^(b−1)")
                    .input("a", size.matrix(), base)
                    .input("b", size.matrix(), REAL)
                    .records("power_a", |_, x| x[0].pow(x[1]).sum().gradients([x[0]])[0])
                    .gives(size.matrix(), by_base),
                case("∂aᵇ/∂b = aᵇ·ln a")
                    .input("a", size.matrix(), base)
                    .input("b", size.matrix(), REAL)
                    .records("power_b", |_, x| x[0].pow(x[1]).sum().gradients([x[1]])[0])
                    .gives(size.matrix(), by_exponent),
            ]
        }),

        OperationKind::Select => Row::new(&SMALL_SIZES, |size| {
            let mut cases = Vec::new();
            for mask in size.repeating() {
                for a in size.repeating() {
                    for b in size.repeating() {
                        let result = mask.broadcast(a).and_then(|s| s.broadcast(b)).expect("shapes that repeat");
                        cases.push(
                            case("mask ? A : B")
                                .fixed("mask", mask, Domain::Mask)
                                .input("A", a, REAL)
                                .input("B", b, REAL)
                                .records("select", |_, x| x[0].select(x[1], x[2]))
                                .gives(result, move |x| select(&x[0], &x[1], &x[2]))
                                .with_special_values(),
                        );
                    }
                }
            }
            // The mask has derivative 0, and chosen numbers take no variable.
            cases.push(
                case("A ? A : 2")
                    .input("A", size.matrix(), Domain::Avoiding(-2.0, 2.0, &[0.0]))
                    .records("select", |_, x| x[0].select(x[0], T::from_f64(2.0)))
                    .gives(size.matrix(), |x| x[0].map(|a| if a == 0.0 { 2.0 } else { a }))
                    .with_special_values(),
            );
            cases
        })
        .rejects(vec![
            bad(
                "select: mask and choices do not go together elementwise: mask is 2×3, A is 2×4, B is 1×1, at {place}",
                |tape| zeros(tape, "mask", 2, 3).select(zeros(tape, "A", 2, 4), zeros(tape, "B", 1, 1)),
            ),
            bad(
                "select: mask and choices do not go together elementwise: mask is 1×1, A is 2×m, B is 3×m, at {place}",
                |tape| zeros(tape, "mask", 1, 1).select(batch(tape, "A", 2), batch(tape, "B", 3)),
            ),
        ]),

        // Of every reduction: see `reduction_row`.
        OperationKind::Reduce => Row::new(&[(2, 3)], |size| {
            vec![
                case("Σ A over the columns")
                    .input("A", size.matrix(), REAL)
                    .records("sum_columns", |_, x| x[0].sum_over(Over::Columns))
                    .gives(size.column(), |x| reference::reduce(&x[0], Over::Columns, |x| x.iter().sum())),
            ]
        }),

        OperationKind::Broadcast => Row::new(&SIZES, |size| {
            let result = size.matrix();
            let repeating = size.repeating().into_iter().filter(|&shape| shape != result);
            repeating
                .map(|shape| {
                    case("A repeated")
                        .input("A", shape, REAL)
                        // Two inputs: the second one tells how many examples there are.
                        .input("B", result, REAL)
                        .records("repeat", move |_, x| x[0].broadcast_to(result) * x[1])
                        .gives(result, |x| reference::zip(&x[0], &x[1], |a, b| a * b))
                        .with_special_values()
                })
                .collect()
        })
        .rejects(vec![
            bad("repeat: cannot be repeated to 4×5: A is 4×3, at {place}", |tape| {
                zeros(tape, "A", 4, 3).broadcast_to(Shape::new(4, 5))
            }),
            bad("repeat: cannot be repeated to 1×3: A is 4×3, at {place}", |tape| {
                zeros(tape, "A", 4, 3).broadcast_to(Shape::new(1, 3))
            }),
        ]),

        OperationKind::LogLoss => Row::new(&SIZES, |size| {
            let losses = |what: &str| {
                case(what)
                    .input("A", size.matrix(), Domain::Between(0.2, 0.8))
                    .input("Y", size.matrix(), Domain::Between(0.2, 0.8))
                    .records("log_loss", |_, x| x[0].log_loss(x[1]))
            };
            let summed = |x: &[Matrix<f64>]| {
                let losses = reference::zip(&x[1], &x[0], reference::log_loss);
                reference::reduce(&losses, Over::Rows, |x| x.iter().sum())
            };
            vec![
                losses("ℒ(A, Y)").gives(size.row(), summed),
                // Hard labels take no derivative.
                case("ℒ(A, Y), Y 0 or 1")
                    .input("A", size.matrix(), Domain::Between(0.2, 0.8))
                    .fixed("Y", size.matrix(), Domain::Mask)
                    .records("log_loss", |_, x| x[0].log_loss(x[1]))
                    .gives(size.row(), summed),
            ]
        })
        .rejects(vec![bad(
            "log_loss: labels and predictions differ in shape: Y is 1×m, A is 2×m, at {place}",
            |tape| batch(tape, "A", 2).log_loss(batch(tape, "Y", 1)),
        )]),

        OperationKind::LogLossOnLogits => Row::new(&SIZES, |size| {
            let summed = |x: &[Matrix<f64>]| {
                let losses = reference::zip(&x[1], &x[0], |y, z| {
                    (1.0 - y) * reference::softplus(z) + y * reference::softplus(-z)
                });
                reference::reduce(&losses, Over::Rows, |x| x.iter().sum())
            };
            vec![
                case("ℒ(σ(Z), Y)")
                    .input("Z", size.matrix(), Domain::Between(-4.0, 4.0))
                    .input("Y", size.matrix(), Domain::Between(0.1, 0.9))
                    .records("log_loss_on_logits", |_, x| x[0].log_loss_on_logits(x[1]))
                    .gives(size.row(), summed),
                case("ℒ(σ(Z), Y), Y 0 or 1")
                    .input("Z", size.matrix(), Domain::Between(-4.0, 4.0))
                    .fixed("Y", size.matrix(), Domain::Mask)
                    .records("log_loss_on_logits", |_, x| x[0].log_loss_on_logits(x[1]))
                    .gives(size.row(), summed),
            ]
        })
        .rejects(vec![bad(
            "log_loss_on_logits: labels and predictions differ in shape: Y is 1×m, Z is 2×m, at {place}",
            |tape| batch(tape, "Z", 2).log_loss_on_logits(batch(tape, "Y", 1)),
        )]),

        OperationKind::SigmoidMinus => Row::new(&SIZES, |size| {
            let errors = |x: &[Matrix<f64>]| {
                reference::zip(&x[1], &x[0], |y, z| (1.0 - y) / (1.0 + (-z).exp()) - y / (1.0 + z.exp()))
            };
            vec![
                case("σ(Z) − Y")
                    .input("Z", size.matrix(), Domain::Between(-4.0, 4.0))
                    .input("Y", size.matrix(), Domain::Between(0.1, 0.9))
                    .records("sigmoid_minus", |_, x| x[0].sigmoid_minus(x[1]))
                    .gives(size.matrix(), errors),
            ]
        })
        .rejects(vec![bad(
            "sigmoid_minus: labels and predictions differ in shape: Y is 1×m, Z is 2×m, at {place}",
            |tape| batch(tape, "Z", 2).sigmoid_minus(batch(tape, "Y", 1)),
        )]),

        OperationKind::Softmax => Row::new(&SIZES, softmax_cases).rejects(vec![
            bad(
                "softmax_cross_entropy: labels and logits differ in shape: Y is 3×m, Z is 2×m, at {place}",
                |tape| batch(tape, "Z", 2).softmax_cross_entropy(batch(tape, "Y", 3)),
            ),
            bad("softmax_minus: labels and logits differ in shape: y is 3×4, Z is 3×5, at {place}", |tape| {
                zeros(tape, "Z", 3, 5).softmax_minus(zeros(tape, "y", 3, 4))
            }),
        ]),

        OperationKind::Stack => Row::new(&SIZES, |size| {
            let mut cases = vec![
                case("A above b above A")
                    .input("A", size.matrix(), REAL)
                    .input("b", size.row(), REAL)
                    .records("stack_rows", |tape, x| tape.stack_rows(&[x[0], x[1], x[0]]))
                    .gives(Shape::new(2 * size.n + 1, size.columns), |x| {
                        Matrix::from_fn(2 * x[0].rows() + 1, x[0].columns(), |i, j| match x[0].rows() {
                            n if i < n => x[0][(i, j)],
                            n if i == n => x[1][(0, j)],
                            n => x[0][(i - n - 1, j)],
                        })
                    })
                    .with_special_values(),
            ];
            if size.columns != Dim::M {
                cases.push(
                    case("A, b, A side by side")
                        .input("A", size.matrix(), REAL)
                        .input("b", size.column(), REAL)
                        .records("stack_columns", |tape, x| tape.stack_columns(&[x[0], x[1], x[0]]))
                        .gives(Shape::new(size.n, 2 * size.m + 1), |x| {
                            Matrix::from_fn(x[0].rows(), 2 * x[0].columns() + 1, |i, j| match x[0].columns() {
                                m if j < m => x[0][(i, j)],
                                m if j == m => x[1][(i, 0)],
                                m => x[0][(i, j - m - 1)],
                            })
                        })
                        .with_special_values(),
                );
            }
            cases
        })
        .rejects(vec![
            bad("stack_rows: nothing to stack, at {place}", |tape| tape.stack_rows(&[])),
            bad("stack_rows: the other extents differ: A is 2×3, B is 2×4, at {place}", |tape| {
                tape.stack_rows(&[zeros(tape, "A", 2, 3), zeros(tape, "B", 2, 4)])
            }),
            bad("stack_columns: an extent that is m cannot be stacked: X is 2×m, Y is 2×m, at {place}", |tape| {
                tape.stack_columns(&[batch(tape, "X", 2), batch(tape, "Y", 2)])
            }),
        ]),

        OperationKind::Slice => Row::new(&SIZES, |size| {
            let (from, to) = (size.n / 3, size.n - size.n / 4);
            let mut cases = Vec::new();
            if (from, to) != (0, size.n) {
                let name: &'static str = format!("rows[{from}..{to}]").leak();
                cases.push(
                    case(name)
                        .input("A", size.matrix(), REAL)
                        .records(name, move |_, x| (x[0] * T::from_f64(2.0)).rows(from..to))
                        .gives(Shape::new(to - from, size.columns), move |x| {
                            Matrix::from_fn(to - from, x[0].columns(), |i, j| 2.0 * x[0][(from + i, j)])
                        })
                        .with_special_values(),
                );
            }
            let (from, to) = (size.m / 3, size.m - size.m / 4);
            if (from, to) != (0, size.m) || size.columns == Dim::M {
                let name: &'static str = format!("columns[{from}..{to}]").leak();
                cases.push(
                    case(name)
                        .input("A", size.matrix(), REAL)
                        .records(name, move |_, x| x[0].columns(from..to))
                        .gives(Shape::new(size.n, to - from), move |x| {
                            Matrix::from_fn(x[0].rows(), to - from, |i, j| x[0][(i, from + j)])
                        })
                        .with_special_values()
                        .with_m_from(to),
                );
            }
            cases
        })
        .rejects(vec![
            bad("rows[1..4]: the range is not inside: A is 3×2, at {place}", |tape| {
                zeros(tape, "A", 3, 2).rows(1..4)
            }),
            bad("columns[0..3]: the range is not inside: A is 3×2, at {place}", |tape| {
                zeros(tape, "A", 3, 2).columns(0..3)
            }),
            #[allow(clippy::reversed_empty_ranges)]
            bad("columns[2..1]: the range is not inside: X is 3×m, at {place}", |tape| {
                batch(tape, "X", 3).columns(2..1)
            }),
        ]),

        // The derivative of a slice; there is no other way to record it.
        OperationKind::Pad => Row::new(&SIZES, |size| {
            let n = size.n;
            let mut cases = vec![];
            let name: &'static str = format!("pad_rows[1 of {}]", n + 3).leak();
            cases.push(
                case(name)
                    .fixed("A", Shape::new(n + 3, size.columns), REAL)
                    .input("U", size.matrix(), REAL)
                    .records(name, move |_, x| x[0].rows(1..n + 1).vjp([x[0]], x[1])[0])
                    .gives(Shape::new(n + 3, size.columns), |x| {
                        let u = &x[1];
                        let inside = |i: usize| i >= 1 && i < u.rows() + 1;
                        Matrix::from_fn(u.rows() + 3, u.columns(), |i, j| if inside(i) { u[(i - 1, j)] } else { 0.0 })
                    })
                    .with_special_values(),
            );
            let m = size.m;
            if size.columns != Dim::M {
                let name: &'static str = format!("pad_columns[2 of {}]", m + 3).leak();
                cases.push(
                    case(name)
                        .fixed("A", Shape::new(n, m + 3), REAL)
                        .input("U", size.matrix(), REAL)
                        .records(name, move |_, x| x[0].columns(2..m + 2).vjp([x[0]], x[1])[0])
                        .gives(Shape::new(n, m + 3), |x| {
                            let u = &x[1];
                            let inside = |j: usize| j >= 2 && j < u.columns() + 2;
                            Matrix::from_fn(u.rows(), u.columns() + 3, |i, j| {
                                if inside(j) { u[(i, j - 2)] } else { 0.0 }
                            })
                        })
                        .with_special_values(),
                );
            } else {
                let k = m.min(2);
                let name = "pad_columns[0 of m]";
                cases.push(
                    case(name)
                        .fixed("A", size.matrix(), REAL)
                        .input("U", Shape::new(n, k), REAL)
                        .records(name, move |_, x| x[0].columns(0..k).vjp([x[0]], x[1])[0])
                        .gives(size.matrix(), |x| {
                            let u = &x[1];
                            Matrix::from_fn(u.rows(), x[0].columns(), |i, j| {
                                if j < u.columns() { u[(i, j)] } else { 0.0 }
                            })
                        })
                        .with_m_from(k),
                );
            }
            cases
        }),

        OperationKind::RowsAt
        | OperationKind::RowsAdded
        | OperationKind::Gather
        | OperationKind::ColumnsAdded
        | OperationKind::ArgMax
        | OperationKind::CumulativeSum
        | OperationKind::Identity
        | OperationKind::Stop => super::indices::row(kind),

        OperationKind::Cholesky
        | OperationKind::LowerTriangle
        | OperationKind::SolveLower
        | OperationKind::Lu
        | OperationKind::Solve
        | OperationKind::LogDet => super::linear_algebra::row(kind),

        OperationKind::Fold | OperationKind::BlockMatmul | OperationKind::BlockTranspose => {
            super::blocks::row(kind)
        }

        OperationKind::Custom => own_row(),
    }
}

/// A number as a variable, where a number stands on the left.
trait IntoVar<T: Scalar> {
    fn into_var<'t>(self, of: Var<'t, T>) -> Var<'t, T>;
}

impl<T: Scalar> IntoVar<T> for T {
    fn into_var<'t>(self, of: Var<'t, T>) -> Var<'t, T> {
        of.tape().scalar(self)
    }
}

fn select(mask: &Matrix<f64>, a: &Matrix<f64>, b: &Matrix<f64>) -> Matrix<f64> {
    // The shape of all three together.
    let both = reference::zip(a, b, |_, _| 0.0);
    let shape = reference::zip(mask, &both, |_, _| 0.0);
    Matrix::from_fn(shape.rows(), shape.columns(), |i, j| {
        reference::at(if reference::at(mask, i, j) == 0.0 { b } else { a }, i, j)
    })
}

/// A * B in the four orientations, each with the extents that a size gives.
fn products<T: Scalar>(size: Size) -> Vec<Case<T>> {
    let k = (size.n + size.m).min(70) / 2 + 1;
    let oriented =
        |a: &Matrix<f64>, transpose: bool| if transpose { reference::transposed(a) } else { a.clone() };
    let mut cases = Vec::new();
    for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
        let t = if left { "ᵀ" } else { "" };
        let s = if right { "ᵀ" } else { "" };
        // k × n times n × m, so that the examples are columns of the result; n may be 0.
        let a = Shape::new(k, size.n);
        let b = size.matrix();
        let flip = |shape: Shape, flip: bool| if flip { shape.transposed() } else { shape };
        cases.push(
            case(format!("A{t} * B{s}"))
                .input("A", flip(a, left), REAL)
                .input("B", flip(b, right), REAL)
                .records("matmul", move |_, x| product(x[0], left, x[1], right))
                .gives(Shape::new(k, size.columns), move |x| {
                    reference::product(&oriented(&x[0], left), &oriented(&x[1], right))
                }),
        );
        // n × m times m × k: the examples are summed over, as in ∂J/∂W.
        let b = Shape::new(size.columns, k);
        cases.push(
            case(format!("B{t} * A{s}"))
                .input("B", flip(size.matrix(), left), REAL)
                .input("A", flip(b, right), REAL)
                .records("matmul", move |_, x| product(x[0], left, x[1], right))
                .gives(Shape::new(size.n, k), move |x| {
                    reference::product(&oriented(&x[0], left), &oriented(&x[1], right))
                }),
        );
    }
    // The same variable on both sides, with scalar factors, that move to the front.
    cases.push(
        case("(2·A) * (3·A)ᵀ")
            .input("A", size.matrix(), REAL)
            .records("matmul", |_, x| (x[0] * T::from_f64(2.0)).matmul((x[0] * T::from_f64(3.0)).t()))
            .gives(Shape::new(size.n, size.n), |x| {
                reference::product(&x[0], &reference::transposed(&x[0])).map(|a| 6.0 * a)
            }),
    );
    cases.push(
        case("(A * B)ᵀ")
            .input("A", Shape::new(k, size.n), REAL)
            .input("B", size.matrix(), REAL)
            .records("matmul", |_, x| x[0].matmul(x[1]).t())
            .gives(Shape::new(size.columns, k), |x| reference::transposed(&reference::product(&x[0], &x[1]))),
    );
    cases
}

fn product<'t, T: Scalar>(a: Var<'t, T>, left: bool, b: Var<'t, T>, right: bool) -> Var<'t, T> {
    (if left { a.t() } else { a }).matmul(if right { b.t() } else { b })
}
