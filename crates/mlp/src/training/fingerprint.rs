//! By what a checkpoint knows the examples of its training, and the parameters that it does not hold.

use tape::{Entry, EntryId, LeafKind, MatrixRef, Program};

use crate::training::variables::Live;
use crate::{Error, Model, Result, Scalar};

/// By what a checkpoint knows the examples of its training, and the parameters that are not trained:
/// a number for each leaf.
///
/// With `next(h, x) = u ^ u >> 32`, u = (h ^ x) · 0x9E37_79B9_7F4A_7C15 in 64 bits, element i of
/// the matrix, column by column, goes as its bits into lane i mod 4, h ← next(h, bits), where lane
/// l begins as 0, 1, 2, 3. The number is h after 0, rows, columns and the four lanes went into it
/// in the same way. Each step is one to one in h and in x: matrices of a shape that differ in one
/// element have different numbers. It depends on shape and bits alone, on every platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprints {
    pub(super) training: Vec<Fingerprint>,
    pub(super) validation: Vec<Fingerprint>,
    /// Parameters that J sees and no step changes.
    pub(super) frozen: Vec<Fingerprint>,
}

/// What tells the values of a leaf from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    leaf: String,
    pub(super) number: u64,
}

impl Fingerprints {
    /// Of all examples that J sees, bound by the model or by the tape, in the order of the tape,
    /// of the validation part in that of the model, and of the parameters but for those that are
    /// trained.
    pub(super) fn of<T: Scalar>(
        model: &Model<'_, T>,
        program: &Program<T>,
        is_trained: impl Fn(EntryId) -> bool,
    ) -> Result<Self> {
        let tape = model.j.tape();
        let live = Live::of(tape, [model.j])?;
        let leaves = |kind| {
            let of_kind = tape.entries().filter(move |entry| entry.leaf_kind() == Some(kind));
            of_kind.filter(|entry| live.has(entry.index()))
        };
        // Those without values are of blocks that are yet to come, or told by the run.
        let seen = |entry: Entry<'_, T>| {
            let values = program.view(entry.var()).ok()?;
            Some(Fingerprint { leaf: entry.label(), number: number(values) })
        };
        let validation = model.validation.iter();
        let validation = validation
            .map(|(leaf, values)| Fingerprint { leaf: leaf.label(), number: number(values.view()) });
        let frozen = leaves(LeafKind::Parameter).filter(|entry| !is_trained(entry.id()));
        Ok(Fingerprints {
            training: leaves(LeafKind::Examples).filter_map(seen).collect(),
            validation: validation.collect(),
            frozen: frozen.filter_map(seen).collect(),
        })
    }
}

/// The first leaf of which a checkpoint has another number; where it has not as many, why it is
/// refused.
fn other<'f>(
    here: &'f [Fingerprint],
    kept: &[u64],
    refusal: impl FnOnce(usize, usize) -> String,
) -> Result<Option<&'f str>> {
    if here.len() != kept.len() {
        return Err(Error::Checkpoint { reason: refusal(kept.len(), here.len()) });
    }
    let other = here.iter().zip(kept).find(|(here, kept)| here.number != **kept);
    Ok(other.map(|(here, _)| here.leaf.as_str()))
}

/// Whether a checkpoint's numbers are those of the examples at hand.
pub(super) fn check(part: &'static str, here: &[Fingerprint], kept: &[u64]) -> Result<()> {
    let refusal =
        |kept: usize, here: usize| format!("it is of {part} examples of {kept} leaves, not of {here}");
    match other(here, kept, refusal)? {
        Some(leaf) => Err(Error::OtherExamples { part, leaf: leaf.to_owned() }),
        None => Ok(()),
    }
}

/// Whether the parameters that are not trained are those of a checkpoint.
pub(super) fn check_frozen(here: &[Fingerprint], kept: &[u64]) -> Result<()> {
    let refusal = |kept: usize, here: usize| {
        format!("there were {kept} parameters that are not trained, and are {here} here")
    };
    match other(here, kept, refusal)? {
        Some(leaf) => {
            let reason = format!("{leaf}, which is not trained, has other values than it was begun with");
            Err(Error::Checkpoint { reason })
        }
        None => Ok(()),
    }
}

fn next(h: u64, x: u64) -> u64 {
    let u = (h ^ x).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    u ^ u >> 32
}

fn number<T: Scalar>(values: MatrixRef<'_, T>) -> u64 {
    let mut lanes = [0, 1, 2, 3];
    // Four that do not wait for each other.
    let (fours, rest) = values.as_slice().as_chunks::<4>();
    for four in fours {
        for (lane, value) in lanes.iter_mut().zip(four) {
            *lane = next(*lane, value.bits());
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = next(*lane, value.bits());
    }
    let shape = [values.rows() as u64, values.columns() as u64];
    shape.into_iter().chain(lanes).fold(0, next)
}

#[cfg(test)]
mod tests {
    use tape::Matrix;

    use super::*;

    fn of<T: Scalar>(rows: usize, columns: usize, value: impl Fn(usize) -> f64) -> u64 {
        let at = |i, j| T::from_f64(value(i + j * rows));
        number(Matrix::from_fn(rows, columns, at).view())
    }

    /// By Python:
    /// ```text
    /// import struct
    /// M = 2**64 - 1
    /// def nxt(h, x): u = ((h ^ x) * 0x9E3779B97F4A7C15) & M; return u ^ (u >> 32)
    /// def number(rows, columns, f):
    ///     lanes = [0, 1, 2, 3]
    ///     for i in range(rows * columns):
    ///         bits = int.from_bytes(struct.pack(f, value(i)), 'little')
    ///         lanes[i % 4] = nxt(lanes[i % 4], bits)
    ///     h = 0
    ///     for x in [rows, columns, *lanes]: h = nxt(h, x)
    ///     return h
    /// ```
    /// with value(i) = 0.5·i − 1, f = '<d' and '<f'.
    #[test]
    fn numbers_of_every_platform() {
        let value = |i: usize| 0.5 * i as f64 - 1.0;
        for (rows, columns, in_f64, in_f32) in [
            (0, 0, 0x973638d3ce0f3ad5, 0x973638d3ce0f3ad5),
            (0, 3, 0x4bdaa1c3483dec16, 0x4bdaa1c3483dec16),
            (1, 1, 0xe6ee3ff4f064b297, 0x24b6321a0f1745c9),
            (2, 2, 0x4e563e4a617c936a, 0x448ce5dc0de86830),
            (3, 5, 0x8813c52db9464244, 0x61e2ffb1b95d4e2f),
        ] {
            assert_eq!(of::<f64>(rows, columns, value), in_f64, "{rows}×{columns}");
            assert_eq!(of::<f32>(rows, columns, value), in_f32, "{rows}×{columns}");
        }
    }

    #[test]
    fn every_bit_counts() {
        let value = |i: usize| (i as f64).sin();
        let plain = of::<f64>(3, 7, value);
        for changed in 0..21 {
            let other = |i: usize| if i == changed { value(i) + f64::EPSILON } else { value(i) };
            assert_ne!(of::<f64>(3, 7, other), plain, "{changed}");
        }
        for (rows, columns) in [(7, 3), (21, 1), (1, 21)] {
            assert_ne!(of::<f64>(rows, columns, value), plain, "{rows}×{columns}");
        }
        assert_ne!(of::<f64>(1, 1, |_| 0.0), of::<f64>(1, 1, |_| -0.0));
        let swapped = |i: usize| value(if i < 2 { 1 - i } else { i });
        let apart = |i: usize| {
            value(match i {
                0 => 4,
                4 => 0,
                i => i,
            })
        };
        assert_ne!(of::<f64>(3, 7, swapped), plain);
        assert_ne!(of::<f64>(3, 7, apart), plain, "two of a lane");
        assert_ne!(of::<f64>(0, 3, value), of::<f64>(0, 4, value));
    }
}
