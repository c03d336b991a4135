//! Products with one row.

use super::{Beta, Product};
use crate::kernel::simd::Lanes;
use pulp::Simd;

/// One row times a matrix. α is applied to the finished sum.
#[inline(always)]
pub(super) fn product<T: Lanes, S: Simd>(simd: S, p: Product<'_, T>) {
    let zero = T::default();
    let accumulate = p.beta == Beta::One;
    let a = p.a.data;
    for (j, out) in p.out.iter_mut().enumerate() {
        let mut sum = zero;
        if p.b.transposed {
            for (q, &a) in a.iter().enumerate() {
                sum = sum + a * p.b.data[q * p.n + j];
            }
        } else {
            sum = dot(simd, a, &p.b.data[j * p.inner..][..p.inner]);
        }
        let x = p.alpha * sum;
        *out = if accumulate { *out + x } else { x };
    }
}

#[inline(always)]
fn dot<T: Lanes, S: Simd>(simd: S, a: &[T], b: &[T]) -> T {
    let ((a, a_rest), (b, b_rest)) = (T::vectors::<S>(a), T::vectors::<S>(b));
    let mut sum = T::splat(simd, T::default());
    for (&a, &b) in a.iter().zip(b) {
        sum = T::multiply_add(simd, a, b, sum);
    }
    let mut sum = T::sum_lanes(simd, sum);
    for (&a, &b) in a_rest.iter().zip(b_rest) {
        sum = sum + a * b;
    }
    sum
}
