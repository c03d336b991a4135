//! Trains a network on real data, and shows that the tape derived the textbook's equations.

mod support;

use std::process::ExitCode;

use support::args::{Args, HELP};
use support::run::{complain, run, say};
use tape::printable;

fn main() -> ExitCode {
    all().unwrap_or_else(|mistake| {
        complain(&format!("breast_cancer: {}", printable(&mistake)));
        ExitCode::from(2)
    })
}

fn all() -> Result<ExitCode, String> {
    let args = Args::from_command_line().map_err(|mistake| mistake + "; --help tells what there is")?;
    let Some(args) = args else {
        say(HELP.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    };
    let checks = if args.single { run::<f32>(&args)? } else { run::<f64>(&args)? };
    if checks.all_hold() {
        say(&checks.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    complain(&checks.to_string());
    Ok(ExitCode::FAILURE)
}
