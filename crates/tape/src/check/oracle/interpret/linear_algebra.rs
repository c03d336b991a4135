//! Factors of small matrices, and systems of equations by elimination.

use std::cmp::Ordering;

use super::{At, dot, is};
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::{Elementary, Number};
use crate::ops::linear_algebra::cholesky::Diagonal;

/// The rows of a matrix.
type Rows<N> = Vec<Vec<N>>;

fn rows_of<N: Number>(x: &Grid<N>) -> Rows<N> {
    (0..x.rows()).map(|i| (0..x.columns()).map(|j| x[(i, j)].clone()).collect()).collect()
}

/// Gauss's elimination with rows exchanged for the greatest pivots, of a square matrix and right sides beside it.
struct Eliminated<N> {
    /// L below the diagonal, U on and above it, and what the right sides have become.
    rows: Rows<N>,
    /// The row that each row was exchanged with.
    exchanged: Vec<usize>,
}

/// The column without a pivot, if the matrix is singular.
fn eliminated<N: Number>(mut rows: Rows<N>) -> Result<Eliminated<N>, usize> {
    let n = rows.len();
    let mut exchanged = Vec::with_capacity(n);
    for k in 0..n {
        let size = |i: usize| rows[i][k].value().abs();
        let pivot = (k..n).fold(k, |best, i| if size(i) > size(best) { i } else { best });
        exchanged.push(pivot);
        rows.swap(k, pivot);
        if is(&rows[k][k], &N::of(0.0), Ordering::Equal) || rows[k][k].value().is_nan() {
            return Err(k);
        }
        let (above, below) = rows.split_at_mut(k + 1);
        let above = &above[k];
        for row in below {
            let factor = row[k].clone() / above[k].clone();
            for j in k + 1..row.len() {
                row[j] = row[j].clone() - factor.clone() * above[j].clone();
            }
            row[k] = factor;
        }
    }
    Ok(Eliminated { rows, exchanged })
}

impl<N: Number> At<'_, N> {
    fn singular(&self, pivot: usize) -> Error {
        self.outside(format!("the matrix is singular: pivot {pivot}"))
    }

    /// L of (A + Aᵀ)/2 = L·Lᵀ, row by row.
    pub(super) fn cholesky(&self) -> Result<Grid<N>, Error> {
        let a = self.x[0];
        let mut l: Rows<N> = vec![vec![N::of(0.0); self.rows]; self.rows];
        for i in 0..self.rows {
            for j in 0..=i {
                let mean = (a[(i, j)].clone() + a[(j, i)].clone()) * N::of(0.5);
                let rest = mean - dot(j, |k| (l[i][k].clone(), l[j][k].clone()));
                if i > j {
                    l[i][j] = rest / l[j][j].clone();
                    continue;
                }
                if rest.value() <= 0.0 || rest.value().is_nan() {
                    return Err(self.outside(format!("the matrix is not positive definite: pivot {i}")));
                }
                l[i][i] = rest.elementary(Elementary::Sqrt);
            }
        }
        Ok(self.made(|i, j| l[i][j].clone()))
    }

    pub(super) fn lower_triangle(&mut self) -> Result<Grid<N>, Error> {
        let diagonal: Diagonal = self.take("diagonal")?;
        let x = self.x[0];
        Ok(self.made(|i, j| match (i.cmp(&j), diagonal) {
            (Ordering::Less, _) => N::of(0.0),
            (Ordering::Equal, Diagonal::Half) => x[(i, j)].clone() * N::of(0.5),
            (Ordering::Equal, Diagonal::Whole) | (Ordering::Greater, _) => x[(i, j)].clone(),
        }))
    }

    /// L⁻¹·B or L⁻ᵀ·B, element by element.
    pub(super) fn solve_lower(&mut self) -> Result<Grid<N>, Error> {
        let transposed: bool = self.take("transposed")?;
        let (l, b) = (self.x[0], self.x[1]);
        let n = self.rows;
        if let Some(k) = (0..n).find(|&k| is(&l[(k, k)], &N::of(0.0), Ordering::Equal)) {
            return Err(self.singular(k));
        }
        let column = |j: usize| {
            let mut x: Vec<Option<N>> = vec![None; n];
            for step in 0..n {
                let i = if transposed { n - 1 - step } else { step };
                let known = if transposed { i + 1..n } else { 0..i };
                let pairs: Vec<(N, N)> = known
                    .map(|k| {
                        let l = if transposed { &l[(k, i)] } else { &l[(i, k)] };
                        (l.clone(), x[k].clone().expect("it is solved for before"))
                    })
                    .collect();
                x[i] = Some((b[(i, j)].clone() - N::dot(&pairs)) / l[(i, i)].clone());
            }
            x
        };
        let columns: Vec<Vec<Option<N>>> = (0..self.columns).map(column).collect();
        Ok(self.made(|i, j| columns[j][i].clone().expect("all are solved for")))
    }

    /// L, U and the exchanged rows, as the tape's entry holds them.
    pub(super) fn lu(&self) -> Result<Grid<N>, Error> {
        let n = self.rows;
        let found = eliminated(rows_of(self.x[0])).map_err(|pivot| self.singular(pivot))?;
        Ok(self.made(|i, j| match j < n {
            true => found.rows[i][j].clone(),
            false => N::of(found.exchanged[i] as f64),
        }))
    }

    /// X of A·X = B or Aᵀ·X = B, from A itself.
    pub(super) fn solve(&mut self) -> Result<Grid<N>, Error> {
        let transposed: bool = self.take("transposed")?;
        let (a, b) = (self.x[0], self.x[2]);
        let n = self.rows;
        let oriented = if transposed { Grid::new(n, n, |i, j| a[(j, i)].clone()) } else { a.clone() };
        let mut rows = rows_of(&oriented);
        for (row, right) in rows.iter_mut().zip(rows_of(b)) {
            row.extend(right);
        }
        let Eliminated { mut rows, .. } = eliminated(rows).map_err(|pivot| self.singular(pivot))?;
        for i in (0..n).rev() {
            for j in n..n + self.columns {
                let known = dot(n - i - 1, |k| (rows[i][i + 1 + k].clone(), rows[i + 1 + k][j].clone()));
                rows[i][j] = (rows[i][j].clone() - known) / rows[i][i].clone();
            }
        }
        Ok(self.made(|i, j| rows[i][n + j].clone()))
    }

    /// ln |det A|: the sum of the logarithms of the pivots' sizes.
    pub(super) fn log_det(&self) -> Result<Grid<N>, Error> {
        let found = eliminated(rows_of(self.x[0])).map_err(|pivot| self.singular(pivot))?;
        let logs: Vec<N> = (0..found.rows.len())
            .map(|k| {
                let pivot = found.rows[k][k].clone();
                let size = if pivot.value() < 0.0 { -pivot } else { pivot };
                size.elementary(Elementary::Ln)
            })
            .collect();
        Ok(self.made(|_, _| N::sum(&logs)))
    }
}
