//! The kernels that programs run on, for those who write a closed form by hand and want to compare (feature `kernels`).
//!
//! They know numbers only. Every slice and matrix is the caller's; nothing is allocated.

pub use crate::numbers::aligned::Aligned;
pub use crate::numbers::kernel::product::Epilogue;
use crate::numbers::kernel::{product as products, simd, threads};
use crate::ops::Paired;
use crate::ops::log_loss::LogLossOnLogits;
use crate::{Fault, MatrixMut, MatrixRef, Scalar};

/// `out` = α · op(A) * op(B), or that added to `out`, and what the epilogue makes of it; op transposes where the flag says so.
///
/// # Panics
/// If the shapes do not fit.
pub fn product<T: Scalar>(
    alpha: T,
    a: (MatrixRef<'_, T>, bool),
    b: (MatrixRef<'_, T>, bool),
    (accumulate, epilogue): (bool, Epilogue<'_, T>),
    out: &mut MatrixMut<'_, T>,
) {
    let beta = if accumulate { products::Beta::One } else { products::Beta::Zero };
    products::product(alpha, a, b, (beta, epilogue), (products::Order::Free, 1), out);
}

/// Runs a closure compiled for the best instruction set that the processor has.
///
/// Write it as `#[inline(always)] || …`: what is not inlined is compiled for the baseline.
#[inline(always)]
pub fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    simd::vectorised(f)
}

/// How many threads work together with the caller's: those of [`Threads::install`](crate::Threads::install), or it alone.
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

/// The log-loss of σ(z) with labels y, entry by entry, and its derivative σ(z) − y, from one exponential.
///
/// # Errors
/// [`Fault::Label`] for a label outside [0, 1].
pub fn log_loss_and_derivative<T: Scalar>(
    y: &[T],
    z: &[T],
    loss: &mut [T],
    derivative: &mut [T],
) -> Result<(), Fault> {
    LogLossOnLogits.block_with_derivative(&[y, z], loss, derivative)
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
