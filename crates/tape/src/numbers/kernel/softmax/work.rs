//! Everything that is wanted of series of any length, in parts that fit the first-level cache.

use std::ops::Range;

use super::again::{Again, Part};
use super::place::Place;
use super::sums::{
    BESIDE, add_part, beside, difference, greater, greatest, greatest_magnitude, is_finite, sum, two_sums,
};
use super::{FEW, PART, SERIES, Series, SoftmaxMath, Wanted};
use crate::numbers::kernel::simd::{Loops, run};
use crate::numbers::kernel::vector_math::lane;

/// Rows that are read side by side, where a series is a row.
const ROWS: usize = 16;
/// Lists of so many numbers, and of so many series, in the scratch memory.
const LISTS: usize = 8;
const STATES: usize = 13;

/// Series of any length, in parts.
pub(super) struct Call<'a, T> {
    pub(super) wanted: Wanted<'a, T>,
    pub(super) z: &'a [T],
    pub(super) series: Series,
    pub(super) out: &'a mut [T],
}

impl Series {
    /// How many series are worked on at a time, and how many numbers of each: functions of the
    /// shape alone.
    fn panel(self) -> (usize, usize) {
        let together = if self.across && self.length * ROWS > PART { ROWS } else { PART / self.length };
        let together = together.clamp(1, SERIES.min(self.count));
        (together, self.length.min(PART / together))
    }
}

/// Some series of z, and how many numbers of each are worked on at a time.
#[derive(Clone, Copy)]
struct Group<'z, T> {
    z: &'z [T],
    series: Series,
    first: usize,
    count: usize,
    part: usize,
}

impl<T> Group<'_, T> {
    fn members(&self) -> Range<usize> {
        self.first..self.first + self.count
    }
}

impl<T: SoftmaxMath> Group<'_, T> {
    /// Computes a series again, with twice the digits.
    #[inline(always)]
    fn again(&self, part: Part<'_, T>, at: usize, out: &mut [T]) {
        run(Again { part, z: self.z, series: self.series, at, out });
    }

    /// Whether all numbers of a series of x are finite.
    #[inline(always)]
    fn all_are_finite(&self, x: &[T], at: usize) -> bool {
        let mut all = true;
        for item in 0..self.series.length {
            all &= is_finite(x[self.series.index(at, item)]);
        }
        all
    }
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
        let Call { wanted, z, series, out } = self;
        let (together, part) = series.panel();
        let mut scratch = T::scratch().take();
        scratch.grow(LISTS * PART + STATES * SERIES, T::of(0.0)).expect("scratch memory for softmax");
        let (lists, states) = scratch.split_at_mut(LISTS * PART);
        let (mut lists, mut states) = (lists.chunks_exact_mut(PART), states.chunks_exact_mut(SERIES));
        let mut work = Work {
            lists: std::array::from_fn(|_| lists.next().expect("as many lists")),
            states: std::array::from_fn(|_| states.next().expect("as many states")),
            single: part == series.length,
        };
        for first in (0..series.count).step_by(together) {
            let of = Group { z, series, first, count: together.min(series.count - first), part };
            work.exponentials::<F>(of);
            work.compute(wanted, of, out);
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
    of: Group<'w, T>,
    at: &'w Place,
}

impl<T: SoftmaxMath> Loops for Fill<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        self.work.fill_here::<F>(self.of, self.at);
    }
}

/// What is to be subtracted from g of a group.
struct Pivot<'w, 's, T> {
    work: &'w mut Work<'s, T>,
    of: Group<'w, T>,
    g: &'w [T],
    states: [usize; 2],
}

impl<T: SoftmaxMath> Loops for Pivot<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        self.work.pivot_here(self.of, self.g, self.states);
    }
}

/// The products of g and h of a part, each less its mean.
struct Products<'w, 's, T> {
    work: &'w mut Work<'s, T>,
    of: Group<'w, T>,
    g: &'w [T],
    h: &'w [T],
    at: &'w Place,
}

impl<T: SoftmaxMath> Loops for Products<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        self.work.products_here(self.of, (self.g, self.h), self.at);
    }
}

/// Calls the code for every part of a group.
macro_rules! each_part {
    ($place:ident in $of:ident $code:block) => {
        let mut item = 0;
        while item < $of.series.length {
            let items = item..$of.series.length.min(item + $of.part);
            item = items.end;
            let $place = Place { series: $of.members(), items };
            $code
        }
    };
}

impl<T: SoftmaxMath> Work<'_, T> {
    /// What is wanted of a group whose exponentials are known.
    #[inline(always)]
    fn compute(&mut self, wanted: Wanted<'_, T>, of: Group<'_, T>, out: &mut [T]) {
        match wanted {
            Wanted::LogSumExp => self.log_sum_exp(of, out),
            Wanted::Shares => {
                each_part!(at in of {
                    self.shares(of, &at);
                    at.write(&self.lists[S][..at.len()], of.series, out);
                });
            }
            Wanted::Logarithms => self.logarithms(of, out),
            Wanted::CrossEntropy(y) => self.cross_entropy(of, y, out),
            Wanted::Minus(y) => self.minus(of, y, out),
            Wanted::Centred(g) => self.first(of, g, (G, out)),
            Wanted::First(g) => self.first(of, g, (OUT, out)),
            Wanted::Second(g, h) => self.second(of, (g, h), out),
            Wanted::Higher(directions) => {
                for at in of.members() {
                    of.again(Part::Derivative(directions), at, out);
                }
            }
        }
    }

    /// ln Σ exp z.
    #[inline(always)]
    fn log_sum_exp(&self, of: Group<'_, T>, out: &mut [T]) {
        for (s, at) in of.members().enumerate() {
            let (m, log) = (self.states[GREATEST][s], self.states[LOG][s]);
            let sum = m + log;
            let infinite = m.magnitude() == T::of(f64::INFINITY);
            out[at] = if infinite { m } else { sum };
            // The two cancel.
            if (m < T::of(0.0)) & (sum.magnitude() < T::of(-0.75) * m) {
                of.again(Part::LogSumExp, at, out);
            }
        }
    }

    /// ln s.
    #[inline(always)]
    fn logarithms(&mut self, of: Group<'_, T>, out: &mut [T]) {
        each_part!(at in of {
            self.fill(of, &at);
            let length = at.items.len();
            let [_, _, _, d, low, _, _, to] = &mut self.lists;
            let rows = d.chunks_exact(length).zip(low.chunks_exact(length)).zip(to.chunks_exact_mut(length));
            for (((d, low), to), &log) in rows.zip(&self.states[LOG][..of.count]) {
                for ((&d, &low), to) in d.iter().zip(low).zip(to) {
                    *to = (d - log) + low;
                }
            }
            at.write(&self.lists[OUT][..at.len()], of.series, out);
        });
    }

    /// −Σ y ln s.
    #[inline(always)]
    fn cross_entropy(&mut self, of: Group<'_, T>, y: &[T], out: &mut [T]) {
        let zero = T::of(0.0);
        self.clear([ONE, LOST], of.count);
        each_part!(at in of {
            self.fill(of, &at);
            let length = at.items.len();
            let [_, y_list, _, d, low, _, _, to] = &mut self.lists;
            let y = at.read(y, of.series, y_list);
            let rows = d.chunks_exact(length).zip(low.chunks_exact(length)).zip(y.chunks_exact(length));
            let rows = rows.zip(to.chunks_exact_mut(length));
            for ((((d, low), y), to), &log) in rows.zip(&self.states[LOG][..of.count]) {
                for (((&d, &low), &y), to) in d.iter().zip(low).zip(y).zip(to) {
                    let loss = y * ((log - d) - low);
                    // A logit −∞ rules its class out; that is no matter if the label does too. A
                    // NaN stays.
                    *to = if (y == zero) & (d == -T::of(f64::INFINITY)) { log * zero } else { loss };
                }
            }
            self.add_sums(OUT, length, ONE, of.count);
        });
        for (s, at) in of.members().enumerate() {
            out[at] = self.states[ONE][s] + self.states[LOST][s];
        }
    }

    /// s·Σy − y.
    #[inline(always)]
    fn minus(&mut self, of: Group<'_, T>, y: &[T], out: &mut [T]) {
        self.labels(of, y);
        // Of a few, how many are beside their labels. Of many one or another is by chance, which is
        // not worth it: there they count together, by the greatest share and the greatest that is
        // left.
        let (few, most, most_left) = (DOUBT, FOUR, LOST);
        self.clear([few, most, most_left], of.count);
        each_part!(at in of {
            self.shares(of, &at);
            self.minus_labels(y, of.series, &at);
            at.write(&self.lists[OUT][..at.len()], of.series, out);
            let length = at.items.len();
            let rows = self.lists[S][..at.len()].chunks_exact(length).zip(self.lists[OUT].chunks_exact(length));
            for (s, (shares, left)) in rows.enumerate() {
                if of.series.length <= FEW {
                    self.states[few][s] = beside(shares, left);
                    continue;
                }
                for (state, x) in [(most, shares), (most_left, left)] {
                    self.states[state][s] = greater(self.states[state][s], greatest_magnitude(x));
                }
            }
        });
        for (s, at) in of.members().enumerate() {
            let are_beside = self.states[most_left][s] < T::of(BESIDE) * self.states[most][s];
            if are_beside | (self.states[few][s] > T::of(0.0)) {
                of.again(Part::Minus(y), at, out);
            }
        }
    }

    /// Of the labels: the greatest magnitude, the sum of those, and the sum of the rest.
    #[inline(always)]
    fn labels(&mut self, of: Group<'_, T>, y: &[T]) {
        self.clear([ONE], of.count);
        each_part!(at in of {
            let length = at.items.len();
            let [_, y_list, _, _, _, _, _, to] = &mut self.lists;
            let y = at.read(y, of.series, y_list);
            for (to, y) in to.iter_mut().zip(y) {
                *to = y.magnitude();
            }
            let rows = self.lists[OUT][..at.len()].chunks_exact(length);
            for (top, y) in self.states[ONE].iter_mut().zip(rows) {
                *top = greater(*top, greatest(y));
            }
        });
        self.clear([TWO, LOST, THREE, LOST_TOO], of.count);
        each_part!(at in of {
            self.add_labels(y, of.series, &at);
        });
        for s in 0..of.count {
            self.states[TWO][s] = self.states[TWO][s] + self.states[LOST][s];
            self.states[THREE][s] = self.states[THREE][s] + self.states[LOST_TOO][s];
        }
    }

    /// g − Σ s g, which is in the list of g, or s ⊙ (g − Σ s g) in that of what is made of shares.
    #[inline(always)]
    fn first(&mut self, of: Group<'_, T>, g: &[T], (list, out): (usize, &mut [T])) {
        self.pivot(of, g, [ONE, TWO]);
        each_part!(at in of {
            self.shares(of, &at);
            self.centred(g, of.series, &at, [ONE, TWO], G);
            if list == OUT {
                self.times(S, G, OUT, at.len());
            }
            at.write(&self.lists[list][..at.len()], of.series, out);
        });
    }

    /// D² softmax(z)\[g, h\].
    #[inline(always)]
    fn second(&mut self, of: Group<'_, T>, (g, h): (&[T], &[T]), out: &mut [T]) {
        let (zero, one, count) = (T::of(0.0), T::of(1.0), of.count);
        self.pivot(of, g, [ONE, TWO]);
        self.pivot(of, h, [THREE, FOUR]);
        // In f32 few digits can be spared. Of many numbers one or another is small by chance: not
        // all of them are worth it.
        let doubtful =
            T::of(if T::FEW_DIGITS && of.series.length <= FEW { 1.0 / 64.0 } else { 1.0 / 4096.0 });
        // The mean of the products, and that of their magnitudes, in states that are free by now.
        let (mean, size) = (OTHERS, TIES);
        self.clear([mean, LOST], count);
        each_part!(at in of {
            self.products(of, (g, h), &at);
            self.times(S, G, OUT, at.len());
            self.add_sums(OUT, at.items.len(), mean, count);
        });
        self.settle(mean, count);
        self.clear([size, LOST], count);
        each_part!(at in of {
            self.products(of, (g, h), &at);
            self.times(S, G, OUT, at.len());
            for x in &mut self.lists[OUT][..at.len()] {
                *x = x.magnitude();
            }
            self.add_sums(OUT, at.items.len(), size, count);
        });
        self.settle(size, count);
        self.clear([DOUBT], count);
        each_part!(at in of {
            self.products(of, (g, h), &at);
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
            at.write(&self.lists[OUT][..at.len()], of.series, out);
        });
        for (s, at) in of.members().enumerate() {
            // A product may be too large where its share of the mean is not: shares come first then.
            let overflows =
                !is_finite(self.states[mean][s]) && of.all_are_finite(g, at) && of.all_are_finite(h, at);
            if self.states[DOUBT][s] > zero || overflows {
                of.again(Part::Derivative(&[g, h]), at, out);
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
    fn exponentials<const F: bool>(&mut self, of: Group<'_, T>) {
        let (zero, one, count) = (T::of(0.0), T::of(1.0), of.count);
        self.states[GREATEST][..count].fill(-T::of(f64::INFINITY));
        each_part!(at in of {
            let z = at.read(of.z, of.series, self.lists[Z]);
            for (most, z) in self.states[GREATEST].iter_mut().zip(z.chunks_exact(at.items.len())) {
                let here = greatest(z);
                *most = greater(*most, here);
            }
        });
        self.clear([OTHERS, TIES, LOST], count);
        each_part!(at in of {
            run(Fill { work: &mut *self, of, at: &at });
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
    fn fill(&mut self, of: Group<'_, T>, at: &Place) {
        if !self.single {
            run(Fill { work: self, of, at });
        }
    }

    #[inline(always)]
    fn fill_here<const F: bool>(&mut self, of: Group<'_, T>, at: &Place) {
        let (length, all) = (at.items.len(), at.len());
        let [z_list, _, _, d, low, e, _, _] = &mut self.lists;
        let z = at.read(of.z, of.series, z_list);
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
    fn shares(&mut self, of: Group<'_, T>, at: &Place) {
        self.fill(of, at);
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
    fn pivot(&mut self, of: Group<'_, T>, g: &[T], states: [usize; 2]) {
        run(Pivot { work: self, of, g, states });
    }

    #[inline(always)]
    fn pivot_here(&mut self, of: Group<'_, T>, g: &[T], [c, mean]: [usize; 2]) {
        let (zero, one, count) = (T::of(0.0), T::of(1.0), of.count);
        self.clear([c, LOST], count);
        each_part!(at in of {
            self.shares(of, &at);
            let length = at.items.len();
            let [_, g_list, _, _, _, e, shares, to] = &mut self.lists;
            let g = at.read(g, of.series, g_list);
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
        each_part!(at in of {
            self.shares(of, &at);
            let length = at.items.len();
            let [_, g_list, _, _, _, _, shares, to] = &mut self.lists;
            let g = at.read(g, of.series, g_list);
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
    fn products(&mut self, of: Group<'_, T>, (g, h): (&[T], &[T]), at: &Place) {
        run(Products { work: self, of, g, h, at });
    }

    #[inline(always)]
    fn products_here(&mut self, of: Group<'_, T>, (g, h): (&[T], &[T]), at: &Place) {
        self.shares(of, at);
        self.centred(g, of.series, at, [ONE, TWO], G);
        self.centred(h, of.series, at, [THREE, FOUR], H);
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
