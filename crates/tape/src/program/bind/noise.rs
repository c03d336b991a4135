//! Noise: leaves that a program fills itself, anew for each run.

use crate::ops::leaf::LeafKind;
use crate::ops::noise::{self, Noise};
use crate::program::ids::LeafId;
use crate::program::run::memory::{LeafValue, resize};
use crate::{Program, Result, Scalar};

/// The noise of a program, and where its random numbers stand.
#[derive(Debug, Clone, Default)]
pub(in crate::program) struct NoiseState {
    /// The leaves, with the tape's numbers for them.
    leaves: Vec<(LeafId, Noise, u64)>,
    seed: u64,
    /// Runs since the seed was set.
    runs: u64,
    /// Whether each noise is its expectation.
    is_expected: bool,
}

/// # Noise
impl<T: Scalar> Program<T> {
    /// Seeds the program's [noise](crate::Tape::noise), which is seeded with 0 at first: the next run
    /// draws the numbers of the first run with this seed.
    ///
    /// A number depends on the seed, on how many runs there were since, and on its own place: not on
    /// threads, tiles or other numbers.
    ///
    /// ```
    /// use tape::{Dim, Noise, Shape, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
    /// let noisy = x + tape.noise("ε", Shape::new(1, Dim::M), Noise::Normal) * 0.1;
    /// let mut program = tape.compile([noisy])?;
    /// let mut drawn = Vec::new();
    /// for seed in [1, 1, 2] {
    ///     program.seed(seed);
    ///     program.run()?;
    ///     drawn.push(program.view(noisy)?.to_matrix());
    /// }
    /// assert_eq!(drawn[0], drawn[1]);
    /// assert_ne!(drawn[0], drawn[2]);
    /// program.run()?; // the second run with this seed
    /// assert_ne!(drawn[2], program.view(noisy)?.to_matrix());
    /// program.expectation(true);
    /// program.run()?;
    /// assert_eq!(program.view(noisy)?.to_matrix(), matrix![[1.0, 2.0, 3.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn seed(&mut self, seed: u64) {
        (self.leaves.noise.seed, self.leaves.noise.runs) = (seed, 0);
    }

    /// Whether each noise is its expectation from now on, as for predictions: 0 of a normal one, ½ of
    /// a uniform one, p of a Bernoulli one.
    pub fn expectation(&mut self, is_expected: bool) {
        self.leaves.noise.is_expected = is_expected;
    }

    /// Notes a leaf that is noise, with the tape's number for it.
    pub(in crate::program) fn note_noise(&mut self, leaf: LeafId, number: usize) {
        if let LeafKind::Noise(noise) = self.leaves.states[leaf].kind {
            self.leaves.noise.leaves.push((leaf, noise, number as u64));
        }
    }

    /// Draws the numbers of a run on m examples.
    pub(in crate::program) fn draw_noise(&mut self, m: usize) -> Result<()> {
        for at in 0..self.leaves.noise.leaves.len() {
            let NoiseState { seed, runs, is_expected, .. } = self.leaves.noise;
            let (leaf, noise, number) = self.leaves.noise.leaves[at];
            let key = noise::key(seed, runs, number);
            let state = &self.leaves.states[leaf];
            let ((rows, columns), buffer) = (state.at.shape.at(m), state.at.at.whole());
            resize(self.machine.execution.memory.whole_mut(buffer), rows, columns)?;
            self.keep(leaf);
            self.machine.execution.memory.set_leaf(buffer, LeafValue::Own);
            let values = &mut self.machine.execution.memory.whole_mut(buffer)[..rows * columns];
            match is_expected {
                true => values.fill(T::from_f64(noise.mean())),
                false => values.iter_mut().zip(0..).for_each(|(x, place)| *x = noise.draw(key, place)),
            }
            let state = &mut self.leaves.states[leaf];
            (state.m, state.bound) = (state.at.shape.depends_on_m().then_some(m), true);
        }
        Ok(())
    }

    /// Draws nothing from now on: noise stays what it is, or is written as other leaves are.
    pub(in crate::program) fn keep_noise(&mut self) {
        self.leaves.noise.leaves.clear();
    }

    /// Counts a run, whose numbers are not drawn again.
    pub(in crate::program) fn count_run(&mut self) {
        self.leaves.noise.runs += 1;
    }
}
