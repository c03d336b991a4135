//! Writes all mutants of some files into one program, which an environment variable chooses among. `.ci/mutants` does all of it.
//!
//! ```console
//! mutants write FOLDER FILE…            changes the files of this copy of the project
//! mutants unviable FOLDER <LOG          tells which mutants do not compile, of the messages of the compiler
//! mutants judge FOLDER FUZZ TESTS…      judges them by these programs of tests, the one of random programs first
//! ```
//!
//! `FOLDER/mutants.tsv` lists the mutants: number, file, line, what it was, and what it is. `FOLDER/unviable` has the numbers of
//! those to leave out, one a line.
//!
//! One build has all mutants in it, where `cargo mutants` builds the project for each of them: `TAPE_MUTANT=17` makes the program the
//! mutant 17, and with `TAPE_REACHED=FILE` it adds the numbers of those that it gets to, so that a mutant is judged by the tests
//! alone that get to it. A mutant is
//!
//! - an operator in the place of another: + and −, · and /, < and ≤, = and ≠, ∧ and ∨; a sign or a `!` left out; a compound assignment;
//! - a call left out: one whose value is not used, such as a contribution to a cotangent; a `.t()`;
//! - a number and another; a function that returns at once: true, false, nothing, 0, 1.

mod judge;
mod visit;

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;

use visit::Mutator;

/// What the changed files ask.
const CHOSEN: &str = r#"
/// Which mutant it is.
#[doc(hidden)]
pub fn is_mutant(number: u32) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<u32>> =
        std::sync::LazyLock::new(|| std::env::var("TAPE_MUTANT").ok().and_then(|text| text.parse().ok()));
    static WRITTEN: std::sync::LazyLock<Option<std::path::PathBuf>> =
        std::sync::LazyLock::new(|| std::env::var_os("TAPE_REACHED").map(Into::into));
    static REACHED: [std::sync::atomic::AtomicU64; 256] = [const { std::sync::atomic::AtomicU64::new(0) }; 256];
    if let Some(path) = &*WRITTEN {
        let (word, bit) = (&REACHED[number as usize / 64], 1 << (number % 64));
        let is_new = word.load(std::sync::atomic::Ordering::Relaxed) & bit == 0;
        if is_new && word.fetch_or(bit, std::sync::atomic::Ordering::Relaxed) & bit == 0 {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            std::io::Write::write_all(&mut file.unwrap(), format!("{number}\n").as_bytes()).unwrap();
        }
    }
    *CHOSEN == Some(number)
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (what, folder) =
        (arguments.next().ok_or("write, unviable or judge?")?, arguments.next().ok_or("which folder?")?);
    let folder = Path::new(&folder);
    match what.as_str() {
        "write" => write(folder, arguments),
        "unviable" => unviable(folder),
        "judge" => {
            judge::judge(folder, &arguments.next().ok_or("which programs?")?, &arguments.collect::<Vec<_>>())
        }
        _ => Err(format!("{what}: write, unviable or judge?").into()),
    }
}

fn write(folder: &Path, files: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let without = fs::read_to_string(folder.join("unviable")).unwrap_or_default();
    let without: HashSet<u32> = without.lines().map(str::parse).collect::<Result<_, _>>()?;
    let mut mutator = Mutator::new(without);
    for file in files {
        let path = folder.join(&file);
        let mut code = syn::parse_file(&fs::read_to_string(&path)?)?;
        mutator.mutate(&file, &mut code);
        fs::write(&path, prettyplease::unparse(&code))?;
    }
    let root = folder.join("crates/tape/src/lib.rs");
    // What the compiler would not have of anyone.
    let with_choice = fs::read_to_string(&root)? + CHOSEN;
    fs::write(root, format!("#![allow(arithmetic_overflow, unused, unconditional_panic)]\n{with_choice}"))?;
    fs::write(folder.join("mutants.tsv"), mutator.listed())?;
    eprintln!("{} mutants", mutator.count());
    Ok(())
}

/// How far before an error the choice may stand that it is in.
const LINES_BEFORE: usize = 12;

/// `cargo check --message-format=short` tells place and error in a line.
fn unviable(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut log = String::new();
    std::io::stdin().read_to_string(&mut log)?;
    let mut found = BTreeSet::new();
    for line in log.lines().filter(|line| line.contains(": error")) {
        let mut parts = line.splitn(4, ':');
        let (Some(file), Some(Ok(at))) = (parts.next(), parts.next().map(str::parse::<usize>)) else {
            continue;
        };
        let code = fs::read_to_string(folder.join(file))?;
        let before: Vec<&str> = code.lines().take(at).collect();
        let numbers = before.iter().rev().take(LINES_BEFORE).map(|line| numbers_in(line));
        match numbers.into_iter().find(|numbers| !numbers.is_empty()) {
            Some(numbers) => found.extend(numbers),
            None => return Err(format!("no mutant is the reason of {line}").into()),
        }
    }
    for number in found {
        println!("{number}");
    }
    Ok(())
}

fn numbers_in(line: &str) -> Vec<u32> {
    let after = line.split("is_mutant(").skip(1);
    after.filter_map(|text| text.split("u32").next()?.parse().ok()).collect()
}
