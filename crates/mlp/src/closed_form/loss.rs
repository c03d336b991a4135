//! ℒ and where its derivative enters the network.
//!
//! Nothing here is a difference of numbers that are nearly equal, where another form is known: a
//! class that leads is compared with the *others*, 1 − s is their sum, and a label of 0 rules its
//! term out, whatever stands beside it.

use tape::Matrix;

use super::function::{g_derivative, sigmoid, softplus};
use super::{map, zip};
use crate::sum::sum;
use crate::{Activation, Error, Loss, Result, Scalar};

/// What the loss sees of a network.
pub(super) struct Output<'a, T: Scalar> {
    pub(super) loss: Loss,
    /// g of the last layer.
    pub(super) g: &'a Activation<T>,
    /// Z\[L\].
    pub(super) z: &'a Matrix<T>,
    /// A\[L\].
    pub(super) a: &'a Matrix<T>,
    pub(super) y: &'a Matrix<T>,
}

impl<T: Scalar> Output<'_, T> {
    /// Whether this is log-loss on a sigmoid, where all is known from the logits z alone.
    ///
    /// Far from 0 a is 0 or 1 after rounding, and eq. 5 and 8 on a have lost what z still knows.
    fn is_sigmoid_log_loss(&self) -> bool {
        self.loss == Loss::LogLoss && *self.g == Activation::Sigmoid
    }

    /// Eq. 5 is about probabilities.
    pub(super) fn check(&self) -> Result<()> {
        if self.loss != Loss::LogLoss || self.is_sigmoid_log_loss() {
            return Ok(());
        }
        let beyond = self.a.iter_indexed().find(|(_, a)| !(T::ZERO <= *a && *a <= T::ONE));
        match beyond {
            None => Ok(()),
            Some(((row, column), a)) => Err(Error::Probability { value: a.to_f64(), row, column }),
        }
    }

    /// J = 1/m · Σ_i ℒ (eq. 25).
    pub(super) fn j(&self) -> T {
        let of_all: T = match self.loss {
            // −ln σ(z) = softplus(−z) and −ln(1 − σ(z)) = softplus(z).
            Loss::LogLoss if self.is_sigmoid_log_loss() => total(&zip(self.y, self.z, |y, z| {
                term(y, || softplus(-z)) + term(T::ONE - y, || softplus(z))
            })),
            Loss::LogLoss => total(&zip(self.y, self.a, log_loss)),
            Loss::SquaredError => total(&zip(self.y, self.a, |y, a| (a - y) * (a - y))),
            Loss::SoftmaxCrossEntropy => {
                sum(0..self.y.columns(), &|i| Softmax::of(self.a.column(i)).cross_entropy(self.y.column(i)))
            }
        };
        of_all / T::from_usize(self.y.columns())
    }

    /// ∂ℒ/∂A\[L\]; for log-loss eq. 8.
    pub(super) fn da(&self) -> Matrix<T> {
        match self.loss {
            // Eq. 8 with 1 − a = σ(−z).
            Loss::LogLoss if self.is_sigmoid_log_loss() => zip(self.y, self.z, |y, z| {
                if y == T::ONE {
                    -T::ONE / sigmoid(z)
                } else if y == T::ZERO {
                    T::ONE / sigmoid(-z)
                } else {
                    sigmoid_minus(z, y) / sigmoid(z) / sigmoid(-z)
                }
            }),
            Loss::LogLoss => zip(self.y, self.a, log_loss_derivative),
            Loss::SquaredError => zip(self.y, self.a, |y, a| (a - y) + (a - y)),
            Loss::SoftmaxCrossEntropy => {
                let of_column = |i: usize| Softmax::of(self.a.column(i)).derivative(self.y.column(i));
                let columns: Vec<Vec<T>> = (0..self.a.columns()).map(of_column).collect();
                Matrix::from_fn(self.a.rows(), self.a.columns(), |k, i| columns[i][k])
            }
        }
    }

    /// ∂ℒ/∂Z\[L\] = ∂ℒ/∂A\[L\] ⊙ g′(Z\[L\]) (eq. 16).
    ///
    /// For log-loss on a sigmoid this is eq. 8 ⊙ eq. 10, −(y/σ(z) − (1 − y)/σ(−z)) · σ(z)σ(−z),
    /// simplified to −(y σ(−z) − (1 − y) σ(z)) = a − y: the product would be ∞ · 0 from |z| ≈ 745
    /// on, and a − y would round to 0 for y = 1 from z ≈ 37 on.
    pub(super) fn dz(&self) -> Matrix<T> {
        if self.is_sigmoid_log_loss() {
            return zip(self.y, self.z, |y, z| sigmoid_minus(z, y));
        }
        zip(&self.da(), &map(self.z, |z| g_derivative(self.g, z)), |da, dg| da * dg)
    }
}

/// weight · value, where 0 · ∞ is 0: what has no weight is not asked for.
fn term<T: Scalar>(weight: T, value: impl FnOnce() -> T) -> T {
    if weight == T::ZERO { T::ZERO } else { weight * value() }
}

/// Eq. 5 for one output, where 0 · ln 0 = 0.
fn log_loss<T: Scalar>(y: T, a: T) -> T {
    term(y, || -a.ln()) + term(T::ONE - y, || -(-a).ln_1p())
}

/// Eq. 8 for one output: −1/a for the label 1, 1/(1 − a) for 0, and between them −(y/a − (1 − y)/(1
/// − a)) over one denominator, as the quotients are nearly equal where a is near y.
fn log_loss_derivative<T: Scalar>(y: T, a: T) -> T {
    if y == T::ONE {
        -T::ONE / a
    } else if y == T::ZERO {
        T::ONE / (T::ONE - a)
    } else {
        (a - y) / a / (T::ONE - a)
    }
}

/// σ(z) − y = (1 − y) σ(z) − y σ(−z).
///
/// With e = e^(−|z|) it is (q e − p)/(1 + e) for z ≤ 0, where p = y and q = 1 − y; for z > 0 they
/// change places, and the sign changes. Where q e is near p at a small z, and so y near ½, it is
/// taken as q (e − 1) + (q − p): e − 1 has all its digits as expm1, and q − p = ±(1 − 2y) is exact.
fn sigmoid_minus<T: Scalar>(z: T, y: T) -> T {
    let (p, q, sign) = if z > T::ZERO { (T::ONE - y, y, -T::ONE) } else { (y, T::ONE - y, T::ONE) };
    let z = -z.abs();
    let e = z.exp();
    let difference = q * e - p;
    let half = T::from_f64(0.5);
    let near = difference.abs() < half * p && z > -half;
    let numerator = if near { q * z.exp_m1() + sign * ((half - y) + (half - y)) } else { difference };
    sign * numerator / (T::ONE + e)
}

/// A column of logits, as their distances to the largest.
struct Softmax<T> {
    /// max a − aₖ, from 0 to ∞: a logit of −∞ masks its class.
    behind: Vec<T>,
    /// e^(aₖ − max a).
    shares: Vec<T>,
    /// Σ of the shares but the one of the leader, which is 1.
    others: T,
}

impl<T: Scalar> Softmax<T> {
    fn of(a: &[T]) -> Self {
        let leader = (1..a.len()).fold(0, |leader, k| if a[k] > a[leader] { k } else { leader });
        let behind: Vec<T> = a.iter().map(|&a_k| a[leader] - a_k).collect();
        let share = |(&a_k, &behind): (&T, &T)| {
            let left = rounded_off(a[leader], a_k, behind);
            let share = (-behind).exp();
            if left.is_finite() { share - share * left } else { share }
        };
        let shares: Vec<T> = a.iter().zip(&behind).map(share).collect();
        let others = sum(0..a.len(), &|k| if k == leader { T::ZERO } else { shares[k] });
        Softmax { behind, shares, others }
    }

    /// −Σₖ yₖ ln softmax(a)ₖ = Σₖ yₖ ((max a − aₖ) + ln(1 + Σ of the others' shares)): sums of what
    /// is not negative.
    fn cross_entropy(&self, y: &[T]) -> T {
        let normalizer = self.others.ln_1p();
        sum(0..y.len(), &|k| term(y[k], || self.behind[k] + normalizer))
    }

    /// ∂/∂aₖ Σⱼ yⱼ (ln Σ e^a − aⱼ) = (Σⱼ yⱼ) sₖ − yₖ, and since the shares s add up to 1, = sₖ
    /// Σ_{j≠k} yⱼ − yₖ Σ_{j≠k} sⱼ: for a class that leads and is right, minus what the others have.
    fn derivative(&self, y: &[T]) -> Vec<T> {
        let whole = T::ONE + self.others;
        let (labels, shares) = (all_but_each(y), all_but_each(&self.shares));
        let of = |k: usize| (term(labels[k], || self.shares[k]) - term(y[k], || shares[k])) / whole;
        (0..y.len()).map(of).collect()
    }
}

/// What the rounding of a − b to d has taken off: (a − b) − d, which is a number of the type
/// (Knuth's two-sum). Far behind the leader e^(−d) feels it.
fn rounded_off<T: Scalar>(a: T, b: T, d: T) -> T {
    let b_in_d = a - d;
    let a_in_d = d + b_in_d;
    (a - a_in_d) + (b_in_d - b)
}

/// For every k the sum of all values but the k-th: of those before it and of those behind it, with
/// nothing taken off.
fn all_but_each<T: Scalar>(values: &[T]) -> Vec<T> {
    let n = values.len();
    let mut behind = vec![T::ZERO; n + 1];
    for k in (0..n).rev() {
        behind[k] = behind[k + 1] + values[k];
    }
    let mut before = T::ZERO;
    let mut sums = Vec::with_capacity(n);
    for k in 0..n {
        sums.push(before + behind[k + 1]);
        before += values[k];
    }
    sums
}

fn total<T: Scalar>(a: &Matrix<T>) -> T {
    let values = a.as_slice();
    sum(0..values.len(), &|i| values[i])
}
