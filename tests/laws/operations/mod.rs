//! The table of the operations: one row for each, and the laws that each keeps.
//!
//! The rows are the arms of matches without a default, so that a new operation does not compile without its row. What is
//! checked of a row is in `support/laws.rs`.

use std::borrow::Cow;

use tape::{
    Dim, Fault, Function, FunctionKind, Matrix, MatrixMut, Mismatch, Operands, Operation, OperationKind,
    Over, Reduction, Scalar, Shape, Tape, Var, Vjp, Zip,
};

use crate::support::laws::{Case, Domain, Worst, case, check};
use crate::support::message::assert_message;
use crate::support::random::Random;
use crate::support::reference;

/// A shape that the cases of a row are made for: n × m, with m a number or the number of examples.
#[derive(Debug, Clone, Copy)]
struct Size {
    n: usize,
    m: usize,
    columns: Dim,
}

impl Size {
    fn matrix(self) -> Shape {
        Shape::new(self.n, self.columns)
    }
    fn column(self) -> Shape {
        Shape::new(self.n, 1)
    }
    fn row(self) -> Shape {
        Shape::new(1, self.columns)
    }
    /// The four shapes that repeat to n × m.
    fn repeating(self) -> [Shape; 4] {
        [self.matrix(), self.column(), self.row(), Shape::SCALAR]
    }
}

/// 0, 1, odd numbers, the lengths around the widths that kernels are unrolled by, and more than a block and a tile of a
/// program hold.
const SIZES: [(usize, usize); 19] = [
    (0, 0),
    (0, 3),
    (3, 0),
    (1, 1),
    (2, 3),
    (1, 17),
    (7, 1),
    (2, 9),
    (9, 8),
    (8, 7),
    (15, 16),
    (16, 15),
    (17, 1),
    (63, 3),
    (3, 64),
    (65, 2),
    (2, 65),
    (65, 40),
    (3, 600),
];

/// Where a row's cases are as many as their sizes are small.
const SMALL_SIZES: [(usize, usize); 6] = [(0, 2), (2, 0), (1, 1), (2, 3), (9, 8), (3, 17)];

fn sizes(of: &[(usize, usize)]) -> impl Iterator<Item = Size> + '_ {
    of.iter().flat_map(|&(n, m)| [Dim::Fixed(m), Dim::M].map(|columns| Size { n, m, columns }))
}

type BadRecord<T> = Box<dyn for<'t> Fn(&'t Tape<T>) -> Var<'t, T>>;

/// Recording that has to fail, and the message.
struct Bad<T: Scalar> {
    record: BadRecord<T>,
    message: &'static str,
}

fn bad<T: Scalar>(
    message: &'static str,
    record: impl for<'t> Fn(&'t Tape<T>) -> Var<'t, T> + 'static,
) -> Bad<T> {
    Bad { record: Box::new(record), message }
}

fn zeros<'t, T: Scalar>(tape: &'t Tape<T>, name: &str, rows: usize, columns: usize) -> Var<'t, T> {
    tape.parameter(name, &Matrix::zeros(rows, columns))
}

fn batch<'t, T: Scalar>(tape: &'t Tape<T>, name: &str, rows: usize) -> Var<'t, T> {
    tape.examples_unbound(name, rows)
}

/// One row of the table.
struct Row<T: Scalar> {
    sizes: &'static [(usize, usize)],
    cases: Box<dyn Fn(Size) -> Vec<Case<T>>>,
    /// What cannot be recorded, with the error's text. Empty where every operand will do.
    bad: Vec<Bad<T>>,
}

impl<T: Scalar> Row<T> {
    fn new(sizes: &'static [(usize, usize)], cases: impl Fn(Size) -> Vec<Case<T>> + 'static) -> Self {
        Row { sizes, cases: Box::new(cases), bad: Vec::new() }
    }

    fn rejects(mut self, bad: Vec<Bad<T>>) -> Self {
        self.bad = bad;
        self
    }

    fn check(&self, random: &mut Random) -> Worst {
        let mut worst = Worst::default();
        for size in sizes(self.sizes) {
            for case in (self.cases)(size) {
                worst = worst.and(check(&case, size.m, random));
            }
        }
        assert!(worst.cases > 0, "a row without cases");
        for Bad { record, message } in &self.bad {
            let tape = Tape::new();
            let recorded = record(&tape);
            let Err(mistake) = recorded.sound() else { panic!("recorded without the mistake {message:?}") };
            assert_message(&mistake, message);
            // The tape, and whatever depends on it, tell the same.
            assert_eq!(tape.check().unwrap_err(), mistake);
            assert_eq!((recorded + T::ONE).tanh().value().unwrap_err(), mistake);
        }
        worst
    }
}

const REAL: Domain = Domain::Between(-2.0, 2.0);

// ---- Operations -----------------------------------------------------------------------------------------------

fn row<T: Scalar>(kind: OperationKind) -> Row<T> {
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
                "select: mask and choices do not go together entry by entry: mask is 2×3, A is 2×4, B is 1×1, at {place}",
                |tape| zeros(tape, "mask", 2, 3).select(zeros(tape, "A", 2, 4), zeros(tape, "B", 1, 1)),
            ),
            bad(
                "select: mask and choices do not go together entry by entry: mask is 1×1, A is 2×m, B is 3×m, at {place}",
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

        OperationKind::Custom => Row::new(&SMALL_SIZES, |size| {
            vec![
                case("weighted product of one's own")
                    .input("A", size.matrix(), REAL)
                    .input("B", size.matrix(), REAL)
                    .records("weighted", |tape, x| tape.apply(Weighted { weight: 3 }, [x[0], x[1]]))
                    .gives(size.matrix(), |x| reference::zip(&x[0], &x[1], |a, b| 3.0 * a * a * b)),
            ]
        })
        .rejects(vec![
            bad("weighted: takes two matrices of one shape: A is 2×3, B is 3×2, at {place}", |tape| {
                let (a, b) = (zeros(tape, "A", 2, 3), zeros(tape, "B", 3, 2));
                tape.apply(Weighted { weight: 3 }, [a, b])
            }),
            bad("gradients: silent gives no derivative with respect to its operand 0, needed at {place}", |tape| {
                let a = zeros(tape, "A", 2, 3);
                let [da] = tape.apply(Silent, [a]).sum().gradients([a]);
                da
            }),
            bad("talkative: its vjp gives 1×2 for operand 0, A is 2×3, at {place}", |tape| {
                let a = zeros(tape, "A", 2, 3);
                let [da] = tape.apply(Talkative, [a]).sum().gradients([a]);
                da
            }),
        ]),
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

/// weight · a² · b, entry by entry.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Weighted {
    weight: u32,
}

impl<T: Scalar> Operation<T> for Weighted {
    fn name(&self) -> Cow<'_, str> {
        "weighted".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a == b => Ok(*a),
            _ => Err(Mismatch::new("takes two matrices of one shape")),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let weight = T::from_usize(self.weight as usize);
        let pairs = x.get(0).as_slice().iter().zip(x.get(1).as_slice());
        for (out, (&a, &b)) in out.as_mut_slice().iter_mut().zip(pairs) {
            *out = weight * a * a * b;
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        let weight = T::from_usize(self.weight as usize);
        at.contribute(0, |g| g * a * b * (weight + weight));
        at.contribute(1, |g| g * a.square() * weight);
    }
}

/// Forgets its derivative.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Silent;

impl<T: Scalar> Operation<T> for Silent {
    fn name(&self) -> Cow<'_, str> {
        "silent".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {}
}

/// Gives a derivative of another shape than its operand's.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Talkative;

impl<T: Scalar> Operation<T> for Talkative {
    fn name(&self) -> Cow<'_, str> {
        "talkative".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Silent.shape_of(operands)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        Silent.eval(x, out)
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.tape().constant("wrong", &Matrix::zeros(1, 2)));
    }
}

impl Silent {
    fn shape_of(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
}

// ---- Entrywise operations of two operands ---------------------------------------------------------------------

fn zip_row<T: Scalar>(kind: Zip) -> Row<T> {
    let entrywise = |name: &'static str,
                     [a, b]: [Domain; 2],
                     record: for<'t> fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
                     value: fn(f64, f64) -> f64| {
        Row::new(&SIZES, move |size| {
            let mut pairs = Vec::new();
            for left in size.repeating() {
                for right in size.repeating() {
                    pairs.push((left, right));
                }
            }
            pairs
                .into_iter()
                .map(|(left, right)| {
                    case(name)
                        .input("A", left, a)
                        .input("B", right, b)
                        .records(name, move |_, x| record(x[0], x[1]))
                        .gives(left.broadcast(right).expect("shapes that repeat"), move |x| {
                            reference::zip(&x[0], &x[1], value)
                        })
                        .with_special_values()
                })
                .collect()
        })
        .rejects(wrong_pairs(name, record))
    };
    match kind {
        Zip::Add => entrywise("add", [REAL, REAL], |a, b| a + b, |a, b| a + b),
        Zip::Subtract => entrywise("subtract", [REAL, REAL], |a, b| a - b, |a, b| a - b),
        Zip::Multiply => entrywise("multiply", [REAL, REAL], |a, b| a * b, |a, b| a * b),
        Zip::Divide => entrywise("divide", [REAL, Domain::Between(0.5, 2.0)], |a, b| a / b, |a, b| a / b),
        Zip::Power => entrywise("power", [Domain::Between(0.5, 2.0), REAL], |a, b| a.pow(b), f64::powf),
        Zip::Greater => entrywise(
            "greater",
            [Domain::Grid(0.0), Domain::Grid(0.125)],
            |a, b| a.greater(b),
            |a, b| relation(a, b, a > b),
        ),
        Zip::Equal => entrywise(
            "equal",
            [Domain::Grid(0.0), Domain::Grid(0.125)],
            |a, b| a.equal(b),
            |a, b| relation(a, b, a == b),
        ),
    }
}

/// 1 or 0, and NaN where an operand is.
fn relation(a: f64, b: f64, holds: bool) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { f64::from(u8::from(holds)) }
}

fn wrong_pairs<T: Scalar>(
    name: &'static str,
    record: for<'t> fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
) -> Vec<Bad<T>> {
    type Leaves<T> = fn(&Tape<T>) -> [Var<'_, T>; 2];
    let pairs: [(&str, Leaves<T>); 3] = [
        ("A is 2×3, B is 2×4", |tape| [zeros(tape, "A", 2, 3), zeros(tape, "B", 2, 4)]),
        ("A is 2×m, B is 3×m", |tape| [batch(tape, "A", 2), batch(tape, "B", 3)]),
        ("A is 2×m, B is 2×3", |tape| [batch(tape, "A", 2), zeros(tape, "B", 2, 3)]),
    ];
    pairs
        .into_iter()
        .map(|(shapes, leaves)| {
            let text = format!("{name}: shapes do not go together entry by entry: {shapes}, at {{place}}");
            bad(text.leak(), move |tape| {
                let [a, b] = leaves(tape);
                record(a, b)
            })
        })
        .collect()
}

// ---- Softmax --------------------------------------------------------------------------------------------------

/// `f` of every column, every row or all entries of several matrices, into a matrix of their shape.
fn together(x: &[&Matrix<f64>], over: Over, f: impl Fn(&[Vec<f64>]) -> Vec<f64>) -> Matrix<f64> {
    let (rows, columns) = x[0].shape();
    let series = |i: usize, j: usize| match over {
        Over::Rows => (j, i),
        Over::Columns => (i, j),
        Over::All => (0, i + j * rows),
    };
    let mut values = vec![Vec::new(); series(rows, columns).0.max(columns).max(rows)];
    for (of, value) in values.iter_mut().enumerate() {
        let part = |x: &Matrix<f64>| -> Vec<f64> {
            let places = (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j)));
            places.filter(|&(i, j)| series(i, j).0 == of).map(|at| x[at]).collect()
        };
        let parts: Vec<Vec<f64>> = x.iter().map(|x| part(x)).collect();
        if !parts[0].is_empty() {
            *value = f(&parts);
        }
    }
    Matrix::from_fn(rows, columns, |i, j| values[series(i, j).0][series(i, j).1])
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let greatest = reference::max(z);
    let total: f64 = z.iter().map(|z| (z - greatest).exp()).sum();
    z.iter().map(|z| (z - greatest).exp() / total).collect()
}

/// g − Σ s g.
fn centred(s: &[f64], g: &[f64]) -> Vec<f64> {
    let mean: f64 = s.iter().zip(g).map(|(s, g)| s * g).sum();
    g.iter().map(|g| g - mean).collect()
}

fn softmax_cases<T: Scalar>(size: Size) -> Vec<Case<T>> {
    let mut cases = Vec::new();
    let with_labels = |what: &str| case::<T>(what).input("Z", size.matrix(), Domain::Between(-4.0, 4.0));
    let loss = |x: &[Matrix<f64>]| {
        let terms = together(&[&x[0], &x[1]], Over::Rows, |x| {
            x[1].iter().zip(softmax(&x[0])).map(|(y, s)| -y * s.ln()).collect()
        });
        reference::reduce(&terms, Over::Rows, |x| x.iter().sum())
    };
    cases.push(
        with_labels("−Σ Y ln softmax(Z)")
            .input("Y", size.matrix(), Domain::Between(0.1, 0.9))
            .records("softmax_cross_entropy", |_, x| x[0].softmax_cross_entropy(x[1]))
            .gives(size.row(), loss),
    );
    cases.push(
        with_labels("−Σ Y ln softmax(Z), Y 0 or 1")
            .fixed("Y", size.matrix(), Domain::Mask)
            .records("softmax_cross_entropy", |_, x| x[0].softmax_cross_entropy(x[1]))
            .gives(size.row(), loss),
    );
    cases.push(
        with_labels("softmax(Z) ΣY − Y")
            .input("Y", size.matrix(), Domain::Between(0.1, 0.9))
            .records("softmax_minus", |_, x| x[0].softmax_minus(x[1]))
            .gives(size.matrix(), |x| {
                together(&[&x[0], &x[1]], Over::Rows, |x| {
                    let total: f64 = x[1].iter().sum();
                    softmax(&x[0]).iter().zip(&x[1]).map(|(s, y)| s * total - y).collect()
                })
            }),
    );
    for over in OVER {
        let named = |name: &'static str| -> &'static str {
            match over {
                Over::Rows => format!("{name}_rows").leak(),
                Over::Columns => format!("{name}_columns").leak(),
                Over::All if size.n == 1 => format!("{name}_columns").leak(),
                Over::All if size.columns == Dim::ONE => format!("{name}_rows").leak(),
                Over::All => name,
            }
        };
        let of = |what: &str| case::<T>(format!("{what} over {over:?}")).input("Z", size.matrix(), REAL);
        cases.push(
            of("softmax(Z)")
                .records(named("softmax"), move |_, x| x[0].softmax_over(over))
                .gives(size.matrix(), move |x| together(&[&x[0]], over, |x| softmax(&x[0])))
                .with_special_values(),
        );
        cases.push(
            of("ln softmax(Z)")
                .records(named("log_softmax"), move |_, x| x[0].log_softmax_over(over))
                .gives(size.matrix(), move |x| {
                    together(&[&x[0]], over, |x| softmax(&x[0]).iter().map(|s| s.ln()).collect())
                }),
        );
        if size.n * size.m > 600 {
            continue; // The derivatives are of the same kernels.
        }
        cases.push(
            of("D softmax(Z)[G]")
                .input("G", size.matrix(), REAL)
                .records(named("softmax_derivative"), move |_, x| {
                    (x[0].softmax_over(over) * x[1]).sum().gradients([x[0]])[0]
                })
                .gives(size.matrix(), move |x| {
                    together(&[&x[0], &x[1]], over, |x| {
                        let s = softmax(&x[0]);
                        s.iter().zip(centred(&s, &x[1])).map(|(s, g)| s * g).collect()
                    })
                }),
        );
        cases.push(
            of("D² softmax(Z)[G, H]")
                .input("G", size.matrix(), REAL)
                .input("H", size.matrix(), REAL)
                .records(named("softmax_derivative"), move |_, x| {
                    let [first] = (x[0].softmax_over(over) * x[1]).sum().gradients([x[0]]);
                    (first * x[2]).sum().gradients([x[0]])[0]
                })
                .gives(size.matrix(), move |x| {
                    together(&[&x[0], &x[1], &x[2]], over, |x| {
                        let s = softmax(&x[0]);
                        let (g, h) = (centred(&s, &x[1]), centred(&s, &x[2]));
                        let products: Vec<f64> = g.iter().zip(&h).map(|(g, h)| g * h).collect();
                        s.iter().zip(centred(&s, &products)).map(|(s, x)| s * x).collect()
                    })
                }),
        );
        cases.push(
            of("−(G − Σ softmax(Z) G)")
                .input("G", size.matrix(), REAL)
                .records(named("softmax_centred"), move |_, x| {
                    // The derivative of ∂Σ(U ⊙ ln softmax(Z))/∂Z = U − softmax(Z) ⊙ ΣU with respect to U.
                    let u = x[1].square();
                    let [slope] = (x[0].log_softmax_over(over) * u).sum().gradients([x[0]]);
                    -(slope * x[1]).sum().gradients([u])[0]
                })
                .gives(size.matrix(), move |x| {
                    together(&[&x[0], &x[1]], over, |x| {
                        centred(&softmax(&x[0]), &x[1]).iter().map(|g| -g).collect()
                    })
                }),
        );
    }
    cases
}

// ---- Reductions -----------------------------------------------------------------------------------------------

const OVER: [Over; 3] = [Over::Rows, Over::Columns, Over::All];

fn reduction_row<T: Scalar>(kind: Reduction) -> Row<T> {
    let reduced = |name: &'static str,
                   domain: Domain,
                   record: fn(Var<'_, T>, Over) -> Var<'_, T>,
                   value: fn(&[f64]) -> f64,
                   least: usize| {
        Row::new(&SIZES, move |size| {
            let mut cases = Vec::new();
            for over in OVER {
                let shape = match over {
                    Over::Rows => size.row(),
                    Over::Columns => size.column(),
                    Over::All => Shape::SCALAR,
                };
                let empty = match over {
                    Over::Rows => size.n < least,
                    Over::Columns => size.m < least,
                    Over::All => size.n < least || size.m < least,
                };
                let single = match over {
                    Over::Rows => size.n == 1,
                    Over::Columns => size.columns == Dim::ONE,
                    Over::All => size.n == 1 && size.columns == Dim::ONE,
                };
                if empty {
                    continue; // An error: see below.
                }
                let case = case(format!("{name} over {over:?}"))
                    .input("A", size.matrix(), domain)
                    .gives(shape, move |x| reference::reduce(&x[0], over, value))
                    .with_special_values_summed()
                    .with_m_from(least);
                // Over one row or column there is nothing to do. Over all of one row it is a sum over the columns.
                let step = match over {
                    Over::Rows => Some(format!("{name}_rows")),
                    Over::Columns => Some(format!("{name}_columns")),
                    Over::All if size.n == 1 => Some(format!("{name}_columns")),
                    Over::All if size.columns == Dim::ONE => Some(format!("{name}_rows")),
                    Over::All => Some(name.to_owned()),
                };
                cases.push(match step.filter(|_| !single) {
                    Some(step) => case.records(step.leak(), move |_, x| record(x[0], over)),
                    None => case.records_no_step(move |_, x| record(x[0], over)),
                });
            }
            cases
        })
    };
    match kind {
        Reduction::Sum => reduced("sum", REAL, |a, over| a.sum_over(over), |x| x.iter().sum(), 0),
        Reduction::Max => reduced("max", Domain::Distinct, |a, over| a.max_over(over), reference::max, 1)
            .rejects(vec![
                bad("max_rows: nothing has no maximum: A is 0×3, at {place}", |tape| {
                    zeros(tape, "A", 0, 3).max_over(Over::Rows)
                }),
                bad("max_columns: nothing has no maximum: A is 3×0, at {place}", |tape| {
                    zeros(tape, "A", 3, 0).max_over(Over::Columns)
                }),
                bad("max: nothing has no maximum: A is 3×0, at {place}", |tape| {
                    zeros(tape, "A", 3, 0).max()
                }),
            ]),
        Reduction::LogSumExp => {
            // Of nothing it is ln 0 = −∞, which has no derivative; so the cases start at 1.
            reduced("log_sum_exp", REAL, |a, over| a.log_sum_exp_over(over), reference::log_sum_exp, 1)
        }
    }
}

// ---- Functions ------------------------------------------------------------------------------------------------

/// One row of the table of functions.
struct FunctionRow<T: Scalar> {
    function: Function<T>,
    name: &'static str,
    domain: Domain,
    value: fn(f64) -> f64,
    /// Slopes at kinks, on jumps, and far out, exact to a few ulp: (x, g′(x)).
    slopes: Vec<(f64, f64)>,
}

fn function_row<T: Scalar>(kind: FunctionKind) -> FunctionRow<T> {
    use reference as r;
    let row = |function: Function<T>, name, domain, value: fn(f64) -> f64| {
        assert_eq!(function.kind(), kind, "a row of its own");
        FunctionRow { function, name, domain, value, slopes: Vec::new() }
    };
    let wide = Domain::Between(-5.0, 5.0);
    let positive = Domain::Between(0.3, 3.0);
    let without_0 = Domain::Avoiding(-3.0, 3.0, &[0.0]);
    let limits = Domain::Avoiding(-2.0, 2.0, &[-1.0, 0.75]);
    let number = T::from_f64;
    // σ(−40) = 1/(1 + e⁴⁰), and σ(−40)·σ(40), which rounds to the same number.
    let tail = 4.248354255291589e-18;
    match kind {
        FunctionKind::Identity => row(Function::Identity, "identity", wide, |x| x).slopes(&[(1000.0, 1.0)]),
        FunctionKind::NormalOrZero => {
            row(Function::NormalOrZero, "normal_or_zero", wide, |x| x).slopes(&[(0.0, 1.0), (1e-45, 1.0)])
        }
        FunctionKind::Exp => {
            row(Function::Exp, "exp", REAL, f64::exp).slopes(&[(-40.0, 4.248354255291589e-18)])
        }
        FunctionKind::Ln => {
            row(Function::Ln, "ln", positive, f64::ln).slopes(&[(1000.0, 0.001), (0.0, f64::INFINITY)])
        }
        FunctionKind::Sqrt => {
            row(Function::Sqrt, "sqrt", positive, f64::sqrt).slopes(&[(0.0, f64::INFINITY)])
        }
        FunctionKind::Square => row(Function::Square, "square", wide, |x| x * x).slopes(&[(0.0, 0.0)]),
        FunctionKind::Power => {
            row(Function::Power(number(2.5)), "power", positive, |x| x.powf(2.5)).slopes(&[(4.0, 20.0)])
        }
        FunctionKind::WholePower => {
            row(Function::WholePower(3), "power", wide, |x| x * x * x).slopes(&[(0.0, 0.0), (-2.0, 12.0)])
        }
        FunctionKind::Sin => row(Function::Sin, "sin", wide, f64::sin).slopes(&[(0.0, 1.0)]),
        FunctionKind::Cos => row(Function::Cos, "cos", wide, f64::cos).slopes(&[(0.0, 0.0)]),
        FunctionKind::Abs => row(Function::Abs, "abs", without_0, f64::abs).slopes(&[
            (0.0, 0.0),
            (-0.0, 0.0),
            (1e-30, 1.0),
            (-1e-30, -1.0),
        ]),
        FunctionKind::Sign => {
            row(Function::Sign, "sign", without_0, |x| if x == 0.0 || x.is_nan() { x } else { x.signum() })
                .slopes(&[(0.0, 0.0)])
        }
        FunctionKind::Erf => {
            row(Function::Erf, "erf", REAL, r::erf).slopes(&[(0.0, std::f64::consts::FRAC_2_SQRT_PI)])
        }
        FunctionKind::ErfDerivative => row(Function::ErfDerivative, "erf′", REAL, |x| {
            std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp()
        })
        .slopes(&[(0.0, 0.0)]),
        FunctionKind::ErfHigher => row(Function::ErfHigher(1), "erf‴", wide, |x| {
            r::damped(4.0 * x * x - 2.0, std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp())
        })
        .slopes(&[(0.0, 0.0), (1000.0, 0.0)]),
        FunctionKind::Clamp => {
            row(Function::Clamp(number(-1.0), number(0.75)), "clamp", limits, |x| x.clamp(-1.0, 0.75))
                .slopes(&[(-1.0, 1.0), (0.75, 1.0), (-1.5, 0.0), (0.8125, 0.0)])
        }
        FunctionKind::ClampDerivative => {
            row(Function::ClampDerivative(number(-1.0), number(0.75)), "clamp′", limits, |x| {
                if x.is_nan() { x } else { f64::from(u8::from((-1.0..=0.75).contains(&x))) }
            })
            .slopes(&[(-1.0, 0.0), (0.5, 0.0)])
        }
        FunctionKind::Relu => row(Function::Relu, "relu", without_0, |x| r::positive_part(x, |x| x))
            .slopes(&[(0.0, 0.0), (-0.0, 0.0), (1e-30, 1.0), (-1e-30, 0.0), (f64::INFINITY, 1.0)]),
        FunctionKind::ReluDerivative => row(Function::ReluDerivative, "relu′", without_0, |x| {
            r::positive_part(x, |x| if x.is_nan() { x } else { 1.0 })
        })
        .slopes(&[(0.0, 0.0), (1.0, 0.0)]),
        FunctionKind::LeakyRelu => row(Function::LeakyRelu(number(0.125)), "leaky_relu", without_0, |x| {
            if x > 0.0 { x } else { 0.125 * x }
        })
        .slopes(&[(0.0, 0.125), (-1000.0, 0.125), (1000.0, 1.0)]),
        FunctionKind::LeakyReluDerivative => {
            row(Function::LeakyReluDerivative(number(0.125)), "leaky_relu′", without_0, |x| {
                if x.is_nan() {
                    x
                } else if x > 0.0 {
                    1.0
                } else {
                    0.125
                }
            })
            .slopes(&[(-1.0, 0.0)])
        }
        FunctionKind::Elu => {
            row(Function::Elu(number(1.5)), "elu", without_0, |x| if x > 0.0 { x } else { 1.5 * x.exp_m1() })
                .slopes(&[(0.0, 1.5), (-40.0, 1.5 * 4.248354255291589e-18), (3.0, 1.0)])
        }
        FunctionKind::EluDerivative => row(Function::EluDerivative(number(1.5)), "elu′", without_0, |x| {
            if x > 0.0 { 1.0 } else { 1.5 * x.exp() }
        })
        .slopes(&[(0.0, 1.5), (3.0, 0.0)]),
        FunctionKind::EluSecondDerivative => {
            row(Function::EluSecondDerivative(number(1.5)), "elu″", without_0, |x| {
                if x > 0.0 { 0.0 } else { 1.5 * x.exp() }
            })
            .slopes(&[(0.0, 1.5), (3.0, 0.0)])
        }
        FunctionKind::Sigmoid => row(Function::Sigmoid, "σ", wide, r::sigmoid).slopes(&[
            (0.0, 0.25),
            (40.0, tail),
            (-40.0, tail),
            (1000.0, 0.0),
        ]),
        FunctionKind::SigmoidDerivative => {
            row(Function::SigmoidDerivative, "σ′", wide, |x| r::sigmoid(x) * r::sigmoid(-x)).slopes(&[
                (0.0, 0.0),
                (40.0, -tail),
                (-40.0, tail),
            ])
        }
        FunctionKind::LogSigmoid => row(Function::LogSigmoid, "log_sigmoid", wide, |x| -r::softplus(-x))
            .slopes(&[(0.0, 0.5), (40.0, tail), (-40.0, 1.0), (-1e4, 1.0), (1e4, 0.0)]),
        FunctionKind::Tanh => row(Function::Tanh, "tanh", wide, f64::tanh)
            // 1/cosh²(20) = 4·e⁻⁴⁰/(1 + e⁻⁴⁰)²
            .slopes(&[(0.0, 1.0), (20.0, 4.0 * tail), (-20.0, 4.0 * tail), (1000.0, 0.0)]),
        FunctionKind::TanhDerivative => row(Function::TanhDerivative, "tanh′", wide, |x| {
            4.0 * r::sigmoid(2.0 * x) * r::sigmoid(-2.0 * x)
        })
        .slopes(&[(0.0, 0.0), (20.0, -8.0 * tail), (-20.0, 8.0 * tail)]),
        FunctionKind::Softplus => row(Function::Softplus, "softplus", wide, r::softplus).slopes(&[
            (0.0, 0.5),
            (-40.0, tail),
            (40.0, 1.0),
            (1e4, 1.0),
        ]),
        FunctionKind::Silu => row(Function::Silu, "silu", wide, |x| r::damped(x, r::sigmoid(x)))
            // σ(x) + x·σ′(x)
            .slopes(&[(0.0, 0.5), (-40.0, -39.0 * tail), (1000.0, 1.0), (-1000.0, 0.0)]),
        FunctionKind::SiluDerivative => row(Function::SiluDerivative, "silu′", wide, |x| {
            r::sigmoid(x) + r::damped(x, r::sigmoid(x) * r::sigmoid(-x))
        })
        // σ′(x)·(2 − x·tanh(x/2))
        .slopes(&[(0.0, 0.5), (40.0, -38.0 * tail), (-40.0, -38.0 * tail)]),
        FunctionKind::SiluSecondDerivative => row(Function::SiluSecondDerivative, "silu″", wide, |x| {
            let slope = r::sigmoid(x) * r::sigmoid(-x);
            r::damped(2.0, slope) - r::damped(x * (0.5 * x).tanh(), slope)
        })
        // −2xσ′(x) next to 0; σ′(x)·(x − 3) where tanh(x/2) is 1.
        .slopes(&[
            (0.0, 0.0),
            (1e-10, -5e-11),
            (40.0, 37.0 * tail),
            (-40.0, -37.0 * tail),
            (1e5, 0.0),
        ]),
        FunctionKind::GeluTanh => {
            row(Function::GeluTanh, "gelu_tanh", wide, |x| r::damped(x, r::sigmoid(r::gelu_argument(x).0)))
                .slopes(&[(0.0, 0.5), (1000.0, 1.0), (-1000.0, 0.0)])
        }
        FunctionKind::GeluTanhDerivative => row(Function::GeluTanhDerivative, "gelu_tanh′", wide, |x| {
            let (v, v1, _) = r::gelu_argument(x);
            r::sigmoid(v) + r::damped(x * v1, r::sigmoid(v) * r::sigmoid(-v))
        })
        .slopes(&[(1000.0, 0.0), (-1000.0, 0.0)]),
        FunctionKind::GeluTanhSecondDerivative => {
            row(Function::GeluTanhSecondDerivative, "gelu_tanh″", wide, |x| {
                let (v, v1, v2) = r::gelu_argument(x);
                let slope = r::sigmoid(v) * r::sigmoid(-v);
                let bend =
                    r::damped(v1 * v1, slope) * (r::sigmoid(-v) - r::sigmoid(v)) + r::damped(v2, slope);
                2.0 * r::damped(v1, slope) + r::damped(x, bend)
            })
            .slopes(&[(0.0, 0.0), (1000.0, 0.0), (-1000.0, 0.0)])
        }
        FunctionKind::Gelu => row(Function::Gelu, "gelu", wide, |x| r::damped(x, r::normal_cdf(x)))
            .slopes(&[(0.0, 0.5), (1000.0, 1.0), (-1000.0, 0.0)]),
        FunctionKind::GeluDerivative => row(Function::GeluDerivative, "gelu′", wide, |x| {
            r::normal_cdf(x) + r::damped(x, r::normal_pdf(x))
        })
        .slopes(&[(0.0, 2.0 * 0.3989422804014327), (1000.0, 0.0)]),
        FunctionKind::GeluHigher => {
            row(Function::GeluHigher(0), "gelu″", wide, |x| r::damped(2.0 - x * x, r::normal_pdf(x)))
                .slopes(&[(0.0, 0.0), (2.0, 0.0), (-2.0, 0.0), (1e5, 0.0)])
        }
        FunctionKind::NormalPdfHigher => {
            row(Function::NormalPdfHigher(0), "φ′", wide, |x| r::damped(-x, r::normal_pdf(x))).slopes(&[
                (0.0, -0.3989422804014327),
                (1.0, 0.0),
                (-1.0, 0.0),
                (1e5, 0.0),
            ])
        }
        FunctionKind::NormalPdf => {
            row(Function::NormalPdf, "φ", wide, r::normal_pdf).slopes(&[(0.0, 0.0), (1000.0, 0.0)])
        }
        FunctionKind::User => row(users_own(), "x³", wide, |x| x * x * x).slopes(&[(3.0, 27.0)]),
    }
}

/// x³ with its derivatives.
fn users_own<T: Scalar>() -> Function<T> {
    let number = T::from_f64;
    let third = Function::new("6", move |x: T| if x.is_nan() { x } else { number(6.0) });
    let second = Function::new("6x", move |x| number(6.0) * x).with_derivative(third);
    let first = Function::new("3x²", move |x| number(3.0) * x * x).with_derivative(second);
    Function::new("x³", |x: T| x * x * x).with_derivative(first)
}

impl<T: Scalar> FunctionRow<T> {
    fn slopes(mut self, slopes: &[(f64, f64)]) -> Self {
        self.slopes = slopes.to_vec();
        self
    }

    fn check(&self, random: &mut Random) -> Worst {
        let mut worst = Worst::default();
        for size in sizes(&SIZES) {
            let (function, value) = (self.function.clone(), self.value);
            let case = case::<T>(format!("{}(A)", self.name))
                .input("A", size.matrix(), self.domain)
                .records(self.name, move |_, x| x[0].map(&function))
                .gives(size.matrix(), move |x| x[0].map(value))
                .with_special_values();
            worst = worst.and(check(&case, size.m, random));
        }
        self.check_slopes();
        worst
    }

    /// To a few ulp, and relative to the slope itself: this is where 1 − (nearly 1) would show.
    fn check_slopes(&self) {
        assert!(!self.slopes.is_empty(), "{}: slopes at special places", self.name);
        let points: Vec<T> = self.slopes.iter().map(|&(x, _)| T::from_f64(x)).collect();
        let tape = Tape::new();
        let x = tape.parameter("x", &Matrix::row(&points));
        let [slopes] = x.map(&self.function).sum().gradients([x]);
        let found = slopes.value().unwrap();
        for (&(x, expected), &found) in self.slopes.iter().zip(found.as_slice()) {
            let (expected, found) = (T::from_f64(expected), found);
            let close = found == expected
                || (found - expected).abs() <= T::from_f64(8.0) * T::EPSILON * expected.abs();
            assert!(close, "{} ({}): the slope at {x} is {found:e}, not {expected:e}", self.name, T::NAME);
        }
    }
}

// ---- The tests ------------------------------------------------------------------------------------------------

/// Runs a table in both number types and tells the worst differences.
fn check_table<K: Copy + std::fmt::Debug>(
    kinds: &[K],
    in_f64: fn(K, &mut Random) -> Worst,
    in_f32: fn(K, &mut Random) -> Worst,
) {
    assert!(!kinds.is_empty());
    let (mut double, mut single) = (Worst::default(), Worst::default());
    for &kind in kinds {
        // The row's name comes first if the test fails.
        println!("{kind:?}");
        double = double.and(in_f64(kind, &mut Random::new(1)));
        single = single.and(in_f32(kind, &mut Random::new(2)));
    }
    println!("f64: {double}\nf32: {single}");
}

#[test]
fn every_operation_keeps_the_laws() {
    check_table(OperationKind::ALL, |k, r| row::<f64>(k).check(r), |k, r| row::<f32>(k).check(r));
}

#[test]
fn every_entrywise_operation_keeps_the_laws() {
    check_table(Zip::ALL, |k, r| zip_row::<f64>(k).check(r), |k, r| zip_row::<f32>(k).check(r));
}

#[test]
fn every_reduction_keeps_the_laws() {
    check_table(
        Reduction::ALL,
        |k, r| reduction_row::<f64>(k).check(r),
        |k, r| reduction_row::<f32>(k).check(r),
    );
}

#[test]
fn every_function_keeps_the_laws() {
    check_table(
        FunctionKind::ALL,
        |k, r| function_row::<f64>(k).check(r),
        |k, r| function_row::<f32>(k).check(r),
    );
}

// ---- Literals, where a random value says nothing --------------------------------------------------------------

fn value<T: Scalar>(variable: Var<'_, T>) -> Vec<f64> {
    variable.value().unwrap().cast::<f64>().as_slice().to_vec()
}

#[test]
fn the_greatest_entries_share_the_gradient() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &tape::matrix![[2.0, 1.0, 2.0], [0.0, 2.0, -1.0]]);
    let [da] = a.max().gradients([a]);
    let third = 1.0 / 3.0;
    assert_eq!(value(da), [third, 0.0, 0.0, third, third, 0.0]);
    let [da] = a.max_over(Over::Columns).sum().gradients([a]);
    assert_eq!(value(da), [0.5, 0.0, 0.0, 1.0, 0.5, 0.0]);
    let [da] = a.max_over(Over::Rows).sum().gradients([a]);
    assert_eq!(value(da), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn the_greatest_of_no_examples_is_an_error() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(2, 0));
    for (over, name) in [(Over::Columns, "max_columns"), (Over::All, "max")] {
        assert_message(
            x.max_over(over).value().unwrap_err(),
            &format!("{name}: the maximum over m = 0 examples does not exist, recorded at {{place}}"),
        );
    }
    assert_eq!(x.max_over(Over::Rows).value().unwrap().shape(), (1, 0));
}

#[test]
fn sums_over_nothing() {
    let tape = Tape::<f64>::new();
    let (flat, thin) = (zeros(&tape, "flat", 0, 3), zeros(&tape, "thin", 3, 0));
    assert_eq!(value(flat.sum()), [0.0]);
    assert_eq!(value(flat.sum_over(Over::Rows)), [0.0; 3]);
    assert_eq!(value(thin.sum_over(Over::Columns)), [0.0; 3]);
    assert_eq!(value(thin.sum_over(Over::Rows)), [0.0; 0]);
    // ln 0
    assert_eq!(value(flat.log_sum_exp_over(Over::Rows)), [f64::NEG_INFINITY; 3]);
    assert_eq!(value(thin.log_sum_exp_over(Over::Columns)), [f64::NEG_INFINITY; 3]);
    assert_eq!(value(thin.log_sum_exp()), [f64::NEG_INFINITY]);
    assert_message(flat.mean().sound().unwrap_err(), "mean: a mean over nothing: flat is 0×3, at {place}");
    // An inner dimension of 0 makes a sum of nothing.
    assert_eq!(value(thin.matmul(flat)), [0.0; 9]);
}

#[test]
fn log_sum_exp_neither_overflows_nor_vanishes() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &tape::matrix![[1000.0, -1000.0], [1000.0, -1000.0]]);
    let y = a.log_sum_exp_over(Over::Rows);
    assert_eq!(value(y), [1000.0 + std::f64::consts::LN_2, -1000.0 + std::f64::consts::LN_2]);
    let [da] = y.sum().gradients([a]);
    // exp(A − ln Σ exp A): the difference is ln 2, rounded at 1000.
    for slope in value(da) {
        assert!((slope - 0.5).abs() < 1e-13, "{slope}");
    }
}

/// 0 · ln 0 = 0 where the label says so, ∞ where the prediction is certain and wrong.
#[test]
fn log_loss_of_certain_predictions() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &tape::matrix![[0.0, 1.0, 0.0, 1.0, 0.5]]);
    let y = tape.parameter("Y", &tape::matrix![[0.0, 1.0, 1.0, 0.0, 0.5]]);
    let expected = [0.0, 0.0, f64::INFINITY, f64::INFINITY, std::f64::consts::LN_2];
    assert_eq!(value(a.log_loss(y)), expected);
    let z = tape.parameter("Z", &tape::matrix![[-1e4, 1e4, -1e4, 1e4, 0.0]]);
    assert_eq!(value(z.log_loss_on_logits(y)), [0.0, 0.0, 1e4, 1e4, std::f64::consts::LN_2]);
    assert_eq!(value(z.sigmoid().log_loss(y)), [0.0, 0.0, 1e4, 1e4, std::f64::consts::LN_2]);
}

/// What is not chosen has no part in the value, and the gradient with respect to it is 0, even if it is NaN.
#[test]
fn what_a_mask_does_not_choose_takes_no_part() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &tape::matrix![[4.0, -4.0]]);
    let root = x.sqrt();
    let y = x.greater(0.0).select(root, x);
    assert_eq!(value(y), [2.0, -4.0]);
    let [droot] = y.sum().gradients([root]);
    assert_eq!(value(droot), [1.0, 0.0]);
    let [dx] = y.sum().gradients([x]);
    assert_eq!(value(dx)[0], 0.25);
}

/// Further down 0 · (1/√−4) is NaN, which no rewrite may hide: choosing before the function as well keeps it out.
#[test]
fn a_choice_before_the_function_keeps_nan_out_of_its_gradient() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &tape::matrix![[4.0, -4.0, 0.0]]);
    let positive = x.greater(0.0);
    let [dx] = positive.select(positive.select(x, 1.0).sqrt(), x).sum().gradients([x]);
    assert_eq!(value(dx), [0.25, 1.0, 1.0]);
    let [dx] = positive.select(x.sqrt(), x).sum().gradients([x]);
    assert!(value(dx)[1].is_nan());
}

/// A finite difference sees nothing of a jump: the derivative of a relation is the number 0, at the jump too.
#[test]
fn relations_have_derivative_zero_on_their_jumps() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &tape::matrix![[1.0, 2.0]]);
    let y = tape.parameter("y", &tape::matrix![[1.0, 3.0]]);
    assert_eq!(value(x.greater(y)), [0.0, 0.0]);
    assert_eq!(value(x.less(y)), [0.0, 1.0]);
    assert_eq!(value(x.equal(y)), [1.0, 0.0]);
    for relation in [x.greater(y), x.less(y), x.equal(y)] {
        let [dx, dy] = relation.sum().gradients([x, y]);
        assert_eq!((value(dx), value(dy)), (vec![0.0; 2], vec![0.0; 2]));
    }
}

/// Leaves of every kind are differentiated alike, and constants cannot be bound.
#[test]
fn leaves_of_every_kind() {
    use tape::LeafKind;
    for kind in [LeafKind::Parameter, LeafKind::Examples, LeafKind::Constant] {
        let tape = Tape::<f32>::new();
        let data = tape::matrix![[1.0, -2.0]];
        let leaf = match kind {
            LeafKind::Parameter => tape.parameter("L", &data),
            LeafKind::Examples => tape.examples("L", &data),
            LeafKind::Constant => tape.constant("L", &data),
        };
        let [d] = leaf.square().sum().gradients([leaf]);
        assert_eq!(value(d), [2.0, -4.0]);
        let mut program = tape.compile([d]).unwrap();
        let bound = program.bind(leaf, &tape::matrix![[5.0, 6.0]]);
        assert_eq!(bound.is_ok(), kind != LeafKind::Constant, "{kind:?}");
    }
}

/// Signed zeros keep their signs where IEEE 754 says so.
#[test]
fn signed_zeros() {
    let tape = Tape::<f64>::new();
    let zero = tape.parameter("zero", &tape::matrix![[-0.0]]);
    let sign = |v: Var<'_, f64>| value(v)[0].is_sign_negative();
    for odd in
        [zero.identity(), zero.sin(), zero.tanh(), zero.erf(), zero.sqrt(), zero.sign(), zero.leaky_relu(0.5)]
    {
        assert!(sign(odd), "{odd:?} of −0");
        assert_eq!(value(odd), [0.0]);
    }
    for positive in [zero.abs(), -zero, zero.square(), zero + 0.0, zero * -1.0] {
        assert!(!sign(positive), "{positive:?} of −0");
    }
    assert_eq!(value(zero.reciprocal()), [f64::NEG_INFINITY]);
    assert!(tape.scalar(0.0) != tape.scalar(-0.0), "0 and −0 are two numbers");
}
