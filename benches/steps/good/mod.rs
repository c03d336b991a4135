//! How many seconds it takes to a good model, from the file on: read, recorded, compiled and trained until J of the test part, which
//! is computed after every epoch, is good.
//!
//! `benches/good/run` lets this and the Python peers run in turns. They have the same bytes, first weights, order of the examples,
//! batches, optimizer and target, from the files that `prepare` writes.

mod cases;
#[path = "../../../examples/support/data_sets.rs"]
mod data_sets;
mod prepare;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use mlp::Result;

use cases::Case;

/// `named` is `prepare`, or cases and the number of threads; all cases with one thread if left out.
pub(crate) fn rows(named: &[&str]) {
    let folder = folder();
    let cases = cases::cases();
    if named.contains(&"prepare") {
        prepare::prepare(&folder, &cases).expect("the files of the bench");
        return println!("{}", folder.display());
    }
    if !folder.join(prepare::LAST).exists() {
        prepare_apart();
    }
    let threads = named.iter().find_map(|name| name.parse().ok()).unwrap_or(1);
    let is_wanted =
        |case: &&Case| !cases.iter().any(|case| named.contains(&case.name)) || named.contains(&case.name);
    for case in cases.iter().filter(is_wanted) {
        for turn in ["first", "again"] {
            row(case, turn, &folder, threads).expect("a training of the bench");
        }
    }
}

/// Prepares in a process of its own: here it would run the code and read the files of the first turn, which is to be measured cold.
fn prepare_apart() {
    let program = std::env::current_exe().expect("the path of this program");
    let ended = Command::new(program).args(["--good", "prepare"]).stdout(Stdio::null()).status();
    assert!(ended.expect("a process").success(), "the files of the bench were not written");
}

/// Where the files are, outside of the sources.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("good")
}

/// Prints `tape,case,threads,turn,seconds,processor seconds,loading,compiling,training,epochs,J`.
fn row(case: &Case, turn: &str, folder: &Path, threads: usize) -> Result<()> {
    let (began, used) = (Instant::now(), processor_seconds());
    let since = || began.elapsed().as_secs_f64();
    let (train, test) = case.load(folder)?;
    let loaded = since();
    let mut network = case.network()?;
    let mut trainer = case.training(threads, test)?.begin(&network, &train.x, &train.y)?;
    let compiled = since();
    let mut last = f64::NAN;
    let target = case.target;
    trainer.run_with(|epoch, _| {
        last = epoch.losses.deciding();
        if last <= target { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    trainer.give(&mut network)?;
    let (all, used, epochs) = (since(), processor_seconds() - used, trainer.history().len());
    assert!(last <= target, "{}: J is {last} after {epochs} epochs, {target} was to be reached", case.name);
    let parts = format!("{loaded:.6},{:.6},{:.6}", compiled - loaded, all - compiled);
    println!("tape,{},{threads},{turn},{all:.6},{used:.6},{parts},{epochs},{last:.6}", case.name);
    Ok(())
}

/// The seconds that all threads were on a processor, as Linux counts them; NaN elsewhere. On a machine that others use they mean more
/// than those on the wall.
fn processor_seconds() -> f64 {
    let of_thread = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    let threads = std::fs::read_dir("/proc/self/task");
    threads.map_or(f64::NAN, |threads| threads.filter_map(of_thread).sum::<f64>() / 1e9)
}
