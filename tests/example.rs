//! The main example as a program, and that of typed equations: exit codes, and what is said where something is wrong.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "support/built.rs"]
mod built;

fn example() -> Command {
    built::example("breast_cancer")
}

fn run(arguments: &[&str]) -> Output {
    built::run("breast_cancer", arguments)
}

/// What a run says that ends with exit code 2 and one line on standard error.
#[track_caller]
fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert_eq!(text.matches('\n').count(), 1, "{text:?}");
    text.trim_end().strip_prefix("breast_cancer: ").unwrap_or_else(|| panic!("{text:?}")).to_string()
}

/// What a run on a table prints that is trained for two epochs.
#[track_caller]
fn printed(name: &str, table: &str, more: &[&str]) -> String {
    let file = Table::new(name, table);
    let output = run(&[&["--csv", file.path(), "--epochs", "2", "--hidden", "2"], more].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A file that is removed again.
struct Table(PathBuf);

impl Table {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{name}.csv", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Table(path)
    }
    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn rows(m: usize, row: impl Fn(usize) -> String) -> String {
    (0..m).map(|i| row(i) + "\n").collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_lost_output_is_an_error() {
    for arguments in [&[][..], &["--help"], &["--seeds", "--epochs", "1"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = example().args(arguments).stdout(full).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with("breast_cancer: the output is lost: "), "{text}");
    }
}

#[test]
fn that_nobody_reads_on_is_no_error() {
    let mut child = example().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap(); // and closes the pipe
    assert!(line.starts_with("── Data: Breast Cancer"), "{line}");
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), &*errors), (Some(0), ""));
}

#[test]
fn a_network_that_is_too_large_is_refused() {
    for (hidden, what) in [
        ("1000000000000", "32000000000001 parameters"),
        ("18446744073709551615", "too many parameters"),
        ("3,18446744073709551615", "too many parameters"),
        ("18446744073709551615,18446744073709551615", "too many parameters"),
        ("60000000,1", "1920000003 parameters"),
        ("500000", "16000001 parameters, and 227500455 values of neurons"),
    ] {
        let text = refusal(&["--hidden", hidden]);
        let what = what.rsplit(", and ").next().unwrap();
        assert!(text.starts_with(&format!("--hidden: the network would have {what}")), "{text}");
    }
    let text = refusal(&["--hidden", "99999999999999999999999"]);
    assert!(text.contains("sizes from 1 are expected"), "{text}");
}

#[test]
fn numbers_are_told_as_they_are_written() {
    let text = refusal(&["--rate", "1e300"]);
    assert!(text.contains("1e300") && !text.contains("00000000"), "{text}");
    assert_eq!(
        refusal(&["--rate", "-1e300"]),
        "rate is -1e300, it must be a finite number greater than 0; --help tells what there is"
    );
    assert_eq!(
        refusal(&["--rate", "much"]),
        "--rate much: a number is expected, as 0.3 or 1e-3; --help tells what there is"
    );
    assert_eq!(
        refusal(&["--epochs", "-1"]),
        "--epochs -1: a whole number is expected, from 0 and below 2^64; --help tells what there is"
    );
    assert_eq!(refusal(&["--batch", "0"]), "--batch: at least 1 is needed; --help tells what there is");
    let share = refusal(&["--csv", "t.csv", "--test-share", "1e300"]);
    assert!(share.starts_with("--test-share 1e300: greater than 0 and less than 1 is needed"), "{share}");
    // Two great numbers are classes, and a great quantity has an error as great.
    let text = printed("great", &rows(40, |i| format!("{},{}", i * i % 7, [1e300, 2e300][i % 2])), &[]);
    assert!(text.contains("target column 2: 1e300 or 2e300\n"), "{text}");
    let text = printed("quantity", &rows(40, |i| format!("{},{:e}", i * i % 7, i as f64 * 1e150)), &[]);
    assert!(text.lines().all(|line| line.chars().count() <= 101), "{text}");
}

#[test]
fn a_separator_is_asked_for_and_told() {
    let doubtful = rows(40, |i| format!("{};{},tame", i * i % 7, ["cat", "dog"][i % 2]));
    let file = Table::new("doubtful", &doubtful);
    let asked = refusal(&["--csv", file.path()]);
    let question = "which of them separates the fields? (--separator comma|semicolon|tab)";
    assert!(
        asked.ends_with(&format!("line 1: the first row has as many commas as semicolons: {question}")),
        "{asked}"
    );
    let text = printed("told", &doubtful, &["--separator", "semicolon"]);
    assert!(text.contains("target column 2: 0 cat,tame, 1 dog,tame\n"), "{text}");
    assert_eq!(
        refusal(&["--csv", file.path(), "--separator", "pipe"]),
        "--separator pipe: comma, semicolon or tab is expected; --help tells what there is"
    );
    assert!(refusal(&["--separator", "tab"]).starts_with("--separator is about a file of your own"));
}

#[test]
fn nothing_that_a_terminal_obeys_is_printed() {
    let is_odd = |c: char| c.is_control() && c != '\n';
    let label = |i: usize| ["a\u{1b}[31m", "b\nb", "\u{9b}2J"][i % 3];
    let table = format!(
        "x,\u{7}z,\"tar\u{1b}[2Jget\nname\"\n{}",
        rows(45, |i| format!("{},{},\"{}\"", i % 5, i % 7, label(i)))
    );
    let text = printed("odd\u{1b}[31m", &table, &[]);
    assert!(!text.contains(is_odd), "{text:?}");
    assert!(text.contains(r"target tar\u{1b}[2Jget\nname: 3 classes"), "{text}");
    assert!(text.contains(r"(12 a\u{1b}[31m, 12 b\nb, 12 \u{9b}2J)"), "{text}");
    assert!(text.contains(r"  actual \ predicted  a\u{1b}[31m  b\nb  \u{9b}2J"), "{text}");

    let file = Table::new("odd\u{1b}[31mheader", "\u{1b}[31ma,b\nx,2\n");
    for arguments in [
        &["--csv", file.path()][..],
        &["--csv", file.path(), "--target", "\u{1b}[31m"],
        &["--csv", "no\u{1b}[31m\nfile"],
        &["--rate", "\u{1b}[31m\n1"],
        &["--activation", "\u{1b}[31m"],
        &["--\u{1b}[31m"],
        &["\u{1b}[31m\n"],
    ] {
        let text = refusal(arguments);
        assert!(!text.contains(is_odd) && text.contains(r"\u{1b}[31m"), "{text:?}");
    }
}

#[test]
fn what_is_not_defined_of_the_test_part_is_told_as_such() {
    // One row in five is for the test: a single target has no spread to compare with.
    let text = printed("single", &rows(5, |i| format!("{},{}", i, i * i)), &[]);
    assert!(text.contains("Test: 1 example that training never saw"), "{text}");
    let figures: Vec<&str> = text.lines().filter(|line| line.ends_with("undefined")).collect();
    assert_eq!(figures.len(), 2, "{text}");
    assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
}

#[test]
fn many_classes_are_not_printed_as_a_table_wider_than_a_screen() {
    let text = printed("many", &rows(300, |i| format!("{},c{}", i % 17, i % 60)), &[]);
    assert!(text.contains("has 60 rows and columns: too many to print"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}

/// A folder that is removed again.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is printed of the test part.
fn of_the_test(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let from = text.find("Test: ").unwrap_or_else(|| panic!("{text}"));
    text[from..]
        .lines()
        .take_while(|line| !line.starts_with("── The equations"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_saved_network_is_the_same_in_another_process() {
    let folder = Folder::new("saved");
    let file = folder.file("network.safetensors");
    let trained = run(&["--epochs", "40", "--save", &file]);
    assert!(String::from_utf8_lossy(&trained.stdout).contains("Saved to "), "{trained:?}");
    let loaded = run(&["--load", &file]);
    assert_eq!(of_the_test(&loaded), of_the_test(&trained));
    let refused = refusal(&["--load", &file, "--f32"]);
    assert!(refused.starts_with("--load: ") && refused.contains("F64"), "{refused}");
    std::fs::write(&file, "no network").unwrap();
    assert!(refusal(&["--load", &file]).starts_with("--load: "));
    assert!(refusal(&["--load", &folder.file("none")]).contains("none"));
    let into_nothing = folder.file("no/where");
    let refused = refusal(&["--epochs", "400", "--save", &into_nothing]);
    assert!(refused.starts_with("--save: "), "{refused}");
    for (together, reason) in [
        (["--load", &file, "--epochs", "3"], "--epochs is about a training, and --load trains none"),
        (["--seeds", "--f32", "--save", &file], "--seeds trains ten networks, and --save is about one"),
        (["--seeds", "--f32", "--report", &file], "--seeds trains ten networks, and --report is about one"),
    ] {
        let refused = refusal(&together);
        assert!(refused.starts_with(reason), "{refused}");
    }
}

/// Killed in the middle, resumed in another process: the network has the bits of one that was not stopped.
#[test]
fn a_killed_training_is_resumed() {
    let folder = Folder::new("killed");
    let [checkpoint, one, other] = ["checkpoint", "one", "other"].map(|name| folder.file(name));
    let options = ["--batch", "16", "--epochs", "400", "--optimizer", "adam"];
    let mut child = example()
        .args([&options[..], &["--checkpoint", &checkpoint]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !Path::new(&checkpoint).exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for more in [vec!["--save", &one], vec!["--resume", &checkpoint, "--save", &other]] {
        let output = run(&[&options[..], &more].concat());
        assert!(Path::new(more[more.len() - 1]).exists(), "{output:?}");
    }
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
}

#[test]
fn the_trained_network_is_a_page_of_steps() {
    let folder = Folder::new("page");
    let file = folder.file("page.html");
    let output = String::from_utf8(run(&["--epochs", "30", "--page", &file]).stdout).unwrap();
    assert!(output.contains("Page in "), "{output}");
    let page = std::fs::read_to_string(&file).unwrap();
    for part in
        ["<!DOCTYPE html>", "30-16-1 · tanh, sigmoid · log_loss", "eq. 26", "\"m\":8", "\"same\":true"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("\"same\":false") && !page.contains("\"verdict\":\"differs\""));
    assert!(refusal(&["--page", &folder.file("no/where")]).starts_with("--page: "));
    let together = refusal(&["--seeds", "--page", &file]);
    assert!(together.starts_with("--seeds trains ten networks, and --page is about one"), "{together}");
}

#[test]
fn a_report_is_a_page() {
    let folder = Folder::new("report");
    let file = folder.file("report.html");
    run(&["--epochs", "30", "--report", &file]);
    let page = std::fs::read_to_string(&file).unwrap();
    for part in [
        "<!DOCTYPE html>",
        "30-16-1",
        "Breast Cancer Wisconsin",
        "--epochs 30 --report",
        "<svg",
        "Norms of the gradients",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let classes = rows(40, |i| format!("{},{},{}", i % 7, i % 5, ["a", "b", "<i>"][i % 3]));
    let table = Table::new("report", &classes);
    run(&["--csv", table.path(), "--epochs", "2", "--hidden", "2", "--report", &file]);
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("&lt;i&gt;") && !page.contains("<i>"), "names are texts");
    assert!(refusal(&["--report", &folder.file("no/where")]).starts_with("--report: "));
}

/// Two classes that a line tells apart.
fn apart() -> String {
    rows(40, |i| format!("{},{},{}", i % 7, i % 5, if i % 7 > 2 { "yes" } else { "no" }))
}

#[test]
fn every_optimizer_trains() {
    for (name, told) in [
        ("descent", "gradient descent on "),
        ("momentum", "momentum 0.9 on "),
        ("nesterov", "Nesterov's momentum 0.9 on "),
        ("rmsprop", "RMSProp on "),
        ("adagrad", "Adagrad on "),
        ("adam", "Adam on "),
        ("adamw", "AdamW with decay 0.01 on "),
        ("lion", "Lion on "),
    ] {
        let text = printed(&format!("optimizer-{name}"), &apart(), &["--optimizer", name]);
        assert!(text.contains(told), "{name}: {text}");
    }
    let known = "known are descent, momentum, nesterov, rmsprop, adagrad, adam, adamw, lion";
    assert!(refusal(&["--optimizer", "newton"]).contains(known));
}

#[test]
fn a_comparison_has_the_linear_model_beside_it() {
    let table = Table::new("compared", &apart());
    let output = run(&["--csv", table.path(), "--epochs", "3", "--compare"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "J on 5 folds of the 32 training rows",
        "neurons = 0, λ = ",
        "mean of 10 seeds",
        "J of the linear model: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (other, reason) in [
        (["--hidden", "4"], "--compare chooses neurons and L2, and runs ten seeds: leave --hidden out"),
        (["--l2", "1"], "--compare chooses neurons and L2, and runs ten seeds: leave --l2 out"),
        (["--report", "x"], "--compare trains several networks, and --report is about one"),
    ] {
        let refused = refusal(&[&["--compare"], &other[..]].concat());
        assert!(refused.starts_with(reason), "{refused}");
    }
}

/// A student's file as other programs write it, and one that says two things of its network.
#[test]
fn a_students_file_begins_with_a_mark_and_says_nothing_twice() {
    let equations = "sizes: 2-1\nactivations: sigmoid\nZ[1] = W[1]*X + b[1]\n";
    let path = std::env::temp_dir().join(format!("{}-equations.txt", std::process::id()));
    let told = |text: String| {
        std::fs::write(&path, text).unwrap();
        let output = built::run("10_which_equation", &[path.to_str().unwrap()]);
        let told = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8(told).unwrap())
    };
    let (is_read, text) = told(format!("\u{feff}{equations}"));
    assert!(is_read && text.contains("✓ Z[1]"), "{text}");
    for (more, reason) in [
        ("sizes: 3-1", "sizes stands there twice"),
        ("activations: tanh", "activations stands there twice"),
        ("loss: log_loss\nloss: log_loss", "loss stands there twice"),
        ("loss: log_loss, squared_error", "\"log_loss, squared_error\""),
    ] {
        let (is_read, text) = told(format!("{equations}{more}\n"));
        assert!(!is_read && text.contains(reason), "{text}");
    }
    std::fs::remove_file(&path).unwrap();
}

/// A student's numbers: what is misspelled is not passed over.
#[test]
fn a_matrix_of_no_name_of_the_network_is_told() {
    let sheet = include_str!("../examples/data/student_numbers.csv");
    let path = std::env::temp_dir().join(format!("{}-numbers.csv", std::process::id()));
    for name in ["∂J/db[1]", "dJ/db[7]", "db[1]"] {
        std::fs::write(&path, sheet.replace("dJ/db[1]", name)).unwrap();
        let output = built::run("10_which_equation", &[path.to_str().unwrap()]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(&format!("\"{name}\" is no matrix")), "{told}");
    }
    std::fs::remove_file(&path).unwrap();
}
