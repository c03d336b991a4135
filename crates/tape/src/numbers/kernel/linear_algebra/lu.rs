//! Factors of any square matrix, with rows exchanged, and systems of equations by them.

use super::triangle::{System, Triangle, columns_of, scratch_for, with_scratch};
use super::{BadPivot, NARROW, subtract_columns};
use crate::Scalar;
use crate::numbers::kernel::product::{Part, SCRATCH_TO_SUBTRACT, subtract};
use crate::numbers::kernel::simd::{Loops, run};

/// Columns that learn at a time of those on their left.
const TOGETHER: usize = 64;

/// P·A = L·U with rows exchanged for the greatest pivots: L below the diagonal, U on and above it,
/// and in a last column the row that each row was exchanged with. `out` is n × (n + 1).
pub(crate) fn lu<T: Scalar>(a: &[T], n: usize, out: &mut [T]) -> Result<(), BadPivot<T>> {
    if n == 0 {
        return Ok(());
    }
    let (factors, exchanged) = out.split_at_mut(n * n);
    factors.copy_from_slice(a);
    let half = n / 2 + NARROW;
    let len = half * TOGETHER + scratch_for(half).max(SCRATCH_TO_SUBTRACT);
    with_scratch(len, |scratch| factorise(factors, (n, 0), exchanged, scratch))
}

/// Factorises some columns of n rows, from row `first` on, where the first of them has its
/// diagonal: the left half, then the right one, which learns of it (Toledo 1997, *Locality of
/// reference in LU decomposition with partial pivoting*).
fn factorise<T: Scalar>(
    columns: &mut [T],
    (n, first): (usize, usize),
    exchanged: &mut [T],
    scratch: &mut [T],
) -> Result<(), BadPivot<T>> {
    let count = columns.len() / n;
    if count <= NARROW {
        return run(Narrow { columns, n, first, exchanged });
    }
    let half = (count / 2).next_multiple_of(NARROW);
    let (left, right) = columns.split_at_mut(half * n);
    let (of_left, of_right) = exchanged.split_at_mut(half);
    factorise(left, (n, first), of_left, scratch)?;
    exchange(right, (n, first), of_left);
    for columns in right.chunks_mut(TOGETHER * n) {
        learn(left, (n, first), columns, scratch);
    }
    factorise(right, (n, first + half), of_right, scratch)?;
    exchange(left, (n, first + half), of_right);
    Ok(())
}

/// Exchanges the rows of some columns, from row `first` on.
fn exchange<T: Scalar>(columns: &mut [T], (n, first): (usize, usize), exchanged: &[T]) {
    for (part, exchanged) in exchanged.chunks(PLACES).enumerate() {
        let (first, places) = (first + part * PLACES, places(exchanged));
        for column in columns.chunks_exact_mut(n) {
            for (k, &row) in places[..exchanged.len()].iter().enumerate() {
                column.swap(first + k, row);
            }
        }
    }
}

/// Exchanges the rows of some columns back.
fn exchange_back<T: Scalar>(columns: &mut [T], n: usize, exchanged: &[T]) {
    for (part, exchanged) in exchanged.chunks(PLACES).enumerate().rev() {
        let (first, places) = (part * PLACES, places(exchanged));
        for column in columns.chunks_exact_mut(n) {
            for (k, &row) in places[..exchanged.len()].iter().enumerate().rev() {
                column.swap(first + k, row);
            }
        }
    }
}

/// Exchanges that are read from a list of numbers at a time.
const PLACES: usize = 64;

fn places<T: Scalar>(exchanged: &[T]) -> [usize; PLACES] {
    let mut places = [0; PLACES];
    for (to, &row) in places.iter_mut().zip(exchanged) {
        *to = place(row);
    }
    places
}

/// Columns of U, L⁻¹·A, in the place of A, and in the rows below it A − L·U.
fn learn<T: Scalar>(left: &[T], (n, first): (usize, usize), columns: &mut [T], scratch: &mut [T]) {
    let (known, count) = (left.len() / n, columns.len() / n);
    let l =
        System { triangle: Triangle::LowerOfOnes, transposed: false, a: &left[first..], stride: n, n: known };
    let (u, scratch) = scratch.split_at_mut(known * count);
    l.solve((&mut columns[first..], n), count, scratch);
    for (u, column) in u.chunks_exact_mut(known).zip(columns.chunks_exact(n)) {
        u.copy_from_slice(&column[first..first + known]);
    }
    let below = first + known;
    let l = Part { data: &left[below..], stride: n, transposed: false };
    let u = Part { data: u, stride: known, transposed: false };
    subtract(l, u, (n - below, count, known), (&mut columns[below..], n), scratch);
}

/// A few columns of n rows, from row `first` on, where the first of them has its diagonal.
struct Narrow<'a, T> {
    columns: &'a mut [T],
    n: usize,
    first: usize,
    exchanged: &'a mut [T],
}

impl<T: Scalar> Loops for Narrow<'_, T> {
    type Output = Result<(), BadPivot<T>>;

    #[inline(always)]
    fn run<const F: bool>(self) -> Self::Output {
        let Narrow { columns, n, first, exchanged } = self;
        for c in 0..columns.len() / n {
            let (left, right) = columns.split_at_mut(c * n);
            let (column, at) = (&mut right[..n], first + c);
            for (k, &row) in exchanged[..c].iter().enumerate() {
                column.swap(first + k, place(row));
            }
            for k in 0..c {
                let (row, below) = (first + k, first + k + 1);
                let factor = column[row];
                subtract_columns::<T, F>(
                    &left[k * n..(k + 1) * n],
                    below,
                    #[inline(always)]
                    |_| factor,
                    column,
                );
            }
            let pivot = at + place_of_greatest(&column[at..]);
            let value = column[pivot];
            if value == T::ZERO || !value.is_finite() {
                return Err(BadPivot { at, value });
            }
            exchanged[c] = T::from_usize(pivot);
            column.swap(at, pivot);
            column[at + 1..].iter_mut().for_each(
                #[inline(always)]
                |x| *x /= value,
            );
            for column in left.chunks_exact_mut(n) {
                column.swap(at, pivot);
            }
        }
        Ok(())
    }
}

/// Where the first of the greatest magnitudes is; 0 if the first number is NaN, and others are
/// passed over.
#[inline(always)]
fn place_of_greatest<T: Scalar>(x: &[T]) -> usize {
    const LANES: usize = 16;
    let mut most = [x[0].magnitude(); LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            let x = chunk[i].magnitude();
            most[i] = if x > most[i] { x } else { most[i] };
        }
    }
    for (most, &x) in most.iter_mut().zip(rest) {
        *most = if x.magnitude() > *most { x.magnitude() } else { *most };
    }
    let mut greatest = most[0];
    for most in most {
        greatest = if most > greatest { most } else { greatest };
    }
    x.iter()
        .position(
            #[inline(always)]
            |x| x.magnitude() == greatest,
        )
        .unwrap_or(0)
}

/// The row that a number of [`lu`]'s last column names.
fn place<T: Scalar>(row: T) -> usize {
    row.to_f64() as usize
}

/// Solves A·X = B, or Aᵀ·X = B, in the place of B, where `factors` is what [`lu`] made of A.
pub(crate) fn solve_lu<T: Scalar>(factors: &[T], n: usize, transposed: bool, b: &mut [T]) {
    if n == 0 {
        return;
    }
    let (a, exchanged) = factors.split_at(n * n);
    let columns = columns_of(b.len(), n);
    let [l, u] = [Triangle::LowerOfOnes, Triangle::Upper].map(|triangle| System {
        triangle,
        transposed,
        a,
        stride: n,
        n,
    });
    with_scratch(scratch_for(n), |scratch| {
        if transposed {
            u.solve((&mut *b, n), columns, scratch);
            l.solve((&mut *b, n), columns, scratch);
            exchange_back(b, n, exchanged);
        } else {
            exchange(b, (n, 0), exchanged);
            l.solve((&mut *b, n), columns, scratch);
            u.solve((&mut *b, n), columns, scratch);
        }
    });
}
