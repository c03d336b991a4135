//! Systems of equations with any square matrix, by its factors L·U with exchanged rows.

use std::borrow::Cow;

use super::{fault, square, system};
use crate::numbers::kernel::linear_algebra as k;
use crate::ops::Op;
use crate::tape::List;
use crate::tape::describe::described;
use crate::tape::ids::EntryIndex;
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, MatrixMut, Scalar, Shape, Var};

/// The factors of A, n × (n + 1): L, U and which rows were exchanged. What is computed of them has A
/// as an operand too, and gives its derivative there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lu;

impl<T: Scalar> Operation<T> for Lu {
    fn name(&self) -> Cow<'_, str> {
        "lu".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        square(operands[0])?;
        match operands[0].rows {
            Dim::Fixed(n) => n
                .checked_add(1)
                .map(|columns| Shape::new(n, columns))
                .ok_or_else(|| Mismatch::new("the matrix is too large")),
            extent => Err(Mismatch::new(format!("{extent} is no fixed number of rows"))
                .hint("a symmetric positive definite one may be of the examples: see cholesky")),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let n = out.rows();
        k::lu(x.get(0).as_slice(), n, out.as_mut_slice())
            .map_err(|pivot| fault("the matrix is singular", pivot))
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.zero(0); // what reads the factors gives it to A itself
    }
    fn flops(&self, operands: &[(usize, usize)], _: (usize, usize)) -> u64 {
        2 * (operands[0].0 as u64).saturating_pow(3) / 3
    }
}

/// Whether an operation that has a matrix and its factors as operands has those of this matrix: a shape does not
/// tell it, and what is typed or read from a file may name any entry there.
pub(crate) fn has_its_factors<T: Scalar>(op: &Op<T>, operands: &[EntryIndex], list: &List<T>) -> bool {
    if !matches!(op, Op::Solve(_) | Op::LogDet(_)) {
        return true;
    }
    let (a, factors) = (operands[0], list.entry(operands[1]));
    matches!(factors.op, Op::Lu(_)) && factors.operands[0] == a
}

/// A⁻¹·B or A⁻ᵀ·B. The operands are A, its factors, and B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Solve {
    pub(crate) transposed: bool,
}

impl<T: Scalar> Operation<T> for Solve {
    fn name(&self) -> Cow<'_, str> {
        if self.transposed { "solve_transposed" } else { "solve" }.into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        system(operands[0], operands[2])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(2).as_slice());
        let n = out.rows();
        k::solve_lu(x.get(1).as_slice(), n, self.transposed, out.as_mut_slice());
        Ok(())
    }
    /// With X = A⁻¹·B: ∂/∂B = A⁻ᵀ·G =: H and ∂/∂A = −H·Xᵀ. With X = A⁻ᵀ·B: H = A⁻¹·G and −X·Hᵀ.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, factors, _] = at.operands();
        let (x, back) = (at.output(), Solve { transposed: !self.transposed });
        let solved = |g: Var<'t, T>| g.tape.push(back, &[a, factors, g]);
        at.contribute(0, |g| {
            let (left, right) = if self.transposed { (x, solved(g)) } else { (solved(g), x) };
            -left.matmul(right.t())
        });
        at.zero(1);
        at.contribute(2, solved);
    }
    /// Each column of X has one of B.
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        !operands[0].depends_on_m()
    }
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        2u64.saturating_mul(operands[0].0 as u64).saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
    }
}

/// ln |det A|. The operands are A and its factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LogDet;

impl<T: Scalar> Operation<T> for LogDet {
    fn name(&self) -> Cow<'_, str> {
        "log_det".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        square(operands[0])?;
        Ok(Shape::SCALAR)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let factors = x.get(1);
        let pivots = (0..factors.rows()).map(|k| factors.column(k)[k].abs().ln());
        out.as_mut_slice()[0] = pivots.sum();
        Ok(())
    }
    /// ∂/∂A: g · A⁻ᵀ.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, factors] = at.operands();
        at.contribute(0, |g| {
            let identity = g.tape.identity(a.known_shape().rows);
            g * g.tape.push(Solve { transposed: true }, &[a, factors, identity])
        });
        at.zero(1);
    }
}

described! {
    Lu [1] {}
    Solve [3] { transposed: "transposed" }
    LogDet [2] {}
}

/// # Linear algebra: any square matrix
impl<'t, T: Scalar> Var<'t, T> {
    /// X of A·X = B, for a square A, n × n. All that is solved with one A, its inverse and
    /// [`log_det`](Var::log_det), and their derivatives share one factorisation.
    ///
    /// A run fails where A is singular, with the pivot.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[0.0, 2.0], [4.0, 1.0]]);
    /// let b = tape.parameter("b", &matrix![[2.0], [9.0]]);
    /// assert_eq!(a.solve(b).value()?, matrix![[2.0], [1.0]]);
    /// assert_eq!(a.inverse().value()?, matrix![[-0.125, 0.25], [0.5, 0.0]]);
    /// assert_eq!(a.log_det().value()?[(0, 0)], 8f64.ln()); // of |−8|
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn solve(self, b: Self) -> Self {
        let factors = self.tape.push(Lu, &[self]);
        self.tape.push(Solve { transposed: false }, &[self, factors, b])
    }

    /// A⁻¹ of a square matrix. To solve a system of equations, [`solve`](Var::solve) is faster and
    /// more accurate.
    #[track_caller]
    pub fn inverse(self) -> Self {
        if self.is_void() { self } else { self.solve(self.tape.identity(self.known_shape().rows)) }
    }

    /// ln |det A| of a square matrix, 1 × 1.
    #[track_caller]
    pub fn log_det(self) -> Self {
        let factors = self.tape.push(Lu, &[self]);
        self.tape.push(LogDet, &[self, factors])
    }
}
