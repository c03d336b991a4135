//! Reductions of columns that are short: windows of a pooling, or what a few features of each
//! example are added up to. As many columns as lanes are walked together, a number of each at a
//! time, in the order in which [`functions`](super::functions) reduce one.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling make vectors

use super::functions::{LANES, max, max_norm, min, sum};
use super::functions::{greater, greater_size, smaller};
use super::simd::vectorised;
use super::transpose::transpose;
use crate::Scalar;

/// Columns of so many rows have vectors of their own.
const LONG: usize = 2 * LANES;

/// A number of each of several columns.
type Row<T> = [T; LANES];

/// How numbers are reduced to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sum,
    Max,
    Min,
    MaxNorm,
}

/// Reduces each column of a matrix of so many rows.
pub(crate) fn reduce<T: Scalar>(kind: Kind, a: &[T], rows: usize, out: &mut [T]) {
    let is_short = rows > 0 && rows < LONG && out.len() >= LANES;
    match (kind, is_short) {
        (Kind::Sum, true) => together(a, rows, out, (T::ZERO, plus), in_halves),
        (Kind::Max, true) => {
            together(a, rows, out, (-T::INFINITY, greater), one_by_one(-T::INFINITY, greater))
        }
        (Kind::Min, true) => together(a, rows, out, (T::INFINITY, smaller), one_by_one(T::INFINITY, smaller)),
        (Kind::MaxNorm, true) => {
            together(a, rows, out, (T::ZERO, greater_size), one_by_one(T::ZERO, greater_size))
        }
        (Kind::Sum, false) => each(a, rows, out, sum),
        (Kind::Max, false) => each(a, rows, out, max),
        (Kind::Min, false) => each(a, rows, out, min),
        (Kind::MaxNorm, false) => each(a, rows, out, max_norm),
    }
}

/// One column after the other.
fn each<T: Scalar>(a: &[T], rows: usize, out: &mut [T], reduce: impl Fn(&[T]) -> T) {
    for (j, out) in out.iter_mut().enumerate() {
        *out = reduce(&a[j * rows..(j + 1) * rows]);
    }
}

/// As many columns as lanes: the numbers of each go to as many sums as there are lanes, in turns,
/// which are put together in the end.
#[inline(always)]
fn together<T: Scalar>(
    a: &[T],
    rows: usize,
    out: &mut [T],
    (start, with): (T, impl Fn(T, T) -> T),
    put_together: impl Fn([Row<T>; LANES]) -> Row<T>,
) {
    vectorised(
        #[inline(always)]
        move || {
            let mut numbers = [[T::ZERO; LANES]; LONG];
            for (out, a) in out.chunks_mut(LANES).zip(a.chunks(LANES * rows)) {
                transpose((a, rows), (out.len(), rows), (numbers.as_flattened_mut(), LANES));
                let mut sums = [[start; LANES]; LANES];
                for (i, numbers) in numbers[..rows].iter().enumerate() {
                    let sum = &mut sums[i % LANES];
                    for s in 0..LANES {
                        sum[s] = with(sum[s], numbers[s]);
                    }
                }
                out.copy_from_slice(&put_together(sums)[..out.len()]);
            }
        },
    );
}

#[inline(always)]
fn plus<T: Scalar>(x: T, y: T) -> T {
    x + y
}

#[inline(always)]
fn in_halves<T: Scalar>(mut sums: [Row<T>; LANES]) -> Row<T> {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            for s in 0..LANES {
                sums[i][s] += sums[i + width][s];
            }
        }
        width /= 2;
    }
    sums[0]
}

#[inline(always)]
fn one_by_one<T: Scalar>(start: T, with: impl Fn(T, T) -> T) -> impl Fn([Row<T>; LANES]) -> Row<T> {
    #[inline(always)]
    move |sums| {
        let mut all = [start; LANES];
        for sum in sums {
            for s in 0..LANES {
                all[s] = with(all[s], sum[s]);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Random;

    fn have_the_bits_of_one_after_the_other<T: Scalar>() {
        let mut random = Random::new(3);
        let odd = [0.0, -0.0, f64::INFINITY, -f64::INFINITY, f64::NAN, 1e-310, 1.0];
        for rows in [0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 25, 31, 32, 33] {
            for columns in [0, 1, 15, 16, 17, 31, 32, 50] {
                for odds in [0, 2, 8] {
                    let mut number = || match random.below(16) < odds {
                        true => odd[random.below(odd.len())],
                        false => random.between(-2.0, 2.0),
                    };
                    let a: Vec<T> = (0..rows * columns).map(|_| T::from_f64(number())).collect();
                    type Reduction<T> = fn(&[T]) -> T;
                    let reductions: [(Kind, Reduction<T>); 4] =
                        [(Kind::Sum, sum), (Kind::Max, max), (Kind::Min, min), (Kind::MaxNorm, max_norm)];
                    for (kind, one) in reductions {
                        let mut out = vec![T::ONE; columns];
                        reduce(kind, &a, rows, &mut out);
                        for (j, found) in out.into_iter().enumerate() {
                            let expected = one(&a[j * rows..(j + 1) * rows]);
                            let is_same =
                                found.bits() == expected.bits() || found.is_nan() && expected.is_nan();
                            assert!(is_same, "{kind:?} of {rows} × {columns}, {j}: {found}, not {expected}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn short_columns_have_the_bits_of_one_after_the_other_in_both_types() {
        have_the_bits_of_one_after_the_other::<f32>();
        have_the_bits_of_one_after_the_other::<f64>();
    }
}
