//! What an operation is: one trait, for the built-in ones and the user's own.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use crate::numbers::kernel::product::Selection;
use crate::tape::notation::Notation;
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, MatrixRef, Scalar, Shape};

/// An operation of a tape: its name, shape rule, kernel and vector–Jacobian product, in one place.
///
/// The built-in operations implement this trait, and so do the user's own, with the same rights:
/// they are printed, differentiated to any order, checked by [`check`](crate::check) and executed
/// by programs. Two entries with equal operations (by `Eq`) and the same operands are one entry, so
/// an operation's parameters belong into its fields. For fewer lines there is
/// [`LinearOperation`](crate::LinearOperation), and for several outputs
/// [`SeveralOutputs`](crate::SeveralOutputs).
///
/// ```
/// use std::borrow::Cow;
/// use tape::{Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Scalar, Shape, Tape, Vjp};
///
/// /// ⟨a, b⟩: the sum of the elementwise product.
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Inner;
///
/// impl<T: Scalar> Operation<T> for Inner {
///     fn name(&self) -> Cow<'_, str> {
///         "inner".into()
///     }
///     fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
///         match operands {
///             [a, b] if a == b => Ok(Shape::SCALAR),
///             _ => Err(Mismatch::new("takes two matrices of one shape")),
///         }
///     }
///     fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
///         let (a, b) = (x.get(0), x.get(1));
///         let pairs = a.as_slice().iter().zip(b.as_slice());
///         out.as_mut_slice()[0] = pairs.map(|(&a, &b)| a * b).sum();
///         Ok(())
///     }
///     fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
///         let [a, b] = at.operands();
///         at.contribute(0, |g| g * b); // ∂/∂a = g · b
///         at.contribute(1, |g| g * a); // ∂/∂b = g · a
///     }
/// }
///
/// let tape = Tape::<f64>::new();
/// let a = tape.parameter("a", &Matrix::from_vec(2, 1, vec![1.0, 2.0])?);
/// let b = tape.parameter("b", &Matrix::from_vec(2, 1, vec![3.0, 4.0])?);
/// let inner = tape.apply(Inner, [a, b]);
/// let [da] = inner.gradients([a]);
/// assert_eq!(inner.value()?[(0, 0)], 11.0);
/// assert_eq!(da.value()?.as_slice(), [3.0, 4.0]);
/// # Ok::<(), tape::Error>(())
/// ```
pub trait Operation<T: Scalar>: Identity + Debug + Send + Sync {
    /// The operation's name, as error messages, listings and equations show it.
    fn name(&self) -> Cow<'_, str>;

    /// The shape of the result, or what is wrong with the operands' shapes: for the same shapes the
    /// same, whenever it is asked.
    ///
    /// # Errors
    /// A [`Mismatch`]; the tape adds the operands' names, their shapes and the place.
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch>;

    /// The kernel: writes the whole result. What `out` holds before is unspecified. A program may
    /// call it on several threads at a time, for different examples.
    ///
    /// # Errors
    /// A [`Fault`] where the values are outside the operation's domain and a number would hide it.
    fn eval(&self, operands: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault>;

    /// The vector–Jacobian product, written with operations of the tape: for every operand that
    /// `at` wants, gives what the cotangent of the result contributes to the cotangent of that
    /// operand.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>);

    /// The kernel for sections, if the operation is elementwise: programs run such operations fused
    /// with others.
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        None
    }

    /// How an equation shows the operation.
    fn notation(&self) -> Notation {
        Notation::Call(self.name().into_owned())
    }

    /// Whether column j of the result depends on no other columns than the j-th ones of operands
    /// that have one per example. Asked only when the result has one column per example; `false` is
    /// always safe, and what is [elementwise](Operation::elementwise) is columnwise.
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        let _ = operands;
        self.elementwise().is_some()
    }

    /// The kernel for some columns at a time, if the operation sums over the columns of all its
    /// operands: programs run it tile by tile where these are examples.
    fn contraction(&self) -> Option<&dyn Contraction<T>> {
        None
    }

    /// Floating-point operations of one evaluation, for operands of these numbers of rows and
    /// columns.
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        let _ = operands;
        (out.0 as u64).saturating_mul(out.1 as u64)
    }
}

/// An elementwise operation, on sections of elements: as many as stay in the first-level cache while
/// several operations are done to them.
pub trait Elementwise<T: Scalar> {
    /// Writes the whole section. Every source has its length: what broadcasting repeats comes
    /// repeated. `m` is the number of examples of the run, of which a section has a part.
    ///
    /// # Errors
    /// As [`Operation::eval`]; a place is a row of the section, as if it were one column.
    fn section(&self, sources: &[&[T]], out: &mut [T], m: usize) -> Result<(), Fault>;
}

/// An operation that is a sum over the columns of its operands, such as D * Aᵀ (eq. 26) and Σᵢ d⁽ⁱ⁾
/// (eq. 27).
///
/// ```
/// use std::borrow::Cow;
/// use tape::{Contraction, Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Options, Scalar, Shape, Tape, Vjp};
///
/// /// Σᵢ a⁽ⁱ⁾ ⊙ b⁽ⁱ⁾: for each row the sum over the columns of the elementwise product, n × 1.
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct RowDots;
///
/// impl<T: Scalar> Operation<T> for RowDots {
///     fn name(&self) -> Cow<'_, str> {
///         "row_dots".into()
///     }
///     fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
///         match operands {
///             [a, b] if a == b => Ok(Shape { columns: 1.into(), ..*a }),
///             _ => Err(Mismatch::new("takes two matrices of one shape")),
///         }
///     }
///     fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
///         self.accumulate(x, T::ONE, true, out);
///         Ok(())
///     }
///     fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
///         let [a, b] = at.operands();
///         at.contribute(0, |g| g * b); // ∂/∂a = g · b, each column
///         at.contribute(1, |g| g * a);
///     }
///     fn contraction(&self) -> Option<&dyn Contraction<T>> {
///         Some(self)
///     }
/// }
///
/// impl<T: Scalar> Contraction<T> for RowDots {
///     fn accumulate(&self, x: &Operands<'_, T>, alpha: T, begins: bool, out: &mut MatrixMut<'_, T>) {
///         let (a, b) = (x.get(0), x.get(1));
///         if begins {
///             out.as_mut_slice().fill(T::ZERO);
///         }
///         for first in (0..a.columns()).step_by(Options::CHUNK) {
///             for (i, out) in out.as_mut_slice().iter_mut().enumerate() {
///                 let chunk = first..a.columns().min(first + Options::CHUNK);
///                 let sum: T = chunk.map(|j| a[(i, j)] * b[(i, j)]).sum();
///                 *out += alpha * sum;
///             }
///         }
///     }
/// }
///
/// let tape = Tape::<f64>::new();
/// let x = tape.examples("X", &Matrix::from_vec(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
/// let dots = tape.apply(RowDots, [x, x]);
/// assert_eq!(dots.value()?.as_slice(), [1.0 + 9.0 + 25.0, 4.0 + 16.0 + 36.0]);
/// # Ok::<(), tape::Error>(())
/// ```
pub trait Contraction<T: Scalar> {
    /// Adds α times the sum over these columns of the operands to `out`; writes it there, if the
    /// sum `begins` with them.
    ///
    /// A program calls it for tiles of a whole number of [chunks](crate::Options::CHUNK), but for
    /// the last one, and with α = 1 or what the sum is multiplied by. A kernel that adds up each
    /// chunk first, and then adds α times its sum to `out`, gives the same bits for every size of a
    /// tile and any number of threads.
    fn accumulate(&self, operands: &Operands<'_, T>, alpha: T, begins: bool, out: &mut MatrixMut<'_, T>);
}

/// What hash-consing needs of an operation; implemented for every `Eq + Hash` type.
pub trait Identity: Any {
    /// Whether `other` is the same operation with the same parameters.
    fn same(&self, other: &dyn Any) -> bool;
    /// Feeds the operation's identity to a hasher.
    fn feed(&self, state: &mut dyn Hasher);
    /// The value as `Any`.
    fn as_any(&self) -> &dyn Any;
}

impl<O: Eq + Hash + Any> Identity for O {
    fn same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<O>() == Some(self)
    }
    fn feed(&self, mut state: &mut dyn Hasher) {
        self.type_id().hash(&mut state);
        self.hash(&mut state);
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What is wrong with the operands' shapes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mismatch {
    pub(crate) reason: Cow<'static, str>,
    pub(crate) hint: Option<Cow<'static, str>>,
}

impl Mismatch {
    /// A mismatch with its reason, for instance `"inner dimensions differ"`.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Mismatch { reason: reason.into(), hint: None }
    }

    /// Adds what the user may have meant.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Why a kernel could not compute its result.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// A label of the log-loss is not in [0, 1].
    Label {
        /// Which operand holds the labels.
        operand: usize,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// A probability of the log-loss is not in [0, 1].
    Probability {
        /// Which operand holds the probabilities.
        operand: usize,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// A label of the cross-entropy is negative or not finite.
    Share {
        /// Which operand holds the labels.
        operand: usize,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// An index is no whole number below the count of what it names.
    Index {
        /// Which operand holds the indices.
        operand: usize,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// How many there are to name.
        count: usize,
    },
    /// Anything else, in words.
    Other(String),
}

impl Fault {
    /// The row and the column that it tells.
    fn place_mut(&mut self) -> Option<(&mut usize, &mut usize)> {
        match self {
            Fault::Label { row, column, .. }
            | Fault::Probability { row, column, .. }
            | Fault::Share { row, column, .. }
            | Fault::Index { row, column, .. } => Some((row, column)),
            Fault::Other(_) => None,
        }
    }

    /// A fault in a section, which tells its place as a row, with the place in a matrix of so many
    /// rows, where the section begins with column `first`.
    pub(crate) fn placed(mut self, rows: usize, first: usize) -> Self {
        if let Some((row, column)) = self.place_mut() {
            *column = first + *row / rows;
            *row %= rows;
        }
        self
    }

    /// A fault in some columns, with its place among all of them; `start` is the first of the operand
    /// that it is in.
    pub(crate) fn shifted(mut self, start: impl FnOnce(usize) -> usize) -> Self {
        let operand = match self {
            Fault::Label { operand, .. }
            | Fault::Probability { operand, .. }
            | Fault::Share { operand, .. }
            | Fault::Index { operand, .. } => operand,
            Fault::Other(_) => return self,
        };
        if let Some((_, column)) = self.place_mut() {
            *column += start(operand);
        }
        self
    }
}

/// Where a kernel finds its operands.
pub(crate) trait Source<T>: Debug {
    /// Number of operands.
    fn count(&self) -> usize;
    /// Operand `i`, its columns side by side.
    fn get(&self, i: usize) -> MatrixRef<'_, T>;
    /// Operand `i`, its columns where they are.
    fn selection(&self, i: usize) -> Selection<'_, T>;
}

/// The operands of a kernel, as views.
#[derive(Debug)]
pub struct Operands<'a, T> {
    source: &'a dyn Source<T>,
    m: usize,
    threads: usize,
}

impl<'a, T: Scalar> Operands<'a, T> {
    /// Those of a source, in a run on m examples, for a kernel that may use so many threads, the
    /// one it runs on among them.
    pub(crate) fn new(source: &'a dyn Source<T>, m: usize, threads: usize) -> Self {
        Operands { source, m, threads }
    }

    /// Number of operands.
    pub fn len(&self) -> usize {
        self.source.count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Operand `i`, from 0.
    ///
    /// Of a columnwise operation, and of a [`Contraction`], operands with one column
    /// per example may come as a tile of some of these columns.
    ///
    /// # Panics
    /// If there is no such operand.
    pub fn get(&self, i: usize) -> MatrixRef<'a, T> {
        self.source.get(i)
    }

    /// Operand `i` of a product that can read columns from where they are.
    pub(crate) fn selection(&self, i: usize) -> Selection<'a, T> {
        self.source.selection(i)
    }

    /// The number of examples m of this run, of which a tile has a part.
    pub fn m(&self) -> usize {
        self.m
    }

    /// How many threads the kernel may use, the one it runs on among them.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }
}

/// Equality and hash by the named fields, with no demand on the number type: a derived one would
/// ask for `T: Eq`.
macro_rules! equal_by {
    ($Type:ident: $($field:tt),+) => {
        impl<T: Scalar> PartialEq for $Type<T> {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&+
            }
        }
        impl<T: Scalar> Eq for $Type<T> {}
        impl<T: Scalar> std::hash::Hash for $Type<T> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)+
            }
        }
    };
}
pub(crate) use equal_by;
