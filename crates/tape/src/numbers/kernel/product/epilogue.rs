//! What becomes of an element of a product once its sum is complete, before it is stored: it saves
//! a pass over the output.

use crate::numbers::kernel::simd::{Lanes, load, vectorised};
use crate::numbers::kernel::vector_math::Real;
use pulp::Simd;

/// What becomes of β·`out` + α·op(a) * op(b) before it is stored. It rounds as an operation of its
/// own would.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(unreachable_pub)] // the feature `kernels` exports it
pub enum Epilogue<'a, T> {
    /// Nothing.
    None,
    /// A number for each row is added.
    Bias(&'a [T]),
    /// It is multiplied, elementwise, by a matrix of its shape.
    Multiply(&'a [T]),
}

impl<'a, T: Copy> Epilogue<'a, T> {
    /// Whether it is one of an output of this shape.
    pub(super) fn fits(self, rows: usize, columns: usize) -> bool {
        match self {
            Epilogue::None => true,
            Epilogue::Bias(bias) => bias.len() == rows,
            Epilogue::Multiply(by) => by.len() == rows * columns,
        }
    }

    /// That of the first columns of an output, which are so many elements, and that of the others.
    pub(super) fn cut(self, entries: usize) -> (Self, Self) {
        match self {
            Epilogue::None | Epilogue::Bias(_) => (self, self),
            Epilogue::Multiply(by) => {
                let (first, second) = by.split_at(entries);
                (Epilogue::Multiply(first), Epilogue::Multiply(second))
            }
        }
    }

    /// That of the output from an element on, which is in this row.
    #[inline(always)]
    pub(super) fn from(self, entry: usize, row: usize) -> Self {
        match self {
            Epilogue::None => self,
            Epilogue::Bias(bias) => Epilogue::Bias(&bias[row..]),
            Epilogue::Multiply(by) => Epilogue::Multiply(&by[entry..]),
        }
    }
}

impl<T: Lanes> Epilogue<'_, T> {
    /// A vector of `len` elements, or the PART of one, that begins with this element of the output,
    /// in this row.
    #[inline(always)]
    pub(super) fn vector<S: Simd, const PART: bool>(
        self,
        simd: S,
        x: T::Vector<S>,
        (entry, row, len): (usize, usize, usize),
    ) -> T::Vector<S> {
        match self {
            Epilogue::None => x,
            Epilogue::Bias(bias) => T::add_vectors(simd, x, load::<T, S, PART>(simd, &bias[row..row + len])),
            Epilogue::Multiply(by) => T::multiply(simd, x, load::<T, S, PART>(simd, &by[entry..entry + len])),
        }
    }
}

impl<T: Real> Epilogue<'_, T> {
    /// The columns of an output with M rows that is stored already.
    #[inline(always)]
    pub(super) fn columns<const M: usize>(self, out: &mut [[T; M]]) {
        match self {
            Epilogue::None => {}
            Epilogue::Bias(bias) => {
                let bias: &[T; M] = bias.first_chunk().expect("a number for each row");
                for column in out {
                    for i in 0..M {
                        column[i] = column[i] + bias[i];
                    }
                }
            }
            Epilogue::Multiply(by) => {
                for (column, by) in out.iter_mut().zip(by.as_chunks::<M>().0) {
                    for i in 0..M {
                        column[i] = column[i] * by[i];
                    }
                }
            }
        }
    }

    /// A whole output that is stored already.
    pub(super) fn apply(self, out: &mut [T]) {
        match self {
            Epilogue::None => {}
            Epilogue::Bias(&[b]) => vectorised(
                #[inline(always)]
                move || out.iter_mut().for_each(|out| *out = *out + b),
            ),
            Epilogue::Bias(bias) => vectorised(
                #[inline(always)]
                move || {
                    for column in out.chunks_exact_mut(bias.len()) {
                        for (out, &b) in column.iter_mut().zip(bias) {
                            *out = *out + b;
                        }
                    }
                },
            ),
            Epilogue::Multiply(by) => vectorised(
                #[inline(always)]
                move || {
                    for (out, &y) in out.iter_mut().zip(by) {
                        *out = *out * y;
                    }
                },
            ),
        }
    }
}
