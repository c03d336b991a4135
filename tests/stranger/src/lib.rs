//! Operations as a user writes them: a kernel and a rule each, and their plain formulas for tests.

use std::borrow::Cow;

use tape::{Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Over, Scalar, Shape, Vjp, num};

/// The operations of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Own {
    /// W * X + b, n × m.
    Dense,
    /// x · σ(β ⊙ x), where β is a column.
    Swish,
    /// x / √(mean of squares of the column + ½) ⊙ g, where g is a column.
    RmsNorm,
    /// Σ over the classes of −y · ln softmax(z), 1 × m.
    CrossEntropy,
    /// ⟨aᵢ, bᵢ⟩ of each row, over all examples: n × 1.
    RowDots,
    /// The outer product of two columns, n × n.
    Outer,
}

impl Own {
    /// All of them.
    pub const ALL: [Own; 6] =
        [Own::Dense, Own::Swish, Own::RmsNorm, Own::CrossEntropy, Own::RowDots, Own::Outer];

    /// The shapes of its operands, for n rows.
    pub fn operands(self, n: usize) -> Vec<Shape> {
        let examples = |rows: usize| Shape::new(rows, tape::Dim::M);
        let column = Shape::new(n, 1);
        match self {
            Own::Dense => vec![Shape::new(n, 3), examples(3), column],
            Own::Swish | Own::RmsNorm => vec![examples(n), column],
            Own::CrossEntropy | Own::RowDots => vec![examples(n), examples(n)],
            Own::Outer => vec![column, column],
        }
    }

    /// What it computes, by plain code; nothing where the shapes do not fit.
    pub fn plain(self, x: &[Matrix<f64>]) -> Option<Matrix<f64>> {
        let ((n, m), of_second) = (x[0].shape(), x[1].shape());
        match self {
            Own::Dense => {
                let (columns, b) = (of_second.1, &x[2]);
                let dot = |i: usize, j: usize| (0..m).map(|k| x[0][(i, k)] * x[1][(k, j)]).sum::<f64>();
                let fits = m == of_second.0 && b.shape() == (n, 1);
                fits.then(|| Matrix::from_fn(n, columns, |i, j| dot(i, j) + b[(i, 0)]))
            }
            Own::Swish => (of_second == (n, 1)).then(|| {
                Matrix::from_fn(n, m, |i, j| {
                    let (x, beta) = (x[0][(i, j)], x[1][(i, 0)]);
                    x / (1.0 + (-beta * x).exp())
                })
            }),
            Own::RmsNorm => {
                let size =
                    |j: usize| (x[0].column(j).iter().map(|x| x * x).sum::<f64>() / n as f64 + 0.5).sqrt();
                (of_second == (n, 1))
                    .then(|| Matrix::from_fn(n, m, |i, j| x[0][(i, j)] / size(j) * x[1][(i, 0)]))
            }
            Own::CrossEntropy => {
                let sum = |j: usize| x[0].column(j).iter().map(|z| z.exp()).sum::<f64>().ln();
                let loss = |j: usize| (0..n).map(|i| x[1][(i, j)] * (sum(j) - x[0][(i, j)])).sum();
                (of_second == (n, m)).then(|| Matrix::from_fn(1, m, |_, j| loss(j)))
            }
            Own::RowDots => {
                let dot = |i: usize| (0..m).map(|j| x[0][(i, j)] * x[1][(i, j)]).sum();
                (of_second == (n, m)).then(|| Matrix::from_fn(n, 1, |i, _| dot(i)))
            }
            Own::Outer => {
                let fits = m == 1 && of_second == (n, 1);
                fits.then(|| Matrix::from_fn(n, n, |i, j| x[0][(i, 0)] * x[1][(j, 0)]))
            }
        }
    }
}

impl<T: Scalar> Operation<T> for Own {
    fn name(&self) -> Cow<'_, str> {
        format!("{self:?}").to_lowercase().into()
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let column = |rows| Shape { rows, columns: 1.into() };
        match (self, operands) {
            (Own::Dense, [w, x, b]) if w.columns == x.rows && *b == column(w.rows) => {
                Ok(Shape { rows: w.rows, columns: x.columns })
            }
            (Own::Swish | Own::RmsNorm, [x, by]) if *by == column(x.rows) => Ok(*x),
            (Own::CrossEntropy, [z, y]) if z == y => Ok(Shape { rows: 1.into(), columns: z.columns }),
            (Own::RowDots, [a, b]) if a == b => Ok(column(a.rows)),
            (Own::Outer, [a, b]) if a == b && *a == column(a.rows) => {
                Ok(Shape { rows: a.rows, columns: b.rows })
            }
            _ => Err(Mismatch::new("the operands do not fit")),
        }
    }

    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let (a, b) = (x.get(0), x.get(1));
        let (rows, columns) = out.shape();
        for j in 0..columns {
            for i in 0..rows {
                out[(i, j)] = match self {
                    Own::Dense => {
                        (0..a.columns()).map(|k| a[(i, k)] * b[(k, j)]).sum::<T>() + x.get(2)[(i, 0)]
                    }
                    Own::Swish => a[(i, j)] / (T::ONE + (-(b[(i, 0)] * a[(i, j)])).exp()),
                    Own::RmsNorm => {
                        let squares: T = a.column(j).iter().map(|&x| x * x).sum();
                        a[(i, j)] / (squares / T::from_usize(rows) + T::from_f64(0.5)).sqrt() * b[(i, 0)]
                    }
                    Own::CrossEntropy => {
                        let sum = a.column(j).iter().map(|z| z.exp()).sum::<T>().ln();
                        a.column(j).iter().zip(b.column(j)).map(|(&z, &y)| y * (sum - z)).sum()
                    }
                    Own::RowDots => (0..a.columns()).map(|k| a[(i, k)] * b[(i, k)]).sum(),
                    Own::Outer => a[(i, 0)] * b[(j, 0)],
                };
            }
        }
        Ok(())
    }

    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let (a, b) = (at.operand(0), at.operand(1));
        match self {
            Own::Dense => {
                at.contribute(0, |g| g.matmul(b.t()));
                at.contribute(1, |g| a.t().matmul(g));
                at.contribute(2, |g| g.sum_over(Over::Columns));
            }
            Own::Swish => {
                let s = (a * b).sigmoid();
                let slope = s * (-(a * b)).sigmoid();
                at.contribute(0, |g| g * (s + a * b * slope));
                at.contribute(1, |g| (g * a.square() * slope).sum_over(Over::Columns));
            }
            Own::RmsNorm => {
                let size = (a.square().mean_over(Over::Rows) + num(0.5)).sqrt();
                at.contribute(0, |g| {
                    let inner = (g * b * a).mean_over(Over::Rows);
                    (g * b - a * inner / size.square()) / size
                });
                at.contribute(1, |g| (g * a / size).sum_over(Over::Columns));
            }
            Own::CrossEntropy => {
                let shares = a.softmax_over(Over::Rows);
                at.contribute(0, |g| g * (shares * b.sum_over(Over::Rows) - b));
                at.contribute(1, |g| -(g * a.log_softmax_over(Over::Rows)));
            }
            Own::RowDots => {
                at.contribute(0, |g| g * b);
                at.contribute(1, |g| g * a);
            }
            Own::Outer => {
                at.contribute(0, |g| g.matmul(b));
                at.contribute(1, |g| g.t().matmul(a));
            }
        }
    }

    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        // Of W * X + b where X has the examples.
        let shared = |i: usize| !operands[i].depends_on_m();
        match self {
            Own::Dense => shared(0) && shared(2),
            Own::Swish | Own::RmsNorm => shared(1),
            Own::CrossEntropy => true,
            Own::RowDots | Own::Outer => false,
        }
    }
}
