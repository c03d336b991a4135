//! The matrix product; transposes become flags of it.

use std::borrow::Cow;

use crate::kernel::product::{Beta, Epilogue, Order, product};
use crate::op::{Fault, Mismatch, Notation, Op, Operands, Operation};
use crate::vjp::Vjp;
use crate::{Dim, MatrixMut, Scalar, Shape, Var};

/// op(A) * op(B), where op transposes or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Matmul {
    pub(crate) left: bool,
    pub(crate) right: bool,
}

fn oriented(shape: Shape, transposed: bool) -> Shape {
    if transposed { shape.transposed() } else { shape }
}

impl Matmul {
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
            (Order::Free, x.threads),
            out,
        );
        Ok(())
    }
    /// With C = A * B: ∂/∂A = G * Bᵀ and ∂/∂B = Aᵀ * G; a transposed operand takes the transposed product.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        let (a_op, b_op) = (a.transposed_if(self.left), b.transposed_if(self.right));
        at.contribute(0, |g| g.matmul(b_op.t()).transposed_if(self.left));
        at.contribute(1, |g| a_op.t().matmul(g).transposed_if(self.right));
    }
    fn notation(&self) -> Notation {
        Notation::Product { left: self.left, right: self.right }
    }
    /// Column j of A * B needs column j of B alone, if A has nothing of the examples.
    fn keeps_columns_apart(&self, operands: &[Shape]) -> bool {
        !operands[0].depends_on_m() && !self.right
    }
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        let inner = if self.left { operands[0].0 } else { operands[0].1 };
        2u64.saturating_mul(inner as u64).saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
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
        let a = x.get(0);
        for j in 0..out.columns() {
            for (i, out) in out.column_mut(j).iter_mut().enumerate() {
                *out = a.column(i)[j];
            }
        }
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

impl<'t, T: Scalar> Var<'t, T> {
    /// The matrix product A * B.
    ///
    /// Transposes of the operands become flags of the product, so no transposed copy is made, and scalar factors move in
    /// front of it: (c·A) * B is recorded as c·(A * B).
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
        let (f, a) = self.split_factor();
        let (g, b) = other.split_factor();
        let (left, a) = a.untransposed();
        let (right, b) = b.untransposed();
        self.tape.push(Matmul { left, right }, &[a, b]).scaled(f).scaled(g)
    }

    /// The transpose Aᵀ.
    ///
    /// Nothing is recorded or copied for it where a product takes it up, and (A * B)ᵀ is recorded as Bᵀ * Aᵀ.
    #[track_caller]
    pub fn t(self) -> Self {
        if self.is_void() || self.known_shape().is_scalar() {
            return self;
        }
        if let (factor, Some(a)) = self.factored()
            && a.is_product()
        {
            return a.t().scaled(factor);
        }
        let product = self.inspect(|op, operands| match op {
            Op::Matmul(product) => Some((*product, self.sibling(operands[0]), self.sibling(operands[1]))),
            _ => None,
        });
        match (product.flatten(), self.untransposed()) {
            (Some((Matmul { left, right }, a, b)), _) => {
                self.tape.push(Matmul { left: !right, right: !left }, &[b, a])
            }
            (None, (true, a)) => a,
            (None, (false, a)) => a.flipped(),
        }
    }

    fn is_product(self) -> bool {
        self.inspect(|op, _| matches!(op, Op::Matmul(_))).unwrap_or(false)
    }

    fn transposed_if(self, transposed: bool) -> Self {
        if transposed { self.t() } else { self }
    }

    fn untransposed(self) -> (bool, Self) {
        if self.is_transposed() {
            return (true, self.flipped());
        }
        let operand = self.inspect(|op, operands| match op {
            Op::Transpose(_) => Some(operands[0]),
            _ => None,
        });
        match operand.flatten() {
            Some(id) => (true, self.sibling(id)),
            None => (false, self),
        }
    }
}
