//! Examples as programs, built as the test that runs them was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// The program of an example, which is built once.
pub(crate) fn example(name: &'static str) -> Command {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    Command::new(built.entry(name).or_insert_with(|| build(name)))
}

/// What an example gives with these arguments.
pub(crate) fn run(name: &'static str, arguments: &[&str]) -> Output {
    example(name).args(arguments).output().expect("the example runs")
}

fn build(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/test");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", name, "--profile"]);
    cargo.arg(if profile.ends_with("release") { "release" } else { "test" });
    cargo.arg("--target-dir").arg(profile.parent().expect("target/PROFILE"));
    assert!(cargo.status().expect("cargo runs").success());
    profile.join("examples").join(name)
}
