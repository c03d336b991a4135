//! The activations that are drawn from.

use std::fmt;
use std::marker::PhantomData;

use proptest::prelude::RngCore;
use proptest::strategy::{NewTree, Strategy};
use proptest::test_runner::TestRunner;
use tape::check::Random;
use tape::check::strategies::{ChoiceId, Draft, Grid, Parts, Stage, Tree};

use crate::{Activation, Loss, Scalar};

/// A list of activations, in either number type: those of the crate, or the user's.
///
/// ```
/// use mlp::strategies::{Activations, BuiltIn};
/// use mlp::{Activation, Scalar};
/// use tape::Function;
/// #[derive(Debug, Clone)]
/// struct WithBell;
/// impl Activations for WithBell {
///     fn list<T: Scalar>() -> Vec<Activation<T>> {
///         let slope = Function::new("bell′", |z: T| -(z + z) * (-z * z).exp());
///         let bell = Function::new("bell", |z: T| (-z * z).exp()).with_derivative(slope);
///         BuiltIn::list().into_iter().chain([Activation::Custom(bell)]).collect()
///     }
/// }
/// assert_eq!(WithBell::list::<f32>().len(), BuiltIn::list::<f32>().len() + 1);
/// ```
pub trait Activations: fmt::Debug + Clone {
    /// The activations, the simplest first, and always the same.
    fn list<T: Scalar>() -> Vec<Activation<T>>;

    /// Those of the last layer that a loss takes, the simplest first: σ for log-loss, the identity
    /// for softmax cross-entropy, and all for squared error, where nothing else is said.
    fn before<T: Scalar>(loss: Loss) -> Vec<Activation<T>> {
        match loss {
            Loss::SquaredError => Self::list(),
            Loss::LogLoss | Loss::SoftmaxCrossEntropy => vec![loss.output_activation()],
        }
    }
}

/// The activations of the crate, those with a parameter at its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BuiltIn;

impl Activations for BuiltIn {
    fn list<T: Scalar>() -> Vec<Activation<T>> {
        Activation::all()
    }
}

/// A strategy of one activation of a list, which shrinks to those before it.
///
/// ```
/// use mlp::strategies::{BuiltIn, Drawn};
/// use proptest::prelude::*;
/// proptest!(|(g in Drawn::<BuiltIn, f64>::new())| {
///     prop_assert_eq!(g.to_string().parse(), Ok(g));
/// });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "strategies do nothing unless used"]
pub struct Drawn<A, T> {
    of: PhantomData<(A, T)>,
}

impl<A: Activations, T: Scalar> Drawn<A, T> {
    /// Of the list.
    pub fn new() -> Self {
        Drawn { of: PhantomData }
    }
}

impl<A: Activations, T: Scalar> Strategy for Drawn<A, T> {
    type Tree = Tree<DrawnDraft<A, T>>;
    type Value = Activation<T>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let count = A::list::<T>().len();
        if count == 0 {
            return Err("there is no activation to draw".into());
        }
        let (mut random, mut parts) = (Random::new(runner.rng().next_u64()), Parts::new());
        let chosen = parts.choice(Stage::Structure, random.below(count));
        Ok(Tree::new(DrawnDraft { chosen, of: PhantomData }, parts))
    }
}

/// What [`Drawn`] has drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrawnDraft<A, T> {
    chosen: ChoiceId,
    of: PhantomData<(A, T)>,
}

impl<A: Activations, T: Scalar> Draft for DrawnDraft<A, T> {
    type Value = Activation<T>;

    fn value(&self, parts: &Parts) -> Activation<T> {
        A::list().swap_remove(parts.chosen(self.chosen))
    }

    fn grids(&self, _: &Parts) -> Vec<Grid> {
        Vec::new()
    }
}
