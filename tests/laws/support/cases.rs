//! Cases that are drawn: which ones, and how many.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A number in the environment.
pub(crate) fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Draws so many cases, the same in every run; with `TIMES=10` in the environment ten times as many.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let times = given("TIMES").map_or(1, |times| u32::try_from(times).expect("TIMES is a small number"));
    let config = Config {
        cases: cases.saturating_mul(times),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}
