//! Matrix products: α·op(a) * op(b), written over or added to the output.
//!
//! Entry (i, j) is computed in an order that depends on the inner dimension alone, or, if op(a) is
//! one row, on the inner dimension and on whether b is transposed: never on the number of columns.
//! So a product gives the same bits whether it is computed whole or in blocks of columns, by one
//! thread or by several.
//!
//! Long inner dimensions are summed in blocks of some hundred to some thousand products, and the
//! blocks one after the other. Of 10⁷ products 0.1·1 in f32 the sum is up to 2e-4 off [measured],
//! where one after the other they are 6e-3 to 2e-2 off.

mod blocks;
mod epilogue;
mod outer;
mod pack;
mod row;
mod selection;
mod small;
mod store;
mod tile;

#[cfg(test)]
mod tests;

use std::collections::TryReserveError;
use std::ops::Range;

#[allow(unreachable_pub)] // the feature `kernels` exports it
pub use epilogue::Epilogue;
pub(crate) use selection::Selection;
pub(in crate::numbers::kernel) use tile::{Right, most_columns, sums};

use super::divide::{Divide, among};
use super::simd::{dispatch, run};
use super::vector_math::Real;
use crate::{MatrixMut, MatrixRef, Scalar};

/// What the output is multiplied by before the product is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beta {
    /// The output is overwritten, whatever it held.
    Zero,
    /// The product is added to the output.
    One,
}

/// Products with fewer rows read all of the right operand where it is, as one piece.
pub(crate) const ROWS_FOR_SELECTION: usize = small::ROWS + 1;

/// How a long inner dimension is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// In slabs of one length, as long as the caches like them.
    Free,
    /// In slabs of [`UNIT`], each added to the output: a product gives the same bits as several
    /// that each have some of the slabs, whether these add to one output, one after the other, or
    /// are added up afterwards.
    Units,
}

/// The length of a slab whose sum is added to the output as a whole.
pub(crate) const UNIT: usize = 256;

/// The same where a single row is multiplied by a transposed matrix in free order.
const SLAB: usize = 4096;

/// `out` = α·op(a) * op(b) + β·`out`, where op is the transpose if the flag beside the operand is
/// set, else the operand, and what the epilogue makes of that. α times a sum is rounded before it
/// is added.
///
/// More than one thread may be given on a thread of a pool. Nothing is allocated once the threads'
/// scratch memory has grown to [`blocks::most_scratch`] numbers. No product is skipped, so 0·NaN
/// and 0·∞ are NaN; an inner dimension 0 gives 0.
///
/// The right operand may be a selection of columns if op(a) has at least [`ROWS_FOR_SELECTION`]
/// rows; the bits are those of a product with a copy of them.
///
/// # Panics
/// If the shapes do not fit, or there is no such column.
pub(crate) fn product<'a, T: Scalar + Multiply>(
    alpha: T,
    (a, transpose_a): (MatrixRef<'a, T>, bool),
    (b, transpose_b): (impl Into<Selection<'a, T>>, bool),
    (beta, epilogue): (Beta, Epilogue<'a, T>),
    (order, threads): (Order, usize),
    out: &mut MatrixMut<'_, T>,
) {
    let (m, inner) = if transpose_a { (a.columns(), a.rows()) } else { a.shape() };
    let b = b.into();
    let (b_rows, b_columns) = b.shape();
    let (b_inner, n) = if transpose_b { (b_columns, b_rows) } else { (b_rows, b_columns) };
    assert_eq!(inner, b_inner, "product: the inner dimensions differ");
    assert_eq!(out.shape(), (m, n), "product: the output has another shape");
    assert!(epilogue.fits(m, n), "product: the epilogue is for another shape");
    assert!(b.chosen.is_none() || m >= ROWS_FOR_SELECTION, "product: {m} rows with a selection");
    if m == 0 || n == 0 {
        return;
    }
    if inner == 0 {
        return of_nothing(beta, epilogue, out.as_mut_slice());
    }
    let mut whole = Product {
        m,
        n,
        inner,
        alpha,
        // A single row or column is stored as its own transpose: take the case that reads along it.
        // But for one row times a transposed column, whose order of summation is to be that of all
        // the columns beside it.
        a: Operand { data: a.as_slice(), transposed: transpose_a && m > 1 && inner > 1 },
        b: Operand {
            data: b.of.as_slice(),
            transposed: transpose_b && (b.chosen.is_some() || inner > 1 && (n > 1 || m == 1)),
        },
        chosen: b.chosen,
        beta,
        epilogue,
        order,
        panel: 0..n,
        out: out.as_mut_slice(),
    };
    // A small product would feel that it is moved.
    if threads == 1 { T::compute(&mut whole) } else { among(whole, threads) }
}

/// Sums of nothing are 0.
fn of_nothing<T: Scalar>(beta: Beta, epilogue: Epilogue<'_, T>, out: &mut [T]) {
    if beta == Beta::Zero {
        out.fill(T::ZERO);
    }
    epilogue.apply(out);
}

/// Gives the thread all scratch memory that its products may ever need: then it does not matter
/// which of them it gets when.
pub(crate) fn reserve_scratch() -> Result<(), TryReserveError> {
    reserve_scratch_of::<f32>()?;
    reserve_scratch_of::<f64>()
}

/// The same for products in one type.
pub(crate) fn reserve_scratch_of<T: Real>() -> Result<(), TryReserveError> {
    let mut scratch = T::scratch().take();
    let done = scratch.grow(blocks::most_scratch::<T>(blocks::Room::here()), T::of(0.0));
    T::scratch().set(scratch);
    done
}

/// Fewer floating-point operations are not worth a second thread.
const LEAST_FLOPS: usize = 1_000_000;
/// Panels are cut at multiples of this many columns, so that all but the last consist of whole
/// tiles.
pub(crate) const PANEL_STEP: usize = 8;

/// Panels of columns, one for each thread.
impl<T: Scalar + Multiply> Divide for Product<'_, T> {
    type Done = ();

    fn count(&self) -> usize {
        self.panel.len()
    }
    fn step(&self) -> usize {
        PANEL_STEP
    }
    fn is_worth_sharing(&self) -> bool {
        2 * self.m * self.inner * self.panel.len() > LEAST_FLOPS && self.way() == Way::Tiles
    }
    /// The first columns of the panel, and the others.
    fn cut(self, columns: usize, _: usize) -> (Self, Self) {
        let (first, second) = self.out.split_at_mut(columns * self.m);
        let (epilogue, other) = self.epilogue.cut(columns * self.m);
        let at = self.panel.start + columns;
        let left = Product { panel: self.panel.start..at, out: first, epilogue, ..self };
        let right = Product { panel: at..self.panel.end, out: second, epilogue: other, ..left };
        (left, right)
    }
    fn run(mut self) {
        T::compute(&mut self);
    }
    fn both((): (), (): ()) {}
}

/// A number type that matrices are multiplied in.
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait Multiply: Real {
    /// Computes a product. Compiled here and not, as a generic function would be, in the crate that
    /// uses it, with its optimisation.
    fn compute(product: &mut Product<'_, Self>);
}

impl Multiply for f32 {
    fn compute(product: &mut Product<'_, Self>) {
        by_shape(product);
    }
}

impl Multiply for f64 {
    fn compute(product: &mut Product<'_, Self>) {
        by_shape(product);
    }
}

/// The ways to compute a product.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Row,
    Small,
    Outer,
    Tiles,
}

/// Chooses the way before the instruction set: a small product would feel the stack frame of a
/// large one's function.
#[inline(always)]
fn by_shape<T: Real>(p: &mut Product<'_, T>) {
    match p.way() {
        Way::Row => {
            row_by_units(p);
            p.epilogue.apply(p.out);
        }
        Way::Small => run(small::Small(p)),
        Way::Outer => dispatch(outer::Outer(p)),
        Way::Tiles => {
            let (room, mut scratch) = (blocks::Room::here(), T::scratch().take());
            scratch
                .grow(blocks::most_scratch::<T>(room), T::default())
                .expect("scratch memory for a product");
            let strides = blocks::Strides::of(p);
            dispatch(blocks::Tiles { product: p, strides, room, scratch: &mut scratch });
            T::scratch().set(scratch);
        }
    }
}

/// A part of a matrix, from its first element on, or the transpose of one.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a, T> {
    pub(crate) data: &'a [T],
    /// How far apart its columns are stored.
    pub(crate) stride: usize,
    pub(crate) transposed: bool,
}

/// So many numbers of scratch memory are enough for [`subtract`].
pub(crate) const SCRATCH_TO_SUBTRACT: usize = blocks::SCRATCH_OF_FEW;
/// The most columns that [`subtract`] takes.
pub(crate) const MOST_TO_SUBTRACT: usize = blocks::FEW_COLUMNS;

/// `out` − A * op(B) in the place of `out`, m × n and a part of a matrix as its operands are. An
/// element is computed in an order that depends on the inner dimension alone.
///
/// # Panics
/// If A is a transpose, there are more than [`MOST_TO_SUBTRACT`] columns, or data are too few.
pub(crate) fn subtract<T: Scalar>(
    a: Part<'_, T>,
    b: Part<'_, T>,
    (m, n, inner): (usize, usize, usize),
    (out, stride): (&mut [T], usize),
    scratch: &mut [T],
) {
    assert!(!a.transposed && n <= MOST_TO_SUBTRACT, "subtract: {n} columns");
    if m == 0 || n == 0 || inner == 0 {
        return;
    }
    let mut product = Product {
        m,
        n,
        inner,
        alpha: -T::ONE,
        a: Operand { data: a.data, transposed: false },
        b: Operand { data: b.data, transposed: b.transposed },
        chosen: None,
        beta: Beta::One,
        epilogue: Epilogue::None,
        order: Order::Free,
        panel: 0..n,
        out,
    };
    let strides = blocks::Strides { a: a.stride, b: b.stride, out: stride };
    dispatch(blocks::Tiles { product: &mut product, strides, room: blocks::Room::here(), scratch });
}

/// One row times a matrix. The rows of a transposed b are consecutive, so slabs of the inner
/// dimension are products of their own: of units, or, so that the error of a long sum stays small,
/// of [`SLAB`].
fn row_by_units<T: Real>(p: &mut Product<'_, T>) {
    let slab = if p.order == Order::Free { SLAB } else { UNIT };
    if !p.b.transposed || p.inner <= slab {
        return dispatch(row::Row(p));
    }
    let mut beta = p.beta;
    for (a, b) in p.a.data.chunks(slab).zip(p.b.data.chunks(slab * p.n)) {
        let (a, b) = (Operand { data: a, ..p.a }, Operand { data: b, ..p.b });
        let (inner, panel) = (a.data.len(), p.panel.clone());
        dispatch(row::Row(&mut Product { inner, a, b, beta, panel, out: &mut *p.out, ..*p }));
        beta = Beta::One;
    }
}

/// A matrix as it is stored, column by column, and whether its transpose is meant.
#[derive(Clone, Copy)]
struct Operand<'a, T> {
    data: &'a [T],
    transposed: bool,
}

/// op(a) is m × `inner`, op(b) is `inner` × n, and no dimension is 0.
#[allow(unreachable_pub)] // an argument of a method of a public trait
pub struct Product<'a, T> {
    m: usize,
    n: usize,
    inner: usize,
    alpha: T,
    a: Operand<'a, T>,
    b: Operand<'a, T>,
    /// The columns that `b` consists of, if they are not all that are stored.
    chosen: Option<&'a [usize]>,
    beta: Beta,
    order: Order,
    /// The columns of the product that are wanted.
    panel: Range<usize>,
    /// The output's columns `panel`.
    out: &'a mut [T],
    /// What is done to the output's columns `panel` as they are stored.
    epilogue: Epilogue<'a, T>,
}

impl<'a, T: Copy> Product<'a, T> {
    fn way(&self) -> Way {
        if self.chosen.is_some() {
            Way::Tiles
        } else if self.m == 1 {
            Way::Row
        } else if self.m <= small::ROWS && small::is_small(self) {
            Way::Small
        } else if self.inner == 1 {
            Way::Outer
        } else {
            Way::Tiles
        }
    }
}
