//! Values of entries, and how they are compared.

use crate::{Matrix, Program, Result, Scalar, Tape, Var};

/// Entries of a tape as a function of some of its leaves.
pub(super) struct Function<'t, T: Scalar> {
    program: Program<T>,
    leaves: Vec<Var<'t, T>>,
    outputs: Vec<Var<'t, T>>,
}

impl<'t, T: Scalar> Function<'t, T> {
    pub(super) fn compile(tape: &'t Tape<T>, leaves: &[Var<'t, T>], outputs: &[Var<'t, T>]) -> Result<Self> {
        // Leaves are outputs too: a leaf that nothing depends on can be bound all the same.
        let program = tape.compile(outputs.iter().chain(leaves).copied())?;
        Ok(Function { program, leaves: leaves.to_vec(), outputs: outputs.to_vec() })
    }

    /// The number of examples, where the entries have any.
    pub(super) fn m(&self) -> usize {
        self.program.m().unwrap_or(0)
    }

    pub(super) fn at<'a>(
        &mut self,
        values: impl IntoIterator<Item = &'a Matrix<T>>,
    ) -> Result<Vec<Matrix<T>>> {
        for (&leaf, value) in self.leaves.iter().zip(values) {
            self.program.bind(leaf, value)?;
        }
        self.program.seed(0); // of one function, with the same noise at every point
        self.program.run()?;
        self.outputs.iter().map(|&output| Ok(self.program.view(output)?.to_matrix())).collect()
    }
}

/// How the value along a direction changes.
pub(super) struct Slope {
    /// The extrapolated difference.
    pub(super) value: f64,
    /// What rounding may make of it.
    pub(super) noise: f64,
    /// How far the differences of both sides are apart, for the steps h and h/2.
    pub(super) gaps: [f64; 2],
}

impl Slope {
    /// Across a corner the sides stay apart, or come together at once when the smaller step no
    /// longer reaches it; where a function is smooth they approach each other like h, or like h³
    /// where the curvature vanishes.
    pub(super) fn is_kink(&self, least: f64) -> bool {
        let [whole, half] = self.gaps;
        let ratio = half / whole;
        whole > least + 64.0 * self.noise && !(0.4..0.6).contains(&ratio) && !(0.1..0.15).contains(&ratio)
    }
}

/// Not `>`: NaN exceeds everything.
pub(super) fn exceeds(relative: f64, tolerance: f64) -> bool {
    relative.is_nan() || relative > tolerance
}

/// Where nothing differs there is no scale to divide by.
pub(super) fn ratio(difference: f64, scale: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference / scale }
}

pub(super) fn dot<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> f64 {
    // An empty sum of floats is −0: no sign for what is nothing.
    0.0 + a.iter().zip(b.iter()).map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>()
}

pub(super) fn dots<T: Scalar>(a: &[Matrix<T>], b: &[Matrix<T>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| dot(a, b)).sum()
}

/// The norm of all matrices as one vector.
pub(super) fn norm<'a, T: Scalar>(of: impl IntoIterator<Item = &'a Matrix<T>>) -> f64 {
    of.into_iter().map(|a| dot(a, a)).sum::<f64>().sqrt()
}
