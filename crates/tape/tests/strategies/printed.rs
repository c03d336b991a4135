//! A tape that was printed as code, compiled, and compared with the one that it was printed from; and a
//! tape that was written to a file and read back.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use tape::check::strategies::{BuiltIn, Elements, Regime, Script, Scripts, Side, Step, Steps};
use tape::{Function, Scalar, Tape, step};

use crate::shrinking::runner;

/// x/(1 + x²): a function of the user's, which is in scope where the printed code stands.
fn bump<T: Scalar>() -> Function<T> {
    let slope = |x: T| (T::ONE - x * x) / ((T::ONE + x * x) * (T::ONE + x * x));
    Function::new("bump", |x: T| x / (T::ONE + x * x)).with_derivative(Function::new("bump′", slope))
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Mine;

impl Steps for Mine {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        let shared = |name: &'static str| {
            Step::new(
                name,
                ["left", "right"].to_vec(),
                |tape, on| tape.stack_rows(on),
                "tape.stack_rows(&[left, right])",
            )
            .demanding(|shapes| shapes[0].columns == shapes[1].columns && shapes[0].rows != tape::Dim::M)
        };
        vec![
            step!("bump", |tape, x| x.map(&bump())),
            step!("of_the_list", |list, a, b| list.stack_rows(&[a.rows(0..1), b.rows(0..1)]))
                .demanding(|shapes| shapes[0].columns == shapes[1].columns),
            shared("without_the_macro"),
        ]
    }
}

/// What tells tapes apart: the list, and the bits of the leaves.
fn seen<T: Scalar>(tape: &Tape<T>) -> (String, Vec<Vec<u64>>) {
    tape.check().unwrap();
    let leaves = tape.entries().filter(|entry| entry.leaf_kind().is_some());
    let bits = leaves.map(|leaf| {
        let value = leaf.var().value().unwrap();
        // NaN has no sign and no number of its own in Rust code.
        value.iter().map(|x| if x.is_nan() { T::NAN.bits() } else { x.bits() }).collect()
    });
    (tape.to_string(), bits.collect())
}

/// A few scripts that have all steps among them, some with elements of all regimes.
fn scripts() -> Vec<Script<(BuiltIn, Mine)>> {
    let mut runner = runner(7, 1);
    let small = Scripts::new((BuiltIn, Mine)).steps(40).rows(0..=2).examples(0..=2).elements(Regime::ALL);
    let mut missing: BTreeSet<String> =
        <(BuiltIn, Mine)>::list::<f64>().iter().map(|step| step.name().to_owned()).collect();
    let mut found = Vec::new();
    while !missing.is_empty() {
        let script = small.new_tree(&mut runner).unwrap().current();
        let before = missing.len();
        let drawn = script.steps();
        missing.retain(|step| !drawn.contains(step));
        if missing.len() < before {
            found.push(script);
        }
    }
    found
}

fn code<T: Scalar>() -> String {
    let blocks =
        scripts().into_iter().map(|script| format!("{{\n{}seen(tape)\n}},\n", script.to_rust::<T>()));
    format!("// Printed by the test that compares it.\nvec![\n{}]\n", blocks.collect::<String>())
}

fn recorded<T: Scalar>() -> Vec<(String, Vec<Vec<u64>>)> {
    let one = |script: Script<_>| {
        let tape = Tape::<T>::new();
        script.record(&tape);
        seen(&tape)
    };
    scripts().into_iter().map(one).collect()
}

/// `PRINT=1 cargo test -p tape --all-features --test strategies printed` writes the file anew, when the drawing
/// has changed.
fn is_in_file<T: Scalar>(name: &str, in_file: &str, compiled: &[(String, Vec<Vec<u64>>)]) {
    let code = code::<T>();
    if std::env::var_os("PRINT").is_some() {
        let path = format!("{}/tests/strategies/printed/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, &code).unwrap();
        return;
    }
    assert_eq!(code, in_file, "the printed code has changed: see PRINT");
    assert_eq!(recorded::<T>(), compiled);
}

#[test]
#[allow(unused_variables, clippy::all)] // what nothing of a tape is on has its name too
fn printed_code_compiles_and_records_the_same_in_f64() {
    let compiled: Vec<(String, Vec<Vec<u64>>)> = include!("printed/f64.in");
    is_in_file::<f64>("f64.in", include_str!("printed/f64.in"), &compiled);
}

#[test]
#[allow(unused_variables, clippy::all)] // what nothing of a tape is on has its name too
fn printed_code_compiles_and_records_the_same_in_f32() {
    let compiled: Vec<(String, Vec<Vec<u64>>)> = include!("printed/f32.in");
    is_in_file::<f32>("f32.in", include_str!("printed/f32.in"), &compiled);
}

#[cfg(feature = "json")]
mod files {
    use std::io::ErrorKind;
    use std::path::PathBuf;

    use tape::check::strategies::{read_tape, write_tape};

    use super::*;

    /// A folder of its own, which is gone in the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tape-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn files(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn comes_back<T: Scalar>(folder: &Folder) {
        let mut runner = runner(8, 1);
        let scripts = Scripts::new(BuiltIn).elements(Regime::ALL).examples(1..=9);
        let (path, mut values) = (folder.0.join("case.json"), 0);
        for _ in 0..40 {
            let script = scripts.new_tree(&mut runner).unwrap().current();
            script.write::<T>(&path).unwrap();
            let (tape, again) = (Tape::<T>::new(), read_tape::<T>(&path).unwrap());
            let recorded = script.record(&tape);
            assert_eq!(seen(&again), seen(&tape));
            // It runs, and gives the same bits, or refuses the same.
            for var in recorded.steps {
                let same = again.entry(var.entry().unwrap().index()).unwrap().var();
                match [var, same].map(|var| var.value()) {
                    [Ok(left), Ok(right)] => {
                        assert!(left.iter().zip(right.iter()).all(|(a, b)| a.bits() == b.bits()));
                        values += 1;
                    }
                    [left, right] => assert_eq!(left.is_err(), right.is_err()),
                }
            }
        }
        assert!(values > 300, "{values} values");
        assert_eq!(folder.files(), ["case.json"], "nothing else is left");
    }

    #[test]
    fn a_written_tape_can_be_read_and_run() {
        comes_back::<f64>(&Folder::new("written-f64"));
        comes_back::<f32>(&Folder::new("written-f32"));
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = Folder::new("whole");
        let path = folder.0.join("case.json");
        let (mine, built_in) = (Scripts::new(Mine), Scripts::new(BuiltIn));
        let mut runner = runner(9, 1);
        let of_the_user = loop {
            let script = mine.new_tree(&mut runner).unwrap().current();
            if script.steps().contains(&"bump".to_owned()) {
                break script;
            }
        };
        let error = of_the_user.write::<f64>(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("bump"), "{error}");
        assert_eq!(folder.files(), Vec::<String>::new());
        // What was there before stays.
        let script = built_in.new_tree(&mut runner).unwrap().current();
        script.write::<f32>(&path).unwrap();
        let before = std::fs::read(&path).unwrap();
        of_the_user.write::<f32>(&path).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        // A half of it is no tape, and neither is one of the other type.
        let half = folder.0.join("half.json");
        std::fs::write(&half, &before[..before.len() / 2]).unwrap();
        assert_eq!(read_tape::<f32>(&half).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read_tape::<f64>(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read_tape::<f64>(folder.0.join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        // No place to write to.
        let tape = Tape::<f64>::new();
        assert_eq!(
            write_tape(&tape, folder.0.join("none/case.json")).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(write_tape(&tape, "/").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(write_tape(&tape, &folder.0).is_err(), "a folder is no file");
    }
}

#[test]
fn the_debug_of_a_script_is_its_code() {
    let script = Scripts::new(BuiltIn)
        .steps(1)
        .elements(Elements::Between(0.5, 0.5))
        .rows(1)
        .examples(Side::from(2))
        .new_tree(&mut runner(1, 1))
        .unwrap()
        .current();
    assert_eq!(format!("{script:?}"), script.to_rust::<f64>());
    assert!(script.to_rust::<f32>().contains("type T = f32;"));
}
