//! A series that is computed with twice the digits.

use super::{FEW, Series, SoftmaxMath};
use crate::numbers::kernel::simd::Loops;
use crate::numbers::kernel::vector_math::lane;
use crate::numbers::kernel::wide::Wide;

/// What is computed again.
#[derive(Clone, Copy)]
pub(super) enum Part<'a, T> {
    LogSumExp,
    /// s·Σy − y.
    Minus(&'a [T]),
    /// Dⁿ softmax(z)\[g₁, …, gₙ\].
    Derivative(&'a [&'a [T]]),
}

/// One series, computed again.
///
/// It is compiled once for an instruction set, and not where it is called.
pub(super) struct Again<'a, T> {
    pub(super) part: Part<'a, T>,
    pub(super) z: &'a [T],
    pub(super) series: Series,
    pub(super) at: usize,
    pub(super) out: &'a mut [T],
}

impl<T: SoftmaxMath> Loops for Again<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const F: bool>(self) {
        let Again { part, z, series, at, out } = self;
        if T::FEW_DIGITS
            && let Part::Minus(y) = part
        {
            return minus_in_double::<T, F>(y, (z, series, at), out);
        }
        if T::FEW_DIGITS
            && let Part::LogSumExp = part
            && let Some(sum) = log_sum_exp_in_double::<T, F>((z, series, at))
        {
            out[at] = T::of(sum);
            return;
        }
        let of = WideSeries::new(z, series, at);
        match part {
            Part::LogSumExp => out[at] = T::of(of.log_sum_exp::<F>()),
            Part::Minus(y) => of.minus::<F>(y, out),
            Part::Derivative(directions) => of.derivative::<F>(directions, out),
        }
    }
}

/// s·Σy − y as by [`WideSeries::minus`], where an f64 has twice the digits.
#[inline(always)]
fn minus_in_double<T: SoftmaxMath, const F: bool>(
    y: &[T],
    (z, series, at): (&[T], Series, usize),
    out: &mut [T],
) {
    let index = |item: usize| series.index(at, item);
    let z = |item: usize| z[index(item)].double();
    let mut leader = 0;
    for item in 1..series.length {
        if z(item) > z(leader) {
            leader = item;
        }
    }
    let (greatest, of_leader) = (z(leader), y[index(leader)].double());
    let beside = |item: usize| {
        let (d, y) = (z(item) - greatest, y[index(item)].double());
        let e = lane::exp::<f64, F>(d);
        // Where logits differ by less than an ulp of 1 it is eᵢ − 1 that tells them apart.
        let is_near = d > -0.5;
        let of_near = (y - of_leader) - of_leader * lane::exp_m1::<f64, F>(d);
        (e, if is_near { of_near } else { y - of_leader * e })
    };
    let (mut all, mut parts) = (0.0, 0.0);
    for item in 0..series.length {
        let (e, r) = beside(item);
        (all, parts) = (all + e, parts + r);
    }
    for item in 0..series.length {
        let (e, r) = beside(item);
        out[index(item)] = T::of((e * parts - r * all) / all);
    }
}

/// max + ln Σ, where an f64 has digits enough: of the two it loses some 2⁻⁵², and so 2⁻⁴⁰ of a sum
/// that is 2⁻¹² of them.
#[inline(always)]
fn log_sum_exp_in_double<T: SoftmaxMath, const F: bool>(
    (z, series, at): (&[T], Series, usize),
) -> Option<f64> {
    let z = |item: usize| z[series.index(at, item)].double();
    let mut leader = 0;
    for item in 1..series.length {
        if z(item) > z(leader) {
            leader = item;
        }
    }
    let (greatest, mut others) = (z(leader), 0.0);
    for item in 0..series.length {
        let e = lane::exp::<f64, F>(z(item) - greatest);
        others += if item == leader { 0.0 } else { e };
    }
    let sum = greatest + lane::ln_1p::<f64, F>(others);
    (sum.abs() > greatest.abs() * (1.0 / 4096.0)).then_some(sum)
}

/// A series and its sum.
struct WideSeries<'a, T> {
    z: &'a [T],
    series: Series,
    at: usize,
    /// The greatest number, and where it first stands.
    greatest: f64,
    leader: usize,
    /// Σ exp(z − greatest).
    sum: Wide,
    /// The first of its terms.
    known: [Wide; FEW],
}

impl<'a, T: SoftmaxMath> WideSeries<'a, T> {
    #[inline(always)]
    fn new(z: &'a [T], series: Series, at: usize) -> Self {
        let mut of = WideSeries {
            z,
            series,
            at,
            greatest: -f64::INFINITY,
            leader: 0,
            sum: Wide::ZERO,
            known: [Wide::ZERO; FEW],
        };
        for item in 0..series.length {
            let z = of.item(z, item);
            if z > of.greatest || z.is_nan() {
                (of.greatest, of.leader) = (z, item);
            }
            if z.is_nan() {
                break;
            }
        }
        for item in 0..series.length {
            let e = of.compute(item);
            of.sum = of.sum.plus(e);
            if let Some(known) = of.known.get_mut(item) {
                *known = e;
            }
        }
        of
    }

    #[inline(always)]
    fn index(&self, item: usize) -> usize {
        self.series.index(self.at, item)
    }

    #[inline(always)]
    fn item(&self, x: &[T], item: usize) -> f64 {
        x[self.index(item)].double()
    }

    /// exp(z − greatest).
    #[inline(always)]
    fn exponential(&self, item: usize) -> Wide {
        if item < FEW { self.known[item] } else { self.compute(item) }
    }

    #[inline(always)]
    fn compute(&self, item: usize) -> Wide {
        let z = self.item(self.z, item);
        if z == -f64::INFINITY && self.greatest > z {
            return Wide::ZERO;
        }
        Wide::difference(z, self.greatest).exp_of_negative()
    }

    /// max + ln Σ, where Σ·e^(−l) = 1 + δ for l near ln Σ.
    #[inline(always)]
    fn log_sum_exp<const F: bool>(&self) -> f64 {
        let log = self.sum.rounded().ln();
        let ratio = self.sum.times::<F>(Wide::of(-log).exp_of_negative());
        Wide::of(self.greatest).plus(Wide::of(log)).plus(ratio.minus(Wide::ONE)).rounded()
    }

    /// With rⱼ = yⱼ − yₖ·eⱼ for the leader k, of which e is 1: (eᵢ·Σr − rᵢ·Σe)/Σe. Labels that are
    /// in proportion to the shares leave nothing of r, and rₖ is 0: so a sum is not smaller than
    /// its terms where they are all small.
    #[inline(always)]
    fn minus<const F: bool>(&self, y: &[T], out: &mut [T]) {
        let of_leader = Wide::of(self.item(y, self.leader));
        let mut parts = Wide::ZERO;
        for item in 0..self.series.length {
            parts = parts.plus(self.beside::<F>(y, of_leader, item).1);
        }
        for item in 0..self.series.length {
            let (e, r) = self.beside::<F>(y, of_leader, item);
            let difference = e.times::<F>(parts).minus(r.times::<F>(self.sum));
            out[self.index(item)] = T::of(difference.over::<F>(self.sum).rounded());
        }
    }

    /// eᵢ and rᵢ.
    #[inline(always)]
    fn beside<const F: bool>(&self, y: &[T], of_leader: Wide, item: usize) -> (Wide, Wide) {
        let e = self.exponential(item);
        (e, Wide::of(self.item(y, item)).minus(of_leader.times::<F>(e)))
    }

    /// Dⁿ softmax(z)\[g₁, …, gₙ\].
    ///
    /// For a set A of the directions let Dᴬs be the derivative along them, and Lᴬ that of ln Σ exp
    /// z. As Dᵍs = s·(g − Lᵍ), for a direction g outside of A
    ///
    /// D^(A ∪ g) s = Dᴬs·(g − Lᵍ) − Σ over B ⊊ A of Dᴮs · L^((A ∖ B) ∪ g),   Lᴬ = Σᵢ gᵢ·D^(A ∖ g)
    /// sᵢ for any g in A.
    ///
    /// With S = Σe these are computed as S^(|A| + 1)·Dᴬs and S^|A|·Lᴬ, from eᵢ and g·S, so that
    /// nothing is divided before the end: where logits are equal but for a little, that little is
    /// kept. Sets are bits of a number. The g of the leader is subtracted from each direction,
    /// which changes nothing but keeps digits. A direction of large numbers is made small in
    /// between, as they may be too large together.
    #[inline(always)]
    fn derivative<const F: bool>(&self, directions: &[&[T]], out: &mut [T]) {
        let sets = 1 << directions.len();
        let mut sums: smallvec::SmallVec<[Wide; 16]> = smallvec::SmallVec::from_elem(Wide::ZERO, sets);
        let mut slopes = sums.clone();
        let directions: smallvec::SmallVec<[Direction<'_, T>; 4]> =
            directions.iter().map(|&g| Direction { g, unit: self.unit(g) }).collect();
        let directions = directions.as_slice();
        for size in 1..=directions.len() as u32 {
            // All sums of sets that are smaller are known.
            for item in 0..self.series.length {
                self.slopes::<F>(directions, item, (&sums, size - 1), &mut slopes);
                for set in (1..sets).filter(|set| set.count_ones() == size) {
                    let g = set.ilog2();
                    let term =
                        self.direction(&directions[g as usize], item).times::<F>(slopes[set & !(1 << g)]);
                    sums[set] = sums[set].plus(term);
                }
            }
        }
        for item in 0..self.series.length {
            self.slopes::<F>(directions, item, (&sums, directions.len() as u32), &mut slopes);
            let mut slope = slopes[sets - 1];
            for _ in 0..=directions.len() {
                slope = slope.over::<F>(self.sum);
            }
            let units = directions.iter().map(|direction| direction.unit);
            out[self.index(item)] = T::of(units.fold(slope.rounded(), |slope, unit| slope / unit));
        }
    }

    /// The derivatives of a share along all sets of directions up to a size, times powers of S.
    #[inline(always)]
    fn slopes<const F: bool>(
        &self,
        directions: &[Direction<'_, T>],
        item: usize,
        (sums, most): (&[Wide], u32),
        slopes: &mut [Wide],
    ) {
        slopes[0] = self.exponential(item);
        for set in (1..slopes.len()).filter(|set| set.count_ones() <= most) {
            let g = set.ilog2() as usize;
            let rest = set & !(1 << g);
            let centred = self.direction(&directions[g], item).times::<F>(self.sum).minus(sums[1 << g]);
            let mut slope = slopes[rest].times::<F>(centred);
            // All true subsets of the rest, from the greatest down to none.
            let mut subset = rest;
            while subset > 0 {
                subset = (subset - 1) & rest;
                slope = slope.minus(slopes[subset].times::<F>(sums[(rest & !subset) | 1 << g]));
            }
            slopes[set] = slope;
        }
    }

    #[inline(always)]
    fn direction(&self, &Direction { g, unit }: &Direction<'_, T>, item: usize) -> Wide {
        Wide::difference(unit * self.item(g, item), unit * self.item(g, self.leader))
    }

    /// 1, or the power of two that makes the numbers of a direction less than [`LARGE`].
    #[inline(always)]
    fn unit(&self, g: &[T]) -> f64 {
        let mut most = LARGE;
        for item in 0..self.series.length {
            let size = self.item(g, item).abs();
            most = if (size > most) & (size < f64::INFINITY) { size } else { most };
        }
        let power = |x: f64| f64::from_bits(x.to_bits() & f64::INFINITY.to_bits());
        LARGE / power(most)
    }
}

/// A direction, and the power of two that it is multiplied by.
struct Direction<'a, T> {
    g: &'a [T],
    unit: f64,
}

/// 2³⁰⁰: three such numbers, and their products with sums of exponentials, are finite together.
const LARGE: f64 = f64::from_bits((1023 + 300) << 52);
