//! ln Σ exp, softmax, the cross-entropy and what they are differentiated to, of many columns or
//! rows at a time.
//!
//! Everything is computed from the differences dᵢ = zᵢ − max z, which are exact (what rounding
//! loses of them is carried along as a factor of the exponential), and from *the others*: with eᵢ =
//! exp dᵢ, of which the greatest is 1, O is the sum of all others, S = 1 + O, and
//!
//! | | of a leader (e = 1) | of the others |
//! |---|---|---|
//! | share sᵢ | 1/S | eᵢ/S |
//! | 1 − sᵢ | O/S | 1 − sᵢ, which is at least ½ |
//! | ln sᵢ | −ln(1 + O) | dᵢ − ln(1 + O) |
//!
//! so that no digit depends on the size of the logits, and none is lost where one leads. A mean Σ
//! sⱼ gⱼ is subtracted from g as (gᵢ − c) − Σ sⱼ (gⱼ − c): with c the g of the leader where its
//! share is at least ½, else the rounded mean itself. Either is off by a few ulp of Σⱼ sⱼ |gᵢ −
//! gⱼ|, for every i.
//!
//! Where a difference cancels all the same (a share beside its label, a third derivative beside its
//! root), the column is computed again with twice the digits. Of more than [`FEW`] classes one or
//! another is beside its label by chance: such a column is computed again only where its greatest
//! difference is small too, and the digits are those of the column's greatest.

mod again;
mod labels;
mod short;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::simd::{Loops, run};
use super::vector_math::{Real, lane};
use again::{Again, Part};
use labels::{Beside, Labelled};
use short::{Of, Short, TOGETHER};

/// Which numbers of a matrix belong together: those of a column, those of a row, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(unreachable_pub)] // an argument of a method of a public trait
pub struct Series {
    /// How many series there are.
    pub(crate) count: usize,
    /// How many numbers each has.
    pub(crate) length: usize,
    /// Whether a series is a row: then its numbers are `count` apart, else side by side.
    pub(crate) across: bool,
}

/// What is computed of the series z, with s = softmax(z).
#[derive(Debug, Clone, Copy)]
#[allow(unreachable_pub)] // an argument of a method of a public trait
pub enum Wanted<'a, T> {
    /// ln Σ exp z, a number for each series.
    LogSumExp,
    /// s.
    Shares,
    /// ln s.
    Logarithms,
    /// −Σ y ln s, a number for each series, where a label 0 makes its term 0.
    CrossEntropy(&'a [T]),
    /// s·Σy − y.
    Minus(&'a [T]),
    /// g − Σ s g.
    Centred(&'a [T]),
    /// D softmax(z)\[g\] = s ⊙ (g − Σ s g).
    First(&'a [T]),
    /// D² softmax(z)\[g, h\].
    Second(&'a [T], &'a [T]),
    /// Dⁿ softmax(z)\[g₁, …, gₙ\].
    Higher(&'a [&'a [T]]),
}

/// A number type with softmax.
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait SoftmaxMath: Real {
    /// Whether the type has less digits than an f64.
    const FEW_DIGITS: bool;
    /// The number as an f64.
    fn double(self) -> f64;
    /// Computes what is wanted of the series of z.
    fn softmax_into(wanted: Wanted<'_, Self>, z: &[Self], series: Series, out: &mut [Self]);
}

/// Compiled here and not, as generic functions would be, in the crate that uses them, with its
/// optimisation.
macro_rules! softmax {
    ($($t:ident),*) => {
        $(impl SoftmaxMath for $t {
            const FEW_DIGITS: bool = $t::DIGITS < f64::DIGITS;
            #[inline(always)]
            fn double(self) -> f64 {
                f64::from(self)
            }
            fn softmax_into(wanted: Wanted<'_, Self>, z: &[Self], series: Series, out: &mut [Self]) {
                let numbers = series.count * series.length;
                let each = match wanted {
                    Wanted::LogSumExp | Wanted::CrossEntropy(_) => series.count,
                    _ => numbers,
                };
                assert_eq!([z.len(), out.len()], [numbers, each], "softmax: the lengths differ");
                let others: &[&[Self]] = match &wanted {
                    Wanted::LogSumExp | Wanted::Shares | Wanted::Logarithms => &[],
                    Wanted::CrossEntropy(y) | Wanted::Minus(y) | Wanted::Centred(y) | Wanted::First(y) => &[*y],
                    Wanted::Second(g, h) => &[*g, *h],
                    Wanted::Higher(all) => all,
                };
                assert!(others.iter().all(|x| x.len() == numbers), "softmax: the lengths differ");
                if series.length == 0 {
                    // ln of no term is −∞, a loss of no output 0.
                    return out.fill(if matches!(wanted, Wanted::LogSumExp) { -$t::INFINITY } else { 0.0 });
                }
                let short = match wanted {
                    Wanted::Shares => Some(Of::Shares),
                    Wanted::Centred(g) => Some(Of::Centred(g)),
                    Wanted::First(g) => Some(Of::First(g)),
                    _ => None,
                };
                let labelled = match wanted {
                    Wanted::LogSumExp => Some(Beside::LogSumExp),
                    Wanted::Logarithms => Some(Beside::Logarithms),
                    Wanted::CrossEntropy(y) => Some(Beside::CrossEntropy(y)),
                    Wanted::Minus(y) => Some(Beside::Minus(y)),
                    _ => None,
                };
                let short = short.filter(|_| series.length <= PART && !series.across);
                let labelled = labelled.filter(|_| series.length <= TOGETHER && !series.across);
                match (short, labelled) {
                    (Some(of), _) => run(Short { of, z, length: series.length, out }),
                    (None, Some(of)) => run(Labelled { of, z, series, out }),
                    (None, None) if series.count > 0 => run(Call { wanted, z, series, out }),
                    (None, None) => {}
                }
            }
        })*
    };
}

softmax!(f32, f64);

/// The most numbers that are worked on at a time.
const PART: usize = 1024;
/// The most series at a time.
const SERIES: usize = 64;
/// Rows that are read side by side, where a series is a row.
const ROWS: usize = 16;
/// The most numbers of a series that is computed again if a few digits are lost in f32.
const FEW: usize = 16;
/// Lists of so many numbers, and of so many series, in the scratch memory.
const LISTS: usize = 8;
const STATES: usize = 13;

struct Call<'a, T> {
    wanted: Wanted<'a, T>,
    z: &'a [T],
    series: Series,
    out: &'a mut [T],
}

impl Series {
    /// How many series are worked on at a time, and how many numbers of each: functions of the
    /// shape alone.
    fn panel(self) -> (usize, usize) {
        let together = if self.across && self.length * ROWS > PART { ROWS } else { PART / self.length };
        let together = together.clamp(1, SERIES.min(self.count));
        (together, self.length.min(PART / together))
    }

    /// Where an item of a series stands in the matrix.
    #[inline(always)]
    fn index(self, at: usize, item: usize) -> usize {
        if self.across { item * self.count + at } else { at * self.length + item }
    }
}

/// Some numbers of some series.
#[derive(Clone)]
struct Place {
    series: Range<usize>,
    items: Range<usize>,
}

impl Place {
    fn len(&self) -> usize {
        self.series.len() * self.items.len()
    }

    /// The numbers there, series by series.
    #[inline(always)]
    fn read<'x, T: Copy>(&self, x: &'x [T], of: Series, gathered: &'x mut [T]) -> &'x [T] {
        if !of.across {
            return &x[self.series.start * of.length + self.items.start..][..self.len()];
        }
        self.gather(x, of, gathered);
        &gathered[..self.len()]
    }

    /// Puts them there.
    #[inline(always)]
    fn write<T: Copy>(&self, values: &[T], of: Series, out: &mut [T]) {
        if !of.across {
            return out[self.series.start * of.length + self.items.start..][..self.len()]
                .copy_from_slice(values);
        }
        self.scatter(values, of, out);
    }

    /// Reads numbers of series that are rows. Nothing is computed: no instruction set is better.
    #[inline(never)]
    fn gather<T: Copy>(&self, x: &[T], of: Series, gathered: &mut [T]) {
        let length = self.items.len();
        for (l, item) in self.items.clone().enumerate() {
            let row = &x[item * of.count..][self.series.clone()];
            for (s, &x) in row.iter().enumerate() {
                gathered[s * length + l] = x;
            }
        }
    }

    /// Puts numbers of series that are rows.
    #[inline(never)]
    fn scatter<T: Copy>(&self, values: &[T], of: Series, out: &mut [T]) {
        let length = self.items.len();
        for (l, item) in self.items.clone().enumerate() {
            let row = &mut out[item * of.count..][self.series.clone()];
            for (s, out) in row.iter_mut().enumerate() {
                *out = values[s * length + l];
            }
        }
    }
}

/// Numbers that are summed side by side.
const LANES: usize = 16;

/// Σ x, in an order that depends on the length alone.
#[inline(always)]
fn sum<T: Real>(x: &[T]) -> T {
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
fn greater<T: Real>(m: T, x: T) -> T {
    if (m > x) | is_nan(m) { m } else { x }
}

#[inline(always)]
#[allow(clippy::eq_op)] // true of NaN alone
fn is_nan<T: Real>(x: T) -> bool {
    x != x
}

/// The greatest number; NaN if there is one.
#[inline(always)]
fn greatest<T: Real>(x: &[T]) -> T {
    most(x, -T::of(f64::INFINITY), greater)
}

/// The greatest magnitude; NaN may be passed over, which is quicker.
#[inline(always)]
fn greatest_magnitude<T: Real>(x: &[T]) -> T {
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
fn two_sums<T: Real>(x: &[T], top: T) -> (T, T) {
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
const BESIDE: f64 = 1.0 / 64.0;

/// How many shares are [beside](BESIDE) their labels; a few.
#[inline(always)]
fn beside<T: Real>(shares: &[T], left: &[T]) -> T {
    let mut count = T::of(0.0);
    for (&share, &left) in shares.iter().zip(left) {
        let is_beside = left.magnitude() < T::of(BESIDE) * share.magnitude();
        count = count + if is_beside { T::of(1.0) } else { T::of(0.0) };
    }
    count
}

/// z − m and what rounding loses of it, where that counts.
#[inline(always)]
fn difference<T: Real>(z: T, m: T) -> (T, T) {
    let d = z - m;
    let part = d - z;
    let low = (z - (d - part)) - (m + part);
    (d, if d > T::EXP_IS_LOST { low } else { T::of(0.0) })
}

/// Sums of parts: a sum and what rounding has lost of it.
#[inline(always)]
fn add_part<T: Real>(sum: &mut T, lost: &mut T, x: T) {
    let high = *sum + x;
    let part = high - *sum;
    let error = (*sum - (high - part)) + (x - part);
    // Nothing is lost of an infinite sum.
    *lost = *lost + if high.magnitude() < T::of(f64::INFINITY) { error } else { T::of(0.0) };
    *sum = high;
}

/// What is known of each series of a group, and what is worked on.
struct Work<'s, T> {
    lists: [&'s mut [T]; LISTS],
    states: [&'s mut [T]; STATES],
    /// Whether the lists hold all of every series: then they need not be filled again.
    single: bool,
}

// The lists: z and the other operands as read; differences, what they have lost and exponentials,
// which have no names; shares, and what is made of them.
const Z: usize = 0;
const G: usize = 1;
const H: usize = 2;
const S: usize = 6;
const OUT: usize = 7;

// What is known of a series: its greatest number, the others' sum and ties, S, O/S and ln S; sums
// of several kinds.
const GREATEST: usize = 0;
const OTHERS: usize = 1;
const TIES: usize = 2;
const TOTAL: usize = 3;
const REST: usize = 4;
const LOG: usize = 5;
const LOST: usize = 6;
const ONE: usize = 7;
const TWO: usize = 8;
const THREE: usize = 9;
const FOUR: usize = 10;
const DOUBT: usize = 11;
const LOST_TOO: usize = 12;

impl<T: SoftmaxMath> Loops for Call<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        let (together, part) = self.series.panel();
        let mut scratch = T::scratch().take();
        scratch.grow(LISTS * PART + STATES * SERIES, T::of(0.0)).expect("scratch memory for softmax");
        let (lists, states) = scratch.split_at_mut(LISTS * PART);
        let (mut lists, mut states) = (lists.chunks_exact_mut(PART), states.chunks_exact_mut(SERIES));
        let mut work = Work {
            lists: std::array::from_fn(|_| lists.next().expect("as many lists")),
            states: std::array::from_fn(|_| states.next().expect("as many states")),
            single: part == self.series.length,
        };
        let Call { wanted, z, series, out } = self;
        let mut first = 0;
        while first < series.count {
            let group = first..series.count.min(first + together);
            work.group::<F>(wanted, (z, series), (group.clone(), part), out);
            first = group.end;
        }
        T::scratch().set(scratch);
    }
}

/// Differences and exponentials of a part.
///
/// This and the next two are compiled once for an instruction set, and not where they are called:
/// inlined at all those places they would be most of what is compiled.
struct Fill<'w, 's, T> {
    work: &'w mut Work<'s, T>,
    z: (&'w [T], Series),
    at: &'w Place,
}

impl<T: SoftmaxMath> Loops for Fill<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        self.work.fill_here::<F>(self.z, self.at);
    }
}

/// What is to be subtracted from g of a group.
struct Pivot<'w, 's, T> {
    work: &'w mut Work<'s, T>,
    z: (&'w [T], Series),
    of: &'w [T],
    parts: (&'w Range<usize>, usize),
    states: [usize; 2],
}

impl<T: SoftmaxMath> Loops for Pivot<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        self.work.pivot(self.z, self.of, self.parts, self.states);
    }
}

/// The products of g and h of a part, each less its mean.
struct Products<'w, 's, T> {
    work: &'w mut Work<'s, T>,
    z: (&'w [T], Series),
    of: (&'w [T], &'w [T]),
    at: &'w Place,
}

impl<T: SoftmaxMath> Loops for Products<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        self.work.products(self.z, self.of, self.at);
    }
}

/// Calls the code for every part of a group.
macro_rules! each_part {
    ($place:ident in ($group:expr, $series:expr, $part:expr) $code:block) => {
        let mut item = 0;
        while item < $series.length {
            let $place = Place { series: $group.clone(), items: item..$series.length.min(item + $part) };
            item = $place.items.end;
            $code
        }
    };
}

impl<T: SoftmaxMath> Work<'_, T> {
    #[inline(always)]
    fn group<const F: bool>(
        &mut self,
        wanted: Wanted<'_, T>,
        (z, series): (&[T], Series),
        (group, part): (Range<usize>, usize),
        out: &mut [T],
    ) {
        let (zero, one, count) = (T::of(0.0), T::of(1.0), group.len());
        self.exponentials::<F>((z, series), (&group, part));
        match wanted {
            Wanted::LogSumExp => {
                for (s, at) in group.clone().enumerate() {
                    let (m, log) = (self.states[GREATEST][s], self.states[LOG][s]);
                    let sum = m + log;
                    let infinite = m.magnitude() == T::of(f64::INFINITY);
                    out[at] = if infinite { m } else { sum };
                    // The two cancel.
                    if (m < zero) & (sum.magnitude() < T::of(-0.75) * m) {
                        run(Again { part: Part::LogSumExp, z, series, at, out: &mut *out });
                    }
                }
            }
            Wanted::Shares => {
                each_part!(at in (group, series, part) {
                    self.shares((z, series), &at);
                    at.write(&self.lists[S][..at.len()], series, out);
                });
            }
            Wanted::Logarithms => {
                each_part!(at in (group, series, part) {
                    self.fill((z, series), &at);
                    let length = at.items.len();
                    let [_, _, _, d, low, _, _, to] = &mut self.lists;
                    let rows = d.chunks_exact(length).zip(low.chunks_exact(length));
                    for (((d, low), to), &log) in rows.zip(to.chunks_exact_mut(length)).zip(&self.states[LOG][..count]) {
                        for ((&d, &low), to) in d.iter().zip(low).zip(to) {
                            *to = (d - log) + low;
                        }
                    }
                    at.write(&self.lists[OUT][..at.len()], series, out);
                });
            }
            Wanted::CrossEntropy(y) => {
                self.clear([ONE, LOST], count);
                each_part!(at in (group, series, part) {
                    self.fill((z, series), &at);
                    let length = at.items.len();
                    let [_, y_list, _, d, low, _, _, to] = &mut self.lists;
                    let y = at.read(y, series, y_list);
                    let rows = d.chunks_exact(length).zip(low.chunks_exact(length)).zip(y.chunks_exact(length));
                    for ((((d, low), y), to), &log) in rows.zip(to.chunks_exact_mut(length)).zip(&self.states[LOG][..count]) {
                        for (((&d, &low), &y), to) in d.iter().zip(low).zip(y).zip(to) {
                            let loss = y * ((log - d) - low);
                            // A logit −∞ rules its class out; that is no matter if the label does
                            // too. A NaN stays.
                            *to = if (y == zero) & (d == -T::of(f64::INFINITY)) { log * zero } else { loss };
                        }
                    }
                    self.add_sums(OUT, length, ONE, count);
                });
                for (s, at) in group.enumerate() {
                    out[at] = self.states[ONE][s] + self.states[LOST][s];
                }
            }
            Wanted::Minus(y) => {
                // Of the labels: the greatest magnitude, the sum of those, and the sum of the rest.
                self.states[ONE][..count].fill(zero);
                each_part!(at in (group, series, part) {
                    let length = at.items.len();
                    let [_, y_list, _, _, _, _, _, to] = &mut self.lists;
                    let y = at.read(y, series, y_list);
                    for (to, y) in to.iter_mut().zip(y) {
                        *to = y.magnitude();
                    }
                    for (top, y) in self.states[ONE].iter_mut().zip(self.lists[OUT][..at.len()].chunks_exact(length)) {
                        *top = greater(*top, greatest(y));
                    }
                });
                self.clear([TWO, LOST, THREE, LOST_TOO], count);
                each_part!(at in (group, series, part) {
                    self.add_labels(y, series, &at);
                });
                for s in 0..count {
                    self.states[TWO][s] = self.states[TWO][s] + self.states[LOST][s];
                    self.states[THREE][s] = self.states[THREE][s] + self.states[LOST_TOO][s];
                }
                // Of a few, how many are beside their labels. Of many one or another is by chance,
                // which is not worth it: there they count together, by the greatest share and the
                // greatest that is left.
                let (few, most, most_left) = (DOUBT, FOUR, LOST);
                self.clear([few, most, most_left], count);
                each_part!(at in (group, series, part) {
                    self.shares((z, series), &at);
                    self.minus_labels(y, series, &at);
                    at.write(&self.lists[OUT][..at.len()], series, out);
                    let length = at.items.len();
                    let rows = self.lists[S][..at.len()].chunks_exact(length).zip(self.lists[OUT].chunks_exact(length));
                    for (s, (shares, left)) in rows.enumerate() {
                        if series.length <= FEW {
                            self.states[few][s] = beside(shares, left);
                            continue;
                        }
                        for (state, x) in [(most, shares), (most_left, left)] {
                            self.states[state][s] = greater(self.states[state][s], greatest_magnitude(x));
                        }
                    }
                });
                for (s, at) in group.enumerate() {
                    let are_beside = self.states[most_left][s] < T::of(BESIDE) * self.states[most][s];
                    if are_beside | (self.states[few][s] > zero) {
                        run(Again { part: Part::Minus(y), z, series, at, out: &mut *out });
                    }
                }
            }
            Wanted::Centred(g) | Wanted::First(g) => {
                run(Pivot {
                    work: &mut *self,
                    z: (z, series),
                    of: g,
                    parts: (&group, part),
                    states: [ONE, TWO],
                });
                each_part!(at in (group, series, part) {
                    self.shares((z, series), &at);
                    self.centred(g, series, &at, [ONE, TWO], G);
                    if matches!(wanted, Wanted::First(_)) {
                        self.times(S, G, OUT, at.len());
                        at.write(&self.lists[OUT][..at.len()], series, out);
                    } else {
                        at.write(&self.lists[G][..at.len()], series, out);
                    }
                });
            }
            Wanted::Second(g, h) => {
                run(Pivot {
                    work: &mut *self,
                    z: (z, series),
                    of: g,
                    parts: (&group, part),
                    states: [ONE, TWO],
                });
                run(Pivot {
                    work: &mut *self,
                    z: (z, series),
                    of: h,
                    parts: (&group, part),
                    states: [THREE, FOUR],
                });
                // In f32 few digits can be spared. Of many numbers one or another is small by
                // chance: not all of them are worth it.
                let doubtful =
                    T::of(if T::FEW_DIGITS && series.length <= FEW { 1.0 / 64.0 } else { 1.0 / 4096.0 });
                // The mean of the products, and that of their magnitudes, in states that are free
                // by now.
                let (mean, size) = (OTHERS, TIES);
                self.clear([mean, LOST], count);
                each_part!(at in (group, series, part) {
                    run(Products { work: &mut *self, z: (z, series), of: (g, h), at: &at });
                    self.times(S, G, OUT, at.len());
                    self.add_sums(OUT, at.items.len(), mean, count);
                });
                self.settle(mean, count);
                self.clear([size, LOST], count);
                each_part!(at in (group, series, part) {
                    run(Products { work: &mut *self, z: (z, series), of: (g, h), at: &at });
                    self.times(S, G, OUT, at.len());
                    self.lists[OUT][..at.len()].iter_mut().for_each(#[inline(always)] |x| *x = x.magnitude());
                    self.add_sums(OUT, at.items.len(), size, count);
                });
                self.settle(size, count);
                self.states[DOUBT][..count].fill(zero);
                each_part!(at in (group, series, part) {
                    run(Products { work: &mut *self, z: (z, series), of: (g, h), at: &at });
                    let length = at.items.len();
                    let [_, g_list, _, _, _, _, shares, to] = &mut self.lists;
                    let rows = g_list.chunks_exact(length).zip(shares.chunks_exact(length));
                    for (s, ((product, share), to)) in rows.zip(to.chunks_exact_mut(length)).take(count).enumerate() {
                        let (mean, size, mut doubt) = (self.states[mean][s], self.states[size][s], zero);
                        for ((&product, &share), to) in product.iter().zip(share).zip(to) {
                            let x = product - mean;
                            *to = share * x;
                            let cancels = x.magnitude() < doubtful * (product.magnitude() + size);
                            doubt = if cancels & !(share == zero) { one } else { doubt };
                        }
                        self.states[DOUBT][s] = self.states[DOUBT][s] + doubt;
                    }
                    at.write(&self.lists[OUT][..at.len()], series, out);
                });
                for (s, at) in group.enumerate() {
                    if self.states[DOUBT][s] > zero {
                        run(Again { part: Part::Derivative(&[g, h]), z, series, at, out: &mut *out });
                    }
                }
            }
            Wanted::Higher(directions) => {
                for at in group {
                    run(Again { part: Part::Derivative(directions), z, series, at, out: &mut *out });
                }
            }
        }
    }

    #[inline(always)]
    fn clear<const N: usize>(&mut self, states: [usize; N], count: usize) {
        for state in states {
            self.states[state][..count].fill(T::of(0.0));
        }
    }

    /// Adds what has been lost of a sum.
    #[inline(always)]
    fn settle(&mut self, state: usize, count: usize) {
        for s in 0..count {
            self.states[state][s] = self.states[state][s] + self.states[LOST][s];
        }
    }

    /// The greatest number of each series, and the sums of its exponentials.
    #[inline(always)]
    fn exponentials<const F: bool>(
        &mut self,
        (z, series): (&[T], Series),
        (group, part): (&Range<usize>, usize),
    ) {
        let (zero, one, count) = (T::of(0.0), T::of(1.0), group.len());
        self.states[GREATEST][..count].fill(-T::of(f64::INFINITY));
        each_part!(at in (group, series, part) {
            let z = at.read(z, series, self.lists[Z]);
            for (most, z) in self.states[GREATEST].iter_mut().zip(z.chunks_exact(at.items.len())) {
                let here = greatest(z);
                *most = greater(*most, here);
            }
        });
        self.clear([OTHERS, TIES, LOST], count);
        each_part!(at in (group, series, part) {
            run(Fill { work: &mut *self, z: (z, series), at: &at });
            let length = at.items.len();
            let [_, _, _, _, _, e, ties, others] = &mut self.lists;
            // The leaders are counted, the others summed.
            for ((tie, other), &e) in ties[..at.len()].iter_mut().zip(&mut **others).zip(&**e) {
                (*tie, *other) = if e == one { (one, zero) } else { (zero, e) };
            }
            for (s, ties) in ties[..at.len()].chunks_exact(length).enumerate() {
                self.states[TIES][s] = self.states[TIES][s] + sum(ties);
            }
            self.add_sums(OUT, length, OTHERS, count);
        });
        for s in 0..count {
            let others = self.states[OTHERS][s] + (self.states[TIES][s] - one) + self.states[LOST][s];
            self.states[OTHERS][s] = others;
            self.states[TOTAL][s] = one + others;
            self.states[REST][s] = others / (one + others);
        }
        for s in 0..count {
            self.states[LOG][s] = lane::ln_1p::<T, F>(self.states[OTHERS][s]);
        }
    }

    /// Differences and exponentials of a part, unless they are there.
    #[inline(always)]
    fn fill(&mut self, z: (&[T], Series), at: &Place) {
        if !self.single {
            run(Fill { work: self, z, at });
        }
    }

    #[inline(always)]
    fn fill_here<const F: bool>(&mut self, (z, series): (&[T], Series), at: &Place) {
        let (length, all) = (at.items.len(), at.len());
        let [z_list, _, _, d, low, e, _, _] = &mut self.lists;
        let z = at.read(z, series, z_list);
        let rows = d.chunks_exact_mut(length).zip(low.chunks_exact_mut(length)).zip(z.chunks_exact(length));
        for (((d, low), z), &most) in rows.zip(self.states[GREATEST].iter()) {
            for ((d, low), &z) in d.iter_mut().zip(low).zip(z) {
                (*d, *low) = difference(z, most);
            }
        }
        for ((e, &d), &low) in e[..all].iter_mut().zip(&d[..all]).zip(&low[..all]) {
            let value = lane::exp::<T, F>(d);
            *e = value.fused::<F>(low, value);
        }
    }

    /// The shares of a part.
    #[inline(always)]
    fn shares(&mut self, z: (&[T], Series), at: &Place) {
        self.fill(z, at);
        let length = at.items.len();
        let [_, _, _, _, _, e, shares, _] = &mut self.lists;
        let rows = e[..at.len()].chunks_exact(length).zip(shares.chunks_exact_mut(length));
        for ((e, share), &total) in rows.zip(self.states[TOTAL].iter()) {
            for (&e, share) in e.iter().zip(share) {
                *share = e / total;
            }
        }
    }

    /// Adds the sums of a list to those of the series.
    #[inline(always)]
    fn add_sums(&mut self, list: usize, length: usize, state: usize, count: usize) {
        for (s, x) in self.lists[list].chunks_exact(length).take(count).enumerate() {
            let x = sum(x);
            let (mut total, mut lost) = (self.states[state][s], self.states[LOST][s]);
            add_part(&mut total, &mut lost, x);
            (self.states[state][s], self.states[LOST][s]) = (total, lost);
        }
    }

    /// Adds the labels that are of the greatest magnitude, and those that are not.
    #[inline(always)]
    fn add_labels(&mut self, y: &[T], series: Series, at: &Place) {
        let length = at.items.len();
        let y = at.read(y, series, self.lists[G]);
        for (s, y) in y.chunks_exact(length).enumerate() {
            let (tops, others) = two_sums(y, self.states[ONE][s]);
            for (x, [state, lost]) in [(tops, [TWO, LOST]), (others, [THREE, LOST_TOO])] {
                let (mut total, mut rest) = (self.states[state][s], self.states[lost][s]);
                add_part(&mut total, &mut rest, x);
                (self.states[state][s], self.states[lost][s]) = (total, rest);
            }
        }
    }

    /// s·Σy − y of a part, and s·Σy in the place of s.
    #[inline(always)]
    fn minus_labels(&mut self, y: &[T], series: Series, at: &Place) {
        let (one, length) = (T::of(1.0), at.items.len());
        let [_, y_list, _, _, _, e, shares, to] = &mut self.lists;
        let y = at.read(y, series, y_list);
        let rows = e.chunks_exact(length).zip(shares.chunks_exact_mut(length)).zip(y.chunks_exact(length));
        for (s, (((e, shares), y), to)) in rows.zip(to.chunks_exact_mut(length)).enumerate() {
            let states = &self.states;
            let (rest, top, tops, others) =
                (states[REST][s], states[ONE][s], states[TWO][s], states[THREE][s]);
            let all = tops + others;
            for (((&e, share), &y), to) in e.iter().zip(shares).zip(y).zip(to) {
                let of_others = if y.magnitude() == top { others + (tops - y) } else { all - y };
                let is_not = if e == one { rest } else { one - *share };
                *share = *share * of_others;
                *to = *share - y * is_not;
            }
        }
    }

    /// What is to be subtracted from g: first c, then Σ s (g − c).
    #[inline(always)]
    fn pivot(
        &mut self,
        (z, series): (&[T], Series),
        g: &[T],
        (group, part): (&Range<usize>, usize),
        [c, mean]: [usize; 2],
    ) {
        let (zero, one, count) = (T::of(0.0), T::of(1.0), group.len());
        self.clear([c, LOST], count);
        each_part!(at in (group, series, part) {
            self.shares((z, series), &at);
            let length = at.items.len();
            let [_, g_list, _, _, _, e, shares, to] = &mut self.lists;
            let g = at.read(g, series, g_list);
            let rows = e.chunks_exact(length).zip(shares.chunks_exact(length)).zip(g.chunks_exact(length));
            for (s, (((e, share), g), to)) in rows.zip(to.chunks_exact_mut(length)).take(count).enumerate() {
                let leads = (self.states[TIES][s] == one) & (self.states[OTHERS][s] <= one);
                for (((&e, &share), &g), to) in e.iter().zip(share).zip(g).zip(to) {
                    *to = if leads { if e == one { g } else { zero } } else { share * g };
                }
            }
            self.add_sums(OUT, length, c, count);
        });
        self.settle(c, count);
        self.clear([mean, LOST], count);
        each_part!(at in (group, series, part) {
            self.shares((z, series), &at);
            let length = at.items.len();
            let [_, g_list, _, _, _, _, shares, to] = &mut self.lists;
            let g = at.read(g, series, g_list);
            let rows = shares.chunks_exact(length).zip(g.chunks_exact(length)).zip(to.chunks_exact_mut(length));
            for (((share, g), to), &c) in rows.zip(self.states[c].iter()) {
                for ((&share, &g), to) in share.iter().zip(g).zip(to) {
                    *to = share * (g - c);
                }
            }
            self.add_sums(OUT, length, mean, count);
        });
        self.settle(mean, count);
    }

    /// g − Σ s g of a part, in a list.
    #[inline(always)]
    fn centred(&mut self, g: &[T], series: Series, at: &Place, [c, mean]: [usize; 2], list: usize) {
        let length = at.items.len();
        let [_, g_list, h_list, _, _, _, _, to] = &mut self.lists;
        let g = at.read(g, series, to);
        let to = if list == G { g_list } else { h_list };
        let states = self.states[c].iter().zip(self.states[mean].iter());
        let rows = g.chunks_exact(length).zip(to.chunks_exact_mut(length));
        for ((g, to), (&c, &mean)) in rows.zip(states) {
            for (&g, to) in g.iter().zip(to) {
                *to = (g - c) - mean;
            }
        }
    }

    /// The products of g − Σ s g and h − Σ s h of a part, in the list of g.
    #[inline(always)]
    fn products(&mut self, (z, series): (&[T], Series), (g, h): (&[T], &[T]), at: &Place) {
        self.shares((z, series), at);
        self.centred(g, series, at, [ONE, TWO], G);
        self.centred(h, series, at, [THREE, FOUR], H);
        let [_, g, h, ..] = &mut self.lists;
        for (g, &h) in g[..at.len()].iter_mut().zip(&**h) {
            *g = *g * h;
        }
    }

    /// The product of two lists, in a third.
    #[inline(always)]
    fn times(&mut self, a: usize, b: usize, out: usize, length: usize) {
        let [a, b, out] = self.lists.get_disjoint_mut([a, b, out]).expect("three lists");
        for ((&a, &b), out) in a[..length].iter().zip(&**b).zip(&mut **out) {
            *out = a * b;
        }
    }
}
