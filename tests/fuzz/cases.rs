//! Runs a law on many cases, each of a seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A number in the environment.
pub(crate) fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// What was seen on the way: counts of the law's own.
pub(crate) type Counts = Vec<(&'static str, u64)>;

pub(crate) fn add(counts: &mut Counts, of: &Counts) {
    for &(name, count) in of {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => counts.push((name, count)),
        }
    }
}

/// A runner that draws what follows from a seed.
pub(crate) fn runner(seed: u64) -> TestRunner {
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// What the law says of a value; a panic is a failure too.
fn tried<V>(
    holds: &impl Fn(u64, &V) -> Result<Counts, String>,
    seed: u64,
    value: &V,
) -> Result<Counts, String> {
    catch_unwind(AssertUnwindSafe(|| holds(seed, value))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// The words before a colon: a simpler case has to fail in the same way.
fn kind(what: &str) -> &str {
    what.split(':').next().unwrap_or_default()
}

/// A failure, made small, in words.
fn reported<S: Strategy>(
    strategy: &S,
    seed: u64,
    what: String,
    holds: &impl Fn(u64, &S::Value) -> Result<Counts, String>,
) -> String {
    let mut tree = strategy.new_tree(&mut runner(seed)).expect("it was drawn before");
    let (mut simplest, mut of_it) = (tree.current(), what);
    let mut goes_on = tree.simplify();
    for _ in 0..4000 {
        if !goes_on {
            break;
        }
        let value = tree.current();
        match tried(holds, seed, &value) {
            Err(found) if kind(&found) == kind(&of_it) => {
                (simplest, of_it) = (value, found);
                goes_on = tree.simplify();
            }
            _ => goes_on = tree.complicate(),
        }
    }
    format!("SEED={seed}: {of_it}\nmade small:\n{simplest:?}")
}

/// Tries a law, which says on a failure before a colon of what kind it is, on what a strategy draws of each seed.
///
/// `few` is how many cases there are, if `FUZZ` does not say.
pub(crate) fn fuzz<S: Strategy>(
    name: &str,
    few: u64,
    strategy: impl Fn(u64) -> S + Sync,
    holds: impl Fn(u64, &S::Value) -> Result<Counts, String> + Sync,
) -> Counts {
    let drawn = |seed| strategy(seed).new_tree(&mut runner(seed)).expect("it can be drawn").current();
    let seeds = match given("SEED") {
        Some(seed) => {
            println!("{name}, SEED={seed}\n{:?}", drawn(seed));
            seed..seed + 1
        }
        None => {
            let first = given("FIRST").unwrap_or(0);
            first..first + given("FUZZ").unwrap_or(few)
        }
    };
    let threads = given("FUZZ_THREADS").map_or_else(
        || std::thread::available_parallelism().map_or(1, |threads| threads.get()),
        |threads| threads as usize,
    );
    let stops = given("FUZZ_STOP").is_some();
    let (next, began) = (AtomicU64::new(seeds.start), Instant::now());
    let found = Mutex::new((Counts::new(), Vec::<(u64, String)>::new()));
    let work = || {
        loop {
            let start = next.fetch_add(256, Ordering::Relaxed);
            if start >= seeds.end {
                break;
            }
            let (mut counts, mut failures) = (Counts::new(), Vec::new());
            for seed in start..seeds.end.min(start + 256) {
                match tried(&holds, seed, &drawn(seed)) {
                    Ok(seen) => add(&mut counts, &seen),
                    Err(what) if stops => panic!("{name}, SEED={seed}: {what}"),
                    Err(what) => failures.push((seed, what)),
                }
            }
            let mut found = found.lock().expect("no thread has failed");
            add(&mut found.0, &counts);
            for (seed, what) in failures {
                println!("{name}, SEED={seed}: {}", what.lines().next().unwrap_or_default());
                found.1.push((seed, what));
            }
            if (start - seeds.start).is_multiple_of(1 << 16) && start > seeds.start {
                let (done, seconds) = (start - seeds.start, began.elapsed().as_secs_f64());
                println!("{name}: {done} cases, {:.0} a second", done as f64 / seconds);
            }
            if found.1.len() > 300 {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let (counts, mut failures) = found.into_inner().expect("no thread has failed");
    let (cases, seconds) = (seeds.end - seeds.start, began.elapsed().as_secs_f64());
    println!(
        "{name}: {cases} cases, {:.0} a second, {} failures, {counts:?}",
        cases as f64 / seconds,
        failures.len()
    );
    failures.sort();
    let mut reports: Vec<(String, usize, String)> = Vec::new();
    for (seed, what) in failures {
        let kind = kind(&what).to_owned();
        match reports.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, count, _)) => *count += 1,
            None => reports.push((kind, 1, reported(&strategy(seed), seed, what, &holds))),
        }
    }
    let reports: Vec<String> = reports
        .iter()
        .map(|(kind, count, report)| format!("## {count} times «{kind}», as\n{report}"))
        .collect();
    assert!(reports.is_empty(), "{name}\n{}", reports.join("\n\n"));
    counts
}
