//! Shares of series that stand side by side and fit the first-level cache, and their first
//! derivative: nothing is copied but what is walked again. The bits are those of
//! [`Call`](super::work::Call), which takes series of any length, in parts.
//!
//! Of few numbers each, as many series as lanes are walked together, a number of each at a time; of
//! more, each series is walked in vectors along it. Logarithms and labels of few numbers are in
//! [`labels`](super::labels).

#![allow(clippy::needless_range_loop)] // indices that are known while compiling make vectors

use super::sums::{LANES, difference};
use super::{PART, SERIES, SoftmaxMath};
use crate::numbers::kernel::simd::Loops;
use crate::numbers::kernel::transpose::transpose;
use crate::numbers::kernel::vector_math::{Real, lane};

/// What is computed of s = softmax(z).
#[derive(Clone, Copy)]
pub(super) enum Of<'a, T> {
    /// s.
    Shares,
    /// g − Σ s g.
    Centred(&'a [T]),
    /// s ⊙ (g − Σ s g).
    First(&'a [T]),
}

/// Series of so many numbers each, no more than [`PART`].
pub(super) struct Short<'a, T> {
    pub(super) of: Of<'a, T>,
    pub(super) z: &'a [T],
    pub(super) length: usize,
    pub(super) out: &'a mut [T],
}

impl<T: SoftmaxMath> Loops for Short<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        let mut scratch = T::scratch().take();
        scratch.grow(4 * PART, T::of(0.0)).expect("scratch memory for softmax");
        if self.length <= TOGETHER {
            self.together::<F>(&mut scratch)
        } else {
            self.along::<F>(&mut scratch)
        }
        T::scratch().set(scratch);
    }
}

/// The most numbers of series that are walked together: longer ones fill vectors of their own.
pub(super) const TOGETHER: usize = 2 * LANES - 1;
const _: () = assert!(TOGETHER * LANES <= PART, "a list has a row for each number");

/// A number of each of several series.
pub(super) type Row<T> = [T; LANES];

/// What is known of several series: their greatest numbers, how many these are, the sums of all
/// other exponentials, and what shares are divided by.
pub(super) struct Known<T> {
    pub(super) most: Row<T>,
    pub(super) ties: Row<T>,
    pub(super) others: Row<T>,
    total: Row<T>,
    reciprocal: Row<T>,
    divides: bool,
}

impl<T: SoftmaxMath> Known<T> {
    /// Of the numbers z, whose exponentials are put in e. The greatest numbers are repeated in
    /// `mosts`.
    #[inline(always)]
    pub(super) fn new<const F: bool>(z: &[Row<T>], e_rows: &mut [Row<T>], mosts: &mut [Row<T>]) -> Self {
        let (zero, one) = (T::of(0.0), T::of(1.0));
        let mut most = [-T::of(f64::INFINITY); LANES];
        for z in z {
            for s in 0..LANES {
                most[s] = greater(most[s], z[s]);
            }
        }
        // One loop over all numbers becomes vectors, which many over a row each do not.
        mosts.fill(most);
        let flat = z.as_flattened().iter().zip(mosts.as_flattened());
        for (e, (&z, &most)) in e_rows.as_flattened_mut().iter_mut().zip(flat) {
            *e = exponential::<T, F>(z, most);
        }
        let (mut ties, mut others, mut tiny) = ([zero; LANES], Sums::new(z.len()), [zero; LANES]);
        for (item, e) in e_rows.iter().enumerate() {
            let others = others.at(item);
            for s in 0..LANES {
                let is_top = e[s] == one;
                ties[s] = ties[s] + if is_top { one } else { zero };
                others[s] = others[s] + if is_top { zero } else { e[s] };
                tiny[s] = if is_tiny(e[s]) { one } else { tiny[s] };
            }
        }
        let mut others = others.total();
        let (mut total, mut reciprocal) = ([one; LANES], [one; LANES]);
        for s in 0..LANES {
            others[s] = others[s] + (ties[s] - one);
            total[s] = one + others[s];
            reciprocal[s] = one / total[s];
        }
        let divides = !F || halves(tiny, greater) > zero;
        Known { most, ties, others, total, reciprocal, divides }
    }

    /// The share of a number of one of the series.
    #[inline(always)]
    pub(super) fn share<const F: bool>(&self, s: usize, e: T) -> T {
        let total = Total { total: self.total[s], reciprocal: self.reciprocal[s], divides: self.divides };
        total.share::<F>(e)
    }

    /// What a leader leaves of 1.
    #[inline(always)]
    pub(super) fn rest(&self) -> Row<T> {
        let mut rest = self.others;
        for s in 0..LANES {
            rest[s] = rest[s] / self.total[s];
        }
        rest
    }
}

/// What is subtracted from g: of a leader alone its g, else the mean.
#[inline(always)]
fn part_of_pivot<T: Real>(leads: bool, (e, share, g): (T, T, T)) -> T {
    let of_leader = if e == T::of(1.0) { g } else { T::of(0.0) };
    if leads { of_leader } else { share * g }
}

/// Whether one number leads: its exponential is 1, and the others' are no more together.
#[inline(always)]
fn is_leader<T: Real>(ties: T, others: T) -> bool {
    (ties == T::of(1.0)) & (others <= T::of(1.0))
}

/// exp(z − most).
#[inline(always)]
fn exponential<T: Real, const F: bool>(z: T, most: T) -> T {
    let (d, low) = difference(z, most);
    let value = lane::exp::<T, F>(d);
    value.fused::<F>(low, value)
}

/// Below this, but for 0, remainders of a division may be subnormal.
#[inline(always)]
fn is_tiny<T: SoftmaxMath>(e: T) -> bool {
    (e < T::of(if T::FEW_DIGITS { 1e-25 } else { 1e-280 })) & (e > T::of(0.0))
}

/// e/total, of a total of at least 1 with its reciprocal.
///
/// A quotient that is off by less than its last place is corrected by its remainder, which is
/// exact: that is the division rounded to nearest (Markstein 1990, *Computation of elementary
/// functions on the IBM RISC System/6000 processor*), in a fraction of its time.
#[inline(always)]
fn quotient<T: Real, const F: bool>(e: T, total: T, reciprocal: T) -> T {
    let first = e * reciprocal;
    let near = (-first).fused::<F>(total, e).fused::<F>(reciprocal, first);
    (-near).fused::<F>(total, e).fused::<F>(reciprocal, near)
}

/// What a share is divided by.
#[derive(Clone, Copy)]
struct Total<T> {
    total: T,
    reciprocal: T,
    /// Whether it is divided by the processor's division.
    divides: bool,
}

impl<T: SoftmaxMath> Total<T> {
    #[inline(always)]
    fn share<const F: bool>(self, e: T) -> T {
        if self.divides { e / self.total } else { quotient::<T, F>(e, self.total, self.reciprocal) }
    }
}

/// The sum of a number of each lane, in halves; and in the same way what is left of two.
#[inline(always)]
fn halves<T: Copy>(lanes: [T; LANES], of_two: impl Fn(T, T) -> T) -> T {
    let mut eight = [lanes[0]; 8];
    for i in 0..8 {
        eight[i] = of_two(lanes[i], lanes[i + 8]);
    }
    let mut four = [eight[0]; 4];
    for i in 0..4 {
        four[i] = of_two(eight[i], eight[i + 4]);
    }
    of_two(of_two(four[0], four[2]), of_two(four[1], four[3]))
}

/// The greater one. A NaN may be passed over: its series has no number all the same, as its
/// exponential has none.
#[inline(always)]
fn greater<T: Real>(most: T, x: T) -> T {
    if x > most { x } else { most }
}

#[inline(always)]
fn plus<T: Real>(x: T, y: T) -> T {
    x + y
}

/// The sum of the terms of a series of [`LANES`] numbers at least.
#[inline(always)]
fn sum<T: Real>(x: &[T], term: impl Fn(T) -> T) -> T {
    let mut sums = [T::of(0.0); LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for x in chunks {
        for i in 0..LANES {
            sums[i] = sums[i] + term(x[i]);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum = *sum + term(x);
    }
    halves(sums, plus)
}

/// The same of the terms of two.
#[inline(always)]
fn sum_of_two<T: Real>(x: &[T], y: &[T], term: impl Fn(T, T) -> T) -> T {
    let mut sums = [T::of(0.0); LANES];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in xs.iter().zip(ys) {
        for i in 0..LANES {
            sums[i] = sums[i] + term(x[i], y[i]);
        }
    }
    for ((sum, &x), &y) in sums.iter_mut().zip(x_rest).zip(y_rest) {
        *sum = *sum + term(x, y);
    }
    halves(sums, plus)
}

/// Sums of several series, a number of each at a time, in the order of the sum of one: up to
/// [`LANES`] numbers one after the other, more of them as many side by side.
pub(super) struct Sums<T> {
    sums: [Row<T>; LANES],
    side_by_side: usize,
}

impl<T: Real> Sums<T> {
    #[inline(always)]
    pub(super) fn new(length: usize) -> Self {
        Sums { sums: [[T::of(0.0); LANES]; LANES], side_by_side: if length < LANES { 1 } else { LANES } }
    }
    /// What the number at a place of each series is added to.
    #[inline(always)]
    pub(super) fn at(&mut self, item: usize) -> &mut Row<T> {
        // Of powers of two, as a remainder is a division.
        &mut self.sums[item & (self.side_by_side - 1) & (LANES - 1)]
    }
    #[inline(always)]
    pub(super) fn total(&mut self) -> Row<T> {
        let mut width = self.side_by_side / 2;
        while width > 0 {
            for i in 0..width {
                let other = self.sums[i + width];
                for s in 0..LANES {
                    self.sums[i][s] = self.sums[i][s] + other[s];
                }
            }
            width /= 2;
        }
        self.sums[0]
    }
}

impl<T: SoftmaxMath> Short<'_, T> {
    /// As many series as lanes at a time.
    #[inline(always)]
    fn together<const F: bool>(self, scratch: &mut [T]) {
        let Short { of, z, length, out } = self;
        let zero = T::of(0.0);
        let (z_rows, rest) = scratch.split_at_mut(PART);
        let (g_rows, rest) = rest.split_at_mut(PART);
        let (mosts, e_rows) = rest.split_at_mut(PART);
        let e_rows: &mut [Row<T>] = &mut e_rows.as_chunks_mut().0[..length];
        for first in (0..z.len()).step_by(LANES * length) {
            let group = first..z.len().min(first + LANES * length);
            let count = group.len() / length;
            if count < LANES {
                z_rows[..LANES * length].fill(zero);
                g_rows[..LANES * length].fill(zero);
            }
            transpose((&z[group.clone()], length), (count, length), (z_rows, LANES));
            let z: &mut [Row<T>] = &mut z_rows.as_chunks_mut().0[..length];
            let known = Known::new::<F>(z, e_rows, &mut mosts.as_chunks_mut().0[..length]);
            let to = match of {
                Of::Shares => {
                    for (e, share) in e_rows.iter().zip(&mut *z) {
                        for s in 0..LANES {
                            share[s] = known.share::<F>(s, e[s]);
                        }
                    }
                    z
                }
                Of::Centred(g) | Of::First(g) => {
                    transpose((&g[group.clone()], length), (count, length), (g_rows, LANES));
                    let g: &mut [Row<T>] = &mut g_rows.as_chunks_mut().0[..length];
                    let (mut pivot, mut mean) = (Sums::new(length), Sums::new(length));
                    for (item, ((e, share), g)) in e_rows.iter().zip(&mut *z).zip(&*g).enumerate() {
                        for s in 0..LANES {
                            share[s] = known.share::<F>(s, e[s]);
                        }
                        let pivot = pivot.at(item);
                        for s in 0..LANES {
                            let leads = is_leader(known.ties[s], known.others[s]);
                            pivot[s] = pivot[s] + part_of_pivot(leads, (e[s], share[s], g[s]));
                        }
                    }
                    let pivot = pivot.total();
                    for (item, (share, g)) in z.iter().zip(&*g).enumerate() {
                        let mean = mean.at(item);
                        for s in 0..LANES {
                            mean[s] = mean[s] + share[s] * (g[s] - pivot[s]);
                        }
                    }
                    let (mean, is_first) = (mean.total(), matches!(of, Of::First(_)));
                    for (share, g) in z.iter().zip(&mut *g) {
                        for s in 0..LANES {
                            let centred = (g[s] - pivot[s]) - mean[s];
                            g[s] = if is_first { share[s] * centred } else { centred };
                        }
                    }
                    g
                }
            };
            transpose((to.as_flattened(), LANES), (length, count), (&mut out[group], length));
        }
    }

    /// Each series in vectors along it; what is done of one is done of some, before the next: so
    /// the processor need not wait for the sums of one.
    #[inline(always)]
    fn along<const F: bool>(self, scratch: &mut [T]) {
        let Short { of, z, length, out } = self;
        let (zero, one) = (T::of(0.0), T::of(1.0));
        let most_series = (PART / length).min(SERIES);
        let mut states = [[zero; SERIES]; 2];
        let mut totals = [Total { total: one, reciprocal: one, divides: true }; SERIES];
        let mut leads = [false; SERIES];
        for first in (0..z.len()).step_by(most_series * length) {
            let group = first..z.len().min(first + most_series * length);
            let (z, out) = (&z[group.clone()], &mut out[group.clone()]);
            let e = &mut scratch[..z.len()];
            let [most, mean] = &mut states;
            for (most, z) in most.iter_mut().zip(z.chunks_exact(length)) {
                *most = greatest(z);
            }
            for ((most, z), e) in most.iter().zip(z.chunks_exact(length)).zip(e.chunks_exact_mut(length)) {
                for (e, &z) in e.iter_mut().zip(z) {
                    *e = exponential::<T, F>(z, *most);
                }
            }
            for ((total, leads), e) in totals.iter_mut().zip(&mut leads).zip(e.chunks_exact(length)) {
                let ties = sum(
                    e,
                    #[inline(always)]
                    |e| if e == one { one } else { zero },
                );
                let others = sum(
                    e,
                    #[inline(always)]
                    |e| if e == one { zero } else { e },
                );
                let tiny = sum(
                    e,
                    #[inline(always)]
                    |e| if is_tiny(e) { one } else { zero },
                );
                let others = others + (ties - one);
                *leads = is_leader(ties, others);
                *total = Total {
                    total: one + others,
                    reciprocal: one / (one + others),
                    divides: !F || tiny > zero,
                };
            }
            let (Of::Centred(g) | Of::First(g)) = of else {
                for ((total, e), out) in
                    totals.iter().zip(e.chunks_exact(length)).zip(out.chunks_exact_mut(length))
                {
                    shares::<T, F>(*total, e, out);
                }
                continue;
            };
            let (g, is_first) = (&g[group], matches!(of, Of::First(_)));
            // The lists are walked series by series, and shares take the place of exponentials.
            let pivot = most;
            let rows =
                out.chunks_exact_mut(length).zip(e.chunks_exact_mut(length)).zip(g.chunks_exact(length));
            for ((((share, e), g), pivot), (total, &leads)) in
                rows.zip(pivot.iter_mut()).zip(totals.iter().zip(&leads))
            {
                shares::<T, F>(*total, e, share);
                *pivot = if leads {
                    sum_of_two(
                        e,
                        g,
                        #[inline(always)]
                        |e, g| if e == one { g } else { zero },
                    )
                } else {
                    sum_of_two(
                        share,
                        g,
                        #[inline(always)]
                        |share, g| share * g,
                    )
                };
            }
            let rows = out.chunks_exact(length).zip(g.chunks_exact(length));
            for (((share, g), mean), &pivot) in rows.zip(mean.iter_mut()).zip(pivot.iter()) {
                *mean = sum_of_two(
                    share,
                    g,
                    #[inline(always)]
                    |share, g| share * (g - pivot),
                );
            }
            let rows = out.chunks_exact_mut(length).zip(g.chunks_exact(length));
            for ((out, g), (&pivot, &mean)) in rows.zip(pivot.iter().zip(mean.iter())) {
                for (out, &g) in out.iter_mut().zip(g) {
                    let centred = (g - pivot) - mean;
                    *out = if is_first { *out * centred } else { centred };
                }
            }
        }
    }
}

/// The shares of a series.
#[inline(always)]
fn shares<T: SoftmaxMath, const F: bool>(total: Total<T>, e: &[T], out: &mut [T]) {
    if total.divides {
        for (out, &e) in out.iter_mut().zip(e) {
            *out = e / total.total;
        }
    } else {
        for (out, &e) in out.iter_mut().zip(e) {
            *out = quotient::<T, F>(e, total.total, total.reciprocal);
        }
    }
}

/// The greatest number of a series of [`LANES`] at least.
#[inline(always)]
fn greatest<T: Real>(x: &[T]) -> T {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut most = [-T::of(f64::INFINITY); LANES];
    for chunk in chunks {
        for i in 0..LANES {
            most[i] = greater(most[i], chunk[i]);
        }
    }
    for (most, &x) in most.iter_mut().zip(rest) {
        *most = greater(*most, x);
    }
    halves(most, greater)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;
    use crate::check::Random;
    use crate::numbers::kernel::simd::run;
    use crate::numbers::kernel::softmax::tests::numbers;
    use crate::numbers::kernel::softmax::work::Call;
    use crate::numbers::kernel::softmax::{Series, Wanted};

    fn short_series_have_the_bits_of_parts<T: Scalar>() {
        let mut random = Random::new(1);
        for length in [1, 2, 3, 12, 15, 16, 17, 30, 31, 32, 33, 64, 100, 256, 1000, 1024] {
            for count in [1, 2, 15, 16, 17, 33].into_iter().take(if length > 64 { 3 } else { 6 }) {
                // Shares that are 0, subnormal, tiny and not; one leader and several.
                for magnitude in [1e-9, 1.0, 30.0, 400.0, 1e4] {
                    let z = numbers::<T>(length * count, magnitude, &mut random);
                    let g = numbers::<T>(length * count, 1.0, &mut random);
                    let series = Series { count, length, across: false };
                    for (of, wanted) in [
                        (Of::Shares, Wanted::Shares),
                        (Of::Centred(&g), Wanted::Centred(&g)),
                        (Of::First(&g), Wanted::First(&g)),
                    ] {
                        let (mut short, mut parts) = (vec![T::ONE; z.len()], vec![T::ZERO; z.len()]);
                        run(Short { of, z: &z, length, out: &mut short });
                        run(Call { wanted, z: &z, series, out: &mut parts });
                        for (at, (x, y)) in short.iter().zip(&parts).enumerate() {
                            assert!(
                                x.bits() == y.bits() || x.is_nan() && y.is_nan(),
                                "{length} × {count} at {at}, {magnitude}: {x} and {y}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn short_series_have_the_bits_of_parts_in_both_types() {
        short_series_have_the_bits_of_parts::<f32>();
        short_series_have_the_bits_of_parts::<f64>();
    }
}
