//! Losses on logits and what is derived from them, in forms that keep the digits where one class
//! leads.

use super::Exporter;
use super::builder::Value;
use super::functions::{ln_1p, softplus};
use super::nodes::axes;
use crate::Scalar;
use crate::ops::softmax::{Of, Softmax};
use crate::tape::notation::Over;

/// What the exponentials of logits give.
pub(super) struct Exponentials {
    /// The greatest logit.
    pub(super) greatest: Value,
    /// Logits less the greatest one.
    shifted: Value,
    /// e to the power of these.
    exp: Value,
    /// Whether a logit is the greatest.
    leads: Value,
    /// Σ exp − 1.
    rest: Value,
    /// Σ exp.
    sum: Value,
    /// ln Σ exp.
    pub(super) log: Value,
}

impl<T: Scalar> Exporter<'_, T> {
    /// −(y·ln a + (1 − y)·ln(1 − a)), where a coefficient 0 makes its term 0.
    pub(super) fn log_loss(&mut self, y: Value, a: Value) -> Value {
        let b = &mut self.builder;
        let one = b.number(1.0);
        let (others, negative) = (b.node("Sub", &[one, y]), b.node("Neg", &[a]));
        let (log, log_of_rest) = (b.node("Log", &[a]), ln_1p(b, negative));
        let (first, second) = (self.term(y, log), self.term(others, log_of_rest));
        let sum = self.builder.node("Add", &[first, second]);
        self.builder.node("Neg", &[sum])
    }

    /// c·x, and 0 where c is.
    fn term(&mut self, c: Value, x: Value) -> Value {
        let b = &mut self.builder;
        let (zero, product) = (b.number(0.0), b.node("Mul", &[c, x]));
        let is_none = b.node("Equal", &[c, zero]);
        b.node("Where", &[is_none, zero, product])
    }

    /// (1 − y)·ln(1 + eᶻ) + y·ln(1 + e⁻ᶻ).
    pub(super) fn log_loss_on_logits(&mut self, y: Value, z: Value) -> Value {
        let b = &mut self.builder;
        let (one, negative) = (b.number(1.0), b.node("Neg", &[z]));
        let others = b.node("Sub", &[one, y]);
        let (up, down) = (softplus(b, z), softplus(b, negative));
        let (first, second) = (b.node("Mul", &[others, up]), b.node("Mul", &[y, down]));
        b.node("Add", &[first, second])
    }

    /// (1 − y)·σ(z) − y·σ(−z), with σ of t = e^−|z|: nothing cancels for labels 0 and 1.
    pub(super) fn sigmoid_minus(&mut self, y: Value, z: Value) -> Value {
        let b = &mut self.builder;
        let (zero, one) = (b.number(0.0), b.number(1.0));
        let size = b.node("Abs", &[z]);
        let exponent = b.node("Neg", &[size]);
        let t = b.node("Exp", &[exponent]);
        let sum = b.node("Add", &[one, t]);
        let (less, more) = (b.node("Div", &[t, sum]), b.node("Div", &[one, sum]));
        let left = b.node("Less", &[z, zero]);
        let (up, down) = (b.node("Where", &[left, less, more]), b.node("Where", &[left, more, less]));
        let others = b.node("Sub", &[one, y]);
        let (first, second) = (b.node("Mul", &[others, up]), b.node("Mul", &[y, down]));
        b.node("Sub", &[first, second])
    }

    pub(super) fn exponentials(&mut self, z: Value, over: Over) -> Exponentials {
        let (b, axes) = (&mut self.builder, axes(over));
        let (zero, one) = (b.number(0.0), b.number(1.0));
        let greatest = b.reduce("ReduceMax", z, axes);
        let shifted = b.node("Sub", &[z, greatest]);
        let exp = b.node("Exp", &[shifted]);
        let leads = b.node("Equal", &[z, greatest]);
        let following = b.node("Where", &[leads, zero, exp]);
        let leading = b.indicator(leads);
        let (of_following, of_leading) =
            (b.reduce("ReduceSum", following, axes), b.reduce("ReduceSum", leading, axes));
        let ties = b.node("Sub", &[of_leading, one]);
        let rest = b.node("Add", &[of_following, ties]);
        let (sum, log) = (b.node("Add", &[one, rest]), ln_1p(b, rest));
        Exponentials { greatest, shifted, exp, leads, rest, sum, log }
    }

    /// An operation on softmax(Z); `None` for a derivative of an order beyond 2.
    pub(super) fn softmax(&mut self, softmax: &Softmax, x: &[Value]) -> Option<Value> {
        let over = softmax.over;
        Some(match softmax.of {
            Of::Derivative { order: 0 } => self.shares(x[0], over),
            Of::Derivative { order: 1 } => {
                let (shares, centred) = (self.shares(x[0], over), self.centred(x[1], x[0], over));
                self.builder.node("Mul", &[shares, centred])
            }
            Of::Derivative { order: 2 } => {
                // s ⊙ (g ⊙ h − Σ s ⊙ g ⊙ h) with centred g and h
                let (g, h) = (self.centred(x[1], x[0], over), self.centred(x[2], x[0], over));
                let product = self.builder.node("Mul", &[g, h]);
                let (shares, centred) = (self.shares(x[0], over), self.centred(product, x[0], over));
                self.builder.node("Mul", &[shares, centred])
            }
            Of::Derivative { .. } => return None,
            Of::Logarithm => self.log_shares(x[0], over),
            Of::CrossEntropy => {
                // Σ y ⊙ (ln Σ exp − z)
                let Exponentials { shifted, log, .. } = self.exponentials(x[1], over);
                let negative_log = self.builder.node("Sub", &[log, shifted]);
                let terms = self.term(x[0], negative_log);
                self.builder.reduce("ReduceSum", terms, axes(over))
            }
            Of::Minus(_) => self.softmax_minus(x[0], x[1], over),
            Of::Centred => self.centred(x[0], x[1], over),
        })
    }

    fn shares(&mut self, z: Value, over: Over) -> Value {
        let Exponentials { exp, sum, .. } = self.exponentials(z, over);
        self.builder.node("Div", &[exp, sum])
    }

    fn log_shares(&mut self, z: Value, over: Over) -> Value {
        let Exponentials { shifted, log, .. } = self.exponentials(z, over);
        self.builder.node("Sub", &[shifted, log])
    }

    /// G − Σ softmax(Z) ⊙ G.
    fn centred(&mut self, g: Value, z: Value, over: Over) -> Value {
        let shares = self.shares(z, over);
        let b = &mut self.builder;
        let product = b.node("Mul", &[shares, g]);
        let mean = b.reduce("ReduceSum", product, axes(over));
        b.node("Sub", &[g, mean])
    }

    /// softmax(Z) ⊙ ΣY − Y: (eᵢ·(ΣY − yᵢ) − yᵢ·Σ_{j≠i} eⱼ)/Σe, where for the leading class the sum
    /// of the others is no difference.
    fn softmax_minus(&mut self, y: Value, z: Value, over: Over) -> Value {
        let Exponentials { exp, leads, rest, sum, .. } = self.exponentials(z, over);
        let b = &mut self.builder;
        let all = b.reduce("ReduceSum", y, axes(over));
        let labels_of_others = b.node("Sub", &[all, y]);
        let without = b.node("Sub", &[sum, exp]);
        let others = b.node("Where", &[leads, rest, without]);
        let (first, second) = (b.node("Mul", &[exp, labels_of_others]), b.node("Mul", &[y, others]));
        let difference = b.node("Sub", &[first, second]);
        b.node("Div", &[difference, sum])
    }
}
