//! The matrix product and the transpose.

use std::borrow::Cow;

use crate::numbers::kernel::product::{Beta, Epilogue, Order, ROWS_FOR_SELECTION, product};
use crate::numbers::kernel::transpose::transpose;
use crate::tape::describe::{Described, Given, Parameters, described};
use crate::tape::notation::Notation;
use crate::tape::operation::{Contraction, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, MatrixMut, Scalar, Shape, Var};

/// op(A) * op(B), where op transposes or not; a tape has the plain product, and programs turn
/// transposed operands into flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Matmul {
    pub(crate) left: bool,
    pub(crate) right: bool,
}

fn oriented(shape: Shape, transposed: bool) -> Shape {
    if transposed { shape.transposed() } else { shape }
}

impl Matmul {
    /// As a tape records it.
    pub(crate) const PLAIN: Matmul = Matmul { left: false, right: false };

    /// Whether the kernel can read chosen columns of the right operand from where they are, the
    /// left one having this shape.
    pub(crate) fn reads_selections(&self, left: Shape) -> bool {
        let rows = oriented(left, self.left).rows;
        matches!(rows, Dim::Fixed(rows) if rows >= ROWS_FOR_SELECTION)
    }

    fn oriented(&self, operands: &[Shape]) -> (Shape, Shape) {
        (oriented(operands[0], self.left), oriented(operands[1], self.right))
    }
}

impl<T: Scalar> Operation<T> for Matmul {
    fn name(&self) -> Cow<'_, str> {
        "matmul".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let (a, b) = self.oriented(operands);
        if a.columns == b.rows {
            return Ok(Shape { rows: a.rows, columns: b.columns });
        }
        let flags = match (self.left, self.right) {
            (false, false) => "",
            (true, false) => " (the left one is transposed)",
            (false, true) => " (the right one is transposed)",
            (true, true) => " (both are transposed)",
        };
        let mismatch = Mismatch::new(format!("inner dimensions differ{flags}"));
        Err(if b.columns == Dim::M || a.columns == Dim::M {
            mismatch.hint("did you mean its transpose? examples are columns")
        } else if a.rows == b.rows || a.columns == b.columns {
            mismatch.hint("did you mean a transpose?")
        } else {
            mismatch
        })
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        product(
            T::ONE,
            (x.get(0), self.left),
            (x.selection(1), self.right),
            (Beta::Zero, Epilogue::None),
            (Order::Free, x.threads()),
            out,
        );
        Ok(())
    }
    /// With C = A * B: ∂/∂A = G * Bᵀ and ∂/∂B = Aᵀ * G.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        debug_assert_eq!(*self, Matmul::PLAIN, "only programs have flags");
        let [a, b] = at.operands();
        at.contribute(0, |g| g.matmul(b.t()));
        at.contribute(1, |g| a.t().matmul(g));
    }
    fn notation(&self) -> Notation {
        Notation::Product { left: self.left, right: self.right }
    }
    /// Column j of A * B needs column j of B alone, if A has nothing of the examples.
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        !operands[0].depends_on_m() && !self.right
    }
    fn contraction(&self) -> Option<&dyn Contraction<T>> {
        (*self == Matmul { left: false, right: true }).then_some(self)
    }
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        let inner = if self.left { operands[0].0 } else { operands[0].1 };
        2u64.saturating_mul(inner as u64).saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
    }
}

/// As a tape has it.
impl<T: Scalar> Described<T> for Matmul {
    fn parameters(&self) -> Parameters<T> {
        Vec::new()
    }
    fn of_parameters(_: &mut Given<T>) -> Result<Self, String> {
        Ok(Matmul::PLAIN)
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 2
    }
}

/// D * Aᵀ, as in eq. 26: a sum over the examples where both have them as columns.
impl<T: Scalar> Contraction<T> for Matmul {
    fn accumulate(&self, x: &Operands<'_, T>, alpha: T, begins: bool, out: &mut MatrixMut<'_, T>) {
        let beta = if begins { Beta::Zero } else { Beta::One };
        let (a, b) = ((x.get(0), self.left), (x.selection(1), self.right));
        product(alpha, a, b, (beta, Epilogue::None), (Order::Units, x.threads()), out);
    }
}

/// Aᵀ, where no product absorbs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Transpose;

impl<T: Scalar> Operation<T> for Transpose {
    fn name(&self) -> Cow<'_, str> {
        "transpose".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0].transposed())
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let (a, (rows, columns)) = (x.get(0), x.get(0).shape());
        transpose((a.as_slice(), rows), (columns, rows), (out.as_mut_slice(), columns));
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute_lazily(0, |g| g.t()); // ∂/∂A: Gᵀ
    }
    fn notation(&self) -> Notation {
        Notation::Transpose
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

described!(Transpose [1] {});

/// # Products and transposes
impl<'t, T: Scalar> Var<'t, T> {
    /// The matrix product A * B.
    ///
    /// Programs read transposed operands where they are, so no transposed copy is made.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.constant("a", &matrix![[1.0, 2.0]]);
    /// let outer = a.t().matmul(a);
    /// assert_eq!(outer.value()?, matrix![[1.0, 2.0], [2.0, 4.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn matmul(self, other: Self) -> Self {
        self.tape.push(Matmul::PLAIN, &[self, other])
    }

    /// The transpose Aᵀ, an entry of its own: (Aᵀ)ᵀ has the value of A, and is another entry.
    #[track_caller]
    pub fn t(self) -> Self {
        self.tape.push(Transpose, &[self])
    }
}
