//! Trains a network on real data, and shows that the tape derived the textbook's equations.

mod support;

use std::process::ExitCode;

use support::args::{Args, HELP};
use support::run::{run, say};

fn main() -> ExitCode {
    let args = match Args::from_command_line() {
        Ok(Some(args)) => args,
        Ok(None) => {
            say(HELP.trim_end());
            return ExitCode::SUCCESS;
        }
        Err(mistake) => {
            eprintln!("breast_cancer: {mistake}; --help tells what there is");
            return ExitCode::from(2);
        }
    };
    match if args.single { run::<f32>(&args) } else { run::<f64>(&args) } {
        Ok(checks) if checks.all_hold() => {
            say(&checks.to_string());
            ExitCode::SUCCESS
        }
        Ok(checks) => {
            eprintln!("{checks}");
            ExitCode::FAILURE
        }
        Err(mistake) => {
            eprintln!("breast_cancer: {mistake}");
            ExitCode::from(2)
        }
    }
}
