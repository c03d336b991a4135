//! Where nobody is looking, nothing is written.

use std::process::{Command, Stdio};

use mlp::{Activation, Mlp, Optimizer, Progress, Training};
use tape::matrix;

const CHILD: &str = "MLP_TEST_PROGRESS";

/// In a process of its own, whose standard error is no terminal.
#[test]
fn trains_in_a_process_of_its_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut network = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid).build().unwrap();
    let progress = Progress::new("training").after(std::time::Duration::ZERO);
    let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(50);
    let (x, y) = (matrix![[0.0, 1.0]], matrix![[1.0, 0.0]]);
    training.fit_with(&mut network, &x, &y, |epoch| progress.epoch(epoch)).unwrap();
    progress.stay();
}

#[test]
fn nothing_is_written_where_nobody_is_looking() {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "trains_in_a_process_of_its_own", "--quiet", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    assert!(!String::from_utf8_lossy(&done.stdout).contains("training ["));
}
