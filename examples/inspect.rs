//! A network as a page that one can step through: forwards and backwards, every equation with its numbers.
//!
//! `cargo run --release --example inspect` writes `tape.html`; open it in a browser. `-- --help` tells what else there is.

#[path = "support/sizes.rs"]
mod sizes;

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short};
use mlp::files::write_whole;
use mlp::{Activation, Mlp, Purpose, Random};
use sizes::{Sizes, value};
use tape::{Matrix, Page, Program, Tape, matrix, printable};

const HELP: &str = "\
Writes a page on which one steps through a network: forward and backward, every equation with its numbers.

Usage: cargo run --release --example inspect -- [OPTIONS]

  --sizes SIZES      neurons of each layer, from the features to the outputs  [2-4-1]
  --activation NAME  of the hidden layers: tanh, sigmoid, relu, ...            [tanh]
  --examples NUMBER  how many columns X has                                    [4 of XOR for 2-...-1, else 6]
  --seed NUMBER      of the first weights and of X                             [0]
  --naive            the log-loss by its formula at a logit of 1000: where NaN begins, and what protects
  --out FILE         the page                                                  [tape.html]
  -h, --help         this text
";

struct Args {
    sizes: Vec<usize>,
    activation: Activation<f64>,
    examples: Option<usize>,
    seed: u64,
    naive: bool,
    out: PathBuf,
}

fn main() -> ExitCode {
    match all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => {
            eprintln!("inspect: {}", printable(&mistake));
            ExitCode::from(2)
        }
    }
}

fn all() -> Result<(), String> {
    let Some(args) = arguments()? else {
        print!("{HELP}");
        return Ok(());
    };
    let html = if args.naive { naive() } else { network(&args) }.map_err(|error| error.to_string())?;
    write_whole(&args.out, html.as_bytes()).map_err(|error| format!("--out: {error}"))?;
    let path = args.out.canonicalize().unwrap_or_else(|_| args.out.clone());
    println!("{} ({} kB)", printable(&path.display().to_string()), html.len().div_ceil(1000));
    Ok(())
}

/// A network with its gradients; the equations of the textbook are marked.
fn network(args: &Args) -> mlp::Result<String> {
    let layers = args.sizes.len() - 1;
    let mut builder = Mlp::<f64>::new(args.sizes[0]);
    for &neurons in &args.sizes[1..layers] {
        builder = builder.layer(neurons, args.activation.clone());
    }
    let network = builder.layer(args.sizes[layers], Activation::Sigmoid).seed(args.seed).build()?;
    let (x, y) = data(args);
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y)?;
    let mut program: Program<f64> = tape.compile([recorded.j].into_iter().chain(recorded.gradients()))?;
    program.run()?;
    Ok(network.page(&recorded, &program)?.to_html()?)
}

/// XOR, or points around 0 with a label for each output: whether its share of the features adds up to more than 0.
fn data(args: &Args) -> (Matrix<f64>, Matrix<f64>) {
    let (features, outputs) = (args.sizes[0], args.sizes[args.sizes.len() - 1]);
    if (features, outputs, args.examples) == (2, 1, None) {
        return (matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]], matrix![[0.0, 1.0, 1.0, 0.0]]);
    }
    let m = args.examples.unwrap_or(6);
    let mut random = Random::new(args.seed, Purpose::Split);
    let x = Matrix::from_fn(features, m, |_, _| (random.symmetric(2.0) * 100.0).round() / 100.0);
    let y = Matrix::from_fn(outputs, m, |k, j| {
        let sum: f64 = x.column(j).iter().skip(k % features).sum();
        f64::from(u8::from(sum > 0.0))
    });
    (x, y)
}

/// Eq. 5 over a sigmoid, spelled out, at logits of which one is 1000.
fn naive() -> mlp::Result<String> {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[-1.0, 0.5, 2.0]]);
    let y = tape.examples("Y", &matrix![[0.0, 1.0, 0.0]]);
    let w = tape.parameter("W[1]", &matrix![[500.0]]);
    let a = w.matmul(x).named("Z[1]").sigmoid().named("A[1]");
    let losses = (-(y * a.ln() + (1.0 - y) * (1.0 - a).ln())).named("ℒ");
    let j = losses.mean().named("J");
    let [dw] = j.gradients([w]);
    let mut program = tape.compile([j, dw])?;
    program.run()?;
    let page = Page::new(&tape, &program).title("ℒ = −(y · ln a + (1 − y) · ln(1 − a)) at z = 1000");
    Ok(page.mark(losses, "eq. 5", "")?.mark(j, "eq. 25", "")?.to_html()?)
}

fn arguments() -> Result<Option<Args>, String> {
    let mut parser = lexopt::Parser::from_env();
    let mut args = Args {
        sizes: vec![2, 4, 1],
        activation: Activation::Tanh,
        examples: None,
        seed: 0,
        naive: false,
        out: "tape.html".into(),
    };
    let told = |error: lexopt::Error| format!("{error}; --help tells what there is");
    while let Some(argument) = parser.next().map_err(told)? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("sizes") => args.sizes = value::<Sizes>("--sizes", &mut parser)?.0,
            Long("activation") => args.activation = value("--activation", &mut parser)?,
            Long("examples") => args.examples = Some(value("--examples", &mut parser)?),
            Long("seed") => args.seed = value("--seed", &mut parser)?,
            Long("naive") => args.naive = true,
            Long("out") => args.out = parser.value().map_err(told)?.into(),
            other => return Err(told(other.unexpected())),
        }
    }
    if args.examples == Some(0) {
        return Err("--examples: at least 1 is needed".into());
    }
    Ok(Some(args))
}
