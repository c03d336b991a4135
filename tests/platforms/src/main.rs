//! Without an argument: prints this platform's report. With a file that holds another platform's: compares the two.
//!
//! What seeds draw has to have the same bits; J and its gradients may differ by what rounding once or twice in a multiply-add makes.

use std::process::ExitCode;

use tape::kernels;

/// Units in the last place of the largest entry of a value: gradients are sums whose terms cancel.
const MOST_ULP: f64 = 16.0;

fn main() -> ExitCode {
    let here = platforms::report();
    let Some(file) = std::env::args().nth(1) else {
        print!("{here}");
        return ExitCode::SUCCESS;
    };
    let there = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (mut same, mut near, mut worst, mut wrong) =
        (0, 0, 0.0_f64, here.lines().count().abs_diff(there.lines().count()));
    for (here, there) in here.lines().zip(there.lines()) {
        if is_exact(here) {
            same += 1;
            wrong += report(here != there, here, "other bits");
        } else {
            near += 1;
            let ulp = distance(here, there);
            worst = worst.max(ulp);
            wrong += report(ulp.is_nan() || ulp > MOST_ULP, here, &format!("{ulp} ulp"));
        }
    }
    let set = kernels::instruction_set().expect("it computed");
    println!(
        "beside {set} of this machine: {same} values with the same bits, {near} within {worst} ulp, {wrong} wrong"
    );
    if wrong == 0 && same > 0 && near > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(is_wrong: bool, line: &str, what: &str) -> usize {
    if is_wrong {
        println!("{}: {what}", line.split(' ').next().unwrap_or(line));
    }
    usize::from(is_wrong)
}

fn is_exact(line: &str) -> bool {
    line.split(' ').nth(1) == Some("same")
}

/// The greatest difference, in units in the last place of the greatest number; infinite if names or counts differ.
fn distance(here: &str, there: &str) -> f64 {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (here, there) = (words(here), words(there));
    if here.len() != there.len() || here[..3] != there[..3] {
        return f64::INFINITY;
    }
    let epsilon = if here[2] == "f32" { f32::EPSILON.into() } else { f64::EPSILON };
    let numbers = |words: &[String]| {
        let bits = |word: &String| u64::from_str_radix(word, 16).map_or(f64::NAN, f64::from_bits);
        words[3..].iter().map(bits).collect::<Vec<_>>()
    };
    let (here, there) = (numbers(&here), numbers(&there));
    let largest = here.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let ulp = epsilon * 2.0_f64.powi(largest.log2().floor() as i32);
    let differences = here.iter().zip(&there).map(|(x, y)| if x == y { 0.0 } else { (x - y).abs() / ulp });
    differences.fold(0.0, |most: f64, ulp| if ulp > most || ulp.is_nan() { ulp } else { most })
}
