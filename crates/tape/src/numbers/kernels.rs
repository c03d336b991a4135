//! The kernels that programs run on, for those who write a closed form by hand and want to compare
//! (feature `kernels`).
//!
//! They know numbers only. Every slice and matrix is the caller's; nothing is allocated.

use std::panic::Location;

pub use crate::numbers::aligned::Aligned;
use crate::numbers::kernel::log_loss::are_soft;
pub use crate::numbers::kernel::product::Epilogue;
use crate::numbers::kernel::{product as products, simd, threads};
use crate::{Error, MatrixMut, MatrixRef, Result, Scalar};

/// An operand of a [`Product`]: a matrix as it is stored, or its transpose.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a, T: Scalar> {
    matrix: MatrixRef<'a, T>,
    is_transposed: bool,
}

impl<'a, T: Scalar> Operand<'a, T> {
    /// The transpose of a matrix, which is read where it is.
    pub fn transposed(matrix: MatrixRef<'a, T>) -> Self {
        Operand { matrix, is_transposed: true }
    }
}

/// The matrix itself.
impl<'a, T: Scalar> From<MatrixRef<'a, T>> for Operand<'a, T> {
    fn from(matrix: MatrixRef<'a, T>) -> Self {
        Operand { matrix, is_transposed: false }
    }
}

/// A matrix product α · A * B, and what its [`Epilogue`] makes of it, to be written to a matrix or
/// added to one.
///
/// ```
/// use tape::kernels::{Epilogue, Operand, Product};
/// use tape::{Matrix, matrix};
/// let (w, x) = (matrix![[1.0, 2.0]], matrix![[3.0, 4.0], [5.0, 6.0]]);
/// let mut z = Matrix::zeros(1, 2);
/// let product = Product::new(w.view(), x.view()).epilogue(Epilogue::Bias(&[0.5]));
/// product.write_to(&mut z.view_mut()); // z = w * x + 0.5
/// assert_eq!(z, matrix![[13.5, 16.5]]);
/// let product = Product::new(w.view(), Operand::transposed(x.view())).scaled(10.0);
/// product.add_to(&mut z.view_mut()); // z = z + 10 · w * xᵀ
/// assert_eq!(z, matrix![[123.5, 186.5]]);
/// ```
#[must_use = "a product is computed where it is written or added to a matrix"]
#[derive(Debug, Clone, Copy)]
pub struct Product<'a, T: Scalar> {
    alpha: T,
    a: Operand<'a, T>,
    b: Operand<'a, T>,
    epilogue: Epilogue<'a, T>,
}

impl<'a, T: Scalar> Product<'a, T> {
    /// A * B.
    pub fn new(a: impl Into<Operand<'a, T>>, b: impl Into<Operand<'a, T>>) -> Self {
        Product { alpha: T::ONE, a: a.into(), b: b.into(), epilogue: Epilogue::None }
    }

    /// With a factor α, by which each sum is multiplied once.
    pub fn scaled(mut self, alpha: T) -> Self {
        self.alpha = alpha;
        self
    }

    /// With an operation on each element of the result before it is stored.
    pub fn epilogue(mut self, epilogue: Epilogue<'a, T>) -> Self {
        self.epilogue = epilogue;
        self
    }

    /// `out` = epilogue(α · A * B).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn write_to(self, out: &mut MatrixMut<'_, T>) {
        self.compute(products::Beta::Zero, out);
    }

    /// `out` = epilogue(`out` + α · A * B).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn add_to(self, out: &mut MatrixMut<'_, T>) {
        self.compute(products::Beta::One, out);
    }

    fn compute(self, beta: products::Beta, out: &mut MatrixMut<'_, T>) {
        let Product { alpha, a, b, epilogue } = self;
        let (a, b) = ((a.matrix, a.is_transposed), (b.matrix, b.is_transposed));
        products::product(alpha, a, b, (beta, epilogue), (products::Order::Free, 1), out);
    }
}

/// Runs a closure compiled for the best instruction set that the processor has.
///
/// Write it as `#[inline(always)] move || …`: what is not inlined is compiled for the baseline, and a
/// number that is borrowed from outside is read again for each element, as what is written might be
/// in its place, so that there are no vectors.
#[inline(always)]
pub fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    simd::vectorised(f)
}

/// The name of the instruction set that kernels run on: `"avx512"`, `"avx2"`, `"neon"`,
/// `"simd128"`, or `"baseline"` for what every processor of the architecture has. The best one that
/// the processor has, or the one that the environment variable `TAPE_SIMD` names.
///
/// # Errors
/// [`Error::InstructionSet`](crate::Error::InstructionSet) if the variable names one that the
/// processor does not have. Kernels run on the best one then, and no program compiles.
///
/// ```
/// let name = tape::kernels::instruction_set()?;
/// assert!(["avx512", "avx2", "neon", "simd128", "baseline"].contains(&name));
/// # Ok::<(), tape::Error>(())
/// ```
pub fn instruction_set() -> Result<&'static str> {
    simd::instruction_set()
}

/// The names of the instruction sets that this processor has, and kernels are compiled for, the
/// best one first.
pub fn instruction_sets() -> Vec<&'static str> {
    simd::instruction_sets().into_iter().map(|(name, _)| name).collect()
}

/// How many threads work together with the caller's: those of
/// [`Threads::install`](crate::Threads::install), or it alone.
pub fn threads() -> usize {
    threads::here()
}

pub use crate::numbers::kernel::divide::{Divide, among};

/// Does both, side by side if the caller's thread does not work [alone](threads()).
pub fn join<A: Send, B: Send>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B + Send) -> (A, B) {
    if threads::here() > 1 { threads::join(first, second) } else { (first(), second()) }
}

/// eˣ.
pub fn exp<T: Scalar>(x: &[T], out: &mut [T]) {
    T::exp_into(x, out);
}

/// tanh x.
pub fn tanh<T: Scalar>(x: &[T], out: &mut [T]) {
    T::tanh_into(x, out);
}

/// σ(x).
pub fn sigmoid<T: Scalar>(x: &[T], out: &mut [T]) {
    T::sigmoid_into(x, out);
}

/// σ(x) and σ′(x) from one exponential.
pub fn sigmoid_and_derivative<T: Scalar>(x: &[T], value: &mut [T], derivative: &mut [T]) {
    T::sigmoid_and_derivative_into(x, value, derivative);
}

/// tanh x and tanh′(x) from one exponential.
pub fn tanh_and_derivative<T: Scalar>(x: &[T], value: &mut [T], derivative: &mut [T]) {
    T::tanh_and_derivative_into(x, value, derivative);
}

/// The log-loss of σ(z) with labels y, elementwise, and its derivative σ(z) − y, from one
/// exponential.
///
/// # Errors
/// [`Error::Label`] for a label outside [0, 1], with its place as a row and that of the call.
#[track_caller]
pub fn log_loss_and_derivative<T: Scalar>(
    y: &[T],
    z: &[T],
    loss: &mut [T],
    derivative: &mut [T],
) -> Result<()> {
    let soft = are_soft(y).map_err(|(row, value)| Error::Label {
        operation: "log_loss",
        value,
        row,
        column: 0,
        labels: "y".into(),
        expected: "in [0, 1]",
        at: Location::caller(),
    })?;
    T::log_loss_and_derivative_into(y, z, soft, loss, derivative);
    Ok(())
}

/// Adds every column of a matrix to `sums`.
///
/// # Panics
/// If there is not a sum for each row.
pub fn add_columns<T: Scalar>(matrix: MatrixRef<'_, T>, sums: &mut [T]) {
    assert_eq!(sums.len(), matrix.rows(), "add_columns: a sum for each row");
    T::add_columns(matrix.as_slice(), matrix.rows(), 0, sums);
}

/// Σ x, in an order that depends on the length alone.
pub fn sum<T: Scalar>(x: &[T]) -> T {
    crate::numbers::kernel::functions::sum(x)
}
