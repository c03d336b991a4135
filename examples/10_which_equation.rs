//! Which equation is wrong? A student's equations, or the numbers of a student's program, beside those of the textbook.
//!
//! Typed equations are recorded on a tape: right is what *is* the derived entry, and a mistake has a name if it *is* the entry of
//! a wrong form that is known. Numbers are compared with each equation on the student's own earlier numbers, so that one mistake gives
//! one message. How to set such an exercise is told in `docs/WHICH_EQUATION.md`.
//!
//! Run it with `cargo run --release --example 10_which_equation`, or with a file of your own behind `--`: equations in a
//! `.txt`, numbers in a `.json` or `.csv`, as those in `examples/data/student_*`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mlp::diagnose::{ByNumbers, Exercise, Numbers, Verdict};
use mlp::{Loss, Mlp};
use tape::{Matrix, printable};

type Result<V> = std::result::Result<V, String>;

fn main() -> ExitCode {
    let given: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let own = !given.is_empty();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let files = if own {
        given
    } else {
        ["equations.txt", "numbers.json", "numbers.csv"]
            .map(|name| data.join(format!("student_{name}")))
            .into()
    };
    for file in files {
        println!("{}", file.file_name().unwrap_or_default().display());
        match diagnose(&file) {
            Ok(lines) => lines.iter().for_each(|line| println!("  {line}")),
            Err(what) => {
                eprintln!("  {}: {what}", printable(&file.display().to_string()));
                return ExitCode::FAILURE;
            }
        }
        println!();
    }
    ExitCode::SUCCESS
}

fn diagnose(file: &Path) -> Result<Vec<String>> {
    const LARGEST: u64 = 1 << 24;
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > LARGEST {
        return Err(format!("{size} bytes are too many"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text); // a byte order mark
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("txt") => equations(text),
        Some("json") => numbers(&Sheet::of_json(text)?),
        Some("csv") => numbers(&Sheet::of_csv(text)?),
        _ => Err("equations are read from .txt, numbers from .json and .csv".into()),
    }
}

/// A line for each equation.
fn equations(text: &str) -> Result<Vec<String>> {
    let mut description = Description::default();
    let mut typed = Vec::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        match line.split_once(':') {
            Some((key, value)) => {
                let words = value.split(|c: char| c == ',' || c == '-' && key.trim() == "sizes");
                description.take(key.trim(), words.map(|word| word.trim().to_owned()).collect())?;
            }
            None => typed.push(line),
        }
    }
    let exercise = Exercise::new(&description.network()?);
    let mut said = Vec::new();
    for line in typed {
        said.push(match exercise.judge(line) {
            Ok(Verdict::Same) => format!("✓ {line}"),
            Ok(verdict) if verdict.is_right() => format!("✓ {line}\n      {verdict}"),
            Ok(verdict) => format!("✗ {line}\n      {verdict}"),
            Err(error) => format!("? {line}\n      {error}"),
        });
    }
    Ok(said)
}

/// One sentence: the first matrix that is wrong.
fn numbers(sheet: &Sheet) -> Result<Vec<String>> {
    let mut network = sheet.description.network()?;
    let matrix = |name: &str| sheet.matrices.get(name).ok_or_else(|| format!("there is no {name}"));
    let names: Vec<String> = network.parameters().keys().map(ToString::to_string).collect();
    for name in &names {
        network.set_parameter(name, matrix(name)?.clone()).map_err(|error| error.to_string())?;
    }
    let numbers = Numbers::new(&network, matrix("X")?, matrix("Y")?).map_err(|error| error.to_string())?;
    let known = RefCell::new(BTreeSet::from_iter(names.into_iter().chain(["X".into(), "Y".into()])));
    let verdict = numbers.judge(|name| {
        known.borrow_mut().insert(name.to_owned());
        sheet.matrices.get(name).cloned()
    });
    // What is misspelled was never asked for.
    if let Some(name) = sheet.matrices.keys().find(|name| !known.borrow().contains(*name)) {
        return Err(format!("\"{}\" is no matrix of this network", printable(name)));
    }
    let verdict = verdict.map_err(|error| error.to_string())?;
    let sign = match verdict {
        ByNumbers::Right { .. } => "✓",
        _ => "✗",
    };
    Ok(vec![format!("{sign} {verdict}")])
}

/// What the network is.
#[derive(Debug, Default)]
struct Description {
    sizes: Vec<usize>,
    activations: Vec<String>,
    loss: Option<Loss>,
}

impl Description {
    fn take(&mut self, key: &str, words: Vec<String>) -> Result<()> {
        let is_known = match key {
            "sizes" => !self.sizes.is_empty(),
            "activations" => !self.activations.is_empty(),
            "loss" => self.loss.is_some(),
            _ => false,
        };
        if is_known {
            return Err(format!("{key} stands there twice"));
        }
        let number = |word: &String| word.parse().map_err(|_| format!("\"{}\" is no size", printable(word)));
        match key {
            "sizes" => self.sizes = words.iter().map(number).collect::<Result<_>>()?,
            "activations" => self.activations = words,
            "loss" => {
                self.loss = Some(words.join(", ").parse().map_err(|error: mlp::Error| error.to_string())?);
            }
            other => return Err(format!("\"{}\" is none of sizes, activations, loss", printable(other))),
        }
        Ok(())
    }

    fn network(&self) -> Result<Mlp<f64>> {
        const LARGEST: usize = 1000;
        if self.sizes.len() != self.activations.len() + 1 || self.sizes.iter().any(|&n| n > LARGEST) {
            return Err(format!(
                "sizes are n_0, …, n_L, each at most {LARGEST}, and activations g of layers 1 to L"
            ));
        }
        let mut builder = Mlp::new(self.sizes[0]);
        for (&n, g) in self.sizes[1..].iter().zip(&self.activations) {
            builder = builder.layer(n, g.parse().map_err(|error: mlp::Error| error.to_string())?);
        }
        let builder = if let Some(loss) = self.loss { builder.loss(loss) } else { builder };
        builder.build().map_err(|error| error.to_string())
    }
}

/// A network with its parameters, data, and what was computed of them, by name.
#[derive(Debug, Default)]
struct Sheet {
    description: Description,
    matrices: BTreeMap<String, Matrix<f64>>,
}

impl Sheet {
    /// An object: `"sizes": [2, 3, 1]`, …, and matrices as lists of rows.
    fn of_json(text: &str) -> Result<Sheet> {
        let read: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut sheet = Sheet::default();
        for (key, value) in read {
            if let Ok(rows) = serde_json::from_value::<Vec<Vec<f64>>>(value.clone()) {
                sheet.take(key, &rows)?;
                continue;
            }
            let word = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
            let words =
                value.as_array().map_or_else(|| vec![word(&value)], |list| list.iter().map(word).collect());
            sheet.description.take(&key, words)?;
        }
        Ok(sheet)
    }

    /// A line for each row of a matrix, with the matrix's name before it.
    fn of_csv(text: &str) -> Result<Sheet> {
        let (mut sheet, mut rows) = (Sheet::default(), BTreeMap::<String, Vec<Vec<f64>>>::new());
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|error| error.to_string())?;
            let mut words = record.iter().map(|word| word.trim().to_owned());
            let name = words.next().unwrap_or_default();
            let words: Vec<String> = words.collect();
            if let "sizes" | "activations" | "loss" = name.as_str() {
                sheet.description.take(&name, words)?;
                continue;
            }
            let number = |word: &String| {
                word.parse().map_err(|_| format!("{name}: \"{}\" is no number", printable(word)))
            };
            rows.entry(name.clone()).or_default().push(words.iter().map(number).collect::<Result<_>>()?);
        }
        rows.into_iter().try_for_each(|(name, rows)| sheet.take(name, &rows))?;
        Ok(sheet)
    }

    fn take(&mut self, name: String, rows: &[Vec<f64>]) -> Result<()> {
        let matrix = Matrix::from_rows(rows).map_err(|error| format!("{}: {error}", printable(&name)))?;
        self.matrices.insert(name, matrix);
        Ok(())
    }
}
