//! Sums, extremes and their places, and the losses.

use std::cmp::Ordering;

use super::{At, mean_of_equals};
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::{Elementary, Number};
use crate::ops::cumulative::From;
use crate::{Over, Reduction};

/// The parts of a matrix that are reduced together, as places in it.
pub(super) fn parts(over: Over, (rows, columns): (usize, usize)) -> Vec<Vec<usize>> {
    match over {
        Over::Rows => (0..columns).map(|j| (0..rows).map(|i| i + j * rows).collect()).collect(),
        Over::Columns => (0..rows).map(|i| (0..columns).map(|j| i + j * rows).collect()).collect(),
        Over::All => vec![(0..rows * columns).collect()],
    }
}

/// The numbers at these places.
pub(super) fn taken<N: Number>(x: &Grid<N>, places: &[usize]) -> Vec<N> {
    places.iter().map(|&at| x.as_slice()[at].clone()).collect()
}

/// e^(x − c) with a constant c near the greatest, and c: e^x would overflow.
pub(super) fn from_greatest<N: Number>(x: &[N]) -> (Vec<N>, N) {
    let greatest = x.iter().map(N::value).fold(f64::NEG_INFINITY, f64::max);
    let shift = N::of(if greatest.is_finite() { greatest } else { 0.0 });
    let exp = |x: &N| (x.clone() - shift.clone()).elementary(Elementary::Exp);
    (x.iter().map(exp).collect(), shift)
}

/// ln Σ eˣ.
pub(super) fn log_sum_exp<N: Number>(x: &[N]) -> N {
    let (exps, shift) = from_greatest(x);
    shift + N::sum(&exps).elementary(Elementary::Ln)
}

/// The places of the greatest numbers; the first number that cannot be compared with another, if there is one.
fn places_of_greatest<N: Number>(x: &[N]) -> Result<Vec<usize>, N> {
    // The first is compared with no other: not even with itself, which a bound may forbid.
    let mut places: Vec<usize> = if x.is_empty() { Vec::new() } else { vec![0] };
    for (at, candidate) in x.iter().enumerate().skip(1) {
        let best = &x[places[0]];
        match candidate.compare(best) {
            None => return Err((candidate.clone() + best.clone()).unordered()),
            Some(Ordering::Greater) => places = vec![at],
            Some(Ordering::Equal) => places.push(at),
            Some(Ordering::Less) => {}
        }
    }
    Ok(places)
}

/// The greatest; of several their mean, so that they share a derivative.
fn greatest<N: Number>(x: &[N]) -> N {
    match places_of_greatest(x) {
        Err(unordered) => unordered,
        Ok(places) => mean_of_equals(&taken_of(x, &places)),
    }
}

fn negatives<N: Number>(x: &[N]) -> Vec<N> {
    x.iter().map(|x| -x.clone()).collect()
}

fn taken_of<N: Number>(x: &[N], places: &[usize]) -> Vec<N> {
    places.iter().map(|&at| x[at].clone()).collect()
}

/// weight · value, where 0 · ∞ is 0: what has no weight is not asked for.
pub(super) fn term<N: Number>(weight: &N, value: impl FnOnce() -> N) -> N {
    if weight.vanishes() { N::of(0.0) } else { weight.clone() * value() }
}

/// c·ln x with 0·ln 0 = 0.
fn log_term<N: Number>(c: &N, x: &N) -> N {
    let both = |x: &N| x.value() == 0.0;
    if both(c) && both(x) { N::of(0.0) } else { term(c, || x.elementary(Elementary::Ln)) }
}

impl<N: Number> At<'_, N> {
    pub(super) fn reduction(&mut self) -> Result<Grid<N>, Error> {
        let (reduction, over): (Reduction, Over) = (self.take("reduction")?, self.take("over")?);
        let parts = parts(over, self.x[0].shape());
        let is_extreme = matches!(reduction, Reduction::Max | Reduction::Min);
        if is_extreme && parts.iter().any(Vec::is_empty) {
            let what = if reduction == Reduction::Max { "maximum" } else { "minimum" };
            return Err(self.outside(format!("nothing has no {what}")));
        }
        let reduced = |part: &Vec<usize>| {
            let x = taken(self.x[0], part);
            match reduction {
                Reduction::Sum => N::sum(&x),
                Reduction::Max => greatest(&x),
                Reduction::Min => -greatest(&negatives(&x)),
                Reduction::MaxNorm if x.is_empty() => N::of(0.0),
                Reduction::MaxNorm => {
                    greatest(&x.into_iter().map(super::functions::absolute).collect::<Vec<N>>())
                }
                Reduction::LogSumExp => log_sum_exp(&x),
            }
        };
        Ok(Grid::of_data(self.rows, self.columns, parts.iter().map(reduced).collect()))
    }

    /// The place of the first of the greatest; it does not move.
    pub(super) fn arg_max(&mut self) -> Result<Grid<N>, Error> {
        let over: Over = self.take("over")?;
        let parts = parts(over, self.x[0].shape());
        if parts.iter().any(Vec::is_empty) {
            return Err(self.outside("nothing has no maximum"));
        }
        let place = |part: &Vec<usize>| match places_of_greatest(&taken(self.x[0], part)) {
            Err(unordered) => unordered.constant(),
            // A single one that is NaN is compared with nothing.
            Ok(places) => match self.x[0].as_slice()[part[places[0]]].constant() {
                greatest if greatest.value().is_nan() => greatest,
                _ => N::of(places[0] as f64),
            },
        };
        Ok(Grid::of_data(self.rows, self.columns, parts.iter().map(place).collect()))
    }

    pub(super) fn cumulative_sum(&mut self) -> Result<Grid<N>, Error> {
        let from: From = self.take("from")?;
        let x = self.x[0];
        Ok(self.made(|i, j| {
            let range = match from {
                From::First => 0..i + 1,
                From::Last => i..x.rows(),
            };
            N::sum(&range.map(|i| x[(i, j)].clone()).collect::<Vec<N>>())
        }))
    }

    /// −(y · ln a + (1 − y) · ln(1 − a)), eq. 5.
    pub(super) fn log_loss(&self) -> Grid<N> {
        let (y, a) = (self.x[0], self.x[1]);
        let one = || N::of(1.0);
        self.made(|i, j| {
            let (y, a) = (&y[(i, j)], &a[(i, j)]);
            -(log_term(y, a) + log_term(&(one() - y.clone()), &(one() - a.clone())))
        })
    }

    /// Eq. 5 with a = σ(z): (1 − y) · softplus(z) + y · softplus(−z).
    pub(super) fn log_loss_on_logits(&self) -> Grid<N> {
        let softplus = |z: N| z.elementary(Elementary::Softplus);
        self.weighed(|z| softplus(z.clone()), |z| softplus(-z.clone()))
    }

    /// σ(z) − y = (1 − y) · σ(z) − y · σ(−z).
    pub(super) fn sigmoid_minus(&self) -> Grid<N> {
        let sigmoid = |z: N| z.elementary(Elementary::Sigmoid);
        self.weighed(|z| sigmoid(z.clone()), |z| -sigmoid(-z.clone()))
    }

    /// (1 − y) · f(z) + y · g(z).
    fn weighed(&self, f: impl Fn(&N) -> N, g: impl Fn(&N) -> N) -> Grid<N> {
        let (y, z) = (self.x[0], self.x[1]);
        self.made(|i, j| {
            let (y, z) = (&y[(i, j)], &z[(i, j)]);
            term(&(N::of(1.0) - y.clone()), || f(z)) + term(y, || g(z))
        })
    }
}
