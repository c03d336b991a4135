//! What has no operands: leaves and numbers.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use crate::ops::noise::Noise;
use crate::ops::scale::Factor;
use crate::tape::describe::{Described, Given, InWords, Parameters};
use crate::tape::ids::LeafIndex;
use crate::tape::notation::Notation;
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape};

/// What a leaf is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeafKind {
    /// Training changes it.
    Parameter,
    /// Its columns are the examples.
    Examples,
    /// It never changes.
    Constant,
    /// A program draws it anew for each run.
    Noise(Noise),
}

impl LeafKind {
    /// In a word, as listings show it.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match self {
            LeafKind::Parameter => "parameter".into(),
            LeafKind::Examples => "examples".into(),
            LeafKind::Constant => "constant".into(),
            LeafKind::Noise(noise) => noise.name(),
        }
    }
}

/// A leaf; every leaf is an entry of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Leaf {
    pub(crate) index: LeafIndex,
    pub(crate) shape: Shape,
}

impl<T: Scalar> Operation<T> for Leaf {
    fn name(&self) -> Cow<'_, str> {
        "leaf".into()
    }
    fn shape(&self, _: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(self.shape)
    }
    /// A program writes a leaf's value once, before it runs.
    fn eval(&self, _: &Operands<'_, T>, _: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {}
    fn notation(&self) -> Notation {
        Notation::Name
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

/// Its kind, shape and value stand beside it in the list.
impl<T: Scalar> Described<T> for Leaf {
    fn parameters(&self) -> Parameters<T> {
        Vec::new()
    }
    fn of_parameters(_: &mut Given<T>) -> Result<Self, String> {
        Err("a leaf is more than its parameters".into())
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 0
    }
}

/// A number c·mᵏ, 1 × 1, equal to another if the bits of c and the powers are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<T>(pub(crate) Factor<T>);

impl<T: Scalar> PartialEq for Number<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Scalar> Eq for Number<T> {}

impl<T: Scalar> Hash for Number<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: Scalar> Operation<T> for Number<T> {
    fn name(&self) -> Cow<'_, str> {
        "number".into()
    }
    fn shape(&self, _: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(Shape::SCALAR)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice()[0] = self.0.at(x.m());
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {}
    fn notation(&self) -> Notation {
        Notation::Literal(self.0.to_string())
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

impl<T: Scalar> Described<T> for Number<T> {
    fn parameters(&self) -> Parameters<T> {
        vec![("c", self.0.c.to_parameter()), ("power_of_m", self.0.m.to_parameter())]
    }
    fn of_parameters(given: &mut Given<T>) -> Result<Self, String> {
        Ok(Number(Factor { c: given.take("c")?, m: given.take("power_of_m")? }))
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 0
    }
}
