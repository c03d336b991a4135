//! Operations of the user's own, beside the built-in ones.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::tape::describe::{Described, Given, Parameters};
use crate::tape::notation::Notation;
use crate::tape::operation::{Contraction, Elementwise, Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, Scalar, Shape};

/// Holds an operation of the user's and passes everything on to it.
#[derive(Debug, Clone)]
pub(crate) struct Custom<T: Scalar>(Arc<dyn Operation<T>>);

impl<T: Scalar> Custom<T> {
    pub(crate) fn new(operation: impl Operation<T>) -> Self {
        Custom(Arc::new(operation))
    }

    /// The user's operation, as its own type may know it.
    pub(crate) fn as_operation_any(&self) -> &dyn std::any::Any {
        (*self.0).as_any()
    }
}

impl<T: Scalar> PartialEq for Custom<T> {
    fn eq(&self, other: &Self) -> bool {
        (*self.0).same((*other.0).as_any())
    }
}

impl<T: Scalar> Eq for Custom<T> {}

impl<T: Scalar> Hash for Custom<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self.0).feed(state);
    }
}

impl<T: Scalar> Operation<T> for Custom<T> {
    fn name(&self) -> Cow<'_, str> {
        self.0.name()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        self.0.shape(operands)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.0.eval(x, out)
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        self.0.vjp(at);
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        self.0.elementwise()
    }
    fn notation(&self) -> Notation {
        self.0.notation()
    }
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        self.0.is_columnwise(operands)
    }
    fn contraction(&self) -> Option<&dyn Contraction<T>> {
        self.0.contraction()
    }
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        self.0.flops(operands, out)
    }
}

/// What it is, its own type alone knows.
impl<T: Scalar> Described<T> for Custom<T> {
    fn parameters(&self) -> Parameters<T> {
        Vec::new()
    }
    fn of_parameters(_: &mut Given<T>) -> Result<Self, String> {
        Err("an operation of the user's own has no description".into())
    }
    fn takes(&self, _: usize) -> bool {
        true
    }
}
