//! Values of entries, and how they are compared.

use crate::{Matrix, Options, Program, Result, Scalar, Tape, Var};

/// Entries of a tape as a function of some of its leaves.
pub(super) struct Function<'t, T: Scalar> {
    program: Program<T>,
    leaves: Vec<Var<'t, T>>,
    outputs: Vec<Var<'t, T>>,
}

impl<'t, T: Scalar> Function<'t, T> {
    pub(super) fn compile(tape: &'t Tape<T>, leaves: &[Var<'t, T>], outputs: &[Var<'t, T>]) -> Result<Self> {
        Function::compile_with(tape, leaves, outputs, Options::default())
    }

    pub(super) fn compile_with(
        tape: &'t Tape<T>,
        leaves: &[Var<'t, T>],
        outputs: &[Var<'t, T>],
        options: Options,
    ) -> Result<Self> {
        // Leaves are outputs too: a leaf that nothing depends on can be bound all the same.
        let program = tape.compile_with(outputs.iter().chain(leaves).copied(), options)?;
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

/// The first place where the bits of two matrices of one shape differ, with what is there.
pub(super) fn first_other_bits<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> Option<((usize, usize), T, T)> {
    let mut all = a.iter_indexed().zip(b.iter()).map(|((place, a), b)| (place, a, *b));
    all.find(|(_, a, b)| a.bits() != b.bits())
}

/// Not `>`: NaN exceeds everything.
pub(super) fn exceeds(relative: f64, tolerance: f64) -> bool {
    relative.is_nan() || relative > tolerance
}

/// The least positive normal number, 4/greatest but for rounding, whose mantissa is 0.
pub(super) fn least_normal<T: Scalar>() -> T {
    let of_the_mantissa = T::EPSILON.to_f64().recip() as u64;
    T::of_bits(of_the_mantissa)
}

/// Where nothing differs there is no scale to divide by.
pub(super) fn ratio(difference: f64, scale: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference / scale }
}

/// The power of two at or below the largest |x|, by which numbers are divided so that their squares
/// neither overflow nor vanish; 1 where nothing needs it.
fn magnitude<T: Scalar>(a: &Matrix<T>) -> f64 {
    let largest = a.max_abs().to_f64();
    let usual = 2f64.powi(-200)..2f64.powi(200);
    if largest == 0.0 || !largest.is_finite() || usual.contains(&largest) {
        return 1.0;
    }
    // At least 2⁻¹⁰²²: its reciprocal is finite.
    largest.log2().floor().max(-1022.0).exp2()
}

/// ⟨a, b⟩, without an underflow or overflow on the way.
pub(super) fn dot<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> f64 {
    let (of_a, of_b) = (magnitude(a), magnitude(b));
    let products = a.iter().zip(b.iter()).map(|(a, b)| (a.to_f64() / of_a) * (b.to_f64() / of_b));
    // An empty sum of floats is −0: no sign for what is nothing.
    (0.0 + products.sum::<f64>()) * of_a * of_b
}

pub(super) fn dots<T: Scalar>(a: &[Matrix<T>], b: &[Matrix<T>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| dot(a, b)).sum()
}

/// The norm of all matrices as one vector.
pub(super) fn norm<'a, T: Scalar>(of: impl IntoIterator<Item = &'a Matrix<T>>) -> f64 {
    let one = |a: &Matrix<T>| {
        let scale = magnitude(a);
        let squares = a.iter().map(|x| x.to_f64() / scale).map(|x| x * x);
        squares.sum::<f64>().sqrt() * scale
    };
    of.into_iter().map(one).fold(0.0, f64::hypot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix;

    #[test]
    fn norms_neither_underflow_nor_overflow() {
        for scale in [1.0, 1e-300, 1e300, 5e-324] {
            let a = matrix![[3.0 * scale, 4.0 * scale]];
            assert!((norm([&a]) / (5.0 * scale) - 1.0).abs() < 1e-15, "{scale:e}");
            let one = matrix![[1.0, 0.0]];
            assert_eq!(dot(&a, &one), 3.0 * scale);
        }
        let (small, large) = (matrix![[1e-250, 1e-250]], matrix![[1e250, 1e250]]);
        assert!((dot(&small, &large) - 2.0).abs() < 1e-15);
        assert_eq!(norm::<f64>([]), 0.0);
        assert_eq!(norm([&matrix![[f64::INFINITY]]]), f64::INFINITY);
        assert!(dot(&matrix![[f64::NAN]], &matrix![[1.0]]).is_nan());
        assert_eq!(
            norm([&matrix![[3e-45_f32], [4e-45_f32]]]),
            f64::from(3e-45_f32).hypot(f64::from(4e-45_f32))
        );
    }
}
