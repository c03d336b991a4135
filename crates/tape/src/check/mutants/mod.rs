//! Wrong rules and kernels, to be plugged into a suite: which of them does it notice?

mod mangle;
mod mutation;
mod score;

pub use mutation::{KernelMutation, Mutation, RuleMutation};
pub use score::{Score, mutation_score};

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::tape::vjp::Given;
use crate::{
    Contraction, Elementwise, Fault, MatrixMut, Mismatch, Notation, Operands, Operation, Scalar, Shape, Var,
    Vjp,
};

/// An operation with one mistake in its kernel or its rule; everything else is the operation's own.
///
/// It takes the operation's place in a suite: see [`mutation_score`].
///
/// ```
/// use tape::check::{Check, Mutant, Mutation, RuleMutation};
/// use tape::{Tape, matrix};
/// # use std::borrow::Cow;
/// # use tape::{Fault, MatrixMut, Mismatch, Operands, Operation, Shape, Vjp};
/// # #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// # struct Twice;
/// # impl Operation<f64> for Twice {
/// #     fn name(&self) -> Cow<'_, str> { "twice".into() }
/// #     fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> { Ok(operands[0]) }
/// #     fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
/// #         let pairs = out.as_mut_slice().iter_mut().zip(x.get(0).as_slice());
/// #         pairs.for_each(|(out, x)| *out = 2.0 * x);
/// #         Ok(())
/// #     }
/// #     fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) { at.contribute(0, |g| g + g) }
/// # }
/// let wrong = Mutant::new(Twice, Mutation::Rule(RuleMutation::WrongSign, 0));
/// let inputs = [matrix![[0.5, -1.0]]];
/// assert!(Check::new().operation(&inputs, |tape, x| tape.apply(Twice, [x[0]])).is_ok());
/// assert!(Check::new().operation(&inputs, |tape, x| tape.apply(wrong.clone(), [x[0]])).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mutant<O> {
    operation: O,
    /// None in the operation itself.
    mutation: Option<Mutation>,
}

impl<O> Mutant<O> {
    /// The operation with this mistake.
    pub fn new(operation: O, mutation: Mutation) -> Self {
        Mutant { operation, mutation: Some(mutation) }
    }

    /// The mistake; none in the operation itself.
    pub fn mutation(&self) -> Option<Mutation> {
        self.mutation
    }

    /// The operation itself, to see that a suite passes it.
    fn right(operation: O) -> Self {
        Mutant { operation, mutation: None }
    }

    fn kernel(&self) -> Option<KernelMutation> {
        match self.mutation {
            Some(Mutation::Kernel(mutation)) => Some(mutation),
            Some(Mutation::Rule(..)) | None => None,
        }
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

impl<T: Scalar, O: Operation<T> + Clone + Eq + Hash> Operation<T> for Mutant<O> {
    fn name(&self) -> Cow<'_, str> {
        self.operation.name()
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let right = self.operation.shape(operands);
        match self.kernel() {
            Some(KernelMutation::TakesAnything) => {
                right.or(Ok(operands.first().copied().unwrap_or(Shape::SCALAR)))
            }
            _ => right,
        }
    }

    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let Some(mutation) = self.kernel() else { return self.operation.eval(x, out) };
        // What the memory holds decides for some of them.
        let before = out.view().to_matrix();
        let right = self.operation.eval(x, out);
        if mutation != KernelMutation::TakesAnything {
            right?;
        }
        mutation.apply(&before, out, RUNS.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }

    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let (mutation, operand) = match self.mutation {
            Some(Mutation::Rule(mutation, operand)) if operand < at.len() => (mutation, operand),
            Some(_) | None => return self.operation.vjp(at),
        };
        // The right entry is the output that the rule sees: so a mutant whose rule is the right one
        // records the very same entries.
        let operands: Vec<Var<'t, T>> = (0..at.len()).map(|i| at.operand(i)).collect();
        let right = at.tape().apply_all(self.operation.clone(), &operands);
        let rule = |inner: &mut Vjp<'_, 't, T>| self.operation.vjp(inner);
        let changed = |g: Var<'t, T>| mutation.of_cotangent(g);
        at.give_changed(
            right,
            mutation.needs_others(),
            changed,
            rule,
            |Given { i, g, contribution, next }| {
                if i == operand {
                    mutation.of_contribution(operands[i], g, contribution, next)
                } else {
                    Some(contribution)
                }
            },
        );
    }

    fn notation(&self) -> Notation {
        self.operation.notation()
    }

    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        // The mistakes of kernels are in the one for whole matrices.
        self.operation.elementwise().filter(|_| self.kernel().is_none())
    }

    fn contraction(&self) -> Option<&dyn Contraction<T>> {
        self.operation.contraction().filter(|_| self.kernel().is_none())
    }

    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        self.operation.flops(operands, out)
    }

    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        self.kernel() == Some(KernelMutation::SaysColumnwise) || self.operation.is_columnwise(operands)
    }
}
