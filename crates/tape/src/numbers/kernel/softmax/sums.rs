//! Sums and greatest numbers of a series, and the differences that its exponentials are made of.

use crate::numbers::kernel::vector_math::Real;

/// Numbers that are summed side by side.
pub(super) const LANES: usize = 16;

/// Σ x, in an order that depends on the length alone.
#[inline(always)]
pub(super) fn sum<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::of(0.0); LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    if chunks.is_empty() {
        return rest.iter().fold(
            T::of(0.0),
            #[inline(always)]
            |sum, &x| sum + x,
        );
    }
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = lanes[i] + chunk[i];
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = *lane + x;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = lanes[i] + lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The greater number; NaN if one is.
#[inline(always)]
pub(super) fn greater<T: Real>(m: T, x: T) -> T {
    if (m > x) | is_nan(m) { m } else { x }
}

#[inline(always)]
#[allow(clippy::eq_op)] // true of NaN alone
pub(super) fn is_nan<T: Real>(x: T) -> bool {
    x != x
}

#[inline(always)]
pub(super) fn is_finite<T: Real>(x: T) -> bool {
    x.magnitude() < T::of(f64::INFINITY)
}

/// The greatest number; NaN if there is one.
#[inline(always)]
pub(super) fn greatest<T: Real>(x: &[T]) -> T {
    most(x, -T::of(f64::INFINITY), greater)
}

/// The greatest magnitude; NaN may be passed over, which is quicker.
#[inline(always)]
pub(super) fn greatest_magnitude<T: Real>(x: &[T]) -> T {
    most(
        x,
        T::of(0.0),
        #[inline(always)]
        |m, x| if m > x.magnitude() { m } else { x.magnitude() },
    )
}

/// What is left of the least number and all others, of two at a time, in whatever order.
#[inline(always)]
fn most<T: Real>(x: &[T], least: T, of_two: impl Fn(T, T) -> T + Copy) -> T {
    let mut lanes = [least; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    if chunks.is_empty() {
        return rest.iter().copied().fold(least, of_two);
    }
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = of_two(lanes[i], chunk[i]);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = of_two(*lane, x);
    }
    lanes.into_iter().fold(least, of_two)
}

/// The sum of the numbers of magnitude `top`, and that of all others.
#[inline(always)]
pub(super) fn two_sums<T: Real>(x: &[T], top: T) -> (T, T) {
    let zero = T::of(0.0);
    let mut sums = [[zero; LANES]; 2];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            let is_top = chunk[i].magnitude() == top;
            sums[0][i] = sums[0][i] + if is_top { chunk[i] } else { zero };
            sums[1][i] = sums[1][i] + if is_top { zero } else { chunk[i] };
        }
    }
    let (mut tops, mut others) = match chunks {
        [] => (zero, zero),
        _ => (sum(&sums[0]), sum(&sums[1])),
    };
    for &x in rest {
        let is_top = x.magnitude() == top;
        tops = tops + if is_top { x } else { zero };
        others = others + if is_top { zero } else { x };
    }
    (tops, others)
}

/// A difference that is smaller than so much of its terms is computed again: so it is off by no
/// more than some 64 ulp.
pub(super) const BESIDE: f64 = 1.0 / 64.0;

/// How many shares are [beside](BESIDE) their labels; a few.
#[inline(always)]
pub(super) fn beside<T: Real>(shares: &[T], left: &[T]) -> T {
    let mut count = T::of(0.0);
    for (&share, &left) in shares.iter().zip(left) {
        let is_beside = left.magnitude() < T::of(BESIDE) * share.magnitude();
        count = count + if is_beside { T::of(1.0) } else { T::of(0.0) };
    }
    count
}

/// z − m and what rounding loses of it, where that counts.
#[inline(always)]
pub(super) fn difference<T: Real>(z: T, m: T) -> (T, T) {
    let d = z - m;
    let part = d - z;
    let low = (z - (d - part)) - (m + part);
    (d, if d > T::EXP_IS_LOST { low } else { T::of(0.0) })
}

/// Sums of parts: a sum and what rounding has lost of it.
#[inline(always)]
pub(super) fn add_part<T: Real>(sum: &mut T, lost: &mut T, x: T) {
    let high = *sum + x;
    let part = high - *sum;
    let error = (*sum - (high - part)) + (x - part);
    // Nothing is lost of an infinite sum.
    *lost = *lost + if is_finite(high) { error } else { T::of(0.0) };
    *sum = high;
}
