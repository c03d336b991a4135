//! One gradient step of seven networks in candle, burn, dfdx and our own compiled tape: compared first, then timed.

mod arguments;
#[path = "../../steps/cases.rs"]
#[expect(dead_code, reason = "the main bench's own way of compiling a case, and its count of operations")]
mod cases;
mod check;
mod failure;
mod number;
mod peers;
mod threads;
mod timing;

use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, HELP, Library, NumberType};
use cases::Case;
use check::Place;
use failure::Failure;
use number::Number;
use peers::Peer;

fn main() -> ExitCode {
    let arguments = match Arguments::from_command_line() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("peers: {error}\ntry peers --help");
            return ExitCode::from(2);
        }
    };
    match threads::restart(arguments.threads).map_err(Failure::Restart) {
        Ok(Some(status)) => {
            u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Ok(None) => report(run(&arguments)),
        Err(failure) => report(Err(failure)),
    }
}

fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    for number in &arguments.numbers {
        for case in &arguments.cases {
            match number {
                NumberType::F32 => run_case::<f32>(arguments, case)?,
                NumberType::F64 => run_case::<f64>(arguments, case)?,
            }
        }
    }
    Ok(())
}

/// Compares all peers with the tape, and then times them.
fn run_case<T: Number>(arguments: &Arguments, case: &'static Case) -> Result<(), Failure> {
    let mut tape = peers::build::<T>(Library::Tape, case, arguments.threads)?;
    tape.step()?;
    let expected = tape.read()?;
    drop(tape);
    let mut ready = Vec::new();
    for &library in &arguments.libraries {
        let mut peer = peers::build::<T>(library, case, arguments.threads)?;
        peer.step()?;
        let place = Place { peer: library.name(), case: case.name };
        let largest = check::compare(place, &peer.read()?, &expected)?;
        eprintln!("# {} {} {}: within {largest:.1e} of the tape", library.name(), case.name, T::NAME);
        ready.push((library, peer));
    }
    for (library, peer) in ready {
        time(arguments, library, case, peer)?;
    }
    Ok(())
}

/// Prints `peer,case,dtype,threads,median_us,min_us,J`.
fn time<T: Number>(
    arguments: &Arguments,
    library: Library,
    case: &Case,
    mut peer: Box<dyn Peer<T>>,
) -> Result<(), Failure> {
    let times = timing::measure(arguments.seconds, || peer.step())?;
    let (median, min, j) = (times.median, times.min, peer.read()?.j);
    let (name, threads) = (library.name(), arguments.threads.count());
    eprintln!("# {name} {} {}: {} steps timed", case.name, T::NAME, times.steps);
    writeln!(std::io::stdout(), "{name},{},{},{threads},{median:.2},{min:.2},{j}", case.name, T::NAME)
        .map_err(Failure::Output)
}
