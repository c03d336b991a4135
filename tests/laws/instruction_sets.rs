//! The same accuracy and the same laws on every instruction set that the processor has: this process runs some of its own tests again,
//! with the environment variable that names another one.

use std::process::{Command, Output};

use tape::{Tape, kernels, matrix};

/// Accuracy against references and the closed form, extremes, and equal bits for all tiles and threads: those of the laws that take no
/// minute.
const LAWS: [&str; 8] = [
    "closed_form::",
    "functions::",
    "identity::",
    "instruction_sets::programs_run_on",
    "softmax::",
    "subnormals::",
    "threads::callers::",
    "threads::few_",
];

/// The tests whose names contain one of these, in a process of their own.
fn tests_on(set: &str, names: &[&str]) -> Output {
    let this = std::env::current_exe().expect("the tests know where they are");
    Command::new(this).args(names).env("TAPE_SIMD", set).output().expect("the tests run again")
}

#[test]
fn programs_run_on_what_the_environment_asks_for() {
    let tape = Tape::<f64>::new();
    let x = tape.constant("x", &matrix![[0.5, -2.0]]);
    let mut program = tape.compile([x.tanh().sum()]).unwrap_or_else(|error| panic!("{error}"));
    program.run().unwrap();
    let name = kernels::instruction_set().expect("the program was compiled");
    assert!(kernels::instruction_sets().contains(&name));
    match std::env::var_os("TAPE_SIMD") {
        Some(asked) if !asked.is_empty() => assert_eq!(asked.to_str(), Some(name)),
        _ => assert_eq!(kernels::instruction_sets()[0], name, "the best one"),
    }
}

#[test]
fn the_laws_hold_on_every_instruction_set() {
    let here = kernels::instruction_set().expect("tests are run on what there is");
    let others = kernels::instruction_sets().into_iter().filter(|&set| set != here);
    for set in others {
        let output = tests_on(set, &LAWS);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{set}:\n{told}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("programs_run_on_what_the_environment_asks_for ... ok"), "{set}:\n{told}");
        let passed = told.lines().find_map(|line| line.strip_prefix("test result: ok. "));
        let passed = passed.and_then(|line| line.split(' ').next()).and_then(|number| number.parse().ok());
        assert!(passed.is_some_and(|tests: usize| tests >= 50), "{set}: too few tests:\n{told}");
        println!("{set}: {passed:?} tests, beside {here}");
    }
}

#[test]
fn what_the_processor_does_not_have_is_told() {
    for set in ["nonsense", "AVX2"] {
        let output = tests_on(set, &["instruction_sets::programs_run_on"]);
        let told = String::from_utf8_lossy(&output.stdout);
        let there = kernels::instruction_sets().join(", ");
        let expected = format!(
            "TAPE_SIMD={set}: this processor has no such instruction set; name one of {there}, or unset it"
        );
        assert!(!output.status.success() && told.contains(&expected), "{told}");
    }
}
