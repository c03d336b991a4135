//! Reductions of columns that are short: windows of a pooling, or what a few features of each
//! example are added up to. As many columns as lanes are walked together, a number of each at a
//! time, in the order in which [`functions`](super::functions) reduce one.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling make vectors

use super::functions::{LANES, folded, sum};
use super::simd::vectorised;
use super::transpose::transpose;
use crate::Scalar;

/// Columns of so many rows have vectors of their own.
const LONG: usize = 2 * LANES;

/// A number of each of several columns.
type Row<T> = [T; LANES];

/// Whether so many columns of so many rows are walked together.
fn are_short(rows: usize, columns: usize) -> bool {
    rows > 0 && rows < LONG && columns >= LANES
}

/// Σ of each column of a matrix of so many rows.
pub(crate) fn sums<T: Scalar>(a: &[T], rows: usize, out: &mut [T]) {
    match are_short(rows, out.len()) {
        true => together(a, rows, out, (T::ZERO, plus), in_halves),
        false => each(a, rows, out, sum),
    }
}

/// What is left of two numbers, of one after the other of each column.
pub(crate) fn extremes<T: Scalar>(
    a: &[T],
    rows: usize,
    out: &mut [T],
    start: T,
    of_two: impl Fn(T, T) -> T + Copy,
) {
    match are_short(rows, out.len()) {
        true => together(a, rows, out, (start, of_two), one_by_one(start, of_two)),
        false => each(a, rows, out, |x| folded(x, start, of_two)),
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
    use crate::numbers::kernel::functions::{greater, greater_size, smaller};

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
                    let is_same = |found: T, expected: T| {
                        found.bits() == expected.bits() || found.is_nan() && expected.is_nan()
                    };
                    type OfTwo<T> = fn(T, T) -> T;
                    let extremes_of: [(T, OfTwo<T>); 3] =
                        [(-T::INFINITY, greater), (T::INFINITY, smaller), (T::ZERO, greater_size)];
                    let column = |j: usize| &a[j * rows..(j + 1) * rows];
                    let mut out = vec![T::ONE; columns];
                    sums(&a, rows, &mut out);
                    for (j, &found) in out.iter().enumerate() {
                        let expected = sum(column(j));
                        assert!(
                            is_same(found, expected),
                            "Σ of {rows} × {columns}, {j}: {found}, not {expected}"
                        );
                    }
                    for (start, of_two) in extremes_of {
                        extremes(&a, rows, &mut out, start, of_two);
                        for (j, &found) in out.iter().enumerate() {
                            let expected = folded(column(j), start, of_two);
                            assert!(
                                is_same(found, expected),
                                "from {start} of {rows} × {columns}, {j}: {found}, not {expected}"
                            );
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
