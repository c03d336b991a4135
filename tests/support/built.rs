//! Examples as programs, built as the test that runs them was.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program of an example; `path` keeps where it is, once it is built.
pub(crate) fn example(name: &str, path: &OnceLock<PathBuf>) -> Command {
    let build = || {
        let test = std::env::current_exe().expect("a test knows where it is");
        let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/test");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--example", name, "--profile"]);
        cargo.arg(if profile.ends_with("release") { "release" } else { "test" });
        cargo.arg("--target-dir").arg(profile.parent().expect("target/PROFILE"));
        assert!(cargo.status().expect("cargo runs").success());
        profile.join("examples").join(name)
    };
    Command::new(path.get_or_init(build))
}
