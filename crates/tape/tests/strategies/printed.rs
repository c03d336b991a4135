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
    use crate::shrinking::simplest;

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
    fn steps_of_the_user_come_back_where_their_list_is_known() {
        let folder = Folder::new("steps");
        let path = folder.0.join("steps.json");
        for script in scripts() {
            script.write_steps::<f32>(&path).unwrap();
            let again = Script::<(BuiltIn, Mine)>::read_steps::<f32>(&path).unwrap();
            assert_eq!(again.to_rust::<f32>(), script.to_rust::<f32>());
            let uses_examples = script.leaves().iter().any(|leaf| leaf.kind() == tape::LeafKind::Examples);
            assert!(!uses_examples || again.m() == script.m());
            let [left, right] = [&script, &again].map(|script| {
                let tape = Tape::<f32>::new();
                script.record(&tape);
                seen(&tape)
            });
            assert_eq!(left, right);
            // Written anew, it is the same text.
            let text = std::fs::read_to_string(&path).unwrap();
            again.write_steps::<f32>(&path).unwrap();
            let places = |text: &str| -> Vec<String> {
                text.split("\"place\"")
                    .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest).into())
                    .collect()
            };
            assert_eq!(places(&std::fs::read_to_string(&path).unwrap()), places(&text));
        }
        assert_eq!(folder.files(), ["steps.json"]);
    }

    #[test]
    fn steps_that_are_none_are_refused() {
        let folder = Folder::new("refused");
        let path = folder.0.join("steps.json");
        let script = simplest(&Scripts::new(Mine), 3, |script| !script.steps().contains(&"bump".to_owned()));
        script.write_steps::<f64>(&path).unwrap();
        let good = std::fs::read_to_string(&path).unwrap();
        let name = script.steps().remove(0);
        let refused = |text: String, wanted: &str| {
            std::fs::write(&path, text).unwrap();
            let error = Script::<Mine>::read_steps::<f64>(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
            assert!(error.to_string().contains(wanted), "{error}");
        };
        let changed = |from: &str, to: &str| {
            assert!(good.contains(from), "{from} in {good}");
            good.replacen(from, to, 1)
        };
        refused(
            changed(&format!("\"step\": {name:?}"), "\"step\": \"other\""),
            "no step of the list is called \"other\"",
        );
        refused(changed("\"on\": [\n", "\"on\": [0, 0, 0,\n"), "operands, not");
        refused(changed("\"on\": [\n        0", "\"on\": [\n        7"), "is on value 7, of");
        refused(changed("steps of a tape", "steps"), "this is version 1 of \"steps\"");
        refused(changed("\"version\": 1", "\"version\": 2"), "this is version 2");
        refused(changed("\"name\":\"x0\"", "\"name\":\"y\""), "leaf 0 is not called x0");
        refused(changed("f64", "f32"), "f32");
        refused(good[..good.len() / 2].to_owned(), "");
        std::fs::write(&path, &good).unwrap();
        assert!(Script::<Mine>::read_steps::<f32>(&path).is_err(), "of the other number type");
        Script::<Mine>::read_steps::<f64>(&path).unwrap();
        /// Two steps of one name.
        #[derive(Debug, Clone, PartialEq)]
        struct Twice;
        impl Steps for Twice {
            fn list<T: Scalar>() -> Vec<Step<T>> {
                vec![step!("same", |tape, a| a.sin()), step!("same", |tape, a| a.cos())]
            }
        }
        let script = simplest(&Scripts::new(Twice), 1, |script| !script.to_rust::<f64>().contains("cos"));
        assert_eq!(
            script.write_steps::<f64>(&path).unwrap_err().to_string(),
            "two steps of the list are called \"same\""
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), good, "what was there before stays");
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
