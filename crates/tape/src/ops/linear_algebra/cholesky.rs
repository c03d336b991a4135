//! The Cholesky factor of a symmetric positive definite matrix, systems of equations with a lower
//! triangle, and the triangle itself.

use std::borrow::Cow;

use super::{fault, square, system};
use crate::numbers::kernel::linear_algebra as k;
use crate::tape::describe::{described, words};
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape, Var};

/// L of (A + Aᵀ)/2 = L·Lᵀ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cholesky;

impl<T: Scalar> Operation<T> for Cholesky {
    fn name(&self) -> Cow<'_, str> {
        "cholesky".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        square(operands[0])?;
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let n = out.rows();
        k::cholesky(x.get(0).as_slice(), n, out.as_mut_slice())
            .map_err(|pivot| fault("the matrix is not positive definite", pivot))
    }
    /// With P = Φ(Lᵀ·G), Φ the lower triangle with half of its diagonal, and S = L⁻ᵀ·P·L⁻¹:
    /// ∂/∂A = (S + Sᵀ)/2 (Murray 2016, *Differentiation of the Cholesky decomposition*, eq. 10).
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let l = at.output();
        at.contribute(0, |g| {
            let p = l.t().matmul(g.lower_triangle()).triangle(Diagonal::Half);
            let s = l.solve_lower_transposed(l.solve_lower_transposed(p).t());
            (s + s.t()) * T::from_f64(0.5)
        });
    }
    fn flops(&self, operands: &[(usize, usize)], _: (usize, usize)) -> u64 {
        (operands[0].0 as u64).saturating_pow(3) / 3
    }
}

/// What a triangle has on its diagonal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Diagonal {
    Whole,
    Half,
}

/// The elements on and below the diagonal, zeros above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LowerTriangle {
    pub(crate) diagonal: Diagonal,
}

impl<T: Scalar> Operation<T> for LowerTriangle {
    fn name(&self) -> Cow<'_, str> {
        match self.diagonal {
            Diagonal::Whole => "lower_triangle",
            Diagonal::Half => "lower_triangle_of_half",
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            let (column, out) = (a.column(j), out.column_mut(j));
            let above = j.min(column.len());
            out[..above].fill(T::ZERO);
            out[above..].copy_from_slice(&column[above..]);
            if let (Diagonal::Half, Some(diagonal)) = (self.diagonal, out.get_mut(j)) {
                *diagonal *= T::from_f64(0.5);
            }
        }
        Ok(())
    }
    /// ∂/∂A: the same of G.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.triangle(self.diagonal));
    }
}

/// L⁻¹·B or L⁻ᵀ·B; of L the lower triangle is read. The operands are L and B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SolveLower {
    pub(crate) transposed: bool,
}

impl<T: Scalar> Operation<T> for SolveLower {
    fn name(&self) -> Cow<'_, str> {
        if self.transposed { "solve_lower_transposed" } else { "solve_lower" }.into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        system(operands[0], operands[1])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(1).as_slice());
        let n = out.rows();
        k::solve_lower(x.get(0).as_slice(), n, self.transposed, out.as_mut_slice())
            .map_err(|pivot| fault("the triangle is singular", pivot))
    }
    /// With X = L⁻¹·B: ∂/∂B = L⁻ᵀ·G =: H and ∂/∂L = −tril(H·Xᵀ). With X = L⁻ᵀ·B: H = L⁻¹·G and
    /// −tril(X·Hᵀ).
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [l, _] = at.operands();
        let (x, back) = (at.output(), SolveLower { transposed: !self.transposed });
        let solved = |g: Var<'t, T>| g.tape.push(back, &[l, g]);
        at.contribute(0, |g| {
            let (left, right) = if self.transposed { (x, solved(g)) } else { (solved(g), x) };
            -left.matmul(right.t()).lower_triangle()
        });
        at.contribute(1, solved);
    }
    /// Each column of X has one of B, if L has nothing of the examples.
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        !operands[0].depends_on_m()
    }
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        (operands[0].0 as u64).saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
    }
}

words!(Diagonal { Whole "whole", Half "half" });
described! {
    Cholesky [1] {}
    LowerTriangle [1] { diagonal: "diagonal" }
    SolveLower [2] { transposed: "transposed" }
}

/// # Linear algebra: symmetric positive definite matrices
impl<'t, T: Scalar> Var<'t, T> {
    /// The lower triangle L of L·Lᵀ = A, for a symmetric positive definite A; of another one, its
    /// symmetric part (A + Aᵀ)/2 counts.
    ///
    /// L is an entry that value and derivatives share: A⁻¹·b is
    /// `l.solve_lower_transposed(l.solve_lower(b))`, and ln det A is `l.diagonal().ln().sum() * 2.0`.
    ///
    /// A run fails where A is not positive definite, with the pivot.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[4.0, 2.0], [2.0, 5.0]]);
    /// let l = a.cholesky();
    /// assert_eq!(l.value()?, matrix![[2.0, 0.0], [1.0, 2.0]]);
    /// let not = tape.parameter("B", &matrix![[1.0, 2.0], [2.0, 1.0]]).cholesky().value();
    /// assert!(not.unwrap_err().to_string().contains("not positive definite: pivot 1 is -3"));
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn cholesky(self) -> Self {
        self.tape.push(Cholesky, &[self])
    }

    /// X of L·X = B, where L is the lower triangle of this matrix; what stands above it is not read.
    ///
    /// A run fails where an element of the diagonal is 0.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let l = tape.parameter("L", &matrix![[2.0, 0.0], [1.0, 4.0]]);
    /// let b = tape.parameter("b", &matrix![[2.0], [9.0]]);
    /// assert_eq!(l.solve_lower(b).value()?, matrix![[1.0], [2.0]]);
    /// assert_eq!(l.solve_lower_transposed(b).value()?, matrix![[-0.125], [2.25]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn solve_lower(self, b: Self) -> Self {
        self.tape.push(SolveLower { transposed: false }, &[self, b])
    }

    /// X of Lᵀ·X = B, where L is the lower triangle of this matrix.
    #[track_caller]
    pub fn solve_lower_transposed(self, b: Self) -> Self {
        self.tape.push(SolveLower { transposed: true }, &[self, b])
    }

    /// The elements on and below the diagonal, and zeros above it.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(a.lower_triangle().value()?, matrix![[1.0, 0.0], [3.0, 4.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn lower_triangle(self) -> Self {
        self.triangle(Diagonal::Whole)
    }

    #[track_caller]
    fn triangle(self, diagonal: Diagonal) -> Self {
        self.tape.push(LowerTriangle { diagonal }, &[self])
    }
}
