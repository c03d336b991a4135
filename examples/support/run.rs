//! The main example from its arguments to its verdict.

use std::io::Write;

use indicatif::ProgressBar;
use tape::{Scalar, Tape};

use super::args::Args;
use super::checks::Checks;
use super::data::Data;
use super::experiment::{self, Outcome, progress_bar};
use super::report;
use super::score::Score;

/// One network, or those of ten seeds; what failed is in the checks.
pub(crate) fn run<T: Scalar>(args: &Args) -> Result<Checks, String> {
    if args.seeds { ten_seeds::<T>(args) } else { one_seed::<T>(args) }
}

fn one_seed<T: Scalar>(args: &Args) -> Result<Checks, String> {
    let data = Data::<T>::load(args, args.seed)?;
    let network = experiment::network(args, &data, args.seed)?;
    say(&report::data(&data));
    say(&report::plan(&network, args, args.seed));
    let bar = progress_bar(args.epochs);
    let tape = Tape::new();
    let outcome = experiment::run(&tape, network, args, &data, args.seed, &bar);
    bar.finish();
    let outcome = outcome.map_err(|error| error.to_string())?;
    say(&report::training(&outcome.history, outcome.time.as_secs_f64()));
    say(&report::test(&data, &outcome.score));
    say(&report::confusion(&outcome.score));
    say(&report::proof(&outcome.proof));
    let mut checks = Checks::default();
    check(&mut checks, &data, &outcome, "");
    Ok(checks)
}

fn ten_seeds<T: Scalar>(args: &Args) -> Result<Checks, String> {
    let mut checks = Checks::default();
    let seeds = 0..10;
    let bar = progress_bar(args.epochs * 10);
    for seed in seeds {
        let data = Data::<T>::load(args, seed)?;
        let network = experiment::network(args, &data, seed)?;
        let tape = Tape::new();
        let outcome = experiment::run(&tape, network, args, &data, seed, &bar);
        let outcome = outcome.map_err(|error| error.to_string())?;
        bar.suspend(|| say(&report::seed(seed, &outcome)));
        check(&mut checks, &data, &outcome, &format!("seed {seed}: "));
    }
    bar.finish_and_clear();
    Ok(checks)
}

/// The differences that rounding explains: about 450 times the distance from 1 to the next number.
fn bound<T: Scalar>() -> f64 {
    if T::EPSILON.to_f64() < 1e-12 { 1e-13 } else { 5e-5 }
}

fn check<T: Scalar>(checks: &mut Checks, data: &Data<T>, outcome: &Outcome<'_, T>, of: &str) {
    let Outcome { history, score, proof, .. } = outcome;
    let j = history.last().map_or(f64::NAN, |losses| losses.training);
    checks.check(j.is_finite(), || format!("{of}training ends with J = {j}: try a smaller --rate"));
    if let (true, Score::TwoClasses { accuracy, log_loss, auc, .. }) = (data.is_reference, score) {
        let auc = auc.unwrap_or(f64::NAN);
        checks.check(*accuracy >= 0.96, || format!("{of}accuracy is {accuracy:.4}, the bar is 0.96"));
        checks.check(*log_loss <= 0.11, || format!("{of}log-loss is {log_loss:.4}, the bar is 0.11"));
        checks.check(auc >= 0.99, || format!("{of}ROC AUC is {auc:.4}, the bar is 0.99"));
    }
    for line in &proof.lines {
        checks.check(line.is_same_entry(), || format!("{of}{} is not the entry of its equation", line.name));
    }
    let [derived, by_hand] = proof.entries;
    checks.check(derived == by_hand, || format!("{of}the tape grew from {derived} to {by_hand} entries"));
    for (when, name) in ["before", "after"].iter().enumerate() {
        let (found, bound) = (proof.largest(when), bound::<T>());
        checks.check(found <= bound, || {
            format!(
                "{of}{name} training a gradient is {found:.1e} from the closed form, {bound:e} is allowed"
            )
        });
    }
}

/// Prints. That nobody reads on, as in `| head`, is no reason to stop checking.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

#[allow(dead_code)]
fn unused(_: &ProgressBar) {}
