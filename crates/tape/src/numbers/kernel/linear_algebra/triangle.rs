//! Systems of equations with a triangle.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling keep arrays of vectors in registers

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::BadPivot;
use crate::Scalar;
use crate::numbers::kernel::product::{Right, most_columns, sums};
use crate::numbers::kernel::simd::{Lanes, dispatch};
use crate::numbers::kernel::transpose::transpose;

/// Which triangle of a matrix a system of equations has, and whether its diagonal counts as ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Triangle {
    Lower,
    LowerOfOnes,
    Upper,
}

/// op(T)·X = B, where T is a triangle of an n × n matrix, and op the transpose or nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct System<'a, T> {
    pub(super) triangle: Triangle,
    pub(super) transposed: bool,
    /// The matrix from its first element on, and how far apart its columns are.
    pub(super) a: &'a [T],
    pub(super) stride: usize,
    pub(super) n: usize,
}

/// The most vectors of right sides that are solved for at a time.
const VECTORS: usize = 2;
/// The most lanes of them: 64 bytes of f32 each.
const MOST_LANES: usize = 16 * VECTORS;
/// The most unknowns of a block.
const MOST_UNKNOWNS: usize = 8;
/// The most unknowns whose part is summed before it is subtracted.
const DEPTH: usize = 512;

/// So many numbers of scratch memory are enough for n unknowns: up to a few thousand of them are
/// less than what is reserved for products.
pub(super) fn scratch_for(n: usize) -> usize {
    n.next_multiple_of(MOST_UNKNOWNS).saturating_mul(MOST_LANES + MOST_UNKNOWNS)
}

impl<T: Scalar> System<'_, T> {
    /// X in the place of B, of so many columns that are `stride` apart.
    pub(super) fn solve(self, (b, stride): (&mut [T], usize), columns: usize, scratch: &mut [T]) {
        if self.n > 0 && columns > 0 {
            dispatch(Solve { system: self, b, stride, columns, scratch });
        }
    }

    /// Whether the first unknown is known first.
    fn goes_forward(&self) -> bool {
        (self.triangle == Triangle::Upper) == self.transposed
    }

    /// op(T), at a row and a column.
    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> T {
        self.a[if self.transposed { row * self.stride + column } else { column * self.stride + row }]
    }

    /// What a block of C unknowns is solved with: row by row the negatives of op(T), and on the
    /// diagonal its elements. An unknown that there is not is divided by 1.
    #[inline(always)]
    fn square<const C: usize>(&self, first: usize) -> [[T; C]; C] {
        let mut square = [[T::ZERO; C]; C];
        let count = C.min(self.n - first);
        for i in 0..C {
            square[i][i] = T::ONE;
        }
        for i in 0..count {
            for k in 0..count {
                let is_known = if self.goes_forward() { k < i } else { k > i };
                if is_known {
                    square[i][k] = -self.at(first + i, first + k);
                }
            }
            if self.triangle != Triangle::LowerOfOnes {
                square[i][i] = self.at(first + i, first + i);
            }
        }
        square
    }
}

struct Solve<'b, 'a, T> {
    system: System<'a, T>,
    b: &'b mut [T],
    stride: usize,
    columns: usize,
    scratch: &'b mut [T],
}

impl<T: Scalar> WithSimd for Solve<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let most = most_columns::<S>();
        // What an instruction set has no tiles for is not compiled for it.
        match most {
            8 if most == 8 => in_blocks::<T, S, 8>(simd, self),
            6 if most == 6 => in_blocks::<T, S, 6>(simd, self),
            _ => in_blocks::<T, S, 4>(simd, self),
        }
    }
}

/// Solves for blocks of C unknowns.
///
/// Right sides lie in the lanes of vectors: they are copied to scratch memory row by row, where a
/// block of unknowns is a tile, and what is known is a packed left operand.
#[inline(always)]
fn in_blocks<T: Scalar, S: Simd, const C: usize>(simd: S, solve: Solve<'_, '_, T>) {
    let Solve { system, b, stride, columns, scratch } = solve;
    let (n, lanes) = (system.n, T::lanes::<S>());
    let rows = n.next_multiple_of(C);
    let (squares, x) = scratch.split_at_mut(rows * C);
    let squares = squares.as_chunks_mut::<C>().0.as_chunks_mut::<C>().0;
    for (block, square) in squares.iter_mut().enumerate() {
        *square = system.square(block * C);
    }
    for first in (0..columns).step_by(VECTORS * lanes) {
        let count = (columns - first).min(VECTORS * lanes);
        let width = if count > lanes { VECTORS * lanes } else { lanes };
        let x = &mut x[..rows * width];
        // What there is not costs nothing but if it is subnormal.
        if count < width {
            x.fill(T::ZERO);
        } else {
            x[n * width..].fill(T::ZERO);
        }
        let b = &mut b[first * stride..];
        transpose((b, stride), (count, n), (x, width));
        if width == VECTORS * lanes {
            in_lanes::<T, S, VECTORS, C>(simd, &system, squares, x);
        } else {
            in_lanes::<T, S, 1, C>(simd, &system, squares, x);
        }
        transpose((x, width), (n, count), (b, stride));
    }
}

/// Solves for all unknowns of V vectors of right sides, which are rows of x.
#[inline(always)]
fn in_lanes<T: Scalar, S: Simd, const V: usize, const C: usize>(
    simd: S,
    system: &System<'_, T>,
    squares: &[[[T; C]; C]],
    x: &mut [T],
) {
    let (n, width, forward) = (system.n, V * T::lanes::<S>(), system.goes_forward());
    let minus_one = T::splat(simd, -T::ONE);
    for step in 0..squares.len() {
        let block = if forward { step } else { squares.len() - 1 - step };
        let first = block * C;
        let mut unknowns = [[minus_one; V]; C];
        let rows = T::vectors::<S>(&x[first * width..][..C * width]).0.as_chunks::<V>().0;
        unknowns.copy_from_slice(&rows[..C]);
        let known = if forward { 0..first } else { n.min(first + C)..n };
        for begin in known.clone().step_by(DEPTH) {
            let part = begin..known.end.min(begin + DEPTH);
            let sums = contributions::<T, S, V, C>(simd, system, (first, part), x);
            for c in 0..C {
                for v in 0..V {
                    unknowns[c][v] = T::multiply_add(simd, sums[c][v], minus_one, unknowns[c][v]);
                }
            }
        }
        let has_ones = system.triangle == Triangle::LowerOfOnes;
        // Apart, so that all indices are known while compiling.
        if forward {
            eliminate::<T, S, V, C, true>(simd, &squares[block], has_ones, &mut unknowns);
        } else {
            eliminate::<T, S, V, C, false>(simd, &squares[block], has_ones, &mut unknowns);
        }
        let rows = T::vectors_mut::<S>(&mut x[first * width..][..C * width]).0.as_chunks_mut::<V>().0;
        rows[..C].copy_from_slice(&unknowns);
    }
}

/// What some known rows of x contribute to C equations, from the `first` on.
#[inline(always)]
fn contributions<T: Scalar, S: Simd, const V: usize, const C: usize>(
    simd: S,
    system: &System<'_, T>,
    (first, known): (usize, Range<usize>),
    x: &[T],
) -> [[T::Vector<S>; V]; C] {
    let (stride, width, last) = (system.stride, V * T::lanes::<S>(), system.n - 1 - first);
    // Equations that there are not are as the last one: what is computed of them is not read.
    let mut equations = [0; C];
    for c in 0..C {
        equations[c] = c.min(last);
    }
    let right = if system.transposed {
        let chosen = (last < C - 1).then_some(&equations[..]);
        Right { data: &system.a[first * stride + known.start..], stride, rows: false, chosen }
    } else {
        Right { data: &system.a[known.start * stride + first..], stride, rows: true, chosen: None }
    };
    sums::<T, S, V, C>(simd, known.len(), (&x[known.start * width..], width), right)
}

/// Solves for the unknowns of a block by those of them that are known first.
#[inline(always)]
fn eliminate<T: Scalar, S: Simd, const V: usize, const C: usize, const FORWARD: bool>(
    simd: S,
    square: &[[T; C]; C],
    has_ones: bool,
    unknowns: &mut [[T::Vector<S>; V]; C],
) {
    for step in 0..C {
        let c = if FORWARD { step } else { C - 1 - step };
        for k in 0..C {
            let k = if FORWARD { k } else { C - 1 - k };
            if if FORWARD { k < c } else { k > c } {
                let factor = T::splat(simd, square[c][k]);
                for v in 0..V {
                    unknowns[c][v] = T::multiply_add(simd, unknowns[k][v], factor, unknowns[c][v]);
                }
            }
        }
        if !has_ones {
            let divisor = T::splat(simd, square[c][c]);
            for v in 0..V {
                unknowns[c][v] = T::divide(simd, unknowns[c][v], divisor);
            }
        }
    }
}

/// Solves L·X = B, or Lᵀ·X = B, in the place of B; only the lower triangle of `a` is read.
pub(crate) fn solve_lower<T: Scalar>(
    a: &[T],
    n: usize,
    transposed: bool,
    b: &mut [T],
) -> Result<(), BadPivot<T>> {
    let zero = (0..n).find(|&k| a[k * n + k] == T::ZERO);
    if let Some(at) = zero {
        return Err(BadPivot { at, value: T::ZERO });
    }
    let system = System { triangle: Triangle::Lower, transposed, a, stride: n, n };
    let columns = columns_of(b.len(), n);
    with_scratch(scratch_for(n), |scratch| system.solve((b, n), columns, scratch));
    Ok(())
}

/// How many columns of n rows there are.
pub(super) fn columns_of(len: usize, n: usize) -> usize {
    len.checked_div(n).unwrap_or(0)
}

/// Lends so many numbers of the thread's scratch memory, or more.
pub(super) fn with_scratch<T: Lanes, R>(len: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    let mut scratch = T::scratch().take();
    scratch.grow(len, T::default()).expect("scratch memory for linear algebra");
    let done = work(&mut scratch);
    T::scratch().set(scratch);
    done
}
