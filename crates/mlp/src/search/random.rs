//! Candidates that are drawn.

use super::candidate::{check_names, check_values};
use super::table::evaluate;
use super::{Candidate, Goal, SearchTable, Value};
use crate::shuffle::with_room;
use crate::{Error, Purpose, Random, Result};

/// Where the values of a hyperparameter are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub enum Draw {
    /// Numbers in [low, high), all equally likely.
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Numbers in [low, high), whose logarithms are all equally likely: for rates and decays.
    LogUniform {
        /// The lower end, greater than 0.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Counts from low to high, both among them, all equally likely.
    Counts {
        /// The least.
        low: usize,
        /// The greatest.
        high: usize,
    },
    /// One of these, all equally likely.
    OneOf(Vec<Value>),
}

/// A search over candidates that are drawn, which finds good values of the few hyperparameters that
/// matter sooner than a grid does (Bergstra, Bengio 2012).
///
/// ```
/// use mlp::search::{Draw, Goal, RandomSearch};
/// let search = RandomSearch::new(20, 1)
///     .over("rate", Draw::LogUniform { low: 1e-4, high: 1.0 })
///     .over("neurons", Draw::Counts { low: 2, high: 32 });
/// let table = search.run(Goal::Smallest, 1, |candidate, _| {
///     Ok((candidate.number("rate")?.ln() + 3.0).powi(2))
/// })?;
/// let best = table.best().unwrap().number("rate")?;
/// assert!((best.ln() + 3.0).abs() < 1.0);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// The same seed gives the same candidates, on every platform and in every release; more of them
/// begin with those that fewer would be.
#[must_use = "a search begins with run"]
#[derive(Debug, Clone, PartialEq)]
pub struct RandomSearch {
    candidates: usize,
    seed: u64,
    space: Vec<(String, Draw)>,
    threads: usize,
}

impl RandomSearch {
    /// So many candidates, over no hyperparameter yet.
    pub fn new(candidates: usize, seed: u64) -> Self {
        RandomSearch { candidates, seed, space: Vec::new(), threads: 0 }
    }

    /// Also over another hyperparameter.
    pub fn over(mut self, name: impl Into<String>, draw: Draw) -> Self {
        self.space.push((name.into(), draw));
        self
    }

    /// How many threads evaluate, 0 for as many as the processor runs at a time. The table is the
    /// same whatever their number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The candidates.
    ///
    /// # Errors
    /// [`Error::Space`] if a name stands twice, or nothing can be drawn: ends that are not finite,
    /// not in order, or not positive for [`Draw::LogUniform`], no values, or NaN; [`Error::Memory`]
    /// if there is no memory for so many.
    pub fn candidates(&self) -> Result<Vec<Candidate>> {
        check_names(self.space.iter().map(|(name, _)| name))?;
        self.space.iter().try_for_each(|(name, draw)| draw.check(name))?;
        let mut candidates = with_room("candidates", self.candidates)?;
        candidates.extend((0..self.candidates).map(|k| {
            let mut random = Random::numbered(self.seed, Purpose::Search, k as u64);
            let values = self.space.iter();
            values.map(|(name, draw)| (name.clone(), draw.one(&mut random))).collect::<Candidate>()
        }));
        Ok(candidates)
    }

    /// Evaluates each candidate on each of so many folds, several at a time; `evaluate` is given
    /// the number of the fold.
    ///
    /// A candidate whose evaluation is an error, or NaN, is listed with it.
    ///
    /// # Errors
    /// The errors of [`candidates`](Self::candidates); [`Error::Hyperparameter`] if there are no
    /// folds.
    ///
    /// # Panics
    /// If `evaluate` does.
    pub fn run(
        &self,
        goal: Goal,
        folds: usize,
        evaluate_one: impl Fn(&Candidate, usize) -> Result<f64> + Sync,
    ) -> Result<SearchTable> {
        evaluate(self.candidates()?, goal, folds, self.threads, &evaluate_one)
    }
}

impl Draw {
    fn check(&self, name: &str) -> Result<()> {
        let reason = match self {
            Draw::Uniform { low, high } if !(low.is_finite() && high.is_finite() && low < high) => {
                "needs finite ends, the lower one first"
            }
            Draw::Uniform { low, high } if !(high - low).is_finite() => "has ends that are too far apart",
            Draw::LogUniform { low, high } if !(*low > 0.0 && low < high && (high / low).is_finite()) => {
                "needs ends greater than 0, the lower one first, and not too far apart"
            }
            Draw::Counts { low, high } if low > high => "needs the lower end first",
            Draw::OneOf(values) => return check_values(name, values),
            Draw::Uniform { .. } | Draw::LogUniform { .. } | Draw::Counts { .. } => return Ok(()),
        };
        Err(Error::Space { name: name.to_string(), reason })
    }

    fn one(&self, random: &mut Random) -> Value {
        match self {
            Draw::Uniform { low, high } => {
                Value::Number((low + random.unit() * (high - low)).min(high.next_down()))
            }
            Draw::LogUniform { low, high } => {
                Value::Number((low * power(high / low, random.unit())).clamp(*low, high.next_down()))
            }
            Draw::Counts { low, high } => match ((high - low) as u64).checked_add(1) {
                Some(number) => Value::Count(low + random.below(number) as usize),
                // All counts that there are.
                None => Value::Count(random.bits() as usize),
            },
            Draw::OneOf(values) => values[random.below(values.len() as u64) as usize].clone(),
        }
    }
}

/// rᵘ for u in [0, 1), by the square roots of r: the bits of `powf` are the platform's, and those
/// of roots and products are not.
fn power(r: f64, mut u: f64) -> f64 {
    let (mut root, mut product) = (r, 1.0);
    // A multiple of 2⁻⁵³ has so many digits.
    for _ in 0..53 {
        root = root.sqrt();
        u *= 2.0;
        if u >= 1.0 {
            u -= 1.0;
            product *= root;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_library() {
        for (r, u) in [(1e4, 0.25), (1e300, 0.7), (2.0, 0.0), (1.0, 0.5), (3.0, 0.999999)] {
            assert!((power(r, u) / f64::powf(r, u) - 1.0).abs() < 1e-14, "{r} {u}");
        }
    }

    #[test]
    fn draws_stay_in_their_ranges_and_fill_them() {
        let search = RandomSearch::new(4000, 7)
            .over("uniform", Draw::Uniform { low: -1.0, high: 3.0 })
            .over("log", Draw::LogUniform { low: 1e-3, high: 10.0 })
            .over("count", Draw::Counts { low: 3, high: 5 })
            .over("text", Draw::OneOf(vec!["a".into(), "b".into()]));
        let candidates = search.candidates().unwrap();
        let share = |of: &dyn Fn(&Candidate) -> bool| {
            candidates.iter().filter(|&candidate| of(candidate)).count() as f64 / 4000.0
        };
        assert_eq!(share(&|c| (-1.0..3.0).contains(&c.number("uniform").unwrap())), 1.0);
        assert_eq!(share(&|c| (1e-3..10.0).contains(&c.number("log").unwrap())), 1.0);
        assert_eq!(share(&|c| (3..=5).contains(&c.count("count").unwrap())), 1.0);
        // Six standard deviations of a share of 4000 are at most 0.048.
        for (found, expected) in [
            (share(&|c| c.number("uniform").unwrap() < 0.0), 0.25),
            (share(&|c| c.number("log").unwrap() < 0.1), 0.5),
            (share(&|c| c.count("count").unwrap() == 5), 1.0 / 3.0),
            (share(&|c| c.text("text").unwrap() == "a"), 0.5),
        ] {
            assert!((found - expected).abs() < 0.048, "{found} {expected}");
        }
        let fewer = RandomSearch { candidates: 10, ..search.clone() };
        assert_eq!(fewer.candidates().unwrap(), candidates[..10]);
        assert_ne!(RandomSearch { seed: 8, ..search }.candidates().unwrap(), candidates);
        let all = Draw::Counts { low: 0, high: usize::MAX };
        assert_eq!(RandomSearch::new(1, 0).over("n", all).candidates().unwrap().len(), 1);
    }

    #[test]
    fn the_first_candidate_of_a_seed_stays() {
        let search = RandomSearch::new(1, 1)
            .over("rate", Draw::LogUniform { low: 1e-4, high: 1.0 })
            .over("n", Draw::Counts { low: 1, high: 100 });
        assert_eq!(search.candidates().unwrap()[0].to_string(), "rate = 0.0009415256859234385, n = 66");
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let text =
            |draw: Draw| RandomSearch::new(1, 0).over("rate", draw).candidates().unwrap_err().to_string();
        let finite = "search: rate needs finite ends, the lower one first";
        for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert_eq!(text(Draw::Uniform { low, high }), finite);
        }
        assert!(text(Draw::Uniform { low: -1e308, high: 1e308 }).ends_with("too far apart"));
        for (low, high) in [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert!(text(Draw::LogUniform { low, high }).contains("greater than 0"));
        }
        assert!(text(Draw::Counts { low: 2, high: 1 }).contains("lower end first"));
        assert_eq!(text(Draw::OneOf(vec![])), "search: rate has no values");
        assert_eq!(text(Draw::OneOf(vec![f64::NAN.into()])), "search: rate has the value NaN");
        let draw = Draw::Counts { low: 1, high: 2 };
        let twice = RandomSearch::new(1, 0).over("n", draw.clone()).over("n", draw);
        assert_eq!(twice.candidates().unwrap_err().to_string(), "search: n stands twice");
        let many = RandomSearch::new(usize::MAX, 0);
        assert!(matches!(many.candidates(), Err(Error::Memory { .. })));
    }
}
