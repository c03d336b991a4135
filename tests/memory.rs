//! Memory that the system refuses is a typed error, and never the end of the process. Each case runs in a process of its own with
//! little memory.

use std::process::Command;

use tape::{Error, Matrix, Tape, Threads};

/// Runs a test of this file in a process that has so many MiB of addresses. In that process it is true.
#[track_caller]
fn here(test: &str, mebibytes: u64) -> bool {
    const CHILD: &str = "TAPE_LITTLE_MEMORY";
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    if !cfg!(target_os = "linux") {
        eprintln!("{test}: SKIPPED, memory is limited on Linux alone");
        return false;
    }
    let binary = std::env::current_exe().expect("the name of this program");
    let limited =
        format!("ulimit -v {} && exec \"$0\" --exact {test} --nocapture --test-threads 1", mebibytes << 10);
    let child = Command::new("sh")
        .args(["-c", &limited])
        .arg(binary)
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "0")
        .output();
    let child = child.expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&child.stdout), text(&child.stderr));
    assert!(child.status.success() && out.contains("1 passed"), "{:?}\n{out}\n{err}", child.status);
    false
}

/// More MiB than these the children do not have; some of them go to the program itself.
const LITTLE: u64 = 500;
/// So many numbers are more.
const MANY: usize = 80 << 20;

fn is_refused<X: std::fmt::Debug>(made: Result<X, Error>) {
    let error = made.expect_err("there is no memory");
    assert!(matches!(error, Error::Allocation { .. } | Error::TooLarge(_)), "{error}");
}

#[track_caller]
fn panics<X>(make: impl FnOnce() -> X) {
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(make)).err().expect("a panic, as documented");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.starts_with("matrix: no memory for "), "{text}");
}

#[test]
fn matrices() {
    if !here("matrices", LITTLE) {
        return;
    }
    is_refused(Matrix::<f64>::try_zeros(MANY, 1));
    is_refused(Matrix::<f64>::try_zeros(1 << 40, 1));
    is_refused(Matrix::try_filled(1, MANY, 1.0));
    is_refused(Matrix::try_from_fn(MANY, 1, |_, _| 1.0));
    is_refused(Matrix::<f64>::try_identity(1 << 14));
    panics(|| Matrix::<f64>::zeros(MANY, 1));
    panics(|| Matrix::<f64>::zeros(1 << 40, 1));
    panics(|| Matrix::filled(MANY, 1, 1.0));
    panics(|| Matrix::<f64>::identity(1 << 14));
    panics(|| Matrix::from_fn(MANY, 1, |_, _| 1.0));
    // One fits, and no copy of it.
    let x = Matrix::filled(1 << 12, 7680, 1.0_f64);
    is_refused(x.try_clone());
    is_refused(x.try_transposed());
    is_refused(x.view().try_to_matrix());
    is_refused(x.try_select_columns(&(0..x.columns()).collect::<Vec<_>>()));
    is_refused(Matrix::from_slice(x.rows(), x.columns(), x.as_slice()));
    is_refused(Matrix::from_columns(&[x.as_slice()]));
    is_refused(Matrix::from_rows(&[x.as_slice()]));
    panics(|| x.clone());
    panics(|| x.transposed());
    panics(|| x.map(|x| x));
    panics(|| x.cast::<f64>());
    panics(|| x.view().to_matrix());
    panics(|| Matrix::row(x.as_slice()));
    panics(|| Matrix::column_vector(x.as_slice()));
    assert_eq!(x[(1, 1)], 1.0);
}

/// A leaf's copy, intermediates, copies of what is shared with the tape, and results.
#[test]
fn programs() {
    if !here("programs", LITTLE) {
        return;
    }
    const SIZE: usize = 20 << 20;
    let tape = Tape::<f64>::new();
    let value = Matrix::filled(SIZE, 1, 1.0);
    let w = tape.parameter("w", &value);
    // Now there is no memory for a third one.
    is_refused(tape.parameter("u", &value).value());
    is_refused(w.matmul(w.t()).sum().value());
    let sum = w.sum();
    let mut program = tape.compile([sum]).unwrap();
    program.run().unwrap();
    is_refused(program.parameter_mut(w).map(|_| ()));
    is_refused(program.update(w, sum, |_, _| ()));
    is_refused(program.bind(w, &value));
    is_refused(w.value());
    let error = (w + 1.0).named("shifted").value().unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "run: no memory for shifted (add), 20971520×1 (167772160 bytes), recorded at tests/"
        ),
        "{text}"
    );
    // What was there is there, and the next run is served.
    assert_eq!(program.view(w).unwrap().as_slice()[SIZE - 1], 1.0);
    program.run().unwrap();
    assert_eq!(program.scalar(sum), Ok(SIZE as f64));
    is_refused(sum.hessian([w]));
    is_refused((w * 2.0).jacobian([w]));
}

/// Threads that start, and have no memory, or do not start.
#[test]
fn threads() {
    for mebibytes in [250, 300, 400, 600] {
        if here("threads", mebibytes) {
            match Threads::new(64) {
                Ok(threads) => assert_eq!(threads.count(), 64),
                Err(error) => assert!(matches!(error, Error::Threads { threads: 64, .. }), "{error}"),
            }
            return;
        }
    }
}
