//! How much a metric would be another with other examples.

use super::interval::{Interval, deviation, percentile};
use super::normal;
use crate::data::members;
use crate::parallel::in_parallel;
use crate::shuffle::with_room;
use crate::sum::sum;
use crate::{Error, Purpose, Random, Result};

/// Intervals of any metric by the bootstrap: the metric is taken of many replicates of the
/// examples, each of m of them that are drawn with replacement (Efron 1979).
///
/// Of a test part, the interval says how much the metric depends on which examples are in it. It
/// does not say how much it depends on the training.
///
/// ```
/// use mlp::metrics::{Bootstrap, accuracy};
/// use tape::Matrix;
/// let y = Matrix::from_fn(1, 200, |_, i| f64::from(i % 2 == 0));
/// let a = Matrix::from_fn(1, 200, |_, i| if i % 10 == 0 { 1.0 - y[(0, i)] } else { y[(0, i)] });
/// let interval = Bootstrap::new(1)
///     .replicates(500)?
///     .interval(200, |i| accuracy(&a.select_columns(i), &y.select_columns(i)))?;
/// assert_eq!(interval.estimate, 0.9);
/// assert!(0.84 < interval.low && interval.low < 0.88 && 0.92 < interval.high && interval.high < 0.96);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// The same seed gives the same interval, on every platform and for any number of threads.
#[must_use = "an interval is computed by interval or difference"]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    replicates: usize,
    seed: u64,
    level: f64,
    method: Method,
    threads: usize,
}

/// How the ends follow from the replicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Percentile,
    Bca,
}

impl Bootstrap {
    /// Percentile intervals at the level 0.95 from 2000 replicates.
    pub fn new(seed: u64) -> Self {
        Bootstrap { replicates: 2000, seed, level: 0.95, method: Method::Percentile, threads: 0 }
    }

    /// How many replicates.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if they are less than 2.
    pub fn replicates(mut self, replicates: usize) -> Result<Self> {
        if replicates < 2 {
            let (name, value) = ("replicates", replicates as f64);
            return Err(Error::Hyperparameter { name, value, expected: "at least 2" });
        }
        self.replicates = replicates;
        Ok(self)
    }

    /// The level, for instance 0.9.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if it is not between 0 and 1.
    pub fn level(mut self, level: f64) -> Result<Self> {
        if !(level > 0.0 && level < 1.0) {
            let expected = "greater than 0 and less than 1";
            return Err(Error::Hyperparameter { name: "level", value: level, expected });
        }
        self.level = level;
        Ok(self)
    }

    /// Takes the ends that are corrected for bias and skewness, BCa (Efron 1987), in place of the
    /// plain percentiles. The metric is then also taken m times of m − 1 examples.
    pub fn bca(mut self) -> Self {
        self.method = Method::Bca;
        self
    }

    /// How many threads compute replicates, 0 for as many as the processor runs at a time.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The interval of a metric of `m` examples. `metric` is given the numbers of the examples that
    /// it is to be taken of, some of them several times.
    ///
    /// The ends are percentiles of the replicates, interpolated linearly, as
    /// `scipy.stats.bootstrap` takes them.
    ///
    /// # Errors
    /// [`Error::NoExamples`] if m is 0; the metric's error of all examples. A replicate for which
    /// the metric is NaN, [`Error::Undefined`], [`Error::OneClass`] or [`Error::AbsentClass`] is
    /// left out, and [counted](Interval::undefined); if this is more than half of them, its error
    /// is the result. Any other error of the metric is. [`Error::Undefined`] if BCa has no
    /// correction: the metric is the same without any one example, or infinite, or none of the
    /// replicates is on one of its sides.
    pub fn interval(&self, m: usize, metric: impl Fn(&[usize]) -> Result<f64> + Sync) -> Result<Interval> {
        self.interval_of(m, &metric)
    }

    /// The interval of the difference of two metrics, `first` − `second`, such as those of two
    /// models, of the same replicates. What is hard for both models then makes no difference.
    ///
    /// ```
    /// use mlp::metrics::{Bootstrap, mean_absolute_error};
    /// use tape::Matrix;
    /// let y = Matrix::from_fn(1, 100, |_, i| (i * i % 17) as f64);
    /// let (one, other) = (y.map(|y| 0.9 * y), y.map(|y| 0.8 * y));
    /// let error_of = |a: &Matrix<f64>, i: &[usize]| {
    ///     mean_absolute_error(&a.select_columns(i), &y.select_columns(i))
    /// };
    /// let difference =
    ///     Bootstrap::new(1).difference(100, |i| error_of(&one, i), |i| error_of(&other, i))?;
    /// assert!(difference.high < 0.0); // the first one's error is less
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`interval`](Self::interval).
    pub fn difference(
        &self,
        m: usize,
        first: impl Fn(&[usize]) -> Result<f64> + Sync,
        second: impl Fn(&[usize]) -> Result<f64> + Sync,
    ) -> Result<Interval> {
        self.interval_of(m, &|examples| Ok(first(examples)? - second(examples)?))
    }

    /// The interval of a metric of examples of which the ith belongs to group `groups[i]`, such as a
    /// person with several measurements: whole groups are drawn, as many as there are.
    ///
    /// Examples of a group are alike, so they say less than as many single ones: an interval that
    /// takes them for such is too narrow.
    ///
    /// ```
    /// use mlp::metrics::Bootstrap;
    /// let mean = |i: &[usize]| Ok(i.iter().map(|i| (i / 10) as f64).sum::<f64>() / i.len() as f64);
    /// let groups: Vec<usize> = (0..100).map(|i| i / 10).collect();
    /// let (bootstrap, width) = (Bootstrap::new(1), |of: mlp::metrics::Interval| of.high - of.low);
    /// let (single, grouped) = (bootstrap.interval(100, mean)?, bootstrap.grouped(&groups, mean)?);
    /// assert!(width(grouped) > 2.5 * width(single)); // √10 times, about
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`interval`](Self::interval).
    pub fn grouped(
        &self,
        groups: &[usize],
        metric: impl Fn(&[usize]) -> Result<f64> + Sync,
    ) -> Result<Interval> {
        let members: Vec<Vec<usize>> = members(groups).into_values().collect();
        self.interval_of(members.len(), &|groups| {
            let examples: Vec<usize> = groups.iter().flat_map(|&group| members[group].clone()).collect();
            metric(&examples)
        })
    }

    fn interval_of(&self, m: usize, metric: &(dyn Fn(&[usize]) -> Result<f64> + Sync)) -> Result<Interval> {
        if m == 0 {
            return Err(Error::NoExamples { what: "bootstrap" });
        }
        let number = |found: f64| match found.is_nan() {
            true => Err(Error::Undefined { what: "the metric", reason: "it is NaN" }),
            false => Ok(found),
        };
        let of_others = |skipped: Option<usize>| {
            let mut examples = with_room("bootstrap", m)?;
            examples.extend((0..m).filter(|&i| Some(i) != skipped));
            metric(&examples).and_then(number)
        };
        let estimate = of_others(None)?;
        let replicate = |r: usize| {
            let mut random = Random::numbered(self.seed, Purpose::Bootstrap, r as u64);
            let mut examples = with_room("bootstrap", m)?;
            examples.extend((0..m).map(|_| random.below(m as u64) as usize));
            metric(&examples).and_then(number)
        };
        let replicates = in_parallel(self.threads, self.replicates, &replicate);
        let replicates = defined(replicates)?;
        let jackknife = match self.method {
            Method::Percentile => None,
            Method::Bca if m == 1 => Some(vec![estimate]),
            Method::Bca => {
                let without = in_parallel(self.threads, m, &|i| of_others(Some(i)));
                Some(without.into_iter().collect::<Result<Vec<f64>>>()?)
            }
        };
        self.of_replicates(estimate, replicates, jackknife)
    }

    /// The interval by replicates that are defined, and by the metric without each of the examples.
    fn of_replicates(
        &self,
        estimate: f64,
        mut replicates: Vec<f64>,
        jackknife: Option<Vec<f64>>,
    ) -> Result<Interval> {
        let standard_error = deviation(&replicates);
        replicates.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        let (low, high) = match jackknife {
            None => (tail, 1.0 - tail),
            Some(jackknife) => {
                let shift = bca_shift(estimate, &replicates, &jackknife)?;
                // The other end as it is in the percentiles: 1 − tail has lost digits of it.
                (shift(normal::quantile(tail)), shift(-normal::quantile(tail)))
            }
        };
        Ok(Interval {
            estimate,
            low: percentile(&replicates, low),
            high: percentile(&replicates, high),
            standard_error,
            level: self.level,
            replicates: self.replicates,
            undefined: self.replicates - replicates.len(),
        })
    }
}

/// The replicates without those that are undefined.
fn defined(replicates: Vec<Result<f64>>) -> Result<Vec<f64>> {
    let (all, mut found, mut undefined) = (replicates.len(), Vec::new(), None);
    for replicate in replicates {
        match replicate {
            Ok(value) => found.push(value),
            Err(error @ (Error::Undefined { .. } | Error::OneClass { .. } | Error::AbsentClass { .. })) => {
                undefined = undefined.or(Some(error))
            }
            Err(error) => return Err(error),
        }
    }
    match undefined {
        Some(error) if 2 * found.len() < all.max(4) => Err(error),
        _ => Ok(found),
    }
}

/// From a quantile of the standard normal distribution to the share of the replicates below, with
/// the correction for bias z₀ and that for skewness, a: Φ(z₀ + (z₀ + z)/(1 − a (z₀ + z))) (Efron
/// 1987, eq. 2.3; a by the jackknife, Efron, Tibshirani 1993, eq. 14.15).
fn bca_shift(estimate: f64, sorted: &[f64], jackknife: &[f64]) -> Result<impl Fn(f64) -> f64 + use<>> {
    let what = "a BCa interval";
    let below = sorted.partition_point(|&value| value < estimate);
    let not_above = sorted.partition_point(|&value| value <= estimate);
    let z0 = normal::quantile((below + not_above) as f64 / (2 * sorted.len()) as f64);
    if z0.is_infinite() {
        return Err(Error::Undefined { what, reason: "all replicates are on one side of the estimate" });
    }
    if jackknife.iter().any(|value| value.is_infinite()) {
        return Err(Error::Undefined { what, reason: "the metric without an example is infinite" });
    }
    let n = jackknife.len();
    let mean = sum(0..n, &|i| jackknife[i] / n as f64);
    let largest = jackknife.iter().fold(0.0, |largest: f64, value| largest.max((mean - value).abs()));
    if largest == 0.0 || !largest.is_finite() || jackknife.iter().all(|value| *value == jackknife[0]) {
        return Err(Error::Undefined { what, reason: "no example makes a difference" });
    }
    let moment = |power| sum(0..n, &|i| ((mean - jackknife[i]) / largest).powi(power));
    let a = moment(3) / (6.0 * moment(2).powf(1.5));
    Ok(move |z: f64| normal::below(z0 + (z0 + z) / (1.0 - a * (z0 + z))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(value: &serde_json::Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    /// From the same replicates.
    #[test]
    fn ends_are_those_of_scipy() {
        let all: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/metrics.json")).unwrap();
        for case in all["bootstrap"].as_array().unwrap() {
            let (data, replicates) = (numbers(&case["data"]), numbers(&case["replicates"]));
            let mean = data.iter().sum::<f64>() / data.len() as f64;
            let level = case["level"].as_f64().unwrap();
            let bootstrap = Bootstrap::new(0).level(level).unwrap().replicates(replicates.len()).unwrap();
            let close = |found: f64, expected: f64| {
                assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
            };
            for (method, jackknife) in [("percentile", None), ("bca", Some(numbers(&case["jackknife"])))] {
                let found = bootstrap.of_replicates(mean, replicates.clone(), jackknife).unwrap();
                let expected = numbers(&case[method]);
                close(found.low, expected[0]);
                close(found.high, expected[1]);
                close(found.standard_error, case["standard_error"].as_f64().unwrap());
            }
        }
    }

    /// Of 300 samples of 30 uniform numbers, the intervals at 90 % hold the mean that they are of
    /// about 270 times; with so few numbers, somewhat less.
    #[test]
    fn intervals_cover_what_they_are_of() {
        let mut random = Random::new(11, Purpose::Init);
        let bootstrap = Bootstrap::new(5).replicates(150).unwrap().level(0.9).unwrap();
        let mut covered = [0, 0];
        for sample in 0..300 {
            let data: Vec<f64> = (0..30).map(|_| random.unit()).collect();
            let mean = |examples: &[usize]| {
                Ok(examples.iter().map(|&i| data[i]).sum::<f64>() / examples.len() as f64)
            };
            let bootstrap = Bootstrap { seed: sample, ..bootstrap }.threads(1);
            for (covered, bootstrap) in covered.iter_mut().zip([bootstrap, bootstrap.bca()]) {
                *covered += u32::from(bootstrap.interval(30, mean).unwrap().contains(0.5));
            }
        }
        assert!(covered.iter().all(|covered| (250..=285).contains(covered)), "{covered:?}");
    }

    #[test]
    fn threads_and_calls_change_no_bit_and_seeds_do() {
        let metric = |examples: &[usize]| Ok(examples.iter().map(|&i| (i * i) as f64).sum::<f64>());
        let bootstrap = Bootstrap::new(3).replicates(101).unwrap();
        let one = bootstrap.threads(1).interval(17, metric).unwrap();
        for threads in [2, 3, 8] {
            assert_eq!(bootstrap.threads(threads).interval(17, metric), Ok(one));
        }
        assert_ne!(Bootstrap { seed: 4, ..bootstrap }.interval(17, metric), Ok(one));
        // These bits are the same in every release.
        let first = Bootstrap::new(3).replicates(2).unwrap().interval(5, |examples| Ok(examples[0] as f64));
        let first = first.unwrap();
        // A replicate begins with example 1, the other one with 4.
        assert_eq!((first.low, first.high), (1.0750000000000002, 3.925));
    }

    #[test]
    fn what_both_models_share_makes_no_difference() {
        let hardness: Vec<f64> = (0..50).map(|i| f64::from(i * i % 23)).collect();
        let mean = |examples: &[usize], easier: f64| {
            Ok(examples.iter().map(|&i| hardness[i] - easier).sum::<f64>() / examples.len() as f64)
        };
        let bootstrap = Bootstrap::new(1).replicates(200).unwrap();
        let difference = bootstrap.difference(50, |i| mean(i, 0.0), |i| mean(i, 0.25)).unwrap();
        assert!((difference.low - 0.25).abs() < 1e-12 && (difference.high - 0.25).abs() < 1e-12);
        let single = bootstrap.interval(50, |i| mean(i, 0.0)).unwrap();
        assert!(single.high - single.low > 1.0);
    }

    #[test]
    fn groups_of_one_are_examples_and_larger_ones_stay_whole() {
        let bootstrap = Bootstrap::new(2).replicates(50).unwrap();
        for bootstrap in [bootstrap, bootstrap.bca()] {
            let metric = |examples: &[usize]| Ok(examples.iter().map(|&i| (i * i) as f64).sum::<f64>());
            let alone: Vec<usize> = (0..9).map(|i| 3 * i).collect();
            assert_eq!(bootstrap.grouped(&alone, metric), bootstrap.interval(9, metric));
        }
        let whole = |examples: &[usize]| {
            let count = |i: usize| examples.iter().filter(|&&j| i == j).count();
            Ok(f64::from(u8::from(count(0) == count(2) && count(1) == count(3) && count(3) == count(4))))
        };
        let found = bootstrap.grouped(&[1, 0, 1, 0, 0, 7], whole).unwrap();
        assert_eq!((found.low, found.high), (1.0, 1.0));
        assert!(matches!(bootstrap.grouped(&[], whole), Err(Error::NoExamples { .. })));
    }

    #[test]
    fn undefined_replicates_are_counted_or_are_too_many() {
        let bootstrap = Bootstrap::new(1).replicates(400).unwrap();
        // (1 − 1/20)²⁰ = 36 % of the replicates are without the first example.
        let undefined = Error::Undefined { what: "the test", reason: "the first is not there" };
        let metric = |m: usize| {
            let undefined = undefined.clone();
            move |i: &[usize]| if i.contains(&0) { Ok(m as f64) } else { Err(undefined.clone()) }
        };
        let interval = bootstrap.interval(20, metric(20)).unwrap();
        assert!(interval.undefined.abs_diff(143) < 60, "{}", interval.undefined);
        assert_eq!((interval.low, interval.high, interval.standard_error), (20.0, 20.0, 0.0));
        let nan = |i: &[usize]| Ok(if i.contains(&0) { 1.0 } else { f64::NAN });
        assert_eq!(bootstrap.interval(20, nan).unwrap().undefined, interval.undefined);
        let seldom = |i: &[usize]| if i == [0, 1, 2] { Ok(1.0) } else { Err(undefined.clone()) };
        assert_eq!(bootstrap.interval(3, seldom), Err(undefined.clone()));
        let broken = |i: &[usize]| if i == [0, 1, 2] { Ok(1.0) } else { Err(Error::NoLayers) };
        assert_eq!(bootstrap.interval(3, broken), Err(Error::NoLayers));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let bootstrap = Bootstrap::new(0);
        assert_eq!(bootstrap.interval(0, |_| Ok(0.0)), Err(Error::NoExamples { what: "bootstrap" }));
        assert!(matches!(bootstrap.interval(2, |_| Ok(f64::NAN)), Err(Error::Undefined { .. })));
        for replicates in [0, 1] {
            assert!(matches!(bootstrap.replicates(replicates), Err(Error::Hyperparameter { .. })));
        }
        for level in [0.0, 1.0, f64::NAN] {
            assert!(matches!(bootstrap.level(level), Err(Error::Hyperparameter { .. })));
        }
        for m in [1, 5] {
            let error = bootstrap.bca().interval(m, |_| Ok(0.5)).unwrap_err();
            assert_eq!(error.to_string(), "a BCa interval is undefined: no example makes a difference");
        }
        // One cross-entropy may be ∞, and so may the ends.
        let infinite = bootstrap.interval(2, |i| Ok(if i.contains(&0) { f64::INFINITY } else { 1.0 }));
        let infinite = infinite.unwrap();
        assert_eq!((infinite.high, infinite.standard_error), (f64::INFINITY, f64::INFINITY));
        let one = |i: &[usize]| Ok(if i.contains(&0) { f64::INFINITY } else { i[0] as f64 });
        assert_eq!(
            bootstrap.bca().interval(5, one).unwrap_err().to_string(),
            "a BCa interval is undefined: the metric without an example is infinite"
        );
    }
}
