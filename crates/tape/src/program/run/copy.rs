//! A program once more, with values of its own.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::numbers::aligned::Aligned;
use crate::program::Program;
use crate::program::ids::WholeId;
use crate::program::run::Machine;
use crate::program::run::memory::Memory;
use crate::program::run::tiled::Execution;
use crate::{Result, Scalar};

/// A program with values of its own, that goes on from here: it has what the leaves hold, what the
/// last run has left or failed with, and draws the noise that this one would draw next.
///
/// Nothing is compiled: both read the same code, and data of the tape are shared too. What is copied
/// are values that were bound, parameters and results; the rest of the memory comes with the copy's
/// first run, which allocates. So a program is compiled once, and each thread gets a copy.
///
/// ```
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let (w, x) = (tape.parameter("w", &matrix![[2.0]]), tape.examples_unbound("x", 1));
/// let y = (w * x).tanh();
/// let mut program = tape.compile([y])?;
/// program.bind(x, &matrix![[0.5]])?;
/// program.run()?;
/// let mut other = program.clone();
/// assert_eq!(other.scalar(y)?, 1_f64.tanh());
/// let (x, y) = (x.id()?, y.id()?); // what names them on another thread
/// let there = std::thread::spawn(move || {
///     other.bind(x, &matrix![[1.5]])?;
///     other.run()?;
///     other.scalar(y)
/// });
/// assert_eq!(there.join().unwrap()?, 3_f64.tanh());
/// assert_eq!(program.scalar(y)?, 1_f64.tanh());
/// # Ok::<(), tape::Error>(())
/// ```
///
/// # Panics
/// If there is no memory for the values; see [`try_clone`](Program::try_clone).
impl<T: Scalar> Clone for Program<T> {
    fn clone(&self) -> Self {
        match self.try_clone() {
            Ok(copy) => copy,
            Err(error) => panic!("{error}"),
        }
    }
}

/// # Copying
impl<T: Scalar> Program<T> {
    /// The program once more, as by [`clone`](Program#impl-Clone-for-Program<T>).
    ///
    /// # Errors
    /// [`Error::Allocation`](crate::Error::Allocation) if there is no memory for the values.
    pub fn try_clone(&self) -> Result<Self> {
        T::program_clone(self)
    }

    pub(crate) fn try_clone_here(&self) -> Result<Self> {
        let read: FxHashSet<WholeId> = self.leaves.found.values().map(|found| found.at.at.whole()).collect();
        let Machine {
            execution, most_threads, tiles_are_free, known_shares, m, ran, runs, failed_with, ..
        } = &self.machine;
        let machine = Machine {
            execution: execution.copy(&read)?,
            handover: None,
            most_threads: *most_threads,
            tiles_are_free: *tiles_are_free,
            known_shares: known_shares.clone(),
            m: *m,
            has_room: false,
            ran: *ran,
            runs: *runs,
            failed_with: failed_with.clone(),
            last_run: None,
            unfused: None,
        };
        let (graph, plan, code) = (self.graph.clone(), self.plan.clone(), self.code.clone());
        Ok(Program { graph, plan, code, leaves: self.leaves.try_clone()?, machine, options: self.options })
    }
}

impl<T: Scalar> Execution<T> {
    /// With the values of these buffers, and room for no others.
    fn copy(&self, read: &FxHashSet<WholeId>) -> Result<Self> {
        Ok(Execution {
            memory: self.memory.copy(read)?,
            tile: self.tile,
            shares: self.shares,
            small: self.small.clone(), // a few thousand numbers
            ..Execution::new(Arc::clone(&self.code))
        })
    }
}

impl<T: Scalar> Memory<T> {
    fn copy(&self, read: &FxHashSet<WholeId>) -> Result<Self> {
        // Numbers, which nobody asks for by name, stand among the leaves.
        let is_read = |buffer: WholeId| match self.leaves.get(buffer) {
            Some(leaf) => leaf.is_own(),
            None => read.contains(&buffer),
        };
        let mut copy = self.without_values();
        for (buffer, values) in self.whole.enumerated() {
            copy.whole.push(if is_read(buffer) { values.try_clone()? } else { Aligned::empty() });
        }
        Ok(copy)
    }
}
