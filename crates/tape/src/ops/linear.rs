//! Linear operations of the user's own: two kernels, from which every derivative follows.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::tape::operation::{Fault, Identity, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, MatrixRef, Scalar, Shape, Tape, Var};

/// A linear map A of a matrix, with its transpose: what [`Tape::apply_linear`] makes an operation of,
/// whose VJP is Aᵀ and whose second derivative is 0.
///
/// ```
/// use std::borrow::Cow;
/// use tape::{LinearOperation, MatrixMut, MatrixRef, Mismatch, Scalar, Shape, Tape, matrix};
///
/// /// Each element less the one above it; of the first, itself.
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Differences;
///
/// impl<T: Scalar> LinearOperation<T> for Differences {
///     fn name(&self) -> Cow<'_, str> {
///         "differences".into()
///     }
///     fn shape(&self, operand: Shape) -> Result<Shape, Mismatch> {
///         Ok(operand)
///     }
///     fn forward(&self, x: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
///         for j in 0..x.columns() {
///             let (x, out) = (x.column(j), out.column_mut(j));
///             (0..x.len()).for_each(|i| out[i] = if i == 0 { x[0] } else { x[i] - x[i - 1] });
///         }
///     }
///     fn transpose(&self, g: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
///         for j in 0..g.columns() {
///             let (g, out) = (g.column(j), out.column_mut(j));
///             (0..g.len()).for_each(|i| out[i] = if i + 1 == g.len() { g[i] } else { g[i] - g[i + 1] });
///         }
///     }
///     fn is_columnwise(&self) -> bool {
///         true
///     }
/// }
///
/// let tape = Tape::<f64>::new();
/// let x = tape.parameter("x", &matrix![[1.0], [4.0], [9.0]]);
/// let steps = tape.apply_linear(Differences, x);
/// assert_eq!(steps.value()?, matrix![[1.0], [3.0], [5.0]]);
/// let [dx] = steps.square().sum().gradients([x]);
/// assert_eq!(dx.value()?, matrix![[-4.0], [-4.0], [10.0]]);
/// # Ok::<(), tape::Error>(())
/// ```
pub trait LinearOperation<T: Scalar>: Identity + std::fmt::Debug + Send + Sync {
    /// The operation's name; that of its transpose has a ᵀ.
    fn name(&self) -> Cow<'_, str>;

    /// The shape of A·x for an x of this shape, or what is wrong with it: the same, whenever it is
    /// asked.
    ///
    /// # Errors
    /// A [`Mismatch`]; the tape adds names, shapes and the place.
    fn shape(&self, operand: Shape) -> Result<Shape, Mismatch>;

    /// A·x. What `out` holds before is unspecified.
    fn forward(&self, x: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>);

    /// Aᵀ·g: with ⟨g, A·x⟩ = ⟨Aᵀ·g, x⟩.
    fn transpose(&self, g: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>);

    /// Whether each column of the result depends on the same column of x alone. `false` is always
    /// safe.
    fn is_columnwise(&self) -> bool {
        false
    }
}

/// A or Aᵀ, of x of a known shape.
#[derive(Debug, Clone)]
struct Linear<T: Scalar> {
    of: Arc<dyn LinearOperation<T>>,
    transposed: bool,
    /// Of x.
    operand: Shape,
}

impl<T: Scalar> PartialEq for Linear<T> {
    fn eq(&self, other: &Self) -> bool {
        self.transposed == other.transposed
            && self.operand == other.operand
            && (*self.of).same((*other.of).as_any())
    }
}

impl<T: Scalar> Eq for Linear<T> {}

impl<T: Scalar> Hash for Linear<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.transposed, self.operand).hash(state);
        (*self.of).feed(state);
    }
}

impl<T: Scalar> Operation<T> for Linear<T> {
    fn name(&self) -> Cow<'_, str> {
        if self.transposed { format!("{}ᵀ", self.of.name()).into() } else { self.of.name() }
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let result = self.of.shape(self.operand)?;
        match (self.transposed, operands[0] == result) {
            (false, _) => Ok(result),
            (true, true) => Ok(self.operand),
            (true, false) => Err(Mismatch::new(format!("takes {result}"))),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        match self.transposed {
            false => self.of.forward(x.get(0), out),
            true => self.of.transpose(x.get(0), out),
        }
        Ok(())
    }
    /// ∂/∂x: Aᵀ·G; of the transpose, A·G.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let back = Linear { transposed: !self.transposed, ..self.clone() };
        at.contribute(0, |g| g.tape().apply(back, [g]));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.of.is_columnwise()
    }
}

/// # Operations of the user's own, in fewer lines
impl<T: Scalar> Tape<T> {
    /// A·x, where A is a linear operation of the user's own.
    #[track_caller]
    pub fn apply_linear<'t>(&'t self, operation: impl LinearOperation<T>, x: Var<'t, T>) -> Var<'t, T> {
        match x.shape() {
            Ok(operand) => self.apply(Linear { of: Arc::new(operation), transposed: false, operand }, [x]),
            Err(_) => x,
        }
    }
}
