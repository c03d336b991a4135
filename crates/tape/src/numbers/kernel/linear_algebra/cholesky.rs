//! The Cholesky factor of a symmetric positive definite matrix.

use super::triangle::with_scratch;
use super::{BadPivot, NARROW, subtract_columns};
use crate::Scalar;
use crate::numbers::kernel::product::{Part, SCRATCH_TO_SUBTRACT, subtract};
use crate::numbers::kernel::simd::{Loops, run};
use crate::numbers::kernel::transpose::transpose;

/// Columns that learn of all before them in one product, and then by [`NARROW`] ones of each other.
const WIDE: usize = 64;

/// The factor L of A = L·Lᵀ, of the symmetric part (A + Aᵀ)/2; above its diagonal are zeros.
pub(crate) fn cholesky<T: Scalar>(a: &[T], n: usize, out: &mut [T]) -> Result<(), BadPivot<T>> {
    if n == 0 {
        return Ok(());
    }
    run(Symmetric { a, n, out });
    with_scratch(SCRATCH_TO_SUBTRACT, |scratch| {
        for wide in (0..n).step_by(WIDE) {
            let (left, columns) = out.split_at_mut(wide * n);
            let columns = &mut columns[..WIDE.min(n - wide) * n];
            subtract_products(left, n, wide, columns, scratch);
            let count = columns.len() / n;
            for narrow in (0..count).step_by(NARROW) {
                let (left, columns) = columns.split_at_mut(narrow * n);
                let columns = &mut columns[..NARROW.min(count - narrow) * n];
                let first = wide + narrow;
                subtract_products(left, n, first, columns, scratch);
                run(Narrow { columns, n, first })?;
            }
        }
        Ok(())
    })
}

/// `columns` − L·Lᵀ in their place, where L is all columns on the left, from row `first` on; the
/// first of these columns has its diagonal there.
fn subtract_products<T: Scalar>(left: &[T], n: usize, first: usize, columns: &mut [T], scratch: &mut [T]) {
    if left.is_empty() {
        return;
    }
    let l = |transposed: bool| Part { data: &left[first..], stride: n, transposed };
    let shape = (n - first, columns.len() / n, left.len() / n);
    subtract(l(false), l(true), shape, (&mut columns[first..], n), scratch);
}

/// (A + Aᵀ)/2.
struct Symmetric<'a, T> {
    a: &'a [T],
    n: usize,
    out: &'a mut [T],
}

impl<T: Scalar> Loops for Symmetric<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        let Symmetric { a, n, out } = self;
        let half = T::from_f64(0.5);
        transpose((a, n), (n, n), (out, n));
        for (out, &a) in out.iter_mut().zip(a) {
            // Halved first, so that no sum overflows.
            *out = half * a + half * *out;
        }
    }
}

/// A few columns of n rows, the first of which has its diagonal in row `first`: all before them are
/// subtracted already.
struct Narrow<'a, T> {
    columns: &'a mut [T],
    n: usize,
    first: usize,
}

impl<T: Scalar> Loops for Narrow<'_, T> {
    type Output = Result<(), BadPivot<T>>;

    #[inline(always)]
    fn run<const F: bool>(self) -> Self::Output {
        let Narrow { columns, n, first } = self;
        for c in 0..columns.len() / n {
            let (left, right) = columns.split_at_mut(c * n);
            let (column, at) = (&mut right[..n], first + c);
            subtract_columns::<T, F>(
                left,
                at,
                #[inline(always)]
                |k| left[k * n + at],
                column,
            );
            let value = column[at];
            if !(value > T::ZERO && value.is_finite()) {
                return Err(BadPivot { at, value });
            }
            let root = value.sqrt();
            column[at..].iter_mut().for_each(
                #[inline(always)]
                |x| *x /= root,
            );
            column[..at].fill(T::ZERO);
        }
        Ok(())
    }
}
