//! The same bits twice, for any memory, threads and tiles.

use crate::check::Random;
use crate::check::table::recorded::{Recorded, output_name};
use crate::check::table::{RowBench, RowLaw, Sample};
use crate::check::values::first_other_bits;
use crate::{Matrix, Options, Result, Scalar, Tape};

/// Enough examples for several tiles and chunks: the last of five has 76.
const MANY: usize = 1100;

impl<T: Scalar> RowBench<'_, T> {
    /// The laws of runs.
    pub(super) fn runs(&mut self, tape: &Tape<T>, n: usize, examples: &[usize], seed: u64) {
        let m = if examples.len() > 1 { MANY } else { examples[0] };
        let sample = self.row.sample(n, m, seed);
        let Ok(recorded) = Recorded::new(self.row, tape, &(self.row.shapes)(n)) else { return };
        let u = Random::new(seed).direction(recorded.shape.at(m));
        let Ok(first) = once(&recorded, Options::default(), &sample, &u) else { return };
        if let Err(what) = self.after_others(&recorded, &sample, &u, &first) {
            self.broken(RowLaw::Memory, &sample, what);
        }
        let threads =
            (1..=3).map(|threads| (format!("{threads} threads"), Options::default().threads(threads)));
        let tiles = [1, 2, 3].map(|chunks| {
            let columns = chunks * Options::CHUNK;
            (format!("tiles of {columns} columns"), Options::default().threads(2).tile_columns(columns))
        });
        for (name, options) in threads.chain(tiles) {
            let what = match once(&recorded, options, &sample, &u) {
                Ok(found) => difference(&first, &found).map(|what| format!("{name}: {what}")),
                Err(error) => Some(format!("{name}: {error}")),
            };
            if let Some(what) = what {
                self.broken(RowLaw::Threads, &sample, what);
            }
        }
    }

    /// The same bits as `first` after runs with other numbers, NaN among them, and other m.
    fn after_others(
        &self,
        recorded: &Recorded<'_, T>,
        sample: &Sample<T>,
        u: &Matrix<T>,
        first: &[Matrix<T>],
    ) -> Result<(), String> {
        let text = |error: crate::Error| error.to_string();
        let mut function = recorded.compile(Options::default()).map_err(text)?;
        for m in [1, sample.m, sample.m + 40].map(|m| if sample.m == 1 { 1 } else { m }) {
            let other = self.row.sample(sample.n, m, sample.seed + 1);
            let nan = other.inputs.iter().map(|x| x.map(|_| T::NAN)).collect::<Vec<_>>();
            let of_other = Random::new(1).direction(recorded.shape.at(m));
            for (name, inputs) in [("NaN", &nan), ("other numbers", &other.inputs)] {
                // A kernel may refuse NaN: then its memory is as it was.
                let _ = function.at(inputs.iter().chain([&of_other]));
                let again = function.at(sample.inputs.iter().chain([u])).map_err(text)?;
                if let Some(what) = difference(first, &again) {
                    return Err(format!("after a run with {name} and m = {m}: {what}"));
                }
            }
        }
        Ok(())
    }
}

fn once<T: Scalar>(
    recorded: &Recorded<'_, T>,
    options: Options,
    sample: &Sample<T>,
    u: &Matrix<T>,
) -> Result<Vec<Matrix<T>>> {
    recorded.compile(options)?.at(sample.inputs.iter().chain([u]))
}

/// The first bits that differ.
fn difference<T: Scalar>(first: &[Matrix<T>], found: &[Matrix<T>]) -> Option<String> {
    first.iter().zip(found).enumerate().find_map(|(k, (first, found))| {
        let ((i, j), before, now) = first_other_bits(first, found)?;
        Some(format!("{} at row {i}, column {j} is {now:e}, and was {before:e}", output_name(k)))
    })
}
