//! Products, norms and functions of one number.

use crate::ops::noise::Noise;
use crate::ops::zip::{IntoOperand, Zip};
use crate::tape::notation::Over;
use crate::{Scalar, Var, num};

/// # Norms and inner products
impl<'t, T: Scalar> Var<'t, T> {
    /// Σ A ⊙ B, 1 × 1.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (a, b) = (tape.parameter("a", &matrix![[1.0], [2.0]]), tape.parameter("b", &matrix![[3.0], [5.0]]));
    /// assert_eq!(a.dot(b).value()?, matrix![[13.0]]);
    /// assert_eq!(a.outer(b).value()?, matrix![[3.0, 5.0], [6.0, 10.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn dot(self, other: Self) -> Self {
        (self * other).sum()
    }

    /// a * bᵀ of two columns, n × 1 and k × 1: n × k.
    #[track_caller]
    pub fn outer(self, other: Self) -> Self {
        self.matmul(other.t())
    }

    /// ‖A‖ = √(Σ A²), 1 × 1, without overflow, with gradient A ⊘ ‖A‖, and 0 at 0; of nothing 0.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (a, o) = (tape.parameter("a", &matrix![[3.0, 4.0]]), tape.parameter("0", &matrix![[0.0, 0.0]]));
    /// assert_eq!((a.norm().value()?[(0, 0)], o.norm().value()?[(0, 0)]), (5.0, 0.0));
    /// let slope = a.norm().gradients([a])[0].value()?;
    /// assert!((slope[(0, 0)] - 0.6).abs() < 1e-15 && (slope[(0, 1)] - 0.8).abs() < 1e-15);
    /// assert_eq!(o.norm().gradients([o])[0].value()?, matrix![[0.0, 0.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn norm(self) -> Self {
        self.norm_over(Over::All)
    }

    /// The norm of every column (over the rows, 1 × m), of every row, or of all elements.
    #[track_caller]
    pub fn norm_over(self, over: Over) -> Self {
        let greatest = self.max_norm_over(over).stop_gradient();
        // Scaled by the greatest, squares neither overflow nor vanish; of 0 and ∞, which are no more
        // than their half, it is 1. A number ∞ in the list would be no finite value of it.
        let is_scale = (greatest * num(0.5)).less(greatest);
        let scale = is_scale.select(greatest, T::ONE);
        let squares = (self / scale).square().sum_over(over);
        let is_positive = squares.greater(T::ZERO);
        let root = is_positive.select(is_positive.select(squares, T::ONE).sqrt(), T::ZERO);
        root * scale
    }

    /// A ⊙ ln B, and 0 where both are 0, with derivatives 0 there.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let p = tape.parameter("p", &matrix![[0.0, 0.5, 1.0]]);
    /// assert_eq!(p.xlogy(p).value()?, matrix![[0.0, 0.5 * 0.5f64.ln(), 0.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn xlogy(self, b: impl IntoOperand<'t, T>) -> Self {
        let b = b.into_operand(self);
        // 0 where both are 0; a NaN chooses B, which keeps it.
        let sizes = self.tape.push_called(Some(("xlogy", &[self, b])), Zip::Add, &[self.abs(), b.abs()]);
        self * sizes.select(b, T::ONE).ln()
    }
}

/// # More functions of one number
impl<'t, T: Scalar> Var<'t, T> {
    /// a/(1 + |a|). At ±∞ it is ∞/∞, NaN, as are its derivatives.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[-9.0, -1.0, 0.0, 3.0]]);
    /// assert_eq!(a.softsign().value()?, matrix![[-0.9, -0.5, 0.0, 0.75]]);
    /// assert_eq!(a.hard_tanh().value()?, matrix![[-1.0, -1.0, 0.0, 1.0]]);
    /// assert_eq!(a.relu6().value()?, matrix![[0.0, 0.0, 0.0, 3.0]]);
    /// assert_eq!(a.hard_sigmoid().value()?, matrix![[0.0, 2.0 / 6.0, 0.5, 1.0]]);
    /// assert_eq!(a.hard_swish().value()?, matrix![[0.0, -2.0 / 6.0, 0.0, 3.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn softsign(self) -> Self {
        self / (self.abs() + T::ONE)
    }

    /// a limited to [−1, 1].
    #[track_caller]
    pub fn hard_tanh(self) -> Self {
        self.clamp(-T::ONE, T::ONE)
    }

    /// a limited to [0, 6].
    #[track_caller]
    pub fn relu6(self) -> Self {
        self.clamp(T::ZERO, T::from_f64(6.0))
    }

    /// (a + 3)/6 limited to [0, 1].
    #[track_caller]
    pub fn hard_sigmoid(self) -> Self {
        (self + T::from_f64(3.0)).relu6() / T::from_f64(6.0)
    }

    /// a times its [`hard_sigmoid`](Var::hard_sigmoid). At −∞ it is 0 · ∞, NaN, as is its derivative
    /// at ±∞.
    #[track_caller]
    pub fn hard_swish(self) -> Self {
        self * self.hard_sigmoid()
    }

    /// Each element 0 with probability p, else divided by 1 − p: drawn anew for each run; see
    /// [`Program::seed`](crate::Program::seed). With
    /// [`Program::expectation`](crate::Program::expectation) it is A itself. A p that is not in
    /// [0, 1) is an error.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[1.0, 2.0, 3.0, 4.0]]).dropout(0.5);
    /// let mut program = tape.compile([a])?;
    /// program.run()?;
    /// let kept = |(&x, all): (&f64, f64)| x == 0.0 || x == 2.0 * all;
    /// assert!(program.view(a)?.as_slice().iter().zip([1.0, 2.0, 3.0, 4.0]).all(kept));
    /// program.expectation(true);
    /// program.run()?;
    /// assert_eq!(program.view(a)?.to_matrix(), matrix![[1.0, 2.0, 3.0, 4.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn dropout(self, p: f64) -> Self {
        if self.is_void() {
            return self;
        }
        if !(0.0..1.0).contains(&p) {
            return self.tape.refused("dropout", format!("the probability {p} is not in [0, 1)"));
        }
        let kept = self.tape.noise("dropout", self.known_shape(), Noise::Bernoulli(1.0 - p));
        self * kept / T::from_f64(1.0 - p)
    }
}
