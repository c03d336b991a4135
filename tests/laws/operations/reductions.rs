//! A row for each reduction, and the cases of softmax and what is made of it.

use tape::{Dim, Matrix, Over, Reduction, Scalar, Shape, Var};

use super::{REAL, Row, SIZES, Size, bad, zeros};
use crate::support::laws::{Case, Domain, case};
use crate::support::reference;

const OVER: [Over; 3] = [Over::Rows, Over::Columns, Over::All];

pub(super) fn reduction_row<T: Scalar>(kind: Reduction) -> Row<T> {
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
        Reduction::Min => reduced("min", Domain::Distinct, |a, over| a.min_over(over), reference::min, 1)
            .rejects(vec![
                bad("min_rows: nothing has no minimum: A is 0×3, at {place}", |tape| {
                    zeros(tape, "A", 0, 3).min_over(Over::Rows)
                }),
                bad("min_columns: nothing has no minimum: A is 3×0, at {place}", |tape| {
                    zeros(tape, "A", 3, 0).min_over(Over::Columns)
                }),
                bad("min: nothing has no minimum: A is 3×0, at {place}", |tape| {
                    zeros(tape, "A", 3, 0).min()
                }),
            ]),
        Reduction::MaxNorm => reduced(
            "max_norm",
            Domain::DistinctSizes,
            |a, over| a.max_norm_over(over),
            reference::max_norm,
            0,
        ),
        Reduction::LogSumExp => {
            // Of nothing it is ln 0 = −∞, which has no derivative; so the cases start at 1.
            reduced("log_sum_exp", REAL, |a, over| a.log_sum_exp_over(over), reference::log_sum_exp, 1)
        }
    }
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

pub(super) fn softmax_cases<T: Scalar>(size: Size) -> Vec<Case<T>> {
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
