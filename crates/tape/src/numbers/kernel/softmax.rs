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
mod place;
mod short;
mod sums;
#[cfg(test)]
mod tests;
mod work;

use super::simd::run;
use super::vector_math::Real;
use labels::{Beside, Labelled};
use short::{Of, Short, TOGETHER};
use work::Call;

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
/// The most numbers of a series that is computed again if a few digits are lost in f32.
const FEW: usize = 16;

impl Series {
    /// Where an item of a series stands in the matrix.
    #[inline(always)]
    fn index(self, at: usize, item: usize) -> usize {
        if self.across { item * self.count + at } else { at * self.length + item }
    }
}
