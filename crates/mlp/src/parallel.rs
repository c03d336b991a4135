//! Several pieces of work at a time.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use tape::Threads;

/// work(0), …, work(n − 1), in this order, computed by so many threads, 0 for as many as the
/// processor runs at a time; never more than the most that a [`Threads`] can have. Each piece goes to the next thread that is free.
///
/// The caller's thread works too, and alone where the system starts no other.
///
/// # Panics
/// If a piece of the work does.
pub(crate) fn in_parallel<R: Send>(threads: usize, n: usize, work: &(dyn Fn(usize) -> R + Sync)) -> Vec<R> {
    let available = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = if threads == 0 { available() } else { threads }.min(Threads::MOST).min(n);
    if threads <= 1 {
        return (0..n).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let some_of_it = || {
        let mut done = Vec::new();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= n {
                return done;
            }
            done.push((piece, work(piece)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let start = |_| Builder::new().name("mlp thread".to_string()).spawn_scoped(scope, some_of_it).ok();
        let others: Vec<_> = (1..threads).map_while(start).collect();
        let mut done = some_of_it();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(piece, _)| *piece);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::in_parallel;

    #[test]
    fn each_piece_is_done_once_and_in_its_place() {
        for threads in [0, 1, 2, 3, 100] {
            for n in [0, 1, 2, 57] {
                let squares = in_parallel(threads, n, &|i| i * i);
                assert!(squares.into_iter().eq((0..n).map(|i| i * i)), "{threads} threads, {n} pieces");
            }
        }
    }

    #[test]
    #[should_panic(expected = "piece 3")]
    fn a_panic_is_the_callers() {
        in_parallel(2, 5, &|i| assert!(i != 3, "piece {i}"));
    }
}
