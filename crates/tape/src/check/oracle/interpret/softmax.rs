//! Softmax and what is computed of it.

use super::At;
use super::reductions::{from_greatest, log_sum_exp, parts, taken, term};
use crate::Over;
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::Number;
use crate::ops::softmax::{Of, Softmax};
use crate::tape::describe::Described;

/// The logits, or NaN in the place of each, where there are no shares: where one is ∞ or NaN.
fn logits<N: Number>(x: &[N]) -> Vec<N> {
    let has_none = |x: &N| x.value().is_nan() || x.value() == f64::INFINITY;
    match x.iter().any(has_none) {
        true => vec![N::of(f64::NAN); x.len()],
        false => x.to_vec(),
    }
}

/// eˣ ⊘ Σ eˣ.
fn shares<N: Number>(x: &[N]) -> Vec<N> {
    let (exps, _) = from_greatest(&logits(x));
    let whole = N::sum(&exps);
    exps.into_iter().map(|e| e / whole.clone()).collect()
}

impl<N: Number> At<'_, N> {
    pub(super) fn softmax(&mut self) -> Result<Grid<N>, Error> {
        let known = Described::<f64>::of_parameters(&mut self.given);
        let Softmax { of, over } = known.map_err(|reason| self.unknown(reason))?;
        let (first, last) = (self.x[0], self.x[self.x.len() - 1]);
        match of {
            Of::Derivative { order: _ } => {
                let directions = &self.x[1..];
                self.spread(over, first, |part, z| {
                    let directions: Vec<Vec<N>> = directions.iter().map(|g| taken(g, part)).collect();
                    derivative(z, &directions)
                })
            }
            Of::Logarithm => self.spread(over, first, |_, z| {
                let z = &logits(z);
                let whole = log_sum_exp(z);
                z.iter().map(|z| z.clone() - whole.clone()).collect()
            }),
            Of::CrossEntropy => {
                let reduced = |part: Vec<usize>| cross_entropy(&taken(first, &part), &taken(last, &part));
                let data = parts(over, last.shape()).into_iter().map(reduced).collect();
                Ok(Grid::of_data(self.rows, self.columns, data))
            }
            // s ⊙ ΣY − Y.
            Of::Minus(_) => self.spread(over, last, |part, z| {
                let y = taken(first, part);
                let whole = N::sum(&y);
                shares(z).into_iter().zip(y).map(|(s, y)| s * whole.clone() - y).collect()
            }),
            // G − Σ s ⊙ G.
            Of::Centred => self.spread(over, last, |part, z| {
                let g = taken(first, part);
                let pairs: Vec<(N, N)> = shares(z).into_iter().zip(g.iter().cloned()).collect();
                let mean = N::dot(&pairs);
                g.into_iter().map(|g| g - mean.clone()).collect()
            }),
        }
    }

    /// What is made of each part of the logits, in its place.
    fn spread(
        &self,
        over: Over,
        logits: &Grid<N>,
        f: impl Fn(&[usize], &[N]) -> Vec<N>,
    ) -> Result<Grid<N>, Error> {
        let mut data = logits.as_slice().to_vec();
        for part in parts(over, logits.shape()) {
            let values = f(&part, &taken(logits, &part));
            part.iter().zip(values).for_each(|(&at, value)| data[at] = value);
        }
        Ok(Grid::of_data(self.rows, self.columns, data))
    }
}

/// −Σ y · ln softmax(z).
fn cross_entropy<N: Number>(y: &[N], z: &[N]) -> N {
    let z = &logits(z);
    let whole = log_sum_exp(z);
    let terms: Vec<N> = y.iter().zip(z).map(|(y, z)| term(y, || whole.clone() - z.clone())).collect();
    N::sum(&terms)
}

/// The derivative of softmax along n directions: with z + Σ εᵢ·gᵢ, where every εᵢ² = 0, the part of
/// ε₁⋯εₙ.
fn derivative<N: Number>(z: &[N], directions: &[Vec<N>]) -> Vec<N> {
    let n = directions.len();
    let (exps, _) = from_greatest(&logits(z));
    // e^(z + Σ εᵢgᵢ) = e^z·Π (1 + εᵢgᵢ).
    let moved: Vec<Nilpotent<N>> = (0..z.len())
        .map(|at| {
            let part = |set: usize| {
                let members = (0..n).filter(|i| set >> i & 1 == 1);
                members.fold(exps[at].clone(), |product, i| product * directions[i][at].clone())
            };
            Nilpotent((0..1 << n).map(part).collect())
        })
        .collect();
    let whole: Vec<N> = (0..1 << n)
        .map(|set: usize| N::sum(&moved.iter().map(|x| x.0[set].clone()).collect::<Vec<N>>()))
        .collect();
    let inverse = Nilpotent(whole).inverse();
    moved.iter().map(|x| x.times_at(&inverse, (1 << n) - 1)).collect()
}

/// Σ over sets S of c_S·Π_{i ∈ S} εᵢ with εᵢ² = 0; a set is a number's bits.
struct Nilpotent<N>(Vec<N>);

impl<N: Number> Nilpotent<N> {
    /// The part of a set of a product.
    fn times_at(&self, other: &Self, set: usize) -> N {
        let subsets = (0..=set).filter(|subset| subset & set == *subset);
        let pairs: Vec<(N, N)> =
            subsets.map(|subset| (self.0[subset].clone(), other.0[set - subset].clone())).collect();
        N::dot(&pairs)
    }

    /// 1/x, set by set: Σ of all products that make up a set is 0, but for the empty one.
    fn inverse(&self) -> Self {
        let first = N::of(1.0) / self.0[0].clone();
        let mut inverse = Nilpotent(vec![first.clone()]);
        for set in 1..self.0.len() {
            let subsets = (1..=set).filter(|subset| subset & set == *subset);
            let pairs: Vec<(N, N)> =
                subsets.map(|subset| (self.0[subset].clone(), inverse.0[set - subset].clone())).collect();
            inverse.0.push(-(N::dot(&pairs) * first.clone()));
        }
        inverse
    }
}
