//! The number of threads, told to each library.

use std::env;
use std::io;
use std::process::{Command, ExitStatus};

use crate::arguments::Threads;

/// rayon's global pool, which burn's Flex and dfdx use, and the counts that candle reads itself.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];

/// Runs this program again with the number of threads in its environment, if it is not there yet.
///
/// candle reads it nowhere else, and a process cannot change its own environment without `unsafe`.
pub(crate) fn restart(threads: Threads) -> io::Result<Option<ExitStatus>> {
    let count = threads.count().to_string();
    if VARIABLES.iter().all(|variable| env::var(variable).is_ok_and(|value| value == count)) {
        return Ok(None);
    }
    let mut again = Command::new(env::current_exe()?);
    again.args(env::args_os().skip(1)).envs(VARIABLES.iter().map(|variable| (variable, &count)));
    again.status().map(Some)
}
