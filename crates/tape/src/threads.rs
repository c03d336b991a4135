//! Threads that a caller keeps.

use crate::numbers::kernel::product::reserve_scratch;
use crate::numbers::kernel::threads;
use crate::{Error, Result};

/// Threads that work together on all programs that are run inside [`install`](Threads::install).
///
/// A program needs none to run on several threads: it gives a run away to threads of its own and
/// gets it back. That takes some ten microseconds, which many short runs one after the other, such
/// as a training in mini-batches, do without when the loop around them is installed here. So runs
/// of some 15 microseconds are shared too, if each comes soon after the one before, while the
/// threads are awake. The results have the same bits either way.
///
/// ```
/// use tape::{Tape, Threads, matrix};
/// let slope = Threads::new(2)?.install(|| {
///     let tape = Tape::<f64>::new();
///     let w = tape.parameter("w", &matrix![[2.0]]);
///     let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
///     let [dw] = (w * x).square().mean().gradients([w]);
///     let mut program = tape.compile([dw])?;
///     program.run()?;
///     program.scalar(dw)
/// })?;
/// assert!((slope - 56.0 / 3.0).abs() < 1e-14);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Debug)]
pub struct Threads {
    /// None for one thread: that of the caller.
    pool: Option<threads::Pool>,
}

impl Threads {
    /// The most threads that there can be.
    pub const MOST: usize = threads::MOST;

    /// So many threads, 0 for as many as the processor runs at a time. They have ended when the
    /// value is dropped. Where no thread can be started (`wasm32-unknown-unknown`), the caller's
    /// alone.
    ///
    /// # Errors
    /// [`Error::Threads`] if the system has no more, or no memory for them, or if they are more
    /// than [`MOST`](Threads::MOST).
    pub fn new(threads: usize) -> Result<Self> {
        let threads = if threads == 0 { threads::available().min(Self::MOST) } else { threads };
        let start = |threads| {
            let pool = threads::pool(threads, reserve_scratch);
            pool.map_err(|reason| Error::Threads { threads, reason })
        };
        let is_alone = threads == 1 || !threads::CAN_START && threads <= Self::MOST;
        Ok(Threads { pool: (!is_alone).then(|| start(threads)).transpose()? })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.pool.as_ref().map_or(1, |pool| pool.get().current_num_threads())
    }

    /// Does the work on one of the threads, or on the caller's if there is but one, and waits for
    /// its end; the others help the programs that it runs, each as far as its own
    /// [`Options::threads`](crate::Options::threads) lets it.
    ///
    /// # Panics
    /// If the work does.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.get().install(work),
            None => work(),
        }
    }
}
