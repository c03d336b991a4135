//! Open-ended fuzzing: random programs against the interpreter, and texts against the parsers.
//!
//! `FUZZ=100000 cargo test --release --test fuzz -- --nocapture` tries so many cases in each test, on as many threads as the
//! processor has; without it there are as many as a suite has time for. `FUZZ_THREADS=1` says on how many threads, `FIRST=5000000`
//! with which case to begin, so that a later run sees others, and
//! `FUZZ_STOP=1` that the first failure ends it, as it is. `SEED=17` tries that case alone, and prints what it is. A case depends on
//! its seed only.

mod cases;
mod mine;
mod programs;
mod texts;
