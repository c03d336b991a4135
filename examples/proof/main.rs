//! Eq. 1–28 of the textbook for an architecture of one's own, in order, each with the entry of the list that it is.
//!
//! `cargo run --release --example proof` writes `proof.html` and `proof.tex`; `-- --help` tells what else there is. Formulas of
//! the textbook are written down once (`derivation/textbook.rs`). All else is read off two lists: numbers of entries, names,
//! equations, values and verdicts. A verdict that fails makes the exit code 1.

mod derivation;
#[path = "../support/sizes.rs"]
mod sizes;

use std::path::PathBuf;
use std::process::ExitCode;

use derivation::{Derivation, Request};
use lexopt::prelude::{Long, Short};
use mlp::files::write_whole;
use sizes::{Sizes, value};
use tape::printable;

const HELP: &str = "\
Writes the textbook's derivation for any network, eq. 1-28 in order, each with the entry that it is.

Usage: cargo run --release --example proof -- [OPTIONS]

  --sizes SIZES      neurons of each layer, from the features to the outputs  [5-4-3-1]
  --activation NAME  of the hidden layers: tanh, sigmoid, relu, ...            [tanh]
  --seed NUMBER      of W, b, X and Y                                          [0]
  --out PREFIX       PREFIX.html and PREFIX.tex are written                    [proof]
  -h, --help         this text

The last layer has a sigmoid, and the loss is the log-loss (eq. 5), summed over the outputs. The exit code is 0 if every
equation is its entry and every number agrees, 1 if one does not, 2 if something is wrong with what was asked for.
";

struct Args {
    request: Request,
    out: PathBuf,
}

fn main() -> ExitCode {
    match all() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(mistake) => {
            eprintln!("proof: {}", printable(&mistake));
            ExitCode::from(2)
        }
    }
}

/// Writes both files; whether all of it holds.
fn all() -> Result<bool, String> {
    let Some(args) = arguments()? else {
        print!("{HELP}");
        return Ok(true);
    };
    let derivation = Derivation::of(&args.request).map_err(|error| error.to_string())?;
    println!("{derivation}");
    for (ending, text) in [("html", derivation.to_html()), ("tex", derivation.to_latex())] {
        let path = args.out.with_added_extension(ending);
        write_whole(&path, text.as_bytes()).map_err(|error| format!("--out: {error}"))?;
        println!("{} ({} kB)", printable(&path.display().to_string()), text.len().div_ceil(1000));
    }
    Ok(derivation.holds())
}

fn arguments() -> Result<Option<Args>, String> {
    let mut parser = lexopt::Parser::from_env();
    let mut args = Args { request: Request::default(), out: "proof".into() };
    let told = |error: lexopt::Error| format!("{error}; --help tells what there is");
    while let Some(argument) = parser.next().map_err(told)? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("sizes") => args.request.sizes = value::<Sizes>("--sizes", &mut parser)?.0,
            Long("activation") => args.request.activation = value("--activation", &mut parser)?,
            Long("seed") => args.request.seed = value("--seed", &mut parser)?,
            Long("out") => args.out = parser.value().map_err(told)?.into(),
            other => return Err(told(other.unexpected())),
        }
    }
    Ok(Some(args))
}
