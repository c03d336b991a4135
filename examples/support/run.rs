//! The main example from its arguments to its verdict.

use std::io::{ErrorKind, Write};

use mlp::files::Archive;
use mlp::{Progress, Scalar};
use tape::{Tape, printable};

use super::args::Args;
use super::checks::Checks;
use super::compare;
use super::data::Data;
use super::experiment::{self, Outcome};
use super::page;
use super::proof::bound;
use super::report;
use super::score::check_bars;
use super::steps;

/// One network, those of ten seeds, or a comparison; what failed is in the checks.
pub(crate) fn run<T: Scalar>(args: &Args) -> Result<Checks, String> {
    match (args.compare, args.seeds) {
        (true, _) => compare::run::<T>(args),
        (false, true) => ten_seeds::<T>(args),
        (false, false) => one_seed::<T>(args),
    }
}

fn one_seed<T: Scalar>(args: &Args) -> Result<Checks, String> {
    let archive = match &args.load {
        Some(path) => Some(Archive::read(path).map_err(|error| format!("--load: {error}"))?),
        None => None,
    };
    let kept = archive
        .as_ref()
        .map(Archive::standardizer)
        .transpose()
        .map_err(|error| format!("--load: {error}"))?;
    let data = Data::<T>::load(args, args.seed, kept.flatten())?;
    let network = match &archive {
        Some(archive) => experiment::loaded(archive, &data)?,
        None => experiment::network(args, &data, args.seed)?,
    };
    say(&report::data(&data))?;
    say(report::plan(&network, args).trim_end())?;
    let progress = Progress::new("training");
    let tape = Tape::new();
    let outcome = experiment::run(&tape, network, args, &data, args.seed, &progress);
    progress.stay();
    let outcome = outcome?;
    match &args.load {
        Some(path) => {
            say(&format!("Loaded from {}, and not trained\n", printable(&path.display().to_string())))?
        }
        None => say(&report::training(&outcome.history, outcome.time.as_secs_f64()))?,
    }
    if let Some(path) = &args.save {
        experiment::save(&outcome.network, &data, path)?;
        say(&format!("Saved to {}\n", printable(&path.display().to_string())))?;
    }
    if let Some(path) = &args.report {
        page::write(&outcome, &data, args, path).map_err(|error| format!("--report: {error}"))?;
        say(&format!("Report in {}\n", printable(&path.display().to_string())))?;
    }
    if let Some(path) = &args.page {
        let size = steps::write(&outcome.network, &data, path).map_err(|error| format!("--page: {error}"))?;
        say(&format!("Page in {} ({} kB)\n", printable(&path.display().to_string()), size.div_ceil(1000)))?;
    }
    say(&report::test(&data, &outcome.score))?;
    let confusion = report::confusion(&outcome.score);
    if !confusion.is_empty() {
        say(&confusion)?;
    }
    say(&report::equations(&outcome.proof))?;
    say(&report::proof(&outcome.proof))?;
    let mut checks = Checks::default();
    check(&mut checks, &data, &outcome, "");
    if data.is_reference && args.load.is_none() {
        say(
            "Is a linear model as good? --compare tells, with settings that are chosen inside the training rows.\n",
        )?;
    }
    Ok(checks)
}

fn ten_seeds<T: Scalar>(args: &Args) -> Result<Checks, String> {
    let mut checks = Checks::default();
    let progress = Progress::of("training", args.epochs.saturating_mul(10));
    for seed in 0..10 {
        let data = Data::<T>::load(args, seed, None)?;
        let network = experiment::network(args, &data, seed)?;
        if seed == 0 {
            say(&report::data(&data))?;
            say(&report::plan(&network, args))?;
            say(report::seeds_heading(data.task).trim_end())?;
        }
        let tape = Tape::new();
        let outcome = experiment::run(&tape, network, args, &data, seed, &progress)
            .map_err(|mistake| format!("seed {seed}: {mistake}"))?;
        progress.suspend(|| say(report::seed(seed, &outcome).trim_end()))?;
        check(&mut checks, &data, &outcome, &format!("seed {seed}: "));
    }
    drop(progress);
    say("")?;
    Ok(checks)
}

fn check<T: Scalar>(checks: &mut Checks, data: &Data<T>, outcome: &Outcome<'_, T>, of: &str) {
    let Outcome { score, proof, .. } = outcome;
    if data.is_reference {
        check_bars(checks, of, score.values());
    }
    for line in &proof.lines {
        checks.check(line.is_same_entry(), || format!("{of}{} is not the entry of its equation", line.name));
    }
    let [derived, by_hand] = proof.entries;
    checks.check(derived == by_hand, || {
        format!("{of}the equations added {} entries to the tape", by_hand - derived)
    });
    for (when, name) in ["before", "after"].iter().enumerate() {
        let (found, bound) = (proof.largest(when), bound::<T>());
        checks.check(found <= bound, || {
            format!(
                "{of}{name} training, a gradient is {found:.1e} from the closed form; {bound:e} is allowed"
            )
        });
    }
}

/// Prints. That nobody reads on, as in `| head`, is no reason to stop checking; that the output is lost, as on a full disk, is.
pub(crate) fn say(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("the output is lost: {error}")),
        _ => Ok(()),
    }
}

/// Prints to standard error; where that is lost, the exit code still tells.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
