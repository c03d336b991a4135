//! Logarithms of the shares of series that stand side by side and have few numbers, and the
//! cross-entropy of labels with its derivative: as many series as lanes are walked together. The
//! bits are those of [`Call`](super::work::Call).

#![allow(clippy::needless_range_loop)] // indices that are known while compiling make vectors

use super::again::{Again, Part};
use super::short::{Known, Row, Sums, TOGETHER};
use super::sums::{BESIDE, LANES, difference, greater, is_nan};
use super::{FEW, PART, Series, SoftmaxMath};
use crate::numbers::kernel::simd::{Loops, run};
use crate::numbers::kernel::transpose::transpose;
use crate::numbers::kernel::vector_math::{Real, lane};

/// What is computed of s = softmax(z).
#[derive(Clone, Copy)]
pub(super) enum Beside<'a, T> {
    /// ln Σ exp z, a number for each series.
    LogSumExp,
    /// ln s.
    Logarithms,
    /// −Σ y ln s, a number for each series.
    CrossEntropy(&'a [T]),
    /// s·Σy − y.
    Minus(&'a [T]),
}

/// Series that are no rows, of no more than [`TOGETHER`] numbers.
pub(super) struct Labelled<'a, T> {
    pub(super) of: Beside<'a, T>,
    pub(super) z: &'a [T],
    pub(super) series: Series,
    pub(super) out: &'a mut [T],
}

impl<T: SoftmaxMath> Loops for Labelled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        let Labelled { of, z, series, out } = self;
        let length = series.length;
        debug_assert!(length <= TOGETHER && !series.across);
        let mut scratch = T::scratch().take();
        scratch.grow(4 * PART, T::of(0.0)).expect("scratch memory for softmax");
        let mut lists = scratch.chunks_exact_mut(PART);
        let [z_list, y_list, e_list, most_list] = std::array::from_fn(
            #[inline(always)]
            |_| lists.next().expect("as many lists"),
        );
        let mut again = [false; LANES];
        for first in (0..series.count).step_by(LANES) {
            let count = LANES.min(series.count - first);
            let group = first * length..(first + count) * length;
            let z_rows = rows(&z[group.clone()], (count, length), z_list);
            let e_rows = &mut e_list.as_chunks_mut().0[..length];
            let mosts = &mut most_list.as_chunks_mut().0[..length];
            let known = Known::new::<F>(z_rows, e_rows, mosts);
            again.fill(false);
            let part = match of {
                Beside::LogSumExp => {
                    let (sum, cancels) = log_sum_exp::<T, F>(&known, z_rows);
                    out[first..first + count].copy_from_slice(&sum[..count]);
                    again = cancels;
                    Part::LogSumExp
                }
                Beside::Logarithms => {
                    logarithms::<T, F>(&known, z_rows);
                    transpose((z_rows.as_flattened(), LANES), (length, count), (&mut out[group], length));
                    continue;
                }
                Beside::CrossEntropy(y) => {
                    let y_rows = rows(&y[group], (count, length), y_list);
                    let sum = cross_entropy::<T, F>(&known, z_rows, y_rows);
                    out[first..first + count].copy_from_slice(&sum[..count]);
                    continue;
                }
                Beside::Minus(y) => {
                    let y_rows = rows(&y[group.clone()], (count, length), y_list);
                    again = minus::<T, F>(&known, e_rows, (y_rows, z_rows));
                    transpose((z_rows.as_flattened(), LANES), (length, count), (&mut out[group], length));
                    Part::Minus(y)
                }
            };
            for at in (0..count).filter(|&s| again[s]).map(|s| first + s) {
                run(Again { part, z, series, at, out: &mut *out });
            }
        }
        T::scratch().set(scratch);
    }
}

/// A number of each series at a time, and 0 where there are fewer series.
#[inline(always)]
fn rows<'l, T: Real>(x: &[T], (count, length): (usize, usize), list: &'l mut [T]) -> &'l mut [Row<T>] {
    if count < LANES {
        list[..LANES * length].fill(T::of(0.0));
    }
    transpose((x, length), (count, length), (list, LANES));
    &mut list.as_chunks_mut().0[..length]
}

/// ln Σ exp of the differences to the greatest number.
#[inline(always)]
fn log<T: SoftmaxMath, const F: bool>(known: &Known<T>) -> Row<T> {
    let mut log = known.others;
    for s in 0..LANES {
        log[s] = lane::ln_1p::<T, F>(log[s]);
    }
    log
}

/// The sums, and whether the greatest number and the logarithm cancel.
#[inline(always)]
fn log_sum_exp<T: SoftmaxMath, const F: bool>(known: &Known<T>, z: &[Row<T>]) -> (Row<T>, [bool; LANES]) {
    let (zero, mut cancels) = (T::of(0.0), [false; LANES]);
    // The greatest number of all but NaN, of which it is one here.
    let mut most = known.most;
    for z in z {
        for s in 0..LANES {
            most[s] = if is_nan(z[s]) { z[s] } else { most[s] };
        }
    }
    let mut sum = log::<T, F>(known);
    for s in 0..LANES {
        let (m, of_two) = (most[s], most[s] + sum[s]);
        let infinite = m.magnitude() == T::of(f64::INFINITY);
        cancels[s] = (m < zero) & (of_two.magnitude() < T::of(-0.75) * m);
        sum[s] = if infinite { m } else { of_two };
    }
    (sum, cancels)
}

/// ln s, in the place of z.
#[inline(always)]
fn logarithms<T: SoftmaxMath, const F: bool>(known: &Known<T>, z: &mut [Row<T>]) {
    let log = log::<T, F>(known);
    for z in z {
        for s in 0..LANES {
            let (d, low) = difference(z[s], known.most[s]);
            z[s] = (d - log[s]) + low;
        }
    }
}

/// The losses.
#[inline(always)]
fn cross_entropy<T: SoftmaxMath, const F: bool>(known: &Known<T>, z: &[Row<T>], y: &[Row<T>]) -> Row<T> {
    let (zero, log) = (T::of(0.0), log::<T, F>(known));
    let mut losses = Sums::new(z.len());
    for (item, (z, y)) in z.iter().zip(y).enumerate() {
        let sum = losses.at(item);
        for s in 0..LANES {
            let (d, low) = difference(z[s], known.most[s]);
            let loss = y[s] * ((log[s] - d) - low);
            let is_masked = (y[s] == zero) & (d == -T::of(f64::INFINITY));
            sum[s] = sum[s] + if is_masked { log[s] * zero } else { loss };
        }
    }
    losses.total()
}

/// The labels of the greatest magnitude, and all others.
struct Labels<T> {
    top: Row<T>,
    tops: Row<T>,
    others: Row<T>,
}

impl<T: Real> Labels<T> {
    #[inline(always)]
    fn new(y: &[Row<T>]) -> Self {
        let zero = T::of(0.0);
        let mut top = [zero; LANES];
        for y in y {
            for s in 0..LANES {
                top[s] = greater(top[s], y[s].magnitude());
            }
        }
        // Of LANES numbers and more the first are summed side by side, all others after them.
        let (first, rest) = y.split_at(if y.len() < LANES { y.len() } else { LANES });
        let (mut tops, mut others) = (Sums::new(first.len()), Sums::new(first.len()));
        for (item, y) in first.iter().enumerate() {
            add(y, &top, (tops.at(item), others.at(item)));
        }
        let (mut tops, mut others) = (tops.total(), others.total());
        for y in rest {
            add(y, &top, (&mut tops, &mut others));
        }
        Labels { top, tops, others }
    }
}

/// Adds labels to the sum that they belong to.
#[inline(always)]
fn add<T: Real>(y: &Row<T>, top: &Row<T>, (tops, others): (&mut Row<T>, &mut Row<T>)) {
    let zero = T::of(0.0);
    for s in 0..LANES {
        let is_top = y[s].magnitude() == top[s];
        tops[s] = tops[s] + if is_top { y[s] } else { zero };
        others[s] = others[s] + if is_top { zero } else { y[s] };
    }
}

/// s·Σy − y in the place of z, and which series have to be computed again.
#[inline(always)]
fn minus<T: SoftmaxMath, const F: bool>(
    known: &Known<T>,
    e: &[Row<T>],
    (y, out): (&[Row<T>], &mut [Row<T>]),
) -> [bool; LANES] {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    let (rest, labels) = (known.rest(), Labels::new(y));
    let mut of_few = [zero; LANES];
    // The greatest shares and what is left of them, side by side as in a vector along the series.
    let (mut most, mut most_left) = ([[zero; LANES]; LANES], [[zero; LANES]; LANES]);
    for (item, ((e, y), out)) in e.iter().zip(y).zip(out).enumerate() {
        let (most, most_left) = (&mut most[item % LANES], &mut most_left[item % LANES]);
        for s in 0..LANES {
            let share = known.share::<F>(s, e[s]);
            let (tops, others) = (labels.tops[s], labels.others[s]);
            let is_top = y[s].magnitude() == labels.top[s];
            let of_others = if is_top { others + (tops - y[s]) } else { (tops + others) - y[s] };
            let is_not = if e[s] == one { rest[s] } else { one - share };
            let share = share * of_others;
            let left = share - y[s] * is_not;
            out[s] = left;
            let (share, left) = (share.magnitude(), left.magnitude());
            of_few[s] = if left < T::of(BESIDE) * share { one } else { of_few[s] };
            most[s] = if most[s] > share { most[s] } else { share };
            most_left[s] = if most_left[s] > left { most_left[s] } else { left };
        }
    }
    let mut again = [false; LANES];
    if e.len() <= FEW {
        for s in 0..LANES {
            again[s] = of_few[s] > zero;
        }
        return again;
    }
    for lane in 1..LANES {
        for s in 0..LANES {
            let (share, left) = (most[lane][s], most_left[lane][s]);
            most[0][s] = if most[0][s] > share { most[0][s] } else { share };
            most_left[0][s] = if most_left[0][s] > left { most_left[0][s] } else { left };
        }
    }
    for s in 0..LANES {
        again[s] = most_left[0][s] < T::of(BESIDE) * most[0][s];
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;
    use crate::check::Random;
    use crate::numbers::kernel::softmax::Wanted;
    use crate::numbers::kernel::softmax::tests::numbers;
    use crate::numbers::kernel::softmax::work::Call;

    /// Labels of one class, of any magnitude, and such as are equal to the shares but for a little.
    fn labels<T: SoftmaxMath + Scalar>(
        kind: usize,
        (z, series): (&[T], Series),
        random: &mut Random,
    ) -> Vec<T> {
        let (length, mut y) = (series.length, vec![T::ZERO; z.len()]);
        match kind {
            0 => y.chunks_mut(length).for_each(|y| y[random.below(length)] = T::ONE),
            1 => T::softmax_into(Wanted::Shares, z, series, &mut y),
            2 => y = numbers(z.len(), 1.0, random),
            _ => y = numbers(z.len(), 1e4, random),
        }
        y
    }

    fn labelled_series_have_the_bits_of_parts<T: SoftmaxMath + Scalar>() {
        let mut random = Random::new(1);
        let mut again = 0;
        for length in [1, 2, 3, 10, 15, 16, 17, 18, 30, 31] {
            for count in [0, 1, 2, 15, 16, 17, 33] {
                // Shares that are 0, subnormal, tiny and not; one leader and several.
                for magnitude in [1e-9, 1.0, 30.0, 110.0, 400.0, 1e4] {
                    let z = numbers::<T>(length * count, magnitude, &mut random);
                    let series = Series { count, length, across: false };
                    let y = (0..4).map(|kind| labels(kind, (&z, series), &mut random)).collect::<Vec<_>>();
                    let of_labels = y.iter().flat_map(|y| {
                        [
                            (Beside::CrossEntropy(y), Wanted::CrossEntropy(y)),
                            (Beside::Minus(y), Wanted::Minus(y)),
                        ]
                    });
                    for (of, wanted) in of_labels.chain([
                        (Beside::LogSumExp, Wanted::LogSumExp),
                        (Beside::Logarithms, Wanted::Logarithms),
                    ]) {
                        let each = matches!(of, Beside::Logarithms | Beside::Minus(_));
                        let size = if each { z.len() } else { count };
                        let (mut here, mut parts) = (vec![T::ONE; size], vec![T::ZERO; size]);
                        run(Labelled { of, z: &z, series, out: &mut here });
                        if count > 0 {
                            run(Call { wanted, z: &z, series, out: &mut parts });
                        }
                        for (at, (x, y)) in here.iter().zip(&parts).enumerate() {
                            assert!(
                                x.bits() == y.bits() || x.is_nan() && y.is_nan(),
                                "{length} × {count} at {at}, {magnitude}: {x} and {y}"
                            );
                            again += usize::from(x.magnitude() < T::of(1e-3));
                        }
                    }
                }
            }
        }
        assert!(again > 1000, "something cancels");
    }

    /// The greatest number and the logarithm cancel, by few digits and by many.
    #[test]
    fn logarithms_that_cancel_keep_their_digits_in_f32() {
        let mut random = Random::new(2);
        let sums = |z: &[f32]| {
            let wide = z.iter().map(|&z| f64::from(z)).collect::<Vec<_>>();
            let (mut found, mut exact) = ([0.0_f32], [0.0_f64]);
            let series = Series { count: 1, length: z.len(), across: false };
            f32::softmax_into(Wanted::LogSumExp, z, series, &mut found);
            f64::softmax_into(Wanted::LogSumExp, &wide, series, &mut exact);
            (found[0], exact[0] as f32)
        };
        for length in [2, 3, 10, 31, 40] {
            for digits in 0..9 {
                let off = 0.1_f64.powi(digits);
                let z = (0..length).map(|_| -(length as f64).ln() + random.between(-off, off));
                let z = z.map(|z| z as f32).collect::<Vec<_>>();
                let (found, exact) = sums(&z);
                assert!(
                    (found - exact).abs() <= f32::EPSILON * exact.abs(),
                    "{z:?}: {found:e}, not {exact:e}"
                );
            }
        }
    }

    #[test]
    fn labelled_series_have_the_bits_of_parts_in_both_types() {
        labelled_series_have_the_bits_of_parts::<f32>();
        labelled_series_have_the_bits_of_parts::<f64>();
    }
}
