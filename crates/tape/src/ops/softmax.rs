//! Softmax, its logarithm, the cross-entropy, and a family of operations that is closed under
//! differentiation.
//!
//! With s = softmax(Z), all of them over the rows, the columns or all entries:
//!
//! | operation | value | VJP with the cotangent G |
//! |---|---|---|
//! | ln Σ exp Z, in [`reduce`](crate::ops::reduce) | max + ln(1 + the others) | G ⊙ s |
//! | `softmax` | s | D softmax(Z)\[G\] |
//! | `softmax_derivative` of order n | Dⁿ softmax(Z)\[G₁, …, Gₙ\] | to Gᵢ: the same with G for Gᵢ; to Z: order n + 1, with G |
//! | `log_softmax` | ln s | −`softmax_minus`(G, Z) |
//! | `softmax_cross_entropy` | −Σ Y ⊙ ln s | to Z: G ⊙ `softmax_minus`(Y, Z); to Y: −G ⊙ ln s |
//! | `softmax_minus` | s ⊙ ΣY − Y | to Z: ΣY ⊙ D softmax(Z)\[G\]; to Y: −`softmax_centred`(G, Z) |
//! | `softmax_centred` | G′ − Σ s ⊙ G′ | to Z: −ΣG ⊙ D softmax(Z)\[G′\]; to G′: −`softmax_minus`(G, Z) |
//!
//! Dⁿ softmax(Z)\[G₁, …, Gₙ\] is the derivative along n directions. Contracted with one more it is
//! the derivative of ln Σ exp Z along n + 1 directions, in which they may change places: hence its
//! VJP. Each kernel keeps its digits where one entry leads
//! ([`kernel::softmax`](crate::numbers::kernel::softmax)), and so derivatives of any order do.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::numbers::kernel::softmax::{Series, Wanted};
use crate::ops::labels::{Labels, Weights};
use crate::ops::zip::IntoOperand;
use crate::tape::describe::{Described, Given, InWords, Parameters};
use crate::tape::notation::{Notation, Over};
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, MatrixMut, MatrixRef, Scalar, Shape, Var};

/// What is computed of s = softmax(Z).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// Dⁿ softmax(Z)\[G₁, …, Gₙ\]; of order 0 it is s. The operands are Z, G₁, …, Gₙ.
    Derivative { order: usize },
    /// ln s.
    Logarithm,
    /// −Σ Y ⊙ ln s; the operands are Y and Z.
    CrossEntropy,
    /// s ⊙ ΣY − Y; the operands are Y and Z.
    Minus(Weights),
    /// G − Σ s ⊙ G; the operands are G and Z.
    Centred,
}

/// An operation on softmax(Z), over rows, columns or all elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Softmax {
    pub(crate) of: Of,
    pub(crate) over: Over,
}

/// A label that is negative or not finite is a fault.
fn check_labels<T: Scalar>(y: MatrixRef<'_, T>) -> Result<(), Fault> {
    match Labels::Shares.first_unfit(y.as_slice()) {
        None => Ok(()),
        Some((at, value)) => {
            Err(Fault::Share { operand: 0, value, row: at % y.rows(), column: at / y.rows() })
        }
    }
}

/// The numbers of a matrix that are reduced together.
pub(crate) fn series((rows, columns): (usize, usize), over: Over) -> Series {
    match over {
        Over::Rows => Series { count: columns, length: rows, across: false },
        Over::Columns if rows == 1 => Series { count: 1, length: columns, across: false },
        Over::Columns => Series { count: rows, length: columns, across: true },
        Over::All => Series { count: 1, length: rows * columns, across: false },
    }
}

impl<T: Scalar> Operation<T> for Softmax {
    fn name(&self) -> Cow<'_, str> {
        let name = match self.of {
            Of::Derivative { order: 0 } => "softmax",
            Of::Derivative { order: _ } => "softmax_derivative",
            Of::Logarithm => "log_softmax",
            Of::CrossEntropy => "softmax_cross_entropy",
            Of::Minus(_) => "softmax_minus",
            Of::Centred => "softmax_centred",
        };
        match (self.of, self.over) {
            // Their names are those of methods, which are for columns of classes.
            (Of::CrossEntropy | Of::Minus(_), Over::Rows) | (_, Over::All) => name.into(),
            (_, Over::Rows) => format!("{name}_rows").into(),
            (_, Over::Columns) => format!("{name}_columns").into(),
        }
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let logits = operands[0];
        if operands[1..].iter().any(|&other| other != logits) {
            return Err(Mismatch::new(match self.of {
                Of::CrossEntropy | Of::Minus(_) => "labels and logits differ in shape",
                Of::Derivative { .. } | Of::Logarithm | Of::Centred => {
                    "logits and directions differ in shape"
                }
            }));
        }
        Ok(if self.of == Of::CrossEntropy { self.over.reduced(logits) } else { logits })
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let (first, last) = (x.get(0), x.get(x.len() - 1));
        if matches!(self.of, Of::CrossEntropy | Of::Minus(Weights::Labels)) {
            check_labels(first)?;
        }
        let directions: SmallVec<[&[T]; 4]>;
        let (wanted, z) = match self.of {
            Of::Derivative { order: 0 } => (Wanted::Shares, first),
            Of::Derivative { order: 1 } => (Wanted::First(last.as_slice()), first),
            Of::Derivative { order: 2 } => (Wanted::Second(x.get(1).as_slice(), last.as_slice()), first),
            Of::Derivative { order: _ } => {
                directions = (1..x.len()).map(|i| x.get(i).as_slice()).collect();
                (Wanted::Higher(&directions), first)
            }
            Of::Logarithm => (Wanted::Logarithms, first),
            Of::CrossEntropy => (Wanted::CrossEntropy(first.as_slice()), last),
            Of::Minus(_) => (Wanted::Minus(first.as_slice()), last),
            Of::Centred => (Wanted::Centred(first.as_slice()), last),
        };
        T::softmax_into(wanted, z.as_slice(), series(z.shape(), self.over), out.as_mut_slice());
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let over = self.over;
        match self.of {
            Of::Derivative { order } => {
                let mut all: SmallVec<[Var<'t, T>; 4]> = (0..=order).map(|i| at.operand(i)).collect();
                for i in 1..=order {
                    // ∂/∂Gᵢ: Dⁿ softmax(Z)[…, G, …], with G in the place of Gᵢ
                    at.contribute(i, |g| {
                        let direction = std::mem::replace(&mut all[i], g);
                        let contribution = record(Of::Derivative { order }, over, &all);
                        all[i] = direction;
                        contribution
                    });
                }
                // ∂/∂Z: Dⁿ⁺¹ softmax(Z)[G₁, …, Gₙ, G]
                at.contribute(0, |g| {
                    all.push(g);
                    record(Of::Derivative { order: order + 1 }, over, &all)
                });
            }
            Of::Logarithm => {
                let [z] = at.operands();
                // ∂/∂Z: G − softmax(Z) ⊙ ΣG
                at.contribute(0, |g| -record(Of::Minus(Weights::Any), over, &[g, z]));
            }
            Of::CrossEntropy => {
                let [y, z] = at.operands();
                at.contribute_lazily(0, |g| -(g * z.log_softmax_over(over))); // ∂ℒ/∂Y = −ln softmax(Z)
                // ∂ℒ/∂Z = softmax(Z) ⊙ ΣY − Y
                at.contribute_lazily(1, |g| g * record(Of::Minus(Weights::Labels), over, &[y, z]));
            }
            Of::Minus(_) => {
                let [y, z] = at.operands();
                at.contribute(0, |g| -record(Of::Centred, over, &[g, z])); // ∂/∂Y: −(G − Σ softmax(Z) ⊙ G)
                // ∂/∂Z: ΣY ⊙ D softmax(Z)[G]
                at.contribute(1, |g| y.sum_over(over) * record(Of::Derivative { order: 1 }, over, &[z, g]));
            }
            Of::Centred => {
                let [v, z] = at.operands();
                at.contribute(0, |g| -record(Of::Minus(Weights::Any), over, &[g, z])); // ∂/∂V: G − softmax(Z) ⊙ ΣG
                // ∂/∂Z: −ΣG ⊙ D softmax(Z)[V]
                at.contribute(1, |g| {
                    -(g.sum_over(over) * record(Of::Derivative { order: 1 }, over, &[z, v]))
                });
            }
        }
    }
    fn notation(&self) -> Notation {
        Notation::Call(Operation::<T>::name(self).into_owned())
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.over == Over::Rows
    }
    fn flops(&self, operands: &[(usize, usize)], _: (usize, usize)) -> u64 {
        let numbers = (operands[0].0 as u64).saturating_mul(operands[0].1 as u64);
        numbers.saturating_mul(5).saturating_mul(operands.len() as u64)
    }
}

impl<T: Scalar> Described<T> for Softmax {
    fn parameters(&self) -> Parameters<T> {
        let of = match self.of {
            Of::Derivative { order: _ } => "derivative",
            Of::Logarithm => "logarithm",
            Of::CrossEntropy => "cross_entropy",
            Of::Minus(_) => "minus",
            Of::Centred => "centred",
        };
        let mut parameters = vec![("of", Cow::from(of).to_parameter()), ("over", self.over.to_parameter())];
        match self.of {
            Of::Derivative { order } => parameters.push(("order", order.to_parameter())),
            Of::Minus(weights) => parameters.push(("weights", weights.to_parameter())),
            Of::Logarithm | Of::CrossEntropy | Of::Centred => {}
        }
        parameters
    }
    fn of_parameters(given: &mut Given<T>) -> Result<Self, String> {
        let of: Cow<'static, str> = given.take("of")?;
        let of = match &*of {
            "derivative" => Of::Derivative { order: given.take("order")? },
            "logarithm" => Of::Logarithm,
            "cross_entropy" => Of::CrossEntropy,
            "minus" => Of::Minus(given.take("weights")?),
            "centred" => Of::Centred,
            other => return Err(format!("nothing of a softmax is called {other}")),
        };
        Ok(Softmax { of, over: given.take("over")? })
    }
    fn takes(&self, operands: usize) -> bool {
        match self.of {
            Of::Derivative { order } => operands > 0 && operands - 1 == order,
            Of::Logarithm => operands == 1,
            Of::CrossEntropy | Of::Minus(_) | Of::Centred => operands == 2,
        }
    }
}

#[track_caller]
fn record<'t, T: Scalar>(of: Of, over: Over, operands: &[Var<'t, T>]) -> Var<'t, T> {
    let over = match operands.iter().find(|v| v.is_void()) {
        None => operands[0].over_alone(over),
        Some(_) => over,
    };
    // The last of them is the method's own variable, or of its tape.
    operands[operands.len() - 1].tape.push(Softmax { of, over }, operands)
}

/// # Softmax and its losses
impl<'t, T: Scalar> Var<'t, T> {
    /// Over a single row or column, `All` is the other direction alone, so that equal reductions
    /// are one entry.
    fn over_alone(self, over: Over) -> Over {
        let shape = self.known_shape();
        match (over, shape.rows == Dim::ONE, shape.columns == Dim::ONE) {
            (Over::All, true, _) => Over::Columns,
            (Over::All, false, true) => Over::Rows,
            (over, _, _) => over,
        }
    }

    /// softmax(A) = exp A ⊘ Σ exp A over rows, columns or all: each column sums to 1 if it is over
    /// rows. n × m stays n × m.
    ///
    /// Computed from the differences to the greatest element: a constant added to all of them
    /// changes nothing beyond the rounding of the elements themselves, and where one leads,
    /// derivatives keep the digits of 1 − s up to order 3 and beyond. An element −∞ is masked: its
    /// share is 0, as are its derivatives. Where all are −∞, or one is +∞ or NaN, all shares are
    /// NaN.
    ///
    /// ```
    /// use tape::{Over, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.parameter("z", &matrix![[1e16], [1e16], [f64::NEG_INFINITY]]);
    /// assert_eq!(z.softmax_over(Over::Rows).value()?.as_slice(), [0.5, 0.5, 0.0]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax_over(self, over: Over) -> Self {
        record(Of::Derivative { order: 0 }, over, &[self])
    }

    /// ln softmax(A) = A − ln Σ exp A over rows, columns or all. n × m stays n × m.
    ///
    /// Of the element that leads it is −ln(1 + the others), which is no 0 as long as that is a
    /// number. Special values are as in [`softmax_over`](Var::softmax_over); the logarithm of a
    /// masked share is −∞.
    ///
    /// ```
    /// use tape::{Over, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.parameter("z", &matrix![[40.0], [0.0]]);
    /// assert_eq!(z.log_softmax_over(Over::Rows).value()?.as_slice(), [-4.248354255291589e-18, -40.0]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn log_softmax_over(self, over: Over) -> Self {
        record(Of::Logarithm, over, &[self])
    }

    /// The cross-entropy −Σ y · ln softmax(z) over the outputs, from the logits Z: n × m becomes 1
    /// × m.
    ///
    /// Columns of labels may be one-hot or hold shares. They need not sum to 1; where they do not,
    /// it is the formula all the same. Where a label is 0 its logit may be −∞; a positive label
    /// with a logit −∞ costs +∞. A column of logits −∞ alone, or one with +∞ or NaN, gives NaN.
    /// Labels in one row, one column or a number are repeated.
    ///
    /// # Errors
    /// When it is evaluated, [`Error::Label`](crate::Error::Label) if a label is negative or not
    /// finite.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.parameter("z", &matrix![[0.0], [f64::NEG_INFINITY], [-40.0]]);
    /// let y = tape.constant("y", &matrix![[1.0], [0.0], [0.0]]);
    /// let j = z.softmax_cross_entropy(y).sum();
    /// let [dz] = j.gradients([z]);
    /// assert_eq!(j.value()?[(0, 0)], 4.248354255291589e-18);
    /// assert_eq!(dz.value()?.as_slice(), [-4.248354255291589e-18, 0.0, 4.248354255291589e-18]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax_cross_entropy(self, labels: impl IntoOperand<'t, T>) -> Self {
        let [y, z] = self.beside(labels, "softmax_cross_entropy");
        record(Of::CrossEntropy, Over::Rows, &[y, z])
    }

    /// softmax(Z) ⊙ ΣY − Y over the rows: the derivative of the cross-entropy with respect to the
    /// logits Z. For labels that sum to 1 it is softmax(Z) − Y. n × m stays n × m.
    ///
    /// Of the element that leads it is computed from the shares of the others, so that no digit is
    /// lost where a prediction is right and sure. Beside a soft label every element has its digits
    /// up to 16 classes; of more, a single element is off by some ulp of the column's greatest
    /// share or difference, whichever is less. Labels and special values are as in
    /// [`softmax_cross_entropy`](Var::softmax_cross_entropy).
    ///
    /// # Errors
    /// When it is evaluated, [`Error::Label`](crate::Error::Label) if a label is negative or not
    /// finite.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.parameter("z", &matrix![[40.0], [0.0]]);
    /// let y = tape.constant("y", &matrix![[1.0], [0.0]]);
    /// let error = z.softmax_minus(y);
    /// assert_eq!(error.value()?.as_slice(), [-4.248354255291589e-18, 4.248354255291589e-18]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax_minus(self, labels: impl IntoOperand<'t, T>) -> Self {
        let [y, z] = self.beside(labels, "softmax_minus");
        record(Of::Minus(Weights::Labels), Over::Rows, &[y, z])
    }

    /// Labels and logits, each repeated to the shape of both.
    #[track_caller]
    fn beside(self, labels: impl IntoOperand<'t, T>, operation: &'static str) -> [Self; 2] {
        let labels = Labels::Shares.or_mistake(labels.into_operand(self), self, operation);
        if self.is_void() || labels.is_void() || !std::ptr::eq(self.tape, labels.tape) {
            return [labels, self]; // recording says what is wrong
        }
        match labels.known_shape().broadcast(self.known_shape()) {
            Some(shape) => [labels.repeated_to(shape), self.repeated_to(shape)],
            None => [labels, self], // the rule says what is wrong
        }
    }
}
