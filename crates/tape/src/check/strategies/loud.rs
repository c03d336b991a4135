//! Shrinking that does not lie: a simpler case is taken only while its error stays loud.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, RngAlgorithm, TestCaseError, TestCaseResult, TestError, TestRng, TestRunner,
};

/// Runs a property whose answer is an error, in tolerances: a case fails with more than 1.
///
/// A property that answers yes or no shrinks until the error is just above the tolerance: the wrong
/// formula that was found looks like rounding then, and the tolerance is what gets changed. Here a
/// simpler case is taken only while its error is *loud*: at least an eighth of that of the first
/// case that failed, and at least 100 tolerances. A first error below 100 tolerances may be rounding
/// indeed; it shrinks to what is louder or not at all.
///
/// NaN, ∞ and a panic are the loudest: such a failure shrinks to such failures.
///
/// The same seed gives the same cases, which makes a run repeatable; there are as many as
/// [`Config`] says, of which the environment variable `PROPTEST_CASES` can make more.
///
/// ```
/// use tape::check::strategies::{Elements, Loud, Regime, matrix};
/// use tape::matrix;
///
/// // Wrong: |x| for x, relative to a tolerance of 4 roundings.
/// let wrong = |x: &f64| x.abs();
/// let error = |a: &f64| (wrong(a) - a).abs() / (4.0 * f64::EPSILON * a.abs()).max(f64::MIN_POSITIVE);
/// let found = Loud::new()
///     .run(&matrix::<f64>(0..=9, 0..=9, Regime::Normal), |x| Ok(x.iter().map(error).fold(0.0, f64::max)))
///     .unwrap_err();
/// assert_eq!(found.value, matrix![[-0.5]]);
/// assert!(found.to_string().contains("case"), "{found}");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing is tested until it runs"]
pub struct Loud {
    config: Config,
    seed: u64,
    share: f64,
    tolerances: f64,
}

/// A case that fails, as simple as it becomes without its error going quiet.
#[derive(Clone, PartialEq)]
pub struct Counterexample<V> {
    /// The case.
    pub value: V,
    /// Its error, in tolerances.
    pub error: f64,
    /// The error of the first case that failed, before it became simpler.
    pub first_error: f64,
    /// What the property said in the place of an error, if it panicked or failed of itself.
    pub reason: Option<String>,
    /// The seed of the run.
    pub seed: u64,
    /// Which case of the run it was, counted from 1.
    pub case: usize,
}

impl Default for Loud {
    fn default() -> Self {
        Loud::new()
    }
}

impl Loud {
    /// Seed 0, an eighth, 100 tolerances; proptest's own configuration, with up to 4096 attempts to
    /// simplify, and no file of seeds.
    pub fn new() -> Self {
        let config = Config { failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
        Loud { config, seed: 0, share: 1.0 / 8.0, tolerances: 100.0 }
    }

    /// Other cases.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// So many cases.
    pub fn cases(mut self, cases: u32) -> Self {
        self.config.cases = cases;
        self
    }

    /// Another configuration. Cases do not run in processes of their own, whatever it says.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Which share of the first error a simpler case has to have, and how many tolerances.
    ///
    /// # Panics
    /// If the share is not in \[0, 1\], or the number of tolerances is less than 1: then what passes
    /// would be taken for simpler.
    pub fn loudness(mut self, share: f64, tolerances: f64) -> Self {
        assert!((0.0..=1.0).contains(&share), "a share is in [0, 1], not {share}");
        assert!(tolerances >= 1.0, "a case with {tolerances} tolerances passes");
        (self.share, self.tolerances) = (share, tolerances);
        self
    }

    /// Looks for a case with an error of more than 1 tolerance. The property gets a case, and gives
    /// its error in tolerances; it can refuse the case with `prop_assume!`.
    ///
    /// # Errors
    /// The first such case, simplified.
    ///
    /// # Panics
    /// If the property refuses too many cases, or the strategy has none.
    pub fn run<S: Strategy>(
        &self,
        strategy: &S,
        error: impl Fn(&S::Value) -> Result<f64, TestCaseError>,
    ) -> Result<(), Box<Counterexample<S::Value>>> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(self.config.clone(), rng);
        let heard = Heard::default();
        match runner.run(strategy, |case| self.judge(&heard, &case, &error)) {
            Ok(()) => Ok(()),
            Err(TestError::Abort(reason)) => panic!("no more cases to test: {reason}"),
            Err(TestError::Fail(_, value)) => Err(Box::new(Counterexample {
                value,
                error: heard.error.get(),
                first_error: heard.first.get().unwrap_or(f64::INFINITY),
                reason: heard.reason.into_inner(),
                seed: self.seed,
                case: heard.cases.get(),
            })),
        }
    }

    fn judge<V>(
        &self,
        heard: &Heard,
        case: &V,
        error: impl Fn(&V) -> Result<f64, TestCaseError>,
    ) -> TestCaseResult {
        let (error, reason) = match catch_unwind(AssertUnwindSafe(|| error(case))) {
            Ok(Ok(error)) if error.is_nan() => (f64::INFINITY, Some("the error is NaN".to_owned())),
            Ok(Ok(error)) => (error, None),
            Ok(Err(TestCaseError::Reject(why))) => return Err(TestCaseError::Reject(why)),
            Ok(Err(TestCaseError::Fail(why))) => (f64::INFINITY, Some(why.to_string())),
            Err(panic) => (f64::INFINITY, Some(message(&*panic))),
        };
        let fails = match heard.first.get() {
            None => {
                heard.cases.set(heard.cases.get() + 1);
                error > 1.0
            }
            Some(first) if first.is_infinite() => error.is_infinite(),
            Some(first) => error >= (self.share * first).max(self.tolerances),
        };
        if !fails {
            return Ok(());
        }
        heard.first.set(heard.first.get().or(Some(error)));
        heard.error.set(error);
        heard.reason.replace(reason);
        Err(TestCaseError::fail(format!("the error is {error} tolerances")))
    }
}

/// What a run has come to know.
#[derive(Debug, Default)]
struct Heard {
    cases: Cell<usize>,
    /// The error of the first failure.
    first: Cell<Option<f64>>,
    /// That of the simplest one.
    error: Cell<f64>,
    reason: RefCell<Option<String>>,
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panicked: {}", text.unwrap_or_else(|| "with what is no text".into()))
}

impl<V: fmt::Debug> fmt::Display for Counterexample<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counterexample { value, error, first_error, reason, seed, case } = self;
        write!(f, "case {case} of seed {seed} has an error of {first_error:.3e} tolerances")?;
        writeln!(f, "; a simpler one, of {error:.3e}:")?;
        writeln!(f, "{value:#?}")?;
        reason.iter().try_for_each(|reason| writeln!(f, "{reason}"))
    }
}

/// As it is displayed: what `unwrap` shows.
impl<V: fmt::Debug> fmt::Debug for Counterexample<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<V: fmt::Debug> std::error::Error for Counterexample<V> {}
