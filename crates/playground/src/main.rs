//! Writes the playground: one file of HTML with the engine in it.
//!
//! `cargo run --release -p playground` builds the library for WebAssembly, which needs the target
//! `wasm32-unknown-unknown` (`rustup target add wasm32-unknown-unknown`), and writes `playground.html`.
//! `cargo run --release -p playground -- FILE` writes another file.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const TARGET: &str = "wasm32-unknown-unknown";
/// Vectors of 128 bits, which every browser has; not the relaxed ones, which Safari refuses.
const FLAGS: &str = "-C target-feature=+simd128";

/// What the page's policy says of scripts, with leave to compile the module.
const POLICY: &str = include_str!("../front/policy.txt");
const STYLE: &str = include_str!("../front/style.css");
/// The scripts, in the order in which they need each other. They share one scope.
const SCRIPTS: [&str; 8] = [
    include_str!("../front/strings.js"),
    include_str!("../front/spanish.js"),
    include_str!("../front/engine.js"),
    include_str!("../front/session.js"),
    include_str!("../front/pictures.js"),
    include_str!("../front/cells.js"),
    include_str!("../front/exercises.js"),
    include_str!("../front/panel.js"),
];

fn main() -> ExitCode {
    match write() {
        Ok((path, bytes)) => {
            println!("{} ({} kB): open it in a browser", path.display(), bytes.div_ceil(1000));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(PathBuf, usize), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().map_or_else(|| PathBuf::from("playground.html"), PathBuf::from);
    if path.to_string_lossy().starts_with('-') || arguments.next().is_some() {
        return Err("usage: cargo run --release -p playground [-- FILE]".into());
    }
    let module = std::fs::read(module()?)?;
    let page = assemble(&playground::first_page()?, &module)?;
    mlp::files::write_whole(&path, page.as_bytes())?;
    Ok((path, page.len()))
}

/// Builds the module, and says where it is.
fn module() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(cargo)
        .current_dir(&root)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FLAGS)
        .args(["build", "--locked", "--profile", "web", "-p", "playground", "--lib", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(
            format!("the module was not built; `rustup target add {TARGET}` brings what it needs").into()
        );
    }
    // Cargo says what it made, a message of JSON a line.
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        let files = message["filenames"].as_array().into_iter().flatten();
        let mut files =
            files.filter_map(|file| file.as_str()).filter(|file| file.ends_with("playground.wasm"));
        if let Some(file) = files.next() {
            return Ok(PathBuf::from(file));
        }
    }
    Err("cargo names no module".into())
}

/// The first page with the engine and its scripts behind all else.
fn assemble(page: &str, module: &[u8]) -> Result<String, Box<dyn Error>> {
    let mut script = String::new();
    for text in SCRIPTS {
        script.push_str(text);
        script.push('\n');
    }
    let parts = format!(
        "<style>\n{STYLE}\n</style>\n<script type=\"application/wasm+base64\" id=\"module\">{}</script>\n<script>\n(() => {{\n\"use strict\";\n{script}\n}})();\n</script>\n</body>",
        STANDARD.encode(module)
    );
    let page = replace_once(page, "script-src ", POLICY)?;
    replace_once(&page, "</body>", &parts)
}

/// Replaces a text that is there exactly once.
fn replace_once(page: &str, from: &str, to: &str) -> Result<String, Box<dyn Error>> {
    match page.matches(from).count() {
        1 => Ok(page.replacen(from, to, 1)),
        count => Err(format!("the page has {from:?} {count} times").into()),
    }
}
