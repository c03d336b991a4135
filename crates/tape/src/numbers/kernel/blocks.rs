//! Blocks of columns that stand side by side: products and transposes of each.

use super::divide::{Divide, among};
use super::product::{Beta, Epilogue, Order, product as whole_product};
use super::transpose::transpose as transposed_part;
use crate::{MatrixMut, MatrixRef, Scalar};

/// The transpose of each block, rows × k, as k × rows; `out` has k rows.
pub(crate) fn transpose<T: Scalar>(a: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
    let (rows, k) = (a.rows(), out.rows());
    let len = rows * k;
    if len == 0 {
        return;
    }
    for (block, out) in a.as_slice().chunks_exact(len).zip(out.as_mut_slice().chunks_exact_mut(len)) {
        transposed_part((block, rows), (k, rows), (out, k));
    }
}

/// Blocks of products, on the threads that have them.
struct Products<'a, T: Scalar> {
    count: usize,
    a: (&'a [T], (usize, usize), bool),
    b: (&'a [T], (usize, usize), bool),
    out: (&'a mut [T], (usize, usize)),
    flops: usize,
}

/// Fewer floating-point operations are not worth a second thread.
const LEAST_FLOPS: usize = 400_000;

impl<T: Scalar> Divide for Products<'_, T> {
    type Done = ();

    fn count(&self) -> usize {
        self.count
    }
    fn is_worth_sharing(&self) -> bool {
        self.count.saturating_mul(self.flops) > LEAST_FLOPS
    }
    fn cut(self, count: usize, _: usize) -> (Self, Self) {
        let len = |(rows, columns): (usize, usize)| rows * columns * count;
        let (a, other_a) = self.a.0.split_at(len(self.a.1));
        let (b, other_b) = self.b.0.split_at(len(self.b.1));
        let (out, other_out) = self.out.0.split_at_mut(len(self.out.1));
        let with = |count, a, b, out| Products {
            count,
            a: (a, self.a.1, self.a.2),
            b: (b, self.b.1, self.b.2),
            out: (out, self.out.1),
            flops: self.flops,
        };
        (with(count, a, b, out), with(self.count - count, other_a, other_b, other_out))
    }
    fn run(self) {
        let len = |(rows, columns): (usize, usize)| rows * columns;
        for i in 0..self.count {
            let of = |(data, shape, flag): (_, (usize, usize), bool)| {
                let data: &[T] = data;
                let block = &data[i * len(shape)..][..len(shape)];
                (MatrixRef::of_cut(shape.0, shape.1, block), flag)
            };
            let shape = self.out.1;
            let block = &mut self.out.0[i * len(shape)..][..len(shape)];
            let mut out = MatrixMut::of_cut(shape.0, shape.1, block);
            let last = (Beta::Zero, Epilogue::None);
            whole_product(T::ONE, of(self.a), of(self.b), last, (Order::Free, 1), &mut out);
        }
    }
    fn both((): (), (): ()) {}
}

/// op(Aᵢ) * op(Bᵢ) for every block i, where op is the transpose if the flag beside the operand is
/// set. Each is a [product](whole_product) of its own: its bits depend on its block alone.
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn product<T: Scalar>(
    (a, left): (MatrixRef<'_, T>, bool),
    (b, right): (MatrixRef<'_, T>, bool),
    threads: usize,
    out: &mut MatrixMut<'_, T>,
) {
    if out.as_slice().is_empty() {
        return;
    }
    // Of one of the three, the columns of a block are known: they are rows of another one.
    let count = match (left, right) {
        (_, true) => out.columns() / b.rows(),
        (true, false) => a.columns() / out.rows(),
        (false, false) if b.rows() == 0 => return out.as_mut_slice().fill(T::ZERO),
        (false, false) => a.columns() / b.rows(),
    };
    let block = |rows: usize, columns: usize| (rows, columns / count);
    let (shape_of_a, shape_of_b) = (block(a.rows(), a.columns()), block(b.rows(), b.columns()));
    let shape_of_out = block(out.rows(), out.columns());
    let inner = if left { shape_of_a.0 } else { shape_of_a.1 };
    let flops = 2 * inner * shape_of_out.0 * shape_of_out.1;
    let products = Products {
        count,
        a: (a.as_slice(), shape_of_a, left),
        b: (b.as_slice(), shape_of_b, right),
        out: (out.as_mut_slice(), shape_of_out),
        flops,
    };
    if threads == 1 { products.run() } else { among(products, threads) }
}
