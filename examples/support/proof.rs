//! The derived gradients against equations 26–28: as entries of the tape, and as numbers.
//!
//! As entries: after the tape has derived the gradients, the equations are recorded by hand on the same tape. Equal
//! expressions are one entry, so a gradient is proven to be its equation if both are the same entry; and if that holds of
//! all of them, nothing was left to record: the tape did not grow.
//!
//! As numbers: the entries are computed and compared with `mlp::closed_form`, the equations in plain loops on matrices,
//! which shares nothing with the tape.

use mlp::{Loss, Mlp, RecordedMlp, Scalar};
use tape::{Equations, Matrix, Over, Program, Tape, Var};

use super::data::Part;
use super::rounding;

/// A gradient of layer l, derived by the tape and recorded by hand.
#[derive(Debug)]
pub(crate) struct Line<'t, T: Scalar> {
    /// As in ∂J/∂W[1].
    pub(crate) name: String,
    /// The equation's number; `None` for the derivative of a loss that has none in the textbook.
    pub(crate) equation: Option<u8>,
    pub(crate) derived: Var<'t, T>,
    by_hand: Var<'t, T>,
    of: Of,
    /// Between the tape and the closed form, before and after training.
    pub(crate) differences: Vec<f64>,
}

/// With respect to what of layer l a gradient is.
#[derive(Debug, Clone, Copy)]
enum Of {
    A(usize),
    Z(usize),
    W(usize),
    B(usize),
}

impl<T: Scalar> Line<'_, T> {
    pub(crate) fn is_same_entry(&self) -> bool {
        self.derived == self.by_hand
    }
}

/// All gradients of a network on a tape.
#[derive(Debug)]
pub(crate) struct Proof<'t, T: Scalar> {
    /// From the last layer to the first, in the order in which the equations give them.
    pub(crate) lines: Vec<Line<'t, T>>,
    /// The network and its gradients as the tape has them, read off it before anything was recorded by hand.
    pub(crate) forward: Equations,
    pub(crate) backward: Equations,
    /// Entries of the tape after differentiation, and after the equations were recorded by hand.
    pub(crate) entries: [usize; 2],
    recorded: RecordedMlp<'t, T>,
    program: Program<T>,
    /// Whether the derivation begins with eq. 8, the derivative of the log-loss.
    pub(crate) begins_with_eq_8: bool,
}

impl<'t, T: Scalar> Proof<'t, T> {
    /// Derives the gradients on the tape, then records the equations by hand.
    pub(crate) fn new(tape: &'t Tape<T>, network: &Mlp<T>, part: &Part<T>) -> mlp::Result<Self> {
        let recorded = network.record(tape, &part.x, &part.y)?;
        let begins_with_eq_8 = network.loss_function() == Loss::LogLoss;
        let mut lines = derive(&recorded, begins_with_eq_8);
        let forward = recorded.z.iter().zip(&recorded.a[1..]).flat_map(|(&z, &a)| [z, a]);
        let forward = tape.equations(forward.chain([recorded.losses, recorded.j]));
        let backward = tape.equations(lines.iter().map(|line| line.derived));
        let derived = tape.len();
        record_by_hand(tape, network, &recorded, begins_with_eq_8, &mut lines);
        let entries = [derived, tape.len()];
        let program = tape.compile(lines.iter().map(|line| line.derived))?;
        Ok(Proof { lines, forward, backward, entries, recorded, program, begins_with_eq_8 })
    }

    /// Computes the gradients of the network as it is now in both ways, and notes how far they are apart.
    pub(crate) fn compare(&mut self, network: &Mlp<T>, part: &Part<T>) -> mlp::Result<()> {
        for (parameter, value) in self.recorded.parameters().into_iter().zip(network.parameters().values()) {
            self.program.bind(parameter, value)?;
        }
        self.program.run()?;
        let closed = network.closed_form(&part.x, &part.y)?;
        let norms = rounding::without_cancellation(network, &closed, &part.y);
        for (lines, norms) in self.lines.chunks_mut(4).zip(norms) {
            for line in lines {
                let (expected, norm) = match line.of {
                    Of::A(l) => (closed.da(l), norms.a),
                    Of::Z(l) => (closed.dz(l), norms.z),
                    Of::W(l) => (closed.dw(l), norms.w),
                    Of::B(l) => (closed.db(l), norms.b),
                };
                let found = self.program.view(line.derived)?.to_matrix();
                line.differences.push(difference(&found, expected, norm));
            }
        }
        Ok(())
    }

    /// The largest difference before training (0) or after it (1).
    pub(crate) fn largest(&self, when: usize) -> f64 {
        // `f64::max` would swallow a NaN.
        let larger = |a: f64, b: f64| if b <= a { a } else { b };
        self.lines.iter().map(|line| line.differences[when]).fold(0.0, larger)
    }
}

/// The largest difference that rounding explains: about 450 times the distance from 1 to the next number.
pub(crate) fn bound<T: Scalar>() -> f64 {
    if T::EPSILON.to_f64() < 1e-12 { 1e-13 } else { 5e-5 }
}

/// The gradients as the tape derives them, each with itself in the place of the equation.
fn derive<'t, T: Scalar>(recorded: &RecordedMlp<'t, T>, begins_with_eq_8: bool) -> Vec<Line<'t, T>> {
    let gradients = recorded.gradients();
    // Σ ℒ instead of its mean: what is propagated is ∂ℒ, and 1/m enters once, in the gradients.
    let total = recorded.losses.sum();
    let da = total.gradients(&recorded.a[1..]);
    let dz = total.gradients(&recorded.z);
    let last = recorded.z.len();
    let mut lines = Vec::new();
    for l in (1..=last).rev() {
        let first = if l < last { Some(28) } else { begins_with_eq_8.then_some(8) };
        for (name, equation, derived, of) in [
            (format!("∂ℒ/∂A[{l}]"), first, da[l - 1], Of::A(l)),
            (format!("∂ℒ/∂Z[{l}]"), Some(16), dz[l - 1], Of::Z(l)),
            (format!("∂J/∂W[{l}]"), Some(26), gradients[2 * l - 2], Of::W(l)),
            (format!("∂J/∂b[{l}]"), Some(27), gradients[2 * l - 1], Of::B(l)),
        ] {
            lines.push(Line { name, equation, derived, by_hand: derived, of, differences: Vec::new() });
        }
    }
    lines
}

/// The equations, as a student would write them down.
fn record_by_hand<'t, T: Scalar>(
    tape: &'t Tape<T>,
    network: &Mlp<T>,
    recorded: &RecordedMlp<'t, T>,
    begins_with_eq_8: bool,
    lines: &mut [Line<'t, T>],
) {
    let RecordedMlp { w, z, a, y, .. } = recorded;
    let (y, a_last) = (*y, a[network.layers()]);
    let one = tape.scalar(T::ONE);
    // Eq. 8. Other losses begin with what the tape derived.
    let mut da = if begins_with_eq_8 { -(y / a_last - (one - y) / (one - a_last)) } else { lines[0].derived };
    let one_over_m = tape.one_over_m();
    for (lines, l) in lines.chunks_mut(4).zip((1..=network.layers()).rev()) {
        let g = network.activations()[l - 1].function();
        let dz = da * z[l - 1].map_derivative(&g); // eq. 16
        let dw = one_over_m * dz.matmul(a[l - 1].t()); // eq. 26
        let db = one_over_m * dz.sum_over(Over::Columns); // eq. 27
        for (line, by_hand) in lines.iter_mut().zip([da, dz, dw, db]) {
            line.by_hand = by_hand;
        }
        if l > 1 {
            da = w[l - 1].t().matmul(dz); // eq. 28, for the layer before
        }
    }
}

/// ‖found − expected‖ / ‖expected‖; of a gradient that is below a hundredth of its terms, relative to that hundredth.
fn difference<T: Scalar>(found: &Matrix<T>, expected: &Matrix<T>, without_cancellation: f64) -> f64 {
    let apart = Matrix::from_fn(found.rows(), found.columns(), |i, j| {
        found[(i, j)].to_f64() - expected[(i, j)].to_f64()
    });
    if apart.norm() == 0.0 {
        return 0.0; // dead neurons have the gradient 0, in both ways
    }
    apart.norm() / expected.cast::<f64>().norm().max(without_cancellation / 100.0)
}
